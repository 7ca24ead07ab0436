//! The k heaviest proofs of every row, carried in joins.
//!
//! A proof is a set of facts. In a recursive stratum rows wait by their heaviest proof that was not joined yet, and
//! are joined from the heaviest level downwards, with these proofs only: what follows from a proof is never heavier
//! than it, so hardly any proof is joined that is not kept in the end. After Huang and Chiang, "Better k-best
//! parsing", IWPT 2005, with sets of facts for derivations, as in Huang et al., "Scallop", NeurIPS 2021.

mod combine;
mod join;
mod lines;
mod list;
mod literals;
mod sets;
mod weigh;

use std::hint::black_box;

use nsdl_ir::{Fact, Tag};
use nsdl_provenance::literals::Variables;

use super::levels::Levels;
use super::{Carrier, Head, NOWHERE};
use crate::join::Task;
use crate::limits::Stop;
use crate::uncertain::groups;
use join::Proving;
use list::{Marks, level};
use sets::{Proof, Sets};
use weigh::Weighing;

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
    rows: Vec<Row>,
    /// `k` places a row, the heaviest proof first.
    places: Vec<Proof>,
}

/// What is known of a row beside its proofs.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// What a proof has to weigh to be kept, as a rank.
    least: i64,
    /// In a recursive stratum, the level in which it waits.
    waiting: u32,
    /// Likewise, whether it was settled before.
    settled: bool,
    /// The places that it uses.
    marks: Marks,
}

/// More than any rank: a row that holds without any fact needs no other reason.
const CERTAIN: i64 = i64::MAX;

/// Rows that are weighed together.
const TOGETHER: usize = 32;

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
        let count = (lists.rows.get(row as usize)).map_or(0, |row| row.marks.count);
        lists
            .places
            .get(start..start + usize::from(count))
            .unwrap_or_default()
    }

    /// The places of a row, and those of them whose proofs an atom joins now: one that ranges over what was settled last
    /// if `listed`, or another.
    #[inline]
    fn joined(&self, relation: usize, row: u32, listed: bool) -> (&[Proof], u16) {
        let lists = &self.lists[relation];
        match lists.rows.get(row as usize) {
            Some(at) => {
                let start = row as usize * self.k;
                (
                    &lists.places[start..start + self.k],
                    at.marks.joined(listed),
                )
            }
            None => (&[], 0),
        }
    }

    /// Makes places for a new row, which waits if it is to be joined later.
    fn add_row(&mut self, relation: usize, row: u32, waits: bool) {
        let lists = &mut self.lists[relation];
        lists.rows.push(Row {
            least: i64::MIN,
            waiting: if waits { 0 } else { NOWHERE },
            settled: !waits,
            marks: Marks::default(),
        });
        lists
            .places
            .extend(std::iter::repeat_n(Proof::NOTHING, self.k));
        if waits {
            // A row whose proofs contradict each other is a row.
            self.levels.push(0, (relation as u32, row));
        }
    }

    /// What a proof has to weigh to be kept by a row, as a rank, if it does not matter that lighter ones are dropped.
    #[inline]
    fn bar(&self, relation: usize, row: u32) -> i64 {
        let least = self.lists[relation].rows[row as usize].least;
        if self.truncated || least == CERTAIN {
            least
        } else {
            i64::MIN
        }
    }

    /// Whether a row needs no more than a part of the union of some proofs. That is what becomes of most derivations of
    /// rules that join a relation with itself, and it is known before the union is made.
    #[inline]
    fn is_subsumed(&self, relation: usize, row: u32, parts: &[Proof], last: Proof) -> bool {
        let all = parts
            .iter()
            .fold(last.signature, |all, part| all | part.signature);
        let mut kept = self.list(relation, row).iter();
        kept.any(|proof| proof.signature & !all == 0 && self.sets.is_within(*proof, parts, last))
    }

    /// Adds the union of some proofs to those of a row, if that is among the heaviest and not subsumed.
    fn offer(&mut self, relation: usize, row: u32, parts: &[Proof], last: Proof, waits: bool) {
        if self.is_subsumed(relation, row, parts, last) {
            return;
        }
        let bar = self.bar(relation, row);
        let lists = &mut self.lists[relation];
        let Some((rank, signature)) = self.sets.unite_all(parts, last, bar) else {
            return;
        };
        let start = row as usize * self.k;
        let places = &mut lists.places[start..start + self.k];
        let at = &mut lists.rows[row as usize];
        let change = (self.sets).keep(places, &mut at.marks, rank, signature, waits);
        self.truncated |= change.dropped;
        if !change.added {
            return;
        }
        at.least = match places[..usize::from(at.marks.count)].last() {
            Some(only) if only.is_empty() => CERTAIN,
            Some(last) if usize::from(at.marks.count) == self.k => last.rank,
            _ => i64::MIN,
        };
        if waits {
            let level = level(rank);
            if at.waiting == NOWHERE || level > at.waiting {
                at.waiting = level;
                self.levels.push(level, (relation as u32, row));
            }
        }
    }

    /// Proofs in memory no longer than needed.
    fn collect(&mut self) {
        if self.sets.is_wasteful() {
            let lists = self.lists.iter_mut();
            let kept = lists.flat_map(|lists| {
                let rows = lists.places.chunks_mut(self.k).zip(&lists.rows);
                rows.flat_map(|(places, row)| places.iter_mut().take(usize::from(row.marks.count)))
            });
            self.sets.collect(kept);
        }
    }
}

impl Carrier for Proofs {
    fn fact(&mut self, relation: usize, row: u32, number: usize, tag: Tag) {
        if self.lists[relation].rows.len() == row as usize {
            self.add_row(relation, row, false);
        }
        let leaf = self.leaves.get(number).copied().flatten();
        let proof = match leaf.filter(|_| tag != Tag::Certain) {
            None => Proof::NOTHING,
            Some(leaf) => self.sets.leaf(leaf),
        };
        self.offer(relation, row, &[], proof, false);
    }

    fn begin(&mut self, relation: usize) {
        for row in &mut self.lists[relation].rows {
            (row.waiting, row.settled) = (NOWHERE, true);
        }
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
                let at = &mut self.lists[relation].rows[row as usize];
                if at.waiting != level {
                    continue;
                }
                at.waiting = NOWHERE;
                at.marks.list();
                any = true;
                listed[relation].push(row);
                if !std::mem::replace(&mut at.settled, true)
                    && let Some(order) = &mut order[relation]
                {
                    order.push(row);
                }
            }
            self.levels.recycle(rows);
        }
        any
    }

    fn finish(&mut self, relation: usize, rows: &[u32], _: bool) {
        for &row in rows {
            self.lists[relation].rows[row as usize].marks.finish();
        }
    }

    fn weights(&self, relation: usize) -> Vec<f64> {
        let mut weighing = Weighing::new(&self.sets, &self.weights);
        let rows: Vec<u32> = (0..self.lists[relation].rows.len() as u32).collect();
        let mut found = Vec::with_capacity(rows.len());
        for rows in rows.chunks(TOGETHER) {
            // Proofs lie all over the memory: the processor waits for many of them at once.
            let proofs = rows.iter().flat_map(|row| self.list(relation, *row));
            black_box(self.sets.touch(proofs));
            found.extend(
                rows.iter()
                    .map(|row| weighing.weigh(self.list(relation, *row))),
            );
        }
        found
    }

    fn truncated(&self) -> bool {
        self.truncated
    }
}
