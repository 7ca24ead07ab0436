//! Pairs of `i32` and terms of one data type, `type Shape = Dot() | Box(i32)`, held as one `i64` in their order.

use std::sync::Arc;

use nsdl::Value;
use nsdl_ir::{Constructor, Term};

use super::Type;

/// How a value is made, and taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// `(a, b)`
    Pair,
    /// `Dot()`
    Dot,
    /// `Box(a)`
    Box,
}

/// Less than any `Box`.
const DOT: i64 = -(1 << 40);

/// Makes the sign of the second part no part of the order.
const SIGN: i64 = 1 << 31;

impl Maker {
    /// The type of what it makes.
    pub fn ty(self) -> Type {
        match self {
            Maker::Pair => Type::Pair,
            Maker::Dot | Maker::Box => Type::Shape,
        }
    }

    /// How many parts it takes.
    pub fn arity(self) -> usize {
        match self {
            Maker::Pair => 2,
            Maker::Dot => 0,
            Maker::Box => 1,
        }
    }

    /// The value with these parts, numbers of type `i32`.
    pub fn make(self, parts: &[i64]) -> Option<i64> {
        match (self, parts) {
            (Maker::Pair, [a, b]) => Some(a << 32 | (b + SIGN)),
            (Maker::Dot, []) => Some(DOT),
            (Maker::Box, [a]) => Some(*a),
            _ => None,
        }
    }

    /// The parts of a value, if this made it.
    pub fn take(self, value: i64) -> Option<Vec<i64>> {
        match self {
            Maker::Pair => Some(vec![value >> 32, (value & 0xFFFF_FFFF) - SIGN]),
            Maker::Dot => (value == DOT).then(Vec::new),
            Maker::Box => (value != DOT).then(|| vec![value]),
        }
    }

    /// What makes a value of a type.
    pub fn of(ty: Type, value: i64) -> Option<Maker> {
        match ty {
            Type::Pair => Some(Maker::Pair),
            Type::Shape if value == DOT => Some(Maker::Dot),
            Type::Shape => Some(Maker::Box),
            _ => None,
        }
    }

    /// As written in facts and patterns.
    pub fn text(self, parts: &[String]) -> String {
        let parts = parts.join(", ");
        match self {
            Maker::Pair => format!("({parts})"),
            Maker::Dot => "Dot()".into(),
            Maker::Box => format!("Box({parts})"),
        }
    }
}

/// The number that stands for a pair or a term of the engine.
pub fn encoded(value: &Value) -> Option<i64> {
    let numbers = |parts: &[Value]| -> Option<Vec<i64>> {
        let number = |part: &Value| i64::try_from(part.as_i128()?).ok();
        parts.iter().map(number).collect()
    };
    match value {
        Value::Tuple(parts) => Maker::Pair.make(&numbers(parts)?),
        Value::Term(term) => {
            let maker = if term.constructor.position == 0 {
                Maker::Dot
            } else {
                Maker::Box
            };
            maker.make(&numbers(&term.fields)?)
        }
        _ => None,
    }
}

/// The engine's value for a pair or a term.
pub fn made(value: i64, ty: Type) -> Value {
    let maker = Maker::of(ty, value).unwrap_or(Maker::Dot);
    let parts = maker.take(value).unwrap_or_default().into_iter();
    let parts: Vec<Value> = parts
        .map(|part| Value::I32(i32::try_from(part).unwrap_or_default()))
        .collect();
    let term = |position, name: &str| {
        let constructor = Constructor {
            ty: nsdl::Type::adt("Shape", &[]),
            position,
            name: name.into(),
            fields: parts.iter().map(Value::ty).collect(),
        };
        Value::Term(Arc::new(Term {
            constructor: constructor.interned(),
            fields: parts.clone(),
        }))
    };
    match maker {
        Maker::Pair => Value::Tuple(parts.clone().into()),
        Maker::Dot => term(0, "Dot"),
        Maker::Box => term(1, "Box"),
    }
}

/// The text of a pair or a term, as the engine reads it.
pub fn shown(ty: Type, value: i64) -> String {
    let Some(maker) = Maker::of(ty, value) else {
        return String::new();
    };
    let parts = maker.take(value).unwrap_or_default();
    let parts: Vec<String> = parts.iter().map(i64::to_string).collect();
    maker.text(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_that_of_parts_and_constructors() {
        let pairs = [(-5, 7), (0, -3), (0, 4), (1, i64::from(i32::MIN))];
        let made: Vec<i64> = pairs
            .iter()
            .filter_map(|(a, b)| Maker::Pair.make(&[*a, *b]))
            .collect();
        assert!(made.is_sorted());
        for ((a, b), value) in pairs.iter().zip(&made) {
            assert_eq!(Maker::Pair.take(*value), Some(vec![*a, *b]));
        }
        assert_eq!(shown(Type::Pair, made[1]), "(0, -3)");
        assert_eq!(shown(Type::Shape, DOT), "Dot()");
        assert_eq!(Maker::Box.take(DOT), None);
        assert!(Some(DOT) < Maker::Box.make(&[i64::from(i32::MIN)]));
    }
}
