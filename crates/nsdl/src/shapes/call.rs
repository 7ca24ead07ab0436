//! Calls: values forward, gradients backward, shape by shape.

use nsdl_circuit::Real;
use nsdl_ir::Diagnostic;
use rayon::prelude::*;

use super::Shapes;
use super::arrange::{Arrangement, Part};
use super::rows::{gather_inputs, gather_outputs, scatter_inputs, scatter_outputs};
use crate::check::{check_input, check_ragged};
use crate::error::Result;
use crate::module::Tape;

/// The memory of calls of [`Shapes`]; see [`Tape`].
#[derive(Debug, Default)]
pub struct BatchTape<T> {
    pub(super) parts: Vec<PartTape<T>>,
    /// How many of them the last forward pass used.
    used: usize,
}

#[derive(Debug, Default)]
pub(super) struct PartTape<T> {
    pub(super) tape: Tape<T>,
    /// Rows of inputs, and their gradients.
    pub(super) inputs: Vec<Vec<T>>,
    /// Rows of outputs, and their gradients.
    pub(super) outputs: Vec<Vec<T>>,
    /// Gradients of parameters.
    pub(super) parameters: Vec<T>,
    /// Rows of directions, and how outputs change along them.
    pub(super) directions: Vec<Vec<T>>,
    pub(super) slopes: Vec<Vec<T>>,
}

impl<T> BatchTape<T> {
    /// In how many samples of the last forward pass the evidence of some output was impossible, so that it is NaN.
    pub fn impossible(&self) -> usize {
        let parts = self.parts.iter().take(self.used);
        parts.map(|part| part.tape.impossible()).sum()
    }

    /// Whether the last forward pass under top-k dropped a proof.
    pub fn truncated(&self) -> bool {
        let mut parts = self.parts.iter().take(self.used);
        parts.any(|part| part.tape.truncated())
    }
}

impl<T: Real> BatchTape<T> {
    /// What all parts have for the parameters, if that is asked for.
    pub(super) fn sum_parameters(&self, parts: usize, sums: &mut [&mut [T]]) {
        for sums in sums {
            sums.fill(T::ZERO);
            for tape in self.parts.iter().take(parts) {
                for (sum, slope) in sums.iter_mut().zip(&tape.parameters) {
                    *sum += *slope;
                }
            }
        }
    }
}

impl Shapes {
    /// Computes the outputs of a batch.
    ///
    /// `inputs[i]` is row-major `[batch][n_i]` as in [`Module::forward`](crate::Module::forward). `probabilities` are those of the facts of
    /// each uncertain open relation, one a fact, in the order of [`Arrangement::ragged`]; one slice more may follow
    /// them: the current values of the parameters, as of [`Module::parameters`](crate::Module::parameters). `outputs[o]` has the values of
    /// all samples, one after the other, cut by [`Arrangement::offsets`]: with a mapping that is row-major
    /// `[batch][m_o]`, without one the values of the tuples of each sample.
    ///
    /// # Errors
    /// `E0816` for slices of the wrong number or length; `E0510`, `E0511` and `E0521` for values.
    pub fn forward<T: Real>(
        &self,
        arrangement: &Arrangement,
        inputs: &[&[T]],
        probabilities: &[&[T]],
        check: bool,
        tape: &mut BatchTape<T>,
        outputs: &mut [&mut [T]],
    ) -> Result<()> {
        let lengths = |slices: &[&[T]]| slices.iter().map(|s| s.len()).collect::<Vec<_>>();
        let (probabilities, parameters) = split(probabilities, arrangement.ragged.len());
        let sizes: Vec<usize> = outputs.iter().map(|s| s.len()).collect();
        self.check_sizes(
            arrangement,
            &lengths(inputs),
            &lengths(probabilities),
            &sizes,
        )?;
        if check {
            self.check_values(arrangement, inputs, probabilities)?;
        }
        let parts = &arrangement.parts;
        if tape.parts.len() < parts.len() {
            tape.parts.resize_with(parts.len(), PartTape::default);
        }
        tape.parts.truncate(parts.len().max(KEPT_TAPES));
        tape.used = parts.len();
        if let ([part], [tape, ..]) = (parts.as_slice(), tape.parts.as_mut_slice())
            && arrangement.is_uniform()
        {
            let all = inputs.iter().chain(probabilities).chain(parameters);
            let all: Vec<&[T]> = all.copied().collect();
            return part
                .shape
                .forward(&all, arrangement.batch, false, &mut tape.tape, outputs);
        }
        let widths = self.widths();
        let run = |(part, tape): (&Part, &mut PartTape<T>)| {
            let n = part.rows();
            let rows = &mut tape.inputs;
            gather_inputs(arrangement, part, &widths, [inputs, probabilities], rows);
            tape.outputs.resize_with(part.shape.outputs(), Vec::new);
            for (o, values) in tape.outputs.iter_mut().enumerate() {
                values.clear();
                values.resize(part.shape.circuit_outputs(o).len() * n, T::ZERO);
            }
            let rows = tape.inputs.iter().map(Vec::as_slice);
            let given: Vec<&[T]> = rows.chain(parameters.iter().copied()).collect();
            let mut found: Vec<&mut [T]> = tape.outputs.iter_mut().map(Vec::as_mut_slice).collect();
            part.shape
                .forward(&given, n, false, &mut tape.tape, &mut found)
        };
        each(arrangement, tape, run)?;
        for (part, tape) in parts.iter().zip(&tape.parts) {
            scatter_outputs(arrangement, part, &tape.outputs, outputs);
        }
        Ok(())
    }

    /// Computes the gradients of the last [`Shapes::forward`] on this tape and arrangement: given those with respect to
    /// the outputs, those with respect to the inputs and to the probabilities of the facts, which are overwritten. One
    /// slice more may follow the latter, for the gradients of the parameters.
    ///
    /// # Errors
    /// `E0816` for slices of the wrong number or length.
    pub fn backward<T: Real>(
        &self,
        arrangement: &Arrangement,
        tape: &mut BatchTape<T>,
        output_gradients: &[&[T]],
        input_gradients: &mut [&mut [T]],
        probability_gradients: &mut [&mut [T]],
    ) -> Result<()> {
        let lengths = |slices: &[&mut [T]]| slices.iter().map(|s| s.len()).collect::<Vec<_>>();
        let (probability_gradients, parameter_gradients) = probability_gradients
            .split_at_mut(arrangement.ragged.len().min(probability_gradients.len()));
        let sizes: Vec<usize> = output_gradients.iter().map(|s| s.len()).collect();
        self.check_sizes(
            arrangement,
            &lengths(input_gradients),
            &lengths(probability_gradients),
            &sizes,
        )?;
        let parts = &arrangement.parts;
        if let ([part], [tape, ..]) = (parts.as_slice(), tape.parts.as_mut_slice())
            && arrangement.is_uniform()
        {
            let mut all: Vec<&mut [T]> = Vec::new();
            all.extend(input_gradients.iter_mut().map(|it| &mut **it));
            all.extend(probability_gradients.iter_mut().map(|it| &mut **it));
            all.extend(parameter_gradients.iter_mut().map(|it| &mut **it));
            return part
                .shape
                .backward(&mut tape.tape, output_gradients, &mut all);
        }
        let learned = !parameter_gradients.is_empty();
        let parameters: usize = parameter_gradients.iter().map(|it| it.len()).sum();
        let run = |(part, tape): (&Part, &mut PartTape<T>)| {
            gather_outputs(arrangement, part, output_gradients, &mut tape.outputs);
            let given: Vec<&[T]> = tape.outputs.iter().map(Vec::as_slice).collect();
            tape.parameters.clear();
            tape.parameters.resize(parameters, T::ZERO);
            let mut found: Vec<&mut [T]> = tape.inputs.iter_mut().map(Vec::as_mut_slice).collect();
            if learned {
                found.push(&mut tape.parameters);
            }
            part.shape.backward(&mut tape.tape, &given, &mut found)
        };
        each(arrangement, tape, run)?;
        let widths = self.widths();
        for (part, tape) in parts.iter().zip(&tape.parts) {
            let (inputs, facts) = (&mut *input_gradients, &mut *probability_gradients);
            scatter_inputs(arrangement, part, &widths, &tape.inputs, inputs, facts);
        }
        tape.sum_parameters(parts.len(), parameter_gradients);
        Ok(())
    }

    /// Columns of the inputs whose tuples are the same in all samples.
    pub(super) fn widths(&self) -> Vec<usize> {
        let inputs = self.blueprint.inputs();
        inputs.map(|input| input.mapping.len()).collect()
    }

    fn check_values<T: Real>(
        &self,
        arrangement: &Arrangement,
        inputs: &[&[T]],
        probabilities: &[&[T]],
    ) -> Result<()> {
        for (input, values) in self.blueprint.inputs().zip(inputs) {
            check_input(&input.relation, &input.mapping, input.exclusive, values)
                .map_err(|d| self.error(d))?;
        }
        let facts = arrangement.ragged.iter().zip(&arrangement.groups);
        for (((place, offsets), groups), values) in facts.zip(probabilities) {
            let name = self.relations.get(*place).map_or("", |it| &it.name);
            check_ragged(name, offsets, groups.as_deref(), values).map_err(|d| self.error(d))?;
        }
        Ok(())
    }

    pub(super) fn check_sizes(
        &self,
        arrangement: &Arrangement,
        inputs: &[usize],
        probabilities: &[usize],
        outputs: &[usize],
    ) -> Result<()> {
        let last = |offsets: &[usize]| offsets.last().copied().unwrap_or_default();
        let widths = self.widths().into_iter();
        let wanted: [(&str, &[usize], Vec<usize>); 3] = [
            (
                "input",
                inputs,
                widths.map(|width| width * arrangement.batch).collect(),
            ),
            (
                "relation of facts",
                probabilities,
                arrangement.ragged.iter().map(|(_, o)| last(o)).collect(),
            ),
            (
                "output",
                outputs,
                arrangement.answers.iter().map(|o| last(o)).collect(),
            ),
        ];
        for (what, given, wanted) in wanted {
            if given != wanted.as_slice() {
                let message = format!("{what}s of {given:?} values given, of {wanted:?} expected");
                return Err(self.error(Diagnostic::error("E0816", message)));
            }
        }
        Ok(())
    }
}

/// Probabilities of facts, and the parameters behind them.
pub(super) fn split<'a, 'b, T>(
    slices: &'a [&'b [T]],
    facts: usize,
) -> (&'a [&'b [T]], &'a [&'b [T]]) {
    slices.split_at(facts.min(slices.len()))
}

/// Tapes that are kept when a batch has fewer parts than the last one.
const KEPT_TAPES: usize = 256;

/// Edges times samples from which on threads are worth waking.
const PARALLEL: usize = 1 << 13;

/// Runs the parts, in parallel where that pays.
pub(super) fn each<T: Real>(
    arrangement: &Arrangement,
    tape: &mut BatchTape<T>,
    run: impl Fn((&Part, &mut PartTape<T>)) -> Result<()> + Send + Sync,
) -> Result<()> {
    let parts = &arrangement.parts;
    let work: usize = parts
        .iter()
        .map(|part| part.shape.circuit().report().edges * part.rows())
        .sum();
    if parts.len() > 1 && work >= PARALLEL {
        let tapes = tape.parts.par_iter_mut();
        return parts.par_iter().zip(tapes).try_for_each(run);
    }
    parts.iter().zip(&mut tape.parts).try_for_each(run)
}
