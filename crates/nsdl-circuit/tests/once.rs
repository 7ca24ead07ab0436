//! Circuits for one evaluation against those for many: the same answers and gradients, to the last bit.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::sync::Arc;

use common::{FULL, MONOTONE, Random, Shape, random_program};
use nsdl_circuit::{Budget, Circuit, Direction, Inference, SecondTape, Tape};
use nsdl_circuit::{compile, compile_once};
use nsdl_ir::TupleId;

const BATCH: usize = 3;

/// Outputs and gradients of a batch.
fn run(circuit: &Circuit, weights: &[f64], seeds: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut tape = Tape::new();
    let mut out = vec![f64::NAN; circuit.outputs() * BATCH];
    circuit.forward(weights, BATCH, &mut tape, &mut out);
    let mut slopes = vec![f64::NAN; weights.len()];
    circuit.backward(weights, BATCH, &mut tape, seeds, &mut slopes);
    (out, slopes)
}

fn curvature(circuit: &Circuit, weights: &[f64], seeds: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let direction: Vec<f64> = (0..weights.len()).map(|i| 0.25 * (i % 5) as f64).collect();
    let at = Direction {
        weights,
        weight_slopes: &direction,
        grad_out: seeds,
    };
    let (mut slopes, mut product) = (vec![f64::NAN; seeds.len()], vec![f64::NAN; weights.len()]);
    let memory = &mut SecondTape::default();
    assert!(circuit.second(at, BATCH, memory, &mut slopes, &mut product));
    (slopes, product)
}

/// How many of the programs were evaluated without layers.
fn compare(shape: Shape, programs: u64) -> usize {
    let mut straight = 0;
    for seed in 0..programs {
        let mut program = random_program(seed, shape);
        if seed % 2 == 0 {
            program.mark_certain();
        }
        let mut random = Random(seed);
        let outputs = (0..program.trace.tuples.len()).map(TupleId::new);
        let outputs: Vec<TupleId> = outputs.filter(|_| random.chance(0.2)).collect();
        let trace = Arc::new(program.trace);
        // Few different numbers, so that many tie; their sums are exact in any order.
        let mut number = |count: usize| -> Vec<f64> {
            let some = (0..count * BATCH).map(|_| random.below(9) as f64 / 8.0);
            some.collect()
        };
        let (weights, seeds) = (number(trace.leaves.len()), number(outputs.len()));
        let budget = Budget::default();
        let many = compile(&trace, &outputs, Inference::MinMax, &budget, None).unwrap();
        let once = compile_once(&trace, &outputs, Inference::MinMax, &budget, None).unwrap();
        let (wanted, found) = (run(&many, &weights, &seeds), run(&once, &weights, &seeds));
        assert_eq!(found, wanted, "program {seed}");
        if many.layers().is_some() {
            let wanted = curvature(&many, &weights, &seeds);
            assert_eq!(curvature(&once, &weights, &seeds), wanted, "program {seed}");
            assert_eq!(once.layers(), many.layers(), "program {seed}");
            assert_eq!(once.output_nodes(), many.output_nodes());
            straight += usize::from(once.report().depth == 0 && many.report().depth > 0);
        }
    }
    straight
}

#[test]
fn alternatives_and_conjunctions() {
    assert!(compare(MONOTONE, 2000) > 200);
}

#[test]
fn whatever_needs_a_graph_has_one() {
    compare(FULL, 300);
}
