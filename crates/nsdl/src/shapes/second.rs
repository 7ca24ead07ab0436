//! Second derivatives, shape by shape.

use nsdl_circuit::Real;

use super::Shapes;
use super::arrange::{Arrangement, Part};
use super::call::{BatchTape, PartTape, each, split};
use super::rows::{gather_inputs, gather_outputs, scatter_inputs, scatter_outputs};
use crate::error::Result;

/// What [`Shapes::second`] is given.
#[derive(Clone, Copy, Debug)]
pub struct Moved<'a, 's, T> {
    /// How the inputs change, as those of [`Shapes::forward`].
    pub inputs: &'a [&'s [T]],
    /// How the probabilities of facts change, and behind them the parameters, as there.
    pub probabilities: &'a [&'s [T]],
    /// The gradients with respect to the outputs, as of [`Shapes::backward`].
    pub gradients: &'a [&'s [T]],
}

/// What [`Shapes::second`] finds.
#[derive(Debug)]
pub struct Second<'a, 's, T> {
    /// How the outputs change.
    pub slopes: &'a mut [&'s mut [T]],
    /// How the gradients of the inputs change.
    pub inputs: &'a mut [&'s mut [T]],
    /// How those of the probabilities of facts do, and behind them those of the parameters.
    pub probabilities: &'a mut [&'s mut [T]],
}

impl Shapes {
    /// How the outputs of the last [`Shapes::forward`] on this tape and arrangement, and the gradients that
    /// [`Shapes::backward`] would give, change if inputs, facts and parameters move in a direction; see
    /// [`Module::second`](crate::Module::second).
    ///
    /// # Errors
    /// `E0816` for slices of the wrong number or length; `E0828` where worlds are drawn.
    pub fn second<T: Real>(
        &self,
        arrangement: &Arrangement,
        tape: &mut BatchTape<T>,
        moved: &Moved<'_, '_, T>,
        found: Second<'_, '_, T>,
    ) -> Result<()> {
        let relations = arrangement.ragged.len();
        let (facts, moves) = split(moved.probabilities, relations);
        let given = |slices: &[&[T]]| slices.iter().map(|s| s.len()).collect::<Vec<_>>();
        let (inputs, outputs) = (given(moved.inputs), given(moved.gradients));
        self.check_sizes(arrangement, &inputs, &given(facts), &outputs)?;
        let Second {
            slopes,
            inputs,
            probabilities,
        } = found;
        let relations = relations.min(probabilities.len());
        let (probabilities, parameters) = probabilities.split_at_mut(relations);
        let wanted = |slices: &[&mut [T]]| slices.iter().map(|s| s.len()).collect::<Vec<_>>();
        let sizes = [wanted(inputs), wanted(probabilities), wanted(slopes)];
        self.check_sizes(arrangement, &sizes[0], &sizes[1], &sizes[2])?;
        let widths = self.widths();
        let learned: usize = parameters.iter().map(|it| it.len()).sum();
        let run = |(part, tape): (&Part, &mut PartTape<T>)| {
            let n = part.rows();
            let given = [moved.inputs, facts];
            gather_inputs(arrangement, part, &widths, given, &mut tape.directions);
            tape.outputs.resize_with(part.shape.outputs(), Vec::new);
            gather_outputs(arrangement, part, moved.gradients, &mut tape.outputs);
            tape.slopes.resize_with(part.shape.outputs(), Vec::new);
            for (o, slopes) in tape.slopes.iter_mut().enumerate() {
                slopes.clear();
                slopes.resize(part.shape.circuit_outputs(o).len() * n, T::ZERO);
            }
            tape.inputs.resize_with(tape.directions.len(), Vec::new);
            for (products, direction) in tape.inputs.iter_mut().zip(&tape.directions) {
                products.clear();
                products.resize(direction.len(), T::ZERO);
            }
            tape.parameters.clear();
            tape.parameters.resize(learned, T::ZERO);
            let directions = tape.directions.iter().map(Vec::as_slice);
            let directions: Vec<&[T]> = directions.chain(moves.iter().copied()).collect();
            let gradients: Vec<&[T]> = tape.outputs.iter().map(Vec::as_slice).collect();
            let mut slopes: Vec<&mut [T]> = tape.slopes.iter_mut().map(Vec::as_mut_slice).collect();
            let mut products: Vec<&mut [T]> =
                tape.inputs.iter_mut().map(Vec::as_mut_slice).collect();
            if learned > 0 {
                products.push(&mut tape.parameters);
            }
            let memory = &mut tape.tape;
            part.shape
                .second(memory, &directions, &gradients, &mut slopes, &mut products)
        };
        each(arrangement, tape, run)?;
        for (part, tape) in arrangement.parts.iter().zip(&tape.parts) {
            scatter_outputs(arrangement, part, &tape.slopes, slopes);
            let (inputs, facts) = (&mut *inputs, &mut *probabilities);
            scatter_inputs(arrangement, part, &widths, &tape.inputs, inputs, facts);
        }
        tape.sum_parameters(arrangement.parts.len(), parameters);
        Ok(())
    }
}
