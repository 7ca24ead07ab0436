//! Conditional probabilities: the weight of the worlds of answer and evidence by that of the worlds of the evidence.

use nsdl::Provenance;

use super::{Verdict, compare, read, session};
use crate::oracle::enumerate::{Distribution, given};
use crate::oracle::solve::Model;
use crate::oracle::{Program, Tuple};

/// More worlds are not enumerated again.
const WORLDS: usize = 20_000;

/// Given one or two tuples that hold in some worlds only, or their absence, `exact` and untruncated proofs are the
/// quotient of weights of worlds.
pub fn conditional(program: &Program, means: &Distribution) -> Verdict {
    let mut uncertain: Vec<(usize, Tuple)> = Vec::new();
    for (relation, rows) in means.relations.iter().enumerate() {
        let open = |value: f64| (0.02..=0.98).contains(&value);
        let rows = rows.iter().filter(|(_, found)| open(found.value));
        uncertain.extend(rows.map(|(row, _)| (relation, row.clone())));
    }
    // The first holds and the last does not, or the other way round.
    let Some((first, last)) = uncertain.first().zip(uncertain.last()) else {
        return Ok(());
    };
    for holds in [true, false] {
        let mut evidence = vec![(first.0, first.1.clone(), holds)];
        if first != last {
            evidence.push((last.0, last.1.clone(), !holds));
        }
        let Ok((joint, total)) = given(program, &evidence, WORLDS) else {
            return Ok(());
        };
        for provenance in [Provenance::Exact, Provenance::TopKProofs { k: 10_000 }] {
            let mut session = session(&program.to_string())?;
            session.set_provenance(Some(provenance));
            for (relation, row, holds) in &evidence {
                let name = &program.relations[*relation].name;
                let atom = format!("{name}{}", program.tuple(*relation, row));
                session
                    .add_evidence(&atom, *holds)
                    .map_err(|error| (error.code(), error.to_string()))?;
            }
            let found = read(program, session);
            if total < 1e-9 {
                // Impossible, or so unlikely that rounding decides.
                match found {
                    Err(("E0550", _)) | Ok(_) => continue,
                    Err(other) => return Err(other),
                }
            }
            let quotient: Model = joint
                .iter()
                .map(|rows| {
                    let rows = rows.iter();
                    rows.map(|(row, weight)| (row.clone(), weight / total))
                        .collect()
                })
                .collect();
            compare(program, &quotient, &found?, 1e-9 / total)
                .map_err(|what| ("conditional", format!("given {evidence:?}: {what}")))?;
        }
    }
    Ok(())
}
