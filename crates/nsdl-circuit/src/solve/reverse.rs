//! Gradients of min-max and add-mult through cycles.

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
                match self.algebra {
                    Algebra::MinMax => self.trace_back(cycle, solved),
                    Algebra::AddMult => self.adjoint(cycle, solved),
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
        match (self.cone.ops[node as usize], self.algebra) {
            (Op::Zero | Op::One | Op::Leaf(_), _) => {}
            (Op::Not, _) => {
                for &child in children {
                    adjoints[child as usize] -= adjoint;
                }
            }
            (Op::And | Op::Or | Op::Sum, Algebra::MinMax) => {
                let value = values[node as usize];
                if let Some(&child) = children
                    .iter()
                    .find(|&&child| values[child as usize] == value)
                {
                    adjoints[child as usize] += adjoint;
                }
            }
            (Op::And, Algebra::AddMult) => {
                for (i, &child) in children.iter().enumerate() {
                    let others = children.iter().enumerate().filter(|&(j, _)| j != i);
                    let product: f64 = others.map(|(_, &other)| values[other as usize]).product();
                    adjoints[child as usize] += adjoint * product;
                }
            }
            (Op::Or, Algebra::AddMult) => {
                let sum: f64 = children.iter().map(|&child| values[child as usize]).sum();
                if sum > 1.0 {
                    return;
                }
                for &child in children {
                    adjoints[child as usize] += adjoint;
                }
            }
            (Op::Sum, Algebra::AddMult) => {
                for &child in children {
                    adjoints[child as usize] += adjoint;
                }
            }
        }
    }

    /// Min-max on a cycle: follows the derivation that first reached each value, which always leads to tuples
    /// that reached theirs in an earlier round.
    fn trace_back(&self, cycle: &Cycle, solved: &mut Solved) {
        let unknowns = cycle.start..cycle.start + cycle.unknowns;
        let mut order: Vec<u32> = unknowns.clone().collect();
        order.sort_by_key(|&unknown| std::cmp::Reverse(solved.reached[unknown as usize].0));
        for unknown in order {
            let adjoint = solved.adjoints[unknown as usize];
            let (round, child) = solved.reached[unknown as usize];
            if adjoint == 0.0 || child == u32::MAX {
                continue;
            }
            if !(unknowns.end..cycle.end).contains(&child) {
                solved.adjoints[child as usize] += adjoint;
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

    /// Add-mult on a cycle: λ = b + Jᵀλ, iterated like the values themselves; then what flows out of the cycle.
    ///
    /// That does not settle where the least support would lift tuples to their clamp. There is no derivative;
    /// as it is 0 at the clamp, tuples of value 0 or 1 then pass none on, or nothing in the cycle does.
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
        let settled = [all, moving]
            .iter()
            .find_map(|passes| self.settle(cycle, &incoming, passes, &solved.values, &mut flow));
        let Some(adjoints) = settled else { return };
        flow.fill(0.0);
        self.push_cycle(cycle, &adjoints, &solved.values, &mut flow);
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
            self.push_cycle(cycle, &adjoints, values, flow);
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

    /// One step of the adjoint through the tuples of a cycle and their instances.
    fn push_cycle(&self, cycle: &Cycle, adjoints: &[f64], values: &[f64], flow: &mut [f64]) {
        for (i, &adjoint) in adjoints.iter().enumerate() {
            if adjoint != 0.0 {
                self.push(cycle.start + i as u32, adjoint, values, flow);
            }
        }
        for instance in cycle.start + cycle.unknowns..cycle.end {
            let adjoint = flow[instance as usize];
            if adjoint != 0.0 {
                self.push(instance, adjoint, values, flow);
            }
        }
    }
}
