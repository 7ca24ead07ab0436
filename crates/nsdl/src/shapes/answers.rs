//! The tuples of outputs without a mapping: those of each sample, or the union of all.

use nsdl_ir::{Diagnostic, Value};
use std::collections::BTreeMap;

use super::{Arrangement, Ragged, Shapes};
use crate::error::Result;
use crate::module::Module;
use crate::why::Explanation;

/// The union of the tuples of all samples, ordered by value, and for each value of an output its column.
pub type Columns = (Vec<Vec<Value>>, Vec<usize>);

impl Arrangement {
    /// The tuples of an output, one for each of its values: see [`Arrangement::offsets`].
    pub fn tuples(&self, output: usize) -> Vec<&[Value]> {
        let mut samples: Vec<&[Vec<Value>]> = vec![&[]; self.batch];
        for part in &self.parts {
            let tuples = part.shape.tuples(output);
            for (number, &sample) in part.samples.iter().enumerate() {
                let values = part.values(output, number);
                // A mapping is there once.
                let values = if tuples.len() < values.end {
                    0..tuples.len()
                } else {
                    values
                };
                if let (Some(slot), Some(own)) = (samples.get_mut(sample), tuples.get(values)) {
                    *slot = own;
                }
            }
        }
        samples.into_iter().flatten().map(Vec::as_slice).collect()
    }

    /// The columns of an output over all samples, to make a matrix of its values.
    pub fn columns(&self, output: usize) -> Columns {
        let mut columns: BTreeMap<&[Value], usize> = BTreeMap::new();
        let tuples = self.tuples(output);
        for &tuple in &tuples {
            columns.insert(tuple, 0);
        }
        for (i, column) in columns.values_mut().enumerate() {
            *column = i;
        }
        let places = tuples.iter().map(|tuple| columns.get(tuple).copied());
        let places = places.map(Option::unwrap_or_default).collect();
        (columns.into_keys().map(<[Value]>::to_vec).collect(), places)
    }
}

impl Shapes {
    /// The module of one sample with these facts, derived anew, so that it knows the reasons of its tuples: to be
    /// explained and drawn.
    ///
    /// # Errors
    /// As [`Shapes::arrange`].
    pub fn module(&self, facts: &[Ragged<'_>]) -> Result<Module> {
        self.check_ragged(1, facts)?;
        let mut key = Vec::new();
        self.key(0, facts, &mut key);
        self.derive(&key)
    }

    /// The `k` most probable proofs of a tuple of an output for one sample: `inputs` and `probabilities` are as in
    /// [`Shapes::forward`] for a batch of one with these facts. None if the tuple cannot be derived.
    ///
    /// The sample is derived anew, since shapes that are kept do not know the reasons of their tuples.
    ///
    /// # Errors
    /// As [`Shapes::arrange`] and [`crate::Module::why`].
    pub fn why(
        &self,
        facts: &[Ragged<'_>],
        inputs: &[&[f64]],
        probabilities: &[&[f64]],
        output: usize,
        tuple: &[Value],
        k: usize,
    ) -> Result<Vec<Explanation>> {
        if output >= self.outputs().len() {
            return Err(self.error(Diagnostic::error(
                "E0816",
                format!("there is no output {output}"),
            )));
        }
        let all: Vec<&[f64]> = inputs.iter().chain(probabilities).copied().collect();
        self.module(facts)?.why(&all, output, tuple, k)
    }
}
