//! What the cheapest derivation costs.

use crate::Provenance;

/// Numbers from 0 to ∞: minimum and sum.
///
/// As [`crate::Tropical`], for costs that are no whole numbers, such as −ln p: the cheapest derivation then is the most
/// probable one. A tag is the cost itself. Sums round as floats do; the fixpoint on a cycle is reached, since
/// going round costs at least nothing. No complement.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealTropical;

impl Provenance for RealTropical {
    type Tag = f64;

    const IDEMPOTENT: bool = true;
    const ABSORPTIVE: bool = true;
    const DISTRIBUTIVE: bool = true;
    const INVOLUTIVE: bool = false;

    fn zero(&self) -> f64 {
        f64::INFINITY
    }

    fn one(&self) -> f64 {
        0.0
    }

    fn add(&self, a: &f64, b: &f64) -> f64 {
        if b < a { *b } else { *a }
    }

    fn mult(&self, a: &f64, b: &f64) -> f64 {
        a + b
    }

    fn has_complement(&self) -> bool {
        false
    }

    /// e^−t.
    fn weight(&self, a: &f64) -> f64 {
        (-a).exp()
    }
}
