//! Alternatives as if they were independent.

use crate::Provenance;

/// 1 − (1 − x)(1 − y), x · y, 1 − x on numbers between 0 and 1.
///
/// The probability if all alternatives are independent and all conjuncts are: noisy-or of products. Wrong where facts
/// are used twice or exclude each other; never above 1, so that gradients are not lost to a clamp. Neither
/// idempotent nor distributive: a fixpoint on a cycle is approached until the change is below 1e-12. The members of an
/// aggregate, which hold or do not, are added as the exclusive cases that they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct NandMultProb;

impl Provenance for NandMultProb {
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
        a * b
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
