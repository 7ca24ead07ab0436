//! Passes over the shapes of a batch: tensors in, tensors out.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::CompiledShapes;
use crate::arrangement::Arrangement;
use crate::error::raise;
use crate::module::Tensors;
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
        let inputs =
            call.inputs.iter().enumerate().map(|(i, tensor)| {
                Dense::<T>::new(tensor, arrangement.batch(), self.input_width(i))
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
        let (mut inputs, mut facts) = self.fresh_inputs::<T>(like, arrangement, learned)?;
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

    /// Directions and gradients are given.
    pub fn second_as<'py, T: Batched>(
        &self,
        arrangement: &Arrangement,
        tape: &RaggedTape,
        [directions, gradients]: [&[Bound<'py, PyAny>]; 2],
        learned: bool,
    ) -> PyResult<Tensors<'py>> {
        let none = || PyTypeError::new_err("no tensor is given");
        let like = gradients.first().ok_or_else(none)?;
        let (py, arrangement) = (like.py(), &arrangement.0);
        let mut shapes: Vec<(usize, usize)> = (0..self.shapes.inputs())
            .map(|i| (arrangement.batch(), self.input_width(i)))
            .collect();
        shapes.extend(arrangement.ragged().map(|(_, offsets)| (last(offsets), 1)));
        if learned {
            shapes.push((1, self.parameter_count()));
        }
        if directions.len() != shapes.len() {
            return Err(none());
        }
        let directions = directions.iter().zip(shapes);
        let directions =
            directions.map(|(tensor, (rows, columns))| Dense::<T>::new(tensor, rows, columns));
        let directions = directions.collect::<PyResult<Vec<_>>>()?;
        let gradients = gradients.iter().enumerate().map(|(o, tensor)| {
            let (rows, columns) = self.output_shape(arrangement, o);
            Dense::<T>::new(tensor, rows, columns)
        });
        let gradients = gradients.collect::<PyResult<Vec<_>>>()?;
        let mut slopes = self.fresh_outputs::<T>(like, arrangement)?;
        let (mut inputs, mut facts) = self.fresh_inputs::<T>(like, arrangement, learned)?;
        {
            let directions: Vec<&[T]> = directions.iter().map(Dense::slice).collect();
            let (moves, facts_move) = directions.split_at(self.shapes.inputs());
            let gradients: Vec<&[T]> = gradients.iter().map(Dense::slice).collect();
            let moved = nsdl::Moved {
                inputs: moves,
                probabilities: facts_move,
                gradients: &gradients,
            };
            let mut slopes: Vec<&mut [T]> = slopes.iter_mut().map(Fresh::slice_mut).collect();
            let mut inputs: Vec<&mut [T]> = inputs.iter_mut().map(Fresh::slice_mut).collect();
            let mut facts: Vec<&mut [T]> = facts.iter_mut().map(Fresh::slice_mut).collect();
            let found = nsdl::Second {
                slopes: &mut slopes,
                inputs: &mut inputs,
                probabilities: &mut facts,
            };
            threads::detach(py, || {
                tape.with::<T, _>(|tape| self.shapes.second(arrangement, tape, &moved, found))
            })
            .ok_or_else(|| PyTypeError::new_err("the tape of another dtype"))?
            .map_err(|error| raise(py, &error))?;
        }
        let products = inputs.into_iter().chain(facts).map(Fresh::into_tensor);
        let slopes = slopes.into_iter().map(Fresh::into_tensor);
        Ok((products.collect(), slopes.collect()))
    }

    fn input_width(&self, input: usize) -> usize {
        let input = self.shapes.input(input);
        input.map_or(0, |input| input.mapping.len())
    }

    /// For what belongs to inputs, and to facts and parameters.
    #[allow(clippy::type_complexity)] // Two alike.
    fn fresh_inputs<'py, T: Batched>(
        &self,
        like: &Bound<'py, PyAny>,
        arrangement: &nsdl::Arrangement,
        learned: bool,
    ) -> PyResult<(Vec<Fresh<'py, T>>, Vec<Fresh<'py, T>>)> {
        let inputs = 0..self.shapes.inputs();
        let inputs = inputs.map(|i| Fresh::new(like, arrangement.batch(), self.input_width(i)));
        let facts = arrangement.ragged();
        let facts = facts.map(|(_, offsets)| Fresh::new(like, last(offsets), 1));
        let mut facts = facts.collect::<PyResult<Vec<_>>>()?;
        if learned {
            facts.push(Fresh::new(like, 1, self.parameter_count())?);
        }
        Ok((inputs.collect::<PyResult<_>>()?, facts))
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
