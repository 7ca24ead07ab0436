//! Sets of facts.
//!
//! A long set that has a few literals more than another one shares the literals of that: recursion along edges makes
//! each proof of the one before, and a thousand of them would take a million words.

use nsdl_provenance::literals::{Variables, holds, leaf};
use rustc_hash::FxHashMap;

use super::literals::{Literals, insert, merge};

/// Sets of fewer literals are not shared.
const LONG: usize = 32;

/// How many literals a set has beside those that it shares.
const EXTRA: usize = 32;

/// A set of literals with what it is kept by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proof {
    /// The binary logarithm of its weight in fixed point: sums of it do not depend on their order.
    pub(super) rank: i64,
    /// One bit for each literal, several with the same.
    pub(super) signature: u64,
    start: u32,
    /// How many literals, with the bit [`SHARES`] if what lies at the start is where those begin that it shares, how
    /// many they are, and its other ones.
    len: u32,
}

const SHARES: u32 = 1 << 31;

/// Binary digits of a rank after the point.
pub(super) const POINT: u32 = 40;

/// How many signs there are: one bit of a signature each.
pub(super) const SIGNS: usize = 64;

/// The sign of a literal.
pub(super) fn sign(literal: u32) -> usize {
    leaf(literal) as usize % SIGNS
}

/// Where the literals of a set begin that is being made of parts.
const PARTIAL: u32 = u32::MAX;

impl Proof {
    /// What holds anyhow.
    pub(super) const NOTHING: Proof = Proof {
        rank: 0,
        signature: 0,
        start: 0,
        len: 0,
    };

    pub(super) fn is_empty(self) -> bool {
        self.len == 0
    }

    fn len(self) -> usize {
        (self.len & !SHARES) as usize
    }

    fn shares(self) -> bool {
        self.len & SHARES != 0
    }
}

/// A set that is no proof yet.
#[derive(Debug, Default)]
struct Scratch {
    /// Where the literals begin that it shares, and how many they are.
    shared: (u32, u32),
    others: Vec<u32>,
}

impl Scratch {
    fn view<'a>(&'a self, literals: &'a [u32]) -> Literals<'a> {
        let (start, len) = self.shared;
        Literals {
            shared: &literals[start as usize..(start + len) as usize],
            others: &self.others,
        }
    }
}

/// Where the literals of proofs lie.
#[derive(Debug)]
pub(super) struct Sets {
    pub(super) variables: Variables,
    /// The rank of each leaf.
    ranks: Vec<i64>,
    /// Whether no two leaves are of one random variable.
    pub(super) independent: bool,
    literals: Vec<u32>,
    /// How many words kept proofs take, without those that they share.
    live: usize,
    /// How many words there were when those of proofs that are gone were forgotten last.
    collected: usize,
    /// The set under construction, and the one of fewer parts that it is made of.
    scratch: Scratch,
    partial: Scratch,
    /// Room for sets in one slice.
    rooms: [Vec<u32>; 2],
}

impl Sets {
    pub(super) fn new(variables: Variables, weights: &[f64]) -> Self {
        let rank = |weight: &f64| {
            let rank = weight.log2() * (1u64 << POINT) as f64;
            (rank as i64).max(i64::MIN / 4)
        };
        let independent = variables.groups().windows(2).all(|pair| pair[0] != pair[1]);
        Self {
            ranks: weights.iter().map(rank).collect(),
            independent,
            // Those of single leaves come first, and stay.
            literals: (0..weights.len() as u32).map(holds).collect(),
            live: 0,
            collected: 0,
            scratch: Scratch::default(),
            partial: Scratch::default(),
            rooms: Default::default(),
            variables,
        }
    }

    /// The proof that is one fact.
    pub(super) fn leaf(&self, leaf: u32) -> Proof {
        Proof {
            rank: self.ranks[leaf as usize],
            signature: 1 << sign(holds(leaf)),
            start: leaf,
            len: 1,
        }
    }

    #[inline]
    pub(super) fn literals(&self, proof: Proof) -> Literals<'_> {
        literals(&self.literals, proof)
    }

    /// The set under construction.
    pub(super) fn scratch(&self) -> Literals<'_> {
        self.scratch.view(&self.literals)
    }

    /// Reads the first literal of each proof, so that the next read finds it near.
    pub(super) fn touch<'a>(&self, proofs: impl Iterator<Item = &'a Proof>) -> u32 {
        let first = proofs.filter_map(|proof| self.literals.get(proof.start as usize));
        first.fold(0, |sum, literal| sum ^ literal)
    }

    /// How many words there are, those of proofs that are gone too.
    pub(super) fn size(&self) -> usize {
        self.literals.len()
    }

    /// What the union of a set and a proof weighs at most, as a rank: what they may have in common counts once.
    pub(super) fn most(&self, rank: i64, signature: u64, proof: Proof) -> i64 {
        let sum = rank.saturating_add(proof.rank);
        if signature & proof.signature == 0 {
            return sum;
        }
        let mut twice = 0_i64;
        let Literals { shared, others } = self.literals(proof);
        for literals in [shared, others] {
            for &literal in literals {
                if signature >> sign(literal) & 1 == 1 {
                    twice = twice.saturating_add(self.ranks[leaf(literal) as usize]);
                }
            }
        }
        rank.min(proof.rank).min(sum.saturating_sub(twice))
    }

    /// Adds the rank of each literal of a proof to those of its sign.
    pub(super) fn add_losses(&self, proof: Proof, losses: &mut [i64; SIGNS]) {
        for literal in self.literals(proof).iter() {
            let loss = &mut losses[sign(literal)];
            *loss = loss.saturating_add(self.ranks[leaf(literal) as usize]);
        }
    }

    /// The union of some proofs in the scratch, its rank and signature; none if no world agrees with all, or if its
    /// rank is below `least`.
    pub(super) fn unite_all(
        &mut self,
        parts: &[Proof],
        last: Proof,
        least: i64,
    ) -> Option<(i64, u64)> {
        let mut whole = last;
        for (number, &part) in parts.iter().enumerate() {
            if number > 0 {
                std::mem::swap(&mut self.scratch, &mut self.partial);
            }
            let (rank, signature) = self.unite(whole, part, least)?;
            if rank < least {
                return None;
            }
            whole = Proof {
                rank,
                signature,
                start: PARTIAL,
                len: self.scratch().len() as u32,
            };
        }
        if parts.is_empty() {
            self.scratch.shared = (0, 0);
            self.scratch.others.clear();
            let all = literals(&self.literals, last).iter();
            self.scratch.others.extend(all);
        }
        (whole.rank >= least).then_some((whole.rank, whole.signature))
    }

    /// The union of two proofs in the scratch, its rank and signature; none if no world agrees with both, or, maybe,
    /// if its rank is below `least`.
    #[inline]
    pub(super) fn unite(&mut self, a: Proof, b: Proof, least: i64) -> Option<(i64, u64)> {
        let signature = a.signature | b.signature;
        let sum = a.rank.saturating_add(b.rank);
        let apart = a.signature & b.signature == 0;
        if apart && sum < least {
            return None;
        }
        let Self {
            literals: all,
            scratch,
            partial,
            rooms: [a_room, b_room],
            ..
        } = self;
        let of = |proof: Proof| match proof.start {
            PARTIAL => partial.view(all),
            _ => literals(all, proof),
        };
        let (a_set, b_set) = (of(a), of(b));
        if self.independent && a.len().min(b.len()) <= 1 {
            // Recursion along edges adds one fact at a time.
            let (one, many, proof) = match a.len() {
                0 | 1 => (a_set, b_set, b),
                _ => (b_set, a_set, a),
            };
            let known = !apart && one.is_within(many);
            if !known && sum < least {
                return None;
            }
            let one = one.iter().filter(|_| !known);
            let shared = match (proof.start, proof.shares()) {
                (PARTIAL, _) => partial.shared,
                (start, true) => (all[start as usize], all[start as usize + 1]),
                (start, false) if many.len() >= LONG => (start, proof.len),
                _ => (0, 0),
            };
            let others = if shared.1 == 0 {
                many.slice()
            } else {
                Some(many.others)
            };
            let others = others.unwrap_or_default();
            if others.len() < EXTRA || shared.1 == 0 {
                scratch.shared = shared;
                insert(others, one, &mut scratch.others);
            } else {
                scratch.shared = (0, 0);
                insert(many.flat(a_room), one, &mut scratch.others);
            }
            let rank = if known { proof.rank } else { sum };
            return Some((rank, signature));
        }
        let (a_set, b_set) = (a_set.flat(a_room), b_set.flat(b_room));
        scratch.shared = (0, 0);
        let scratch = &mut scratch.others;
        if self.independent {
            merge(a_set, b_set, scratch);
        } else if !self.variables.merge(a_set, b_set, scratch) {
            return None;
        }
        if scratch.len() == a.len() + b.len() {
            return Some((sum, signature));
        }
        let ranks = scratch.iter().map(|&it| self.ranks[leaf(it) as usize]);
        Some((ranks.fold(0, i64::saturating_add), signature))
    }

    /// Whether the union of some proofs has all literals of this one.
    #[inline]
    pub(super) fn is_within(&self, proof: Proof, parts: &[Proof], last: Proof) -> bool {
        let has = |part: &Proof, literal: u32| {
            part.signature >> sign(literal) & 1 == 1 && self.literals(*part).contains(literal)
        };
        let Literals { shared, others } = self.literals(proof);
        for literals in [shared, others] {
            for &literal in literals {
                if !has(&last, literal) && !parts.iter().any(|part| has(part, literal)) {
                    return false;
                }
            }
        }
        true
    }

    /// Makes a proof of the set in the scratch, which is to be kept.
    pub(super) fn make(&mut self, rank: i64, signature: u64) -> Proof {
        let Scratch { shared, others } = &self.scratch;
        if let ([only], 0) = (&**others, shared.1) {
            return self.leaf(leaf(*only));
        }
        let start = self.literals.len() as u32;
        let mut len = others.len() as u32;
        if shared.1 > 0 {
            self.literals.extend([shared.0, shared.1]);
            len += shared.1 | SHARES;
        }
        self.literals.extend_from_slice(others);
        self.live += self.literals.len() - start as usize;
        Proof {
            rank,
            signature,
            start,
            len,
        }
    }

    /// A proof is not kept any more.
    pub(super) fn forget(&mut self, proof: Proof) {
        if proof.start as usize >= self.ranks.len() {
            let shared = if proof.shares() {
                self.literals(proof).shared.len() - 2
            } else {
                0
            };
            self.live = self.live.saturating_sub(proof.len() - shared);
        }
    }

    /// Whether most words are of proofs that are gone.
    pub(super) fn is_wasteful(&self) -> bool {
        self.literals.len() > 2 * (self.live + self.ranks.len()).max(self.collected) + (1 << 20)
    }

    /// Forgets the literals of all but these proofs, which are all that lists hold.
    pub(super) fn collect<'a>(&mut self, kept: impl Iterator<Item = &'a mut Proof>) {
        let leaves = self.ranks.len();
        let old = &self.literals;
        let mut new = Vec::with_capacity(leaves + self.live);
        new.extend_from_slice(&old[..leaves]);
        // Where long sets went that others may share.
        let mut moved = FxHashMap::default();
        let mut place = |new: &mut Vec<u32>, start: u32, len: usize| {
            let mut copy = || {
                let place = new.len() as u32;
                new.extend_from_slice(&old[start as usize..start as usize + len]);
                place
            };
            match len < LONG {
                true => copy(),
                false => *moved.entry(start).or_insert_with(copy),
            }
        };
        for proof in kept.filter(|proof| proof.start as usize >= leaves) {
            if proof.shares() {
                let Literals { shared, others } = literals(old, *proof);
                let from = place(&mut new, old[proof.start as usize], shared.len());
                proof.start = new.len() as u32;
                new.extend([from, shared.len() as u32]);
                new.extend_from_slice(others);
            } else {
                proof.start = place(&mut new, proof.start, proof.len());
            }
        }
        self.collected = new.len();
        self.literals = new;
    }
}

#[inline]
fn literals(all: &[u32], proof: Proof) -> Literals<'_> {
    if proof.shares() {
        return sharing(all, proof);
    }
    let start = proof.start as usize;
    Literals {
        shared: &all[start..start + proof.len as usize],
        others: &[],
    }
}

/// Few sets are so long.
#[cold]
fn sharing(all: &[u32], proof: Proof) -> Literals<'_> {
    let start = proof.start as usize;
    let (from, len) = (all[start] as usize, all[start + 1] as usize);
    Literals {
        shared: &all[from..from + len],
        others: &all[start + 2..start + 2 + proof.len() - len],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Numbers below `below`, the same ones each time (Knuth's MMIX generator).
    fn random(seed: u64) -> impl FnMut(usize) -> usize {
        let mut state = seed;
        move |below| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) as usize % below
        }
    }

    fn check(sets: &Sets, proofs: &[Proof], wanted: &[BTreeSet<u32>]) {
        for (proof, wanted) in proofs.iter().zip(wanted) {
            let found: BTreeSet<u32> = sets.literals(*proof).iter().collect();
            assert_eq!(&found, wanted);
            assert_eq!(sets.literals(*proof).len(), wanted.len());
            let ranks = wanted.iter().map(|it| sets.ranks[leaf(*it) as usize]);
            assert_eq!(proof.rank, ranks.sum::<i64>());
        }
    }

    #[test]
    fn sets_are_those_of_a_standard_set_however_they_share() {
        let leaves = 300;
        let weights: Vec<f64> = (0..leaves).map(|it| 0.5 + f64::from(it) / 400.0).collect();
        let mut sets = Sets::new(Variables::new((0..leaves).collect()), &weights);
        let mut random = random(7);
        let mut proofs: Vec<Proof> = (0..leaves).map(|it| sets.leaf(it)).collect();
        let mut wanted: Vec<BTreeSet<u32>> = (0..leaves).map(|it| [holds(it)].into()).collect();
        let mut shared = 0;
        for step in 0..3000 {
            let last = proofs.len() - 1;
            // Mostly one more literal for a late set, now and then a union of any two or three.
            let parts: Vec<usize> = match step % 100 {
                50 => vec![random(last), random(last)],
                0 => vec![random(leaves as usize)],
                _ => vec![last.saturating_sub(random(4))],
            };
            let one = random(leaves as usize);
            let chosen: Vec<Proof> = parts.iter().map(|it| proofs[*it]).collect();
            let (rank, signature) = sets
                .unite_all(&chosen, proofs[one], i64::MIN)
                .expect("leaves are independent");
            let union: BTreeSet<u32> = (parts.iter().chain([&one]))
                .flat_map(|it| wanted[*it].iter().copied())
                .collect();
            let other = random(proofs.len());
            assert_eq!(
                sets.is_within(proofs[other], &chosen, proofs[one]),
                wanted[other].is_subset(&union)
            );
            let (set, known) = (sets.scratch(), sets.literals(proofs[other]));
            assert_eq!(set.is_within(known), union.is_subset(&wanted[other]));
            let order = union.len().cmp(&wanted[other].len());
            assert_eq!(
                set.order(known),
                order.then_with(|| union.iter().cmp(&wanted[other]))
            );
            let proof = sets.make(rank, signature);
            shared += usize::from(proof.shares());
            proofs.push(proof);
            wanted.push(union);
            if step % 1000 == 999 {
                check(&sets, &proofs, &wanted);
                // Every third set goes, also where others share it.
                let goes = |number: usize| number >= leaves as usize && number.is_multiple_of(3);
                for number in (0..proofs.len()).rev().filter(|it| goes(*it)) {
                    sets.forget(proofs.remove(number));
                    wanted.remove(number);
                }
                let before = sets.size();
                sets.collect(proofs.iter_mut());
                assert!(sets.size() < before);
                check(&sets, &proofs, &wanted);
            }
        }
        assert!(shared > 1000, "{shared} shared some");
    }
}
