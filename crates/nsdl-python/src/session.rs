//! `Session`: what `nsdl.Context` is made of.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nsdl::{Diagnostic, Mode, Provenance, Tagged, TaggedOutcome, TaggedRelation, Type};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::error::{raise, usage, warnings};
use crate::files::{self, FileArguments};
use crate::foreign::{is_called, register};
use crate::interrupt::interruptible;
use crate::module::{ProofArgument, proof};
use crate::provenance::{Custom, Object};
use crate::value::{answers, row, tuple};

/// Relations, rounds, rows, instances and seconds of a stratum.
type StratumArgument = (Vec<String>, usize, usize, usize, f64);
/// Table, mode, tuples and instances of the trace, strata, circuit, and rounds and residual of its fixpoint.
type StatisticsArgument = (
    String,
    &'static str,
    (usize, usize),
    Vec<StratumArgument>,
    Option<String>,
    (usize, f64),
);

/// A program with its facts.
#[pyclass(frozen, module = "nsdl._nsdl")]
pub struct Session {
    session: Mutex<nsdl::Session>,
    /// If its algebra is written in Python.
    custom: Option<Arc<Custom>>,
    /// The tags that Python gave to facts, by their number.
    objects: Mutex<Arc<HashMap<usize, Py<PyAny>>>>,
    /// What the last run gave under that algebra.
    answers: Mutex<Arc<Vec<TaggedRelation<Object>>>>,
    /// Set by Ctrl-C.
    cancel: Arc<AtomicBool>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What gives a fact or rule its tag.
type Tagging = dyn Fn(&Tagged) -> Object + Send + Sync;

#[pymethods]
impl Session {
    #[new]
    fn new(
        py: Python<'_>,
        provenance: Option<&Bound<'_, PyAny>>,
        k: usize,
        seed: u64,
        demand: bool,
    ) -> PyResult<Self> {
        let cancel = Arc::new(AtomicBool::new(false));
        let mut session = nsdl::Session::new();
        let mut custom = None;
        match provenance {
            None => {}
            Some(object) if object.hasattr("_has_complement")? => {
                custom = Some(Arc::new(Custom::new(object, &cancel)?));
                session.set_any_number(true);
            }
            Some(name) => {
                let name: String = name.extract()?;
                let provenance = Provenance::parse(&name, Some(k));
                session.set_provenance(Some(provenance.map_err(|error| raise(py, &error))?));
            }
        }
        session.set_demand(demand);
        session.set_cancel(cancel.clone());
        session.set_seed(seed);
        Ok(Self {
            session: Mutex::new(session),
            custom,
            objects: Mutex::default(),
            answers: Mutex::default(),
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

    /// Adds facts with tags of any kind, for an algebra written in Python.
    fn add_tagged(
        &self,
        py: Python<'_>,
        relation: &str,
        rows: Vec<Bound<'_, PyTuple>>,
        tags: Vec<Py<PyAny>>,
        exclusive: bool,
    ) -> PyResult<()> {
        let rows = rows.iter().map(row).collect::<PyResult<Vec<_>>>()?;
        // The number is not looked at where there is an object.
        let numbers = vec![f64::NAN; tags.len()];
        let first = self.work(py, |session| {
            let first = session.outside_facts();
            session.add_facts(relation, rows, Some(numbers), exclusive)?;
            Ok(first)
        })?;
        let mut objects = held(&self.objects);
        let new = (first..).zip(tags);
        match Arc::get_mut(&mut objects) {
            Some(objects) => objects.extend(new),
            None => {
                let old = objects.iter();
                let old = old.map(|(number, tag)| (*number, tag.clone_ref(py)));
                *objects = Arc::new(old.chain(new).collect());
            }
        }
        Ok(())
    }

    fn add_evidence(&self, py: Python<'_>, formula: &str, holds: bool) -> PyResult<()> {
        self.work(py, |session| session.add_evidence(formula, holds))
    }

    fn clear_evidence(&self, py: Python<'_>) -> PyResult<()> {
        self.work(py, nsdl::Session::clear_evidence)
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
        self.refuse_custom(py, "written to files")?;
        self.work(py, |session| session.write(relation, path, &options))
    }

    fn set_argument(&self, py: Python<'_>, name: &str, value: &str) -> PyResult<()> {
        self.work(py, |session| session.set_argument(name, value))
    }

    fn set_stop_at_goal(&self, stop: bool) {
        self.lock().set_stop_at_goal(stop);
    }

    fn set_iteration_limit(&self, rounds: Option<usize>) {
        self.lock().set_iteration_limit(rounds);
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
        if let Some(custom) = &self.custom {
            let outcome = self.work_custom(py, custom, |session, algebra, tag| {
                session.evaluate_with(algebra, tag)
            })?;
            let old = std::mem::replace(&mut *held(&self.answers), Arc::new(outcome.relations));
            // Tags may have something to say when they go.
            drop(old);
            return self.work(py, |session| {
                let render = |warning: &[Diagnostic]| session.render(warning, false);
                Ok(warnings(&outcome.warnings, render))
            });
        }
        self.work(py, |session| {
            let found = session.run()?.warnings;
            Ok(warnings(&found, |warning| session.render(warning, false)))
        })
    }

    fn relation<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Vec<Bound<'py, PyAny>>> {
        if let Some(custom) = &self.custom {
            let answers = held(&self.answers).clone();
            if let Some(relation) = answers.iter().find(|relation| relation.name == name) {
                return custom.answers(py, relation);
            }
            let outcome = self.work_custom(py, custom, |session, algebra, tag| {
                session.relation_with(name, algebra, tag)
            })?;
            let relation = outcome.relations.first();
            return relation.map_or(Ok(Vec::new()), |relation| custom.answers(py, relation));
        }
        let relation = self.work(py, |session| session.relation(name))?;
        answers(py, &relation)
    }

    /// Pairs of an interval around the tag and the tuple.
    fn bounds<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.refuse_custom(py, "numbers with bounds")?;
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

    /// What the last run took: as a table, the mode, tuples and instances of the trace, the strata, the circuit, and the
    /// rounds and residual of its fixpoint.
    fn statistics(&self, py: Python<'_>) -> PyResult<StatisticsArgument> {
        self.refuse_custom(py, "measured")?;
        let found = self.work(py, |session| session.statistics().cloned())?;
        let (mode, tuples, instances) = match found.mode {
            Mode::Plain => ("plain", 0, 0),
            Mode::Carried => ("carried", 0, 0),
            Mode::Traced { tuples, instances } => ("traced", tuples, instances),
        };
        let table = found.to_string();
        let strata = found.strata.into_iter().map(|it| {
            let seconds = it.time.as_secs_f64();
            (it.relations, it.rounds, it.rows, it.instances, seconds)
        });
        let strata = strata.collect();
        let fixpoint = (found.iterations, found.residual);
        Ok((
            table,
            mode,
            (tuples, instances),
            strata,
            found.circuit,
            fixpoint,
        ))
    }

    /// Probability and choices of the most probable world in which a tuple, written as in programs, holds.
    fn most_probable_world(&self, py: Python<'_>, atom: &str) -> PyResult<Option<ProofArgument>> {
        let world = self.work(py, |session| session.most_probable_world_text(atom))?;
        Ok(world.map(proof))
    }

    fn why(
        &self,
        py: Python<'_>,
        relation: &str,
        tuple: &Bound<'_, PyTuple>,
        k: usize,
    ) -> PyResult<Vec<ProofArgument>> {
        self.refuse_custom(py, "explained")?;
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

    /// Evaluates under the algebra written in Python; an exception of it is the cause of the error.
    fn work_custom(
        &self,
        py: Python<'_>,
        custom: &Arc<Custom>,
        work: impl FnOnce(
            &nsdl::Session,
            Arc<Custom>,
            Box<Tagging>,
        ) -> Result<TaggedOutcome<Object>, nsdl::Error>
        + Send,
    ) -> PyResult<TaggedOutcome<Object>> {
        // No lock is held while Python runs: it may come back here.
        let objects = held(&self.objects).clone();
        let algebra = custom.clone();
        let tagging = Box::new(move |tagged: &Tagged| {
            let object = tagged.outside.and_then(|number| objects.get(&number));
            algebra.tagging(tagged, object)
        });
        let outcome = self.work(py, |session| work(session, custom.clone(), tagging));
        match custom.take_raised(py) {
            Some(raised) => Err(raised),
            None => outcome,
        }
    }

    fn refuse_custom(&self, py: Python<'_>, what: &str) -> PyResult<()> {
        let message = format!("the answers of a provenance of your own are not {what}");
        match self.custom {
            Some(_) => Err(usage(
                py,
                "E0841",
                &message,
                Some("ask for them by `relation`"),
            )),
            None => Ok(()),
        }
    }

    /// Failed calls leave a session as it was, so one that panicked in a thread can still be used.
    fn lock(&self) -> MutexGuard<'_, nsdl::Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
