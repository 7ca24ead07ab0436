//! What the atoms of a body say together: every combination of their proofs, not united before it has to be.

use super::Proofs;
use super::sets::{Proof, SIGNS, Sets};

/// Combinations of proofs that one body may have before the last atom.
const BEAM: usize = 512;

/// One proof of each of some atoms.
#[derive(Clone, Copy, Debug)]
struct Combination {
    /// What their union weighs at most, as a rank.
    rank: i64,
    signature: u64,
    /// Which of the tables of losses is its own.
    losses: Option<u32>,
}

/// The combinations of some atoms.
#[derive(Debug, Default)]
pub(super) struct Combinations {
    /// How many atoms there are.
    atoms: usize,
    all: Vec<Combination>,
    /// The proofs of each.
    parts: Vec<Proof>,
    /// By the sign of a literal: what those of a combination with this sign weigh, as a rank. So much less a
    /// proof that has some of them adds to the combination.
    losses: Vec<[i64; SIGNS]>,
    /// Room for what is made of them.
    next: Vec<Combination>,
    next_parts: Vec<Proof>,
}

impl Combinations {
    /// The one of no atom.
    pub(super) fn clear(&mut self) {
        self.atoms = 0;
        self.all.clear();
        self.all.push(Combination {
            rank: 0,
            signature: 0,
            losses: None,
        });
        self.parts.clear();
        self.losses.clear();
    }

    /// Combines what there is with the proofs of one more atom at those places that are `joined`. True if some had to be
    /// left out.
    pub(super) fn extend(&mut self, sets: &Sets, places: &[Proof], joined: u16) -> bool {
        self.next.clear();
        self.next_parts.clear();
        for (number, whole) in self.all.iter().enumerate() {
            for (place, &proof) in places.iter().enumerate() {
                if joined >> place & 1 == 0 {
                    continue;
                }
                self.next.push(Combination {
                    rank: sets.most(whole.rank, whole.signature, proof),
                    signature: whole.signature | proof.signature,
                    losses: None,
                });
                let parts = number * self.atoms..(number + 1) * self.atoms;
                self.next_parts.extend_from_slice(&self.parts[parts]);
                self.next_parts.push(proof);
            }
        }
        self.atoms += 1;
        std::mem::swap(&mut self.all, &mut self.next);
        std::mem::swap(&mut self.parts, &mut self.next_parts);
        let too_many = self.all.len() > BEAM;
        if too_many {
            self.keep_heaviest();
        }
        too_many
    }

    fn keep_heaviest(&mut self) {
        let mut order: Vec<usize> = (0..self.all.len()).collect();
        order.sort_by_key(|&number| std::cmp::Reverse(self.all[number].rank));
        order.truncate(BEAM);
        self.all = order.iter().map(|&number| self.all[number]).collect();
        let parts = order
            .iter()
            .flat_map(|&number| &self.parts[number * self.atoms..(number + 1) * self.atoms]);
        self.parts = parts.copied().collect();
    }

    /// What the heaviest weighs at most, as a rank; nothing if there is none.
    pub(super) fn best(&self) -> i64 {
        self.all.iter().map(|it| it.rank).max().unwrap_or(i64::MIN)
    }

    /// Offers the unions of all with one more proof to a row; `bar` is what a proof has to weigh to be kept by it.
    #[inline]
    pub(super) fn offer(
        &mut self,
        proofs: &mut Proofs,
        (relation, row): (usize, u32),
        last: Proof,
        waits: bool,
        bar: &mut i64,
    ) {
        for (number, whole) in self.all.iter_mut().enumerate() {
            // Nothing is heavier than its parts, nor than their product but for what they have in common.
            let sum = whole.rank.saturating_add(last.rank);
            if sum < *bar {
                let mut common = whole.signature & last.signature;
                if common == 0 || whole.rank.min(last.rank) < *bar {
                    continue;
                }
                let parts = &self.parts[number * self.atoms..(number + 1) * self.atoms];
                let losses = match whole.losses {
                    Some(losses) => &self.losses[losses as usize],
                    None => {
                        whole.losses = Some(self.losses.len() as u32);
                        let mut losses = [0_i64; SIGNS];
                        for part in parts {
                            proofs.sets.add_losses(*part, &mut losses);
                        }
                        self.losses.push(losses);
                        &self.losses[self.losses.len() - 1]
                    }
                };
                let mut most = sum;
                while common != 0 {
                    most = most.saturating_sub(losses[common.trailing_zeros() as usize]);
                    common &= common - 1;
                }
                if most < *bar {
                    continue;
                }
            }
            let parts = &self.parts[number * self.atoms..(number + 1) * self.atoms];
            proofs.offer(relation, row, parts, last, waits);
            *bar = proofs.bar(relation, row);
        }
    }
}
