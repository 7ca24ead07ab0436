//! The passes of a module for tensors of one dtype.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::stack::Stacks;
use super::{CompiledModule, Entries, Tensors, dense, fresh, no_tensor};
use crate::error::raise;
use crate::tape::{Number, Tape};
use crate::tensor::{Dense, Fresh};
use crate::threads;

impl CompiledModule {
    /// The module of the facade.
    #[cfg(feature = "tch")]
    pub fn module(&self) -> &nsdl::Module {
        &self.module
    }

    pub(super) fn forward_as<'py, T: Number>(
        &self,
        inputs: &[Bound<'py, PyAny>],
        parameters: Option<&Bound<'py, PyAny>>,
        validate: bool,
        log: bool,
    ) -> PyResult<(Vec<Bound<'py, PyAny>>, Tape)> {
        let (like, py) = inputs
            .first()
            .or(parameters)
            .map(|input| (input, input.py()))
            .ok_or_else(no_tensor)?;
        let batch = like.len()?;
        let widths = (0..self.module.inputs()).map(|i| self.module.mapping(i).len());
        let stacks = Stacks::of(inputs, batch, widths)?;
        let inputs = stacks.read::<T>(inputs)?;
        let parameters = parameters
            .map(|it| Dense::<T>::new(it, 1, self.module.parameters().len()))
            .transpose()?;
        let widths = (0..self.module.outputs()).map(|o| self.module.tuples(o).len());
        let mut outputs = fresh::<T>(like, batch, widths)?;
        let mut tape = T::take(&self.tapes);
        {
            let mut inputs = inputs.slices();
            inputs.extend(parameters.as_ref().map(Dense::slice));
            let mut outputs: Vec<&mut [T]> = outputs.iter_mut().map(Fresh::slice_mut).collect();
            threads::detach(py, || match log {
                true => self
                    .module
                    .log_forward(&inputs, batch, validate, &mut tape, &mut outputs),
                false => self
                    .module
                    .forward(&inputs, batch, validate, &mut tape, &mut outputs),
            })
            .map_err(|error| raise(py, &error))?;
        }
        let tape = Tape::new(&self.module, tape, batch, stacks, &self.tapes);
        Ok((outputs.into_iter().map(Fresh::into_tensor).collect(), tape))
    }

    pub(super) fn bounds_as<'py, T: Number>(
        &self,
        inputs: &[Bound<'py, PyAny>],
        parameters: Option<&Bound<'py, PyAny>>,
        validate: bool,
    ) -> PyResult<Tensors<'py>> {
        let (outputs, tape) = self.forward_as::<T>(inputs, parameters, validate, false)?;
        let (like, py) = inputs
            .first()
            .or(parameters)
            .map(|input| (input, input.py()))
            .ok_or_else(no_tensor)?;
        drop(outputs);
        let widths = || (0..self.module.outputs()).map(|o| self.module.tuples(o).len());
        let mut lower = fresh::<T>(like, tape.batch(), widths())?;
        let mut upper = fresh::<T>(like, tape.batch(), widths())?;
        {
            let mut lower: Vec<&mut [T]> = lower.iter_mut().map(Fresh::slice_mut).collect();
            let mut upper: Vec<&mut [T]> = upper.iter_mut().map(Fresh::slice_mut).collect();
            threads::detach(py, || {
                tape.with(|memory| self.module.bounds(memory, &mut lower, &mut upper))
            })
            .ok_or_else(|| PyTypeError::new_err("the tape of another dtype"))?
            .map_err(|error| raise(py, &error))?;
        }
        Ok((
            lower.into_iter().map(Fresh::into_tensor).collect(),
            upper.into_iter().map(Fresh::into_tensor).collect(),
        ))
    }

    pub(super) fn backward_as<'py, T: Number>(
        &self,
        tape: &Tape,
        gradients: &[Bound<'py, PyAny>],
        log: bool,
        learned: bool,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let (like, py) = gradients
            .first()
            .map(|gradient| (gradient, gradient.py()))
            .ok_or_else(no_tensor)?;
        let widths = (0..self.module.outputs()).map(|o| self.module.tuples(o).len());
        let gradients = dense::<T>(gradients, tape.batch(), widths)?;
        let mut results = tape.stacks().fresh::<T>(like)?;
        let mut parameters = match learned {
            true => Some(Fresh::<T>::new(like, 1, self.module.parameters().len())?),
            false => None,
        };
        {
            let gradients: Vec<&[T]> = gradients.iter().map(Dense::slice).collect();
            let mut results = results.slices_mut();
            results.extend(parameters.as_mut().map(Fresh::slice_mut));
            threads::detach(py, || {
                tape.with(|memory| match log {
                    true => self.module.log_backward(memory, &gradients, &mut results),
                    false => self.module.backward(memory, &gradients, &mut results),
                })
            })
            .ok_or_else(|| PyTypeError::new_err("the tape of another dtype"))?
            .map_err(|error| raise(py, &error))?;
        }
        let mut tensors = tape.stacks().tensors(results);
        tensors.extend(parameters.map(Fresh::into_tensor));
        Ok(tensors)
    }

    pub(super) fn second_as<'py, T: Number>(
        &self,
        tape: &Tape,
        directions: &[Bound<'py, PyAny>],
        gradients: &[Bound<'py, PyAny>],
        learned: bool,
    ) -> PyResult<Tensors<'py>> {
        let (like, py) = directions
            .first()
            .map(|direction| (direction, direction.py()))
            .ok_or_else(no_tensor)?;
        let batch = tape.batch();
        let outputs = || (0..self.module.outputs()).map(|o| self.module.tuples(o).len());
        let gradients = dense::<T>(gradients, batch, outputs())?;
        let count = self.module.parameters().len();
        let (directions, moves) = match directions.split_last() {
            Some((moves, directions)) if learned => (directions, Some(moves)),
            _ => (directions, None),
        };
        let moves = moves.map(|moves| Dense::<T>::new(moves, 1, count));
        let moves = moves.transpose()?;
        let directions = tape.stacks().read::<T>(directions)?;
        let mut slopes = fresh::<T>(like, batch, outputs())?;
        let mut products = tape.stacks().fresh::<T>(like)?;
        let mut parameters = match learned {
            true => Some(Fresh::<T>::new(like, 1, count)?),
            false => None,
        };
        {
            let gradients: Vec<&[T]> = gradients.iter().map(Dense::slice).collect();
            let mut directions = directions.slices();
            directions.extend(moves.as_ref().map(Dense::slice));
            let mut slopes: Vec<&mut [T]> = slopes.iter_mut().map(Fresh::slice_mut).collect();
            let mut products = products.slices_mut();
            products.extend(parameters.as_mut().map(Fresh::slice_mut));
            threads::detach(py, || {
                tape.with(|memory| {
                    self.module
                        .second(memory, &directions, &gradients, &mut slopes, &mut products)
                })
            })
            .ok_or_else(|| PyTypeError::new_err("the tape of another dtype"))?
            .map_err(|error| raise(py, &error))?;
        }
        let mut products = tape.stacks().tensors(products);
        products.extend(parameters.map(Fresh::into_tensor));
        Ok((
            products,
            slopes.into_iter().map(Fresh::into_tensor).collect(),
        ))
    }

    pub(super) fn entries<T: Number>(
        &self,
        tape: &Tape,
        output: usize,
        input: usize,
    ) -> Result<Entries, nsdl::Error> {
        let found = tape.with::<T, _>(|memory| self.module.jacobian(memory, output, input));
        let mut entries = Entries::default();
        for entry in found.transpose()?.unwrap_or_default() {
            entries.0.push(entry.sample);
            entries.1.push(entry.output);
            entries.2.push(entry.input);
            entries.3.push(entry.value.to_f64());
        }
        Ok(entries)
    }
}
