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
}

impl Type {
    /// Every type, in order of declaration.
    pub const ALL: [Type; 18] = [
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
    ];

    /// As written in programs.
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
        }
    }

    /// The type of that name.
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
        f.write_str(self.name())
    }
}
