//! Rows that wait to be settled, by the level of their tags.

use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

/// A relation and a row.
type Place = (u32, u32);

/// A queue that gives all rows of the greatest level at once.
#[derive(Debug, Default)]
pub(super) struct Levels {
    lists: FxHashMap<u32, Vec<Place>>,
    /// The levels there are.
    heap: BinaryHeap<u32>,
    /// Lists to use again.
    spare: Vec<Vec<Place>>,
}

impl Levels {
    pub(super) fn push(&mut self, level: u32, place: Place) {
        let list = self.lists.entry(level).or_insert_with(|| {
            self.heap.push(level);
            self.spare.pop().unwrap_or_default()
        });
        list.push(place);
    }

    /// The greatest level and its rows, in the order they came in.
    pub(super) fn pop(&mut self) -> Option<(u32, Vec<Place>)> {
        let level = self.heap.pop()?;
        Some((level, self.lists.remove(&level).unwrap_or_default()))
    }

    /// Gives a list back.
    pub(super) fn recycle(&mut self, mut list: Vec<Place>) {
        list.clear();
        self.spare.push(list);
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
