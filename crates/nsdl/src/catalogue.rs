//! What programs can call: built in, and what the host program has registered.

use nsdl_compile::aggregate_form;
use nsdl_ir::{AggregateOp, Function};

use crate::session::Session;

/// Signatures, each as programs would declare or write it, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// `$abs<T: Number>(T) -> T`
    pub functions: Vec<String>,
    /// `range<T: Integer>(bound begin: T, bound end: T, free i: T)`
    pub predicates: Vec<String>,
    /// `n := count(x: …)`
    pub aggregates: Vec<String>,
}

impl Session {
    /// All functions, predicates and aggregates that programs of this session can use.
    ///
    /// ```
    /// let all = nsdl::Session::new().catalogue();
    /// assert!(all.functions.iter().any(|it| it == "$string_length(String) -> usize"));
    /// ```
    pub fn catalogue(&self) -> Catalogue {
        let registry = self.callable();
        let built_in = Function::ALL.iter().map(|it| it.signature().text);
        let foreign = registry.functions().map(|it| it.signature().text);
        let predicates = registry.predicates().map(|it| it.signature().to_string());
        let forms = AggregateOp::ALL.into_iter().map(aggregate_form);
        let forms = forms.map(|form| form.replace('`', ""));
        let foreign_aggregates = registry.aggregates().map(|it| it.signature().text.clone());
        let sorted = |mut all: Vec<String>| {
            all.sort();
            all
        };
        Catalogue {
            functions: sorted(built_in.chain(foreign).map(String::from).collect()),
            predicates: sorted(predicates.collect()),
            aggregates: forms.chain(foreign_aggregates).collect(),
        }
    }
}
