//! The most probable derivation.

use crate::Provenance;

/// Max, x · y, 1 − x on numbers between 0 and 1: the Viterbi algebra.
///
/// The tag of a tuple is the product of the tags along its best derivation tree, where a fact counts as often as it is
/// used: a lower bound of the probability for facts used once, without negation and aggregates. A distributive
/// lattice-ordered semiring; fixpoints on cycles are reached, since going round gains nothing. Gradients go to the
/// facts of one derivation.
/// After Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm", 1967.
#[derive(Clone, Copy, Debug, Default)]
pub struct MaxMultProb;

impl Provenance for MaxMultProb {
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
        a * b
    }

    #[inline]
    fn negate(&self, a: &f64) -> f64 {
        1.0 - a
    }

    fn weight(&self, a: &f64) -> f64 {
        *a
    }
}
