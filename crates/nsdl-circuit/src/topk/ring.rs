//! Cycles over few literals, where proofs are bits: what [`TopK::accumulate`] does, to the last bit of every weight,
//! with unions and comparisons that take a few instructions and rounds that allocate nothing.
//!
//! The literals that the proofs below a cycle have are numbered for each sample, in their order; more than 256 of them
//! go the general way.

mod look;
mod set;

use super::rounds::ROUNDING;
use super::{Keep, Proof, Proofs, TopK};
use crate::cone::{Cycle, Op};
use nsdl_provenance::literals::{leaf, literal_weight, negated};
use set::{Set, bits, insert, members};

/// The most proofs of a tuple that are kept as bits.
const MOST: usize = 16;

/// A cycle with its tuples numbered from 0, and what they use of the rest after them.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    outside: Vec<u32>,
    /// Alternatives of tuple `t`: those from `tuples[t]` to `tuples[t + 1]`.
    tuples: Vec<u32>,
    alternatives: Vec<Alternative>,
    parts: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Alternative {
    start: u32,
    end: u32,
    /// Whether weights just multiply, see [`TopK`].
    disjoint: bool,
}

impl Ring {
    /// None for a cycle that is not for bits, or whose conjunctions have too many combinations to look at all.
    pub(super) fn new(engine: &TopK, cycle: &Cycle) -> Option<Self> {
        if engine.keep != Keep::Best || !engine.monotone || engine.k > MOST {
            return None;
        }
        let cone = &engine.cone;
        let inside = cycle.start..cycle.end;
        let mut outside: Vec<u32> = Vec::new();
        for node in inside.clone() {
            let below = cone.children(node).iter();
            for child in below.filter(|&child| !inside.contains(child)) {
                // A conjunction for this tuple only has no proofs of its own.
                match engine.inline[*child as usize] {
                    true => outside.extend(cone.children(*child)),
                    false => outside.push(*child),
                }
            }
        }
        outside.sort_unstable();
        outside.dedup();
        let mut ring = Self {
            outside,
            tuples: vec![0],
            alternatives: Vec::new(),
            parts: Vec::new(),
        };
        for tuple in cycle.tuples() {
            for &child in cone.children(tuple) {
                let proper = engine.inline[child as usize] && cone.ops[child as usize] == Op::And;
                if cycle.is_instance(child) && !proper {
                    return None;
                }
                let parts = match proper {
                    true => cone.children(child),
                    false => std::slice::from_ref(&child),
                };
                let most = u32::try_from(parts.len())
                    .ok()
                    .and_then(|n| engine.k.checked_pow(n));
                most.filter(|&most| most <= engine.beam())?;
                let start = ring.parts.len() as u32;
                for part in parts {
                    ring.parts.push(match cycle.tuples().contains(part) {
                        true => part - cycle.start,
                        false => cycle.unknowns + ring.outside.binary_search(part).ok()? as u32,
                    });
                }
                ring.alternatives.push(Alternative {
                    start,
                    end: ring.parts.len() as u32,
                    disjoint: engine.disjoint[child as usize],
                });
            }
            ring.tuples.push(ring.alternatives.len() as u32);
        }
        Some(ring)
    }

    /// Those of all cycles.
    pub(super) fn all(engine: &TopK) -> Vec<Option<Self>> {
        let cycles = engine.cone.cycles.iter();
        cycles.map(|cycle| Self::new(engine, cycle)).collect()
    }

    fn tuple(&self, tuple: u32) -> &[Alternative] {
        let [start, end] = [0, 1].map(|next| self.tuples[tuple as usize + next] as usize);
        &self.alternatives[start..end]
    }

    fn parts(&self, alternative: Alternative) -> &[u32] {
        &self.parts[alternative.start as usize..alternative.end as usize]
    }
}

#[derive(Clone, Copy, Debug)]
struct Bits<const W: usize> {
    weight: f64,
    set: Set<W>,
    /// When it was found; 0 outside the cycle.
    born: u32,
}

/// The literals of one sample that a cycle can meet.
#[derive(Clone, Debug, Default)]
pub(super) struct Universe {
    /// Which literals there are, as bits; then in order.
    marks: Vec<u64>,
    literals: Vec<u32>,
    /// The number of each.
    numbers: Vec<u32>,
    weights: Vec<f64>,
}

/// The rounds of one cycle.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds<const W: usize> {
    /// Kept proofs of each tuple, k places each, and how many there are.
    kept: Vec<Bits<W>>,
    lens: Vec<u32>,
    /// Proofs of what lies outside.
    outside: Vec<Bits<W>>,
    spans: Vec<(u32, u32)>,
    /// Of each literal, those that exclude it, and those that it entails; literals that have any.
    against: Vec<Set<W>>,
    entailed: Vec<Set<W>>,
    choosy: Option<Set<W>>,
    /// When each tuple changed, when it was looked at, and whether it is to be looked at again.
    changed: Vec<u32>,
    looked: Vec<u32>,
    open: Vec<bool>,
    old: Vec<Bits<W>>,
    candidates: Vec<Bits<W>>,
    left: Vec<Bits<W>>,
    made: Vec<Bits<W>>,
    /// Proofs lighter than this need not be made once one was dropped.
    floor: f64,
    truncated: bool,
}

impl TopK {
    /// The fixpoint of a cycle, if its literals are few; false if nothing was done.
    pub(super) fn go_round(&self, cycle: &Cycle, ring: &Ring, state: &mut Proofs) -> bool {
        let mut universe = std::mem::take(&mut state.universe);
        self.number(ring, state, &mut universe);
        let few = match universe.literals.len() {
            0..=64 => {
                let mut rounds = std::mem::take(&mut state.narrow);
                self.rounds(cycle, ring, &universe, &mut rounds, state);
                state.narrow = rounds;
                true
            }
            65..=256 => {
                let mut rounds = std::mem::take(&mut state.wide);
                self.rounds(cycle, ring, &universe, &mut rounds, state);
                state.wide = rounds;
                true
            }
            _ => false,
        };
        state.universe = universe;
        few
    }

    /// Numbers the literals of the proofs below a cycle.
    fn number(&self, ring: &Ring, state: &Proofs, universe: &mut Universe) {
        let Universe {
            marks,
            literals,
            numbers,
            weights,
        } = universe;
        marks.clear();
        marks.resize((2 * self.leaves).div_ceil(64), 0);
        for &node in &ring.outside {
            for &proof in state.list(node) {
                for &literal in state.literals(proof) {
                    marks[literal as usize / 64] |= 1 << (literal % 64);
                }
            }
        }
        literals.clear();
        weights.clear();
        numbers.resize(2 * self.leaves, 0);
        for (word, &mark) in marks.iter().enumerate() {
            for bit in bits(mark) {
                let literal = word as u32 * 64 + bit;
                numbers[literal as usize] = literals.len() as u32;
                literals.push(literal);
                weights.push(literal_weight(literal, &state.weights));
            }
        }
    }

    fn rounds<const W: usize>(
        &self,
        cycle: &Cycle,
        ring: &Ring,
        universe: &Universe,
        rounds: &mut Rounds<W>,
        state: &mut Proofs,
    ) {
        let tuples = cycle.unknowns as usize;
        rounds.truncated = state.truncated;
        self.relate(universe, rounds);
        self.look_outside(ring, universe, rounds, state);
        let nothing = Bits {
            weight: 0.0,
            set: [0; W],
            born: 0,
        };
        rounds.kept.clear();
        rounds.kept.resize(tuples * self.k, nothing);
        for times in [&mut rounds.lens, &mut rounds.changed, &mut rounds.looked] {
            times.clear();
            times.resize(tuples, 0);
        }
        rounds.open.clear();
        rounds.open.resize(tuples, true);
        let mut tick = 1;
        let mut moving = true;
        while moving {
            moving = false;
            for tuple in 0..cycle.unknowns {
                if !std::mem::replace(&mut rounds.open[tuple as usize], false) {
                    continue;
                }
                let since = std::mem::replace(&mut rounds.looked[tuple as usize], tick);
                tick += 1;
                if rounds.look(self.k, ring, universe, tuple, since, tick) {
                    moving = true;
                    for &user in self.users.of(cycle.start + tuple) {
                        rounds.open[(user - cycle.start) as usize] = true;
                    }
                }
            }
        }
        state.truncated = rounds.truncated;
        for tuple in 0..cycle.unknowns {
            let start = state.proofs.len() as u32;
            for &Bits { weight, set, .. } in rounds.list(self.k, tuple) {
                let from = state.literals.len() as u32;
                let numbers = members(set);
                state
                    .literals
                    .extend(numbers.map(|number| universe.literals[number]));
                state.proofs.push(Proof {
                    weight,
                    noise: 0,
                    start: from,
                    len: state.literals.len() as u32 - from,
                    born: state.tick,
                });
            }
            state.lists[(cycle.start + tuple) as usize] =
                (start, state.proofs.len() as u32 - start);
        }
    }

    /// What literals say of each other: those of one random variable are neighbours.
    fn relate<const W: usize>(&self, universe: &Universe, rounds: &mut Rounds<W>) {
        let all = &universe.literals;
        for sets in [&mut rounds.against, &mut rounds.entailed] {
            sets.clear();
            sets.resize(all.len(), [0; W]);
        }
        let mut choosy = [0; W];
        let group = |number: usize| self.variables.group(all[number]);
        let mut start = 0;
        while start < all.len() {
            let len = (start..all.len())
                .take_while(|&other| group(other) == group(start))
                .count();
            for a in start..start + len {
                for b in (start..start + len).filter(|&b| b != a && !negated(all[a])) {
                    let sets = match negated(all[b]) && leaf(all[a]) != leaf(all[b]) {
                        true => &mut rounds.entailed,
                        false => &mut rounds.against,
                    };
                    insert(&mut sets[a], b);
                    insert(&mut choosy, a);
                }
            }
            start += len;
        }
        rounds.choosy = (choosy != [0; W]).then_some(choosy);
    }

    fn look_outside<const W: usize>(
        &self,
        ring: &Ring,
        universe: &Universe,
        rounds: &mut Rounds<W>,
        state: &Proofs,
    ) {
        rounds.outside.clear();
        rounds.spans.clear();
        for &node in &ring.outside {
            let start = rounds.outside.len() as u32;
            for &proof in state.list(node) {
                let mut set = [0; W];
                for &literal in state.literals(proof) {
                    insert(&mut set, universe.numbers[literal as usize] as usize);
                }
                rounds.outside.push(Bits {
                    weight: proof.weight,
                    set,
                    born: 0,
                });
            }
            rounds.spans.push((start, rounds.outside.len() as u32));
        }
    }
}
