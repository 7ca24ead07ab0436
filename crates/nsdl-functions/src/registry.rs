//! What a host program has registered, by name; the built-in predicates are there from the start.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use nsdl_ir::{AggregateOp, Function};

use crate::{ForeignAggregate, ForeignFunction, ForeignPredicate, predicates};

/// Foreign functions, predicates and aggregates by name. Cloning is cheap.
#[derive(Clone)]
pub struct Registry {
    functions: Arc<BTreeMap<&'static str, Arc<dyn ForeignFunction>>>,
    predicates: Arc<BTreeMap<&'static str, Arc<dyn ForeignPredicate>>>,
    aggregates: Arc<BTreeMap<&'static str, Arc<dyn ForeignAggregate>>>,
}

impl Default for Registry {
    /// The built-in predicates.
    fn default() -> Self {
        static STANDARD: OnceLock<Registry> = OnceLock::new();
        let standard = STANDARD.get_or_init(|| {
            let predicates = predicates::all().map(|it| (it.signature().name.as_str(), it));
            Registry {
                functions: Arc::default(),
                predicates: Arc::new(predicates.collect()),
                aggregates: Arc::default(),
            }
        });
        standard.clone()
    }
}

impl Registry {
    /// The built-in predicates.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function, in place of one with its name.
    ///
    /// # Errors
    /// If its name is that of a built-in function.
    pub fn add_function(&mut self, function: Arc<dyn ForeignFunction>) -> Result<(), String> {
        let name = function.signature().name;
        if Function::from_name(name).is_some() {
            return Err(format!("`{name}` is a built-in function"));
        }
        Arc::make_mut(&mut self.functions).insert(name, function);
        Ok(())
    }

    /// Adds a predicate, in place of one with its name.
    pub fn add_predicate(&mut self, predicate: Arc<dyn ForeignPredicate>) {
        let name = predicate.signature().name.as_str();
        Arc::make_mut(&mut self.predicates).insert(name, predicate);
    }

    /// Adds an aggregate, in place of one with its name.
    ///
    /// # Errors
    /// If its name is that of a built-in aggregate.
    pub fn add_aggregate(&mut self, aggregate: Arc<dyn ForeignAggregate>) -> Result<(), String> {
        let name = aggregate.signature().name.as_str();
        if name == "forall" || AggregateOp::ALL.iter().any(|op| op.name() == name) {
            return Err(format!("`{name}` is a built-in aggregate"));
        }
        Arc::make_mut(&mut self.aggregates).insert(name, aggregate);
        Ok(())
    }

    /// The function of that name, with its `$`.
    pub fn function(&self, name: &str) -> Option<&Arc<dyn ForeignFunction>> {
        self.functions.get(name)
    }

    /// The predicate of that name.
    pub fn predicate(&self, name: &str) -> Option<&Arc<dyn ForeignPredicate>> {
        self.predicates.get(name)
    }

    /// The aggregate of that name.
    pub fn aggregate(&self, name: &str) -> Option<&Arc<dyn ForeignAggregate>> {
        self.aggregates.get(name)
    }

    /// All functions, by name.
    pub fn functions(&self) -> impl Iterator<Item = &Arc<dyn ForeignFunction>> {
        self.functions.values()
    }

    /// All predicates, by name.
    pub fn predicates(&self) -> impl Iterator<Item = &Arc<dyn ForeignPredicate>> {
        self.predicates.values()
    }

    /// All aggregates, by name.
    pub fn aggregates(&self) -> impl Iterator<Item = &Arc<dyn ForeignAggregate>> {
        self.aggregates.values()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let functions = self.functions.keys();
        f.debug_list()
            .entries(functions)
            .entries(self.predicates.keys())
            .entries(self.aggregates.keys())
            .finish()
    }
}
