//! Exact answers within a budget, else bounds: they contain what enumeration of worlds gives.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{FULL, Program, Random, assert_close, positive, random_program};
use nsdl_circuit::{Budget, Circuit, Inference, Method, Tape, compile};
use nsdl_ir::TupleId;

fn auto(program: &Program, outputs: &[TupleId], nodes: usize) -> Circuit {
    let budget = Budget {
        auto: nodes,
        ..Budget::default()
    };
    compile(&program.trace, outputs, Inference::Auto, &budget, None).unwrap()
}

/// Answers, lower and upper bounds of one sample.
fn values(circuit: &Circuit, weights: &[f64]) -> [Vec<f64>; 3] {
    let mut tape = Tape::new();
    let mut all = [(); 3].map(|()| vec![f64::NAN; circuit.outputs()]);
    let [answers, lower, upper] = &mut all;
    circuit.forward(weights, 1, &mut tape, answers);
    if !circuit.bounds(1, &tape, lower, upper) {
        lower.copy_from_slice(answers);
        upper.copy_from_slice(answers);
    }
    all
}

#[test]
fn bounds_contain_what_enumeration_gives() {
    let mut open = 0;
    for seed in 0..400 {
        let program = random_program(seed, FULL);
        let outputs = program.all_tuples();
        let mut random = Random(seed);
        // None at all, a few steps, more.
        for nodes in [0, random.below(40), random.below(400)] {
            let circuit = auto(&program, &outputs, nodes);
            open += circuit.open().len();
            assert_eq!(circuit.report().open, circuit.open().len());
            let moved: Vec<f64> = program
                .weights()
                .iter()
                .map(|w| w * random.unit())
                .collect();
            for weights in [program.weights(), moved] {
                let wanted = program.probabilities(&weights);
                let [answers, lower, upper] = values(&circuit, &weights);
                for (i, wanted) in wanted.into_iter().enumerate() {
                    let (low, high, answer) = (lower[i], upper[i], answers[i]);
                    let place = format!("seed {seed}, {nodes} nodes, tuple {i}");
                    assert!(low <= wanted + 1e-9, "{place}: {low} is above {wanted}");
                    assert!(high >= wanted - 1e-9, "{place}: {high} is below {wanted}");
                    assert!(
                        low <= answer && answer <= high,
                        "{place}: {answer} lies outside"
                    );
                    if !circuit.open().contains(&i) {
                        assert_close(answer, wanted, 1e-9, format_args!("{place}"));
                    }
                }
            }
        }
    }
    assert!(open > 1000, "only {open} outputs were left open");
}

#[test]
fn with_a_budget_all_is_exact() {
    for seed in 0..200 {
        let program = random_program(seed, FULL);
        let circuit = auto(&program, &program.all_tuples(), 100_000);
        assert_eq!(circuit.report().open, 0);
        assert_ne!(circuit.report().method, Method::Bounds);
        let [answers, lower, _] = values(&circuit, &program.weights());
        assert_eq!(answers, lower);
        let wanted = program.probabilities(&program.weights());
        for (answer, wanted) in answers.into_iter().zip(wanted) {
            assert_close(answer, wanted, 1e-9, format_args!("seed {seed}"));
        }
    }
}

/// Whether the corners of a grid are connected.
fn grid(size: usize, seed: u64) -> (Program, TupleId) {
    let mut random = Random(seed);
    let mut program = Program::default();
    let mut links = Vec::new();
    for place in 0..size * size {
        let (row, column) = (place / size, place % size);
        for (inside, other) in [
            (column + 1 < size, place + 1),
            (row + 1 < size, place + size),
        ] {
            if inside {
                links.push((place, other, program.independent(0.3 + 0.5 * random.unit())));
            }
        }
    }
    let reached: Vec<TupleId> = (0..size * size).map(|_| program.tuple(1)).collect();
    program.rule(reached[0], None, &[]);
    for (a, b, edge) in links {
        program.rule(reached[b], None, &[positive(reached[a]), positive(edge)]);
        program.rule(reached[a], None, &[positive(reached[b]), positive(edge)]);
    }
    program.mark_certain();
    (program, reached[size * size - 1])
}

#[test]
fn more_nodes_tighten_the_bounds() {
    let (program, end) = grid(5, 3);
    let truth = values(&auto(&program, &[end], 10_000_000), &program.weights());
    assert_eq!(truth[1], truth[2]);
    let mut widths = Vec::new();
    for nodes in [0, 500, 8_000] {
        let circuit = auto(&program, &[end], nodes);
        let [_, lower, upper] = values(&circuit, &program.weights());
        assert!(lower[0] <= truth[0][0] && truth[0][0] <= upper[0]);
        widths.push(upper[0] - lower[0]);
    }
    assert!(
        widths.windows(2).all(|pair| pair[1] < pair[0]),
        "{widths:?}"
    );
}

#[test]
fn answers_between_bounds_have_gradients() {
    let (program, end) = grid(5, 5);
    let circuit = auto(&program, &[end], 300);
    assert_eq!(circuit.report().method, Method::Bounds);
    let weights = program.weights();
    let mut tape = Tape::new();
    let (mut out, mut gradient) = ([0.0], vec![f64::NAN; weights.len()]);
    circuit.forward(&weights, 1, &mut tape, &mut out);
    circuit.backward(&weights, 1, &mut tape, &[1.0], &mut gradient);
    for leaf in 0..weights.len() {
        let at = |step: f64| {
            let mut moved = weights.clone();
            moved[leaf] += step;
            values(&circuit, &moved)[0][0]
        };
        let wanted = (at(1e-6) - at(-1e-6)) / 2e-6;
        assert_close(gradient[leaf], wanted, 1e-5, format_args!("leaf {leaf}"));
    }
}

#[test]
fn batches_too_large_for_memory_are_split() {
    let (program, end) = grid(5, 5);
    let batch = 2_001;
    for nodes in [300, 1 << 20] {
        let circuit = auto(&program, &[end], nodes);
        let bytes = circuit.report().nodes * batch * size_of::<f64>();
        assert!(bytes > 1 << 21, "one block of 256 KiB is never split");
        let mut random = Random(7);
        let weights: Vec<f64> = (0..program.weights().len() * batch)
            .map(|_| random.unit())
            .collect();
        let seeds: Vec<f64> = (0..batch).map(|_| random.unit()).collect();
        let found = [Tape::new(), Tape::within(0), Tape::within(1 << 20)].map(|mut tape| {
            let mut values = [(); 3].map(|()| vec![f64::NAN; batch]);
            let [out, lower, upper] = &mut values;
            let mut gradient = vec![f64::NAN; weights.len()];
            circuit.forward(&weights, batch, &mut tape, out);
            circuit.bounds(batch, &tape, lower, upper);
            circuit.backward(&weights, batch, &mut tape, &seeds, &mut gradient);
            let all = values.into_iter().flatten().chain(gradient);
            all.map(f64::to_bits).collect::<Vec<u64>>()
        });
        assert!(found[0] == found[1] && found[0] == found[2]);
    }
}

#[test]
fn the_best_of_many_independent_facts_is_exact() {
    // max over facts: a result needs its own fact and all better ones absent.
    let mut program = Program::default();
    let mut facts: Vec<TupleId> = (0..20_000).map(|_| program.independent(0.001)).collect();
    let mut random = Random(1);
    for i in (1..facts.len()).rev() {
        facts.swap(i, random.below(i + 1));
    }
    let mut results = Vec::new();
    let members = (0u32..).zip(&facts).map(|(rank, _)| {
        let result = program.tuple(1);
        results.push(result);
        nsdl_ir::BestMember { rank, result }
    });
    let members = members.collect();
    program.aggregate(None, facts, nsdl_ir::AggregateKind::Best { members });
    let last = results[19_999];
    let circuit = compile(
        &program.trace,
        &[results[0], last],
        Inference::Exact,
        &Budget::default(),
        None,
    )
    .unwrap();
    assert_eq!(circuit.report().method, Method::Direct);
    let [answers, ..] = values(&circuit, &program.weights());
    assert_close(answers[0], 0.001, 1e-12, format_args!("the best"));
    let wanted = 0.001 * 0.999f64.powi(19_999);
    assert_close(answers[1], wanted, 1e-12, format_args!("the worst"));
}
