//! The sink that joins proofs.

use std::hint::black_box;

use nsdl_ir::Word;

use super::combine::Combinations;
use super::lines::{Lines, Place};
use super::sets::Proof;
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
    /// The atom whose rows differ between the heads of one line.
    tail: Option<usize>,
    /// What waits to be looked for.
    lines: Lines,
    /// The hashes of the heads, and the numbers of the rows that were found.
    found: Vec<(u64, Option<u32>)>,
    /// What a proof has to weigh, for each head, as a rank.
    bars: Vec<i64>,
    wanted: Wanted,
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
            tail: task.order.tail.as_ref().map(|tail| tail.atom),
            lines: Lines::default(),
            found: Vec::new(),
            bars: Vec::new(),
            wanted: Wanted::default(),
            head,
        }
    }

    /// What the body whose rows begin at `body` says but for its last atom, in `common`.
    fn conjunction(&mut self, body: usize) {
        self.common.clear();
        let body = &self.lines.bodies[body..body + self.factors.len()];
        for (&(atom, relation), &row) in self.factors.iter().zip(body) {
            if Some(atom) != self.tail {
                let listed = self.listed == Some(atom);
                let (places, joined) = self.proofs.joined(relation, row, listed);
                let too_many = self.common.extend(&self.proofs.sets, places, joined);
                self.proofs.truncated |= too_many;
            }
        }
    }

    /// Offers rows of the head what `common` and their rows of the last atom make.
    fn offer(&mut self, heads: &[Place], last: Option<(usize, usize)>) {
        let (relation, waits) = (self.relation, self.head.recursive);
        let best = self.common.best();
        for &(row, number) in heads {
            let mut bar = self.proofs.bar(relation, row);
            if best < bar {
                continue;
            }
            let head = (relation, row);
            let Some((atom, of)) = last else {
                let nothing = Proof::NOTHING;
                (self.common).offer(self.proofs, head, nothing, waits, &mut bar);
                continue;
            };
            let listed = self.listed == Some(atom);
            let (_, mut joined) = self.proofs.joined(of, number, listed);
            for place in 0..self.proofs.k {
                if (of, number) == head {
                    // What was kept moves those behind it.
                    joined = self.proofs.joined(of, number, listed).1;
                }
                if joined >> place == 0 {
                    break;
                }
                let proof = self.proofs.lists[of].places[number as usize * self.proofs.k + place];
                if joined >> place & 1 == 1 {
                    if proof.rank < bar {
                        break;
                    }
                    (self.common).offer(self.proofs, head, proof, waits, &mut bar);
                }
            }
        }
    }

    fn fix(&mut self, tail: &Tail, slots: &[Word]) {
        for &(column, value) in &tail.fixed {
            self.row[column] = operand(value, slots);
        }
    }

    /// Adds the row at hand to the heads of the line at hand.
    #[inline]
    fn push(&mut self, last: u32) {
        if self.head.tagged {
            self.lines.push(&self.row, last);
        } else {
            self.head.fresh.insert(self.head.old, &self.row);
        }
    }

    /// Ends the line at hand, of a body with these rows.
    #[inline]
    fn end_line(&mut self, rows: &[u32]) {
        let body = self.factors.iter().map(|&(atom, _)| rows[atom]);
        self.lines.end(body);
        if self.lines.is_full() {
            self.empty();
        }
    }

    /// Joins the proofs of the lines that wait.
    ///
    /// Rows that are settled by their weight lie all over a relation. What is known of all heads is asked for one after
    /// the other, before anything depends on the answers, so that the processor waits for many of them at once.
    fn empty(&mut self) {
        self.find();
        let width = self.factors.len();
        self.sift();
        black_box(self.touch());
        let last = self.last();
        let lines = std::mem::take(&mut self.wanted);
        let mut start = 0;
        for &(line, end) in &lines.lines {
            self.conjunction(line * width);
            self.offer(&lines.heads[start..end], last);
            start = end;
        }
        self.wanted = lines;
        self.lines.clear();
    }

    /// Finds the numbers of the heads.
    fn find(&mut self) {
        let Lines { rows, heads, .. } = &mut self.lines;
        let Head {
            fresh,
            old,
            recursive,
            ..
        } = &mut self.head;
        fresh.look_up(old, rows, heads.len(), &mut self.found);
        let arity = old.arity();
        for (number, ((row, _), &(hash, found))) in heads.iter_mut().zip(&self.found).enumerate() {
            *row = match found {
                Some(row) => row,
                None => {
                    let row = &rows[number * arity..(number + 1) * arity];
                    let (row, new) = fresh.intern_hashed(old, row, hash);
                    if new {
                        self.proofs.add_row(self.relation, row, *recursive);
                    }
                    row
                }
            };
        }
    }

    /// The last atom, if it is over an uncertain relation, and that relation.
    fn last(&self) -> Option<(usize, usize)> {
        let mut factors = self.factors.iter().copied();
        factors.find(|(atom, _)| Some(*atom) == self.tail)
    }

    /// Reads something of all that is about to be joined, so that it is near.
    fn touch(&self) -> u64 {
        let (proofs, width, mut sum) = (&*self.proofs, self.factors.len(), 0);
        for &(line, _) in &self.wanted.lines {
            for (&(_, relation), &row) in
                self.factors.iter().zip(&self.lines.bodies[line * width..])
            {
                sum ^= u64::from(proofs.sets.touch(proofs.list(relation, row).iter()));
            }
        }
        let last = self.last();
        for &(row, number) in &self.wanted.heads {
            if let [first, .., last] = proofs.list(self.relation, row) {
                sum ^= first.signature ^ last.signature;
            }
            if let Some((_, of)) = last
                && let Some(first) = proofs.list(of, number).first()
            {
                sum ^= first.signature;
            }
        }
        sum
    }

    /// Lists the heads to which their bodies may have something to offer, as far as that is seen at once.
    fn sift(&mut self) {
        let (proofs, relation, width) = (&*self.proofs, self.relation, self.factors.len());
        let heads = self.lines.heads.iter();
        self.bars.clear();
        (self.bars).extend(heads.map(|&(row, _)| proofs.bar(relation, row)));
        let Wanted { lines, heads } = &mut self.wanted;
        lines.clear();
        heads.clear();
        for line in 0..self.lines.ends.len() {
            let most = most(
                proofs,
                self.factors,
                self.listed,
                self.tail,
                &self.lines.bodies[line * width..],
            );
            let range = self.lines.line(line);
            let bars = &self.bars[range.clone()];
            let wanted = self.lines.heads[range].iter().zip(bars);
            let before = heads.len();
            heads.extend(
                wanted
                    .filter(|(_, bar)| most >= **bar)
                    .map(|(head, _)| *head),
            );
            if heads.len() > before {
                lines.push((line, heads.len()));
            }
        }
    }
}

/// Lines that have something to offer.
#[derive(Debug, Default)]
struct Wanted {
    /// Their numbers, and where the heads of each end.
    lines: Vec<(usize, usize)>,
    heads: Vec<Place>,
}

/// What a body says but for its last atom weighs at most, as a rank: nothing is heavier than its parts.
#[inline]
fn most(
    proofs: &Proofs,
    factors: &[(usize, usize)],
    listed: Option<usize>,
    tail: Option<usize>,
    body: &[u32],
) -> i64 {
    let mut most = CERTAIN;
    for (&(atom, relation), &row) in factors.iter().zip(body) {
        if Some(atom) != tail {
            let (places, joined) = proofs.joined(relation, row, listed == Some(atom));
            let heaviest = places.get(joined.trailing_zeros() as usize);
            most = most.min(heaviest.map_or(i64::MIN, |proof| proof.rank));
        }
    }
    most
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
        self.push(0);
        self.end_line(body.rows);
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
        let mut any = false;
        for id in ids {
            any = true;
            for &(column, from) in &tail.varying {
                self.row[column] = rows.cell(id, from);
            }
            self.push(id);
        }
        self.end_line(body.rows);
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
        if let [(column, _)] = *tail.varying {
            for (&value, &id) in values.iter().zip(ids) {
                self.row[column] = value;
                self.push(id);
            }
        }
        self.end_line(body.rows);
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

    fn finish(&mut self) {
        self.empty();
    }

    fn size(&self) -> (usize, usize) {
        let rows = self.head.before + self.head.fresh.rows.len();
        (rows, self.proofs.sets.size() / LITERALS)
    }
}
