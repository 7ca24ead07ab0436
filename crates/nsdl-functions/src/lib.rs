//! Casts, functions, operators and predicates over values: the compiler folds constants with them, the evaluator runs them.
//!
//! [`Registry`] holds what a host program supplies beside them.

mod call;
mod cast;
mod fault;
mod float;
mod foreign;
mod hash;
mod list;
mod number;
mod operator;
mod predicates;
mod registry;
mod tensor;
mod text;
mod time;

pub use call::call;
pub use cast::{cast, castable};
pub use fault::Fault;
pub use foreign::{
    Answer, AnswerTag, Answers, ForeignAggregate, ForeignFunction, ForeignPredicate, Incremental,
    Question,
};
pub use list::LONGEST_LIST;
pub use operator::{operate, operator_type};
pub use registry::Registry;
pub use text::LONGEST_TEXT;
