//! Second derivatives and logarithms against finite differences.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{FULL, Program, Random, assert_close, random_program};
use nsdl_circuit::{Budget, Circuit, Direction, Inference, LogTape, SecondTape, Tape, compile};

fn circuit(program: &Program, inference: Inference) -> Circuit {
    let outputs = program.all_tuples();
    compile(
        &program.trace,
        &outputs,
        inference,
        &Budget::default(),
        None,
    )
    .unwrap()
}

fn gradient(circuit: &Circuit, weights: &[f64], seeds: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut tape = Tape::new();
    let mut out = vec![0.0; circuit.outputs()];
    let mut gradient = vec![0.0; weights.len()];
    circuit.forward(weights, 1, &mut tape, &mut out);
    circuit.backward(weights, 1, &mut tape, seeds, &mut gradient);
    (out, gradient)
}

/// What [`Circuit::second`] says of one sample: slopes of outputs and of the gradient.
fn second(
    circuit: &Circuit,
    weights: &[f64],
    direction: &[f64],
    seeds: &[f64],
) -> (Vec<f64>, Vec<f64>) {
    let mut slopes = vec![f64::NAN; circuit.outputs()];
    let mut curvature = vec![f64::NAN; weights.len()];
    let at = Direction {
        weights,
        weight_slopes: direction,
        grad_out: seeds,
    };
    let memory = &mut SecondTape::default();
    assert!(circuit.second(at, 1, memory, &mut slopes, &mut curvature));
    (slopes, curvature)
}

/// Numbers between -0.5 and 0.5.
fn centred(random: &mut Random, n: usize) -> Vec<f64> {
    (0..n).map(|_| random.unit() - 0.5).collect()
}

#[test]
fn second_derivatives_equal_differences_of_gradients() {
    for inference in [
        Inference::Exact,
        Inference::MinMax,
        Inference::AddMult,
        Inference::NandMult,
        Inference::MaxMult,
        Inference::NandMin,
        Inference::Lukasiewicz,
        Inference::TopK(3),
        Inference::TopBottomK(3),
        Inference::SampleK { k: 3, seed: 1 },
    ] {
        let (mut cyclic, mut corners) = (0, 0);
        for seed in 0..150 {
            let program = random_program(seed, FULL);
            let circuit = circuit(&program, inference);
            let weights = program.weights();
            let mut random = Random(seed);
            let direction = centred(&mut random, weights.len());
            let seeds = centred(&mut random, circuit.outputs());
            let (slopes, curvature) = second(&circuit, &weights, &direction, &seeds);
            let h = 1e-6;
            let mut tape = Tape::new();
            circuit.forward(&weights, 1, &mut tape, &mut vec![0.0; circuit.outputs()]);
            let [below, here, above] = [-h, 0.0, h].map(|by| {
                let pairs = weights.iter().zip(&direction);
                let moved: Vec<f64> = pairs.map(|(w, d)| w + by * d).collect();
                gradient(&circuit, &moved, &seeds)
            });
            // Sums that are clamped, and ties, have corners, where a gradient jumps; sums that still grow, no limit yet.
            let jumps = |side: &[f64]| side.iter().zip(&here.1).any(|(a, b)| (a - b).abs() > 1e-3);
            if tape.residual() > 0.0 || jumps(&below.1) || jumps(&above.1) {
                corners += 1;
                continue;
            }
            cyclic += usize::from(circuit.report().cycles > 0);
            let what = format_args!("{inference:?}, seed {seed}");
            for (i, slope) in slopes.iter().enumerate() {
                let wanted = (above.0[i] - below.0[i]) / (2.0 * h);
                assert_close(*slope, wanted, 1e-6, format_args!("{what}, output {i}"));
            }
            for (leaf, found) in curvature.iter().enumerate() {
                let wanted = (above.1[leaf] - below.1[leaf]) / (2.0 * h);
                assert_close(*found, wanted, 1e-5, format_args!("{what}, leaf {leaf}"));
            }
        }
        assert!(
            cyclic > 40,
            "{inference:?}: {cyclic} with cycles, {corners} corners"
        );
    }
}

#[test]
fn second_derivatives_of_samples_side_by_side_are_those_alone() {
    for inference in [Inference::MinMax, Inference::MaxMult, Inference::NandMult] {
        for seed in 0..20 {
            let program = random_program(seed, FULL);
            let circuit = circuit(&program, inference);
            let (leaves, outputs) = (circuit.leaves(), circuit.outputs());
            for batch in [3, 11] {
                let mut random = Random(seed);
                let mut samples = Vec::new();
                for _ in 0..batch {
                    let weights: Vec<f64> = (0..leaves).map(|_| 0.9 * random.unit()).collect();
                    let direction = centred(&mut random, leaves);
                    let seeds = centred(&mut random, outputs);
                    samples.push((weights, direction, seeds));
                }
                let rows = |n: usize, entry: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
                    let places = (0..n).flat_map(|row| (0..batch).map(move |at| (row, at)));
                    places.map(|(row, at)| entry(row, at)).collect()
                };
                let weights = rows(leaves, &|leaf, at| samples[at].0[leaf]);
                let direction = rows(leaves, &|leaf, at| samples[at].1[leaf]);
                let seeds = rows(outputs, &|output, at| samples[at].2[output]);
                let at = Direction {
                    weights: &weights,
                    weight_slopes: &direction,
                    grad_out: &seeds,
                };
                let mut slopes = vec![f64::NAN; outputs * batch];
                let mut curvature = vec![f64::NAN; leaves * batch];
                let memory = &mut SecondTape::default();
                assert!(circuit.second(at, batch, memory, &mut slopes, &mut curvature));
                for (sample, (weights, direction, seeds)) in samples.iter().enumerate() {
                    let alone = second(&circuit, weights, direction, seeds);
                    let column = |rows: &[f64]| -> Vec<f64> {
                        rows.iter().skip(sample).step_by(batch).copied().collect()
                    };
                    let found = (column(&slopes), column(&curvature));
                    assert_eq!(found, alone, "{inference:?}, seed {seed}, sample {sample}");
                }
            }
        }
    }
}

/// Two tuples that need each other, x = a + bxy and y = c + dx, and one that needs itself, z = a + sz.
#[test]
fn second_derivatives_at_corners_are_finite_and_those_of_slow_cycles_right() {
    let mut program = Program::default();
    let [a, b, c, d] = [0.3, 0.4, 0.2, 0.5].map(|weight| program.independent(weight));
    let [x, y, z] = [1; 3].map(|stratum| program.tuple(stratum));
    program.rule(x, None, &[common::positive(a)]);
    program.rule(x, None, &[x, y, b].map(common::positive));
    program.rule(y, None, &[common::positive(c)]);
    program.rule(y, None, &[x, d].map(common::positive));
    let slow = program.independent(0.995);
    program.rule(z, None, &[common::positive(a)]);
    program.rule(z, None, &[z, slow].map(common::positive));
    for inference in [
        Inference::MinMax,
        Inference::AddMult,
        Inference::NandMult,
        Inference::MaxMult,
        Inference::NandMin,
        Inference::Lukasiewicz,
    ] {
        let circuit = circuit(&program, inference);
        let seeds = vec![1.0; circuit.outputs()];
        for weights in [[0.0; 5], [1.0; 5], [0.0, 1.0, 0.0, 1.0, 1.0], [0.5; 5]] {
            let found = second(&circuit, &weights, &[1.0; 5], &seeds);
            let all = found.0.iter().chain(&found.1);
            assert!(all.clone().all(|slope| slope.is_finite()), "{inference:?}");
        }
    }
    let circuit = compile(
        &program.trace,
        &[z],
        Inference::AddMult,
        &Budget::default(),
        None,
    )
    .unwrap();
    // z = a / (1 − s): by s it changes by a / (1 − s)², and that by 2a / (1 − s)³ as s does, 1 / (1 − s)² as a does.
    let s = 0.98f64;
    let (slopes, curvature) = second(
        &circuit,
        &[0.01, 0.0, 0.0, 0.0, s],
        &[0.0, 0.0, 0.0, 0.0, 1.0],
        &[1.0],
    );
    let by = 1.0 - s;
    assert_close(slopes[0], 0.01 / by.powi(2), 1e-6, "slope");
    assert_close(curvature[0], 1.0 / by.powi(2), 1e-4, "by a and s");
    assert_close(curvature[4], 0.02 / by.powi(3), 1e-3, "by s and s");
}

#[test]
fn logarithms_are_those_of_the_values() {
    for seed in 0..150 {
        let program = random_program(seed, FULL);
        let circuit = circuit(&program, Inference::Exact);
        let weights = program.weights();
        let mut random = Random(seed);
        let seeds: Vec<f64> = (0..circuit.outputs())
            .map(|_| random.unit() - 0.5)
            .collect();
        let mut memory = LogTape::default();
        let mut logs = vec![f64::NAN; circuit.outputs()];
        assert!(circuit.log_forward(&weights, 1, &mut memory, &mut logs));
        let (values, _) = gradient(&circuit, &weights, &seeds);
        for (log, value) in logs.iter().zip(&values) {
            assert_close(log.exp(), *value, 1e-9, format_args!("seed {seed}"));
        }
        // d ln p = dp / p
        let wanted: Vec<f64> = seeds
            .iter()
            .zip(&values)
            .map(|(seed, value)| if *value > 1e-12 { seed / value } else { 0.0 })
            .collect();
        let asked: Vec<f64> = seeds
            .iter()
            .zip(&values)
            .map(|(seed, value)| if *value > 1e-12 { *seed } else { 0.0 })
            .collect();
        let (_, wanted) = gradient(&circuit, &weights, &wanted);
        let mut found = vec![f64::NAN; weights.len()];
        circuit.log_backward(1, &mut memory, &asked, &mut found);
        for (found, wanted) in found.iter().zip(&wanted) {
            assert_close(
                *found,
                *wanted,
                1e-6 * (1.0 + wanted.abs()),
                format_args!("seed {seed}"),
            );
        }
    }
}

#[test]
fn a_long_product_does_not_vanish() {
    let mut program = Program::default();
    let facts: Vec<_> = (0..1000).map(|_| program.independent(1e-3)).collect();
    let all = program.tuple(1);
    let body: Vec<_> = facts.iter().map(|&fact| common::positive(fact)).collect();
    program.rule(all, None, &body);
    let circuit = compile(
        &program.trace,
        &[all],
        Inference::Exact,
        &Budget::default(),
        None,
    )
    .unwrap();
    let mut memory = LogTape::default();
    let mut log = [0.0];
    circuit.log_forward(&program.weights(), 1, &mut memory, &mut log);
    let wanted = 1000.0 * 1e-3f64.ln();
    assert_close(log[0], wanted, 1e-8, "sum of logarithms");
    let mut gradient = vec![0.0f64; 1000];
    circuit.log_backward(1, &mut memory, &[1.0], &mut gradient);
    assert!(gradient.iter().all(|slope| (slope - 1000.0).abs() < 1e-6));
    // At 0 and 1 all stays finite, for f32 too.
    for weight in [0.0f32, 1.0] {
        let mut log = [0.0f32];
        circuit.log_forward(&vec![weight; 1000], 1, &mut memory, &mut log);
        let mut gradient = vec![f32::NAN; 1000];
        circuit.log_backward(1, &mut memory, &[1.0f32], &mut gradient);
        assert!(log[0].is_finite() && gradient.iter().all(|slope| slope.is_finite()));
    }
}

#[test]
fn logarithms_of_long_convolutions_are_right_in_their_tails() {
    // Sums of digits, some of which are next to impossible: coefficients from 1 down to far below what numbers hold.
    let n = 40;
    let mut program = Program::default();
    let mut members = Vec::new();
    for i in 0..n {
        let mut share = |digit: i32| 10f64.powi(-digit * (1 + i % 5));
        let weights: Vec<f64> = (0..10).map(&mut share).collect();
        let total: f64 = weights.iter().sum();
        let weights: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
        members.extend(program.exclusive(&weights));
    }
    let values: Vec<i64> = (0..n).flat_map(|_| 0..10).collect();
    let sums = 9 * n as usize + 1;
    let most: i64 = values.iter().sum();
    let results: Vec<_> = (0..sums).map(|_| program.tuple(1)).collect();
    let kind = nsdl_ir::AggregateKind::Sum {
        values,
        least: 0,
        nonempty: false,
        results: (0..=most as usize)
            .map(|i| results.get(i).copied())
            .collect(),
    };
    program.aggregate(None, members, kind);
    let compiled = |outputs: &[nsdl_ir::TupleId]| {
        compile(
            &program.trace,
            outputs,
            Inference::Exact,
            &Budget::default(),
            None,
        )
        .unwrap()
    };
    let circuit = compiled(&results);
    let weights = program.weights();
    // The same by logarithms, term by term.
    let add = |a: f64, b: f64| {
        let most = a.max(b);
        if most == f64::NEG_INFINITY {
            return most;
        }
        most + ((a - most).exp() + (b - most).exp()).ln()
    };
    let mut wanted = vec![0.0];
    for digit in weights.chunks(10) {
        let mut next = vec![f64::NEG_INFINITY; wanted.len() + 9];
        for (i, x) in wanted.iter().enumerate() {
            for (d, weight) in digit.iter().enumerate() {
                next[i + d] = add(next[i + d], x + weight.ln());
            }
        }
        wanted = next;
    }
    assert!(wanted[sums - 1] < -2000.0, "{}", wanted[sums - 1]);
    let (mut memory, mut logs) = (LogTape::default(), vec![0.0f64; sums]);
    assert!(circuit.log_forward(&weights, 1, &mut memory, &mut logs));
    for (found, wanted) in logs.iter().zip(&wanted) {
        assert_close(*found, *wanted, 1e-12 * (1.0 + wanted.abs()), "logarithm");
    }
    // Each world has one value of each digit, so the flows of a digit sum to what flows in.
    for asked in [0, 7, 100, 200, sums - 1] {
        let mut seeds = vec![0.0; sums];
        seeds[asked] = 1.0;
        let mut gradient = vec![f64::NAN; weights.len()];
        circuit.log_backward(1, &mut memory, &seeds, &mut gradient);
        let mut mean = 0.0;
        for (digit, slopes) in weights.chunks(10).zip(gradient.chunks(10)) {
            let none = 1.0
                - digit
                    .iter()
                    .zip(slopes)
                    .map(|(w, slope)| w * slope)
                    .sum::<f64>();
            assert_close(
                slopes[0],
                0.0,
                1e-9 * (1.0 + none),
                format_args!("sum {asked}"),
            );
            let flows = digit
                .iter()
                .zip(slopes)
                .map(|(w, slope)| w * (slope + none));
            mean += flows
                .enumerate()
                .map(|(d, flow)| d as f64 * flow)
                .sum::<f64>();
        }
        assert_close(mean, asked as f64, 1e-7, "the digits add up to the sum");
    }
}
