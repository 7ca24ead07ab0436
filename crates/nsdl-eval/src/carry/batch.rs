//! Instances whose rows are looked for together.
//!
//! Rows that are settled by their tags lie all over a relation, so that hardly any look into its hash table finds in
//! the cache what it needs. The places where some rows may be are asked for one after the other, and so are the rows
//! there, before anything depends on the answer: then the processor waits for many of them at once.

use nsdl_ir::Word;

use crate::members::Fresh;
use crate::table::Rows;

/// How many instances are looked for together: more than the processor has open at once.
const MOST: usize = 64;

/// Heads of instances, and what the instances say of them.
#[derive(Debug)]
pub(super) struct Batch<T> {
    /// One row after the other.
    rows: Vec<Word>,
    tags: Vec<T>,
    /// Their hashes, and the numbers of the rows that were found.
    found: Vec<(u64, Option<u32>)>,
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            tags: Vec::new(),
            found: Vec::new(),
        }
    }
}

impl<T: Copy> Batch<T> {
    /// Adds an instance; true if it is time to empty the batch.
    #[inline]
    pub(super) fn push(&mut self, row: &[Word], tag: T) -> bool {
        // Most rows are pairs, and a copy of known length takes no call.
        match <&[Word; 2]>::try_from(row) {
            Ok(pair) => self.rows.extend_from_slice(pair),
            Err(_) => self.rows.extend_from_slice(row),
        }
        self.tags.push(tag);
        self.tags.len() == MOST
    }

    /// Calls `add` for each instance, in order, with the number of its row, whether that is new, and its tag.
    pub(super) fn empty(
        &mut self,
        old: &Rows,
        fresh: &mut Fresh,
        mut add: impl FnMut(u32, bool, T),
    ) {
        fresh.look_up(old, &self.rows, self.tags.len(), &mut self.found);
        let arity = old.arity();
        for (number, (&tag, &(hash, found))) in self.tags.iter().zip(&self.found).enumerate() {
            match found {
                Some(row) => add(row, false, tag),
                None => {
                    let row = &self.rows[number * arity..(number + 1) * arity];
                    let (row, new) = fresh.intern_hashed(old, row, hash);
                    add(row, new, tag);
                }
            }
        }
        self.rows.clear();
        self.tags.clear();
    }
}
