//! Errors of nsdl as Python exceptions.

use nsdl::Diagnostic;
use pyo3::prelude::*;

/// The exception for an error of the facade.
pub fn raise(py: Python<'_>, error: &nsdl::Error) -> PyErr {
    exception(
        py,
        error.code(),
        error.message(),
        error.span(),
        Some(error.to_string()),
        None,
    )
}

/// The exception for a call that does not fit.
pub fn usage(py: Python<'_>, code: &str, message: &str, help: Option<&str>) -> PyErr {
    exception(py, code, message, None, None, help)
}

/// Asks `nsdl.errors` for it: the classes are Python's, so that they can be read and pickled there.
fn exception(
    py: Python<'_>,
    code: &str,
    message: &str,
    span: Option<(usize, usize)>,
    rendered: Option<String>,
    help: Option<&str>,
) -> PyErr {
    let made = py
        .import("nsdl.errors")
        .and_then(|module| module.getattr("error"))
        .and_then(|error| error.call1((code, message, span, rendered, help)));
    match made {
        Ok(value) => PyErr::from_value(value),
        Err(reason) => reason,
    }
}

/// Warnings, each rendered by itself: Python shows a repeated one once.
pub fn warnings(found: &[Diagnostic], render: impl Fn(&[Diagnostic]) -> String) -> Vec<String> {
    found
        .chunks(1)
        .map(|warning| render(warning).trim_end().to_owned())
        .collect()
}

/// The text of a program in its canonical layout, comments kept.
#[pyfunction]
pub fn format(py: Python<'_>, text: &str) -> PyResult<String> {
    nsdl::format("<program>", text).map_err(|error| raise(py, &error))
}

/// The page about the code of an error or warning, in Markdown.
#[pyfunction]
pub fn explain(py: Python<'_>, code: &str) -> PyResult<&'static str> {
    nsdl::explain(code).map_err(|error| raise(py, &error))
}
