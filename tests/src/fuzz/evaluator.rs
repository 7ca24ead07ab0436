//! The engine computes what the oracle does: random programs against the enumeration of worlds, and damaged
//! ones evaluated semi-naively and naively.

use nsdl::Limits;
use nsdl_ir::{SourceId, Symbols};

use super::{Fault, mutate};
use crate::agreement::{CHECKS, Case, LIMITED, ORACLE};
use crate::corpus;
use crate::generate;
use crate::naive;
use crate::oracle::Program;
use crate::oracle::enumerate::distribution;
use crate::random::Random;
use crate::shrink;

/// Begins the text of a program of the generator: its seed follows.
pub const SEED: &str = "// seed: ";

/// A program of the generator, or a damaged one.
pub fn input(seed: u64, random: &mut Random, corpus: &[corpus::Case]) -> String {
    match random.below(2) {
        0 => format!("{SEED}{seed}\n{}", generate::text(seed)),
        _ => mutate::words(&random.pick(corpus).text, corpus, random),
    }
}

/// A text that begins with a seed is compared with the oracle, another one naively with semi-naively.
///
/// # Errors
/// What does not hold.
pub fn check(text: &str) -> Result<(), Fault> {
    twice(text)?;
    let seed = text.lines().next().and_then(|line| line.strip_prefix(SEED));
    match seed.and_then(|seed| seed.parse().ok()) {
        Some(seed) => worlds(seed),
        None => Ok(()),
    }
}

fn worlds(seed: u64) -> Result<(), Fault> {
    let (program, _) = generate::program(seed);
    let verdict = |program: &Program| {
        let Ok(means) = distribution(program, 400) else {
            return Ok(());
        };
        let case = Case::new(program, &means).map_err(|(kind, what)| Fault::new(kind, what))?;
        let mut faults = CHECKS.iter().filter_map(|check| (check.holds)(&case).err());
        match faults.find(|(kind, _)| !LIMITED.contains(kind) && *kind != ORACLE) {
            Some((kind, what)) => Err(Fault::new(kind, what)),
            None => Ok(()),
        }
    };
    verdict(&program).map_err(|fault| {
        let fails =
            |smaller: &Program| matches!(verdict(smaller), Err(same) if same.kind == fault.kind);
        let small = shrink::shrink(program, fails);
        let what = verdict(&small)
            .err()
            .map_or(fault.what.clone(), |fault| fault.what);
        Fault::new(&fault.kind, format!("{what}\n{small}"))
    })
}

/// Semi-naive evaluation derives what naive evaluation does.
fn twice(text: &str) -> Result<(), Fault> {
    let symbols = Symbols::new();
    let (ast, problems) = nsdl_syntax::parse(text, SourceId::default());
    if !problems.is_empty() {
        return Ok(());
    }
    let Ok(compiled) = nsdl_compile::compile(&[&ast], &[], &symbols) else {
        return Ok(());
    };
    // What the answer is then depends on the order of candidates, as the warning says.
    if compiled.warnings.iter().any(|it| it.code == "W0410") {
        return Ok(());
    }
    let plan = compiled.plan;
    for trace in [false, true] {
        let options = nsdl_eval::Options {
            trace,
            limits: Limits {
                rounds: 100,
                tuples: 1_000,
                instances: 4_000,
            },
            ..Default::default()
        };
        let fast = nsdl_eval::evaluate(&plan, &symbols, &plan.facts, &options);
        let slow = nsdl_eval::naive::evaluate(&plan, &symbols, &plan.facts, &options);
        let (Ok(fast), Ok(slow)) = (fast, slow) else {
            continue;
        };
        if let Some((kind, what)) = naive::difference(&plan, &fast, &slow) {
            return Err(Fault::new(kind, format!("{what} (trace: {trace})")));
        }
    }
    Ok(())
}
