//! Building the proofs of one tuple: conjunction, negation, and what is kept.

use super::{Candidate, Keep, MADE, Proof, Proofs, TopK};
use crate::sample::random::{unit, word};
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
            self.multiply_all(node, state);
            return;
        }
        for combination in 0..combinations as u32 {
            let mut rest = combination;
            let (mut weight, mut noise, mut born) = (1.0, 0u64, 0);
            for &child in children {
                let (start, len) = state.lists[child as usize];
                let proof = state.proofs[(start + rest % len) as usize];
                weight *= proof.weight;
                noise = noise.wrapping_add(proof.noise);
                born = born.max(proof.born);
                rest /= len;
            }
            if born <= state.since && state.since > 0 || self.hopeless(weight, state) {
                continue;
            }
            state.candidates.push(Candidate {
                weight,
                rank: self.rank(weight, noise),
                source: node,
                combination,
            });
        }
    }

    /// Makes candidates of the consistent unions of proofs of all children, from left to right.
    fn multiply_all(&self, node: u32, state: &mut Proofs) {
        let [first, rest @ ..] = self.cone.children(node) else {
            return;
        };
        let since = std::mem::take(&mut state.since);
        let [mut products, mut factors, mut made] = std::mem::take(&mut state.products);
        products.clear();
        products.extend_from_slice(state.list(*first));
        for (place, &child) in rest.iter().enumerate() {
            factors.clear();
            factors.extend_from_slice(state.list(child));
            if place + 1 == rest.len() {
                state.since = since;
            }
            let apart = self.apart[node as usize] >> (place + 1).min(63) & 1 == 1;
            self.multiply(&products, &factors, apart, &mut made, state);
            std::mem::swap(&mut products, &mut made);
        }
        state.since = since;
        self.offer(&products, state);
        state.products = [products, factors, made];
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
                rank: self.rank(proof.weight, proof.noise),
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
        let mut products = Vec::new();
        self.multiply(left, right, false, &mut products, state);
        products
    }

    /// The same, written to `products`. What is `apart` has no random variable in common with the other list.
    fn multiply(
        &self,
        left: &[Proof],
        right: &[Proof],
        apart: bool,
        products: &mut Vec<Proof>,
        state: &mut Proofs,
    ) {
        products.clear();
        let mut merged = std::mem::take(&mut state.scratch);
        for &a in left {
            for &b in right {
                let born = a.born.max(b.born);
                let known = born <= state.since && state.since > 0;
                let most = match apart {
                    true => a.weight * b.weight,
                    false => a.weight.min(b.weight),
                };
                if known || self.hopeless(most, state) {
                    continue;
                }
                if self
                    .variables
                    .merge(state.literals(a), state.literals(b), &mut merged)
                {
                    let weight = self.variables.weight(&merged, &state.weights);
                    if self.hopeless(weight, state) {
                        continue;
                    }
                    let made = self.store(&merged, weight, state);
                    products.push(Proof { born, ..made });
                }
            }
        }
        state.scratch = merged;
        if products.len() > self.beam() {
            let (kept, dropped) = self.best(std::mem::take(products), &state.literals);
            state.truncated |= dropped;
            *products = kept;
        }
    }

    /// Negation of the kept proofs: one literal of each must fail.
    pub(super) fn negate(&self, node: u32, state: &mut Proofs) {
        let Some(&child) = self.cone.children(node).first() else {
            return;
        };
        let denied = state.list(child).to_vec();
        self.negate_proofs(node, &denied, state);
    }

    /// Makes the proofs of a node from those of which none may hold.
    pub(super) fn negate_proofs(&self, node: u32, denied: &[Proof], state: &mut Proofs) {
        let mut products = vec![NOTHING];
        for &proof in denied {
            let literals: Vec<u32> = state
                .literals(proof)
                .iter()
                .map(|&literal| flip(literal))
                .collect();
            let mut factors = Vec::with_capacity(literals.len());
            for literal in literals {
                let weight = literal_weight(literal, &state.weights);
                factors.push(self.store(&[literal], weight, state));
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
        candidates.sort_by(|a, b| b.rank.total_cmp(&a.rank));
        let mut run = std::mem::take(&mut state.run);
        let start = state.proofs.len();
        let mut rest = candidates.as_slice();
        'all: while let Some(first) = rest.first() {
            let len = rest
                .iter()
                .take_while(|other| other.rank == first.rank)
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
        let mut noise = 0u64;
        let mut born = 0;
        for &child in self.cone.children(candidate.source) {
            let (start, len) = state.lists[child as usize];
            let proof = state.proofs[(start + rest % len) as usize];
            rest /= len;
            noise = noise.wrapping_add(proof.noise);
            born = born.max(proof.born);
            state
                .literals
                .extend_from_within(proof.start as usize..(proof.start + proof.len) as usize);
        }
        state.literals[from..].sort_unstable();
        Proof {
            weight: candidate.weight,
            noise,
            start: from as u32,
            len: (state.literals.len() - from) as u32,
            born,
        }
    }
}

pub(super) fn slice(proof: Proof, literals: &[u32]) -> &[u32] {
    &literals[proof.start as usize..(proof.start + proof.len) as usize]
}

fn shortlex(a: Proof, b: Proof, literals: &[u32]) -> std::cmp::Ordering {
    a.len
        .cmp(&b.len)
        .then_with(|| slice(a, literals).cmp(slice(b, literals)))
}

impl TopK {
    /// The highest-ranked proofs that no other one subsumes, and whether others were dropped.
    fn best(&self, mut proofs: Vec<Proof>, literals: &[u32]) -> (Vec<Proof>, bool) {
        let rank = |proof: &Proof| self.rank(proof.weight, proof.noise);
        proofs.sort_by(|a, b| {
            rank(b)
                .total_cmp(&rank(a))
                .then_with(|| shortlex(*a, *b, literals))
        });
        let most = self.beam();
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

    /// What a proof is kept by.
    pub(super) fn rank(&self, weight: f64, noise: u64) -> f64 {
        match self.keep {
            Keep::Best | Keep::Clauses => weight,
            Keep::Drawn(seed) => {
                // Gumbel noise: the k highest are a draw without replacement.
                let uniform = unit(word(&[seed, noise])).max(f64::MIN_POSITIVE);
                weight.ln() - (-uniform.ln()).ln()
            }
        }
    }

    /// Adds a proof to the arena.
    pub(super) fn store(&self, literals: &[u32], weight: f64, state: &mut Proofs) -> Proof {
        let noise = match self.keep {
            Keep::Best | Keep::Clauses => 0,
            Keep::Drawn(_) => literals.iter().fold(0u64, |noise, &literal| {
                noise.wrapping_add(word(&[u64::from(literal)]))
            }),
        };
        let start = state.literals.len() as u32;
        state.literals.extend_from_slice(literals);
        Proof {
            weight,
            noise,
            start,
            len: literals.len() as u32,
            born: state.tick,
        }
    }
}

/// The proof of what holds anyhow.
pub(super) const NOTHING: Proof = Proof {
    weight: 1.0,
    noise: 0,
    start: 0,
    len: 0,
    born: 0,
};
