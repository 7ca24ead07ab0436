//! Exact inference: a formula compiled top-down into a circuit of sums, products and complements.
//!
//! The circuit computes the weight of the formula's models because every step is an identity of probabilities:
//! conjuncts without a common random variable multiply, disjuncts without one multiply as complements, and
//! otherwise a random variable is branched on, once for each of its alternatives that the formula mentions and
//! once for all others. Residuals are conditioned once and compiled once ([`crate::condition`]), so different
//! branches and outputs share their circuits (Darwiche and Marquis, "A knowledge compilation map", JAIR 2002;
//! for weights that are probabilities of exclusive alternatives, Fierens et al., TPLP 2015). Nothing is
//! unrolled and nothing is divided, so values and gradients are finite at weights 0 and 1.

mod choose;
mod direct;
mod formulate;
mod order;
mod split;

use crate::builder::Builder;
use crate::condition::Residuals;
use crate::cone::Cone;
use crate::fixpoint::Systems;
use crate::formula::{Choice, Formulas, Kind, NodeId};
use crate::layers::Layered;
use crate::{Limits, Stop, deep};
use direct::direct;
use formulate::{formulate, needed};
use nsdl_ir::Trace;
use order::Order;
use rustc_hash::FxHashMap;

/// What the compilation did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    /// Branches that were needed although alternatives were not exclusive.
    pub branches: usize,
    pub systems: usize,
    pub formulas: usize,
}

/// Compiles the outputs of a cone.
pub(crate) fn compile(
    trace: &Trace,
    cone: &Cone,
    limits: &Limits,
) -> Result<(Layered, Summary), Stop> {
    let mut formulas = Formulas::new(trace);
    let mut builder = Builder::new(trace.leaves.len());
    let made = direct(cone, &mut formulas.supports, &mut builder, limits)?;
    let mut systems = Systems::default();
    let mut order = Order::new(trace.groups.len());
    let needed = needed(cone, &made);
    let nodes = formulate(
        cone,
        &needed,
        &mut formulas,
        &mut systems,
        &mut order,
        limits,
    )?;
    let mut compiler = Compiler {
        residuals: Residuals::new(formulas, systems, cone.shares_cycles()),
        order,
        builder,
        compiled: FxHashMap::default(),
        limits,
        steps: 0,
        summary: Summary::default(),
    };
    let mut outputs = Vec::with_capacity(cone.outputs.len());
    for &output in &cone.outputs {
        outputs.push(match made[output as usize] {
            Some(made) => made,
            None => compiler.compile(nodes[output as usize])?,
        });
    }
    let mut summary = compiler.summary;
    summary.systems = compiler.residuals.systems.len();
    summary.formulas = compiler.residuals.formulas.len();
    Ok((compiler.builder.finish(&outputs), summary))
}

struct Compiler<'l> {
    residuals: Residuals,
    order: Order,
    builder: Builder,
    compiled: FxHashMap<NodeId, u32>,
    limits: &'l Limits<'l>,
    steps: u32,
    summary: Summary,
}

impl Compiler<'_> {
    /// The circuit node whose value is the probability of a formula.
    fn compile(&mut self, node: NodeId) -> Result<u32, Stop> {
        match node {
            NodeId::FALSE => return Ok(self.builder.zero()),
            NodeId::TRUE => return Ok(self.builder.one()),
            _ => {}
        }
        match self.formulas().literal(node) {
            Some((leaf, true)) => return Ok(leaf),
            Some((leaf, false)) => return Ok(self.builder.complement(leaf)),
            None => {}
        }
        if let Some(&compiled) = self.compiled.get(&node) {
            return Ok(compiled);
        }
        self.check()?;
        let compiled = deep(|| match self.formulas().kind(node) {
            Kind::And => self.conjunction(node),
            Kind::Or => self.disjunction(node),
            Kind::Fix => self.fixpoint(node),
            _ => {
                let denied = self.formulas().denied(node).unwrap_or(NodeId::FALSE);
                let denied = self.compile(denied)?;
                Ok(self.builder.complement(denied))
            }
        })?;
        self.compiled.insert(node, compiled);
        Ok(compiled)
    }

    fn formulas(&self) -> &Formulas {
        &self.residuals.formulas
    }

    fn check(&mut self) -> Result<(), Stop> {
        if self.steps.is_multiple_of(64) && self.limits.cancelled() {
            return Err(Stop::Cancelled);
        }
        self.steps = self.steps.wrapping_add(1);
        let nodes = self.builder.len() + self.residuals.size();
        if nodes > self.limits.nodes {
            Err(Stop::Budget { nodes })
        } else {
            Ok(())
        }
    }

    fn conjunction(&mut self, node: NodeId) -> Result<u32, Stop> {
        let mut children = self.formulas().children(node).to_vec();
        if self.propagate(&mut children) {
            let propagated = self.residuals.formulas.and(&mut children);
            return self.compile(propagated);
        }
        let components = self.components(&children);
        if components.len() > 1 {
            let mut factors = Vec::with_capacity(components.len());
            for mut component in components {
                let part = self.residuals.formulas.and(&mut component);
                factors.push(self.compile(part)?);
            }
            return Ok(self.builder.product(&mut factors));
        }
        if let Some(mut denied) = self.all_denied(&children) {
            let alternatives = self.residuals.formulas.or(&mut denied);
            let alternatives = self.compile(alternatives)?;
            return Ok(self.builder.complement(alternatives));
        }
        if let Some(factored) = self.factor(&children, Kind::And) {
            return self.compile(factored);
        }
        let group = self.choose(node);
        self.branch(node, group)
    }

    fn disjunction(&mut self, node: NodeId) -> Result<u32, Stop> {
        let children = self.formulas().children(node).to_vec();
        if let Some(group) = self.exclusive(&children) {
            self.summary.branches = self.summary.branches.wrapping_sub(1);
            return self.branch(node, group);
        }
        let components = self.components(&children);
        if components.len() > 1 {
            let mut factors = Vec::with_capacity(components.len());
            for mut component in components {
                let part = self.residuals.formulas.or(&mut component);
                let part = self.compile(part)?;
                factors.push(self.builder.complement(part));
            }
            let none = self.builder.product(&mut factors);
            return Ok(self.builder.complement(none));
        }
        if let Some(mut denied) = self.all_denied(&children) {
            let all = self.residuals.formulas.and(&mut denied);
            let all = self.compile(all)?;
            return Ok(self.builder.complement(all));
        }
        if let Some(factored) = self.factor(&children, Kind::Or) {
            return self.compile(factored);
        }
        let group = self.choose(node);
        self.branch(node, group)
    }

    /// An unknown of a system: branches on what comes first in the order of branching, so that different
    /// branches meet again in what is left.
    fn fixpoint(&mut self, node: NodeId) -> Result<u32, Stop> {
        let Some((system, unknown)) = self.formulas().fix(node) else {
            return Ok(self.builder.zero());
        };
        let Some(external) = self.first(system) else {
            return Ok(self.builder.zero());
        };
        if self.formulas().literal(external).is_none() && self.stands_alone(system, external) {
            let weight = self.compile(external)?;
            let holds = self.residuals.assume(system, unknown, external, true);
            let fails = self.residuals.assume(system, unknown, external, false);
            self.summary.branches += 1;
            let holds = self.compile(holds)?;
            let fails = self.compile(fails)?;
            let without = self.builder.complement(weight);
            let with = self.builder.product(&mut vec![weight, holds]);
            let without = self.builder.product(&mut vec![without, fails]);
            return Ok(self.builder.sum(&mut vec![with, without]));
        }
        let group = self.order.first(self.formulas(), external);
        self.branch(node, group)
    }

    /// Σ over the alternatives that `node` mentions of weight times residual, and the same for all others
    /// together. Alternatives with equal residuals share one product.
    fn branch(&mut self, node: NodeId, group: u32) -> Result<u32, Stop> {
        self.summary.branches = self.summary.branches.wrapping_add(1);
        let leaves = self.formulas().mentioned(node, group).to_vec();
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
        self.check()?;
        let none = residuals.last().copied().unwrap_or(NodeId::FALSE);
        let mut order: Vec<NodeId> = Vec::new();
        let mut weights: FxHashMap<NodeId, Vec<u32>> = FxHashMap::default();
        for (&leaf, &residual) in leaves.iter().zip(&residuals) {
            if residual == none {
                continue;
            }
            let weight = weights.entry(residual).or_default();
            if weight.is_empty() {
                order.push(residual);
            }
            weight.push(leaf);
        }
        let mut terms = Vec::with_capacity(order.len() + 1);
        if none != NodeId::FALSE {
            let mut others = order
                .iter()
                .flat_map(|residual| weights[residual].iter().copied())
                .collect();
            let others = self.builder.sum(&mut others);
            let weight = self.builder.complement(others);
            let value = self.compile(none)?;
            terms.push(self.builder.product(&mut vec![weight, value]));
        }
        for residual in order {
            if residual == NodeId::FALSE {
                continue;
            }
            let mut weight = weights.remove(&residual).unwrap_or_default();
            let weight = self.builder.sum(&mut weight);
            let value = self.compile(residual)?;
            terms.push(self.builder.product(&mut vec![weight, value]));
        }
        Ok(self.builder.sum(&mut terms))
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
