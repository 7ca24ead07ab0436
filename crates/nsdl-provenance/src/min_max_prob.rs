//! Strength of the strongest derivation, where a derivation is as strong as its weakest part.

use crate::Provenance;

/// Max, min, 1 − x on numbers between 0 and 1.
///
/// A bounded distributive lattice with an involution (De Morgan, not Boolean: `min(x, 1 − x)` need not be 0).
/// Fixpoints on cycles are reached exactly, since all values are among those of the facts. Independence,
/// exclusion and repeated facts play no part, so a value is no probability: it lies between the extremes of its
/// facts. Gradients go to one fact for each output.
#[derive(Clone, Copy, Debug, Default)]
pub struct MinMaxProb;

impl Provenance for MinMaxProb {
    type Tag = f64;

    const IDEMPOTENT: bool = true;
    const ABSORPTIVE: bool = true;
    const DISTRIBUTIVE: bool = true;
    const INVOLUTIVE: bool = true;

    fn zero(&self) -> f64 {
        0.0
    }

    fn one(&self) -> f64 {
        1.0
    }

    #[inline]
    fn add(&self, a: &f64, b: &f64) -> f64 {
        if b > a { *b } else { *a }
    }

    #[inline]
    fn mult(&self, a: &f64, b: &f64) -> f64 {
        if b < a { *b } else { *a }
    }

    #[inline]
    fn negate(&self, a: &f64) -> f64 {
        1.0 - a
    }

    fn weight(&self, a: &f64) -> f64 {
        *a
    }
}
