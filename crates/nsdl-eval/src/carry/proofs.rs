//! The k heaviest proofs of every row, carried in joins.
//!
//! A proof is a set of facts. In a recursive stratum rows wait by their heaviest proof that was not joined yet, and
//! are joined from the heaviest level downwards, with these proofs only: what follows from a proof is never heavier
//! than it, so hardly any proof is joined that is not kept in the end. After Huang and Chiang, "Better k-best
//! parsing", IWPT 2005, with sets of facts for derivations, as in Huang et al., "Scallop", NeurIPS 2021.

mod join;
mod list;

use nsdl_ir::{Fact, Tag};
use nsdl_provenance::literals::Variables;
use nsdl_provenance::union;

use super::levels::Levels;
use super::{Carrier, Head, NOWHERE};
use crate::join::Task;
use crate::limits::Stop;
use crate::uncertain::groups;
use join::Proving;
use list::{Proof, Sets, State, level};

/// The kept proofs of all rows.
#[derive(Debug)]
pub(super) struct Proofs {
    k: usize,
    /// The leaf of each fact.
    leaves: Vec<Option<u32>>,
    /// Of each leaf.
    weights: Vec<f64>,
    sets: Sets,
    lists: Vec<Lists>,
    levels: Levels,
    truncated: bool,
}

/// The kept proofs of one relation.
#[derive(Debug, Default)]
struct Lists {
    /// `k` places a row, the heaviest proof first.
    places: Vec<Proof>,
    /// How many of them each row uses.
    counts: Vec<u8>,
    /// What a proof has to weigh to be kept by each row, as a rank.
    least: Vec<i64>,
    /// In a recursive stratum, the level in which a row waits.
    waiting: Vec<u32>,
    /// Likewise, whether a row was settled before.
    settled: Vec<bool>,
}

/// More than any rank: a row that holds without any fact needs no other reason.
const CERTAIN: i64 = i64::MAX;

impl Proofs {
    /// No rows yet. `k` is at least 1 and fits a byte.
    pub(super) fn new(k: usize, relations: usize, facts: &[Fact]) -> Self {
        let mut leaves = vec![None; facts.len()];
        let (mut variables, mut weights) = (Vec::new(), Vec::new());
        for (group, members) in groups(facts).into_iter().enumerate() {
            for (fact, weight) in members {
                leaves[fact] = Some(weights.len() as u32);
                variables.push(group as u32);
                weights.push(weight);
            }
        }
        Self {
            k,
            leaves,
            sets: Sets::new(Variables::new(variables), &weights),
            weights,
            lists: (0..relations).map(|_| Lists::default()).collect(),
            levels: Levels::default(),
            truncated: false,
        }
    }

    fn list(&self, relation: usize, row: u32) -> &[Proof] {
        let lists = &self.lists[relation];
        let start = row as usize * self.k;
        let count = lists.counts.get(row as usize).copied().unwrap_or_default();
        lists
            .places
            .get(start..start + usize::from(count))
            .unwrap_or_default()
    }

    fn list_mut(&mut self, relation: usize, row: u32) -> &mut [Proof] {
        let lists = &mut self.lists[relation];
        let start = row as usize * self.k;
        let count = usize::from(lists.counts[row as usize]);
        &mut lists.places[start..start + count]
    }

    /// Makes places for a new row, which waits if it is to be joined later.
    fn add_row(&mut self, relation: usize, row: u32, waits: bool) {
        let lists = &mut self.lists[relation];
        lists.counts.push(0);
        lists.least.push(i64::MIN);
        lists
            .places
            .extend(std::iter::repeat_n(Proof::NOTHING, self.k));
        if waits {
            // A row whose proofs contradict each other is a row.
            lists.waiting.push(0);
            lists.settled.push(false);
            self.levels.push(0, (relation as u32, row));
        }
    }

    /// Offers the union of two proofs to a row.
    #[inline]
    fn offer(&mut self, relation: usize, row: u32, a: Proof, b: Proof, waits: bool) {
        let least = self.lists[relation].least[row as usize];
        // Nothing is heavier than its parts, nor than their product where they have nothing in common.
        let most = match a.signature & b.signature {
            0 => a.rank.saturating_add(b.rank),
            _ => a.rank.min(b.rank),
        };
        if most < least && (self.truncated || least == CERTAIN) {
            return;
        }
        self.consider(relation, row, a, b, waits);
    }

    /// Adds the union of two proofs to those of a row, if that is among the heaviest and not subsumed.
    fn consider(&mut self, relation: usize, row: u32, a: Proof, b: Proof, waits: bool) {
        let lists = &mut self.lists[relation];
        let least = &mut lists.least[row as usize];
        // Once proofs have been dropped it does not matter which.
        let bound = if self.truncated { *least } else { i64::MIN };
        let Some((rank, signature)) = self.sets.unite(a, b, bound).filter(|it| it.0 >= bound)
        else {
            return;
        };
        let state = if waits { State::Fresh } else { State::Old };
        let start = row as usize * self.k;
        let places = &mut lists.places[start..start + self.k];
        let count = &mut lists.counts[row as usize];
        let change = self.sets.keep(places, count, rank, signature, state);
        self.truncated |= change.dropped;
        if !change.added {
            return;
        }
        *least = match places[..usize::from(*count)].last() {
            Some(only) if only.is_empty() => CERTAIN,
            Some(last) if usize::from(*count) == self.k => last.rank,
            _ => i64::MIN,
        };
        if waits {
            let level = level(rank);
            let waiting = &mut lists.waiting[row as usize];
            if *waiting == NOWHERE || level > *waiting {
                *waiting = level;
                self.levels.push(level, (relation as u32, row));
            }
        }
    }

    /// Proofs in memory no longer than needed.
    fn collect(&mut self) {
        if self.sets.is_wasteful() {
            let lists = self.lists.iter_mut();
            let kept = lists.flat_map(|lists| {
                let rows = lists.places.chunks_mut(self.k).zip(&lists.counts);
                rows.flat_map(|(places, &count)| places.iter_mut().take(usize::from(count)))
            });
            self.sets.collect(kept);
        }
    }
}

impl Carrier for Proofs {
    fn fact(&mut self, relation: usize, row: u32, number: usize, tag: Tag) {
        if self.lists[relation].counts.len() == row as usize {
            self.add_row(relation, row, false);
        }
        let leaf = self.leaves.get(number).copied().flatten();
        let proof = match leaf.filter(|_| tag != Tag::Certain) {
            None => Proof::NOTHING,
            Some(leaf) => self.sets.leaf(leaf),
        };
        self.offer(relation, row, proof, Proof::NOTHING, false);
    }

    fn begin(&mut self, relation: usize) {
        let lists = &mut self.lists[relation];
        lists.waiting = vec![NOWHERE; lists.counts.len()];
        lists.settled = vec![true; lists.counts.len()];
    }

    fn run(&mut self, task: Task<'_>, head: Head<'_>) -> Result<(), Stop> {
        self.collect();
        let sink = Proving::new(self, &task, head);
        crate::join::run(task, sink)
    }

    fn settle(&mut self, listed: &mut [Vec<u32>], order: &mut [Option<Vec<u32>>]) -> bool {
        let mut any = false;
        while !any && let Some((level, rows)) = self.levels.pop() {
            for &(relation, row) in &rows {
                let relation = relation as usize;
                let lists = &mut self.lists[relation];
                let waiting = &mut lists.waiting[row as usize];
                if *waiting != level {
                    continue;
                }
                *waiting = NOWHERE;
                any = true;
                listed[relation].push(row);
                if !std::mem::replace(&mut lists.settled[row as usize], true)
                    && let Some(order) = &mut order[relation]
                {
                    order.push(row);
                }
                for proof in self.list_mut(relation, row) {
                    proof.advance(State::Fresh, State::Listed);
                }
            }
            self.levels.recycle(rows);
        }
        any
    }

    fn finish(&mut self, relation: usize, rows: &[u32]) {
        for &row in rows {
            for proof in self.list_mut(relation, row) {
                proof.advance(State::Listed, State::Old);
            }
        }
    }

    fn weights(&self, relation: usize) -> Vec<f64> {
        let mut scratch = union::Scratch::default();
        let rows = 0..self.lists[relation].counts.len() as u32;
        let variables = &self.sets.variables;
        let weigh = |row| {
            let proofs = self.list(relation, row);
            if let [only] = *proofs {
                return self
                    .sets
                    .probability(self.sets.literals(only), &self.weights);
            }
            let kept = list::Kept {
                proofs,
                sets: &self.sets,
            };
            let mut total = 0.0;
            union::terms(&kept, variables, &mut scratch, &mut |literals, sign| {
                total += sign * self.sets.probability(literals, &self.weights);
            });
            total
        };
        rows.map(weigh).collect()
    }

    fn truncated(&self) -> bool {
        self.truncated
    }
}
