//! What the engine computes against the oracle, check by check.

mod given;

use std::collections::BTreeMap;

use nsdl::{Input, Limits, Module, Output, Provenance, Relation, Session, Tape, Value};

use crate::oracle::algebra::Algebra;
use crate::oracle::enumerate::{Distribution, Probability, datalog};
use crate::oracle::solve::Model;
use crate::oracle::{Literal, Program, Tuple, Type, number, text};

pub use given::conditional;

/// What is wrong: which check, and how it came out.
pub type Verdict = Result<(), (&'static str, String)>;

/// `exact` is the weight of the worlds.
pub fn exact(program: &Program, means: &Distribution) -> Verdict {
    let got = run(program, Provenance::Exact)?;
    compare(program, &probabilities(means), &got, 1e-9).map_err(|what| ("exact", what))
}

/// `topkproofs` with a large k is `exact`.
pub fn top_k_proofs(program: &Program, means: &Distribution) -> Verdict {
    let got = run(program, Provenance::TopKProofs { k: 10_000 })?;
    compare(program, &probabilities(means), &got, 1e-9).map_err(|what| ("topkproofs", what))
}

/// `topkproofs` with a small k never exceeds `exact`, without negation and aggregates.
pub fn top_k_bound(program: &Program, means: &Distribution) -> Verdict {
    if has(program, &|literal| {
        matches!(
            literal,
            Literal::Not(_) | Literal::Implies(..) | Literal::Aggregate(_)
        )
    }) {
        return Ok(());
    }
    let exact = probabilities(means);
    for k in [1, 2, 3] {
        let got = run(program, Provenance::TopKProofs { k })?;
        for (relation, rows) in got.iter().enumerate() {
            for (row, tag) in rows {
                let most = exact[relation].get(row).copied().unwrap_or(0.0);
                if *tag > most + 1e-9 {
                    let row = program.tuple(relation, row);
                    return Err((
                        "bound",
                        format!("k {k}: {relation}{row} is {most}, got {tag}"),
                    ));
                }
            }
        }
    }
    Ok(())
}

/// `unit` and `bool` are plain Datalog.
pub fn plain(program: &Program, _: &Distribution) -> Verdict {
    for (provenance, least) in [
        (Provenance::Unit, f64::NEG_INFINITY),
        (Provenance::Bool, 0.0),
    ] {
        let Ok(expected) = datalog(program, |weight| weight > least) else {
            continue;
        };
        let got = run(program, provenance)?;
        compare(program, &expected, &got, 0.0).map_err(|what| (provenance.name(), what))?;
    }
    Ok(())
}

/// The algebras of numbers follow their definition.
pub fn fuzzy(program: &Program, _: &Distribution) -> Verdict {
    for (algebra, provenance) in [
        (Algebra::MinMax, Provenance::MinMaxProb),
        (Algebra::AddMult, Provenance::AddMultProb),
        (Algebra::NandMult, Provenance::NandMultProb),
        (Algebra::MaxMult, Provenance::MaxMultProb),
        (Algebra::NandMin, Provenance::NandMinProb),
        (Algebra::Lukasiewicz, Provenance::Lukasiewicz),
        (Algebra::MinMax, Provenance::Godel),
        (Algebra::NandMult, Provenance::Product),
    ] {
        let Ok(Some(expected)) = algebra.tags(program) else {
            continue;
        };
        let got = run(program, provenance)?;
        // Sums on a cycle come near their limit only.
        let reached = matches!(algebra, Algebra::MinMax | Algebra::MaxMult);
        let tolerance = if !reached && is_recursive(program) {
            1e-6
        } else {
            1e-9
        };
        compare(program, &expected, &got, tolerance).map_err(|what| (provenance.name(), what))?;
    }
    Ok(())
}

fn session(text: &str) -> Result<Session, (&'static str, String)> {
    let mut session = Session::new();
    session.set_limits(Limits {
        rounds: 2_000,
        tuples: 100_000,
        instances: 200_000,
    });
    session
        .add_program("random.dl", text)
        .map_err(|error| (error.code(), error.to_string()))?;
    Ok(session)
}

/// The relations of a program under a provenance, in the oracle's values.
fn run(
    program: &Program,
    provenance: Provenance,
) -> Result<Vec<BTreeMap<Tuple, f64>>, (&'static str, String)> {
    let mut session = session(&program.to_string())?;
    session.set_provenance(Some(provenance));
    read(program, session)
}

/// The relations of a session, likewise.
fn read(
    program: &Program,
    mut session: Session,
) -> Result<Vec<BTreeMap<Tuple, f64>>, (&'static str, String)> {
    session
        .run()
        .map_err(|error| (error.code(), error.to_string()))?;
    let known: Vec<String> = session
        .relations()
        .into_iter()
        .map(|signature| signature.name)
        .collect();
    let relations = program.relations.iter().map(|relation| {
        if !known.contains(&relation.name) {
            return Ok(BTreeMap::new()); // shrunk away
        }
        let found = session
            .relation(&relation.name)
            .map_err(|error| (error.code(), error.to_string()))?;
        Ok(rows(&found))
    });
    relations.collect()
}

fn rows(relation: &Relation) -> BTreeMap<Tuple, f64> {
    let rows = relation
        .tuples
        .iter()
        .map(|(tag, values)| (tuple(values), tag.probability()));
    rows.collect()
}

fn tuple(values: &[Value]) -> Tuple {
    let value = |value: &Value| match value {
        Value::Bool(value) => i64::from(*value),
        Value::String(text) => number(text).unwrap_or(-1),
        other => other
            .as_i128()
            .and_then(|value| i64::try_from(value).ok())
            .unwrap_or(i64::MIN),
    };
    values.iter().map(value).collect()
}

fn values(tuple: &[i64], columns: &[Type]) -> Vec<Value> {
    let value = |(&value, ty): (&i64, &Type)| match ty {
        Type::I32 => Value::I32(i32::try_from(value).unwrap_or_default()),
        Type::Usize => Value::Usize(value.unsigned_abs()),
        Type::Bool => Value::Bool(value != 0),
        Type::Text => Value::String(text(value).into()),
    };
    tuple.iter().zip(columns).map(value).collect()
}

/// Whether two numbers differ by more than `tolerance`; NaN is far from everything.
fn far(a: f64, b: f64, tolerance: f64) -> bool {
    let difference = (a - b).abs();
    difference > tolerance || difference.is_nan()
}

/// Compares two sets of tagged tuples, where a tuple that is absent has tag 0.
fn compare(
    program: &Program,
    expected: &Model,
    got: &[BTreeMap<Tuple, f64>],
    tolerance: f64,
) -> Result<(), String> {
    for (relation, (expected, got)) in expected.iter().zip(got).enumerate() {
        for row in expected.keys().chain(got.keys()) {
            let tag = |rows: &BTreeMap<Tuple, f64>| rows.get(row).copied().unwrap_or(0.0);
            let (expected, got) = (tag(expected), tag(got));
            if far(expected, got, tolerance) {
                let name = &program.relations[relation].name;
                return Err(format!(
                    "{name}{} is {expected}, got {got}",
                    program.tuple(relation, row)
                ));
            }
        }
    }
    Ok(())
}

fn probabilities(means: &Distribution) -> Model {
    let values = |rows: &BTreeMap<Tuple, Probability>| {
        rows.iter()
            .map(|(row, probability)| (row.clone(), probability.value))
            .collect()
    };
    means.relations.iter().map(values).collect()
}

/// Whether some formula of the program is wanted.
pub fn has(program: &Program, wanted: &dyn Fn(&Literal) -> bool) -> bool {
    fn any(body: &[Literal], wanted: &dyn Fn(&Literal) -> bool) -> bool {
        body.iter().any(|literal| {
            wanted(literal)
                || match literal {
                    Literal::Or(parts) => parts.iter().any(|part| any(part, wanted)),
                    Literal::Aggregate(aggregate) => any(&aggregate.body, wanted),
                    _ => false,
                }
        })
    }
    program.rules.iter().any(|rule| any(&rule.body, wanted))
}

/// Whether aggregates read how probable their members are.
fn reads_weights(program: &Program) -> bool {
    has(
        program,
        &|literal| matches!(literal, Literal::Aggregate(aggregate) if aggregate.op.reads_weights()),
    )
}

/// Whether some relation depends on itself.
pub fn is_recursive(program: &Program) -> bool {
    let reads = |from: usize, to: usize| {
        program.rules.iter().any(|rule| {
            rule.head
                .atoms()
                .iter()
                .any(|(_, head)| head.relation == from)
                && has(
                    &Program {
                        rules: vec![rule.clone()],
                        ..Program::default()
                    },
                    &|literal| matches!(literal, Literal::Atom(atom) if atom.relation == to),
                )
        })
    };
    let n = program.relations.len();
    let mut reach: Vec<Vec<bool>> = (0..n)
        .map(|from| (0..n).map(|to| reads(from, to)).collect())
        .collect();
    for middle in 0..n {
        for from in 0..n {
            for to in 0..n {
                reach[from][to] |= reach[from][middle] && reach[middle][to];
            }
        }
    }
    (0..n).any(|relation| reach[relation][relation])
}

/// Makes inputs of the fact sets in which every member is tagged, and compares values and gradients with the
/// enumeration, and gradients with central differences.
pub fn gradients(program: &Program, means: &Distribution, provenance: Provenance) -> Verdict {
    let tagged = |set: &usize| {
        let members = &program.facts[*set].members;
        !members.is_empty() && members.iter().all(|(tag, _)| tag.is_some())
    };
    let sets: Vec<usize> = (0..program.facts.len()).filter(tagged).collect();
    if sets.is_empty() {
        return Ok(());
    }
    let failed = |error: nsdl::Error| (error.code(), error.to_string());
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
    let session = session(&program.text_without(&sets))?;
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
        module => module.map_err(failed)?,
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
    let forward = |samples: &[Vec<Vec<f64>>],
                   tape: &mut Tape<f64>|
     -> Result<Vec<Vec<f64>>, (&'static str, String)> {
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
            .map_err(failed)?;
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
        .map_err(failed)?;

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
