//! Positions: members in order of value, equal ones in order of arguments.

use std::cmp::Ordering;

use nsdl_ir::{AggregateOp, Word};

use super::Input;

/// Where a member is among those that hold, while they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Position {
    /// So many before it hold so far.
    Before(u32),
    /// It holds, after so many.
    At(u32),
    /// It does not hold.
    Missing,
}

impl Position {
    /// After one more member, which is the one in question or not, and holds or not.
    pub(super) fn next(self, same: bool, holds: bool) -> Self {
        match (self, same, holds) {
            (Position::Before(count), true, true) => Position::At(count),
            (Position::Before(_), true, false) => Position::Missing,
            (Position::Before(count), false, true) => Position::Before(count + 1),
            _ => self,
        }
    }
}

impl<'a> Input<'a> {
    /// Members in the order of `sort`, `argsort` and `enumerate`.
    pub(super) fn sorted(&self, members: &[u32]) -> Vec<u32> {
        let mut sorted = members.to_vec();
        let keys = self.aggregate.keys as usize;
        sorted.sort_by(|&a, &b| {
            let by_value = match self.aggregate.ascending {
                true => self.compare(a, b),
                false => self.compare(b, a),
            };
            let by_argument = || self.compare_from(keys, a, b);
            if by_value == Ordering::Equal {
                by_argument()
            } else {
                by_value
            }
        });
        sorted
    }

    /// The result of a member at a position.
    pub(super) fn placed(&self, position: u32, row: u32) -> Vec<Word> {
        let (keys, values) = (self.aggregate.keys as usize, self.values());
        let row: &'a [Word] = self.members.row(row);
        let shown = match self.aggregate.op {
            AggregateOp::Argsort => &row[keys..values],
            _ => &row[keys..],
        };
        [&[Word::from(position)], shown].concat()
    }
}
