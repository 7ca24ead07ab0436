//! Degrees of truth where faults add up.

use crate::Provenance;

/// min(1, x + y), max(0, x + y − 1), 1 − x on numbers between 0 and 1.
///
/// Łukasiewicz logic: a conjunction lacks of truth what its parts lack together, up to all of it. De Morgan's laws and
/// the excluded middle hold (`add(x, 1 − x)` is 1); `not a or b` is the Łukasiewicz implication min(1, 1 − a + b).
/// Neither idempotent nor distributive: a fixpoint on a cycle is approached until the change is below 1e-12. A
/// clamped value has gradient 0. The members of an aggregate are taken as the best set of those that give a result.
/// After Hájek, "Metamathematics of fuzzy logic", 1998.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lukasiewicz;

impl Provenance for Lukasiewicz {
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
        let lack = (1.0 - a) + (1.0 - b);
        if lack > 1.0 { 0.0 } else { 1.0 - lack }
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
