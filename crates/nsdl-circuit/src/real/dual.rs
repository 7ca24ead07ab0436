//! Numbers with a derivative: a pass over them is also that of its directional derivative.

use super::Real;
use nsdl_provenance::literals::Weight;
use std::cmp::Ordering;
use std::ops::{Add, AddAssign, Mul, MulAssign, Sub, SubAssign};

/// `value + slope · ε` with ε² = 0. Compared by value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dual<T> {
    pub value: T,
    pub slope: T,
}

impl<T: Real> PartialEq for Dual<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Real> PartialOrd for Dual<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Real> Add for Dual<T> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self {
            value: self.value + other.value,
            slope: self.slope + other.slope,
        }
    }
}

impl<T: Real> Sub for Dual<T> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self {
            value: self.value - other.value,
            slope: self.slope - other.slope,
        }
    }
}

impl<T: Real> Mul for Dual<T> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self {
            value: self.value * other.value,
            slope: self.slope * other.value + self.value * other.slope,
        }
    }
}

impl<T: Real> AddAssign for Dual<T> {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl<T: Real> SubAssign for Dual<T> {
    #[inline(always)]
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl<T: Real> MulAssign for Dual<T> {
    #[inline(always)]
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

impl<T: Real> Real for Dual<T> {
    const ZERO: Self = Self {
        value: T::ZERO,
        slope: T::ZERO,
    };
    const ONE: Self = Self {
        value: T::ONE,
        slope: T::ZERO,
    };
    const TINY: f64 = T::TINY;

    fn to_f64(self) -> f64 {
        self.value.to_f64()
    }

    fn from_f64(x: f64) -> Self {
        Self {
            value: T::from_f64(x),
            slope: T::ZERO,
        }
    }
}

impl Weight for Dual<f64> {
    fn one() -> Self {
        Self::ONE
    }
}
