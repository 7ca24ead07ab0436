//! Random plans: the evaluator against the naive one, and traces against plain evaluation world by world.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use common::random::{Random, Size, plan};
use common::{Builder, sorted, world};
use nsdl_eval::{Evaluation, Marginals, Options, evaluate, naive};
use nsdl_ir::*;

type Row = (usize, Vec<Word>);

/// The more reasons, the more probable: any numbers will do that do not depend on how tuples are numbered.
#[derive(Debug)]
struct ByReasons;

impl Marginals for ByReasons {
    fn marginals(&self, trace: &Trace, tuples: &[TupleId]) -> Result<Vec<f64>, Diagnostic> {
        let reasons = |tuple: &TupleId| {
            let has = |instance: &&Instance| instance.head == *tuple;
            trace.instances.iter().filter(has).count()
        };
        let weight = |tuple| 1.0 - 1.0 / (1.0 + reasons(tuple) as f64);
        Ok(tuples.iter().map(weight).collect())
    }
}

fn row(evaluation: &Evaluation, tuple: TupleId) -> Row {
    let (relation, row) = evaluation.trace.as_ref().unwrap().tuples[tuple.index()];
    (
        relation.index(),
        evaluation.tables[relation.index()].row(row).to_vec(),
    )
}

/// Head, rule, leaf as text, body.
type Canonical = (Row, Option<RuleId>, String, Vec<(Row, bool)>);

/// The instances, sorted, without the order in which they came.
fn instances(evaluation: &Evaluation) -> Vec<Canonical> {
    let trace = evaluation.trace.as_ref().unwrap();
    let mut all: Vec<_> = trace
        .instances
        .iter()
        .map(|instance| canonical(evaluation, instance))
        .collect();
    all.sort();
    all
}

fn canonical(evaluation: &Evaluation, instance: &Instance) -> Canonical {
    let trace = evaluation.trace.as_ref().unwrap();
    let leaf = instance.leaf.map(|leaf| trace.leaves[leaf.index()]);
    let leaf = leaf.map_or(String::new(), |leaf| {
        format!("{:?} {}", leaf.source, leaf.weight)
    });
    let mut body: Vec<_> = trace
        .body(instance)
        .iter()
        .map(|literal| (row(evaluation, literal.tuple), literal.negated))
        .collect();
    // Negative literals are in order of tuples, which the two evaluators number differently.
    let first = body.partition_point(|(_, negated)| !negated);
    body[first..].sort();
    (row(evaluation, instance.head), instance.rule, leaf, body)
}

/// The groups, each as the instances of each of its leaves.
fn groups(evaluation: &Evaluation) -> Vec<Vec<Vec<Canonical>>> {
    let trace = evaluation.trace.as_ref().unwrap();
    let mut by_leaf: BTreeMap<LeafId, Vec<Canonical>> = BTreeMap::new();
    for instance in &trace.instances {
        if let Some(leaf) = instance.leaf {
            by_leaf
                .entry(leaf)
                .or_default()
                .push(canonical(evaluation, instance));
        }
    }
    by_leaf.values_mut().for_each(|instances| instances.sort());
    let leaves = |group: &Group| (group.start..group.end).map(LeafId);
    let mut all: Vec<Vec<Vec<Canonical>>> = trace
        .groups
        .iter()
        .map(|group| {
            leaves(group)
                .map(|leaf| by_leaf.get(&leaf).cloned().unwrap_or_default())
                .collect()
        })
        .collect();
    all.sort();
    all
}

fn certain(evaluation: &Evaluation) -> BTreeSet<(Row, bool)> {
    let trace = evaluation.trace.as_ref().unwrap();
    (0..trace.tuples.len())
        .map(|tuple| (row(evaluation, TupleId::new(tuple)), trace.certain[tuple]))
        .collect()
}

/// Aggregate groups, without the order of equal members.
fn aggregates(evaluation: &Evaluation) -> BTreeSet<String> {
    let trace = evaluation.trace.as_ref().unwrap();
    let text = |group: &AggregateInstance| {
        let members: BTreeSet<Row> = group
            .members
            .iter()
            .map(|&member| row(evaluation, member))
            .collect();
        let of = |result: &Option<TupleId>| result.map(|tuple| row(evaluation, tuple));
        let results: Vec<Option<Row>> = match &group.kind {
            AggregateKind::Count { results }
            | AggregateKind::Sum { results, .. }
            | AggregateKind::Fold { results, .. } => results.iter().map(of).collect(),
            AggregateKind::Best { members } => {
                let set: BTreeSet<_> = members
                    .iter()
                    .map(|member| of(&Some(member.result)))
                    .collect();
                set.into_iter().collect()
            }
            AggregateKind::Paths { results, .. } => {
                results.iter().map(|result| of(&Some(*result))).collect()
            }
            AggregateKind::Exists { some, none } => vec![of(some), of(none)],
        };
        let exists = group.group.map(|tuple| row(evaluation, tuple));
        format!("{:?} {exists:?} {members:?} {results:?}", group.aggregate)
    };
    trace.aggregates.iter().map(text).collect()
}

/// Checks them in a random world.
fn certain_tuples_hold(plan: &Plan, trace: &Trace, seed: u64) {
    let mut random = Random::new(seed);
    let mut leaves = vec![false; trace.leaves.len()];
    for group in &trace.groups {
        let chosen = group.start as usize + random.below((group.end - group.start) as usize + 1);
        if chosen < group.end as usize {
            leaves[chosen] = true;
        }
    }
    let holds = world::model(plan, trace, &leaves);
    assert!(
        holds
            .iter()
            .zip(&trace.certain)
            .all(|(&held, &certain)| held || !certain),
        "seed {seed}"
    );
}

#[test]
fn semi_naive_equals_naive() {
    let (mut derived, mut recursive, mut uncertain, mut failures) = (0, 0, 0, 0);
    for seed in 0..400 {
        let size = Size {
            values: 5,
            facts: 24,
            leaves: 12,
            tagged_rules: true,
            weights: true,
        };
        let Builder { mut plan, facts } = plan(seed, size);
        if seed % 4 == 3 {
            let mut random = Random::new(seed);
            let relations = plan.relations.iter_mut();
            for relation in relations.filter(|relation| relation.name != "output") {
                relation.certain = random.chance(30);
            }
        }
        for trace in [false, true] {
            let (symbols, options) = (
                Symbols::new(),
                Options {
                    trace,
                    marginals: Some(Arc::new(ByReasons)),
                    ..Options::default()
                },
            );
            let fast = evaluate(&plan, &symbols, &facts, &options).unwrap();
            let slow = naive::evaluate(&plan, &symbols, &facts, &options).unwrap();
            for relation in 0..plan.relations.len() {
                assert_eq!(
                    sorted(&fast, relation),
                    sorted(&slow, relation),
                    "seed {seed}, relation {relation}"
                );
            }
            if trace {
                let found = instances(&fast);
                assert_eq!(found, instances(&slow), "seed {seed}");
                assert_eq!(certain(&fast), certain(&slow), "seed {seed}");
                assert_eq!(groups(&fast), groups(&slow), "seed {seed}");
                assert_eq!(aggregates(&fast), aggregates(&slow), "seed {seed}");
                for (tuple, &(relation, row)) in
                    fast.trace.as_ref().unwrap().tuples.iter().enumerate()
                {
                    assert_eq!(fast.tuple(relation, row), Some(TupleId::new(tuple)));
                }
                for sample in 0..4 {
                    certain_tuples_hold(&plan, fast.trace.as_ref().unwrap(), 10 * seed + sample);
                }
                derived += found.iter().filter(|instance| instance.1.is_some()).count();
                uncertain += fast
                    .trace
                    .as_ref()
                    .unwrap()
                    .certain
                    .iter()
                    .filter(|&&certain| !certain)
                    .count();
            }
            failures += fast.failures.len();
            recursive += usize::from(fast.rounds > 6);
        }
    }
    // The generator must make what the test is about.
    assert!(
        derived > 20_000 && recursive > 100 && uncertain > 2_000 && failures > 100,
        "{derived} {recursive} {uncertain} {failures}"
    );
}

#[test]
fn a_trace_agrees_with_plain_evaluation_in_every_world() {
    let mut worlds = 0;
    let mut shapes = BTreeMap::new();
    for seed in 0..300 {
        let size = Size {
            values: 3,
            facts: 12,
            leaves: 7,
            tagged_rules: false,
            weights: false,
        };
        let Builder { plan, facts } = plan(seed, size);
        let options = Options {
            trace: true,
            ..Options::default()
        };
        let symbols = Symbols::new();
        let traced = evaluate(&plan, &symbols, &facts, &options).unwrap();
        let trace = traced.trace.as_ref().unwrap();
        for aggregate in &trace.aggregates {
            let op = plan.aggregates[aggregate.aggregate.index()].op;
            *shapes
                .entry((format!("{op:?}"), aggregate.group.is_some()))
                .or_insert(0) += 1;
        }
        world::each(trace, &mut |leaves, _| {
            let holds = world::model(&plan, trace, leaves);
            let in_world = |number: &usize| {
                let of_fact = |leaf: &Leaf| leaf.source == LeafSource::Fact(*number as u32);
                trace
                    .leaves
                    .iter()
                    .position(of_fact)
                    .is_none_or(|leaf| leaves[leaf])
            };
            let facts: Vec<Fact> = (0..facts.len())
                .filter(in_world)
                .map(|number| facts[number].clone())
                .collect();
            let plain = evaluate(&plan, &symbols, &facts, &Options::default()).unwrap();
            for (relation, rows) in world::rows(&plan, &traced, &holds).into_iter().enumerate() {
                let rows: Vec<Vec<Word>> = rows.into_iter().collect();
                assert_eq!(
                    rows,
                    sorted(&plain, relation),
                    "seed {seed}, relation {relation}"
                );
            }
            for (tuple, &held) in holds.iter().enumerate() {
                assert!(
                    held || !trace.certain[tuple],
                    "seed {seed}: a certain tuple that does not hold"
                );
            }
            worlds += 1;
        });
    }
    assert!(worlds > 5_000, "{worlds}");
    assert!(shapes.len() >= 12, "{shapes:?}");
}

#[test]
fn the_same_input_gives_the_same_rows_and_instances_in_the_same_order() {
    for seed in 0..20 {
        let size = Size {
            values: 4,
            facts: 14,
            leaves: 14,
            tagged_rules: true,
            weights: false,
        };
        let (first, second) = (plan(seed, size).run(true), plan(seed, size).run(true));
        let text = |evaluation: &Evaluation| {
            let rows: Vec<Vec<&[Word]>> = evaluation
                .tables
                .iter()
                .map(|table| table.rows().collect())
                .collect();
            format!("{rows:?} {:?} {:?}", evaluation.trace, evaluation.failures)
        };
        assert_eq!(text(&first), text(&second));
    }
}
