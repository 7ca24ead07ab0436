//! The memory of an evaluation.

use crate::sample::Sampled;
use crate::solve::Solved;
use crate::straight::Choices;
use crate::topk::Proofs;

/// Bytes that the values of a batch may take, and their gradients as many, unless a tape was told otherwise.
const MEMORY: usize = 1 << 30;

/// What a forward pass keeps for the backward pass; reused from call to call, so that nothing is allocated
/// once it has grown to its size.
///
/// A batch whose values take more than 1 GiB, or what [`Tape::within`] was given, is split: the forward pass keeps the
/// values of a part only, and the backward pass computes each part again, which makes both together half as long again.
#[derive(Clone, Debug, Default)]
pub struct Tape<T, F = T> {
    memory: Option<usize>,
    pub(crate) values: Vec<T>,
    pub(crate) gradients: Vec<F>,
    pub(crate) scratch: Vec<Vec<F>>,
    /// Lower and upper bounds of the outputs of the last forward pass, where there are some.
    pub(crate) bounds: [Vec<T>; 2],
    pub(crate) choices: Choices<T>,
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

    /// An empty tape that keeps the values of a batch in so many bytes, and their gradients in as many; the values of a
    /// few samples it keeps in any case.
    pub fn within(bytes: usize) -> Self {
        Self {
            memory: Some(bytes),
            ..Self::default()
        }
    }
}

impl<T, F> Tape<T, F> {
    pub(crate) fn memory(&self) -> usize {
        self.memory.unwrap_or(MEMORY)
    }

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
