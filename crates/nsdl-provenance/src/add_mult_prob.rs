//! Sums of products, clamped at 1.

use crate::Provenance;

/// min(1, x + y), x · y, 1 − x on numbers between 0 and 1.
///
/// Exact where alternatives exclude each other and conjuncts are independent; else an over-estimate by what
/// alternatives have in common, and wrong either way where a fact is used twice. Not idempotent, and
/// distributive only below the clamp: a fixpoint on a cycle is approached, not reached
/// ([`Provenance::saturated`] is a change below 1e-12).
#[derive(Clone, Copy, Debug, Default)]
pub struct AddMultProb;

impl AddMultProb {
    /// Largest change of a tag that still counts as none.
    pub const TOLERANCE: f64 = 1e-12;
}

impl Provenance for AddMultProb {
    type Tag = f64;

    const IDEMPOTENT: bool = false;
    const ABSORPTIVE: bool = true;
    const DISTRIBUTIVE: bool = false;
    const INVOLUTIVE: bool = true;

    fn zero(&self) -> f64 {
        0.0
    }

    fn one(&self) -> f64 {
        1.0
    }

    #[inline]
    fn add(&self, a: &f64, b: &f64) -> f64 {
        let sum = a + b;
        if sum > 1.0 { 1.0 } else { sum }
    }

    #[inline]
    fn mult(&self, a: &f64, b: &f64) -> f64 {
        a * b
    }

    #[inline]
    fn negate(&self, a: &f64) -> f64 {
        1.0 - a
    }

    fn saturated(&self, old: &f64, new: &f64) -> bool {
        (old - new).abs() < Self::TOLERANCE
    }

    fn weight(&self, a: &f64) -> f64 {
        *a
    }
}
