//! Values at the boundary, and their one-word form inside.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::{DateTime, Duration, Symbols, Tensor, Term, Type};

/// A cell of a row. Equal words of one type are equal values: floats are stored with −0.0 made 0.0 and
/// never NaN, text and 128-bit integers by interned id.
pub type Word = u64;

/// A value with its type, as users give and get it.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // Each variant is the Rust form of the nsdl type of that name.
pub enum Value {
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    Isize(i64),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    Usize(u64),
    F32(f32),
    F64(f64),
    Bool(bool),
    Char(char),
    String(Arc<str>),
    Symbol(Arc<str>),
    DateTime(DateTime),
    Duration(Duration),
    Tensor(Arc<Tensor>),
    Term(Arc<Term>),
    Tuple(Arc<[Value]>),
    /// The type of the elements, which an empty list needs, and the elements, all of that type.
    List(Type, Arc<[Value]>),
}

/// Terms may be as deep as memory allows: whoever walks one grows the stack as needed.
fn deep<T>(walk: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, walk)
}

impl Value {
    /// Its type.
    pub fn ty(&self) -> Type {
        match self {
            Value::I8(_) => Type::I8,
            Value::I16(_) => Type::I16,
            Value::I32(_) => Type::I32,
            Value::I64(_) => Type::I64,
            Value::I128(_) => Type::I128,
            Value::Isize(_) => Type::Isize,
            Value::U8(_) => Type::U8,
            Value::U16(_) => Type::U16,
            Value::U32(_) => Type::U32,
            Value::U64(_) => Type::U64,
            Value::U128(_) => Type::U128,
            Value::Usize(_) => Type::Usize,
            Value::F32(_) => Type::F32,
            Value::F64(_) => Type::F64,
            Value::Bool(_) => Type::Bool,
            Value::Char(_) => Type::Char,
            Value::String(_) => Type::String,
            Value::Symbol(_) => Type::Symbol,
            Value::DateTime(_) => Type::DateTime,
            Value::Duration(_) => Type::Duration,
            Value::Tensor(_) => Type::Tensor,
            Value::Term(term) => term.constructor.ty,
            Value::Tuple(parts) => {
                let parts: Vec<Type> = parts.iter().map(Value::ty).collect();
                Type::tuple(&parts)
            }
            Value::List(element, _) => Type::list(*element),
        }
    }

    /// The value of integer type `ty` that equals `value`, if it is in range.
    pub fn from_i128(value: i128, ty: Type) -> Option<Value> {
        Some(match ty {
            Type::I8 => Value::I8(value.try_into().ok()?),
            Type::I16 => Value::I16(value.try_into().ok()?),
            Type::I32 => Value::I32(value.try_into().ok()?),
            Type::I64 => Value::I64(value.try_into().ok()?),
            Type::I128 => Value::I128(value),
            Type::Isize => Value::Isize(value.try_into().ok()?),
            Type::U8 => Value::U8(value.try_into().ok()?),
            Type::U16 => Value::U16(value.try_into().ok()?),
            Type::U32 => Value::U32(value.try_into().ok()?),
            Type::U64 => Value::U64(value.try_into().ok()?),
            Type::U128 => Value::U128(value.try_into().ok()?),
            Type::Usize => Value::Usize(value.try_into().ok()?),
            _ => return None,
        })
    }

    /// As an integer, for integer values that fit (`u128` above `i128::MAX` does not).
    pub fn as_i128(&self) -> Option<i128> {
        Some(match *self {
            Value::I8(v) => v.into(),
            Value::I16(v) => v.into(),
            Value::I32(v) => v.into(),
            Value::I64(v) | Value::Isize(v) => v.into(),
            Value::I128(v) => v,
            Value::U8(v) => v.into(),
            Value::U16(v) => v.into(),
            Value::U32(v) => v.into(),
            Value::U64(v) | Value::Usize(v) => v.into(),
            Value::U128(v) => v.try_into().ok()?,
            _ => return None,
        })
    }

    /// Its one-word form; interns what does not fit a word. `None` for NaN, which no relation holds.
    pub fn to_word(&self, symbols: &Symbols) -> Option<Word> {
        let words = |parts: &[Value]| -> Option<Vec<Word>> {
            deep(|| parts.iter().map(|part| part.to_word(symbols)).collect())
        };
        Some(match self {
            Value::I8(v) => i64::from(*v) as u64,
            Value::I16(v) => i64::from(*v) as u64,
            Value::I32(v) => i64::from(*v) as u64,
            Value::I64(v) | Value::Isize(v) => *v as u64,
            Value::I128(v) => symbols.intern_wide(*v as u128),
            Value::U8(v) => (*v).into(),
            Value::U16(v) => (*v).into(),
            Value::U32(v) => (*v).into(),
            Value::U64(v) | Value::Usize(v) => *v,
            Value::U128(v) => symbols.intern_wide(*v),
            Value::F32(v) if v.is_nan() => return None,
            // Adding 0.0 turns −0.0 into 0.0 and leaves everything else as it is.
            Value::F32(v) => u64::from((v + 0.0).to_bits()),
            Value::F64(v) if v.is_nan() => return None,
            Value::F64(v) => (v + 0.0).to_bits(),
            Value::Bool(v) => (*v).into(),
            Value::Char(v) => u32::from(*v).into(),
            Value::String(v) | Value::Symbol(v) => symbols.intern(v),
            Value::DateTime(v) => v.microseconds as u64,
            Value::Duration(v) => symbols
                .intern_wide(u128::from(v.months as u32) << 64 | u128::from(v.microseconds as u64)),
            Value::Tensor(v) => symbols.intern_tensor(v),
            Value::Term(v) => symbols.intern_term(v.constructor, &words(&v.fields)?),
            Value::Tuple(parts) | Value::List(_, parts) => symbols.intern_list(&words(parts)?),
        })
    }

    /// The value of type `ty` behind `word`, which must come from [`Value::to_word`] with the same `symbols`.
    pub fn from_word(word: Word, ty: Type, symbols: &Symbols) -> Value {
        match ty {
            Type::I8 => Value::I8(word as i8),
            Type::I16 => Value::I16(word as i16),
            Type::I32 => Value::I32(word as i32),
            Type::I64 => Value::I64(word as i64),
            Type::I128 => Value::I128(symbols.wide(word) as i128),
            Type::Isize => Value::Isize(word as i64),
            Type::U8 => Value::U8(word as u8),
            Type::U16 => Value::U16(word as u16),
            Type::U32 => Value::U32(word as u32),
            Type::U64 => Value::U64(word),
            Type::U128 => Value::U128(symbols.wide(word)),
            Type::Usize => Value::Usize(word),
            Type::F32 => Value::F32(f32::from_bits(word as u32)),
            Type::F64 => Value::F64(f64::from_bits(word)),
            Type::Bool => Value::Bool(word != 0),
            Type::Char => {
                Value::Char(char::from_u32(word as u32).unwrap_or(char::REPLACEMENT_CHARACTER))
            }
            Type::String => Value::String(symbols.text(word)),
            Type::Symbol => Value::Symbol(symbols.text(word)),
            Type::DateTime => Value::DateTime(DateTime {
                microseconds: word as i64,
            }),
            Type::Duration => {
                let bits = symbols.wide(word);
                Value::Duration(Duration {
                    months: (bits >> 64) as u32 as i32,
                    microseconds: bits as u64 as i64,
                })
            }
            Type::Tensor => {
                let zero = || Tensor::new(Vec::new(), vec![0.0]).map(Arc::new);
                match symbols.tensor(word).or_else(zero) {
                    Some(tensor) => Value::Tensor(tensor),
                    None => Value::Tuple(Arc::from([])),
                }
            }
            Type::Entity | Type::Adt(_) => match symbols.term(word) {
                Some((constructor, fields)) => {
                    let fields = std::iter::zip(fields.iter(), &constructor.fields);
                    let value = |(word, ty): (&Word, &Type)| Value::from_word(*word, *ty, symbols);
                    let fields = deep(|| fields.map(value).collect());
                    Value::Term(Arc::new(Term {
                        constructor,
                        fields,
                    }))
                }
                // Words come from the same table.
                None => Value::Tuple(Arc::from([])),
            },
            Type::Tuple(types) => {
                let words = symbols.list(word);
                let parts = std::iter::zip(words.iter(), types);
                Value::Tuple(deep(|| {
                    parts
                        .map(|(word, ty)| Value::from_word(*word, *ty, symbols))
                        .collect()
                }))
            }
            Type::List(element) => {
                let words = symbols.list(word);
                let elements = words.iter();
                let value = |word: &Word| Value::from_word(*word, *element, symbols);
                Value::List(*element, deep(|| elements.map(value).collect()))
            }
        }
    }
}

/// Numbers by value, −0.0 equal to 0.0, NaN above all; false before true; chars and text by scalar value;
/// times by instant, terms by constructor in order of declaration, then fields; tuples and lists lexicographically.
/// Values of different types compare by the order of [`Type::ALL`].
impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        use Value::*;
        match (self, other) {
            (F32(a), F32(b)) => (a + 0.0).total_cmp(&(b + 0.0)),
            (F64(a), F64(b)) => (a + 0.0).total_cmp(&(b + 0.0)),
            (Bool(a), Bool(b)) => a.cmp(b),
            (Char(a), Char(b)) => a.cmp(b),
            (String(a), String(b)) | (Symbol(a), Symbol(b)) => a.cmp(b),
            (U128(a), U128(b)) => a.cmp(b),
            (DateTime(a), DateTime(b)) => a.cmp(b),
            (Duration(a), Duration(b)) => a.cmp(b),
            (Tensor(a), Tensor(b)) => a.cmp(b),
            (Term(a), Term(b)) if Arc::ptr_eq(a, b) => Ordering::Equal,
            (Term(a), Term(b)) => {
                let key = |it: &crate::Term| (it.constructor.ty, it.constructor.position);
                key(a)
                    .cmp(&key(b))
                    .then_with(|| deep(|| a.fields.cmp(&b.fields)))
            }
            (Tuple(a), Tuple(b)) | (List(_, a), List(_, b)) => deep(|| a.cmp(b)),
            _ if self.ty() == other.ty() => self.as_i128().cmp(&other.as_i128()),
            _ => self.ty().cmp(&other.ty()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

/// The text form of SEMANTICS.md 15: text quoted and escaped, floats in their shortest exact form.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::F32(v) => f.write_str(&format_float(*v, v.is_finite())),
            Value::F64(v) => f.write_str(&format_float(*v, v.is_finite())),
            Value::Bool(v) => write!(f, "{v}"),
            Value::Char('\'') => f.write_str("'\\''"),
            Value::Char(v) => write!(f, "'{}'", Escaped(v.encode_utf8(&mut [0; 4]))),
            Value::String(v) => write!(f, "\"{}\"", Escaped(v)),
            Value::Symbol(v) => write!(f, "s\"{}\"", Escaped(v)),
            Value::U128(v) => write!(f, "{v}"),
            Value::DateTime(v) => write!(f, "t\"{v}\""),
            Value::Duration(v) => write!(f, "d\"{v}\""),
            Value::Tensor(v) => v.fmt(f),
            Value::Term(term) => {
                f.write_str(&term.constructor.name)?;
                deep(|| commas(f, "(", &term.fields, ")"))
            }
            Value::Tuple(parts) if parts.len() == 1 => deep(|| commas(f, "(", parts, ",)")),
            Value::Tuple(parts) => deep(|| commas(f, "(", parts, ")")),
            Value::List(_, elements) => deep(|| commas(f, "[", elements, "]")),
            integer => write!(f, "{}", integer.as_i128().unwrap_or_default()),
        }
    }
}

fn commas(f: &mut fmt::Formatter<'_>, open: &str, values: &[Value], close: &str) -> fmt::Result {
    f.write_str(open)?;
    for (index, value) in values.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(f, "{comma}{value}")?;
    }
    f.write_str(close)
}

/// The shortest decimal that reads back the same, always with `.` or `e`; `inf` and `-inf` as they are.
pub fn format_float<F: fmt::Debug + fmt::Display>(value: F, finite: bool) -> String {
    // Rust's Debug is the shortest form that reads back, with `.0` or an exponent.
    if finite {
        format!("{value:?}")
    } else {
        format!("{value}")
    }
}

struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '\0' => f.write_str("\\0")?,
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}
