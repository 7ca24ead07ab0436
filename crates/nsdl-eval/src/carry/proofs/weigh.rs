//! The probability that some proof of a row holds.

use nsdl_provenance::literals::leaf;
use nsdl_provenance::union::{self, Disjuncts, Scratch};

use super::list::{Proof, Sets};
use crate::carry::Carry;

/// Weighs rows one after the other.
pub(super) struct Weighing<'a> {
    sets: &'a Sets,
    /// Of each leaf.
    weights: &'a [f64],
    scratch: Scratch,
    /// For each set of proofs of a row, by its bits, the probability that all of them hold.
    products: Vec<f64>,
}

impl<'a> Weighing<'a> {
    pub(super) fn new(sets: &'a Sets, weights: &'a [f64]) -> Self {
        Self {
            sets,
            weights,
            scratch: Scratch::default(),
            products: Vec::new(),
        }
    }

    /// The probability of the union, by inclusion and exclusion.
    pub(super) fn weigh(&mut self, proofs: &[Proof]) -> f64 {
        if self.sets.independent {
            return self.independent(proofs);
        }
        let Self { sets, weights, .. } = *self;
        let mut total = 0.0;
        let kept = Kept { proofs, sets };
        let add = &mut |literals: &[u32], sign: f64| {
            total += sign * sets.variables.probability(literals, weights);
        };
        union::terms(&kept, &sets.variables, &mut self.scratch, add);
        total
    }

    /// The same where all leaves are independent: each literal of the union is a factor of all products of sets that
    /// have a proof with it.
    fn independent(&mut self, proofs: &[Proof]) -> f64 {
        let weight = |literal: u32| self.weights[leaf(literal) as usize];
        if let [only] = *proofs {
            let literals = self.sets.literals(only).iter();
            return literals.map(|&literal| weight(literal)).product();
        }
        self.products.clear();
        self.products.resize(1 << proofs.len(), 1.0);
        // What each proof has that was not met yet.
        let mut left = [&[][..]; Carry::MOST_PROOFS];
        for (left, proof) in left.iter_mut().zip(proofs) {
            *left = self.sets.literals(*proof);
        }
        let left = &mut left[..proofs.len()];
        while let Some(least) = left.iter().filter_map(|left| left.first().copied()).min() {
            let mut with = 0_usize;
            for (number, left) in left.iter_mut().enumerate() {
                if let Some((first, rest)) = left.split_first()
                    && *first == least
                {
                    *left = rest;
                    with |= 1 << number;
                }
            }
            for (set, product) in self.products.iter_mut().enumerate() {
                if set & with != 0 {
                    *product *= weight(least);
                }
            }
        }
        let signed = (1..)
            .zip(&self.products[1..])
            .map(|(set, product): (u32, _)| {
                if set.count_ones() % 2 == 1 {
                    *product
                } else {
                    -product
                }
            });
        signed.sum()
    }
}

/// The proofs of one row.
struct Kept<'a> {
    proofs: &'a [Proof],
    sets: &'a Sets,
}

impl Disjuncts for Kept<'_> {
    fn len(&self) -> usize {
        self.proofs.len()
    }

    fn get(&self, index: usize) -> &[u32] {
        self.sets.literals(self.proofs[index])
    }
}
