//! How probable tuples are, for evaluations that the tests run themselves.

use nsdl_circuit::{Budget, Inference, Tape};
use nsdl_ir::{Diagnostic, Trace, TupleId};

/// Exact probabilities.
#[derive(Debug)]
pub struct Exact;

impl nsdl_eval::Marginals for Exact {
    fn marginals(&self, trace: &Trace, tuples: &[TupleId]) -> Result<Vec<f64>, Diagnostic> {
        let budget = Budget::default();
        let circuit = nsdl_circuit::compile(trace, tuples, Inference::Exact, &budget, None)?;
        let weights: Vec<f64> = trace.leaves.iter().map(|leaf| leaf.weight).collect();
        let (mut tape, mut values) = (Tape::default(), vec![0.0; tuples.len()]);
        circuit.forward(&weights, 1, &mut tape, &mut values);
        Ok(values)
    }
}
