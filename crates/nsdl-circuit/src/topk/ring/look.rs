//! One look at a tuple of a cycle: combinations, and which of them are kept.

use super::set::{Set, members, shortlex, subset};
use super::{Alternative, Bits, ROUNDING, Ring, Rounds, Universe};

impl<const W: usize> Rounds<W> {
    /// The kept proofs of a tuple.
    pub(super) fn list(&self, k: usize, tuple: u32) -> &[Bits<W>] {
        &self.kept[tuple as usize * k..][..self.lens[tuple as usize] as usize]
    }

    fn part(&self, k: usize, part: u32) -> &[Bits<W>] {
        match (part as usize).checked_sub(self.lens.len()) {
            None => self.list(k, part),
            Some(outside) => {
                let (start, end) = self.spans[outside];
                &self.outside[start as usize..end as usize]
            }
        }
    }

    fn hopeless(&self, most: f64) -> bool {
        self.truncated && most * ROUNDING < self.floor
    }

    /// Chooses the proofs of a tuple, given what changed since it was looked at; whether they are others.
    pub(super) fn look(
        &mut self,
        k: usize,
        ring: &Ring,
        universe: &Universe,
        tuple: u32,
        since: u32,
        tick: u32,
    ) -> bool {
        let mut old = std::mem::take(&mut self.old);
        old.clear();
        old.extend_from_slice(self.list(k, tuple));
        let last = old.get(k - 1).map(|last| last.weight);
        self.floor = last.unwrap_or(0.0);
        self.candidates.clear();
        for &alternative in ring.tuple(tuple) {
            let changed = |&part: &u32| {
                self.changed
                    .get(part as usize)
                    .is_some_and(|&at| at > since)
            };
            if since == 0 || ring.parts(alternative).iter().any(changed) {
                self.combine(k, ring, universe, alternative, since, &old);
            }
        }
        self.candidates.extend_from_slice(&old);
        self.keep(k, tuple);
        if self.lost(k, tuple, last, &old) {
            self.floor = 0.0;
            self.candidates.clear();
            for &alternative in ring.tuple(tuple) {
                self.combine(k, ring, universe, alternative, 0, &old);
            }
            self.candidates.extend_from_slice(&old);
            self.keep(k, tuple);
        }
        let now = &mut self.kept[tuple as usize * k..][..self.lens[tuple as usize] as usize];
        let same = now.len() == old.len() && now.iter().zip(&old).all(|(a, b)| a.set == b.set);
        if same {
            now.copy_from_slice(&old);
        } else {
            for proof in now {
                let known = |old: &&Bits<W>| old.weight == proof.weight && old.set == proof.set;
                proof.born = old.iter().find(known).map_or(tick, |old| old.born);
            }
            self.changed[tuple as usize] = tick;
        }
        self.old = old;
        !same
    }

    /// Whether a proof that was too light once may be kept now: new ones have subsumed others.
    fn lost(&self, k: usize, tuple: u32, last: Option<f64>, old: &[Bits<W>]) -> bool {
        let Some(last) = last else {
            return false;
        };
        let now = self.list(k, tuple);
        let new = |end: &Bits<W>| end.weight <= last && !old.iter().any(|old| old.set == end.set);
        now.len() < k || now.last().is_some_and(new)
    }

    /// Makes candidates of the combinations of a conjunction that are younger than `since`.
    fn combine(
        &mut self,
        k: usize,
        ring: &Ring,
        universe: &Universe,
        alternative: Alternative,
        since: u32,
        old: &[Bits<W>],
    ) {
        let new = |born: u32| born > since || since == 0;
        let parts = ring.parts(alternative);
        let mut candidates = std::mem::take(&mut self.candidates);
        let [first, rest @ .., last] = parts else {
            for &part in parts {
                candidates.extend(self.part(k, part).iter().filter(|proof| new(proof.born)));
            }
            self.candidates = candidates;
            return;
        };
        // Of what is made before the last part, the weight is one that no combination is above.
        let disjoint = alternative.disjoint;
        let bound = |a: f64, b: f64| if disjoint { a * b } else { a.min(b) };
        let mut left = std::mem::take(&mut self.left);
        left.clear();
        left.extend_from_slice(self.part(k, *first));
        for &part in rest {
            let mut made = std::mem::take(&mut self.made);
            made.clear();
            for a in &left {
                for b in self.part(k, part) {
                    let (weight, born) = (bound(a.weight, b.weight), a.born.max(b.born));
                    if let Some(set) = self.unite(a.set, b.set) {
                        made.push(Bits { weight, set, born });
                    }
                }
            }
            self.made = std::mem::replace(&mut left, made);
        }
        for a in &left {
            for b in self.part(k, *last) {
                let (most, born) = (bound(a.weight, b.weight), a.born.max(b.born));
                if !new(born) || self.hopeless(most) {
                    continue;
                }
                let Some(set) = self.unite(a.set, b.set) else {
                    continue;
                };
                let weight = match disjoint {
                    true => most,
                    false => members(set)
                        .map(|number| universe.weights[number])
                        .product(),
                };
                let subsumed = |old: &Bits<W>| old.weight >= weight && subset(old.set, set);
                if !self.hopeless(weight) && !old.iter().any(subsumed) {
                    candidates.push(Bits { weight, set, born });
                }
            }
        }
        self.left = left;
        self.candidates = candidates;
    }

    /// Keeps the k heaviest candidates that no other one subsumes.
    fn keep(&mut self, k: usize, tuple: u32) {
        self.candidates.sort_unstable_by(|a, b| {
            let heavy = b.weight.total_cmp(&a.weight);
            heavy.then_with(|| shortlex(a.set, b.set))
        });
        let place = &mut self.kept[tuple as usize * k..][..k];
        let mut len = 0;
        for &candidate in &self.candidates {
            if place[..len]
                .iter()
                .any(|kept| subset(kept.set, candidate.set))
            {
                continue;
            }
            if len == k {
                self.truncated = true;
                break;
            }
            place[len] = candidate;
            len += 1;
        }
        self.lens[tuple as usize] = len as u32;
    }

    /// The union of two sets; none if no world agrees with both.
    fn unite(&self, a: Set<W>, b: Set<W>) -> Option<Set<W>> {
        let mut set: Set<W> = std::array::from_fn(|word| a[word] | b[word]);
        let Some(choosy) = self.choosy else {
            return Some(set);
        };
        for literal in members::<W>(std::array::from_fn(|word| set[word] & choosy[word])) {
            let (against, entailed) = (self.against[literal], self.entailed[literal]);
            if (0..W).any(|word| set[word] & against[word] != 0) {
                return None;
            }
            (0..W).for_each(|word| set[word] &= !entailed[word]);
        }
        Some(set)
    }
}
