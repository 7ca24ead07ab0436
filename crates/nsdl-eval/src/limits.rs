//! What stops an evaluation before its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nsdl_ir::{Diagnostic, Plan};

/// Sizes beyond which an evaluation is given up, so that a program that does not end meets an error and
/// not the end of memory.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Rounds of all recursive strata together.
    pub rounds: usize,
    /// Rows of all relations together; a row of two columns takes 16 bytes and its set 1 to 8.
    pub tuples: usize,
    /// Rule instances of a trace, about 50 bytes each, and steps of its aggregates, 8 bytes each.
    pub instances: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rounds: 10_000_000,
            tuples: 100_000_000,
            instances: 8_000_000,
        }
    }
}

/// Why an evaluation stopped early.
#[derive(Debug)]
pub(crate) enum Stop {
    Cancelled,
    Rounds,
    Tuples,
    Instances,
    Numbers,
    /// What grew too large, and the rule that made it.
    Values(String, Option<usize>),
    Error(Box<Diagnostic>),
}

impl From<Diagnostic> for Stop {
    fn from(diagnostic: Diagnostic) -> Self {
        Stop::Error(Box::new(diagnostic))
    }
}

impl Stop {
    /// The same, where rule `number` caused it.
    pub(crate) fn by(self, number: usize) -> Stop {
        match self {
            Stop::Values(excess, None) => Stop::Values(excess, Some(number)),
            other => other,
        }
    }

    /// The error to show. `rule` is the one that derived most.
    pub(crate) fn diagnostic(
        self,
        plan: &Plan,
        limits: &Limits,
        rule: Option<usize>,
    ) -> Diagnostic {
        let (rule, what) = match &self {
            Stop::Values(_, Some(made)) => (Some(*made), "makes them"),
            _ => (rule, "derived most"),
        };
        let (code, message, help) = match self {
            Stop::Error(diagnostic) => return *diagnostic,
            Stop::Values(excess, _) => (
                "E0616",
                format!("the evaluation made {excess}"),
                "let the rule end: by a condition on a size or depth that it counts, or by using only values of a finite relation",
            ),
            Stop::Cancelled => return Diagnostic::error("E0613", "cancelled"),
            Stop::Rounds => (
                "E0610",
                format!("the evaluation did not end within {} rounds", limits.rounds),
                "bound what the recursion can reach, or raise the limit of rounds",
            ),
            Stop::Tuples => (
                "E0611",
                format!("the evaluation derived more than {} tuples", limits.tuples),
                "bound what the rule can reach, or raise the limit of tuples",
            ),
            Stop::Numbers => (
                "E0615",
                format!(
                    "ranges of one rule give more than {} numbers",
                    limits.tuples
                ),
                "bind the variable by a relation or an equation, so that the range only tests it, or narrow the range",
            ),
            Stop::Instances => (
                "E0612",
                format!(
                    "the trace has more than {} rule instances",
                    limits.instances
                ),
                "restrict what the rule joins, use `minmaxprob`, which needs no trace, or raise the limit of instances",
            ),
        };
        let error = Diagnostic::error(code, message).help(help);
        match rule.and_then(|rule| plan.rules.get(rule)) {
            Some(rule) => {
                let name = plan
                    .relations
                    .get(rule.head.index())
                    .map_or("", |relation| relation.name.as_str());
                error.label(rule.span, format!("this rule of `{name}` {what}"))
            }
            None => error,
        }
    }
}

/// Checked regularly during joins.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    pub(crate) limits: Limits,
    pub(crate) cancel: Option<Arc<AtomicBool>>,
}

impl Budget {
    /// Stops if cancelled or if there are too many of something.
    #[cold]
    pub(crate) fn check(&self, tuples: usize, instances: usize) -> Result<(), Stop> {
        if self
            .cancel
            .as_ref()
            .is_some_and(|cancel| cancel.load(Ordering::Relaxed))
        {
            Err(Stop::Cancelled)
        } else if tuples > self.limits.tuples.min(u32::MAX as usize) {
            Err(Stop::Tuples)
        } else if instances > self.limits.instances.min(u32::MAX as usize) {
            Err(Stop::Instances)
        } else {
            Ok(())
        }
    }
}
