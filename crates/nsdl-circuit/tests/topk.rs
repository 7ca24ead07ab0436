//! Top-k proofs against enumeration of worlds, and their own rules.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{
    FULL, MONOTONE, Program, Random, Shape, assert_close, negative, positive, random_program,
};
use nsdl_circuit::{Budget, Circuit, Inference, ProofLiteral, Tape, compile, proofs};
use nsdl_ir::{LeafId, TupleId};

fn top(program: &Program, outputs: &[TupleId], k: usize) -> Circuit {
    compile(
        &program.trace,
        outputs,
        Inference::TopK(k),
        &Budget::default(),
        None,
    )
    .unwrap()
}

fn values(circuit: &Circuit, weights: &[f64]) -> (Vec<f64>, bool) {
    let mut tape = Tape::new();
    let mut out = vec![f64::NAN; circuit.outputs()];
    circuit.forward(weights, 1, &mut tape, &mut out);
    (out, tape.truncated())
}

#[test]
fn untruncated_equals_enumeration() {
    let mut complete = 0;
    // As bits on cycles, and as lists.
    for (seed, k) in (0..300).flat_map(|seed| [(seed, 16), (seed, 400)]) {
        let program = random_program(seed, FULL);
        let (found, truncated) =
            values(&top(&program, &program.all_tuples(), k), &program.weights());
        if truncated {
            continue;
        }
        complete += 1;
        let wanted = program.probabilities(&program.weights());
        for (i, (found, wanted)) in found.into_iter().zip(wanted).enumerate() {
            assert_close(found, wanted, 1e-9, format_args!("seed {seed}, tuple {i}"));
        }
    }
    assert!(complete > 450, "only {complete} runs kept all proofs");
}

/// Clauses are never bits, and without negated disjunctions there are none: the same proofs are kept as lists.
#[test]
fn proofs_as_bits_are_those_as_lists() {
    for seed in 0..120 {
        let mut random = Random(seed);
        let r = &mut random;
        let mut program = Program::default();
        // Many equal weights, and some of 0 and 1.
        let weight = |r: &mut Random| [0.5, 0.25, 0.5, 1.0, 0.0, r.unit(), r.unit()][r.below(7)];
        // Up to 64 literals, up to 256, and more.
        let (count, edges) = [(4 + r.below(6), 4 + r.below(20)), (30, 120), (60, 300)]
            [if seed < 100 { 0 } else { 1 + seed as usize % 2 }];
        let mut facts: Vec<TupleId> = (0..edges).map(|_| program.independent(weight(r))).collect();
        facts.extend(program.exclusive(&[0.25, 0.5, 0.125]));
        let vertices: Vec<TupleId> = (0..count).map(|_| program.tuple(2)).collect();
        program.rule(vertices[0], None, &[positive(facts[0])]);
        for &fact in &facts {
            let [a, b] = [0; 2].map(|_| vertices[r.below(count)]);
            let blocked = program.independent(weight(r));
            let mut body = vec![positive(a), positive(fact)];
            if r.chance(0.3) {
                body.push(negative(blocked));
            }
            if r.chance(0.2) {
                body.push(positive(vertices[r.below(count)]));
            }
            program.rule(b, None, &body);
            if r.chance(0.7) {
                program.rule(a, None, &[positive(b), positive(fact)]);
            }
        }
        program.mark_certain();
        let outputs = [0; 4].map(|_| vertices[r.below(count)]);
        for k in [1, 2, 3, 5] {
            let [bits, lists] = [Inference::TopK(k), Inference::TopBottomK(k)].map(|inference| {
                let budget = Budget::default();
                compile(&program.trace, &outputs, inference, &budget, None).unwrap()
            });
            let weights = program.weights();
            let run = |circuit: &Circuit| {
                let mut tape = Tape::new();
                let (mut out, mut gradient) = ([f64::NAN; 4], vec![f64::NAN; weights.len()]);
                circuit.forward(&weights, 1, &mut tape, &mut out);
                circuit.backward(
                    &weights,
                    1,
                    &mut tape,
                    &[1.0, 0.5, 0.25, 0.7],
                    &mut gradient,
                );
                (out, gradient, tape.truncated())
            };
            assert_eq!(run(&bits), run(&lists), "seed {seed}, k {k}");
        }
    }
}

#[test]
fn a_cycle_has_proofs_from_a_conjunction_that_nothing_else_needs() {
    let mut program = Program::default();
    let (a, b) = (program.independent(0.85), program.independent(0.05));
    let [both, last] = [0; 2].map(|_| program.tuple(1));
    program.rule(both, None, &[positive(a), positive(b)]);
    program.rule(last, None, &[positive(both)]);
    program.rule(last, None, &[positive(last)]);
    for k in [1, 3, 20] {
        let (found, truncated) = values(&top(&program, &[last], k), &program.weights());
        assert_close(found[0], 0.85 * 0.05, 1e-15, k);
        assert!(!truncated);
    }
}

#[test]
fn without_negation_it_grows_with_k_towards_exact() {
    for seed in 0..200 {
        let program = random_program(seed, MONOTONE);
        let exact = program.probabilities(&program.weights());
        for k in [1, 2, 3, 10] {
            let (found, _) = values(&top(&program, &program.all_tuples(), k), &program.weights());
            for (found, exact) in found.iter().zip(&exact) {
                assert!(
                    *found <= exact + 1e-12,
                    "seed {seed}, k {k}: {found} above {exact}"
                );
            }
        }
    }
}

#[test]
fn gradients_equal_differences() {
    for seed in 0..100 {
        let program = random_program(
            seed,
            Shape {
                aggregates: seed % 2 == 0,
                ..FULL
            },
        );
        let weights = program.weights();
        let outputs = program.all_tuples();
        for k in [1, 3, 200] {
            let circuit = top(&program, &outputs, k);
            let mut random = Random(seed);
            let seeds: Vec<f64> = outputs.iter().map(|_| random.unit() - 0.5).collect();
            let mut tape = Tape::new();
            let mut out = vec![0.0; outputs.len()];
            let mut gradient = vec![f64::NAN; weights.len()];
            circuit.forward(&weights, 1, &mut tape, &mut out);
            circuit.backward(&weights, 1, &mut tape, &seeds, &mut gradient);
            for leaf in 0..weights.len() {
                let h = 1e-7;
                let loss = |change: f64| -> f64 {
                    let mut moved = weights.clone();
                    moved[leaf] += change;
                    values(&circuit, &moved)
                        .0
                        .iter()
                        .zip(&seeds)
                        .map(|(p, s)| p * s)
                        .sum()
                };
                let (above, here, below) = (loss(h), loss(0.0), loss(-h));
                let wanted = (above - below) / (2.0 * h);
                // Where two proofs weigh the same the kept set changes with the slightest move.
                if (above + below - 2.0 * here).abs() > 1e-9 {
                    continue;
                }
                assert_close(
                    gradient[leaf],
                    wanted,
                    1e-5,
                    format_args!("seed {seed}, k {k}, leaf {leaf}"),
                );
            }
        }
    }
}

#[test]
fn a_batch_is_its_samples() {
    for seed in 0..20 {
        let program = random_program(seed, FULL);
        let circuit = top(&program, &program.all_tuples(), 3);
        let (leaves, outputs, batch) = (circuit.leaves(), circuit.outputs(), 150);
        let mut random = Random(seed);
        let weights: Vec<f64> = (0..leaves * batch).map(|_| random.unit()).collect();
        let mut out = vec![0.0; outputs * batch];
        circuit.forward(&weights, batch, &mut Tape::new(), &mut out);
        for sample in [0, 75, 149] {
            let column = |rows: &[f64]| -> Vec<f64> {
                rows.iter().skip(sample).step_by(batch).copied().collect()
            };
            assert_eq!(column(&out), values(&circuit, &column(&weights)).0);
        }
    }
}

#[test]
fn the_heaviest_proofs_are_kept_and_truncation_told() {
    let mut program = Program::default();
    let facts = [0.1, 0.5, 0.3].map(|weight| program.independent(weight));
    let any = program.tuple(1);
    for fact in facts {
        program.rule(any, None, &[positive(fact)]);
    }
    for (k, wanted, cut) in [
        (1, 0.5, true),
        (2, 1.0 - 0.5 * 0.7, true),
        (3, 1.0 - 0.9 * 0.5 * 0.7, false),
    ] {
        let (found, truncated) = values(&top(&program, &[any], k), &program.weights());
        assert_close(found[0], wanted, 1e-15, k);
        assert_eq!(truncated, cut);
    }
}

/// Whichever derivations are looked at first, and however many are not looked at for being too light.
#[test]
fn of_many_derivations_the_heaviest_are_kept() {
    const FACTS: usize = 8;
    for seed in 0..300 {
        let mut random = Random(seed);
        let mut program = Program::default();
        let facts: Vec<TupleId> = (0..FACTS)
            .map(|_| program.independent(random.unit()))
            .collect();
        let drawn = |random: &mut Random, most: usize| -> u32 {
            (0..1 + random.below(most)).fold(0, |set, _| set | 1 << random.below(FACTS))
        };
        // Parts have facts in common with each other and with what is beside them.
        let mut parts = Vec::new();
        for _ in 0..4 {
            let (part, set) = (program.tuple(1), drawn(&mut random, 3));
            let body = (0..FACTS).filter(|&fact| set >> fact & 1 == 1);
            let body: Vec<_> = body.map(|fact| positive(facts[fact])).collect();
            program.rule(part, None, &body);
            parts.push((part, set));
        }
        let head = program.tuple(2);
        let mut proofs = Vec::new();
        for _ in 0..16 + random.below(40) {
            let (part, set) = parts[random.below(parts.len())];
            let beside = drawn(&mut random, 4);
            let body = (0..FACTS).filter(|&fact| beside >> fact & 1 == 1);
            let body = body.map(|fact| positive(facts[fact]));
            let body: Vec<_> = body.chain([positive(part)]).collect();
            program.rule(head, None, &body);
            proofs.push(set | beside);
        }
        let weights = program.weights();
        let weight = |set: u32| -> f64 {
            let held = (0..FACTS).filter(|fact| set >> fact & 1 == 1);
            held.map(|fact| weights[fact]).product()
        };
        proofs.sort_by(|&a, &b| weight(b).total_cmp(&weight(a)));
        let mut minimal: Vec<u32> = Vec::new();
        for &proof in &proofs {
            if !proofs
                .iter()
                .any(|&other| other != proof && other & proof == other)
                && !minimal.contains(&proof)
            {
                minimal.push(proof);
            }
        }
        for k in [1, 2, 3, 5] {
            let kept = &minimal[..k.min(minimal.len())];
            let wanted: f64 = (0..1 << FACTS)
                .filter(|&world| kept.iter().any(|&proof| proof & !world == 0))
                .map(|world| {
                    weight(world)
                        * (0..FACTS)
                            .filter(|fact| world >> fact & 1 == 0)
                            .map(|fact| 1.0 - weights[fact])
                            .product::<f64>()
                })
                .sum();
            let (found, truncated) = values(&top(&program, &[head], k), &weights);
            assert_close(found[0], wanted, 1e-12, format_args!("seed {seed}, k {k}"));
            assert!(truncated || minimal.len() <= k, "seed {seed}, k {k}");
        }
    }
}

#[test]
fn subsumed_proofs_do_not_crowd_out_others() {
    let mut program = Program::default();
    let [a, b, c] = [0.9, 0.9, 0.2].map(|weight| program.independent(weight));
    let head = program.tuple(1);
    program.rule(head, None, &[positive(a)]);
    program.rule(head, None, &[positive(a), positive(b)]);
    program.rule(head, None, &[positive(c)]);
    let (found, truncated) = values(&top(&program, &[head], 2), &program.weights());
    assert_close(found[0], 1.0 - 0.1 * 0.8, 1e-15, "union of a and c");
    assert!(!truncated);
    // Also where the subsumed proof weighs the same.
    let (found, truncated) = values(&top(&program, &[head], 2), &[0.9, 1.0, 0.2]);
    assert_close(found[0], 1.0 - 0.1 * 0.8, 1e-15, "union of a and c");
    assert!(!truncated);
}

#[test]
fn exclusive_alternatives_are_inconsistent_and_negatable() {
    let mut program = Program::default();
    let digits = program.exclusive(&[0.2, 0.3, 0.4]);
    let (two, not_first, neither) = (program.tuple(1), program.tuple(1), program.tuple(1));
    program.rule(two, None, &[positive(digits[0]), positive(digits[1])]);
    program.rule(not_first, None, &[negative(digits[0])]);
    program.rule(neither, None, &[negative(digits[0]), negative(digits[1])]);
    let (found, _) = values(
        &top(&program, &[two, not_first, neither], 1),
        &program.weights(),
    );
    for (found, wanted) in found.into_iter().zip([0.0, 0.8, 0.5]) {
        assert_close(found, wanted, 1e-15, "exclusive");
    }
}

#[test]
fn proofs_of_weight_zero_have_gradients() {
    let mut program = Program::default();
    let (a, b) = (program.independent(0.0), program.independent(1.0));
    let both = program.tuple(1);
    program.rule(both, None, &[positive(a), positive(b)]);
    let circuit = top(&program, &[both], 3);
    let mut tape = Tape::new();
    let (mut out, mut gradient) = ([f64::NAN], [f64::NAN; 2]);
    circuit.forward(&[0.0, 1.0], 1, &mut tape, &mut out);
    circuit.backward(&[0.0, 1.0], 1, &mut tape, &[1.0], &mut gradient);
    assert_eq!((out, gradient), ([0.0], [1.0, 0.0]));
}

#[test]
fn many_proofs_are_weighed_by_compiling_their_union() {
    let mut program = Program::default();
    let facts: Vec<TupleId> = (0..30).map(|_| program.independent(0.1)).collect();
    let any = program.tuple(1);
    for &fact in &facts {
        program.rule(any, None, &[positive(fact)]);
    }
    let circuit = top(&program, &[any], 100);
    let weights = program.weights();
    let mut tape = Tape::new();
    let (mut out, mut gradient) = ([0.0], [0.0; 30]);
    circuit.forward(&weights, 1, &mut tape, &mut out);
    circuit.backward(&weights, 1, &mut tape, &[1.0], &mut gradient);
    assert_close(out[0], 1.0 - 0.9f64.powi(30), 1e-12, "noisy or");
    assert_close(gradient[4], 0.9f64.powi(29), 1e-12, "gradient");
}

#[test]
fn proofs_explain_a_tuple() {
    let mut program = Program::default();
    let digits = program.exclusive(&[0.2, 0.7]);
    let fact = program.independent(0.5);
    let head = program.tuple(1);
    program.rule(head, None, &[positive(digits[0]), positive(fact)]);
    program.rule(head, None, &[positive(digits[1]), negative(fact)]);
    let found = proofs(&program.trace, head, 5, &program.weights()).unwrap();
    let literal = |leaf: u32, negated| ProofLiteral {
        leaf: LeafId(leaf),
        negated,
    };
    assert_eq!(found.len(), 2);
    assert_close(found[0].probability, 0.35, 1e-15, "best");
    assert_eq!(found[0].literals, [literal(1, false), literal(2, true)]);
    assert_close(found[1].probability, 0.1, 1e-15, "second");
    assert_eq!(found[1].literals, [literal(0, false), literal(2, false)]);
    let best = proofs(&program.trace, head, 1, &program.weights()).unwrap();
    assert_eq!(best.len(), 1);
}
