//! Jacobians and second derivatives of a module.

use nsdl_circuit::{Direction, Real};
use nsdl_ir::Diagnostic;

use super::{Answers, Module, Port, Tape};
use crate::error::{Error, Result};

/// An entry of a Jacobian that is not zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry<T> {
    /// Which sample.
    pub sample: usize,
    /// Which column of the output.
    pub output: usize,
    /// Which column of the input.
    pub input: usize,
    /// By how much the output changes with the input.
    pub value: T,
}

impl Module {
    /// How the outputs of the last [`Module::forward`] on this tape, and the gradients that [`Module::backward`] would
    /// give for `output_gradients`, change if the inputs move in a direction: `slopes` is the Jacobian times the
    /// direction, shaped as the outputs; `products` the Hessian of the weighted outputs times the direction, shaped as
    /// the inputs. One slice more may follow the directions and the products, for the parameters. One forward and one
    /// reverse pass, with evidence one reverse pass more.
    ///
    /// Under top-k the choice of proofs is taken as given, and so is that of maxima and minima.
    ///
    /// # Errors
    /// `E0816` for slices of the wrong number or length; `E0828` where worlds are drawn.
    pub fn second<T: Real>(
        &self,
        tape: &mut Tape<T>,
        directions: &[&[T]],
        output_gradients: &[&[T]],
        slopes: &mut [&mut [T]],
        products: &mut [&mut [T]],
    ) -> Result<()> {
        let batch = tape.batch;
        let inputs = || self.inputs.iter().map(Port::width);
        let outputs = || self.outputs.iter().map(Answers::width);
        let (directions, moves) = self.parted(directions)?;
        let split = self.inputs.len().min(products.len());
        let (products, parameters) = products.split_at_mut(split);
        self.check_parameters(parameters.iter().map(|slice| slice.len()))?;
        let given = directions.iter().map(|s| s.len());
        self.check_shapes("direction", given, inputs(), batch)?;
        let given = output_gradients.iter().map(|s| s.len());
        self.check_shapes("output gradient", given, outputs(), batch)?;
        let given = slopes.iter().map(|s| s.len());
        self.check_shapes("slope", given, outputs(), batch)?;
        let given = products.iter().map(|s| s.len());
        self.check_shapes("product", given, inputs(), batch)?;
        let (leaves, rows) = (self.constants.len() * batch, self.circuit.outputs() * batch);
        let mut weight_slopes = vec![T::ZERO; leaves];
        if let Some(moves) = moves {
            self.weigh(moves, batch, &mut weight_slopes);
        }
        self.fill_leaves(directions, batch, &mut weight_slopes);
        self.seed(tape, output_gradients);
        let (mut found, mut curvature) = (vec![T::ZERO; rows], vec![T::ZERO; leaves]);
        let at = Direction {
            weights: &tape.weights,
            weight_slopes: &weight_slopes,
            grad_out: &tape.value_gradients,
        };
        let memory = &mut tape.second;
        if !self
            .circuit
            .second(at, batch, memory, &mut found, &mut curvature)
        {
            let d = Diagnostic::error("E0828", "drawn worlds have first derivatives only")
                .help("use the provenance exact");
            return Err(Error::new(vec![d], &self.texts));
        }
        if self.is_conditioned() {
            // The gradients by numerators and evidence change too.
            self.divide_second(tape, output_gradients, &found);
            tape.weight_gradients.resize(leaves, T::ZERO);
            self.circuit.backward(
                &tape.weights,
                batch,
                &mut tape.circuit,
                &tape.value_gradients,
                &mut tape.weight_gradients,
            );
            let flow = curvature.iter_mut().zip(&tape.weight_gradients);
            flow.for_each(|(product, slope)| *product += *slope);
        }
        self.spread(&found, batch, slopes);
        self.divide_slopes(tape, &found, slopes);
        self.read_leaves(&curvature, batch, products);
        if let Some(products) = parameters.first_mut() {
            self.weigh_backward(&curvature, batch, products);
        }
        Ok(())
    }

    /// The Jacobian of an output with respect to an input, at the last [`Module::forward`] on this tape: its entries that
    /// are not zero, by column of the output, then column of the input, then sample. One reverse pass for each column
    /// of the output.
    ///
    /// # Errors
    /// `E0816` for an output or input that does not exist.
    pub fn jacobian<T: Real>(
        &self,
        tape: &mut Tape<T>,
        output: usize,
        input: usize,
    ) -> Result<Vec<Entry<T>>> {
        let (Some(answers), Some(port)) = (self.outputs.get(output), self.inputs.get(input)) else {
            let message = format!("there is no output {output} or no input {input}");
            return Err(Error::new(
                vec![Diagnostic::error("E0816", message)],
                &self.texts,
            ));
        };
        let batch = tape.batch;
        let mut seeds = vec![T::ZERO; self.circuit.outputs() * batch];
        tape.weight_gradients
            .resize(self.constants.len() * batch, T::ZERO);
        let mut entries = Vec::new();
        for (column, node) in answers.circuit.iter().enumerate() {
            let Some(node) = node.map(|node| node as usize) else {
                continue;
            };
            let Some(row) = seeds.get_mut(node * batch..(node + 1) * batch) else {
                continue;
            };
            row.fill(T::ONE);
            let given = answers.given.get(column).copied();
            let evidence =
                given.and_then(|given| self.seed_quotient(tape, node, given, &mut seeds));
            self.circuit.backward(
                &tape.weights,
                batch,
                &mut tape.circuit,
                &seeds,
                &mut tape.weight_gradients,
            );
            for row in [Some(node), evidence].into_iter().flatten() {
                if let Some(row) = seeds.get_mut(row * batch..(row + 1) * batch) {
                    row.fill(T::ZERO);
                }
            }
            for (place, leaf) in port.leaves.iter().enumerate() {
                let rows = leaf.map(|leaf| leaf.index() * batch..(leaf.index() + 1) * batch);
                let row = rows.and_then(|rows| tape.weight_gradients.get(rows));
                for (sample, &value) in row.into_iter().flatten().enumerate() {
                    if value != T::ZERO {
                        entries.push(Entry {
                            sample,
                            output: column,
                            input: place,
                            value,
                        });
                    }
                }
            }
        }
        Ok(entries)
    }
}
