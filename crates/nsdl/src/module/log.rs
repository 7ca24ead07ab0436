//! Modules in log space: logarithms of probabilities that numbers cannot hold.

use nsdl_circuit::Real;
use nsdl_ir::Diagnostic;

use super::{Module, Tape};
use crate::error::{Error, Result};

impl Module {
    /// As [`Module::forward`], but the outputs are logarithms of probabilities, minus infinity where a tuple is impossible.
    /// Inputs are probabilities as ever; 0 and 1 count as the nearest numbers within. About ten times the cost.
    ///
    /// # Errors
    /// As [`Module::forward`], and `E0626` where evaluation is not one fixed pass.
    pub fn log_forward<T: Real>(
        &self,
        inputs: &[&[T]],
        batch: usize,
        check: bool,
        tape: &mut Tape<T>,
        outputs: &mut [&mut [T]],
    ) -> Result<()> {
        // Checks all, and fills in the weights.
        self.forward(inputs, batch, check, tape, outputs)?;
        let (weights, memory) = (&tape.weights, &mut tape.log);
        if !self
            .circuit
            .log_forward(weights, batch, memory, &mut tape.values)
        {
            let d = Diagnostic::error(
                "E0626",
                "this circuit is not evaluated in one fixed pass, so not in log space",
            )
            .help("use the provenance exact");
            return Err(Error::new(vec![d], &self.texts));
        }
        self.spread(&tape.values, batch, outputs);
        for (answers, values) in self.outputs.iter().zip(&mut *outputs) {
            let width = answers.tuples.len();
            for (column, node) in answers.circuit.iter().enumerate() {
                if node.is_none() {
                    let cells = values.iter_mut().skip(column).step_by(width);
                    cells.for_each(|cell| *cell = T::from_f64(f64::NEG_INFINITY));
                }
            }
        }
        self.subtract(tape, outputs);
        Ok(())
    }

    /// The gradients of the last [`Module::log_forward`] on this tape, as [`Module::backward`]. All are finite.
    /// Those of a sample whose evidence is impossible are 0.
    ///
    /// # Errors
    /// `E0816` for slices of the wrong number or length.
    pub fn log_backward<T: Real>(
        &self,
        tape: &mut Tape<T>,
        output_gradients: &[&[T]],
        input_gradients: &mut [&mut [T]],
    ) -> Result<()> {
        let batch = tape.batch;
        let outputs = self.outputs.iter().map(|answers| answers.tuples.len());
        let given = output_gradients.iter().map(|s| s.len());
        self.check_shapes("output gradient", given, outputs, batch)?;
        let split = self.inputs.len().min(input_gradients.len());
        let (input_gradients, parameters) = input_gradients.split_at_mut(split);
        self.check_parameters(parameters.iter().map(|slice| slice.len()))?;
        let inputs = self.inputs.iter().map(|port| port.leaves.len());
        let given = input_gradients.iter().map(|s| s.len());
        self.check_shapes("input gradient", given, inputs, batch)?;
        let mut seeds = vec![T::ZERO; self.circuit.outputs() * batch];
        self.fill_outputs(output_gradients, batch, &mut seeds);
        self.subtract_backward(tape, output_gradients, &mut seeds);
        tape.weight_gradients
            .resize(self.constants.len() * batch, T::ZERO);
        self.circuit
            .log_backward(batch, &mut tape.log, &seeds, &mut tape.weight_gradients);
        self.read_leaves(&tape.weight_gradients, batch, input_gradients);
        if let Some(gradients) = parameters.first_mut() {
            self.weigh_backward(&tape.weight_gradients, batch, gradients);
        }
        Ok(())
    }
}
