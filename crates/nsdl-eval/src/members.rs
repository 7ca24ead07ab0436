//! Which rows a relation has: an array over all possible rows where values lie close together, else a hash
//! table of row numbers.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use nsdl_ir::Word;

use crate::area::Area;
use crate::bits::Bits;
use crate::grid::Grid;
use crate::table::Rows;

/// The set of rows of a relation.
#[derive(Clone, Debug)]
pub(crate) enum Members {
    /// One bit per possible row of one or two columns; does not know row numbers.
    Bits(Bits),
    /// The row number of each possible row of one or two columns.
    Grid(Grid),
    /// Row numbers by content.
    Hash(HashTable<u32>),
}

impl Default for Members {
    fn default() -> Self {
        Members::Hash(HashTable::new())
    }
}

/// The part of a relation that changes during a round: its new rows, and the set of all its rows.
///
/// The rows of earlier rounds are passed to each call, so that joins can read them at the same time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fresh {
    /// Rows derived in this round; the first has the number `old.len()`.
    pub(crate) rows: Rows,
    pub(crate) members: Members,
    /// Whether row numbers will be asked for.
    numbered: bool,
}

impl Fresh {
    /// `numbered`: row numbers will be asked for.
    pub(crate) fn new(arity: usize, numbered: bool) -> Self {
        let members = match (arity, numbered) {
            (1 | 2, false) => Members::Bits(Bits::default()),
            (1 | 2, true) => Members::Grid(Grid::default()),
            _ => Members::default(),
        };
        Self {
            rows: Rows::new(arity),
            members,
            numbered,
        }
    }

    /// Adds a row; true if it is new.
    #[inline]
    pub(crate) fn insert(&mut self, old: &Rows, row: &[Word]) -> bool {
        while let Members::Bits(bits) = &mut self.members {
            if let Some(position) = bits.position(row) {
                let new = bits.set(position);
                if new {
                    self.rows.push(row);
                }
                return new;
            }
            self.widen(old, row);
        }
        self.intern(old, row).1
    }

    /// The number of a row, and whether it is new. Only for relations whose rows are numbered, else it
    /// answers as if the row were new.
    #[inline]
    pub(crate) fn intern(&mut self, old: &Rows, row: &[Word]) -> (u32, bool) {
        let next = (old.len() + self.rows.len()) as u32;
        while let Members::Grid(grid) = &mut self.members {
            if let Some(position) = grid.position(row) {
                if let Some(known) = grid.number(position, next) {
                    return (known, false);
                }
                self.rows.push(row);
                return (next, true);
            }
            self.widen(old, row);
        }
        self.intern_in_table(old, row, hash(row))
    }

    /// The same for a row whose hash is known.
    #[inline]
    pub(crate) fn intern_hashed(&mut self, old: &Rows, row: &[Word], hash: u64) -> (u32, bool) {
        match self.members {
            Members::Hash(_) => self.intern_in_table(old, row, hash),
            Members::Bits(_) | Members::Grid(_) => self.intern(old, row),
        }
    }

    #[inline]
    fn intern_in_table(&mut self, old: &Rows, row: &[Word], hashed: u64) -> (u32, bool) {
        let next = (old.len() + self.rows.len()) as u32;
        if let Members::Hash(table) = &mut self.members {
            let content = |id: u32| content(old, &self.rows, id);
            match table.entry(
                hashed,
                |&id| same(content(id), row),
                |&id| hash(content(id)),
            ) {
                Entry::Occupied(entry) => return (*entry.get(), false),
                Entry::Vacant(entry) => entry.insert(next),
            };
            self.rows.push(row);
            if row.len() <= 2 {
                self.reconsider(old);
            }
            return (next, true);
        }
        self.rows.push(row);
        (next, true)
    }

    /// Whether rows are looked for in a hash table.
    #[inline]
    pub(crate) fn is_hashed(&self) -> bool {
        matches!(self.members, Members::Hash(_))
    }

    /// The hashes of `count` rows, which lie one after the other in `rows`, and their numbers, in `found`. One look for
    /// each has to do: some that exist may not be found.
    pub(crate) fn look_up(
        &self,
        old: &Rows,
        rows: &[Word],
        count: usize,
        found: &mut Vec<(u64, Option<u32>)>,
    ) {
        found.clear();
        let rows = || rows.chunks_exact(self.rows.arity().max(1));
        if let Members::Hash(table) = &self.members {
            // No row is read before all places are known.
            found.extend(rows().map(|row| {
                let hash = hash(row);
                (hash, table.find(hash, |_| true).copied())
            }));
            for ((_, found), row) in found.iter_mut().zip(rows()) {
                *found = found.filter(|&id| same(content(old, &self.rows, id), row));
            }
        } else {
            found.extend(rows().map(|row| (hash(row), None)));
        }
        // Those without columns take no place in `rows`.
        found.resize(count, (hash(&[]), None));
    }

    /// Whether there is such a row.
    pub(crate) fn contains(&self, old: &Rows, row: &[Word]) -> bool {
        self.find(old, row).is_some()
    }

    /// The number of a row; where rows are not numbered, some number if there is such a row.
    pub(crate) fn find(&self, old: &Rows, row: &[Word]) -> Option<u32> {
        match &self.members {
            Members::Bits(bits) => {
                let position = bits.position(row)?;
                bits.get(position).then_some(u32::MAX)
            }
            Members::Grid(grid) => grid.get(grid.position(row)?),
            Members::Hash(table) => table
                .find(hash(row), |&id| same(content(old, &self.rows, id), row))
                .copied(),
        }
    }

    /// Adds one row per value: `row` with the value at `column`. The innermost loop of plain joins.
    pub(crate) fn insert_line(
        &mut self,
        old: &Rows,
        row: &mut [Word],
        column: usize,
        mut values: impl Iterator<Item = Word>,
    ) {
        while let (Members::Bits(bits), Ok(pair)) =
            (&mut self.members, <&mut [Word; 2]>::try_from(&mut *row))
        {
            let mut outside = None;
            if let Some(line) = bits.line(pair, column) {
                for value in values.by_ref() {
                    let Some(position) = line.position(value) else {
                        outside = Some(value);
                        break;
                    };
                    if bits.set(position) {
                        pair[column] = value;
                        self.rows.push(&pair[..]);
                    }
                }
            } else {
                outside = values.next();
            }
            let Some(value) = outside else { return };
            pair[column] = value;
            let pair = *pair;
            self.insert(old, &pair);
        }
        for value in values {
            row[column] = value;
            self.insert(old, row);
        }
    }

    /// Calls `found` with the number of each row that `row` with one of the values at `column` is, whether it is
    /// new, and which value it was. The innermost loop of joins with tags. Passes over rows that are finished
    /// if `skip`, as far as that is known.
    pub(crate) fn intern_line(
        &mut self,
        old: &Rows,
        row: &mut [Word],
        column: usize,
        values: impl Iterator<Item = Word>,
        skip: bool,
        mut found: impl FnMut(u32, bool, usize),
    ) {
        let mut values = values.enumerate();
        while let (Members::Grid(grid), Ok(pair)) =
            (&mut self.members, <&mut [Word; 2]>::try_from(&mut *row))
        {
            let mut outside = None;
            if let Some(line) = grid.line(pair, column) {
                for (which, value) in values.by_ref() {
                    let Some(position) = line.position(value) else {
                        outside = Some((which, value));
                        break;
                    };
                    if skip && grid.is_done(position) {
                        continue;
                    }
                    let next = (old.len() + self.rows.len()) as u32;
                    let known = grid.number(position, next);
                    if known.is_none() {
                        pair[column] = value;
                        self.rows.push(&pair[..]);
                    }
                    found(known.unwrap_or(next), known.is_none(), which);
                }
            } else {
                outside = values.next();
            }
            let Some((which, value)) = outside else {
                return;
            };
            row[column] = value;
            let (number, new) = self.intern(old, row);
            found(number, new, which);
        }
        for (which, value) in values {
            row[column] = value;
            let (number, new) = self.intern(old, row);
            found(number, new, which);
        }
    }

    /// Whether it knows which rows are finished.
    pub(crate) fn skips(&self) -> bool {
        matches!(self.members, Members::Grid(_))
    }

    /// Notes that a row needs no more reasons.
    pub(crate) fn finish(&mut self, row: &[Word]) {
        if let Members::Grid(grid) = &mut self.members
            && let Some(position) = grid.position(row)
        {
            grid.finish(position);
        }
    }

    /// Makes room in the array for `row`, or turns to hashing if that takes too much.
    #[cold]
    fn widen(&mut self, old: &Rows, row: &[Word]) {
        let area = match &self.members {
            Members::Bits(bits) => bits.area(),
            Members::Grid(grid) => grid.area(),
            Members::Hash(_) => return,
        };
        let count = old.len() + self.rows.len() + 1;
        self.members = match area
            .widened(row)
            .filter(|area| self.affordable(*area, count))
        {
            Some(area) => self.fill(old, area),
            None => self.hashed(old),
        };
    }

    /// Turns back to an array when that has become smaller; asked at powers of two, so it costs little.
    #[inline]
    fn reconsider(&mut self, old: &Rows) {
        let count = old.len() + self.rows.len();
        if count >= 1024 && count.is_power_of_two() && self.rows.arity() > 0 {
            let mut area = Some(Area::default());
            for column in 0..self.rows.arity() {
                let values = || {
                    old.iter()
                        .chain(self.rows.iter())
                        .map(|row| row[column] as i64)
                };
                let (Some(least), Some(greatest)) = (values().min(), values().max()) else {
                    return;
                };
                area = area.and_then(|area| area.covering(column, least, greatest));
            }
            if let Some(area) = area.filter(|area| self.affordable(*area, count)) {
                self.members = self.fill(old, area);
            }
        }
    }

    fn affordable(&self, area: Area, count: usize) -> bool {
        match self.numbered {
            true => Grid::affordable(area, count),
            false => Bits::affordable(area, count),
        }
    }

    fn fill(&self, old: &Rows, area: Area) -> Members {
        let rows = old.iter().chain(self.rows.iter());
        if self.numbered {
            let mut grid = Grid::over(area);
            for (id, row) in (0..).zip(rows) {
                if let Some(position) = grid.position(row) {
                    grid.number(position, id);
                    if let Members::Grid(before) = &self.members
                        && let Some(known) = before.position(row)
                        && before.is_done(known)
                    {
                        grid.finish(position);
                    }
                }
            }
            return Members::Grid(grid);
        }
        let mut bits = Bits::over(area);
        for row in rows {
            if let Some(position) = bits.position(row) {
                bits.set(position);
            }
        }
        Members::Bits(bits)
    }

    fn hashed(&self, old: &Rows) -> Members {
        let mut table = HashTable::with_capacity(old.len() + self.rows.len());
        for (id, row) in old.iter().chain(self.rows.iter()).enumerate() {
            table.insert_unique(hash(row), id as u32, |&id| {
                hash(content(old, &self.rows, id))
            });
        }
        Members::Hash(table)
    }
}

/// Whether two rows are equal; quicker for short rows than the general comparison of slices.
#[inline]
fn same(a: &[Word], b: &[Word]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b)
}

fn content<'a>(old: &'a Rows, new: &'a Rows, id: u32) -> &'a [Word] {
    match (id as usize).checked_sub(old.len()) {
        None => old.row(id),
        Some(id) => new.row(id as u32),
    }
}

/// A hash of words with all its bits usable.
#[inline]
pub(crate) fn hash(words: &[Word]) -> u64 {
    hash_all(words.iter().copied())
}

/// The same, of words that do not lie in one place.
#[inline]
pub(crate) fn hash_all(words: impl Iterator<Item = Word>) -> u64 {
    words.fold(0x9e37_79b9_7f4a_7c15, |state: u64, word| {
        let product = u128::from(state ^ word) * 0xd6e8_feb8_6659_fd93_u128;
        (product as u64) ^ ((product >> 64) as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Inserts pairs, half through `insert_line`, and compares with a standard set.
    fn check(values: impl Iterator<Item = [i64; 2]>) -> Members {
        let (mut old, mut fresh, mut oracle) = (Rows::new(2), Fresh::new(2, false), HashSet::new());
        for (step, [a, b]) in values.enumerate() {
            let row = [a as Word, b as Word];
            if step % 3 == 0 {
                fresh.insert_line(
                    &old,
                    &mut row.clone(),
                    step % 2,
                    [row[step % 2], 5].into_iter(),
                );
                oracle.insert(row);
                let mut other = row;
                other[step % 2] = 5;
                oracle.insert(other);
            } else {
                assert_eq!(fresh.insert(&old, &row), oracle.insert(row));
            }
            if step % 100 == 0 {
                old.append(&mut fresh.rows);
            }
        }
        let rows: Vec<_> = old.iter().chain(fresh.rows.iter()).collect();
        assert_eq!(rows.len(), oracle.len());
        assert!(
            oracle
                .iter()
                .all(|row| rows.contains(&&row[..]) && fresh.contains(&old, row))
        );
        assert!(!fresh.contains(&old, &[12345, 54321]));
        old.append(&mut fresh.rows);
        let table = crate::Table::new(old, fresh.members.clone());
        for (id, row) in table.rows().enumerate() {
            assert_eq!(table.find(row), Some(id as u32));
        }
        assert_eq!(table.find(&[12345, 54321]), None);
        fresh.members
    }

    #[test]
    fn rows_looked_for_before_an_array_turns_to_hashing_are_found_after_it() {
        let (old, mut fresh, mut found) = (Rows::new(2), Fresh::new(2, true), Vec::new());
        let rows: Vec<Word> = (0..64).flat_map(|i| [(i % 40) << 40, i % 40]).collect();
        fresh.look_up(&old, &rows, 64, &mut found);
        for (number, (row, (hash, found))) in (0..).zip(rows.chunks(2).zip(&found)) {
            assert_eq!(*found, None);
            assert_eq!(
                fresh.intern_hashed(&old, row, *hash),
                (number % 40, number < 40)
            );
        }
        assert!(fresh.is_hashed());
    }

    #[test]
    fn a_narrow_range_is_a_bitmap() {
        let members = check((0..2000).map(|i: i64| [i * 7 % 40 - 20, i * 13 % 50 - i % 7]));
        assert!(matches!(members, Members::Bits(_)));
    }

    #[test]
    fn a_wide_range_is_hashed() {
        let members = check((0..700).map(|i: i64| [i * i * 1_000_003, -i * 77_777_777_777]));
        assert!(matches!(members, Members::Hash(_)));
    }

    #[test]
    fn a_relation_that_became_dense_turns_back_to_bits() {
        let members =
            check((0..1100).map(|i: i64| [i % 33 * 1000, i / 33 * 1000 + i64::from(i > 9)]));
        assert!(
            matches!(members, Members::Hash(_)),
            "32,000 × 33,000 for 1,100 rows is too sparse"
        );
        let (old, mut fresh) = (Rows::new(1), Fresh::new(1, false));
        for value in [0, 99_999_999] {
            fresh.insert(&old, &[value]);
        }
        assert!(matches!(fresh.members, Members::Hash(_)));
        for value in 0..2_200_000 {
            fresh.insert(&old, &[value]);
        }
        assert!(matches!(fresh.members, Members::Bits(_)));
    }

    #[test]
    fn the_ends_of_the_word_range_do_not_overflow() {
        check(
            [
                [i64::MIN, i64::MAX],
                [i64::MAX, i64::MIN],
                [0, 0],
                [-1, 1],
                [1, -1],
            ]
            .into_iter()
            .cycle()
            .take(20),
        );
        check((0..40).map(|i| [i64::MIN + i, i64::MAX - i]));
        check((0..40).map(|i| [i64::MAX - i, i64::MIN + 40 - i]));
    }
}
