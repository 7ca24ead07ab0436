//! Casts and functions over values: the compiler folds constants with them, the evaluator runs them.

mod call;
mod cast;
mod fault;
mod float;
mod hash;
mod number;
mod text;

pub use call::call;
pub use cast::{cast, castable};
pub use fault::Fault;
