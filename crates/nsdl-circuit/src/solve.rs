//! Numeric algebras, evaluated on the trace as it stands.
//!
//! Without cycles they are layers like any other circuit. On a cycle samples are iterated to their least fixpoints
//! from zero, in `f64`: those with a maximum of alternatives exactly (values only grow, and going round gains
//! nothing), the others until the change is below 1e-12 or for 1,000 rounds. Costs rounds × edges of the cycle.
//!
//! Up to eight samples go side by side in the lanes of vectors, `[node][sample]`. Each has the values, the rounds and
//! the gradient that it would have alone, to the last bit: one that is done waits for the others.

mod adjoint;
mod algebra;
mod edges;
mod fixpoint;
mod linear;
mod number;
mod reverse;
mod tangent;

pub(crate) use algebra::Algebra;

use crate::builder::Builder;
use crate::cone::{Cone, Op};
use crate::kernel::dispatch;
use crate::layers::Layered;
use crate::users::Users;
use fixpoint::evaluate;
use number::Number;
use rayon::prelude::*;
use reverse::propagate;
use tangent::{Sloped, curve};

/// Rounds after which sums give up on a cycle.
pub(crate) const ROUNDS: usize = 1000;

/// The most samples that go side by side.
const WIDEST: usize = 8;

/// The layers of a cone without cycles.
pub(crate) fn layers(leaves: usize, cone: &Cone, algebra: Algebra) -> Layered {
    let mut builder = Builder::new(leaves);
    builder.reserve(cone.len());
    let mut nodes = Vec::with_capacity(cone.len());
    let mut children = Vec::new();
    for node in 0..cone.len() {
        let below = cone.children(node as u32).iter();
        children.clear();
        children.extend(below.map(|&child| nodes[child as usize]));
        nodes.push(match (cone.ops[node], algebra) {
            (Op::Zero, _) => builder.zero(),
            (Op::One, _) => builder.one(),
            (Op::Leaf(leaf), _) => leaf.0,
            (Op::Not, _) => builder.complement(children[0]),
            // Only exact inference has them.
            (Op::Tally(_) | Op::Is(_), _) => builder.zero(),
            (Op::And, Algebra::MinMax | Algebra::NandMin) => builder.min(&mut children),
            (Op::And, Algebra::Lukasiewicz) => builder.dual(&mut children, Builder::clamped_sum),
            (Op::And, _) => builder.product(&mut children),
            (Op::Or, Algebra::NandMult | Algebra::NandMin) => {
                builder.dual(&mut children, Builder::product)
            }
            (Op::Or, Algebra::AddMult | Algebra::Lukasiewicz) => builder.clamped_sum(&mut children),
            (Op::Sum, Algebra::AddMult | Algebra::NandMult) => builder.sum(&mut children),
            (Op::Or | Op::Sum, _) => builder.max(&mut children),
        });
    }
    let outputs: Vec<u32> = cone
        .outputs
        .iter()
        .map(|&output| nodes[output as usize])
        .collect();
    builder.finish(&outputs)
}

/// The evaluation of some samples side by side. What is `[node][sample]` is as wide as there are samples.
#[derive(Clone, Debug, Default)]
pub(crate) struct Solved<T = f64> {
    /// `[leaf][sample]`, and what becomes of them.
    weights: Vec<T>,
    gradient: Vec<T>,
    values: Vec<T>,
    adjoints: Vec<T>,
    /// For maxima on a cycle, `[node][sample]`: the round in which a tuple reached its value, and through which child.
    reached: Vec<(u32, u32)>,
    residual: f64,
    /// How many rounds the longest of their fixpoints took.
    pub rounds: usize,
    scratch: Scratch<T>,
}

/// What the passes over one cycle need for themselves, kept from call to call.
#[derive(Clone, Debug, Default)]
struct Scratch<T> {
    fixpoint: fixpoint::Scratch,
    adjoint: adjoint::Scratch<T>,
    order: Vec<u64>,
}

/// The memory of second derivatives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Curved {
    plain: Vec<Solved>,
    sloped: Vec<Solved<Sloped>>,
}

/// Evaluates cones with cycles.
#[derive(Clone, Debug)]
pub(crate) struct Solver {
    pub cone: Cone,
    algebra: Algebra,
    pub leaves: usize,
    /// Of each tuple on a cycle, the tuples of its cycle that use it.
    users: Users,
}

/// How many samples of a batch go side by side.
fn width(batch: usize) -> usize {
    match batch {
        0 | 1 => 1,
        2..=4 => 4,
        _ => WIDEST,
    }
}

dispatch!(forward, evaluate, [const L: usize], [L], (solver: &Solver, solved: &mut Solved));
dispatch!(backward, propagate, [T: Number, const L: usize], [T, L], (solver: &Solver, solved: &mut Solved<T>));
dispatch!(bend, curve, [const L: usize], [L], (solver: &Solver, solved: &mut Solved<Sloped>));

impl Solver {
    pub fn new(cone: Cone, algebra: Algebra, leaves: usize) -> Self {
        Self {
            users: Users::new(&cone),
            cone,
            algebra,
            leaves,
        }
    }

    /// Values of all samples; `weights(sample, leaf)` gives the numbers.
    pub fn forward(
        &self,
        batch: usize,
        blocks: &mut Vec<Solved>,
        weights: impl Fn(usize, usize) -> f64 + Sync,
    ) -> f64 {
        let width = width(batch);
        blocks.resize_with(batch.div_ceil(width), Solved::default);
        self.each(batch, blocks, |(block, solved)| {
            // The last sample fills what is left of its block, so that nothing there takes more rounds.
            let samples = (0..width).map(|lane| (block * width + lane).min(batch - 1));
            solved.weights.clear();
            for leaf in 0..self.leaves {
                let row = samples.clone().map(|sample| weights(sample, leaf));
                solved.weights.extend(row);
            }
            match width {
                1 => forward::<1>(self, solved),
                4 => forward::<4>(self, solved),
                _ => forward::<WIDEST>(self, solved),
            }
        });
        blocks
            .iter()
            .map(|solved| solved.residual)
            .fold(0.0, f64::max)
    }

    /// The value of an output.
    pub fn output<T: Number>(
        &self,
        batch: usize,
        blocks: &[Solved<T>],
        sample: usize,
        output: usize,
    ) -> T {
        let width = width(batch);
        let row = self.cone.outputs[output] as usize * width;
        blocks[sample / width].values[row + sample % width]
    }

    /// Gradients of all samples; `seed(sample, output)` is the gradient of an output.
    pub fn backward(
        &self,
        batch: usize,
        blocks: &mut [Solved],
        seed: impl Fn(usize, usize) -> f64 + Sync,
    ) {
        self.each(batch, blocks, |(block, solved)| {
            self.sow(batch, block, &mut solved.adjoints, &seed);
            match width(batch) {
                1 => backward::<f64, 1>(self, solved),
                4 => backward::<f64, 4>(self, solved),
                _ => backward::<f64, WIDEST>(self, solved),
            }
        });
    }

    /// The seeds of a block, at the nodes of its outputs.
    fn sow<T: Number>(
        &self,
        batch: usize,
        block: usize,
        adjoints: &mut Vec<T>,
        seed: impl Fn(usize, usize) -> f64,
    ) {
        let width = width(batch);
        let samples = block * width..batch.min((block + 1) * width);
        adjoints.clear();
        adjoints.resize(self.cone.len() * width, T::ZERO);
        for (output, &node) in self.cone.outputs.iter().enumerate() {
            let row = &mut adjoints[node as usize * width..][..samples.len()];
            for (adjoint, sample) in row.iter_mut().zip(samples.clone()) {
                *adjoint += T::new(seed(sample, output), 0.0);
            }
        }
    }

    /// Values and gradients of all samples with their slopes, if the weights move in a direction.
    ///
    /// A cycle is solved for the slopes of its values, and for those of its adjoints, as it is for the adjoints: they
    /// are systems with one matrix. Which alternative a maximum or minimum takes, and what is clamped, is taken as given.
    pub fn second<'m>(
        &self,
        batch: usize,
        memory: &'m mut Curved,
        weights: impl Fn(usize, usize) -> f64 + Sync,
        direction: impl Fn(usize, usize) -> f64 + Sync,
        seed: impl Fn(usize, usize) -> f64 + Sync,
    ) -> &'m [Solved<Sloped>] {
        let Curved { plain, sloped } = memory;
        self.forward(batch, plain, weights);
        sloped.resize_with(plain.len(), Solved::default);
        let width = width(batch);
        self.each(batch, sloped, |(block, solved)| {
            let plain = &plain[block];
            let samples = (0..width).map(|lane| (block * width + lane).min(batch - 1));
            let slopes = (0..self.leaves).flat_map(|leaf| {
                let direction = &direction;
                samples.clone().map(move |sample| direction(sample, leaf))
            });
            let weights = plain.weights.iter().zip(slopes);
            solved.weights.clear();
            solved
                .weights
                .extend(weights.map(|(&value, slope)| Sloped::new(value, slope)));
            solved.values.clear();
            solved
                .values
                .extend(plain.values.iter().map(|&value| Sloped::new(value, 0.0)));
            solved.reached.clone_from(&plain.reached);
            self.sow(batch, block, &mut solved.adjoints, &seed);
            match width {
                1 => bend::<1>(self, solved),
                4 => bend::<4>(self, solved),
                _ => bend::<WIDEST>(self, solved),
            }
        });
        sloped
    }

    /// The gradient of one leaf.
    pub fn gradient<T: Number>(
        &self,
        batch: usize,
        blocks: &[Solved<T>],
        sample: usize,
        leaf: usize,
    ) -> T {
        let width = width(batch);
        blocks[sample / width].gradient[leaf * width + sample % width]
    }

    fn each<T: Number>(
        &self,
        batch: usize,
        blocks: &mut [Solved<T>],
        run: impl Fn((usize, &mut Solved<T>)) + Sync + Send,
    ) {
        if blocks.len() > 1 && batch * self.cone.len() > 1 << 14 {
            blocks.par_iter_mut().enumerate().for_each(run);
        } else {
            blocks.iter_mut().enumerate().for_each(run);
        }
    }
}
