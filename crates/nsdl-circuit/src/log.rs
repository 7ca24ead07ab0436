//! Evaluation in log space, for products that numbers cannot hold.
//!
//! The passes are those of any circuit, over numbers held by their logarithm. Weights of 0 and 1 are moved inward by the
//! smallest number of their type, so that logarithms and gradients are finite wherever a tuple can be derived.

use crate::blocks;
use crate::circuit::{Circuit, Evaluation};
use crate::real::{Log, Real};
use crate::tape::Tape;

/// The memory of an evaluation in log space, reused from call to call.
#[derive(Clone, Debug, Default)]
pub struct LogTape {
    tape: Tape<Log>,
    weights: Vec<Log>,
    outputs: Vec<Log>,
    seeds: Vec<Log>,
    gradients: Vec<Log>,
}

impl Circuit {
    /// The logarithms of the outputs of a batch; minus infinity for what no weights make possible. `weights` (no
    /// logarithms) is `[leaf][sample]`, `out` is `[output][sample]`. False where evaluation is not one fixed pass.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn log_forward<T: Real>(
        &self,
        weights: &[T],
        batch: usize,
        memory: &mut LogTape,
        out: &mut [T],
    ) -> bool {
        let Evaluation::Layers(layered) = &self.evaluation else {
            return false;
        };
        memory.weights.clear();
        let weights = weights[..self.leaves * batch].iter();
        memory
            .weights
            .extend(weights.map(|w| Log::of(w.to_f64().max(T::TINY).ln().min(-T::TINY))));
        memory.outputs.resize(self.outputs * batch, Log::ZERO);
        blocks::forward(
            layered,
            &memory.weights,
            batch,
            &mut memory.tape,
            &mut memory.outputs,
        );
        for (out, found) in out[..self.outputs * batch]
            .iter_mut()
            .zip(&mut memory.outputs)
        {
            if found.negative {
                // Rounding around a complement of almost nothing.
                *found = Log::ZERO;
            }
            *out = T::from_f64(found.log.min(0.0));
        }
        true
    }

    /// The gradient of the logarithms of the last [`Circuit::log_forward`] on this memory, weighted by `grad_out`, with
    /// respect to the weights; 0 where an output is impossible.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn log_backward<T: Real>(
        &self,
        batch: usize,
        memory: &mut LogTape,
        grad_out: &[T],
        grad_weights: &mut [T],
    ) {
        let Evaluation::Layers(layered) = &self.evaluation else {
            return;
        };
        memory.seeds.clear();
        let seeds = grad_out.iter().zip(&memory.outputs).map(|(seed, output)| {
            match output.log == f64::NEG_INFINITY {
                true => Log::ZERO,
                false => Log::from_f64(seed.to_f64()).over(output.log),
            }
        });
        memory.seeds.extend(seeds);
        memory.gradients.resize(self.leaves * batch, Log::ZERO);
        blocks::backward(
            layered,
            &memory.weights,
            batch,
            &mut memory.tape,
            &memory.seeds,
            &mut memory.gradients,
        );
        let most = 1.0 / T::TINY;
        for (to, from) in grad_weights.iter_mut().zip(&memory.gradients) {
            *to = T::from_f64(from.to_f64().clamp(-most, most));
        }
    }
}
