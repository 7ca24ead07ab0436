//! Runs a join order: calls a sink for each ground instance of a rule.

mod host;

use std::hint::black_box;

use nsdl_ir::{Symbols, Word};
use rustc_hash::FxHashSet;

use crate::batch::Pending;

use crate::failure::Failures;
use crate::foreign::Results;
use crate::index::{Indexes, within};
use crate::limits::{Budget, Stop};
use crate::members::Fresh;
use crate::order::{Extent, Op, Order, Scan, Source, Tail, operand};
use crate::range;
use crate::table::Rows;
use crate::trace::Recorder;

pub(crate) use host::run;

/// What joins read: the rows of earlier rounds.
#[derive(Clone, Copy)]
pub(crate) struct Frozen<'a> {
    pub(crate) rows: &'a [Rows],
    /// Of every relation but the head's: that one is with the sink.
    pub(crate) fresh: &'a [Fresh],
    pub(crate) indexes: &'a Indexes,
    /// Per relation, how many rows there were before the last round.
    pub(crate) old: &'a [u32],
    /// Per relation, the rows that a scan of [`Extent::Listed`] ranges over.
    pub(crate) listed: &'a [Vec<u32>],
}

/// A join order to run, and what it needs.
pub(crate) struct Task<'a> {
    pub(crate) frozen: Frozen<'a>,
    pub(crate) order: &'a Order,
    pub(crate) symbols: &'a Symbols,
    pub(crate) budget: &'a Budget,
    pub(crate) failures: &'a mut Failures,
    pub(crate) results: &'a mut Results,
    /// How many instances were met so far.
    pub(crate) met: &'a mut usize,
}

/// What a `not` finds.
pub(crate) enum Absence<L> {
    /// The tuple holds in no world.
    Always,
    /// The tuple holds in every world.
    Never,
    /// The tuple holds in some.
    Unless(L),
}

/// What becomes of instances.
pub(crate) trait Sink {
    /// What a body says of a tuple that no atom scans: of an absent one, or of the result of a predicate.
    type Literal: Copy;
    /// Whether rows of the body and absences matter.
    const ROWS: bool;
    /// An instance: its head and what led to it. False if it comes to nothing.
    fn derive(
        &mut self,
        head: &[Word],
        body: Body<'_, Self::Literal>,
        failures: &mut Failures,
    ) -> Result<bool, Stop>;
    /// One head per row of the last scan; only called for orders with a tail. True if there was one.
    fn derive_all(
        &mut self,
        tail: &Tail,
        body: Body<'_, Self::Literal>,
        rows: &Rows,
        ids: impl Iterator<Item = u32>,
    ) -> bool;
    /// One head per value of the only varying column, likewise, with the rows they come from.
    fn derive_values(
        &mut self,
        tail: &Tail,
        body: Body<'_, Self::Literal>,
        values: &[Word],
        ids: &[u32],
    ) -> bool;
    /// What is known about row `id` of a relation.
    fn absence(&self, relation: usize, id: u32) -> Absence<Self::Literal>;
    /// The trace, if there is one.
    fn recorder(&mut self) -> Option<&mut Recorder>;
    /// All instances have come: does what was put off.
    fn finish(&mut self) {}
    /// Rows and instances in all.
    fn size(&self) -> (usize, usize);
}

/// What led to an instance.
#[derive(Clone, Copy)]
pub(crate) struct Body<'a, L> {
    pub(crate) slots: &'a [Word],
    /// Row of each positive atom, in written order.
    pub(crate) rows: &'a [u32],
    /// Uncertain results of predicates.
    pub(crate) results: &'a [L],
    /// Uncertain tuples that must be absent.
    pub(crate) negatives: &'a [L],
}

/// Operations between two looks at the stack.
const LOOK: usize = 64;

/// The different words of a list, in order of first appearance: an element counts once, however often it occurs.
pub(crate) fn distinct(words: &[Word]) -> Vec<Word> {
    let mut seen = FxHashSet::default();
    let words = words.iter().copied();
    words.filter(|word| seen.insert(*word)).collect()
}

/// Listed rows that are visited together.
const TOGETHER: usize = 64;

/// Rows visited between two looks at the budget.
const WORK: usize = 1 << 16;

pub(crate) struct Join<'a, S: Sink> {
    frozen: Frozen<'a>,
    order: &'a Order,
    symbols: &'a Symbols,
    budget: &'a Budget,
    failures: &'a mut Failures,
    results: &'a mut Results,
    sink: S,
    slots: Vec<Word>,
    rows: Vec<u32>,
    positives: Vec<S::Literal>,
    negatives: Vec<S::Literal>,
    /// A key or a row being looked for; the head being made.
    key: Vec<Word>,
    work: usize,
    /// See [`Task::met`].
    met: &'a mut usize,
    /// How many ranges gave.
    numbers: usize,
    /// Calls are collected at this operation, which is not run.
    collect: Option<(usize, Pending)>,
}

impl<'a, S: Sink> Join<'a, S> {
    pub(crate) fn new(task: Task<'a>, sink: S) -> Self {
        let order = task.order;
        Self {
            frozen: task.frozen,
            order,
            symbols: task.symbols,
            budget: task.budget,
            failures: task.failures,
            results: task.results,
            sink,
            slots: vec![0; order.slots],
            rows: vec![0; order.atoms.len()],
            positives: Vec::new(),
            negatives: Vec::new(),
            key: Vec::new(),
            work: 0,
            met: task.met,
            numbers: 0,
            collect: None,
        }
    }

    pub(crate) fn run(mut self) -> Result<(), Stop> {
        self.step(0)?;
        self.sink.finish();
        self.look()
    }

    /// Runs the operations from `at`; true if an instance came of it.
    fn step(&mut self, at: usize) -> Result<bool, Stop> {
        // A rule of thousands of literals recurses as deep: look at the stack now and then.
        if at % LOOK == LOOK - 1 {
            return stacker::maybe_grow(256 << 10, 4 << 20, || self.operation(at));
        }
        self.operation(at)
    }

    fn operation(&mut self, at: usize) -> Result<bool, Stop> {
        let order = self.order;
        if let Some((point, _)) = &self.collect
            && *point == at
        {
            self.note(at);
            return Ok(false);
        }
        let Some(op) = order.ops.get(at) else {
            return self.emit();
        };
        match op {
            Op::Scan(scan) => self.scan(at, scan),
            Op::Present {
                atom,
                relation,
                args,
            } => {
                self.set_key(args);
                let (rows, fresh) = (&self.frozen.rows[*relation], &self.frozen.fresh[*relation]);
                if !S::ROWS {
                    return if fresh.contains(rows, &self.key) {
                        self.step(at + 1)
                    } else {
                        Ok(false)
                    };
                }
                match self.find(*relation) {
                    Some(row) => {
                        self.rows[*atom] = row;
                        self.step(at + 1)
                    }
                    None => Ok(false),
                }
            }
            Op::Absent { relation, args } => {
                self.set_key(args);
                if !S::ROWS {
                    let (rows, fresh) =
                        (&self.frozen.rows[*relation], &self.frozen.fresh[*relation]);
                    return if fresh.contains(rows, &self.key) {
                        Ok(false)
                    } else {
                        self.step(at + 1)
                    };
                }
                match self
                    .find(*relation)
                    .map(|row| self.sink.absence(*relation, row))
                {
                    None | Some(Absence::Always) => self.step(at + 1),
                    Some(Absence::Never) => Ok(false),
                    Some(Absence::Unless(tuple)) => {
                        self.negatives.push(tuple);
                        let emitted = self.step(at + 1);
                        self.negatives.pop();
                        emitted
                    }
                }
            }
            Op::Foreign(call) => self.foreign(at, call),
            Op::Filter(condition) => match condition.eval(&self.slots, self.symbols, self.failures)
            {
                None => self.failures.check().map(|()| false),
                Some(0) => Ok(false),
                Some(_) => self.step(at + 1),
            },
            Op::Range {
                slot,
                ty,
                low,
                high,
                inclusive,
            } => {
                let low = low.eval(&self.slots, self.symbols, self.failures);
                let high = high.eval(&self.slots, self.symbols, self.failures);
                let (Some(low), Some(high)) = (low, high) else {
                    return Ok(false);
                };
                let once = at >= self.order.cut;
                let mut emitted = false;
                for number in range::numbers(low, high, *inclusive, *ty, self.symbols) {
                    self.count()?;
                    let Some(word) = range::word(number, *ty, self.symbols) else {
                        continue;
                    };
                    self.slots[*slot] = word;
                    emitted |= self.step(at + 1)?;
                    if emitted && once {
                        break;
                    }
                }
                Ok(emitted)
            }
            Op::Element { slot, list } => {
                let Some(list) = list.eval(&self.slots, self.symbols, self.failures) else {
                    return self.failures.check().map(|()| false);
                };
                let once = at >= self.order.cut;
                let mut emitted = false;
                for word in distinct(&self.symbols.list(list)) {
                    self.slots[*slot] = word;
                    self.work += 1;
                    emitted |= self.step(at + 1)?;
                    if emitted && once {
                        break;
                    }
                }
                Ok(emitted)
            }
            Op::Let { slot, value } => match value.eval(&self.slots, self.symbols, self.failures) {
                None => self.failures.check().map(|()| false),
                Some(word) => {
                    self.slots[*slot] = word;
                    self.step(at + 1)
                }
            },
        }
    }

    fn set_key(&mut self, args: &[nsdl_ir::Operand]) {
        self.key.clear();
        self.key
            .extend(args.iter().map(|&arg| operand(arg, &self.slots)));
    }

    /// The row of a relation that equals the key.
    fn find(&self, relation: usize) -> Option<u32> {
        self.frozen.fresh[relation].find(&self.frozen.rows[relation], &self.key)
    }

    #[inline]
    fn scan(&mut self, at: usize, scan: &'a Scan) -> Result<bool, Stop> {
        let rows = &self.frozen.rows[scan.relation];
        if scan.extent == Extent::Listed {
            return self.listed(at, scan, rows);
        }
        let (old, len) = (self.frozen.old[scan.relation], rows.len() as u32);
        let range = match scan.extent {
            Extent::All => 0..len,
            Extent::Old => 0..old,
            Extent::New | Extent::Listed => old..len,
        };
        match &scan.source {
            Source::Rows => self.visit(at, scan, rows, range),
            Source::Index { number, key } => {
                let index = self.frozen.indexes.get(*number);
                let single;
                let key = if let [only] = **key {
                    single = [operand(only, &self.slots)];
                    &single[..]
                } else {
                    self.set_key(key);
                    &self.key
                };
                if let Some(tail) = &self.order.tail
                    && tail.covered
                    && at + 1 == self.order.ops.len()
                {
                    let (values, ids) = index.values(rows, key);
                    self.work += values.len() + 1;
                    if self.work >= WORK {
                        self.look()?;
                    }
                    let body = Body {
                        slots: &self.slots,
                        rows: &self.rows,
                        results: &self.positives,
                        negatives: &self.negatives,
                    };
                    *self.met += values.len();
                    return Ok(self.sink.derive_values(tail, body, values, ids));
                }
                let postings = index.get(rows, key);
                let postings = if scan.extent == Extent::All {
                    postings
                } else {
                    within(postings, range)
                };
                self.visit(at, scan, rows, postings.iter().copied())
            }
        }
    }

    /// The listed rows, those with the key of the scan if it has one.
    fn listed(&mut self, at: usize, scan: &'a Scan, rows: &'a Rows) -> Result<bool, Stop> {
        let listed = self.frozen.listed[scan.relation].as_slice();
        let Source::Index { number, key } = &scan.source else {
            let mut emitted = false;
            for listed in listed.chunks(TOGETHER) {
                // They lie all over the relation: the processor waits for many of them at once.
                let first = listed.iter().filter_map(|&row| rows.row(row).first());
                black_box(first.fold(0, |sum, cell| sum ^ cell));
                emitted |= self.visit(at, scan, rows, listed.iter().copied())?;
            }
            return Ok(emitted);
        };
        self.set_key(key);
        let columns = self.frozen.indexes.get(*number).columns();
        let has_key = |&row: &u32| {
            let cells = columns.iter().map(|&column| rows.cell(row, column));
            cells.eq(self.key.iter().copied())
        };
        let ids: Vec<u32> = listed.iter().copied().filter(has_key).collect();
        self.visit(at, scan, rows, ids.into_iter())
    }

    #[inline]
    fn visit(
        &mut self,
        at: usize,
        scan: &'a Scan,
        rows: &'a Rows,
        ids: impl ExactSizeIterator<Item = u32>,
    ) -> Result<bool, Stop> {
        self.work += ids.len() + 1;
        if self.work >= WORK {
            self.look()?;
        }
        if let Some(tail) = &self.order.tail
            && at + 1 == self.order.ops.len()
        {
            let body = Body {
                slots: &self.slots,
                rows: &self.rows,
                results: &self.positives,
                negatives: &self.negatives,
            };
            *self.met += ids.len();
            return Ok(self.sink.derive_all(tail, body, rows, ids));
        }
        let once = at >= self.order.cut;
        let mut emitted = false;
        for id in ids {
            for &(column, slot) in &scan.binds {
                self.slots[slot] = rows.cell(id, column);
            }
            if scan
                .checks
                .iter()
                .any(|&(column, slot)| rows.cell(id, column) != self.slots[slot])
            {
                continue;
            }
            if S::ROWS {
                self.rows[scan.atom] = id;
            }
            emitted |= self.step(at + 1)?;
            if emitted && once {
                break;
            }
        }
        Ok(emitted)
    }

    fn emit(&mut self) -> Result<bool, Stop> {
        self.work += 1;
        if self.work >= WORK {
            self.look()?;
        }
        self.key.clear();
        for arg in &self.order.args {
            match arg.eval(&self.slots, self.symbols, self.failures) {
                Some(word) => self.key.push(word),
                None => return self.failures.check().map(|()| false),
            }
        }
        *self.met += 1;
        let body = Body {
            slots: &self.slots,
            rows: &self.rows,
            results: &self.positives,
            negatives: &self.negatives,
        };
        self.sink.derive(&self.key, body, self.failures)
    }

    /// Counts a number that a range gives: they are limited as tuples are, so that no range runs for ever.
    fn count(&mut self) -> Result<(), Stop> {
        self.work += 1;
        self.numbers += 1;
        if self.numbers > self.budget.limits.tuples {
            return Err(Stop::Numbers);
        }
        if self.work >= WORK {
            self.look()?;
        }
        Ok(())
    }

    #[cold]
    fn look(&mut self) -> Result<(), Stop> {
        self.work = 0;
        let (tuples, instances) = self.sink.size();
        self.budget.check(tuples, instances)
    }
}
