//! Aggregates of certain members.

use nsdl_ir::{AggregateOp, Word};

use super::best::Best;
use super::fold::Fold;
use super::{GroupRows, Input};
use crate::failure::Failures;
use crate::limits::Stop;

impl Input<'_> {
    /// The rows of the output.
    pub(crate) fn reduce(&self, failures: &mut Failures) -> Result<Vec<Vec<Word>>, Stop> {
        let mut rows = Vec::new();
        for group in self.group() {
            let results = self.results(&group, failures)?;
            rows.extend(
                results
                    .into_iter()
                    .map(|result| [group.key, &result].concat()),
            );
        }
        Ok(rows)
    }

    /// What a group gives if all its members hold.
    pub(super) fn results(
        &self,
        group: &GroupRows<'_>,
        failures: &mut Failures,
    ) -> Result<Vec<Vec<Word>>, Stop> {
        let (count, exists) = (
            group.members.len(),
            self.exist_empty() || !group.members.is_empty(),
        );
        Ok(match self.aggregate.op {
            AggregateOp::StringJoin if self.aggregate.all => {
                let texts = self.paths(&group.members)?.texts;
                texts.into_iter().map(|text| vec![text]).collect()
            }
            AggregateOp::Foreign(signature) => {
                let result = match exists {
                    true => self.foreign(signature, &group.members, failures),
                    false => None,
                };
                result.map(|word| vec![word]).into_iter().collect()
            }
            AggregateOp::Count => exists.then(|| vec![count as Word]).into_iter().collect(),
            AggregateOp::Exists => exists
                .then(|| vec![Word::from(count > 0)])
                .into_iter()
                .collect(),
            AggregateOp::Sum | AggregateOp::Prod | AggregateOp::Avg | AggregateOp::StringJoin => {
                let fold = Fold::new(self);
                let members = fold.in_order(&group.members).into_iter();
                let last =
                    members.fold(fold.start(), |state, row| fold.add(state, fold.value(row)));
                match fold.finish(last) {
                    Ok(result) => result.map(|word| vec![word]).into_iter().collect(),
                    Err(kind) => {
                        failures.count(self.aggregate.span, kind);
                        Vec::new()
                    }
                }
            }
            AggregateOp::Sort | AggregateOp::Argsort | AggregateOp::Enumerate => {
                let sorted = self.sorted(&group.members);
                let placed = (0..).zip(sorted);
                placed
                    .map(|(position, row)| self.placed(position, row))
                    .collect()
            }
            AggregateOp::Min | AggregateOp::Max | AggregateOp::Argmin | AggregateOp::Argmax => {
                let best = Best::new(self);
                let Some(winner) = group
                    .members
                    .iter()
                    .copied()
                    .min_by(|&a, &b| best.compare(a, b))
                else {
                    return Ok(Vec::new());
                };
                let ties = group
                    .members
                    .iter()
                    .filter(|&&row| best.compare(row, winner).is_eq());
                ties.map(|&row| best.result(row).to_vec()).collect()
            }
            AggregateOp::WeightedSum
            | AggregateOp::WeightedAvg
            | AggregateOp::Rank
            | AggregateOp::Top
            | AggregateOp::Unique
            | AggregateOp::Uniform
            | AggregateOp::Categorical
            | AggregateOp::Normalize
            | AggregateOp::Softmax
            | AggregateOp::Disjunct => self.weigh(group, failures)?.results(),
        })
    }
}
