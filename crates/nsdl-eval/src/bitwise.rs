//! Operators on the bits of integers, over words. Signed words are sign-extended and unsigned ones zero-extended, so
//! that `& | ^` of words are those of the integers.

use nsdl_ir::{BinaryOp, Symbols, Type, Word};

use crate::FailureKind::{NotANumber, Overflow};
use crate::arithmetic::{Binary, Computed, Number, Unary};

/// `!` on integers of type `ty`.
pub(crate) fn not(ty: Type) -> Unary {
    match ty {
        Type::U8 => |a, _| Ok(u64::from(!(a as u8))),
        Type::U16 => |a, _| Ok(u64::from(!(a as u16))),
        Type::U32 => |a, _| Ok(u64::from(!(a as u32))),
        Type::I128 | Type::U128 => |a, symbols| Ok(symbols.intern_wide(!symbols.wide(a))),
        _ => |a, _| Ok(!a),
    }
}

/// `& | ^ << >>` on integers of type `ty`.
pub(crate) fn binary(op: BinaryOp, ty: Type) -> Binary {
    let wide = matches!(ty, Type::I128 | Type::U128);
    match op {
        BinaryOp::BitAnd if wide => |a, b, symbols| patterns(a, b, symbols, |a, b| a & b),
        BinaryOp::BitOr if wide => |a, b, symbols| patterns(a, b, symbols, |a, b| a | b),
        BinaryOp::Xor if wide => |a, b, symbols| patterns(a, b, symbols, |a, b| a ^ b),
        BinaryOp::BitAnd => |a, b, _| Ok(a & b),
        BinaryOp::BitOr => |a, b, _| Ok(a | b),
        BinaryOp::Xor => |a, b, _| Ok(a ^ b),
        _ => match ty {
            Type::I8 => shift::<i8>(op),
            Type::I16 => shift::<i16>(op),
            Type::I32 => shift::<i32>(op),
            Type::I64 | Type::Isize => shift::<i64>(op),
            Type::I128 => shift::<i128>(op),
            Type::U8 => shift::<u8>(op),
            Type::U16 => shift::<u16>(op),
            Type::U32 => shift::<u32>(op),
            Type::U64 | Type::Usize => shift::<u64>(op),
            Type::U128 => shift::<u128>(op),
            _ => |_, _, _| Err(NotANumber),
        },
    }
}

fn patterns(
    a: Word,
    b: Word,
    symbols: &Symbols,
    compute: fn(u128, u128) -> u128,
) -> Computed<Word> {
    Ok(symbols.intern_wide(compute(symbols.wide(a), symbols.wide(b))))
}

/// Shifts by fewer bits than the type has; a left shift that loses bits overflows.
trait Shift: Number {
    fn left(self, by: Self) -> Computed<Self>;
    fn right(self, by: Self) -> Computed<Self>;
}

fn shift<T: Shift>(op: BinaryOp) -> Binary {
    if op == BinaryOp::ShiftLeft {
        |a, b, symbols| {
            T::read(a, symbols)
                .left(T::read(b, symbols))?
                .write(symbols)
        }
    } else {
        |a, b, symbols| {
            T::read(a, symbols)
                .right(T::read(b, symbols))?
                .write(symbols)
        }
    }
}

macro_rules! shifts {
    ($($ty:ty)+) => {$(
        impl Shift for $ty {
            fn left(self, by: Self) -> Computed<Self> {
                let by = u32::try_from(by).map_err(|_| Overflow)?;
                let result = self.checked_shl(by).ok_or(Overflow)?;
                if result >> by == self { Ok(result) } else { Err(Overflow) }
            }
            fn right(self, by: Self) -> Computed<Self> {
                let by = u32::try_from(by).map_err(|_| Overflow)?;
                self.checked_shr(by).ok_or(Overflow)
            }
        }
    )+};
}

shifts! { i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 }

#[cfg(test)]
mod tests {
    use super::*;
    use nsdl_ir::Value;

    fn apply(op: BinaryOp, ty: Type, a: i128, b: i128) -> Option<i128> {
        let symbols = Symbols::new();
        let word = |value| Value::from_i128(value, ty)?.to_word(&symbols);
        let result = binary(op, ty)(word(a)?, word(b)?, &symbols).ok()?;
        Value::from_word(result, ty, &symbols).as_i128()
    }

    #[test]
    fn every_integer_type_has_its_own_width() {
        use BinaryOp::*;
        for ty in Type::ALL.into_iter().filter(|ty| ty.is_integer()) {
            let symbols = Symbols::new();
            let word = |value| {
                Value::from_i128(value, ty)
                    .unwrap()
                    .to_word(&symbols)
                    .unwrap()
            };
            let all = Value::from_word(not(ty)(word(0), &symbols).unwrap(), ty, &symbols);
            let bits = match ty.signed_range() {
                Some((low, _)) => {
                    assert_eq!(all.as_i128(), Some(-1), "{ty}");
                    assert_eq!(apply(ShiftRight, ty, low, 1), Some(low / 2), "{ty}");
                    assert_eq!(apply(BitAnd, ty, -1, 5), Some(5), "{ty}");
                    assert_eq!(apply(Xor, ty, -1, 0), Some(-1), "{ty}");
                    assert_eq!(apply(ShiftLeft, ty, -1, 2), Some(-4), "{ty}");
                    1 + low.unsigned_abs().ilog2()
                }
                None => {
                    let most = ty.unsigned_max().unwrap();
                    assert_eq!(all.to_string(), most.to_string(), "{ty}");
                    1 + most.ilog2()
                }
            };
            assert_eq!(apply(BitOr, ty, 12, 10), Some(14), "{ty}");
            let bits = i128::from(bits);
            let top = apply(ShiftLeft, ty, 1, bits - 1);
            assert_eq!(top.is_none(), ty.is_signed() || ty == Type::U128, "{ty}");
            assert_eq!(apply(ShiftLeft, ty, 1, bits), None, "{ty}");
            assert_eq!(apply(ShiftLeft, ty, 3, bits - 1), None, "{ty}");
            assert_eq!(apply(ShiftRight, ty, 1, bits), None, "{ty}");
            assert_eq!(apply(ShiftRight, ty, 1, -1), None, "{ty}");
            assert_eq!(apply(ShiftRight, ty, 100, bits - 1), Some(0), "{ty}");
        }
    }
}
