//! Min-max straight on the trace: for circuits that are evaluated once or twice, where making a graph and its layers
//! would take several times as long as the evaluation.
//!
//! Without negation the value of a tuple is that of one leaf. The forward pass keeps which, and then gradients need no
//! pass over the trace. Of equal alternatives, and of equal parts of one, the first counts, as in layers.

use std::sync::{Arc, OnceLock};

use nsdl_ir::{Trace, TupleId};

use crate::cone::{Cone, Definitions, order};
use crate::layers::Layered;
use crate::real::Real;
use crate::solve::{self, Algebra};
use crate::{Limits, Stop};

/// The part of a trace without cycles, aggregates and negation that some outputs depend on.
#[derive(Clone, Debug)]
pub(crate) struct Straight {
    trace: Arc<Trace>,
    outputs: Vec<TupleId>,
    definitions: Definitions,
    /// The uncertain tuples, dependencies first.
    order: Vec<TupleId>,
    /// For whoever asks for them after all.
    layered: OnceLock<Layered>,
}

/// A value and the leaf that it is of.
type Choice<T> = (T, u32);

/// The leaf of a constant.
const NOWHERE: u32 = u32::MAX;

/// What the passes keep.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choices<T> {
    /// Of each tuple in the sample at hand; of certain ones, and of those that nothing depends on, one.
    tuples: Vec<Choice<T>>,
    /// The leaf of each output, `[output][sample]`.
    outputs: Vec<u32>,
}

impl Straight {
    /// `None` for a trace that has more to it.
    ///
    /// # Errors
    /// [`Stop::Cancelled`].
    pub fn new(
        trace: &Arc<Trace>,
        outputs: &[TupleId],
        limits: &Limits,
    ) -> Result<Option<Self>, Stop> {
        if !trace.aggregates.is_empty() || trace.literals.iter().any(|it| it.negated) {
            return Ok(None);
        }
        let definitions = Definitions::new(trace);
        let order = order(trace, &definitions, outputs);
        if limits.cancelled() {
            return Err(Stop::Cancelled);
        }
        Ok(order.map(|order| Self {
            trace: trace.clone(),
            outputs: outputs.to_vec(),
            definitions,
            order,
            layered: OnceLock::new(),
        }))
    }

    /// How many instances there are, and how many parts they have at most.
    pub fn size(&self) -> (usize, usize) {
        let (instances, literals) = (self.trace.instances.len(), self.trace.literals.len());
        (instances, instances + literals)
    }

    /// The same circuit in layers, made when first asked for.
    pub fn layered(&self) -> &Layered {
        self.layered.get_or_init(|| {
            let leaves = self.trace.leaves.len();
            // Without aggregates and limits nothing ends this.
            let cone = Cone::new(
                &self.trace,
                &self.outputs,
                Algebra::MinMax.flavour(),
                &Limits::NONE,
            );
            let layers = |cone| solve::layers(leaves, &cone, Algebra::MinMax);
            cone.map_or_else(
                |_| Layered::new(leaves, Vec::new(), Vec::new(), Vec::new()),
                layers,
            )
        })
    }

    /// Writes the outputs, `[output][sample]`, for weights `[leaf][sample]`.
    pub fn forward<T: Real>(
        &self,
        weights: &[T],
        batch: usize,
        choices: &mut Choices<T>,
        out: &mut [T],
    ) {
        let Choices { tuples, outputs } = choices;
        outputs.clear();
        outputs.resize(self.outputs.len() * batch, NOWHERE);
        for sample in 0..batch {
            tuples.clear();
            tuples.resize(self.trace.tuples.len(), (T::ONE, NOWHERE));
            for &tuple in &self.order {
                let choice = self.choose(tuple, tuples, |leaf| weights[leaf * batch + sample]);
                tuples[tuple.index()] = choice;
            }
            for (output, tuple) in self.outputs.iter().enumerate() {
                let place = output * batch + sample;
                (out[place], outputs[place]) = tuples[tuple.index()];
            }
        }
    }

    /// The greatest alternative of a tuple.
    #[inline]
    fn choose<T: Real>(
        &self,
        tuple: TupleId,
        tuples: &[Choice<T>],
        weight: impl Fn(usize) -> T,
    ) -> Choice<T> {
        let mut greatest = (T::ZERO, NOWHERE);
        for &instance in self.definitions.instances(tuple) {
            let instance = self.trace.instances[instance as usize];
            let mut least = (T::ONE, NOWHERE);
            if let Some(leaf) = instance.leaf {
                least = (weight(leaf.index()), leaf.0);
            }
            for literal in &self.trace.literals[instance.start as usize..instance.end as usize] {
                let part = tuples[literal.tuple.index()];
                match part.1 {
                    // What is certain is no part, and nothing comes of what is impossible.
                    NOWHERE if part.0 == T::ONE => {}
                    NOWHERE => {
                        least = part;
                        break;
                    }
                    _ if least.1 == NOWHERE || part.0 < least.0 => least = part,
                    _ => {}
                }
            }
            match least.1 {
                NOWHERE if least.0 == T::ONE => return least,
                NOWHERE => {}
                _ if greatest.1 == NOWHERE || least.0 > greatest.0 => greatest = least,
                _ => {}
            }
        }
        greatest
    }

    /// Overwrites the gradients of the weights, `[leaf][sample]`, given those of the outputs of the last forward pass.
    pub fn backward<T: Real>(
        &self,
        batch: usize,
        choices: &Choices<T>,
        seeds: &[T],
        gradients: &mut [T],
    ) {
        gradients[..self.trace.leaves.len() * batch].fill(T::ZERO);
        for (place, (&leaf, &seed)) in choices.outputs.iter().zip(seeds).enumerate() {
            if leaf != NOWHERE {
                gradients[leaf as usize * batch + place % batch] += seed;
            }
        }
    }
}
