//! The samples of a batch by shape; shapes that are new are compiled.

use std::ops::Range;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use nsdl_ir::Diagnostic;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::layout::Key;
use super::{Ragged, Shapes};
use crate::error::Result;
use crate::failure::DROPPED;
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

/// Samples with one shape, or with one circuit for the shapes of all.
pub(super) struct Part {
    pub(super) shape: Arc<Module>,
    pub(super) samples: Vec<usize>,
    /// Of each output, where the values of each sample begin and end, if the shapes differ.
    pub(super) ends: Option<Vec<Vec<usize>>>,
}

impl Part {
    /// The rows that the circuit is given: samples, or one for all.
    pub(super) fn rows(&self) -> usize {
        match self.ends {
            Some(_) => 1,
            None => self.samples.len(),
        }
    }

    /// The places of the values of its sample of that number in a row of an output.
    pub(super) fn values(&self, output: usize, number: usize) -> Range<usize> {
        match &self.ends {
            None => 0..self.shape.circuit_outputs(output).len(),
            Some(ends) => {
                let ends = ends.get(output).map_or(&[][..], Vec::as_slice);
                let at = |number: usize| ends.get(number).copied().unwrap_or_default();
                at(number)..at(number + 1)
            }
        }
    }
}

/// So many samples at most are derived together: the same for any number of threads.
const TOGETHER: usize = 8;

/// Samples with one key.
struct Distinct<'k> {
    key: &'k [u64],
    samples: Vec<usize>,
    shape: Option<Arc<Module>>,
}

/// What becomes of shapes that are new.
#[derive(Clone, Copy, PartialEq, Eq)]
enum New {
    Leave,
    Keep,
    Arrange,
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

    /// The shapes, with the samples that have them and the number of rows that these are: one a sample, or one for all,
    /// sample after sample, where they were derived together.
    pub fn shapes(&self) -> impl ExactSizeIterator<Item = (&Arc<Module>, &[usize], usize)> {
        let parts = self.parts.iter();
        parts.map(|part| (&part.shape, part.samples.as_slice(), part.rows()))
    }

    /// Of each relation with uncertain facts, in order: its place among the open relations, and where the facts of each
    /// sample begin.
    pub fn ragged(&self) -> impl ExactSizeIterator<Item = (usize, &[usize])> {
        let ragged = self.ragged.iter();
        ragged.map(|(place, offsets)| (*place, offsets.as_slice()))
    }

    /// Whether there is one shape, whose rows are those of the batch.
    pub(super) fn is_uniform(&self) -> bool {
        matches!(self.parts.as_slice(), [part] if part.rows() == self.batch && part.ends.is_none())
    }
}

impl Shapes {
    /// Sorts samples by the shapes of their facts, one [`Ragged`] for each open relation, and compiles the shapes that
    /// are new, in parallel. Where many are, which no batch had before, some samples at a time get one circuit
    /// together, which is quicker and is not kept. Nothing but the facts is looked at.
    ///
    /// # Errors
    /// `E0816`, `E0872` and `E0873` for facts that are no batch; what [`Module::new`] says of limits and budgets.
    pub fn arrange(&self, batch: usize, facts: &[Ragged<'_>]) -> Result<Arrangement> {
        self.found(self.arrangement(batch, facts, New::Arrange)?)
    }

    /// As [`Shapes::arrange`], for calls to come: every shape gets a circuit of its own, which is kept.
    ///
    /// # Errors
    /// As [`Shapes::arrange`].
    pub fn prepare(&self, batch: usize, facts: &[Ragged<'_>]) -> Result<Arrangement> {
        self.found(self.arrangement(batch, facts, New::Keep)?)
    }

    fn found(&self, arrangement: Option<Arrangement>) -> Result<Arrangement> {
        match arrangement {
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
        self.arrangement(batch, facts, New::Leave)
    }

    fn arrangement(
        &self,
        batch: usize,
        facts: &[Ragged<'_>],
        new: New,
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
        let mut parts: Vec<Part> = Vec::new();
        if distinct.iter().any(|one| one.shape.is_none()) {
            match new {
                New::Leave => return Ok(None),
                New::Keep => {}
                New::Arrange => parts = self.compile_together(&mut distinct)?,
            }
            self.compile(&mut distinct)?;
        }
        parts.extend(distinct.into_iter().filter_map(|one| {
            Some(Part {
                shape: one.shape?,
                samples: one.samples,
                ends: None,
            })
        }));
        let uncertain = || facts.iter().enumerate().filter(|(_, facts)| !facts.certain);
        let answers = (0..self.outputs().len()).map(|output| {
            let mut offsets = vec![0; batch + 1];
            for part in &parts {
                for (number, &sample) in part.samples.iter().enumerate() {
                    if let Some(end) = offsets.get_mut(sample + 1) {
                        *end = part.values(output, number).len();
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

    /// Compiles what is missing and was never met, some samples at a time, and takes it out of `distinct`.
    fn compile_together(&self, distinct: &mut Vec<Distinct<'_>>) -> Result<Vec<Part>> {
        if self.joined.is_none() {
            return Ok(Vec::new());
        }
        let mut fresh = Vec::new();
        {
            let mut cache = self.lock();
            for (place, one) in distinct.iter().enumerate() {
                // What two samples of a batch share is worth keeping.
                if one.shape.is_none() && cache.meet(one.key) && one.samples.len() == 1 {
                    fresh.push(place);
                }
            }
        }
        if fresh.len() < self.least_together() {
            return Ok(Vec::new());
        }
        let derive = |places: &[usize]| -> Option<(Part, Duration)> {
            let start = Instant::now();
            let of = || places.iter().filter_map(|&place| distinct.get(place));
            let keys: Vec<&[u64]> = of().map(|one| one.key).collect();
            // Whatever is wrong with one is said when it is derived alone.
            let (module, ends) = self.together(&keys).ok()??;
            let part = Part {
                shape: Arc::new(module.without_reasons()),
                samples: of().flat_map(|one| one.samples.iter().copied()).collect(),
                ends: Some(ends),
            };
            Some((part, start.elapsed()))
        };
        let made: Vec<_> = fresh.par_chunks(TOGETHER).map(derive).collect();
        let done = fresh.chunks(TOGETHER).zip(&made);
        let done = done.filter(|(_, made)| made.is_some());
        let mut done: Vec<usize> = done.flat_map(|(places, _)| places).copied().collect();
        done.reverse();
        for place in done {
            distinct.remove(place);
        }
        let (mut parts, mut cache) = (Vec::new(), self.lock());
        for (part, took) in made.into_iter().flatten() {
            cache.made(part.samples.len(), took);
            parts.push(part);
        }
        drop(cache);
        self.note(parts.iter().map(|part| &*part.shape));
        Ok(parts)
    }

    /// Keeps the warnings about new shapes.
    fn note<'m>(&self, new: impl Iterator<Item = &'m Module>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        for warning in new.flat_map(Module::warnings) {
            let same = |other: &Diagnostic| match warning.code {
                DROPPED => other.code == DROPPED && other.labels == warning.labels,
                _ => other == warning,
            };
            if !self.warnings().contains(warning) && !found.0.iter().any(same) {
                found.0.push(warning.clone());
            }
        }
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
        self.note(new.iter().map(|(shape, _)| &**shape));
        let mut cache = self.lock();
        for (one, (shape, took)) in missing.iter().zip(new) {
            cache.insert(Key::from(one.key), shape, took, one.samples.len());
        }
        Ok(())
    }
}
