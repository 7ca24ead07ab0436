//! Row numbers over the rows that one or two ranges of values can make.

use nsdl_ir::Word;

use crate::area::{Area, Line};

/// The number of each row of an area; without cells until there is a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grid {
    /// One more than the number of the row, 0 where there is none.
    cells: Vec<u32>,
    /// A bit for each position whose row needs no more reasons.
    done: Vec<u64>,
    area: Area,
}

impl Grid {
    /// A grid without rows.
    pub(crate) fn over(area: Area) -> Self {
        Self {
            cells: vec![0; area.len() as usize],
            done: vec![0; (area.len() as usize).div_ceil(64)],
            area,
        }
    }

    pub(crate) fn area(&self) -> Area {
        self.area
    }

    #[inline]
    pub(crate) fn position(&self, row: &[Word]) -> Option<u64> {
        match self.cells.is_empty() {
            true => None,
            false => self.area.position(row),
        }
    }

    pub(crate) fn line(&self, row: &[Word; 2], column: usize) -> Option<Line> {
        match self.cells.is_empty() {
            true => None,
            false => self.area.line(row, column),
        }
    }

    #[inline]
    pub(crate) fn is_done(&self, position: u64) -> bool {
        self.done[(position >> 6) as usize] >> (position & 63) & 1 != 0
    }

    pub(crate) fn finish(&mut self, position: u64) {
        self.done[(position >> 6) as usize] |= 1 << (position & 63);
    }

    /// The number of the row at a position; if there is none, `next` from now on.
    #[inline]
    pub(crate) fn number(&mut self, position: u64, next: u32) -> Option<u32> {
        let cell = &mut self.cells[position as usize];
        match cell.checked_sub(1) {
            None => {
                *cell = next + 1;
                None
            }
            known => known,
        }
    }

    #[inline]
    pub(crate) fn get(&self, position: u64) -> Option<u32> {
        self.cells[position as usize].checked_sub(1)
    }

    /// A few times the size of a hash table of as many rows, which pays off in speed, or 1 MiB.
    pub(crate) fn affordable(area: Area, rows: usize) -> bool {
        area.len() <= (1 << 18).max(16 * rows as u64)
    }
}
