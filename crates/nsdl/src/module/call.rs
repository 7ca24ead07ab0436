//! Calls of a module: values forward, gradients backward, explanations of a sample.

use std::cell::OnceCell;

use nsdl_circuit::Real;
use nsdl_ir::{Diagnostic, LeafId, TupleId, Value, Word};

use super::{Answers, Given, Module, Port, Tape};
use crate::check::check_input;
use crate::error::{Error, Result};
use crate::why::{Explanation, Story, row};

/// The inputs, and the values of the parameters.
pub(super) type Parted<'s, T> = (&'s [&'s [T]], Option<&'s [T]>);

impl Module {
    /// Computes the outputs for a batch.
    ///
    /// `inputs[i]` is row-major `[batch][n_i]`, with `n_i` columns as in [`Module::mapping`]. One slice more may follow
    /// them: the current values of [`Module::parameters`], instead of their first ones. `outputs[o]` is
    /// row-major `[batch][m_o]`, with `m_o` columns as in [`Module::tuples`]. With `check`, values must be
    /// in [0, 1] and rows of exclusive inputs sum to at most 1 plus 1e-4.
    ///
    /// An output whose evidence has probability 0 is NaN in that sample, see [`Tape::impossible`].
    ///
    /// # Errors
    /// `E0816` for slices of the wrong number or length; `E0510`, `E0511` and `E0521` for values, with sample and
    /// column.
    pub fn forward<T: Real>(
        &self,
        inputs: &[&[T]],
        batch: usize,
        check: bool,
        tape: &mut Tape<T>,
        outputs: &mut [&mut [T]],
    ) -> Result<()> {
        let (inputs, parameters) = self.parted(inputs)?;
        self.check_shapes(
            "input",
            inputs.iter().map(|s| s.len()),
            self.inputs.iter().map(Port::width),
            batch,
        )?;
        self.check_shapes(
            "output",
            outputs.iter().map(|s| s.len()),
            self.outputs.iter().map(Answers::width),
            batch,
        )?;
        if check {
            for (port, values) in self.inputs.iter().zip(inputs) {
                let input = &port.input;
                check_input(&input.relation, &input.mapping, input.exclusive, values)
                    .map_err(|d| Error::new(vec![d], &self.texts))?;
            }
        }
        tape.batch = batch;
        tape.weights.resize(self.constants.len() * batch, T::ZERO);
        tape.values.resize(self.circuit.outputs() * batch, T::ZERO);
        for (leaf, &weight) in self.constants.iter().enumerate() {
            if let Some(row) = tape.weights.get_mut(leaf * batch..(leaf + 1) * batch) {
                row.fill(T::from_f64(weight));
            }
        }
        if let Some(parameters) = parameters {
            if check {
                self.check_values(parameters)
                    .map_err(|d| Error::new(vec![d], &self.texts))?;
            }
            self.weigh(parameters, batch, &mut tape.weights);
        }
        self.fill_leaves(inputs, batch, &mut tape.weights);
        self.circuit
            .forward(&tape.weights, batch, &mut tape.circuit, &mut tape.values);
        self.spread(&tape.values, batch, outputs);
        self.divide(tape, outputs);
        Ok(())
    }

    /// Writes the columns of inputs to the rows of their leaves, `[leaf][sample]`.
    pub(super) fn fill_leaves<T: Real>(&self, inputs: &[&[T]], batch: usize, rows: &mut [T]) {
        for (port, values) in self.inputs.iter().zip(inputs) {
            let width = port.width();
            for (column, leaf) in port.leaves.iter().enumerate() {
                let leaf = leaf.map(LeafId::index);
                let row = leaf.and_then(|leaf| rows.get_mut(leaf * batch..(leaf + 1) * batch));
                let cells = values.iter().skip(column).step_by(width);
                for (to, from) in row.into_iter().flatten().zip(cells) {
                    *to = *from;
                }
            }
        }
    }

    /// Writes what belongs to leaves, `[leaf][sample]`, to the columns of their inputs.
    pub(super) fn read_leaves<T: Real>(&self, rows: &[T], batch: usize, inputs: &mut [&mut [T]]) {
        for (port, values) in self.inputs.iter().zip(inputs) {
            let width = port.width();
            for (column, leaf) in port.leaves.iter().enumerate() {
                let cells = values.iter_mut().skip(column).step_by(width);
                let leaf = leaf.map(LeafId::index);
                match leaf.and_then(|leaf| rows.get(leaf * batch..(leaf + 1) * batch)) {
                    Some(row) => cells.zip(row).for_each(|(to, from)| *to = *from),
                    None => cells.for_each(|to| *to = T::ZERO),
                }
            }
        }
    }

    /// Writes the columns of outputs to the rows of the circuit, `[output][sample]`.
    pub(super) fn fill_outputs<T: Real>(&self, outputs: &[&[T]], batch: usize, rows: &mut [T]) {
        for (answers, values) in self.outputs.iter().zip(outputs) {
            let width = answers.width();
            for (column, node) in answers.circuit.iter().enumerate() {
                let row = node.map(|n| n as usize * batch..(n as usize + 1) * batch);
                let row = row.and_then(|row| rows.get_mut(row));
                let cells = values.iter().skip(column).step_by(width);
                for (to, from) in row.into_iter().flatten().zip(cells) {
                    *to = *from;
                }
            }
        }
    }

    /// Writes the outputs of the circuit, `[output][sample]`, to their columns.
    pub(super) fn spread<T: Real>(&self, found: &[T], batch: usize, outputs: &mut [&mut [T]]) {
        for (answers, values) in self.outputs.iter().zip(outputs) {
            let width = answers.width();
            for (column, node) in answers.circuit.iter().enumerate() {
                let cells = values.iter_mut().skip(column).step_by(width);
                let row = node.map(|n| n as usize * batch..(n as usize + 1) * batch);
                match row.and_then(|row| found.get(row)) {
                    Some(row) => cells.zip(row).for_each(|(to, from)| *to = *from),
                    None => cells.for_each(|to| *to = T::ZERO),
                }
            }
        }
    }

    /// Lower and upper bounds of the outputs of the last [`Module::forward`] on this tape, which are the outputs
    /// themselves where those are exact. Shapes are as in `forward`.
    ///
    /// # Errors
    /// `E0816` for slices of the wrong number or length.
    pub fn bounds<T: Real>(
        &self,
        tape: &Tape<T>,
        lower: &mut [&mut [T]],
        upper: &mut [&mut [T]],
    ) -> Result<()> {
        let batch = tape.batch;
        for slices in [&*lower, &*upper] {
            let given = slices.iter().map(|slice| slice.len());
            let widths = self.outputs.iter().map(Answers::width);
            self.check_shapes("bound", given, widths, batch)?;
        }
        let mut ends = [tape.values.clone(), tape.values.clone()];
        let [low, high] = &mut ends;
        self.circuit.bounds(batch, &tape.circuit, low, high);
        self.spread(low, batch, lower);
        self.spread(high, batch, upper);
        self.divide_bounds(batch, [&*low, &*high], lower, upper);
        Ok(())
    }

    /// Computes the gradients of the last [`Module::forward`] on this tape: given those with respect to the outputs,
    /// those with respect to the inputs, which are overwritten. Shapes are as in `forward`; if a slice more follows the
    /// inputs, it gets the gradients of [`Module::parameters`], summed over the batch.
    ///
    /// # Errors
    /// `E0816` for slices of the wrong number or length.
    pub fn backward<T: Real>(
        &self,
        tape: &mut Tape<T>,
        output_gradients: &[&[T]],
        input_gradients: &mut [&mut [T]],
    ) -> Result<()> {
        let batch = tape.batch;
        self.check_shapes(
            "output gradient",
            output_gradients.iter().map(|s| s.len()),
            self.outputs.iter().map(Answers::width),
            batch,
        )?;
        let known = self.inputs.len();
        let split = known.min(input_gradients.len());
        let (input_gradients, parameters) = input_gradients.split_at_mut(split);
        self.check_parameters(parameters.iter().map(|slice| slice.len()))?;
        self.check_shapes(
            "input gradient",
            input_gradients.iter().map(|s| s.len()),
            self.inputs.iter().map(Port::width),
            batch,
        )?;
        tape.weight_gradients
            .resize(self.constants.len() * batch, T::ZERO);
        self.seed(tape, output_gradients);
        self.circuit.backward(
            &tape.weights,
            batch,
            &mut tape.circuit,
            &tape.value_gradients,
            &mut tape.weight_gradients,
        );
        self.read_leaves(&tape.weight_gradients, batch, input_gradients);
        if let Some(gradients) = parameters.first_mut() {
            self.weigh_backward(&tape.weight_gradients, batch, gradients);
        }
        Ok(())
    }

    /// Turns gradients by outputs into those by the outputs of the circuit.
    pub(super) fn seed<T: Real>(&self, tape: &mut Tape<T>, output_gradients: &[&[T]]) {
        let batch = tape.batch;
        tape.value_gradients.clear();
        tape.value_gradients
            .resize(self.circuit.outputs() * batch, T::ZERO);
        self.fill_outputs(output_gradients, batch, &mut tape.value_gradients);
        self.divide_backward(tape, output_gradients);
    }

    /// The `k` most probable proofs of a tuple of an output, for one sample: `inputs[i]` has the `n_i` values of
    /// its row. None if the tuple cannot be derived.
    ///
    /// # Errors
    /// `E0816` for rows of the wrong number or length, `E0202`, `E0301` or `E0501` for a tuple that does not fit.
    pub fn why(
        &self,
        inputs: &[&[f64]],
        output: usize,
        tuple: &[Value],
        k: usize,
    ) -> Result<Vec<Explanation>> {
        let (inputs, parameters) = self.parted(inputs)?;
        self.check_shapes(
            "input",
            inputs.iter().map(|s| s.len()),
            self.inputs.iter().map(Port::width),
            1,
        )?;
        let error = |d| Error::new(vec![d], &self.texts);
        let answers = self.outputs.get(output).ok_or_else(|| {
            error(Diagnostic::error(
                "E0816",
                format!("there is no output {output}"),
            ))
        })?;
        let wanted = row(&answers.relation, tuple, &answers.types, &self.symbols).map_err(error)?;
        let same = |candidate: &Vec<Value>| {
            row(&answers.relation, candidate, &answers.types, &self.symbols)
                .is_ok_and(|words| words == wanted)
        };
        let column = answers.tuples.iter().position(same);
        let Some(id) = column.and_then(|column| answers.ids.get(column).copied().flatten()) else {
            return Ok(Vec::new());
        };
        let mut weights = self.constants.clone();
        for (leaf, learned) in super::parameters::places(&self.learned) {
            let value = parameters.and_then(|values| values.get(learned as usize));
            if let (Some(weight), Some(value)) = (weights.get_mut(leaf.index()), value) {
                *weight = *value;
            }
        }
        for (port, values) in self.inputs.iter().zip(inputs) {
            for (leaf, value) in port.leaves.iter().zip(*values) {
                if let Some(weight) = leaf.and_then(|leaf| weights.get_mut(leaf.index())) {
                    *weight = *value;
                }
            }
        }
        let cells = |tuple| self.cells(tuple);
        let story = self.story(&cells);
        let mut found = story.explain(id, k, &weights).map_err(error)?;
        let given = column.and_then(|column| answers.given.get(column));
        if let Some(Given::Output(evidence)) = given {
            let mut values = vec![0.0; self.circuit.outputs()];
            let mut tape = nsdl_circuit::Tape::default();
            self.circuit.forward(&weights, 1, &mut tape, &mut values);
            let share = values.get(*evidence as usize).copied().unwrap_or(1.0);
            found.iter_mut().for_each(|one| one.probability /= share);
        }
        Ok(found)
    }

    /// The row of a tuple of the trace.
    pub(super) fn cells(&self, tuple: TupleId) -> Vec<Word> {
        self.rows.get(&tuple).cloned().unwrap_or_default()
    }

    /// What the circuit is told in terms of.
    pub(super) fn story<'a>(&'a self, cells: &'a dyn Fn(TupleId) -> Vec<Word>) -> Story<'a> {
        Story {
            plan: &self.plan,
            trace: &self.trace,
            facts: &self.facts,
            row: cells,
            symbols: &self.symbols,
            texts: &self.texts,
            heads: OnceCell::new(),
        }
    }

    /// The inputs, and the values of the parameters if they follow.
    pub(super) fn parted<'s, T>(&self, inputs: &'s [&'s [T]]) -> Result<Parted<'s, T>> {
        let (inputs, parameters) = inputs.split_at(self.inputs.len().min(inputs.len()));
        self.check_parameters(parameters.iter().map(|slice| slice.len()))?;
        Ok((inputs, parameters.first().copied()))
    }

    /// What follows the inputs is nothing, or one value a parameter.
    pub(super) fn check_parameters(
        &self,
        given: impl ExactSizeIterator<Item = usize>,
    ) -> Result<()> {
        let expected = self.parameters().len();
        match given.len() {
            0 => Ok(()),
            1 if given
                .into_iter()
                .all(|given| given == expected && expected > 0) =>
            {
                Ok(())
            }
            _ => {
                let message = match expected {
                    0 => "more slices than inputs, and nothing is learned".to_owned(),
                    _ => format!("one slice of {expected} parameters may follow the inputs"),
                };
                let d = Diagnostic::error("E0816", message);
                Err(Error::new(vec![d], &self.texts))
            }
        }
    }

    pub(super) fn check_shapes(
        &self,
        what: &str,
        given: impl ExactSizeIterator<Item = usize>,
        widths: impl ExactSizeIterator<Item = usize>,
        batch: usize,
    ) -> Result<()> {
        let error = |message| {
            Err(Error::new(
                vec![Diagnostic::error("E0816", message)],
                &self.texts,
            ))
        };
        if given.len() != widths.len() {
            return error(format!(
                "{} {what}s given, {} expected",
                given.len(),
                widths.len()
            ));
        }
        for (i, (given, width)) in given.zip(widths).enumerate() {
            if Some(given) != width.checked_mul(batch) {
                return error(format!(
                    "{what} {i} has {given} values, not {batch} rows of {width}"
                ));
            }
        }
        Ok(())
    }
}
