//! Decisions: sums of two products that share their first factors with others. Those factors are read once for a run of
//! decisions, and what flows to them is added up in registers.

use super::{add, each, lanes};
use crate::layers::{Decisions, Pass};
use crate::real::Real;

/// Where some samples of a node are.
#[inline(always)]
fn place<const L: usize>(node: u32, width: usize, at: usize) -> usize {
    // One lane is one sample.
    if L == 1 {
        node as usize
    } else {
        node as usize * width + at
    }
}

/// Computes the decisions of a layer whose first node is `first`.
#[inline(always)]
pub(super) fn forward<T: Real, const L: usize>(
    first: u32,
    pass: &Pass,
    values: &mut [T],
    width: usize,
) {
    let (below, mut rows) = values.split_at_mut((first as usize + pass.undecided()) * width);
    let mut branches = pass.branches.as_slice();
    for &Decisions { on, count } in &pass.decisions {
        let (own, others) = branches.split_at(count);
        let (out, after) = rows.split_at_mut(count * width);
        (branches, rows) = (others, after);
        for at in (0..width).step_by(L) {
            let get = |node: u32| lanes::<T, L>(below, place::<L>(node, width, at));
            let [a, b] = on.map(get);
            for (n, &[x, y]) in own.iter().enumerate() {
                let (x, y) = (get(x), get(y));
                let sum = each::<T, L>(|i| a[i] * x[i] + b[i] * y[i]);
                let start = place::<L>(n as u32, width, at);
                if let Some(row) = out[start..start + L].first_chunk_mut() {
                    *row = sum;
                }
            }
        }
    }
}

/// Adds what flows from these decisions to their branches and factors.
#[inline(always)]
pub(super) fn backward<T: Real, const L: usize>(
    first: u32,
    pass: &Pass,
    values: &[T],
    gradients: &mut [T],
    width: usize,
) {
    let (below, rows) = gradients.split_at_mut((first as usize + pass.undecided()) * width);
    let (mut rows, values) = (&*rows, &values[..below.len()]);
    let mut branches = pass.branches.as_slice();
    for &Decisions { on, count } in &pass.decisions {
        let (own, others) = branches.split_at(count);
        let (flow, after) = rows.split_at(count * width);
        (branches, rows) = (others, after);
        for at in (0..width).step_by(L) {
            let get = |node: u32| lanes::<T, L>(values, place::<L>(node, width, at));
            let [a, b] = on.map(get);
            let (mut to_a, mut to_b) = ([T::ZERO; L], [T::ZERO; L]);
            for (n, &[x, y]) in own.iter().enumerate() {
                let g = lanes::<T, L>(flow, place::<L>(n as u32, width, at));
                let (at_x, at_y) = (place::<L>(x, width, at), place::<L>(y, width, at));
                let (x, y) = (get(x), get(y));
                to_a = each(|i| to_a[i] + g[i] * x[i]);
                to_b = each(|i| to_b[i] + g[i] * y[i]);
                add(below, at_x, each::<T, L>(|i| g[i] * a[i]));
                add(below, at_y, each::<T, L>(|i| g[i] * b[i]));
            }
            add(below, place::<L>(on[0], width, at), to_a);
            add(below, place::<L>(on[1], width, at), to_b);
        }
    }
}
