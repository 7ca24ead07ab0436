//! The algebras follow their definition.

use nsdl::Provenance;

use super::features::reads_weights;
use super::provenances::beyond;
use super::{Case, Verdict, is_recursive};
use crate::oracle::algebra::*;
use crate::oracle::{Head, Program};

/// Those that negate.
pub(super) fn with_complement(case: &Case<'_>) -> Verdict {
    for (algebra, provenance) in [
        (MIN_MAX, Provenance::MinMaxProb),
        (MIN_MAX, Provenance::Godel),
        (ADD_MULT, Provenance::AddMultProb),
        (NAND_MULT, Provenance::NandMultProb),
        (NAND_MULT, Provenance::Product),
        (MAX_MULT, Provenance::MaxMultProb),
        (NAND_MIN, Provenance::NandMinProb),
        (LUKASIEWICZ, Provenance::Lukasiewicz),
    ] {
        // Sums on a cycle come near their limit only.
        let idempotent = (algebra.plus)(0.25, 0.25) == 0.25;
        let cyclic = !idempotent && is_recursive(case.program);
        // What an aggregate reads is then known up to rounding only, which may decide what it gives.
        let rounded = cyclic || algebra.name == LUKASIEWICZ.name;
        let rounding = if rounded { 1e-6 } else { 0.0 };
        let algebra = Algebra {
            rounding,
            ..algebra
        };
        let expected = match algebra.tags(case.program) {
            Err(_) if rounded && reads_weights(case.program) => continue,
            expected => expected.map_err(beyond)?,
        };
        let (got, _) = case.run(provenance)?;
        let tolerance = if cyclic { 1e-6 } else { 1e-9 };
        case.compare(&expected, &got, tolerance)
            .map_err(|what| (provenance.name(), what))?;
    }
    Ok(())
}

/// Those that do not: whole numbers take the place of probabilities.
pub(super) fn without_complement(case: &Case<'_>) -> Verdict {
    let program = counted(case.program);
    if reads_weights(&program) {
        return Ok(());
    }
    let case = Case::under(&program, case.means, Some(Provenance::Natural))?;
    for (algebra, provenance) in [
        (NATURAL, Provenance::Natural),
        (TROPICAL, Provenance::Tropical),
        (TROPICAL, Provenance::RealTropical),
    ] {
        let expected = algebra.tags(&program).map_err(beyond)?;
        let (got, _) = case.run(provenance)?;
        case.compare(&expected, &got, 0.0)
            .map_err(|what| (provenance.name(), what))?;
    }
    Ok(())
}

/// The program with 0, 1, 2 or 3 for each probability.
fn counted(program: &Program) -> Program {
    let count = |tag: f64| ((tag * 20.0).round() as u32 % 4) as f64;
    let mut counted = program.clone();
    for set in &mut counted.facts {
        for (tag, _) in &mut set.members {
            if set.exclusive || tag.is_some() {
                *tag = Some(count(tag.unwrap_or(0.1)));
            }
        }
    }
    for rule in &mut counted.rules {
        rule.tag = rule.tag.map(count);
        if let Head::OneOf(atoms) = &mut rule.head {
            for (tag, _) in atoms {
                *tag = Some(count(tag.unwrap_or(0.15)));
            }
        }
    }
    counted
}
