//! Aggregates: the groups of a relation's rows, and what each group reduces to.
//!
//! In plain mode each group has its result. In a trace, each group has one node that says which members
//! give which results, of size polynomial in the members and the different results; aggregates that read how
//! probable their members are choose members or make random variables instead (SEMANTICS 4).

mod best;
mod chosen;
mod fold;
mod foreign;
mod join;
mod plain;
mod product;
mod sort;
mod tally;
mod total;
mod traced;
mod weighted;

use std::cmp::Ordering;

use nsdl_functions::Registry;
use nsdl_ir::{Aggregate, AggregateId, Symbols, Type, Word};
use rustc_hash::FxHashMap;

use crate::arithmetic::compare;
use crate::limits::Budget;
use crate::table::Rows;

pub(crate) use traced::{Found, Traced};
pub(crate) use weighted::weights;

/// An aggregate and what it reads.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) aggregate: &'a Aggregate,
    pub(crate) id: AggregateId,
    /// Types of the members' columns.
    pub(crate) types: &'a [Type],
    pub(crate) symbols: &'a Symbols,
    pub(crate) members: &'a Rows,
    /// The groups of an explicit `where`.
    pub(crate) groups: Option<&'a Rows>,
    /// How probable each member is, for those that read it; `None` where all hold.
    pub(crate) weights: Option<&'a [f64]>,
    /// Of random draws.
    pub(crate) seed: u64,
    /// How many steps it may take, about.
    pub(crate) steps: usize,
    pub(crate) budget: &'a Budget,
    /// What the host program supplies.
    pub(crate) registry: &'a Registry,
}

/// The rows of one group.
struct GroupRows<'a> {
    key: &'a [Word],
    /// The row that makes it exist, for an explicit `where`.
    exists: Option<u32>,
    members: Vec<u32>,
}

impl<'a> Input<'a> {
    /// All groups, explicit ones in order of their rows, others in order of their first member.
    fn group(&self) -> Vec<GroupRows<'a>> {
        let keys = self.aggregate.keys as usize;
        let mut groups: Vec<GroupRows<'a>> = Vec::new();
        let mut numbers: FxHashMap<&[Word], usize> = FxHashMap::default();
        match self.groups {
            Some(rows) => {
                for (row, key) in rows.iter().enumerate() {
                    numbers.insert(key, groups.len());
                    groups.push(GroupRows {
                        key,
                        exists: Some(row as u32),
                        members: Vec::new(),
                    });
                }
            }
            None if keys == 0 => {
                numbers.insert(&[], 0);
                groups.push(GroupRows {
                    key: &[],
                    exists: None,
                    members: Vec::new(),
                });
            }
            None => {}
        }
        let members = self.members;
        for row in 0..members.len() as u32 {
            let key = &members.row(row)[..keys];
            let group = match numbers.get(key) {
                Some(&group) => group,
                None if self.groups.is_some() => continue,
                None => {
                    numbers.insert(key, groups.len());
                    groups.push(GroupRows {
                        key,
                        exists: None,
                        members: Vec::new(),
                    });
                    groups.len() - 1
                }
            };
            groups[group].members.push(row);
        }
        groups
    }

    /// Whether groups exist without members.
    fn exist_empty(&self) -> bool {
        self.groups.is_some() || self.aggregate.keys == 0
    }

    /// First value column of the members.
    fn values(&self) -> usize {
        (self.aggregate.keys + self.aggregate.arguments) as usize
    }

    /// The type that is folded.
    fn value_type(&self) -> Type {
        self.types.get(self.values()).copied().unwrap_or(Type::I32)
    }

    /// Compares two members by value.
    fn compare(&self, a: u32, b: u32) -> Ordering {
        self.compare_from(self.values(), a, b)
    }

    /// Compares two members by the columns from `start` on.
    fn compare_from(&self, start: usize, a: u32, b: u32) -> Ordering {
        let (a, b) = (&self.members.row(a)[start..], &self.members.row(b)[start..]);
        let columns = self.types[start..].iter().zip(a.iter().zip(b));
        columns.fold(Ordering::Equal, |so_far, (&ty, (&a, &b))| {
            so_far.then_with(|| compare(ty, a, b, self.symbols))
        })
    }
}
