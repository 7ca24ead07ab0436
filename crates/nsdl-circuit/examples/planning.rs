//! Times planning on a grid of cells that each may have an enemy, whose circuit goes round in cycles: values and
//! gradients of a batch. `cargo run --release -p nsdl-circuit --example planning [BATCH] [INFERENCE]`
//!
//! A line ends with a fingerprint of all values and gradients, by which two builds can be compared.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Program, Random, negative, positive};
use nsdl_circuit::{Budget, Inference, Tape, compile};
use nsdl_ir::TupleId;
use std::time::{Duration, Instant};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let batch = arguments
        .next()
        .and_then(|it| it.parse().ok())
        .unwrap_or(16);
    let only = arguments.next().unwrap_or_default();
    let (program, outputs) = planning(5);
    for inference in [
        Inference::TopK(3),
        Inference::MinMax,
        Inference::AddMult,
        Inference::MaxMult,
        Inference::NandMult,
    ] {
        if format!("{inference:?}").contains(&only) {
            measure(&program, &outputs, inference, batch);
        }
    }
}

fn measure(program: &Program, outputs: &[TupleId], inference: Inference, batch: usize) {
    let circuit = match compile(&program.trace, outputs, inference, &Budget::default(), None) {
        Ok(circuit) => circuit,
        Err(error) => return println!("{inference:?}: {}", error.message),
    };
    let mut random = Random(1);
    let leaves = program.trace.leaves.iter();
    let weights: Vec<f64> = leaves
        .flat_map(|leaf| [leaf.weight].repeat(batch))
        .map(|weight| weight * (0.5 + 0.5 * random.unit()))
        .collect();
    let mut out = vec![0.0; outputs.len() * batch];
    let seeds = vec![1.0; out.len()];
    let mut gradient = vec![0.0; weights.len()];
    let mut tape = Tape::new();
    let (mut forwards, mut both) = (Vec::new(), Vec::new());
    let begin = Instant::now();
    while both.len() < 5 || begin.elapsed() < Duration::from_millis(500) {
        let start = Instant::now();
        circuit.forward(&weights, batch, &mut tape, &mut out);
        forwards.push(start.elapsed());
        circuit.backward(&weights, batch, &mut tape, &seeds, &mut gradient);
        both.push(start.elapsed());
    }
    forwards.sort();
    both.sort();
    let numbers = out.iter().chain(&gradient);
    let print = numbers.fold(0xcbf2_9ce4_8422_2325_u64, |hash, number| {
        (hash ^ number.to_bits()).wrapping_mul(0x100_0000_01b3)
    });
    println!(
        "{inference:?}, batch {batch}, {} calls: forward {:.1?}, with gradient {:.1?} (median), {:.1?} (least); {} rounds, {print:016x}",
        both.len(),
        forwards[forwards.len() / 2],
        both[both.len() / 2],
        both[0],
        tape.rounds(),
    );
}

/// Which of four steps leads to the goal, on a grid of cells that each may have an enemy: the program of
/// `benches/training.py`.
fn planning(size: usize) -> (Program, Vec<TupleId>) {
    let mut program = Program::default();
    let cells = size * size;
    let mut random = Random(7);
    // Rows that sum to 1 as a network's softmax gives them, a few large and many small.
    let [actor, goal] = [0; 2].map(|_| {
        let row: Vec<f64> = (0..cells)
            .map(|_| (9.0 * (random.unit() + random.unit() - 1.0)).exp())
            .collect();
        let sum: f64 = row.iter().sum();
        program.exclusive(&row.iter().map(|x| x / sum).collect::<Vec<f64>>())
    });
    let open: Vec<TupleId> = (0..cells)
        .map(|_| {
            let enemy = program.independent(0.4);
            let open = program.tuple(1);
            program.rule(open, None, &[negative(enemy)]);
            open
        })
        .collect();
    let step = |cell: usize, action: usize| -> Option<usize> {
        let (row, column) = (cell / size, cell % size);
        match action {
            0 if column + 1 < size => Some(cell + 1),
            1 if column > 0 => Some(cell - 1),
            2 if row + 1 < size => Some(cell + size),
            3 if row > 0 => Some(cell - size),
            _ => None,
        }
    };
    let mut moves = Vec::new();
    for from in 0..cells {
        for to in (0..4).filter_map(|action| step(from, action)) {
            let tuple = program.tuple(2);
            program.rule(tuple, None, &[positive(open[from]), positive(open[to])]);
            moves.push((from, to, tuple));
        }
    }
    let reach: Vec<TupleId> = (0..cells * cells).map(|_| program.tuple(3)).collect();
    for cell in 0..cells {
        program.rule(reach[cell * cells + cell], None, &[positive(open[cell])]);
    }
    for &(from, to, tuple) in &moves {
        for end in 0..cells {
            let body = [positive(tuple), positive(reach[to * cells + end])];
            program.rule(reach[from * cells + end], None, &body);
        }
    }
    let mut scores = Vec::new();
    for action in 0..4 {
        let score = program.tuple(4);
        for (from, &actor) in actor.iter().enumerate() {
            let Some(to) = step(from, action) else {
                continue;
            };
            let next = program.tuple(3);
            program.rule(next, None, &[positive(actor), positive(open[to])]);
            for end in 0..cells {
                let reach = positive(reach[to * cells + end]);
                program.rule(score, None, &[positive(next), positive(goal[end]), reach]);
            }
        }
        scores.push(score);
    }
    program.mark_certain();
    (program, scores)
}
