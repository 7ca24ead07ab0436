//! Python values to values of relations and back.

use nsdl::{OutputTag, Relation, Value};
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString, PyTuple};

use crate::error::usage;

/// A row from a Python tuple.
pub fn row(tuple: &Bound<'_, PyTuple>) -> PyResult<Vec<Value>> {
    tuple.iter().map(|item| value(&item)).collect()
}

/// `bool`, integers, floats and text, and what stands for them (NumPy's numbers, for example).
///
/// The session makes them values of the column's type, with a check of the range.
fn value(item: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(text) = item.cast::<PyString>() {
        return Ok(Value::String(text.to_cow()?.into()));
    }
    // A Python bool is an int too: ask for it first.
    if let Ok(flag) = item.cast::<PyBool>() {
        return Ok(Value::Bool(flag.is_true()));
    }
    if let Ok(float) = item.cast::<PyFloat>() {
        return Ok(Value::F64(float.value()));
    }
    if item.is_instance_of::<PyInt>() || item.hasattr("__index__")? {
        return integer(item);
    }
    if item.hasattr("__float__")? {
        return Ok(Value::F64(item.extract()?));
    }
    let ty = item.get_type().name()?;
    Err(usage(
        item.py(),
        "E0829",
        &format!("a {ty} cannot be a value of a relation"),
        Some("use bool, int, float or str"),
    ))
}

fn integer(item: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(small) = item.extract::<i64>() {
        return Ok(Value::I64(small));
    }
    if let Ok(wide) = item.extract::<i128>() {
        return Ok(Value::I128(wide));
    }
    match item.extract::<u128>() {
        Ok(wide) => Ok(Value::U128(wide)),
        Err(reason) if reason.is_instance_of::<PyOverflowError>(item.py()) => Err(usage(
            item.py(),
            "E0829",
            &format!("{item} does not fit 128 bits"),
            None,
        )),
        Err(reason) => Err(reason),
    }
}

/// The Python tuple of a row.
pub fn tuple<'py>(py: Python<'py>, row: &[Value]) -> PyResult<Bound<'py, PyTuple>> {
    let items = row
        .iter()
        .map(|value| object(py, value))
        .collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, items)
}

fn object<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::F32(v) => PyFloat::new(py, f64::from(*v)).into_any(),
        Value::F64(v) => PyFloat::new(py, *v).into_any(),
        Value::Bool(v) => PyBool::new(py, *v).to_owned().into_any(),
        Value::Char(v) => PyString::new(py, v.encode_utf8(&mut [0; 4])).into_any(),
        Value::String(v) | Value::Symbol(v) => PyString::new(py, v).into_any(),
        Value::U128(v) => v.into_pyobject(py)?.into_any(),
        integer => integer
            .as_i128()
            .unwrap_or_default()
            .into_pyobject(py)?
            .into_any(),
    })
}

/// The answers of a relation: plain tuples, or pairs of tag and tuple.
pub fn answers<'py>(py: Python<'py>, relation: &Relation) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let answer = |(tag, row): &(OutputTag, Vec<Value>)| {
        let tuple = tuple(py, row)?;
        Ok(match *tag {
            OutputTag::Unit => tuple.into_any(),
            OutputTag::Bool(holds) => (holds, tuple).into_pyobject(py)?.into_any(),
            OutputTag::Probability(p) => (p, tuple).into_pyobject(py)?.into_any(),
        })
    };
    relation.tuples.iter().map(answer).collect()
}
