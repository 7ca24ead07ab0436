//! The probability that some proof of a row holds.

use nsdl_provenance::literals::leaf;
use nsdl_provenance::union::{self, Disjuncts, Scratch};
use rustc_hash::FxHashMap;

use super::literals::Literals;
use super::sets::{Proof, Sets};

/// Weighs rows one after the other.
pub(super) struct Weighing<'a> {
    sets: &'a Sets,
    /// Of each leaf.
    weights: &'a [f64],
    scratch: Scratch,
    /// The probability that all literals hold that proofs share, by their place.
    shared: FxHashMap<*const u32, f64>,
    /// Of each leaf, which proofs of a row have it that was not met yet, by their bits.
    with: Vec<u16>,
    /// For each set of proofs, by its bits, what belongs to just these, then what belongs to none of those.
    just: Vec<f64>,
    /// For each set of proofs, the probability that all of them hold.
    products: Vec<f64>,
}

impl<'a> Weighing<'a> {
    pub(super) fn new(sets: &'a Sets, weights: &'a [f64]) -> Self {
        Self {
            sets,
            weights,
            scratch: Scratch::default(),
            shared: FxHashMap::default(),
            with: vec![0; weights.len()],
            just: Vec::new(),
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
        let Self { sets, weights, .. } = *self;
        if let [only] = *proofs {
            let product = |literals: &[u32]| -> f64 {
                let weights = literals.iter().map(|&it| weights[leaf(it) as usize]);
                weights.product()
            };
            let Literals { shared, others } = sets.literals(only);
            let shared = match others {
                [] => product(shared),
                _ => *(self.shared)
                    .entry(shared.as_ptr())
                    .or_insert_with(|| product(shared)),
            };
            return shared * product(others);
        }
        for (number, proof) in proofs.iter().enumerate() {
            for literal in sets.literals(*proof).iter() {
                self.with[leaf(literal) as usize] |= 1 << number;
            }
        }
        self.just.clear();
        self.just.resize(1 << proofs.len(), 1.0);
        for proof in proofs {
            for literal in sets.literals(*proof).iter() {
                let leaf = leaf(literal) as usize;
                // A literal that was met is of no proof: that product is not asked for.
                let with = std::mem::take(&mut self.with[leaf]);
                self.just[usize::from(with)] *= weights[leaf];
            }
        }
        self.products.clear();
        self.products.resize(1 << proofs.len(), 1.0);
        for number in 0..proofs.len() {
            let bit = 1 << number;
            for set in 0..bit {
                self.products[set | bit] = self.products[set];
            }
            for place in (0..self.just.len()).filter(|place| place & bit == 0) {
                let (without, with) = (self.just[place], self.just[place | bit]);
                // Lower bits are of the set in question, higher ones of the proofs that a factor belongs to.
                self.products[place & (bit - 1) | bit] *= with;
                self.just[place] = without * with;
                self.just[place | bit] = without;
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
        // Nothing is shared where leaves depend on each other.
        self.sets.literals(self.proofs[index]).shared
    }
}
