//! Tags carried in joins: a column of tags beside the rows of each uncertain relation.
//!
//! The tag of an instance is the conjunction of the tags of its body, and that of a row the alternative of all
//! instances that derive it. A stratum that is not recursive meets each instance once. In a recursive one, of an
//! idempotent and absorptive algebra, rows are settled from the best level of tags downwards, and only then are
//! they joined: what follows from a row is never better, so hardly any settled row gets a better tag later. One
//! that does (by a certain relation that grows meanwhile, or within its level) is settled again.

mod batch;
mod levels;
mod proofs;
mod sink;

use std::fmt;
use std::sync::Arc;

use nsdl_ir::{Fact, Tag};
use nsdl_provenance::Scalar;

use crate::choice::Weights;
use crate::join::{self, Task};
use crate::limits::Stop;
use crate::members::Fresh;
use crate::table::Rows;
use crate::uncertain::Laws;
use batch::Batch;
use levels::Levels;
use proofs::Proofs;
use sink::Tagging;

/// An algebra whose tags joins carry, see [`Options::carry`](crate::Options::carry).
#[derive(Clone)]
pub struct Carry {
    pub(crate) laws: Laws,
    carrier: Arc<Make>,
}

/// Makes empty columns for so many relations, given all facts.
type Make = dyn Fn(usize, &[Fact]) -> Box<dyn Carrier> + Send + Sync;

impl Carry {
    /// Tags of `algebra`.
    pub fn new<A: Scalar + Clone + Send + Sync + 'static>(algebra: A) -> Self {
        Self {
            laws: Laws {
                idempotent: A::IDEMPOTENT,
                absorptive: A::ABSORPTIVE,
                positive: false,
            },
            carrier: Arc::new(move |relations, _| {
                Box::new(Columns {
                    algebra: algebra.clone(),
                    columns: (0..relations).map(|_| Column::default()).collect(),
                    levels: Levels::default(),
                    batch: Batch::default(),
                })
            }),
        }
    }

    /// The `k` heaviest proofs of each tuple, at most [`Carry::MOST_PROOFS`]; a tag is the weight of their union. Only
    /// for programs whose facts alone are uncertain, and not denied.
    pub fn proofs(k: usize) -> Self {
        Self {
            laws: Laws {
                idempotent: true,
                absorptive: true,
                positive: true,
            },
            carrier: Arc::new(move |relations, facts| {
                Box::new(Proofs::new(k.clamp(1, Self::MOST_PROOFS), relations, facts))
            }),
        }
    }

    /// Unions of more proofs may have to be compiled.
    pub const MOST_PROOFS: usize = 10;

    /// Empty columns for so many relations.
    pub(crate) fn carrier(&self, relations: usize, facts: &[Fact]) -> Box<dyn Carrier> {
        (self.carrier)(relations, facts)
    }
}

impl fmt::Debug for Carry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Carry({:?})", self.laws)
    }
}

/// The head that a join fills.
pub(crate) struct Head<'a> {
    /// Whether its rows carry tags.
    pub(crate) tagged: bool,
    /// Whether it is of a recursive stratum.
    pub(crate) recursive: bool,
    pub(crate) old: &'a Rows,
    pub(crate) fresh: &'a mut Fresh,
    /// Rows of all relations, less those of `fresh`.
    pub(crate) before: usize,
    /// The choice of the rule: its weights, which of them, and whether they are constant.
    pub(crate) choice: Option<(&'a Weights, usize, bool)>,
}

/// The tags of all relations, whatever their algebra.
pub(crate) trait Carrier {
    /// Adds the tag of fact `number` to that of its row.
    fn fact(&mut self, relation: usize, row: u32, number: usize, tag: Tag);
    /// A recursive stratum with this relation begins: its rows so far are settled.
    fn begin(&mut self, relation: usize);
    /// Runs a join.
    fn run(&mut self, task: Task<'_>, head: Head<'_>) -> Result<(), Stop>;
    /// Lists the rows of the best level by relation, and adds those that are settled for the first time to
    /// `order`; false if there are none.
    fn settle(&mut self, listed: &mut [Vec<u32>], order: &mut [Option<Vec<u32>>]) -> bool;
    /// Notes that these rows have been joined; `skips` if others will be passed over for it.
    fn finish(&mut self, relation: usize, rows: &[u32], skips: bool);
    /// The tags of a relation as numbers.
    fn weights(&self, relation: usize) -> Vec<f64>;
    /// Whether something was left out of some tag.
    fn truncated(&self) -> bool {
        false
    }
}

/// The tags of one relation.
#[derive(Debug)]
struct Column<T> {
    /// Of each row.
    cells: Vec<Cell<T>>,
    /// No row that is passed over when it is found has a worse tag.
    least: Option<T>,
}

/// What is known of a row: in one place, since it is asked for at once, of rows all over the column.
#[derive(Debug)]
struct Cell<T> {
    tag: T,
    /// In a recursive stratum, the level in which it waits.
    waiting: u32,
    /// Likewise, whether it was settled before.
    settled: bool,
}

impl<T> Cell<T> {
    fn new(tag: T) -> Self {
        Self {
            tag,
            waiting: NOWHERE,
            settled: false,
        }
    }
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self {
            cells: Vec::new(),
            least: None,
        }
    }
}

/// The level of a row that does not wait.
const NOWHERE: u32 = u32::MAX;

#[derive(Debug)]
struct Columns<A: Scalar> {
    algebra: A,
    columns: Vec<Column<A::Tag>>,
    levels: Levels,
    /// Instances of the join that runs whose rows are looked for together.
    batch: Batch<A::Tag>,
}

impl<A: Scalar> Carrier for Columns<A> {
    fn fact(&mut self, relation: usize, row: u32, _: usize, tag: Tag) {
        let tag = match tag {
            Tag::Certain => self.algebra.one(),
            Tag::Independent(weight)
            | Tag::Exclusive { weight, .. }
            | Tag::Share { weight, .. } => self.algebra.tag(weight),
        };
        let cells = &mut self.columns[relation].cells;
        match cells.get_mut(row as usize) {
            Some(known) => known.tag = self.algebra.add(&known.tag, &tag),
            None => cells.push(Cell::new(tag)),
        }
    }

    fn begin(&mut self, relation: usize) {
        for cell in &mut self.columns[relation].cells {
            (cell.waiting, cell.settled) = (NOWHERE, true);
        }
    }

    fn run(&mut self, task: Task<'_>, head: Head<'_>) -> Result<(), Stop> {
        let sink = Tagging::new(self, &task, head)?;
        join::run(task, sink)
    }

    fn settle(&mut self, listed: &mut [Vec<u32>], order: &mut [Option<Vec<u32>>]) -> bool {
        let mut any = false;
        while !any && let Some((level, rows)) = self.levels.pop() {
            for rows in rows.chunk_by(|(one, _), (other, _)| one == other) {
                let relation = rows[0].0 as usize;
                let cells = &mut self.columns[relation].cells;
                let (listed, order) = (&mut listed[relation], &mut order[relation]);
                for &(_, row) in rows {
                    let cell = &mut cells[row as usize];
                    if cell.waiting != level {
                        continue;
                    }
                    cell.waiting = NOWHERE;
                    any = true;
                    listed.push(row);
                    if !std::mem::replace(&mut cell.settled, true)
                        && let Some(order) = order
                    {
                        order.push(row);
                    }
                }
            }
            self.levels.recycle(rows);
        }
        any
    }

    fn finish(&mut self, relation: usize, rows: &[u32], skips: bool) {
        let Self {
            algebra, columns, ..
        } = self;
        let column = &mut columns[relation];
        if !skips {
            column.least = None;
            return;
        }
        for &row in rows {
            let tag = column.cells[row as usize].tag;
            column.least = Some(match column.least {
                None => tag,
                Some(least) if algebra.add(&least, &tag) == least => tag,
                Some(least) if algebra.add(&least, &tag) == tag => least,
                // Neither is better than the other.
                Some(least) => algebra.mult(&least, &tag),
            });
        }
    }

    fn weights(&self, relation: usize) -> Vec<f64> {
        let cells = self.columns[relation].cells.iter();
        cells.map(|cell| self.algebra.weight(&cell.tag)).collect()
    }
}
