//! The tensors of a module's inputs: `[batch, width]`, of one input or of several side by side.
//!
//! The choices of one tensor are inputs of their own. Torch and autograd take some microseconds for each tensor, more than
//! the circuit does, so it is here that they are taken apart.

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;

use crate::tape::Number;
use crate::tensor::{Dense, Fresh};

/// Which inputs the tensors of a batch hold.
pub struct Stacks {
    batch: usize,
    /// Of each tensor, how wide its inputs are.
    tensors: Vec<Vec<usize>>,
}

/// Tensors, and apart what lies side by side in them.
pub struct Inputs<'py, T>(Vec<(Dense<'py, T>, Vec<Vec<T>>)>);
/// The same for gradients, to be written.
pub struct Gradients<'py, T>(Vec<(Fresh<'py, T>, Vec<Vec<T>>)>);

impl Stacks {
    /// Which inputs of such widths these tensors hold.
    ///
    /// # Errors
    /// `TypeError` if they hold others: `nsdl.Module` has checked it before, with errors that help.
    pub fn of(
        tensors: &[Bound<'_, PyAny>],
        batch: usize,
        mut widths: impl Iterator<Item = usize>,
    ) -> PyResult<Self> {
        let misfit = || PyTypeError::new_err("tensors that are not as wide as the inputs");
        let mut found = Vec::with_capacity(tensors.len());
        for tensor in tensors {
            let (_, wide): (usize, usize) =
                tensor.getattr(intern!(tensor.py(), "shape"))?.extract()?;
            let mut held = vec![widths.next().ok_or_else(misfit)?];
            let mut sum = held.iter().sum::<usize>();
            while sum < wide {
                let width = widths.next().ok_or_else(misfit)?;
                held.push(width);
                sum += width;
            }
            found.push(held);
        }
        match widths.next() {
            Some(_) => Err(misfit()),
            None => Ok(Self {
                batch,
                tensors: found,
            }),
        }
    }

    /// Checks tensors that hold these inputs, and takes them apart.
    pub fn read<'py, T: Number>(&self, tensors: &[Bound<'py, PyAny>]) -> PyResult<Inputs<'py, T>> {
        if tensors.len() != self.tensors.len() {
            return Err(PyTypeError::new_err("not as many tensors as there were"));
        }
        let pairs = tensors.iter().zip(&self.tensors);
        let read = pairs.map(|(tensor, widths)| {
            let tensor = Dense::new(tensor, self.batch, widths.iter().sum())?;
            let mut apart = self.apart(widths);
            for (part, offset, width, wide) in parts(&mut apart, widths) {
                for (to, from) in rows(part, width).zip(tensor.slice().chunks_exact(wide)) {
                    to.copy_from_slice(&from[offset..offset + width]);
                }
            }
            Ok((tensor, apart))
        });
        Ok(Inputs(read.collect::<PyResult<_>>()?))
    }

    /// New tensors for what belongs to these inputs.
    pub fn fresh<'py, T: Number>(&self, like: &Bound<'py, PyAny>) -> PyResult<Gradients<'py, T>> {
        let fresh = self.tensors.iter().map(|widths| {
            let tensor = Fresh::new(like, self.batch, widths.iter().sum())?;
            Ok((tensor, self.apart(widths)))
        });
        Ok(Gradients(fresh.collect::<PyResult<_>>()?))
    }

    /// Puts what was written apart side by side.
    pub fn tensors<'py, T: Number>(&self, gradients: Gradients<'py, T>) -> Vec<Bound<'py, PyAny>> {
        let pairs = gradients.0.into_iter().zip(&self.tensors);
        let tensors = pairs.map(|((mut tensor, mut apart), widths)| {
            for (part, offset, width, wide) in parts(&mut apart, widths) {
                let whole = tensor.slice_mut().chunks_exact_mut(wide);
                for (from, to) in rows(part, width).zip(whole) {
                    to[offset..offset + width].copy_from_slice(from);
                }
            }
            tensor.into_tensor()
        });
        tensors.collect()
    }

    /// Memory for inputs that lie side by side.
    fn apart<T: Number>(&self, widths: &[usize]) -> Vec<Vec<T>> {
        match widths {
            [_] => Vec::new(),
            _ => {
                let parts = widths.iter();
                parts
                    .map(|width| vec![T::ZERO; self.batch * width])
                    .collect()
            }
        }
    }
}

/// The inputs that lie side by side and are not empty: each with its first column, its width, and that of the tensor.
fn parts<'a, T>(
    apart: &'a mut [Vec<T>],
    widths: &'a [usize],
) -> impl Iterator<Item = (&'a mut [T], usize, usize, usize)> {
    let wide = widths.iter().sum();
    let mut next = 0;
    let parts = apart.iter_mut().zip(widths).map(move |(part, &width)| {
        let offset = next;
        next += width;
        (part.as_mut_slice(), offset, width, wide)
    });
    parts.filter(|&(_, _, width, _)| width > 0)
}

fn rows<T>(part: &mut [T], width: usize) -> impl Iterator<Item = &mut [T]> {
    part.chunks_exact_mut(width)
}

impl<T: Number> Inputs<'_, T> {
    /// The inputs.
    pub fn slices(&self) -> Vec<&[T]> {
        let mut slices = Vec::new();
        for (tensor, apart) in &self.0 {
            match apart.is_empty() {
                true => slices.push(tensor.slice()),
                false => slices.extend(apart.iter().map(Vec::as_slice)),
            }
        }
        slices
    }
}

impl<T: Number> Gradients<'_, T> {
    /// The gradients of the inputs.
    pub fn slices_mut(&mut self) -> Vec<&mut [T]> {
        let mut slices = Vec::new();
        for (tensor, apart) in &mut self.0 {
            match apart.is_empty() {
                true => slices.push(tensor.slice_mut()),
                false => slices.extend(apart.iter_mut().map(Vec::as_mut_slice)),
            }
        }
        slices
    }
}
