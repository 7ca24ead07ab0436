//! Aggregates that read how probable their members are, with probabilities made up.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::{Builder, sorted};
use nsdl_eval::{Evaluation, Marginals, Options, evaluate};
use nsdl_ir::*;

/// A tuple is as probable as the first leaf of its first instance.
#[derive(Debug)]
struct Leaves;

impl Marginals for Leaves {
    fn marginals(&self, trace: &Trace, tuples: &[TupleId]) -> Result<Vec<f64>, Diagnostic> {
        let weight = |tuple: &TupleId| {
            let mut instances = trace.instances.iter();
            let first = instances.find(|instance| instance.head == *tuple).unwrap();
            trace.leaves[first.leaf.unwrap().index()].weight
        };
        Ok(tuples.iter().map(weight).collect())
    }
}

/// One group of the members 0, 1, 2, … with these weights, and what `op` makes of it.
fn builder(op: AggregateOp, weights: &[f64]) -> Builder {
    let mut builder = Builder::default();
    let members = builder.relation("members", &[Type::U8]);
    let output = match op {
        AggregateOp::Rank => builder.relation("output", &[Type::Usize, Type::U8]),
        _ => builder.relation("output", &[Type::U8]),
    };
    builder.stratum(&[members]);
    for (value, &weight) in weights.iter().enumerate() {
        builder.fact(members, &[value as Word], Tag::Independent(weight));
    }
    builder.stratum(&[output]);
    builder.aggregate(op, members, None, output, [0, 0]);
    builder
}

fn run(builder: &Builder, seed: u64) -> Evaluation {
    let options = Options {
        trace: true,
        marginals: Some(Arc::new(Leaves)),
        seed,
        ..Options::default()
    };
    evaluate(&builder.plan, &Symbols::new(), &builder.facts, &options).unwrap()
}

fn output(builder: &Builder, seed: u64) -> Vec<Vec<Word>> {
    sorted(&run(builder, seed), 1)
}

/// How often each member is among the draws of many seeds.
fn frequencies(op: AggregateOp, weights: &[f64], count: usize) -> Vec<f64> {
    const SEEDS: u64 = 4_000;
    let mut builder = builder(op, weights);
    builder.plan.aggregates[0].count = count;
    let mut drawn = vec![0.0; weights.len()];
    for seed in 0..SEEDS {
        let rows = output(&builder, seed);
        assert_eq!(rows.len(), count, "without replacement");
        for row in rows {
            drawn[row[0] as usize] += 1.0 / SEEDS as f64;
        }
    }
    drawn
}

fn assert_near(found: &[f64], wanted: &[f64]) {
    // Four standard deviations of a mean of 4,000 draws, at most.
    let near = |(found, wanted): (&f64, &f64)| (found - wanted).abs() < 0.032;
    assert!(
        found.iter().zip(wanted).all(near),
        "{found:?} instead of {wanted:?}"
    );
}

#[test]
fn uniform_draws_are_uniform() {
    assert_near(
        &frequencies(AggregateOp::Uniform, &[0.1, 0.2, 0.3, 0.9], 1),
        &[0.25; 4],
    );
    assert_near(
        &frequencies(AggregateOp::Uniform, &[0.1, 0.2, 0.3, 0.9, 0.5], 2),
        &[0.4; 5],
    );
}

#[test]
fn categorical_draws_follow_the_weights() {
    let weights = [0.05, 0.1, 0.15, 0.2];
    assert_near(
        &frequencies(AggregateOp::Categorical, &weights, 1),
        &[0.1, 0.2, 0.3, 0.4],
    );
    // One after the other, each from those that are left.
    let shares = weights.map(|weight| weight / 0.5);
    let pair = |first: usize, second: usize| shares[first] * shares[second] / (1.0 - shares[first]);
    let both: Vec<f64> = (0..4)
        .map(|member| {
            let others = (0..4).filter(|&other| other != member);
            shares[member] + others.map(|other| pair(other, member)).sum::<f64>()
        })
        .collect();
    assert_near(&frequencies(AggregateOp::Categorical, &weights, 2), &both);
}

#[test]
fn the_same_seed_draws_the_same_whatever_the_order_of_facts() {
    let mut builder = builder(AggregateOp::Categorical, &[0.1, 0.4, 0.3, 0.2]);
    let before: Vec<_> = (0..20).map(|seed| output(&builder, seed)).collect();
    builder.facts.reverse();
    let after: Vec<_> = (0..20).map(|seed| output(&builder, seed)).collect();
    assert_eq!(before, after);
    assert!(before.windows(2).any(|pair| pair[0] != pair[1]));
}

#[test]
fn rounding_decides_no_order() {
    let near = [0.3, 0.1 + 0.2, 0.299_999_999_999_999_9, 0.4];
    let ranked = output(&builder(AggregateOp::Rank, &near), 0);
    assert_eq!(ranked, [[0, 3], [1, 0], [2, 1], [3, 2]]);
}

#[test]
fn impossible_members_take_no_part() {
    let weights = [0.0, 0.5, 0.0, 0.25];
    for (op, wanted) in [
        (AggregateOp::Top, vec![vec![1], vec![3]]),
        (AggregateOp::Uniform, vec![vec![1], vec![3]]),
        (AggregateOp::Softmax, vec![vec![1], vec![3]]),
        (AggregateOp::Rank, vec![vec![0, 1], vec![1, 3]]),
    ] {
        assert_eq!(output(&builder(op, &weights), 0), wanted, "{op:?}");
    }
}

#[test]
fn new_variables_are_groups_of_leaves() {
    let builder = builder(AggregateOp::Normalize, &[0.125, 0.375]);
    let trace = run(&builder, 0).trace.unwrap();
    let made = |leaf: &&Leaf| leaf.source == LeafSource::Aggregate(AggregateId::new(0));
    let leaves: Vec<&Leaf> = trace.leaves.iter().filter(made).collect();
    assert_eq!(leaves.len(), 2);
    assert_eq!(leaves[0].group, leaves[1].group);
    assert_eq!((leaves[0].weight, leaves[1].weight), (0.25, 0.75));
}

#[test]
fn weights_that_nobody_knows_are_an_error() {
    let builder = builder(AggregateOp::Top, &[0.1, 0.3]);
    let run = |trace, facts: &[Fact]| {
        let options = Options {
            trace,
            ..Options::default()
        };
        evaluate(&builder.plan, &Symbols::new(), facts, &options)
    };
    assert_eq!(run(true, &builder.facts).unwrap_err().code, "E0850");
    assert_eq!(sorted(&run(false, &builder.facts).unwrap(), 1), [[0], [1]]);
    // Of certain members they are known.
    let certain = builder.facts.iter().cloned().map(|fact| Fact {
        tag: Tag::Certain,
        ..fact
    });
    assert!(run(true, &certain.collect::<Vec<_>>()).is_ok());
}
