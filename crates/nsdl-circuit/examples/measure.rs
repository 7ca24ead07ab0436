//! Times the compilation and evaluation of a few standard shapes: `cargo run --release --example measure`,
//! or only those whose family is named: sum, reach, network, grid, pairs, total or count.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Program, Random, positive};
use nsdl_circuit::{Budget, Circuit, Inference, LogTape, Real, Tape, compile};
use nsdl_ir::{AggregateKind, TupleId};
use std::cell::RefCell;
use std::time::{Duration, Instant};

fn main() {
    let only: Option<String> = std::env::args().nth(1);
    let wanted = |name: &str| only.as_deref().is_none_or(|only| name.contains(only));
    for n in [2, 3, 4].into_iter().filter(|_| wanted("sum")) {
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
    for seed in (0..3).filter(|_| wanted("reach")) {
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
    for seed in (0..6).filter(|_| wanted("network")) {
        let (program, outputs) = network(30, 60, seed);
        let name = format!("network 30/60 #{seed}, from one node");
        report(&name, &program, &outputs, Inference::Exact, 1);
        let name = format!("network 30/60 #{seed}, one pair");
        let last = &outputs[outputs.len() - 1..];
        report(&name, &program, last, Inference::Exact, 1);
    }
    for size in [3, 4, 5, 6, 7, 8].into_iter().filter(|_| wanted("grid")) {
        let (program, outputs) = grid(size);
        report(
            &format!("grid {size}x{size}, corner to corner"),
            &program,
            &outputs,
            Inference::Exact,
            8,
        );
    }
    let (program, outputs) = all_pairs(6);
    let inferences = [
        Inference::MinMax,
        Inference::AddMult,
        Inference::TopK(1),
        Inference::TopK(3),
        Inference::TopK(10),
    ];
    for inference in inferences.into_iter().filter(|_| wanted("pairs")) {
        report(
            &format!("grid 6x6, all pairs {inference:?}"),
            &program,
            &outputs,
            inference,
            8,
        );
    }
    for (n, batch) in [(64, 64), (1024, 1), (1024, 16)]
        .into_iter()
        .filter(|_| wanted("total"))
    {
        let (program, outputs) = total(n);
        let name = format!("total of {n} digits");
        report(&name, &program, &outputs, Inference::Exact, batch);
    }
    if !wanted("count") {
        return;
    }
    let mut program = Program::default();
    let members: Vec<TupleId> = (0..1000).map(|_| program.independent(0.5)).collect();
    let results: Vec<TupleId> = (0..=1000).map(|_| program.tuple(1)).collect();
    let kind = AggregateKind::Count {
        results: results.iter().copied().map(Some).collect(),
    };
    program.aggregate(None, members, kind);
    for inference in [Inference::MinMax, Inference::Exact] {
        report(
            &format!("count of 1000 {inference:?}"),
            &program,
            &results,
            inference,
            1,
        );
    }
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
            time_logarithms(&circuit, program, batch);
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
    let weights = weights::<T>(program, batch);
    let seeds = vec![T::ONE; circuit.outputs() * batch];
    let mut out = vec![T::ZERO; circuit.outputs() * batch];
    let mut gradient = vec![T::ZERO; weights.len()];
    let tape = RefCell::new(Tape::new());
    repeat(
        dtype,
        batch,
        || circuit.forward(&weights, batch, &mut tape.borrow_mut(), &mut out),
        || {
            circuit.backward(
                &weights,
                batch,
                &mut tape.borrow_mut(),
                &seeds,
                &mut gradient,
            )
        },
    );
}

fn time_logarithms(circuit: &Circuit, program: &Program, batch: usize) {
    let weights = weights::<f64>(program, batch);
    let seeds = vec![1.0; circuit.outputs() * batch];
    let mut out = vec![0.0; circuit.outputs() * batch];
    let mut gradient = vec![0.0; weights.len()];
    let tape = RefCell::new(LogTape::default());
    if !circuit.log_forward(&weights, batch, &mut tape.borrow_mut(), &mut out) {
        return;
    }
    repeat(
        "logarithms",
        batch,
        || {
            circuit.log_forward(&weights, batch, &mut tape.borrow_mut(), &mut out);
        },
        || circuit.log_backward(batch, &mut tape.borrow_mut(), &seeds, &mut gradient),
    );
}

fn weights<T: Real>(program: &Program, batch: usize) -> Vec<T> {
    let mut random = Random(1);
    let mut weights = Vec::new();
    for leaf in &program.trace.leaves {
        for _ in 0..batch {
            weights.push(T::from_f64(leaf.weight * (0.5 + 0.5 * random.unit())));
        }
    }
    weights
}

/// Calls both passes for half a second and prints their times.
fn repeat(name: &str, batch: usize, mut forward: impl FnMut(), mut backward: impl FnMut()) {
    let (mut first, mut both) = (Vec::new(), Vec::new());
    let begin = Instant::now();
    while first.len() < 2000 && (first.len() < 3 || begin.elapsed() < Duration::from_millis(500)) {
        let start = Instant::now();
        forward();
        first.push(start.elapsed());
        backward();
        both.push(start.elapsed());
    }
    first.sort();
    both.sort();
    println!(
        "    {name}, batch {batch}: forward {:.1?}, with backward {:.1?} (median), {:.1?} (least)",
        first[first.len() / 2],
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

/// The sum of so many digits, as an aggregate.
fn total(n: usize) -> (Program, Vec<TupleId>) {
    let mut program = Program::default();
    let members: Vec<TupleId> = (0..n).flat_map(|_| program.exclusive(&[0.1; 10])).collect();
    let values: Vec<i64> = (0..n).flat_map(|_| 0..10).collect();
    // Members of one digit exclude each other, so that larger sums than these never come about.
    let most: i64 = values.iter().sum();
    let results: Vec<TupleId> = (0..=9 * n).map(|_| program.tuple(1)).collect();
    let kind = AggregateKind::Sum {
        values,
        least: 0,
        nonempty: false,
        results: (0..=most as usize)
            .map(|i| results.get(i).copied())
            .collect(),
    };
    program.aggregate(None, members, kind);
    (program, results)
}

/// Which nodes are reached from node 0, through these edges; edges with one number are one fact.
fn reach(nodes: usize, edges: &[(usize, usize, usize)]) -> (Program, Vec<TupleId>) {
    let mut program = Program::default();
    let facts: Vec<TupleId> = edges.iter().map(|_| program.independent(0.5)).collect();
    let reached = reach_from(&mut program, nodes, edges, &facts, 0);
    program.mark_certain();
    (program, reached)
}

/// Tuples in order of derivation, as semi-naive evaluation numbers them.
fn reach_from(
    program: &mut Program,
    nodes: usize,
    edges: &[(usize, usize, usize)],
    facts: &[TupleId],
    source: usize,
) -> Vec<TupleId> {
    let mut reached: Vec<Option<TupleId>> = vec![None; nodes];
    let first = program.tuple(1);
    program.rule(first, None, &[]);
    reached[source] = Some(first);
    let mut queue = vec![source];
    let mut at = 0;
    while at < queue.len() {
        let here = queue[at];
        for &(_, to, _) in edges.iter().filter(|edge| edge.0 == here) {
            if reached[to].is_none() {
                reached[to] = Some(program.tuple(1));
                queue.push(to);
            }
        }
        at += 1;
    }
    for &(from, to, fact) in edges {
        if let (Some(from), Some(to)) = (reached[from], reached[to]) {
            program.rule(to, None, &[positive(from), positive(facts[fact])]);
        }
    }
    reached.into_iter().flatten().collect()
}

fn reachability(nodes: usize, edges: usize, seed: u64) -> (Program, Vec<TupleId>) {
    let mut random = Random(seed);
    let edges: Vec<_> = (0..edges)
        .map(|i| (random.below(nodes), random.below(nodes), i))
        .collect();
    reach(nodes, &edges)
}

/// Undirected edges, each between another two nodes.
fn network(nodes: usize, edges: usize, seed: u64) -> (Program, Vec<TupleId>) {
    let mut random = Random(seed);
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    while pairs.len() < edges {
        let (a, b) = (random.below(nodes), random.below(nodes));
        let pair = (a.min(b), a.max(b));
        if a != b && !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    let ways = pairs.iter().enumerate();
    let ways: Vec<_> = ways
        .flat_map(|(fact, &(a, b))| [(a, b, fact), (b, a, fact)])
        .collect();
    reach(nodes, &ways)
}

/// Undirected edges between neighbours of a square grid.
fn grid_edges(size: usize) -> Vec<(usize, usize, usize)> {
    let mut edges = Vec::new();
    let mut connect = |a: usize, b: usize| {
        let fact = edges.len() / 2;
        edges.extend([(a, b, fact), (b, a, fact)]);
    };
    for i in 0..size {
        for j in 0..size {
            let here = i * size + j;
            if j + 1 < size {
                connect(here, here + 1);
            }
            if i + 1 < size {
                connect(here, here + size);
            }
        }
    }
    edges
}

fn grid(size: usize) -> (Program, Vec<TupleId>) {
    let (program, reached) = reach(size * size, &grid_edges(size));
    let last = reached[size * size - 1];
    (program, vec![last])
}

fn all_pairs(size: usize) -> (Program, Vec<TupleId>) {
    let mut program = Program::default();
    let edges = grid_edges(size);
    let facts: Vec<TupleId> = (0..edges.len() / 2)
        .map(|_| program.independent(0.5))
        .collect();
    let mut all = Vec::new();
    for source in 0..size * size {
        all.extend(reach_from(
            &mut program,
            size * size,
            &edges,
            &facts,
            source,
        ));
    }
    program.mark_certain();
    (program, all)
}
