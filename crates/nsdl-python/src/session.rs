//! `Session`: what `nsdl.Context` is made of.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nsdl::{Provenance, Type};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::error::{raise, usage, warnings};
use crate::files::{self, FileArguments};
use crate::foreign::{is_called, register};
use crate::interrupt::interruptible;
use crate::module::{ProofArgument, proof};
use crate::value::{answers, row, tuple};

/// A program with its facts.
#[pyclass(frozen, module = "nsdl._nsdl")]
pub struct Session {
    session: Mutex<nsdl::Session>,
    /// Set by Ctrl-C.
    cancel: Arc<AtomicBool>,
}

#[pymethods]
impl Session {
    #[new]
    fn new(
        py: Python<'_>,
        provenance: Option<&str>,
        k: usize,
        seed: u64,
        demand: bool,
    ) -> PyResult<Self> {
        let provenance = provenance
            .map(|name| Provenance::parse(name, Some(k)))
            .transpose()
            .map_err(|error| raise(py, &error))?;
        let cancel = Arc::new(AtomicBool::new(false));
        let mut session = nsdl::Session::new();
        session.set_provenance(provenance);
        session.set_demand(demand);
        session.set_cancel(cancel.clone());
        session.set_seed(seed);
        Ok(Self {
            session: Mutex::new(session),
            cancel,
        })
    }

    // Warnings are those of a run: a relation that nothing fills yet may be filled before it.
    fn add_program(&self, py: Python<'_>, text: &str) -> PyResult<()> {
        self.work(py, |session| {
            session.add_program("<program>", text).map(drop)
        })
    }

    fn add_file(&self, py: Python<'_>, path: &str) -> PyResult<()> {
        self.work(py, |session| session.add_file(path).map(drop))
    }

    fn add_facts(
        &self,
        py: Python<'_>,
        relation: &str,
        rows: Vec<Bound<'_, PyTuple>>,
        probabilities: Option<Vec<f64>>,
        exclusive: bool,
    ) -> PyResult<()> {
        let rows = rows.iter().map(row).collect::<PyResult<Vec<_>>>()?;
        self.work(py, |session| {
            session.add_facts(relation, rows, probabilities, exclusive)
        })
    }

    /// Whether a column is known to hold tuples, lists or tensors, which Python gives as tuples and lists.
    fn is_compound(&self, relation: &str, column: usize) -> bool {
        let ty = self
            .lock()
            .types(relation)
            .and_then(|types| types.get(column).copied());
        ty.is_some_and(|ty| matches!(ty, Type::Tuple(_) | Type::List(_) | Type::Tensor))
    }

    /// Adds the facts in a file; returns the warnings, rendered.
    fn add_facts_file(
        &self,
        py: Python<'_>,
        relation: &str,
        path: &str,
        arguments: FileArguments<'_>,
    ) -> PyResult<Vec<String>> {
        let options = files::options(py, arguments)?;
        self.work(py, |session| {
            let found = session.add_facts_file(relation, path, &options)?;
            Ok(warnings(&found, |warning| session.render(warning, false)))
        })
    }

    fn write(
        &self,
        py: Python<'_>,
        relation: &str,
        path: &str,
        arguments: FileArguments<'_>,
    ) -> PyResult<()> {
        let options = files::options(py, arguments)?;
        self.work(py, |session| session.write(relation, path, &options))
    }

    fn set_argument(&self, py: Python<'_>, name: &str, value: &str) -> PyResult<()> {
        self.work(py, |session| session.set_argument(name, value))
    }

    fn set_stop_at_goal(&self, stop: bool) {
        self.lock().set_stop_at_goal(stop);
    }

    fn add_attribute(&self, name: &str, function: Py<PyAny>) {
        self.lock()
            .add_attribute(name, move |item| files::ask(&function, item));
    }

    /// Registers what `nsdl.foreign` makes.
    fn register(&self, py: Python<'_>, items: Vec<Bound<'_, PyAny>>) -> PyResult<()> {
        if items.is_empty() {
            return Ok(());
        }
        let mut registry = self.work(py, |session| Ok(session.registry().clone()))?;
        for item in &items {
            register(&mut registry, item, &self.cancel)?;
        }
        self.work(py, |session| session.set_registry(registry))
    }

    /// Evaluates; returns the warnings, rendered.
    fn run(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.work(py, |session| {
            let found = session.run()?.warnings;
            Ok(warnings(&found, |warning| session.render(warning, false)))
        })
    }

    fn relation<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let relation = self.work(py, |session| session.relation(name))?;
        answers(py, &relation)
    }

    /// Pairs of an interval around the tag and the tuple.
    fn bounds<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let relation = self.work(py, |session| session.relation(name))?;
        let pairs = relation.tuples.iter().enumerate().map(|(i, (tag, row))| {
            let exact = tag.probability();
            let [lower, upper] = relation.bounds.get(i).unwrap_or([exact, exact]);
            Ok(((lower, upper), tuple(py, row)?)
                .into_pyobject(py)?
                .into_any())
        });
        pairs.collect()
    }

    fn why(
        &self,
        py: Python<'_>,
        relation: &str,
        tuple: &Bound<'_, PyTuple>,
        k: usize,
    ) -> PyResult<Vec<ProofArgument>> {
        let tuple = row(tuple)?;
        let proofs = self.work(py, |session| session.why(relation, &tuple, k))?;
        Ok(proofs.into_iter().map(proof).collect())
    }
}

impl Session {
    /// Does something with the session, such that Ctrl-C stops it.
    fn work<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut nsdl::Session) -> Result<T, nsdl::Error> + Send,
    ) -> PyResult<T> {
        // The evaluation that called this function holds the session.
        if is_called() && self.session.try_lock().is_err() {
            let message = "a function that a context calls cannot use that context";
            let help = "give it what it needs by arguments";
            return Err(usage(py, "E0862", message, Some(help)));
        }
        interruptible(py, &self.cancel, || work(&mut self.lock()))?
            .map_err(|error| raise(py, &error))
    }

    /// Failed calls leave a session as it was, so one that panicked in a thread can still be used.
    fn lock(&self) -> MutexGuard<'_, nsdl::Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
