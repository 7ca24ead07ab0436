//! The shapes that are kept, by their keys, within a bound on memory.

use std::hash::BuildHasher;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::layout::Key;
use super::{ShapeStats, Shapes};
use crate::module::Module;

/// Shapes by key; those used longest ago go first.
pub(super) struct Cache {
    shapes: FxHashMap<Key, Kept>,
    capacity: usize,
    /// Counts uses.
    now: u64,
    stats: ShapeStats,
    /// Hashes of keys that were asked for without being kept.
    met: FxHashSet<u64>,
}

/// So many keys are remembered, in eight megabytes or so.
const MET: usize = 1 << 19;

struct Kept {
    shape: Arc<Module>,
    bytes: usize,
    used: u64,
}

impl Cache {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            shapes: FxHashMap::default(),
            capacity,
            now: 0,
            stats: ShapeStats::default(),
            met: FxHashSet::default(),
        }
    }

    pub(super) fn stats(&self) -> ShapeStats {
        ShapeStats {
            shapes: self.shapes.len(),
            ..self.stats
        }
    }

    pub(super) fn set_capacity(&mut self, bytes: usize) {
        self.capacity = bytes;
        self.evict();
    }

    /// The shape of a key, for so many samples.
    pub(super) fn get(&mut self, key: &[u64], samples: usize) -> Option<Arc<Module>> {
        self.now += 1;
        let kept = self.shapes.get_mut(key)?;
        kept.used = self.now;
        self.stats.hits += samples as u64;
        Some(kept.shape.clone())
    }

    /// Keeps a shape that was compiled for so many samples.
    pub(super) fn insert(&mut self, key: Key, shape: Arc<Module>, took: Duration, samples: usize) {
        self.now += 1;
        self.stats.misses += 1;
        self.stats.hits += samples.saturating_sub(1) as u64;
        self.stats.compiling += took;
        let bytes = size_of_val(&*key) + shape.bytes();
        let kept = Kept {
            shape,
            bytes,
            used: self.now,
        };
        self.stats.bytes += bytes;
        // Another thread may have compiled it meanwhile.
        if let Some(old) = self.shapes.insert(key, kept) {
            self.stats.bytes -= old.bytes;
        }
        self.evict();
    }

    /// Remembers a key; true if it is met for the first time. Two keys may be taken for one: nothing but time
    /// depends on it.
    pub(super) fn meet(&mut self, key: &[u64]) -> bool {
        if self.met.len() >= MET {
            self.met.clear();
        }
        self.met.insert(FxBuildHasher.hash_one(key))
    }

    /// Counts samples that were derived together.
    pub(super) fn made(&mut self, samples: usize, took: Duration) {
        self.stats.misses += samples as u64;
        self.stats.compiling += took;
    }

    /// All keys, those used longest ago first.
    pub(super) fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<(u64, &Key)> =
            self.shapes.iter().map(|(key, it)| (it.used, key)).collect();
        keys.sort_unstable_by_key(|&(used, _)| used);
        keys.into_iter().map(|(_, key)| key.clone()).collect()
    }

    /// Drops an eighth more than necessary, so that not every new shape looks for the oldest one.
    fn evict(&mut self) {
        if self.stats.bytes <= self.capacity || self.shapes.len() <= 1 {
            return;
        }
        let mut ages: Vec<(u64, usize)> =
            self.shapes.values().map(|it| (it.used, it.bytes)).collect();
        ages.sort_unstable();
        ages.pop();
        let goal = self.capacity - self.capacity / 8;
        let mut left = self.stats.bytes;
        let mut oldest = 0;
        for (used, bytes) in ages {
            if left <= goal {
                break;
            }
            left -= bytes;
            oldest = used;
        }
        let before = self.shapes.len();
        self.shapes.retain(|_, kept| kept.used > oldest);
        self.stats.evicted += (before - self.shapes.len()) as u64;
        self.stats.bytes = left;
    }
}

impl Shapes {
    /// A cache is whole even after a panic elsewhere.
    pub(super) fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
