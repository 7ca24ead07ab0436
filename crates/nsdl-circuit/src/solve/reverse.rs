//! Gradients of numeric algebras through cycles.

use super::{Algebra, ROUNDS, Solved, Solver};
use crate::cone::{Cycle, Op};
use nsdl_provenance::AddMultProb;

impl Solver {
    /// Reverse pass from `adjoints`, later components first.
    pub(super) fn propagate(&self, solved: &mut Solved) {
        solved.gradient.clear();
        solved.gradient.resize(self.leaves, 0.0);
        let mut cycles = self.cone.cycles.iter().rev().peekable();
        let mut node = self.cone.len();
        while node > 0 {
            if let Some(cycle) = cycles.next_if(|cycle| cycle.end as usize == node) {
                match self.algebra.improves() {
                    true => self.trace_back(cycle, solved),
                    false => self.adjoint(cycle, solved),
                }
                node = cycle.start as usize;
                continue;
            }
            node -= 1;
            let adjoint = solved.adjoints[node];
            if adjoint == 0.0 {
                continue;
            }
            if let Op::Leaf(leaf) = self.cone.ops[node] {
                solved.gradient[leaf.index()] += adjoint;
            } else {
                self.push(node as u32, adjoint, &solved.values, &mut solved.adjoints);
            }
        }
    }

    /// Adds what flows from a node to its children.
    fn push(&self, node: u32, adjoint: f64, values: &[f64], adjoints: &mut [f64]) {
        let children = self.cone.children(node);
        let op = self.cone.ops[node as usize];
        let value = |i: usize| values[children[i] as usize];
        self.algebra.slopes(op, children.len(), &value, |i, slope| {
            adjoints[children[i] as usize] += adjoint * slope;
        });
    }

    /// Maxima on a cycle: follows the derivation that last improved each value, which leads to tuples that reached
    /// theirs without it.
    fn trace_back(&self, cycle: &Cycle, solved: &mut Solved) {
        let unknowns = cycle.start..cycle.start + cycle.unknowns;
        for unknown in self.downwards(cycle, solved) {
            let adjoint = solved.adjoints[unknown as usize];
            let (round, child) = solved.reached[unknown as usize];
            if adjoint == 0.0 || child == u32::MAX {
                continue;
            }
            if !(unknowns.end..cycle.end).contains(&child) {
                solved.adjoints[child as usize] += adjoint;
                continue;
            }
            if self.algebra == Algebra::MaxMult {
                self.push(child, adjoint, &solved.values, &mut solved.adjoints);
                continue;
            }
            let value = solved.values[unknown as usize];
            let least = self.cone.children(child).iter().find(|&&part| {
                let earlier = !unknowns.contains(&part) || solved.reached[part as usize].0 < round;
                solved.values[part as usize] == value && earlier
            });
            if let Some(&least) = least {
                solved.adjoints[least as usize] += adjoint;
            }
        }
    }

    /// The tuples of a cycle, each before those that the derivation of its value uses.
    ///
    /// For products that is no order of rounds: a part may still improve where the product, which is 0 or rounded, does
    /// not. The derivations followed make no circle, since a product is never above its parts.
    fn downwards(&self, cycle: &Cycle, solved: &Solved) -> Vec<u32> {
        let unknowns = cycle.start..cycle.start + cycle.unknowns;
        let mut order: Vec<u32> = unknowns.clone().collect();
        if self.algebra != Algebra::MaxMult {
            order.sort_by_key(|&unknown| std::cmp::Reverse(solved.reached[unknown as usize].0));
            return order;
        }
        let parts = |unknown: u32| match solved.reached[unknown as usize].1 {
            u32::MAX => &[][..],
            child if (unknowns.end..cycle.end).contains(&child) => self.cone.children(child),
            _ => {
                let alternatives = self.cone.children(unknown);
                let child = solved.reached[unknown as usize].1;
                let at = alternatives.iter().position(|&other| other == child);
                at.map_or(&[][..], |at| &alternatives[at..=at])
            }
        };
        // Depth first: a tuple is done after all that it uses.
        order.clear();
        let mut seen = vec![false; cycle.unknowns as usize];
        let mut open: Vec<(u32, usize)> = Vec::new();
        for root in unknowns.clone() {
            if std::mem::replace(&mut seen[(root - cycle.start) as usize], true) {
                continue;
            }
            open.push((root, 0));
            while let Some((unknown, next)) = open.last_mut() {
                let Some(&part) = parts(*unknown).get(*next) else {
                    order.push(*unknown);
                    open.pop();
                    continue;
                };
                *next += 1;
                if unknowns.contains(&part)
                    && !std::mem::replace(&mut seen[(part - cycle.start) as usize], true)
                {
                    open.push((part, 0));
                }
            }
        }
        order.reverse();
        order
    }

    /// Sums on a cycle: λ = b + Jᵀλ, iterated like the values themselves; then what flows out of the cycle.
    ///
    /// That does not settle where the least support would lift tuples to their clamp. There is no derivative;
    /// as it is 0 at the clamp, tuples of value 0 or 1 then pass none on, or instances of value 0 do not, or nothing in
    /// the cycle does.
    fn adjoint(&self, cycle: &Cycle, solved: &mut Solved) {
        let unknowns = cycle.start as usize..(cycle.start + cycle.unknowns) as usize;
        let incoming = solved.adjoints[unknowns.clone()].to_vec();
        let inner = |value: f64| value > 0.0 && value < 1.0;
        let all = vec![true; unknowns.len()];
        let moving: Vec<bool> = solved.values[unknowns]
            .iter()
            .map(|&value| inner(value))
            .collect();
        let mut flow = vec![0.0; cycle.end as usize];
        let settled = [(&all, false), (&moving, false), (&all, true)]
            .into_iter()
            .find_map(|(passes, supported)| {
                let settled = self.settle(
                    cycle,
                    &incoming,
                    passes,
                    supported,
                    &solved.values,
                    &mut flow,
                );
                Some((settled?, supported))
            });
        let Some((adjoints, supported)) = settled else {
            return;
        };
        flow.fill(0.0);
        self.push_cycle(cycle, &adjoints, supported, &solved.values, &mut flow);
        for (adjoint, flow) in solved.adjoints[..cycle.start as usize]
            .iter_mut()
            .zip(&flow)
        {
            *adjoint += flow;
        }
    }

    /// The solution of λ = b + Jᵀλ over the tuples that pass a gradient on, if the iteration settles.
    fn settle(
        &self,
        cycle: &Cycle,
        incoming: &[f64],
        passes: &[bool],
        supported: bool,
        values: &[f64],
        flow: &mut [f64],
    ) -> Option<Vec<f64>> {
        let start = cycle.start as usize;
        let masked = |i: usize, adjoint: f64| if passes[i] { adjoint } else { 0.0 };
        let mut adjoints: Vec<f64> = incoming
            .iter()
            .enumerate()
            .map(|(i, &b)| masked(i, b))
            .collect();
        let mut first = None;
        let mut change = 0.0f64;
        for _ in 0..ROUNDS {
            flow[start..].fill(0.0);
            self.push_cycle(cycle, &adjoints, supported, values, flow);
            change = 0.0;
            for (i, adjoint) in adjoints.iter_mut().enumerate() {
                let next = masked(i, incoming[i] + flow[start + i]);
                change = change.max((next - *adjoint).abs());
                *adjoint = next;
            }
            if change < AddMultProb::TOLERANCE {
                return Some(adjoints);
            }
            if change > 1e9 * *first.get_or_insert(change) {
                return None;
            }
        }
        // A change that still shrinks is a slow cycle, not a missing derivative.
        (change <= 0.5 * first.unwrap_or(0.0)).then_some(adjoints)
    }

    /// One step of the adjoint through the tuples of a cycle and their instances; only through those that support
    /// anything, if `supported`.
    fn push_cycle(
        &self,
        cycle: &Cycle,
        adjoints: &[f64],
        supported: bool,
        values: &[f64],
        flow: &mut [f64],
    ) {
        for (i, &adjoint) in adjoints.iter().enumerate() {
            if adjoint != 0.0 {
                self.push(cycle.start + i as u32, adjoint, values, flow);
            }
        }
        for instance in cycle.start + cycle.unknowns..cycle.end {
            let adjoint = flow[instance as usize];
            let supports = !supported || values[instance as usize] > AddMultProb::TOLERANCE;
            if adjoint != 0.0 && supports {
                self.push(instance, adjoint, values, flow);
            }
        }
    }
}
