//! Sets of facts, and lists of the heaviest ones.

use nsdl_provenance::literals::{Variables, holds, leaf, subset};

/// A set of literals with what it is kept by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proof {
    /// The binary logarithm of its weight in fixed point: sums of it do not depend on their order.
    pub(super) rank: i64,
    /// One bit for each literal, several with the same.
    pub(super) signature: u64,
    start: u32,
    len: u32,
}

/// How many signs there are: one bit of a signature each.
pub(super) const SIGNS: usize = 64;

/// The sign of a literal.
pub(super) fn sign(literal: u32) -> usize {
    leaf(literal) as usize % SIGNS
}

/// The proofs of a row: how many, and how far each has come in a recursive stratum.
///
/// Beside the row and not in the proofs, which lie elsewhere and are many.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    pub(super) count: u8,
    /// By place: those that wait, and those that are being joined. The others were joined with all there was.
    fresh: u16,
    listed: u16,
}

impl Marks {
    /// The places of those that an atom joins now: one that ranges over what was settled last, or another.
    #[inline]
    pub(super) fn joined(self, listed: bool) -> u16 {
        let all = (1 << self.count) - 1;
        if listed {
            self.listed
        } else {
            all & !self.fresh
        }
    }

    /// What waited is being joined.
    pub(super) fn list(&mut self) {
        (self.listed, self.fresh) = (self.fresh, 0);
    }

    /// What is being joined has been.
    pub(super) fn finish(&mut self) {
        self.listed = 0;
    }

    fn insert(&mut self, place: usize, waits: bool) {
        let moved = |marks: u16| {
            let below = (1 << place) - 1;
            marks & below | (marks & !below) << 1
        };
        self.fresh = moved(self.fresh) | u16::from(waits) << place;
        self.listed = moved(self.listed);
        self.count += 1;
    }

    fn remove(&mut self, place: usize) {
        let moved = |marks: u16| {
            let below = (1 << place) - 1;
            marks & below | marks >> 1 & !below
        };
        (self.fresh, self.listed) = (moved(self.fresh), moved(self.listed));
        self.count -= 1;
    }
}

/// Where the literals of a set begin that is being made of parts.
const PARTIAL: u32 = u32::MAX;

/// Binary digits of a rank after the point.
const POINT: u32 = 40;

/// Levels within a factor of two: many mean that few proofs are joined in vain, few that many are joined at once.
const FINE: u32 = 5;

/// The level in which a row waits; 0 is below all.
pub(super) fn level(rank: i64) -> u32 {
    let level = (rank >> (POINT - FINE)) + (1 << 30);
    level.clamp(1, i64::from(super::NOWHERE) - 1) as u32
}

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
        self.len as usize
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
    /// How many literals kept proofs have.
    live: usize,
    /// The set under construction, and the one of fewer parts that it is made of.
    scratch: Vec<u32>,
    partial: Vec<u32>,
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
            scratch: Vec::new(),
            partial: Vec::new(),
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

    pub(super) fn literals(&self, proof: Proof) -> &[u32] {
        &self.literals[proof.start as usize..proof.start as usize + proof.len()]
    }

    /// Reads the first literal of each proof, so that the next read finds it near.
    pub(super) fn touch<'a>(&self, proofs: impl Iterator<Item = &'a Proof>) -> u32 {
        let first = proofs.filter_map(|proof| self.literals.get(proof.start as usize));
        first.fold(0, |sum, literal| sum ^ literal)
    }

    /// How many literals there are, those of proofs that are gone too.
    pub(super) fn size(&self) -> usize {
        self.literals.len()
    }

    /// What the union of a set and a proof weighs at most, as a rank: what they may have in common counts once.
    pub(super) fn most(&self, rank: i64, signature: u64, proof: Proof) -> i64 {
        let sum = rank.saturating_add(proof.rank);
        if signature & proof.signature == 0 {
            return sum;
        }
        let common = (self.literals(proof).iter())
            .filter(|&&literal| signature >> sign(literal) & 1 == 1)
            .map(|&literal| self.ranks[leaf(literal) as usize]);
        let twice = common.fold(0, i64::saturating_add);
        rank.min(proof.rank).min(sum.saturating_sub(twice))
    }

    /// Adds the rank of each literal of a proof to those of its sign.
    pub(super) fn add_losses(&self, proof: Proof, losses: &mut [i64; SIGNS]) {
        for &literal in self.literals(proof) {
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
                len: self.scratch.len() as u32,
            };
        }
        if parts.is_empty() {
            let range = last.start as usize..last.start as usize + last.len();
            self.scratch.clear();
            self.scratch.extend_from_slice(&self.literals[range]);
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
        let of = |proof: Proof| match proof.start {
            PARTIAL => &self.partial[..proof.len()],
            start => &self.literals[start as usize..start as usize + proof.len()],
        };
        let (a_set, b_set) = (of(a), of(b));
        if let ([one], many) | (many, [one]) = (b_set, a_set)
            && self.independent
        {
            // Recursion along edges adds one fact at a time.
            let place = match apart {
                true => many.partition_point(|it| it < one),
                false => match many.binary_search(one) {
                    Ok(_) => {
                        self.scratch.clear();
                        self.scratch.extend_from_slice(many);
                        let rank = if a.len() == 1 && b.len() > 1 {
                            b.rank
                        } else {
                            a.rank
                        };
                        return Some((rank, signature));
                    }
                    Err(_) if sum < least => return None,
                    Err(place) => place,
                },
            };
            self.scratch.clear();
            self.scratch.extend_from_slice(&many[..place]);
            self.scratch.push(*one);
            self.scratch.extend_from_slice(&many[place..]);
            return Some((sum, signature));
        }
        if self.independent {
            merge(a_set, b_set, &mut self.scratch);
        } else if !self.variables.merge(a_set, b_set, &mut self.scratch) {
            return None;
        }
        if self.scratch.len() == a.len() + b.len() {
            return Some((sum, signature));
        }
        let ranks = self.scratch.iter().map(|&it| self.ranks[leaf(it) as usize]);
        Some((ranks.fold(0, i64::saturating_add), signature))
    }

    /// Whether the union of some proofs has all literals of this one.
    pub(super) fn is_within(&self, proof: Proof, parts: &[Proof], last: Proof) -> bool {
        let has = |part: &Proof, literal: u32| {
            part.signature >> sign(literal) & 1 == 1
                && self.literals(*part).binary_search(&literal).is_ok()
        };
        let mut literals = self.literals(proof).iter();
        literals.all(|&it| has(&last, it) || parts.iter().any(|part| has(part, it)))
    }

    /// Makes a proof of the set in the scratch that is in no list.
    pub(super) fn make(&mut self, rank: i64, signature: u64) -> Proof {
        let start = self.literals.len() as u32;
        self.literals.extend_from_slice(&self.scratch);
        Proof {
            rank,
            signature,
            start,
            len: self.scratch.len() as u32,
        }
    }

    /// Puts the set in the scratch, which no other one subsumes, into a list, unless all are heavier, and takes out those
    /// that it subsumes.
    pub(super) fn keep(
        &mut self,
        places: &mut [Proof],
        marks: &mut Marks,
        rank: i64,
        signature: u64,
        waits: bool,
    ) -> Change {
        let set = self.scratch.as_slice();
        let mut at = 0;
        let kept = usize::from(marks.count);
        while let Some(&proof) = places[..kept].get(at) {
            let is_lighter = || {
                let other = self.literals(proof);
                (set.len(), set) < (other.len(), other)
            };
            if proof.rank < rank || proof.rank == rank && is_lighter() {
                break;
            }
            at += 1;
        }
        for place in (at..kept).rev() {
            let proof = places[place];
            if signature & !proof.signature == 0 && subset(set, self.literals(proof)) {
                self.live -= proof.len();
                places.copy_within(place + 1..usize::from(marks.count), place);
                marks.remove(place);
            }
        }
        if at == places.len() {
            return Change {
                added: false,
                dropped: true,
            };
        }
        let dropped = usize::from(marks.count) == places.len();
        if dropped {
            let last = places.len() - 1;
            self.live -= places[last].len();
            marks.remove(last);
        }
        places.copy_within(at..usize::from(marks.count), at + 1);
        marks.insert(at, waits);
        places[at] = match *set {
            [only] => self.leaf(leaf(only)),
            _ => self.make(rank, signature),
        };
        self.live += places[at].len();
        Change {
            added: true,
            dropped,
        }
    }

    /// Whether most literals are of proofs that are gone.
    pub(super) fn is_wasteful(&self) -> bool {
        self.literals.len() > 2 * (self.live + self.ranks.len()) + (1 << 20)
    }

    /// Forgets the literals of all but these proofs, which are all that lists hold.
    pub(super) fn collect<'a>(&mut self, kept: impl Iterator<Item = &'a mut Proof>) {
        let leaves = self.ranks.len();
        let mut literals = Vec::with_capacity(leaves + self.live);
        literals.extend_from_slice(&self.literals[..leaves]);
        for proof in kept.filter(|proof| proof.start as usize >= leaves) {
            let start = literals.len() as u32;
            literals.extend_from_slice(self.literals(*proof));
            proof.start = start;
        }
        self.literals = literals;
    }
}

/// The union of two sorted sets.
fn merge(a: &[u32], b: &[u32], into: &mut Vec<u32>) {
    into.clear();
    into.reserve(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while let (Some(&x), Some(&y)) = (a.get(i), b.get(j)) {
        into.push(x.min(y));
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    into.extend_from_slice(&a[i..]);
    into.extend_from_slice(&b[j..]);
}

/// What became of a list.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Change {
    pub(super) added: bool,
    /// Whether a proof was dropped for want of a place.
    pub(super) dropped: bool,
}
