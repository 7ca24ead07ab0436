//! Gradients of modules against the enumeration and against differences.

use nsdl::{Input, Module, Output, Provenance, Tape};

use super::features::reads_weights;
use super::{Case, Fault, Verdict, far, fault, session, tuple, values};
use crate::oracle::Program;

/// Those of `exact`.
pub(super) fn exact(case: &Case<'_>) -> Verdict {
    gradients(case, Provenance::Exact)
}

/// Those of `topkproofs` that drops nothing.
pub(super) fn top_k_proofs(case: &Case<'_>) -> Verdict {
    gradients(case, Provenance::TopKProofs { k: 10_000 })
}

/// The fact sets in which every member is tagged.
pub(super) fn tagged(program: &Program) -> Vec<usize> {
    let tagged = |set: &usize| {
        let members = &program.facts[*set].members;
        !members.is_empty() && members.iter().all(|(tag, _)| tag.is_some())
    };
    (0..program.facts.len()).filter(tagged).collect()
}

/// Makes inputs of the fact sets in which every member is tagged, and compares values and gradients with the
/// enumeration, and gradients with central differences.
fn gradients(case: &Case<'_>, provenance: Provenance) -> Verdict {
    let (program, means) = (case.program, case.means);
    let sets = tagged(program);
    if sets.is_empty() {
        return Ok(());
    }
    let inputs: Vec<Input> = sets
        .iter()
        .map(|&set| {
            let set = &program.facts[set];
            let relation = &program.relations[set.relation];
            let mapping = set
                .members
                .iter()
                .map(|(_, tuple)| values(tuple, &relation.columns))
                .collect();
            Input {
                relation: relation.name.clone(),
                mapping,
                exclusive: set.exclusive,
            }
        })
        .collect();
    let session = session(&program.text_without(&sets), None)?;
    let known: Vec<String> = session
        .relations()
        .into_iter()
        .map(|signature| signature.name)
        .collect();
    let relations: Vec<usize> = (0..program.relations.len())
        .filter(|&r| known.contains(&program.relations[r].name))
        .collect();
    let outputs = relations
        .iter()
        .map(|&r| Output {
            relation: program.relations[r].name.clone(),
            mapping: None,
        })
        .collect();
    let module = match Module::new(&session, inputs, outputs, provenance) {
        Err(error) if error.code() == "E0850" && reads_weights(program) => return Ok(()),
        module => module.map_err(fault)?,
    };

    let weights: Vec<Vec<f64>> = sets
        .iter()
        .map(|&set| {
            program.facts[set]
                .members
                .iter()
                .filter_map(|(tag, _)| *tag)
                .collect()
        })
        .collect();
    let widths: Vec<usize> = (0..relations.len())
        .map(|output| module.tuples(output).len())
        .collect();
    let total: usize = widths.iter().sum();
    let forward =
        |samples: &[Vec<Vec<f64>>], tape: &mut Tape<f64>| -> Result<Vec<Vec<f64>>, Fault> {
            let columns: Vec<Vec<f64>> = (0..sets.len())
                .map(|input| {
                    samples
                        .iter()
                        .flat_map(|sample| sample[input].clone())
                        .collect()
                })
                .collect();
            let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            let mut values: Vec<Vec<f64>> = widths
                .iter()
                .map(|width| vec![f64::NAN; width * samples.len()])
                .collect();
            let mut slices: Vec<&mut [f64]> = values.iter_mut().map(Vec::as_mut_slice).collect();
            module
                .forward(&columns, samples.len(), false, tape, &mut slices)
                .map_err(fault)?;
            Ok(values)
        };

    // One sample for each tuple of each output, to ask each for its own gradient.
    let mut tape = Tape::default();
    let found = forward(&vec![weights.clone(); total], &mut tape)?;
    let mut asked: Vec<Vec<f64>> = widths
        .iter()
        .map(|width| vec![0.0; width * total])
        .collect();
    let mut which = Vec::new();
    for (output, &width) in widths.iter().enumerate() {
        for column in 0..width {
            asked[output][which.len() * width + column] = 1.0;
            which.push((output, column));
        }
    }
    let asked: Vec<&[f64]> = asked.iter().map(Vec::as_slice).collect();
    let mut got: Vec<Vec<f64>> = weights
        .iter()
        .map(|weights| vec![f64::NAN; weights.len() * total])
        .collect();
    let mut slices: Vec<&mut [f64]> = got.iter_mut().map(Vec::as_mut_slice).collect();
    module
        .backward(&mut tape, &asked, &mut slices)
        .map_err(fault)?;

    let step = 1e-4;
    let mut shifted = Vec::new();
    for (input, weights_of_input) in weights.iter().enumerate() {
        for column in 0..weights_of_input.len() {
            for by in [step, -step] {
                let mut sample = weights.clone();
                sample[input][column] += by;
                shifted.push(sample);
            }
        }
    }
    let around = forward(&shifted, &mut Tape::default())?;

    let firsts: Vec<usize> = sets
        .iter()
        .map(|&set| {
            program.facts[..set]
                .iter()
                .map(|earlier| earlier.members.len())
                .sum()
        })
        .collect();
    for (sample, &(output, column)) in which.iter().enumerate() {
        let relation = relations[output];
        let row = tuple(&module.tuples(output)[column]);
        let name = || {
            format!(
                "{}{}",
                program.relations[relation].name,
                program.tuple(relation, &row)
            )
        };
        let expected = means.relations[relation].get(&row);
        let value = found[output][sample * widths[output] + column];
        let wanted = expected.map_or(0.0, |probability| probability.value);
        if far(value, wanted, 1e-9) {
            return Err((
                "value of the module",
                format!("{} is {wanted}, got {value}", name()),
            ));
        }
        let mut shift = 0;
        for (input, &first) in firsts.iter().enumerate() {
            let width = weights[input].len();
            for member in 0..width {
                let gradient = got[input][sample * width + member];
                let wanted =
                    expected.map_or(0.0, |probability| probability.gradient[first + member]);
                let at = |shift: usize| around[output][shift * widths[output] + column];
                let difference = (at(shift) - at(shift + 1)) / (2.0 * step);
                shift += 2;
                let by = || {
                    format!(
                        "d {} / d {}[{member}]",
                        name(),
                        program.relations[program.facts[sets[input]].relation].name
                    )
                };
                if far(gradient, wanted, 1e-9) {
                    return Err(("gradient", format!("{} is {wanted}, got {gradient}", by())));
                }
                if far(gradient, difference, 1e-5) {
                    return Err((
                        "differences",
                        format!("{}: difference {difference}, gradient {gradient}", by()),
                    ));
                }
            }
        }
    }
    Ok(())
}
