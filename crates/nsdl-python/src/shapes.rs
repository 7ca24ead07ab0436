//! `CompiledShapes`: what `nsdl.Module` is made of where samples have facts of their own.

mod passes;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nsdl::Ragged;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::arrangement::{Arrangement, Tuples};
use crate::compiling::compiling;
use crate::error::{self, raise};
use crate::interrupt::interruptible;
use crate::module::{
    InputArgument, OutputArgument, ParameterSet, ProofArgument, Tensors, inputs_of, outputs_of,
    parameters_of, proof,
};
use crate::ragged_tape::{RaggedTape, Tapes};
use crate::tensor::{Dense, Dtype};
use crate::value::{row, tuple};

use passes::Call;

/// Tuples, offsets, groups, and whether all hold.
type RaggedArgument<'py> = (PyRef<'py, Tuples>, Vec<usize>, Option<Vec<i64>>, bool);
/// Tuples, groups, and whether all hold.
type LayoutArgument<'py> = (Vec<Bound<'py, PyTuple>>, Option<Vec<i64>>, bool);

fn ragged<'a>((tuples, offsets, groups, certain): &'a RaggedArgument<'_>) -> Ragged<'a> {
    Ragged {
        tuples: &tuples.0,
        offsets,
        groups: groups.as_deref(),
        certain: *certain,
    }
}

/// Of each shape that of each open relation.
type Layouts<'py> = Vec<Vec<LayoutArgument<'py>>>;

/// A program whose facts come with each call.
#[pyclass(frozen, module = "nsdl._nsdl")]
pub struct CompiledShapes {
    shapes: nsdl::Shapes,
    /// The arguments of [`compile_shapes`], from which pickle makes it again.
    arguments: Py<PyTuple>,
    /// Set by Ctrl-C.
    cancel: Arc<AtomicBool>,
    tapes: Arc<Tapes>,
}

/// Compiles a program without the facts of `open` relations; returns it with its warnings, rendered.
#[pyfunction]
#[pyo3(signature = (
    name, text, inputs, open, outputs, provenance, k, foreign=Vec::new(), evidence=Vec::new()
))]
#[allow(clippy::too_many_arguments)] // Python passes them one by one.
pub fn compile_shapes<'py>(
    py: Python<'py>,
    name: &str,
    text: &str,
    inputs: Vec<InputArgument<'py>>,
    open: Vec<String>,
    outputs: Vec<OutputArgument<'py>>,
    provenance: &str,
    k: usize,
    foreign: Vec<Bound<'py, PyAny>>,
    evidence: Vec<(String, bool)>,
) -> PyResult<(CompiledShapes, Vec<String>)> {
    let arguments = (
        name, text, &inputs, &open, &outputs, provenance, k, &foreign, &evidence,
    )
        .into_pyobject(py)?
        .unbind();
    let (inputs, outputs) = (inputs_of(&inputs)?, outputs_of(&outputs)?);
    let (shapes, cancel) = compiling(py, &foreign, provenance, k, |session, provenance| {
        nsdl::Shapes::conditioned(
            session, name, text, inputs, open, outputs, &evidence, provenance,
        )
    })?;
    let warnings = error::warnings(shapes.warnings(), |warning| shapes.render(warning, false));
    Ok((
        CompiledShapes {
            shapes,
            arguments,
            cancel,
            tapes: Arc::default(),
        },
        warnings,
    ))
}

#[pymethods]
impl CompiledShapes {
    /// As of `CompiledModule`.
    #[getter]
    fn inputs<'py>(&self, py: Python<'py>) -> PyResult<Vec<(&str, Bound<'py, PyTuple>, bool)>> {
        let inputs = (0..self.shapes.inputs()).filter_map(|i| self.shapes.input(i));
        inputs
            .map(|input| {
                let rows = input.mapping.iter().map(|row| tuple(py, row));
                let rows = rows.collect::<PyResult<Vec<_>>>()?;
                let rows = PyTuple::new(py, rows)?;
                Ok((input.relation.as_str(), rows, input.exclusive))
            })
            .collect()
    }

    /// The open relations, how many columns they have, and whether the second holds tuples, lists or tensors.
    #[getter]
    fn open(&self) -> Vec<(String, usize, bool)> {
        let is_compound = |types: &[nsdl::Type]| {
            types.get(1).is_some_and(|ty| {
                matches!(
                    ty,
                    nsdl::Type::Tuple(_) | nsdl::Type::List(_) | nsdl::Type::Tensor
                )
            })
        };
        let open = self.shapes.open();
        open.map(|(name, types)| (name.to_owned(), types.len(), is_compound(types)))
            .collect()
    }

    /// The mapping of an output; `None` if its tuples depend on the facts.
    fn tuples<'py>(
        &self,
        py: Python<'py>,
        output: usize,
    ) -> PyResult<Option<Vec<Bound<'py, PyTuple>>>> {
        let mapping = self.shapes.mapping(output);
        mapping
            .map(|rows| rows.iter().map(|row| tuple(py, row)).collect())
            .transpose()
    }

    /// Tuples of an open relation.
    fn encode(
        &self,
        py: Python<'_>,
        relation: &str,
        rows: Vec<Bound<'_, PyTuple>>,
    ) -> PyResult<Tuples> {
        let rows = rows.iter().map(row).collect::<PyResult<Vec<_>>>()?;
        let tuples = self.shapes.tuples(relation, &rows);
        Ok(Tuples(tuples.map_err(|error| raise(py, &error))?))
    }

    /// Tuples of an open relation of integers, from a tensor `[n, columns]` of `int64`.
    fn encode_integers(
        &self,
        py: Python<'_>,
        relation: &str,
        rows: &Bound<'_, PyAny>,
    ) -> PyResult<Tuples> {
        let (n, columns): (usize, usize) = rows.getattr("shape")?.extract()?;
        let rows = Dense::<i64>::new(rows, n, columns)?;
        let width = self.shapes.open().find(|(name, _)| *name == relation);
        let width = width.map_or(columns, |(_, types)| types.len());
        let tuples = match columns == width {
            true => self.shapes.integers(relation, rows.slice()),
            // For its error.
            false => self
                .shapes
                .integers(relation, rows.slice().get(..columns).unwrap_or_default()),
        };
        Ok(Tuples(tuples.map_err(|error| raise(py, &error))?))
    }

    /// The samples of a batch by shape; compiles the shapes that are new, each by itself if they are to be `kept`.
    #[pyo3(signature = (batch, facts, kept=false))]
    fn arrange(
        &self,
        py: Python<'_>,
        batch: usize,
        facts: Vec<RaggedArgument<'_>>,
        kept: bool,
    ) -> PyResult<Arrangement> {
        let facts: Vec<Ragged<'_>> = facts.iter().map(ragged).collect();
        let known = py.detach(|| self.shapes.arrange_known(batch, &facts));
        if let Some(known) = known.map_err(|error| raise(py, &error))? {
            return Ok(Arrangement(known));
        }
        let made = interruptible(py, &self.cancel, || match kept {
            true => self.shapes.prepare(batch, &facts),
            false => self.shapes.arrange(batch, &facts),
        })?;
        Ok(Arrangement(made.map_err(|error| raise(py, &error))?))
    }

    /// The outputs of a batch, and the tape that [`CompiledShapes::backward`] wants. `like` is a tensor of the dtype;
    /// `parameters` is of shape `[1, p]`.
    #[pyo3(signature = (arrangement, like, inputs, probabilities, validate, parameters=None))]
    fn forward<'py>(
        &self,
        arrangement: &Arrangement,
        like: &Bound<'py, PyAny>,
        inputs: Vec<Bound<'py, PyAny>>,
        probabilities: Vec<Bound<'py, PyAny>>,
        validate: bool,
        parameters: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Vec<Bound<'py, PyAny>>, RaggedTape)> {
        let call = Call {
            arrangement: &arrangement.0,
            inputs: &inputs,
            probabilities: &probabilities,
            parameters: parameters.as_ref(),
            validate,
        };
        match Dtype::of(like)? {
            Dtype::F32 => self.forward_as::<f32>(like, &call),
            Dtype::F64 => self.forward_as::<f64>(like, &call),
            Dtype::I64 => Err(PyTypeError::new_err("a kernel takes floats")),
        }
    }

    /// The gradients of inputs and probabilities, and of the parameters if they are `learned`, given those of the
    /// outputs.
    #[pyo3(signature = (arrangement, tape, gradients, learned=false))]
    fn backward<'py>(
        &self,
        arrangement: &Arrangement,
        tape: &RaggedTape,
        gradients: Vec<Bound<'py, PyAny>>,
        learned: bool,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let like = gradients
            .first()
            .ok_or_else(|| PyTypeError::new_err("no tensor is given"))?;
        match Dtype::of(like)? {
            Dtype::F32 => self.backward_as::<f32>(arrangement, tape, like, &gradients, learned),
            Dtype::F64 => self.backward_as::<f64>(arrangement, tape, like, &gradients, learned),
            Dtype::I64 => Err(PyTypeError::new_err("a kernel takes floats")),
        }
    }

    /// As of `CompiledModule`: `directions` are those of inputs, probabilities and parameters, one after the other.
    #[pyo3(signature = (arrangement, tape, directions, gradients, learned=false))]
    fn second<'py>(
        &self,
        arrangement: &Arrangement,
        tape: &RaggedTape,
        directions: Vec<Bound<'py, PyAny>>,
        gradients: Vec<Bound<'py, PyAny>>,
        learned: bool,
    ) -> PyResult<Tensors<'py>> {
        let like = gradients
            .first()
            .ok_or_else(|| PyTypeError::new_err("no tensor is given"))?;
        let given = [directions.as_slice(), gradients.as_slice()];
        match Dtype::of(like)? {
            Dtype::F32 => self.second_as::<f32>(arrangement, tape, given, learned),
            Dtype::F64 => self.second_as::<f64>(arrangement, tape, given, learned),
            Dtype::I64 => Err(PyTypeError::new_err("a kernel takes floats")),
        }
    }

    /// The `k` most probable proofs of a tuple of an output, for one sample.
    #[allow(clippy::too_many_arguments)] // Python passes them one by one.
    fn why(
        &self,
        py: Python<'_>,
        facts: Vec<RaggedArgument<'_>>,
        output: usize,
        tuple: &Bound<'_, PyTuple>,
        k: usize,
        inputs: Vec<Vec<f64>>,
        probabilities: Vec<Vec<f64>>,
    ) -> PyResult<Vec<ProofArgument>> {
        let tuple = row(tuple)?;
        let facts: Vec<Ragged<'_>> = facts.iter().map(ragged).collect();
        let (inputs, probabilities) = (slices(&inputs), slices(&probabilities));
        let proofs = interruptible(py, &self.cancel, || {
            self.shapes
                .why(&facts, &inputs, &probabilities, output, &tuple, k)
        })?;
        let proofs = proofs.map_err(|error| raise(py, &error))?;
        Ok(proofs.into_iter().map(proof).collect())
    }

    /// As of `CompiledModule`.
    #[getter]
    fn parameters(&self) -> Vec<ParameterSet> {
        parameters_of(self.shapes.base())
    }

    /// As of `CompiledModule`.
    fn learned_text(&self, name: &str, values: Vec<f64>, further: bool) -> Option<String> {
        self.shapes.base().learned_text(name, &values, further)
    }

    /// What compiling the shape of one sample finds.
    fn explain(&self, py: Python<'_>, facts: Vec<RaggedArgument<'_>>) -> PyResult<String> {
        Ok(self.module(py, &facts)?.explain())
    }

    /// The circuit of one sample as DOT and as SVG.
    fn draw(&self, py: Python<'_>, facts: Vec<RaggedArgument<'_>>) -> PyResult<(String, String)> {
        let drawing = self.module(py, &facts)?.draw();
        let drawing = drawing.map_err(|error| raise(py, &error))?;
        Ok((drawing.dot(), drawing.svg()))
    }

    /// What the cache has done so far.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = self.shapes.stats();
        let found = PyDict::new(py);
        found.set_item("hits", stats.hits)?;
        found.set_item("misses", stats.misses)?;
        found.set_item("shapes", stats.shapes)?;
        found.set_item("bytes", stats.bytes)?;
        found.set_item("evicted", stats.evicted)?;
        found.set_item("seconds", stats.compiling.as_secs_f64())?;
        Ok(found)
    }

    /// What is dubious about new shapes, rendered.
    fn take_warnings(&self) -> Vec<String> {
        let found = self.shapes.take_warnings();
        error::warnings(&found, |warning| self.shapes.render(warning, false))
    }

    fn set_capacity(&self, bytes: usize) {
        self.shapes.set_capacity(bytes);
    }

    /// What each kept shape has of each open relation.
    fn layouts<'py>(&self, py: Python<'py>) -> PyResult<Vec<Vec<LayoutArgument<'py>>>> {
        let layout = |layout: nsdl::Layout| {
            let rows = layout.tuples.iter().map(|row| tuple(py, row));
            let rows = rows.collect::<PyResult<Vec<_>>>()?;
            Ok((rows, layout.groups, layout.certain))
        };
        let shapes = self.shapes.layouts().into_iter();
        shapes
            .map(|shape| shape.into_iter().map(layout).collect())
            .collect()
    }

    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Py<PyTuple>, Layouts<'py>)> {
        let make = py.import("nsdl._nsdl")?.getattr("_rebuild_shapes")?;
        Ok((make, self.arguments.clone_ref(py), self.layouts(py)?))
    }

    /// Compiles the shapes that were kept.
    fn __setstate__(&self, py: Python<'_>, state: Vec<Vec<LayoutArgument<'_>>>) -> PyResult<()> {
        let names: Vec<String> = self
            .shapes
            .open()
            .map(|(name, _)| name.to_owned())
            .collect();
        for shape in state {
            let mut encoded = Vec::with_capacity(names.len());
            for (name, (rows, groups, certain)) in names.iter().zip(&shape) {
                let tuples = self.encode(py, name, rows.clone())?;
                encoded.push((tuples, [0, rows.len()], groups, *certain));
            }
            let facts: Vec<Ragged<'_>> = encoded
                .iter()
                .map(|(tuples, offsets, groups, certain)| Ragged {
                    tuples: &tuples.0,
                    offsets,
                    groups: groups.as_deref(),
                    certain: *certain,
                })
                .collect();
            let made = interruptible(py, &self.cancel, || self.shapes.prepare(1, &facts))?;
            made.map_err(|error| raise(py, &error))?;
        }
        Ok(())
    }

    /// What it keeps changes nothing but speed, so a copy may share it.
    fn __deepcopy__<'py>(slf: PyRef<'py, Self>, _memo: Bound<'py, PyAny>) -> PyRef<'py, Self> {
        slf
    }
}

/// Compiles again what was compiled before: what pickle calls.
#[pyfunction]
#[pyo3(
    name = "_rebuild_shapes",
    signature = (name, text, inputs, open, outputs, provenance, k, foreign=Vec::new(), evidence=Vec::new())
)]
#[allow(clippy::too_many_arguments)] // Python passes them one by one.
pub fn rebuild_shapes<'py>(
    py: Python<'py>,
    name: &str,
    text: &str,
    inputs: Vec<InputArgument<'py>>,
    open: Vec<String>,
    outputs: Vec<OutputArgument<'py>>,
    provenance: &str,
    k: usize,
    foreign: Vec<Bound<'py, PyAny>>,
    evidence: Vec<(String, bool)>,
) -> PyResult<CompiledShapes> {
    let (shapes, _) = compile_shapes(
        py, name, text, inputs, open, outputs, provenance, k, foreign, evidence,
    )?;
    Ok(shapes)
}

impl CompiledShapes {
    /// The module of one sample.
    fn module(&self, py: Python<'_>, facts: &[RaggedArgument<'_>]) -> PyResult<nsdl::Module> {
        let facts: Vec<Ragged<'_>> = facts.iter().map(ragged).collect();
        let made = interruptible(py, &self.cancel, || self.shapes.module(&facts))?;
        made.map_err(|error| raise(py, &error))
    }
}

fn slices(rows: &[Vec<f64>]) -> Vec<&[f64]> {
    rows.iter().map(Vec::as_slice).collect()
}
