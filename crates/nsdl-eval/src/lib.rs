//! Semi-naive evaluation of plans, with a trace on request.
//!
//! [`evaluate`] runs a [`Plan`] over facts: stratum by stratum, each to its least fixpoint. Joins are
//! interpreted over rows of words (`join`), and a sink decides what becomes of each ground rule instance:
//! plain evaluation keeps new rows only, a trace records every instance exactly once. [`naive::evaluate`]
//! does the same in the simplest way there is, to test against.

mod aggregate;
mod area;
mod arithmetic;
mod base;
mod batch;
mod bits;
mod bitwise;
mod call;
mod carry;
mod choice;
mod expr;
mod extents;
mod failure;
mod fixpoint;
mod foreign;
mod grid;
mod index;
mod join;
mod keyed;
mod limits;
mod members;
pub mod naive;
mod order;
mod plain;
mod range;
mod scope;
mod table;
mod trace;
mod uncertain;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nsdl_functions::Registry;
use nsdl_ir::{Diagnostic, Fact, Plan, RelationId, Symbols, Trace, TupleId};

pub use base::Base;
pub use carry::Carry;
pub use failure::{Failure, FailureKind};
pub use limits::Limits;
pub use table::Table;

/// How to evaluate.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Record a trace of all worlds; without, tags are ignored and all facts hold.
    pub trace: bool,
    /// Carry tags of this algebra in the joins, if it and the plan allow that: then there is no trace, and all
    /// facts hold. Not without an algebra that is idempotent where uncertain relations are recursive, nor
    /// where aggregates or predicates are uncertain.
    pub carry: Option<Carry>,
    /// Evaluate only what these relations depend on; `None` for everything.
    pub targets: Option<Vec<RelationId>>,
    /// Rounds of each recursion, the first included, after which it is left as it is, complete or not.
    pub iterations: Option<usize>,
    /// End as soon as this relation has a row: what has been derived until then is right, but not complete.
    pub stop_at: Option<RelationId>,
    /// When to give up.
    pub limits: Limits,
    /// Set from outside to stop the evaluation soon, with an error.
    pub cancel: Option<Arc<AtomicBool>>,
    /// How probable tuples are, for aggregates that read it; only asked with a trace.
    pub marginals: Option<Arc<dyn Marginals>>,
    /// Seed of the random draws of `uniform` and `categorical`.
    pub seed: u64,
    /// The tags of rules may be any numbers: whoever evaluates the trace knows their range. By default they must be
    /// probabilities. Alternatives without a tag, whose probability is their share, then weigh NaN.
    pub any_number: bool,
    /// The trace speaks of one world, in which every fact holds and every tagged rule applies but those whose tag is
    /// this number; negation and aggregates are decided there.
    pub one_world: Option<f64>,
    /// Facts beside those that are given, for the same plan; not where tags are carried.
    pub base: Option<Arc<Base>>,
    /// What the host program supplies; the built-in predicates by default.
    pub registry: Registry,
}

/// Who knows how probable tuples are.
pub trait Marginals: fmt::Debug + Send + Sync {
    /// The probability of each of `tuples`, or its tag as a number, from the trace of all they depend on.
    ///
    /// # Errors
    /// If it cannot be computed within some limit.
    fn marginals(&self, trace: &Trace, tuples: &[TupleId]) -> Result<Vec<f64>, Diagnostic>;
}

/// What an evaluation found.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    /// One per relation of the plan; empty where it was not needed for the targets. With a trace, every
    /// tuple that can hold in some world.
    pub tables: Vec<Table>,
    /// If it was asked for. Facts have the first leaves, group by group, groups in order of their first fact.
    pub trace: Option<Trace>,
    /// If they were carried: per relation, the tag of each row as a number; none at all where every row is
    /// certain.
    pub tags: Option<Vec<Vec<f64>>>,
    /// Whether proofs were left out of carried tags ([`Carry::proofs`]).
    pub truncated: bool,
    /// Derivations dropped because an expression had no value, by rule and kind.
    pub failures: Vec<Failure>,
    /// How many rounds the recursive strata took in all.
    pub rounds: usize,
    /// What each stratum took, in order.
    pub efforts: Vec<Effort>,
    tuples: Vec<Vec<TupleId>>,
}

/// What the evaluation of one stratum took.
#[derive(Clone, Debug, Default)]
pub struct Effort {
    /// The relations computed together.
    pub relations: Vec<RelationId>,
    /// How many rounds followed the first.
    pub rounds: usize,
    /// Rows of the relations in the end.
    pub rows: usize,
    /// How many rule instances the joins met. Without tags or a trace, they need one for each row only.
    pub instances: usize,
    /// How long it took.
    pub time: Duration,
}

impl Evaluation {
    /// The tuple of the trace that row `row` of `relation` is.
    pub fn tuple(&self, relation: RelationId, row: u32) -> Option<TupleId> {
        self.tuples
            .get(relation.index())?
            .get(row as usize)
            .copied()
    }
}

/// Evaluates `plan` over `facts`, which are all facts: those of the program and those from outside.
///
/// The same input gives the same rows and instances in the same order.
///
/// # Errors
/// E0610 to E0612 and E0614 if a limit is met, E0613 if cancelled, E0510 and E0511 if a tagged rule gets
/// weights that are no probabilities, E0630 if `disjunct` does, E0801 if a fact does not fit its relation,
/// E0650 if nobody supplies what a rule calls, E0651 and E0652 if a predicate gives what are no probabilities,
/// E0850 if an aggregate reads probabilities that nobody knows.
pub fn evaluate(
    plan: &Plan,
    symbols: &Symbols,
    facts: &[Fact],
    options: &Options,
) -> Result<Evaluation, Diagnostic> {
    scope::check_facts(plan, facts)?;
    fixpoint::Engine::new(plan, symbols, facts, options)?.run(facts)
}
