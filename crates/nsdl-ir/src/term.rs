//! Terms of algebraic data types.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashSet;

use crate::{Type, Value};

/// A constructor of a data type, with the types of its fields. Equal constructors are one in memory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Constructor {
    /// The data type, with its arguments.
    pub ty: Type,
    /// Position in its declaration: terms are ordered by it first.
    pub position: u32,
    /// Its name.
    pub name: String,
    /// Types of its fields.
    pub fields: Vec<Type>,
}

impl Constructor {
    /// The one copy of it, kept as long as the process lives: bounded by what programs declare.
    pub fn interned(self) -> &'static Constructor {
        static KNOWN: Mutex<Option<FxHashSet<&'static Constructor>>> = Mutex::new(None);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        if let Some(constructor) = known.get(&self) {
            return constructor;
        }
        let constructor: &'static Constructor = Box::leak(Box::new(self));
        known.insert(constructor);
        constructor
    }
}

/// A term as users give and get it.
#[derive(Clone, Debug)]
pub struct Term {
    /// How it is made.
    pub constructor: &'static Constructor,
    /// From what: values of the types that the constructor says.
    pub fields: Vec<Value>,
}

/// A deep term is taken apart in a loop: the compiler's own way recurses.
impl Drop for Term {
    fn drop(&mut self) {
        let mut open: Vec<Value> = std::mem::take(&mut self.fields);
        while let Some(value) = open.pop() {
            if let Value::Term(term) = value
                && let Some(mut term) = Arc::into_inner(term)
            {
                open.append(&mut term.fields);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Symbols;

    #[test]
    fn a_term_may_be_very_deep() {
        let ty = Type::adt("Peano", &[]);
        let constructor = |position, name: &str, fields| {
            Constructor {
                ty,
                position,
                name: name.into(),
                fields,
            }
            .interned()
        };
        let (zero, next) = (
            constructor(0, "Zero", Vec::new()),
            constructor(1, "Next", vec![ty]),
        );
        let symbols = Symbols::new();
        let mut word = symbols.intern_term(zero, &[]);
        for _ in 0..200_000 {
            word = symbols.intern_term(next, &[word]);
        }
        let value = Value::from_word(word, ty, &symbols);
        assert_eq!(value.to_word(&symbols), Some(word));
        assert_eq!(value, Value::from_word(word, ty, &symbols));
        assert!(value.to_string().starts_with("Next(Next("));
    }
}
