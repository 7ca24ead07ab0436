//! Products of long polynomials of one sample: every coefficient of a product, and of the gradients of both factors, is
//! a sum over one factor and a window of another sequence. A tile of neighbouring results is summed up in registers
//! while both pass by, so that a step is a load and a multiplication; sums are taken in the order of the coefficients.
//! Loops count instead of chaining iterators, whose adaptors would become calls in code of this size.

use super::lanes;
use crate::real::Real;

/// Results that are summed up together: eight vectors of 256 bits.
const TILE: usize = 32;
/// The same of numbers half as wide.
const TILE_F32: usize = 64;

/// Adds to each `out[j]` the sum of `factor[i] * run[j + i - lag]`, where `run` is 0 outside of its length.
#[inline(always)]
pub(super) fn correlate<T: Real>(out: &mut [T], factor: &[T], run: Run<'_, T>) {
    if size_of::<T>() == 4 {
        correlate_tiles::<T, TILE_F32>(out, factor, run);
    } else {
        correlate_tiles::<T, TILE>(out, factor, run);
    }
}

/// A sequence with `PADDING` zeros on either side, which lags behind by so many places.
pub(super) struct Run<'a, T> {
    pub padded: &'a [T],
    pub lag: usize,
}

pub(super) const PADDING: usize = TILE_F32;

#[inline(always)]
fn correlate_tiles<T: Real, const N: usize>(out: &mut [T], factor: &[T], run: Run<'_, T>) {
    let length = run.padded.len() - 2 * PADDING;
    for (tile, out) in out.chunks_mut(N).enumerate() {
        let first = tile * N;
        // The steps at which the window of the tile has any place in the run.
        let from = run.lag.saturating_sub(first + N - 1);
        let to = (length + run.lag).saturating_sub(first).min(factor.len());
        if from >= to {
            continue;
        }
        let window = PADDING + first + from - run.lag;
        let (factor, run) = (&factor[from..to], &run.padded[window..]);
        let mut sums = [T::ZERO; N];
        for (i, &x) in factor.iter().enumerate() {
            let window = lanes::<T, N>(run, i);
            for j in 0..N {
                sums[j] += x * window[j];
            }
        }
        for j in 0..out.len() {
            out[j] += sums[j];
        }
    }
}

/// The column of one sample.
#[derive(Clone, Copy)]
struct Sample {
    width: usize,
    at: usize,
}

impl Sample {
    #[inline(always)]
    fn of(self, node: u32) -> usize {
        node as usize * self.width + self.at
    }

    #[inline(always)]
    fn copy<T: Real>(self, nodes: &[u32], rows: &[T], into: &mut [T]) {
        for i in 0..nodes.len() {
            into[i] = rows[self.of(nodes[i])];
        }
    }
}

/// Parts of a buffer, each of a length, full of zeros.
pub(super) fn parts<T: Real, const N: usize>(
    scratch: &mut Vec<T>,
    lengths: [usize; N],
) -> [&mut [T]; N] {
    scratch.clear();
    scratch.resize(lengths.iter().sum(), T::ZERO);
    let mut rest = scratch.as_mut_slice();
    lengths.map(|length| {
        let (part, others) = std::mem::take(&mut rest).split_at_mut(length);
        rest = others;
        part
    })
}

/// Computes a product, whose rows are `out`.
#[inline(always)]
pub(super) fn forward<T: Real>(
    (a, b): (&[u32], &[u32]),
    below: &[T],
    out: &mut [T],
    scratch: &mut Vec<T>,
    width: usize,
) {
    let count = a.len() + b.len() - 1;
    for at in 0..width {
        let sample = Sample { width, at };
        let [backwards, padded, product] = parts(scratch, [a.len(), b.len() + 2 * PADDING, count]);
        sample.copy(a, below, backwards);
        backwards.reverse();
        sample.copy(b, below, &mut padded[PADDING..]);
        let lag = a.len() - 1;
        correlate(product, backwards, Run { padded, lag });
        for i in 0..count {
            out[i * width + at] = product[i];
        }
    }
}

/// Adds to the gradients of both factors what flows to them from a product, whose rows are `flow`. Where it is 0 at
/// the ends, nothing is done: of many results often one is asked for.
#[inline(always)]
pub(super) fn backward<T: Real>(
    (a, b): (&[u32], &[u32]),
    values: &[T],
    flow: &[T],
    below: &mut [T],
    scratch: &mut Vec<T>,
    width: usize,
) {
    for at in 0..width {
        let sample = Sample { width, at };
        let (mut lag, mut end) = (0, flow.len() / width);
        while lag < end && flow[lag * width + at] == T::ZERO {
            lag += 1;
        }
        while lag < end && flow[(end - 1) * width + at] == T::ZERO {
            end -= 1;
        }
        if lag == end {
            continue;
        }
        let most = a.len().max(b.len());
        let [other, padded, slopes] = parts(scratch, [most, end - lag + 2 * PADDING, most]);
        for i in lag..end {
            padded[PADDING + i - lag] = flow[i * width + at];
        }
        for (nodes, others) in [(a, b), (b, a)] {
            let (other, slopes) = (&mut other[..others.len()], &mut slopes[..nodes.len()]);
            sample.copy(others, values, other);
            slopes.fill(T::ZERO);
            correlate(slopes, other, Run { padded, lag });
            for i in 0..nodes.len() {
                below[sample.of(nodes[i])] += slopes[i];
            }
        }
    }
}

/// Whether a product is long enough for this, and none of its coefficients is 0 for every sample.
#[inline(always)]
pub(super) fn pays((a, b): (&[u32], &[u32]), zero: u32, width: usize) -> bool {
    let least = if width == 1 { 8 } else { 32 };
    a.len().min(b.len()) >= least && !a.contains(&zero) && !b.contains(&zero)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of so many nodes whose values never repeat.
    fn rows(nodes: usize, width: usize, salt: usize) -> Vec<f64> {
        let value = |i: usize| ((i * 7919 + salt * 104_729) % 1_009) as f64 / 1_009.0 - 0.25;
        (0..nodes * width).map(value).collect()
    }

    /// Products and gradients, term by term, beside those of tiles; flows are 0 outside of `kept`.
    fn check(a: usize, b: usize, width: usize, kept: std::ops::Range<usize>) {
        let count = a + b - 1;
        let nodes: Vec<u32> = (0..(a + b) as u32).rev().collect();
        let (first, second) = nodes.split_at(a);
        let below = rows(a + b, width, 1);
        let mut flow = rows(count, width, 2);
        for (k, row) in flow.chunks_exact_mut(width).enumerate() {
            if !kept.contains(&k) {
                row.fill(0.0);
            }
        }
        let (mut out, mut slopes) = (vec![0.0; count * width], vec![1.0; below.len()]);
        let (mut wanted, mut wanted_slopes) = (out.clone(), slopes.clone());
        for (i, &x) in first.iter().enumerate() {
            for (j, &y) in second.iter().enumerate() {
                for s in 0..width {
                    let (x, y) = (x as usize * width + s, y as usize * width + s);
                    let k = (i + j) * width + s;
                    wanted[k] += below[x] * below[y];
                    wanted_slopes[x] += flow[k] * below[y];
                    wanted_slopes[y] += flow[k] * below[x];
                }
            }
        }
        // What an earlier call left behind must not show.
        let mut scratch = vec![f64::NAN; 7];
        forward((first, second), &below, &mut out, &mut scratch, width);
        backward(
            (first, second),
            &below,
            &flow,
            &mut slopes,
            &mut scratch,
            width,
        );
        for (found, wanted) in out
            .iter()
            .chain(&slopes)
            .zip(wanted.iter().chain(&wanted_slopes))
        {
            assert!(
                (found - wanted).abs() < 1e-11,
                "{a} by {b}, {width}: {found}, not {wanted}"
            );
        }
    }

    #[test]
    fn tiles_add_up_to_the_products_of_all_terms() {
        for (a, b) in [
            (1, 1),
            (1, 70),
            (70, 1),
            (8, 31),
            (32, 33),
            (64, 65),
            (100, 300),
        ] {
            for width in [1, 4, 16] {
                let count = a + b - 1;
                for kept in [
                    0..count,
                    count / 3..count / 3 + 1,
                    0..1,
                    count - 1..count,
                    0..0,
                ] {
                    check(a, b, width, kept);
                }
            }
        }
    }
}
