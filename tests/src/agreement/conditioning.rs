//! Evidence: the share of the worlds that hold an answer among those that hold the evidence.

use std::collections::BTreeMap;

use nsdl::Provenance;

use super::{Case, Verdict, session, warned};
use crate::oracle::enumerate::Distribution;
use crate::oracle::solve::Model;
use crate::oracle::{Program, Tuple};
use crate::random::Random;

/// What is observed: a tuple, and whether it holds.
pub(super) type Observation = (usize, Tuple, bool);

/// `evidence …` conditions every answer.
pub(super) fn conditioning(case: &Case<'_>) -> Verdict {
    let Some(evidence) = evidence(case) else {
        return Ok(());
    };
    let Some(expected) = given(case.program, case.means, &evidence) else {
        return Ok(()); // Worlds hardly hold it.
    };
    let formulas = clauses(case, &evidence);
    let text = format!("{}evidence {}\n", case.program, formulas.join(", "));
    let conditioned = Case {
        program: case.program,
        means: case.means,
        session: session(&text, None)?,
    };
    for provenance in [
        Provenance::Exact,
        Provenance::Auto,
        Provenance::TopKProofs { k: 10_000 },
    ] {
        let (got, outcome) = conditioned.run(provenance)?;
        if !warned(&outcome, "W0602") && !warned(&outcome, "W0604") {
            let fault = |what| {
                (
                    "conditioning",
                    format!("{provenance}, {formulas:?}: {what}"),
                )
            };
            case.compare(&expected, &got, 1e-9).map_err(fault)?;
        }
    }
    Ok(())
}

/// Observations as written in programs.
pub(super) fn clauses(case: &Case<'_>, evidence: &[Observation]) -> Vec<String> {
    let formulas = evidence.iter().map(|(relation, row, holds)| {
        let not = if *holds { "" } else { "not " };
        let name = &case.program.relations[*relation].name;
        format!("{not}{name}{}", case.program.tuple(*relation, row))
    });
    formulas.collect()
}

/// One or two uncertain tuples; always the same ones of a program.
pub(super) fn evidence(case: &Case<'_>) -> Option<Vec<Observation>> {
    let mut uncertain = Vec::new();
    for (relation, rows) in case.probabilities().into_iter().enumerate() {
        let possible = rows.into_iter().filter(|(_, p)| (0.02..0.98).contains(p));
        uncertain.extend(possible.map(|(row, _)| (relation, row)));
    }
    if uncertain.is_empty() {
        return None;
    }
    let mut random = Random::new(case.program.to_string().len() as u64);
    let observations = (0..random.range(1, 2)).map(|_| {
        let (relation, row) = random.pick(&uncertain).clone();
        (relation, row, random.chance(0.7))
    });
    Some(observations.collect())
}

/// Probabilities given the evidence, unless that is all but impossible.
pub(super) fn given(
    program: &Program,
    means: &Distribution,
    evidence: &[Observation],
) -> Option<Model> {
    let mut model: Model = vec![BTreeMap::new(); program.relations.len()];
    let mut weight = 0.0;
    for world in &means.worlds {
        let observed = |(relation, row, holds): &Observation| {
            world.model[*relation].contains_key(row) == *holds
        };
        if !evidence.iter().all(observed) {
            continue;
        }
        weight += world.weight;
        for (relation, rows) in world.model.iter().enumerate() {
            for row in rows.keys() {
                *model[relation].entry(row.clone()).or_default() += world.weight;
            }
        }
    }
    for probability in model.iter_mut().flat_map(BTreeMap::values_mut) {
        *probability /= weight;
    }
    (weight > 1e-3).then_some(model)
}
