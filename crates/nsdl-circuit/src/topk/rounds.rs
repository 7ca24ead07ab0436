//! Tuples with many derivations, and cycles: each combination of proofs is looked at once, and those that are too light
//! to be kept are not made.
//!
//! A tuple that keeps k proofs keeps none lighter than the last of them, whatever is derived later, except where a new
//! proof subsumes several of them: then it is chosen anew from everything. So what is kept is what choosing among all
//! derivations at once would keep, to the last bit. (Only that a proof was dropped may be said of one that a later one
//! would have subsumed.)

use super::combine::slice;
use super::{Candidate, Keep, Proof, Proofs, TopK};
use crate::cone::{Cycle, Op};

/// Derivations from which on a tuple looks at the promising ones first.
const MANY: usize = 16;

/// How much above its parts a combination may come out by rounding.
pub(super) const ROUNDING: f64 = 1.0 + 1e-9;

impl TopK {
    /// Chooses the proofs of a tuple from all its derivations.
    pub(super) fn choose(&self, node: u32, state: &mut Proofs) {
        let children = self.cone.children(node);
        state.candidates.clear();
        if self.keep != Keep::Best || !self.monotone || children.len() < MANY {
            self.alternatives(children, state);
            self.keep(node, state);
            return;
        }
        let mut promise: Vec<(f64, u32)> = children
            .iter()
            .map(|&child| (self.most(child, state), child))
            .collect();
        let first = (2 * self.k).min(promise.len() - 1);
        promise.select_nth_unstable_by(first, |a, b| b.0.total_cmp(&a.0));
        // In written order, as among all.
        let mut chosen: Vec<u32> = promise[..first].iter().map(|&(_, child)| child).collect();
        chosen.sort_unstable();
        self.alternatives(&chosen, state);
        self.keep(node, state);
        let others = children.iter().copied();
        let others: Vec<u32> = others
            .filter(|child| chosen.binary_search(child).is_err())
            .collect();
        self.extend(node, &others, state);
    }

    /// Adds derivations to a tuple that has proofs.
    fn extend(&self, node: u32, more: &[u32], state: &mut Proofs) {
        let old = state.list(node).to_vec();
        let last = old.last().filter(|_| old.len() == self.k).copied();
        state.candidates.clear();
        self.offer(&old, state);
        if self.keep == Keep::Best && self.monotone {
            state.floor = last.map_or(0.0, |last| last.weight);
        }
        self.alternatives(more, state);
        state.floor = 0.0;
        self.keep(node, state);
        if self.lost(last, &old, node, state) {
            state.since = 0;
            state.candidates.clear();
            self.offer(&old, state);
            self.alternatives(self.cone.children(node), state);
            self.keep(node, state);
        }
    }

    /// Whether a proof that was too light once may be kept now.
    fn lost(&self, last: Option<Proof>, old: &[Proof], node: u32, state: &Proofs) -> bool {
        let Some(last) = last else {
            return false;
        };
        let now = state.list(node);
        let rank = |proof: Proof| self.rank(proof.weight, proof.noise);
        let replaced = |end: &Proof| {
            let same = |old: &Proof| slice(*old, &state.literals) == slice(*end, &state.literals);
            rank(*end) <= rank(last) && !old.iter().any(same)
        };
        now.len() < self.k || now.last().is_some_and(replaced)
    }

    /// No proof of a node is heavier, where conjunctions are not heavier than their parts.
    fn most(&self, node: u32, state: &Proofs) -> f64 {
        let best = |node: u32| {
            let (start, len) = state.lists[node as usize];
            match len {
                0 => 0.0,
                _ => state.proofs[start as usize].weight,
            }
        };
        if !self.inline[node as usize] {
            return best(node);
        }
        let (mut product, mut least) = (1.0, 1.0f64);
        for (place, &child) in self.cone.children(node).iter().enumerate() {
            match self.apart[node as usize] >> place.min(63) & 1 == 1 {
                true => product *= best(child),
                false => least = least.min(best(child)),
            }
        }
        product * least
    }

    /// Whether a proof of this weight at most cannot be kept, and it need not be known whether it is one.
    pub(super) fn hopeless(&self, most: f64, state: &Proofs) -> bool {
        state.truncated && most * ROUNDING < state.floor
    }

    /// Makes candidates of what a tuple can be derived from, as far as it was not looked at before `state.since`.
    pub(super) fn alternatives(&self, children: &[u32], state: &mut Proofs) {
        for &child in children {
            if state.floor > 0.0 && self.hopeless(self.most(child, state), state) {
                continue;
            }
            if self.inline[child as usize] {
                self.combine(child, state);
                continue;
            }
            let (start, len) = state.lists[child as usize];
            for combination in 0..len {
                let proof = state.proofs[(start + combination) as usize];
                if proof.born > state.since || state.since == 0 {
                    state.candidates.push(Candidate {
                        weight: proof.weight,
                        rank: self.rank(proof.weight, proof.noise),
                        source: child,
                        combination,
                    });
                }
            }
        }
    }

    /// Proofs on a cycle: rounds over its tuples, each adding to what was kept, until nothing changes.
    pub(super) fn accumulate(&self, cycle: &Cycle, state: &mut Proofs) {
        let unknowns = cycle.start..cycle.start + cycle.unknowns;
        // When each tuple changed, and when it was last looked at.
        let mut changed = vec![0u32; unknowns.len()];
        let mut looked = vec![0u32; unknowns.len()];
        let mut affected: Vec<u32> = Vec::new();
        let mut moving = true;
        while moving {
            moving = false;
            for unknown in unknowns.clone() {
                let at = (unknown - unknowns.start) as usize;
                let since = looked[at];
                let children = self.cone.children(unknown);
                affected.clear();
                if since > 0 {
                    let new = |part: &u32| {
                        unknowns.contains(part) && changed[(part - unknowns.start) as usize] > since
                    };
                    affected.extend(children.iter().filter(|&child| {
                        let inside = (unknowns.end..cycle.end).contains(child);
                        new(child) || inside && self.cone.children(*child).iter().any(new)
                    }));
                    if affected.is_empty() {
                        continue;
                    }
                }
                looked[at] = state.tick;
                state.tick += 1;
                let before = state.lists[unknown as usize];
                let old = state.list(unknown).to_vec();
                if since > 0 {
                    state.since = since;
                    self.extend(unknown, &affected, state);
                    state.since = 0;
                } else {
                    self.choose(unknown, state);
                }
                let now = state.list(unknown).iter();
                let same = before.1 == state.lists[unknown as usize].1
                    && old
                        .iter()
                        .zip(now)
                        .all(|(a, b)| slice(*a, &state.literals) == slice(*b, &state.literals));
                if same {
                    state.lists[unknown as usize] = before;
                } else {
                    self.date(&old, unknown, state);
                    changed[at] = state.tick;
                    moving = true;
                }
            }
        }
    }

    /// New proofs of a tuple are as old as this round.
    fn date(&self, old: &[Proof], node: u32, state: &mut Proofs) {
        let (start, len) = state.lists[node as usize];
        for at in start as usize..(start + len) as usize {
            let proof = state.proofs[at];
            let literals = slice(proof, &state.literals);
            let same = |old: &&Proof| {
                old.weight == proof.weight && slice(**old, &state.literals) == literals
            };
            let born = old.iter().find(same).map_or(state.tick, |old| old.born);
            state.proofs[at].born = born;
        }
    }

    /// Whether a conjunction is never heavier than its parts: not so where "is a" makes "is not b" superfluous, which may
    /// weigh less if weights are no probabilities.
    pub(super) fn is_monotone(&self) -> bool {
        let groups = self.variables.groups();
        let mut shared = vec![0u32; groups.iter().max().map_or(0, |&last| last as usize + 1)];
        groups.iter().for_each(|&group| shared[group as usize] += 1);
        // What is negated is made of leaves below it; any leaf of a choice below any negation will do.
        let mut chosen = vec![false; self.cone.len()];
        let mut cycles = self.cone.cycles.iter().peekable();
        let mut node = 0;
        while node < self.cone.len() {
            let end = match cycles.next_if(|cycle| cycle.start as usize == node) {
                Some(cycle) => cycle.end as usize,
                None => node + 1,
            };
            let any = (node..end).any(|node| match self.cone.ops[node] {
                Op::Leaf(leaf) => shared[groups[leaf.index()] as usize] > 1,
                _ => self
                    .cone
                    .children(node as u32)
                    .iter()
                    .any(|&child| chosen[child as usize]),
            });
            chosen[node..end].fill(any);
            if any && (node..end).any(|node| self.cone.ops[node] == Op::Not) {
                return false;
            }
            node = end;
        }
        true
    }
}
