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
            match value {
                Value::Term(term) => {
                    if let Some(mut term) = Arc::into_inner(term) {
                        open.append(&mut term.fields);
                    }
                }
                Value::Tuple(mut parts) | Value::List(_, mut parts) => {
                    let parts = Arc::get_mut(&mut parts).into_iter().flatten();
                    open.extend(parts.map(|part| std::mem::replace(part, Value::Bool(false))));
                }
                _ => {}
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

    #[test]
    fn so_may_a_term_of_lists() {
        let ty = Type::adt("Tree", &[]);
        let node = Constructor {
            ty,
            position: 0,
            name: "Node".into(),
            fields: vec![Type::list(ty)],
        }
        .interned();
        let symbols = Symbols::new();
        let mut word = symbols.intern_term(node, &[symbols.intern_list(&[])]);
        for _ in 0..200_000 {
            word = symbols.intern_term(node, &[symbols.intern_list(&[word])]);
        }
        let value = Value::from_word(word, ty, &symbols);
        assert_eq!(value.to_word(&symbols), Some(word));
    }
}
