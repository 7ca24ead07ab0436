//! How the values of samples side by side change in a direction.

use super::adjoint::Scratch;
use super::edges::{Edges, Passing};
use super::linear::System;
use super::number::Number;
use super::reverse::propagate;
use super::{Algebra, Solved, Solver};
use crate::cone::{Cycle, Op};
use crate::real::{Dual, Real};

/// Numbers with a slope.
pub(super) type Sloped = Dual<f64>;

/// Gives the values their slopes, in the direction that the weights have; then the reverse pass over both.
#[inline(always)]
pub(super) fn curve<const L: usize>(solver: &Solver, solved: &mut Solved<Sloped>) {
    let cone = &solver.cone;
    let mut cycles = cone.cycles.iter().peekable();
    let mut node = 0;
    while node < cone.len() as u32 {
        if let Some(cycle) = cycles.next_if(|cycle| cycle.start == node) {
            match solver.algebra.improves() {
                true => (0..L).for_each(|lane| solver.follow::<L>(cycle, lane, solved)),
                false => solver.tangent::<L>(cycle, solved),
            }
            node = cycle.end;
            continue;
        }
        let (values, _) = solved.values.as_chunks_mut::<L>();
        match cone.ops[node as usize] {
            Op::Leaf(leaf) => {
                values[node as usize] = solved.weights.as_chunks::<L>().0[leaf.index()];
            }
            _ => solver.lean(node, values),
        }
        node += 1;
    }
    propagate::<Sloped, L>(solver, solved);
}

impl Solver {
    /// Gives an inner node its slope from those of its children.
    #[inline(always)]
    fn lean<const L: usize>(&self, node: u32, values: &mut [[Sloped; L]]) {
        let (op, children) = (self.cone.ops[node as usize], self.cone.children(node));
        let mut total = [0.0; L];
        self.algebra.slopes(op, children, values, |place, slope| {
            let child = &values[children[place] as usize];
            (0..L).for_each(|i| total[i] += slope[i].value * child[i].slope);
        });
        let row = &mut values[node as usize];
        (0..L).for_each(|i| row[i].slope = total[i]);
    }

    /// Sums on a cycle: x' = b' + Jx', as for the gradient.
    ///
    /// A seed goes to what its tuple uses, a direction to all that uses it. So it is asked of each tuple by itself
    /// whether a seed of it would settle, which a direction may also do where that would not.
    #[inline(always)]
    fn tangent<const L: usize>(&self, cycle: &Cycle, solved: &mut Solved<Sloped>) {
        let (first, tuples) = (cycle.start as usize, cycle.unknowns as usize);
        let (values, _) = solved.values.as_chunks_mut::<L>();
        let Scratch { edges, system, .. } = &mut solved.scratch.adjoint;
        let mut open = vec![[true; L]; tuples];
        for passing in Passing::ATTEMPTS {
            self.derive(cycle, passing, values, edges);
            for (tuple, part) in &mut edges.inside {
                std::mem::swap(tuple, part);
            }
            let settles = settling::<L>(tuples, edges, system);
            // What does not settle is left out.
            let (slopes, _) = edges.slopes.as_chunks_mut::<L>();
            for (&(_, tuple), slope) in edges.inside.iter().zip(slopes) {
                let settles = &settles[tuple as usize];
                (0..L)
                    .filter(|&i| !settles[i])
                    .for_each(|i| slope[i] = Sloped::ZERO);
            }
            system.incoming.fill(0.0);
            let (incoming, _) = system.incoming.as_chunks_mut::<L>();
            let (slopes, _) = edges.slopes_below.as_chunks::<L>();
            for (&(tuple, part), slope) in edges.below.iter().zip(slopes) {
                let (tuple, part) = (tuple as usize, &values[part as usize]);
                for i in (0..L).filter(|&i| settles[tuple][i]) {
                    incoming[tuple][i] += slope[i].value * part[i].slope;
                }
            }
            system.settle([true; L], &edges.inside, &edges.slopes);
            let (found, _) = system.found.as_chunks::<L>();
            for (tuple, open) in open.iter_mut().enumerate() {
                for i in 0..L {
                    if open[i] && settles[tuple][i] {
                        values[first + tuple][i].slope = found[tuple][i];
                        open[i] = false;
                    }
                }
            }
            if open.iter().all(|open| *open == [false; L]) {
                break;
            }
        }
        for instance in cycle.instances() {
            self.lean(instance, values);
        }
    }

    /// Maxima on a cycle, of one sample: by the derivation that last improved each value.
    fn follow<const L: usize>(&self, cycle: &Cycle, lane: usize, solved: &mut Solved<Sloped>) {
        let at = |node: u32| node as usize * L + lane;
        let mut order = std::mem::take(&mut solved.scratch.order);
        self.downwards::<Sloped, L>(cycle, lane, solved, &mut order);
        for &key in order.iter().rev() {
            let tuple = cycle.start + key as u32;
            let child = solved.reached[at(tuple)].1;
            let values = &solved.values;
            let found = match child {
                u32::MAX => continue,
                _ if !cycle.is_instance(child) => values[at(child)],
                _ if self.algebra == Algebra::MaxMult => {
                    let parts = self.cone.children(child).iter();
                    parts.fold(Sloped::ONE, |product, &part| product * values[at(part)])
                }
                _ => match self.least::<Sloped, L>(cycle, lane, solved, tuple) {
                    Some(part) => values[at(part)],
                    None => continue,
                },
            };
            solved.values[at(tuple)].slope = found.slope();
        }
        solved.scratch.order = order;
    }
}

/// For which tuples of a cycle, and samples, a seed would settle: one of all that it uses together does.
#[inline(always)]
fn settling<const L: usize>(
    tuples: usize,
    edges: &Edges<Sloped>,
    system: &mut System,
) -> Vec<[bool; L]> {
    system.incoming.clear();
    system.incoming.resize(tuples * L, 1.0);
    let all = system.settle([true; L], &edges.inside, &edges.slopes);
    let mut settles = vec![all; tuples];
    for lane in (0..L).filter(|&lane| !all[lane]) {
        let some = system.settle_some::<_, L>(lane, &edges.inside, &edges.slopes);
        for (settles, some) in settles.iter_mut().zip(some) {
            settles[lane] = some;
        }
    }
    settles
}
