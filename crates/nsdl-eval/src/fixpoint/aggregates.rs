//! The aggregates of a stratum: they read earlier strata only, so each runs once, before the rules.

use std::mem;

use nsdl_ir::{AggregateId, TupleId};

use super::Engine;
use crate::aggregate::{Input, Traced, weights};
use crate::limits::Stop;
use crate::trace::Recorder;

impl Engine<'_> {
    pub(super) fn aggregate(&mut self, id: AggregateId) -> Result<(), Stop> {
        let aggregate = &self.plan.aggregates[id.index()];
        let (members, output) = (aggregate.members.index(), aggregate.output.index());
        let weights = match &self.recorder {
            Some(recorder) if aggregate.op.reads_weights() => {
                Some(weights(aggregate, recorder, self.marginals.as_deref())?)
            }
            _ => None,
        };
        let size = self.recorder.as_ref().map_or(0, Recorder::size);
        let mut fresh = mem::take(&mut self.fresh[output]);
        let input = Input {
            aggregate,
            id,
            types: &self.plan.relations[members].columns,
            symbols: self.symbols,
            members: &self.rows[members],
            groups: aggregate.groups.map(|groups| &self.rows[groups.index()]),
            weights: weights.as_deref(),
            seed: self.seed,
            steps: self.budget.limits.instances.saturating_sub(size),
            budget: &self.budget,
            registry: &self.registry,
        };
        let old = &self.rows[output];
        match &mut self.recorder {
            None => {
                for row in input.reduce(&mut self.failures)? {
                    fresh.insert(old, &row);
                }
            }
            Some(recorder) => {
                // The tuples it reads are of earlier strata: they do not change while results are added.
                let mut results = mem::take(&mut recorder.tuples[output]);
                let mut new: Vec<bool> = Vec::new();
                let first = recorder.trace.tuples.len();
                let traced = Traced {
                    input,
                    members: &recorder.tuples[members],
                    groups: aggregate
                        .groups
                        .map_or(&[][..], |groups| &recorder.tuples[groups.index()]),
                    certain: &recorder.trace.certain,
                    one_world: recorder.is_one_world(),
                };
                let mut derive = |row: &[u64], certain: bool| {
                    let (row, is_new) = fresh.intern(old, row);
                    if is_new {
                        results.push(TupleId::new(first + new.len()));
                        new.push(certain);
                    } else if let Some(flag) = results[row as usize].index().checked_sub(first) {
                        new[flag] |= certain;
                    }
                    results[row as usize]
                };
                let found = traced.run(&mut derive, &mut self.failures)?;
                recorder.tuples[output] = Vec::with_capacity(results.len());
                let known = results.len() - new.len();
                recorder.tuples[output].extend_from_slice(&results[..known]);
                for (offset, certain) in new.into_iter().enumerate() {
                    recorder.add_tuple(output, (known + offset) as u32, certain);
                }
                recorder.add_aggregate(id, found);
            }
        }
        self.tuples += fresh.rows.len();
        self.fresh[output] = fresh;
        self.commit(output);
        self.check()
    }
}
