//! Ranges of integers of any type, as words.

use nsdl_ir::{Symbols, Type, Value, Word};

/// The numbers from `low` to `high`, which belongs to them if `inclusive`; in order.
pub(crate) fn numbers(
    low: Word,
    high: Word,
    inclusive: bool,
    ty: Type,
    symbols: &Symbols,
) -> std::ops::RangeInclusive<i128> {
    let (low, high) = (number(low, ty, symbols), number(high, ty, symbols));
    match high.checked_sub(i128::from(!inclusive)) {
        Some(last) => low..=last,
        // Nothing is below the least number.
        None => high + 1..=high,
    }
}

/// The word of type `ty` for one of [`numbers`].
pub(crate) fn word(number: i128, ty: Type, symbols: &Symbols) -> Option<Word> {
    let value = match ty {
        Type::U128 => Value::U128(number as u128 ^ SIGN),
        ty => Value::from_i128(number, ty)?,
    };
    value.to_word(symbols)
}

/// Shifts `u128` into `i128` and back, in order.
const SIGN: u128 = 1 << 127;

fn number(word: Word, ty: Type, symbols: &Symbols) -> i128 {
    match Value::from_word(word, ty, symbols) {
        Value::U128(value) => (value ^ SIGN) as i128,
        value => value.as_i128().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(low: Value, high: Value, inclusive: bool) -> Vec<Value> {
        let symbols = Symbols::new();
        let ty = low.ty();
        let (low, high) = (low.to_word(&symbols), high.to_word(&symbols));
        numbers(low.unwrap(), high.unwrap(), inclusive, ty, &symbols)
            .filter_map(|number| word(number, ty, &symbols))
            .map(|word| Value::from_word(word, ty, &symbols))
            .collect()
    }

    #[test]
    fn ends_at_the_ends_of_types() {
        use Value::*;
        assert_eq!(all(I8(126), I8(127), true), [I8(126), I8(127)]);
        assert_eq!(all(I8(-1), I8(1), false), [I8(-1), I8(0)]);
        assert_eq!(all(U64(u64::MAX), U64(u64::MAX), true), [U64(u64::MAX)]);
        assert_eq!(
            all(U128(u128::MAX - 1), U128(u128::MAX), true),
            [U128(u128::MAX - 1), U128(u128::MAX)]
        );
        assert_eq!(
            all(I128(i128::MIN), I128(i128::MIN), true),
            [I128(i128::MIN)]
        );
        assert!(all(I128(i128::MIN), I128(i128::MIN), false).is_empty());
        assert!(all(I32(3), I32(2), true).is_empty());
    }
}
