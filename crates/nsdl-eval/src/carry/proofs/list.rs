//! The heaviest proofs of a row.

use super::sets::{POINT, Proof, Sets};

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

/// Levels within a factor of two: many mean that few proofs are joined in vain, few that many are joined at once.
const FINE: u32 = 5;

/// The level in which a row waits; 0 is below all.
pub(super) fn level(rank: i64) -> u32 {
    let level = (rank >> (POINT - FINE)) + (1 << 30);
    level.clamp(1, i64::from(super::NOWHERE) - 1) as u32
}

impl Sets {
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
        let set = self.scratch();
        let mut at = 0;
        let kept = usize::from(marks.count);
        while let Some(&proof) = places[..kept].get(at) {
            let is_later = || set.order(self.literals(proof)).is_lt();
            if proof.rank < rank || proof.rank == rank && is_later() {
                break;
            }
            at += 1;
        }
        for place in (at..kept).rev() {
            let (set, proof) = (self.scratch(), places[place]);
            if signature & !proof.signature == 0 && set.is_within(self.literals(proof)) {
                self.forget(proof);
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
            self.forget(places[last]);
            marks.remove(last);
        }
        places.copy_within(at..usize::from(marks.count), at + 1);
        marks.insert(at, waits);
        places[at] = self.make(rank, signature);
        Change {
            added: true,
            dropped,
        }
    }
}

/// What became of a list.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Change {
    pub(super) added: bool,
    /// Whether a proof was dropped for want of a place.
    pub(super) dropped: bool,
}
