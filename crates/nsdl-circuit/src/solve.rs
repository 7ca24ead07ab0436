//! Numeric algebras, evaluated on the trace as it stands.
//!
//! Without cycles they are layers like any other circuit. On a cycle each sample is iterated to its least
//! fixpoint from zero, in `f64`: those with a maximum of alternatives exactly (values only grow, and going round gains
//! nothing), the others until the change is below 1e-12 or for 1,000 rounds. Costs rounds × edges of the cycle.

mod algebra;
mod reverse;

pub(crate) use algebra::Algebra;

use crate::builder::Builder;
use crate::cone::{Cone, Cycle, Op};
use crate::layers::Layered;
use nsdl_provenance::AddMultProb;
use rayon::prelude::*;

/// Rounds after which sums give up on a cycle.
pub(crate) const ROUNDS: usize = 1000;

/// The layers of a cone without cycles.
pub(crate) fn layers(leaves: usize, cone: &Cone, algebra: Algebra) -> Layered {
    let mut builder = Builder::new(leaves);
    builder.reserve(cone.len());
    let mut nodes = Vec::with_capacity(cone.len());
    let mut children = Vec::new();
    for node in 0..cone.len() {
        let below = cone.children(node as u32).iter();
        children.clear();
        children.extend(below.map(|&child| nodes[child as usize]));
        nodes.push(match (cone.ops[node], algebra) {
            (Op::Zero, _) => builder.zero(),
            (Op::One, _) => builder.one(),
            (Op::Leaf(leaf), _) => leaf.0,
            (Op::Not, _) => builder.complement(children[0]),
            // Only exact inference has them.
            (Op::Tally(_) | Op::Is(_), _) => builder.zero(),
            (Op::And, Algebra::MinMax | Algebra::NandMin) => builder.min(&mut children),
            (Op::And, Algebra::Lukasiewicz) => builder.dual(&mut children, Builder::clamped_sum),
            (Op::And, _) => builder.product(&mut children),
            (Op::Or, Algebra::NandMult | Algebra::NandMin) => {
                builder.dual(&mut children, Builder::product)
            }
            (Op::Or, Algebra::AddMult | Algebra::Lukasiewicz) => builder.clamped_sum(&mut children),
            (Op::Sum, Algebra::AddMult | Algebra::NandMult) => builder.sum(&mut children),
            (Op::Or | Op::Sum, _) => builder.max(&mut children),
        });
    }
    let outputs: Vec<u32> = cone
        .outputs
        .iter()
        .map(|&output| nodes[output as usize])
        .collect();
    builder.finish(&outputs)
}

/// The evaluation of one sample of a cone with cycles.
#[derive(Clone, Debug, Default)]
pub(crate) struct Solved {
    weights: Vec<f64>,
    values: Vec<f64>,
    /// For maxima on a cycle: the round in which a tuple reached its value, and through which child.
    reached: Vec<(u32, u32)>,
    adjoints: Vec<f64>,
    gradient: Vec<f64>,
    residual: f64,
    /// How many rounds the longest of its fixpoints took.
    pub rounds: usize,
}

/// Evaluates cones with cycles, sample by sample.
#[derive(Clone, Debug)]
pub(crate) struct Solver {
    pub cone: Cone,
    pub algebra: Algebra,
    pub leaves: usize,
}

impl Solver {
    /// Values of all samples; `weights(sample, leaf)` and `out(sample, output, value)` move the numbers.
    pub fn forward(
        &self,
        batch: usize,
        samples: &mut Vec<Solved>,
        weights: impl Fn(usize, usize) -> f64 + Sync,
    ) -> f64 {
        samples.resize_with(batch, Solved::default);
        let run = |(sample, solved): (usize, &mut Solved)| {
            solved.weights.clear();
            solved
                .weights
                .extend((0..self.leaves).map(|leaf| weights(sample, leaf)));
            self.evaluate(solved);
        };
        if batch > 1 && batch * self.cone.len() > 1 << 14 {
            samples.par_iter_mut().enumerate().for_each(run);
        } else {
            samples.iter_mut().enumerate().for_each(run);
        }
        samples
            .iter()
            .map(|solved| solved.residual)
            .fold(0.0, f64::max)
    }

    /// The value of an output.
    pub fn output(&self, solved: &Solved, output: usize) -> f64 {
        solved.values[self.cone.outputs[output] as usize]
    }

    /// Gradients of all samples; `seed(sample, output)` is the gradient of an output.
    pub fn backward(&self, samples: &mut [Solved], seed: impl Fn(usize, usize) -> f64 + Sync) {
        let parallel = samples.len() > 1 && samples.len() * self.cone.len() > 1 << 14;
        let run = |(sample, solved): (usize, &mut Solved)| {
            solved.adjoints.clear();
            solved.adjoints.resize(self.cone.len(), 0.0);
            for (i, &node) in self.cone.outputs.iter().enumerate() {
                solved.adjoints[node as usize] += seed(sample, i);
            }
            self.propagate(solved);
        };
        if parallel {
            samples.par_iter_mut().enumerate().for_each(run);
        } else {
            samples.iter_mut().enumerate().for_each(run);
        }
    }

    /// The gradient of one leaf.
    pub fn gradient(&self, solved: &Solved, leaf: usize) -> f64 {
        solved.gradient[leaf]
    }

    fn evaluate(&self, solved: &mut Solved) {
        solved.values.clear();
        solved.values.resize(self.cone.len(), 0.0);
        solved.reached.clear();
        solved.reached.resize(self.cone.len(), (0, u32::MAX));
        solved.residual = 0.0;
        solved.rounds = 0;
        let mut cycles = self.cone.cycles.iter().peekable();
        let mut node = 0;
        while node < self.cone.len() {
            if let Some(cycle) = cycles.next_if(|cycle| cycle.start as usize == node) {
                match self.algebra.improves() {
                    true => self.improve(cycle, solved),
                    false => self.iterate(cycle, solved),
                }
                node = cycle.end as usize;
            } else {
                solved.values[node] = match self.cone.ops[node] {
                    Op::Leaf(leaf) => solved.weights[leaf.index()],
                    _ => self.value(node as u32, &solved.values),
                };
                node += 1;
            }
        }
    }

    /// The value of an inner node from those of its children.
    fn value(&self, node: u32, values: &[f64]) -> f64 {
        let children = self.cone.children(node).iter();
        let children = children.map(|&child| values[child as usize]);
        self.algebra.value(self.cone.ops[node as usize], children)
    }

    /// Least fixpoint of maxima, round by round. Tuples start below zero, so that a value of zero also is reached by
    /// a derivation.
    ///
    /// The best derivation of a tuple does not go through itself, so there are no more rounds than tuples; only
    /// weights above 1 would go on for ever.
    fn improve(&self, cycle: &Cycle, solved: &mut Solved) {
        let unknowns = cycle.start..cycle.start + cycle.unknowns;
        for unknown in unknowns.clone() {
            solved.values[unknown as usize] = UNREACHED;
        }
        let mut round = 0;
        let mut change = f64::INFINITY;
        while change > 0.0 && round <= cycle.unknowns {
            change = 0.0;
            round += 1;
            for instance in unknowns.end..cycle.end {
                let parts = self.cone.children(instance);
                let reached = parts
                    .iter()
                    .all(|&part| solved.values[part as usize] >= 0.0);
                solved.values[instance as usize] = match reached {
                    true => self.value(instance, &solved.values),
                    false => UNREACHED,
                };
            }
            // Tuples that are alternatives of tuples must be seen as they were before this round.
            let updates: Vec<(u32, u32)> = unknowns
                .clone()
                .filter_map(|unknown| {
                    let mut best = (solved.values[unknown as usize], u32::MAX);
                    for &child in self.cone.children(unknown) {
                        if solved.values[child as usize] > best.0 {
                            best = (solved.values[child as usize], child);
                        }
                    }
                    (best.1 != u32::MAX).then_some((unknown, best.1))
                })
                .collect();
            let values: Vec<f64> = updates
                .iter()
                .map(|&(_, child)| solved.values[child as usize])
                .collect();
            for (&(unknown, child), value) in updates.iter().zip(values) {
                change = f64::max(change, value - solved.values[unknown as usize]);
                solved.values[unknown as usize] = value;
                solved.reached[unknown as usize] = (round, child);
            }
        }
        solved.residual = solved.residual.max(change);
        solved.rounds = solved.rounds.max(round as usize);
        for node in cycle.start..cycle.end {
            if solved.values[node as usize] < 0.0 {
                solved.values[node as usize] = 0.0;
            }
        }
    }

    /// Least fixpoint of sums.
    fn iterate(&self, cycle: &Cycle, solved: &mut Solved) {
        let unknowns = cycle.start..cycle.start + cycle.unknowns;
        for round in 0..ROUNDS {
            let mut change = 0.0f64;
            for unknown in unknowns.clone() {
                for &child in self.cone.children(unknown) {
                    if child >= unknowns.end && child < cycle.end {
                        solved.values[child as usize] = self.value(child, &solved.values);
                    }
                }
                let value = self.value(unknown, &solved.values);
                change = change.max((value - solved.values[unknown as usize]).abs());
                solved.values[unknown as usize] = value;
            }
            solved.rounds = solved.rounds.max(round + 1);
            if change < AddMultProb::TOLERANCE {
                break;
            }
            if round + 1 == ROUNDS {
                solved.residual = solved.residual.max(change);
            }
        }
        for instance in unknowns.end..cycle.end {
            solved.values[instance as usize] = self.value(instance, &solved.values);
        }
    }
}

/// Below every weight.
const UNREACHED: f64 = -1.0;
