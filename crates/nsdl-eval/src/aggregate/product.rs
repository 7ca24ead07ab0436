//! Products so far. Integers are multiplied exactly and checked at the end, so that only the result can overflow.

use nsdl_ir::{Symbols, Type, Value, Word};

use super::total::integer;
use crate::FailureKind;
use crate::arithmetic::{Computed, Number};

/// A product of words of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Product {
    /// Sign and absolute value; zero is not negative.
    Integer {
        negative: bool,
        /// `None` beyond all types: only a zero leads back from there.
        size: Option<u128>,
    },
    /// The bits of an `f32`.
    Single(u32),
    /// The bits of an `f64`.
    Double(u64),
}

impl Product {
    pub(super) fn one(ty: Type) -> Self {
        match ty {
            Type::F32 => Product::Single(1f32.to_bits()),
            Type::F64 => Product::Double(1f64.to_bits()),
            _ => Product::Integer {
                negative: false,
                size: Some(1),
            },
        }
    }

    pub(super) fn multiply(self, value: Word, ty: Type, symbols: &Symbols) -> Computed<Self> {
        match self {
            Product::Integer { negative, size } => {
                let (minus, factor) = match ty {
                    Type::U128 => (false, symbols.wide(value)),
                    _ => {
                        let factor = integer(value, ty, symbols);
                        (factor < 0, factor.unsigned_abs())
                    }
                };
                let size = match factor {
                    0 => Some(0),
                    _ => size.and_then(|size| size.checked_mul(factor)),
                };
                Ok(Product::Integer {
                    negative: size != Some(0) && negative != minus,
                    size,
                })
            }
            Product::Single(product) => f32::from_bits(product)
                .multiply(f32::read(value, symbols))
                .and_then(|product| product.write(symbols))
                .map(|word| Product::Single(word as u32)),
            Product::Double(product) => f64::from_bits(product)
                .multiply(f64::read(value, symbols))
                .and_then(|product| product.write(symbols))
                .map(Product::Double),
        }
    }

    pub(super) fn finish(self, ty: Type, symbols: &Symbols) -> Computed<Word> {
        match self {
            Product::Integer { negative, size } => {
                let size = size.ok_or(FailureKind::Overflow)?;
                if ty == Type::U128 {
                    return Ok(symbols.intern_wide(size));
                }
                let signed = match negative {
                    true => 0i128.checked_sub_unsigned(size),
                    false => i128::try_from(size).ok(),
                };
                signed
                    .and_then(|product| Value::from_i128(product, ty))
                    .and_then(|value| value.to_word(symbols))
                    .ok_or(FailureKind::Overflow)
            }
            Product::Single(bits) => Ok(bits.into()),
            Product::Double(bits) => Ok(bits),
        }
    }
}
