//! Aggregates, over all members at once.

use super::*;

impl Naive<'_> {
    pub(super) fn aggregate(&mut self, id: AggregateId) -> Result<(), Stop> {
        let aggregate = &self.plan.aggregates[id.index()];
        let (members, output) = (aggregate.members.index(), aggregate.output.index());
        let (rows, groups) = (
            self.rows(members),
            aggregate.groups.map(|groups| self.rows(groups.index())),
        );
        let types = &self.plan.relations[members].columns;
        let weights = match &self.recorder {
            Some(recorder) if aggregate.op.reads_weights() => {
                let marginals = self.options.marginals.as_deref();
                Some(weights(aggregate, recorder, marginals)?)
            }
            _ => None,
        };
        let budget = self.budget.clone();
        let size = self.recorder.as_ref().map_or(0, Recorder::size);
        let input = Input {
            aggregate,
            id,
            types,
            symbols: self.symbols,
            members: &rows,
            groups: groups.as_ref(),
            weights: weights.as_deref(),
            seed: self.options.seed,
            steps: budget.limits.instances.saturating_sub(size),
            budget: &budget,
            registry: &self.options.registry,
        };
        let Some(recorder) = &self.recorder else {
            for row in input.reduce(&mut self.failures)? {
                self.insert(output, &row);
            }
            return Ok(());
        };
        let certain = recorder.trace.certain.clone();
        let tuples = |relation: usize| recorder.tuples[relation].clone();
        let (member_tuples, group_tuples) = (
            tuples(members),
            aggregate
                .groups
                .map_or(Vec::new(), |groups| tuples(groups.index())),
        );
        let traced = Traced {
            input,
            members: &member_tuples,
            groups: &group_tuples,
            certain: &certain,
            one_world: recorder.is_one_world(),
        };
        let mut failures = std::mem::take(&mut self.failures);
        let mut derive = |row: &[Word], certain: bool| {
            let (row, _) = self.insert(output, row);
            match &mut self.recorder {
                Some(recorder) => {
                    let tuple = recorder.tuples[output][row as usize];
                    recorder.trace.certain[tuple.index()] |= certain;
                    tuple
                }
                None => TupleId::default(),
            }
        };
        let outcome = traced.run(&mut derive, &mut failures);
        self.failures = failures;
        let found = outcome?;
        if let Some(recorder) = &mut self.recorder {
            recorder.add_aggregate(id, found);
        }
        Ok(())
    }
}
