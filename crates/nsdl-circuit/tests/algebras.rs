//! Numeric algebras against their definitions, evaluated naively.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::collections::BTreeMap;

use common::{FULL, Program, Random, assert_close, positive, random_program};
use nsdl_circuit::{Budget, Circuit, Inference, Tape, compile};
use nsdl_ir::{AggregateInstance, AggregateKind, TupleId};

/// Plus and times of an algebra between 0 and 1, and how the member sets of an aggregate, which exclude each other, are
/// added; the complement is 1 − x in all.
#[derive(Clone, Copy)]
struct Algebra {
    inference: Inference,
    plus: fn(f64, f64) -> f64,
    times: fn(f64, f64) -> f64,
    sets: fn(f64, f64) -> f64,
}

const ALL: [Algebra; 6] = [
    MIN_MAX,
    ADD_MULT,
    NAND_MULT,
    MAX_MULT,
    NAND_MIN,
    LUKASIEWICZ,
];

const MIN_MAX: Algebra = Algebra {
    inference: Inference::MinMax,
    plus: f64::max,
    times: f64::min,
    sets: f64::max,
};
const ADD_MULT: Algebra = Algebra {
    inference: Inference::AddMult,
    plus: |a, b| (a + b).min(1.0),
    times: |a, b| a * b,
    sets: |a, b| a + b,
};
const NAND_MULT: Algebra = Algebra {
    inference: Inference::NandMult,
    plus: |a, b| 1.0 - (1.0 - a) * (1.0 - b),
    times: |a, b| a * b,
    sets: |a, b| a + b,
};
const MAX_MULT: Algebra = Algebra {
    inference: Inference::MaxMult,
    plus: f64::max,
    times: |a, b| a * b,
    sets: f64::max,
};
const NAND_MIN: Algebra = Algebra {
    inference: Inference::NandMin,
    plus: |a, b| 1.0 - (1.0 - a) * (1.0 - b),
    times: f64::min,
    sets: f64::max,
};
const LUKASIEWICZ: Algebra = Algebra {
    inference: Inference::Lukasiewicz,
    plus: |a, b| (a + b).min(1.0),
    times: |a, b| (a + b - 1.0).max(0.0),
    sets: f64::max,
};

/// The tags of all tuples, by iteration from zero, stratum by stratum.
fn naive(program: &Program, weights: &[f64], algebra: Algebra) -> Vec<f64> {
    let trace = &program.trace;
    let mut tags = vec![0.0; trace.tuples.len()];
    for stratum in 0..=program.strata.iter().copied().max().unwrap_or(0) {
        // What aggregates give does not change within the stratum.
        let mut given = vec![0.0; trace.tuples.len()];
        for aggregate in &trace.aggregates {
            let mut own = BTreeMap::new();
            aggregate_results(aggregate, &tags, algebra, |result, tag| {
                let sum = own.entry(result).or_insert(0.0);
                *sum = (algebra.sets)(*sum, tag);
            });
            for (result, tag) in own {
                given[result.index()] = (algebra.plus)(given[result.index()], tag);
            }
        }
        for _ in 0..20_000 {
            let mut next = given.clone();
            for instance in &trace.instances {
                let leaf = instance.leaf.map_or(1.0, |leaf| weights[leaf.index()]);
                let body = trace.body(instance).iter().map(|literal| {
                    let tag = tags[literal.tuple.index()];
                    if literal.negated { 1.0 - tag } else { tag }
                });
                let tag = body.fold(leaf, algebra.times);
                next[instance.head.index()] = (algebra.plus)(next[instance.head.index()], tag);
            }
            let mut change = 0.0f64;
            for (i, next) in next.into_iter().enumerate() {
                if program.strata[i] == stratum {
                    let next = if trace.certain[i] { 1.0 } else { next };
                    change = change.max((next - tags[i]).abs());
                    tags[i] = next;
                }
            }
            if change < 1e-15 {
                break;
            }
        }
    }
    tags
}

/// The sum over sets of members of the product of members and complements, written out.
fn aggregate_results(
    aggregate: &AggregateInstance,
    tags: &[f64],
    algebra: Algebra,
    mut add: impl FnMut(TupleId, f64),
) {
    let n = aggregate.members.len();
    if let AggregateKind::Paths { levels, results } = &aggregate.kind {
        // Nothing depends on an absence: alternatives of conjunctions.
        let group = aggregate.group.map_or(1.0, |group| tags[group.index()]);
        let mut reached = vec![1.0];
        for level in levels {
            let mut next = vec![0.0; common::width(level)];
            for step in level {
                let member = tags[aggregate.members[step.member as usize].index()];
                let way = (algebra.times)(reached[step.from as usize], member);
                next[step.to as usize] = (algebra.plus)(next[step.to as usize], way);
            }
            reached = next;
        }
        for (result, tag) in results.iter().zip(reached) {
            add(*result, (algebra.times)(group, tag));
        }
        return;
    }
    for set in 0..1u32 << n {
        let holds = |i: usize| set >> i & 1 == 1;
        let mut tag = aggregate.group.map_or(1.0, |group| tags[group.index()]);
        for (i, member) in aggregate.members.iter().enumerate() {
            let x = tags[member.index()];
            tag = (algebra.times)(tag, if holds(i) { x } else { 1.0 - x });
        }
        match &aggregate.kind {
            AggregateKind::Count { results } => {
                if let Some(result) = results[set.count_ones() as usize] {
                    add(result, tag);
                }
            }
            AggregateKind::Sum {
                values,
                least,
                nonempty,
                results,
            } => {
                let held = (0..n).filter(|&i| holds(i));
                let sum: i64 = held.map(|i| values[i]).sum();
                if let Some(result) = results[(sum - least) as usize]
                    && (set != 0 || !nonempty)
                {
                    add(result, tag);
                }
            }
            AggregateKind::Fold { levels, results } => {
                let last = levels.iter().enumerate().fold(0u32, |state, (i, level)| {
                    let step = level[state as usize];
                    if holds(i) { step.present } else { step.absent }
                });
                if let Some(result) = results[last as usize] {
                    add(result, tag);
                }
            }
            AggregateKind::Best { members } => {
                let held = || (0..n).filter(|&i| holds(i)).map(|i| &members[i]);
                let best = held().map(|member| member.rank).min();
                let mut given: Vec<TupleId> = held()
                    .filter(|member| Some(member.rank) == best)
                    .map(|member| member.result)
                    .collect();
                given.sort_unstable();
                given.dedup();
                for result in given {
                    add(result, tag);
                }
            }
            AggregateKind::Paths { .. } => {}
            AggregateKind::Exists { some, none } => {
                if let Some(result) = if set == 0 { none } else { some } {
                    add(*result, tag);
                }
            }
        }
    }
}

fn build(program: &Program, algebra: Algebra) -> Circuit {
    compile(
        &program.trace,
        &program.all_tuples(),
        algebra.inference,
        &Budget::default(),
        None,
    )
    .unwrap()
}

/// The values, and whether cycles reached their fixpoint.
fn values(circuit: &Circuit, weights: &[f64]) -> (Vec<f64>, bool) {
    let mut tape = Tape::new();
    let mut out = vec![f64::NAN; circuit.outputs()];
    circuit.forward(weights, 1, &mut tape, &mut out);
    (out, tape.residual() == 0.0)
}

#[test]
fn values_equal_the_definition() {
    let mut unfinished = 0;
    for seed in 0..300 {
        let program = random_program(seed, FULL);
        for algebra in ALL {
            let exact = [Inference::MinMax, Inference::MaxMult].contains(&algebra.inference);
            let tolerance = if exact { 1e-14 } else { 1e-8 };
            let (found, finished) = values(&build(&program, algebra), &program.weights());
            if !finished {
                unfinished += 1;
                continue;
            }
            let wanted = naive(&program, &program.weights(), algebra);
            for (i, (found, wanted)) in found.into_iter().zip(wanted).enumerate() {
                let what = format!("{:?}, seed {seed}, tuple {i}", algebra.inference);
                assert_close(found, wanted, tolerance, what);
            }
        }
    }
    assert!(
        unfinished < 90,
        "{unfinished} programs met the limit of rounds"
    );
}

#[test]
fn gradients_equal_differences_of_the_definition() {
    for seed in 0..120 {
        let program = random_program(seed, FULL);
        let weights = program.weights();
        for algebra in ALL {
            let circuit = build(&program, algebra);
            let mut tape = Tape::new();
            let mut out = vec![0.0; circuit.outputs()];
            circuit.forward(&weights, 1, &mut tape, &mut out);
            if tape.residual() > 0.0 {
                continue;
            }
            for output in 0..circuit.outputs() {
                let mut seeds = vec![0.0; circuit.outputs()];
                seeds[output] = 1.0;
                let mut gradient = vec![f64::NAN; weights.len()];
                circuit.backward(&weights, 1, &mut tape, &seeds, &mut gradient);
                for leaf in 0..weights.len() {
                    let h = 1e-6;
                    let at = |change: f64| {
                        let mut moved = weights.clone();
                        moved[leaf] += change;
                        naive(&program, &moved, algebra)[output]
                    };
                    let (above, here, below) = (at(h), at(0.0), at(-h));
                    let (right, left) = ((above - here) / h, (here - below) / h);
                    // At a kink either side may be the gradient; ties are the business of the next test.
                    if (right - left).abs() < 1e-3 {
                        let what = format!(
                            "{:?}, seed {seed}, output {output}, leaf {leaf}",
                            algebra.inference
                        );
                        assert_close(gradient[leaf], (right + left) / 2.0, 1e-4, what);
                    }
                }
            }
        }
    }
}

#[test]
fn the_first_of_equal_instances_gets_the_gradient() {
    let mut program = Program::default();
    let (a, b) = (program.independent(0.5), program.independent(0.5));
    let (either, both) = (program.tuple(1), program.tuple(1));
    program.rule(either, None, &[positive(b)]);
    program.rule(either, None, &[positive(a)]);
    program.rule(both, None, &[positive(b), positive(a)]);
    let circuit = compile(
        &program.trace,
        &[either, both],
        Inference::MinMax,
        &Budget::default(),
        None,
    )
    .unwrap();
    let mut tape = Tape::new();
    let mut out = [0.0; 2];
    let mut gradient = [0.0; 2];
    circuit.forward(&[0.5, 0.5], 1, &mut tape, &mut out);
    circuit.backward(&[0.5, 0.5], 1, &mut tape, &[1.0, 10.0], &mut gradient);
    assert_eq!((out, gradient), ([0.5, 0.5], [0.0, 11.0]));
}

/// Two nodes with an edge each way, reached from a source through one edge each.
fn two_way() -> (Program, [TupleId; 2]) {
    let mut program = Program::default();
    let [to_a, to_b, ab, ba] = [0.5, 0.2, 0.8, 0.5].map(|weight| program.independent(weight));
    let (a, b) = (program.tuple(1), program.tuple(1));
    program.rule(a, None, &[positive(to_a)]);
    program.rule(b, None, &[positive(to_b)]);
    program.rule(b, None, &[positive(a), positive(ab)]);
    program.rule(a, None, &[positive(b), positive(ba)]);
    (program, [a, b])
}

#[test]
fn cycles_follow_the_derivation_that_first_reached_the_value() {
    let (program, outputs) = two_way();
    let circuit = compile(
        &program.trace,
        &outputs,
        Inference::MinMax,
        &Budget::default(),
        None,
    )
    .unwrap();
    let weights = program.weights();
    let mut tape = Tape::new();
    let mut out = [0.0; 2];
    let mut gradient = [0.0; 4];
    circuit.forward(&weights, 1, &mut tape, &mut out);
    circuit.backward(&weights, 1, &mut tape, &[1.0, 1.0], &mut gradient);
    // b reaches 0.5 through a, whose own 0.5 came first from its fact, not back from b.
    assert_eq!((out, gradient), ([0.5, 0.5], [2.0, 0.0, 0.0, 0.0]));
    let zeros = [0.0; 4];
    circuit.forward(&zeros, 1, &mut tape, &mut out);
    circuit.backward(&zeros, 1, &mut tape, &[1.0, 1.0], &mut gradient);
    assert_eq!((out, gradient), ([0.0, 0.0], [1.0, 1.0, 0.0, 0.0]));
}

#[test]
fn a_clamped_sum_has_no_gradient() {
    let mut program = Program::default();
    let (a, b) = (program.independent(0.7), program.independent(0.7));
    let either = program.tuple(1);
    program.rule(either, None, &[positive(a)]);
    program.rule(either, None, &[positive(b)]);
    let circuit = compile(
        &program.trace,
        &[either],
        Inference::AddMult,
        &Budget::default(),
        None,
    )
    .unwrap();
    let mut tape = Tape::new();
    let mut out = [0.0];
    let mut gradient = [f64::NAN; 2];
    circuit.forward(&[0.7, 0.7], 1, &mut tape, &mut out);
    circuit.backward(&[0.7, 0.7], 1, &mut tape, &[1.0], &mut gradient);
    assert_eq!((out, gradient), ([1.0], [0.0, 0.0]));
    circuit.forward(&[0.5, 0.5], 1, &mut tape, &mut out);
    circuit.backward(&[0.5, 0.5], 1, &mut tape, &[1.0], &mut gradient);
    assert_eq!((out, gradient), ([1.0], [1.0, 1.0]));
}

#[test]
fn a_batch_is_its_samples() {
    // Samples go side by side, by the size of the batch.
    for (seed, batch) in (0..20).flat_map(|seed| [(seed, 3), (seed, 37)]) {
        let program = random_program(seed, FULL);
        for algebra in ALL {
            let circuit = build(&program, algebra);
            let (leaves, outputs) = (circuit.leaves(), circuit.outputs());
            let mut random = Random(seed);
            let weights: Vec<f64> = (0..leaves * batch).map(|_| random.unit()).collect();
            let seeds: Vec<f64> = (0..outputs * batch).map(|_| random.unit()).collect();
            let mut tape = Tape::new();
            let (mut out, mut gradient) = (vec![0.0; outputs * batch], vec![0.0; leaves * batch]);
            circuit.forward(&weights, batch, &mut tape, &mut out);
            circuit.backward(&weights, batch, &mut tape, &seeds, &mut gradient);
            let (mut rounds, mut residual) = (0, 0.0f64);
            for sample in 0..batch {
                let column = |rows: &[f64]| -> Vec<f64> {
                    rows.iter().skip(sample).step_by(batch).copied().collect()
                };
                let (mut one, mut one_gradient) = (vec![0.0; outputs], vec![0.0; leaves]);
                circuit.forward(&column(&weights), 1, &mut tape.clone(), &mut one);
                let mut one_tape = Tape::new();
                circuit.forward(&column(&weights), 1, &mut one_tape, &mut one);
                circuit.backward(
                    &column(&weights),
                    1,
                    &mut one_tape,
                    &column(&seeds),
                    &mut one_gradient,
                );
                assert_eq!(column(&out), one);
                assert_eq!(column(&gradient), one_gradient);
                rounds = rounds.max(one_tape.rounds());
                residual = residual.max(one_tape.residual());
            }
            assert_eq!((tape.rounds(), tape.residual()), (rounds, residual));
        }
    }
}
