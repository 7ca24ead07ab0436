//! Python values to values of relations and back.
//!
//! | nsdl | Python |
//! |---|---|
//! | integers, floats, `bool` | `int`, `float`, `bool`, and what stands for them |
//! | `char`, `String`, `Symbol`, terms | `str`; terms as programs write them |
//! | `DateTime` | `datetime` in UTC; a naive one and a `date` are taken to be in UTC. Outside of the years 1 to 9999 `str` |
//! | `Duration` | `timedelta`; with months, which a `timedelta` has not, `str` in ISO 8601 |
//! | tuples, lists | `tuple`, `list` |
//! | `Tensor` | nested lists of `float`; given also as an array or a tensor |

use nsdl::{
    DateTime, Duration, Extended, OutputLiteral, OutputTag, Relation, Value, list_of, tensor_of,
};
use pyo3::exceptions::PyOverflowError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::error::usage;

/// How deep lists may be nested: one may contain itself.
const DEEPEST: usize = 100;

/// A row from a Python tuple.
pub fn row(tuple: &Bound<'_, PyTuple>) -> PyResult<Vec<Value>> {
    tuple.iter().map(|item| value(&item, 0)).collect()
}

/// The session makes it a value of the column's type, with a check of the range.
fn value(item: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
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
    if item.is_instance_of::<PyInt>() {
        return integer(item);
    }
    if depth > DEEPEST {
        let what = format!("lists are nested more than {DEEPEST} deep");
        return Err(usage(item.py(), "E0829", &what, None));
    }
    let parts = |items: &mut dyn Iterator<Item = Bound<'_, PyAny>>| {
        items
            .map(|item| value(&item, depth + 1))
            .collect::<PyResult<Vec<Value>>>()
    };
    if let Ok(tuple) = item.cast::<PyTuple>() {
        return Ok(Value::Tuple(parts(&mut tuple.iter())?.into()));
    }
    if let Ok(list) = item.cast::<PyList>() {
        return list_of(parts(&mut list.iter())?).ok_or_else(|| {
            let help = "a list has elements of one type; values of several types are a tuple";
            usage(
                item.py(),
                "E0829",
                &format!("{item} mixes types"),
                Some(help),
            )
        });
    }
    if let Some(value) = array(item, depth)? {
        return Ok(value);
    }
    if let Some(value) = time(item)? {
        return Ok(value);
    }
    if item.hasattr("__index__")? {
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
        Some("use bool, int, float, str, datetime, timedelta, tuple, list or an array"),
    ))
}

/// An array of numbers, of one dimension at least: arrays of none are numbers.
fn array(item: &Bound<'_, PyAny>, depth: usize) -> PyResult<Option<Value>> {
    let py = item.py();
    let Ok(shape) = item.getattr(intern!(py, "shape")) else {
        return Ok(None);
    };
    if !item.hasattr(intern!(py, "tolist"))? || shape.len()? == 0 {
        return Ok(None);
    }
    let list = value(&item.call_method0(intern!(py, "tolist"))?, depth + 1)?;
    tensor_of(&list).map(Some).ok_or_else(|| {
        let what = "an array that is a value of a relation holds numbers, and no NaN";
        usage(py, "E0829", what, None)
    })
}

/// A `datetime`, `date` or `timedelta`.
fn time(item: &Bound<'_, PyAny>) -> PyResult<Option<Value>> {
    let module = item.py().import(intern!(item.py(), "datetime"))?;
    let is = |class: &str| item.is_instance(&module.getattr(class)?);
    let too_long = || {
        let what = format!("{item} is too long for a Duration");
        usage(
            item.py(),
            "E0829",
            &what,
            Some("it holds 19,998 years at most"),
        )
    };
    if is("timedelta")? {
        let duration = Duration::new(0, microseconds(item)?);
        return duration
            .map(|it| Some(Value::Duration(it)))
            .ok_or_else(too_long);
    }
    if !is("date")? {
        return Ok(None);
    }
    let since = if is("datetime")? {
        let utc = module.getattr("timezone")?.getattr("utc")?;
        let aware = match item.getattr("tzinfo")?.is_none() {
            true => {
                let zone = PyDict::new(item.py());
                zone.set_item("tzinfo", utc)?;
                item.call_method("replace", (), Some(&zone))?
            }
            false => item.clone(),
        };
        microseconds(&aware.sub(epoch(item.py())?)?)?
    } else {
        let epoch: i64 = 719_163; // 1970-01-01, as `toordinal` counts
        (item.call_method0("toordinal")?.extract::<i64>()? - epoch) * 86_400_000_000
    };
    let instant = DateTime::from_microseconds(since);
    instant
        .map(|it| Some(Value::DateTime(it)))
        .ok_or_else(too_long)
}

fn microseconds(delta: &Bound<'_, PyAny>) -> PyResult<i64> {
    let part = |name: &str| delta.getattr(name)?.extract::<i64>();
    // At most 999,999,999 days: beyond what 64 bits of microseconds hold, and then beyond a `Duration`.
    let seconds = part("days")?
        .saturating_mul(86_400)
        .saturating_add(part("seconds")?);
    let whole = seconds.saturating_mul(1_000_000);
    Ok(whole.saturating_add(part("microseconds")?))
}

fn epoch(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let module = py.import(intern!(py, "datetime"))?;
    let utc = module.getattr("timezone")?.getattr("utc")?;
    module
        .getattr("datetime")?
        .call1((1970, 1, 1, 0, 0, 0, 0, utc))
}

fn timedelta(py: Python<'_>, microseconds: i64) -> PyResult<Bound<'_, PyAny>> {
    let class = py.import(intern!(py, "datetime"))?.getattr("timedelta")?;
    class.call1((0, 0, microseconds))
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

/// The Python value of a value.
pub fn object<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    let text = |text: &str| PyString::new(py, text).into_any();
    let parts = |parts: &[Value]| {
        let parts = parts.iter().map(|part| object(py, part));
        parts.collect::<PyResult<Vec<_>>>()
    };
    Ok(match value {
        Value::F32(v) => PyFloat::new(py, f64::from(*v)).into_any(),
        Value::F64(v) => PyFloat::new(py, *v).into_any(),
        Value::Bool(v) => PyBool::new(py, *v).to_owned().into_any(),
        Value::Char(v) => text(v.encode_utf8(&mut [0; 4])),
        Value::String(v) | Value::Symbol(v) => text(v),
        Value::Term(_) => text(&value.to_string()),
        Value::DateTime(v) => {
            let instant = epoch(py)?.add(timedelta(py, v.microseconds)?);
            instant.unwrap_or_else(|_| text(&v.to_string()))
        }
        Value::Duration(v) if v.months == 0 => timedelta(py, v.microseconds)?,
        Value::Duration(v) => text(&v.to_string()),
        Value::Tuple(v) => PyTuple::new(py, parts(v)?)?.into_any(),
        Value::List(_, v) => PyList::new(py, parts(v)?)?.into_any(),
        Value::Tensor(v) => nested(py, v.shape(), v.data())?,
        Value::U128(v) => v.into_pyobject(py)?.into_any(),
        Value::I8(_)
        | Value::I16(_)
        | Value::I32(_)
        | Value::I64(_)
        | Value::I128(_)
        | Value::Isize(_)
        | Value::U8(_)
        | Value::U16(_)
        | Value::U32(_)
        | Value::U64(_)
        | Value::Usize(_) => value
            .as_i128()
            .unwrap_or_default()
            .into_pyobject(py)?
            .into_any(),
    })
}

/// A tensor as nested lists.
fn nested<'py>(py: Python<'py>, shape: &[usize], data: &[f64]) -> PyResult<Bound<'py, PyAny>> {
    let Some((count, inner)) = shape.split_first() else {
        let number = data.first().copied().unwrap_or_default();
        return Ok(PyFloat::new(py, number).into_any());
    };
    let size: usize = inner.iter().product();
    let part = |index: usize| nested(py, inner, data.get(index * size..).unwrap_or_default());
    let parts: Vec<_> = (0..*count).map(part).collect::<PyResult<_>>()?;
    Ok(PyList::new(py, parts)?.into_any())
}

/// The answers of a relation: plain tuples, or pairs of tag and tuple.
pub fn answers<'py>(py: Python<'py>, relation: &Relation) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let answer = |(tag, row): &(OutputTag, Vec<Value>)| {
        let tuple = tuple(py, row)?;
        Ok(match tag {
            OutputTag::Unit => tuple.into_any(),
            tag => (tag_object(py, tag)?, tuple).into_pyobject(py)?.into_any(),
        })
    };
    relation.tuples.iter().map(answer).collect()
}

/// A tag: `bool`, `float`, `int` (`math.inf` for ∞), or a list of proofs, each a list of literals as text.
fn tag_object<'py>(py: Python<'py>, tag: &OutputTag) -> PyResult<Bound<'py, PyAny>> {
    Ok(match tag {
        OutputTag::Unit => py.None().into_bound(py),
        OutputTag::Bool(holds) => PyBool::new(py, *holds).to_owned().into_any(),
        OutputTag::Probability(p) | OutputTag::RealCost(p) => PyFloat::new(py, *p).into_any(),
        OutputTag::Count(n) | OutputTag::Cost(n) => match n {
            Extended::Finite(n) => n.into_pyobject(py)?.into_any(),
            Extended::Huge | Extended::Infinite => PyFloat::new(py, f64::INFINITY).into_any(),
        },
        OutputTag::Proofs(proofs) => {
            let proof = |proof: &Vec<OutputLiteral>| {
                PyList::new(py, proof.iter().map(OutputLiteral::to_string))
            };
            let proofs = proofs.iter().map(proof).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, proofs)?.into_any()
        }
    })
}
