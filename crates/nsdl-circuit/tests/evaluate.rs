//! Algebras of counts, costs and proofs against naive computations that know nothing of algebras.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use common::{FULL, MONOTONE, Program, Random, assert_close, positive, random_program};
use nsdl_circuit::{Budget, Inference, Tape, compile, evaluate};
use nsdl_ir::{LeafId, TupleId};
use nsdl_provenance::literals::Variables;
use nsdl_provenance::{
    AllProofs, Extended, Lineage, MaxMultProb, MinMaxProb, Natural, Provenance, RealTropical,
    Tropical, Why,
};

/// The tags of all tuples.
fn tags<P: Provenance>(
    program: &Program,
    algebra: &P,
    leaf: impl Fn(LeafId) -> P::Tag,
) -> Vec<P::Tag> {
    let all = program.all_tuples();
    let found = evaluate(&program.trace, &all, algebra, leaf, None).unwrap();
    assert_eq!(found.unsettled, 0);
    found.tags
}

/// No tuple of these small programs has so many derivation trees but infinitely many.
const MANY: u128 = 1 << 40;

/// How many derivation trees of at most this height each tuple has, up to that bound.
fn trees(program: &Program, facts: &[u128], height: usize) -> Vec<u128> {
    let mut counts = vec![0u128; program.trace.tuples.len()];
    for _ in 0..height {
        let mut next = vec![0u128; counts.len()];
        for instance in &program.trace.instances {
            let leaf = instance.leaf.map_or(1, |leaf| facts[leaf.index()]);
            let body = program.trace.body(instance).iter();
            let trees = body.fold(leaf, |all, literal| {
                (all * counts[literal.tuple.index()]).min(MANY)
            });
            let head = &mut next[instance.head.index()];
            *head = (*head + trees).min(MANY);
        }
        counts = next;
    }
    counts
}

#[test]
fn natural_counts_derivation_trees() {
    let (mut finite, mut infinite) = (0, 0);
    for seed in 0..300 {
        let program = random_program(seed, MONOTONE);
        let mut random = Random(seed);
        let facts: Vec<u128> = (0..program.trace.leaves.len())
            .map(|_| random.below(4) as u128)
            .collect();
        let found = tags(&program, &Natural, |leaf| {
            Extended::Finite(facts[leaf.index()])
        });
        // Trees that repeat no tuple on a branch are no higher than there are tuples; any other can be made higher.
        let n = program.trace.tuples.len();
        let (low, high) = (
            trees(&program, &facts, n),
            trees(&program, &facts, 2 * n + 1),
        );
        for (tuple, found) in found.into_iter().enumerate() {
            let wanted = match low[tuple] == high[tuple] && low[tuple] < MANY {
                true => Extended::Finite(low[tuple]),
                false => Extended::Infinite,
            };
            assert_eq!(found, wanted, "seed {seed}, tuple {tuple}");
            match wanted {
                Extended::Finite(n) if n > 1 => finite += 1,
                Extended::Infinite => infinite += 1,
                _ => {}
            }
        }
    }
    assert!(finite > 100 && infinite > 100, "{finite}, {infinite}");
}

#[test]
fn why_is_the_smallest_sets_that_suffice() {
    let mut several = 0;
    for seed in 0..200 {
        let program = random_program(seed, MONOTONE);
        let n = program.trace.leaves.len();
        if n > 9 {
            continue;
        }
        let why = Why::default();
        let found = tags(&program, &why, |leaf| why.tag(leaf.0));
        let models: Vec<Vec<bool>> = (0..1usize << n)
            .map(|set| program.model(&(0..n).map(|leaf| set >> leaf & 1 == 1).collect::<Vec<_>>()))
            .collect();
        for (tuple, found) in found.into_iter().enumerate() {
            let suffices = |set: usize| models[set][tuple];
            let smallest = |set: &usize| {
                suffices(*set)
                    && (0..n).all(|leaf| set >> leaf & 1 == 0 || !suffices(set & !(1 << leaf)))
            };
            let members = |set: usize| (0..n as u32).filter(|leaf| set >> leaf & 1 == 1).collect();
            let wanted: BTreeSet<Vec<u32>> = (0..1 << n).filter(smallest).map(members).collect();
            let found: BTreeSet<Vec<u32>> = found.into_iter().collect();
            several += usize::from(wanted.len() > 1);
            assert_eq!(found, wanted, "seed {seed}, tuple {tuple}");
        }
    }
    assert!(several > 50, "{several}");
}

#[test]
fn lineage_is_what_some_derivation_uses() {
    for seed in 0..200 {
        let program = random_program(seed, MONOTONE);
        let n = program.trace.leaves.len();
        let model = program.model(&vec![true; n]);
        let found = tags(&program, &Lineage, |leaf| Lineage.tag(leaf.0));
        for (tuple, found) in found.into_iter().enumerate() {
            let (mut seen, mut open) = (vec![false; model.len()], vec![tuple]);
            let mut facts = BTreeSet::new();
            while let Some(tuple) = open.pop() {
                if std::mem::replace(&mut seen[tuple], true) {
                    continue;
                }
                for instance in &program.trace.instances {
                    let body = program.trace.body(instance);
                    let holds = body.iter().all(|literal| model[literal.tuple.index()]);
                    if instance.head.index() == tuple && holds {
                        facts.extend(instance.leaf.map(|leaf| leaf.0));
                        open.extend(body.iter().map(|literal| literal.tuple.index()));
                    }
                }
            }
            let wanted = model[tuple].then(|| facts.into_iter().collect::<Vec<_>>());
            assert_eq!(found, wanted, "seed {seed}, tuple {tuple}");
        }
    }
}

#[test]
fn tropical_is_the_cheapest_derivation() {
    for seed in 0..200 {
        let program = random_program(seed, MONOTONE);
        let mut random = Random(seed);
        let costs: Vec<u64> = (0..program.trace.leaves.len())
            .map(|_| random.below(20) as u64)
            .collect();
        let found = tags(&program, &Tropical, |leaf| {
            Extended::Finite(u128::from(costs[leaf.index()]))
        });
        // Bellman and Ford: as many rounds as there are tuples.
        let mut wanted: Vec<Option<u64>> = vec![None; program.trace.tuples.len()];
        for _ in 0..=wanted.len() {
            for instance in &program.trace.instances {
                let leaf = instance.leaf.map_or(0, |leaf| costs[leaf.index()]);
                let body = program.trace.body(instance).iter();
                let cost = body
                    .map(|literal| wanted[literal.tuple.index()])
                    .sum::<Option<u64>>();
                let head = &mut wanted[instance.head.index()];
                *head = match (*head, cost.map(|cost| cost + leaf)) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
            }
        }
        let wanted: Vec<Extended> = wanted
            .into_iter()
            .map(|cost| cost.map_or(Extended::Infinite, |cost| Extended::Finite(cost.into())))
            .collect();
        assert_eq!(found, wanted, "seed {seed}");
    }
}

#[test]
fn real_costs_of_logarithms_are_the_best_derivation() {
    for seed in 0..100 {
        let program = random_program(seed, MONOTONE);
        let weights = program.weights();
        let found = tags(&program, &RealTropical, |leaf| -weights[leaf.index()].ln());
        let best = circuit_values(&program, Inference::MaxMult);
        for (found, best) in found.into_iter().zip(best) {
            assert_close((-found).exp(), best, 1e-12, format!("seed {seed}"));
        }
    }
}

fn circuit_values(program: &Program, inference: Inference) -> Vec<f64> {
    let all = program.all_tuples();
    let circuit = compile(&program.trace, &all, inference, &Budget::default(), None).unwrap();
    let mut values = vec![0.0; all.len()];
    circuit.forward(&program.weights(), 1, &mut Tape::new(), &mut values);
    values
}

#[test]
fn the_generic_evaluation_is_that_of_circuits() {
    for seed in 0..200 {
        let program = random_program(seed, FULL);
        let weights = program.weights();
        let leaf = |leaf: LeafId| weights[leaf.index()];
        for (found, inference) in [
            (tags(&program, &MinMaxProb, leaf), Inference::MinMax),
            (tags(&program, &MaxMultProb, leaf), Inference::MaxMult),
        ] {
            for (i, (found, wanted)) in found
                .into_iter()
                .zip(circuit_values(&program, inference))
                .enumerate()
            {
                assert_close(
                    found,
                    wanted,
                    1e-12,
                    format!("{inference:?}, seed {seed}, tuple {i}"),
                );
            }
        }
    }
}

#[test]
fn proofs_hold_in_the_worlds_in_which_the_tuple_does() {
    for seed in 0..80 {
        let program = random_program(seed, FULL);
        let groups = program
            .trace
            .leaves
            .iter()
            .map(|leaf| leaf.group.0)
            .collect();
        let algebra = AllProofs::new(Variables::new(groups), AllProofs::LIMIT);
        let found = tags(&program, &algebra, |leaf| algebra.tag(leaf.0));
        for (_, leaves) in program.worlds(&program.weights()) {
            let model = program.model(&leaves);
            let holds = |literal: &u32| leaves[*literal as usize / 2] == literal.is_multiple_of(2);
            for (tuple, proofs) in found.iter().enumerate() {
                let proven = proofs.iter().any(|proof| proof.iter().all(holds));
                assert_eq!(proven, model[tuple], "seed {seed}, tuple {tuple}");
            }
        }
    }
}

/// Sums without an end.
struct Sums;

impl Provenance for Sums {
    type Tag = f64;

    const IDEMPOTENT: bool = false;
    const ABSORPTIVE: bool = false;
    const DISTRIBUTIVE: bool = true;
    const INVOLUTIVE: bool = false;

    fn zero(&self) -> f64 {
        0.0
    }

    fn one(&self) -> f64 {
        1.0
    }

    fn add(&self, a: &f64, b: &f64) -> f64 {
        a + b
    }

    fn mult(&self, a: &f64, b: &f64) -> f64 {
        a * b
    }

    fn weight(&self, _: &f64) -> f64 {
        1.0
    }
}

/// Two tuples that support each other, and a fact that gives the first.
fn pair() -> (Program, [TupleId; 2]) {
    let mut program = Program::default();
    let fact = program.independent(0.5);
    let (a, b) = (program.tuple(1), program.tuple(1));
    program.rule(a, None, &[positive(fact)]);
    program.rule(a, None, &[positive(b)]);
    program.rule(b, None, &[positive(a)]);
    (program, [a, b])
}

#[test]
fn what_does_not_settle_is_told() {
    let (program, outputs) = pair();
    let found = evaluate(&program.trace, &outputs, &Sums, |_| 0.5, None).unwrap();
    assert!(found.unsettled > 0 && found.tags[0] > 100.0);
    let found = evaluate(&program.trace, &outputs, &Natural, |_| Extended::ONE, None).unwrap();
    assert_eq!(
        (found.unsettled, found.tags),
        (0, vec![Extended::Infinite; 2])
    );
    let found = evaluate(&program.trace, &outputs, &Natural, |_| Extended::ZERO, None).unwrap();
    assert_eq!(
        found.tags,
        [Extended::ZERO; 2],
        "supported by nothing but themselves"
    );
}

#[test]
fn limits_and_cancellation_are_errors() {
    let mut program = Program::default();
    let mut all = Vec::new();
    for _ in 0..12 {
        let either = program.tuple(1);
        for _ in 0..2 {
            let fact = program.independent(0.5);
            program.rule(either, None, &[positive(fact)]);
        }
        all.push(positive(either));
    }
    let top = program.tuple(1);
    program.rule(top, None, &all);
    let why = Why::new(1000);
    let error = evaluate(&program.trace, &[top], &why, |leaf| why.tag(leaf.0), None).unwrap_err();
    assert_eq!(error.code, "E0541");
    let why = Why::default();
    let tags = evaluate(&program.trace, &[top], &why, |leaf| why.tag(leaf.0), None);
    assert_eq!(tags.unwrap().tags[0].len(), 1 << 12);

    for _ in 0..2000 {
        let next = program.tuple(1);
        program.rule(next, None, &[positive(top), all[0]]);
    }
    let (outputs, stop) = (program.all_tuples(), AtomicBool::new(true));
    let error = evaluate(&program.trace, &outputs, &MinMaxProb, |_| 0.5, Some(&stop));
    assert_eq!(error.unwrap_err().code, "E0613");
}
