//! Tags carried in joins: those of the trace, to the bit.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::fmt::Debug;

use common::Builder;
use common::random::{Random, Size, plan};
use common::world::{each, model, rows};
use nsdl_eval::{Carry, Evaluation, Options, evaluate, naive};
use nsdl_ir::*;
use nsdl_provenance::{AddMultProb, Boolean, MaxMultProb, MinMaxProb, Scalar};

type Tags = BTreeMap<(usize, Vec<Word>), f64>;

/// The tags of rows, but for those of zero.
fn carried(evaluation: &Evaluation) -> Option<Tags> {
    let tags = evaluation.tags.as_ref()?;
    let mut found = Tags::new();
    for (relation, table) in evaluation.tables.iter().enumerate() {
        assert!(tags[relation].is_empty() || tags[relation].len() == table.len());
        for (row, cells) in table.rows().enumerate() {
            let tag = tags[relation].get(row).copied().unwrap_or(1.0);
            found.insert((relation, cells.to_vec()), tag);
        }
    }
    found.retain(|_, tag| *tag != 0.0);
    Some(found)
}

/// The tags of the tuples of a trace: instance by instance, until nothing changes.
fn solved<A: Scalar>(algebra: &A, plan: &Plan, evaluation: &Evaluation) -> Tags {
    let trace = evaluation.trace.as_ref().unwrap();
    let start = |certain: &bool| {
        if *certain {
            algebra.one()
        } else {
            algebra.zero()
        }
    };
    let mut tags: Vec<A::Tag> = trace.certain.iter().map(start).collect();
    let rounds = if A::IDEMPOTENT { usize::MAX } else { 1 };
    for stratum in &plan.strata {
        let here = |instance: &&Instance| {
            let relation = trace.tuples[instance.head.index()].0;
            !trace.certain[instance.head.index()] && stratum.relations.contains(&relation)
        };
        for _ in 0..rounds {
            let before = tags.clone();
            for instance in trace.instances.iter().filter(here) {
                let leaf = instance.leaf.map(|leaf| trace.leaves[leaf.index()].weight);
                let mut tag = leaf.map_or(algebra.one(), |weight| algebra.tag(weight));
                for literal in trace.body(instance) {
                    let part = tags[literal.tuple.index()];
                    let part = if literal.negated {
                        algebra.negate(&part)
                    } else {
                        part
                    };
                    tag = algebra.mult(&tag, &part);
                }
                let head = &mut tags[instance.head.index()];
                *head = algebra.add(head, &tag);
            }
            if tags == before {
                break;
            }
        }
    }
    let mut found = Tags::new();
    for (&(relation, row), tag) in trace.tuples.iter().zip(&tags) {
        let cells = evaluation.tables[relation.index()].row(row).to_vec();
        found.insert((relation.index(), cells), algebra.weight(tag));
    }
    found.retain(|_, tag| *tag != 0.0);
    found
}

/// How many random plans, of how many rounds, joins carry tags in.
fn check<A: Scalar + Clone + Debug + Send + Sync + 'static>(
    algebra: A,
    tolerance: f64,
) -> (usize, usize) {
    let (mut plans, mut rounds) = (0, 0);
    for seed in 0..500 {
        let size = Size {
            values: 5,
            facts: 30,
            leaves: 20,
            tagged_rules: true,
            weights: false,
        };
        let Builder { mut plan, facts } = plan(seed, size);
        let mut random = Random::new(seed);
        if seed % 4 == 3 {
            // Some relations only say what is asked for. What is absent in all worlds matters to a trace only.
            let denies = |rule: &&Rule| {
                let mut steps = rule.steps.iter();
                steps.any(|step| matches!(step, Step::Absent { .. }))
            };
            let denying: Vec<RelationId> =
                plan.rules.iter().filter(denies).map(|it| it.head).collect();
            for (number, relation) in plan.relations.iter_mut().enumerate() {
                let may = relation.name != "output" && !denying.contains(&RelationId::new(number));
                relation.certain = may && random.chance(40);
            }
        }
        for target in (0..plan.relations.len()).map(RelationId::new) {
            let (symbols, options) = (
                Symbols::new(),
                Options {
                    trace: true,
                    carry: Some(Carry::new(algebra.clone())),
                    targets: Some(vec![target]),
                    ..Options::default()
                },
            );
            let fast = evaluate(&plan, &symbols, &facts, &options).unwrap();
            let Some(mut found) = carried(&fast) else {
                assert!(fast.trace.is_some());
                continue;
            };
            let slow = naive::evaluate(&plan, &symbols, &facts, &options).unwrap();
            let mut wanted = solved(&algebra, &plan, &slow);
            // What is certain is narrowed by what cannot hold, or is not.
            for tags in [&mut found, &mut wanted] {
                tags.retain(|(relation, _), _| !plan.relations[*relation].certain);
            }
            assert!(
                found.keys().eq(wanted.keys()),
                "seed {seed}, target {target:?}"
            );
            for (row, tag) in &found {
                let other = wanted[row];
                assert!(
                    (tag - other).abs() <= tolerance,
                    "seed {seed}, {row:?}: {tag} {other}"
                );
            }
            plans += usize::from(found.values().any(|tag| *tag != 1.0));
            rounds += fast.rounds;
        }
    }
    (plans, rounds)
}

#[test]
fn minima_and_maxima_are_those_of_the_trace() {
    let (plans, rounds) = check(MinMaxProb, 0.0);
    assert!(plans > 1_000 && rounds > 5_000, "{plans} {rounds}");
}

#[test]
fn best_products_are_those_of_the_trace() {
    let (plans, rounds) = check(MaxMultProb, 1e-12);
    assert!(plans > 1_000 && rounds > 5_000, "{plans} {rounds}");
}

#[test]
fn truth_is_that_of_the_trace() {
    let (plans, rounds) = check(Boolean, 0.0);
    assert!(plans == 0 && rounds > 1_000, "{plans} {rounds}");
}

#[test]
fn sums_of_products_are_those_of_the_trace_where_nothing_uncertain_is_recursive() {
    let (plans, _) = check(AddMultProb, 1e-12);
    assert!(plans > 500, "{plans}");
}

/// The probability of each row of a trace: all worlds, one at a time.
fn enumerated(plan: &Plan, evaluation: &Evaluation) -> Tags {
    let trace = evaluation.trace.as_ref().unwrap();
    let mut found = Tags::new();
    each(trace, &mut |leaves, weight| {
        let holds = model(plan, trace, leaves);
        for (relation, rows) in rows(plan, evaluation, &holds).into_iter().enumerate() {
            for row in rows {
                *found.entry((relation, row)).or_default() += weight;
            }
        }
    });
    found
}

#[test]
fn proofs_are_exact_unless_some_were_dropped_and_never_more() {
    let (mut exact, mut dropped, mut recursive) = (0, 0, 0);
    for seed in 0..1_500 {
        let size = Size {
            values: 4,
            facts: 16,
            leaves: 7,
            tagged_rules: false,
            weights: false,
        };
        let Builder { plan, facts } = plan(seed, size);
        for target in (0..plan.relations.len()).map(RelationId::new) {
            for k in [1, 2, 10] {
                let options = Options {
                    trace: true,
                    carry: Some(Carry::proofs(k)),
                    targets: Some(vec![target]),
                    ..Options::default()
                };
                let fast = evaluate(&plan, &Symbols::new(), &facts, &options).unwrap();
                let Some(found) = carried(&fast) else {
                    continue;
                };
                let slow = naive::evaluate(&plan, &Symbols::new(), &facts, &options).unwrap();
                let wanted = enumerated(&plan, &slow);
                let none = |row: &&(usize, Vec<Word>)| !wanted.contains_key(*row);
                assert_eq!(found.keys().find(none), None, "seed {seed}, {target:?}");
                for (row, true_weight) in &wanted {
                    let tag = found.get(row).copied().unwrap_or_default();
                    let allowed = if fast.truncated { 1.0 } else { 1e-12 };
                    assert!(
                        (-1e-12..=allowed).contains(&(true_weight - tag)),
                        "seed {seed}, k {k}, {row:?}: {tag} {true_weight}"
                    );
                }
                let uncertain = found.values().any(|tag| *tag != 1.0);
                exact += usize::from(uncertain && !fast.truncated);
                dropped += usize::from(fast.truncated);
                recursive += usize::from(uncertain && fast.rounds > 0);
            }
        }
    }
    let enough = exact > 500 && dropped > 100 && recursive > 100;
    assert!(enough, "{exact} {dropped} {recursive}");
}

#[test]
fn the_same_input_gives_the_same_rows_in_the_same_order() {
    let size = Size {
        values: 6,
        facts: 40,
        leaves: 40,
        tagged_rules: true,
        weights: false,
    };
    for seed in 0..20 {
        let Builder { plan, facts } = plan(seed, size);
        let last = RelationId::new(plan.relations.len() - 1);
        let rows = |target| {
            let options = Options {
                trace: true,
                carry: Some(Carry::new(MinMaxProb)),
                targets: Some(vec![target]),
                ..Options::default()
            };
            let evaluation = evaluate(&plan, &Symbols::new(), &facts, &options).unwrap();
            let tables = evaluation.tables.iter();
            let rows: Vec<Vec<Vec<Word>>> = tables
                .map(|table| table.rows().map(<[Word]>::to_vec).collect())
                .collect();
            (rows, evaluation.tags)
        };
        assert_eq!(rows(last), rows(last));
    }
}
