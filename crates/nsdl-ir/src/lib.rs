//! Plain data shared by the compiler, the evaluator and the circuits of nsdl.
//!
//! Nothing here has behaviour beyond construction, conversion and printing: a [`Plan`] is what a program
//! became, a [`Trace`] is what an evaluation of it did, and both are made of typed ids, [`Type`]s and
//! interned [`Word`]s.

mod aggregate;
mod data;
mod diagnostic;
mod expr;
mod file;
mod foreign;
mod function;
mod id;
mod learned;
mod plan;
mod span;
mod suggest;
mod symbols;
mod tensor;
mod term;
mod time;
mod trace;
mod types;
mod value;

pub use aggregate::AggregateOp;
pub use data::{ConstructorDefinition, DataType};
pub use diagnostic::{Diagnostic, Label, Severity};
pub use expr::{BinaryOp, Expr, UnaryOp};
pub use file::{FileFormat, FileOptions, ProbabilityColumn};
pub use foreign::{AggregateSignature, Callee, Predicate, Tagging};
pub use function::{Family, Function, Parameter, Signature};
pub use id::{AggregateId, ChoiceId, GroupId, LeafId, RelationId, RuleId, Slot, TupleId};
pub use learned::{Exclusive, Learned, LearnedSet, Learning};
pub use plan::{
    Aggregate, Choice, Column, Copied, DeltaOrder, Evidence, Extent, Fact, Keep, Operand, Plan,
    Query, Relation, Rule, RuleTag, Step, Stratum, Tag,
};
pub use span::{SourceId, Span};
pub use suggest::{SUGGESTIONS, did_you_mean, nearest};
pub use symbols::Symbols;
pub use tensor::Tensor;
pub use term::{Constructor, Term};
pub use time::{DateTime, Duration};
pub use trace::{
    AggregateInstance, AggregateKind, BestMember, FoldStep, Group, Instance, Leaf, LeafSource,
    Literal, PathStep, Trace,
};
pub use types::{Adt, Type};
pub use value::{Value, Word, format_float};
