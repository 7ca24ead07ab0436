//! The sink that joins proofs.

use nsdl_ir::Word;

use super::combine::Combinations;
use super::list::{Proof, State};
use super::{CERTAIN, Proofs};
use crate::carry::Head;
use crate::failure::Failures;
use crate::join::{Absence, Body, Sink, Task};
use crate::limits::Stop;
use crate::order::{Tail, operand};
use crate::table::Rows;
use crate::trace::Recorder;

/// Literals that count as one rule instance towards the limit of a run.
const LITERALS: usize = 64;

/// Keeps new rows, and the proofs of each row.
pub(super) struct Proving<'a> {
    proofs: &'a mut Proofs,
    head: Head<'a>,
    relation: usize,
    /// The atoms over uncertain relations, and those relations.
    factors: &'a [(usize, usize)],
    /// The atom that ranges over what was settled last.
    listed: Option<usize>,
    /// Room for one row of the head.
    row: Vec<Word>,
    /// What a body says but for its last atom.
    common: Combinations,
    /// Room for the rows of the head that one scan gives, and what the body has to offer them.
    heads: Vec<(u32, u32)>,
}

impl<'a> Proving<'a> {
    pub(super) fn new(proofs: &'a mut Proofs, task: &Task<'a>, head: Head<'a>) -> Self {
        Self {
            proofs,
            relation: task.order.head,
            factors: &task.order.factors,
            listed: task.order.listed,
            row: vec![0; head.old.arity()],
            common: Combinations::default(),
            heads: Vec::new(),
            head,
        }
    }

    /// What a body says but for one atom, in `common`.
    fn conjunction(&mut self, body: Body<'_, ()>, but: Option<usize>) {
        self.common.clear();
        for &(atom, relation) in self.factors {
            if Some(atom) != but {
                let joined = joined(self.listed, atom);
                let proofs = self.proofs.list(relation, body.rows[atom]).iter();
                let proofs = proofs.copied().filter(|proof| joined(*proof));
                self.proofs.truncated |= self.common.extend(&self.proofs.sets, proofs);
            }
        }
    }

    /// The number of the row at hand, new or not.
    #[inline]
    fn intern(&mut self) -> Option<u32> {
        if !self.head.tagged {
            self.head.fresh.insert(self.head.old, &self.row);
            return None;
        }
        let (row, new) = self.head.fresh.intern(self.head.old, &self.row);
        if new {
            self.proofs.add_row(self.relation, row, self.head.recursive);
        }
        Some(row)
    }

    /// Offers the rows of the head in `heads` what `common` and their rows of the last atom make.
    fn offer(&mut self, last: Option<(usize, usize)>) {
        let (relation, waits) = (self.relation, self.head.recursive);
        let best = self.common.best();
        for at in 0..self.heads.len() {
            let (row, number) = self.heads[at];
            if best < self.proofs.bar(relation, row) {
                continue;
            }
            let head = (relation, row);
            let Some((atom, of)) = last else {
                self.common.offer(self.proofs, head, Proof::NOTHING, waits);
                continue;
            };
            let joined = joined(self.listed, atom);
            let mut place = 0;
            // The row may be one of the same relation, even the same row.
            while let Some(&proof) = self.proofs.list(of, number).get(place) {
                place += 1;
                if joined(proof) {
                    self.common.offer(self.proofs, head, proof, waits);
                }
            }
        }
    }

    fn fix(&mut self, tail: &Tail, slots: &[Word]) {
        for &(column, value) in &tail.fixed {
            self.row[column] = operand(value, slots);
        }
    }

    /// Drops the rows in `heads` to which a body has nothing to offer, as far as that is seen at once: nothing is
    /// heavier than its parts.
    fn sift(&mut self, body: Body<'_, ()>, but: Option<usize>) {
        let mut most = CERTAIN;
        for &(atom, relation) in self.factors {
            if Some(atom) != but {
                let joined = joined(self.listed, atom);
                let mut proofs = self.proofs.list(relation, body.rows[atom]).iter();
                let heaviest = proofs.find(|proof| joined(**proof));
                most = most.min(heaviest.map_or(i64::MIN, |proof| proof.rank));
            }
        }
        let (proofs, relation) = (&*self.proofs, self.relation);
        self.heads
            .retain(|&(row, _)| most >= proofs.bar(relation, row));
    }

    /// Offers the rows in `heads` what the body of a tail makes.
    fn join(&mut self, tail: &Tail, body: Body<'_, ()>) {
        if !self.heads.is_empty() {
            self.sift(body, Some(tail.atom));
        }
        if !self.heads.is_empty() {
            self.conjunction(body, Some(tail.atom));
            let mut factors = self.factors.iter();
            let last = factors.find(|(atom, _)| *atom == tail.atom).copied();
            self.offer(last);
        }
    }
}

/// Whether an atom joins a proof now, given the one that ranges over what was settled last.
#[inline]
fn joined(listed: Option<usize>, atom: usize) -> impl Fn(Proof) -> bool + Copy {
    move |proof| match listed {
        Some(listed) if listed == atom => proof.is(State::Listed),
        _ => !proof.is(State::Fresh),
    }
}

impl Sink for Proving<'_> {
    type Literal = ();
    const ROWS: bool = true;

    fn derive(
        &mut self,
        head: &[Word],
        body: Body<'_, ()>,
        _: &mut Failures,
    ) -> Result<bool, Stop> {
        self.row.copy_from_slice(head);
        self.heads.clear();
        if let Some(row) = self.intern() {
            self.heads.push((row, 0));
            self.sift(body, None);
        }
        if !self.heads.is_empty() {
            self.conjunction(body, None);
            self.offer(None);
        }
        Ok(true)
    }

    fn derive_all(
        &mut self,
        tail: &Tail,
        body: Body<'_, ()>,
        rows: &Rows,
        ids: impl Iterator<Item = u32>,
    ) -> bool {
        self.fix(tail, body.slots);
        self.heads.clear();
        let mut any = false;
        for id in ids {
            any = true;
            for &(column, from) in &tail.varying {
                self.row[column] = rows.cell(id, from);
            }
            let row = self.intern();
            self.heads.extend(row.map(|row| (row, id)));
        }
        self.join(tail, body);
        any
    }

    fn derive_values(
        &mut self,
        tail: &Tail,
        body: Body<'_, ()>,
        values: &[Word],
        ids: &[u32],
    ) -> bool {
        self.fix(tail, body.slots);
        self.heads.clear();
        if let [(column, _)] = *tail.varying {
            for (&value, &id) in values.iter().zip(ids) {
                self.row[column] = value;
                let row = self.intern();
                self.heads.extend(row.map(|row| (row, id)));
            }
        }
        self.join(tail, body);
        !values.is_empty()
    }

    fn absence(&self, relation: usize, id: u32) -> Absence<()> {
        // Some world may lack an uncertain row. They matter to relations only that narrow what is computed.
        match self.proofs.lists[relation].rows.get(id as usize) {
            None => Absence::Never,
            Some(_) => Absence::Always,
        }
    }

    fn recorder(&mut self) -> Option<&mut Recorder> {
        None
    }

    fn size(&self) -> (usize, usize) {
        let rows = self.head.before + self.head.fresh.rows.len();
        (rows, self.proofs.sets.size() / LITERALS)
    }
}
