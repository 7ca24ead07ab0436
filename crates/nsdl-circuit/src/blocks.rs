//! Batches over the kernels: samples in blocks that fit in cache, blocks in parallel where it pays.

use crate::kernel;
use crate::layers::Layered;
use crate::real::Real;
use crate::tape::Tape;
use rayon::prelude::*;

/// Bytes of values that a block aims at: half of a usual second-level cache, shared with gradients.
const BLOCK: usize = 1 << 18;

/// Edges times samples from which on threads are worth waking.
const PARALLEL: usize = 1 << 19;

/// How a batch is cut.
struct Blocks {
    width: usize,
    count: usize,
    parallel: bool,
}

impl Blocks {
    fn new<T>(circuit: &Layered, batch: usize) -> Self {
        let parallel = circuit.edges.saturating_mul(batch) >= PARALLEL;
        let mut samples = (BLOCK / size_of::<T>() / circuit.nodes.max(1)).max(kernel::LANES);
        if parallel {
            samples = samples.min(batch.div_ceil(rayon::current_num_threads()));
        }
        let width = kernel::padded(batch.min(samples));
        Self {
            width,
            count: batch.div_ceil(width),
            parallel,
        }
    }
}

/// See [`crate::Circuit::forward`].
pub(crate) fn forward<T: Real>(
    circuit: &Layered,
    weights: &[T],
    batch: usize,
    tape: &mut Tape<T>,
    out: &mut [T],
) {
    let blocks = Blocks::new::<T>(circuit, batch);
    let size = circuit.nodes * blocks.width;
    if size == 0 || blocks.count == 0 {
        return;
    }
    tape.values.resize(size * blocks.count, T::ZERO);
    tape.scratch
        .resize_with(blocks.count.max(tape.scratch.len()), Vec::new);
    let run = |((block, values), scratch): (Numbered<'_, T>, &mut Vec<T>)| {
        let (width, from) = (blocks.width, block * blocks.width);
        let samples = width.min(batch - from);
        for (leaf, row) in values
            .chunks_exact_mut(width)
            .take(circuit.leaves)
            .enumerate()
        {
            let weights = &weights[leaf * batch + from..];
            row[..samples].copy_from_slice(&weights[..samples]);
            row[samples..].fill(T::ZERO);
        }
        let constants = circuit.leaves * width;
        values[constants..constants + width].fill(T::ZERO);
        values[constants + width..constants + 2 * width].fill(T::ONE);
        kernel::forward(circuit, values, scratch, width);
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
    read(circuit, &circuit.outputs, batch, tape, out);
}

/// The values of nodes after [`forward`] on a batch, `[node][sample]`.
pub(crate) fn read<T: Real>(
    circuit: &Layered,
    nodes: &[u32],
    batch: usize,
    tape: &Tape<T>,
    out: &mut [T],
) {
    let blocks = Blocks::new::<T>(circuit, batch);
    let size = circuit.nodes * blocks.width;
    if size == 0 || blocks.count == 0 {
        return;
    }
    let values = tape.values.chunks_exact(size).take(blocks.count);
    for (block, values) in values.enumerate() {
        let from = block * blocks.width;
        let samples = blocks.width.min(batch - from);
        for (i, &node) in nodes.iter().enumerate() {
            let row = &values[node as usize * blocks.width..][..samples];
            out[i * batch + from..][..samples].copy_from_slice(row);
        }
    }
}

/// A block of gradients with its number, and the values and scratch space that belong to it.
type Numbered<'t, T> = (usize, &'t mut [T]);
type Recorded<'t, T> = (&'t [T], &'t mut Vec<T>);

/// See [`crate::Circuit::backward`].
pub(crate) fn backward<T: Real>(
    circuit: &Layered,
    batch: usize,
    tape: &mut Tape<T>,
    grad_out: &[T],
    grad_weights: &mut [T],
) {
    let blocks = Blocks::new::<T>(circuit, batch);
    let size = circuit.nodes * blocks.width;
    if size == 0 || blocks.count == 0 {
        return;
    }
    tape.gradients.resize(size * blocks.count, T::ZERO);
    tape.scratch
        .resize_with(blocks.count.max(tape.scratch.len()), Vec::new);
    let run = |((block, gradients), (values, scratch)): (Numbered<'_, T>, Recorded<'_, T>)| {
        let (width, from) = (blocks.width, block * blocks.width);
        let samples = width.min(batch - from);
        gradients.fill(T::ZERO);
        for (i, &node) in circuit.outputs.iter().enumerate() {
            let row = &mut gradients[node as usize * width..][..samples];
            for (gradient, &seed) in row.iter_mut().zip(&grad_out[i * batch + from..]) {
                *gradient += seed;
            }
        }
        kernel::backward(circuit, values, gradients, scratch, width);
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
    for (block, gradients) in tape.gradients.chunks_exact(size).enumerate() {
        let from = block * blocks.width;
        let samples = blocks.width.min(batch - from);
        for leaf in 0..circuit.leaves {
            let row = &gradients[leaf * blocks.width..][..samples];
            grad_weights[leaf * batch + from..][..samples].copy_from_slice(row);
        }
    }
}
