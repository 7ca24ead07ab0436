//! Casts, functions and operators over values: the compiler folds constants with them, the evaluator runs them.

mod call;
mod cast;
mod fault;
mod float;
mod hash;
mod list;
mod number;
mod operator;
mod tensor;
mod text;
mod time;

pub use call::call;
pub use cast::{cast, castable};
pub use fault::Fault;
pub use operator::{operate, operator_type};
