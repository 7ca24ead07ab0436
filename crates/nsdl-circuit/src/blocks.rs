//! Batches over the kernels: samples in blocks that fit in cache, blocks in parallel where it pays.

use std::ops::Range;

use crate::kernel;
use crate::layers::Layered;
use crate::real::Real;
use crate::tape::Tape;
use rayon::prelude::*;

/// Bytes of values that a block aims at: half of a usual second-level cache, shared with gradients.
const BLOCK: usize = 1 << 18;

/// Edges times samples from which on threads are worth waking.
const PARALLEL: usize = 1 << 19;

/// What circuits are evaluated with: numbers, or logarithms of numbers, whose derivatives are numbers.
pub(crate) trait Passes: Copy + Send + Sync + 'static {
    /// What flows back through a circuit.
    type Flow: Real;
    /// 0, the first constant.
    const ZERO: Self;
    /// 1, the second.
    const ONE: Self;
    /// See [`kernel::forward`].
    fn forward(circuit: &Layered, values: &mut [Self], scratch: &mut Vec<Self::Flow>, width: usize);
    /// See [`kernel::backward`].
    fn backward(
        circuit: &Layered,
        values: &[Self],
        flows: &mut [Self::Flow],
        scratch: &mut Vec<Self::Flow>,
        width: usize,
    );
}

impl<T: Real> Passes for T {
    type Flow = T;
    const ZERO: T = <T as Real>::ZERO;
    const ONE: T = <T as Real>::ONE;

    fn forward(circuit: &Layered, values: &mut [T], scratch: &mut Vec<T>, width: usize) {
        kernel::forward(circuit, values, scratch, width);
    }

    fn backward(
        circuit: &Layered,
        values: &[T],
        flows: &mut [T],
        scratch: &mut Vec<T>,
        width: usize,
    ) {
        kernel::backward(circuit, values, flows, scratch, width);
    }
}

/// How a batch is cut: into blocks, and these into pieces, of which one is in memory at a time.
struct Blocks {
    width: usize,
    count: usize,
    /// How many blocks make a piece.
    held: usize,
    parallel: bool,
}

impl Blocks {
    fn new<T>(circuit: &Layered, batch: usize, memory: usize) -> Self {
        let parallel = circuit.edges.saturating_mul(batch) >= PARALLEL;
        let mut samples = (BLOCK / size_of::<T>() / circuit.nodes.max(1)).max(kernel::LANES);
        let mut least = 1;
        if parallel {
            least = rayon::current_num_threads().max(1);
            samples = samples.min(batch.div_ceil(least));
        }
        let width = kernel::padded(batch.min(samples));
        let block = circuit.nodes * width * size_of::<T>();
        Self {
            width,
            count: batch.div_ceil(width),
            held: (memory / block.max(1)).max(least),
            parallel,
        }
    }

    /// The blocks of each piece.
    fn pieces(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (held, count) = (self.held, self.count);
        (0..count)
            .step_by(held)
            .map(move |start| start..count.min(start + held))
    }
}

/// See [`crate::Circuit::forward`].
pub(crate) fn forward<P: Passes>(
    circuit: &Layered,
    weights: &[P],
    batch: usize,
    tape: &mut Tape<P, P::Flow>,
    out: &mut [P],
) {
    forward_reading(
        circuit,
        weights,
        batch,
        tape,
        &mut [(&circuit.outputs, out)],
    );
}

/// The same, where the values of any nodes are read, each list to its place (`[node][sample]`).
pub(crate) fn forward_reading<P: Passes>(
    circuit: &Layered,
    weights: &[P],
    batch: usize,
    tape: &mut Tape<P, P::Flow>,
    reads: &mut [(&[u32], &mut [P])],
) {
    let blocks = Blocks::new::<P>(circuit, batch, tape.memory());
    let size = circuit.nodes * blocks.width;
    if size == 0 {
        return;
    }
    for piece in blocks.pieces() {
        evaluate(circuit, weights, batch, &blocks, piece.clone(), tape);
        for (block, values) in piece.zip(tape.values.chunks_exact(size)) {
            let from = block * blocks.width;
            let samples = blocks.width.min(batch - from);
            for (nodes, out) in reads.iter_mut() {
                for (i, &node) in nodes.iter().enumerate() {
                    let row = &values[node as usize * blocks.width..][..samples];
                    out[i * batch + from..][..samples].copy_from_slice(row);
                }
            }
        }
    }
}

/// Fills the values of a tape with those of a piece.
fn evaluate<P: Passes>(
    circuit: &Layered,
    weights: &[P],
    batch: usize,
    blocks: &Blocks,
    piece: Range<usize>,
    tape: &mut Tape<P, P::Flow>,
) {
    let size = circuit.nodes * blocks.width;
    tape.values.resize(size * piece.len(), P::ZERO);
    tape.scratch
        .resize_with(piece.len().max(tape.scratch.len()), Vec::new);
    let run = |((block, values), scratch): (Numbered<'_, P>, &mut Vec<P::Flow>)| {
        let (width, from) = (blocks.width, (piece.start + block) * blocks.width);
        let samples = width.min(batch - from);
        for (leaf, row) in values
            .chunks_exact_mut(width)
            .take(circuit.leaves)
            .enumerate()
        {
            let weights = &weights[leaf * batch + from..];
            row[..samples].copy_from_slice(&weights[..samples]);
            row[samples..].fill(P::ZERO);
        }
        let constants = circuit.leaves * width;
        values[constants..constants + width].fill(P::ZERO);
        values[constants + width..constants + 2 * width].fill(P::ONE);
        P::forward(circuit, values, scratch, width);
    };
    let (values, scratch) = (&mut tape.values, &mut tape.scratch);
    if blocks.parallel {
        values
            .par_chunks_exact_mut(size)
            .enumerate()
            .zip(scratch.par_iter_mut())
            .for_each(run);
    } else {
        values
            .chunks_exact_mut(size)
            .enumerate()
            .zip(scratch)
            .for_each(run);
    }
}

/// A block of gradients with its number, and the values and scratch space that belong to it.
type Numbered<'t, T> = (usize, &'t mut [T]);
type Recorded<'t, T, F> = (&'t [T], &'t mut Vec<F>);

/// See [`crate::Circuit::backward`]. A batch of several pieces is evaluated again, piece by piece.
pub(crate) fn backward<P: Passes>(
    circuit: &Layered,
    weights: &[P],
    batch: usize,
    tape: &mut Tape<P, P::Flow>,
    grad_out: &[P::Flow],
    grad_weights: &mut [P::Flow],
) {
    let blocks = Blocks::new::<P>(circuit, batch, tape.memory());
    if circuit.nodes * blocks.width == 0 {
        return;
    }
    for piece in blocks.pieces() {
        if piece.len() < blocks.count {
            evaluate(circuit, weights, batch, &blocks, piece.clone(), tape);
        }
        differentiate(circuit, batch, &blocks, piece, tape, grad_out, grad_weights);
    }
}

/// The part of the gradient that the samples of a piece have, whose values are on the tape.
fn differentiate<P: Passes>(
    circuit: &Layered,
    batch: usize,
    blocks: &Blocks,
    piece: Range<usize>,
    tape: &mut Tape<P, P::Flow>,
    grad_out: &[P::Flow],
    grad_weights: &mut [P::Flow],
) {
    let size = circuit.nodes * blocks.width;
    tape.gradients
        .resize(size * piece.len(), <P::Flow as Real>::ZERO);
    let run = |((block, gradients), (values, scratch)): (
        Numbered<'_, P::Flow>,
        Recorded<'_, P, P::Flow>,
    )| {
        let (width, from) = (blocks.width, (piece.start + block) * blocks.width);
        let samples = width.min(batch - from);
        for rows in circuit.held() {
            gradients[rows.start * width..rows.end * width].fill(<P::Flow as Real>::ZERO);
        }
        for (i, &node) in circuit.outputs.iter().enumerate() {
            let row = &mut gradients[node as usize * width..][..samples];
            for (gradient, &seed) in row.iter_mut().zip(&grad_out[i * batch + from..]) {
                *gradient += seed;
            }
        }
        P::backward(circuit, values, gradients, scratch, width);
    };
    let (gradients, values) = (&mut tape.gradients, &tape.values);
    if blocks.parallel {
        let values = values
            .par_chunks_exact(size)
            .zip(tape.scratch.par_iter_mut());
        gradients
            .par_chunks_exact_mut(size)
            .enumerate()
            .zip(values)
            .for_each(run);
    } else {
        let values = values.chunks_exact(size).zip(&mut tape.scratch);
        gradients
            .chunks_exact_mut(size)
            .enumerate()
            .zip(values)
            .for_each(run);
    }
    for (block, gradients) in piece.clone().zip(tape.gradients.chunks_exact(size)) {
        let from = block * blocks.width;
        let samples = blocks.width.min(batch - from);
        for leaf in 0..circuit.leaves {
            let row = &gradients[leaf * blocks.width..][..samples];
            grad_weights[leaf * batch + from..][..samples].copy_from_slice(row);
        }
    }
}
