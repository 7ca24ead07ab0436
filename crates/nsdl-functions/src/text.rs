//! Strings as sequences of Unicode scalar values: positions and lengths count those, never bytes.

use nsdl_ir::Value;

use crate::Fault;
use crate::cast::text;

/// Bytes of the longest text that is made.
pub const LONGEST_TEXT: usize = 1 << 26;

/// A text that is not too long.
pub(crate) fn made(text: String) -> Result<Value, Fault> {
    match text.len() <= LONGEST_TEXT {
        true => Ok(Value::String(text.into())),
        false => Err(Fault::Overflow),
    }
}

pub(crate) fn concat(values: &[Value]) -> Result<Value, Fault> {
    made(values.iter().map(text).collect())
}

pub(crate) fn length(value: &Value) -> Result<Value, Fault> {
    Ok(Value::Usize(string(value)?.chars().count() as u64))
}

/// Fails past the end.
pub(crate) fn char_at(value: &Value, index: &Value) -> Result<Value, Fault> {
    string(value)?
        .chars()
        .nth(position(index)?)
        .map(Value::Char)
        .ok_or(Fault::Domain)
}

/// From `begin` up to, without, `end` (or the end of the text). Fails unless begin ≤ end ≤ length.
pub(crate) fn substring(value: &Value, begin: &Value, end: Option<&Value>) -> Result<Value, Fault> {
    let string = string(value)?;
    let begin = position(begin)?;
    let from = offset(string, begin).ok_or(Fault::Domain)?;
    let to = match end {
        Some(end) => offset(string, position(end)?).ok_or(Fault::Domain)?,
        None => string.len(),
    };
    string
        .get(from..to)
        .map(|part| Value::String(part.into()))
        .ok_or(Fault::Domain)
}

/// Each `{}` of the first value is replaced by the text of the next one. Fails unless all are used up.
pub(crate) fn format(values: &[Value]) -> Result<Value, Fault> {
    let (pattern, values) = values.split_first().ok_or(Fault::Domain)?;
    let mut pieces = string(pattern)?.split("{}");
    let mut result = pieces.next().unwrap_or_default().to_owned();
    let mut values = values.iter();
    for piece in pieces {
        result += &text(values.next().ok_or(Fault::Domain)?);
        result += piece;
    }
    if values.next().is_some() {
        return Err(Fault::Domain);
    }
    made(result)
}

pub(crate) fn upper(value: &Value) -> Result<Value, Fault> {
    Ok(Value::String(string(value)?.to_uppercase().into()))
}

pub(crate) fn lower(value: &Value) -> Result<Value, Fault> {
    Ok(Value::String(string(value)?.to_lowercase().into()))
}

/// Without white space at both ends.
pub(crate) fn trim(value: &Value) -> Result<Value, Fault> {
    Ok(Value::String(string(value)?.trim().into()))
}

/// Where the second string first begins in the first one; fails if nowhere.
pub(crate) fn index_of(value: &Value, part: &Value) -> Result<Value, Fault> {
    let whole = string(value)?;
    let at = whole.find(string(part)?).ok_or(Fault::Domain)?;
    let before = whole.get(..at).unwrap_or_default();
    Ok(Value::Usize(before.chars().count() as u64))
}

/// The number of a character in Unicode.
pub(crate) fn code(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Char(c) => Ok(Value::U32(u32::from(*c))),
        _ => Err(Fault::Domain),
    }
}

/// The character of that number; fails for halves of a pair, and past the last.
pub(crate) fn of_code(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::U32(code) => char::from_u32(*code).map(Value::Char).ok_or(Fault::Domain),
        _ => Err(Fault::Domain),
    }
}

/// Every occurrence, from left to right, that does not overlap the one before.
pub(crate) fn replace(value: &Value, from: &Value, to: &Value) -> Result<Value, Fault> {
    made(string(value)?.replace(string(from)?, string(to)?))
}

fn string(value: &Value) -> Result<&str, Fault> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Fault::Domain),
    }
}

fn position(value: &Value) -> Result<usize, Fault> {
    let position = value
        .as_i128()
        .and_then(|position| usize::try_from(position).ok());
    position.ok_or(Fault::Domain)
}

/// The byte where character `index` begins; the length of the text for the one after the last.
fn offset(text: &str, index: usize) -> Option<usize> {
    text.char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .nth(index)
}
