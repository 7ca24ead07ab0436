//! The memory of torch's tensors as slices, without linking torch: the one unsafe file.
//!
//! # Why this is sound
//! [`Dense::new`] asks the tensor itself for everything that the slice relies on: it is a `torch.Tensor`, on the
//! CPU, of the dtype that belongs to `T`, contiguous, and of the shape wanted; `data_ptr()` then is the address of
//! `rows · columns` initialised (or, for outputs, allocated) elements, aligned as torch aligns all memory.
//! A `Dense` holds the Python object, which keeps the memory alive for as long as a slice of it exists.
//! Mutable slices are made of [`Fresh`] tensors only, which nobody else has seen.
//!
//! What is left to the caller, as in all of torch: no other Python thread may write to, resize or free the storage
//! of an input while a call with it runs.

use std::slice;

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// The dtypes of the kernels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    /// `torch.float32`
    F32,
    /// `torch.float64`
    F64,
    /// `torch.int64`, for indices.
    I64,
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    impl Sealed for i64 {}
}

/// A Rust type with the layout of a dtype.
pub trait Element: sealed::Sealed + Copy + Send + Sync {
    /// Which dtype.
    const DTYPE: Dtype;
}

impl Element for f32 {
    const DTYPE: Dtype = Dtype::F32;
}

impl Element for f64 {
    const DTYPE: Dtype = Dtype::F64;
}

impl Element for i64 {
    const DTYPE: Dtype = Dtype::I64;
}

/// What of torch is asked for again and again.
struct Torch {
    tensor: Py<PyType>,
    float32: Py<PyAny>,
    float64: Py<PyAny>,
    int64: Py<PyAny>,
    strided: Py<PyAny>,
}

fn torch(py: Python<'_>) -> PyResult<&Torch> {
    static TORCH: PyOnceLock<Torch> = PyOnceLock::new();
    TORCH.get_or_try_init(py, || {
        let torch = py.import("torch")?;
        Ok(Torch {
            tensor: torch.getattr("Tensor")?.cast_into::<PyType>()?.unbind(),
            float32: torch.getattr("float32")?.unbind(),
            float64: torch.getattr("float64")?.unbind(),
            int64: torch.getattr("int64")?.unbind(),
            strided: torch.getattr("strided")?.unbind(),
        })
    })
}

impl Dtype {
    /// The dtype of a tensor.
    pub fn of(tensor: &Bound<'_, PyAny>) -> PyResult<Dtype> {
        let py = tensor.py();
        let torch = torch(py)?;
        if !tensor.is_instance(torch.tensor.bind(py))? {
            return Err(PyTypeError::new_err("not a torch.Tensor"));
        }
        let dtype = tensor.getattr(intern!(py, "dtype"))?;
        if dtype.is(&torch.float32) {
            Ok(Dtype::F32)
        } else if dtype.is(&torch.float64) {
            Ok(Dtype::F64)
        } else if dtype.is(&torch.int64) {
            Ok(Dtype::I64)
        } else {
            Err(PyTypeError::new_err(format!(
                "a kernel takes torch.float32 or torch.float64, not {dtype}"
            )))
        }
    }
}

/// Whether these are tensors of one dtype of the kernels, contiguous and on the CPU, and of shape `[batch, width]` with
/// these widths: what [`Dense::new`] will not refuse.
pub fn are_dense(
    tensors: &[Bound<'_, PyAny>],
    widths: impl ExactSizeIterator<Item = usize>,
) -> PyResult<bool> {
    let Some(first) = tensors.first() else {
        return Ok(false);
    };
    let py = first.py();
    let torch = torch(py)?;
    let mut kind = None;
    if tensors.len() != widths.len() {
        return Ok(false);
    }
    for (tensor, width) in tensors.iter().zip(widths) {
        if !tensor.is_instance(torch.tensor.bind(py))? {
            return Ok(false);
        }
        let dtype = tensor.getattr(intern!(py, "dtype"))?;
        let shape = tensor.getattr(intern!(py, "shape"))?;
        let Ok((batch, columns)) = shape.extract::<(usize, usize)>() else {
            return Ok(false);
        };
        let known = dtype.is(&torch.float32) || dtype.is(&torch.float64);
        let (as_first, rows) = kind.get_or_insert((dtype.clone(), batch));
        if !known || columns != width || *rows != batch || !dtype.is(&*as_first) {
            return Ok(false);
        }
        let layout = tensor.getattr(intern!(py, "layout"))?;
        if !layout.is(&torch.strided)
            || !tensor.getattr(intern!(py, "is_cpu"))?.is_truthy()?
            || !tensor
                .call_method0(intern!(py, "is_contiguous"))?
                .is_truthy()?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A contiguous CPU tensor of shape `[rows, columns]`.
pub struct Dense<'py, T> {
    tensor: Bound<'py, PyAny>,
    address: *mut T,
    len: usize,
}

impl<'py, T: Element> Dense<'py, T> {
    /// Checks that the tensor is one.
    ///
    /// # Errors
    /// `TypeError` if not: `nsdl.Module` has checked it before, with errors that help.
    pub fn new(tensor: &Bound<'py, PyAny>, rows: usize, columns: usize) -> PyResult<Self> {
        let py = tensor.py();
        let is_cpu = || tensor.getattr(intern!(py, "is_cpu"))?.is_truthy();
        let is_contiguous = || {
            tensor
                .call_method0(intern!(py, "is_contiguous"))?
                .is_truthy()
        };
        let shape: (usize, usize) = tensor.getattr(intern!(py, "shape"))?.extract()?;
        if Dtype::of(tensor)? != T::DTYPE
            || !is_cpu()?
            || !is_contiguous()?
            || shape != (rows, columns)
        {
            return Err(PyTypeError::new_err(format!(
                "not a contiguous CPU tensor of shape [{rows}, {columns}]"
            )));
        }
        let address: usize = tensor.call_method0(intern!(py, "data_ptr"))?.extract()?;
        let address = std::ptr::with_exposed_provenance_mut::<T>(address);
        // No overflow: torch has allocated as many elements.
        let len = rows * columns;
        if len > 0 && (address.is_null() || !address.is_aligned()) {
            return Err(PyTypeError::new_err("a tensor without memory of its own"));
        }
        Ok(Self {
            tensor: tensor.clone(),
            address,
            len,
        })
    }

    /// Its elements, row by row.
    pub fn slice(&self) -> &[T] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: `new` checked that so many elements of this type lie there, aligned; `self.tensor` keeps them
        // alive. Every bit pattern is an f32, f64 or i64. See the top of the file for writers on other threads.
        unsafe { slice::from_raw_parts(self.address, self.len) }
    }
}

/// A tensor that nobody else has seen yet, so that it can be written.
pub struct Fresh<'py, T>(Dense<'py, T>);

impl<'py, T: Element> Fresh<'py, T> {
    /// A new tensor of shape `[rows, columns]`, of the dtype of `like`; its contents are arbitrary.
    pub fn new(like: &Bound<'py, PyAny>, rows: usize, columns: usize) -> PyResult<Self> {
        let tensor = like.call_method1(intern!(like.py(), "new_empty"), ((rows, columns),))?;
        Dense::new(&tensor, rows, columns).map(Self)
    }

    /// Its elements, row by row.
    pub fn slice_mut(&mut self) -> &mut [T] {
        if self.0.len == 0 {
            return &mut [];
        }
        // SAFETY: as in `Dense::slice`; the tensor was allocated by `new` and is handed out by `into_tensor` only,
        // so nothing else refers to this memory.
        unsafe { slice::from_raw_parts_mut(self.0.address, self.0.len) }
    }

    /// The tensor, for Python.
    pub fn into_tensor(self) -> Bound<'py, PyAny> {
        self.0.tensor
    }
}
