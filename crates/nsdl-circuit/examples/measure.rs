//! Times the compilation and evaluation of a few standard shapes: `cargo run --release --example measure`.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Program, Random, positive};
use nsdl_circuit::{Budget, Circuit, Inference, Real, Tape, compile};
use nsdl_ir::{AggregateKind, TupleId};
use std::time::{Duration, Instant};

fn main() {
    for n in [2, 3, 4] {
        let (program, outputs) = digit_sum(n);
        for inference in [
            Inference::Exact,
            Inference::MinMax,
            Inference::AddMult,
            Inference::TopK(3),
        ] {
            if n == 4 && inference != Inference::Exact {
                continue;
            }
            report(
                &format!("sum_{n} {inference:?}"),
                &program,
                &outputs,
                inference,
                64,
            );
        }
    }
    for seed in 0..3 {
        let (program, outputs) = reachability(30, 60, seed);
        for inference in [
            Inference::Exact,
            Inference::MinMax,
            Inference::AddMult,
            Inference::TopK(3),
        ] {
            report(
                &format!("reach 30/60 #{seed} {inference:?}"),
                &program,
                &outputs,
                inference,
                1,
            );
        }
    }
    for size in [3, 4, 5, 6] {
        let (program, outputs) = grid(size);
        report(
            &format!("grid {size}x{size} two-way"),
            &program,
            &outputs,
            Inference::Exact,
            8,
        );
    }
    let mut program = Program::default();
    let members: Vec<TupleId> = (0..1000).map(|_| program.independent(0.5)).collect();
    let results: Vec<TupleId> = (0..=1000).map(|_| program.tuple(1)).collect();
    let kind = AggregateKind::Count {
        results: results.iter().copied().map(Some).collect(),
    };
    program.aggregate(None, members, kind);
    report("count of 1000", &program, &results, Inference::Exact, 1);
}

fn report(name: &str, program: &Program, outputs: &[TupleId], inference: Inference, batch: usize) {
    let start = Instant::now();
    match compile(&program.trace, outputs, inference, &Budget::default(), None) {
        Ok(circuit) => {
            println!(
                "{name}: compiled in {:.2?}: {}",
                start.elapsed(),
                circuit.report()
            );
            time::<f32>("f32", &circuit, program, batch);
            time::<f64>("f64", &circuit, program, batch);
        }
        Err(error) => println!(
            "{name}: after {:.2?}: {} {:?}",
            start.elapsed(),
            error.message,
            error.notes
        ),
    }
}

fn time<T: Real>(dtype: &str, circuit: &Circuit, program: &Program, batch: usize) {
    let mut random = Random(1);
    let mut weights = Vec::new();
    for leaf in &program.trace.leaves {
        for _ in 0..batch {
            weights.push(T::from_f64(leaf.weight * (0.5 + 0.5 * random.unit())));
        }
    }
    let seeds = vec![T::ONE; circuit.outputs() * batch];
    let mut out = vec![T::ZERO; circuit.outputs() * batch];
    let mut gradient = vec![T::ZERO; weights.len()];
    let mut tape = Tape::new();
    let (mut forward, mut both) = (Vec::new(), Vec::new());
    let begin = Instant::now();
    while forward.len() < 2000
        && (forward.len() < 3 || begin.elapsed() < Duration::from_millis(500))
    {
        let start = Instant::now();
        circuit.forward(&weights, batch, &mut tape, &mut out);
        forward.push(start.elapsed());
        circuit.backward(&weights, batch, &mut tape, &seeds, &mut gradient);
        both.push(start.elapsed());
    }
    forward.sort();
    both.sort();
    println!(
        "    {dtype}, batch {batch}: forward {:.1?}, with backward {:.1?} (median), {:.1?} (least)",
        forward[forward.len() / 2],
        both[both.len() / 2],
        both[0]
    );
}

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

/// Which nodes are reached from node 0, through these edges.
fn reach(nodes: usize, edges: &[(usize, usize)]) -> (Program, Vec<TupleId>) {
    let mut program = Program::default();
    let facts: Vec<TupleId> = edges.iter().map(|_| program.independent(0.5)).collect();
    // Tuples in order of derivation, as semi-naive evaluation numbers them.
    let mut reached: Vec<Option<TupleId>> = vec![None; nodes];
    reached[0] = Some(program.tuple(1));
    let mut queue = vec![0];
    let mut at = 0;
    while at < queue.len() {
        let here = queue[at];
        for &(_, to) in edges.iter().filter(|edge| edge.0 == here) {
            if reached[to].is_none() {
                reached[to] = Some(program.tuple(1));
                queue.push(to);
            }
        }
        at += 1;
    }
    if let Some(source) = reached[0] {
        program.rule(source, None, &[]);
    }
    for (&(from, to), &fact) in edges.iter().zip(&facts) {
        if let (Some(from), Some(to)) = (reached[from], reached[to]) {
            program.rule(to, None, &[positive(from), positive(fact)]);
        }
    }
    program.mark_certain();
    (program, reached.into_iter().flatten().collect())
}

fn reachability(nodes: usize, edges: usize, seed: u64) -> (Program, Vec<TupleId>) {
    let mut random = Random(seed);
    let edges: Vec<_> = (0..edges)
        .map(|_| (random.below(nodes), random.below(nodes)))
        .collect();
    reach(nodes, &edges)
}

/// Directed edges both ways between neighbours of a square grid; the far corner.
fn grid(size: usize) -> (Program, Vec<TupleId>) {
    let mut edges = Vec::new();
    for i in 0..size {
        for j in 0..size {
            let here = i * size + j;
            if j + 1 < size {
                edges.extend([(here, here + 1), (here + 1, here)]);
            }
            if i + 1 < size {
                edges.extend([(here, here + size), (here + size, here)]);
            }
        }
    }
    let (program, reached) = reach(size * size, &edges);
    let last = reached[size * size - 1];
    (program, vec![last])
}
