//! One run of a join order: whichever sink the mode asks for.

use std::mem;

use super::Engine;
use crate::carry::Head;
use crate::join::{self, Frozen, Task};
use crate::limits::Stop;
use crate::order::Order;
use crate::plain::Plain;
use crate::trace::Record;

impl Engine<'_> {
    pub(super) fn rule(&mut self, order: &Order) -> Result<(), Stop> {
        for &(index, relation) in &order.indexes {
            let settled = self.settled[relation].as_deref();
            self.indexes.extend(index, &self.rows[relation], settled);
        }
        let mut fresh = mem::take(&mut self.fresh[order.head]);
        let known = fresh.rows.len();
        let mut keyed = self.keyed[order.head].take();
        let before = self.tuples - known;
        let task = Task {
            frozen: Frozen {
                rows: &self.rows,
                fresh: &self.fresh,
                indexes: &self.indexes,
                old: &self.old,
                listed: &self.listed,
            },
            order,
            symbols: self.symbols,
            budget: &self.budget,
            failures: &mut self.failures,
            results: &mut self.results,
            met: &mut self.met,
        };
        let rule = &self.plan.rules[order.rule];
        let old = &self.rows[order.head];
        let outcome = if let Some(recorder) = &mut self.recorder {
            let count = recorder.trace.instances.len();
            let sink = Record {
                recorder,
                old,
                fresh: &mut fresh,
                symbols: self.symbols,
                head: order.head,
                number: order.rule,
                rule,
                atoms: &order.atoms,
                keyed: keyed.as_mut(),
                improved: &mut self.improved,
                rows: &self.rows,
                others: &self.keyed,
            };
            let outcome = join::run(task, sink);
            self.derived[order.rule] += recorder.trace.instances.len() - count;
            outcome
        } else {
            let outcome = match &mut self.carrier {
                Some(carrier) if order.tags => {
                    let tagged = self.compiler.tagged[order.head];
                    let choice = rule.tag.filter(|_| tagged).and_then(|tag| {
                        let (weights, constant) = self.choices.get(tag.choice.index())?;
                        Some((weights, tag.alternative as usize, *constant))
                    });
                    let head = Head {
                        tagged,
                        recursive: self.settled[order.head].is_some(),
                        old,
                        fresh: &mut fresh,
                        before,
                        choice,
                    };
                    carrier.run(task, head)
                }
                _ => {
                    let sink = Plain {
                        old,
                        fresh: &mut fresh,
                        before,
                        head: vec![0; old.arity()],
                        keyed: keyed.as_mut(),
                        symbols: self.symbols,
                    };
                    join::run(task, sink)
                }
            };
            self.derived[order.rule] += fresh.rows.len() - known;
            outcome
        };
        self.tuples = before + fresh.rows.len();
        self.fresh[order.head] = fresh;
        self.keyed[order.head] = keyed;
        if self.extents.makes(order.rule) {
            for number in known..self.fresh[order.head].rows.len() {
                let row = self.fresh[order.head].rows.row(number as u32).to_vec();
                self.terms(order.head, &row);
            }
        }
        outcome.map_err(|stop| stop.by(order.rule))
    }
}
