//! The evaluation of a plan within the limits of a session.

use std::sync::Arc;

use nsdl_eval::{Base, Carry, Evaluation, Options};
use nsdl_ir::{Fact, Plan, RelationId};

use crate::error::Result;
use crate::session::Session;

/// What a trace is to speak of.
#[derive(Default)]
pub(crate) struct Tracing {
    /// Whether there is one.
    pub(crate) trace: bool,
    /// Tags that joins carry where they can, instead of a trace.
    pub(crate) carry: Option<Carry>,
    /// Without them, aggregates that read how probable their members are cannot be evaluated in a trace.
    pub(crate) marginals: Option<Arc<dyn nsdl_eval::Marginals>>,
    /// See [`Options::any_number`] and [`Options::one_world`].
    pub(crate) any_number: bool,
    pub(crate) one_world: Option<f64>,
    /// Facts beside those that are given.
    pub(crate) base: Option<Arc<Base>>,
}

impl Tracing {
    /// All worlds.
    pub(crate) fn worlds(marginals: Option<Arc<dyn nsdl_eval::Marginals>>) -> Self {
        Self {
            trace: true,
            marginals,
            ..Self::default()
        }
    }
}

/// Evaluates a plan with the limits of the session.
pub(crate) fn evaluate(
    session: &Session,
    plan: &Plan,
    facts: &[Fact],
    targets: Vec<RelationId>,
    tracing: Tracing,
) -> Result<Evaluation> {
    let options = Options {
        trace: tracing.trace,
        carry: tracing.carry,
        targets: Some(targets),
        stop_at: session.goal().filter(|_| session.stop_at_goal),
        iterations: session.iterations,
        limits: session.limits.clone(),
        cancel: session.cancel.clone(),
        marginals: tracing.marginals,
        seed: session.seed,
        any_number: tracing.any_number,
        one_world: tracing.one_world,
        base: tracing.base,
        registry: session.callable(),
    };
    nsdl_eval::evaluate(plan, &session.symbols, facts, &options).map_err(|d| session.error(vec![d]))
}
