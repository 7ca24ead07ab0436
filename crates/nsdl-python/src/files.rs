//! Options of files, and attributes that Python understands.

use nsdl::files::{FileFormat, FileOptions, ProbabilityColumn};
use nsdl::{AttributeFacts, AttributeItem, AttributeValue};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::error::usage;
use crate::value::{object, row};

/// Format, delimiter, header, probability (`None`, a bool or a name), keys, fields.
pub type FileArguments<'py> = (
    Option<String>,
    Option<String>,
    bool,
    Bound<'py, PyAny>,
    Vec<String>,
    Vec<String>,
);

/// The options of a file.
pub fn options(py: Python<'_>, arguments: FileArguments<'_>) -> PyResult<FileOptions> {
    let (format, delimiter, header, probability, keys, fields) = arguments;
    let format = format
        .map(|name| {
            FileFormat::from_name(&name).ok_or_else(|| {
                let all = FileFormat::ALL.map(FileFormat::name).join(", ");
                let help = format!("there are {all}");
                usage(py, "E0705", &format!("no format `{name}`"), Some(&help))
            })
        })
        .transpose()?;
    let delimiter = delimiter
        .map(|text| match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
            _ => Err(usage(
                py,
                "E0705",
                "a delimiter is one ASCII character, and no quote",
                None,
            )),
        })
        .transpose()?;
    let probability = if probability.is_none() {
        ProbabilityColumn::Auto
    } else if let Ok(first) = probability.extract::<bool>() {
        match first {
            true => ProbabilityColumn::First,
            false => ProbabilityColumn::None,
        }
    } else {
        ProbabilityColumn::Named(probability.extract()?)
    };
    Ok(FileOptions {
        format,
        delimiter,
        header,
        probability,
        keys,
        fields,
    })
}

/// Asks a Python callable for facts: relation, types, fields, arguments and named arguments in; rows and
/// probabilities out.
pub fn ask(function: &Py<PyAny>, item: &AttributeItem) -> Result<AttributeFacts, String> {
    Python::attach(|py| -> PyResult<AttributeFacts> {
        let types: Vec<String> = item.types.iter().map(ToString::to_string).collect();
        let positional = item.positional.iter().map(|value| argument(py, value));
        let positional = PyTuple::new(py, positional.collect::<PyResult<Vec<_>>>()?)?;
        let named = PyDict::new(py);
        for (name, value) in &item.named {
            named.set_item(name, argument(py, value)?)?;
        }
        let arguments = (&item.relation, types, &item.fields, positional, named);
        let answer = function.bind(py).call1(arguments)?;
        let (rows, probabilities): (Vec<Bound<'_, PyTuple>>, Option<Vec<f64>>) =
            answer.extract()?;
        Ok(AttributeFacts {
            tuples: rows.iter().map(row).collect::<PyResult<_>>()?,
            probabilities,
            exclusive: false,
        })
    })
    .map_err(|error| error.to_string())
}

fn argument<'py>(py: Python<'py>, value: &AttributeValue) -> PyResult<Bound<'py, PyAny>> {
    match value {
        AttributeValue::Value(value) => object(py, value),
        AttributeValue::List(values) => {
            let values = values.iter().map(|value| argument(py, value));
            Ok(PyList::new(py, values.collect::<PyResult<Vec<_>>>()?)?.into_any())
        }
    }
}
