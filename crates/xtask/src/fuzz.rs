//! `cargo xtask fuzz`: random inputs for the parser, the type checker and the evaluator.

use clap::ValueEnum;

use crate::shell::{self, Result, cargo};

/// What to fuzz.
#[derive(Clone, Copy, ValueEnum)]
pub enum Target {
    /// Any text is parsed, and printing undoes it
    Parser,
    /// Any tree is compiled, or its errors have places
    Types,
    /// The engine computes what the oracle does
    Evaluator,
}

/// Fuzzes one target, or all one after the other, for so many minutes each.
pub fn run(target: Option<Target>, minutes: f64, seed: u64) -> Result {
    let targets = target.map_or(Target::value_variants().to_vec(), |target| vec![target]);
    let mut failed = Vec::new();
    for target in targets {
        let name = target.to_possible_value();
        let name = name.as_ref().map_or("", |name| name.get_name());
        // Unoptimised parts check for overflow: better for this than a release.
        let hunt = shell::run(
            cargo()
                .args([
                    "run",
                    "--quiet",
                    "--package",
                    "nsdl-tests",
                    "--bin",
                    "fuzz",
                    "--",
                ])
                .args([name, &minutes.to_string(), &seed.to_string()]),
        );
        if hunt.is_err() {
            failed.push(name.to_owned());
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "faults in {}: see tests/fuzz/, and target/fuzz/ for what ended the process",
            failed.join(", ")
        )),
    }
}
