//! Join orders made ready to run: steps as flat operations, columns sorted by what a scan does with them.

use nsdl_ir::{Column, DeltaOrder, Expr, Operand, Rule, RuleTag, Span, Step, Type, Word};

use crate::expr::{Checked, Sites, fallible};
use crate::index::Indexes;

/// One join order of a rule.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) rule: usize,
    pub(crate) head: usize,
    pub(crate) ops: Vec<Op>,
    pub(crate) args: Vec<Checked>,
    /// Number of slots.
    pub(crate) slots: usize,
    /// Relation of each positive atom, in written order.
    pub(crate) atoms: Vec<usize>,
    /// Of those atoms that are over relations with tags: number and relation.
    pub(crate) factors: Vec<(usize, usize)>,
    /// Whether tags matter to it: of its head, or of what its body mentions.
    pub(crate) tags: bool,
    /// The relation whose new rows it begins with.
    pub(crate) delta: Option<usize>,
    /// The atom that ranges over what was settled last.
    pub(crate) listed: Option<usize>,
    /// How to make heads straight from the rows of the last scan, where that is possible.
    pub(crate) tail: Option<Tail>,
    /// Operations from here on bind nothing that the head shows: without a trace, one match is enough.
    pub(crate) cut: usize,
    /// Operations whose calls may be made in batches, the end for the head; with the relation of a predicate.
    pub(crate) batches: Vec<(usize, Option<usize>)>,
    /// The indexes it reads, with their relations.
    pub(crate) indexes: Vec<(usize, usize)>,
}

#[derive(Debug)]
pub(crate) enum Op {
    Scan(Scan),
    /// All columns are known and the relation is complete: is there such a row?
    Present {
        atom: usize,
        relation: usize,
        args: Box<[Operand]>,
    },
    Absent {
        relation: usize,
        args: Box<[Operand]>,
    },
    Filter(Checked),
    /// Bind a slot to each number of a range.
    Range {
        slot: usize,
        ty: Type,
        low: Checked,
        high: Checked,
        inclusive: bool,
    },
    /// Bind a slot to each different element of a list.
    Element {
        slot: usize,
        list: Checked,
    },
    Let {
        slot: usize,
        value: Checked,
    },
    Foreign(Foreign),
}

/// A call of a predicate.
#[derive(Debug)]
pub(crate) struct Foreign {
    /// The relation of its results.
    pub(crate) relation: usize,
    pub(crate) mode: Word,
    pub(crate) inputs: Box<[Operand]>,
    pub(crate) columns: Box<[Column]>,
    pub(crate) negated: bool,
    /// What its failures are counted by.
    pub(crate) site: usize,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) atom: usize,
    pub(crate) relation: usize,
    pub(crate) extent: Extent,
    pub(crate) source: Source,
    /// `(column, slot)`.
    pub(crate) binds: Box<[(usize, usize)]>,
    /// `(column, slot)`, the slot bound by an earlier column of this scan.
    pub(crate) checks: Box<[(usize, usize)]>,
}

/// Which rows of a relation a scan ranges over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    All,
    /// Those before the last round.
    Old,
    /// Those of the last round.
    New,
    /// Those that are listed: what was settled last.
    Listed,
}

#[derive(Debug)]
pub(crate) enum Source {
    Rows,
    Index { number: usize, key: Box<[Operand]> },
}

/// A head of plain cells, some of the last scan.
#[derive(Debug)]
pub(crate) struct Tail {
    /// The atom of the scan.
    pub(crate) atom: usize,
    /// `(column of the head, value)`.
    pub(crate) fixed: Box<[(usize, Operand)]>,
    /// `(column of the head, column of the scan)`.
    pub(crate) varying: Box<[(usize, usize)]>,
    /// Whether the index of the scan keeps the only varying value beside its postings.
    pub(crate) covered: bool,
}

/// The value of a bound operand.
#[inline]
pub(crate) fn operand(operand: Operand, slots: &[Word]) -> Word {
    match operand {
        Operand::Slot(slot) => slots[slot.index()],
        Operand::Const(word) => word,
    }
}

/// Makes join orders.
#[derive(Debug)]
pub(crate) struct Compiler {
    pub(crate) trace: bool,
    /// Per relation, whether its rows carry tags.
    pub(crate) tagged: Vec<bool>,
    /// Per choice, whether its weights are the same for every binding.
    pub(crate) constant: Vec<bool>,
    /// Per relation, whether it is keyed: its rows are looked at one by one.
    pub(crate) keyed: Vec<bool>,
    pub(crate) sites: Sites,
}

impl Compiler {
    /// The order for a first evaluation over complete relations, or the one that begins with `delta`, which
    /// ranges over the rows that are `listed` or over those of the last round.
    pub(crate) fn order(
        &mut self,
        number: usize,
        rule: &Rule,
        delta: Option<&DeltaOrder>,
        listed: bool,
        indexes: &mut Indexes,
    ) -> Order {
        let mut atoms = vec![0; rule.atoms as usize];
        for step in &rule.steps {
            if let Step::Scan { atom, relation, .. } = step {
                atoms[*atom as usize] = relation.index();
            }
        }
        let recursive = |atom: u32| rule.deltas.iter().any(|delta| delta.atom == atom);
        let extent = |atom: u32| match delta {
            Some(delta) if delta.atom == atom && listed => Extent::Listed,
            Some(delta) if delta.atom == atom => Extent::New,
            Some(delta) if !listed && atom < delta.atom && recursive(atom) => Extent::Old,
            _ => Extent::All,
        };
        let mut bound = vec![false; rule.slots.len()];
        let mut ops = Vec::new();
        let mut used = Vec::new();
        for step in delta.map_or(&rule.steps, |delta| &delta.steps) {
            ops.push(match step {
                Step::Scan {
                    atom,
                    relation,
                    columns,
                } => {
                    let complete = !recursive(*atom);
                    let (number, relation) = (*atom as usize, relation.index());
                    let op = Self::scan(
                        number,
                        relation,
                        extent(*atom),
                        complete,
                        columns,
                        &mut bound,
                        indexes,
                    );
                    if let Op::Scan(Scan {
                        source: Source::Index { number, .. },
                        ..
                    }) = op
                    {
                        used.push((number, relation));
                    }
                    op
                }
                Step::Absent { relation, args } => Op::Absent {
                    relation: relation.index(),
                    args: args.as_slice().into(),
                },
                Step::Range {
                    slot,
                    low,
                    high,
                    inclusive,
                } => {
                    bound[slot.index()] = true;
                    Op::Range {
                        slot: slot.index(),
                        ty: rule.slots[slot.index()],
                        low: self.sites.compile(rule.span, low),
                        high: self.sites.compile(rule.span, high),
                        inclusive: *inclusive,
                    }
                }
                Step::Element { slot, list } => {
                    bound[slot.index()] = true;
                    Op::Element {
                        slot: slot.index(),
                        list: self.sites.compile(rule.span, list),
                    }
                }
                Step::Foreign {
                    predicate,
                    relation,
                    mode,
                    columns,
                    negated,
                } => {
                    let needed = |(column, _): &(usize, &Column)| predicate.needs(*mode, *column);
                    let inputs = columns.iter().enumerate().filter(needed);
                    let inputs = inputs.filter_map(|(_, column)| match *column {
                        Column::Check(slot) => Some(Operand::Slot(slot)),
                        Column::Const(word) => Some(Operand::Const(word)),
                        Column::Bind(_) | Column::Any => None,
                    });
                    let inputs = inputs.collect();
                    for column in columns {
                        if let Column::Bind(slot) = column {
                            bound[slot.index()] = true;
                        }
                    }
                    Op::Foreign(Foreign {
                        relation: relation.index(),
                        mode: *mode as Word,
                        inputs,
                        columns: columns.as_slice().into(),
                        negated: *negated,
                        site: self.sites.foreign(rule.span, *relation),
                        span: rule.span,
                    })
                }
                Step::Filter(expr) => Op::Filter(self.sites.compile(rule.span, expr)),
                Step::Let { slot, value } => {
                    bound[slot.index()] = true;
                    Op::Let {
                        slot: slot.index(),
                        value: self.sites.compile(rule.span, value),
                    }
                }
            });
        }
        let tagged = atoms.iter().copied().enumerate();
        let factors: Vec<_> = tagged.filter(|it| self.tagged[it.1]).collect();
        let denied = |op: &Op| matches!(op, Op::Absent { relation, .. } if self.tagged[*relation]);
        let tags = self.tagged[rule.head.index()] || !factors.is_empty() || ops.iter().any(denied);
        let cut = if self.trace || tags {
            ops.len()
        } else {
            cut(rule, &ops)
        };
        let args: Vec<Checked> = rule
            .args
            .iter()
            .map(|arg| self.sites.compile(rule.span, arg))
            .collect();
        Order {
            rule: number,
            head: rule.head.index(),
            batches: batches(&ops, &args),
            args,
            slots: rule.slots.len(),
            delta: delta.and_then(|delta| atoms.get(delta.atom as usize).copied()),
            listed: delta.filter(|_| listed).map(|delta| delta.atom as usize),
            tail: self.tail(rule, &ops, indexes),
            factors,
            tags,
            atoms,
            cut,
            ops,
            indexes: used,
        }
    }

    /// See [`Order::tail`].
    fn tail(&self, rule: &Rule, ops: &[Op], indexes: &mut Indexes) -> Option<Tail> {
        let Some(Op::Scan(scan)) = ops.last() else {
            return None;
        };
        let head = rule.head.index();
        let tagged = self.tagged[head];
        let varies = |tag: RuleTag| !self.constant[tag.choice.index()];
        if self.trace
            || self.keyed[head]
            || tagged && rule.tag.is_some_and(varies)
            || !scan.checks.is_empty()
        {
            return None;
        }
        let (mut fixed, mut varying) = (Vec::new(), Vec::new());
        for (column, arg) in rule.args.iter().enumerate() {
            match arg {
                Expr::Const(word) => fixed.push((column, Operand::Const(*word))),
                Expr::Slot(slot) => {
                    match scan.binds.iter().find(|&&(_, bound)| bound == slot.index()) {
                        Some(&(from, _)) => varying.push((column, from)),
                        None => fixed.push((column, Operand::Slot(*slot))),
                    }
                }
                _ => return None,
            }
        }
        let covered = match (&scan.source, &*varying) {
            (Source::Index { number, .. }, &[(_, from)]) if scan.extent == Extent::All => {
                indexes.cover(*number, from)
            }
            _ => false,
        };
        Some(Tail {
            atom: scan.atom,
            fixed: fixed.into(),
            varying: varying.into(),
            covered,
        })
    }

    #[allow(clippy::too_many_arguments)]
    fn scan(
        atom: usize,
        relation: usize,
        extent: Extent,
        complete: bool,
        columns: &[Column],
        bound: &mut [bool],
        indexes: &mut Indexes,
    ) -> Op {
        let (mut key_columns, mut key, mut binds, mut checks) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (number, column) in columns.iter().enumerate() {
            let known = match *column {
                Column::Const(word) => Some(Operand::Const(word)),
                Column::Check(slot) if bound[slot.index()] => Some(Operand::Slot(slot)),
                _ => None,
            };
            match (*column, known) {
                (_, Some(operand)) => {
                    key_columns.push(number);
                    key.push(operand);
                }
                (Column::Bind(slot), None) => binds.push((number, slot.index())),
                (Column::Check(slot), None) => checks.push((number, slot.index())),
                (Column::Const(_) | Column::Any, None) => {}
            }
        }
        for &(_, slot) in &binds {
            bound[slot] = true;
        }
        if key.len() == columns.len() && complete {
            return Op::Present {
                atom,
                relation,
                args: key.into(),
            };
        }
        let source = if key.is_empty() {
            Source::Rows
        } else {
            Source::Index {
                number: indexes.number(relation, key_columns.into()),
                key: key.into(),
            }
        };
        Op::Scan(Scan {
            atom,
            relation,
            extent,
            source,
            binds: binds.into(),
            checks: checks.into(),
        })
    }
}

/// See [`Order::cut`].
fn cut(rule: &Rule, ops: &[Op]) -> usize {
    let mut shown = vec![false; rule.slots.len()];
    for arg in &rule.args {
        arg.slots(&mut |slot| shown[slot.index()] = true);
    }
    let can_fail = |step: &Step| match step {
        Step::Filter(expr) | Step::Let { value: expr, .. } | Step::Element { list: expr, .. } => {
            fallible(expr)
        }
        Step::Range { low, high, .. } => fallible(low) || fallible(high),
        Step::Foreign { .. } => true,
        Step::Scan { .. } | Step::Absent { .. } => false,
    };
    if rule.steps.iter().any(can_fail) {
        // Stopping early would hide failures.
        return ops.len();
    }
    let binds_shown = |op: &Op| match op {
        Op::Scan(scan) => scan.binds.iter().any(|&(_, slot)| shown[slot]),
        Op::Let { slot, .. } | Op::Range { slot, .. } | Op::Element { slot, .. } => shown[*slot],
        Op::Foreign(call) => call
            .columns
            .iter()
            .any(|column| matches!(column, Column::Bind(slot) if shown[slot.index()])),
        Op::Present { .. } | Op::Absent { .. } | Op::Filter(_) => false,
    };
    ops.iter().rposition(binds_shown).map_or(0, |last| last + 1)
}

/// See [`Order::batches`].
fn batches(ops: &[Op], args: &[Checked]) -> Vec<(usize, Option<usize>)> {
    let mut points = Vec::new();
    for (point, op) in ops.iter().enumerate() {
        match op {
            Op::Foreign(call) => points.push((point, Some(call.relation))),
            Op::Filter(code) | Op::Let { value: code, .. } if code.code.is_batched() => {
                points.push((point, None));
            }
            _ => {}
        }
    }
    if args.iter().any(|arg| arg.code.is_batched()) {
        points.push((ops.len(), None));
    }
    points
}
