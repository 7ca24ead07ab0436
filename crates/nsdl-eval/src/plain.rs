//! The sink of plain evaluation.

use nsdl_ir::{Symbols, Word};

use crate::failure::Failures;
use crate::join::{Absence, Body, Sink};
use crate::keyed::Keyed;
use crate::limits::Stop;
use crate::members::Fresh;
use crate::order::{Tail, operand};
use crate::table::Rows;
use crate::trace::Recorder;

/// Keeps new rows and forgets how they came.
pub(crate) struct Plain<'a> {
    pub(crate) old: &'a Rows,
    pub(crate) fresh: &'a mut Fresh,
    /// Rows of all relations, less those of `fresh`.
    pub(crate) before: usize,
    /// Room for one row of the head.
    pub(crate) head: Vec<Word>,
    /// Of a keyed relation.
    pub(crate) keyed: Option<&'a mut Keyed>,
    pub(crate) symbols: &'a Symbols,
}

impl Sink for Plain<'_> {
    type Literal = ();
    const ROWS: bool = false;

    fn derive(&mut self, head: &[Word], _: Body<'_, ()>, _: &mut Failures) -> Result<bool, Stop> {
        if let Some(keyed) = &mut self.keyed
            && !keyed.admit(head, true, false, self.symbols)
        {
            return Ok(true);
        }
        self.fresh.insert(self.old, head);
        Ok(true)
    }

    #[inline]
    fn derive_all(
        &mut self,
        tail: &Tail,
        body: Body<'_, ()>,
        rows: &Rows,
        mut ids: impl Iterator<Item = u32>,
    ) -> bool {
        for &(column, value) in &tail.fixed {
            self.head[column] = operand(value, body.slots);
        }
        match *tail.varying {
            [] => {
                let any = ids.next().is_some();
                if any {
                    self.fresh.insert(self.old, &self.head);
                }
                any
            }
            [(column, from)] => {
                let mut any = false;
                let values = ids.map(|id| {
                    any = true;
                    rows.cell(id, from)
                });
                self.fresh
                    .insert_line(self.old, &mut self.head, column, values);
                any
            }
            _ => {
                let mut any = false;
                for id in ids {
                    any = true;
                    for &(column, from) in &tail.varying {
                        self.head[column] = rows.cell(id, from);
                    }
                    self.fresh.insert(self.old, &self.head);
                }
                any
            }
        }
    }

    #[inline]
    fn derive_values(
        &mut self,
        tail: &Tail,
        body: Body<'_, ()>,
        values: &[Word],
        _: &[u32],
    ) -> bool {
        for &(column, value) in &tail.fixed {
            self.head[column] = operand(value, body.slots);
        }
        if let [(column, _)] = *tail.varying {
            self.fresh
                .insert_line(self.old, &mut self.head, column, values.iter().copied());
        }
        !values.is_empty()
    }

    fn absence(&self, _: usize, _: u32) -> Absence<()> {
        Absence::Never
    }

    fn recorder(&mut self) -> Option<&mut Recorder> {
        None
    }

    fn size(&self) -> (usize, usize) {
        (self.before + self.fresh.rows.len(), 0)
    }
}
