//! The examples of the documentation: each `dl` block runs, and prints the `text` block that follows it.

use std::fs;
use std::path::{Path, PathBuf};

use nsdl::{Session, print};

/// `(line, program, expected output)` of each `dl` block with a `text` block right after it; a `dl` block
/// without one only has to run.
fn examples(markdown: &str) -> Vec<(usize, String, Option<String>)> {
    let mut blocks: Vec<(usize, &str, String)> = Vec::new();
    let mut open = false;
    for (number, line) in markdown.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(language) if !open => {
                blocks.push((number + 1, language, String::new()));
                open = true;
            }
            Some(_) => open = false,
            None if open => {
                if let Some((_, _, text)) = blocks.last_mut() {
                    text.push_str(line);
                    text.push('\n');
                }
            }
            None => {}
        }
    }
    let outputs = blocks.iter().skip(1).map(Some).chain([None]);
    blocks
        .iter()
        .zip(outputs)
        .filter(|(block, _)| block.1 == "dl")
        .map(|(block, next)| {
            let output = next
                .filter(|next| next.1 == "text")
                .map(|next| next.2.clone());
            (block.0, block.2.clone(), output)
        })
        .collect()
}

fn run(program: &str) -> nsdl::Result<String> {
    let mut session = Session::new();
    session.add_program("documentation", program)?;
    let outcome = session.run()?;
    Ok(outcome
        .relations
        .iter()
        .map(|relation| print::text(relation) + "\n")
        .collect())
}

/// The pages that `docs/SUMMARY.md` lists, but for those of the error codes, which have a test of their own.
fn pages(root: &Path) -> Vec<PathBuf> {
    let summary = fs::read_to_string(root.join("docs/SUMMARY.md")).unwrap_or_default();
    let links = summary.split("](").skip(1);
    let links = links.filter_map(|rest| Some(rest.split_once(')')?.0));
    let pages = links.filter(|link| !link.starts_with("errors/"));
    let pages = pages.map(|link| root.join("docs").join(link));
    [root.join("README.md")].into_iter().chain(pages).collect()
}

#[test]
fn programs_in_the_documentation_print_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut ran = 0;
    let mut wrong = Vec::new();
    for path in pages(&root) {
        let page = path.display();
        let markdown = fs::read_to_string(&path).unwrap();
        for (line, program, expected) in examples(&markdown) {
            ran += 1;
            match (run(&program), expected) {
                (Err(error), _) => wrong.push(format!("{page}:{line}\n{error}")),
                (Ok(output), Some(expected)) if output.trim_end() != expected.trim_end() => {
                    wrong.push(format!("{page}:{line}\nexpected\n{expected}got\n{output}"));
                }
                _ => {}
            }
        }
    }
    assert!(ran >= 36, "only {ran} programs found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
