//! Evaluation in log space, for products that numbers cannot hold.
//!
//! Forward passes are over logarithms, reverse passes over plain numbers (`kernel/log.rs`). Weights of 0 and 1 are moved
//! inward by next to nothing, so that logarithms and gradients are finite wherever a tuple can be derived.

use crate::blocks::{self, Passes};
use crate::circuit::Circuit;
use crate::kernel::log::{INWARD, Ln};
use crate::real::Real;
use crate::tape::Tape;

/// How far weights of 0 and 1 are moved inward.
fn inward<T: Real>() -> f64 {
    T::TINY.max(INWARD)
}

/// The memory of an evaluation in log space, reused from call to call.
#[derive(Clone, Debug, Default)]
pub struct LogTape {
    tape: Tape<Ln, f64>,
    weights: Vec<Ln>,
    outputs: Vec<Ln>,
    seeds: Vec<f64>,
    flows: Vec<f64>,
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
        let Some(layered) = self.layered() else {
            return false;
        };
        memory.weights.clear();
        let inward = inward::<T>();
        let weights = weights[..self.leaves * batch].iter();
        memory
            .weights
            .extend(weights.map(|w| Ln(w.to_f64().max(inward).ln().min(-inward))));
        memory.outputs.resize(self.outputs * batch, Ln::ZERO);
        let (tape, outputs) = (&mut memory.tape, &mut memory.outputs);
        blocks::forward(layered, &memory.weights, batch, tape, outputs);
        for (out, found) in out.iter_mut().zip(outputs) {
            *out = T::from_f64(found.0.min(0.0));
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
        let Some(layered) = self.layered() else {
            return;
        };
        memory.seeds.clear();
        let seeds = grad_out.iter().zip(&memory.outputs);
        memory
            .seeds
            .extend(seeds.map(|(seed, &output)| match output {
                Ln::ZERO => 0.0,
                _ => seed.to_f64(),
            }));
        memory.flows.resize(self.leaves * batch, 0.0);
        blocks::backward(
            layered,
            &memory.weights,
            batch,
            &mut memory.tape,
            &memory.seeds,
            &mut memory.flows,
        );
        let most = 1.0 / inward::<T>();
        let flows = memory.flows.iter().zip(&memory.weights);
        for (to, (flow, weight)) in grad_weights.iter_mut().zip(flows) {
            *to = T::from_f64((flow / weight.0.exp()).clamp(-most, most));
        }
    }
}
