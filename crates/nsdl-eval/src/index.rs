//! Indexes: from the values of some columns to the rows that have them.
//!
//! Postings are ascending row numbers, so the old, new and all rows of semi-naive evaluation are ranges of them;
//! of a relation that is settled from the best tag downwards, they are in the order of settling.

use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use nsdl_ir::Word;
use rustc_hash::FxHashMap;

use crate::members::{hash, hash_all};
use crate::table::Rows;

/// An index of one relation, extended as the relation grows.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    columns: Box<[usize]>,
    keys: Keys,
    lists: Vec<List>,
    /// The postings of all lists; a list that outgrows its place moves to the end.
    arena: Vec<u32>,
    /// A column whose values are kept beside the postings, for joins that read nothing else of the rows.
    cover: Option<usize>,
    covered: Vec<Word>,
    /// Whether what is there must be indexed anew.
    stale: bool,
    /// How many rows are indexed.
    upto: usize,
}

/// From a key to the number of its list.
#[derive(Clone, Debug)]
enum Keys {
    /// One column whose values lie close together: list `value - base`.
    Dense { base: i64 },
    /// List numbers by key, which is read from the first row of the list.
    Hash(HashTable<u32>),
}

#[derive(Clone, Copy, Debug, Default)]
struct List {
    start: usize,
    len: u32,
    capacity: u32,
}

impl List {
    fn range(self) -> Range<usize> {
        self.start..self.start + self.len as usize
    }
}

impl Index {
    fn new(columns: Box<[usize]>) -> Self {
        Self {
            columns,
            keys: Keys::Hash(HashTable::new()),
            lists: Vec::new(),
            arena: Vec::new(),
            cover: None,
            covered: Vec::new(),
            stale: true,
            upto: 0,
        }
    }

    /// The columns of the key.
    pub(crate) fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// The rows with this key, in the order they were indexed in.
    #[inline]
    pub(crate) fn get(&self, rows: &Rows, key: &[Word]) -> &[u32] {
        self.list(rows, key)
            .map_or(&[], |list| &self.arena[list.range()])
    }

    /// The values of the covered column in the rows with this key, and the rows; empty if none is covered.
    #[inline]
    pub(crate) fn values(&self, rows: &Rows, key: &[Word]) -> (&[Word], &[u32]) {
        let list = self.list(rows, key);
        list.and_then(|list| {
            let values = self.covered.get(list.range())?;
            Some((values, &self.arena[list.range()]))
        })
        .unwrap_or_default()
    }

    #[inline]
    fn list(&self, rows: &Rows, key: &[Word]) -> Option<&List> {
        let list = match (&self.keys, key) {
            (Keys::Dense { base }, &[value]) => value.wrapping_sub(*base as u64) as usize,
            (Keys::Hash(table), _) => {
                let same = |&list: &u32| self.has_key(rows, list as usize, key);
                *table.find(hash(key), same)? as usize
            }
            _ => return None,
        };
        self.lists.get(list)
    }

    /// Keeps the values of `column` beside the postings, unless another column has that place.
    fn cover(&mut self, column: usize) -> bool {
        if self.cover.is_none() {
            self.cover = Some(column);
            // Indexed anew when next extended.
            self.stale = true;
        }
        self.cover == Some(column)
    }

    fn has_key(&self, rows: &Rows, list: usize, key: &[Word]) -> bool {
        let first = self.arena[self.lists[list].start];
        self.columns
            .iter()
            .zip(key)
            .all(|(&column, &value)| rows.cell(first, column) == value)
    }

    /// Indexes the rows added since the last call: those in `order`, or all, ascending. What `order` holds
    /// only grows, until it holds all rows.
    pub(crate) fn extend(&mut self, rows: &Rows, order: Option<&[u32]>) {
        let numbers: &dyn Fn(usize) -> u32 = match order {
            Some(order) => &|place| order[place],
            None => &|place| place as u32,
        };
        let len = order.map_or(rows.len(), <[u32]>::len);
        if self.is_whole(rows, order) {
            return;
        }
        if self.stale || !self.fits(rows, (self.upto..len).map(numbers)) {
            self.rebuild(rows, &|| (0..len).map(numbers));
        }
        let mut key = vec![0; self.columns.len()];
        for row in (self.upto..len).map(numbers) {
            let list = self.list_of(rows, row, &mut key);
            self.push(list, row, rows);
        }
        self.upto = len;
    }

    /// Whether all rows are indexed, or all in `order`.
    fn is_whole(&self, rows: &Rows, order: Option<&[u32]>) -> bool {
        !self.stale && self.upto == order.map_or(rows.len(), <[u32]>::len)
    }

    /// Whether new rows have places: always, if the keys are hashed.
    fn fits(&self, rows: &Rows, mut new: impl Iterator<Item = u32>) -> bool {
        let Keys::Dense { base } = self.keys else {
            return true;
        };
        let column = self.columns[0];
        new.all(|row| {
            (rows.cell(row, column).wrapping_sub(base as u64) as usize) < self.lists.len()
        })
    }

    /// Makes ready to index everything anew, each list with exactly the room it needs.
    fn rebuild<I: Iterator<Item = u32>>(&mut self, rows: &Rows, all: &dyn Fn() -> I) {
        let first = self.stale;
        self.stale = false;
        self.lists.clear();
        self.arena.clear();
        self.covered.clear();
        self.keys = match self.dense_range(rows, all, !first) {
            Some((base, width)) => {
                self.lists.resize(width, List::default());
                Keys::Dense { base }
            }
            None => Keys::Hash(HashTable::new()),
        };
        if let Keys::Dense { base } = self.keys {
            let column = self.columns[0];
            for row in all() {
                let list = rows.cell(row, column).wrapping_sub(base as u64) as usize;
                self.lists[list].capacity += 1;
            }
            let mut start = 0;
            for list in &mut self.lists {
                list.start = start;
                start += list.capacity as usize;
            }
            self.make_room(start);
        }
        self.upto = 0;
    }

    /// Range of the single key column if that is small for the number of rows, with `room` for growth.
    fn dense_range<I: Iterator<Item = u32>>(
        &self,
        rows: &Rows,
        all: &dyn Fn() -> I,
        room: bool,
    ) -> Option<(i64, usize)> {
        let &[column] = &*self.columns else {
            return None;
        };
        let values = || all().map(|row| rows.cell(row, column) as i64);
        let (mut least, mut greatest) = (values().min()?, values().max()?);
        let width = |least: i64, greatest: i64| {
            usize::try_from(greatest.checked_sub(least)?)
                .ok()?
                .checked_add(1)
        };
        if room {
            let half = i64::try_from(width(least, greatest)? / 2).ok()?;
            (least, greatest) = (least.saturating_sub(half), greatest.saturating_add(half));
        }
        let width = width(least, greatest)?;
        (width <= 1024 + 4 * all().count()).then_some((least, width))
    }

    /// The list of a row's key, made if there is none.
    fn list_of(&mut self, rows: &Rows, row: u32, key: &mut [Word]) -> usize {
        for (value, &column) in key.iter_mut().zip(&self.columns) {
            *value = rows.cell(row, column);
        }
        let table = match &mut self.keys {
            Keys::Dense { base } => return key[0].wrapping_sub(*base as u64) as usize,
            Keys::Hash(table) => table,
        };
        let (columns, lists, arena) = (&self.columns, &self.lists, &self.arena);
        let value = |list: u32, column: usize| rows.cell(arena[lists[list as usize].start], column);
        let same = |&list: &u32| {
            columns
                .iter()
                .zip(&*key)
                .all(|(&column, &cell)| value(list, column) == cell)
        };
        let rehash = |&list: &u32| hash_all(columns.iter().map(|&column| value(list, column)));
        match table.entry(hash(key), same, rehash) {
            Entry::Occupied(entry) => *entry.get() as usize,
            Entry::Vacant(entry) => {
                let list = self.lists.len();
                entry.insert(list as u32);
                self.lists.push(List {
                    start: self.arena.len(),
                    len: 0,
                    capacity: 1,
                });
                self.make_room(self.arena.len() + 1);
                list
            }
        }
    }

    /// Makes the arena of postings `len` long.
    fn make_room(&mut self, len: usize) {
        self.arena.resize(len, 0);
        if self.cover.is_some() {
            self.covered.resize(len, 0);
        }
    }

    fn push(&mut self, list: usize, row: u32, rows: &Rows) {
        let List { len, capacity, .. } = self.lists[list];
        if len == capacity {
            let (moved, capacity) = (self.arena.len(), (2 * capacity).max(4));
            self.make_room(moved + capacity as usize);
            let range = self.lists[list].range();
            if self.cover.is_some() {
                self.covered.copy_within(range.clone(), moved);
            }
            self.arena.copy_within(range, moved);
            self.lists[list] = List {
                start: moved,
                len,
                capacity,
            };
        }
        let List { start, len, .. } = &mut self.lists[list];
        let place = *start + *len as usize;
        *len += 1;
        self.arena[place] = row;
        if let Some(column) = self.cover {
            self.covered[place] = rows.cell(row, column);
        }
    }
}

/// All indexes of an evaluation. Copies share them until one grows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Indexes {
    list: Vec<Arc<Index>>,
    numbers: FxHashMap<(usize, Box<[usize]>), usize>,
}

impl Indexes {
    /// The number of the index of `relation` on `columns`, made if there is none.
    pub(crate) fn number(&mut self, relation: usize, columns: Box<[usize]>) -> usize {
        *self
            .numbers
            .entry((relation, columns))
            .or_insert_with_key(|(_, columns)| {
                self.list.push(Arc::new(Index::new(columns.clone())));
                self.list.len() - 1
            })
    }

    /// Asks index `number` to keep the values of a column; true if it will.
    pub(crate) fn cover(&mut self, number: usize, column: usize) -> bool {
        let index = &mut self.list[number];
        index.cover.map_or_else(
            || Arc::make_mut(index).cover(column),
            |covered| covered == column,
        )
    }

    pub(crate) fn get(&self, number: usize) -> &Index {
        &self.list[number]
    }

    pub(crate) fn extend(&mut self, number: usize, rows: &Rows, order: Option<&[u32]>) {
        let index = &mut self.list[number];
        if !index.is_whole(rows, order) {
            Arc::make_mut(index).extend(rows, order);
        }
    }

    /// Those of the relations that have rows, of all of these.
    pub(crate) fn of<'r>(&self, rows: impl Fn(usize) -> Option<&'r Rows>) -> Self {
        let mut wanted = Self::default();
        for ((relation, columns), &number) in &self.numbers {
            if let Some(rows) = rows(*relation) {
                let place = (*relation, columns.clone());
                wanted.numbers.insert(place, wanted.list.len());
                wanted.list.push(self.list[number].clone());
                wanted.extend(wanted.list.len() - 1, rows, None);
            }
        }
        wanted
    }
}

/// The part of ascending `postings` within `range`.
#[inline]
pub(crate) fn within(postings: &[u32], range: Range<u32>) -> &[u32] {
    let start = postings.partition_point(|&row| row < range.start);
    let end = start + postings[start..].partition_point(|&row| row < range.end);
    &postings[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(columns: &[usize], batches: &[Vec<[Word; 2]>]) -> Index {
        let (mut rows, mut index) = (Rows::new(2), Index::new(columns.into()));
        assert!(index.cover(1) && !index.cover(0));
        for batch in batches {
            batch.iter().for_each(|row| rows.push(row));
            index.extend(&rows, None);
            for row in rows.iter().chain([&[77, 99][..]]) {
                let key: Vec<Word> = columns.iter().map(|&column| row[column]).collect();
                let wanted: Vec<u32> = (0..rows.len() as u32)
                    .filter(|&id| {
                        columns
                            .iter()
                            .all(|&column| rows.cell(id, column) == row[column])
                    })
                    .collect();
                assert_eq!(index.get(&rows, &key), wanted);
                let values: Vec<Word> = wanted.iter().map(|&id| rows.cell(id, 1)).collect();
                assert_eq!(index.values(&rows, &key), (&*values, &*wanted));
            }
        }
        index
    }

    fn batch(range: Range<u64>, key: impl Fn(u64) -> u64) -> Vec<[Word; 2]> {
        range.map(|i| [key(i), i % 5]).collect()
    }

    #[test]
    fn dense_keys_grow_in_both_directions() {
        let batches = [
            batch(0..50, |i| i % 7),
            batch(50..90, |i| i % 2000),
            batch(90..130, |i| (i % 9).wrapping_neg()),
        ];
        assert!(matches!(check(&[0], &batches).keys, Keys::Dense { .. }));
    }

    #[test]
    fn sparse_and_double_keys_are_hashed() {
        let batches = [batch(0..60, |i| i % 7), batch(60..200, |i| (i % 50) << 40)];
        assert!(matches!(check(&[0], &batches).keys, Keys::Hash(_)));
        check(&[0, 1], &batches);
        check(&[1, 0], &batches);
    }

    #[test]
    fn a_range_of_postings() {
        assert_eq!(within(&[1, 3, 5, 9], 3..9), [3, 5]);
        assert_eq!(within(&[1, 3, 5, 9], 10..12), [0; 0]);
        assert_eq!(within(&[], 0..2), [0; 0]);
    }
}
