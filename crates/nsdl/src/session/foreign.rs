//! What the host program supplies to a session.

use std::sync::Arc;

use nsdl_functions::{ForeignAggregate, ForeignFunction, ForeignPredicate, Registry};
use nsdl_ir::{Diagnostic, Plan, Step, Tagging};

use super::Session;
use crate::error::Result;

impl Session {
    /// Registers a function: programs may call it. It takes the place of one of the same name.
    ///
    /// # Errors
    /// `E0860` if its name is that of a built-in function, compile errors if programs use it otherwise.
    pub fn add_function(&mut self, function: impl ForeignFunction + 'static) -> Result<()> {
        self.register(|registry| registry.add_function(Arc::new(function)))
    }

    /// Registers a predicate, likewise. A relation of the program with its name hides it.
    ///
    /// # Errors
    /// Compile errors if programs use it otherwise.
    pub fn add_predicate(&mut self, predicate: impl ForeignPredicate + 'static) -> Result<()> {
        self.register(|registry| {
            registry.add_predicate(Arc::new(predicate));
            Ok(())
        })
    }

    /// Registers an aggregate, likewise.
    ///
    /// # Errors
    /// As [`Session::add_function`].
    pub fn add_aggregate(&mut self, aggregate: impl ForeignAggregate + 'static) -> Result<()> {
        self.register(|registry| registry.add_aggregate(Arc::new(aggregate)))
    }

    /// What is registered.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// All that programs can call: what is registered, and `$parse_entity`.
    pub fn callable(&self) -> Registry {
        crate::entity::registry(&self.registry, &self.symbols)
    }

    /// Registers everything that is in `registry`, and nothing else.
    ///
    /// # Errors
    /// Compile errors if programs use it otherwise.
    pub fn set_registry(&mut self, registry: Registry) -> Result<()> {
        self.register(|own| {
            *own = registry;
            Ok(())
        })
    }

    /// Changes the registry and looks at the programs again.
    fn register(
        &mut self,
        change: impl FnOnce(&mut Registry) -> std::result::Result<(), String>,
    ) -> Result<()> {
        let before = self.registry.clone();
        if let Err(reason) = change(&mut self.registry) {
            let error = Diagnostic::error("E0860", reason).help("choose another name");
            return Err(self.error(vec![error]));
        }
        if self.programs.is_empty() {
            return Ok(());
        }
        self.check()
            .map(drop)
            .inspect_err(|_| self.registry = before)
    }
}

/// Whether predicates of a plan make random variables.
pub(crate) fn is_uncertain(plan: &Plan) -> bool {
    let uncertain = |step: &Step| matches!(step, Step::Foreign { predicate, .. } if predicate.tags != Tagging::Certain);
    plan.rules
        .iter()
        .flat_map(|rule| &rule.steps)
        .any(uncertain)
}
