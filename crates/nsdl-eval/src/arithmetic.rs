//! Checked arithmetic and order, one function per operator and type, chosen before the join begins.

use std::cmp::Ordering;

use nsdl_functions::{LONGEST_LIST, LONGEST_TEXT};
use nsdl_ir::{BinaryOp, Symbols, Type, UnaryOp, Word};

use crate::FailureKind::{self, DivisionByZero, NotANumber, Overflow};

pub(crate) type Computed<T> = Result<T, FailureKind>;
/// An operator with one operand, over words.
pub(crate) type Unary = fn(Word, &Symbols) -> Computed<Word>;
/// An operator with two operands, over words.
pub(crate) type Binary = fn(Word, Word, &Symbols) -> Computed<Word>;
/// The order of SEMANTICS 10 on the words of one type.
type Order = fn(Word, Word, &Symbols) -> Ordering;

/// The function of `op` on operands of type `ty`.
pub(crate) fn unary(op: UnaryOp, ty: Type) -> Unary {
    match (op, ty) {
        (UnaryOp::Not, Type::Bool) => |value, _| Ok(value ^ 1),
        (UnaryOp::Not, ty) => crate::bitwise::not(ty),
        (UnaryOp::Negate, Type::I8) => negate::<i8>,
        (UnaryOp::Negate, Type::I16) => negate::<i16>,
        (UnaryOp::Negate, Type::I32) => negate::<i32>,
        (UnaryOp::Negate, Type::I64 | Type::Isize) => negate::<i64>,
        (UnaryOp::Negate, Type::I128) => negate::<i128>,
        (UnaryOp::Negate, Type::U8) => negate::<u8>,
        (UnaryOp::Negate, Type::U16) => negate::<u16>,
        (UnaryOp::Negate, Type::U32) => negate::<u32>,
        (UnaryOp::Negate, Type::U64 | Type::Usize) => negate::<u64>,
        (UnaryOp::Negate, Type::U128) => negate::<u128>,
        (UnaryOp::Negate, Type::F32) => negate::<f32>,
        (UnaryOp::Negate, Type::F64) => negate::<f64>,
        (UnaryOp::Negate, Type::Duration) => {
            |value, symbols| negate_value(value, Type::Duration, symbols)
        }
        (UnaryOp::Negate, Type::Tensor) => {
            |value, symbols| negate_value(value, Type::Tensor, symbols)
        }
        (UnaryOp::Negate, _) => |_, _| Err(NotANumber),
    }
}

/// The function of `op` on operands of type `ty`. Combinations that no typed program has always fail.
pub(crate) fn binary(op: BinaryOp, ty: Type) -> Binary {
    use BinaryOp::*;
    match op {
        And => |a, b, _| Ok(a & b),
        Or => |a, b, _| Ok(a | b),
        Xor if ty == Type::Bool => |a, b, _| Ok(a ^ b),
        // Equal words are equal values, for every type.
        Equal => |a, b, _| Ok((a == b).into()),
        NotEqual => |a, b, _| Ok((a != b).into()),
        Less | LessEqual | Greater | GreaterEqual => comparison(op, ty),
        Add | Subtract | Multiply | Divide | Remainder => match ty {
            Type::I8 => numeric::<i8>(op),
            Type::I16 => numeric::<i16>(op),
            Type::I32 => numeric::<i32>(op),
            Type::I64 | Type::Isize => numeric::<i64>(op),
            Type::I128 => numeric::<i128>(op),
            Type::U8 => numeric::<u8>(op),
            Type::U16 => numeric::<u16>(op),
            Type::U32 => numeric::<u32>(op),
            Type::U64 | Type::Usize => numeric::<u64>(op),
            Type::U128 => numeric::<u128>(op),
            Type::F32 => numeric::<f32>(op),
            Type::F64 => numeric::<f64>(op),
            Type::String if op == Add => |a, b, symbols| {
                let (a, b) = (symbols.text(a), symbols.text(b));
                if a.len() + b.len() > LONGEST_TEXT {
                    return Err(Overflow);
                }
                Ok(symbols.intern(&format!("{a}{b}")))
            },
            Type::List(_) if op == Add => |a, b, symbols| {
                let (a, b) = (symbols.list(a), symbols.list(b));
                if a.len() + b.len() > LONGEST_LIST {
                    return Err(Overflow);
                }
                Ok(symbols.intern_list(&[a, b].concat()))
            },
            _ => |_, _, _| Err(NotANumber),
        },
        Xor | BitAnd | BitOr | ShiftLeft | ShiftRight => crate::bitwise::binary(op, ty),
    }
}

/// How two words of one type compare: tuples and lists lexicographically.
pub(crate) fn compare(ty: Type, a: Word, b: Word, symbols: &Symbols) -> Ordering {
    let part = |ty: Type, a: Word, b: Word| match ty {
        Type::Tuple(_) | Type::List(_) => by_value(a, b, ty, symbols),
        ty => order(ty)(a, b, symbols),
    };
    match ty {
        Type::Tuple(_) | Type::List(_) if a == b => Ordering::Equal,
        Type::Tuple(types) => {
            let (a, b) = (symbols.list(a), symbols.list(b));
            let mut parts = types.iter().zip(a.iter().zip(b.iter()));
            let differ =
                parts.find_map(|(ty, (a, b))| Some(part(*ty, *a, *b)).filter(|it| it.is_ne()));
            differ.unwrap_or(Ordering::Equal)
        }
        Type::List(element) => {
            let (a, b) = (symbols.list(a), symbols.list(b));
            let mut items = a.iter().zip(b.iter());
            let differ =
                items.find_map(|(a, b)| Some(part(*element, *a, *b)).filter(|it| it.is_ne()));
            differ.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        ty => order(ty)(a, b, symbols),
    }
}

/// The order of a type that is no tuple and no list.
fn order(ty: Type) -> Order {
    match ty {
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Isize => Signed::compare,
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::Usize | Type::Bool | Type::Char => {
            Unsigned::compare
        }
        Type::I128 => WideSigned::compare,
        Type::U128 => WideUnsigned::compare,
        Type::F32 => Single::compare,
        Type::F64 => Double::compare,
        Type::String | Type::Symbol => Text::compare,
        Type::DateTime => Signed::compare,
        Type::Duration => Durations::compare,
        Type::Tensor => Tensors::compare,
        Type::Entity | Type::Adt(_) => Terms::compare,
        // Not by words: see `compare`.
        Type::Tuple(_) | Type::List(_) => Unsigned::compare,
    }
}

fn comparison(op: BinaryOp, ty: Type) -> Binary {
    match ty {
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Isize => compare_by::<Signed>(op),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::Usize | Type::Bool | Type::Char => {
            compare_by::<Unsigned>(op)
        }
        Type::I128 => compare_by::<WideSigned>(op),
        Type::U128 => compare_by::<WideUnsigned>(op),
        Type::F32 => compare_by::<Single>(op),
        Type::F64 => compare_by::<Double>(op),
        Type::String | Type::Symbol => compare_by::<Text>(op),
        Type::DateTime => compare_by::<Signed>(op),
        Type::Duration => compare_by::<Durations>(op),
        Type::Tensor => compare_by::<Tensors>(op),
        Type::Entity | Type::Adt(_) => compare_by::<Terms>(op),
        // `Code::Compare` does it.
        Type::Tuple(_) | Type::List(_) => |_, _, _| Err(NotANumber),
    }
}

fn compare_by<O: Ordered>(op: BinaryOp) -> Binary {
    match op {
        BinaryOp::Less => |a, b, symbols| Ok(O::compare(a, b, symbols).is_lt().into()),
        BinaryOp::LessEqual => |a, b, symbols| Ok(O::compare(a, b, symbols).is_le().into()),
        BinaryOp::Greater => |a, b, symbols| Ok(O::compare(a, b, symbols).is_gt().into()),
        _ => |a, b, symbols| Ok(O::compare(a, b, symbols).is_ge().into()),
    }
}

/// How the words of a class of types compare.
trait Ordered {
    fn compare(a: Word, b: Word, symbols: &Symbols) -> Ordering;
}

macro_rules! ordered {
    ($($name:ident: |$a:ident, $b:ident, $symbols:ident| $order:expr;)+) => {$(
        struct $name;
        impl Ordered for $name {
            #[inline]
            fn compare($a: Word, $b: Word, $symbols: &Symbols) -> Ordering {
                $order
            }
        }
    )+};
}

ordered! {
    Signed: |a, b, _symbols| (a as i64).cmp(&(b as i64));
    Unsigned: |a, b, _symbols| a.cmp(&b);
    WideSigned: |a, b, symbols| (symbols.wide(a) as i128).cmp(&(symbols.wide(b) as i128));
    WideUnsigned: |a, b, symbols| symbols.wide(a).cmp(&symbols.wide(b));
    // Words hold neither NaN nor −0.0, so the total order is the order of values.
    Single: |a, b, _symbols| f32::from_bits(a as u32).total_cmp(&f32::from_bits(b as u32));
    Double: |a, b, _symbols| f64::from_bits(a).total_cmp(&f64::from_bits(b));
    Durations: |a, b, symbols| by_value(a, b, Type::Duration, symbols);
    Tensors: |a, b, symbols| by_value(a, b, Type::Tensor, symbols);
    Terms: |a, b, symbols| by_value(a, b, Type::Entity, symbols);
    Text: |a, b, symbols| if a == b { Ordering::Equal } else { symbols.text(a).cmp(&symbols.text(b)) };
}

fn by_value(a: Word, b: Word, ty: Type, symbols: &Symbols) -> Ordering {
    let value = |word| nsdl_ir::Value::from_word(word, ty, symbols);
    if a == b {
        Ordering::Equal
    } else {
        value(a).cmp(&value(b))
    }
}

/// A number type: its word form and its checked operations.
pub(crate) trait Number: Copy {
    /// The number behind a word.
    fn read(word: Word, symbols: &Symbols) -> Self;
    /// The word of a number; fails for NaN.
    fn write(self, symbols: &Symbols) -> Computed<Word>;
    fn negate(self) -> Computed<Self>;
    fn add(self, other: Self) -> Computed<Self>;
    fn subtract(self, other: Self) -> Computed<Self>;
    fn multiply(self, other: Self) -> Computed<Self>;
    fn divide(self, other: Self) -> Computed<Self>;
    fn remainder(self, other: Self) -> Computed<Self>;
}

fn negate<T: Number>(value: Word, symbols: &Symbols) -> Computed<Word> {
    T::read(value, symbols).negate()?.write(symbols)
}

/// Times −1.
fn negate_value(value: Word, ty: Type, symbols: &Symbols) -> Computed<Word> {
    let value = nsdl_ir::Value::from_word(value, ty, symbols);
    let minus_one = nsdl_ir::Value::I64(-1);
    let result = nsdl_functions::operate(BinaryOp::Multiply, &value, &minus_one)?;
    result.to_word(symbols).ok_or(NotANumber)
}

fn numeric<T: Number>(op: BinaryOp) -> Binary {
    match op {
        BinaryOp::Add => {
            |a, b, symbols| T::read(a, symbols).add(T::read(b, symbols))?.write(symbols)
        }
        BinaryOp::Subtract => |a, b, symbols| {
            T::read(a, symbols)
                .subtract(T::read(b, symbols))?
                .write(symbols)
        },
        BinaryOp::Multiply => |a, b, symbols| {
            T::read(a, symbols)
                .multiply(T::read(b, symbols))?
                .write(symbols)
        },
        BinaryOp::Divide => |a, b, symbols| {
            T::read(a, symbols)
                .divide(T::read(b, symbols))?
                .write(symbols)
        },
        _ => |a, b, symbols| {
            T::read(a, symbols)
                .remainder(T::read(b, symbols))?
                .write(symbols)
        },
    }
}

macro_rules! integers {
    ($($ty:ty: |$word:ident, $symbols:ident| $read:expr, |$value:ident| $write:expr;)+) => {$(
        impl Number for $ty {
            fn read($word: Word, $symbols: &Symbols) -> Self {
                $read
            }
            fn write(self, $symbols: &Symbols) -> Computed<Word> {
                let $value = self;
                Ok($write)
            }
            fn negate(self) -> Computed<Self> {
                self.checked_neg().ok_or(Overflow)
            }
            fn add(self, other: Self) -> Computed<Self> {
                self.checked_add(other).ok_or(Overflow)
            }
            fn subtract(self, other: Self) -> Computed<Self> {
                self.checked_sub(other).ok_or(Overflow)
            }
            fn multiply(self, other: Self) -> Computed<Self> {
                self.checked_mul(other).ok_or(Overflow)
            }
            fn divide(self, other: Self) -> Computed<Self> {
                if other == 0 { Err(DivisionByZero) } else { self.checked_div(other).ok_or(Overflow) }
            }
            fn remainder(self, other: Self) -> Computed<Self> {
                if other == 0 { Err(DivisionByZero) } else { self.checked_rem(other).ok_or(Overflow) }
            }
        }
    )+};
}

integers! {
    i8: |word, _symbols| word as i8, |value| i64::from(value) as u64;
    i16: |word, _symbols| word as i16, |value| i64::from(value) as u64;
    i32: |word, _symbols| word as i32, |value| i64::from(value) as u64;
    i64: |word, _symbols| word as i64, |value| value as u64;
    u8: |word, _symbols| word as u8, |value| value.into();
    u16: |word, _symbols| word as u16, |value| value.into();
    u32: |word, _symbols| word as u32, |value| value.into();
    u64: |word, _symbols| word, |value| value;
    i128: |word, symbols| symbols.wide(word) as i128, |value| symbols.intern_wide(value as u128);
    u128: |word, symbols| symbols.wide(word), |value| symbols.intern_wide(value);
}

/// Infinity comes from infinity only: a result that finite operands send there has overflowed.
fn bounded<F: Copy + Into<f64>>(result: F, a: F, b: F) -> Computed<F> {
    let overflows = result.into().is_infinite() && a.into().is_finite() && b.into().is_finite();
    if overflows { Err(Overflow) } else { Ok(result) }
}

macro_rules! floats {
    ($($ty:ty, $bits:ty;)+) => {$(
        impl Number for $ty {
            fn read(word: Word, _: &Symbols) -> Self {
                <$ty>::from_bits(word as $bits)
            }
            fn write(self, _: &Symbols) -> Computed<Word> {
                // Adding 0.0 makes −0.0 the 0.0 that words hold.
                if self.is_nan() { Err(NotANumber) } else { Ok((self + 0.0).to_bits().into()) }
            }
            fn negate(self) -> Computed<Self> {
                Ok(-self)
            }
            fn add(self, other: Self) -> Computed<Self> {
                bounded(self + other, self, other)
            }
            fn subtract(self, other: Self) -> Computed<Self> {
                bounded(self - other, self, other)
            }
            fn multiply(self, other: Self) -> Computed<Self> {
                bounded(self * other, self, other)
            }
            fn divide(self, other: Self) -> Computed<Self> {
                if other == 0.0 { Err(DivisionByZero) } else { bounded(self / other, self, other) }
            }
            fn remainder(self, other: Self) -> Computed<Self> {
                if other == 0.0 { Err(DivisionByZero) } else { bounded(self % other, self, other) }
            }
        }
    )+};
}

floats! {
    f32, u32;
    f64, u64;
}

#[cfg(test)]
mod tests {
    use super::*;
    use nsdl_ir::Value;

    fn apply(op: BinaryOp, a: Value, b: Value) -> Result<Value, FailureKind> {
        let symbols = Symbols::new();
        let (ty, word) = (a.ty(), |value: &Value| value.to_word(&symbols).unwrap());
        let result = binary(op, ty)(word(&a), word(&b), &symbols)?;
        Ok(Value::from_word(
            result,
            if op.is_comparison() { Type::Bool } else { ty },
            &symbols,
        ))
    }

    #[test]
    fn every_integer_type_is_checked_at_its_own_bounds() {
        use BinaryOp::*;
        for ty in Type::ALL
            .into_iter()
            .filter(|ty| ty.is_integer() && *ty != Type::U128)
        {
            let (least, greatest) = match ty.signed_range() {
                Some(range) => range,
                None => (0, ty.unsigned_max().unwrap() as i128),
            };
            let value = |number| Value::from_i128(number, ty).unwrap();
            assert_eq!(apply(Add, value(greatest), value(1)), Err(Overflow), "{ty}");
            assert_eq!(
                apply(Subtract, value(least), value(1)),
                Err(Overflow),
                "{ty}"
            );
            assert_eq!(
                apply(Multiply, value(greatest), value(2)),
                Err(Overflow),
                "{ty}"
            );
            assert_eq!(
                apply(Divide, value(7), value(0)),
                Err(DivisionByZero),
                "{ty}"
            );
            assert_eq!(
                apply(Remainder, value(7), value(0)),
                Err(DivisionByZero),
                "{ty}"
            );
            assert_eq!(
                apply(Add, value(greatest - 1), value(1)),
                Ok(value(greatest)),
                "{ty}"
            );
            assert_eq!(
                apply(Divide, value(greatest), value(2)),
                Ok(value(greatest / 2)),
                "{ty}"
            );
            assert_eq!(
                apply(Less, value(least), value(greatest)),
                Ok(Value::Bool(true)),
                "{ty}"
            );
            assert_eq!(
                apply(GreaterEqual, value(least), value(greatest)),
                Ok(Value::Bool(false)),
                "{ty}"
            );
            if ty.is_signed() {
                assert_eq!(
                    apply(Divide, value(least), value(-1)),
                    Err(Overflow),
                    "{ty}"
                );
                assert_eq!(apply(Remainder, value(-7), value(2)), Ok(value(-1)), "{ty}");
            }
        }
        assert_eq!(
            apply(Add, Value::U128(u128::MAX), Value::U128(1)),
            Err(Overflow)
        );
        assert_eq!(
            apply(Greater, Value::U128(u128::MAX), Value::U128(1)),
            Ok(Value::Bool(true))
        );
    }

    #[test]
    fn floats_fail_only_without_a_value() {
        use BinaryOp::*;
        assert_eq!(
            apply(Add, Value::F32(16_777_216.0), Value::F32(1.0)),
            Ok(Value::F32(16_777_216.0))
        );
        assert_eq!(
            apply(Multiply, Value::F64(1e308), Value::F64(10.0)),
            Err(Overflow)
        );
        assert_eq!(
            apply(Multiply, Value::F32(1e38), Value::F32(10.0)),
            Err(Overflow)
        );
        let infinity = Value::F64(f64::INFINITY);
        assert_eq!(
            apply(Add, infinity.clone(), Value::F64(1.0)),
            Ok(infinity.clone())
        );
        assert_eq!(apply(Subtract, infinity.clone(), infinity), Err(NotANumber));
        assert_eq!(
            apply(Divide, Value::F64(1.0), Value::F64(0.0)),
            Err(DivisionByZero)
        );
        assert_eq!(
            apply(Less, Value::F64(-1.0), Value::F64(0.5)),
            Ok(Value::Bool(true))
        );
        assert_eq!(
            apply(Less, Value::F32(-1.0), Value::F32(-2.0)),
            Ok(Value::Bool(false))
        );
    }

    #[test]
    fn text_joins_and_compares_by_text() {
        let text = |text: &str| Value::String(text.into());
        assert_eq!(
            apply(BinaryOp::Add, text("zü"), text("rich")),
            Ok(text("zürich"))
        );
        assert_eq!(
            apply(BinaryOp::Less, text("b"), text("a")),
            Ok(Value::Bool(false))
        );
        assert_eq!(
            apply(BinaryOp::Less, text("a"), text("b")),
            Ok(Value::Bool(true))
        );
    }
}
