//! Second derivatives: a forward and a reverse pass over numbers that carry a derivative (forward over reverse), one of
//! each whatever the number of leaves (Pearlmutter, "Fast exact multiplication by the Hessian", 1994).

use crate::blocks;
use crate::circuit::{Circuit, Evaluation};
use crate::real::{Dual, Real};
use crate::solve::{Curved, Solver};
use crate::tape::Tape;
use crate::topk::{Proofs, TopK};

/// The memory of second derivatives, reused from call to call.
#[derive(Clone, Debug, Default)]
pub struct SecondTape<T> {
    tape: Tape<Dual<T>>,
    proofs: Vec<Proofs>,
    curved: Curved,
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
    /// Which proofs are kept under top-k is taken as given, and which alternative is the greatest. False, and nothing is
    /// written, where worlds are drawn.
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
        let layered = match &self.evaluation {
            Evaluation::Layers(layered) => layered,
            Evaluation::Straight(straight) => straight.layered(),
            Evaluation::Proofs(engine) => {
                chosen(engine, at, batch, &mut memory.proofs, slopes, curvature);
                return true;
            }
            Evaluation::Cycles(solver) => {
                solved(solver, at, batch, &mut memory.curved, slopes, curvature);
                return true;
            }
            Evaluation::Worlds(_) => return false,
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

/// The same through cycles.
fn solved<T: Real>(
    solver: &Solver,
    at: Direction<'_, T>,
    batch: usize,
    memory: &mut Curved,
    slopes: &mut [T],
    curvature: &mut [T],
) {
    let entry = |values: &[T], row: usize, sample: usize| values[row * batch + sample].to_f64();
    let found = solver.second(
        batch,
        memory,
        |sample, leaf| entry(at.weights, leaf, sample),
        |sample, leaf| entry(at.weight_slopes, leaf, sample),
        |sample, output| entry(at.grad_out, output, sample),
    );
    for sample in 0..batch {
        for output in 0..solver.cone.outputs.len() {
            let value = solver.output(batch, found, sample, output);
            slopes[output * batch + sample] = T::from_f64(value.slope);
        }
        for leaf in 0..solver.leaves {
            let gradient = solver.gradient(batch, found, sample, leaf);
            curvature[leaf * batch + sample] = T::from_f64(gradient.slope);
        }
    }
}

/// The same of the proofs that are chosen for the weights.
fn chosen<T: Real>(
    engine: &TopK,
    at: Direction<'_, T>,
    batch: usize,
    samples: &mut Vec<Proofs>,
    slopes: &mut [T],
    curvature: &mut [T],
) {
    let entry = |values: &[T], row: usize, sample: usize| values[row * batch + sample].to_f64();
    engine.forward(batch, samples, |sample, leaf| {
        entry(at.weights, leaf, sample)
    });
    engine.second(
        samples,
        |sample, leaf| entry(at.weight_slopes, leaf, sample),
        |sample, output| entry(at.grad_out, output, sample),
    );
    for (sample, found) in samples.iter().enumerate() {
        for (row, &slope) in found.values.iter().enumerate() {
            slopes[row * batch + sample] = T::from_f64(slope);
        }
        for (row, &product) in found.gradient.iter().enumerate() {
            curvature[row * batch + sample] = T::from_f64(product);
        }
    }
}
