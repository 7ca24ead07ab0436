//! Products of polynomials in log space. Long ones sample by sample as plain numbers, of which the greatest coefficient
//! is 1, and what is too small for that once more, by its logarithm.

use super::elementary::{exp, ln};
use super::{Ln, NOTHING, Term, flow, lanes, share, store, sum};
use crate::kernel::correlation::{PADDING, Run, correlate, parts, pays};
use crate::layers::Layer;

/// Computes products of polynomials: each coefficient is a sum over pairs.
#[inline(always)]
pub(super) fn forward<const L: usize>(
    layer: &Layer,
    zero: u32,
    values: &mut [Ln],
    scratch: &mut Vec<f64>,
    width: usize,
) {
    let (below, rest) = values.split_at_mut(layer.first as usize * width);
    let mut start = 0;
    for (a, b) in layer.products() {
        let count = a.len() + b.len() - 1;
        let out = &mut rest[start * width..(start + count) * width];
        start += count;
        if pays((a, b), zero, 1) {
            for at in 0..width {
                Column { a, b, width, at }.forward(below, out, scratch);
            }
            continue;
        }
        for k in 0..count {
            let (from, to) = ((k + 1).saturating_sub(b.len()), a.len().min(k + 1));
            for at in (0..width).step_by(L) {
                let pair = |place: usize| [a[from + place], b[k - from - place]];
                let log = sum::<L>(to - from, |place| pair(place).log(below, width, at));
                store(out, k * width + at, log);
            }
        }
    }
}

/// The flows of these products.
#[inline(always)]
pub(super) fn backward<const L: usize>(
    layer: &Layer,
    zero: u32,
    values: &[Ln],
    flows: &mut [f64],
    scratch: &mut Vec<f64>,
    width: usize,
) {
    let (below, rest) = flows.split_at_mut(layer.first as usize * width);
    let out = &values[layer.first as usize * width..];
    let mut start = 0;
    for (a, b) in layer.products() {
        let count = a.len() + b.len() - 1;
        let rows = start * width..(start + count) * width;
        let (out, given) = (&out[rows.clone()], &rest[rows]);
        start += count;
        if pays((a, b), zero, 1) {
            for at in 0..width {
                Column { a, b, width, at }.backward(values, out, given, below, scratch);
            }
            continue;
        }
        for k in 0..count {
            let (from, to) = ((k + 1).saturating_sub(b.len()), a.len().min(k + 1));
            for at in (0..width).step_by(L) {
                let given = flow::<L>(given, k * width + at);
                let all = lanes::<L>(out, k * width + at);
                for i in from..to {
                    let pair = [a[i], b[k - i]];
                    let mut part = pair.log::<L>(values, width, at);
                    for i in 0..L {
                        part[i] = given[i] * share(part[i], all[i]);
                    }
                    pair.give(below, width, at, part);
                }
            }
        }
    }
}

/// Coefficients from here on are right as plain numbers: what is lost of their terms is below 1e-308 each.
const LEAST: f64 = 1e-250;

/// One sample's coefficients of a product and its factors.
#[derive(Clone, Copy)]
struct Column<'a> {
    a: &'a [u32],
    b: &'a [u32],
    width: usize,
    /// Which sample.
    at: usize,
}

impl Column<'_> {
    #[inline(always)]
    fn row(self, node: u32) -> usize {
        node as usize * self.width + self.at
    }

    /// The greatest logarithm of some nodes; what they are divided by. 1 where all are nothing.
    #[inline(always)]
    fn greatest(self, nodes: &[u32], values: &[Ln]) -> f64 {
        let mut most = NOTHING;
        for &node in nodes {
            most = most.max(values[self.row(node)].0);
        }
        if most == NOTHING { 0.0 } else { most }
    }

    #[inline(always)]
    fn numbers(self, nodes: &[u32], most: f64, values: &[Ln], into: &mut [f64]) {
        for i in 0..nodes.len() {
            into[i] = values[self.row(nodes[i])].0;
        }
        for x in &mut into[..nodes.len()] {
            *x = exp(*x - most);
        }
    }

    /// The pairs of coefficient k.
    #[inline(always)]
    fn pairs(self, k: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
        let (from, to) = (
            (k + 1).saturating_sub(self.b.len()),
            self.a.len().min(k + 1),
        );
        (from..to).map(move |i| (self.row(self.a[i]), self.row(self.b[k - i])))
    }

    /// Computes the product, whose rows are `out`.
    #[inline(always)]
    fn forward(self, below: &[Ln], out: &mut [Ln], scratch: &mut Vec<f64>) {
        let (a, b) = (self.a, self.b);
        let count = a.len() + b.len() - 1;
        let lengths = [a.len(), b.len() + 2 * PADDING, count];
        let [backwards, padded, product] = parts(scratch, lengths);
        let (most_a, most_b) = (self.greatest(a, below), self.greatest(b, below));
        self.numbers(a, most_a, below, backwards);
        backwards.reverse();
        self.numbers(b, most_b, below, &mut padded[PADDING..]);
        let lag = a.len() - 1;
        correlate(product, backwards, Run { padded, lag });
        for k in 0..count {
            let log = if product[k] >= LEAST {
                ln(product[k]) + most_a + most_b
            } else {
                self.small(k, below)
            };
            out[k * self.width + self.at] = Ln(log);
        }
    }

    /// A coefficient by the logarithms of its terms.
    fn small(self, k: usize, below: &[Ln]) -> f64 {
        let terms = self.pairs(k).map(|(a, b)| below[a].0 + below[b].0);
        let most = terms.clone().fold(NOTHING, f64::max);
        if most == NOTHING {
            return NOTHING;
        }
        most + ln(terms.map(|x| exp(x - most)).sum())
    }

    /// Adds to the flows of the factors what flows to them from the product, whose values are `out` and whose flows are
    /// `flow`. Where these are 0 at the ends, nothing is done.
    #[inline(always)]
    fn backward(
        self,
        values: &[Ln],
        out: &[Ln],
        flow: &[f64],
        below: &mut [f64],
        scratch: &mut Vec<f64>,
    ) {
        let (a, b, width, at) = (self.a, self.b, self.width, self.at);
        let (mut lag, mut end) = (0, flow.len() / width);
        while lag < end && flow[lag * width + at] == 0.0 {
            lag += 1;
        }
        while lag < end && flow[(end - 1) * width + at] == 0.0 {
            end -= 1;
        }
        if lag == end {
            return;
        }
        let longest = a.len().max(b.len());
        let lengths = [longest, end - lag + 2 * PADDING, longest];
        let [other, padded, sums] = parts(scratch, lengths);
        let (most_a, most_b) = (self.greatest(a, values), self.greatest(b, values));
        for k in lag..end {
            let (given, log) = (flow[k * width + at], out[k * width + at].0);
            let size = exp(log - most_a - most_b);
            if size >= LEAST {
                padded[PADDING + k - lag] = given / size;
            } else if given != 0.0 {
                for (x, y) in self.pairs(k) {
                    let part = given * share(values[x].0 + values[y].0, log);
                    below[x] += part;
                    below[y] += part;
                }
            }
        }
        for (nodes, most, others, other_most) in [(a, most_a, b, most_b), (b, most_b, a, most_a)] {
            let (other, sums) = (&mut other[..others.len()], &mut sums[..nodes.len()]);
            self.numbers(others, other_most, values, other);
            sums.fill(0.0);
            correlate(sums, other, Run { padded, lag });
            for i in 0..nodes.len() {
                let row = self.row(nodes[i]);
                below[row] += exp(values[row].0 - most) * sums[i];
            }
        }
    }
}
