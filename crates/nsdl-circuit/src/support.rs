//! Sets of leaves, hash-consed: which random choices a formula mentions.

mod sets;

use rustc_hash::FxHashMap;
use sets::Sets;

/// A set of leaves; equal sets have equal ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SupportId(u32);

impl SupportId {
    pub const EMPTY: Self = Self(0);

    /// The set of one leaf.
    pub fn leaf(leaf: u32) -> Self {
        Self(leaf + 1)
    }
}

/// All sets. They share what they have in common, so a chain of n formulas over growing sets costs n log n.
pub(crate) struct Supports {
    leaves: Sets,
    /// Group of each leaf: members of one group exclude each other, so they are not independent.
    group_of: Vec<u32>,
    /// The groups of a set of leaves, where those are not numbered alike.
    groups: Option<Sets>,
    groups_of: FxHashMap<u32, u32>,
    overlaps: FxHashMap<(SupportId, SupportId), bool>,
}

impl Supports {
    /// With the empty set and all sets of one leaf.
    pub fn new(group_of: Vec<u32>) -> Self {
        let leaves = Sets::with_singles(group_of.len() as u32);
        let alike = group_of.iter().zip(0..).all(|(&group, leaf)| group == leaf);
        let groups = group_of.iter().max().map_or(0, |&last| last + 1);
        Self {
            leaves,
            groups: (!alike).then(|| Sets::with_singles(groups)),
            group_of,
            groups_of: FxHashMap::default(),
            overlaps: FxHashMap::default(),
        }
    }

    /// What a budget of nodes counts: all sets by the memory they take.
    pub fn size(&self) -> usize {
        (self.leaves.size() + self.groups.as_ref().map_or(0, Sets::size)) / 4
    }

    /// The members, ascending.
    pub fn get(&self, id: SupportId) -> impl Iterator<Item = u32> {
        self.leaves.iter(id.0)
    }

    pub fn group(&self, leaf: u32) -> u32 {
        self.group_of[leaf as usize]
    }

    /// Whether it has few members, in one place.
    pub fn is_small(&self, id: SupportId) -> bool {
        self.leaves.is_small(id.0)
    }

    pub fn contains(&self, id: SupportId, leaf: u32) -> bool {
        self.leaves.meets(id.0, leaf, leaf + 1)
    }

    /// Whether any member lies in `first..end`: a leaf of one group.
    pub fn meets(&self, id: SupportId, first: u32, end: u32) -> bool {
        self.leaves.meets(id.0, first, end)
    }

    pub fn union(&mut self, a: SupportId, b: SupportId) -> SupportId {
        SupportId(self.leaves.union(a.0, b.0))
    }

    /// The union of any number of sets.
    pub fn union_all(&mut self, sets: impl Iterator<Item = SupportId>) -> SupportId {
        let mut sets: Vec<SupportId> = sets.collect();
        sets.sort_unstable();
        sets.dedup();
        // Halving shares more than adding one after the other.
        while sets.len() > 1 {
            let pairs = sets.chunks(2).map(|pair| match *pair {
                [a, b] => SupportId(self.leaves.union(a.0, b.0)),
                _ => pair[0],
            });
            sets = pairs.collect();
        }
        sets.first().copied().unwrap_or(SupportId::EMPTY)
    }

    /// Whether two sets have a random variable in common.
    pub fn overlap(&mut self, a: SupportId, b: SupportId) -> bool {
        if a == SupportId::EMPTY || b == SupportId::EMPTY {
            return false;
        }
        if a == b {
            return true;
        }
        let key = (a.min(b), a.max(b));
        if let Some(&overlap) = self.overlaps.get(&key) {
            return overlap;
        }
        let (x, y) = (self.groups_in(a.0), self.groups_in(b.0));
        let sets = self.groups.as_ref().unwrap_or(&self.leaves);
        let overlap = sets.intersect(x, y);
        // Small sets are compared as fast as remembered.
        if !sets.is_small(x) && !sets.is_small(y) {
            self.overlaps.insert(key, overlap);
        }
        overlap
    }

    /// The set of groups of a set of leaves.
    fn groups_in(&mut self, id: u32) -> u32 {
        if self.groups.is_none() {
            return id;
        }
        if let Some(&groups) = self.groups_of.get(&id) {
            return groups;
        }
        let found = match self.leaves.halves(id) {
            Some((a, b)) => {
                let (a, b) = (self.groups_in(a), self.groups_in(b));
                self.groups.as_mut().map_or(0, |groups| groups.union(a, b))
            }
            None => {
                let (leaves, group_of) = (&self.leaves, &self.group_of);
                self.groups.as_mut().map_or(0, |groups| {
                    leaves.iter(id).fold(0, |so_far, leaf| {
                        groups.union(so_far, group_of[leaf as usize] + 1)
                    })
                })
            }
        };
        self.groups_of.insert(id, found);
        found
    }
}
