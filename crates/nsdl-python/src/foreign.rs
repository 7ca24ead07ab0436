//! Functions, predicates and aggregates written in Python.
//!
//! An evaluation runs on a thread of its own without the interpreter, and attaches to it for each call, or, where
//! the author gives a batch form, for each batch of calls.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nsdl::{
    AggregateSignature, Answer, AnswerTag, Answers, ForeignAggregate, ForeignFunction,
    ForeignPredicate, FunctionSignature, Parameter, Predicate, Question, Registry, Tagging, Type,
    Value, fit,
};
use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::error::usage;
use crate::value::{row, tuple};

thread_local! {
    static CALLING: Cell<usize> = const { Cell::new(0) };
}

/// Whether this thread is in a call that an evaluation made.
pub fn is_called() -> bool {
    CALLING.get() > 0
}

/// Runs code of Python's that an evaluation calls.
pub fn called<T>(work: impl FnOnce() -> T) -> T {
    CALLING.set(CALLING.get() + 1);
    let result = work();
    CALLING.set(CALLING.get() - 1);
    result
}

/// What a foreign object of `nsdl.foreign` says of itself: kind, signature, further modes, tags, whether it is
/// volatile and takes batches, and what to call (one for each mode of a predicate).
type Spec<'py> = (
    String,
    String,
    Vec<String>,
    String,
    bool,
    bool,
    Vec<Bound<'py, PyAny>>,
);

/// Adds what Python wrote to a registry.
pub fn register(
    registry: &mut Registry,
    item: &Bound<'_, PyAny>,
    cancel: &Arc<AtomicBool>,
) -> PyResult<()> {
    let py = item.py();
    let (kind, signature, modes, tags, volatile, batched, calls): Spec<'_> =
        item.call_method0("_spec")?.extract()?;
    let wrong = |reason: String| {
        usage(
            py,
            "E0861",
            &reason,
            Some("see the types in docs/foreign.md"),
        )
    };
    let host = Host {
        calls: calls.into_iter().map(Bound::unbind).collect(),
        cancel: cancel.clone(),
        volatile,
        batched,
    };
    match kind.as_str() {
        "function" => {
            let signature = FunctionSignature::parse(&signature).map_err(wrong)?;
            let function = Function { signature, host };
            let taken = |reason: String| usage(py, "E0860", &reason, Some("choose another name"));
            registry.add_function(Arc::new(function)).map_err(taken)
        }
        "predicate" => {
            let modes: Vec<&str> = modes.iter().map(String::as_str).collect();
            let signature = Predicate::parse(&signature, &modes).map_err(wrong)?;
            let signature = signature.tagged(match tags.as_str() {
                "probability" => Tagging::Independent,
                "exclusive" => Tagging::Exclusive,
                _ => Tagging::Certain,
            });
            let signature = match volatile {
                true => signature.volatile(),
                false => signature,
            };
            registry.add_predicate(Arc::new(Computed {
                signature: signature.interned(),
                host,
            }));
            Ok(())
        }
        _ => {
            let signature = AggregateSignature::parse(&signature).map_err(wrong)?;
            let taken = |reason: String| usage(py, "E0860", &reason, Some("choose another name"));
            let aggregate = Aggregate { signature, host };
            registry.add_aggregate(Arc::new(aggregate)).map_err(taken)
        }
    }
}

/// What all kinds have in common.
struct Host {
    calls: Vec<Py<PyAny>>,
    /// Stops the evaluation.
    cancel: Arc<AtomicBool>,
    volatile: bool,
    batched: bool,
}

impl Host {
    /// Calls Python; an exception becomes its text.
    fn attach<T>(
        &self,
        number: usize,
        work: impl for<'py> FnOnce(Python<'py>, &Bound<'py, PyAny>) -> PyResult<T>,
    ) -> Result<T, String> {
        Python::attach(|py| {
            let call = self.calls.get(number).ok_or("it has no such mode")?;
            called(|| work(py, call.bind(py))).map_err(|error| {
                // Not an error but a wish to stop: `KeyboardInterrupt`, `SystemExit`.
                if !error.is_instance_of::<PyException>(py) {
                    self.cancel.store(true, Ordering::Relaxed);
                }
                error.to_string()
            })
        })
    }
}

/// One value per type, from a Python object: for one type the value itself, else a tuple.
fn values(item: &Bound<'_, PyAny>, types: &[Type]) -> PyResult<Vec<Value>> {
    let py = item.py();
    let items = match (item.cast::<PyTuple>(), types) {
        (Ok(items), [ty]) if items.len() == 1 || !matches!(ty, Type::Tuple(_)) => items.clone(),
        (Err(_), [_]) => PyTuple::new(py, [item])?,
        (Ok(items), _) => items.clone(),
        (Err(_), _) => {
            let count = types.len();
            return Err(PyTypeError::new_err(format!(
                "{item} is no tuple of {count} values"
            )));
        }
    };
    let values = row(&items)?;
    if values.len() != types.len() {
        let (given, wanted) = (values.len(), types.len());
        return Err(PyTypeError::new_err(format!(
            "{given} values, not {wanted}: {item}"
        )));
    }
    std::iter::zip(&values, types)
        .map(|(value, ty)| fit(value, *ty).map_err(PyTypeError::new_err))
        .collect()
}

fn value(item: &Bound<'_, PyAny>, ty: Type) -> PyResult<Value> {
    // Packed, so that a tuple is one value.
    let packed = PyTuple::new(item.py(), [item])?;
    let mut values = values(packed.as_any(), &[ty])?;
    values.pop().ok_or_else(|| PyTypeError::new_err("no value"))
}

/// One list per parameter, from the arguments of all calls.
fn columns<'py>(py: Python<'py>, calls: &[&[Value]]) -> PyResult<Bound<'py, PyTuple>> {
    let width = calls.first().map_or(0, |call| call.len());
    let mut columns: Vec<Vec<Bound<'py, PyAny>>> = vec![Vec::new(); width];
    for call in calls {
        let items = tuple(py, call)?;
        for (column, item) in columns.iter_mut().zip(items.iter()) {
            column.push(item);
        }
    }
    let columns = columns.into_iter().map(|column| PyList::new(py, column));
    PyTuple::new(py, columns.collect::<PyResult<Vec<_>>>()?)
}

/// The results of a batch, one each.
fn results<'py>(found: Bound<'py, PyAny>, count: usize) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let found: Vec<Bound<'py, PyAny>> = found.try_iter()?.collect::<PyResult<_>>()?;
    match found.len() == count {
        true => Ok(found),
        false => Err(PyTypeError::new_err(format!(
            "{} results for a batch of {count}",
            found.len()
        ))),
    }
}

struct Function {
    signature: &'static FunctionSignature,
    host: Host,
}

impl Function {
    /// The type of the result for these arguments.
    fn result(&self, args: &[Value]) -> Option<Type> {
        match self.signature.result {
            Parameter::Exactly(ty) => Some(ty),
            result => {
                let variable = args.iter().enumerate().find_map(|(index, arg)| {
                    match (self.signature.parameter(index), arg.ty()) {
                        (Some(Parameter::Variable), ty) => Some(ty),
                        (Some(Parameter::List), Type::List(element)) => Some(*element),
                        _ => None,
                    }
                });
                match result {
                    Parameter::List => variable.map(Type::list),
                    _ => variable,
                }
            }
        }
    }

    fn read(&self, item: &Bound<'_, PyAny>, args: &[Value]) -> PyResult<Value> {
        let ty = self.result(args);
        value(item, ty.ok_or_else(|| PyTypeError::new_err("no type"))?)
    }
}

impl ForeignFunction for Function {
    fn signature(&self) -> &'static FunctionSignature {
        self.signature
    }

    fn call(&self, args: &[Value]) -> Result<Value, String> {
        if self.host.batched {
            let mut all = self.call_batch(&[args.to_vec()]);
            return all.pop().unwrap_or_else(|| Err("no result".into()));
        }
        self.host.attach(0, |py, call| {
            let found = call.call1(tuple(py, args)?)?;
            self.read(&found, args)
        })
    }

    fn batched(&self) -> bool {
        self.host.batched
    }

    fn call_batch(&self, calls: &[Vec<Value>]) -> Vec<Result<Value, String>> {
        let all: Vec<&[Value]> = calls.iter().map(Vec::as_slice).collect();
        let found = self.host.attach(0, |py, call| {
            let found = results(call.call1(columns(py, &all)?)?, all.len())?;
            let read = |(item, args): (Bound<'_, PyAny>, &[Value])| {
                self.read(&item, args).map_err(|error| error.to_string())
            };
            Ok(found
                .into_iter()
                .zip(all.iter().copied())
                .map(read)
                .collect())
        });
        found.unwrap_or_else(|text| vec![Err(text); calls.len()])
    }

    fn volatile(&self) -> bool {
        self.host.volatile
    }
}

struct Computed {
    signature: &'static Predicate,
    host: Host,
}

impl Computed {
    /// The types of what the mode computes.
    fn outputs(&self, question: &Question<'_>) -> Vec<Type> {
        let types = question.types.iter().enumerate();
        let free = types.filter(|(column, _)| !self.signature.needs(question.mode, *column));
        free.map(|(_, ty)| *ty).collect()
    }

    /// What the author yields: values, or a pair of tag and values.
    fn answer(&self, item: &Bound<'_, PyAny>, types: &[Type]) -> PyResult<Answer> {
        let pair = item.cast::<PyTuple>().ok().filter(|pair| pair.len() == 2);
        let tagged = self.signature.tags != Tagging::Certain;
        let parts = match pair {
            Some(pair) => Some((pair.get_item(0)?, pair.get_item(1)?)),
            None => None,
        };
        if tagged {
            let Some((tag, outputs)) = parts else {
                let text = format!("{item} is no pair of a probability and values");
                return Err(PyTypeError::new_err(text));
            };
            let tag = AnswerTag::Probability(tag.extract()?);
            let outputs = values(&outputs, types)?;
            return Ok(Answer { tag, outputs });
        }
        // Without a tag, or with `None`, `True` or `False` before a tuple.
        if let Some((tag, outputs)) = parts
            && outputs.is_instance_of::<PyTuple>()
            && !matches!(types, [_, Type::Tuple(_)])
        {
            let tag = match tag.is_none() {
                true => AnswerTag::Certain,
                false => AnswerTag::Holds(tag.extract()?),
            };
            let outputs = values(&outputs, types)?;
            return Ok(Answer { tag, outputs });
        }
        // A test may yield nothing but whether it holds.
        if types.is_empty()
            && let Ok(holds) = item.extract::<bool>()
        {
            return Ok(Answer {
                tag: AnswerTag::Holds(holds),
                outputs: Vec::new(),
            });
        }
        values(item, types).map(Answer::certain)
    }

    fn answers(&self, found: &Bound<'_, PyAny>, types: &[Type]) -> PyResult<Vec<Answer>> {
        found
            .try_iter()?
            .map(|item| self.answer(&item?, types))
            .collect()
    }
}

impl ForeignPredicate for Computed {
    fn signature(&self) -> &'static Predicate {
        self.signature
    }

    fn evaluate<'a>(&'a self, question: Question<'a>) -> Answers<'a> {
        let found = match self.host.batched {
            true => self
                .evaluate_batch(&[question])
                .pop()
                .unwrap_or_else(|| Ok(Vec::new())),
            false => self.host.attach(question.mode, |py, call| {
                let found = call.call1(tuple(py, question.inputs)?)?;
                self.answers(&found, &self.outputs(&question))
            }),
        };
        match found {
            Ok(answers) => Box::new(answers.into_iter().map(Ok)),
            Err(text) => Box::new(std::iter::once(Err(text))),
        }
    }

    fn batched(&self) -> bool {
        self.host.batched
    }

    fn evaluate_batch(&self, questions: &[Question<'_>]) -> Vec<Result<Vec<Answer>, String>> {
        let Some(first) = questions.first() else {
            return Vec::new();
        };
        let types = self.outputs(first);
        let all: Vec<&[Value]> = questions.iter().map(|question| question.inputs).collect();
        let found = self.host.attach(first.mode, |py, call| {
            let found = results(call.call1(columns(py, &all)?)?, all.len())?;
            let read = |item: Bound<'_, PyAny>| {
                let answers = self.answers(&item, &types);
                answers.map_err(|error| error.to_string())
            };
            Ok(found.into_iter().map(read).collect())
        });
        found.unwrap_or_else(|text| vec![Err(text); questions.len()])
    }
}

struct Aggregate {
    signature: &'static AggregateSignature,
    host: Host,
}

impl ForeignAggregate for Aggregate {
    fn signature(&self) -> &'static AggregateSignature {
        self.signature
    }

    fn evaluate(&self, members: &[Vec<Value>]) -> Result<Option<Value>, String> {
        let parameters = self
            .signature
            .arguments
            .iter()
            .chain(&self.signature.values);
        let variable = parameters.clone().position(|it| *it == Parameter::Variable);
        let first = variable.and_then(|at| members.first()?.get(at));
        let of_variable = first.map(Value::ty);
        self.host.attach(0, |py, call| {
            let members: Vec<Bound<'_, PyAny>> = members
                .iter()
                .map(|member| {
                    let member = tuple(py, member)?;
                    match member.len() {
                        1 => member.get_item(0),
                        _ => Ok(member.into_any()),
                    }
                })
                .collect::<PyResult<_>>()?;
            let found = call.call1((PyList::new(py, members)?,))?;
            if found.is_none() {
                return Ok(None);
            }
            let ty = match self.signature.result {
                Parameter::Exactly(ty) => Some(ty),
                _ => of_variable,
            };
            let Some(ty) = ty else {
                let text = "without members its result has no type: return None";
                return Err(PyTypeError::new_err(text));
            };
            value(&found, ty).map(Some)
        })
    }
}
