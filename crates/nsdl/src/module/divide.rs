//! Outputs with evidence: the quotient of two outputs of the circuit, forward and backward.

use nsdl_circuit::Real;

use super::{Given, Module, Tape};

impl Module {
    /// Divides the columns of outputs by the probabilities of their evidence; NaN where that is 0.
    pub(super) fn divide<T: Real>(&self, tape: &mut Tape<T>, outputs: &mut [&mut [T]]) {
        let batch = tape.batch;
        tape.impossible.clear();
        if self.outputs.iter().all(|answers| answers.given.is_empty()) {
            return;
        }
        tape.impossible.resize(batch, false);
        for (answers, values) in self.outputs.iter().zip(outputs) {
            let width = answers.width();
            for (column, given) in answers.given.iter().enumerate() {
                for sample in 0..batch {
                    let Some(value) = values.get_mut(sample * width + column) else {
                        continue;
                    };
                    let share = given.share(&tape.values, batch, sample);
                    if share > 0.0 {
                        *value = T::from_f64(value.to_f64() / share);
                    } else {
                        *value = T::from_f64(f64::NAN);
                        if let Some(impossible) = tape.impossible.get_mut(sample) {
                            *impossible = true;
                        }
                    }
                }
            }
        }
    }

    /// Divides lower and upper bounds of columns by upper and lower ones of their evidence, from those of all outputs
    /// of the circuit; NaN where the evidence is impossible.
    pub(super) fn divide_bounds<T: Real>(
        &self,
        batch: usize,
        [low, high]: [&[T]; 2],
        lower: &mut [&mut [T]],
        upper: &mut [&mut [T]],
    ) {
        for ((answers, lower), upper) in self.outputs.iter().zip(lower).zip(upper) {
            let width = answers.width();
            for (column, given) in answers.given.iter().enumerate() {
                for sample in 0..batch {
                    let at = sample * width + column;
                    let (Some(lower), Some(upper)) = (lower.get_mut(at), upper.get_mut(at)) else {
                        continue;
                    };
                    let least = given.share(low, batch, sample);
                    let most = given.share(high, batch, sample);
                    let (from, to) = match (least > 0.0, most > 0.0) {
                        (_, false) => (f64::NAN, f64::NAN),
                        (false, true) => (lower.to_f64() / most, 1.0),
                        (true, true) => (lower.to_f64() / most, (upper.to_f64() / least).min(1.0)),
                    };
                    *lower = T::from_f64(from);
                    *upper = T::from_f64(to);
                }
            }
        }
    }

    /// Turns gradients by quotients, which the numerators have, into those by numerators and evidence. An
    /// impossible sample gets 0, so that it spoils no sum over the batch.
    pub(super) fn divide_backward<T: Real>(&self, tape: &mut Tape<T>, gradients: &[&[T]]) {
        let batch = tape.batch;
        for (answers, gradients) in self.outputs.iter().zip(gradients) {
            let width = answers.width();
            for (column, given) in answers.given.iter().enumerate() {
                let joint = answers.circuit.get(column).copied().flatten();
                for sample in 0..batch {
                    let gradient = gradients
                        .get(sample * width + column)
                        .map_or(0.0, |gradient| gradient.to_f64());
                    let share = given.share(&tape.values, batch, sample);
                    let at = |output: u32| output as usize * batch + sample;
                    let Some(joint) = joint.map(at) else {
                        continue;
                    };
                    let value = tape.values.get(joint).map_or(0.0, |value| value.to_f64());
                    let slope = if share > 0.0 { gradient / share } else { 0.0 };
                    if let Some(to) = tape.value_gradients.get_mut(joint) {
                        *to = T::from_f64(slope);
                    }
                    if let Given::Output(evidence) = given
                        && share > 0.0
                        && let Some(to) = tape.value_gradients.get_mut(at(*evidence))
                    {
                        *to -= T::from_f64(slope * value / share);
                    }
                }
            }
        }
    }
}

impl Module {
    /// How gradients by numerators and evidence, of [`Module::divide_backward`], change where the outputs of the circuit
    /// change by `slopes`.
    pub(super) fn divide_second<T: Real>(
        &self,
        tape: &mut Tape<T>,
        gradients: &[&[T]],
        slopes: &[T],
    ) {
        let batch = tape.batch;
        tape.value_gradients.fill(T::ZERO);
        for (answers, gradients) in self.outputs.iter().zip(gradients) {
            let width = answers.width();
            for (column, given) in answers.given.iter().enumerate() {
                let joint = answers.circuit.get(column).copied().flatten();
                let (Some(joint), Given::Output(evidence)) = (joint, given) else {
                    continue;
                };
                for sample in 0..batch {
                    let at = |output: u32| output as usize * batch + sample;
                    let of = |rows: &[T], output: u32| {
                        rows.get(at(output)).map_or(0.0, |value| value.to_f64())
                    };
                    let share = given.share(&tape.values, batch, sample);
                    if share.is_nan() || share <= 0.0 {
                        continue;
                    }
                    // By the numerator g / e, by the evidence −g · j / e².
                    let gradient = gradients.get(sample * width + column);
                    let slope = gradient.map_or(0.0, |gradient| gradient.to_f64()) / share;
                    let quotient = of(&tape.values, joint) / share;
                    let (numerator, denominator) = (of(slopes, joint), of(slopes, *evidence));
                    let by_evidence = slope * (numerator - 2.0 * quotient * denominator) / share;
                    if let Some(to) = tape.value_gradients.get_mut(at(joint)) {
                        *to -= T::from_f64(slope * denominator / share);
                    }
                    if let Some(to) = tape.value_gradients.get_mut(at(*evidence)) {
                        *to -= T::from_f64(by_evidence);
                    }
                }
            }
        }
    }

    /// Makes the slopes of numerators, in the columns of outputs, those of quotients; 0 where the evidence is
    /// impossible. `found` are those of the outputs of the circuit.
    pub(super) fn divide_slopes<T: Real>(
        &self,
        tape: &Tape<T>,
        found: &[T],
        slopes: &mut [&mut [T]],
    ) {
        let batch = tape.batch;
        for (answers, slopes) in self.outputs.iter().zip(slopes) {
            let width = answers.width();
            for (column, given) in answers.given.iter().enumerate() {
                let joint = answers.circuit.get(column).copied().flatten();
                for sample in 0..batch {
                    let Some(slope) = slopes.get_mut(sample * width + column) else {
                        continue;
                    };
                    let of = |rows: &[T], output: u32| {
                        let value = rows.get(output as usize * batch + sample);
                        value.map_or(0.0, |value| value.to_f64())
                    };
                    let share = given.share(&tape.values, batch, sample);
                    let change = match given {
                        Given::Output(evidence) => of(found, *evidence),
                        Given::Always | Given::Never => 0.0,
                    };
                    let joint = joint.map_or(0.0, |joint| of(&tape.values, joint));
                    *slope = match share > 0.0 {
                        true => T::from_f64((slope.to_f64() - joint / share * change) / share),
                        false => T::ZERO,
                    };
                }
            }
        }
    }
}

impl Module {
    /// Whether some output has evidence.
    pub fn is_conditioned(&self) -> bool {
        self.outputs.iter().any(|answers| !answers.given.is_empty())
    }

    /// In log space: subtracts the logarithms of the probabilities of evidence, in `tape.values`, from the outputs.
    pub(super) fn subtract<T: Real>(&self, tape: &mut Tape<T>, outputs: &mut [&mut [T]]) {
        let batch = tape.batch;
        // What only numbers could not hold is not impossible.
        tape.impossible.fill(false);
        for (answers, values) in self.outputs.iter().zip(outputs) {
            let width = answers.width();
            for (column, given) in answers.given.iter().enumerate() {
                for sample in 0..batch {
                    let Some(value) = values.get_mut(sample * width + column) else {
                        continue;
                    };
                    let share = given.log_share(&tape.values, batch, sample);
                    *value = match share > f64::NEG_INFINITY {
                        true => T::from_f64(value.to_f64() - share),
                        false => T::from_f64(f64::NAN),
                    };
                    if let Some(impossible) = tape.impossible.get_mut(sample) {
                        *impossible |= share == f64::NEG_INFINITY;
                    }
                }
            }
        }
    }

    /// Adds to the gradients by the outputs of the circuit in log space those by the evidence.
    pub(super) fn subtract_backward<T: Real>(
        &self,
        tape: &Tape<T>,
        gradients: &[&[T]],
        seeds: &mut [T],
    ) {
        let batch = tape.batch;
        for (answers, gradients) in self.outputs.iter().zip(gradients) {
            let width = answers.width();
            for (column, given) in answers.given.iter().enumerate() {
                let joint = answers.circuit.get(column).copied().flatten();
                for sample in 0..batch {
                    let (Some(joint), Some(gradient)) =
                        (joint, gradients.get(sample * width + column))
                    else {
                        continue;
                    };
                    let possible = given.log_share(&tape.values, batch, sample) > f64::NEG_INFINITY;
                    let at = |output: u32| output as usize * batch + sample;
                    if !possible {
                        if let Some(to) = seeds.get_mut(at(joint)) {
                            *to = T::ZERO;
                        }
                    } else if let Given::Output(evidence) = given
                        && let Some(to) = seeds.get_mut(at(*evidence))
                    {
                        *to -= *gradient;
                    }
                }
            }
        }
    }

    /// Makes the seed of an output of the circuit that of its quotient by its evidence, whose output it returns, seeded
    /// too.
    pub(super) fn seed_quotient<T: Real>(
        &self,
        tape: &Tape<T>,
        joint: usize,
        given: Given,
        seeds: &mut [T],
    ) -> Option<usize> {
        let batch = tape.batch;
        let evidence = match given {
            Given::Output(evidence) => Some(evidence as usize),
            _ => None,
        };
        for sample in 0..batch {
            let share = given.share(&tape.values, batch, sample);
            let value = tape.values.get(joint * batch + sample);
            let value = value.map_or(0.0, |value| value.to_f64());
            let slope = if share > 0.0 { 1.0 / share } else { 0.0 };
            if let Some(seed) = seeds.get_mut(joint * batch + sample) {
                *seed = T::from_f64(slope);
            }
            let seed = evidence.and_then(|evidence| seeds.get_mut(evidence * batch + sample));
            if let Some(seed) = seed {
                *seed = T::from_f64(-value * slope * slope);
            }
        }
        evidence
    }
}

impl Given {
    /// The logarithm of the probability of the evidence in a sample, where `values` are logarithms.
    fn log_share<T: Real>(self, values: &[T], batch: usize, sample: usize) -> f64 {
        match self {
            Given::Always => 0.0,
            Given::Never => f64::NEG_INFINITY,
            Given::Output(output) => values
                .get(output as usize * batch + sample)
                .map_or(f64::NEG_INFINITY, |value| value.to_f64()),
        }
    }

    /// The probability of the evidence in a sample, where `values` are `[output][sample]`.
    fn share<T: Real>(self, values: &[T], batch: usize, sample: usize) -> f64 {
        match self {
            Given::Always => 1.0,
            Given::Never => 0.0,
            Given::Output(output) => values
                .get(output as usize * batch + sample)
                .map_or(0.0, |value| value.to_f64()),
        }
    }
}
