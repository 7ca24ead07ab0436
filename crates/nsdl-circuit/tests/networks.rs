//! Undirected networks: which vertices are connected to a source, against enumeration of worlds.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{Program, Random, assert_close, positive};
use nsdl_circuit::{Budget, Circuit, Inference, Tape, compile};
use nsdl_ir::TupleId;

/// Facts, each of which connects vertices in its own way, and which vertices are reached from vertex 0.
struct Drawn {
    program: Program,
    reached: Vec<TupleId>,
    /// Whether every fact joins what it connects and they are independent.
    undirected: bool,
}

fn draw(seed: u64) -> Drawn {
    let mut random = Random(seed);
    let mut program = Program::default();
    let vertices = 3 + random.below(5);
    let mut undirected = true;
    // Either the source is certain, or its edges are what there is to begin with, as in path(0, _).
    let certain = random.chance(0.5);
    let mut arcs: Vec<(Vec<TupleId>, usize, usize)> = Vec::new();
    let mut facts = 0;
    while facts < 4 + random.below(7) {
        let (a, b) = (random.below(vertices), random.below(vertices));
        let c = random.below(vertices);
        let weight = random.unit();
        match random.below(16) {
            // One way.
            0 if random.chance(0.3) => {
                undirected &= a == b;
                arcs.push((vec![program.independent(weight)], a, b));
                facts += 1;
            }
            // Two ways that exclude each other.
            1 if random.chance(0.3) => {
                undirected = false;
                let both = program.exclusive(&[weight * 0.5, 0.4]);
                for (fact, (a, b)) in both.into_iter().zip([(a, b), (b, c)]) {
                    arcs.extend([(vec![fact], a, b), (vec![fact], b, a)]);
                }
                facts += 1;
            }
            // Three vertices at once.
            2 | 3 => {
                let fact = program.independent(weight);
                for (a, b) in [(a, b), (b, c)] {
                    arcs.extend([(vec![fact], a, b), (vec![fact], b, a)]);
                }
                facts += 1;
            }
            // Two facts that are needed together.
            4 | 5 => {
                let both = vec![program.independent(weight), program.independent(0.7)];
                arcs.extend([(both.clone(), a, b), (both, b, a)]);
                facts += 2;
            }
            _ => {
                let fact = vec![program.independent(weight)];
                arcs.extend([(fact.clone(), a, b), (fact, b, a)]);
                facts += 1;
            }
        }
    }
    let reached: Vec<TupleId> = (0..vertices).map(|_| program.tuple(1)).collect();
    if certain {
        program.rule(reached[0], None, &[]);
    }
    for (facts, from, to) in arcs {
        let needs: Vec<_> = facts.iter().map(|&fact| positive(fact)).collect();
        if from == 0 && !certain {
            program.rule(reached[to], None, &needs);
        }
        let needs = [vec![positive(reached[from])], needs].concat();
        program.rule(reached[to], None, &needs);
    }
    program.mark_certain();
    Drawn {
        program,
        reached,
        undirected,
    }
}

fn exact(program: &Program, outputs: &[TupleId], inference: Inference) -> Circuit {
    compile(&program.trace, outputs, inference, &Budget::default(), None).unwrap()
}

#[test]
fn random_networks_equal_enumeration() {
    let mut networks = 0;
    for seed in 0..400 {
        let Drawn {
            program,
            reached,
            undirected,
        } = draw(seed);
        networks += usize::from(undirected);
        let mut random = Random(seed);
        let outputs: Vec<TupleId> = match random.below(3) {
            0 => vec![reached[random.below(reached.len())]],
            1 => reached
                .iter()
                .copied()
                .filter(|_| random.chance(0.5))
                .collect(),
            _ => reached.clone(),
        };
        let weights = program.weights();
        let wanted = program.probabilities(&weights);
        for inference in [Inference::Exact, Inference::Auto] {
            let circuit = exact(&program, &outputs, inference);
            let mut found = vec![f64::NAN; outputs.len()];
            let mut tape = Tape::new();
            circuit.forward(&weights, 1, &mut tape, &mut found);
            for (output, found) in outputs.iter().zip(&found) {
                let what = format_args!("seed {seed}, tuple {output:?}");
                assert_close(*found, wanted[output.index()], 1e-12, what);
            }
            // Probabilities are linear in each weight, so a difference is the gradient.
            let mut gradient = vec![f64::NAN; weights.len()];
            let seeds: Vec<f64> = outputs.iter().map(|_| random.unit()).collect();
            circuit.backward(&weights, 1, &mut tape, &seeds, &mut gradient);
            let leaf = random.below(weights.len());
            let loss = |weight: f64| -> f64 {
                let mut weights = weights.clone();
                weights[leaf] = weight;
                let all = program.probabilities(&weights);
                let wanted = outputs.iter().map(|output| all[output.index()]);
                wanted.zip(&seeds).map(|(p, seed)| p * seed).sum()
            };
            let slope = (loss(weights[leaf] + 0.1) - loss(weights[leaf])) / 0.1;
            assert_close(
                gradient[leaf],
                slope,
                1e-9,
                format_args!("seed {seed}, leaf {leaf}"),
            );
        }
    }
    assert!(networks > 200, "only {networks} are undirected");
}

/// A grid of vertices, and the reached ones in order of their number.
fn grid(size: usize) -> (Program, Vec<TupleId>) {
    let mut program = Program::default();
    let mut edges = Vec::new();
    for here in 0..size * size {
        let steps = [(here % size + 1 < size, 1), (here / size + 1 < size, size)];
        for (_, step) in steps.into_iter().filter(|(inside, _)| *inside) {
            edges.push((program.independent(0.5), here, here + step));
        }
    }
    let reached: Vec<TupleId> = (0..size * size).map(|_| program.tuple(1)).collect();
    program.rule(reached[0], None, &[]);
    for (fact, a, b) in edges {
        program.rule(reached[b], None, &[positive(reached[a]), positive(fact)]);
        program.rule(reached[a], None, &[positive(reached[b]), positive(fact)]);
    }
    program.mark_certain();
    (program, reached)
}

#[test]
fn a_grid_is_decided_along_its_frontier() {
    let (program, reached) = grid(6);
    let circuit = exact(&program, &reached[35..], Inference::Exact);
    let report = circuit.report();
    assert!(report.formulas < 100, "{} formulas", report.formulas);
    assert!(report.branches < 12_000, "{} states", report.branches);
    // All vertices together are a few times one of them, not 36 times.
    let all = exact(&program, &reached, Inference::Exact);
    let (one, all) = (report.branches, all.report().branches);
    assert!(all < 8 * one, "{all} states beside {one}");
}

#[test]
fn all_vertices_are_what_each_is() {
    let (program, reached) = grid(4);
    let weights = program.weights();
    let mut together = vec![0.0; reached.len()];
    let circuit = exact(&program, &reached, Inference::Exact);
    circuit.forward(&weights, 1, &mut Tape::new(), &mut together);
    for (&output, together) in reached.iter().zip(together) {
        let mut alone = [0.0];
        let circuit = exact(&program, &[output], Inference::Exact);
        circuit.forward(&weights, 1, &mut Tape::new(), &mut alone);
        assert_close(together, alone[0], 1e-12, format_args!("{output:?}"));
    }
    // By reflection in the diagonal.
    let mut wanted = vec![0.0; 16];
    circuit.forward(&weights, 1, &mut Tape::new(), &mut wanted);
    assert_close(wanted[1], wanted[4], 1e-12, "neighbours of the corner");
}
