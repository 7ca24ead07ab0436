//! Tuples that support each other.

use super::Evaluator;
use crate::cone::{Cycle, Op};
use crate::solve::ROUNDS;
use nsdl_ir::Diagnostic;
use nsdl_provenance::Provenance;
use petgraph::graph::{DiGraph, NodeIndex};
use std::ops::Range;

impl<P: Provenance> Evaluator<'_, P> {
    /// The least fixpoint of a cycle.
    pub(super) fn cycle(&mut self, cycle: &Cycle) -> Result<(), Diagnostic> {
        match self.algebra.closure(&self.algebra.zero()) {
            Some(_) => self.close(cycle),
            None => self.iterate(cycle),
        }
    }

    fn unknowns(cycle: &Cycle) -> Range<u32> {
        cycle.start..cycle.start + cycle.unknowns
    }

    /// Whether a node is an instance of the cycle.
    fn is_inner(cycle: &Cycle, node: u32) -> bool {
        (cycle.start + cycle.unknowns..cycle.end).contains(&node)
    }

    /// The tag of a tuple of the cycle from those of the others.
    fn derive(&self, cycle: &Cycle, unknown: u32) -> P::Tag {
        debug_assert_eq!(self.cone.ops[unknown as usize], Op::Or);
        let alternatives = self.cone.children(unknown).iter();
        let tags = alternatives.map(|&child| match Self::is_inner(cycle, child) {
            true => self.tag(child),
            false => self.tags[child as usize].clone(),
        });
        let sum = tags.reduce(|a, b| self.algebra.add(&a, &b));
        sum.unwrap_or_else(|| self.algebra.zero())
    }

    /// What a tuple of the cycle uses of the cycle, alternative by alternative.
    fn uses<'c>(&'c self, cycle: &'c Cycle, unknown: u32) -> impl Iterator<Item = &'c [u32]> {
        let alternatives = self.cone.children(unknown).iter();
        alternatives.map(|child| match Self::is_inner(cycle, *child) {
            true => self.cone.children(*child),
            false => std::slice::from_ref(child),
        })
    }

    /// Of each tuple of the cycle, those that use it.
    fn users(&self, cycle: &Cycle) -> Vec<Vec<u32>> {
        let unknowns = Self::unknowns(cycle);
        let mut users: Vec<Vec<u32>> = vec![Vec::new(); unknowns.len()];
        for user in unknowns.clone() {
            for &part in self.uses(cycle, user).flatten() {
                if unknowns.contains(&part) {
                    let users = &mut users[(part - cycle.start) as usize];
                    if users.last() != Some(&user) {
                        users.push(user);
                    }
                }
            }
        }
        users
    }

    /// Computes tuples anew where something below them changed, until nothing does. `settled` says whether a tuple is
    /// done for good, and `changed` whether a change counts.
    fn propagate(
        &mut self,
        cycle: &Cycle,
        rounds: usize,
        settled: impl Fn(&P, &P::Tag) -> bool,
        changed: impl Fn(&P, &P::Tag, &P::Tag) -> bool,
    ) -> Result<usize, Diagnostic> {
        let users = self.users(cycle);
        let mut open = vec![true; users.len()];
        for _ in 0..rounds {
            let mut any = false;
            for unknown in Self::unknowns(cycle) {
                let place = (unknown - cycle.start) as usize;
                let old = &self.tags[unknown as usize];
                if !std::mem::replace(&mut open[place], false) || settled(self.algebra, old) {
                    continue;
                }
                let new = self.derive(cycle, unknown);
                if changed(self.algebra, old, &new) {
                    any = true;
                    for &user in &users[place] {
                        open[(user - cycle.start) as usize] = true;
                    }
                }
                self.set(unknown, new)?;
            }
            if !any {
                return Ok(0);
            }
        }
        Ok(open.iter().filter(|open| **open).count())
    }

    fn iterate(&mut self, cycle: &Cycle) -> Result<(), Diagnostic> {
        let rounds = if P::IDEMPOTENT { usize::MAX } else { ROUNDS };
        let saturated = |algebra: &P, old: &P::Tag, new: &P::Tag| !algebra.saturated(old, new);
        self.unsettled += self.propagate(cycle, rounds, |_, _| false, saturated)?;
        Ok(())
    }

    /// The fixpoint in closed form. First, which tuples are derived at all; then, component by component of what they
    /// really use of each other, the closure of those that have a part in themselves.
    fn close(&mut self, cycle: &Cycle) -> Result<(), Diagnostic> {
        let is_zero = |algebra: &P, tag: &P::Tag| algebra.discard(tag);
        let derived = |algebra: &P, tag: &P::Tag| !is_zero(algebra, tag);
        let found = |algebra: &P, old: &P::Tag, new: &P::Tag| {
            is_zero(algebra, old) && !is_zero(algebra, new)
        };
        self.propagate(cycle, usize::MAX, derived, found)?;
        let unknowns = Self::unknowns(cycle);
        let mut graph = DiGraph::<u32, ()>::new();
        for unknown in unknowns.clone() {
            graph.add_node(unknown);
        }
        let place = |unknown: u32| NodeIndex::new((unknown - cycle.start) as usize);
        for unknown in unknowns.clone() {
            for parts in self.uses(cycle, unknown) {
                let is_zero = |part: &u32| is_zero(self.algebra, &self.tags[*part as usize]);
                if parts.iter().any(is_zero) {
                    continue;
                }
                for &part in parts.iter().filter(|part| unknowns.contains(part)) {
                    graph.update_edge(place(unknown), place(part), ());
                }
            }
        }
        // Dependencies first.
        for component in petgraph::algo::tarjan_scc(&graph) {
            let alone = matches!(*component, [node] if !graph.contains_edge(node, node));
            for node in component {
                let unknown = graph[node];
                let tag = match alone {
                    true => Some(self.derive(cycle, unknown)),
                    false => self.algebra.closure(&self.tags[unknown as usize]),
                };
                if let Some(tag) = tag {
                    self.set(unknown, tag)?;
                }
            }
        }
        Ok(())
    }
}
