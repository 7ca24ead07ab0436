//! Numbers by their logarithm: products add, sums are log-sum-exp, the complement is log(1 − exp).
//!
//! Gradients pass through complements and change their sign, so a number has one.

use super::Real;
use std::cmp::Ordering;
use std::ops::{Add, AddAssign, Mul, MulAssign, Sub, SubAssign};

/// exp(log), or its opposite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Log {
    pub log: f64,
    pub negative: bool,
}

impl Log {
    /// A positive number.
    pub fn of(log: f64) -> Self {
        Self {
            log,
            negative: false,
        }
    }

    /// `self / other`, where `other` is no zero.
    pub fn over(self, log: f64) -> Self {
        Self {
            log: self.log - log,
            negative: self.negative,
        }
    }

    fn opposite(self) -> Self {
        Self {
            log: self.log,
            negative: !self.negative,
        }
    }
}

/// log(1 − exp(x)) for x ≤ 0.
pub(crate) fn log1mexp(x: f64) -> f64 {
    if x > -std::f64::consts::LN_2 {
        (-x.exp_m1()).ln()
    } else {
        (-x.exp()).ln_1p()
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::ZERO
    }
}

impl PartialOrd for Log {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let zero = self.log == f64::NEG_INFINITY && other.log == f64::NEG_INFINITY;
        match (self.negative, other.negative) {
            _ if zero => Some(Ordering::Equal),
            (false, false) => self.log.partial_cmp(&other.log),
            (true, true) => other.log.partial_cmp(&self.log),
            (false, true) => Some(Ordering::Greater),
            (true, false) => Some(Ordering::Less),
        }
    }
}

impl Add for Log {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (large, small) = match self.log >= other.log {
            true => (self, other),
            false => (other, self),
        };
        if small.log == f64::NEG_INFINITY {
            return large;
        }
        let ratio = small.log - large.log;
        let factor = match large.negative == small.negative {
            true => ratio.exp().ln_1p(),
            false => log1mexp(ratio),
        };
        Self {
            log: large.log + factor,
            negative: large.negative,
        }
    }
}

impl Sub for Log {
    type Output = Self;

    #[allow(clippy::suspicious_arithmetic_impl)] // The sum has all cases.
    fn sub(self, other: Self) -> Self {
        self + other.opposite()
    }
}

impl Mul for Log {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        // Zero times anything is zero, infinity included.
        if self.log == f64::NEG_INFINITY || other.log == f64::NEG_INFINITY {
            return Self::ZERO;
        }
        Self {
            log: self.log + other.log,
            negative: self.negative != other.negative,
        }
    }
}

impl AddAssign for Log {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Log {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl MulAssign for Log {
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

impl Real for Log {
    const ZERO: Self = Self {
        log: f64::NEG_INFINITY,
        negative: false,
    };
    const ONE: Self = Self {
        log: 0.0,
        negative: false,
    };
    const TINY: f64 = f64::MIN_POSITIVE;

    fn to_f64(self) -> f64 {
        let size = self.log.exp();
        if self.negative { -size } else { size }
    }

    fn from_f64(x: f64) -> Self {
        Self {
            log: x.abs().ln(),
            negative: x < 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_is_that_of_numbers() {
        let numbers = [-3.0, -1.0, -0.25, 0.0, 1e-3, 0.5, 1.0, 2.0];
        for a in numbers {
            for b in numbers {
                let (x, y) = (Log::from_f64(a), Log::from_f64(b));
                for (found, wanted) in [(x + y, a + b), (x - y, a - b), (x * y, a * b)] {
                    assert!(
                        (found.to_f64() - wanted).abs() < 1e-14,
                        "{a} {b}: {found:?}"
                    );
                }
                assert_eq!(x.partial_cmp(&y), a.partial_cmp(&b), "{a} {b}");
            }
        }
    }

    #[test]
    fn nothing_is_lost_near_0_and_1() {
        let tiny = Log::of(-1e4);
        let almost = Log::ONE - tiny;
        assert_eq!(almost.log, 0.0);
        assert!((Log::ONE - Log::of(-1e-300)).log + 300.0 * std::f64::consts::LN_10 < 1e-9);
        let product = tiny * tiny;
        assert_eq!(product.log, -2e4);
    }
}
