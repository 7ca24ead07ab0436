//! Sums: members are added in order of value, so that floats round the same way everywhere.

use nsdl_ir::{Symbols, Type, Value, Word};

use super::Input;
use crate::FailureKind;
use crate::arithmetic::Number;

/// A sum so far. Integers are added exactly and checked at the end, so that only the total can overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Partial {
    /// No member yet, in a group that does not exist without.
    Nothing,
    /// All integer types but `u128`.
    Integer(i128),
    Unsigned(u128),
    /// The bits of an `f32`.
    Single(u32),
    /// The bits of an `f64`.
    Double(u64),
    /// There is no sum.
    Failed(FailureKind),
}

/// Adds up one group.
pub(super) struct Sum<'a> {
    input: Input<'a>,
    ty: Type,
    column: usize,
}

impl<'a> Sum<'a> {
    pub(super) fn new(input: &Input<'a>) -> Self {
        Self {
            input: *input,
            ty: input.value_type(),
            column: input.values(),
        }
    }

    /// The members by value, equal ones in order of rows.
    pub(super) fn in_order(&self, members: &[u32]) -> Vec<u32> {
        let mut sorted = members.to_vec();
        sorted.sort_by(|&a, &b| self.input.compare(a, b));
        sorted
    }

    /// The value of a member.
    pub(super) fn value(&self, row: u32) -> Word {
        self.input.members.cell(row, self.column)
    }

    pub(super) fn start(&self) -> Partial {
        if self.input.exist_empty() {
            self.zero()
        } else {
            Partial::Nothing
        }
    }

    fn zero(&self) -> Partial {
        match self.ty {
            Type::U128 => Partial::Unsigned(0),
            Type::F32 => Partial::Single(0),
            Type::F64 => Partial::Double(0),
            _ => Partial::Integer(0),
        }
    }

    pub(super) fn add(&self, partial: Partial, value: Word) -> Partial {
        let symbols = self.input.symbols;
        let sum = match partial {
            Partial::Nothing => return self.add(self.zero(), value),
            Partial::Failed(kind) => Err(kind),
            Partial::Integer(sum) => sum
                .add(integer(value, self.ty, symbols))
                .map(Partial::Integer),
            Partial::Unsigned(sum) => sum.add(symbols.wide(value)).map(Partial::Unsigned),
            Partial::Single(sum) => f32::from_bits(sum)
                .add(f32::read(value, symbols))
                .and_then(|sum| sum.write(symbols))
                .map(|word| Partial::Single(word as u32)),
            Partial::Double(sum) => f64::from_bits(sum)
                .add(f64::read(value, symbols))
                .and_then(|sum| sum.write(symbols))
                .map(Partial::Double),
        };
        sum.unwrap_or_else(Partial::Failed)
    }

    /// The result; `None` without a group.
    pub(super) fn finish(&self, partial: Partial) -> Result<Option<Word>, FailureKind> {
        let symbols = self.input.symbols;
        match partial {
            Partial::Nothing => Ok(None),
            Partial::Failed(kind) => Err(kind),
            Partial::Integer(sum) => {
                let word = Value::from_i128(sum, self.ty).and_then(|value| value.to_word(symbols));
                word.map(Some).ok_or(FailureKind::Overflow)
            }
            Partial::Unsigned(sum) => Ok(Some(symbols.intern_wide(sum))),
            Partial::Single(bits) => Ok(Some(bits.into())),
            Partial::Double(bits) => Ok(Some(bits)),
        }
    }
}

fn integer(word: Word, ty: Type, symbols: &Symbols) -> i128 {
    Value::from_word(word, ty, symbols)
        .as_i128()
        .unwrap_or_default()
}
