//! What the cheapest derivation costs, in whole numbers.

use crate::{Extended, Provenance};

/// Natural numbers with ∞: minimum and sum.
///
/// The tag of a fact is its cost, that of a tuple the cost of its cheapest derivation tree: shortest paths, fewest
/// steps. A fact without a tag costs nothing. Exact up to 128 bits, past which a cost is [`Extended::Huge`];
/// on cycles too, since going round costs at least nothing. No complement: what has a finite cost is not absent.
/// After Simon, "Recognizable sets with multiplicities in the tropical semiring", MFCS 1988.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tropical;

impl Provenance for Tropical {
    type Tag = Extended;

    const IDEMPOTENT: bool = true;
    const ABSORPTIVE: bool = true;
    const DISTRIBUTIVE: bool = true;
    const INVOLUTIVE: bool = false;

    fn zero(&self) -> Extended {
        Extended::Infinite
    }

    fn one(&self) -> Extended {
        Extended::ZERO
    }

    fn add(&self, a: &Extended, b: &Extended) -> Extended {
        *a.min(b)
    }

    fn mult(&self, a: &Extended, b: &Extended) -> Extended {
        a.plus(*b)
    }

    fn has_complement(&self) -> bool {
        false
    }

    /// e^−t.
    fn weight(&self, a: &Extended) -> f64 {
        (-a.to_f64()).exp()
    }
}
