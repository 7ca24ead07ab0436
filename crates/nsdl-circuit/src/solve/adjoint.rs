//! Gradients through the sums of a cycle.

use super::edges::{Edges, Passing};
use super::linear::System;
use super::number::Number;
use super::{Solved, Solver};
use crate::cone::Cycle;

/// Of one cycle.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch<T> {
    pub edges: Edges<T>,
    pub system: System,
    /// How its solution changes.
    change: System,
}

impl Solver {
    /// λ = b + Jᵀλ, iterated like the values themselves; then what flows out of the cycle.
    ///
    /// Numbers with a slope have that of λ too, by the same system: λ' = b' + J'ᵀλ + Jᵀλ'.
    #[inline(always)]
    pub(super) fn adjoint<T: Number, const L: usize>(&self, cycle: &Cycle, solved: &mut Solved<T>) {
        let first = cycle.start as usize;
        let Solved {
            values,
            adjoints,
            scratch,
            ..
        } = solved;
        let Scratch {
            edges,
            system,
            change,
        } = &mut scratch.adjoint;
        let (values, _) = values.as_chunks::<L>();
        let (adjoints, _) = adjoints.as_chunks_mut::<L>();
        let incoming = &adjoints[first..first + cycle.unknowns as usize];
        let all = incoming.as_flattened().iter();
        system.incoming.clear();
        system.incoming.extend(all.clone().map(|one| one.to_f64()));
        let slopes: Vec<f64> = match T::SLOPED {
            true => all.map(|one| one.slope()).collect(),
            false => Vec::new(),
        };
        let mut open = [false; L];
        for row in incoming {
            (0..L).for_each(|i| open[i] |= !row[i].is_nil());
        }
        for passing in Passing::ATTEMPTS {
            if open == [false; L] {
                return;
            }
            self.derive(cycle, passing, values, edges);
            let mut settled = system.settle(open, &edges.inside, &edges.slopes);
            if T::SLOPED {
                change.incoming.clone_from(&slopes);
                settled = follow(settled, edges, system, change);
            }
            let (slopes, _) = edges.slopes_below.as_chunks::<L>();
            let (lambdas, _) = system.found.as_chunks::<L>();
            let (changes, _) = change.found.as_chunks::<L>();
            for (&(tuple, part), slope) in edges.below.iter().zip(slopes) {
                let (tuple, below) = (tuple as usize, &mut adjoints[part as usize]);
                for i in 0..L {
                    let change = if T::SLOPED { changes[tuple][i] } else { 0.0 };
                    below[i] += if settled[i] {
                        T::new(lambdas[tuple][i], change) * slope[i]
                    } else {
                        T::ZERO
                    };
                }
            }
            (0..L).for_each(|i| open[i] &= !settled[i]);
        }
    }
}

/// How the solution of a system changes, whose b changes by what `change` has incoming: for the open samples, of which it
/// says which settled.
#[inline(always)]
fn follow<T: Number, const L: usize>(
    open: [bool; L],
    edges: &Edges<T>,
    system: &System,
    change: &mut System,
) -> [bool; L] {
    let (lambdas, _) = system.found.as_chunks::<L>();
    let (incoming, _) = change.incoming.as_chunks_mut::<L>();
    let (slopes, _) = edges.slopes.as_chunks::<L>();
    for (&(tuple, part), slope) in edges.inside.iter().zip(slopes) {
        let (lambda, incoming) = (&lambdas[tuple as usize], &mut incoming[part as usize]);
        (0..L).for_each(|i| incoming[i] += lambda[i] * slope[i].slope());
    }
    change.settle(open, &edges.inside, &edges.slopes)
}
