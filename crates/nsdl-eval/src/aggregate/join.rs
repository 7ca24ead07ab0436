//! `string_join<all>`: a text for every argument that can have one, in every combination.
//!
//! Combinations that begin with the same text go on as one, so that there are as many states as different
//! texts, not as many as combinations.

use nsdl_ir::{AggregateKind, PathStep, Word};
use rustc_hash::FxHashMap;

use super::traced::{Derive, Traced, too_large};
use super::{GroupRows, Input};
use crate::limits::Stop;

/// The ways to join the texts of a group.
pub(super) struct Paths {
    /// Rows, in order of arguments, then of text.
    pub(super) members: Vec<u32>,
    /// One per argument, or per member if there are no arguments.
    pub(super) levels: Vec<Vec<PathStep>>,
    /// The joined text of each last state.
    pub(super) texts: Vec<Word>,
}

impl Input<'_> {
    pub(super) fn paths(&self, members: &[u32]) -> Result<Paths, Stop> {
        let mut sorted = members.to_vec();
        let (keys, values) = (self.aggregate.keys as usize, self.values());
        sorted.sort_by(|&a, &b| self.compare_from(keys, a, b));
        let same_argument = |a: &u32, b: &u32| {
            let argument = |row: u32| &self.members.row(row)[keys..values];
            keys < values && argument(*a) == argument(*b)
        };
        let (mut levels, mut first, mut steps) = (Vec::new(), 0, 0);
        let mut texts = match sorted.is_empty() && !self.exist_empty() {
            true => Vec::new(),
            false => vec![self.symbols.intern("")],
        };
        for choice in sorted.chunk_by(same_argument) {
            steps += texts.len() * choice.len();
            if steps > self.steps {
                return Err(too_large(self, members.len(), texts.len()).into());
            }
            self.budget.check(0, 0)?;
            let mut level = Vec::with_capacity(texts.len() * choice.len());
            let mut next = Vec::new();
            let mut numbers: FxHashMap<Word, u32> = FxHashMap::default();
            for (from, &text) in texts.iter().enumerate() {
                for (offset, &row) in choice.iter().enumerate() {
                    let joined = self.joined(text, self.members.cell(row, values), first == 0);
                    let to = *numbers.entry(joined).or_insert_with(|| {
                        next.push(joined);
                        next.len() as u32 - 1
                    });
                    level.push(PathStep {
                        from: from as u32,
                        member: (first + offset) as u32,
                        to,
                    });
                }
            }
            first += choice.len();
            levels.push(level);
            texts = next;
        }
        Ok(Paths {
            members: sorted,
            levels,
            texts,
        })
    }

    fn joined(&self, text: Word, next: Word, begins: bool) -> Word {
        if begins {
            return next;
        }
        let (text, next) = (self.symbols.text(text), self.symbols.text(next));
        let separator = &self.aggregate.separator;
        self.symbols.intern(&format!("{text}{separator}{next}"))
    }
}

impl Traced<'_> {
    /// All combinations of one text for each argument.
    pub(super) fn join(
        &self,
        group: &GroupRows<'_>,
        derive: &mut Derive<'_>,
        steps: &mut usize,
    ) -> Result<(Vec<u32>, AggregateKind), Stop> {
        let paths = self.input.paths(&group.members)?;
        let mut certain = vec![true];
        for level in &paths.levels {
            *steps += level.len();
            let states = level.iter().map(|step| step.to + 1).max().unwrap_or(0);
            let mut next = vec![false; states as usize];
            for step in level {
                let member = self.is_certain(paths.members[step.member as usize]);
                next[step.to as usize] |= certain[step.from as usize] && member;
            }
            certain = next;
        }
        let texts = paths.texts.into_iter().zip(certain);
        let results = texts.map(|(text, certain)| derive(&[text], certain));
        let kind = AggregateKind::Paths {
            results: results.collect(),
            levels: paths.levels,
        };
        Ok((paths.members, kind))
    }
}
