//! Predicates, one call after the other.

use nsdl_ir::{Column, Step, Word};

use super::{Ground, Naive};
use crate::limits::Stop;

impl Naive<'_> {
    /// All ways to satisfy the steps from a predicate on.
    pub(super) fn foreign(
        &mut self,
        rule: usize,
        step: &Step,
        rest: &[Step],
        mut ground: Ground,
        found: &mut Vec<Ground>,
    ) -> Result<(), Stop> {
        let Step::Foreign {
            predicate,
            relation,
            mode,
            columns,
            negated,
        } = step
        else {
            return Ok(());
        };
        let relation_ = relation.index();
        let mut key = vec![*mode as Word];
        let needed = columns.iter().enumerate();
        let needed = needed.filter(|(column, _)| predicate.needs(*mode, *column));
        key.extend(needed.map(|(_, column)| match *column {
            Column::Const(word) => word,
            Column::Bind(slot) | Column::Check(slot) => ground.slots[slot.index()],
            Column::Any => 0,
        }));
        if predicate.volatile {
            // The same rule is run again and again: a call is one for each way to come to it.
            key.push(rule as Word);
            key.push(rest.len() as Word);
            key.extend(&ground.slots);
        }
        let rows = self.results.ask(
            relation_,
            &key,
            self.symbols,
            &self.budget,
            self.recorder.as_mut(),
        )?;
        let rows = match rows {
            Ok(rows) => rows,
            Err(text) => {
                let span = self.plan.rules[rule].span;
                let site = self.sites.foreign(span, *relation);
                let kind = crate::FailureKind::Foreign(text);
                self.failures.add(site, span, kind, key.into());
                return Ok(());
            }
        };
        for &row in rows.iter() {
            let mut next = ground.clone();
            if !self
                .results
                .matches(relation_, row, columns, &mut next.slots)
            {
                continue;
            }
            let uncertain = self.recorder.as_ref().map(|recorder| {
                let tuple = recorder.tuples[relation_][row as usize];
                (!recorder.trace.certain[tuple.index()]).then_some(tuple)
            });
            match (uncertain.flatten(), negated) {
                (None, true) => return Ok(()),
                (Some(tuple), true) => ground.negatives.push(tuple),
                (tuple, false) => {
                    next.results.extend(tuple);
                    self.bodies(rule, rest, next, found)?;
                }
            }
        }
        if *negated {
            self.bodies(rule, rest, ground, found)?;
        }
        Ok(())
    }
}
