//! Sums of products of two factors, in one pass: the products have no rows of their own.

use super::{add, each, lanes};
use crate::layers::Pass;
use crate::real::Real;

/// Computes the sums of products of a layer whose first node is `first`.
#[inline(always)]
pub(super) fn forward<T: Real, const L: usize>(
    first: u32,
    pass: &Pass,
    values: &mut [T],
    width: usize,
) {
    let (below, rest) = values.split_at_mut((first as usize + pass.plain) * width);
    for (terms, row) in pass.sums().zip(rest.chunks_exact_mut(width)) {
        for (chunk, out) in row.chunks_exact_mut(L).enumerate() {
            let at = chunk * L;
            let factor = |node: u32| lanes::<T, L>(below, node as usize * width + at);
            let product = |&[x, y]: &[u32; 2]| {
                let (a, b) = (factor(x), factor(y));
                each::<T, L>(|i| a[i] * b[i])
            };
            let Some((head, tail)) = terms.split_first() else {
                continue;
            };
            let mut sum = product(head);
            for term in tail {
                let x = product(term);
                sum = each(|i| sum[i] + x[i]);
            }
            out.copy_from_slice(&sum);
        }
    }
}

/// Adds what flows from these sums to their factors.
#[inline(always)]
pub(super) fn backward<T: Real, const L: usize>(
    first: u32,
    pass: &Pass,
    values: &[T],
    gradients: &mut [T],
    width: usize,
) {
    let (below, rest) = gradients.split_at_mut((first as usize + pass.plain) * width);
    for (terms, row) in pass.sums().zip(rest.chunks_exact(width)) {
        for (chunk, gradient) in row.chunks_exact(L).enumerate() {
            let at = chunk * L;
            let g = lanes::<T, L>(gradient, 0);
            for &[x, y] in terms {
                let (x, y) = (x as usize * width + at, y as usize * width + at);
                let (a, b) = (lanes::<T, L>(values, x), lanes::<T, L>(values, y));
                add(below, x, each::<T, L>(|i| g[i] * b[i]));
                add(below, y, each::<T, L>(|i| g[i] * a[i]));
            }
        }
    }
}
