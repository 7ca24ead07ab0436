//! Aggregates that read how probable their members are (SEMANTICS.md 4a).
//!
//! What they read is found by enumerating all worlds once for each, lower ones first: one whose weights are not
//! known yet has no results, and nothing that depends on it is asked for.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::aggregate::{Groups, members};
use super::solve::{Scope, Step};
use super::world::{Outcome, Variable};
use super::{Reduction, Tuple};

/// The probability of each member of each group.
pub type Weights = BTreeMap<Tuple, BTreeMap<Tuple, f64>>;

/// The weights known so far, by number of the aggregate.
pub type Known = BTreeMap<usize, Weights>;

/// The results that hold in a world, by group, where `choose` tells the outcome of the variables that it makes.
pub fn results(
    scope: &Scope<'_>,
    groups: &Groups,
    known: &Known,
    choose: &dyn Fn(&Variable, &[f64]) -> Outcome,
) -> Vec<(Tuple, Vec<Tuple>)> {
    let Some(known) = known.get(&groups.id) else {
        return Vec::new();
    };
    let op = groups.aggregate.op;
    if matches!(op, Reduction::Normalize | Reduction::Softmax) {
        let drawn = known.iter().map(|(key, members)| {
            let (members, shares): (Vec<&Tuple>, Vec<f64>) =
                shares(op, members).into_iter().unzip();
            if shares.is_empty() {
                return (key.clone(), Vec::new());
            }
            let variable = Variable::Aggregate(groups.id, key.clone());
            let outcome = choose(&variable, &shares);
            let held = members.into_iter().enumerate();
            let held = held.filter(|(alternative, _)| outcome.has(*alternative));
            (
                key.clone(),
                held.map(|(_, member)| member.clone()).collect(),
            )
        });
        return drawn.collect();
    }
    let chosen = members(scope, groups).into_iter().map(|(key, held)| {
        let weights = known.get(&key).cloned().unwrap_or_default();
        let chosen = chosen(op, &weights).into_iter();
        let chosen = chosen.filter(|(member, _)| held.members.contains_key(*member));
        (key, chosen.map(|(_, result)| result).collect())
    });
    chosen.collect()
}

/// What `normalize` and `softmax` make of the weights of the members: those of a new variable.
pub fn shares(op: Reduction, members: &BTreeMap<Tuple, f64>) -> Vec<(&Tuple, f64)> {
    let part = |weight: f64| match op {
        Reduction::Softmax => weight.exp(),
        _ => weight,
    };
    let possible = members.iter().filter(|(_, weight)| **weight > 0.0);
    let parts: Vec<(&Tuple, f64)> = possible
        .map(|(member, weight)| (member, part(*weight)))
        .collect();
    let sum: f64 = parts.iter().map(|(_, part)| part).sum();
    let shares = parts.into_iter().map(|(member, part)| (member, part / sum));
    shares.collect()
}

/// The members that `rank` and `top` choose, each with the result that it gives.
pub fn chosen(op: Reduction, members: &BTreeMap<Tuple, f64>) -> Vec<(&Tuple, Tuple)> {
    let mut order: Vec<(&Tuple, f64)> = members
        .iter()
        .map(|(member, weight)| (member, *weight))
        .collect();
    // Stable: equally probable ones stay in order of value.
    order.sort_by(|a, b| heavier(a.1, b.1));
    let placed = (0..).zip(order);
    let shown = placed.filter_map(|(position, (member, _))| match op {
        Reduction::Rank => Some((member, [vec![position], member.clone()].concat())),
        _ => (position < 2).then(|| (member, member.clone())),
    });
    shown.collect()
}

/// The heavier first; rounding, and what an iteration on a cycle leaves, decide nothing.
fn heavier(a: f64, b: f64) -> Ordering {
    match (a - b).abs() <= 1e-9 * a.max(b) {
        true => Ordering::Equal,
        false => b.total_cmp(&a),
    }
}

/// Numbers the aggregates of some steps from `next` on; adds those that read weights.
pub fn number(steps: &mut [Step], next: &mut usize, found: &mut Vec<Groups>) {
    for step in steps {
        match step {
            Step::Aggregate(groups) => {
                number(&mut groups.body, next, found);
                if let Some(explicit) = &mut groups.explicit {
                    number(explicit, next, found);
                }
                groups.id = *next;
                *next += 1;
                if groups.aggregate.op.reads_weights() {
                    found.push(groups.clone());
                }
            }
            Step::Or(parts) => parts.iter_mut().for_each(|part| number(part, next, found)),
            Step::Atom(_)
            | Step::Not(_)
            | Step::Compare(..)
            | Step::Let(..)
            | Step::Take(..)
            | Step::Range(..) => {}
        }
    }
}
