//! Second derivatives: a forward and a reverse pass over numbers that carry a derivative (forward over reverse), one of
//! each whatever the number of leaves (Pearlmutter, "Fast exact multiplication by the Hessian", 1994).

use crate::blocks;
use crate::circuit::{Circuit, Evaluation};
use crate::real::{Dual, Real};
use crate::tape::Tape;

/// The memory of second derivatives, reused from call to call.
#[derive(Clone, Debug, Default)]
pub struct SecondTape<T> {
    tape: Tape<Dual<T>>,
    weights: Vec<Dual<T>>,
    outputs: Vec<Dual<T>>,
    seeds: Vec<Dual<T>>,
    gradients: Vec<Dual<T>>,
}

/// What [`Circuit::second`] is given: all are `[leaf][sample]` or `[output][sample]`.
#[derive(Clone, Copy, Debug)]
pub struct Direction<'a, T> {
    /// The weights.
    pub weights: &'a [T],
    /// How the weights change.
    pub weight_slopes: &'a [T],
    /// The gradient of something with respect to the outputs.
    pub grad_out: &'a [T],
}

impl Circuit {
    /// How the outputs, and the gradient that [`Circuit::backward`] gives, change with the weights: `slopes` is the
    /// Jacobian times the direction (`[output][sample]`), `curvature` the Hessian of the outputs weighted by `grad_out`,
    /// times the direction (`[leaf][sample]`).
    ///
    /// False, and nothing is written, where evaluation is not one fixed pass.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn second<T: Real>(
        &self,
        at: Direction<'_, T>,
        batch: usize,
        memory: &mut SecondTape<T>,
        slopes: &mut [T],
        curvature: &mut [T],
    ) -> bool {
        let Evaluation::Layers(layered) = &self.evaluation else {
            return false;
        };
        let (inputs, outputs) = (self.leaves * batch, self.outputs * batch);
        let pairs = at.weights[..inputs].iter().zip(&at.weight_slopes[..inputs]);
        memory.weights.clear();
        memory
            .weights
            .extend(pairs.map(|(&value, &slope)| Dual { value, slope }));
        memory.outputs.resize(outputs, Dual::ZERO);
        blocks::forward(
            layered,
            &memory.weights,
            batch,
            &mut memory.tape,
            &mut memory.outputs,
        );
        for (slope, output) in slopes[..outputs].iter_mut().zip(&memory.outputs) {
            *slope = output.slope;
        }
        memory.seeds.clear();
        let seeds = at.grad_out[..outputs].iter();
        memory.seeds.extend(seeds.map(|&value| Dual {
            value,
            slope: T::ZERO,
        }));
        memory.gradients.resize(inputs, Dual::ZERO);
        blocks::backward(
            layered,
            &memory.weights,
            batch,
            &mut memory.tape,
            &memory.seeds,
            &mut memory.gradients,
        );
        for (curvature, gradient) in curvature[..inputs].iter_mut().zip(&memory.gradients) {
            *curvature = gradient.slope;
        }
        true
    }
}
