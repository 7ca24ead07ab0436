//! exp and ln without branches, so that compilers make vector code of loops over them; within 3 units in the last place.
//! Methods as in Muller, "Elementary Functions" (2016): reduction by a power of two, then a polynomial.

use std::f64::consts::{LOG2_E, SQRT_2};

/// ln 2 in two parts; products of the first with exponents are exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// Added to a small number, it leaves the nearest integer in the last bits.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// 1 / n!
const INVERSE_FACTORIALS: [f64; 16] = [
    1.0,
    1.0,
    0.5,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
    1.0 / 479_001_600.0,
    1.0 / 6_227_020_800.0,
    0.0,
    0.0,
];

/// 1 / (2 n + 3)
const ODD_INVERSES: [f64; 16] = [
    1.0 / 3.0,
    1.0 / 5.0,
    1.0 / 7.0,
    1.0 / 9.0,
    1.0 / 11.0,
    1.0 / 13.0,
    1.0 / 15.0,
    1.0 / 17.0,
    1.0 / 19.0,
    1.0 / 21.0,
    1.0 / 23.0,
    0.0,
    0.0,
    0.0,
    0.0,
    0.0,
];

/// The sum of `c[n]` times the n-th power of x, by halves (Estrin's scheme): few steps wait for one another.
#[inline(always)]
fn polynomial(x: f64, c: &[f64; 16]) -> f64 {
    let (x2, x4, x8) = (
        x * x,
        (x * x) * (x * x),
        ((x * x) * (x * x)) * ((x * x) * (x * x)),
    );
    let pair = |n: usize| c[n] + c[n + 1] * x;
    let four = |n: usize| pair(n) + pair(n + 2) * x2;
    let eight = |n: usize| four(n) + four(n + 4) * x4;
    eight(0) + eight(8) * x8
}

/// eˣ; 0 where that is no number of full precision, which NaN gives too, and as for 709 beyond that.
#[inline(always)]
#[expect(clippy::manual_clamp, reason = "max and min make a number of NaN")]
pub(super) fn exp(x: f64) -> f64 {
    let bounded = x.max(-708.0).min(709.0);
    let rounded = bounded * LOG2_E + ROUND;
    let k = rounded - ROUND;
    let r = bounded - k * LN_2_HIGH - k * LN_2_LOW;
    let sum = polynomial(r, &INVERSE_FACTORIALS);
    let power = f64::from_bits((rounded.to_bits() << 52).wrapping_add(1023 << 52));
    // A mask in place of a choice: for a choice one would compute the above for some lanes only, one by one.
    let all = 0u64.wrapping_sub(u64::from(x > -708.0));
    f64::from_bits((sum * power).to_bits() & all)
}

/// The logarithm of a positive number of full precision.
#[inline(always)]
pub(super) fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    // 2⁵² plus the exponent, as bits of a number
    let exponent = f64::from_bits((bits >> 52) | (1075 << 52)) - (4_503_599_627_370_496.0 + 1023.0);
    let large = mantissa > SQRT_2;
    let (m, k) = if large {
        (mantissa * 0.5, exponent + 1.0)
    } else {
        (mantissa, exponent)
    };
    // ln m = 2 artanh s
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let sum = polynomial(z, &ODD_INVERSES);
    // s (2 + 2 z sum), with the part that is exact kept apart
    k * LN_2_HIGH + (2.0 * s + (2.0 * s * z * sum + k * LN_2_LOW))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64, at: f64) {
        let unit = f64::EPSILON * wanted.abs().max(f64::MIN_POSITIVE);
        assert!(
            (found - wanted).abs() <= 3.0 * unit,
            "of {at}: {found}, not {wanted}"
        );
    }

    #[test]
    fn exponentials_are_those_of_the_library() {
        for i in -70_700..=70_900 {
            let x = f64::from(i) * 0.01 + 0.001;
            if x < 709.0 {
                near(exp(x), x.exp(), x);
            }
        }
        for x in [-1e-300, 1e-17, -0.0, -707.99, 0.346_57, -0.346_58] {
            near(exp(x), x.exp(), x);
        }
        for x in [-709.0, -1e9, f64::NEG_INFINITY, f64::NAN] {
            assert_eq!(exp(x), 0.0);
        }
        assert!(exp(f64::INFINITY).is_finite() && exp(1e9) > 1e307);
    }

    #[test]
    fn logarithms_are_those_of_the_library() {
        let mut x = 1e-300;
        while x < 1e300 {
            near(ln(x), x.ln(), x);
            x *= if (0.2..4.0).contains(&x) {
                1.000_37
            } else {
                1.37
            };
        }
        assert_eq!(ln(1.0), 0.0);
        near(ln(1.0 + f64::EPSILON), f64::EPSILON, 1.0);
    }
}
