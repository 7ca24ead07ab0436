//! The k most probable proofs.

use crate::Provenance;
use crate::literals::{Variables, flip, literal_weight, subset};

/// Kept proofs, heaviest first: sorted sets of literals ([`crate::literals`]), none a subset of another.
pub type Proofs = Vec<Vec<u32>>;

/// Sets of at most k proofs. A proof is a consistent set of literals and weighs the product of theirs.
///
/// Every operation drops subsumed proofs first and then keeps the k heaviest; ties go to the shorter proof and
/// then to the lexicographically smaller one. The weight of a tag is the probability that one of its proofs
/// holds, by inclusion and exclusion: exact for what is kept, hence a lower bound without negation and exact if
/// nothing was dropped, but exponential in k here (circuits compile long unions instead). One `mult` costs k²
/// merges, `negate` the product of the sizes of the proofs.
/// After Huang et al., "Scallop: from probabilistic deductive databases to scalable differentiable reasoning",
/// NeurIPS 2021, with exclusion of alternatives and subsumption added.
#[derive(Clone, Debug)]
pub struct TopKProofs {
    /// How many proofs a tag keeps, at least 1.
    pub k: usize,
    /// The random variables that literals speak of.
    pub variables: Variables,
    /// The probability of each leaf.
    pub weights: Vec<f64>,
}

impl TopKProofs {
    /// The tag of a fact that holds if this leaf does.
    pub fn tag(&self, leaf: u32) -> Proofs {
        vec![vec![crate::literals::holds(leaf)]]
    }

    fn keep(&self, mut proofs: Proofs) -> Proofs {
        let weight = |proof: &Vec<u32>| self.variables.weight(proof, &self.weights);
        proofs.sort_by(|a, b| {
            let heavier = weight(b).total_cmp(&weight(a));
            heavier.then(a.len().cmp(&b.len())).then_with(|| a.cmp(b))
        });
        let mut kept: Proofs = Vec::with_capacity(self.k.min(proofs.len()));
        for proof in proofs {
            if kept.len() == self.k.max(1) {
                break;
            }
            if !kept.iter().any(|other| subset(other, &proof)) {
                kept.push(proof);
            }
        }
        kept
    }

    fn product(&self, a: &Proofs, b: &Proofs) -> Proofs {
        let mut products = Vec::with_capacity(a.len() * b.len());
        for x in a {
            for y in b {
                let mut merged = Vec::with_capacity(x.len() + y.len());
                if self.variables.merge(x, y, &mut merged) {
                    products.push(merged);
                }
            }
        }
        products
    }

    fn union(&self, proofs: &[Vec<u32>], current: &[u32]) -> f64 {
        let Some((first, rest)) = proofs.split_first() else {
            return 0.0;
        };
        let mut merged = Vec::new();
        let mut total = self.union(rest, current);
        if self.variables.merge(current, first, &mut merged) {
            total += self.variables.probability(&merged, &self.weights) - self.union(rest, &merged);
        }
        total
    }
}

impl Provenance for TopKProofs {
    type Tag = Proofs;

    const IDEMPOTENT: bool = true;
    const ABSORPTIVE: bool = true;
    const DISTRIBUTIVE: bool = false;
    const INVOLUTIVE: bool = false;
    const BOOLEAN: bool = true;

    fn zero(&self) -> Proofs {
        Vec::new()
    }

    fn one(&self) -> Proofs {
        vec![Vec::new()]
    }

    fn add(&self, a: &Proofs, b: &Proofs) -> Proofs {
        self.keep(a.iter().chain(b).cloned().collect())
    }

    fn mult(&self, a: &Proofs, b: &Proofs) -> Proofs {
        self.keep(self.product(a, b))
    }

    fn negate(&self, a: &Proofs) -> Proofs {
        let all = a.iter().fold(self.one(), |all, proof| {
            let failures = proof.iter().map(|&literal| vec![flip(literal)]).collect();
            self.product(&all, &failures)
        });
        self.keep(all)
    }

    fn weight(&self, a: &Proofs) -> f64 {
        match a.as_slice() {
            [proof] if proof.len() == 1 => proof
                .iter()
                .map(|&l| literal_weight(l, &self.weights))
                .product(),
            proofs => self.union(proofs, &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_heaviest_and_weighs_their_union() {
        // Leaves 0 and 1 exclude each other, 2 and 3 are independent.
        let variables = Variables::new(vec![0, 0, 1, 2]);
        let algebra = TopKProofs {
            k: 2,
            variables,
            weights: vec![0.3, 0.5, 0.9, 0.2],
        };
        let [a, b, c, d] = [0, 1, 2, 3].map(|leaf| algebra.tag(leaf));
        assert_eq!(algebra.mult(&a, &b), algebra.zero());
        let both = algebra.add(&algebra.mult(&a, &c), &algebra.mult(&b, &c));
        assert_eq!(both, vec![vec![2, 4], vec![0, 4]]);
        assert!((algebra.weight(&both) - 0.72).abs() < 1e-15);
        // A third proof would have to be heavier than 0.27.
        assert_eq!(algebra.add(&both, &d), both);
        let neither = algebra.negate(&algebra.add(&a, &b));
        assert_eq!(neither, vec![vec![1, 3]]);
        assert!((algebra.weight(&neither) - 0.2).abs() < 1e-15);
        assert_eq!(algebra.negate(&algebra.one()), algebra.zero());
    }
}
