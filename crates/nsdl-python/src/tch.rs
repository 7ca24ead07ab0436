//! Feature `tch`: the circuits of nsdl-tch for PyTorch, as `backend="tch"`.
//!
//! Built with it, the extension links the libtorch of one version of torch; `import torch` must come first.

use ::tch::Tensor;
use ::tch::python::CPyObject;
use nsdl_tch::TensorModule;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::error::raise;
use crate::module::CompiledModule;

/// A compiled module over libtorch's tensors.
#[pyclass(frozen, module = "nsdl._nsdl")]
pub struct TchModule(TensorModule);

#[pymethods]
impl TchModule {
    #[new]
    fn new(py: Python<'_>, compiled: PyRef<'_, CompiledModule>) -> PyResult<Self> {
        let module = TensorModule::new(compiled.module());
        module.map(Self).map_err(|error| raise(py, &error))
    }

    /// The outputs for a batch, under autograd; the values of parameters may follow the inputs.
    fn forward<'py>(
        &self,
        py: Python<'py>,
        inputs: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let inputs = inputs.iter().map(unwrap).collect::<PyResult<Vec<_>>>()?;
        let outputs = py
            .detach(move || self.0.forward(&inputs.iter().collect::<Vec<_>>()))
            .map_err(|error| raise(py, &error))?;
        outputs.iter().map(|output| wrap(py, output)).collect()
    }
}

/// The tensor of a Python object.
fn unwrap(object: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    // SAFETY: `object` is a live Python object and the GIL is held.
    let tensor = unsafe { Tensor::pyobject_unpack(object.as_ptr().cast::<CPyObject>()) };
    tensor
        .map_err(failed)?
        .ok_or_else(|| PyRuntimeError::new_err("not a torch.Tensor"))
}

/// The Python object of a tensor.
fn wrap<'py>(py: Python<'py>, tensor: &Tensor) -> PyResult<Bound<'py, PyAny>> {
    let object = tensor.pyobject_wrap().map_err(failed)?;
    // SAFETY: libtorch returns a new reference, or null with a Python error set.
    unsafe { Bound::from_owned_ptr_or_err(py, object.cast()) }
}

fn failed(reason: ::tch::TchError) -> PyErr {
    PyRuntimeError::new_err(reason.to_string())
}
