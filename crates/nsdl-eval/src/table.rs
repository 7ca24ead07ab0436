//! Rows of words: a relation is append-only, and a tuple's id is its row number.

use std::sync::OnceLock;

use hashbrown::HashTable;
use nsdl_ir::Word;

use crate::members::{Members, hash};

/// Rows of one relation, one after the other; nothing here keeps them different.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    arity: usize,
    len: usize,
    cells: Vec<Word>,
}

impl Rows {
    pub(crate) fn new(arity: usize) -> Self {
        Self {
            arity,
            len: 0,
            cells: Vec::new(),
        }
    }

    pub(crate) fn arity(&self) -> usize {
        self.arity
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The cells of a row; empty for a row that does not exist.
    #[inline]
    pub(crate) fn row(&self, row: u32) -> &[Word] {
        let start = row as usize * self.arity;
        self.cells
            .get(start..start + self.arity)
            .unwrap_or_default()
    }

    /// One cell; both numbers must be in range.
    #[inline]
    pub(crate) fn cell(&self, row: u32, column: usize) -> Word {
        self.cells[row as usize * self.arity + column]
    }

    #[inline]
    pub(crate) fn push(&mut self, row: &[Word]) {
        debug_assert_eq!(row.len(), self.arity);
        self.cells.extend_from_slice(row);
        self.len += 1;
    }

    /// Moves all rows of `other`, of the same arity, behind the ones here.
    pub(crate) fn append(&mut self, other: &mut Rows) {
        self.cells.append(&mut other.cells);
        self.len += other.len;
        other.len = 0;
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &[Word]> {
        (0..self.len).map(|row| self.row(row as u32))
    }
}

/// The rows of a relation after an evaluation, all different, in the order they were derived.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Rows,
    members: Members,
    /// Row numbers by content, made when first asked for: plain evaluation may know membership only.
    lookup: OnceLock<HashTable<u32>>,
}

impl Table {
    pub(crate) fn new(rows: Rows, members: Members) -> Self {
        Self {
            rows,
            members,
            lookup: OnceLock::new(),
        }
    }

    /// Number of columns.
    pub fn arity(&self) -> usize {
        self.rows.arity()
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The cells of a row; empty for a row that does not exist.
    pub fn row(&self, row: u32) -> &[Word] {
        self.rows.row(row)
    }

    /// All rows, in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[Word]> {
        self.rows.iter()
    }

    /// The number of the row with these cells. The first call may cost one pass over the table.
    pub fn find(&self, cells: &[Word]) -> Option<u32> {
        if cells.len() != self.arity() {
            return None;
        }
        let table = match &self.members {
            Members::Hash(table) => table,
            Members::Grid(grid) => return grid.get(grid.position(cells)?),
            Members::Bits(_) => self.lookup.get_or_init(|| {
                let mut table = HashTable::with_capacity(self.len());
                for (row, cells) in self.rows().enumerate() {
                    table.insert_unique(hash(cells), row as u32, |&row| hash(self.row(row)));
                }
                table
            }),
        };
        table
            .find(hash(cells), |&row| self.row(row) == cells)
            .copied()
    }
}
