//! How probable tuples are while an evaluation still runs: what `top`, `rank`, `normalize` and their like read.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use nsdl_circuit::{Budget, Inference, Tape};
use nsdl_ir::{Diagnostic, Trace, TupleId};

use crate::provenance::Provenance;
use crate::run::{approximations, inference, leaf_weights};
use crate::session::Session;
use crate::symbolic;

/// Computes tags under the provenance in use, by one circuit a question.
pub(crate) struct Marginals {
    provenance: Provenance,
    budget: Budget,
    seed: u64,
    cancel: Option<Arc<AtomicBool>>,
    /// What the answers so far are not exact in.
    warnings: Mutex<Vec<Diagnostic>>,
}

impl Marginals {
    pub(crate) fn new(session: &Session, provenance: Provenance) -> Arc<Self> {
        Arc::new(Self {
            provenance,
            budget: session.budget,
            seed: session.seed,
            cancel: session.cancel.clone(),
            warnings: Mutex::default(),
        })
    }

    /// What SEMANTICS.md 5 and 6 want to be told of.
    pub(crate) fn warnings(&self) -> Vec<Diagnostic> {
        let warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        warnings.clone()
    }
}

impl fmt::Debug for Marginals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "marginals under {}", self.provenance)
    }
}

impl nsdl_eval::Marginals for Marginals {
    fn marginals(&self, trace: &Trace, tuples: &[TupleId]) -> Result<Vec<f64>, Diagnostic> {
        if self.provenance == Provenance::Unit {
            return Ok(vec![1.0; tuples.len()]);
        }
        let cancel = self.cancel.as_deref();
        let Some(inference) = inference(self.provenance, self.seed) else {
            let tags = symbolic::tags(trace, tuples, self.provenance, cancel)?;
            return Ok(tags.into_iter().map(|(_, weight)| weight).collect());
        };
        // Bounds decide no order and no share, and answers from a guess would have bounds that miss the truth.
        let inference = match inference {
            Inference::Auto => Inference::Exact,
            given => given,
        };
        let circuit = nsdl_circuit::compile(trace, tuples, inference, &self.budget, cancel)?;
        let mut values = vec![0.0; tuples.len()];
        let mut tape = Tape::default();
        let weights = leaf_weights(trace, self.provenance);
        circuit.forward(&weights, 1, &mut tape, &mut values);
        let found = approximations(inference, tape.truncated(), tape.residual());
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        for warning in found {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        Ok(values)
    }
}
