//! Samples whose shapes are new, derived together: one evaluation with the sample as a column, one circuit.
//!
//! What all samples share (facts of the program, indexes, orders of joins) is done once for a whole batch. Such a
//! circuit serves one batch: a shape that is met again is worth a circuit of its own.

use std::collections::hash_map::Entry;

use nsdl_eval::Evaluation;
use nsdl_ir::{Fact, Tag, Word};
use rustc_hash::FxHashMap;

use super::Shapes;
use super::layout::Part as Facts;
use super::plan::Joined;
use crate::error::Result;
use crate::module::Module;
use crate::module::build::{Found, Weighed};

/// The module of several samples, and of each output where the values of each sample begin and end.
pub(super) type Together = (Module, Vec<Vec<usize>>);

impl Shapes {
    /// Derives and compiles the shapes of some keys at once. `None` where that is not the same as one by one.
    pub(super) fn together(&self, keys: &[&[u64]]) -> Result<Option<Together>> {
        let Some(joined) = &self.joined else {
            return Ok(None);
        };
        let (facts, weighed) = self.facts_of(joined, keys);
        let mut ends: Vec<Vec<usize>> = Vec::new();
        let answers = |evaluation: &Evaluation| -> Vec<Found> {
            let outputs = 0..self.blueprint.outputs().len();
            let found = outputs.map(|it| self.blueprint.answers(evaluation, it, keys.len()));
            let (found, of): (Vec<Found>, _) = found.unzip();
            ends = of;
            found
        };
        let module =
            self.blueprint
                .compile(&joined.plan, Some(joined.base()), facts, weighed, answers)?;
        // What is within the budget alone need not be so together.
        let whole = module.circuit().open().is_empty();
        Ok(whole.then_some((module, ends)))
    }

    /// Shared facts once, but those of the base, all others for each sample; and the numbers of those of each input,
    /// sample after sample.
    fn facts_of(&self, joined: &Joined, keys: &[&[u64]]) -> (Vec<Fact>, Vec<Weighed>) {
        let shared = self.blueprint.facts.iter();
        let mut facts: Vec<Fact> = shared
            .filter(|fact| !joined.is_own(fact.relation) && !joined.is_based(fact.relation))
            .cloned()
            .collect();
        let mut groups = Groups::default();
        for fact in &mut facts {
            fact.tag = groups.rename(fact.tag, None);
        }
        facts.extend((0..keys.len() as u64).map(|sample| Fact {
            relation: joined.samples(),
            row: [sample].into(),
            tag: Tag::Certain,
            span: None,
        }));
        let mut fixed: Vec<Weighed> = self
            .blueprint
            .ports()
            .map(|(input, _)| (input.clone(), Vec::new()))
            .collect();
        let open = self.relations.iter();
        let mut open: Vec<Weighed> = open.map(|it| (it.input.clone(), Vec::new())).collect();
        let mut certain = vec![false; open.len()];
        for (sample, key) in (0..).zip(keys) {
            for (number, fact) in (0..).zip(&self.blueprint.facts) {
                if !joined.is_own(fact.relation) {
                    continue;
                }
                let ports = self.blueprint.ports().zip(&mut fixed);
                for ((_, range), (_, numbers)) in ports {
                    if range.contains(&number) {
                        numbers.push(facts.len() as u32);
                    }
                }
                let tag = groups.rename(fact.tag, Some(sample));
                facts.push(Fact {
                    row: [&[sample], &*fact.row].concat().into(),
                    tag,
                    ..*fact
                });
            }
            let mut rest: &[u64] = key;
            let relations = self.relations.iter().zip(&mut open);
            for ((relation, (_, numbers)), certain) in relations.zip(&mut certain) {
                let (part, more) = Facts::read(relation.types.len(), rest);
                rest = more;
                let first = facts.len() as u32;
                part.append(relation, Some(sample), &mut groups.free, &mut facts);
                *certain = part.certain;
                numbers.extend(first..facts.len() as u32);
            }
        }
        let uncertain = open.into_iter().zip(certain);
        fixed.extend(uncertain.filter(|(_, certain)| !certain).map(|(it, _)| it));
        (facts, fixed)
    }
}

/// Numbers of groups, dense over all facts.
#[derive(Default)]
struct Groups {
    known: FxHashMap<(u32, Option<Word>), u32>,
    free: u32,
}

impl Groups {
    /// A tag with the group that the sample has for it.
    fn rename(&mut self, tag: Tag, sample: Option<Word>) -> Tag {
        let Some(group) = tag.group() else {
            return tag;
        };
        let group = match self.known.entry((group, sample)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.free += 1;
                *new.insert(self.free - 1)
            }
        };
        match tag {
            Tag::Exclusive { weight, .. } => Tag::Exclusive { group, weight },
            Tag::Share { weight, .. } => Tag::Share { group, weight },
            tag => tag,
        }
    }
}
