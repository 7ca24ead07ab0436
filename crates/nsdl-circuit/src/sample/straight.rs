//! Straight-through gradients: the derivatives of products and noisy-or at the values drawn.

use super::{Sampled, Sampler};
use crate::cone::Op;

impl Sampler {
    /// Worlds are evaluated again, and each passes the seeds back to the leaves. Within a cycle a tuple passes
    /// nothing on to tuples of the cycle: only what enters it counts.
    pub(super) fn straight(&self, call: u64, sample: usize, seeds: &[f64], state: &mut Sampled) {
        let mut flow = vec![[0.0f64; 64]; self.cone.len()];
        for chunk in 0..self.worlds.div_ceil(64) {
            self.draw(call, sample, chunk, state);
            self.evaluate(state);
            let mask = self.mask(chunk);
            flow.iter_mut().for_each(|row| row.fill(0.0));
            for (&output, &seed) in self.cone.outputs.iter().zip(seeds) {
                for (world, flow) in flow[output as usize].iter_mut().enumerate() {
                    *flow += seed * (mask >> world & 1) as f64;
                }
            }
            for node in (0..self.cone.len() as u32).rev() {
                let own = flow[node as usize];
                if own.iter().all(|flow| *flow == 0.0) {
                    continue;
                }
                if let Op::Leaf(leaf) = self.cone.ops[node as usize] {
                    state.gradient[leaf.index()] += own.iter().sum::<f64>();
                    continue;
                }
                self.pass(node, &own, &state.words, &mut flow);
            }
        }
        let n = self.worlds as f64;
        state.gradient.iter_mut().for_each(|slope| *slope /= n);
    }

    /// What flows from a node to its children, in each world.
    fn pass(&self, node: u32, own: &[f64; 64], words: &[u64], flow: &mut [[f64; 64]]) {
        let children = self.cone.children(node);
        let (neutral, sign) = match self.cone.ops[node as usize] {
            Op::And => (u64::MAX, 1.0),
            Op::Or | Op::Sum => (0, 1.0),
            Op::Not => (0, -1.0),
            _ => return,
        };
        let exclusive = self.cone.ops[node as usize] == Op::Sum;
        for (i, &child) in children.iter().enumerate() {
            let others = children.iter().enumerate().filter(|&(j, _)| j != i);
            let others = others.map(|(_, &other)| words[other as usize]);
            // A child matters where all others are neutral; alternatives that exclude each other always do.
            let matters = match (neutral, exclusive) {
                (_, true) => u64::MAX,
                (0, _) => others.fold(u64::MAX, |all, other| all & !other),
                _ => others.fold(u64::MAX, |all, other| all & other),
            };
            if child >= node {
                // Back into a cycle.
                continue;
            }
            let to = &mut flow[child as usize];
            for world in 0..64 {
                to[world] += sign * own[world] * (matters >> world & 1) as f64;
            }
        }
    }
}
