//! Explanations: the most probable proofs of one tuple.

use crate::circuit::diagnostic;
use crate::cone::{Cone, Flavour};
use crate::report::Report;
use crate::topk::{Keep, Proofs, TopK, variables};
use crate::{Budget, Limits};
use nsdl_ir::{Diagnostic, LeafId, Trace, TupleId};
use nsdl_provenance::literals::{leaf, negated};

/// A set of random choices that makes a tuple hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// Probability of that set alone.
    pub probability: f64,
    /// By leaf, each leaf once.
    pub literals: Vec<ProofLiteral>,
}

/// One random choice of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofLiteral {
    /// The alternative.
    pub leaf: LeafId,
    /// Whether it must not be chosen.
    pub negated: bool,
}

/// The `k` most probable proofs of a tuple under these leaf weights, most probable first.
///
/// Found as top-k inference finds them ([`crate::Inference::TopK`]), so the search is beamed: a tuple that holds
/// in every world has the empty proof. `weights` is one number per leaf; what is missing counts as 0.
///
/// # Errors
/// `E0625` if the tuple depends on an aggregate that has too many partial results.
pub fn proofs(
    trace: &Trace,
    output: TupleId,
    k: usize,
    weights: &[f64],
) -> Result<Vec<Proof>, Diagnostic> {
    let limits = Limits {
        nodes: Budget::default().nodes,
        cancel: None,
    };
    let cone = Cone::new(trace, &[output], Flavour::Logical, &limits)
        .map_err(|stop| diagnostic(stop, &Report::default(), &Budget::default()))?;
    let engine = TopK::new(cone, k, variables(trace), Keep::Best);
    let mut state = Proofs::default();
    state.weights.extend_from_slice(weights);
    state.weights.resize(trace.leaves.len(), 0.0);
    engine.evaluate(&mut state);
    let mut found: Vec<Proof> = engine
        .kept(&state, 0)
        .map(|literals| Proof {
            probability: engine.variables.probability(literals, &state.weights),
            literals: literals
                .iter()
                .map(|&literal| ProofLiteral {
                    leaf: LeafId(leaf(literal)),
                    negated: negated(literal),
                })
                .collect(),
        })
        .collect();
    found.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    Ok(found)
}
