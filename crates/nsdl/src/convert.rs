//! Values from outside, made values of a column's type.

use std::fmt;
use std::sync::Arc;

use nsdl_ir::{DateTime, Duration, Tensor, Type, Value};

/// Why a value is none of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It is of a kind that never is.
    Kind,
    /// It is out of range.
    Range,
    /// It is not a number, which no relation holds.
    NaN,
}

/// The value of type `ty` that stands for `value`.
///
/// Integers go to any integer type that holds them and to floats; floats to floats; text to `String`,
/// `Symbol`, if it is one character, `char`, and if it can be read, times and tensors; `bool` to `bool`. Tuples and
/// lists go part by part, a tuple to a list too; numbers and lists of numbers to tensors; terms to `Entity`.
pub(crate) fn convert(value: &Value, ty: Type) -> Result<Value, Misfit> {
    let float = match *value {
        Value::F32(v) => Some(f64::from(v)),
        Value::F64(v) => Some(v),
        _ => None,
    };
    if float.is_some_and(f64::is_nan) {
        return Err(Misfit::NaN);
    }
    if value.ty() == ty || ty == Type::Entity && matches!(value, Value::Term(_)) {
        return Ok(value.clone());
    }
    if value.ty().is_integer() && ty.is_integer() {
        return match (value, ty) {
            (Value::U128(v), _) => i128::try_from(*v)
                .ok()
                .and_then(|v| Value::from_i128(v, ty)),
            _ => value.as_i128().and_then(|v| Value::from_i128(v, ty)),
        }
        .ok_or(Misfit::Range);
    }
    let float = match *value {
        Value::U128(v) => Some(v as f64),
        _ => float.or_else(|| value.as_i128().map(|v| v as f64)),
    };
    match (value, ty) {
        (_, Type::F64) => float.map(Value::F64).ok_or(Misfit::Kind),
        (_, Type::F32) => {
            let wide = float.ok_or(Misfit::Kind)?;
            let narrow = wide as f32;
            if narrow.is_infinite() && wide.is_finite() {
                return Err(Misfit::Range);
            }
            Ok(Value::F32(narrow))
        }
        (Value::String(text) | Value::Symbol(text), Type::String) => {
            Ok(Value::String(text.clone()))
        }
        (Value::String(text) | Value::Symbol(text), Type::Symbol) => {
            Ok(Value::Symbol(text.clone()))
        }
        (Value::Char(c), Type::String) => Ok(Value::String(c.to_string().into())),
        (Value::Char(c), Type::Symbol) => Ok(Value::Symbol(c.to_string().into())),
        (Value::String(text) | Value::Symbol(text), Type::Char) => {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => Ok(Value::Char(c)),
                _ => Err(Misfit::Range),
            }
        }
        (Value::String(text), Type::DateTime) => DateTime::parse(text)
            .map(Value::DateTime)
            .ok_or(Misfit::Range),
        (Value::String(text), Type::Duration) => Duration::parse(text)
            .map(Value::Duration)
            .ok_or(Misfit::Range),
        (Value::String(text), Type::Tensor) => {
            let tensor = Tensor::parse(text).map(Arc::new).map(Value::Tensor);
            tensor.ok_or(Misfit::Range)
        }
        (Value::Term(_), Type::Entity) => Ok(value.clone()),
        (Value::Tuple(parts), Type::Tuple(types)) if parts.len() == types.len() => {
            let parts = std::iter::zip(parts.iter(), types).map(|(part, ty)| convert(part, *ty));
            let parts: Result<Vec<Value>, Misfit> = parts.collect();
            Ok(Value::Tuple(parts?.into()))
        }
        (Value::Tuple(parts) | Value::List(_, parts), Type::List(element)) => {
            let parts = parts.iter().map(|part| convert(part, *element));
            let parts: Result<Vec<Value>, Misfit> = parts.collect();
            Ok(Value::List(*element, parts?.into()))
        }
        (Value::List(_, elements), Type::Tensor) => {
            let parts = elements
                .iter()
                .map(|element| match convert(element, Type::Tensor)? {
                    Value::Tensor(tensor) => Ok(Arc::unwrap_or_clone(tensor)),
                    _ => Err(Misfit::Kind),
                });
            let parts: Result<Vec<Tensor>, Misfit> = parts.collect();
            let tensor = Tensor::stack(&parts?).ok_or(Misfit::Range)?;
            Ok(Value::Tensor(Arc::new(tensor)))
        }
        (_, Type::Tensor) => {
            let tensor = Tensor::scalar(float.ok_or(Misfit::Kind)?);
            tensor
                .map(|it| Value::Tensor(Arc::new(it)))
                .ok_or(Misfit::NaN)
        }
        _ => Err(Misfit::Kind),
    }
}

/// The list of values of one kind, as a caller gives them without a type: integers and floats together are floats.
/// `None` if they are of different kinds.
pub fn list_of(values: Vec<Value>) -> Option<Value> {
    let mut types = values.iter().map(Value::ty);
    // What is empty can be a list of anything: `()` goes with every type.
    let first = types.next().unwrap_or(NOTHING);
    let ty = types.try_fold(first, join_parts)?;
    let values: Option<Vec<Value>> = values.iter().map(|value| convert(value, ty).ok()).collect();
    Some(Value::List(ty, values?.into()))
}

/// The tensor of a list of numbers, or of such lists of one length; `None` for any other value.
pub fn tensor_of(list: &Value) -> Option<Value> {
    convert(list, Type::Tensor).ok()
}

/// The type of the elements of an empty list that says nothing of it.
const NOTHING: Type = Type::Tuple(&[]);

/// As [`join`], inside of lists.
fn join_parts(a: Type, b: Type) -> Option<Type> {
    match (a, b) {
        (NOTHING, other) | (other, NOTHING) => Some(other),
        _ => join(a, b),
    }
}

/// The value of type `ty` that stands for `value`: what facts from outside are converted by.
///
/// # Errors
/// Why there is none, as text.
pub fn fit(value: &Value, ty: Type) -> Result<Value, String> {
    convert(value, ty).map_err(|why| {
        let found = Described(value);
        match why {
            Misfit::Kind => format!("{found} is not of type {ty}"),
            Misfit::Range => format!("type {ty} does not hold {found}"),
            Misfit::NaN => "NaN is no value".to_owned(),
        }
    })
}

/// The type that holds the values of both, where facts alone decide; `None` if there is none.
pub(crate) fn join(a: Type, b: Type) -> Option<Type> {
    use Type::*;
    let text = |ty| matches!(ty, String | Symbol | Char);
    Some(match (a, b) {
        _ if a == b => a,
        _ if a.is_number() && b.is_number() && (a.is_float() || b.is_float()) => F64,
        (U64 | Usize | U128 | I128, _) | (_, U64 | Usize | U128 | I128)
            if a.is_integer() && b.is_integer() =>
        {
            I128
        }
        _ if a.is_integer() && b.is_integer() => I64,
        _ if text(a) && text(b) => String,
        (List(a), List(b)) => Type::list(join_parts(*a, *b)?),
        (Tuple(a), Tuple(b)) if a.len() == b.len() => {
            let parts: Option<Vec<Type>> =
                std::iter::zip(a, b).map(|(a, b)| join(*a, *b)).collect();
            Type::tuple(&parts?)
        }
        _ => return None,
    })
}

/// A value for messages: its type and text.
pub(crate) struct Described<'a>(pub(crate) &'a Value);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            v if v.ty().is_integer() => write!(f, "the integer {v}"),
            v if v.ty().is_float() => write!(f, "the float {v}"),
            v => write!(f, "the {} {v}", v.ty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(s: &str) -> Value {
        Value::String(s.into())
    }

    #[test]
    fn integers_are_range_checked() {
        assert_eq!(convert(&Value::I64(255), Type::U8), Ok(Value::U8(255)));
        assert_eq!(convert(&Value::I64(256), Type::U8), Err(Misfit::Range));
        assert_eq!(convert(&Value::I64(-1), Type::Usize), Err(Misfit::Range));
        assert_eq!(
            convert(&Value::U128(u128::MAX), Type::I128),
            Err(Misfit::Range)
        );
        assert_eq!(
            convert(&Value::U64(u64::MAX), Type::U128),
            Ok(Value::U128(u64::MAX.into()))
        );
    }

    #[test]
    fn integers_become_floats_but_floats_no_integers() {
        assert_eq!(convert(&Value::I64(2), Type::F32), Ok(Value::F32(2.0)));
        assert_eq!(convert(&Value::F64(2.0), Type::I32), Err(Misfit::Kind));
        assert_eq!(convert(&Value::F64(1e300), Type::F32), Err(Misfit::Range));
        assert_eq!(
            convert(&Value::F64(f64::INFINITY), Type::F32),
            Ok(Value::F32(f32::INFINITY))
        );
        assert_eq!(convert(&Value::F64(f64::NAN), Type::F64), Err(Misfit::NaN));
    }

    #[test]
    fn text_becomes_symbols_and_characters() {
        assert_eq!(
            convert(&text("RED"), Type::Symbol),
            Ok(Value::Symbol("RED".into()))
        );
        assert_eq!(convert(&text("é"), Type::Char), Ok(Value::Char('é')));
        assert_eq!(convert(&text("ab"), Type::Char), Err(Misfit::Range));
        assert_eq!(convert(&text("1"), Type::I32), Err(Misfit::Kind));
        assert_eq!(convert(&Value::Bool(true), Type::I32), Err(Misfit::Kind));
    }

    #[test]
    fn parts_convert_one_by_one() {
        let ints =
            |values: &[i64]| list_of(values.iter().map(|v| Value::I64(*v)).collect()).unwrap();
        let mixed = list_of(vec![Value::I64(1), Value::F64(0.5)]).unwrap();
        assert_eq!(mixed.to_string(), "[1.0, 0.5]");
        assert_eq!(list_of(vec![Value::I64(1), text("a")]), None);
        let nested = list_of(vec![ints(&[]), ints(&[1, 2])]).unwrap();
        assert_eq!(nested.ty(), Type::list(Type::list(Type::I64)));
        let wanted = Type::list(Type::list(Type::U8));
        assert_eq!(
            convert(&nested, wanted).unwrap().to_string(),
            "[[], [1, 2]]"
        );
        assert_eq!(
            convert(&ints(&[300]), Type::list(Type::U8)),
            Err(Misfit::Range)
        );
        let pair = Value::Tuple([Value::I64(1), text("é")].into());
        let ty = Type::tuple(&[Type::F32, Type::Char]);
        assert_eq!(convert(&pair, ty).unwrap().to_string(), "(1.0, 'é')");
        assert_eq!(convert(&pair, Type::tuple(&[Type::F32])), Err(Misfit::Kind));
        let matrix = list_of(vec![ints(&[1, 2]), ints(&[3, 4])]).unwrap();
        assert_eq!(
            tensor_of(&matrix).unwrap().to_string(),
            "[[1.0, 2.0], [3.0, 4.0]]"
        );
        assert_eq!(tensor_of(&nested), None);
    }

    #[test]
    fn text_becomes_times() {
        let day = convert(&text("2020-01-31"), Type::DateTime).unwrap();
        assert_eq!(day.to_string(), "t\"2020-01-31T00:00:00Z\"");
        assert_eq!(convert(&text("soon"), Type::Duration), Err(Misfit::Range));
        assert_eq!(convert(&day, Type::String), Err(Misfit::Kind));
    }

    #[test]
    fn joins_hold_both() {
        assert_eq!(join(Type::I64, Type::F64), Some(Type::F64));
        assert_eq!(join(Type::I64, Type::U64), Some(Type::I128));
        assert_eq!(join(Type::String, Type::Symbol), Some(Type::String));
        assert_eq!(join(Type::Bool, Type::I64), None);
    }
}
