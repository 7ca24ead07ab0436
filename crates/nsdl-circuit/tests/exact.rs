//! Exact inference against enumeration of worlds.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{FULL, Program, Random, assert_close, negative, positive, random_program};
use nsdl_circuit::{Budget, Circuit, Inference, LayerOp, Method, Tape, compile};
use nsdl_ir::{AggregateKind, TupleId};

fn exact(program: &Program, outputs: &[TupleId]) -> Circuit {
    compile(
        &program.trace,
        outputs,
        Inference::Exact,
        &Budget::default(),
        None,
    )
    .unwrap()
}

fn values(circuit: &Circuit, weights: &[f64]) -> Vec<f64> {
    let mut out = vec![f64::NAN; circuit.outputs()];
    circuit.forward(weights, 1, &mut Tape::new(), &mut out);
    out
}

#[test]
fn random_programs_equal_enumeration() {
    for seed in 0..600 {
        let program = random_program(seed, FULL);
        let weights = program.weights();
        let outputs = program.all_tuples();
        let circuit = exact(&program, &outputs);
        let wanted = program.probabilities(&weights);
        for (i, (&found, wanted)) in values(&circuit, &weights).iter().zip(wanted).enumerate() {
            assert_close(found, wanted, 1e-9, format_args!("seed {seed}, tuple {i}"));
        }
    }
}

#[test]
fn gradients_equal_differences() {
    for seed in 0..120 {
        let program = random_program(seed, FULL);
        let weights = program.weights();
        let outputs = program.all_tuples();
        let circuit = exact(&program, &outputs);
        let mut random = Random(seed);
        let seeds: Vec<f64> = outputs.iter().map(|_| random.unit() - 0.5).collect();
        let mut tape = Tape::new();
        let mut out = vec![0.0; outputs.len()];
        let mut gradient = vec![f64::NAN; weights.len()];
        circuit.forward(&weights, 1, &mut tape, &mut out);
        circuit.backward(&weights, 1, &mut tape, &seeds, &mut gradient);
        let loss = |weights: &[f64]| -> f64 {
            program
                .probabilities(weights)
                .iter()
                .zip(&seeds)
                .map(|(p, s)| p * s)
                .sum()
        };
        for leaf in 0..weights.len() {
            let h = 1e-4;
            let mut moved = weights.clone();
            moved[leaf] += h;
            let above = loss(&moved);
            moved[leaf] -= 2.0 * h;
            let wanted = (above - loss(&moved)) / (2.0 * h);
            assert_close(
                gradient[leaf],
                wanted,
                1e-5,
                format_args!("seed {seed}, leaf {leaf}"),
            );
        }
    }
}

#[test]
fn weights_zero_and_one_are_ordinary() {
    for seed in 0..200 {
        let program = random_program(seed, FULL);
        let circuit = exact(&program, &program.all_tuples());
        let mut random = Random(seed);
        let mut weights = vec![0.0; program.trace.leaves.len()];
        for group in &program.trace.groups {
            let size = (group.end - group.start) as usize;
            let chosen = random.below(size + 1);
            if chosen < size {
                weights[group.start as usize + chosen] = 1.0;
            }
        }
        let wanted = program.probabilities(&weights);
        for (&found, wanted) in values(&circuit, &weights).iter().zip(wanted) {
            assert_close(found, wanted, 1e-12, format_args!("seed {seed}"));
        }
        let mut tape = Tape::new();
        let mut out = vec![0.0; circuit.outputs()];
        let mut gradient = vec![f64::NAN; weights.len()];
        circuit.forward(&weights, 1, &mut tape, &mut out);
        let ones = vec![1.0; circuit.outputs()];
        circuit.backward(&weights, 1, &mut tape, &ones, &mut gradient);
        assert!(gradient.iter().all(|x| x.is_finite()), "seed {seed}");
    }
}

#[test]
fn a_batch_is_its_samples() {
    let program = random_program(7, FULL);
    let circuit = exact(&program, &program.all_tuples());
    let (leaves, outputs) = (circuit.leaves(), circuit.outputs());
    for batch in [2, 3, 5, 8, 17, 64, 1000] {
        let mut random = Random(batch as u64);
        let weights: Vec<f64> = (0..leaves * batch).map(|_| random.unit()).collect();
        let seeds: Vec<f64> = (0..outputs * batch).map(|_| random.unit()).collect();
        let mut tape = Tape::new();
        let mut out = vec![0.0; outputs * batch];
        let mut gradient = vec![0.0; leaves * batch];
        circuit.forward(&weights, batch, &mut tape, &mut out);
        circuit.backward(&weights, batch, &mut tape, &seeds, &mut gradient);
        for sample in 0..batch {
            let column = |rows: &[f64]| -> Vec<f64> {
                rows.iter().skip(sample).step_by(batch).copied().collect()
            };
            let mut one = vec![0.0; outputs];
            let mut one_gradient = vec![0.0; leaves];
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
        }
    }
}

#[test]
fn interpreting_the_layers_gives_the_forward_pass() {
    for seed in 0..50 {
        let program = random_program(seed, FULL);
        let weights = program.weights();
        let circuit = exact(&program, &program.all_tuples());
        let mut nodes = weights.clone();
        nodes.extend([0.0, 1.0]);
        for layer in circuit.layers().unwrap() {
            assert_eq!(layer.first as usize, nodes.len());
            if layer.op == LayerOp::Convolution {
                for (a, b) in layer.products() {
                    let mut product = vec![0.0; a.len() + b.len() - 1];
                    for (i, &x) in a.iter().enumerate() {
                        for (j, &y) in b.iter().enumerate() {
                            product[i + j] += nodes[x as usize] * nodes[y as usize];
                        }
                    }
                    nodes.extend(product);
                }
                continue;
            }
            for children in layer.nodes() {
                assert!(children.iter().all(|&child| child < layer.first));
                let inputs = children.iter().map(|&child| nodes[child as usize]);
                nodes.push(match layer.op {
                    LayerOp::Sum => inputs.sum(),
                    LayerOp::Product => inputs.product(),
                    LayerOp::Complement => 1.0 - inputs.sum::<f64>(),
                    _ => panic!("exact circuits have no {:?}", layer.op),
                });
            }
        }
        let interpreted = circuit
            .output_nodes()
            .iter()
            .map(|&node| nodes[node as usize]);
        for (found, wanted) in values(&circuit, &weights).into_iter().zip(interpreted) {
            assert_close(found, wanted, 1e-12, seed);
        }
    }
}

/// `n` digits; the tuples of their sums.
fn digit_sum(n: usize) -> (Program, Vec<TupleId>) {
    let mut program = Program::default();
    let digits: Vec<Vec<TupleId>> = (0..n).map(|_| program.exclusive(&[0.1; 10])).collect();
    let sums: Vec<TupleId> = (0..=9 * n).map(|_| program.tuple(1)).collect();
    for code in 0..10usize.pow(n as u32) {
        let places: Vec<usize> = (0..n).map(|i| code / 10usize.pow(i as u32) % 10).collect();
        let body: Vec<_> = places
            .iter()
            .enumerate()
            .map(|(i, &d)| positive(digits[i][d]))
            .collect();
        program.rule(sums[places.iter().sum::<usize>()], None, &body);
    }
    (program, sums)
}

#[test]
fn sum_2_is_compiled_as_it_stands() {
    let (program, sums) = digit_sum(2);
    let circuit = exact(&program, &sums);
    assert_eq!(circuit.report().method, Method::Direct);
    assert_eq!((circuit.report().nodes, circuit.report().edges), (117, 298));
    let found = values(&circuit, &program.weights());
    for (sum, &found) in found.iter().enumerate() {
        let ways = 10 - (sum as i32 - 9).abs();
        assert_close(found, f64::from(ways) / 100.0, 1e-12, sum);
    }
}

#[test]
fn sum_4_is_a_convolution() {
    let (program, sums) = digit_sum(4);
    let circuit = exact(&program, &sums);
    let edges = circuit.report().edges;
    assert!(edges < 2_000, "{edges} edges");
    let mut wanted = vec![1.0];
    for _ in 0..4 {
        let mut next = vec![0.0; wanted.len() + 9];
        for (i, x) in wanted.iter().enumerate() {
            for d in 0..10 {
                next[i + d] += x * 0.1;
            }
        }
        wanted = next;
    }
    for (found, wanted) in values(&circuit, &program.weights()).into_iter().zip(wanted) {
        assert_close(found, wanted, 1e-12, "sum");
    }
}

#[test]
fn counts_of_a_thousand_members_stay_polynomial() {
    let mut program = Program::default();
    let n = 1000;
    let members: Vec<TupleId> = (0..n).map(|_| program.independent(0.5)).collect();
    let results: Vec<TupleId> = (0..=n).map(|_| program.tuple(1)).collect();
    let kind = AggregateKind::Count {
        results: results.iter().copied().map(Some).collect(),
    };
    program.aggregate(None, members, kind);
    let circuit = exact(&program, &results);
    let found = values(&circuit, &program.weights());
    assert_close(found.iter().sum(), 1.0, 1e-9, "total");
    // C(1000, 500) / 2^1000
    assert_close(found[500], 0.025225018178, 1e-9, "middle");
}

#[test]
fn cycles_have_least_fixpoint_meaning() {
    // a and b support only each other; c is reached from outside.
    let mut program = Program::default();
    let fact = program.independent(0.3);
    let [a, b, c, d] = [0; 4].map(|_| program.tuple(1));
    program.rule(a, None, &[positive(b)]);
    program.rule(b, None, &[positive(a)]);
    program.rule(c, None, &[positive(d)]);
    program.rule(d, None, &[positive(c)]);
    program.rule(d, None, &[positive(fact)]);
    let e = program.tuple(2);
    program.rule(e, None, &[negative(c), negative(a)]);
    let circuit = exact(&program, &[a, b, c, d, e]);
    let found = values(&circuit, &program.weights());
    for (found, wanted) in found.into_iter().zip([0.0, 0.0, 0.3, 0.3, 0.7]) {
        assert_close(found, wanted, 1e-15, "tuple");
    }
}

#[test]
fn deep_derivations_do_not_overflow_the_stack() {
    let mut program = Program::default();
    let mut last = program.independent(0.999);
    for _ in 0..3000 {
        let (next, fact) = (program.tuple(1), program.independent(0.999));
        program.rule(next, None, &[positive(last), positive(fact)]);
        // Another way in, so that the chain is no mere product.
        let other = program.independent(0.001);
        program.rule(next, None, &[positive(other)]);
        last = next;
    }
    let weights = program.weights();
    let found = values(&exact(&program, &[last]), &weights);
    let mut wanted = 0.999;
    for _ in 0..3000 {
        wanted = 1.0 - (1.0 - wanted * 0.999) * 0.999;
    }
    assert_close(found[0], wanted, 1e-12, "end of the chain");
}

#[test]
fn an_empty_batch_and_no_outputs_are_fine() {
    let program = random_program(1, FULL);
    let circuit = exact(&program, &[]);
    circuit.forward::<f32>(&[], 0, &mut Tape::new(), &mut []);
    circuit.backward::<f32>(&[], 0, &mut Tape::new(), &[], &mut []);
    let weights = program.weights();
    let mut gradient = vec![f64::NAN; weights.len()];
    let mut tape = Tape::new();
    circuit.forward(&weights, 1, &mut tape, &mut []);
    circuit.backward(&weights, 1, &mut tape, &[], &mut gradient);
    assert!(gradient.iter().all(|&x| x == 0.0));
}

#[test]
fn a_small_budget_is_an_error() {
    let (program, sums) = digit_sum(3);
    let budget = Budget {
        nodes: 50,
        ..Budget::default()
    };
    let error = compile(&program.trace, &sums, Inference::Exact, &budget, None).unwrap_err();
    assert_eq!(error.code, "E0620");
    assert!(error.help.is_some() && !error.notes.is_empty());
}

#[test]
fn cancelling_is_an_error() {
    let (program, sums) = digit_sum(4);
    let cancel = std::sync::atomic::AtomicBool::new(true);
    let error = compile(
        &program.trace,
        &sums,
        Inference::Exact,
        &Budget::default(),
        Some(&cancel),
    )
    .unwrap_err();
    assert_eq!(error.code, "E0613");
}

/// The sum of what holds of some facts: its distribution, and the gradient, against one fact after the other.
#[test]
fn sums_of_many_members_are_products_of_polynomials() {
    let mut random = Random(11);
    let mut program = Program::default();
    let mut members = Vec::new();
    let mut values: Vec<i64> = Vec::new();
    for _ in 0..60 {
        members.extend(program.exclusive(&[0.2, 0.3, 0.25, 0.1]));
        values.extend([1, -2, 5, 0]);
    }
    for _ in 0..100 {
        members.push(program.independent(random.unit()));
        values.push(random.below(12) as i64 - 3);
    }
    let least = values.iter().filter(|v| **v < 0).sum::<i64>();
    let most = values.iter().filter(|v| **v > 0).sum::<i64>();
    let results: Vec<TupleId> = (least..=most).map(|_| program.tuple(1)).collect();
    let kind = AggregateKind::Sum {
        values: values.clone(),
        least,
        nonempty: false,
        results: results.iter().copied().map(Some).collect(),
    };
    program.aggregate(None, members, kind);
    let circuit = exact(&program, &results);
    assert_eq!(circuit.report().method, Method::Direct);
    assert!(
        circuit
            .layers()
            .unwrap()
            .iter()
            .any(|layer| layer.op == LayerOp::Convolution)
    );

    let distribution = |weights: &[f64]| {
        let mut sums = vec![0.0; results.len()];
        sums[-least as usize] = 1.0;
        for group in &program.trace.groups {
            let leaves = group.start as usize..group.end as usize;
            let none = 1.0 - weights[leaves.clone()].iter().sum::<f64>();
            let mut next: Vec<f64> = sums.iter().map(|p| p * none).collect();
            for leaf in leaves {
                for (place, p) in sums.iter().enumerate().filter(|(_, p)| **p != 0.0) {
                    next[(place as i64 + values[leaf]) as usize] += p * weights[leaf];
                }
            }
            sums = next;
        }
        sums
    };
    for batch in [1, 4, 19] {
        let scale: Vec<f64> = (0..batch).map(|_| random.unit()).collect();
        let base = program.weights();
        let weights: Vec<f64> = base
            .iter()
            .flat_map(|w| scale.iter().map(move |s| w * s))
            .collect();
        let seeds: Vec<f64> = (0..results.len() * batch)
            .map(|_| random.unit() - 0.5)
            .collect();
        let mut tape = Tape::new();
        let mut out = vec![0.0; results.len() * batch];
        let mut gradient = vec![0.0; weights.len()];
        circuit.forward(&weights, batch, &mut tape, &mut out);
        circuit.backward(&weights, batch, &mut tape, &seeds, &mut gradient);
        for sample in [0, batch - 1] {
            let own: Vec<f64> = base.iter().map(|w| w * scale[sample]).collect();
            let wanted = distribution(&own);
            for (sum, wanted) in wanted.iter().enumerate() {
                assert_close(out[sum * batch + sample], *wanted, 1e-12, sum);
            }
            for leaf in [0, 1, 3, 200, base.len() - 1] {
                // Probabilities are linear in each weight.
                let (mut more, mut less) = (own.clone(), own.clone());
                (more[leaf], less[leaf]) = (more[leaf] + 0.1, less[leaf] - 0.1);
                let pairs = distribution(&more).into_iter().zip(distribution(&less));
                let wanted: f64 = pairs
                    .enumerate()
                    .map(|(sum, (more, less))| (more - less) / 0.2 * seeds[sum * batch + sample])
                    .sum();
                assert_close(gradient[leaf * batch + sample], wanted, 1e-9, leaf);
            }
        }
    }
}
