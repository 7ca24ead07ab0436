//! Natural numbers with an end.

use std::fmt;

/// A natural number, or what is beyond.
///
/// Sums and products past 128 bits are [`Extended::Huge`]: the numbers from there on are one, which keeps all laws,
/// and whoever shows a number says that it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extended {
    /// This number.
    Finite(u128),
    /// Finite, but more than 128 bits hold.
    Huge,
    /// ∞.
    Infinite,
}

impl Extended {
    /// 0.
    pub const ZERO: Self = Extended::Finite(0);
    /// 1.
    pub const ONE: Self = Extended::Finite(1);

    /// The natural number that a float is; ∞ for ∞. `None` for all other floats.
    pub fn from_f64(x: f64) -> Option<Self> {
        // Every float in this range fits.
        match x {
            f64::INFINITY => Some(Extended::Infinite),
            x if x >= 0.0 && x.fract() == 0.0 && x < 2f64.powi(128) => {
                Some(Extended::Finite(x as u128))
            }
            _ => None,
        }
    }

    /// The nearest float; 2^128 stands for what is huge.
    pub fn to_f64(self) -> f64 {
        match self {
            Extended::Finite(n) => n as f64,
            Extended::Huge => 2f64.powi(128),
            Extended::Infinite => f64::INFINITY,
        }
    }

    /// Sum; ∞ absorbs.
    pub fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Extended::Finite(a), Extended::Finite(b)) => {
                a.checked_add(b).map_or(Extended::Huge, Extended::Finite)
            }
            _ => self.max(other),
        }
    }

    /// Product; 0 absorbs, even ∞.
    pub fn times(self, other: Self) -> Self {
        match (self, other) {
            (Self::ZERO, _) | (_, Self::ZERO) => Self::ZERO,
            (Extended::Finite(a), Extended::Finite(b)) => {
                a.checked_mul(b).map_or(Extended::Huge, Extended::Finite)
            }
            _ => self.max(other),
        }
    }
}

impl fmt::Display for Extended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Extended::Finite(n) => n.fmt(f),
            Extended::Huge => f.write_str("huge"),
            Extended::Infinite => f.write_str("inf"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_without_wrapping() {
        let most = Extended::Finite(u128::MAX);
        assert_eq!(most.plus(Extended::ZERO), most);
        assert_eq!(most.plus(Extended::ONE), Extended::Huge);
        assert_eq!(most.times(Extended::Finite(2)), Extended::Huge);
        assert_eq!(Extended::Huge.times(Extended::ZERO), Extended::ZERO);
        assert_eq!(Extended::Infinite.times(Extended::ZERO), Extended::ZERO);
        assert_eq!(Extended::Infinite.plus(Extended::Huge), Extended::Infinite);
    }

    #[test]
    fn floats_that_are_natural_numbers() {
        assert_eq!(Extended::from_f64(3.0), Some(Extended::Finite(3)));
        assert_eq!(Extended::from_f64(f64::INFINITY), Some(Extended::Infinite));
        for x in [0.5, -1.0, f64::NAN, 2f64.powi(128)] {
            assert_eq!(Extended::from_f64(x), None, "{x}");
        }
    }
}
