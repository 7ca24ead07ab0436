//! What the reverse pass is over: numbers, or numbers with a slope, whose gradients then have the second derivatives.

use crate::real::{Dual, Real};

/// `f64` or [`Dual`].
pub(crate) trait Number: Real {
    /// Whether they have slopes.
    const SLOPED: bool;
    /// Of a value and its slope.
    fn new(value: f64, slope: f64) -> Self;
    /// How it changes; 0 for those without.
    fn slope(self) -> f64;

    /// Whether it is 0 and stays so.
    #[inline(always)]
    fn is_nil(self) -> bool {
        self == Self::ZERO && (!Self::SLOPED || self.slope() == 0.0)
    }
}

impl Number for f64 {
    const SLOPED: bool = false;

    #[inline(always)]
    fn new(value: f64, _: f64) -> Self {
        value
    }

    #[inline(always)]
    fn slope(self) -> f64 {
        0.0
    }
}

impl Number for Dual<f64> {
    const SLOPED: bool = true;

    #[inline(always)]
    fn new(value: f64, slope: f64) -> Self {
        Self { value, slope }
    }

    #[inline(always)]
    fn slope(self) -> f64 {
        self.slope
    }
}

/// Whether all of a row are 0 and stay so.
#[inline(always)]
pub(super) fn is_nil<T: Number, const L: usize>(row: &[T; L]) -> bool {
    *row == [T::ZERO; L] && (!T::SLOPED || row.iter().all(|one| one.slope() == 0.0))
}
