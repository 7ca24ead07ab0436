//! Passes over the shapes of a batch: tensors in, tensors out.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::CompiledShapes;
use crate::arrangement::Arrangement;
use crate::error::raise;
use crate::ragged_tape::{Batched, RaggedTape, take};
use crate::tensor::{Dense, Fresh};
use crate::threads;

/// What a forward pass is over.
pub struct Call<'a, 'py> {
    pub arrangement: &'a nsdl::Arrangement,
    pub inputs: &'a [Bound<'py, PyAny>],
    pub probabilities: &'a [Bound<'py, PyAny>],
    pub parameters: Option<&'a Bound<'py, PyAny>>,
    pub validate: bool,
}

impl CompiledShapes {
    pub fn forward_as<'py, T: Batched>(
        &self,
        like: &Bound<'py, PyAny>,
        call: &Call<'_, 'py>,
    ) -> PyResult<(Vec<Bound<'py, PyAny>>, RaggedTape)> {
        let (py, arrangement, validate) = (like.py(), call.arrangement, call.validate);
        let inputs = call.inputs.iter().enumerate().map(|(i, tensor)| {
            let width = self.shapes.input(i).map_or(0, |input| input.mapping.len());
            Dense::<T>::new(tensor, arrangement.batch(), width)
        });
        let inputs = inputs.collect::<PyResult<Vec<_>>>()?;
        let facts = call.probabilities.iter().zip(arrangement.ragged());
        let facts = facts.map(|(tensor, (_, offsets))| Dense::<T>::new(tensor, last(offsets), 1));
        let mut facts = facts.collect::<PyResult<Vec<_>>>()?;
        if let Some(parameters) = call.parameters {
            facts.push(Dense::new(parameters, 1, self.parameter_count())?);
        }
        let mut outputs = self.fresh_outputs::<T>(like, arrangement)?;
        let mut tape = take::<T>(&self.tapes);
        {
            let inputs: Vec<&[T]> = inputs.iter().map(Dense::slice).collect();
            let facts: Vec<&[T]> = facts.iter().map(Dense::slice).collect();
            let mut outputs: Vec<&mut [T]> = outputs.iter_mut().map(Fresh::slice_mut).collect();
            threads::detach(py, || {
                self.shapes.forward(
                    arrangement,
                    &inputs,
                    &facts,
                    validate,
                    &mut tape,
                    &mut outputs,
                )
            })
            .map_err(|error| raise(py, &error))?;
        }
        let tape = RaggedTape::new(tape, &self.tapes);
        Ok((outputs.into_iter().map(Fresh::into_tensor).collect(), tape))
    }

    pub fn backward_as<'py, T: Batched>(
        &self,
        arrangement: &Arrangement,
        tape: &RaggedTape,
        like: &Bound<'py, PyAny>,
        gradients: &[Bound<'py, PyAny>],
        learned: bool,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let (py, arrangement) = (like.py(), &arrangement.0);
        let gradients = gradients.iter().enumerate().map(|(o, tensor)| {
            let (rows, columns) = self.output_shape(arrangement, o);
            Dense::<T>::new(tensor, rows, columns)
        });
        let gradients = gradients.collect::<PyResult<Vec<_>>>()?;
        let inputs = (0..self.shapes.inputs()).map(|i| {
            let width = self.shapes.input(i).map_or(0, |input| input.mapping.len());
            Fresh::<T>::new(like, arrangement.batch(), width)
        });
        let mut inputs = inputs.collect::<PyResult<Vec<_>>>()?;
        let facts = arrangement.ragged();
        let facts = facts.map(|(_, offsets)| Fresh::<T>::new(like, last(offsets), 1));
        let mut facts = facts.collect::<PyResult<Vec<_>>>()?;
        if learned {
            facts.push(Fresh::new(like, 1, self.parameter_count())?);
        }
        {
            let gradients: Vec<&[T]> = gradients.iter().map(Dense::slice).collect();
            let mut inputs: Vec<&mut [T]> = inputs.iter_mut().map(Fresh::slice_mut).collect();
            let mut facts: Vec<&mut [T]> = facts.iter_mut().map(Fresh::slice_mut).collect();
            threads::detach(py, || {
                tape.with::<T, _>(|tape| {
                    self.shapes
                        .backward(arrangement, tape, &gradients, &mut inputs, &mut facts)
                })
            })
            .ok_or_else(|| PyTypeError::new_err("the tape of another dtype"))?
            .map_err(|error| raise(py, &error))?;
        }
        Ok(inputs
            .into_iter()
            .chain(facts)
            .map(Fresh::into_tensor)
            .collect())
    }

    fn parameter_count(&self) -> usize {
        self.shapes.base().parameters().len()
    }

    /// `[batch, m]` with a mapping, else one column with the values of all samples.
    fn output_shape(&self, arrangement: &nsdl::Arrangement, output: usize) -> (usize, usize) {
        match self.shapes.mapping(output) {
            Some(mapping) => (arrangement.batch(), mapping.len()),
            None => (last(arrangement.offsets(output)), 1),
        }
    }

    fn fresh_outputs<'py, T: Batched>(
        &self,
        like: &Bound<'py, PyAny>,
        arrangement: &nsdl::Arrangement,
    ) -> PyResult<Vec<Fresh<'py, T>>> {
        let shapes = (0..self.shapes.outputs().len()).map(|o| self.output_shape(arrangement, o));
        shapes
            .map(|(rows, columns)| Fresh::new(like, rows, columns))
            .collect()
    }
}

fn last(offsets: &[usize]) -> usize {
    offsets.last().copied().unwrap_or_default()
}
