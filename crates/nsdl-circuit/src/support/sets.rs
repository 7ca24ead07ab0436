//! Persistent sets of numbers: hash-consed Patricia tries over words of 64 bits (Okasaki and Gill, "Fast mergeable
//! integer maps", ML 1998). A set has one form only, so equal sets have equal ids; a union makes as many nodes
//! as its result has that neither side has.

use hashbrown::{HashTable, hash_table::Entry};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// Either the numbers `64 · key + i` for the bits i of `payload`, or, where `bit` is not 0, two sets: of words whose
/// number has this bit clear and set; `key` is what their higher bits have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Node {
    key: u32,
    bit: u32,
    payload: u64,
}

/// The store; id 0 is the empty set.
pub(super) struct Sets {
    nodes: Vec<Node>,
    table: HashTable<u32>,
    /// Unions of sets of several words.
    unions: FxHashMap<(u32, u32), u32>,
}

fn hash(node: Node) -> u64 {
    let mut hasher = FxHasher::default();
    node.hash(&mut hasher);
    hasher.finish()
}

impl Node {
    fn halves(self) -> (u32, u32) {
        ((self.payload >> 32) as u32, self.payload as u32)
    }

    /// Whether a word of this number belongs below this branch.
    fn covers(self, key: u32) -> bool {
        key & !(2 * self.bit - 1) == self.key
    }
}

impl Sets {
    /// With the sets of one number below `count`: number n has the id n + 1.
    pub fn with_singles(count: u32) -> Self {
        let empty = Node {
            key: 0,
            bit: 0,
            payload: 0,
        };
        let mut sets = Self {
            nodes: vec![empty],
            table: HashTable::with_capacity(count as usize),
            unions: FxHashMap::default(),
        };
        for number in 0..count {
            sets.intern(number / 64, 0, 1 << (number % 64));
        }
        sets
    }

    /// Nodes and remembered unions.
    pub fn size(&self) -> usize {
        self.nodes.len() + self.unions.len()
    }

    /// Whether the set is one word.
    pub fn is_small(&self, id: u32) -> bool {
        self.nodes[id as usize].bit == 0
    }

    /// The two sets that a set of several words consists of.
    pub fn halves(&self, id: u32) -> Option<(u32, u32)> {
        let node = self.nodes[id as usize];
        (node.bit != 0).then(|| node.halves())
    }

    /// Whether any member lies in `first..end`.
    pub fn meets(&self, id: u32, first: u32, end: u32) -> bool {
        let node = self.nodes[id as usize];
        let low = u64::from(node.key) * 64;
        let (first, end) = (u64::from(first), u64::from(end));
        if node.bit == 0 {
            let (from, to) = (first.max(low), end.min(low + 64));
            if from >= to {
                return false;
            }
            let mask = (u64::MAX >> (64 - (to - from))) << (from - low);
            return node.payload & mask != 0;
        }
        let high = low + 128 * u64::from(node.bit);
        if end <= low || first >= high {
            return false;
        }
        let (a, b) = node.halves();
        self.meets(a, first as u32, end as u32) || self.meets(b, first as u32, end as u32)
    }

    /// The members, ascending.
    pub fn iter(&self, id: u32) -> impl Iterator<Item = u32> {
        let mut open = vec![id];
        let mut word = (0, 0u64);
        std::iter::from_fn(move || {
            while word.1 == 0 {
                let node = self.nodes[open.pop()? as usize];
                if node.bit == 0 {
                    word = (node.key * 64, node.payload);
                } else {
                    let (a, b) = node.halves();
                    open.extend([b, a]);
                }
            }
            let place = word.1.trailing_zeros();
            word.1 &= word.1 - 1;
            Some(word.0 + place)
        })
    }

    pub fn union(&mut self, a: u32, b: u32) -> u32 {
        if a == b || b == 0 {
            return a;
        }
        if a == 0 {
            return b;
        }
        if self.is_small(a) || self.is_small(b) {
            return self.merge(a, b);
        }
        let key = (a.min(b), a.max(b));
        if let Some(&union) = self.unions.get(&key) {
            return union;
        }
        let union = self.merge(a, b);
        self.unions.insert(key, union);
        union
    }

    fn merge(&mut self, a: u32, b: u32) -> u32 {
        if a == b || b == 0 {
            return a;
        }
        if a == 0 {
            return b;
        }
        let (x, y) = (self.nodes[a as usize], self.nodes[b as usize]);
        if x.bit < y.bit {
            return self.merge(b, a);
        }
        if x.bit == 0 && x.key == y.key {
            return self.intern(x.key, 0, x.payload | y.payload);
        }
        if x.bit == 0 || !x.covers(y.key) {
            let bit = 1 << (31 - (x.key ^ y.key).leading_zeros());
            let key = x.key & !(2 * bit - 1);
            return match x.key & bit {
                0 => self.branch(key, bit, a, b),
                _ => self.branch(key, bit, b, a),
            };
        }
        let (left, right) = x.halves();
        if x.bit == y.bit {
            let (other_left, other_right) = y.halves();
            let (left, right) = (self.union(left, other_left), self.union(right, other_right));
            return self.branch(x.key, x.bit, left, right);
        }
        if y.key & x.bit == 0 {
            let left = self.union(left, b);
            self.branch(x.key, x.bit, left, right)
        } else {
            let right = self.union(right, b);
            self.branch(x.key, x.bit, left, right)
        }
    }

    /// Whether two sets have a member in common.
    pub fn intersect(&self, a: u32, b: u32) -> bool {
        if a == 0 || b == 0 {
            return false;
        }
        if a == b {
            return true;
        }
        let (x, y) = (self.nodes[a as usize], self.nodes[b as usize]);
        if x.bit < y.bit {
            return self.intersect(b, a);
        }
        if x.bit == 0 {
            return x.key == y.key && x.payload & y.payload != 0;
        }
        if !x.covers(y.key) {
            return false;
        }
        let (left, right) = x.halves();
        if x.bit == y.bit {
            let (other_left, other_right) = y.halves();
            return self.intersect(left, other_left) || self.intersect(right, other_right);
        }
        self.intersect(if y.key & x.bit == 0 { left } else { right }, b)
    }

    fn branch(&mut self, key: u32, bit: u32, left: u32, right: u32) -> u32 {
        self.intern(key, bit, (u64::from(left) << 32) | u64::from(right))
    }

    fn intern(&mut self, key: u32, bit: u32, payload: u64) -> u32 {
        let node = Node { key, bit, payload };
        let nodes = &mut self.nodes;
        let entry = self.table.entry(
            hash(node),
            |&id| nodes[id as usize] == node,
            |&id| hash(nodes[id as usize]),
        );
        match entry {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let id = nodes.len() as u32;
                entry.insert(id);
                nodes.push(node);
                id
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn sets_behave_as_sets() {
        let count = 5000;
        let mut sets = Sets::with_singles(count);
        let mut state = 7u64;
        let mut number = || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) as u32
        };
        let mut known: Vec<(u32, BTreeSet<u32>)> = vec![(0, BTreeSet::new())];
        for round in 0..600 {
            let (mut id, mut set) = known[number() as usize % known.len()].clone();
            for _ in 0..round % 7 {
                let member = number() % count;
                id = sets.union(id, member + 1);
                set.insert(member);
            }
            let (other, others) = known[number() as usize % known.len()].clone();
            assert_eq!(
                sets.intersect(id, other),
                set.intersection(&others).next().is_some()
            );
            id = sets.union(id, other);
            set.extend(others);
            assert!(sets.iter(id).eq(set.iter().copied()));
            let (first, length) = (number() % count, number() % 200);
            let inside = set.range(first..first + length).next().is_some();
            assert_eq!(sets.meets(id, first, first + length), inside);
            let mut again = 0;
            for &member in set.iter().rev() {
                again = sets.union(again, member + 1);
            }
            assert_eq!(again, id, "equal sets have equal ids");
            known.push((id, set));
        }
    }
}
