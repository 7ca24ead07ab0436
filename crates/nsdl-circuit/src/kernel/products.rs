//! Sums of products of two factors, in one pass: the products have no rows of their own.
//!
//! Plain functions in place of closures: these are compiled for the vector instructions of their caller in any case.

use super::{add, each, lanes};
use crate::layers::Pass;
use crate::real::Real;

/// Some samples of both factors of a term.
#[inline(always)]
fn factors<T: Real, const L: usize>(
    values: &[T],
    [x, y]: [u32; 2],
    width: usize,
    at: usize,
) -> ([T; L], [T; L]) {
    (
        lanes(values, x as usize * width + at),
        lanes(values, y as usize * width + at),
    )
}

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
        let Some((&head, tail)) = terms.split_first() else {
            continue;
        };
        for (chunk, out) in row.as_chunks_mut::<L>().0.iter_mut().enumerate() {
            let at = chunk * L;
            let (a, b) = factors::<T, L>(below, head, width, at);
            let mut sum = [T::ZERO; L];
            for i in 0..L {
                sum[i] = a[i] * b[i];
            }
            for &term in tail {
                let (a, b) = factors::<T, L>(below, term, width, at);
                for i in 0..L {
                    sum[i] += a[i] * b[i];
                }
            }
            *out = sum;
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
                let (a, b) = factors::<T, L>(values, [x, y], width, at);
                add(
                    below,
                    x as usize * width + at,
                    each::<T, L>(|i| g[i] * b[i]),
                );
                add(
                    below,
                    y as usize * width + at,
                    each::<T, L>(|i| g[i] * a[i]),
                );
            }
        }
    }
}
