//! The oracle: every rule over complete relations, again and again, until nothing changes.
//!
//! It shares with the evaluator what has tests of its own (arithmetic, aggregates, the bookkeeping of leaves)
//! and nothing of joins, indexes, deltas and sets.

mod aggregates;
mod host;

use std::collections::HashMap;

use nsdl_ir::{
    AggregateId, Column, Diagnostic, Expr, Fact, Operand, Plan, Step, Symbols, TupleId, Word,
};

use crate::aggregate::{Input, Traced, weights};
use crate::arithmetic::compare;
use crate::call::supplied;
use crate::expr::Sites;
use crate::extents::Extents;
use crate::failure::Failures;
use crate::foreign::Results;
use crate::join::Body;
use crate::limits::{Budget, Stop};
use crate::members::Fresh;
use crate::range;
use crate::scope::{check_facts, needed_relations};
use crate::table::{Rows, Table};
use crate::trace::Recorder;
use crate::{Evaluation, Options};

/// Evaluates like [`crate::evaluate`], slowly; rows and instances may come in another order.
///
/// # Errors
/// As [`crate::evaluate`].
pub fn evaluate(
    plan: &Plan,
    symbols: &Symbols,
    facts: &[Fact],
    options: &Options,
) -> Result<Evaluation, Diagnostic> {
    check_facts(plan, facts)?;
    let mut sites = Sites::new(options.registry.clone());
    let needed = needed_relations(plan, options.targets.as_deref());
    supplied(plan, &needed, &options.registry)?;
    let mut naive = Naive {
        plan,
        symbols,
        needed,
        results: Results::new(plan, &options.registry).keeping_all(),
        budget: Budget {
            limits: options.limits.clone(),
            cancel: options.cancel.clone(),
        },
        relations: plan.relations.iter().map(|_| Relation::default()).collect(),
        recorder: options
            .trace
            .then(|| Recorder::new(plan, facts, options, &mut sites)),
        sites,
        extents: Extents::new(plan),
        options,
        failures: Failures::default(),
        rounds: 0,
    };
    naive
        .run(facts)
        .map_err(|stop| stop.diagnostic(plan, &options.limits, None))?;
    let mut tables: Vec<Table> = (0..plan.relations.len())
        .map(|relation| naive.table(relation))
        .collect();
    for (relation, table) in naive.results.into_tables() {
        tables[relation] = table;
    }
    let (trace, tuples) = naive
        .recorder
        .map(|recorder| (recorder.trace, recorder.tuples))
        .unzip();
    Ok(Evaluation {
        tables,
        trace,
        failures: naive.failures.finish(symbols),
        rounds: naive.rounds,
        tuples: tuples.unwrap_or_default(),
        ..Evaluation::default()
    })
}

#[derive(Default)]
struct Relation {
    rows: Vec<Box<[Word]>>,
    numbers: HashMap<Box<[Word]>, u32>,
}

struct Naive<'a> {
    plan: &'a Plan,
    symbols: &'a Symbols,
    needed: Vec<bool>,
    budget: Budget,
    relations: Vec<Relation>,
    recorder: Option<Recorder>,
    sites: Sites,
    extents: Extents,
    options: &'a Options,
    failures: Failures,
    results: Results,
    rounds: usize,
}

/// A ground body.
#[derive(Clone)]
struct Ground {
    slots: Vec<Word>,
    rows: Vec<u32>,
    results: Vec<TupleId>,
    negatives: Vec<TupleId>,
}

impl Naive<'_> {
    fn run(&mut self, facts: &[Fact]) -> Result<(), Stop> {
        for (number, fact) in facts.iter().enumerate() {
            self.terms(fact.relation.index(), &fact.row);
            if !self.needed[fact.relation.index()] {
                continue;
            }
            let (row, _) = self.insert(fact.relation.index(), &fact.row);
            if let Some(recorder) = &mut self.recorder {
                recorder.add_fact(number, recorder.tuples[fact.relation.index()][row as usize]);
            }
        }
        for stratum in &self.plan.strata {
            if !stratum
                .relations
                .iter()
                .any(|relation| self.needed[relation.index()])
            {
                continue;
            }
            let first = self
                .recorder
                .as_ref()
                .map_or(0, |recorder| recorder.trace.instances.len());
            for &aggregate in &stratum.aggregates {
                self.aggregate(aggregate)?;
            }
            let mut changed = true;
            while changed {
                changed = false;
                for rule in &stratum.rules {
                    changed |= self.rule(rule.index(), false)?;
                }
                self.rounds += 1;
                if self.rounds > self.budget.limits.rounds {
                    return Err(Stop::Rounds);
                }
                self.check()?;
            }
            if self.recorder.is_some() {
                for rule in &stratum.rules {
                    self.rule(rule.index(), true)?;
                }
            }
            if let Some(recorder) = &mut self.recorder {
                recorder.settle(first);
            }
            self.check()?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Stop> {
        self.failures.check()?;
        let tuples = self
            .relations
            .iter()
            .map(|relation| relation.rows.len())
            .sum();
        self.budget
            .check(tuples, self.recorder.as_ref().map_or(0, Recorder::size))
    }

    /// Derives everything that a rule gives now, or records its instances; true if there are new rows.
    fn rule(&mut self, number: usize, record: bool) -> Result<bool, Stop> {
        let rule = &self.plan.rules[number];
        let start = Ground {
            slots: vec![0; rule.slots.len()],
            rows: vec![0; rule.atoms as usize],
            results: vec![],
            negatives: vec![],
        };
        let mut bodies = Vec::new();
        self.bodies(number, &rule.steps, start, &mut bodies)?;
        let mut changed = false;
        for Ground {
            slots,
            rows,
            results,
            negatives,
        } in bodies
        {
            let head: Option<Vec<Word>> = rule
                .args
                .iter()
                .map(|arg| self.eval(number, arg, &slots))
                .collect();
            let Some(head) = head else { continue };
            if self.is_beaten(rule.head.index(), &head) {
                continue;
            }
            let certain = self.plan.relations[rule.head.index()].certain;
            let leaf = match (&mut self.recorder, rule.tag) {
                (Some(recorder), Some(tag)) if !certain => {
                    match recorder.leaf(tag, &slots, self.symbols, &mut self.failures)? {
                        None => continue,
                        leaf => leaf,
                    }
                }
                _ => None,
            };
            let (row, new) = self.insert(rule.head.index(), &head);
            changed |= new;
            if self.extents.makes(number) {
                self.terms(rule.head.index(), &head);
            }
            if let (true, Some(recorder)) = (record && !certain, &mut self.recorder) {
                let mut atoms = vec![0; rule.atoms as usize];
                for step in &rule.steps {
                    if let Step::Scan { atom, relation, .. } = step {
                        atoms[*atom as usize] = relation.index();
                    }
                }
                let head = recorder.tuples[rule.head.index()][row as usize];
                let body = Body {
                    slots: &slots,
                    rows: &rows,
                    results: &results,
                    negatives: &negatives,
                };
                if recorder.is_first(rule, &atoms, body) {
                    recorder.add_instance(head, number, leaf, &atoms, body);
                }
            }
        }
        Ok(changed)
    }

    /// All ways to satisfy the steps.
    fn bodies(
        &mut self,
        rule: usize,
        steps: &[Step],
        mut ground: Ground,
        found: &mut Vec<Ground>,
    ) -> Result<(), Stop> {
        let Some((step, rest)) = steps.split_first() else {
            found.push(ground);
            return Ok(());
        };
        match step {
            Step::Scan {
                atom,
                relation,
                columns,
            } => {
                for number in 0..self.relations[relation.index()].rows.len() {
                    let row = &self.relations[relation.index()].rows[number];
                    let mut next = ground.clone();
                    next.rows[*atom as usize] = number as u32;
                    let matches = columns
                        .iter()
                        .zip(row)
                        .all(|(column, &word)| match *column {
                            Column::Bind(slot) => {
                                next.slots[slot.index()] = word;
                                true
                            }
                            Column::Check(slot) => next.slots[slot.index()] == word,
                            Column::Const(constant) => constant == word,
                            Column::Any => true,
                        });
                    if matches {
                        self.bodies(rule, rest, next, found)?;
                    }
                }
            }
            Step::Absent { relation, args } => {
                let row: Vec<Word> = args
                    .iter()
                    .map(|arg| match *arg {
                        Operand::Slot(slot) => ground.slots[slot.index()],
                        Operand::Const(word) => word,
                    })
                    .collect();
                let row = self.relations[relation.index()].numbers.get(&row[..]);
                if let Some(&row) = row {
                    let Some(recorder) = &self.recorder else {
                        return Ok(());
                    };
                    let tuple = recorder.tuples[relation.index()][row as usize];
                    if recorder.trace.certain[tuple.index()] {
                        return Ok(());
                    }
                    ground.negatives.push(tuple);
                }
                self.bodies(rule, rest, ground, found)?;
            }
            Step::Foreign { .. } => self.foreign(rule, step, rest, ground, found)?,
            Step::Filter(condition) => {
                if self.eval(rule, condition, &ground.slots) == Some(1) {
                    self.bodies(rule, rest, ground, found)?;
                }
            }
            Step::Range {
                slot,
                low,
                high,
                inclusive,
            } => {
                let ty = self.plan.rules[rule].slots[slot.index()];
                let low = self.eval(rule, low, &ground.slots);
                let high = self.eval(rule, high, &ground.slots);
                let (Some(low), Some(high)) = (low, high) else {
                    return Ok(());
                };
                let numbers = range::numbers(low, high, *inclusive, ty, self.symbols);
                for (count, number) in numbers.enumerate() {
                    if count > self.budget.limits.tuples {
                        return Err(Stop::Numbers);
                    }
                    let Some(word) = range::word(number, ty, self.symbols) else {
                        continue;
                    };
                    let mut next = ground.clone();
                    next.slots[slot.index()] = word;
                    self.bodies(rule, rest, next, found)?;
                }
            }
            Step::Element { slot, list } => {
                let list = self.eval(rule, list, &ground.slots);
                let words = list.map_or_else(Vec::new, |list| self.symbols.list(list).to_vec());
                for (position, word) in words.iter().enumerate() {
                    // An element counts once.
                    if words[..position].contains(word) {
                        continue;
                    }
                    let mut next = ground.clone();
                    next.slots[slot.index()] = *word;
                    self.bodies(rule, rest, next, found)?;
                }
            }
            Step::Let { slot, value } => {
                if let Some(word) = self.eval(rule, value, &ground.slots) {
                    ground.slots[slot.index()] = word;
                    self.bodies(rule, rest, ground, found)?;
                }
            }
        }
        Ok(())
    }

    /// Puts the terms in a row into their extents.
    fn terms(&mut self, relation: usize, row: &[Word]) {
        let mut found = Vec::new();
        let add = &mut |extent: usize, row: &[Word]| found.push((extent, row.to_vec()));
        self.extents
            .visit(self.plan, relation, row, self.symbols, add);
        for (extent, row) in found {
            self.insert(extent, &row);
        }
    }

    fn eval(&mut self, rule: usize, expr: &Expr, slots: &[Word]) -> Option<Word> {
        let checked = self.sites.compile(self.plan.rules[rule].span, expr);
        checked.eval(slots, self.symbols, &mut self.failures)
    }

    /// Whether a keyed relation has a row that is better than `row`, and holds in every world.
    fn is_beaten(&self, relation: usize, row: &[Word]) -> bool {
        let Some(keep) = self.plan.relations[relation].keep else {
            return false;
        };
        let column = keep.column as usize;
        let ty = self.plan.relations[relation].columns[column];
        let rows = self.relations[relation].rows.iter().enumerate();
        rows.into_iter().any(|(number, other)| {
            let same = (0..row.len()).all(|it| it == column || row[it] == other[it]);
            let certain = self.recorder.as_ref().is_none_or(|recorder| {
                let tuple = recorder.tuples[relation][number];
                recorder.trace.certain[tuple.index()]
            });
            let ordering = compare(ty, other[column], row[column], self.symbols);
            let ordering = if keep.greatest {
                ordering.reverse()
            } else {
                ordering
            };
            same && certain && ordering.is_lt()
        })
    }

    fn insert(&mut self, relation: usize, row: &[Word]) -> (u32, bool) {
        let Relation { rows, numbers } = &mut self.relations[relation];
        if let Some(&number) = numbers.get(row) {
            return (number, false);
        }
        let number = rows.len() as u32;
        rows.push(row.into());
        numbers.insert(row.into(), number);
        if let Some(recorder) = &mut self.recorder {
            recorder.add_tuple(relation, number, false);
        }
        (number, true)
    }

    fn rows(&self, relation: usize) -> Rows {
        let mut rows = Rows::new(self.plan.relations[relation].columns.len());
        self.relations[relation]
            .rows
            .iter()
            .for_each(|row| rows.push(row));
        rows
    }

    fn table(&self, relation: usize) -> Table {
        let mut fresh = Fresh::new(self.plan.relations[relation].columns.len(), true);
        let none = Rows::new(fresh.rows.arity());
        self.relations[relation].rows.iter().for_each(|row| {
            fresh.insert(&none, row);
        });
        Table::new(fresh.rows, fresh.members)
    }
}
