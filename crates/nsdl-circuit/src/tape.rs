//! The memory of an evaluation.

use crate::sample::Sampled;
use crate::solve::Solved;
use crate::topk::Proofs;

/// What a forward pass keeps for the backward pass; reused from call to call, so that nothing is allocated
/// once it has grown to its size.
#[derive(Clone, Debug, Default)]
pub struct Tape<T> {
    pub(crate) values: Vec<T>,
    pub(crate) gradients: Vec<T>,
    pub(crate) scratch: Vec<Vec<T>>,
    /// Samples of methods that are not one fixed pass.
    pub(crate) solved: Vec<Solved>,
    pub(crate) proofs: Vec<Proofs>,
    pub(crate) sampled: Vec<Sampled>,
    /// Which call of the sampler drew the worlds.
    pub(crate) call: u64,
    pub(crate) truncated: bool,
    pub(crate) residual: f64,
}

impl<T: Default> Tape<T> {
    /// An empty tape.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<T> Tape<T> {
    /// Whether the last forward pass under top-k dropped a proof; if not, its answers are exact.
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// How many rounds the longest fixpoint on a cycle took, over all samples; 0 without cycles.
    pub fn rounds(&self) -> usize {
        let rounds = self.solved.iter().map(|solved| solved.rounds);
        rounds.max().unwrap_or(0)
    }

    /// How far from their fixpoint the values of cycles were when the last forward pass stopped: 0 unless
    /// add-mult met its limit of rounds.
    pub fn residual(&self) -> f64 {
        self.residual
    }
}
