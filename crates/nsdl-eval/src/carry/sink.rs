//! The sink that combines tags.

use std::cell::Cell;

use nsdl_ir::{Symbols, Word};
use nsdl_provenance::Scalar;

use super::batch::Batch;
use super::levels::Levels;
use super::{Cell as Known, Column, Columns, Head, NOWHERE};
use crate::choice::Weights;
use crate::failure::Failures;
use crate::join::{Absence, Body, Sink, Task};
use crate::limits::Stop;
use crate::order::{Tail, operand};
use crate::table::Rows;
use crate::trace::Recorder;

/// Keeps new rows, and the tag of each row.
pub(super) struct Tagging<'a, A: Scalar> {
    algebra: &'a A,
    columns: &'a mut [Column<A::Tag>],
    /// Where rows of a recursive stratum wait.
    levels: Option<&'a mut Levels>,
    head: Head<'a>,
    relation: usize,
    /// The atoms over relations with tags, and those relations.
    factors: &'a [(usize, usize)],
    leaf: Leaf<'a, A::Tag>,
    symbols: &'a Symbols,
    /// Room for one row of the head.
    row: Vec<Word>,
    /// Instances whose rows are looked for together.
    batch: &'a mut Batch<A::Tag>,
}

/// The tag that the rule itself adds.
enum Leaf<'a, T> {
    Constant(T),
    /// That of the choice's alternative, for each binding.
    Weighed(&'a Weights, usize),
}

impl<'a, A: Scalar> Tagging<'a, A> {
    pub(super) fn new(
        columns: &'a mut Columns<A>,
        task: &Task<'a>,
        head: Head<'a>,
    ) -> Result<Self, Stop> {
        let Columns {
            algebra,
            columns,
            levels,
            batch,
        } = columns;
        let leaf = match head.choice {
            None => Leaf::Constant(algebra.one()),
            Some((weights, alternative, false)) => Leaf::Weighed(weights, alternative),
            Some((weights, alternative, true)) => {
                let found = weights.weigh(&[], task.symbols, false, &mut Failures::default())?;
                let weight = found.and_then(|weights| weights.get(alternative).copied());
                Leaf::Constant(algebra.tag(weight.unwrap_or_default()))
            }
        };
        Ok(Self {
            algebra,
            columns,
            levels: (head.recursive && head.tagged).then_some(levels),
            relation: task.order.head,
            factors: &task.order.factors,
            leaf,
            symbols: task.symbols,
            row: vec![0; head.old.arity()],
            batch,
            head,
        })
    }

    /// The conjunction of `tag` and what a body says, but of one atom.
    #[inline]
    fn conjunction(&self, mut tag: A::Tag, body: Body<'_, A::Tag>, but: Option<usize>) -> A::Tag {
        for &(atom, relation) in self.factors {
            if Some(atom) != but {
                let factor = &self.columns[relation].cells[body.rows[atom] as usize].tag;
                tag = self.algebra.mult(&tag, factor);
            }
        }
        for factor in body.results.iter().chain(body.negatives) {
            tag = self.algebra.mult(&tag, factor);
        }
        tag
    }

    /// Adds an instance of the row at hand.
    #[inline]
    fn add(&mut self, tag: A::Tag) {
        let head = &mut self.head;
        if !head.tagged {
            head.fresh.insert(head.old, &self.row);
            return;
        }
        if head.fresh.is_hashed() {
            if self.batch.push(&self.row, tag) {
                self.look_up();
            }
            return;
        }
        let (row, new) = head.fresh.intern(head.old, &self.row);
        let levels = self.levels.as_deref_mut();
        combine(
            self.algebra,
            &mut self.columns[self.relation],
            levels,
            self.relation,
            row,
            new,
            tag,
        );
    }

    /// Adds the instances that wait in the batch.
    fn look_up(&mut self) {
        let Self {
            algebra,
            columns,
            levels,
            relation,
            ..
        } = self;
        let column = &mut columns[*relation];
        let Head { old, fresh, .. } = &mut self.head;
        self.batch.empty(old, fresh, |row, new, tag| {
            let levels = levels.as_deref_mut();
            combine(*algebra, column, levels, *relation, row, new, tag);
        });
    }

    /// Adds an instance for each value of `column`; `factor` gives the row that the value comes from.
    #[inline]
    fn add_line(
        &mut self,
        tail: &Tail,
        common: A::Tag,
        column: usize,
        values: impl Iterator<Item = Word>,
        factor: impl Fn(usize) -> u32,
    ) {
        let (algebra, relation) = (self.algebra, self.relation);
        let Head {
            tagged, old, fresh, ..
        } = &mut self.head;
        if !*tagged {
            return fresh.insert_line(old, &mut self.row, column, values);
        }
        let last = self.factors.iter().find(|(atom, _)| *atom == tail.atom);
        if fresh.is_hashed() {
            for (which, value) in values.enumerate() {
                self.row[column] = value;
                let tag = match last {
                    Some(&(_, relation)) => {
                        let cells = &self.columns[relation].cells;
                        algebra.mult(&common, &cells[factor(which) as usize].tag)
                    }
                    None => common,
                };
                if self.batch.push(&self.row, tag) {
                    self.look_up();
                }
            }
            return;
        }
        let columns = &mut *self.columns;
        let mut levels = self.levels.as_deref_mut();
        // Rows that have been joined get nothing better from what is no better than any of them.
        let skip = columns[relation]
            .least
            .is_some_and(|least| algebra.add(&least, &common) == least);
        fresh.intern_line(
            old,
            &mut self.row,
            column,
            values,
            skip,
            |row, new, which| {
                let tag = match last {
                    Some(&(_, relation)) => {
                        let cells = &columns[relation].cells;
                        algebra.mult(&common, &cells[factor(which) as usize].tag)
                    }
                    None => common,
                };
                let levels = levels.as_deref_mut();
                combine(
                    algebra,
                    &mut columns[relation],
                    levels,
                    relation,
                    row,
                    new,
                    tag,
                );
            },
        );
    }

    fn fix(&mut self, tail: &Tail, slots: &[Word]) {
        for &(column, value) in &tail.fixed {
            self.row[column] = operand(value, slots);
        }
    }

    /// The conjunction for all rows of the last scan, but for those rows themselves.
    fn common(&self, tail: &Tail, body: Body<'_, A::Tag>) -> A::Tag {
        // An order whose rule is weighed by its binding has no tail.
        let leaf = match self.leaf {
            Leaf::Constant(tag) => tag,
            Leaf::Weighed(..) => self.algebra.zero(),
        };
        self.conjunction(leaf, body, Some(tail.atom))
    }
}

/// Adds `tag` to that of a row, and lets the row wait if that made it better.
#[inline]
fn combine<A: Scalar>(
    algebra: &A,
    column: &mut Column<A::Tag>,
    levels: Option<&mut Levels>,
    relation: usize,
    row: u32,
    new: bool,
    tag: A::Tag,
) {
    if new {
        column.cells.push(Known::new(tag));
    }
    let Some(cell) = column.cells.get_mut(row as usize) else {
        return;
    };
    if !new {
        let sum = algebra.add(&cell.tag, &tag);
        if sum == cell.tag {
            return;
        }
        cell.tag = sum;
    }
    if let Some(levels) = levels {
        let level = algebra.level(cell.tag).min(NOWHERE - 1);
        if cell.waiting != level {
            cell.waiting = level;
            levels.push(level, (relation as u32, row));
        }
    }
}

impl<A: Scalar> Sink for Tagging<'_, A> {
    type Literal = A::Tag;
    const ROWS: bool = true;

    fn derive(
        &mut self,
        head: &[Word],
        body: Body<'_, A::Tag>,
        failures: &mut Failures,
    ) -> Result<bool, Stop> {
        let leaf = match self.leaf {
            Leaf::Constant(tag) => tag,
            Leaf::Weighed(weights, alternative) => {
                let Some(weights) = weights.weigh(body.slots, self.symbols, false, failures)?
                else {
                    return Ok(false);
                };
                let weight = weights.get(alternative).copied();
                self.algebra.tag(weight.unwrap_or_default())
            }
        };
        let tag = self.conjunction(leaf, body, None);
        self.row.copy_from_slice(head);
        self.add(tag);
        Ok(true)
    }

    fn derive_all(
        &mut self,
        tail: &Tail,
        body: Body<'_, A::Tag>,
        rows: &Rows,
        ids: impl Iterator<Item = u32>,
    ) -> bool {
        let mut ids = ids.peekable();
        if ids.peek().is_none() {
            return false;
        }
        self.fix(tail, body.slots);
        let common = self.common(tail, body);
        if let [(column, from)] = *tail.varying {
            let id = Cell::new(None);
            let values = ids.map(|row| {
                id.set(Some(row));
                rows.cell(row, from)
            });
            self.add_line(tail, common, column, values, |_| {
                id.get().unwrap_or_default()
            });
            return true;
        }
        let last = self.factors.iter().find(|(atom, _)| *atom == tail.atom);
        for id in ids {
            for &(column, from) in &tail.varying {
                self.row[column] = rows.cell(id, from);
            }
            let tag = match last {
                Some(&(_, relation)) => {
                    let factor = &self.columns[relation].cells[id as usize].tag;
                    self.algebra.mult(&common, factor)
                }
                None => common,
            };
            self.add(tag);
        }
        true
    }

    fn derive_values(
        &mut self,
        tail: &Tail,
        body: Body<'_, A::Tag>,
        values: &[Word],
        ids: &[u32],
    ) -> bool {
        if values.is_empty() {
            return false;
        }
        self.fix(tail, body.slots);
        let common = self.common(tail, body);
        if let [(column, _)] = *tail.varying {
            self.add_line(tail, common, column, values.iter().copied(), |which| {
                ids[which]
            });
        }
        true
    }

    fn absence(&self, relation: usize, id: u32) -> Absence<A::Tag> {
        let Some(Known { tag, .. }) = self.columns[relation].cells.get(id as usize) else {
            return Absence::Never;
        };
        if !self.head.tagged {
            // Of a relation that narrows what is computed: some world may lack the row.
            return Absence::Always;
        }
        // Nothing comes of what is false, and what is true says nothing.
        match self.algebra.negate(tag) {
            absent if absent == self.algebra.zero() => Absence::Never,
            absent if absent == self.algebra.one() => Absence::Always,
            absent => Absence::Unless(absent),
        }
    }

    fn recorder(&mut self) -> Option<&mut Recorder> {
        None
    }

    fn finish(&mut self) {
        self.look_up();
    }

    fn size(&self) -> (usize, usize) {
        (self.head.before + self.head.fresh.rows.len(), 0)
    }
}
