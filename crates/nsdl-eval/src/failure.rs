//! Expressions that fail: the derivation is dropped and counted (SEMANTICS 9).

use std::fmt;
use std::sync::Arc;

use nsdl_functions::Fault;
use nsdl_ir::{Span, Symbols, Word};
use rustc_hash::FxHashSet;

use crate::limits::Stop;

/// Why an expression or an aggregate has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// The result does not fit its type.
    Overflow,
    /// Division or remainder by zero.
    DivisionByZero,
    /// A float that is not a number.
    NotANumber,
    /// A cast to a type that has no such value.
    Cast,
    /// A function or operator without a value for its arguments.
    Domain,
    /// A call of the host program failed; the interned text says how. One entry per place tells of all of them.
    Foreign(Word),
}

impl From<Fault> for FailureKind {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Cast => FailureKind::Cast,
            Fault::Domain => FailureKind::Domain,
            Fault::DivisionByZero => FailureKind::DivisionByZero,
            Fault::Overflow => FailureKind::Overflow,
            Fault::NotANumber => FailureKind::NotANumber,
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FailureKind::Overflow => "overflow",
            FailureKind::DivisionByZero => "division by zero",
            FailureKind::NotANumber => "a result that is not a number",
            FailureKind::Domain => "a function without a value for its arguments",
            FailureKind::Foreign(_) => "a failure of the host program",
            FailureKind::Cast => "a cast to a type without such a value",
        })
    }
}

/// The failures of one kind in one rule or aggregate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The rule or aggregate.
    pub span: Span,
    /// What happened.
    pub kind: FailureKind,
    /// How many different values of the operands (for aggregates: how many groups) it happened for;
    /// counting stops after about a million in all.
    pub count: usize,
    /// What the host program said the first time, for [`FailureKind::Foreign`].
    pub text: Option<Arc<str>>,
}

/// Beyond so many failures, further ones are dropped without being remembered.
const REMEMBERED: usize = 1 << 20;

/// Counts failures. A join may meet the same failing operands again, in other rounds and other join orders:
/// they count once.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    seen: FxHashSet<(usize, Box<[Word]>)>,
    counts: Vec<Failure>,
    /// What grew beyond its bound: nothing more is derived.
    pub(crate) excess: Option<String>,
}

impl Failures {
    /// Counts a failure of the expression `site` with these operands.
    #[cold]
    pub(crate) fn add(
        &mut self,
        site: usize,
        span: Span,
        kind: FailureKind,
        operands: Box<[Word]>,
    ) {
        if self.seen.len() < REMEMBERED && self.seen.insert((site, operands)) {
            self.count(span, kind);
        }
    }

    /// Whether the evaluation must end.
    pub(crate) fn check(&self) -> Result<(), Stop> {
        self.excess
            .as_ref()
            .map_or(Ok(()), |excess| Err(Stop::Values(excess.clone(), None)))
    }

    /// Counts a failure that is known to be met once.
    pub(crate) fn count(&mut self, span: Span, kind: FailureKind) {
        match self
            .counts
            .iter_mut()
            .find(|failure| failure.span == span && same(failure.kind, kind))
        {
            Some(failure) => failure.count += 1,
            None => self.counts.push(Failure {
                span,
                kind,
                count: 1,
                text: None,
            }),
        }
    }

    /// One entry per place and kind, in order of place.
    pub(crate) fn finish(mut self, symbols: &Symbols) -> Vec<Failure> {
        for failure in &mut self.counts {
            if let FailureKind::Foreign(text) = failure.kind {
                failure.text = Some(symbols.text(text));
            }
        }
        self.counts
            .sort_by_key(|failure| (failure.span, failure.kind));
        self.counts
    }
}

/// Whether they are told of together.
fn same(a: FailureKind, b: FailureKind) -> bool {
    let foreign = |kind| matches!(kind, FailureKind::Foreign(_));
    a == b || foreign(a) && foreign(b)
}
