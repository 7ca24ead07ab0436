//! `CompiledModule`: what `nsdl.Module` is made of.

mod passes;
mod stack;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use nsdl::{Input, Output};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::compiling::compiling;
use crate::error::{self, raise};
use crate::tape::{Tape, Tapes};
use crate::tensor::{Dense, Dtype, Element, Fresh, are_dense};
use crate::threads;
use crate::value::{row, tuple};

pub use stack::Stacks;

/// Name, mapping, and whether its tuples exclude each other.
pub type InputArgument<'py> = (String, Vec<Bound<'py, PyTuple>>, bool);
/// Name and mapping.
pub type OutputArgument<'py> = (String, Option<Vec<Bound<'py, PyTuple>>>);
/// Operation, nodes, width, of a convolution the length of the first factor, and the rows gathered, as bytes of `i64`s.
pub type Group<'py> = (&'static str, usize, usize, usize, Bound<'py, PyBytes>);
/// Rows of parameters, constants, layers (rows to keep, groups), and rows of each output and of what divides it.
pub type Layers<'py> = (
    Bound<'py, PyBytes>,
    Vec<f64>,
    Vec<(Option<Bound<'py, PyBytes>>, Vec<Group<'py>>)>,
    Vec<Bound<'py, PyBytes>>,
    Vec<Bound<'py, PyBytes>>,
);
/// Samples, columns of an output, columns of an input, and values.
type Entries = (Vec<usize>, Vec<usize>, Vec<usize>, Vec<f64>);
/// Two for each, such as lower and upper bounds.
pub type Tensors<'py> = (Vec<Bound<'py, PyAny>>, Vec<Bound<'py, PyAny>>);
/// Name, what each member is, its first value, and the total of an exclusive set and whether it is open.
pub type ParameterSet = (String, Vec<String>, Vec<f64>, Option<(f64, bool)>);
/// Probability and uncertain facts of a proof.
pub type ProofArgument = (f64, Vec<(String, Option<f64>, bool)>);

/// A program compiled into a batched function.
#[pyclass(frozen, module = "nsdl._nsdl")]
pub struct CompiledModule {
    module: nsdl::Module,
    /// The arguments of [`compile`], from which pickle makes it again.
    arguments: Py<PyTuple>,
    tapes: Arc<Tapes>,
    seconds: f64,
    calls: AtomicU64,
}

/// Compiles a module; returns it with its warnings, rendered.
#[pyfunction]
#[pyo3(signature = (name, text, inputs, outputs, provenance, k, foreign=Vec::new(), evidence=Vec::new()))]
#[allow(clippy::too_many_arguments)] // Python passes them one by one.
pub fn compile<'py>(
    py: Python<'py>,
    name: &str,
    text: &str,
    inputs: Vec<InputArgument<'py>>,
    outputs: Vec<OutputArgument<'py>>,
    provenance: &str,
    k: usize,
    foreign: Vec<Bound<'py, PyAny>>,
    evidence: Vec<(String, bool)>,
) -> PyResult<(CompiledModule, Vec<String>)> {
    let arguments = (
        name, text, &inputs, &outputs, provenance, k, &foreign, &evidence,
    )
        .into_pyobject(py)?
        .unbind();
    let (inputs, outputs) = (inputs_of(&inputs)?, outputs_of(&outputs)?);
    let start = Instant::now();
    let (module, _) = compiling(py, &foreign, provenance, k, |session, provenance| {
        nsdl::Module::conditioned(session, name, text, inputs, outputs, &evidence, provenance)
    })?;
    let warnings = error::warnings(module.warnings(), |warning| module.render(warning, false));
    Ok((
        CompiledModule {
            module,
            arguments,
            tapes: Arc::default(),
            seconds: start.elapsed().as_secs_f64(),
            calls: AtomicU64::new(0),
        },
        warnings,
    ))
}

/// Inputs as the facade takes them.
pub fn inputs_of(inputs: &[InputArgument<'_>]) -> PyResult<Vec<Input>> {
    let input = |(relation, mapping, exclusive): &InputArgument<'_>| {
        Ok(Input {
            relation: relation.clone(),
            mapping: mapping.iter().map(row).collect::<PyResult<_>>()?,
            exclusive: *exclusive,
        })
    };
    inputs.iter().map(input).collect()
}

/// Outputs as the facade takes them.
pub fn outputs_of(outputs: &[OutputArgument<'_>]) -> PyResult<Vec<Output>> {
    let output = |(relation, mapping): &OutputArgument<'_>| {
        let rows = mapping.as_ref();
        let rows = rows.map(|rows| rows.iter().map(row).collect::<PyResult<_>>());
        Ok(Output {
            relation: relation.clone(),
            mapping: rows.transpose()?,
        })
    };
    outputs.iter().map(output).collect()
}

/// The layers of a circuit for torch operations.
pub fn layers_of<'py>(py: Python<'py>, module: &nsdl::Module) -> PyResult<Layers<'py>> {
    let schedule = threads::detach(py, || module.schedule());
    let schedule = schedule.ok_or_else(|| PyTypeError::new_err("a circuit without layers"))?;
    let rows = |rows: &[u32]| {
        let bytes: Vec<u8> = rows
            .iter()
            .flat_map(|&row| i64::from(row).to_ne_bytes())
            .collect();
        PyBytes::new(py, &bytes)
    };
    let layers = schedule.steps.iter().map(|step| {
        let groups = step.reductions.iter().map(|reduction| {
            let nodes = reduction.children.len() / reduction.width.max(1);
            (
                op_name(reduction.op),
                nodes,
                reduction.width,
                reduction.left,
                rows(&reduction.children),
            )
        });
        (step.keep.as_deref().map(rows), groups.collect())
    });
    let outputs = schedule.outputs.iter().map(|output| rows(output)).collect();
    let given = schedule.given.iter().map(|output| rows(output)).collect();
    let parameters = rows(&schedule.parameters);
    let constants = schedule.constants;
    Ok((parameters, constants, layers.collect(), outputs, given))
}

/// Statements with probabilities to learn.
pub fn parameters_of(module: &nsdl::Module) -> Vec<ParameterSet> {
    let all = module.parameters();
    let sets = module.parameter_sets().iter();
    sets.map(|set| {
        let members = all.get(set.start as usize..set.end as usize);
        let members = members.unwrap_or_default().iter();
        let (names, values) = members.map(|one| (one.name.clone(), one.initial)).unzip();
        let exclusive = set.exclusive.map(|it| (it.total, it.open));
        (set.name.clone(), names, values, exclusive)
    })
    .collect()
}

#[pymethods]
impl CompiledModule {
    /// Relation, mapping, and whether its tuples exclude each other, for each input.
    #[getter]
    fn inputs<'py>(&self, py: Python<'py>) -> PyResult<Vec<(&str, Bound<'py, PyTuple>, bool)>> {
        let module = &self.module;
        (0..module.inputs())
            .map(|i| {
                let rows = module
                    .mapping(i)
                    .iter()
                    .map(|row| tuple(py, row))
                    .collect::<PyResult<Vec<_>>>()?;
                Ok((
                    module.input_name(i),
                    PyTuple::new(py, rows)?,
                    module.is_exclusive(i),
                ))
            })
            .collect()
    }

    /// The tuples of the columns of an output.
    fn tuples<'py>(&self, py: Python<'py>, output: usize) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        self.module
            .tuples(output)
            .iter()
            .map(|row| tuple(py, row))
            .collect()
    }

    /// Whether some output has evidence.
    #[getter]
    fn is_conditioned(&self) -> bool {
        self.module.is_conditioned()
    }

    /// Whether torch operations can evaluate it.
    #[getter]
    fn has_layers(&self) -> bool {
        self.module.layers().is_some()
    }

    /// The layers of the circuit for torch operations.
    fn layers<'py>(&self, py: Python<'py>) -> PyResult<Layers<'py>> {
        layers_of(py, &self.module)
    }

    /// Statements with probabilities to learn: name, what each is of, first values, and for an exclusive set the total
    /// and whether it need not be reached.
    #[getter]
    fn parameters(&self) -> Vec<ParameterSet> {
        parameters_of(&self.module)
    }

    /// The program with the current values of its parameters.
    fn learned_text(&self, name: &str, values: Vec<f64>, further: bool) -> Option<String> {
        self.module.learned_text(name, &values, further)
    }

    /// What compiling found.
    fn explain(&self) -> String {
        self.module.explain()
    }

    /// The circuit as DOT and as SVG.
    fn draw(&self, py: Python<'_>) -> PyResult<(String, String)> {
        let drawing = self.module.draw().map_err(|error| raise(py, &error))?;
        Ok((drawing.dot(), drawing.svg()))
    }

    /// As of `CompiledShapes`: a module is one shape.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let calls = self.calls.load(Ordering::Relaxed);
        let found = PyDict::new(py);
        found.set_item("hits", calls)?;
        found.set_item("misses", 1)?;
        found.set_item("shapes", 1)?;
        found.set_item("bytes", self.module.bytes())?;
        found.set_item("evicted", 0)?;
        found.set_item("seconds", self.seconds)?;
        Ok(found)
    }

    /// Whether [`CompiledModule::forward`] takes these values, one for each input, as they are: tensors of one dtype of the
    /// kernels and one batch, contiguous and on the CPU.
    fn takes(&self, inputs: Vec<Bound<'_, PyAny>>) -> PyResult<bool> {
        let widths = (0..self.module.inputs()).map(|i| self.module.mapping(i).len());
        are_dense(&inputs, widths)
    }

    /// The outputs for a batch, and the tape that [`CompiledModule::backward`] wants. `parameters` is of shape
    /// `[1, p]`. A tensor may hold several inputs side by side.
    ///
    /// With `log`, the logarithms of the outputs.
    #[pyo3(signature = (inputs, validate, log=false, parameters=None))]
    fn forward<'py>(
        &self,
        inputs: Vec<Bound<'py, PyAny>>,
        validate: bool,
        log: bool,
        parameters: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Vec<Bound<'py, PyAny>>, Tape)> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let parameters = parameters.as_ref();
        match dtype(inputs.first().or(parameters))? {
            Dtype::F32 => self.forward_as::<f32>(&inputs, parameters, validate, log),
            Dtype::F64 => self.forward_as::<f64>(&inputs, parameters, validate, log),
            Dtype::I64 => Err(no_tensor()),
        }
    }

    /// The gradients of the inputs, and of the parameters if they are `learned`, given those of the outputs.
    #[pyo3(signature = (tape, gradients, log=false, learned=false))]
    fn backward<'py>(
        &self,
        tape: &Tape,
        gradients: Vec<Bound<'py, PyAny>>,
        log: bool,
        learned: bool,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        match dtype(gradients.first())? {
            Dtype::F32 => self.backward_as::<f32>(tape, &gradients, log, learned),
            Dtype::F64 => self.backward_as::<f64>(tape, &gradients, log, learned),
            Dtype::I64 => Err(no_tensor()),
        }
    }

    /// The Hessian of the outputs weighted by `gradients` times a direction of the inputs, and the Jacobian times it. If
    /// they are `learned`, the last of the directions, and of the products, is that of the parameters, `[1, p]`.
    #[pyo3(signature = (tape, directions, gradients, learned=false))]
    fn second<'py>(
        &self,
        tape: &Tape,
        directions: Vec<Bound<'py, PyAny>>,
        gradients: Vec<Bound<'py, PyAny>>,
        learned: bool,
    ) -> PyResult<Tensors<'py>> {
        match dtype(directions.first())? {
            Dtype::F32 => self.second_as::<f32>(tape, &directions, &gradients, learned),
            Dtype::F64 => self.second_as::<f64>(tape, &directions, &gradients, learned),
            Dtype::I64 => Err(no_tensor()),
        }
    }

    /// The entries of a Jacobian that are not zero: samples, columns of output and input, values.
    fn jacobian(
        &self,
        py: Python<'_>,
        tape: &Tape,
        output: usize,
        input: usize,
    ) -> PyResult<Entries> {
        let found = threads::detach(py, || match tape.is_double() {
            true => self.entries::<f64>(tape, output, input),
            false => self.entries::<f32>(tape, output, input),
        });
        found.map_err(|error| raise(py, &error))
    }

    /// Lower and upper bounds of the outputs for a batch.
    #[pyo3(signature = (inputs, validate, parameters=None))]
    fn bounds<'py>(
        &self,
        inputs: Vec<Bound<'py, PyAny>>,
        validate: bool,
        parameters: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Tensors<'py>> {
        match dtype(inputs.first().or(parameters.as_ref()))? {
            Dtype::F32 => self.bounds_as::<f32>(&inputs, parameters.as_ref(), validate),
            Dtype::F64 => self.bounds_as::<f64>(&inputs, parameters.as_ref(), validate),
            Dtype::I64 => Err(no_tensor()),
        }
    }

    /// The `k` most probable proofs of a tuple of an output, for one sample; `weights` may end in those of parameters.
    fn why(
        &self,
        py: Python<'_>,
        output: usize,
        tuple: &Bound<'_, PyTuple>,
        k: usize,
        weights: Vec<Vec<f64>>,
    ) -> PyResult<Vec<ProofArgument>> {
        let tuple = row(tuple)?;
        let weights: Vec<&[f64]> = weights.iter().map(Vec::as_slice).collect();
        let proofs = threads::detach(py, || self.module.why(&weights, output, &tuple, k));
        Ok(proofs
            .map_err(|error| raise(py, &error))?
            .into_iter()
            .map(proof)
            .collect())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Py<PyTuple>)> {
        let make = py.import("nsdl._nsdl")?.getattr("_rebuild")?;
        Ok((make, self.arguments.clone_ref(py)))
    }

    /// It does not change, so a copy is as good as the original.
    fn __deepcopy__<'py>(slf: PyRef<'py, Self>, _memo: Bound<'py, PyAny>) -> PyRef<'py, Self> {
        slf
    }
}

/// Compiles again what was compiled before: what pickle calls.
#[pyfunction]
#[pyo3(
    name = "_rebuild",
    signature = (name, text, inputs, outputs, provenance, k, foreign=Vec::new(), evidence=Vec::new())
)]
#[allow(clippy::too_many_arguments)] // Python passes them one by one.
pub fn rebuild<'py>(
    py: Python<'py>,
    name: &str,
    text: &str,
    inputs: Vec<InputArgument<'py>>,
    outputs: Vec<OutputArgument<'py>>,
    provenance: &str,
    k: usize,
    foreign: Vec<Bound<'py, PyAny>>,
    evidence: Vec<(String, bool)>,
) -> PyResult<CompiledModule> {
    let (module, _) = compile(
        py, name, text, inputs, outputs, provenance, k, foreign, evidence,
    )?;
    Ok(module)
}

fn no_tensor() -> PyErr {
    PyTypeError::new_err("no tensor is given")
}

fn dtype(tensor: Option<&Bound<'_, PyAny>>) -> PyResult<Dtype> {
    Dtype::of(tensor.ok_or_else(no_tensor)?)
}

/// Checks that the tensors are as many and as wide as they should be.
fn dense<'py, T: Element>(
    tensors: &[Bound<'py, PyAny>],
    batch: usize,
    widths: impl ExactSizeIterator<Item = usize>,
) -> PyResult<Vec<Dense<'py, T>>> {
    if tensors.len() != widths.len() {
        return Err(PyTypeError::new_err(format!(
            "{} tensors instead of {}",
            tensors.len(),
            widths.len()
        )));
    }
    tensors
        .iter()
        .zip(widths)
        .map(|(tensor, width)| Dense::new(tensor, batch, width))
        .collect()
}

fn fresh<'py, T: Element>(
    like: &Bound<'py, PyAny>,
    batch: usize,
    widths: impl Iterator<Item = usize>,
) -> PyResult<Vec<Fresh<'py, T>>> {
    widths.map(|width| Fresh::new(like, batch, width)).collect()
}

/// A proof for `nsdl.Proof`.
pub fn proof(explanation: nsdl::Explanation) -> ProofArgument {
    let reasons = explanation
        .reasons
        .into_iter()
        .map(|reason| (reason.text, reason.probability, reason.negated));
    (explanation.probability, reasons.collect())
}

fn op_name(op: nsdl::LayerOp) -> &'static str {
    match op {
        nsdl::LayerOp::Complement => "complement",
        nsdl::LayerOp::Product => "product",
        nsdl::LayerOp::Sum => "sum",
        nsdl::LayerOp::Min => "min",
        nsdl::LayerOp::Max => "max",
        nsdl::LayerOp::ClampedSum => "clamped_sum",
        nsdl::LayerOp::Convolution => "convolution",
    }
}
