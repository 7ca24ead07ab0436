//! The samples of a batch by shape, for Python.

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::module::{Layers, layers_of};
use crate::tensor::Dense;
use crate::value::tuple;

/// Tuples of an open relation.
#[pyclass(frozen, module = "nsdl._nsdl")]
pub struct Tuples(pub nsdl::Tuples);

#[pymethods]
impl Tuples {
    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// Those at the given places.
    fn select(&self, places: &Bound<'_, PyAny>) -> PyResult<Tuples> {
        let (rows, columns): (usize, usize) = places.getattr("shape")?.extract()?;
        let places = Dense::<i64>::new(places, rows, columns)?;
        let at = |&place: &i64| usize::try_from(place).unwrap_or(usize::MAX);
        let selected = self.0.select(places.slice().iter().map(at));
        let selected = selected.ok_or_else(|| PyTypeError::new_err("a place out of range"))?;
        Ok(Tuples(selected))
    }
}

/// The samples of a batch by shape.
#[pyclass(frozen, module = "nsdl._nsdl")]
pub struct Arrangement(pub nsdl::Arrangement);

#[pymethods]
impl Arrangement {
    /// Where the values of each sample begin in an output.
    fn offsets(&self, output: usize) -> Vec<usize> {
        self.0.offsets(output).to_vec()
    }

    /// The tuples of the values of an output.
    fn tuples<'py>(&self, py: Python<'py>, output: usize) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        let tuples = self.0.tuples(output);
        tuples.into_iter().map(|row| tuple(py, row)).collect()
    }

    /// The union of the tuples of all samples, and the place of each value in `[batch][tuple]`.
    fn columns<'py>(
        &self,
        py: Python<'py>,
        output: usize,
    ) -> PyResult<(Vec<Bound<'py, PyTuple>>, Bound<'py, PyBytes>)> {
        let (columns, places) = self.0.columns(output);
        let samples = self.0.offsets(output).windows(2).enumerate();
        let samples = samples.flat_map(|(sample, pair)| match pair {
            [from, to] => std::iter::repeat_n(sample, to - from),
            _ => std::iter::repeat_n(sample, 0),
        });
        let places = samples
            .zip(places)
            .map(|(s, column)| s * columns.len() + column);
        let places = bytes(py, places);
        let columns = columns.iter().map(|row| tuple(py, row));
        Ok((columns.collect::<PyResult<_>>()?, places))
    }

    /// Of each shape: its circuit, the number of its rows, its samples, and the places of their facts and of their values.
    #[allow(clippy::type_complexity)] // Python takes it apart.
    fn parts<'py>(
        &self,
        py: Python<'py>,
    ) -> Vec<(
        Shape,
        usize,
        Bound<'py, PyBytes>,
        Vec<Bound<'py, PyBytes>>,
        Vec<Bound<'py, PyBytes>>,
    )> {
        let places = |offsets: &[usize], samples: &[usize]| {
            let range = |&s: &usize| {
                let at = |i: usize| offsets.get(i).copied().unwrap_or_default();
                at(s)..at(s + 1)
            };
            bytes(py, samples.iter().flat_map(range))
        };
        let part = |(shape, samples, rows): (&Arc<nsdl::Module>, &[usize], usize)| {
            let facts = self.0.ragged().map(|(_, offsets)| places(offsets, samples));
            let values = (0..shape.outputs()).map(|o| places(self.0.offsets(o), samples));
            (
                Shape(shape.clone()),
                rows,
                bytes(py, samples.iter().copied()),
                facts.collect(),
                values.collect(),
            )
        };
        self.0.shapes().map(part).collect()
    }
}

fn bytes(py: Python<'_>, numbers: impl Iterator<Item = usize>) -> Bound<'_, PyBytes> {
    let bytes: Vec<u8> = numbers
        .flat_map(|number| (number as i64).to_ne_bytes())
        .collect();
    PyBytes::new(py, &bytes)
}

/// One shape, for torch operations.
#[pyclass(frozen, module = "nsdl._nsdl")]
pub struct Shape(Arc<nsdl::Module>);

#[pymethods]
impl Shape {
    #[getter]
    fn has_layers(&self) -> bool {
        self.0.layers().is_some()
    }

    fn layers<'py>(&self, py: Python<'py>) -> PyResult<Layers<'py>> {
        layers_of(py, &self.0)
    }
}
