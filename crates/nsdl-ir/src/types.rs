//! The types of columns and expressions.

use std::fmt;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// Signed integers; `Isize` is 64 bits wide on every machine.
    I8,
    /// 16 bits.
    I16,
    /// 32 bits: the type of unsuffixed integer literals.
    I32,
    /// 64 bits.
    I64,
    /// 128 bits; such values are interned, since a [`Word`](crate::Word) has 64.
    I128,
    /// 64 bits.
    Isize,
    /// Unsigned integers; `Usize` is 64 bits wide on every machine.
    U8,
    /// 16 bits.
    U16,
    /// 32 bits.
    U32,
    /// 64 bits.
    U64,
    /// 128 bits, interned.
    U128,
    /// 64 bits: the type of `count`.
    Usize,
    /// IEEE 754 single: the type of unsuffixed float literals.
    F32,
    /// IEEE 754 double.
    F64,
    /// `true` or `false`.
    Bool,
    /// A Unicode scalar value.
    Char,
    /// A sequence of Unicode scalar values.
    String,
    /// A name: compares by text, cannot be taken apart.
    Symbol,
    /// An instant.
    DateTime,
    /// Months and microseconds.
    Duration,
    /// Numbers in a shape: a constant (SEMANTICS.md 8).
    Tensor,
    /// A term of any algebraic data type: where nothing says which.
    Entity,
    /// A term of this algebraic data type.
    Adt(Adt),
    /// A tuple; its length and the types of its parts are part of the type.
    Tuple(&'static [Type]),
    /// A list of any length.
    List(&'static Type),
}

/// An algebraic data type with its arguments: `Expr`, `List<i32>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Adt {
    /// Its name.
    pub name: &'static str,
    /// What its type parameters stand for.
    pub arguments: &'static [Type],
}

impl Type {
    /// Every type that has no parts, in order of declaration.
    pub const ALL: [Type; 22] = [
        Type::I8,
        Type::I16,
        Type::I32,
        Type::I64,
        Type::I128,
        Type::Isize,
        Type::U8,
        Type::U16,
        Type::U32,
        Type::U64,
        Type::U128,
        Type::Usize,
        Type::F32,
        Type::F64,
        Type::Bool,
        Type::Char,
        Type::String,
        Type::Symbol,
        Type::DateTime,
        Type::Duration,
        Type::Tensor,
        Type::Entity,
    ];

    /// The data type of that name with these arguments.
    pub fn adt(name: &str, arguments: &[Type]) -> Type {
        Type::Adt(Adt {
            name: interned::text(name),
            arguments: interned::types(arguments),
        })
    }

    /// The type of tuples of these parts.
    pub fn tuple(parts: &[Type]) -> Type {
        Type::Tuple(interned::types(parts))
    }

    /// The type of lists of these elements.
    pub fn list(element: Type) -> Type {
        Type::List(&interned::types(&[element])[0])
    }

    /// True for types of values that are made of values: terms, tuples and lists.
    pub fn is_compound(self) -> bool {
        matches!(
            self,
            Type::Entity | Type::Adt(_) | Type::Tuple(_) | Type::List(_)
        )
    }

    /// True for terms of algebraic data types.
    pub fn is_entity(self) -> bool {
        matches!(self, Type::Entity | Type::Adt(_))
    }

    /// The word for it in programs; of a compound type, what it is in general. [`Type`]'s `Display` writes it out.
    pub fn name(self) -> &'static str {
        match self {
            Type::I8 => "i8",
            Type::I16 => "i16",
            Type::I32 => "i32",
            Type::I64 => "i64",
            Type::I128 => "i128",
            Type::Isize => "isize",
            Type::U8 => "u8",
            Type::U16 => "u16",
            Type::U32 => "u32",
            Type::U64 => "u64",
            Type::U128 => "u128",
            Type::Usize => "usize",
            Type::F32 => "f32",
            Type::F64 => "f64",
            Type::Bool => "bool",
            Type::Char => "char",
            Type::String => "String",
            Type::Symbol => "Symbol",
            Type::DateTime => "DateTime",
            Type::Duration => "Duration",
            Type::Tensor => "Tensor",
            Type::Entity => "Entity",
            Type::Adt(adt) => adt.name,
            Type::Tuple(_) => "a tuple",
            Type::List(_) => "a list",
        }
    }

    /// The type without parts of that name.
    pub fn from_name(name: &str) -> Option<Type> {
        Type::ALL.into_iter().find(|ty| ty.name() == name)
    }

    /// True for the twelve integer types.
    pub fn is_integer(self) -> bool {
        self.is_signed() || self.is_unsigned()
    }

    /// True for `i8` to `isize`.
    pub fn is_signed(self) -> bool {
        matches!(
            self,
            Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::I128 | Type::Isize
        )
    }

    /// True for `u8` to `usize`.
    pub fn is_unsigned(self) -> bool {
        matches!(
            self,
            Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::U128 | Type::Usize
        )
    }

    /// True for `f32` and `f64`.
    pub fn is_float(self) -> bool {
        matches!(self, Type::F32 | Type::F64)
    }

    /// True for integers and floats.
    pub fn is_number(self) -> bool {
        self.is_integer() || self.is_float()
    }

    /// Smallest and largest value of a signed integer type.
    pub fn signed_range(self) -> Option<(i128, i128)> {
        let bits = match self {
            Type::I8 => 8,
            Type::I16 => 16,
            Type::I32 => 32,
            Type::I64 | Type::Isize => 64,
            Type::I128 => return Some((i128::MIN, i128::MAX)),
            _ => return None,
        };
        Some((-(1 << (bits - 1)), (1 << (bits - 1)) - 1))
    }

    /// Largest value of an unsigned integer type.
    pub fn unsigned_max(self) -> Option<u128> {
        let bits = match self {
            Type::U8 => 8,
            Type::U16 => 16,
            Type::U32 => 32,
            Type::U64 | Type::Usize => 64,
            Type::U128 => return Some(u128::MAX),
            _ => return None,
        };
        Some((1 << bits) - 1)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Adt(adt) => adt.fmt(f),
            Type::Tuple(parts) => {
                f.write_str("(")?;
                commas(f, parts)?;
                f.write_str(if parts.len() == 1 { ",)" } else { ")" })
            }
            Type::List(element) => write!(f, "[{element}]"),
            plain => f.write_str(plain.name()),
        }
    }
}

impl fmt::Display for Adt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if self.arguments.is_empty() {
            return Ok(());
        }
        f.write_str("<")?;
        commas(f, self.arguments)?;
        f.write_str(">")
    }
}

fn commas(f: &mut fmt::Formatter<'_>, types: &[Type]) -> fmt::Result {
    for (index, ty) in types.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(f, "{comma}{ty}")?;
    }
    Ok(())
}

/// What types are made of lives as long as the process: a [`Type`] stays one small `Copy` value, and equal
/// parts are stored once, so that the leak is bounded by the number of different types ever written.
mod interned {
    use std::sync::{Mutex, PoisonError};

    use rustc_hash::FxHashSet;

    use super::Type;

    static TEXTS: Mutex<Option<FxHashSet<&'static str>>> = Mutex::new(None);
    static TYPES: Mutex<Option<FxHashSet<&'static [Type]>>> = Mutex::new(None);

    pub(super) fn text(text: &str) -> &'static str {
        let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
        let texts = texts.get_or_insert_default();
        if let Some(known) = texts.get(text) {
            return known;
        }
        let text: &'static str = Box::leak(text.into());
        texts.insert(text);
        text
    }

    pub(super) fn types(types: &[Type]) -> &'static [Type] {
        let mut known = TYPES.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        if let Some(types) = known.get(types) {
            return types;
        }
        let types: &'static [Type] = Box::leak(types.into());
        known.insert(types);
        types
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compound_types_print_as_written() {
        let list = Type::list(Type::tuple(&[Type::I32, Type::String]));
        assert_eq!(list.to_string(), "[(i32, String)]");
        assert_eq!(
            Type::adt("List", &[list]).to_string(),
            "List<[(i32, String)]>"
        );
        assert_eq!(Type::tuple(&[]).to_string(), "()");
        assert_eq!(Type::adt("Expr", &[]), Type::adt("Expr", &[]));
    }
}
