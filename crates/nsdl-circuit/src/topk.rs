//! The k most probable proofs of every tuple, found anew for each sample.
//!
//! A tuple keeps the k heaviest consistent proofs built from the kept proofs of its bodies; subsumed ones go
//! first, ties go to the shorter and then the lexicographically smaller set of literals. On a cycle proofs
//! accumulate until nothing changes, which ends, since each change makes the kept set heavier. An answer is the
//! exact weight of the union of the kept proofs ([`crate::union`]). After Huang et al., "Scallop: from
//! probabilistic deductive databases to scalable differentiable reasoning", NeurIPS 2021.
//!
//! Variants: proofs may be drawn by their weights in place of the heaviest ([`Keep::Drawn`]: each proof has a rank, its
//! log-weight plus Gumbel noise that its literals determine, so that keeping the k highest ranks is a draw without
//! replacement, the same wherever the proof comes up; Kool, van Hoof and Welling, ICML 2019), and a negated tuple may
//! keep the proofs of what it denies ([`clauses`]).
//!
//! A conjunction with many combinations, or a negation of many proofs, is built from left to right, keeping at
//! least [`combine::BEAM`] at each step.

mod apart;
mod clauses;
mod combine;
mod ring;
mod rounds;
mod second;

use crate::cone::{Cone, Op};
use crate::union;
use crate::users::Users;
use combine::slice;
use nsdl_ir::Trace;
use nsdl_provenance::literals::{Variables, holds};
use rayon::prelude::*;
use ring::Ring;
use std::ops::Range;

/// Which proofs are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The heaviest.
    Best,
    /// The heaviest, and clauses where tuples are negated.
    Clauses,
    /// Drawn with this seed.
    Drawn(u64),
}

/// Evaluates proofs, sample by sample.
#[derive(Clone, Debug)]
pub(crate) struct TopK {
    pub keep: Keep,
    pub cone: Cone,
    pub k: usize,
    pub leaves: usize,
    pub variables: Variables,
    /// What each And needs: no proofs of its own, as it is one alternative of one tuple only.
    inline: Vec<bool>,
    /// Whether the children of an And have no random variable in common, so that proofs just multiply.
    disjoint: Vec<bool>,
    /// Of each And, which children have no random variable in common with any other child, as bits.
    apart: Vec<u64>,
    /// Whether a conjunction is never heavier than its parts.
    monotone: bool,
    /// Of each tuple on a cycle, the tuples of its cycle that use it.
    users: Users,
    /// The cycles whose proofs may be bits.
    rings: Vec<Option<Ring>>,
}

/// A proof in the arena of its sample.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Proof {
    weight: f64,
    /// What its literals add to the noise of its rank; 0 unless proofs are drawn.
    noise: u64,
    start: u32,
    len: u32,
    /// When it was found, on a cycle.
    born: u32,
}

/// A proof that may be kept: proof `combination` of node `source`, or a combination of the proofs of its
/// children if that is an inline And.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    weight: f64,
    /// What candidates are kept by.
    rank: f64,
    source: u32,
    combination: u32,
}

/// A source whose combinations are proofs in the arena.
const MADE: u32 = u32::MAX;

/// The evaluation of one sample.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proofs {
    pub weights: Vec<f64>,
    /// Kept proofs of each node: `proofs[start..start + len]`.
    lists: Vec<(u32, u32)>,
    /// The same of what a node denies, where that is how it is kept.
    denied: Vec<Option<(u32, u32)>>,
    proofs: Vec<Proof>,
    literals: Vec<u32>,
    pub truncated: bool,
    pub values: Vec<f64>,
    pub gradient: Vec<f64>,
    candidates: Vec<Candidate>,
    /// Proofs have the time at which they were found; those of combinations that are no younger than `since` are known.
    tick: u32,
    since: u32,
    /// Proofs lighter than this need not be made once one was dropped.
    floor: f64,
    run: Vec<Proof>,
    products: [Vec<Proof>; 3],
    scratch: Vec<u32>,
    universe: ring::Universe,
    narrow: ring::Rounds<1>,
    wide: ring::Rounds<4>,
    union: union::Scratch,
}

impl Proofs {
    fn list(&self, node: u32) -> &[Proof] {
        let (start, len) = self.lists[node as usize];
        &self.proofs[start as usize..(start + len) as usize]
    }

    fn literals(&self, proof: Proof) -> &[u32] {
        &self.literals[proof.start as usize..(proof.start + proof.len) as usize]
    }

    /// The proofs whose union is a node, or what it denies, where that is how it is kept.
    fn union_of(&self, node: u32) -> (Range<usize>, bool) {
        let denied = self.denied.get(node as usize).copied().flatten();
        let (start, len) = denied.unwrap_or(self.lists[node as usize]);
        (start as usize..(start + len) as usize, denied.is_some())
    }
}

impl TopK {
    pub fn new(cone: Cone, k: usize, variables: Variables, keep: Keep) -> Self {
        let mut parents = vec![0u32; cone.len()];
        let mut inline = vec![false; cone.len()];
        for node in 0..cone.len() as u32 {
            for &child in cone.children(node) {
                parents[child as usize] += 1;
                let alternative = matches!(cone.ops[node as usize], Op::Or | Op::Sum);
                inline[child as usize] = alternative && cone.ops[child as usize] == Op::And;
            }
        }
        for &output in &cone.outputs {
            inline[output as usize] = false;
        }
        for (inline, parents) in inline.iter_mut().zip(parents) {
            *inline &= parents == 1;
        }
        let (disjoint, apart) = apart::children(&cone, &variables);
        let leaves = variables.leaves();
        let mut engine = Self {
            keep,
            users: Users::new(&cone),
            rings: Vec::new(),
            cone,
            k: k.max(1),
            leaves,
            variables,
            inline,
            disjoint,
            apart,
            monotone: false,
        };
        engine.monotone = engine.is_monotone();
        engine.rings = Ring::all(&engine);
        engine
    }

    /// Proofs and values of all samples; true if a proof was dropped.
    pub fn forward(
        &self,
        batch: usize,
        samples: &mut Vec<Proofs>,
        weights: impl Fn(usize, usize) -> f64 + Sync,
    ) -> bool {
        samples.resize_with(batch, Proofs::default);
        let run = |(sample, proofs): (usize, &mut Proofs)| {
            proofs.weights.clear();
            proofs
                .weights
                .extend((0..self.leaves).map(|leaf| weights(sample, leaf)));
            self.evaluate(proofs);
            self.weigh(proofs);
        };
        if batch > 1 && batch * self.cone.len() > 1 << 11 {
            samples.par_iter_mut().enumerate().for_each(run);
        } else {
            samples.iter_mut().enumerate().for_each(run);
        }
        samples.iter().any(|proofs| proofs.truncated)
    }

    /// Gradients of all samples; `seed(sample, output)` is the gradient of an output.
    pub fn backward(&self, samples: &mut [Proofs], seed: impl Fn(usize, usize) -> f64 + Sync) {
        let parallel = samples.len() > 1 && samples.len() * self.cone.len() > 1 << 11;
        let run = |(sample, proofs): (usize, &mut Proofs)| {
            proofs.gradient.clear();
            proofs.gradient.resize(self.leaves, 0.0);
            for (i, &node) in self.cone.outputs.iter().enumerate() {
                let scale = seed(sample, i);
                if scale == 0.0 {
                    continue;
                }
                let (range, denied) = proofs.union_of(node);
                let kept = Kept {
                    proofs: &proofs.proofs[range],
                    literals: &proofs.literals,
                };
                union::add_gradient(
                    &kept,
                    &self.variables,
                    &proofs.weights,
                    if denied { -scale } else { scale },
                    &mut proofs.gradient,
                    &mut proofs.union,
                );
            }
        };
        if parallel {
            samples.par_iter_mut().enumerate().for_each(run);
        } else {
            samples.iter_mut().enumerate().for_each(run);
        }
    }

    /// The kept proofs of an output, heaviest first: their literals.
    pub fn kept<'p>(&self, proofs: &'p Proofs, output: usize) -> impl Iterator<Item = &'p [u32]> {
        proofs
            .list(self.cone.outputs[output])
            .iter()
            .map(|&proof| proofs.literals(proof))
    }

    /// The value of each output: the weight of the union of its proofs.
    fn weigh(&self, state: &mut Proofs) {
        state.values.clear();
        for &node in &self.cone.outputs {
            let (range, denied) = state.union_of(node);
            let kept = Kept {
                proofs: &state.proofs[range],
                literals: &state.literals,
            };
            let weight = union::weight(&kept, &self.variables, &state.weights, &mut state.union);
            state
                .values
                .push(if denied { 1.0 - weight } else { weight });
        }
    }

    /// Finds the proofs of all nodes for the weights of the sample.
    pub fn evaluate(&self, state: &mut Proofs) {
        state.lists.clear();
        state.lists.resize(self.cone.len(), (0, 0));
        state.denied.clear();
        state.denied.resize(self.cone.len(), None);
        state.proofs.clear();
        state.literals.clear();
        state.truncated = false;
        (state.tick, state.since, state.floor) = (1, 0, 0.0);
        let mut cycles = self.cone.cycles.iter().zip(&self.rings).peekable();
        let mut node = 0u32;
        while (node as usize) < self.cone.len() {
            if let Some((cycle, ring)) = cycles.next_if(|(cycle, _)| cycle.start == node) {
                if self.keep == Keep::Clauses {
                    (cycle.start..cycle.end).for_each(|node| self.prove_children(node, state));
                }
                let few = ring
                    .as_ref()
                    .is_some_and(|ring| self.go_round(cycle, ring, state));
                if !few {
                    self.accumulate(cycle, state);
                }
                node = cycle.end;
                continue;
            }
            match self.cone.ops[node as usize] {
                Op::Zero | Op::Tally(_) | Op::Is(_) => {}
                Op::One => self.single(node, &[], 1.0, state),
                Op::Leaf(leaf) => {
                    let weight = state.weights[leaf.index()];
                    self.single(node, &[holds(leaf.0)], weight, state);
                }
                Op::Not if self.keep == Keep::Clauses => self.deny(node, state),
                Op::And | Op::Or | Op::Sum
                    if self.keep == Keep::Clauses && self.clauses(node, state) => {}
                Op::Not => self.negate(node, state),
                Op::And if self.inline[node as usize] => {}
                Op::And => {
                    state.candidates.clear();
                    self.combine(node, state);
                    self.keep(node, state);
                }
                Op::Or | Op::Sum => self.choose(node, state),
            }
            node += 1;
        }
    }

    fn single(&self, node: u32, literals: &[u32], weight: f64, state: &mut Proofs) {
        let proof = self.store(literals, weight, state);
        state.lists[node as usize] = (state.proofs.len() as u32, 1);
        state.proofs.push(proof);
    }
}

/// The proofs of one node, for [`union`].
struct Kept<'p> {
    proofs: &'p [Proof],
    literals: &'p [u32],
}

impl union::Disjuncts for Kept<'_> {
    fn len(&self) -> usize {
        self.proofs.len()
    }

    fn get(&self, index: usize) -> &[u32] {
        slice(self.proofs[index], self.literals)
    }
}

/// The random variables of a trace, for sets of literals.
pub(crate) fn variables(trace: &Trace) -> Variables {
    Variables::new(trace.leaves.iter().map(|leaf| leaf.group.0).collect())
}
