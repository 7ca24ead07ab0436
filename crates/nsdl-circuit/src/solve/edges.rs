//! How the tuples of a cycle depend on each other and on what is below.

use super::Solver;
use super::number::{Number, is_nil};
use crate::cone::Cycle;
use nsdl_provenance::AddMultProb;

/// The derivatives of the tuples of a cycle, counted from the first, by what they use: `(tuple, part)`, and
/// `[edge][sample]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Edges<T> {
    /// By tuples of the cycle, counted likewise.
    pub inside: Vec<(u32, u32)>,
    pub slopes: Vec<T>,
    /// By nodes below it.
    pub below: Vec<(u32, u32)>,
    pub slopes_below: Vec<T>,
}

/// What may pass a change on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Passing {
    All,
    /// Tuples that are neither 0 nor 1.
    Inner,
    /// Instances that support something.
    Supporting,
}

impl Passing {
    /// What is tried, one after the other, until a system settles.
    ///
    /// That it does not, where the least support would lift tuples to their clamp. There is no derivative; as it is 0 at
    /// the clamp, tuples of value 0 or 1 then pass none on, or instances of value 0 do not, or nothing in the cycle
    /// does.
    pub const ATTEMPTS: [Self; 3] = [Self::All, Self::Inner, Self::Supporting];
}

impl Solver {
    /// Writes down the derivatives of the tuples of a cycle, each through its instances.
    #[inline(always)]
    pub(super) fn derive<T: Number, const L: usize>(
        &self,
        cycle: &Cycle,
        passing: Passing,
        values: &[[T; L]],
        edges: &mut Edges<T>,
    ) {
        let Edges {
            inside,
            slopes,
            below,
            slopes_below,
        } = edges;
        inside.clear();
        slopes.clear();
        below.clear();
        slopes_below.clear();
        let mut add = |tuple: u32, part: u32, slope: [T; L]| {
            if is_nil(&slope) {
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
        let tolerance = T::from_f64(AddMultProb::TOLERANCE);
        for tuple in cycle.tuples() {
            let alternatives = self.cone.children(tuple);
            let value = values[tuple as usize];
            let op = self.cone.ops[tuple as usize];
            self.algebra
                .slopes(op, alternatives, values, |place, slope| {
                    let slope: [T; L] = std::array::from_fn(|i| {
                        let inner = value[i] > T::ZERO && value[i] < T::ONE;
                        if inner || passing != Passing::Inner {
                            slope[i]
                        } else {
                            T::ZERO
                        }
                    });
                    let child = alternatives[place];
                    if !cycle.is_instance(child) {
                        add(tuple, child, slope);
                        return;
                    }
                    let value = values[child as usize];
                    let slope: [T; L] = std::array::from_fn(|i| {
                        let supports = value[i] > tolerance;
                        if supports || passing != Passing::Supporting {
                            slope[i]
                        } else {
                            T::ZERO
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
