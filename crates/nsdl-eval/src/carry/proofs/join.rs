//! The sink that joins proofs.

use nsdl_ir::Word;

use super::Proofs;
use super::list::{Proof, State};
use crate::carry::Head;
use crate::failure::Failures;
use crate::join::{Absence, Body, Sink, Task};
use crate::limits::Stop;
use crate::order::{Tail, operand};
use crate::table::Rows;
use crate::trace::Recorder;

/// Combinations of proofs that one body may have before the last atom.
const BEAM: usize = 512;

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
    /// Room for the proofs of a body.
    common: Vec<Proof>,
    products: Vec<Proof>,
}

impl<'a> Proving<'a> {
    pub(super) fn new(proofs: &'a mut Proofs, task: &Task<'a>, head: Head<'a>) -> Self {
        Self {
            proofs,
            relation: task.order.head,
            factors: &task.order.factors,
            listed: task.order.listed,
            row: vec![0; head.old.arity()],
            common: Vec::new(),
            products: Vec::new(),
            head,
        }
    }

    /// Whether an atom joins this proof now.
    #[inline]
    fn joins(&self, atom: usize, proof: Proof) -> bool {
        match self.listed {
            Some(listed) if listed == atom => proof.is(State::Listed),
            _ => !proof.is(State::Fresh),
        }
    }

    /// What a body says but for one atom, in `common`.
    fn conjunction(&mut self, body: Body<'_, ()>, but: Option<usize>) {
        self.common.clear();
        self.common.push(Proof::NOTHING);
        let factors = self.factors;
        for &(atom, relation) in factors {
            if Some(atom) == but {
                continue;
            }
            let row = body.rows[atom];
            self.products.clear();
            for at in 0..self.proofs.list(relation, row).len() {
                let Some(&factor) = self.proofs.list(relation, row).get(at) else {
                    break;
                };
                if !self.joins(atom, factor) {
                    continue;
                }
                for &proof in &self.common {
                    if proof.is_empty() {
                        self.products.push(factor);
                    } else if factor.is_empty() {
                        self.products.push(proof);
                    } else if let Some((rank, signature)) =
                        self.proofs.sets.unite(proof, factor, i64::MIN)
                    {
                        self.products.push(self.proofs.sets.make(rank, signature));
                    }
                }
            }
            std::mem::swap(&mut self.common, &mut self.products);
            if self.common.len() > BEAM {
                self.common
                    .sort_by_key(|proof| std::cmp::Reverse(proof.rank));
                self.common.truncate(BEAM);
                self.proofs.truncated = true;
            }
        }
    }

    /// The number of the row at hand, new or not.
    #[inline]
    fn intern(&mut self) -> u32 {
        let (row, new) = self.head.fresh.intern(self.head.old, &self.row);
        if new {
            self.proofs.add_row(self.relation, row, self.head.recursive);
        }
        row
    }

    /// Adds the instances of the row at hand that `common` makes with row `last` of the atom that it leaves out.
    #[inline]
    fn add(&mut self, last: Option<(usize, usize, u32)>) {
        if !self.head.tagged {
            self.head.fresh.insert(self.head.old, &self.row);
            return;
        }
        let row = self.intern();
        let (relation, waits) = (self.relation, self.head.recursive);
        let Some((atom, of, number)) = last else {
            for &proof in &self.common {
                (self.proofs).offer(relation, row, proof, Proof::NOTHING, waits);
            }
            return;
        };
        let mut at = 0;
        // The row may be one of the same relation, even the same row.
        while let Some(&factor) = self.proofs.list(of, number).get(at) {
            at += 1;
            if self.joins(atom, factor) {
                for &proof in &self.common {
                    self.proofs.offer(relation, row, proof, factor, waits);
                }
            }
        }
    }

    fn fix(&mut self, tail: &Tail, slots: &[Word]) {
        for &(column, value) in &tail.fixed {
            self.row[column] = operand(value, slots);
        }
    }

    fn last(&self, tail: &Tail) -> Option<(usize, usize)> {
        (self.factors.iter())
            .find(|(atom, _)| *atom == tail.atom)
            .copied()
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
        self.conjunction(body, None);
        self.row.copy_from_slice(head);
        self.add(None);
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
        self.conjunction(body, Some(tail.atom));
        let last = self.last(tail);
        let mut any = false;
        for id in ids {
            any = true;
            for &(column, from) in &tail.varying {
                self.row[column] = rows.cell(id, from);
            }
            self.add(last.map(|(atom, relation)| (atom, relation, id)));
        }
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
        self.conjunction(body, Some(tail.atom));
        let last = self.last(tail);
        if let [(column, _)] = *tail.varying {
            for (&value, &id) in values.iter().zip(ids) {
                self.row[column] = value;
                self.add(last.map(|(atom, relation)| (atom, relation, id)));
            }
        }
        !values.is_empty()
    }

    fn absence(&self, relation: usize, id: u32) -> Absence<()> {
        // Some world may lack an uncertain row. They matter to relations only that narrow what is computed.
        match self.proofs.lists[relation].counts.get(id as usize) {
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
