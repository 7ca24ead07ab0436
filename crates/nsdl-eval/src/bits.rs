//! A bitmap over the rows that one or two ranges of values can make.

use nsdl_ir::Word;

use crate::area::{Area, Line};

/// A bitmap over an area; without words until there is a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bits {
    words: Vec<u64>,
    area: Area,
}

impl Bits {
    /// An empty bitmap.
    pub(crate) fn over(area: Area) -> Self {
        Self {
            words: vec![0; (area.len() as usize).div_ceil(64)],
            area,
        }
    }

    pub(crate) fn area(&self) -> Area {
        self.area
    }

    #[inline]
    pub(crate) fn position(&self, row: &[Word]) -> Option<u64> {
        match self.words.is_empty() {
            true => None,
            false => self.area.position(row),
        }
    }

    pub(crate) fn line(&self, row: &[Word; 2], column: usize) -> Option<Line> {
        match self.words.is_empty() {
            true => None,
            false => self.area.line(row, column),
        }
    }

    #[inline]
    pub(crate) fn get(&self, position: u64) -> bool {
        self.words[(position >> 6) as usize] >> (position & 63) & 1 != 0
    }

    /// Sets a bit; true if it was not set.
    #[inline]
    pub(crate) fn set(&mut self, position: u64) -> bool {
        let word = &mut self.words[(position >> 6) as usize];
        let bit = 1 << (position & 63);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// At most as large as a hash table of as many rows would be, or 2 MiB, of which only what is used
    /// takes memory.
    pub(crate) fn affordable(area: Area, rows: usize) -> bool {
        area.len() <= (1 << 24).max(64 * rows as u64)
    }
}
