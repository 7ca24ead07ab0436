//! Algebras written in Python: subclasses of `nsdl.Provenance`.
//!
//! Tags are Python objects, so operations may be torch expressions, and gradients flow through torch's own graph.
//! An evaluation attaches to the interpreter for each operation; after an exception no more are called, and the
//! evaluation ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nsdl::{Tagged, TaggedRelation, algebra};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::error::usage;
use crate::foreign::called;
use crate::value::tuple;

/// A tag: any object. Equal are those that are one and the same.
#[derive(Clone, Debug)]
pub struct Object(Arc<Py<PyAny>>);

impl Object {
    fn new(object: Py<PyAny>) -> Self {
        Self(Arc::new(object))
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ptr() == other.0.as_ptr()
    }
}

/// An algebra whose operations are methods of a Python object.
#[derive(Debug)]
pub struct Custom {
    object: Py<PyAny>,
    /// Stops the evaluation.
    cancel: Arc<AtomicBool>,
    complement: bool,
    /// What an operation raised, and how that is told. No lock is held while Python runs.
    raised: Mutex<Option<(String, PyErr)>>,
}

impl Custom {
    pub fn new(object: &Bound<'_, PyAny>, cancel: &Arc<AtomicBool>) -> PyResult<Self> {
        Ok(Self {
            complement: object.call_method0("_has_complement")?.extract()?,
            object: object.clone().unbind(),
            cancel: cancel.clone(),
            raised: Mutex::default(),
        })
    }

    /// The exception for what an operation raised since the last call, with it as its cause.
    pub fn take_raised(&self, py: Python<'_>) -> Option<PyErr> {
        let (message, error) = self.raised().take()?;
        if !error.is_instance_of::<PyException>(py) {
            return Some(error);
        }
        let help = "its methods take and return tags; see docs/provenance/custom.md";
        let failure = usage(py, "E0840", &message, Some(help));
        failure.set_cause(py, Some(error));
        Some(failure)
    }

    /// What a method gives; `None`, and kept, if it raises, and from then on.
    fn call<T>(
        &self,
        method: &'static str,
        tags: &[&Object],
        read: impl for<'py> FnOnce(Bound<'py, PyAny>) -> PyResult<T>,
    ) -> Option<T> {
        Python::attach(|py| {
            let arguments = PyTuple::new(py, tags.iter().map(|tag| tag.0.bind(py)));
            self.attempt(py, method, || {
                let result = self.object.bind(py).call_method1(method, arguments?)?;
                read(result)
            })
        })
    }

    fn attempt<T>(
        &self,
        py: Python<'_>,
        method: &'static str,
        work: impl FnOnce() -> PyResult<T>,
    ) -> Option<T> {
        if self.raised().is_some() {
            return None;
        }
        match called(work) {
            Ok(result) => Some(result),
            Err(error) => {
                if !error.is_instance_of::<PyException>(py) {
                    self.cancel.store(true, Ordering::Relaxed);
                }
                let message = format!("the provenance failed in `{method}`: {error}");
                *self.raised() = Some((message, error));
                None
            }
        }
    }

    fn raised(&self) -> MutexGuard<'_, Option<(String, PyErr)>> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tag(&self, method: &'static str, tags: &[&Object]) -> Object {
        let found = self.call(method, tags, |found| Ok(Object::new(found.unbind())));
        found.unwrap_or_else(nothing)
    }

    /// The tag of what is given one, by `tagging` of its object or number.
    pub fn tagging(&self, tagged: &Tagged, object: Option<&Py<PyAny>>) -> Object {
        let found = Python::attach(|py| {
            self.attempt(py, "tagging", || {
                let given = match (object, tagged.number) {
                    (Some(object), _) => object.clone_ref(py),
                    (None, Some(number)) => number.into_pyobject(py)?.into_any().unbind(),
                    (None, None) => py.None(),
                };
                let tag = self.object.bind(py).call_method1("tagging", (given,))?;
                Ok(Object::new(tag.unbind()))
            })
        });
        found.unwrap_or_else(nothing)
    }

    /// The answers of a relation: pairs of `recover` of the tag, and tuple.
    pub fn answers<'py>(
        &self,
        py: Python<'py>,
        relation: &TaggedRelation<Object>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let answer = |(tag, row): &(Object, Vec<nsdl::Value>)| {
            let recover = || {
                self.object
                    .bind(py)
                    .call_method1("recover", (tag.0.bind(py),))
            };
            let Some(tag) = self.attempt(py, "recover", recover) else {
                let failure = self.take_raised(py);
                return Err(failure.unwrap_or_else(|| PyException::new_err("no tag")));
            };
            Ok((tag, tuple(py, row)?).into_pyobject(py)?.into_any())
        };
        relation.tuples.iter().map(answer).collect()
    }
}

/// What stands for a tag that an operation failed to give.
fn nothing() -> Object {
    Python::attach(|py| Object::new(py.None()))
}

impl algebra::Provenance for Custom {
    type Tag = Object;

    // Nobody vouches for any law.
    const IDEMPOTENT: bool = false;
    const ABSORPTIVE: bool = false;
    const DISTRIBUTIVE: bool = false;
    const INVOLUTIVE: bool = false;

    fn zero(&self) -> Object {
        self.tag("zero", &[])
    }

    fn one(&self) -> Object {
        self.tag("one", &[])
    }

    fn add(&self, a: &Object, b: &Object) -> Object {
        self.tag("add", &[a, b])
    }

    fn mult(&self, a: &Object, b: &Object) -> Object {
        self.tag("mult", &[a, b])
    }

    fn negate(&self, a: &Object) -> Object {
        match self.complement {
            true => self.tag("negate", &[a]),
            false if self.discard(a) => self.one(),
            false => self.zero(),
        }
    }

    fn has_complement(&self) -> bool {
        self.complement
    }

    fn failure(&self) -> Option<String> {
        let raised = self.raised();
        raised.as_ref().map(|(message, _)| message.clone())
    }

    fn saturated(&self, old: &Object, new: &Object) -> bool {
        self.call("saturated", &[old, new], |found| found.is_truthy())
            .unwrap_or(true)
    }

    fn discard(&self, tag: &Object) -> bool {
        self.call("discard", &[tag], |found| found.is_truthy())
            .unwrap_or(false)
    }

    fn weight(&self, tag: &Object) -> f64 {
        self.call("weight", &[tag], |found| found.extract())
            .unwrap_or(1.0)
    }
}
