//! Weighted model counts of formulas that other compilers have made circuits of.
//!
//! The count is the sum, over the models of the formula, of the products of their literals' weights. It is computed
//! as a probability: each variable's two weights are divided by their sum, which the whole result is multiplied by
//! again. A part of the circuit that does not mention a variable is then right as it stands, so that circuits need not
//! be smooth; and every node is a probability, so that products of plain numbers do for logarithms as well. Only where
//! a probability is too small for that, the sample is evaluated again in log space.

mod weights;

use crate::blocks;
use crate::layers::Layered;
use crate::load;
use crate::real::{Log, Real};
use crate::tape::Tape;
use nsdl_ir::Diagnostic;
use weights::{Normal, Scale};

/// What weights and counts of a [`LogicCircuit`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Semiring {
    /// Logarithms of numbers; minus infinity is 0.
    Log,
    /// The numbers themselves.
    Real,
}

/// Formulas as circuits of another knowledge compiler: SDDs or d-DNNFs. Counts their models by weights of literals.
#[derive(Clone, Debug)]
pub struct LogicCircuit {
    layered: Layered,
    variables: usize,
}

/// What [`LogicCircuit::forward`] keeps for [`LogicCircuit::backward`]; reused from call to call.
#[derive(Clone, Debug, Default)]
pub struct CountTape<T> {
    normal: Normal<T>,
    tape: Tape<T>,
    outputs: Vec<T>,
    seeds: Vec<T>,
    gradients: Vec<T>,
    /// The samples whose counts are too small for plain numbers, evaluated in log space.
    small: Vec<usize>,
    log: Logs,
}

#[derive(Clone, Debug, Default)]
struct Logs {
    tape: Tape<Log>,
    weights: Vec<Log>,
    outputs: Vec<Log>,
    seeds: Vec<Log>,
    gradients: Vec<Log>,
}

impl LogicCircuit {
    /// Reads diagrams in the text format of the SDD package and PySDD, pairs of a file's name for errors and its text;
    /// one output each. `variables` is how many variables there are, if not as many as the files mention.
    ///
    /// Costs time and memory linear in the texts.
    ///
    /// # Errors
    /// `E0880` with file and line if a text is no such file, `E0881` if a conjunction is not of independent parts.
    ///
    /// ```
    /// use nsdl_circuit::{CountTape, LogicCircuit, Semiring};
    ///
    /// // x1 and x2: if x1, then x2; else false.
    /// let both = "sdd 5\nL 0 0 1\nL 1 2 2\nL 2 0 -1\nF 3\nD 4 1 2 0 1 2 3\n";
    /// let circuit = LogicCircuit::from_sdd(&[("both.sdd", both)], None)?;
    /// let (mut tape, mut out) = (CountTape::default(), [0.0f64]);
    /// circuit.forward(Semiring::Real, &[0.5, 0.25], None, 1, &mut tape, &mut out)?;
    /// assert_eq!(out, [0.125]);
    /// # Ok::<(), nsdl_ir::Diagnostic>(())
    /// ```
    pub fn from_sdd(files: &[(&str, &str)], variables: Option<usize>) -> Result<Self, Diagnostic> {
        Self::read(files, variables, load::sdd)
    }

    /// Reads d-DNNFs in the format of c2d or d4; as [`LogicCircuit::from_sdd`]. That disjunctions are of exclusive parts
    /// is not checked.
    ///
    /// # Errors
    /// As [`LogicCircuit::from_sdd`].
    pub fn from_nnf(files: &[(&str, &str)], variables: Option<usize>) -> Result<Self, Diagnostic> {
        Self::read(files, variables, load::nnf)
    }

    fn read(
        files: &[(&str, &str)],
        variables: Option<usize>,
        reader: impl for<'a> Fn(load::Source<'a>) -> Result<load::Gates, Diagnostic>,
    ) -> Result<Self, Diagnostic> {
        let gates = files.iter().map(|&file| Ok((file.0, reader(file)?)));
        let gates: Vec<_> = gates.collect::<Result<_, Diagnostic>>()?;
        let mentioned = gates.iter().map(|(_, gates)| gates.variables).max();
        let mentioned = mentioned.unwrap_or(0);
        let variables = variables.unwrap_or(mentioned);
        if variables < mentioned {
            let message = format!(
                "the circuit has {mentioned} variables, and weights of {variables} are announced"
            );
            return Err(Diagnostic::error("E0880", message));
        }
        let layered = load::circuit(&gates, variables)?;
        Ok(Self { layered, variables })
    }

    /// How many variables a vtree in the format of the SDD package has; `file` is its name for errors and its text.
    ///
    /// # Errors
    /// `E0880` with file and line if the text is no such file.
    pub fn variables_of_vtree(file: (&str, &str)) -> Result<usize, Diagnostic> {
        load::vtree(file)
    }

    /// How many variables there are.
    pub fn variables(&self) -> usize {
        self.variables
    }

    /// How many formulas there are.
    pub fn outputs(&self) -> usize {
        self.layered.outputs.len()
    }

    /// How many nodes there are, literals and constants not counted.
    pub fn nodes(&self) -> usize {
        self.layered.nodes - self.layered.leaves - 2
    }

    /// How many children all nodes have together.
    pub fn edges(&self) -> usize {
        self.layered.edges
    }

    /// How many layers there are.
    pub fn depth(&self) -> usize {
        self.layered.layers.len()
    }

    /// The counts of a batch, `[sample][output]`.
    ///
    /// `positive` and `negative` are the weights of variables and of their denials, `[sample][variable]`. Without
    /// `negative` the two of a variable are 1 together, and counts are probabilities. Nothing is allocated once the tape
    /// has grown. Costs edges × batch.
    ///
    /// # Errors
    /// `E0882` if a weight is NaN or infinitely large, a logarithm of a probability above 0, or two weights of a variable
    /// cancel each other.
    ///
    /// # Panics
    /// If a slice is shorter than that.
    pub fn forward<T: Real>(
        &self,
        semiring: Semiring,
        positive: &[T],
        negative: Option<&[T]>,
        batch: usize,
        memory: &mut CountTape<T>,
        out: &mut [T],
    ) -> Result<(), Diagnostic> {
        let (variables, outputs) = (self.variables, self.outputs());
        let positive = &positive[..variables * batch];
        let negative = negative.map(|weights| &weights[..variables * batch]);
        let out = &mut out[..outputs * batch];
        memory.normal.fill(semiring, positive, negative, batch)?;
        memory.outputs.resize(outputs * batch, T::ZERO);
        blocks::forward(
            &self.layered,
            &memory.normal.weights,
            batch,
            &mut memory.tape,
            &mut memory.outputs,
        );
        memory.small.clear();
        for (sample, out) in out.chunks_exact_mut(outputs.max(1)).enumerate() {
            let scale = memory.normal.scale(sample);
            let values =
                (0..outputs).map(|output| memory.outputs[output * batch + sample].to_f64());
            match scale {
                Scale::Factor(factor) => {
                    out.iter_mut()
                        .zip(values)
                        .for_each(|(out, value)| *out = T::from_f64(value * factor));
                }
                Scale::Shift(shift) => {
                    let mut small = false;
                    for (output, (out, value)) in out.iter_mut().zip(values).enumerate() {
                        small |=
                            value < least::<T>() && self.layered.outputs[output] != self.zero();
                        *out = T::from_f64(value.ln() + shift);
                    }
                    if small {
                        memory.small.push(sample);
                    }
                }
            }
        }
        self.small_forward(positive, negative, memory, out);
        Ok(())
    }

    /// The gradient of the last [`LogicCircuit::forward`] on this memory, weighted by `grad_out` (`[sample][output]`), with
    /// respect to the weights; overwrites `grad_positive` and `grad_negative` (`[sample][variable]`; the latter is left as it
    /// is if there were no such weights). Counts of 0 have no gradient in log space: theirs is 0.
    ///
    /// # Panics
    /// If a slice is shorter than that.
    pub fn backward<T: Real>(
        &self,
        batch: usize,
        memory: &mut CountTape<T>,
        grad_out: &[T],
        grad_positive: &mut [T],
        grad_negative: &mut [T],
    ) {
        let outputs = self.outputs();
        memory.seeds.clear();
        memory.seeds.resize(outputs * batch, T::ZERO);
        let mut small = memory.small.iter().peekable();
        for (sample, gradients) in grad_out[..outputs * batch]
            .chunks_exact(outputs.max(1))
            .enumerate()
        {
            if small.next_if_eq(&&sample).is_some() {
                continue;
            }
            for (output, gradient) in gradients.iter().enumerate() {
                let at = output * batch + sample;
                memory.seeds[at] = match memory.normal.scale(sample) {
                    Scale::Factor(_) => *gradient,
                    Scale::Shift(f64::NEG_INFINITY) => T::ZERO,
                    Scale::Shift(_) => {
                        T::from_f64(over(gradient.to_f64(), memory.outputs[at].to_f64()))
                    }
                };
            }
        }
        memory.gradients.resize(2 * self.variables * batch, T::ZERO);
        blocks::backward(
            &self.layered,
            &memory.normal.weights,
            batch,
            &mut memory.tape,
            &memory.seeds,
            &mut memory.gradients,
        );
        let slopes = |leaf: usize, sample: usize| memory.gradients[leaf * batch + sample].to_f64();
        let total = |sample: usize| -> f64 {
            let gradients = &grad_out[sample * outputs..(sample + 1) * outputs];
            let values =
                (0..outputs).map(|output| memory.outputs[output * batch + sample].to_f64());
            let flow = gradients
                .iter()
                .zip(values)
                .map(|(gradient, value)| (gradient.to_f64(), value));
            match memory.normal.scale(sample) {
                Scale::Factor(_) => flow.map(|(gradient, value)| gradient * value).sum(),
                Scale::Shift(f64::NEG_INFINITY) => 0.0,
                Scale::Shift(_) => flow.filter(|flow| flow.1 > 0.0).map(|flow| flow.0).sum(),
            }
        };
        memory
            .normal
            .backward(batch, slopes, total, grad_positive, grad_negative);
        self.small_backward(memory, grad_out, grad_positive, grad_negative);
    }

    /// Evaluates samples whose counts are too small again, in log space.
    fn small_forward<T: Real>(
        &self,
        positive: &[T],
        negative: Option<&[T]>,
        memory: &mut CountTape<T>,
        out: &mut [T],
    ) {
        if memory.small.is_empty() {
            return;
        }
        let (count, outputs, log) = (memory.small.len(), self.outputs(), &mut memory.log);
        log.weights.resize(2 * self.variables * count, Log::ZERO);
        for (i, &sample) in memory.small.iter().enumerate() {
            for variable in 0..self.variables {
                let at = sample * self.variables + variable;
                let (a, b) = (positive[at], negative.map(|weights| weights[at]));
                let [yes, no] = weights::shares(a.to_f64(), b.map(T::to_f64));
                log.weights[variable * count + i] = Log::of(yes);
                log.weights[(self.variables + variable) * count + i] = Log::of(no);
            }
        }
        log.outputs.resize(count * outputs, Log::ZERO);
        blocks::forward(
            &self.layered,
            &log.weights,
            count,
            &mut log.tape,
            &mut log.outputs,
        );
        for (i, &sample) in memory.small.iter().enumerate() {
            if let Scale::Shift(shift) = memory.normal.scale(sample) {
                for output in 0..outputs {
                    out[sample * outputs + output] =
                        T::from_f64(log.outputs[output * count + i].log + shift);
                }
            }
        }
    }

    /// The gradients of [`LogicCircuit::small_forward`].
    fn small_backward<T: Real>(
        &self,
        memory: &mut CountTape<T>,
        grad_out: &[T],
        grad_positive: &mut [T],
        grad_negative: &mut [T],
    ) {
        if memory.small.is_empty() {
            return;
        }
        let (count, outputs, log) = (memory.small.len(), self.outputs(), &mut memory.log);
        log.seeds.clear();
        for output in 0..outputs {
            for (i, &sample) in memory.small.iter().enumerate() {
                let seed = Log::from_f64(grad_out[sample * outputs + output].to_f64());
                let value = log.outputs[output * count + i].log;
                let impossible = memory.normal.scale(sample) == Scale::Shift(f64::NEG_INFINITY);
                log.seeds
                    .push(match impossible || value == f64::NEG_INFINITY {
                        true => Log::ZERO,
                        false => seed.over(value),
                    });
            }
        }
        log.gradients.resize(2 * self.variables * count, Log::ZERO);
        blocks::backward(
            &self.layered,
            &log.weights,
            count,
            &mut log.tape,
            &log.seeds,
            &mut log.gradients,
        );
        for (i, &sample) in memory.small.iter().enumerate() {
            let possible = (0..outputs).filter(|output| log.seeds[output * count + i] != Log::ZERO);
            let total = possible
                .map(|output| grad_out[sample * outputs + output].to_f64())
                .sum();
            let literal = |leaf: usize| {
                let at = leaf * count + i;
                (log.weights[at], log.gradients[at])
            };
            let rows = sample * self.variables..(sample + 1) * self.variables;
            let negative = memory.normal.both.then(|| &mut grad_negative[rows.clone()]);
            weights::small_backward(literal, total, &mut grad_positive[rows], negative);
        }
    }

    /// The node of what has no models.
    fn zero(&self) -> u32 {
        self.layered.leaves as u32
    }
}

/// `gradient / value`, or 0 where there is no value.
fn over(gradient: f64, value: f64) -> f64 {
    if value > 0.0 { gradient / value } else { 0.0 }
}

/// What plain numbers hold to full precision after many products that were lost: each is smaller than `T::TINY`, and their
/// sum far below this.
fn least<T: Real>() -> f64 {
    T::TINY * (1u64 << 40) as f64
}
