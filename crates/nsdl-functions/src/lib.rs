//! Casts and functions over values: the compiler folds constants with them, the evaluator runs them.

mod cast;
mod fault;

pub use cast::{cast, castable};
pub use fault::Fault;
