//! Traces to circuits, and circuits to probabilities and gradients.
//!
//! [`compile`] turns the part of a trace that some outputs depend on into a [`Circuit`]; the circuit is then
//! evaluated for any number of batches of leaf weights. See [`Inference`] for the methods.

mod auto;
mod blocks;
mod builder;
mod circuit;
mod condition;
mod cone;
mod count;
mod evaluate;
mod exact;
mod fixpoint;
mod formula;
mod kernel;
mod layers;
mod load;
mod log;
mod proofs;
mod real;
mod report;
mod sample;
mod second;
mod solve;
mod straight;
mod support;
mod tape;
mod topk;
mod union;
mod users;
mod world;

pub use circuit::{Circuit, compile, compile_once};
pub use count::{CountTape, LogicCircuit, Semiring};
pub use evaluate::{Evaluated, evaluate};
pub use layers::{Layer, LayerOp};
pub use log::LogTape;
pub use proofs::{Proof, ProofLiteral, proofs};
pub use real::Real;
pub use report::{Method, Report};
pub use sample::Estimator;
pub use second::{Direction, SecondTape};
pub use tape::Tape;
pub use world::{World, most_probable_world};

use std::sync::atomic::{AtomicBool, Ordering};

/// How probabilities are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Inference {
    /// Maximum of alternatives, minimum of conjuncts, 1 − x.
    MinMax,
    /// Sum of alternatives up to 1, product of conjuncts, 1 − x.
    AddMult,
    /// 1 − Π(1 − x) of alternatives, product of conjuncts, 1 − x.
    NandMult,
    /// Maximum of alternatives, product of conjuncts, 1 − x.
    MaxMult,
    /// 1 − Π(1 − x) of alternatives, minimum of conjuncts, 1 − x.
    NandMin,
    /// Sum of alternatives up to 1, and of conjuncts 1 less what they lack together, 1 − x.
    Lukasiewicz,
    /// Weight of the union of the k most probable proofs.
    TopK(usize),
    /// Weight of the worlds whose model holds the tuple.
    Exact,
    /// As [`Inference::TopK`], but negated tuples keep clauses, which negation makes of proofs without loss.
    TopBottomK(usize),
    /// As [`Inference::TopK`], but the k proofs are drawn with this seed, by their weights and without replacement.
    SampleK {
        /// How many proofs a tuple keeps.
        k: usize,
        /// Of the draws.
        seed: u64,
    },
    /// The share of drawn worlds in which the tuple holds.
    Sample {
        /// How many worlds are drawn for each sample of a batch.
        worlds: usize,
        /// Of the draws: the n-th call of a circuit draws the same worlds for the same seed.
        seed: u64,
        /// How gradients are estimated.
        estimator: Estimator,
    },
    /// As [`Inference::Exact`] if it fits the budget, else an answer between bounds that contain it ([`Circuit::bounds`]).
    Auto,
}

impl Inference {
    /// The algebra that is evaluated on the trace as it stands.
    fn algebra(self) -> Option<solve::Algebra> {
        match self {
            Inference::MinMax => Some(solve::Algebra::MinMax),
            Inference::AddMult => Some(solve::Algebra::AddMult),
            Inference::NandMult => Some(solve::Algebra::NandMult),
            Inference::MaxMult => Some(solve::Algebra::MaxMult),
            Inference::NandMin => Some(solve::Algebra::NandMin),
            Inference::Lukasiewicz => Some(solve::Algebra::Lukasiewicz),
            _ => None,
        }
    }
}

/// How large a circuit may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Formulas and circuit nodes that exact inference may make.
    pub nodes: usize,
    /// How many of them [`Inference::Auto`] may make for exact answers, and once more for bounds.
    pub auto: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            nodes: 8_000_000,
            auto: 500_000,
        }
    }
}

/// What can end a compilation early.
pub(crate) struct Limits<'c> {
    pub nodes: usize,
    pub cancel: Option<&'c AtomicBool>,
}

impl Limits<'_> {
    pub const NONE: Limits<'static> = Limits {
        nodes: usize::MAX,
        cancel: None,
    };

    pub fn cancelled(&self) -> bool {
        self.cancel
            .is_some_and(|cancel| cancel.load(Ordering::Relaxed))
    }
}

/// Why a compilation ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Budget {
        nodes: usize,
    },
    /// An aggregate would have to be written out in so many steps.
    Chain {
        steps: usize,
    },
    Cancelled,
}

/// Runs a step of a recursion whose depth the input decides.
pub(crate) fn deep<R>(step: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(128 * 1024, 4 * 1024 * 1024, step)
}
