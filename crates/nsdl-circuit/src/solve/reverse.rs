//! Gradients of numeric algebras, of samples side by side, and through the maxima of cycles.

use super::number::{Number, is_nil};
use super::{Algebra, Solved, Solver};
use crate::cone::{Cycle, Op};

/// Reverse pass from `adjoints`, later components first.
#[inline(always)]
pub(super) fn propagate<T: Number, const L: usize>(solver: &Solver, solved: &mut Solved<T>) {
    let cone = &solver.cone;
    solved.gradient.clear();
    solved.gradient.resize(solver.leaves * L, T::ZERO);
    let mut cycles = cone.cycles.iter().rev().peekable();
    let mut node = cone.len() as u32;
    while node > 0 {
        if let Some(cycle) = cycles.next_if(|cycle| cycle.end == node) {
            match solver.algebra.improves() {
                true => (0..L).for_each(|lane| solver.trace_back::<T, L>(cycle, lane, solved)),
                false => solver.adjoint::<T, L>(cycle, solved),
            }
            node = cycle.start;
            continue;
        }
        node -= 1;
        let (adjoints, _) = solved.adjoints.as_chunks_mut::<L>();
        let adjoint = adjoints[node as usize];
        if is_nil(&adjoint) {
            continue;
        }
        let op = cone.ops[node as usize];
        if let Op::Leaf(leaf) = op {
            let gradient = &mut solved.gradient.as_chunks_mut::<L>().0[leaf.index()];
            (0..L).for_each(|i| gradient[i] += adjoint[i]);
            continue;
        }
        let children = cone.children(node);
        let (values, _) = solved.values.as_chunks::<L>();
        solver.algebra.slopes(op, children, values, |place, slope| {
            let below = &mut adjoints[children[place] as usize];
            (0..L).for_each(|i| below[i] += adjoint[i] * slope[i]);
        });
    }
}

impl Solver {
    /// Maxima on a cycle, of one sample: follows the derivation that last improved each value, which leads to tuples that
    /// reached theirs without it.
    fn trace_back<T: Number, const L: usize>(
        &self,
        cycle: &Cycle,
        lane: usize,
        solved: &mut Solved<T>,
    ) {
        let at = |node: u32| node as usize * L + lane;
        let mut order = std::mem::take(&mut solved.scratch.order);
        self.downwards::<T, L>(cycle, lane, solved, &mut order);
        for &key in &order {
            let tuple = cycle.start + key as u32;
            let adjoint = solved.adjoints[at(tuple)];
            let child = solved.reached[at(tuple)].1;
            if adjoint.is_nil() || child == u32::MAX {
                continue;
            }
            if !cycle.is_instance(child) {
                solved.adjoints[at(child)] += adjoint;
                continue;
            }
            let parts = self.cone.children(child);
            if self.algebra == Algebra::MaxMult {
                for (place, &part) in parts.iter().enumerate() {
                    let others = parts
                        .iter()
                        .enumerate()
                        .filter(|&(other, _)| other != place);
                    let slope = others.fold(T::ONE, |product, (_, &other)| {
                        product * solved.values[at(other)]
                    });
                    solved.adjoints[at(part)] += adjoint * slope;
                }
                continue;
            }
            if let Some(least) = self.least::<T, L>(cycle, lane, solved, tuple) {
                solved.adjoints[at(least)] += adjoint;
            }
        }
        solved.scratch.order = order;
    }

    /// The part of the instance that a minimum was reached through whose value it has, and had before.
    pub(super) fn least<T: Number, const L: usize>(
        &self,
        cycle: &Cycle,
        lane: usize,
        solved: &Solved<T>,
        tuple: u32,
    ) -> Option<u32> {
        let at = |node: u32| node as usize * L + lane;
        let (round, child) = solved.reached[at(tuple)];
        let value = solved.values[at(tuple)];
        let mut parts = self.cone.children(child).iter().copied();
        parts.find(|&part| {
            let earlier = !cycle.tuples().contains(&part) || solved.reached[at(part)].0 < round;
            solved.values[at(part)] == value && earlier
        })
    }

    /// The tuples of a cycle, each before those that the derivation of its value uses; the lower half of a number says
    /// which, counted from the first.
    ///
    /// For products that is no order of rounds: a part may still improve where the product, which is 0 or rounded, does
    /// not. The derivations followed make no circle, since a product is never above its parts.
    pub(super) fn downwards<T: Number, const L: usize>(
        &self,
        cycle: &Cycle,
        lane: usize,
        solved: &Solved<T>,
        order: &mut Vec<u64>,
    ) {
        let reached = |tuple: u32| solved.reached[tuple as usize * L + lane];
        order.clear();
        if self.algebra != Algebra::MaxMult {
            let late = |tuple: u32| u64::from(u32::MAX - reached(tuple).0) << 32;
            let keys = cycle
                .tuples()
                .map(|tuple| late(tuple) | u64::from(tuple - cycle.start));
            order.extend(keys);
            order.sort_unstable();
            return;
        }
        let parts = |tuple: u32| match reached(tuple).1 {
            u32::MAX => &[][..],
            child if cycle.is_instance(child) => self.cone.children(child),
            child => {
                let alternatives = self.cone.children(tuple);
                let at = alternatives.iter().position(|&other| other == child);
                at.map_or(&[][..], |at| &alternatives[at..=at])
            }
        };
        // Depth first: a tuple is done after all that it uses.
        let mut seen = vec![false; cycle.unknowns as usize];
        let mut open: Vec<(u32, usize)> = Vec::new();
        for root in cycle.tuples() {
            if std::mem::replace(&mut seen[(root - cycle.start) as usize], true) {
                continue;
            }
            open.push((root, 0));
            while let Some((tuple, next)) = open.last_mut() {
                let Some(&part) = parts(*tuple).get(*next) else {
                    order.push(u64::from(*tuple - cycle.start));
                    open.pop();
                    continue;
                };
                *next += 1;
                if cycle.tuples().contains(&part)
                    && !std::mem::replace(&mut seen[(part - cycle.start) as usize], true)
                {
                    open.push((part, 0));
                }
            }
        }
        order.reverse();
    }
}
