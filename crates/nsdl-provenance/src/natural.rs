//! How many derivation trees a tuple has.

use crate::{Extended, Provenance};

/// Natural numbers with ∞: sum and product.
///
/// The tag of a tuple is the number of its derivation trees, each fact counted as often as its tag says: bag semantics
/// (Green, Karvounarakis and Tannen, "Provenance semirings", PODS 2007, §3). Exact up to 128 bits, past
/// which a number is [`Extended::Huge`]. A tuple that has a part in a derivation of itself has infinitely many trees.
/// No complement: what has a tree is not absent. That facts exclude each other plays no part.
///
/// A commutative semiring; not idempotent, so that a trace must hold each ground instance exactly once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Natural;

impl Provenance for Natural {
    type Tag = Extended;

    const IDEMPOTENT: bool = false;
    const ABSORPTIVE: bool = false;
    const DISTRIBUTIVE: bool = true;
    const INVOLUTIVE: bool = false;

    fn zero(&self) -> Extended {
        Extended::ZERO
    }

    fn one(&self) -> Extended {
        Extended::ONE
    }

    fn add(&self, a: &Extended, b: &Extended) -> Extended {
        a.plus(*b)
    }

    fn mult(&self, a: &Extended, b: &Extended) -> Extended {
        a.times(*b)
    }

    fn has_complement(&self) -> bool {
        false
    }

    fn closure(&self, tag: &Extended) -> Option<Extended> {
        Some(match *tag {
            Extended::ZERO => Extended::ZERO,
            _ => Extended::Infinite,
        })
    }

    /// n / (n + 1).
    fn weight(&self, a: &Extended) -> f64 {
        match a.to_f64() {
            f64::INFINITY => 1.0,
            n => n / (n + 1.0),
        }
    }
}
