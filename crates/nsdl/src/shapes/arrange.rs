//! The samples of a batch by shape; shapes that are new are compiled.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use nsdl_ir::Diagnostic;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::layout::Key;
use super::{Ragged, Shapes};
use crate::error::Result;
use crate::module::Module;

/// The samples of a batch by shape: made from facts by [`Shapes::arrange`], good for any number of calls.
pub struct Arrangement {
    pub(super) batch: usize,
    pub(super) parts: Vec<Part>,
    /// Of each open relation whose facts are uncertain: its place among the open ones, and where the facts of each
    /// sample begin.
    pub(super) ragged: Vec<(usize, Vec<usize>)>,
    /// The groups of those facts.
    pub(super) groups: Vec<Option<Vec<i64>>>,
    /// Of each output: where the values of each sample begin.
    pub(super) answers: Vec<Vec<usize>>,
}

/// Samples with one shape.
pub(super) struct Part {
    pub(super) shape: Arc<Module>,
    pub(super) samples: Vec<usize>,
}

/// Samples with one key.
struct Distinct<'k> {
    key: &'k [u64],
    samples: Vec<usize>,
    shape: Option<Arc<Module>>,
}

impl Arrangement {
    /// How many samples.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// How many values an output has, over all samples: of sample `s`, from `offsets[s]` to `offsets[s + 1]`.
    pub fn offsets(&self, output: usize) -> &[usize] {
        self.answers.get(output).map_or(&[], Vec::as_slice)
    }

    /// The shapes, with the samples that have them.
    pub fn shapes(&self) -> impl ExactSizeIterator<Item = (&Arc<Module>, &[usize])> {
        let parts = self.parts.iter();
        parts.map(|part| (&part.shape, part.samples.as_slice()))
    }

    /// Of each relation with uncertain facts, in order: its place among the open relations, and where the facts of each
    /// sample begin.
    pub fn ragged(&self) -> impl ExactSizeIterator<Item = (usize, &[usize])> {
        let ragged = self.ragged.iter();
        ragged.map(|(place, offsets)| (*place, offsets.as_slice()))
    }

    /// Whether there is one shape, whose rows are those of the batch.
    pub(super) fn is_uniform(&self) -> bool {
        matches!(self.parts.as_slice(), [part] if part.samples.len() == self.batch)
    }
}

impl Shapes {
    /// Sorts samples by the shapes of their facts, one [`Ragged`] for each open relation, and compiles the shapes that
    /// are new, in parallel. Nothing but the facts is looked at, so this also prepares for calls to come.
    ///
    /// # Errors
    /// `E0816`, `E0872` and `E0873` for facts that are no batch; what [`Module::new`] says of limits and budgets.
    pub fn arrange(&self, batch: usize, facts: &[Ragged<'_>]) -> Result<Arrangement> {
        match self.arrangement(batch, facts, true)? {
            Some(arrangement) => Ok(arrangement),
            // Cannot be: what is missing is compiled.
            None => Err(self.error(Diagnostic::error("E0599", "a shape got lost"))),
        }
    }

    /// As [`Shapes::arrange`] where no shape is new: else `None`, at once.
    ///
    /// # Errors
    /// As [`Shapes::arrange`].
    pub fn arrange_known(&self, batch: usize, facts: &[Ragged<'_>]) -> Result<Option<Arrangement>> {
        self.arrangement(batch, facts, false)
    }

    fn arrangement(
        &self,
        batch: usize,
        facts: &[Ragged<'_>],
        compile: bool,
    ) -> Result<Option<Arrangement>> {
        self.check_ragged(batch, facts)?;
        let mut keys: Vec<u64> = Vec::new();
        let mut ends = Vec::with_capacity(batch);
        for sample in 0..batch {
            self.key(sample, facts, &mut keys);
            ends.push(keys.len());
        }
        // Samples by key, keys in order of appearance.
        let mut places: FxHashMap<&[u64], usize> = FxHashMap::default();
        let mut distinct: Vec<Distinct<'_>> = Vec::new();
        let mut start = 0;
        for (sample, &end) in ends.iter().enumerate() {
            let key = keys.get(start..end).unwrap_or_default();
            start = end;
            let place = *places.entry(key).or_insert(distinct.len());
            match distinct.get_mut(place) {
                Some(same) => same.samples.push(sample),
                None => distinct.push(Distinct {
                    key,
                    samples: vec![sample],
                    shape: None,
                }),
            }
        }
        {
            let mut cache = self.lock();
            for one in &mut distinct {
                one.shape = cache.get(one.key, one.samples.len());
            }
        }
        if distinct.iter().any(|one| one.shape.is_none()) {
            if !compile {
                return Ok(None);
            }
            self.compile(&mut distinct)?;
        }
        let part = |one: Distinct<'_>| {
            Some(Part {
                shape: one.shape?,
                samples: one.samples,
            })
        };
        let parts: Vec<Part> = distinct.into_iter().filter_map(part).collect();
        let uncertain = || facts.iter().enumerate().filter(|(_, facts)| !facts.certain);
        let answers = (0..self.outputs().len()).map(|output| {
            let mut offsets = vec![0; batch + 1];
            for part in &parts {
                for &sample in &part.samples {
                    if let Some(end) = offsets.get_mut(sample + 1) {
                        *end = part.shape.tuples(output).len();
                    }
                }
            }
            let mut total = 0;
            for end in &mut offsets {
                total += *end;
                *end = total;
            }
            offsets
        });
        Ok(Some(Arrangement {
            batch,
            answers: answers.collect(),
            ragged: uncertain()
                .map(|(place, facts)| (place, facts.offsets.to_vec()))
                .collect(),
            groups: uncertain()
                .map(|(_, facts)| facts.groups.map(<[i64]>::to_vec))
                .collect(),
            parts,
        }))
    }

    /// Compiles what is missing and keeps it.
    fn compile(&self, distinct: &mut [Distinct<'_>]) -> Result<()> {
        let mut missing: Vec<&mut Distinct<'_>> = distinct
            .iter_mut()
            .filter(|one| one.shape.is_none())
            .collect();
        let derive = |one: &mut &mut Distinct<'_>| {
            let start = Instant::now();
            let shape = Arc::new(self.derive(one.key)?.without_reasons());
            one.shape = Some(shape.clone());
            Ok((shape, start.elapsed()))
        };
        let new: Vec<(Arc<Module>, Duration)> = match missing.as_mut_slice() {
            [one] => vec![derive(one)?],
            many => many.par_iter_mut().map(derive).collect::<Result<_>>()?,
        };
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let warnings = new.iter().flat_map(|(shape, _)| shape.warnings());
        for warning in warnings {
            if !self.warnings().contains(warning) && !found.contains(warning) {
                found.push(warning.clone());
            }
        }
        drop(found);
        let mut cache = self.lock();
        for (one, (shape, took)) in missing.iter().zip(new) {
            cache.insert(Key::from(one.key), shape, took, one.samples.len());
        }
        Ok(())
    }
}
