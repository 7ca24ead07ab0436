//! Drawn worlds and drawn proofs against enumeration.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{FULL, MONOTONE, Program, Random, assert_close, negative, positive, random_program};
use nsdl_circuit::{Budget, Circuit, Estimator, Inference, Tape, compile};
use nsdl_ir::TupleId;

fn circuit(program: &Program, outputs: &[TupleId], inference: Inference) -> Circuit {
    compile(&program.trace, outputs, inference, &Budget::default(), None).unwrap()
}

fn worlds(worlds: usize, seed: u64, estimator: Estimator) -> Inference {
    Inference::Sample {
        worlds,
        seed,
        estimator,
    }
}

fn values(circuit: &Circuit, weights: &[f64]) -> (Vec<f64>, Tape<f64>) {
    let mut out = vec![f64::NAN; circuit.outputs()];
    let mut tape = Tape::new();
    circuit.forward(weights, 1, &mut tape, &mut out);
    (out, tape)
}

#[test]
fn estimates_are_near_what_enumeration_gives() {
    let (mut inside, mut all) = (0, 0);
    for seed in 0..60 {
        let program = random_program(seed, FULL);
        let weights = program.weights();
        let outputs = program.all_tuples();
        let n = 4000;
        let circuit = circuit(&program, &outputs, worlds(n, seed, Estimator::Score));
        let (found, tape) = values(&circuit, &weights);
        let (mut lower, mut upper) = (found.clone(), found.clone());
        assert!(circuit.intervals(&tape, &mut lower, &mut upper));
        for (i, wanted) in program.probabilities(&weights).into_iter().enumerate() {
            // Six standard deviations.
            let error = 6.0 * ((wanted * (1.0 - wanted)).max(0.0) / n as f64).sqrt() + 1e-9;
            assert_close(
                found[i],
                wanted,
                error,
                format_args!("seed {seed}, tuple {i}"),
            );
            if wanted > 1e-9 && wanted < 1.0 - 1e-9 {
                all += 1;
                inside += usize::from(lower[i] <= wanted && wanted <= upper[i]);
            }
        }
    }
    let share = inside as f64 / all as f64;
    assert!(
        (0.92..0.98).contains(&share),
        "{share} of {all} lie in their interval"
    );
}

#[test]
fn a_seed_decides_what_each_call_draws() {
    let program = random_program(3, FULL);
    let (weights, outputs) = (program.weights(), program.all_tuples());
    let draws = |seed| {
        let circuit = circuit(&program, &outputs, worlds(100, seed, Estimator::Score));
        [values(&circuit, &weights).0, values(&circuit, &weights).0]
    };
    assert_eq!(draws(1), draws(1));
    assert_ne!(draws(1)[0], draws(1)[1], "another call draws other worlds");
    assert_ne!(draws(1), draws(2));
}

#[test]
fn gradients_by_score_are_unbiased() {
    for seed in 0..12 {
        let program = random_program(seed, FULL);
        let weights = program.weights();
        let outputs = program.all_tuples();
        let mut random = Random(seed);
        let seeds: Vec<f64> = outputs.iter().map(|_| random.unit() - 0.5).collect();
        let exact = circuit(&program, &outputs, Inference::Exact);
        let gradient = |circuit: &Circuit| {
            let (_, mut tape) = values(circuit, &weights);
            let mut gradient = vec![f64::NAN; weights.len()];
            circuit.backward(&weights, 1, &mut tape, &seeds, &mut gradient);
            gradient
        };
        let wanted = gradient(&exact);
        let sampled = circuit(&program, &outputs, worlds(200_000, seed, Estimator::Score));
        let found = gradient(&sampled);
        for group in &program.trace.groups {
            let range = group.start as usize..group.end as usize;
            let left = 1.0 - weights[range.clone()].iter().sum::<f64>();
            if left < 0.05 || weights[range.clone()].iter().any(|w| *w < 0.05) {
                // What is hardly ever drawn is hardly ever learned of.
                continue;
            }
            for leaf in range {
                assert_close(
                    found[leaf],
                    wanted[leaf],
                    0.06,
                    format_args!("seed {seed}, leaf {leaf}"),
                );
            }
        }
    }
}

#[test]
fn straight_through_is_right_where_variables_are_met_once() {
    // (a and not b) or c
    let mut program = Program::default();
    let [a, b, c] = [0.4, 0.3, 0.2].map(|weight| program.independent(weight));
    let head = program.tuple(1);
    program.rule(head, None, &[positive(a), negative(b)]);
    program.rule(head, None, &[positive(c)]);
    let circuit = circuit(
        &program,
        &[head],
        worlds(100_000, 9, Estimator::StraightThrough),
    );
    let weights = program.weights();
    let (_, mut tape) = values(&circuit, &weights);
    let mut gradient = vec![0.0; 3];
    circuit.backward(&weights, 1, &mut tape, &[1.0], &mut gradient);
    for (found, wanted) in gradient
        .iter()
        .zip([0.7 * 0.8, -0.4 * 0.8, 1.0 - 0.4 * 0.7])
    {
        assert_close(*found, wanted, 0.01, "one variable");
    }
}

#[test]
fn drawn_proofs_are_exact_for_many_and_a_lower_bound_for_few() {
    for seed in 0..80 {
        let program = random_program(seed, MONOTONE);
        let (weights, outputs) = (program.weights(), program.all_tuples());
        let wanted = program.probabilities(&weights);
        let drawn = |k, seed| {
            let circuit = circuit(&program, &outputs, Inference::SampleK { k, seed });
            let (found, tape) = values(&circuit, &weights);
            (found, tape.truncated())
        };
        let (many, truncated) = drawn(10_000, seed);
        assert!(!truncated);
        for (found, wanted) in many.iter().zip(&wanted) {
            assert_close(*found, *wanted, 1e-9, format_args!("seed {seed}"));
        }
        let (few, truncated) = drawn(1, seed);
        assert_eq!(
            drawn(1, seed),
            (few.clone(), truncated),
            "a seed draws the same"
        );
        for (found, wanted) in few.iter().zip(&wanted) {
            assert!(
                *found <= wanted + 1e-9,
                "seed {seed}: {found} is above {wanted}"
            );
        }
    }
}

#[test]
fn proofs_are_drawn_by_their_weight() {
    // Two exclusive ways of weight 0.2 and 0.6: the second is drawn three times as often.
    let mut program = Program::default();
    let ways = program.exclusive(&[0.2, 0.6]);
    let head = program.tuple(1);
    for way in ways {
        program.rule(head, None, &[positive(way)]);
    }
    let mut heavy = 0;
    for seed in 0..4000 {
        let circuit = circuit(&program, &[head], Inference::SampleK { k: 1, seed });
        heavy += usize::from(values(&circuit, &program.weights()).0[0] > 0.5);
    }
    assert!((2880..3120).contains(&heavy), "{heavy} of 4000");
}

#[test]
fn clauses_lose_nothing_by_negation() {
    // No one of many: one clause a fact, where proofs would need one that has them all.
    let mut program = Program::default();
    let (a, b) = (program.independent(0.3), program.independent(0.4));
    let (c, d) = (program.independent(0.2), program.independent(0.6));
    let any = program.tuple(1);
    program.rule(any, None, &[positive(a), positive(b)]);
    program.rule(any, None, &[positive(c), positive(d)]);
    let none = program.tuple(2);
    program.rule(none, None, &[negative(any)]);
    let wanted = (1.0 - 0.12) * (1.0 - 0.12);
    let exact = circuit(&program, &[none], Inference::TopBottomK(2));
    let (found, tape) = values(&exact, &program.weights());
    assert_close(found[0], wanted, 1e-12, "two clauses");
    assert!(!tape.truncated());
    // Two proofs of four do not suffice.
    let (found, tape) = values(
        &circuit(&program, &[none], Inference::TopK(2)),
        &program.weights(),
    );
    assert!(found[0] < wanted - 0.01 && tape.truncated());
}

#[test]
fn clauses_and_proofs_without_truncation_are_exact() {
    let mut negated = 0;
    for seed in 0..250 {
        let program = random_program(seed, FULL);
        let (weights, outputs) = (program.weights(), program.all_tuples());
        let wanted = program.probabilities(&weights);
        let all = circuit(&program, &outputs, Inference::TopBottomK(10_000));
        let (found, mut tape) = values(&all, &weights);
        if tape.truncated() {
            continue;
        }
        for (i, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
            assert_close(
                *found,
                *wanted,
                1e-9,
                format_args!("seed {seed}, tuple {i}"),
            );
        }
        let mut random = Random(seed);
        let seeds: Vec<f64> = outputs.iter().map(|_| random.unit() - 0.5).collect();
        let mut gradient = vec![0.0; weights.len()];
        all.backward(&weights, 1, &mut tape, &seeds, &mut gradient);
        let exact = circuit(&program, &outputs, Inference::Exact);
        let (_, mut tape) = values(&exact, &weights);
        let mut wanted = vec![0.0; weights.len()];
        exact.backward(&weights, 1, &mut tape, &seeds, &mut wanted);
        for (found, wanted) in gradient.iter().zip(&wanted) {
            assert_close(*found, *wanted, 1e-8, format_args!("seed {seed}"));
        }
        negated += usize::from(program.trace.literals.iter().any(|l| l.negated));
    }
    assert!(negated > 50);
}
