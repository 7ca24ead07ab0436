//! Heads that wait to be looked for together.

use std::ops::Range;

use nsdl_ir::Word;

/// How many heads are looked for together: more than the processor has open at once.
const MOST: usize = 64;

/// A head and what the last atom of its body is: numbers of rows.
pub(super) type Place = (u32, u32);

/// Heads of instances, in lines: those of one line have the body in common but for the last atom.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The heads, one row after the other.
    pub(super) rows: Vec<Word>,
    /// Their numbers, once they are known, and those of the last atom's rows.
    pub(super) heads: Vec<Place>,
    /// Where each line ends.
    pub(super) ends: Vec<u32>,
    /// For each line, a row for each atom over an uncertain relation; that of the last atom counts for nothing.
    pub(super) bodies: Vec<u32>,
}

impl Lines {
    /// Adds a head to the line at hand.
    #[inline]
    pub(super) fn push(&mut self, row: &[Word], last: u32) {
        // Most rows are pairs, and a copy of known length takes no call.
        match <&[Word; 2]>::try_from(row) {
            Ok(pair) => self.rows.extend_from_slice(pair),
            Err(_) => self.rows.extend_from_slice(row),
        }
        self.heads.push((u32::MAX, last));
    }

    /// Ends the line at hand, whose body has these rows, unless it is empty.
    #[inline]
    pub(super) fn end(&mut self, body: impl Iterator<Item = u32>) {
        let end = self.heads.len() as u32;
        if end > self.ends.last().copied().unwrap_or_default() {
            self.ends.push(end);
            self.bodies.extend(body);
        }
    }

    /// Whether it is time to look for the heads.
    pub(super) fn is_full(&self) -> bool {
        self.heads.len() >= MOST
    }

    /// The places of a line's heads.
    pub(super) fn line(&self, line: usize) -> Range<usize> {
        let start = line.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[line] as usize
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.heads.clear();
        self.ends.clear();
        self.bodies.clear();
    }
}
