//! Keyed relations while they grow: what is beaten is left out.
//!
//! Rows of a keyed relation that agree in all columns but one are candidates, of which the best is wanted in
//! the end. Rules carry better candidates to better ones, so what another one beats can be dropped: a plain
//! evaluation drops what is no better than a candidate it has, a trace what is worse than a certain one.

use nsdl_ir::{Keep, Relation, Symbols, Type, Word};
use rustc_hash::FxHashMap;

use crate::arithmetic::compare;

/// The best known candidates of a relation.
#[derive(Debug)]
pub(crate) struct Keyed {
    keep: Keep,
    /// Of the kept column.
    ty: Type,
    /// By the other columns; `None` where no candidate beats others yet.
    best: FxHashMap<Box<[Word]>, Option<Word>>,
}

impl Keyed {
    pub(crate) fn of(relation: &Relation) -> Option<Self> {
        let keep = relation.keep?;
        let ty = *relation.columns.get(keep.column as usize)?;
        Some(Self {
            keep,
            ty,
            best: FxHashMap::default(),
        })
    }

    /// Number of different keys seen.
    pub(crate) fn keys(&self) -> usize {
        self.best.len()
    }

    /// Takes note of a row, which beats others if `beats`. False if it comes to nothing: it is worse than
    /// what beats others, or, unless `ties`, as good.
    pub(crate) fn admit(
        &mut self,
        row: &[Word],
        beats: bool,
        ties: bool,
        symbols: &Symbols,
    ) -> bool {
        let column = self.keep.column as usize;
        let Some(&value) = row.get(column) else {
            return true;
        };
        let key = row.iter().enumerate().filter(|(it, _)| *it != column);
        let key: Box<[Word]> = key.map(|(_, &word)| word).collect();
        let (ty, greatest) = (self.ty, self.keep.greatest);
        let best = self.best.entry(key).or_insert(None);
        let ordering = best.map(|best| {
            let ordering = compare(ty, value, best, symbols);
            if greatest {
                ordering.reverse()
            } else {
                ordering
            }
        });
        match ordering {
            Some(std::cmp::Ordering::Greater) => false,
            Some(std::cmp::Ordering::Equal) => ties,
            Some(std::cmp::Ordering::Less) | None => {
                if beats {
                    *best = Some(value);
                }
                true
            }
        }
    }

    /// Whether `head` is better than `body`, a row of `other`; true if they cannot be compared.
    pub(crate) fn improves(
        &self,
        head: &[Word],
        other: &Keyed,
        body: &[Word],
        symbols: &Symbols,
    ) -> bool {
        let values = head
            .get(self.keep.column as usize)
            .zip(body.get(other.keep.column as usize));
        let Some((&head, &body)) = values else {
            return true;
        };
        let ordering = compare(self.ty, head, body, symbols);
        self.keep.greatest != other.keep.greatest
            || if self.keep.greatest {
                ordering.is_gt()
            } else {
                ordering.is_lt()
            }
    }
}
