//! Second derivatives under top-k: which proofs are chosen has none, so they are those of the unions' weights.

use super::{Kept, Proofs, TopK};
use crate::real::{Dual, Real};
use crate::union;
use rayon::prelude::*;

impl TopK {
    /// How values and gradients change if the weights move in a direction, for the proofs that [`TopK::forward`] chose:
    /// the slopes are put in place of the samples' values, the curvatures in place of their gradients.
    pub fn second(
        &self,
        samples: &mut [Proofs],
        direction: impl Fn(usize, usize) -> f64 + Sync,
        seed: impl Fn(usize, usize) -> f64 + Sync,
    ) {
        let run = |(sample, state): (usize, &mut Proofs)| {
            let weights = state.weights.iter().enumerate();
            let weights: Vec<Dual<f64>> = weights
                .map(|(leaf, &value)| Dual {
                    value,
                    slope: direction(sample, leaf),
                })
                .collect();
            let mut gradient = vec![Dual::ZERO; self.leaves];
            state.values.clear();
            for (output, &node) in self.cone.outputs.iter().enumerate() {
                let (range, denied) = state.union_of(node);
                let kept = Kept {
                    proofs: &state.proofs[range],
                    literals: &state.literals,
                };
                let (union, variables) = (&mut state.union, &self.variables);
                let slope = union::weight(&kept, variables, &weights, union).slope;
                state.values.push(if denied { -slope } else { slope });
                let scale = seed(sample, output);
                if scale != 0.0 {
                    let scale = Dual::from_f64(if denied { -scale } else { scale });
                    union::add_gradient(&kept, variables, &weights, scale, &mut gradient, union);
                }
            }
            state.gradient.clear();
            state.gradient.extend(gradient.iter().map(|it| it.slope));
        };
        samples.par_iter_mut().enumerate().for_each(run);
    }
}
