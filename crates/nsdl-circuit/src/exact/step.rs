//! One step of exact inference: a formula in terms of simpler ones.
//!
//! Whoever takes the steps decides what to make of them: a circuit ([`super`]), bounds ([`crate::auto`]) or the most
//! probable world ([`crate::world`]).

use super::order::Order;
use crate::condition::Residuals;
use crate::formula::{Choice, Formulas, Kind, NodeId};
use rustc_hash::FxHashMap;

/// What a formula is.
pub(crate) enum Step {
    /// The same as another formula.
    Same(NodeId),
    /// Conjuncts without a common random variable.
    All(Vec<NodeId>),
    /// Alternatives without a common random variable.
    Any(Vec<NodeId>),
    Not(NodeId),
    Branch(Branch),
    /// One of two formulas, by whether one that is independent of both holds.
    Decide {
        on: NodeId,
        holds: NodeId,
        fails: NodeId,
    },
}

/// What is left of a formula for each value of a random variable.
pub(crate) struct Branch {
    pub group: u32,
    /// Leaves under which this is left; no residual is that of the others.
    pub ways: Vec<(Vec<u32>, NodeId)>,
    /// What is left under all other values.
    pub others: NodeId,
}

/// Takes formulas apart.
pub(crate) struct Splitter {
    pub residuals: Residuals,
    pub order: Order,
    /// Branches that were needed although alternatives were not exclusive.
    pub branches: usize,
}

impl Splitter {
    pub fn formulas(&self) -> &Formulas {
        &self.residuals.formulas
    }

    /// Takes a formula apart that is neither a constant nor a literal.
    pub fn step(&mut self, node: NodeId) -> Step {
        match self.formulas().kind(node) {
            Kind::And => self.conjunction(node),
            Kind::Or => self.disjunction(node),
            Kind::Fix => self.fixpoint(node),
            _ => Step::Not(self.formulas().denied(node).unwrap_or(NodeId::FALSE)),
        }
    }

    fn conjunction(&mut self, node: NodeId) -> Step {
        let mut children = self.formulas().children(node).to_vec();
        if self.propagate(&mut children) {
            return Step::Same(self.residuals.formulas.and(&mut children));
        }
        let components = self.components(&children);
        if components.len() > 1 {
            let formulas = &mut self.residuals.formulas;
            let parts = components.into_iter();
            return Step::All(parts.map(|mut part| formulas.and(&mut part)).collect());
        }
        if let Some(mut denied) = self.all_denied(&children) {
            return Step::Not(self.residuals.formulas.or(&mut denied));
        }
        if let Some(factored) = self.factor(&children, Kind::And) {
            return Step::Same(factored);
        }
        self.branches += 1;
        let group = self.choose(node);
        self.branch(node, group)
    }

    fn disjunction(&mut self, node: NodeId) -> Step {
        let children = self.formulas().children(node).to_vec();
        if let Some(group) = self.exclusive(&children) {
            return self.branch(node, group);
        }
        let components = self.components(&children);
        if components.len() > 1 {
            let formulas = &mut self.residuals.formulas;
            let parts = components.into_iter();
            return Step::Any(parts.map(|mut part| formulas.or(&mut part)).collect());
        }
        if let Some(mut denied) = self.all_denied(&children) {
            return Step::Not(self.residuals.formulas.and(&mut denied));
        }
        if let Some(factored) = self.factor(&children, Kind::Or) {
            return Step::Same(factored);
        }
        self.branches += 1;
        let group = self.choose(node);
        self.branch(node, group)
    }

    /// An unknown of a system: branches on what comes first in the order of branching, so that different
    /// branches meet again in what is left.
    fn fixpoint(&mut self, node: NodeId) -> Step {
        let Some((system, unknown)) = self.formulas().fix(node) else {
            return Step::Same(NodeId::FALSE);
        };
        let Some(external) = self.first(system) else {
            return Step::Same(NodeId::FALSE);
        };
        self.branches += 1;
        if self.formulas().literal(external).is_none() && self.stands_alone(system, external) {
            return Step::Decide {
                on: external,
                holds: self.residuals.assume(system, unknown, external, true),
                fails: self.residuals.assume(system, unknown, external, false),
            };
        }
        let group = self.order.first(self.formulas(), external);
        self.branch(node, group)
    }

    /// Alternatives with equal residuals are one way.
    fn branch(&mut self, node: NodeId, group: u32) -> Step {
        let leaves = self.formulas().mentioned(node, group);
        debug_assert!(
            !leaves.is_empty(),
            "branching on a variable that is not mentioned"
        );
        let residuals = if self.formulas().kind(node) == Kind::Or {
            self.cofactors(node, group, &leaves)
        } else {
            let choices = leaves
                .iter()
                .map(|&leaf| Choice::Is(leaf))
                .chain([Choice::None(group)]);
            choices
                .map(|choice| self.residuals.condition(node, choice))
                .collect()
        };
        let others = residuals.last().copied().unwrap_or(NodeId::FALSE);
        let mut ways: Vec<(Vec<u32>, NodeId)> = Vec::new();
        let mut places: FxHashMap<NodeId, usize> = FxHashMap::default();
        for (&leaf, &residual) in leaves.iter().zip(&residuals) {
            if residual == others {
                continue;
            }
            let place = *places.entry(residual).or_insert_with(|| {
                ways.push((Vec::new(), residual));
                ways.len() - 1
            });
            ways[place].0.push(leaf);
        }
        Step::Branch(Branch {
            group,
            ways,
            others,
        })
    }

    /// The residuals of a disjunction under each of `leaves`, then under none of them, in one pass over its
    /// children: a child that demands one alternative is false under the others.
    fn cofactors(&mut self, node: NodeId, group: u32, leaves: &[u32]) -> Vec<NodeId> {
        let mut buckets: Vec<Vec<NodeId>> = vec![Vec::new(); leaves.len() + 1];
        for i in 0..self.formulas().children(node).len() {
            let child = self.formulas().children(node)[i];
            let demand = self.demands(child).find(|&(leaf, positive)| {
                positive && self.formulas().supports.group(leaf) == group
            });
            match demand.and_then(|(leaf, _)| leaves.binary_search(&leaf).ok()) {
                Some(place) => {
                    let residual = self.residuals.condition(child, Choice::Is(leaves[place]));
                    buckets[place].push(residual);
                }
                None => {
                    for (place, &leaf) in leaves.iter().enumerate() {
                        let residual = self.residuals.condition(child, Choice::Is(leaf));
                        buckets[place].push(residual);
                    }
                    let residual = self.residuals.condition(child, Choice::None(group));
                    buckets[leaves.len()].push(residual);
                }
            }
        }
        buckets
            .iter_mut()
            .map(|bucket| self.residuals.formulas.or(bucket))
            .collect()
    }
}
