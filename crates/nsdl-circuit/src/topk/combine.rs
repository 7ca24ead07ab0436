//! Building the proofs of one tuple: conjunction, negation, and what is kept.

use super::{Candidate, MADE, Proof, Proofs, TopK};
use nsdl_provenance::literals::{flip, literal_weight, subset};

/// Combinations that one conjunction may hold, whatever k is.
pub(super) const BEAM: usize = 512;

impl TopK {
    /// Makes candidates of all combinations of the proofs of a conjunction.
    pub(super) fn combine(&self, node: u32, state: &mut Proofs) {
        let children = self.cone.children(node);
        let mut combinations = 1usize;
        for &child in children {
            combinations = combinations.saturating_mul(state.lists[child as usize].1 as usize);
        }
        if combinations == 0 {
            return;
        }
        if combinations > self.beam() || !self.disjoint[node as usize] {
            let mut products = vec![Proof {
                weight: 1.0,
                start: 0,
                len: 0,
            }];
            for &child in children {
                let factors = state.list(child).to_vec();
                products = self.product(&products, &factors, state);
            }
            self.offer(&products, state);
            return;
        }
        for combination in 0..combinations as u32 {
            let mut rest = combination;
            let mut weight = 1.0;
            for &child in children {
                let (start, len) = state.lists[child as usize];
                weight *= state.proofs[(start + rest % len) as usize].weight;
                rest /= len;
            }
            state.candidates.push(Candidate {
                weight,
                source: node,
                combination,
            });
        }
    }

    pub(super) fn beam(&self) -> usize {
        BEAM.max(self.k.saturating_mul(4))
    }

    /// Makes candidates of proofs.
    pub(super) fn offer(&self, proofs: &[Proof], state: &mut Proofs) {
        for &proof in proofs {
            let combination = state.proofs.len() as u32;
            state.proofs.push(proof);
            state.candidates.push(Candidate {
                weight: proof.weight,
                source: MADE,
                combination,
            });
        }
    }

    /// All consistent unions of a proof of one list with one of another.
    pub(super) fn product(
        &self,
        left: &[Proof],
        right: &[Proof],
        state: &mut Proofs,
    ) -> Vec<Proof> {
        let mut products = Vec::with_capacity(left.len() * right.len());
        let mut merged = std::mem::take(&mut state.scratch);
        for &a in left {
            for &b in right {
                if self
                    .variables
                    .merge(state.literals(a), state.literals(b), &mut merged)
                {
                    let weight = self.variables.weight(&merged, &state.weights);
                    products.push(store(&merged, weight, state));
                }
            }
        }
        state.scratch = merged;
        if products.len() > self.beam() {
            let (kept, dropped) = best(products, self.beam(), &state.literals);
            state.truncated |= dropped;
            return kept;
        }
        products
    }

    /// Negation of the kept proofs: one literal of each must fail.
    pub(super) fn negate(&self, node: u32, state: &mut Proofs) {
        let Some(&child) = self.cone.children(node).first() else {
            return;
        };
        let denied = state.list(child).to_vec();
        let mut products = vec![Proof {
            weight: 1.0,
            start: 0,
            len: 0,
        }];
        for proof in denied {
            let literals: Vec<u32> = state
                .literals(proof)
                .iter()
                .map(|&literal| flip(literal))
                .collect();
            let mut factors = Vec::with_capacity(literals.len());
            for literal in literals {
                let weight = literal_weight(literal, &state.weights);
                factors.push(store(&[literal], weight, state));
            }
            products = self.product(&products, &factors, state);
        }
        state.candidates.clear();
        self.offer(&products, state);
        self.keep(node, state);
    }

    /// Keeps the k heaviest candidates that no other one subsumes.
    pub(super) fn keep(&self, node: u32, state: &mut Proofs) {
        let mut candidates = std::mem::take(&mut state.candidates);
        candidates.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        let mut run = std::mem::take(&mut state.run);
        let start = state.proofs.len();
        let mut rest = candidates.as_slice();
        'all: while let Some(first) = rest.first() {
            let len = rest
                .iter()
                .take_while(|other| other.weight == first.weight)
                .count()
                .max(1);
            let (equal, lighter) = rest.split_at(len);
            rest = lighter;
            run.clear();
            for &candidate in equal {
                run.push(self.materialise(candidate, state));
            }
            let literals = &state.literals;
            run.sort_by(|a, b| shortlex(*a, *b, literals));
            for &proof in &run {
                let kept = &state.proofs[start..];
                let here = slice(proof, &state.literals);
                if kept
                    .iter()
                    .any(|&other| subset(slice(other, &state.literals), here))
                {
                    continue;
                }
                if kept.len() == self.k {
                    state.truncated = true;
                    break 'all;
                }
                state.proofs.push(proof);
            }
        }
        state.lists[node as usize] = (start as u32, (state.proofs.len() - start) as u32);
        state.run = run;
        state.candidates = candidates;
    }

    pub(super) fn materialise(&self, candidate: Candidate, state: &mut Proofs) -> Proof {
        if candidate.source == MADE {
            return state.proofs[candidate.combination as usize];
        }
        let (start, len) = state.lists[candidate.source as usize];
        if len > 0 {
            return state.proofs[(start + candidate.combination) as usize];
        }
        let from = state.literals.len();
        let mut rest = candidate.combination;
        for &child in self.cone.children(candidate.source) {
            let (start, len) = state.lists[child as usize];
            let proof = state.proofs[(start + rest % len) as usize];
            rest /= len;
            state
                .literals
                .extend_from_within(proof.start as usize..(proof.start + proof.len) as usize);
        }
        state.literals[from..].sort_unstable();
        Proof {
            weight: candidate.weight,
            start: from as u32,
            len: (state.literals.len() - from) as u32,
        }
    }
}

pub(super) fn slice(proof: Proof, literals: &[u32]) -> &[u32] {
    &literals[proof.start as usize..(proof.start + proof.len) as usize]
}

pub(super) fn store(literals: &[u32], weight: f64, state: &mut Proofs) -> Proof {
    let start = state.literals.len() as u32;
    state.literals.extend_from_slice(literals);
    Proof {
        weight,
        start,
        len: literals.len() as u32,
    }
}

fn shortlex(a: Proof, b: Proof, literals: &[u32]) -> std::cmp::Ordering {
    a.len
        .cmp(&b.len)
        .then_with(|| slice(a, literals).cmp(slice(b, literals)))
}

/// The heaviest proofs that no other one subsumes, and whether others were dropped.
fn best(mut proofs: Vec<Proof>, most: usize, literals: &[u32]) -> (Vec<Proof>, bool) {
    proofs.sort_by(|a, b| {
        b.weight
            .total_cmp(&a.weight)
            .then_with(|| shortlex(*a, *b, literals))
    });
    let mut kept: Vec<Proof> = Vec::with_capacity(most);
    for proof in proofs {
        let here = slice(proof, literals);
        if kept
            .iter()
            .any(|&other| subset(slice(other, literals), here))
        {
            continue;
        }
        if kept.len() == most {
            return (kept, true);
        }
        kept.push(proof);
    }
    (kept, false)
}
