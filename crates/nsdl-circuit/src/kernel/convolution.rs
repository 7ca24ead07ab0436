//! Products of polynomials, coefficient by coefficient: each term once, so that nothing is lost to rounding as it would
//! be by a transform. Rows of coefficients lie side by side, so that the innermost loop runs over neighbours also
//! where there is one sample only. Long products are taken sample by sample instead (`correlation.rs`).

use super::{Layer, correlation, each, lanes};
use crate::real::Real;

/// Copies rows to `into`, side by side.
#[inline(always)]
fn gather<T: Real>(nodes: &[u32], rows: &[T], width: usize, into: &mut [T]) {
    for (&node, row) in nodes.iter().zip(into.chunks_exact_mut(width)) {
        row.copy_from_slice(&rows[node as usize * width..][..width]);
    }
}

/// Adds `factor`, one row, times each row of `rows` to the rows of `out`.
#[inline(always)]
fn add_multiple<T: Real, const L: usize>(out: &mut [T], factor: &[T], rows: &[T], width: usize) {
    if width == 1 {
        let factor = factor[0];
        for (out, &x) in out.iter_mut().zip(rows) {
            *out += factor * x;
        }
        return;
    }
    for (out, row) in out.chunks_exact_mut(width).zip(rows.chunks_exact(width)) {
        for (chunk, out) in out.chunks_exact_mut(L).enumerate() {
            let (a, x) = (
                lanes::<T, L>(factor, chunk * L),
                lanes::<T, L>(row, chunk * L),
            );
            for i in 0..L {
                out[i] += a[i] * x[i];
            }
        }
    }
}

/// Accumulators of a sum over neighbours.
const WAYS: usize = 16;

/// Adds the sum of `a` times `b`, row by row, to `out`, one row.
#[inline(always)]
fn add_dot<T: Real, const L: usize>(out: &mut [T], a: &[T], b: &[T], width: usize) {
    if width == 1 {
        let mut sums = [T::ZERO; WAYS];
        let (mut xs, mut ys) = (a.chunks_exact(WAYS), b.chunks_exact(WAYS));
        for (x, y) in (&mut xs).zip(&mut ys) {
            for i in 0..WAYS {
                sums[i] += x[i] * y[i];
            }
        }
        for (&x, &y) in xs.remainder().iter().zip(ys.remainder()) {
            sums[0] += x * y;
        }
        for sum in sums {
            out[0] += sum;
        }
        return;
    }
    for (chunk, out) in out.chunks_exact_mut(L).enumerate() {
        let at = chunk * L;
        let mut sum = [T::ZERO; L];
        for (x, y) in a.chunks_exact(width).zip(b.chunks_exact(width)) {
            let (x, y) = (lanes::<T, L>(x, at), lanes::<T, L>(y, at));
            sum = each(|i| sum[i] + x[i] * y[i]);
        }
        for i in 0..L {
            out[i] += sum[i];
        }
    }
}

/// Computes the nodes of a layer.
#[inline(always)]
pub(super) fn forward<T: Real, const L: usize>(
    layer: &Layer,
    zero: u32,
    values: &mut [T],
    scratch: &mut Vec<T>,
    width: usize,
) {
    let (below, rest) = values.split_at_mut(layer.first as usize * width);
    let mut start = 0;
    for (a, b) in layer.products() {
        let count = (a.len() + b.len() - 1) * width;
        let out = &mut rest[start..start + count];
        start += count;
        if correlation::pays((a, b), zero, width) {
            correlation::forward((a, b), below, out, scratch, width);
            continue;
        }
        out.fill(T::ZERO);
        scratch.resize(b.len() * width, T::ZERO);
        gather(b, below, width, scratch);
        for (i, &node) in a.iter().enumerate().filter(|&(_, &node)| node != zero) {
            let factor = &below[node as usize * width..][..width];
            let out = &mut out[i * width..(i + b.len()) * width];
            add_multiple::<T, L>(out, factor, scratch, width);
        }
    }
}

/// Adds what flows from the nodes of a layer to their children.
#[inline(always)]
pub(super) fn backward<T: Real, const L: usize>(
    layer: &Layer,
    zero: u32,
    values: &[T],
    gradients: &mut [T],
    scratch: &mut Vec<T>,
    width: usize,
) {
    let (below, rest) = gradients.split_at_mut(layer.first as usize * width);
    let mut start = 0;
    for (a, b) in layer.products() {
        let count = (a.len() + b.len() - 1) * width;
        let flow = &rest[start..start + count];
        start += count;
        if correlation::pays((a, b), zero, width) {
            correlation::backward((a, b), values, flow, below, scratch, width);
            continue;
        }
        let size = b.len() * width;
        scratch.resize(2 * size, T::ZERO);
        let (own, slopes) = scratch.split_at_mut(size);
        let slopes = &mut slopes[..size];
        gather(b, values, width, own);
        slopes.fill(T::ZERO);
        for (i, &node) in a.iter().enumerate().filter(|&(_, &node)| node != zero) {
            let flow = &flow[i * width..(i + b.len()) * width];
            let row = node as usize * width;
            add_multiple::<T, L>(slopes, &values[row..row + width], flow, width);
            add_dot::<T, L>(&mut below[row..row + width], flow, own, width);
        }
        for (&node, slope) in b.iter().zip(slopes.chunks_exact(width)) {
            let row = node as usize * width;
            for (gradient, &slope) in below[row..row + width].iter_mut().zip(slope) {
                *gradient += slope;
            }
        }
    }
}
