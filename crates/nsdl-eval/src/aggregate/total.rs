//! Sums so far. Integers are added exactly and checked at the end, so that only the result can overflow.

use nsdl_ir::{Symbols, Type, Value, Word};

use crate::FailureKind;
use crate::arithmetic::{Computed, Number};

/// A sum of words of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Total {
    /// All integer types but `u128`.
    Integer(i128),
    Unsigned(u128),
    /// The bits of an `f32`.
    Single(u32),
    /// The bits of an `f64`.
    Double(u64),
}

impl Total {
    pub(super) fn zero(ty: Type) -> Self {
        match ty {
            Type::U128 => Total::Unsigned(0),
            Type::F32 => Total::Single(0),
            Type::F64 => Total::Double(0),
            _ => Total::Integer(0),
        }
    }

    pub(super) fn add(self, value: Word, ty: Type, symbols: &Symbols) -> Computed<Self> {
        match self {
            Total::Integer(sum) => sum.add(integer(value, ty, symbols)).map(Total::Integer),
            Total::Unsigned(sum) => sum.add(symbols.wide(value)).map(Total::Unsigned),
            Total::Single(sum) => f32::from_bits(sum)
                .add(f32::read(value, symbols))
                .and_then(|sum| sum.write(symbols))
                .map(|word| Total::Single(word as u32)),
            Total::Double(sum) => f64::from_bits(sum)
                .add(f64::read(value, symbols))
                .and_then(|sum| sum.write(symbols))
                .map(Total::Double),
        }
    }

    /// Divided by a number of members, towards zero for integers.
    pub(super) fn divide(self, members: u32, symbols: &Symbols) -> Computed<Self> {
        match self {
            Total::Integer(sum) => sum.divide(members.into()).map(Total::Integer),
            Total::Unsigned(sum) => sum.divide(members.into()).map(Total::Unsigned),
            Total::Single(sum) => f32::from_bits(sum)
                .divide(members as f32)
                .and_then(|mean| mean.write(symbols))
                .map(|word| Total::Single(word as u32)),
            Total::Double(sum) => f64::from_bits(sum)
                .divide(members.into())
                .and_then(|mean| mean.write(symbols))
                .map(Total::Double),
        }
    }

    pub(super) fn finish(self, ty: Type, symbols: &Symbols) -> Computed<Word> {
        match self {
            Total::Integer(sum) => Value::from_i128(sum, ty)
                .and_then(|value| value.to_word(symbols))
                .ok_or(FailureKind::Overflow),
            Total::Unsigned(sum) => Ok(symbols.intern_wide(sum)),
            Total::Single(bits) => Ok(bits.into()),
            Total::Double(bits) => Ok(bits),
        }
    }
}

/// Any integer but one of `u128`.
/// Zero if there is none.
pub(super) fn integer(word: Word, ty: Type, symbols: &Symbols) -> i128 {
    Value::from_word(word, ty, symbols)
        .as_i128()
        .unwrap_or_default()
}
