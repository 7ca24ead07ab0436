//! `LogicCircuit`: what `nsdl.Circuit` is made of.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nsdl::{CountTape, Diagnostic, Error, LogicCircuit as Circuit, Real, Semiring};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::error::raise;
use crate::tensor::{Dense, Dtype, Element, Fresh};
use crate::threads;

/// Names and texts of files, and how many variables are announced.
type Arguments = (String, Vec<(String, String)>, Option<usize>);

/// Formulas as circuits of another compiler.
#[pyclass(frozen, module = "nsdl._nsdl")]
pub struct LogicCircuit {
    circuit: Circuit,
    /// From which pickle makes it again.
    arguments: Arguments,
    tapes: Arc<Tapes>,
}

/// Reads circuits of one format, `sdd` or `nnf`: names and texts of files.
#[pyfunction]
#[pyo3(signature = (format, files, variables=None))]
pub fn load_circuit(
    py: Python<'_>,
    format: &str,
    files: Vec<(String, String)>,
    variables: Option<usize>,
) -> PyResult<LogicCircuit> {
    let circuit = threads::detach(py, || {
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(name, text)| (&**name, &**text))
            .collect();
        match format {
            "sdd" => Circuit::from_sdd(&files, variables),
            _ => Circuit::from_nnf(&files, variables),
        }
    });
    Ok(LogicCircuit {
        circuit: circuit.map_err(|flaw| failure(py, flaw))?,
        arguments: (format.to_owned(), files, variables),
        tapes: Arc::default(),
    })
}

/// How many variables a vtree has.
#[pyfunction]
pub fn vtree_variables(py: Python<'_>, name: &str, text: &str) -> PyResult<usize> {
    Circuit::variables_of_vtree((name, text)).map_err(|flaw| failure(py, flaw))
}

#[pymethods]
impl LogicCircuit {
    /// How many variables it has.
    #[getter]
    fn variables(&self) -> usize {
        self.circuit.variables()
    }

    /// How many formulas it has.
    #[getter]
    fn outputs(&self) -> usize {
        self.circuit.outputs()
    }

    /// Nodes, children of all nodes, and layers.
    #[getter]
    fn size(&self) -> (usize, usize, usize) {
        (
            self.circuit.nodes(),
            self.circuit.edges(),
            self.circuit.depth(),
        )
    }

    /// The counts of a batch, `[batch, outputs]`, and what [`LogicCircuit::backward`] wants; weights are `[batch, variables]`.
    #[pyo3(signature = (log, positive, negative=None))]
    fn forward<'py>(
        &self,
        log: bool,
        positive: Bound<'py, PyAny>,
        negative: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, Counted)> {
        match Dtype::of(&positive)? {
            Dtype::F32 => self.forward_as::<f32>(log, &positive, negative.as_ref()),
            Dtype::F64 => self.forward_as::<f64>(log, &positive, negative.as_ref()),
            Dtype::I64 => Err(PyTypeError::new_err("weights are floating numbers")),
        }
    }

    /// The gradients of both kinds of weights, or of the first alone, given that of the counts.
    fn backward<'py>(
        &self,
        tape: &Counted,
        gradient: Bound<'py, PyAny>,
    ) -> PyResult<(Bound<'py, PyAny>, Option<Bound<'py, PyAny>>)> {
        match Dtype::of(&gradient)? {
            Dtype::F32 => self.backward_as::<f32>(tape, &gradient),
            Dtype::F64 => self.backward_as::<f64>(tape, &gradient),
            Dtype::I64 => Err(PyTypeError::new_err("gradients are floating numbers")),
        }
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Arguments)> {
        let make = py.import("nsdl._nsdl")?.getattr("load_circuit")?;
        Ok((make, self.arguments.clone()))
    }

    /// It does not change, so a copy is as good as the original.
    fn __deepcopy__<'py>(slf: PyRef<'py, Self>, _memo: Bound<'py, PyAny>) -> PyRef<'py, Self> {
        slf
    }
}

impl LogicCircuit {
    fn forward_as<'py, T: Number>(
        &self,
        log: bool,
        positive: &Bound<'py, PyAny>,
        negative: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, Counted)> {
        let (py, batch, circuit) = (positive.py(), positive.len()?, &self.circuit);
        let mut out = Fresh::<T>::new(positive, batch, circuit.outputs())?;
        let dense = |tensor| Dense::<T>::new(tensor, batch, circuit.variables());
        let (positive, negative) = (dense(positive)?, negative.map(dense).transpose()?);
        let semiring = if log { Semiring::Log } else { Semiring::Real };
        let mut tape = lock(T::pool(&self.tapes)).pop().unwrap_or_default();
        {
            let (positive, negative) = (positive.slice(), negative.as_ref().map(Dense::slice));
            let out = out.slice_mut();
            let memory = &mut tape;
            threads::detach(py, || {
                circuit.forward(semiring, positive, negative, batch, memory, out)
            })
            .map_err(|flaw| failure(py, flaw))?;
        }
        let counted = Counted {
            memory: Mutex::new(Some(T::wrap(tape))),
            batch,
            both: negative.is_some(),
            home: self.tapes.clone(),
        };
        Ok((out.into_tensor(), counted))
    }

    fn backward_as<'py, T: Number>(
        &self,
        tape: &Counted,
        gradient: &Bound<'py, PyAny>,
    ) -> PyResult<(Bound<'py, PyAny>, Option<Bound<'py, PyAny>>)> {
        let (py, batch, circuit) = (gradient.py(), tape.batch, &self.circuit);
        let fresh = || Fresh::<T>::new(gradient, batch, circuit.variables());
        let mut positive = fresh()?;
        let mut negative = tape.both.then(fresh).transpose()?;
        let gradient = Dense::<T>::new(gradient, batch, circuit.outputs())?;
        {
            let gradient = gradient.slice();
            let positive = positive.slice_mut();
            let negative = negative.as_mut().map(Fresh::slice_mut).unwrap_or_default();
            threads::detach(py, || {
                let mut memory = lock(&tape.memory);
                let memory = memory.as_mut().and_then(T::unwrap);
                memory.map(|memory| circuit.backward(batch, memory, gradient, positive, negative))
            })
            .ok_or_else(|| PyTypeError::new_err("the tape of another dtype"))?;
        }
        Ok((positive.into_tensor(), negative.map(Fresh::into_tensor)))
    }
}

fn failure(py: Python<'_>, flaw: Diagnostic) -> PyErr {
    raise(py, &Error::from(flaw))
}

/// What a forward pass leaves to the backward pass.
#[pyclass(frozen, module = "nsdl._nsdl")]
pub struct Counted {
    memory: Mutex<Option<Memory>>,
    batch: usize,
    both: bool,
    home: Arc<Tapes>,
}

/// A tape that nobody needs any more goes home, where the next call finds it.
impl Drop for Counted {
    fn drop(&mut self) {
        match lock(&self.memory).take() {
            Some(Memory::F32(tape)) => give(&self.home, tape),
            Some(Memory::F64(tape)) => give(&self.home, tape),
            None => {}
        }
    }
}

fn give<T: Number>(tapes: &Tapes, tape: CountTape<T>) {
    let mut pool = lock(T::pool(tapes));
    if pool.len() < TAPES {
        pool.push(tape);
    }
}

/// More than a training loop needs at once.
const TAPES: usize = 2;

/// Tapes to be used again.
#[derive(Default)]
pub struct Tapes {
    single: Mutex<Vec<CountTape<f32>>>,
    double: Mutex<Vec<CountTape<f64>>>,
}

pub enum Memory {
    F32(CountTape<f32>),
    F64(CountTape<f64>),
}

/// The numbers of tensors and of kernels.
trait Number: Element + Real {
    fn pool(tapes: &Tapes) -> &Mutex<Vec<CountTape<Self>>>;
    fn wrap(tape: CountTape<Self>) -> Memory;
    fn unwrap(memory: &mut Memory) -> Option<&mut CountTape<Self>>;
}

impl Number for f32 {
    fn pool(tapes: &Tapes) -> &Mutex<Vec<CountTape<f32>>> {
        &tapes.single
    }

    fn wrap(tape: CountTape<f32>) -> Memory {
        Memory::F32(tape)
    }

    fn unwrap(memory: &mut Memory) -> Option<&mut CountTape<f32>> {
        match memory {
            Memory::F32(tape) => Some(tape),
            Memory::F64(_) => None,
        }
    }
}

impl Number for f64 {
    fn pool(tapes: &Tapes) -> &Mutex<Vec<CountTape<f64>>> {
        &tapes.double
    }

    fn wrap(tape: CountTape<f64>) -> Memory {
        Memory::F64(tape)
    }

    fn unwrap(memory: &mut Memory) -> Option<&mut CountTape<f64>> {
        match memory {
            Memory::F64(tape) => Some(tape),
            Memory::F32(_) => None,
        }
    }
}

/// A lock whose data is whole even after a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
