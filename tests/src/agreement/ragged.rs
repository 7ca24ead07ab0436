//! Batches whose samples have facts of their own: each sample against its worlds, and against a module of its own,
//! in values and gradients.

use std::ops::Range;

use nsdl::{
    Arrangement, BatchTape, Input, Module, Output, Provenance, Ragged, Session, Shapes, Tape, Value,
};

use super::conditioning::{clauses, evidence, given};
use super::features::reads_weights;
use super::gradients::tagged;
use super::{Case, Verdict, far, fault, session, tuple, values};
use crate::oracle::Program;
use crate::oracle::enumerate::distribution;
use crate::random::Random;

/// How many samples; the first two have all facts, so that they share a shape, and the last has none.
const SAMPLES: usize = 6;

/// What samples have in common, and the programs that they are by themselves.
struct Batch<'a> {
    case: &'a Case<'a>,
    /// Without the facts of samples.
    session: Session,
    /// The fact sets that each sample has members of its own in.
    sets: Vec<usize>,
    samples: Vec<Program>,
    provenance: Provenance,
    observed: Vec<super::conditioning::Observation>,
}

/// All fact sets whose members are tagged differ from sample to sample.
pub(super) fn ragged(case: &Case<'_>) -> Verdict {
    let sets = tagged(case.program);
    if sets.is_empty() {
        return Ok(());
    }
    let mut program = case.program.clone();
    for relation in &mut program.relations {
        relation.declared = true;
    }
    let mut random = Random::new(program.to_string().len() as u64);
    let samples: Vec<Program> = (0..SAMPLES)
        .map(|i| sample(&program, &sets, i, &mut random))
        .collect();
    let text = program.text_without(&sets);
    for provenance in [
        Provenance::Exact,
        Provenance::MinMaxProb,
        Provenance::TopKProofs { k: 3 },
    ] {
        let batch = |observed: Vec<_>, text: &str| {
            Ok(Batch {
                case,
                session: session(text, None)?,
                sets: sets.clone(),
                samples: samples.clone(),
                provenance,
                observed,
            })
        };
        batch(Vec::new(), &text)?.check(&mut random)?;
        if let Some(observed) = evidence(case)
            && provenance != Provenance::MinMaxProb
        {
            let text = format!("{text}evidence {}\n", clauses(case, &observed).join(", "));
            batch(observed, &text)?.check(&mut random)?;
        }
    }
    Ok(())
}

/// Some of the members, with weights that hardly tie.
fn sample(program: &Program, sets: &[usize], number: usize, random: &mut Random) -> Program {
    let mut sample = program.clone();
    let kept = match number {
        0 | 1 => 1.0,
        n if n + 1 == SAMPLES => 0.0,
        _ => 0.7,
    };
    for &set in sets {
        let set = &mut sample.facts[set];
        set.members.retain(|_| random.chance(kept));
        let share = match set.exclusive {
            true => 1.0 / set.members.len() as f64,
            false => 1.0,
        };
        for (tag, _) in &mut set.members {
            *tag = Some(share * (0.02 + 0.96 * random.unit()));
        }
    }
    sample
}

/// The facts of one relation for all samples.
#[derive(Default)]
struct Facts {
    tuples: Vec<Vec<Value>>,
    offsets: Vec<usize>,
    groups: Vec<i64>,
    weights: Vec<f64>,
}

/// Values and gradients of one sample: of each output and of each open relation.
struct Found {
    tuples: Vec<Vec<Vec<Value>>>,
    values: Vec<Vec<f64>>,
    gradients: Vec<Vec<f64>>,
}

impl Batch<'_> {
    fn check(&self, random: &mut Random) -> Verdict {
        match self.together(random) {
            Err((code, _)) if code == "E0850" && reads_weights(self.case.program) => Ok(()),
            verdict => verdict,
        }
    }

    /// The relations that have facts of samples.
    fn open(&self) -> Vec<usize> {
        let facts = &self.case.program.facts;
        let mut open: Vec<usize> = self.sets.iter().map(|&set| facts[set].relation).collect();
        open.sort_unstable();
        open.dedup();
        open
    }

    /// The fact sets of an open relation.
    fn sets_of(&self, relation: usize) -> impl Iterator<Item = usize> {
        let facts = &self.case.program.facts;
        let sets = self.sets.iter().copied();
        sets.filter(move |&set| facts[set].relation == relation)
    }

    fn outputs(&self) -> Vec<Output> {
        let relations = self.case.program.relations.iter();
        let outputs = relations.map(|relation| Output {
            relation: relation.name.clone(),
            mapping: None,
        });
        outputs.collect()
    }

    fn facts(&self, relation: usize) -> Facts {
        let mut facts = Facts {
            offsets: vec![0],
            ..Facts::default()
        };
        for sample in &self.samples {
            for number in self.sets_of(relation) {
                let set = &sample.facts[number];
                let group = if set.exclusive { number as i64 } else { -1 };
                for (tag, row) in &set.members {
                    let columns = &sample.relations[relation].columns;
                    facts.tuples.push(values(row, columns));
                    facts.groups.push(group);
                    facts.weights.extend(*tag);
                }
            }
            facts.offsets.push(facts.tuples.len());
        }
        facts
    }

    /// All samples at once, then each.
    fn together(&self, random: &mut Random) -> Verdict {
        let names = |relation: &usize| self.case.program.relations[*relation].name.clone();
        let open = self.open();
        let shapes = Shapes::new(
            &self.session,
            Vec::new(),
            open.iter().map(names).collect(),
            self.outputs(),
            self.provenance,
        )
        .map_err(fault)?;
        let facts: Vec<Facts> = open.iter().map(|&relation| self.facts(relation)).collect();
        let tuples = open.iter().zip(&facts);
        let tuples = tuples.map(|(relation, facts)| shapes.tuples(&names(relation), &facts.tuples));
        let tuples = tuples.collect::<Result<Vec<_>, _>>().map_err(fault)?;
        let given = tuples.iter().zip(&facts).map(|(tuples, facts)| Ragged {
            tuples,
            offsets: &facts.offsets,
            groups: Some(&facts.groups),
            certain: false,
        });
        let given: Vec<Ragged<'_>> = given.collect();
        // First with as many shapes as may be derived together, then with each for itself.
        shapes.set_together(1);
        let arrangement = shapes.arrange(SAMPLES, &given).map_err(fault)?;
        self.arranged(&shapes, &arrangement, &facts, random)?;
        let arrangement = shapes.prepare(SAMPLES, &given).map_err(fault)?;
        self.arranged(&shapes, &arrangement, &facts, random)
    }

    fn arranged(
        &self,
        shapes: &Shapes,
        arrangement: &Arrangement,
        facts: &[Facts],
        random: &mut Random,
    ) -> Verdict {
        let weights: Vec<&[f64]> = facts.iter().map(|facts| facts.weights.as_slice()).collect();
        let outputs = 0..self.case.program.relations.len();
        let ends = |output: usize| arrangement.offsets(output).last().copied().unwrap_or(0);
        let mut found: Vec<Vec<f64>> = outputs.clone().map(|o| vec![f64::NAN; ends(o)]).collect();
        let mut slices: Vec<&mut [f64]> = found.iter_mut().map(Vec::as_mut_slice).collect();
        let mut tape = BatchTape::default();
        shapes
            .forward(arrangement, &[], &weights, true, &mut tape, &mut slices)
            .map_err(fault)?;
        let seeds = outputs.clone().map(|output| {
            let seeds = (0..ends(output)).map(|_| random.unit() - 0.5);
            seeds.collect::<Vec<f64>>()
        });
        let seeds: Vec<Vec<f64>> = seeds.collect();
        let asked: Vec<&[f64]> = seeds.iter().map(Vec::as_slice).collect();
        let gradients = weights.iter().map(|weights| vec![f64::NAN; weights.len()]);
        let mut gradients: Vec<Vec<f64>> = gradients.collect();
        let mut slices: Vec<&mut [f64]> = gradients.iter_mut().map(Vec::as_mut_slice).collect();
        shapes
            .backward(arrangement, &mut tape, &asked, &mut [], &mut slices)
            .map_err(fault)?;

        let every: Vec<Vec<&[Value]>> = outputs.clone().map(|o| arrangement.tuples(o)).collect();
        for sample in 0..SAMPLES {
            let range =
                |offsets: &[usize]| -> Range<usize> { offsets[sample]..offsets[sample + 1] };
            let of = |output: usize| range(arrangement.offsets(output));
            let rows = |o: usize| every[o][of(o)].iter().map(|row| row.to_vec()).collect();
            let one = Found {
                tuples: outputs.clone().map(rows).collect(),
                values: outputs.clone().map(|o| found[o][of(o)].to_vec()).collect(),
                gradients: gradients
                    .iter()
                    .zip(facts)
                    .map(|(all, facts)| all[range(&facts.offsets)].to_vec())
                    .collect(),
            };
            let seeds: Vec<&[f64]> = outputs.clone().map(|o| &seeds[o][of(o)]).collect();
            self.as_alone(sample, &one, &seeds)?;
            self.as_worlds(sample, &one, &seeds)?;
        }
        Ok(())
    }

    /// A sample is as a module with its facts as inputs.
    fn as_alone(&self, sample: usize, found: &Found, seeds: &[&[f64]]) -> Verdict {
        let program = &self.samples[sample];
        let mut inputs = Vec::new();
        let mut weights: Vec<Vec<f64>> = Vec::new();
        let mut widths = Vec::new();
        for relation in self.open() {
            let before: usize = weights.iter().map(Vec::len).sum();
            for set in self.sets_of(relation).map(|set| &program.facts[set]) {
                if set.members.is_empty() {
                    continue;
                }
                let relation = &program.relations[relation];
                let rows = set.members.iter();
                inputs.push(Input {
                    relation: relation.name.clone(),
                    mapping: rows
                        .map(|(_, row)| values(row, &relation.columns))
                        .collect(),
                    exclusive: set.exclusive,
                });
                weights.push(set.members.iter().filter_map(|(tag, _)| *tag).collect());
            }
            widths.push(weights.iter().map(Vec::len).sum::<usize>() - before);
        }
        let module = Module::new(&self.session, inputs, self.outputs(), self.provenance);
        let module = module.map_err(fault)?;
        for (output, rows) in found.tuples.iter().enumerate() {
            if module.tuples(output) != rows.as_slice() {
                let what = format!("{:?} instead of {rows:?}", module.tuples(output));
                return Err(("ragged tuples", self.say(sample, &what)));
            }
        }
        let given: Vec<&[f64]> = weights.iter().map(Vec::as_slice).collect();
        let mut alone: Vec<Vec<f64>> = seeds.iter().map(|it| vec![f64::NAN; it.len()]).collect();
        let mut slices: Vec<&mut [f64]> = alone.iter_mut().map(Vec::as_mut_slice).collect();
        let mut tape = Tape::default();
        module
            .forward(&given, 1, true, &mut tape, &mut slices)
            .map_err(fault)?;
        self.same(sample, "ragged values", &alone, &found.values, 1e-12)?;
        let mut gradients: Vec<Vec<f64>> =
            weights.iter().map(|it| vec![f64::NAN; it.len()]).collect();
        let mut slices: Vec<&mut [f64]> = gradients.iter_mut().map(Vec::as_mut_slice).collect();
        module
            .backward(&mut tape, seeds, &mut slices)
            .map_err(fault)?;
        let mut flat = gradients.concat().into_iter();
        let alone = widths
            .iter()
            .map(|&width| flat.by_ref().take(width).collect());
        let alone: Vec<Vec<f64>> = alone.collect();
        self.same(sample, "ragged gradients", &alone, &found.gradients, 1e-12)
    }

    /// A sample is as the enumeration of its worlds, or as a run of its program under min and max.
    fn as_worlds(&self, sample: usize, found: &Found, seeds: &[&[f64]]) -> Verdict {
        let program = &self.samples[sample];
        let tags = |model: &crate::oracle::solve::Model| -> Vec<Vec<f64>> {
            let tag = |relation: usize, row: &Vec<Value>| {
                let tag = model[relation].get(&tuple(row));
                tag.copied().unwrap_or(0.0)
            };
            let relations = found.tuples.iter().enumerate();
            relations
                .map(|(relation, rows)| rows.iter().map(|row| tag(relation, row)).collect())
                .collect()
        };
        if self.provenance == Provenance::MinMaxProb {
            let alone = Case {
                program,
                means: self.case.means,
                session: session(&program.to_string(), None)?,
            };
            let (model, _) = alone.run(self.provenance)?;
            return self.same(sample, "ragged run", &tags(&model), &found.values, 1e-12);
        }
        let Ok(means) = distribution(program, 400) else {
            return Ok(()); // More worlds than it is worth.
        };
        if self.provenance != Provenance::Exact {
            return Ok(());
        }
        if !self.observed.is_empty() {
            let model = match given(program, &means, &self.observed) {
                Some(model) => tags(&model),
                None => return Ok(()), // Worlds hardly hold it.
            };
            return self.same(sample, "ragged given", &model, &found.values, 1e-9);
        }
        let mut wanted: Vec<Vec<f64>> = found
            .gradients
            .iter()
            .map(|it| vec![0.0; it.len()])
            .collect();
        let mut expected: Vec<Vec<f64>> = Vec::new();
        for (relation, rows) in found.tuples.iter().enumerate() {
            let mut values = Vec::new();
            for (row, seed) in rows.iter().zip(seeds[relation]) {
                let Some(one) = means.relations[relation].get(&tuple(row)) else {
                    values.push(0.0);
                    continue;
                };
                values.push(one.value);
                for (wanted, relation) in wanted.iter_mut().zip(self.open()) {
                    let places = self.sets_of(relation).flat_map(|set| {
                        let first: usize =
                            program.facts[..set].iter().map(|it| it.members.len()).sum();
                        first..first + program.facts[set].members.len()
                    });
                    for (wanted, place) in wanted.iter_mut().zip(places) {
                        *wanted += seed * one.gradient[place];
                    }
                }
            }
            expected.push(values);
        }
        self.same(sample, "ragged worlds", &expected, &found.values, 1e-9)?;
        self.same(sample, "ragged slopes", &wanted, &found.gradients, 1e-9)
    }

    fn same(
        &self,
        sample: usize,
        what: &'static str,
        expected: &[Vec<f64>],
        got: &[Vec<f64>],
        tolerance: f64,
    ) -> Verdict {
        for (expected, got) in expected.iter().zip(got) {
            let pairs = expected.iter().zip(got);
            let differ =
                |(a, b): (&f64, &f64)| !(a.is_nan() && b.is_nan()) && far(*a, *b, tolerance);
            if expected.len() != got.len() || pairs.into_iter().any(differ) {
                let text = format!("{got:?} instead of {expected:?}");
                return Err((what, self.say(sample, &text)));
            }
        }
        Ok(())
    }

    fn say(&self, sample: usize, what: &str) -> String {
        let clauses = clauses(self.case, &self.observed);
        format!(
            "{}, sample {sample}, given {clauses:?}: {what}\n{}",
            self.provenance, self.samples[sample]
        )
    }
}
