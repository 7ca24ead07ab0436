//! Forward sampling: the share of drawn worlds in which an output holds.
//!
//! Worlds are drawn 64 at a time, one bit of a word each, and the cone is evaluated on words; tuples that support each
//! other go round until nothing changes, which is their least fixpoint in all 64 worlds at once. Every number drawn
//! depends on the seed, the call, the sample, the word and the variable alone, so that any number of threads draws
//! the same worlds and the reverse pass can draw them again.
//!
//! Gradients are estimated from the same worlds. The score function, d P(o) / d w = E[o · d ln P(world) / d w], with the
//! mean as control variate (Williams, "Simple statistical gradient-following algorithms", 1992), has no bias, but for
//! values of weight 0, which are never drawn and count as if nothing depended on them. Straight through (Bengio,
//! Léonard and Courville, 2013) takes the derivative of the operations as products and noisy-or at the values drawn: less
//! noise, and a bias wherever a variable is met twice.

pub(crate) mod random;
mod straight;

use crate::cone::{Cone, Cycle, Op};
use nsdl_ir::Trace;
use random::{bits, word};
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How gradients are estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Estimator {
    /// The score function: no bias, more noise.
    #[default]
    Score,
    /// Through the operations at the values drawn: less noise, biased where a variable is met twice.
    StraightThrough,
}

/// Draws worlds.
#[derive(Clone, Debug)]
pub(crate) struct Sampler {
    cone: Cone,
    worlds: usize,
    seed: u64,
    estimator: Estimator,
    /// Leaves `groups[g].0..groups[g].1` are those of group `g`.
    groups: Vec<(u32, u32)>,
    leaves: usize,
    /// Each call draws other worlds.
    calls: Arc<AtomicU64>,
}

/// The evaluation of one sample of a batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sampled {
    weights: Vec<f64>,
    /// In how many worlds each output holds.
    counts: Vec<u64>,
    gradient: Vec<f64>,
    /// 64 worlds: leaves, nodes, and the sums of tallies.
    chosen: Vec<u64>,
    words: Vec<u64>,
    sums: Vec<Sums>,
    /// In how many worlds each leaf, or no leaf of its group, holds; together with each output.
    tally: Vec<f64>,
}

/// A sum in each of 64 worlds, and those where it has a member.
#[derive(Clone, Debug)]
struct Sums {
    sums: Box<[i64; 64]>,
    present: u64,
}

impl Sampler {
    pub fn new(cone: Cone, trace: &Trace, worlds: usize, seed: u64, estimator: Estimator) -> Self {
        Self {
            cone,
            worlds: worlds.max(1),
            seed,
            estimator,
            groups: trace.groups.iter().map(|g| (g.start, g.end)).collect(),
            leaves: trace.leaves.len(),
            calls: Arc::default(),
        }
    }

    pub fn cone(&self) -> &Cone {
        &self.cone
    }

    /// Draws the worlds of all samples; returns the number of this call, which the reverse pass needs.
    pub fn forward(
        &self,
        batch: usize,
        samples: &mut Vec<Sampled>,
        weights: impl Fn(usize, usize) -> f64 + Sync,
    ) -> u64 {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        samples.resize_with(batch, Sampled::default);
        samples
            .par_iter_mut()
            .enumerate()
            .for_each(|(sample, state)| {
                state.weights.clear();
                let own = (0..self.leaves).map(|leaf| weights(sample, leaf));
                state.weights.extend(own);
                state.counts.clear();
                state.counts.resize(self.cone.outputs.len(), 0);
                for chunk in 0..self.worlds.div_ceil(64) {
                    self.draw(call, sample, chunk, state);
                    self.evaluate(state);
                    let mask = self.mask(chunk);
                    for (count, &output) in state.counts.iter_mut().zip(&self.cone.outputs) {
                        *count += u64::from((state.words[output as usize] & mask).count_ones());
                    }
                }
            });
        call
    }

    /// The estimate of an output.
    pub fn estimate(&self, state: &Sampled, output: usize) -> f64 {
        state.counts[output] as f64 / self.worlds as f64
    }

    /// The interval that contains the probability in 95 of 100 such estimates (Wilson, "Probable inference", 1927).
    pub fn interval(&self, state: &Sampled, output: usize) -> [f64; 2] {
        let (n, p) = (self.worlds as f64, self.estimate(state, output));
        let z = 1.959_963_984_540_054_f64;
        let middle = p + z * z / (2.0 * n);
        let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + z * z / n;
        [
            ((middle - half) / scale).max(0.0),
            ((middle + half) / scale).min(1.0),
        ]
    }

    /// Estimates of the gradients of all samples; `seed(sample, output)` is the gradient of an output.
    pub fn backward(
        &self,
        call: u64,
        samples: &mut [Sampled],
        seed: impl Fn(usize, usize) -> f64 + Sync,
    ) {
        samples
            .par_iter_mut()
            .enumerate()
            .for_each(|(sample, state)| {
                let seeds: Vec<f64> = (0..self.cone.outputs.len())
                    .map(|output| seed(sample, output))
                    .collect();
                state.gradient.clear();
                state.gradient.resize(self.leaves, 0.0);
                match self.estimator {
                    Estimator::Score => self.score(call, sample, &seeds, state),
                    Estimator::StraightThrough => self.straight(call, sample, &seeds, state),
                }
            });
    }

    /// The gradient of one leaf.
    pub fn gradient(&self, state: &Sampled, leaf: usize) -> f64 {
        state.gradient[leaf]
    }

    /// The worlds of a word that count.
    fn mask(&self, chunk: usize) -> u64 {
        let left = self.worlds - 64 * chunk;
        if left >= 64 {
            u64::MAX
        } else {
            (1 << left) - 1
        }
    }

    /// Draws the values of all variables in 64 worlds.
    fn draw(&self, call: u64, sample: usize, chunk: usize, state: &mut Sampled) {
        state.chosen.clear();
        state.chosen.resize(self.leaves, 0);
        let place = word(&[self.seed, call, sample as u64, chunk as u64]);
        for (group, &(first, end)) in self.groups.iter().enumerate() {
            let place = word(&[place, group as u64]);
            let range = first as usize..end as usize;
            bits(
                place,
                &state.weights[range.clone()],
                &mut state.chosen[range],
            );
        }
    }

    fn evaluate(&self, state: &mut Sampled) {
        state.words.clear();
        state.words.resize(self.cone.len(), 0);
        let empty = Sums {
            sums: Box::new([0; 64]),
            present: 0,
        };
        state.sums.resize(self.cone.tallies.len(), empty);
        let mut cycles = self.cone.cycles.iter().peekable();
        let mut node = 0u32;
        while (node as usize) < self.cone.len() {
            if let Some(cycle) = cycles.next_if(|cycle| cycle.start == node) {
                self.close(cycle, &mut state.words);
                node = cycle.end;
                continue;
            }
            state.words[node as usize] = match self.cone.ops[node as usize] {
                Op::Leaf(leaf) => state.chosen[leaf.index()],
                Op::Tally(number) => {
                    self.sum(node, number as usize, state);
                    0
                }
                Op::Is(sum) => self.equal(node, sum, state),
                _ => self.value(node, &state.words),
            };
            node += 1;
        }
    }

    fn value(&self, node: u32, words: &[u64]) -> u64 {
        let children = self.cone.children(node).iter();
        let children = children.map(|&child| words[child as usize]);
        match self.cone.ops[node as usize] {
            Op::One => u64::MAX,
            Op::Not => !children.fold(0, |_, x| x),
            Op::And => children.fold(u64::MAX, |a, x| a & x),
            Op::Or | Op::Sum => children.fold(0, |a, x| a | x),
            Op::Zero | Op::Leaf(_) | Op::Tally(_) | Op::Is(_) => 0,
        }
    }

    /// The least fixpoint of a cycle.
    fn close(&self, cycle: &Cycle, words: &mut [u64]) {
        let unknowns = cycle.start..cycle.start + cycle.unknowns;
        let mut changed = true;
        while changed {
            changed = false;
            for instance in unknowns.end..cycle.end {
                words[instance as usize] = self.value(instance, words);
            }
            for unknown in unknowns.clone() {
                let value = self.value(unknown, words);
                changed |= value != words[unknown as usize];
                words[unknown as usize] = value;
            }
        }
    }

    fn sum(&self, node: u32, number: usize, state: &mut Sampled) {
        let into = &mut state.sums[number];
        into.sums.fill(0);
        into.present = 0;
        let members = self.cone.children(node).iter();
        for (&member, &value) in members.zip(&self.cone.tallies[number].values) {
            let holds = state.words[member as usize];
            into.present |= holds;
            for (world, sum) in into.sums.iter_mut().enumerate() {
                *sum += value * (holds >> world & 1) as i64;
            }
        }
    }

    fn equal(&self, node: u32, sum: i64, state: &Sampled) -> u64 {
        let Op::Tally(number) = self.cone.ops[self.cone.children(node)[0] as usize] else {
            return 0;
        };
        let of = &state.sums[number as usize];
        let sums = of.sums.iter().enumerate();
        let equal = sums.fold(0, |all, (world, &found)| {
            all | u64::from(found == sum) << world
        });
        match self.cone.tallies[number as usize].nonempty {
            true => equal & of.present,
            false => equal,
        }
    }

    fn score(&self, call: u64, sample: usize, seeds: &[f64], state: &mut Sampled) {
        let n = self.worlds as f64;
        // Σ over worlds of score times Σ over outputs of seed · (holds − mean), by leaf and for none of each group.
        state.tally.clear();
        state.tally.resize(self.leaves + self.groups.len(), 0.0);
        let means: Vec<f64> = (0..seeds.len())
            .map(|output| self.estimate(state, output))
            .collect();
        let mean: f64 = means.iter().zip(seeds).map(|(m, s)| m * s).sum();
        for chunk in 0..self.worlds.div_ceil(64) {
            self.draw(call, sample, chunk, state);
            self.evaluate(state);
            let mask = self.mask(chunk);
            let mut rewards = [0.0; 64];
            for (&output, &seed) in self.cone.outputs.iter().zip(seeds) {
                if seed != 0.0 {
                    let holds = state.words[output as usize];
                    for (world, reward) in rewards.iter_mut().enumerate() {
                        *reward += seed * (holds >> world & 1) as f64;
                    }
                }
            }
            let total = |mut worlds: u64| {
                let mut total = 0.0;
                while worlds != 0 {
                    total += rewards[worlds.trailing_zeros() as usize] - mean;
                    worlds &= worlds - 1;
                }
                total
            };
            for (group, &(first, end)) in self.groups.iter().enumerate() {
                let mut none = mask;
                for leaf in first as usize..end as usize {
                    let chosen = state.chosen[leaf] & mask;
                    none &= !chosen;
                    state.tally[leaf] += total(chosen);
                }
                state.tally[self.leaves + group] += total(none);
            }
        }
        let scale = 1.0 / (n - 1.0).max(1.0);
        let share = |sum: f64, weight: f64| if weight > 0.0 { sum / weight } else { 0.0 };
        for (group, &(first, end)) in self.groups.iter().enumerate() {
            let range = first as usize..end as usize;
            let left = 1.0 - state.weights[range.clone()].iter().sum::<f64>();
            // What is left by rounding is never drawn.
            let left = if left > 1e-6 { left } else { 0.0 };
            let none = share(state.tally[self.leaves + group], left);
            for leaf in range {
                let own = share(state.tally[leaf], state.weights[leaf]);
                state.gradient[leaf] = scale * (own - none);
            }
        }
    }
}
