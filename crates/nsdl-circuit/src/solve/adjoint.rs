//! Gradients through the sums of a cycle.

use super::{ROUNDS, Solved, Solver};
use crate::cone::Cycle;
use nsdl_provenance::AddMultProb;

/// Of one cycle.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    /// The derivatives of tuples by others that they use, counted from the first, `[edge][sample]`; likewise by what is
    /// below the cycle.
    inside: Vec<(u32, u32)>,
    slopes: Vec<f64>,
    below: Vec<(u32, u32)>,
    slopes_below: Vec<f64>,
    /// `[tuple][sample]`.
    incoming: Vec<f64>,
    adjoints: Vec<f64>,
    flow: Vec<f64>,
}

/// What may pass a gradient on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passing {
    All,
    /// Tuples that are neither 0 nor 1.
    Inner,
    /// Instances that support something.
    Supporting,
}

impl Solver {
    /// λ = b + Jᵀλ, iterated like the values themselves; then what flows out of the cycle.
    ///
    /// That does not settle where the least support would lift tuples to their clamp. There is no derivative;
    /// as it is 0 at the clamp, tuples of value 0 or 1 then pass none on, or instances of value 0 do not, or nothing in
    /// the cycle does.
    #[inline(always)]
    pub(super) fn adjoint<const L: usize>(&self, cycle: &Cycle, solved: &mut Solved) {
        let first = cycle.start as usize;
        let Solved {
            values,
            adjoints,
            scratch,
            ..
        } = solved;
        let scratch = &mut scratch.adjoint;
        let (values, _) = values.as_chunks::<L>();
        let (adjoints, _) = adjoints.as_chunks_mut::<L>();
        let incoming = &adjoints[first..first + cycle.unknowns as usize];
        scratch.incoming.clear();
        scratch.incoming.extend(incoming.as_flattened());
        let mut open = [false; L];
        for row in incoming {
            (0..L).for_each(|i| open[i] |= row[i] != 0.0);
        }
        for passing in [Passing::All, Passing::Inner, Passing::Supporting] {
            if open == [false; L] {
                return;
            }
            self.derive(cycle, passing, values, scratch);
            let settled = settle::<L>(open, scratch);
            let (slopes, _) = scratch.slopes_below.as_chunks::<L>();
            let (lambdas, _) = scratch.adjoints.as_chunks::<L>();
            for (&(tuple, part), slope) in scratch.below.iter().zip(slopes) {
                let (lambda, below) = (&lambdas[tuple as usize], &mut adjoints[part as usize]);
                for i in 0..L {
                    below[i] += if settled[i] {
                        lambda[i] * slope[i]
                    } else {
                        0.0
                    };
                }
            }
            (0..L).for_each(|i| open[i] &= !settled[i]);
        }
    }

    /// Writes down the derivatives of the tuples of a cycle, each through its instances.
    #[inline(always)]
    fn derive<const L: usize>(
        &self,
        cycle: &Cycle,
        passing: Passing,
        values: &[[f64; L]],
        scratch: &mut Scratch,
    ) {
        let Scratch {
            inside,
            slopes,
            below,
            slopes_below,
            ..
        } = scratch;
        inside.clear();
        slopes.clear();
        below.clear();
        slopes_below.clear();
        let mut add = |tuple: u32, part: u32, slope: [f64; L]| {
            if slope == [0.0; L] {
                return;
            }
            let tuple = tuple - cycle.start;
            if cycle.tuples().contains(&part) {
                inside.push((tuple, part - cycle.start));
                slopes.extend(slope);
            } else {
                below.push((tuple, part));
                slopes_below.extend(slope);
            }
        };
        for tuple in cycle.tuples() {
            let alternatives = self.cone.children(tuple);
            let value = values[tuple as usize];
            let op = self.cone.ops[tuple as usize];
            self.algebra
                .slopes(op, alternatives, values, |place, slope| {
                    let slope: [f64; L] = std::array::from_fn(|i| {
                        let inner = value[i] > 0.0 && value[i] < 1.0;
                        if inner || passing != Passing::Inner {
                            slope[i]
                        } else {
                            0.0
                        }
                    });
                    let child = alternatives[place];
                    if !cycle.is_instance(child) {
                        add(tuple, child, slope);
                        return;
                    }
                    let value = values[child as usize];
                    let slope: [f64; L] = std::array::from_fn(|i| {
                        let supports = value[i] > AddMultProb::TOLERANCE;
                        if supports || passing != Passing::Supporting {
                            slope[i]
                        } else {
                            0.0
                        }
                    });
                    let parts = self.cone.children(child);
                    let op = self.cone.ops[child as usize];
                    self.algebra.slopes(op, parts, values, |place, inner| {
                        add(
                            tuple,
                            parts[place],
                            std::array::from_fn(|i| slope[i] * inner[i]),
                        );
                    });
                });
        }
    }
}

/// Solves λ = b + Jᵀλ for the open samples by iteration; says for which it settled.
#[inline(always)]
fn settle<const L: usize>(mut open: [bool; L], scratch: &mut Scratch) -> [bool; L] {
    let Scratch {
        inside,
        slopes,
        incoming,
        adjoints,
        flow,
        ..
    } = scratch;
    adjoints.clear();
    adjoints.extend_from_slice(incoming);
    flow.resize(incoming.len(), 0.0);
    let (slopes, _) = slopes.as_chunks::<L>();
    let (incoming, _) = incoming.as_chunks::<L>();
    let (adjoints, _) = adjoints.as_chunks_mut::<L>();
    let (flow, _) = flow.as_chunks_mut::<L>();
    let mut settled = [false; L];
    let mut first = [None; L];
    let mut change = [0.0f64; L];
    for _ in 0..ROUNDS {
        flow.fill([0.0; L]);
        for (&(tuple, part), slope) in inside.iter().zip(slopes) {
            let (adjoint, part) = (&adjoints[tuple as usize], &mut flow[part as usize]);
            (0..L).for_each(|i| part[i] += adjoint[i] * slope[i]);
        }
        change = [0.0; L];
        for ((adjoint, flow), incoming) in adjoints.iter_mut().zip(&*flow).zip(incoming) {
            for i in 0..L {
                let next = incoming[i] + flow[i];
                let next = if open[i] { next } else { adjoint[i] };
                let by = (next - adjoint[i]).abs();
                change[i] = if by > change[i] { by } else { change[i] };
                adjoint[i] = next;
            }
        }
        for i in 0..L {
            if !open[i] {
                continue;
            }
            settled[i] = change[i] < AddMultProb::TOLERANCE;
            let grown = change[i] > 1e9 * *first[i].get_or_insert(change[i]);
            open[i] = !settled[i] && !grown;
        }
        if open == [false; L] {
            return settled;
        }
    }
    // A change that still shrinks is a slow cycle, not a missing derivative.
    for i in 0..L {
        settled[i] |= open[i] && change[i] <= 0.5 * first[i].unwrap_or(0.0);
    }
    settled
}
