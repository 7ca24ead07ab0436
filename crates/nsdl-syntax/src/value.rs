//! Values from text: as in programs, and as in CSV fields.

mod compound;

use std::sync::Arc;

use nsdl_ir::{DateTime, Diagnostic, Duration, Symbols, Tensor, Type, Value};

use crate::ast::Literal;

/// A value of type `ty` as programs and output write it: `-3`, `0xff`, `1.5`, `inf`, `true`, `'a'`, `"text"`,
/// `s"RED"`, `t"2020-01-31"`, `d"3 weeks"`, `(1, "a")`, `[1, 2]`, a tensor `[[1.0, 2.0]]`, `Cons(1, Nil())`. The whole text must match; spaces around it do not count. An
/// integer may stand for a float. The constructors of terms are those that `symbols` knows.
///
/// # Errors
/// `E0120` if it is no such value, `E0121` if it is out of range, `E0122` for NaN, `E0270` for an unknown
/// constructor, and the errors of literals.
pub fn parse_value(text: &str, ty: Type, symbols: &Symbols) -> Result<Value, Diagnostic> {
    let trimmed = text.trim();
    if ty.is_float()
        && let Some(value) = special_float(trimmed, ty)
    {
        return value;
    }
    compound::read(trimmed, ty, symbols)
}

/// A value of type `ty` from a CSV field, as it is: nothing is trimmed, and text is not quoted, but for values that
/// are made of values.
///
/// # Errors
/// `E0120` if the field is no such value, `E0121` if it is out of range, `E0122` for NaN, and those of [`parse_value`].
pub fn parse_field(text: &str, ty: Type, symbols: &Symbols) -> Result<Value, Diagnostic> {
    let value = match ty {
        _ if ty.is_compound() || ty == Type::Tensor => return parse_value(text, ty, symbols),
        Type::DateTime => DateTime::parse(text).map(Value::DateTime),
        Type::Duration => Duration::parse(text).map(Value::Duration),
        Type::String => Some(Value::String(text.into())),
        Type::Symbol => Some(Value::Symbol(text.into())),
        Type::Bool => text.parse().ok().map(Value::Bool),
        Type::Char => text.parse().ok().map(Value::Char),
        _ if ty.is_float() => match special_float(text, ty) {
            Some(special) => return special,
            None if is_decimal(text) => return float(text, text, ty),
            None => None,
        },
        _ => {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                None
            } else {
                let magnitude = digits.parse().map_err(|_| out_of_range(text, ty))?;
                return integer(magnitude, text.starts_with('-'), ty)
                    .ok_or_else(|| out_of_range(text, ty));
            }
        }
    };
    value.ok_or_else(|| mismatch(text, ty))
}

/// The value of type `ty` that a literal, perhaps after a minus, stands for.
///
/// # Errors
/// `E0120` if it is of another kind or has the suffix of another type, `E0121` if it is out of range.
pub fn literal_value(literal: &Literal, negative: bool, ty: Type) -> Result<Value, Diagnostic> {
    let text = || {
        let minus = if negative { "-" } else { "" };
        format!("{minus}{}", crate::format::literal(literal))
    };
    let fits = |suffix: &Option<Type>| suffix.is_none_or(|suffix| suffix == ty);
    match literal {
        Literal::Integer(magnitude, suffix) if ty.is_integer() && fits(suffix) => {
            integer(*magnitude, negative, ty).ok_or_else(|| out_of_range(&text(), ty))
        }
        Literal::Integer(magnitude, None) if ty.is_float() => {
            let minus = if negative { "-" } else { "" };
            float(&format!("{minus}{magnitude}"), &text(), ty)
        }
        Literal::Float(digits, suffix) if ty.is_float() && fits(suffix) => {
            let minus = if negative { "-" } else { "" };
            float(&format!("{minus}{digits}"), &text(), ty)
        }
        Literal::Bool(value) if ty == Type::Bool && !negative => Ok(Value::Bool(*value)),
        Literal::Char(value) if ty == Type::Char && !negative => Ok(Value::Char(*value)),
        Literal::String(value) if ty == Type::String && !negative => {
            Ok(Value::String(value.as_str().into()))
        }
        Literal::Symbol(value) if ty == Type::Symbol && !negative => {
            Ok(Value::Symbol(value.as_str().into()))
        }
        Literal::DateTime(value) if ty == Type::DateTime && !negative => {
            Ok(Value::DateTime(*value))
        }
        Literal::Duration(value) if ty == Type::Duration => {
            let value = if negative {
                value.checked_mul(-1)
            } else {
                Some(*value)
            };
            let value = value.map(Value::Duration);
            value.ok_or_else(|| out_of_range(&text(), ty))
        }
        _ if ty == Type::Tensor => match scalar(literal, negative) {
            Some(tensor) => Ok(Value::Tensor(Arc::new(tensor))),
            None => Err(mismatch(&text(), ty)),
        },
        _ => Err(mismatch(&text(), ty)),
    }
}

/// A tensor without dimensions of a literal.
fn scalar(literal: &Literal, negative: bool) -> Option<Tensor> {
    match literal_value(literal, negative, Type::F64).ok()? {
        Value::F64(number) => Tensor::scalar(number),
        _ => None,
    }
}

fn integer(magnitude: u128, negative: bool, ty: Type) -> Option<Value> {
    if ty == Type::U128 {
        return (!negative || magnitude == 0).then_some(Value::U128(magnitude));
    }
    let value = match (negative, i128::try_from(magnitude)) {
        (false, Ok(value)) => value,
        (true, Ok(value)) => -value,
        (true, Err(_)) if magnitude == i128::MIN.unsigned_abs() => i128::MIN,
        _ => return None,
    };
    Value::from_i128(value, ty)
}

/// `inf`, `-inf` and what spells NaN, in any case.
fn special_float(text: &str, ty: Type) -> Option<Result<Value, Diagnostic>> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned.eq_ignore_ascii_case("nan") {
        let problem = Diagnostic::error("E0122", "NaN is not a value")
            .help("relations hold numbers only: leave the row out, or give it another value");
        return Some(Err(problem));
    }
    if !["inf", "infinity"]
        .iter()
        .any(|name| unsigned.eq_ignore_ascii_case(name))
    {
        return None;
    }
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    Some(Ok(match ty {
        Type::F32 => Value::F32(f32::INFINITY * sign as f32),
        _ => Value::F64(f64::INFINITY * sign),
    }))
}

fn is_decimal(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
}

/// Rounds `digits` to the nearest value of the type.
fn float(digits: &str, text: &str, ty: Type) -> Result<Value, Diagnostic> {
    let (value, finite) = match ty {
        Type::F32 => match digits.parse::<f32>() {
            Ok(value) => (Value::F32(value), value.is_finite()),
            Err(_) => return Err(mismatch(text, ty)),
        },
        _ => match digits.parse::<f64>() {
            Ok(value) => (Value::F64(value), value.is_finite()),
            Err(_) => return Err(mismatch(text, ty)),
        },
    };
    if finite {
        Ok(value)
    } else {
        Err(out_of_range(text, ty))
    }
}

fn mismatch(text: &str, ty: Type) -> Diagnostic {
    let problem = Diagnostic::error(
        "E0120",
        format!("`{}` is not a value of type `{ty}`", shorten(text)),
    );
    let example = match ty {
        Type::Bool => "values of type `bool` are `true` and `false`",
        Type::Char => "a value of type `char` is one character, in programs `'a'`",
        Type::String => "text stands between double quotes: `\"text\"`",
        Type::Symbol => "a symbol is written `s\"RED\"`",
        Type::DateTime => "an instant is written `t\"2020-01-31T10:00:00Z\"`",
        Type::Duration => "a duration is written `d\"3 days\"`",
        Type::Tensor => "a tensor is written `[[1.0, 2.0], [3.0, 4.0]]`",
        Type::Entity | Type::Adt(_) => {
            "a term is written `Name(field, …)`, also without fields: `Nil()`"
        }
        Type::Tuple(_) => "a tuple is written `(1, \"a\")`, with one part `(1,)`",
        Type::List(_) => "a list is written `[1, 2]`",
        _ if ty.is_float() => "such values are `1.5`, `-2e10`, `inf`",
        _ if ty.is_unsigned() => "such values are `0`, `12`",
        _ => "such values are `0`, `-12`",
    };
    problem.help(example)
}

fn out_of_range(text: &str, ty: Type) -> Diagnostic {
    let message = format!("`{}` is out of the range of `{ty}`", shorten(text));
    let problem = Diagnostic::error("E0121", message);
    match (ty.signed_range(), ty.unsigned_max()) {
        (Some((low, high)), _) => problem.help(format!("`{ty}` reaches from {low} to {high}")),
        (_, Some(high)) => problem.help(format!("`{ty}` reaches from 0 to {high}")),
        _ => problem.help("the largest value is `inf`"),
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
