//! `value as T`; the matrix of what casts to what is in docs/language.md, which a test compares with [`castable`].

use std::sync::Arc;

use nsdl_ir::{DateTime, Duration, Tensor, Type, Value};

use crate::Fault;
use crate::operator::as_tensor;

/// Whether some values of type `from` can be cast to `to`.
pub fn castable(from: Type, to: Type) -> bool {
    let simple = |ty: Type| ty.is_number() || matches!(ty, Type::Bool | Type::Char);
    let time = |ty| matches!(ty, Type::DateTime | Type::Duration | Type::Tensor);
    from == to
        || is_text(to)
        || match (from, to) {
            (from, to) if is_text(from) => simple(to) || time(to),
            (Type::Bool, Type::Char) | (Type::Char, Type::Bool) => false,
            // A digit: text of length 1.
            (Type::Char, to) => to.is_number(),
            (from, Type::Char) => from.is_integer(),
            (Type::Tensor, other) | (other, Type::Tensor) if other.is_number() => true,
            (Type::List(element), Type::Tensor) => {
                element.is_number() || matches!(element, Type::List(_)) && castable(*element, to)
            }
            (Type::List(from), Type::List(to)) => castable(*from, *to),
            (Type::Tuple(from), Type::Tuple(to)) => {
                from.len() == to.len()
                    && std::iter::zip(from, to).all(|(from, to)| castable(*from, *to))
            }
            (from, to) => simple(from) && simple(to),
        }
}

fn is_text(ty: Type) -> bool {
    matches!(ty, Type::String | Type::Symbol)
}

/// `value as to`.
///
/// # Errors
/// [`Fault::Cast`] if `to` has no such value.
pub fn cast(value: &Value, to: Type) -> Result<Value, Fault> {
    if value.ty() == to {
        return Ok(value.clone());
    }
    if !castable(value.ty(), to) {
        return Err(Fault::Cast);
    }
    let result = match (value, to) {
        (_, Type::String) => Some(Value::String(text(value).into())),
        (_, Type::Symbol) => Some(Value::Symbol(text(value).into())),
        (Value::String(text) | Value::Symbol(text), _) => parse(text, to),
        (Value::List(_, elements), Type::Tensor) => stacked(elements).map(Value::Tensor),
        (_, Type::Tensor) => as_tensor(value).map(Value::Tensor),
        (Value::F32(float), _) => from_float(f64::from(*float), to),
        (Value::F64(float), _) => from_float(*float, to),
        (Value::Bool(bit), _) if to.is_float() => float(f64::from(u8::from(*bit)), to),
        (Value::Bool(bit), _) => Value::from_i128(i128::from(*bit), to),
        (Value::Char(c), _) if c.is_ascii_digit() => parse(c.encode_utf8(&mut [0; 4]), to),
        (Value::Char(_), _) => None,
        (Value::Tensor(tensor), _) => match tensor.data() {
            [number] => return cast(&Value::F64(*number), to),
            _ => None,
        },
        (Value::List(_, elements), Type::List(ty)) => {
            let elements = elements.iter().map(|element| cast(element, *ty));
            let elements: Result<Vec<Value>, Fault> = elements.collect();
            Some(Value::List(*ty, elements?.into()))
        }
        (Value::Tuple(parts), Type::Tuple(types)) => {
            let parts = std::iter::zip(parts.iter(), types).map(|(part, ty)| cast(part, *ty));
            let parts: Result<Vec<Value>, Fault> = parts.collect();
            Some(Value::Tuple(parts?.into()))
        }
        (Value::U128(integer), _) => from_integer(*integer, to),
        (_, Type::F32) => value.as_i128().map(|integer| Value::F32(integer as f32)),
        (_, Type::F64) => value.as_i128().map(|integer| Value::F64(integer as f64)),
        _ => match value.as_i128() {
            Some(integer) => match u128::try_from(integer) {
                Ok(integer) => from_integer(integer, to),
                Err(_) => Value::from_i128(integer, to),
            },
            None => None,
        },
    };
    result.ok_or(Fault::Cast)
}

/// The text form of SEMANTICS.md 15, without quotes and escapes, and without the letter of a time.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Char(c) => c.to_string(),
        Value::DateTime(time) => time.to_string(),
        Value::Duration(length) => length.to_string(),
        Value::String(text) | Value::Symbol(text) => text.to_string(),
        value => value.to_string(),
    }
}

/// Numbers, or lists of equal shapes, side by side. An empty list is an empty tensor.
fn stacked(elements: &[Value]) -> Option<Arc<Tensor>> {
    let parts: Option<Vec<Tensor>> = elements
        .iter()
        .map(|element| match element {
            Value::List(_, elements) => stacked(elements).map(Arc::unwrap_or_clone),
            number => as_tensor(number).map(Arc::unwrap_or_clone),
        })
        .collect();
    Tensor::stack(&parts?).map(Arc::new)
}

fn from_integer(integer: u128, to: Type) -> Option<Value> {
    match to {
        Type::U128 => Some(Value::U128(integer)),
        Type::F32 => Some(Value::F32(integer as f32)),
        Type::F64 => Some(Value::F64(integer as f64)),
        Type::Bool => (integer <= 1).then_some(Value::Bool(integer == 1)),
        Type::Char => char::from_digit(integer.try_into().ok()?, 10).map(Value::Char),
        _ => Value::from_i128(integer.try_into().ok()?, to),
    }
}

fn from_float(value: f64, to: Type) -> Option<Value> {
    match to {
        Type::F32 | Type::F64 => float(value, to),
        Type::Bool => (value == 0.0 || value == 1.0).then_some(Value::Bool(value == 1.0)),
        Type::Char => None,
        _ => {
            // 2^128 is a float, so a `u128` that saturated is told from one that fits; NaN fails both tests.
            let whole = value.trunc();
            if (0.0..2f64.powi(128)).contains(&whole) {
                from_integer(whole as u128, to)
            } else if (-(2f64.powi(127))..0.0).contains(&whole) {
                Value::from_i128(whole as i128, to)
            } else {
                None
            }
        }
    }
}

/// Infinity comes from infinity only.
fn float(value: f64, to: Type) -> Option<Value> {
    if to == Type::F64 {
        return Some(Value::F64(value));
    }
    let single = value as f32;
    (single.is_finite() || !value.is_finite()).then_some(Value::F32(single))
}

/// Nothing around a number is skipped.
fn parse(text: &str, to: Type) -> Option<Value> {
    match to {
        Type::Bool => text.parse().ok().map(Value::Bool),
        Type::Char => text.parse().ok().map(Value::Char),
        Type::U128 => text.parse().ok().map(Value::U128),
        Type::DateTime => DateTime::parse(text).map(Value::DateTime),
        Type::Duration => Duration::parse(text).map(Value::Duration),
        Type::Tensor => Tensor::parse(text).map(|tensor| Value::Tensor(Arc::new(tensor))),
        Type::F32 => text
            .parse()
            .ok()
            .filter(|v: &f32| meant(v.is_finite(), v.is_nan(), text))
            .map(Value::F32),
        Type::F64 => text
            .parse()
            .ok()
            .filter(|v: &f64| meant(v.is_finite(), v.is_nan(), text))
            .map(Value::F64),
        _ => Value::from_i128(text.parse().ok()?, to),
    }
}

/// Digits that are read as infinity are out of range.
fn meant(finite: bool, nan: bool, text: &str) -> bool {
    !nan && (finite || !text.contains(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> Value {
        Value::String(text.into())
    }

    #[test]
    fn numbers_are_checked() {
        assert_eq!(cast(&Value::I32(300), Type::U8), Err(Fault::Cast));
        assert_eq!(cast(&Value::I32(-1), Type::Usize), Err(Fault::Cast));
        assert_eq!(cast(&Value::I32(-1), Type::U128), Err(Fault::Cast));
        assert_eq!(cast(&Value::U128(u128::MAX), Type::I128), Err(Fault::Cast));
        assert_eq!(cast(&Value::I8(-5), Type::I128), Ok(Value::I128(-5)));
        assert_eq!(cast(&Value::F64(-2.9), Type::I8), Ok(Value::I8(-2)));
        assert_eq!(cast(&Value::F64(-0.9), Type::U8), Ok(Value::U8(0)));
        assert_eq!(
            cast(&Value::F64(3e38), Type::U128),
            Ok(Value::U128(3e38 as u128))
        );
        assert_eq!(cast(&Value::F64(4e38), Type::U128), Err(Fault::Cast));
        assert_eq!(
            cast(&Value::F64(f64::INFINITY), Type::I64),
            Err(Fault::Cast)
        );
        assert_eq!(cast(&Value::F64(1e39), Type::F32), Err(Fault::Cast));
        assert_eq!(cast(&Value::I32(7), Type::F32), Ok(Value::F32(7.0)));
    }

    #[test]
    fn bools_and_chars_are_small_integers() {
        assert_eq!(cast(&Value::Bool(true), Type::F64), Ok(Value::F64(1.0)));
        assert_eq!(cast(&Value::U8(1), Type::Bool), Ok(Value::Bool(true)));
        assert_eq!(cast(&Value::U8(2), Type::Bool), Err(Fault::Cast));
        assert_eq!(cast(&Value::Char('7'), Type::U8), Ok(Value::U8(7)));
        assert_eq!(cast(&Value::Char('7'), Type::F32), Ok(Value::F32(7.0)));
        assert_eq!(cast(&Value::Char('a'), Type::U8), Err(Fault::Cast));
        assert_eq!(cast(&Value::Char('٣'), Type::U8), Err(Fault::Cast));
        assert_eq!(cast(&Value::U32(7), Type::Char), Ok(Value::Char('7')));
        assert_eq!(cast(&Value::U32(10), Type::Char), Err(Fault::Cast));
    }

    #[test]
    fn text_reads_back() {
        for (text, ty) in [
            ("-128", Type::I8),
            ("340282366920938463463374607431768211455", Type::U128),
            ("0.1", Type::F32),
            ("1e300", Type::F64),
            ("inf", Type::F64),
            ("true", Type::Bool),
            ("\"", Type::Char),
            ("a b", Type::Symbol),
            ("2020-01-31T10:00:00Z", Type::DateTime),
            ("P1Y2M3DT4.5S", Type::Duration),
            ("[[1.0, 2.0], [3.0, 4.5]]", Type::Tensor),
        ] {
            let value = cast(&string(text), ty);
            assert_eq!(
                value.and_then(|value| cast(&value, Type::String)),
                Ok(string(text))
            );
        }
        for (text, ty) in [
            ("128", Type::I8),
            (" 1", Type::I32),
            ("", Type::I32),
            ("1.0", Type::I32),
            ("nan", Type::F64),
            ("1e400", Type::F64),
            ("yes", Type::Bool),
            ("ab", Type::Char),
        ] {
            assert_eq!(cast(&string(text), ty), Err(Fault::Cast), "{text}");
        }
    }

    #[test]
    fn what_is_not_castable_never_casts() {
        let values = [
            Value::I32(1),
            Value::F32(1.0),
            Value::Bool(true),
            Value::Char('1'),
            string("1"),
            Value::DateTime(DateTime::parse("2020-01-31").unwrap()),
            Value::Duration(Duration::parse("1 day").unwrap()),
            Value::Tensor(Tensor::parse("1").unwrap().into()),
            Value::Tuple([Value::I32(1)].into()),
            Value::List(Type::I32, [Value::I32(1)].into()),
        ];
        let compound = [
            Type::tuple(&[Type::U8]),
            Type::tuple(&[]),
            Type::list(Type::F64),
        ];
        for value in &values {
            for to in Type::ALL.into_iter().chain(compound) {
                let result = cast(value, to);
                if !castable(value.ty(), to) {
                    assert_eq!(result, Err(Fault::Cast), "{value} as {to}");
                } else if let Ok(result) = result {
                    assert_eq!(result.ty(), to, "{value} as {to}");
                }
            }
        }
    }

    #[test]
    fn parts_and_tensors() {
        let list = |values: &[Value]| Value::List(Type::I32, values.into());
        let pair = list(&[Value::I32(1), Value::I32(-2)]);
        let matrix = Value::List(pair.ty(), [pair.clone(), pair.clone()].into());
        let text = |value: &Value, to| cast(value, to).map(|value| value.to_string());
        assert_eq!(text(&pair, Type::list(Type::F64)), Ok("[1.0, -2.0]".into()));
        assert_eq!(text(&pair, Type::list(Type::U8)), Err(Fault::Cast));
        assert_eq!(
            text(&matrix, Type::Tensor),
            Ok("[[1.0, -2.0], [1.0, -2.0]]".into())
        );
        assert_eq!(text(&list(&[]), Type::Tensor), Ok("[]".into()));
        let uneven = Value::List(pair.ty(), [pair.clone(), list(&[])].into());
        assert_eq!(text(&uneven, Type::Tensor), Err(Fault::Cast));
        let tensor = cast(&Value::F32(1.5), Type::Tensor).unwrap();
        assert_eq!(text(&tensor, Type::I32), Ok("1".into()));
        assert_eq!(
            text(&cast(&pair, Type::Tensor).unwrap(), Type::F64),
            Err(Fault::Cast)
        );
        let tuple = Value::Tuple([Value::I32(1), string("2")].into());
        let ty = Type::tuple(&[Type::String, Type::U8]);
        assert_eq!(text(&tuple, ty), Ok("(\"1\", 2)".into()));
    }
}
