//! Which facts suffice.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::Provenance;
use crate::literals::subset;

/// Smallest sets of facts, each sorted, shorter ones first, then by their facts; none contains another.
pub type Witnesses = Vec<Vec<u32>>;

/// Why-provenance: the smallest sets of facts from each of which alone the tuple follows.
///
/// The minimal witness basis of Buneman, Khanna and Tan, "Why and where: a characterization of data provenance", ICDT
/// 2001. Every fact counts, tagged or not; probabilities and exclusion play no part, and there is no complement: absent
/// is what does not follow from all facts together. A distributive lattice, so cycles are no trouble. There may be
/// exponentially many sets: an operation past [`Why::limit`] facts in all fails ([`Provenance::failure`]).
#[derive(Debug)]
pub struct Why {
    /// How many facts the sets of a tag may have together.
    pub limit: usize,
    pub(crate) full: AtomicBool,
}

impl Default for Why {
    fn default() -> Self {
        Self::new(Self::LIMIT)
    }
}

impl Why {
    /// The limit unless another is given.
    pub const LIMIT: usize = 1_000_000;

    /// With tags of at most so many facts.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            full: AtomicBool::new(false),
        }
    }

    /// The tag of a fact.
    pub fn tag(&self, fact: u32) -> Witnesses {
        vec![vec![fact]]
    }

    fn smallest(&self, sets: Witnesses) -> Witnesses {
        smallest(sets, self.limit, &self.full)
    }
}

/// Without those that contain another, in order; what is past the limit is dropped, and said to be so.
pub(crate) fn smallest(mut sets: Vec<Vec<u32>>, limit: usize, full: &AtomicBool) -> Vec<Vec<u32>> {
    sets.sort_unstable_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    sets.dedup();
    let mut kept: Vec<Vec<u32>> = Vec::new();
    let mut size = 0;
    for set in sets {
        if kept.iter().any(|other| subset(other, &set)) {
            continue;
        }
        size += set.len() + 1;
        if size > limit {
            full.store(true, Ordering::Relaxed);
            break;
        }
        kept.push(set);
    }
    kept
}

/// Whether all pairs of two families may be looked at.
pub(crate) fn affordable(a: &[Vec<u32>], b: &[Vec<u32>], limit: usize, full: &AtomicBool) -> bool {
    let fine = a.len().saturating_mul(b.len()) <= limit;
    if !fine {
        full.store(true, Ordering::Relaxed);
    }
    fine
}

/// What [`Provenance::failure`] says.
pub(crate) fn too_large(limit: usize, full: &AtomicBool) -> Option<String> {
    full.load(Ordering::Relaxed)
        .then(|| format!("the proofs of a tuple take more than the limit of {limit} literals"))
}

impl Provenance for Why {
    type Tag = Witnesses;

    const IDEMPOTENT: bool = true;
    const ABSORPTIVE: bool = true;
    const DISTRIBUTIVE: bool = true;
    const INVOLUTIVE: bool = false;

    fn zero(&self) -> Witnesses {
        Vec::new()
    }

    fn one(&self) -> Witnesses {
        vec![Vec::new()]
    }

    fn add(&self, a: &Witnesses, b: &Witnesses) -> Witnesses {
        self.smallest(a.iter().chain(b).cloned().collect())
    }

    fn mult(&self, a: &Witnesses, b: &Witnesses) -> Witnesses {
        if !affordable(a, b, self.limit, &self.full) {
            return self.zero();
        }
        let pairs = a.iter().flat_map(|x| b.iter().map(move |y| union(x, y)));
        self.smallest(pairs.collect())
    }

    fn has_complement(&self) -> bool {
        false
    }

    fn size(&self, tag: &Self::Tag) -> usize {
        tag.iter().map(|set| set.len() + 1).sum()
    }

    fn failure(&self) -> Option<String> {
        too_large(self.limit, &self.full)
    }

    fn weight(&self, a: &Witnesses) -> f64 {
        f64::from(u8::from(!a.is_empty()))
    }
}

/// The union of two sorted sets.
pub(crate) fn union(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut merged = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while let (Some(&x), Some(&y)) = (a.get(i), b.get(j)) {
        merged.push(x.min(y));
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    merged.extend_from_slice(&a[i..]);
    merged.extend_from_slice(&b[j..]);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_contains_a_witness_is_none() {
        let why = Why::default();
        let [a, b] = [0, 1].map(|fact| why.tag(fact));
        assert_eq!(why.add(&why.mult(&a, &b), &a), a);
        assert_eq!(why.mult(&a, &why.add(&b, &a)), a);
        assert_eq!(why.failure(), None);
    }

    #[test]
    fn too_many_witnesses_are_a_failure() {
        let why = Why::new(30);
        let mut all = why.one();
        for pair in 0..5 {
            let either = why.add(&why.tag(2 * pair), &why.tag(2 * pair + 1));
            all = why.mult(&all, &either);
        }
        assert!(why.failure().is_some_and(|it| it.contains("limit of 30")));
    }
}
