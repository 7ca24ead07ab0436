//! JSON lines: one array or object a line.

use std::borrow::Cow;
use std::fmt;
use std::io::BufRead;

use nsdl_ir::{Diagnostic, Symbols, Type, Value};
use nsdl_syntax::parse_field;
use serde_json::value::RawValue;

use super::load::{Fault, Loader, Row};
use super::open::cannot_read;
use crate::convert::convert;

pub(super) fn read(mut input: impl BufRead, loader: &mut Loader<'_>) -> Result<(), Diagnostic> {
    let mut bytes = Vec::new();
    let file = loader.file.clone();
    let mut number: u64 = 0;
    // What the first object has: all others are read by these names.
    let mut names: Option<Vec<String>> = None;
    loop {
        bytes.clear();
        let length = input
            .read_until(b'\n', &mut bytes)
            .map_err(|error| cannot_read(&file, &error))?;
        if length == 0 {
            return Ok(());
        }
        number += 1;
        let place = || format!("{file}:{number}");
        let line = std::str::from_utf8(&bytes)
            .map_err(|_| Diagnostic::error("E0702", format!("{}: not UTF-8 text", place())))?;
        let line = line.trim();
        let malformed = |error: serde_json::Error| {
            Diagnostic::error(
                "E0702",
                format!("{}: column {}: {}", place(), error.column(), reason(&error)),
            )
            .help("each line is one JSON array or object")
        };
        let cells: Vec<Option<&RawValue>> = match line.as_bytes().first() {
            None => continue,
            Some(b'{') => {
                let Object(entries) = serde_json::from_str(line).map_err(malformed)?;
                if names.is_none() {
                    let mut found: Vec<String> =
                        entries.iter().map(|(name, _)| name.to_string()).collect();
                    // A field that is wanted may begin in a later line.
                    for field in &loader.options.fields {
                        if !found.contains(field) {
                            found.push(field.clone());
                        }
                    }
                    loader.name_columns(found.clone())?;
                    names = Some(found);
                }
                let all = !loader.options.keys.is_empty() && loader.options.fields.is_empty();
                align(names.as_deref().unwrap_or_default(), &entries, all).map_err(|name| {
                    Diagnostic::error(
                        "E0706",
                        format!("{}: the field `{name}` is not in the first line", place()),
                    )
                    .help("name all fields to read: `fields=[\"x\", \"y\"]`")
                })?
            }
            Some(b'[') if names.is_some() => {
                return Err(Diagnostic::error(
                    "E0702",
                    format!("{}: an array, but the lines before are objects", place()),
                )
                .help("write all lines alike"));
            }
            Some(b'[') => serde_json::from_str(line).map_err(malformed)?,
            Some(_) => {
                return Err(Diagnostic::error(
                    "E0702",
                    format!("{}: neither an array nor an object", place()),
                )
                .help("each line is one JSON array or object"));
            }
        };
        loader.row(&Line { cells, number })?;
    }
}

/// The cells of an object in the order of the first one; a name that is not there, if `all` are to be read.
fn align<'a>(
    names: &[String],
    entries: &[(Cow<'a, str>, &'a RawValue)],
    all: bool,
) -> Result<Vec<Option<&'a RawValue>>, String> {
    // Objects are nearly always written in one order.
    if names.len() == entries.len()
        && std::iter::zip(names, entries).all(|(name, (key, _))| name == key)
    {
        return Ok(entries.iter().map(|(_, value)| Some(*value)).collect());
    }
    let unknown = entries
        .iter()
        .find(|(key, _)| !names.iter().any(|name| name == key));
    if let Some((key, _)) = unknown.filter(|_| all) {
        return Err(key.to_string());
    }
    let value = |name: &String| entries.iter().find(|(key, _)| key == name);
    Ok(names
        .iter()
        .map(|name| value(name).map(|(_, value)| *value))
        .collect())
}

struct Line<'a> {
    cells: Vec<Option<&'a RawValue>>,
    number: u64,
}

impl Row for Line<'_> {
    fn width(&self) -> usize {
        self.cells.len()
    }

    fn value(&self, column: usize, ty: Type, symbols: &Symbols) -> Result<Option<Value>, Fault> {
        match self.cells.get(column).copied().flatten() {
            None => Ok(None),
            Some(raw) => cell(raw.get(), ty, symbols),
        }
    }

    fn place(&self) -> String {
        format!(":{}", self.number)
    }

    fn cell(&self) -> &'static str {
        "element"
    }
}

/// A value in JSON, as it is written; `None` for null.
fn cell(text: &str, ty: Type, symbols: &Symbols) -> Result<Option<Value>, Fault> {
    let fault = |note: &str| Fault::new(text, note);
    let parsed = |cell: &str| {
        parse_field(cell, ty, symbols)
            .map(Some)
            .map_err(|why| Fault::parsed(text, why))
    };
    match (text.as_bytes().first(), ty) {
        (Some(b'n'), _) => Ok(None),
        (Some(b'"'), _) => {
            let string: Cow<'_, str> =
                serde_json::from_str(text).map_err(|error| fault(&error.to_string()))?;
            if matches!(ty, Type::String | Type::Symbol | Type::Char) {
                return convert(&Value::String(string.as_ref().into()), ty)
                    .map(Some)
                    .map_err(|_| fault("it is not one character"));
            }
            // Numbers that JSON has not, and all that JSON knows nothing of, are text.
            let number = ty.is_float() && string.bytes().any(|byte| byte.is_ascii_digit());
            match number || ty.is_integer() || ty == Type::Bool {
                true => Err(fault("it is text")),
                false => parsed(&string),
            }
        }
        (Some(b'['), Type::Tuple(_) | Type::List(_)) => parts(text, ty, symbols).map(Some),
        (Some(b'[' | b'{'), _) => Err(fault("it is not one value")),
        (Some(b't' | b'f'), Type::Bool) => parsed(text),
        (Some(b't' | b'f'), _) => Err(fault("it is a bool")),
        _ if ty.is_number() => parsed(text),
        _ => Err(fault("it is a number")),
    }
}

/// A tuple or a list from an array.
fn parts(text: &str, ty: Type, symbols: &Symbols) -> Result<Value, Fault> {
    let items: Vec<&RawValue> =
        serde_json::from_str(text).map_err(|error| Fault::new(text, error.to_string()))?;
    let part = |item: &RawValue, ty: Type| {
        cell(item.get(), ty, symbols)?.ok_or_else(|| Fault::new(text, "relations have no null"))
    };
    match ty {
        Type::Tuple(types) if types.len() == items.len() => std::iter::zip(items, types)
            .map(|(item, ty)| part(item, *ty))
            .collect::<Result<_, _>>()
            .map(Value::Tuple),
        Type::List(element) => items
            .into_iter()
            .map(|item| part(item, *element))
            .collect::<Result<_, _>>()
            .map(|items| Value::List(*element, items)),
        _ => Err(Fault::new(
            text,
            format!("it has {}", super::layout::counted(items.len(), "part")),
        )),
    }
}

/// The entries of an object, in order.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Object<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> serde::de::Visitor<'de> for Entries {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut entries: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::new();
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &RawValue>()? {
                    if entries.iter().any(|(known, _)| *known == key) {
                        return Err(serde::de::Error::custom(format!("`{key}` comes twice")));
                    }
                    entries.push((key, value));
                }
                Ok(Object(entries))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// A name, borrowed unless it has escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> serde::de::Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// What serde says, without its own count of lines.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.find(" at line ") {
        Some(end) => text.get(..end).unwrap_or(&text).to_owned(),
        None => text,
    }
}
