//! Recursive strata with tags: rows are joined when they are settled, from the best tags downwards.
//!
//! An algebra that allows this is idempotent, so an instance may come again: atoms beside the one that ranges over
//! what was settled last range over all rows.

use nsdl_ir::Stratum;

use super::Engine;
use crate::limits::Stop;
use crate::order::Order;

impl Engine<'_> {
    /// Brings a stratum to its least fixpoint.
    pub(super) fn settle(&mut self, stratum: &Stratum) -> Result<(), Stop> {
        let relations: Vec<usize> = stratum.relations.iter().map(|it| it.index()).collect();
        for &relation in &relations {
            if let Some(carrier) = &mut self.carrier
                && self.compiler.tagged[relation]
            {
                carrier.begin(relation);
                self.settled[relation] = Some((0..self.rows[relation].len() as u32).collect());
            }
        }
        let (first, later) = self.orders(stratum, true);
        self.pass(&relations, &first)?;
        while self.list(&relations) {
            self.rounds += 1;
            if self.rounds > self.budget.limits.rounds {
                return Err(Stop::Rounds);
            }
            self.pass(&relations, &later)?;
        }
        for relation in relations {
            self.settled[relation] = None;
        }
        Ok(())
    }

    /// Runs some orders over what is listed.
    fn pass(&mut self, relations: &[usize], orders: &[Order]) -> Result<(), Stop> {
        for order in orders {
            if order
                .delta
                .is_none_or(|relation| !self.listed[relation].is_empty())
            {
                self.rule(order)?;
            }
        }
        for &relation in relations {
            self.commit(relation);
            let listed = self.listed[relation].as_slice();
            if let Some(carrier) = &mut self.carrier
                && self.settled[relation].is_some()
            {
                let fresh = &mut self.fresh[relation];
                carrier.finish(relation, listed, fresh.skips());
                if fresh.skips() {
                    for &row in listed {
                        fresh.finish(self.rows[relation].row(row));
                    }
                }
            }
        }
        Ok(())
    }

    /// Lists what to join next: new rows without tags, or else the rows of the best level; false if there are none.
    fn list(&mut self, relations: &[usize]) -> bool {
        let mut any = false;
        for &relation in relations {
            let listed = &mut self.listed[relation];
            listed.clear();
            if self.settled[relation].is_none() {
                listed.extend(self.old[relation]..self.rows[relation].len() as u32);
                any |= !listed.is_empty();
            }
        }
        match &mut self.carrier {
            Some(carrier) if !any => carrier.settle(&mut self.listed, &mut self.settled),
            _ => any,
        }
    }
}
