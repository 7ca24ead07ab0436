//! Values from outside, made values of a column's type.

use std::fmt;

use nsdl_ir::{Type, Value};

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
/// `Symbol` and, if it is one character, `char`; `bool` to `bool`.
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
        _ => Err(Misfit::Kind),
    }
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
    fn joins_hold_both() {
        assert_eq!(join(Type::I64, Type::F64), Some(Type::F64));
        assert_eq!(join(Type::I64, Type::U64), Some(Type::I128));
        assert_eq!(join(Type::String, Type::Symbol), Some(Type::String));
        assert_eq!(join(Type::Bool, Type::I64), None);
    }
}
