//! The most probable world in which a tuple holds.
//!
//! Formulas are taken apart as by exact inference ([`crate::exact`]), and the best worlds in which a part holds and in which
//! it fails are found from those of its parts, each once: maxima in place of sums. Weights are taken relative to the
//! most probable value of their variable, so variables that no longer matter have a factor of 1, and for every formula the
//! better of its two worlds has weight 1.

use crate::circuit::diagnostic;
use crate::cone::{Cone, Flavour};
use crate::exact::{self, Branch, Splitter, Step};
use crate::formula::NodeId;
use crate::report::Report;
use crate::{Budget, Limits, Stop, deep};
use nsdl_ir::{Diagnostic, GroupId, LeafId, Trace, TupleId};
use rustc_hash::FxHashMap;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;

/// Values of the random variables that a tuple depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// The probability that the variables have these values.
    pub probability: f64,
    /// Each variable, in order, and the alternative that holds, if one does.
    pub choices: Vec<(GroupId, Option<LeafId>)>,
}

/// The most probable world in which a tuple holds, under these leaf weights; `None` if there is none of positive weight.
///
/// Exact. Costs what exact inference does, and fails where that would. `weights` is one number per leaf; what is
/// missing counts as 0.
///
/// # Errors
/// `E0620` beyond the budget, `E0613` if cancelled.
pub fn most_probable_world(
    trace: &Trace,
    output: TupleId,
    weights: &[f64],
    budget: &Budget,
    cancel: Option<&AtomicBool>,
) -> Result<Option<World>, Diagnostic> {
    let limits = Limits {
        nodes: budget.nodes,
        cancel,
    };
    let error = |stop| diagnostic(stop, &Report::default(), budget);
    let cone = Cone::new(trace, &[output], Flavour::Exact, &limits).map_err(error)?;
    let (splitter, roots) = exact::formulas(trace, &cone, &limits).map_err(error)?;
    let Some(&root) = roots.first() else {
        return Ok(None);
    };
    let mut search = Search {
        modes: Modes::new(trace, weights),
        splitter,
        steps: FxHashMap::default(),
        best: FxHashMap::default(),
        limits: &limits,
    };
    let formulas = search.splitter.formulas();
    let leaves = formulas.supports.get(formulas.support(root));
    let mut groups: Vec<u32> = leaves.map(|leaf| formulas.supports.group(leaf)).collect();
    groups.dedup();
    if search.best(root, true).map_err(error)? == f64::NEG_INFINITY {
        return Ok(None);
    }
    let mut values = FxHashMap::default();
    search.assign(root, true, &mut values).map_err(error)?;
    let modes = &search.modes;
    let choices = groups.iter().map(|group| {
        let value = values.get(group).copied();
        (*group, value.unwrap_or(modes.modes[*group as usize].0))
    });
    let choices: Vec<(u32, Option<u32>)> = choices.collect();
    let weight = |&(group, leaf): &(u32, Option<u32>)| modes.weight(group, leaf);
    Ok(Some(World {
        probability: choices.iter().map(weight).product(),
        choices: choices
            .into_iter()
            .map(|(group, leaf)| (GroupId(group), leaf.map(LeafId)))
            .collect(),
    }))
}

/// The random variables.
struct Modes<'t> {
    trace: &'t Trace,
    weights: Vec<f64>,
    /// The most probable value of each, and its weight.
    modes: Vec<(Option<u32>, f64)>,
}

impl<'t> Modes<'t> {
    fn new(trace: &'t Trace, weights: &[f64]) -> Self {
        let mut all = weights.to_vec();
        all.resize(trace.leaves.len(), 0.0);
        let mut modes = Self {
            trace,
            weights: all,
            modes: Vec::new(),
        };
        modes.modes = (0..trace.groups.len() as u32)
            .map(|group| modes.best_of(group, |_| true))
            .collect();
        modes
    }

    fn weight(&self, group: u32, leaf: Option<u32>) -> f64 {
        match leaf {
            Some(leaf) => self.weights[leaf as usize],
            None => {
                let group = &self.trace.groups[group as usize];
                let leaves = &self.weights[group.start as usize..group.end as usize];
                (1.0 - leaves.iter().sum::<f64>()).max(0.0)
            }
        }
    }

    /// The most probable value but for some leaves; the first of equal ones.
    fn best_of(&self, group: u32, keep: impl Fn(u32) -> bool) -> (Option<u32>, f64) {
        let range = &self.trace.groups[group as usize];
        let leaves = (range.start..range.end).filter(|&leaf| keep(leaf));
        leaves.fold((None, self.weight(group, None)), |best, leaf| {
            let weight = self.weights[leaf as usize];
            if weight > best.1 {
                (Some(leaf), weight)
            } else {
                best
            }
        })
    }

    /// The logarithm of a weight relative to that of the most probable value.
    fn ratio(&self, group: u32, weight: f64) -> f64 {
        (weight / self.modes[group as usize].1).ln()
    }
}

struct Search<'t> {
    modes: Modes<'t>,
    splitter: Splitter,
    steps: FxHashMap<NodeId, Rc<Step>>,
    best: FxHashMap<(NodeId, bool), f64>,
    limits: &'t Limits<'t>,
}

/// A value that a variable takes, or none where one is not decided, and formulas that then hold or fail.
type Way = (Option<(u32, Option<u32>)>, Vec<(NodeId, bool)>);

impl Search<'_> {
    /// The logarithm of the relative weight of the best world in which a formula holds, or fails.
    fn best(&mut self, node: NodeId, truth: bool) -> Result<f64, Stop> {
        match node {
            NodeId::FALSE => return Ok(if truth { f64::NEG_INFINITY } else { 0.0 }),
            NodeId::TRUE => return Ok(if truth { 0.0 } else { f64::NEG_INFINITY }),
            _ => {}
        }
        if let Some(&best) = self.best.get(&(node, truth)) {
            return Ok(best);
        }
        if self.limits.cancelled() {
            return Err(Stop::Cancelled);
        }
        let nodes = self.splitter.residuals.size() + self.best.len();
        if nodes > self.limits.nodes {
            return Err(Stop::Budget { nodes });
        }
        let best = deep(|| Ok(self.best_way(node, truth)?.0))?;
        self.best.insert((node, truth), best);
        Ok(best)
    }

    /// The best of the ways in which a formula can hold, or fail.
    fn best_way(&mut self, node: NodeId, truth: bool) -> Result<(f64, Way), Stop> {
        let mut best = (f64::NEG_INFINITY, (None, Vec::new()));
        for way in self.ways(node, truth) {
            let mut weight = way.0.map_or(0.0, |(group, leaf)| {
                self.modes.ratio(group, self.modes.weight(group, leaf))
            });
            for &(part, truth) in &way.1 {
                if weight > f64::NEG_INFINITY {
                    weight += self.best(part, truth)?;
                }
            }
            if weight > best.0 {
                best = (weight, way);
            }
        }
        Ok(best)
    }

    fn ways(&mut self, node: NodeId, truth: bool) -> Vec<Way> {
        if let Some((leaf, positive)) = self.splitter.formulas().literal(node) {
            let group = self.splitter.formulas().supports.group(leaf);
            let value = match positive == truth {
                true => Some(leaf),
                false => self.modes.best_of(group, |other| other != leaf).0,
            };
            return vec![(Some((group, value)), Vec::new())];
        }
        let step = match self.steps.get(&node) {
            Some(step) => step.clone(),
            None => {
                let step = Rc::new(self.splitter.step(node));
                self.steps.insert(node, step.clone());
                step
            }
        };
        let together = |parts: &[NodeId]| {
            let parts = parts.iter().map(|&part| (part, truth));
            vec![(None, parts.collect())]
        };
        // One of them decides; the others are in their best world, which has weight 1.
        let apart = |parts: &[NodeId]| {
            let ways = parts.iter().map(|&part| (None, vec![(part, truth)]));
            ways.collect()
        };
        match &*step {
            Step::Same(other) => vec![(None, vec![(*other, truth)])],
            Step::Not(denied) => vec![(None, vec![(*denied, !truth)])],
            Step::All(parts) if truth => together(parts),
            Step::Any(parts) if !truth => together(parts),
            Step::All(parts) | Step::Any(parts) => apart(parts),
            Step::Decide { on, holds, fails } => vec![
                (None, vec![(*on, true), (*holds, truth)]),
                (None, vec![(*on, false), (*fails, truth)]),
            ],
            Step::Branch(branch) => self.branch(branch, truth),
        }
    }

    fn branch(&self, branch: &Branch, truth: bool) -> Vec<Way> {
        let group = branch.group;
        let mut ways = Vec::with_capacity(branch.ways.len() + 1);
        for (leaves, residual) in &branch.ways {
            let heavier = |a: &u32, b: &u32| {
                let weight = |leaf: u32| self.modes.weights[leaf as usize];
                if weight(*b) > weight(*a) { *b } else { *a }
            };
            let best = leaves.iter().copied().reduce(|a, b| heavier(&a, &b));
            ways.push((Some((group, best)), vec![(*residual, truth)]));
        }
        let named = |leaf: &u32| branch.ways.iter().any(|(leaves, _)| leaves.contains(leaf));
        let others = self.modes.best_of(group, |leaf| !named(&leaf)).0;
        ways.push((Some((group, others)), vec![(branch.others, truth)]));
        ways
    }

    /// Collects the values of the best world.
    fn assign(
        &mut self,
        node: NodeId,
        truth: bool,
        values: &mut FxHashMap<u32, Option<u32>>,
    ) -> Result<(), Stop> {
        if node <= NodeId::TRUE {
            return Ok(());
        }
        let (_, (value, parts)) = self.best_way(node, truth)?;
        values.extend(value);
        for (part, truth) in parts {
            deep(|| self.assign(part, truth, values))?;
        }
        Ok(())
    }
}
