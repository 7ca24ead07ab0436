//! Least and greatest: members in order of rank, equal values with equal ranks.

use std::cmp::Ordering;

use nsdl_ir::{AggregateOp, Word};

use super::Input;

/// The order of one of `min`, `max`, `argmin`, `argmax`, best first.
pub(super) struct Best<'a> {
    input: Input<'a>,
    greatest: bool,
}

impl<'a> Best<'a> {
    pub(super) fn new(input: &Input<'a>) -> Self {
        let greatest = matches!(input.aggregate.op, AggregateOp::Max | AggregateOp::Argmax);
        Self {
            input: *input,
            greatest,
        }
    }

    /// Less is better.
    pub(super) fn compare(&self, a: u32, b: u32) -> Ordering {
        let order = self.input.compare(a, b);
        if self.greatest {
            order.reverse()
        } else {
            order
        }
    }

    /// What a member shows as result.
    pub(super) fn result(&self, row: u32) -> &'a [Word] {
        let (keys, values) = (self.input.aggregate.keys as usize, self.input.values());
        let row = self.input.members.row(row);
        match self.input.aggregate.op {
            AggregateOp::Argmin | AggregateOp::Argmax => &row[keys..values],
            _ => &row[keys..],
        }
    }

    /// The members with their ranks, best first. What comes after a rank with a `certain` member can never
    /// be best and is left out.
    pub(super) fn ranked(&self, members: &[u32], certain: impl Fn(u32) -> bool) -> Vec<(u32, u32)> {
        let mut sorted = members.to_vec();
        sorted.sort_by(|&a, &b| self.compare(a, b));
        let (mut ranked, mut rank, mut beaten): (Vec<(u32, u32)>, u32, bool) =
            (Vec::new(), 0, false);
        for row in sorted {
            if ranked
                .last()
                .is_some_and(|&(last, _)| self.compare(last, row).is_ne())
            {
                if beaten {
                    break;
                }
                rank += 1;
            }
            beaten |= certain(row);
            ranked.push((row, rank));
        }
        ranked
    }
}
