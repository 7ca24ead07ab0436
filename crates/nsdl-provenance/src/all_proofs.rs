//! When a tuple holds, as a formula.

use std::sync::atomic::AtomicBool;

use crate::Provenance;
use crate::literals::{Variables, flip, holds};
use crate::top_k_proofs::Proofs;
use crate::why::{affordable, smallest, too_large};

/// Sets of all proofs: what [`crate::TopKProofs`] is for an unbounded k, without weights.
///
/// A proof is a consistent set of literals, each an uncertain fact or its absence: facts that exclude each other are in
/// no proof together. A tag is the disjunction of its proofs, a formula for when the tuple holds; proofs that contain
/// another are dropped. Exact, as an event: equal events may have different proofs. There may be exponentially many,
/// and a negation multiplies the sizes of the proofs it negates: an operation past [`AllProofs::limit`] literals
/// fails ([`Provenance::failure`]).
#[derive(Debug)]
pub struct AllProofs {
    /// The random variables that literals speak of.
    pub variables: Variables,
    /// How many literals the proofs of a tag may have together.
    pub limit: usize,
    full: AtomicBool,
}

impl AllProofs {
    /// The limit unless another is given.
    pub const LIMIT: usize = 1_000_000;

    /// Over these variables, with tags of at most so many literals.
    pub fn new(variables: Variables, limit: usize) -> Self {
        Self {
            variables,
            limit,
            full: AtomicBool::new(false),
        }
    }

    /// The tag of a fact that holds if this leaf does.
    pub fn tag(&self, leaf: u32) -> Proofs {
        vec![vec![holds(leaf)]]
    }

    fn smallest(&self, proofs: Proofs) -> Proofs {
        smallest(proofs, self.limit, &self.full)
    }
}

impl Provenance for AllProofs {
    type Tag = Proofs;

    const IDEMPOTENT: bool = true;
    const ABSORPTIVE: bool = true;
    const DISTRIBUTIVE: bool = true;
    const INVOLUTIVE: bool = false;
    const BOOLEAN: bool = true;

    fn zero(&self) -> Proofs {
        Vec::new()
    }

    fn one(&self) -> Proofs {
        vec![Vec::new()]
    }

    fn add(&self, a: &Proofs, b: &Proofs) -> Proofs {
        self.smallest(a.iter().chain(b).cloned().collect())
    }

    fn mult(&self, a: &Proofs, b: &Proofs) -> Proofs {
        if !affordable(a, b, self.limit, &self.full) {
            return self.zero();
        }
        let mut products = Vec::with_capacity(a.len() * b.len());
        for x in a {
            for y in b {
                let mut merged = Vec::with_capacity(x.len() + y.len());
                if self.variables.merge(x, y, &mut merged) {
                    products.push(merged);
                }
            }
        }
        self.smallest(products)
    }

    fn negate(&self, a: &Proofs) -> Proofs {
        a.iter().fold(self.one(), |all, proof| {
            let failures = proof.iter().map(|&literal| vec![flip(literal)]).collect();
            self.mult(&all, &failures)
        })
    }

    fn size(&self, tag: &Self::Tag) -> usize {
        tag.iter().map(|set| set.len() + 1).sum()
    }

    fn failure(&self) -> Option<String> {
        too_large(self.limit, &self.full)
    }

    /// 1 if there is a proof: how probable it is, other algebras know.
    fn weight(&self, a: &Proofs) -> f64 {
        f64::from(u8::from(!a.is_empty()))
    }
}
