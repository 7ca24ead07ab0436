//! Exact inference: a formula compiled top-down into a circuit of sums, products and complements.
//!
//! The circuit computes the weight of the formula's models because every step is an identity of probabilities:
//! conjuncts without a common random variable multiply, disjuncts without one multiply as complements, and
//! otherwise a random variable is branched on, once for each of its alternatives that the formula mentions and
//! once for all others. Residuals are conditioned once and compiled once ([`crate::condition`]), so different
//! branches and outputs share their circuits (Darwiche and Marquis, "A knowledge compilation map", JAIR 2002;
//! for weights that are probabilities of exclusive alternatives, Fierens et al., TPLP 2015). Nothing is
//! unrolled and nothing is divided, so values and gradients are finite at weights 0 and 1.

mod apart;
mod choose;
mod direct;
mod formulate;
mod network;
mod order;
mod split;
mod step;
mod tally;

pub(crate) use step::{Branch, Splitter, Step};

use crate::builder::Builder;
use crate::condition::Residuals;
use crate::cone::Cone;
use crate::fixpoint::Systems;
use crate::formula::{Formulas, NodeId};
use crate::layers::Layered;
use crate::{Limits, Stop, deep};
use direct::direct;
use formulate::{formulate, needed};
use nsdl_ir::Trace;
use order::Order;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;

/// What the compilation did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    /// Branches that were needed although alternatives were not exclusive.
    pub branches: usize,
    pub systems: usize,
    pub formulas: usize,
}

/// An output before its compilation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Root {
    /// It was exact as it stood.
    Made(u32),
    Formula(NodeId),
}

/// Compiles the outputs of a cone.
pub(crate) fn compile(
    trace: &Trace,
    cone: &Cone,
    limits: &Limits,
) -> Result<(Layered, Summary), Stop> {
    let (mut compiler, roots) = prepare(trace, cone, limits)?;
    for (system, unknowns) in compiler.together(&roots) {
        compiler.network(system, &unknowns)?;
    }
    let mut outputs = Vec::with_capacity(roots.len());
    for root in roots {
        outputs.push(match root {
            Root::Made(made) => made,
            Root::Formula(node) => compiler.compile(node)?,
        });
    }
    let summary = compiler.summary();
    Ok((compiler.builder.finish(&outputs), summary))
}

/// All that comes before the first branch.
pub(crate) fn prepare<'l>(
    trace: &Trace,
    cone: &Cone,
    limits: &'l Limits<'l>,
) -> Result<(Compiler<'l>, Vec<Root>), Stop> {
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
    let original = systems.len() as u32;
    let compiler = Compiler {
        splitter: Splitter {
            residuals: Residuals::new(formulas, systems, cone.shares_cycles()),
            order,
            branches: 0,
        },
        builder,
        original,
        tangled: FxHashSet::default(),
        compiled: FxHashMap::default(),
        limits,
        most: limits.nodes,
        steps: 0,
    };
    let roots = cone.outputs.iter().map(|&output| {
        made[output as usize].map_or(Root::Formula(nodes[output as usize]), Root::Made)
    });
    Ok((compiler, roots.collect()))
}

/// The formulas of the outputs, and what takes them apart.
pub(crate) fn formulas(
    trace: &Trace,
    cone: &Cone,
    limits: &Limits,
) -> Result<(Splitter, Vec<NodeId>), Stop> {
    let (mut formulas, mut systems) = (Formulas::new(trace), Systems::default());
    let mut order = Order::new(trace.groups.len());
    let all = vec![true; cone.len()];
    let nodes = formulate(cone, &all, &mut formulas, &mut systems, &mut order, limits)?;
    let splitter = Splitter {
        residuals: Residuals::new(formulas, systems, cone.shares_cycles()),
        order,
        branches: 0,
    };
    let outputs = cone.outputs.iter().map(|&output| nodes[output as usize]);
    Ok((splitter, outputs.collect()))
}

/// Compiles formulas, each once.
pub(crate) struct Compiler<'l> {
    pub splitter: Splitter,
    pub builder: Builder,
    /// Systems of the trace as it stands; later ones are residuals.
    original: u32,
    /// Those of them that are no networks.
    tangled: FxHashSet<u32>,
    compiled: FxHashMap<NodeId, u32>,
    pub limits: &'l Limits<'l>,
    /// The size to stop at.
    pub most: usize,
    steps: u32,
}

impl Compiler<'_> {
    /// The circuit node whose value is the probability of a formula.
    pub fn compile(&mut self, node: NodeId) -> Result<u32, Stop> {
        if let Some(known) = self.known(node) {
            return Ok(known);
        }
        self.check()?;
        if let Some((system, unknown)) = self.splitter.formulas().fix(node)
            && system < self.original
            && self.network(system, &[unknown])?
            && let Some(known) = self.known(node)
        {
            return Ok(known);
        }
        let compiled = deep(|| {
            let step = self.splitter.step(node);
            self.check()?;
            self.follow(step)
        })?;
        self.compiled.insert(node, compiled);
        Ok(compiled)
    }

    /// The systems of which several unknowns are outputs as they stand, with those unknowns.
    pub fn together(&self, roots: &[Root]) -> Vec<(u32, Vec<u32>)> {
        let mut found: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for root in roots {
            if let Root::Formula(node) = root
                && let Some((system, unknown)) = self.splitter.formulas().fix(*node)
            {
                found.entry(system).or_default().push(unknown);
            }
        }
        for unknowns in found.values_mut() {
            unknowns.sort_unstable();
            unknowns.dedup();
        }
        found.retain(|_, unknowns| unknowns.len() > 1);
        found.into_iter().collect()
    }

    /// The circuit node of a formula that is trivial or compiled already.
    pub fn known(&mut self, node: NodeId) -> Option<u32> {
        match node {
            NodeId::FALSE => return Some(self.builder.zero()),
            NodeId::TRUE => return Some(self.builder.one()),
            _ => {}
        }
        match self.splitter.formulas().literal(node) {
            Some((leaf, true)) => Some(leaf),
            Some((leaf, false)) => Some(self.builder.complement(leaf)),
            None => self.compiled.get(&node).copied(),
        }
    }

    /// Nodes, formulas and residuals so far.
    pub fn size(&self) -> usize {
        self.builder.len() + self.splitter.residuals.size()
    }

    pub fn summary(&self) -> Summary {
        Summary {
            branches: self.splitter.branches,
            systems: self.splitter.residuals.systems.len(),
            formulas: self.splitter.formulas().len(),
        }
    }

    fn check(&mut self) -> Result<(), Stop> {
        if self.steps.is_multiple_of(64) && self.limits.cancelled() {
            return Err(Stop::Cancelled);
        }
        self.steps = self.steps.wrapping_add(1);
        let nodes = self.size();
        if nodes > self.most {
            Err(Stop::Budget { nodes })
        } else {
            Ok(())
        }
    }

    fn follow(&mut self, step: Step) -> Result<u32, Stop> {
        match step {
            Step::Same(node) => self.compile(node),
            Step::Not(node) => {
                let denied = self.compile(node)?;
                Ok(self.builder.complement(denied))
            }
            Step::All(parts) => {
                let factors = parts.into_iter().map(|part| self.compile(part));
                let mut factors = factors.collect::<Result<Vec<u32>, Stop>>()?;
                Ok(self.builder.product(&mut factors))
            }
            Step::Any(parts) => {
                let parts = parts.into_iter().map(|part| self.compile(part));
                let mut parts = parts.collect::<Result<Vec<u32>, Stop>>()?;
                Ok(self.builder.any(&mut parts))
            }
            Step::Decide { on, holds, fails } => {
                let on = self.compile(on)?;
                let (holds, fails) = (self.compile(holds)?, self.compile(fails)?);
                Ok(self.builder.decide(on, holds, fails))
            }
            Step::Branch(branch) => {
                let weights = self.builder.weights(&branch);
                let mut terms = Vec::with_capacity(weights.len());
                for (weight, residual) in weights {
                    let value = self.compile(residual)?;
                    terms.push(self.builder.product(&mut vec![weight, value]));
                }
                Ok(self.builder.sum(&mut terms))
            }
        }
    }
}

impl Builder {
    /// At least one of independent events.
    pub fn any(&mut self, parts: &mut Vec<u32>) -> u32 {
        for part in parts.iter_mut() {
            *part = self.complement(*part);
        }
        let none = self.product(parts);
        self.complement(none)
    }

    /// `holds` where `on` does, else `fails`.
    pub fn decide(&mut self, on: u32, holds: u32, fails: u32) -> u32 {
        let off = self.complement(on);
        let with = self.product(&mut vec![on, holds]);
        let without = self.product(&mut vec![off, fails]);
        self.sum(&mut vec![with, without])
    }

    /// The residuals of a branch that can hold, each with the node of its weight.
    pub fn weights(&mut self, branch: &Branch) -> Vec<(u32, NodeId)> {
        let mut terms = Vec::with_capacity(branch.ways.len() + 1);
        if branch.others != NodeId::FALSE {
            let leaves = branch.ways.iter().flat_map(|(leaves, _)| leaves);
            let named = self.sum(&mut leaves.copied().collect());
            terms.push((self.complement(named), branch.others));
        }
        for (leaves, residual) in &branch.ways {
            if *residual != NodeId::FALSE {
                terms.push((self.sum(&mut leaves.clone()), *residual));
            }
        }
        terms
    }
}
