//! nsdl: differentiable Datalog.
//!
//! A [`Program`] is text that has been checked; a [`Session`] holds programs and facts and evaluates them; a
//! [`Module`] is a program compiled into a batched, differentiable function. Programs mean what SEMANTICS.md
//! says: the probability of a tuple is the weight of the worlds whose model holds it.
//!
//! # A program
//!
//! ```
//! use nsdl::{Program, Session, print};
//!
//! let program = Program::new(
//!     "rel edge = {0.9::(0, 1), (1, 2)}
//!      rel path(a, b) = edge(a, b) or path(a, c) and edge(c, b)
//!      query path",
//! )?;
//! let outcome = Session::from(&program).run()?;
//! assert_eq!(print::text(&outcome.relations[0]), "path: {0.9::(0, 1), 0.9::(0, 2), (1, 2)}");
//! # Ok::<(), nsdl::Error>(())
//! ```
//!
//! # A session with facts
//!
//! ```
//! use nsdl::{Session, Value};
//!
//! let mut session = Session::new();
//! session.add_program("friends.dl", "type knows(String, String)
//!                                    rel friends(a, b) = knows(a, b), knows(b, a)")?;
//! let text = |name: &str| Value::String(name.into());
//! session.add_facts("knows", vec![vec![text("Ann"), text("Bob")]], None, false)?;
//! session.add_facts("knows", vec![vec![text("Bob"), text("Ann")]], Some(vec![0.7]), false)?;
//! session.run()?;
//! let friends = session.relation("friends")?;
//! assert_eq!(friends.tag(&[text("Ann"), text("Bob")]).map(|tag| tag.probability()), Some(0.7));
//!
//! // A call that fails says why, and leaves the session as it was.
//! let error = session.add_facts("knows", vec![vec![text("Ann")]], None, false).unwrap_err();
//! assert_eq!(error.code(), "E0202");
//! assert_eq!(session.run()?.relations.len(), 2);
//! # Ok::<(), nsdl::Error>(())
//! ```
//!
//! # A module with gradients
//!
//! ```
//! use nsdl::{Input, Module, Output, Provenance, Tape, Value};
//!
//! let digits: Vec<Vec<Value>> = (0..3).map(|d| vec![Value::I64(d)]).collect();
//! let input = |relation: &str| Input { relation: relation.into(), mapping: digits.clone(), exclusive: true };
//! let module = Module::from_text(
//!     "sum.dl",
//!     "rel sum(a + b) = digit_1(a), digit_2(b)",
//!     vec![input("digit_1"), input("digit_2")],
//!     vec![Output { relation: "sum".into(), mapping: None }],
//!     Provenance::Exact,
//! )?;
//! assert_eq!(module.tuples(0).len(), 5); // The sums from 0 to 4.
//!
//! // One sample: each image is one of three digits.
//! let (first, second) = ([0.1, 0.2, 0.7], [0.5, 0.3, 0.2]);
//! let mut tape = Tape::default();
//! let mut sums = [0.0f64; 5];
//! module.forward(&[&first, &second], 1, true, &mut tape, &mut [&mut sums])?;
//! assert!((sums[1] - (0.1 * 0.3 + 0.2 * 0.5)).abs() < 1e-12);
//!
//! // How the probability of sum 1 depends on the first image.
//! let mut gradients = [[0.0; 3], [0.0; 3]];
//! let [g1, g2] = &mut gradients;
//! module.backward(&mut tape, &[&[0.0, 1.0, 0.0, 0.0, 0.0]], &mut [g1, g2])?;
//! assert_eq!(gradients[0], [0.3, 0.5, 0.0]);
//!
//! // Why sum 1: its most probable proof.
//! let why = module.why(&[&first, &second], 0, &[Value::I64(1)], 1)?;
//! assert_eq!(why[0].to_string(), "0.1000: digit_1(1) [0.2000], digit_2(0) [0.5000]");
//! # Ok::<(), nsdl::Error>(())
//! ```

mod batch;
mod carry;
mod catalogue;
mod check;
mod convert;
mod custom;
mod entity;
mod error;
mod evidence;
mod explain;
mod facts;
mod failure;
pub mod files;
mod format;
mod imports;
mod marginals;
mod module;
mod numbers;
pub mod print;
mod program;
mod provenance;
mod relation;
mod run;
mod schedule;
mod session;
mod shapes;
mod statistics;
mod symbolic;
mod text;
mod why;

pub use catalogue::Catalogue;
pub use convert::{fit, list_of, tensor_of};
pub use custom::{Tagged, TaggedOutcome, TaggedRelation};
pub use error::{Error, Result};
pub use explain::{codes, explain};
pub use format::format;
pub use imports::LIBRARY;
pub use module::{Drawing, Entry as JacobianEntry, Given, Input, Module, Output, Tape};
pub use nsdl_circuit::{
    Budget, Circuit, CountTape, Estimator, Layer, LayerOp, LogicCircuit, Real, Report, Semiring,
};
pub use nsdl_eval::Limits;
pub use nsdl_functions::{
    Answer, AnswerTag, Answers, ForeignAggregate, ForeignFunction, ForeignPredicate, Incremental,
    Question, Registry,
};
pub use nsdl_ir::{
    AggregateSignature, DateTime, Diagnostic, Duration, Exclusive, Family, Label, LeafId, Learned,
    LearnedSet, Parameter, Predicate, Severity, Signature as FunctionSignature, Span, Tagging,
    Tensor, Type, Value,
};
pub use nsdl_provenance as algebra;
pub use nsdl_provenance::Extended;
pub use nsdl_syntax::{is_incomplete, parse_value};
pub use program::{Program, Signature};
pub use provenance::Provenance;
pub use relation::{Bounds, OutputLiteral, OutputTag, Relation};
pub use run::Outcome;
pub use schedule::{Reduction, Schedule, Step};
pub use session::{Argument, AttributeFacts, AttributeItem, AttributeValue, Entry, Session};
pub use shapes::{
    Arrangement, BatchTape, Layout, Moved, Ragged, Second, ShapeStats, Shapes, Tuples,
};
pub use statistics::{Mode, Statistics, Stratum};
pub use why::{Explanation, Reason};

/// The examples of the README and of the pages are doc tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
#[doc = include_str!("../../../docs/foreign.md")]
#[doc = include_str!("../../../docs/provenance/custom.md")]
struct Pages;
