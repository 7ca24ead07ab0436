//! Cycles that say which vertices of an undirected network are connected to its source.
//!
//! Such a cycle needs no formulas: what matters of the edges decided so far is only which of the vertices between
//! those done and those to come are connected with each other ([`frontier`]; Hardy, Lucet and Limnios, IEEE Trans.
//! Reliability 2007). All unknowns that are asked for share one walk over the edges.

mod frontier;
mod order;

use super::Compiler;
use crate::Stop;
use crate::fixpoint::Systems;
use crate::formula::{Formulas, NodeId};
use frontier::{Frontier, Plan};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// Vertex 0 is the source, vertex n + 1 the unknown n.
const SOURCE: u32 = 0;

/// Arcs that one edge may stand for.
const MOST: usize = 256;

/// What connects vertices if it holds, independently of all other edges.
struct Edge {
    holds: NodeId,
    /// Vertices that it makes one, at least two each.
    joins: Vec<Vec<u32>>,
}

impl Compiler<'_> {
    /// Compiles unknowns of a system at once; false if it is no network.
    pub fn network(&mut self, system: u32, unknowns: &[u32]) -> Result<bool, Stop> {
        if self.tangled.contains(&system) {
            return Ok(false);
        }
        let targets: Vec<u32> = unknowns.iter().map(|&unknown| unknown + 1).collect();
        let Some((edges, frontier)) = self.frontier(system, &targets) else {
            self.tangled.insert(system);
            return Ok(false);
        };
        let plan = frontier.plan(&targets, |states| self.room(states))?;
        self.splitter.branches += plan.states();
        let mut weights = Vec::with_capacity(edges.len());
        for edge in edges {
            weights.push(self.compile(edge.holds)?);
        }
        let made = self.builder.network(&plan, &weights);
        for (&unknown, made) in unknowns.iter().zip(made) {
            let Self {
                splitter, compiled, ..
            } = self;
            let formulas = &mut splitter.residuals.formulas;
            let support = splitter.residuals.systems.support(system);
            compiled.insert(formulas.make_fix(system, unknown, support), made);
        }
        Ok(true)
    }

    /// The edges of a network in a good order, and the frontier along them.
    fn frontier(&self, system: u32, targets: &[u32]) -> Option<(Vec<Edge>, Frontier)> {
        let residuals = &self.splitter.residuals;
        let vertices = residuals.systems.unknowns(system) as usize + 1;
        let edges = edges(&residuals.systems, system, &residuals.formulas)?;
        let joins: Vec<&[Vec<u32>]> = edges.iter().map(|edge| edge.joins.as_slice()).collect();
        let order = order::order(vertices, &joins, targets)?;
        let joins: Vec<&[Vec<u32>]> = order.iter().map(|&edge| joins[edge]).collect();
        let frontier = Frontier::new(vertices, &joins)?;
        let mut unordered: Vec<Option<Edge>> = edges.into_iter().map(Some).collect();
        let edges = order.into_iter().filter_map(|edge| unordered[edge].take());
        Some((edges.collect(), frontier))
    }

    /// Whether so many states more fit the budget.
    fn room(&self, states: usize) -> Result<(), Stop> {
        let nodes = self.size() + states;
        if self.limits.cancelled() {
            Err(Stop::Cancelled)
        } else if nodes > self.most {
            Err(Stop::Budget { nodes })
        } else {
            Ok(())
        }
    }
}

/// The edges of a system, if it says what an undirected network does: each term needs at most one unknown, external
/// formulas are independent of each other, and each of them lets the vertices that it connects reach each other.
/// The source is reached anyway, so it does not matter whether it is reached through an edge.
fn edges(systems: &Systems, system: u32, formulas: &Formulas) -> Option<Vec<Edge>> {
    let mut arcs: BTreeMap<NodeId, Vec<(u32, u32)>> = BTreeMap::new();
    for (head, external, locals) in systems.terms(system) {
        let from = match *locals {
            [] => SOURCE,
            [local] => local + 1,
            _ => return None,
        };
        arcs.entry(external).or_default().push((from, head + 1));
    }
    let mut owners: FxHashMap<u32, NodeId> = FxHashMap::default();
    for &external in arcs.keys() {
        for leaf in formulas.supports.get(formulas.support(external)) {
            let group = formulas.supports.group(leaf);
            if *owners.entry(group).or_insert(external) != external {
                return None;
            }
        }
    }
    let edges = arcs.into_iter().map(|(holds, arcs)| {
        if arcs.len() > MOST {
            return None;
        }
        let joins = classes(&arcs)?;
        Some(Edge { holds, joins })
    });
    edges.collect()
}

/// The vertices that arcs connect, if all of each class reach each other.
fn classes(arcs: &[(u32, u32)]) -> Option<Vec<Vec<u32>>> {
    let mut vertices: Vec<u32> = arcs.iter().flat_map(|&(from, to)| [from, to]).collect();
    vertices.sort_unstable();
    vertices.dedup();
    let mut joins = Vec::new();
    while let Some(&start) = vertices.first() {
        // From the start, the source if it is there, and back to it.
        let reached = |back: bool| {
            let mut reached = vec![start];
            let mut at = 0;
            while at < reached.len() {
                let here = reached[at];
                at += 1;
                for &(from, to) in arcs {
                    let (from, to) = if back { (to, from) } else { (from, to) };
                    if from == here && !reached.contains(&to) {
                        reached.push(to);
                    }
                }
            }
            reached.sort_unstable();
            reached
        };
        let forth = reached(false);
        if start != SOURCE && forth != reached(true) {
            return None;
        }
        // An arc into the class from outside would be one way only.
        let inside = |vertex: &u32| forth.binary_search(vertex).is_ok();
        if arcs.iter().any(|(from, to)| inside(to) && !inside(from)) {
            return None;
        }
        vertices.retain(|vertex| !inside(vertex));
        joins.push(forth);
    }
    Some(joins)
}

impl crate::builder::Builder {
    /// The probability that each target is connected to the source; `weights` are those of the edges in order.
    ///
    /// It is the sum, over the states at the last edge of a target, of the probability to come to a state and the
    /// probability that what it has connected to the target will be connected to the source.
    fn network(&mut self, plan: &Plan, weights: &[u32]) -> Vec<u32> {
        let mut ahead: Vec<Vec<u32>> = vec![Vec::new(); plan.stages.len() + 1];
        for (i, stage) in plan.stages.iter().enumerate().rev() {
            let (on, off) = (weights[i], self.complement(weights[i]));
            let mut values = Vec::with_capacity(stage.marked.len());
            for &[holds, fails] in &stage.marked {
                let holds = self.outcome(holds, &ahead[i + 1]);
                let fails = self.outcome(fails, &ahead[i + 1]);
                values.push(if holds == fails {
                    holds
                } else {
                    let with = self.product(&mut vec![on, holds]);
                    let without = self.product(&mut vec![off, fails]);
                    self.sum(&mut vec![with, without])
                });
            }
            ahead[i] = values;
        }
        let mut made = vec![self.zero(); plan.targets];
        let mut behind = vec![self.one()];
        for (i, stage) in plan.stages.iter().enumerate() {
            for (target, ways) in &stage.exits {
                let mut terms = Vec::with_capacity(ways.len());
                for &(state, outcome) in ways {
                    let rest = self.outcome(outcome, &ahead[i]);
                    terms.push(self.product(&mut vec![behind[state as usize], rest]));
                }
                made[*target] = self.sum(&mut terms);
            }
            let (on, off) = (weights[i], self.complement(weights[i]));
            let mut terms: Vec<Vec<u32>> = vec![Vec::new(); stage.next];
            for (&[holds, fails], &value) in stage.free.iter().zip(&behind) {
                if holds == fails {
                    terms.extend_at(holds, value);
                    continue;
                }
                for (to, weight) in [(holds, on), (fails, off)] {
                    if to >= 2 {
                        let term = self.product(&mut vec![weight, value]);
                        terms.extend_at(to, term);
                    }
                }
            }
            behind = terms.iter_mut().map(|terms| self.sum(terms)).collect();
        }
        made
    }

    fn outcome(&self, outcome: u32, values: &[u32]) -> u32 {
        match outcome {
            frontier::NEVER => self.zero(),
            frontier::CERTAIN => self.one(),
            state => values[state as usize - 2],
        }
    }
}

/// Lists of terms by outcome.
trait Terms {
    fn extend_at(&mut self, outcome: u32, term: u32);
}

impl Terms for Vec<Vec<u32>> {
    fn extend_at(&mut self, outcome: u32, term: u32) {
        if let Some(place) = outcome.checked_sub(2) {
            self[place as usize].push(term);
        }
    }
}
