//! Alternatives that add up, each as strong as its weakest part.

use crate::Provenance;

/// 1 − (1 − x)(1 − y), min, 1 − x on numbers between 0 and 1.
///
/// Between [`crate::NandMultProb`] and [`crate::MinMaxProb`]: independent sources of evidence strengthen each other, while
/// a chain is as strong as its weakest link. No probability of anything. Neither idempotent nor distributive: a
/// fixpoint on a cycle is approached until the change is below 1e-12. The members of an aggregate are taken as the best
/// set of those that give a result.
#[derive(Clone, Copy, Debug, Default)]
pub struct NandMinProb;

impl Provenance for NandMinProb {
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
        1.0 - (1.0 - a) * (1.0 - b)
    }

    #[inline]
    fn mult(&self, a: &f64, b: &f64) -> f64 {
        if b < a { *b } else { *a }
    }

    #[inline]
    fn negate(&self, a: &f64) -> f64 {
        1.0 - a
    }

    fn saturated(&self, old: &f64, new: &f64) -> bool {
        (old - new).abs() < crate::AddMultProb::TOLERANCE
    }

    fn weight(&self, a: &f64) -> f64 {
        *a
    }
}
