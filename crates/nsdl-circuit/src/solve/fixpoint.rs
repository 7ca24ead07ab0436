//! Values of samples side by side, and least fixpoints on cycles.

use super::algebra::UNREACHED;
use super::{ROUNDS, Solved, Solver};
use crate::cone::{Cycle, Op};
use nsdl_provenance::AddMultProb;

/// Of one cycle.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    /// Tuples to look at in this round and in the next.
    now: Vec<u32>,
    next: Vec<u32>,
    /// Whether a tuple, counted from the first, is to be looked at in the next round.
    open: Vec<bool>,
    /// What this round improves: `[tuple][sample]` values, and children that they are reached through.
    improved: Vec<u32>,
    values: Vec<f64>,
    through: Vec<u64>,
}

/// No child.
const NONE: u64 = u64::MAX;

#[inline(always)]
pub(super) fn evaluate<const L: usize>(solver: &Solver, solved: &mut Solved) {
    let cone = &solver.cone;
    solved.values.clear();
    solved.values.resize(cone.len() * L, 0.0);
    solved.reached.clear();
    solved.residual = 0.0;
    solved.rounds = 0;
    if solver.algebra.improves() {
        let nowhere = (0, u32::MAX);
        solved.reached.resize(cone.len() * L, nowhere);
    }
    let mut cycles = cone.cycles.iter().peekable();
    let mut node = 0;
    while node < cone.len() as u32 {
        if let Some(cycle) = cycles.next_if(|cycle| cycle.start == node) {
            match solver.algebra.improves() {
                true => solver.improve::<L>(cycle, solved),
                false => solver.iterate::<L>(cycle, solved),
            }
            node = cycle.end;
            continue;
        }
        let (values, _) = solved.values.as_chunks_mut::<L>();
        values[node as usize] = match cone.ops[node as usize] {
            Op::Leaf(leaf) => solved.weights.as_chunks::<L>().0[leaf.index()],
            op => solver.algebra.value(op, cone.children(node), values),
        };
        node += 1;
    }
}

impl Solver {
    /// The value of a child of a tuple of a cycle.
    #[inline(always)]
    fn child<const L: usize>(&self, cycle: &Cycle, child: u32, values: &[[f64; L]]) -> [f64; L] {
        match cycle.is_instance(child) {
            true => {
                let op = self.cone.ops[child as usize];
                self.algebra.value(op, self.cone.children(child), values)
            }
            false => values[child as usize],
        }
    }

    /// Least fixpoint of maxima, round by round. Tuples start below zero, so that a value of zero also is reached by
    /// a derivation. A round sees tuples as they were before it, and looks at those only whose parts have changed.
    ///
    /// The best derivation of a tuple does not go through itself, so there are no more rounds than tuples; only
    /// weights above 1 would go on for ever.
    #[inline(always)]
    fn improve<const L: usize>(&self, cycle: &Cycle, solved: &mut Solved) {
        let (values, _) = solved.values.as_chunks_mut::<L>();
        let Scratch {
            now,
            next,
            open,
            improved,
            values: better,
            through,
        } = &mut solved.scratch.fixpoint;
        let first = cycle.start as usize;
        values[first..first + cycle.unknowns as usize].fill([UNREACHED; L]);
        open.clear();
        open.resize(cycle.unknowns as usize, false);
        next.clear();
        next.extend(cycle.tuples());
        let mut round = 0;
        let mut change = [f64::INFINITY; L];
        while change != [0.0; L] && round <= cycle.unknowns {
            round += 1;
            change = [0.0; L];
            std::mem::swap(now, next);
            next.clear();
            improved.clear();
            better.clear();
            through.clear();
            for &tuple in &*now {
                open[tuple as usize - first] = false;
                let mut best = values[tuple as usize];
                let mut child_of_best = [NONE; L];
                for &child in self.cone.children(tuple) {
                    let value = match cycle.is_instance(child) {
                        true => {
                            let parts = self.cone.children(child);
                            let op = self.cone.ops[child as usize];
                            let value = self.algebra.value(op, parts, values);
                            // Whose parts all are reached.
                            let least = least(parts, values);
                            std::array::from_fn(|i| match least[i] >= 0.0 {
                                true => value[i],
                                false => UNREACHED,
                            })
                        }
                        false => values[child as usize],
                    };
                    for i in 0..L {
                        let better = value[i] > best[i];
                        child_of_best[i] = if better {
                            u64::from(child)
                        } else {
                            child_of_best[i]
                        };
                        best[i] = if better { value[i] } else { best[i] };
                    }
                }
                if child_of_best != [NONE; L] {
                    improved.push(tuple);
                    better.extend(best);
                    through.extend(child_of_best);
                }
            }
            let better = better.as_chunks::<L>().0.iter();
            let through = through.as_chunks::<L>().0.iter();
            for ((&tuple, best), through) in improved.iter().zip(better).zip(through) {
                let value = &mut values[tuple as usize];
                let reached = &mut solved.reached[tuple as usize * L..][..L];
                for i in 0..L {
                    let by = best[i] - value[i];
                    change[i] = if by > change[i] { by } else { change[i] };
                    value[i] = best[i];
                    if through[i] != NONE {
                        reached[i] = (round, through[i] as u32);
                    }
                }
                for &user in self.users.of(tuple) {
                    let open = &mut open[user as usize - first];
                    if !std::mem::replace(open, true) {
                        next.push(user);
                    }
                }
            }
        }
        solved.residual = change.into_iter().fold(solved.residual, f64::max);
        solved.rounds = solved.rounds.max(round as usize);
        for tuple in cycle.tuples() {
            for value in &mut values[tuple as usize] {
                *value = if *value < 0.0 { 0.0 } else { *value };
            }
        }
    }

    /// Least fixpoint of sums. A round sees what it has already computed; a sample whose values have settled keeps them.
    #[inline(always)]
    fn iterate<const L: usize>(&self, cycle: &Cycle, solved: &mut Solved) {
        let (values, _) = solved.values.as_chunks_mut::<L>();
        let mut open = [true; L];
        for round in 1..=ROUNDS {
            let mut change = [0.0f64; L];
            for tuple in cycle.tuples() {
                let alternatives = self.cone.children(tuple).iter();
                let alternatives = alternatives.map(|&child| self.child(cycle, child, values));
                let value = self.algebra.alternatives(alternatives);
                let old = values[tuple as usize];
                for i in 0..L {
                    let value = if open[i] { value[i] } else { old[i] };
                    let by = (value - old[i]).abs();
                    change[i] = if by > change[i] { by } else { change[i] };
                    values[tuple as usize][i] = value;
                }
            }
            solved.rounds = solved.rounds.max(round);
            for i in 0..L {
                open[i] &= change[i] >= AddMultProb::TOLERANCE;
                if open[i] && round == ROUNDS {
                    solved.residual = solved.residual.max(change[i]);
                }
            }
            if open == [false; L] {
                break;
            }
        }
        for instance in cycle.instances() {
            values[instance as usize] = self.child(cycle, instance, values);
        }
    }
}

/// The least of some values.
#[inline(always)]
fn least<const L: usize>(children: &[u32], values: &[[f64; L]]) -> [f64; L] {
    let mut least = [f64::INFINITY; L];
    for &child in children {
        let value = &values[child as usize];
        for i in 0..L {
            least[i] = if value[i] < least[i] {
                value[i]
            } else {
                least[i]
            };
        }
    }
    least
}
