//! The layout of a sample's facts as a key, and facts from a key.
//!
//! A key has, for each open relation in order, a header (twice the number of facts, plus one if they have numbers
//! of groups, the highest bit if they are certain), their rows, and their groups, numbered by first appearance.
//! Equal keys are equal lists of facts: keys are compared in full.

use std::ops::Range;
use std::sync::Arc;

use nsdl_ir::{Diagnostic, Fact, Tag, Type, Value, Word};
use rustc_hash::FxHashMap;

use super::{Open, Ragged, Shapes};
use crate::error::Result;
use crate::module::{Input, Module};

/// What tells one shape from another.
pub(super) type Key = Box<[u64]>;

/// The group of a fact that has none.
const ALONE: u64 = u64::MAX;

const CERTAIN: u64 = 1 << 63;

impl Shapes {
    /// Refuses what is no batch of `batch` samples.
    pub(super) fn check_ragged(&self, batch: usize, facts: &[Ragged<'_>]) -> Result<()> {
        let fail = |code, message: String, help: &str| {
            Err(self.error(Diagnostic::error(code, message).help(help)))
        };
        if facts.len() != self.relations.len() {
            let message = format!(
                "facts of {} relations given, of {} expected",
                facts.len(),
                self.relations.len()
            );
            return fail("E0816", message, "give each open relation its facts");
        }
        for (open, facts) in self.relations.iter().zip(facts) {
            let (name, n) = (&open.name, facts.tuples.len);
            let ascending = facts
                .offsets
                .windows(2)
                .all(|pair| matches!(pair, [a, b] if a <= b));
            let ends = (facts.offsets.first(), facts.offsets.last());
            if facts.offsets.len() != batch + 1 || !ascending || ends != (Some(&0), Some(&n)) {
                let message = format!(
                    "the offsets of the facts of `{name}` do not cut {n} facts into {batch} samples"
                );
                let help =
                    "offsets ascend from 0 to the number of facts, one more than there are samples";
                return fail("E0872", message, help);
            }
            if let Some(groups) = facts.groups {
                if groups.len() != n {
                    let message = format!("{} groups for {n} facts of `{name}`", groups.len());
                    return fail(
                        "E0873",
                        message,
                        "give each fact the number of its group, or -1",
                    );
                }
                if facts.certain {
                    let message =
                        format!("facts of `{name}` without probabilities exclude each other");
                    return fail(
                        "E0873",
                        message,
                        "give exclusive facts probabilities: at most one of a group holds in a world",
                    );
                }
            }
        }
        Ok(())
    }

    /// Appends the key of a sample to `key`.
    pub(super) fn key(&self, sample: usize, facts: &[Ragged<'_>], key: &mut Vec<u64>) {
        for (open, facts) in self.relations.iter().zip(facts) {
            let range = range(facts, sample);
            let width = open.types.len();
            let certain = if facts.certain { CERTAIN } else { 0 };
            let grouped = u64::from(facts.groups.is_some());
            key.push(range.len() as u64 * 2 + grouped + certain);
            let words = facts
                .tuples
                .words
                .get(range.start * width..range.end * width);
            key.extend_from_slice(words.unwrap_or_default());
            if let Some(groups) = facts.groups {
                number(groups.get(range).unwrap_or_default(), key);
            }
        }
    }

    /// Derives and compiles the shape of a key.
    pub(super) fn derive(&self, key: &[u64]) -> Result<Module> {
        let mut facts = self.blueprint.facts.clone();
        let groups = facts.iter().filter_map(|fact| Some(fact.tag.group()? + 1));
        let mut free = groups.max().unwrap_or(0);
        let mut inputs: Vec<(Arc<Input>, Range<u32>)> = Vec::new();
        let mut rest = key;
        for open in &self.relations {
            let from = facts.len() as u32;
            let (part, more) = Part::read(open.types.len(), rest);
            rest = more;
            part.append(open, None, &mut free, &mut facts);
            if !part.certain {
                inputs.push((open.input.clone(), from..facts.len() as u32));
            }
        }
        self.blueprint.derive(facts, inputs)
    }
}

/// The facts of one open relation in a shape that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Its tuples.
    pub tuples: Vec<Vec<Value>>,
    /// As [`Ragged::groups`].
    pub groups: Option<Vec<i64>>,
    /// Whether all hold.
    pub certain: bool,
}

impl Shapes {
    /// The shapes that are kept, those used longest ago first: of each the facts of each open relation, in order.
    pub fn layouts(&self) -> Vec<Vec<Layout>> {
        let keys = self.lock().keys();
        let symbols = &self.blueprint.session.symbols;
        let layout = |key: &Key| {
            let mut rest: &[u64] = key;
            let relations = self.relations.iter().map(|open| {
                let (part, more) = Part::read(open.types.len(), rest);
                rest = more;
                let value = |(&word, &ty): (&Word, &Type)| Value::from_word(word, ty, symbols);
                let width = open.types.len();
                let row = |i| {
                    part.words
                        .get(i * width..(i + 1) * width)
                        .unwrap_or_default()
                };
                let rows =
                    (0..part.len).map(|i| row(i).iter().zip(&open.types).map(value).collect());
                let number = |&group: &u64| i64::try_from(group).unwrap_or(-1);
                Layout {
                    tuples: rows.collect(),
                    groups: part
                        .groups
                        .map(|groups| groups.iter().map(number).collect()),
                    certain: part.certain,
                }
            });
            relations.collect()
        };
        keys.iter().map(layout).collect()
    }
}

/// Which facts a sample has.
pub(super) fn range(facts: &Ragged<'_>, sample: usize) -> Range<usize> {
    let at = |place: usize| facts.offsets.get(place).copied().unwrap_or_default();
    at(sample)..at(sample + 1)
}

/// Groups of a sample, numbered by first appearance.
fn number(groups: &[i64], key: &mut Vec<u64>) {
    let mut numbers: FxHashMap<i64, u64> = FxHashMap::default();
    for &group in groups {
        let next = numbers.len() as u64;
        key.push(match group {
            ..0 => ALONE,
            _ => *numbers.entry(group).or_insert(next),
        });
    }
}

/// What a key says of one relation.
pub(super) struct Part<'k> {
    len: usize,
    pub(super) certain: bool,
    words: &'k [Word],
    groups: Option<&'k [u64]>,
}

impl<'k> Part<'k> {
    /// Reads one relation of `width` columns; returns the rest of the key too.
    pub(super) fn read(width: usize, key: &'k [u64]) -> (Self, &'k [u64]) {
        let (&header, rest) = key.split_first().unwrap_or((&CERTAIN, &[]));
        let len = ((header & !CERTAIN) / 2) as usize;
        let (words, rest) = rest.split_at_checked(len * width).unwrap_or_default();
        let (groups, rest) = match header % 2 {
            1 => {
                let (groups, rest) = rest.split_at_checked(len).unwrap_or_default();
                (Some(groups), rest)
            }
            _ => (None, rest),
        };
        let certain = header & CERTAIN != 0;
        let part = Self {
            len,
            certain,
            words,
            groups,
        };
        (part, rest)
    }

    /// Appends its facts, with the number of the sample before each row if there is one; `free` is the first number of a
    /// group that is not taken.
    pub(super) fn append(
        &self,
        open: &Open,
        sample: Option<Word>,
        free: &mut u32,
        facts: &mut Vec<Fact>,
    ) {
        let groups = self.groups.unwrap_or_default();
        let mut sizes: FxHashMap<u64, u32> = FxHashMap::default();
        for &group in groups.iter().filter(|&&group| group != ALONE) {
            *sizes.entry(group).or_default() += 1;
        }
        let width = open.types.len();
        for i in 0..self.len {
            // Weights are placeholders, as those of inputs.
            let tag = match groups.get(i) {
                _ if self.certain => Tag::Certain,
                Some(&group) if group != ALONE => Tag::Exclusive {
                    group: *free + group as u32,
                    weight: 1.0 / f64::from(sizes.get(&group).copied().unwrap_or(1)),
                },
                _ => Tag::Independent(0.5),
            };
            let words = self.words.get(i * width..(i + 1) * width);
            let words = words.unwrap_or_default();
            facts.push(Fact {
                relation: open.id,
                row: match sample {
                    None => words.into(),
                    Some(sample) => [&[sample], words].concat().into(),
                },
                tag,
                span: None,
            });
        }
        *free += sizes.len() as u32;
    }
}
