//! Rows that wait to be settled, by the level of their tags.

use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

/// A relation and a row.
type Place = (u32, u32);

/// A queue that gives all rows of the greatest level at once.
#[derive(Debug, Default)]
pub(super) struct Levels {
    /// The rows of each level in use, and lists to use again.
    lists: Vec<Vec<Place>>,
    spare: Vec<usize>,
    /// The list of each level.
    numbers: FxHashMap<u32, usize>,
    /// The levels there are.
    heap: BinaryHeap<u32>,
    /// The level that was asked for last, and its list: the next row is often of the same.
    last: Option<(u32, usize)>,
}

impl Levels {
    #[inline]
    pub(super) fn push(&mut self, level: u32, place: Place) {
        let list = match self.last {
            Some((last, list)) if last == level => list,
            _ => self.list(level),
        };
        self.lists[list].push(place);
    }

    fn list(&mut self, level: u32) -> usize {
        let list = *self.numbers.entry(level).or_insert_with(|| {
            self.heap.push(level);
            self.spare.pop().unwrap_or_else(|| {
                self.lists.push(Vec::new());
                self.lists.len() - 1
            })
        });
        self.last = Some((level, list));
        list
    }

    /// The greatest level and its rows, in the order they came in.
    pub(super) fn pop(&mut self) -> Option<(u32, Vec<Place>)> {
        let level = self.heap.pop()?;
        self.last = None;
        let list = self.numbers.remove(&level)?;
        self.spare.push(list);
        Some((level, std::mem::take(&mut self.lists[list])))
    }

    /// Gives a list back.
    pub(super) fn recycle(&mut self, mut list: Vec<Place>) {
        list.clear();
        if let Some(&spare) = self.spare.last() {
            self.lists[spare] = list;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_level_comes_first() {
        let mut levels = Levels::default();
        for (row, level) in [3, 7, 3, 5].into_iter().enumerate() {
            levels.push(level, (0, row as u32));
        }
        assert_eq!(levels.pop(), Some((7, vec![(0, 1)])));
        levels.push(9, (1, 1));
        assert_eq!(levels.pop(), Some((9, vec![(1, 1)])));
        assert_eq!(levels.pop(), Some((5, vec![(0, 3)])));
        assert_eq!(levels.pop(), Some((3, vec![(0, 0), (0, 2)])));
        assert_eq!(levels.pop(), None);
    }
}
