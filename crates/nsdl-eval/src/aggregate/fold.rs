//! Aggregates that take one member after the other: sums, products, averages and joined texts.
//!
//! Members come in order of value, so that floats round the same way everywhere; texts in order of arguments
//! first.

use nsdl_ir::{AggregateOp, Type, Word};

use super::Input;
use super::product::Product;
use super::total::Total;
use crate::FailureKind;
use crate::arithmetic::Computed;

/// What some of the members amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum State {
    /// No member yet, where that has no result.
    Nothing,
    Sum(Total),
    Product(Product),
    Average {
        total: Total,
        members: u32,
    },
    Text(Word),
    /// There is no result.
    Failed(FailureKind),
}

/// Folds one group.
pub(super) struct Fold<'a> {
    input: Input<'a>,
    ty: Type,
    column: usize,
}

impl<'a> Fold<'a> {
    pub(super) fn new(input: &Input<'a>) -> Self {
        Self {
            input: *input,
            ty: input.value_type(),
            column: input.values(),
        }
    }

    /// The members in the order to take them, equal ones in order of rows.
    pub(super) fn in_order(&self, members: &[u32]) -> Vec<u32> {
        let mut sorted = members.to_vec();
        let start = match self.input.aggregate.op {
            AggregateOp::StringJoin => self.input.aggregate.keys as usize,
            _ => self.input.values(),
        };
        sorted.sort_by(|&a, &b| self.input.compare_from(start, a, b));
        sorted
    }

    /// The value of a member.
    pub(super) fn value(&self, row: u32) -> Word {
        self.input.members.cell(row, self.column)
    }

    pub(super) fn start(&self) -> State {
        match self.input.aggregate.op {
            AggregateOp::Sum | AggregateOp::Prod if self.input.exist_empty() => self.empty(),
            _ => State::Nothing,
        }
    }

    fn empty(&self) -> State {
        match self.input.aggregate.op {
            AggregateOp::Prod => State::Product(Product::one(self.ty)),
            AggregateOp::Avg => State::Average {
                total: Total::zero(self.ty),
                members: 0,
            },
            _ => State::Sum(Total::zero(self.ty)),
        }
    }

    pub(super) fn add(&self, state: State, value: Word) -> State {
        let (ty, symbols) = (self.ty, self.input.symbols);
        let next = match state {
            State::Nothing if self.input.aggregate.op == AggregateOp::StringJoin => {
                Ok(State::Text(value))
            }
            State::Nothing => return self.add(self.empty(), value),
            State::Text(text) => {
                let (text, next) = (symbols.text(text), symbols.text(value));
                let joined = format!("{text}{}{next}", self.input.aggregate.separator);
                Ok(State::Text(symbols.intern(&joined)))
            }
            State::Failed(kind) => Err(kind),
            State::Sum(total) => total.add(value, ty, symbols).map(State::Sum),
            State::Product(product) => product.multiply(value, ty, symbols).map(State::Product),
            State::Average { total, members } => {
                total.add(value, ty, symbols).map(|total| State::Average {
                    total,
                    members: members + 1,
                })
            }
        };
        next.unwrap_or_else(State::Failed)
    }

    /// The result; `None` if there is none without a failure.
    pub(super) fn finish(&self, state: State) -> Computed<Option<Word>> {
        let (ty, symbols) = (self.ty, self.input.symbols);
        match state {
            State::Nothing => {
                let empty = self.input.exist_empty();
                let joins = self.input.aggregate.op == AggregateOp::StringJoin;
                return Ok((joins && empty).then(|| symbols.intern("")));
            }
            State::Text(text) => Ok(text),
            State::Failed(kind) => Err(kind),
            State::Sum(total) => total.finish(ty, symbols),
            State::Product(product) => product.finish(ty, symbols),
            State::Average { total, members } => total
                .divide(members, symbols)
                .and_then(|mean| mean.finish(ty, symbols)),
        }
        .map(Some)
    }
}
