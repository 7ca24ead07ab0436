//! Every program of `corpus/`, taken through every way there is.

// Helpers of tests may panic too.
#![allow(clippy::expect_used)]

mod marginals;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use nsdl::{Diagnostic, Limits, Provenance, Relation, Session, print};
use nsdl_ir::{SourceId, Symbols};
use nsdl_tests::corpus::{Case, Place, Printed, cases, difference, printed};
use nsdl_tests::naive;

/// Runs a check on every case and lists those that fail.
fn every(errors: bool, check: impl Fn(&Case) -> Result<(), String>) {
    let cases = cases(errors);
    assert!(cases.len() >= 40, "only {} programs found", cases.len());
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| Some(format!("{}:\n{}", case.name, check(case).err()?)))
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} fail\n\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

fn session(name: &str, text: &str) -> Result<Session, String> {
    let mut session = Session::new();
    session
        .add_program(name, text)
        .map_err(|error| error.to_string())?;
    Ok(session)
}

fn relations(session: &mut Session, provenance: &str) -> Result<Vec<Relation>, String> {
    session.set_provenance(match provenance {
        "" => None,
        named => {
            let (name, k) = named.split_once(' ').unwrap_or((named, ""));
            Some(Provenance::parse(name, k.parse().ok()).map_err(|error| error.to_string())?)
        }
    });
    Ok(session.run().map_err(|error| error.to_string())?.relations)
}

/// The relations as printed, tags read back.
fn as_printed(relations: &[Relation]) -> Result<Vec<Printed>, String> {
    let one = |relation| {
        let text = print::text(relation);
        printed(&text).ok_or_else(|| format!("  cannot read `{text}`"))
    };
    relations.iter().map(one).collect()
}

fn expect(
    case: &Case,
    session: &mut Session,
    provenance: &str,
    expected: &[Printed],
) -> Result<(), String> {
    let got = as_printed(&relations(session, provenance)?)?;
    match difference(expected, &got) {
        Some(difference) => Err(format!("  [{provenance}]\n{difference}\n{}", case.text)),
        None => Ok(()),
    }
}

fn default_expectation(case: &Case) -> &[Printed] {
    case.expected
        .iter()
        .find(|(provenance, _)| provenance.is_empty())
        .map_or(&[], |(_, relations)| relations)
}

#[test]
fn programs_mean_what_they_say() {
    every(false, |case| {
        let mut session = session(&case.path.display().to_string(), &case.text)?;
        for (provenance, relations) in &case.expected {
            expect(case, &mut session, provenance, relations)?;
        }
        session.set_provenance(None);
        let outcome = session.run().map_err(|error| error.to_string())?;
        let codes = |warnings: &[Diagnostic]| {
            warnings
                .iter()
                .map(|warning| warning.code.to_string())
                .collect()
        };
        let warned: BTreeSet<String> = codes(&outcome.warnings);
        let expected: BTreeSet<String> = case.warnings.iter().cloned().collect();
        if warned == expected {
            Ok(())
        } else {
            Err(format!(
                "  expected warnings {expected:?}\n{}",
                session.render(&outcome.warnings, false)
            ))
        }
    });
}

#[test]
fn provenances_agree_where_they_must() {
    every(false, |case| {
        let mut session = session(&case.path.display().to_string(), &case.text)?;
        let all = [
            "exact",
            "topkproofs 10000",
            "unit",
            "bool",
            "minmaxprob",
            "addmultprob",
        ];
        let agreeing = if session.has_uncertainty() {
            &all[..2]
        } else {
            &all
        };
        agreeing.iter().try_for_each(|provenance| {
            expect(case, &mut session, provenance, default_expectation(case))
        })
    });
}

#[test]
fn formatting_keeps_the_meaning() {
    every(false, |case| {
        let format = |text: &str| {
            let (ast, diagnostics) = nsdl_syntax::parse(text, SourceId::default());
            if diagnostics.is_empty() {
                Ok(nsdl_syntax::format::ast(&ast))
            } else {
                Err(format!("{diagnostics:?}\n{text}"))
            }
        };
        let once = format(&case.text)?;
        let twice = format(&once)?;
        if once != twice {
            return Err(format!("  formatting twice changes\n{once}\ninto\n{twice}"));
        }
        // Under the name of the file, since it says where its imports are.
        let mut session = session(&case.path.display().to_string(), &once)
            .map_err(|error| format!("{error}\n{once}"))?;
        expect(case, &mut session, "", default_expectation(case))
            .map_err(|what| format!("{what}\n{once}"))
    });
}

#[test]
fn semi_naive_evaluation_is_naive_evaluation() {
    let few = Limits {
        rounds: 100,
        tuples: 1_000,
        instances: 4_000,
    };
    every(false, |case| {
        let symbols = Symbols::new();
        let session = session(&case.path.display().to_string(), &case.text)?;
        let outside = nsdl_compile::Outside {
            registry: session.callable(),
            ..Default::default()
        };
        let compiled = nsdl_compile::compile_with(&session.trees(), &outside, &symbols)
            .map_err(|errors| format!("{errors:?}"))?;
        let plans = std::iter::once(compiled.plan).chain(compiled.focused);
        for (plan, trace) in plans.flat_map(|plan| [(plan.clone(), false), (plan, true)]) {
            let keyed = plan.relations.iter().any(|it| it.keep.is_some());
            let options = nsdl_eval::Options {
                trace,
                registry: session.callable(),
                marginals: Some(Arc::new(marginals::Exact)),
                // The naive way may go round a cycle for ever worse candidates.
                limits: if keyed {
                    few.clone()
                } else {
                    Limits::default()
                },
                ..Default::default()
            };
            let fast = nsdl_eval::evaluate(&plan, &symbols, &plan.facts, &options)
                .map_err(|e| format!("{e:?}"))?;
            let slow = match nsdl_eval::naive::evaluate(&plan, &symbols, &plan.facts, &options) {
                Err(error) if trace && keyed && error.code.starts_with("E061") => continue,
                slow => slow.map_err(|e| format!("{e:?}"))?,
            };
            if let Some((kind, what)) = naive::difference(&plan, &fast, &slow) {
                return Err(format!("  {kind} (trace: {trace}): {what}"));
            }
        }
        Ok(())
    });
}

#[test]
fn errors_are_reported() {
    every(true, |case| {
        let mut session = Session::new();
        let known = "rel survivor(1)";
        session
            .add_program("before.dl", known)
            .map_err(|error| error.to_string())?;
        let Err(error) = session.add_program(&case.path.display().to_string(), &case.text) else {
            return Err("  no error".into());
        };
        let errors = error
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.is_error());
        let got: Vec<Place> = errors
            .map(|diagnostic| place(diagnostic, &case.text))
            .collect();
        let rendered = error.to_string();
        let matches = |expected: &Place, got: &Place| {
            got.code == expected.code
                && (expected.line.is_none() || expected.line == got.line)
                && (expected.column.is_none() || expected.column == got.column)
        };
        if got.len() != case.errors.len()
            || !case.errors.iter().zip(&got).all(|(a, b)| matches(a, b))
        {
            return Err(format!(
                "  expected {:?}\n  got      {got:?}\n{rendered}",
                case.errors
            ));
        }
        if let Some(missing) = case
            .help
            .iter()
            .find(|help| !rendered.contains(help.as_str()))
        {
            return Err(format!("  `{missing}` is not in\n{rendered}"));
        }
        // The session is as it was before.
        let left = as_printed(&relations(&mut session, "")?)?;
        match difference(
            &[Printed {
                name: "survivor".into(),
                tuples: vec![(1.0, "(1)".into())],
            }],
            &left,
        ) {
            Some(difference) => Err(format!("  the session is not what it was\n{difference}")),
            None => Ok(()),
        }
    });
}

fn place(diagnostic: &Diagnostic, text: &str) -> Place {
    let code = diagnostic.code.to_string();
    let Some(before) = diagnostic
        .span()
        .and_then(|span| text.get(..span.start as usize))
    else {
        return Place {
            code,
            line: None,
            column: None,
        };
    };
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    Place {
        code,
        line: Some(line),
        column: Some(column),
    }
}

#[test]
fn the_command_line_agrees() {
    let nsdl = binary();
    every(false, |case| {
        let mut session = session(&case.path.display().to_string(), &case.text)?;
        let relations = relations(&mut session, "")?;
        let path = case.path.to_string_lossy();
        for (format, expected) in [
            ("json", print::json(&relations)),
            (
                "text",
                relations
                    .iter()
                    .map(print::text)
                    .collect::<Vec<_>>()
                    .join("\n"),
            ),
        ] {
            let output = run(&nsdl, &["run", &path, "--format", format])?;
            let got = String::from_utf8_lossy(&output.stdout);
            if got.trim_end() != expected {
                let errors = String::from_utf8_lossy(&output.stderr);
                return Err(format!("  expected {expected}\n  got      {got}\n{errors}"));
            }
            if format == "json" {
                let json: Result<serde_json::Value, _> = serde_json::from_str(&got);
                json.map_err(|error| format!("  no JSON: {error}\n{got}"))?;
            }
            if output.status.code() != Some(0) {
                return Err(format!("  exit {:?}", output.status));
            }
        }
        Ok(())
    });
    every(true, |case| {
        let path = case.path.to_string_lossy();
        for command in ["run", "check"] {
            let output = run(&nsdl, &[command, &path])?;
            let errors = String::from_utf8_lossy(&output.stderr);
            if output.status.code() != Some(1) || !output.stdout.is_empty() {
                return Err(format!(
                    "  nsdl {command}: {:?}, stdout {:?}",
                    output.status, output.stdout
                ));
            }
            if let Some(missing) = case
                .errors
                .iter()
                .find(|error| !errors.contains(&error.code))
            {
                return Err(format!(
                    "  nsdl {command}: no {} in\n{errors}",
                    missing.code
                ));
            }
        }
        Ok(())
    });
}

fn run(nsdl: &Path, arguments: &[&str]) -> Result<Output, String> {
    Command::new(nsdl)
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .map_err(|error| error.to_string())
}

/// The `nsdl` binary, built as the tests are: cargo names binaries only to tests of their own package.
fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("the test knows where it is");
    let folder = test
        .ancestors()
        .nth(2)
        .expect("tests lie in target/PROFILE/deps")
        .to_path_buf();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "nsdl-cli"]);
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(built.success(), "nsdl-cli does not build");
    folder.join(format!("nsdl{}", std::env::consts::EXE_SUFFIX))
}
