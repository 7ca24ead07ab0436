//! Any tree is compiled, or its errors have places; a small evaluation of it ends.

use nsdl::{Diagnostic, Label, Limits, Provenance, Session};
use nsdl_ir::SourceId;

use super::{Fault, mutate};
use crate::corpus::Case;
use crate::generate;
use crate::random::Random;

/// A program that most often parses: names, literals and operators are exchanged, rather than letters.
pub fn input(random: &mut Random, corpus: &[Case]) -> String {
    let text = match random.below(4) {
        0 => generate::text(random.bits()),
        _ => random.pick(corpus).text.clone(),
    };
    mutate::words(&text, corpus, random)
}

/// A session takes the program, or says why not and where; then it runs, within limits.
///
/// # Errors
/// What does not hold.
pub fn check(text: &str) -> Result<(), Fault> {
    let mut session = Session::new();
    session.set_limits(Limits {
        rounds: 60,
        tuples: 2_000,
        instances: 2_000,
    });
    session.set_budget(nsdl::Budget {
        nodes: 2_000,
        ..nsdl::Budget::default()
    });
    let known = |found: &[Diagnostic]| {
        found.iter().try_for_each(|it| {
            // Other sources are modules that the program imports.
            let inside = |label: &Label| {
                label.span.source != SourceId(0) || text.get(label.span.range()).is_some()
            };
            let inside = it.labels.iter().all(inside);
            match inside && nsdl::explain(it.code).is_ok() {
                true => Ok(()),
                false => Err(Fault::new("a bad diagnostic", format!("{it:?}"))),
            }
        })
    };
    let warnings = match session.add_program("fuzz.dl", text) {
        Ok(warnings) => warnings,
        Err(error) => {
            error.render(true);
            return known(&error.diagnostics);
        }
    };
    session.render(&warnings, false);
    known(&warnings)?;
    session.plan();
    for provenance in [
        None,
        Some(Provenance::TopKProofs { k: 2 }),
        Some(Provenance::AddMultProb),
    ] {
        session.set_provenance(provenance);
        match session.run() {
            Ok(outcome) => known(&outcome.warnings)?,
            Err(error) => known(&error.diagnostics)?,
        }
    }
    Ok(())
}
