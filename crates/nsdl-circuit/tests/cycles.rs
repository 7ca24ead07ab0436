//! Exact inference over cycles: undirected graphs, where certain cycles merge.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{Program, Random, assert_close, negative, positive};
use nsdl_circuit::{Budget, Circuit, Inference, Tape, compile};
use nsdl_ir::TupleId;

fn exact(program: &Program, outputs: &[TupleId]) -> Circuit {
    let budget = Budget::default();
    compile(&program.trace, outputs, Inference::Exact, &budget, None).unwrap()
}

fn values(circuit: &Circuit, weights: &[f64]) -> Vec<f64> {
    let mut out = vec![f64::NAN; circuit.outputs()];
    circuit.forward(weights, 1, &mut Tape::new(), &mut out);
    out
}

/// Which vertices are reached, and the rules along edges: `fact` is what an edge needs in one direction.
fn edge(program: &mut Program, from: TupleId, to: TupleId, fact: TupleId) {
    program.rule(to, None, &[positive(from), positive(fact)]);
}

#[test]
fn random_graphs_equal_enumeration() {
    for seed in 0..300 {
        let mut r = Random(seed);
        let mut program = Program::default();
        let count = 3 + r.below(5);
        let facts = 2 + r.below(8);
        let facts: Vec<TupleId> = (0..facts)
            .map(|_| program.independent(0.1 + 0.8 * r.unit()))
            .collect();
        let vertices: Vec<TupleId> = (0..count).map(|_| program.tuple(1)).collect();
        program.rule(vertices[0], None, &[]);
        for &fact in &facts {
            let (a, b) = (vertices[r.below(count)], vertices[r.below(count)]);
            edge(&mut program, a, b, fact);
            if r.chance(0.7) {
                edge(&mut program, b, a, fact);
            }
            if r.chance(0.2) {
                // A second use, a rule without a condition, and one that needs two vertices.
                let [c, d] = [0; 2].map(|_| vertices[r.below(count)]);
                edge(&mut program, c, d, fact);
                program.rule(c, None, &[positive(b)]);
                program.rule(d, None, &[positive(a), positive(b), positive(fact)]);
            }
        }
        let mut outputs = vertices.clone();
        let last = program.tuple(2);
        let (a, b) = (vertices[count - 1], vertices[count - 2]);
        program.rule(last, None, &[positive(a), negative(b)]);
        outputs.push(last);
        program.mark_certain();
        let weights = program.weights();
        let wanted = program.probabilities(&weights);
        let all = values(&exact(&program, &outputs), &weights);
        for (&output, found) in outputs.iter().zip(all) {
            let wanted = wanted[output.index()];
            let one = values(&exact(&program, &[output]), &weights)[0];
            assert_close(found, wanted, 1e-12, format_args!("seed {seed}, all"));
            assert_close(one, wanted, 1e-12, format_args!("seed {seed}, alone"));
        }
    }
}

/// Bonds of a lattice of `n` rows and `n + 1` columns, without those within the first and the last column. The
/// closed bonds of its planar dual form the same lattice, so one side is connected to the other in exactly
/// half of the worlds if bonds are open in half of them (Kesten, 1980).
#[test]
fn a_self_dual_lattice_is_crossed_half_the_time() {
    for n in 1..=6 {
        let mut program = Program::default();
        let mut facts = Vec::new();
        let cell = |row: usize, column: usize| row * (n + 1) + column;
        let mut bonds = Vec::new();
        for row in 0..n {
            for column in 0..n {
                bonds.push((cell(row, column), cell(row, column + 1)));
                if row + 1 < n && column > 0 {
                    bonds.push((cell(row, column), cell(row + 1, column)));
                }
            }
        }
        facts.extend(bonds.iter().map(|_| program.independent(0.5)));
        let vertices: Vec<TupleId> = (0..n * (n + 1)).map(|_| program.tuple(1)).collect();
        let crossed = program.tuple(2);
        for row in 0..n {
            program.rule(vertices[cell(row, 0)], None, &[]);
            program.rule(crossed, None, &[positive(vertices[cell(row, n)])]);
        }
        for (&(a, b), &fact) in bonds.iter().zip(&facts) {
            edge(&mut program, vertices[a], vertices[b], fact);
            edge(&mut program, vertices[b], vertices[a], fact);
        }
        program.mark_certain();
        let circuit = exact(&program, &[crossed]);
        let found = values(&circuit, &program.weights())[0];
        assert_close(found, 0.5, 1e-12, format_args!("{n} rows"));
        assert!(circuit.report().nodes < 40_000, "{}", circuit.report());
    }
}
