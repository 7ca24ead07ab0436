//! Min-max and add-mult: algebras evaluated on the trace as it stands.
//!
//! Without cycles they are layers like any other circuit. On a cycle each sample is iterated to its least
//! fixpoint from zero, in `f64`: min-max exactly (values only grow and are among those of the leaves), add-mult
//! until the change is below 1e-12 or for 1,000 rounds. Costs rounds × edges of the cycle.

mod reverse;

use crate::builder::Builder;
use crate::cone::{Cone, Cycle, Op};
use crate::layers::Layered;
use nsdl_provenance::{AddMultProb, MinMaxProb, Provenance};
use rayon::prelude::*;

/// The two algebras.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algebra {
    MinMax,
    AddMult,
}

/// Rounds after which add-mult gives up on a cycle.
const ROUNDS: usize = 1000;

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
            (Op::And, Algebra::MinMax) => builder.min(&mut children),
            (Op::Or | Op::Sum, Algebra::MinMax) => builder.max(&mut children),
            (Op::And, Algebra::AddMult) => builder.product(&mut children),
            (Op::Or, Algebra::AddMult) => builder.clamped_sum(&mut children),
            (Op::Sum, Algebra::AddMult) => builder.sum(&mut children),
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
    /// For min-max on a cycle: the round in which a tuple reached its value, and through which child.
    reached: Vec<(u32, u32)>,
    adjoints: Vec<f64>,
    gradient: Vec<f64>,
    residual: f64,
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
        let mut cycles = self.cone.cycles.iter().peekable();
        let mut node = 0;
        while node < self.cone.len() {
            if let Some(cycle) = cycles.next_if(|cycle| cycle.start as usize == node) {
                match self.algebra {
                    Algebra::MinMax => self.widest(cycle, solved),
                    Algebra::AddMult => self.iterate(cycle, solved),
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
        let children = self
            .cone
            .children(node)
            .iter()
            .map(|&child| values[child as usize]);
        match (self.cone.ops[node as usize], self.algebra) {
            (Op::Zero | Op::Leaf(_), _) => 0.0,
            (Op::One, _) => 1.0,
            (Op::Not, _) => children.fold(1.0, |_, x| MinMaxProb.negate(&x)),
            (Op::And, Algebra::MinMax) => children.fold(1.0, |a, x| MinMaxProb.mult(&a, &x)),
            (Op::Or | Op::Sum, Algebra::MinMax) => {
                children.fold(UNREACHED, |a, x| MinMaxProb.add(&a, &x))
            }
            (Op::And, Algebra::AddMult) => children.fold(1.0, |a, x| AddMultProb.mult(&a, &x)),
            (Op::Or, Algebra::AddMult) => children.fold(0.0, |a, x| AddMultProb.add(&a, &x)),
            (Op::Sum, Algebra::AddMult) => children.sum(),
        }
    }

    /// Least fixpoint of maxima of minima, round by round. Tuples start below zero, so that a value of zero
    /// also is reached by a derivation.
    fn widest(&self, cycle: &Cycle, solved: &mut Solved) {
        let unknowns = cycle.start..cycle.start + cycle.unknowns;
        for unknown in unknowns.clone() {
            solved.values[unknown as usize] = UNREACHED;
        }
        let mut round = 0;
        let mut changed = true;
        while changed {
            changed = false;
            round += 1;
            for instance in unknowns.end..cycle.end {
                solved.values[instance as usize] = self.value(instance, &solved.values);
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
                solved.values[unknown as usize] = value;
                solved.reached[unknown as usize] = (round, child);
                changed = true;
            }
        }
        for node in cycle.start..cycle.end {
            if solved.values[node as usize] < 0.0 {
                solved.values[node as usize] = 0.0;
            }
        }
    }

    /// Least fixpoint of clamped sums of products.
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
