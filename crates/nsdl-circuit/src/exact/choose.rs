//! Which random variable to branch on.

use super::step::Splitter;
use crate::condition::Residuals;
use crate::formula::{Kind, NodeId};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;

impl Splitter {
    /// The literals that a disjunct demands.
    pub(super) fn demands(&self, child: NodeId) -> impl Iterator<Item = (u32, bool)> {
        let formulas = self.formulas();
        let inner = formulas.children(child);
        let inner = if formulas.kind(child) == Kind::And {
            inner
        } else {
            &[]
        };
        formulas
            .literal(child)
            .into_iter()
            .chain(inner.iter().map_while(|&node| formulas.literal(node)))
    }

    /// A random variable of which each disjunct demands another value, the last such.
    pub(super) fn exclusive(&self, children: &[NodeId]) -> Option<u32> {
        let formulas = self.formulas();
        let (&first, rest) = children.split_first()?;
        let mut candidates: Vec<u32> = self
            .demands(first)
            .map(|(leaf, _)| formulas.supports.group(leaf))
            .collect();
        candidates.sort_unstable_by(|a, b| b.cmp(a));
        candidates.dedup();
        let mut seen: Vec<(u32, bool)> = Vec::with_capacity(children.len());
        candidates.into_iter().find(|&group| {
            seen.clear();
            let separate = std::iter::once(&first).chain(rest).all(|&child| {
                let demand = self
                    .demands(child)
                    .find(|&(leaf, _)| formulas.supports.group(leaf) == group);
                demand.is_some_and(|demand| {
                    seen.push(demand);
                    // A "not v" is apart only from v itself.
                    demand.1 || seen.len() <= 2
                })
            });
            seen.sort_unstable();
            separate
                && match seen.as_slice() {
                    [(v, false), (w, true)] => v == w,
                    demands => {
                        demands.iter().all(|demand| demand.1)
                            && demands.windows(2).all(|pair| pair[0] != pair[1])
                    }
                }
        })
    }

    /// The random variable to branch on: the one that most children demand, else the one that most mention;
    /// with cycles, the first in the order of branching. Ties go to the first: facts come before rules, whose variables matter
    /// only where their bodies hold.
    pub(super) fn choose(&self, node: NodeId) -> u32 {
        let formulas = self.formulas();
        let children = formulas.children(node);
        if let Some((leaf, _)) = formulas.literal(node) {
            return formulas.supports.group(leaf);
        }
        if let Some(denied) = formulas.denied(node) {
            return self.choose(denied);
        }
        if let Some((system, _)) = formulas.fix(node) {
            return self
                .first(system)
                .map_or(0, |external| self.order.first(formulas, external));
        }
        let mut demanded: FxHashMap<u32, u32> = FxHashMap::default();
        for &child in children {
            let inner = formulas.children(child);
            let literals = formulas.literal(child).into_iter();
            for (leaf, _) in literals.chain(inner.iter().map_while(|&node| formulas.literal(node)))
            {
                *demanded.entry(formulas.supports.group(leaf)).or_default() += 1;
            }
        }
        let best = demanded
            .into_iter()
            .max_by_key(|&(group, count)| (count, Reverse(group)));
        if let Some((group, count)) = best
            && count > 1
        {
            return group;
        }
        if let Some(&cyclic) = children.iter().find(|&&child| formulas.cyclic(child)) {
            return self.choose(cyclic);
        }
        let mut mentioned: FxHashMap<u32, u32> = FxHashMap::default();
        for &child in children {
            let mut last = None;
            for leaf in formulas.supports.get(formulas.support(child)) {
                let group = formulas.supports.group(leaf);
                if last != Some(group) {
                    *mentioned.entry(group).or_default() += 1;
                    last = Some(group);
                }
            }
        }
        mentioned
            .into_iter()
            .max_by_key(|&(group, count)| (count, Reverse(group)))
            .map_or(0, |(group, _)| group)
    }

    /// The external formula of a system to branch on.
    pub(super) fn first(&self, system: u32) -> Option<NodeId> {
        let formulas = self.formulas();
        let terms = self.residuals.systems.terms(system);
        terms
            .min_by_key(|&(_, external, locals)| {
                let (rank, group) = self.order.rank(formulas, external);
                // An unknown without support need not be decided, unless that merges two.
                let early = locals.is_empty() || self.order.mutual(group);
                (!early, rank, group)
            })
            .map(|(_, external, _)| external)
    }

    /// Whether nothing else in the system depends on the random variables of one of its external formulas.
    pub(super) fn stands_alone(&mut self, system: u32, external: NodeId) -> bool {
        let Residuals {
            systems, formulas, ..
        } = &mut self.residuals;
        let support = formulas.support(external);
        systems.terms(system).all(|(_, other, _)| {
            let apart = formulas.support(other);
            other == external || !formulas.supports.overlap(support, apart)
        })
    }
}
