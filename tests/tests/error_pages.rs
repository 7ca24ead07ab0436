//! The pages of `docs/errors/`: the wrong program of each gives exactly its code, the right one runs without a word.
//!
//! A page is `# CODE: Title`, some sentences, a block ```` ```dl wrong ```` and a block ```` ```dl ````, each
//! perhaps with a provenance behind it (`dl wrong topkproofs 1`). A code that no program text can raise says
//! so in a line "No program text alone raises it; see `FILE`.", and that file knows the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use nsdl::{Diagnostic, Limits, Provenance, Session};

/// A block of a page: whether it is wrong, its provenance, its program.
type Program = (bool, String, String);

fn programs(page: &str) -> Vec<Program> {
    let mut all: Vec<Program> = Vec::new();
    let (mut open, mut is_program) = (false, false);
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(info) if !open => {
                open = true;
                is_program = info == "dl" || info.starts_with("dl ");
                if is_program {
                    let words = info.trim_start_matches("dl").trim();
                    let provenance = words.trim_start_matches("wrong").trim();
                    all.push((words.starts_with("wrong"), provenance.into(), String::new()));
                }
            }
            Some(_) => open = false,
            None if open && is_program => {
                if let Some((.., program)) = all.last_mut() {
                    program.push_str(line);
                    program.push('\n');
                }
            }
            None => {}
        }
    }
    all
}

/// The codes that a program gives when it is loaded and run, and how they are rendered.
fn codes(program: &str, provenance: &str) -> (BTreeSet<&'static str>, String) {
    let mut session = Session::new();
    // Small, so that a program that exceeds them does so at once; right ones stay far below.
    session.set_limits(Limits {
        rounds: 500,
        tuples: 20_000,
        instances: 20_000,
    });
    session.set_budget(nsdl::Budget {
        nodes: 20_000,
        ..nsdl::Budget::default()
    });
    let all = |found: &[Diagnostic]| found.iter().map(|it| it.code).collect();
    let run = |session: &mut Session| {
        if !provenance.is_empty() {
            let (name, k) = provenance.split_once(' ').unwrap_or((provenance, ""));
            session.set_provenance(Some(Provenance::parse(name, k.parse().ok())?));
        }
        session.add_program("page", program)?;
        let warnings = session.run()?.warnings;
        Ok((all(&warnings), session.render(&warnings, false)))
    };
    run(&mut session)
        .unwrap_or_else(|error: nsdl::Error| (all(&error.diagnostics), error.to_string()))
}

fn check(code: &str, page: &str) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if !page.starts_with(&format!("# {code}: ")) {
        return Err(format!("the first line is not `# {code}: Title`"));
    }
    let programs = programs(page);
    let elsewhere = page.lines().find_map(|line| {
        let rest = line.strip_prefix("No program text alone raises it; see `")?;
        rest.strip_suffix("`.")
    });
    if let Some(file) = elsewhere {
        return match fs::read_to_string(root.join(file)) {
            Ok(text) if text.contains(code) => Ok(()),
            Ok(_) => Err(format!("{file} does not know {code}")),
            Err(error) => Err(format!("{file}: {error}")),
        };
    }
    for wanted in [true, false] {
        if !programs.iter().any(|(wrong, ..)| *wrong == wanted) {
            return Err("a wrong and a right program are needed".into());
        }
    }
    for (wrong, provenance, program) in programs {
        let (codes, shown) = codes(&program, &provenance);
        let expected: BTreeSet<&str> = if wrong { [code].into() } else { [].into() };
        if codes != expected {
            return Err(format!(
                "expected {expected:?} of\n{program}got {codes:?}\n{shown}"
            ));
        }
    }
    Ok(())
}

#[test]
fn each_page_shows_its_code_and_how_to_mend_it() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (code, title) in nsdl::codes() {
        count += 1;
        let page = nsdl::explain(code).unwrap_or_default();
        if title.is_empty() {
            wrong.push(format!("{code} has no title"));
        }
        if let Err(what) = check(code, page) {
            wrong.push(format!("docs/errors/{code}.md: {what}"));
        }
    }
    assert!(count >= 90, "only {count} pages found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
