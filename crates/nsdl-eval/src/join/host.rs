//! Joins with calls of the host program, and of nsdl's own predicates.

use super::{Absence, Join, Sink, Task};
use crate::FailureKind;
use crate::batch::Pending;
use crate::limits::Stop;
use crate::order::{Foreign, Op, operand};

impl<'a, S: Sink> Join<'a, S> {
    /// A predicate: one way on for each result, or, negated, for there being none.
    pub(super) fn foreign(&mut self, at: usize, call: &'a Foreign) -> Result<bool, Stop> {
        self.set_key(&call.inputs);
        self.key.insert(0, call.mode);
        let recorder = self.sink.recorder();
        let rows = self.results.ask(
            call.relation,
            &self.key,
            self.symbols,
            self.budget,
            recorder,
        )?;
        let rows = match rows {
            Ok(rows) => rows,
            Err(text) => {
                let kind = FailureKind::Foreign(text);
                let operands = self.key.as_slice().into();
                self.failures.add(call.site, call.span, kind, operands);
                return Ok(false);
            }
        };
        let (positives, negatives) = (self.positives.len(), self.negatives.len());
        let mut emitted = false;
        for &row in rows.iter() {
            self.count()?;
            let Self { results, slots, .. } = self;
            if !results.matches(call.relation, row, &call.columns, slots) {
                continue;
            }
            match (self.sink.absence(call.relation, row), call.negated) {
                (Absence::Never, true) => {
                    self.negatives.truncate(negatives);
                    return Ok(false);
                }
                (Absence::Unless(tuple), true) => self.negatives.push(tuple),
                (Absence::Always, true) => {}
                (absence, false) => {
                    if let Absence::Unless(tuple) = absence {
                        self.positives.push(tuple);
                    }
                    emitted |= self.step(at + 1)?;
                    self.positives.truncate(positives);
                }
            }
        }
        if call.negated {
            emitted = self.step(at + 1)?;
            self.negatives.truncate(negatives);
        }
        Ok(emitted)
    }

    /// The calls that the operation at `point` will make; gives the sink back.
    pub(crate) fn gather(mut self, point: usize) -> Result<(Pending, S), Stop> {
        self.collect = Some((point, Pending::default()));
        self.step(0)?;
        self.look()?;
        let pending = self.collect.map(|(_, pending)| pending);
        Ok((pending.unwrap_or_default(), self.sink))
    }

    /// Notes the calls of the operation at `at`.
    pub(super) fn note(&mut self, at: usize) {
        let order = self.order;
        let mut key = std::mem::take(&mut self.key);
        if let Some((_, pending)) = &mut self.collect {
            let (slots, symbols) = (&self.slots, self.symbols);
            match order.ops.get(at) {
                Some(Op::Foreign(call)) => {
                    key.clear();
                    key.push(call.mode);
                    key.extend(call.inputs.iter().map(|&input| operand(input, slots)));
                    pending.ask(call.relation, &key);
                }
                Some(Op::Filter(code) | Op::Let { value: code, .. }) => {
                    pending.gather(&code.code, slots, symbols);
                }
                Some(_) => {}
                None => {
                    for arg in &order.args {
                        pending.gather(&arg.code, slots, symbols);
                    }
                }
            }
        }
        self.key = key;
    }
}

/// Runs a join order. Calls that are to be made in batches are collected first, by a run up to each of them.
pub(crate) fn run<S: Sink>(task: Task<'_>, mut sink: S) -> Result<(), Stop> {
    let Task {
        frozen,
        order,
        symbols,
        budget,
        failures,
        results,
        met,
    } = task;
    for &(point, relation) in &order.batches {
        if relation.is_some_and(|relation| !results.is_batched(relation)) {
            continue;
        }
        let task = Task {
            frozen,
            order,
            symbols,
            budget,
            failures: &mut *failures,
            results: &mut *results,
            met: &mut *met,
        };
        let pending;
        (pending, sink) = Join::new(task, sink).gather(point)?;
        pending.fetch(results, symbols, budget, sink.recorder())?;
    }
    let task = Task {
        frozen,
        order,
        symbols,
        budget,
        failures,
        results,
        met,
    };
    Join::new(task, sink).run()
}
