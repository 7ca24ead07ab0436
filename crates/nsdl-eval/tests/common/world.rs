//! Reads a trace in one world, and in all.

use std::collections::BTreeSet;

use super::*;

/// The tuples that hold when these leaves do.
pub fn model(plan: &Plan, trace: &Trace, leaves: &[bool]) -> Vec<bool> {
    let mut holds = vec![false; trace.tuples.len()];
    let relation = |tuple: TupleId| trace.tuples[tuple.index()].0;
    for stratum in &plan.strata {
        let here = |tuple: TupleId| stratum.relations.contains(&relation(tuple));
        for group in &trace.aggregates {
            if stratum.aggregates.contains(&group.aggregate)
                && group.group.is_none_or(|tuple| holds[tuple.index()])
            {
                for tuple in results(group, &holds) {
                    holds[tuple.index()] = true;
                }
            }
        }
        loop {
            let before = holds.iter().filter(|&&held| held).count();
            for instance in trace
                .instances
                .iter()
                .filter(|instance| here(instance.head))
            {
                let leaf = instance.leaf.is_none_or(|leaf| leaves[leaf.index()]);
                let body = |literal: &Literal| holds[literal.tuple.index()] != literal.negated;
                holds[instance.head.index()] |= leaf && trace.body(instance).iter().all(body);
            }
            if holds.iter().filter(|&&held| held).count() == before {
                break;
            }
        }
    }
    holds
}

fn results(group: &AggregateInstance, holds: &[bool]) -> Vec<TupleId> {
    let held: Vec<bool> = group
        .members
        .iter()
        .map(|member| holds[member.index()])
        .collect();
    match &group.kind {
        AggregateKind::Count { results } => results[held.iter().filter(|&&held| held).count()]
            .into_iter()
            .collect(),
        AggregateKind::Sum {
            values,
            least,
            nonempty,
            results,
        } => {
            let chosen = values.iter().zip(&held).filter(|(_, held)| **held);
            let sum: i64 = chosen.map(|(value, _)| value).sum();
            let some = !nonempty || held.contains(&true);
            let result = results[(sum - least) as usize].filter(|_| some);
            result.into_iter().collect()
        }
        AggregateKind::Fold { levels, results } => {
            let state = levels
                .iter()
                .zip(&held)
                .fold(0, |state: u32, (level, &held)| {
                    let step = level[state as usize];
                    if held { step.present } else { step.absent }
                });
            results[state as usize].into_iter().collect()
        }
        AggregateKind::Best { members } => {
            let held = || {
                members
                    .iter()
                    .zip(&held)
                    .filter(|(_, held)| **held)
                    .map(|(member, _)| member)
            };
            let best = held().map(|member| member.rank).min();
            held()
                .filter(|member| Some(member.rank) == best)
                .map(|member| member.result)
                .collect()
        }
        AggregateKind::Paths { levels, results } => {
            let mut reached = BTreeSet::from([0]);
            for level in levels {
                let steps = level
                    .iter()
                    .filter(|step| reached.contains(&step.from) && held[step.member as usize]);
                reached = steps.map(|step| step.to).collect();
            }
            let ends = reached.into_iter();
            ends.map(|state| results[state as usize]).collect()
        }
        AggregateKind::Exists { some, none } => if held.contains(&true) { *some } else { *none }
            .into_iter()
            .collect(),
    }
}

/// The rows of each relation that hold.
pub fn rows(plan: &Plan, evaluation: &Evaluation, holds: &[bool]) -> Vec<BTreeSet<Vec<Word>>> {
    let trace = evaluation.trace.as_ref().unwrap();
    let mut rows = vec![BTreeSet::new(); plan.relations.len()];
    for (&(relation, row), _) in trace.tuples.iter().zip(holds).filter(|(_, held)| **held) {
        rows[relation.index()].insert(evaluation.tables[relation.index()].row(row).to_vec());
    }
    rows
}

/// Calls `visit` with each world, as the leaves that hold, and its weight.
pub fn each(trace: &Trace, visit: &mut dyn FnMut(&[bool], f64)) {
    let mut leaves = vec![false; trace.leaves.len()];
    choose(trace, 0, &mut leaves, 1.0, visit);
}

fn choose(
    trace: &Trace,
    group: usize,
    leaves: &mut Vec<bool>,
    weight: f64,
    visit: &mut dyn FnMut(&[bool], f64),
) {
    let Some(Group { start, end }) = trace.groups.get(group) else {
        return visit(leaves, weight);
    };
    let mut none = 1.0;
    for leaf in *start as usize..*end as usize {
        none -= trace.leaves[leaf].weight;
        leaves[leaf] = true;
        choose(
            trace,
            group + 1,
            leaves,
            weight * trace.leaves[leaf].weight,
            visit,
        );
        leaves[leaf] = false;
    }
    choose(trace, group + 1, leaves, weight * none, visit);
}
