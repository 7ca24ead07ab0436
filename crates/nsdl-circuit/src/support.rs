//! Sets of leaves, hash-consed: which random choices a formula mentions.

use hashbrown::{HashTable, hash_table::Entry};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

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

/// All sets, each a sorted run of leaf numbers. Unions of two are remembered, so that a chain of n formulas
/// over growing sets costs n look-ups.
pub(crate) struct Supports {
    spans: Vec<(u32, u32)>,
    pool: Vec<u32>,
    table: HashTable<u32>,
    unions: FxHashMap<(SupportId, SupportId), SupportId>,
    overlaps: FxHashMap<(SupportId, SupportId), bool>,
    /// Group of each leaf: members of one group exclude each other, so they are not independent.
    groups: Vec<u32>,
    scratch: Vec<u32>,
}

fn hash(leaves: &[u32]) -> u64 {
    let mut hasher = FxHasher::default();
    leaves.hash(&mut hasher);
    hasher.finish()
}

impl Supports {
    /// With the empty set and all sets of one leaf.
    pub fn new(groups: Vec<u32>) -> Self {
        let leaves = groups.len() as u32;
        let mut supports = Self {
            spans: vec![(0, 0)],
            pool: (0..leaves).collect(),
            table: HashTable::new(),
            unions: FxHashMap::default(),
            overlaps: FxHashMap::default(),
            groups,
            scratch: Vec::new(),
        };
        for leaf in 0..leaves {
            supports.spans.push((leaf, 1));
        }
        supports
    }

    /// Leaves held by all sets.
    pub fn size(&self) -> usize {
        self.pool.len()
    }

    pub fn get(&self, id: SupportId) -> &[u32] {
        let (start, len) = self.spans[id.0 as usize];
        &self.pool[start as usize..(start + len) as usize]
    }

    pub fn group(&self, leaf: u32) -> u32 {
        self.groups[leaf as usize]
    }

    /// The members that lie in `first..end`: those of one group.
    pub fn within(&self, id: SupportId, first: u32, end: u32) -> &[u32] {
        let leaves = self.get(id);
        let from = leaves.partition_point(|&leaf| leaf < first);
        let to = from + leaves[from..].partition_point(|&leaf| leaf < end);
        &leaves[from..to]
    }

    pub fn union(&mut self, a: SupportId, b: SupportId) -> SupportId {
        if a == b || b == SupportId::EMPTY {
            return a;
        }
        if a == SupportId::EMPTY {
            return b;
        }
        let key = (a.min(b), a.max(b));
        if let Some(&union) = self.unions.get(&key) {
            return union;
        }
        let union = self.union_of(&[a, b]);
        self.unions.insert(key, union);
        union
    }

    /// The union of any number of sets.
    pub fn union_all(&mut self, sets: impl Iterator<Item = SupportId>) -> SupportId {
        let mut sets: Vec<SupportId> = sets.collect();
        sets.sort_unstable();
        sets.dedup();
        match sets.as_slice() {
            [] => SupportId::EMPTY,
            [one] => *one,
            [a, b] => self.union(*a, *b),
            _ => self.union_of(&sets),
        }
    }

    fn union_of(&mut self, sets: &[SupportId]) -> SupportId {
        let mut leaves = std::mem::take(&mut self.scratch);
        leaves.clear();
        for &set in sets {
            leaves.extend_from_slice(self.get(set));
        }
        leaves.sort_unstable();
        leaves.dedup();
        let id = self.intern(&leaves);
        self.scratch = leaves;
        id
    }

    fn intern(&mut self, leaves: &[u32]) -> SupportId {
        match leaves {
            [] => return SupportId::EMPTY,
            [leaf] => return SupportId::leaf(*leaf),
            _ => {}
        }
        let (spans, pool) = (&mut self.spans, &mut self.pool);
        let slice = |spans: &[(u32, u32)], pool: &[u32], id: u32| {
            let (start, len) = spans[id as usize];
            (start as usize, (start + len) as usize, pool.len())
        };
        let entry = self.table.entry(
            hash(leaves),
            |&id| {
                let (start, end, _) = slice(spans, pool, id);
                &pool[start..end] == leaves
            },
            |&id| {
                let (start, end, _) = slice(spans, pool, id);
                hash(&pool[start..end])
            },
        );
        match entry {
            Entry::Occupied(entry) => SupportId(*entry.get()),
            Entry::Vacant(entry) => {
                let id = spans.len() as u32;
                entry.insert(id);
                spans.push((pool.len() as u32, leaves.len() as u32));
                pool.extend_from_slice(leaves);
                SupportId(id)
            }
        }
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
        let (small, large) = if self.get(a).len() <= self.get(b).len() {
            (self.get(a), self.get(b))
        } else {
            (self.get(b), self.get(a))
        };
        // Leaves of one group are neighbours: the nearest leaves on either side decide.
        let overlap = small.iter().any(|&leaf| {
            let group = self.group(leaf);
            let place = large.partition_point(|&other| other < leaf);
            large
                .get(place)
                .is_some_and(|&other| self.group(other) == group)
                || place
                    .checked_sub(1)
                    .is_some_and(|before| self.group(large[before]) == group)
        });
        self.overlaps.insert(key, overlap);
        overlap
    }
}
