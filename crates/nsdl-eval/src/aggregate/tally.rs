//! Sums of uncertain integers: which sums are possible. Who evaluates them needs no more than the values.

use nsdl_ir::{AggregateKind, Type, Value, Word};

use super::fold::Fold;
use super::total::integer;
use super::traced::{Derive, Traced, too_large};
use super::{GroupRows, Input};
use crate::FailureKind;
use crate::failure::Failures;
use crate::limits::Stop;

/// Distinct sums that are listed.
const MOST: i128 = 1 << 22;

/// Some of the numbers from 0 on.
struct Numbers(Vec<u64>);

impl Numbers {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn insert(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }

    fn contains(&self, number: usize) -> bool {
        let word = self.0.get(number / 64);
        word.is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    /// All numbers moved by `by`; none may fall off an end.
    fn moved(&self, by: i64) -> Self {
        let (words, bits) = (by.unsigned_abs() as usize / 64, by.unsigned_abs() % 64);
        let at = |place: usize, offset: usize| {
            let place = if by >= 0 {
                place.checked_sub(offset)
            } else {
                place.checked_add(offset)
            };
            place
                .and_then(|place| self.0.get(place))
                .copied()
                .unwrap_or(0)
        };
        let word = |place: usize| match (bits, by >= 0) {
            (0, _) => at(place, words),
            (_, true) => (at(place, words) << bits) | (at(place, words + 1) >> (64 - bits)),
            (_, false) => (at(place, words) >> bits) | (at(place, words + 1) << (64 - bits)),
        };
        Self((0..self.0.len()).map(word).collect())
    }

    fn add(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }
}

/// The least and the greatest sum of some of these values.
fn range(values: &[i128]) -> (i128, i128) {
    let sum = |keep: fn(&i128) -> bool| {
        let kept = values.iter().copied().filter(keep);
        kept.fold(0i128, i128::saturating_add)
    };
    (sum(|v| *v < 0), sum(|v| *v > 0))
}

impl Input<'_> {
    fn integers(&self, rows: &[u32]) -> Vec<i128> {
        let (fold, ty) = (Fold::new(self), self.value_type());
        let value = |&row: &u32| integer(fold.value(row), ty, self.symbols);
        rows.iter().map(value).collect()
    }
}

impl Traced<'_> {
    /// Whether the sums of a group are better listed by their numbers than by what its first members lead to.
    pub(super) fn is_tally(&self, group: &GroupRows<'_>) -> bool {
        let ty = self.input.value_type();
        if !ty.is_integer() || ty == Type::U128 {
            return false;
        }
        let (least, most) = range(&self.input.integers(&group.members));
        let sums = most.saturating_sub(least).saturating_add(1);
        let mut states = 0;
        let mut level = 1i128;
        for _ in &group.members {
            states += level;
            level = (2 * level).min(sums);
        }
        sums <= MOST && sums <= states
    }

    pub(super) fn tally(
        &self,
        group: &GroupRows<'_>,
        derive: &mut Derive<'_>,
        failures: &mut Failures,
        steps: &mut usize,
    ) -> Result<(Vec<u32>, AggregateKind), Stop> {
        let members = Fold::new(&self.input).in_order(&group.members);
        let values = self.input.integers(&members);
        let (least, most) = range(&values);
        let count = (most - least + 1) as usize;
        *steps += members.len() + count;
        if *steps > self.input.steps {
            return Err(too_large(&self.input, members.len(), count).into());
        }
        // The sums of some members, and whether none may hold.
        let mut sums = Numbers::new(count);
        let mut none = true;
        let values: Vec<i64> = values.into_iter().map(|value| value as i64).collect();
        for (&row, &value) in members.iter().zip(&values) {
            self.input.budget.check(0, 0)?;
            let mut next = sums.moved(value);
            if none {
                next.insert((i128::from(value) - least) as usize);
            }
            if self.is_certain(row) {
                none = false;
            } else {
                next.add(&sums);
            }
            sums = next;
        }
        if none && self.input.exist_empty() {
            sums.insert((-least) as usize);
        }
        let nonempty = none && !self.input.exist_empty();
        let ty = self.input.value_type();
        let mut failed = false;
        let mut word = |place: usize| -> Option<Word> {
            if !sums.contains(place) {
                return None;
            }
            let value = Value::from_i128(least + place as i128, ty);
            let word = value.and_then(|value| value.to_word(self.input.symbols));
            failed |= word.is_none();
            word
        };
        let words: Vec<Option<Word>> = (0..count).map(&mut word).collect();
        if failed {
            failures.count(self.input.aggregate.span, FailureKind::Overflow);
        }
        let possible = (0..count).filter(|&place| sums.contains(place)).count();
        let forced = possible == 1 && !nonempty;
        let results = words
            .into_iter()
            .map(|word| word.map(|word| derive(&[word], forced)));
        let kind = AggregateKind::Sum {
            least: least as i64,
            nonempty,
            results: results.collect(),
            values,
        };
        Ok((members, kind))
    }
}
