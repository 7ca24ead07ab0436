//! Aggregates in one world (SEMANTICS.md 4).

use std::collections::{BTreeMap, BTreeSet};

use super::solve::{Binding, Scope, Step};
use super::{Aggregate, Reduction, Tuple, Var, number, text};

/// An aggregate ready to be evaluated.
#[derive(Clone, Debug)]
pub struct Groups {
    /// Its number among those of the program; those in its own body come before it.
    pub id: usize,
    /// As written.
    pub aggregate: Aggregate,
    /// The variables that tell groups apart.
    pub keys: Vec<Var>,
    /// Its body, ordered.
    pub body: Vec<Step>,
    /// The body of `where`, ordered.
    pub explicit: Option<Vec<Step>>,
}

/// A group of an aggregate.
#[derive(Clone, Debug)]
pub struct Group {
    /// The tag of its existence.
    pub tag: f64,
    /// Its members, distinct values of arguments and bindings, with their tags.
    pub members: BTreeMap<Tuple, f64>,
}

/// The group variables that are bound, and their values.
type Keys = Vec<(Var, i64)>;

/// Each group that exists.
pub fn members(scope: &Scope<'_>, groups: &Groups) -> BTreeMap<Tuple, Group> {
    let mut found: BTreeMap<(Keys, Tuple), Vec<f64>> = BTreeMap::new();
    let columns: Vec<Var> = groups
        .aggregate
        .arguments
        .iter()
        .chain(&groups.aggregate.bindings)
        .copied()
        .collect();
    scope.solve(&groups.body, &Binding::new(), &[], &mut |binding, tags| {
        let member = columns.iter().filter_map(|&var| binding.get(var)).collect();
        let keys = groups.keys.iter();
        let keys: Keys = keys
            .filter_map(|&var| Some((var, binding.get(var)?)))
            .collect();
        let tag = scope.meaning.all(tags);
        found.entry((keys, member)).or_default().push(tag);
    });
    let found = found
        .into_iter()
        .map(|((keys, member), tags)| (keys, member, scope.meaning.any(&tags)));
    let mut all: BTreeMap<Tuple, Group> = BTreeMap::new();
    let new = |tag| Group {
        tag,
        members: BTreeMap::new(),
    };
    match &groups.explicit {
        Some(explicit) => {
            let mut exist: BTreeMap<Tuple, (Binding, Vec<f64>)> = BTreeMap::new();
            scope.solve(explicit, &Binding::new(), &[], &mut |binding, tags| {
                let key: Tuple = groups
                    .keys
                    .iter()
                    .filter_map(|&var| binding.get(var))
                    .collect();
                let of = exist.entry(key).or_insert((binding.clone(), Vec::new()));
                of.1.push(scope.meaning.all(tags));
            });
            let found: Vec<_> = found.collect();
            for (key, (binding, tags)) in exist {
                // A group variable that the body does not mention leaves it the same in every group.
                let same = |keys: &[(Var, i64)]| {
                    keys.iter()
                        .all(|&(var, value)| binding.get(var) == Some(value))
                };
                let held = found.iter().filter(|(keys, ..)| same(keys));
                let mut group = new(scope.meaning.any(&tags));
                group
                    .members
                    .extend(held.map(|(_, member, tag)| (member.clone(), *tag)));
                all.insert(key, group);
            }
        }
        None => {
            if groups.keys.is_empty() {
                all.insert(Tuple::new(), new(scope.meaning.all(&[])));
            }
            for (keys, member, tag) in found {
                let mut keys = keys;
                keys.sort_unstable();
                let key = keys.into_iter().map(|(_, value)| value).collect();
                let group = all
                    .entry(key)
                    .or_insert_with(|| new(scope.meaning.all(&[])));
                group.members.insert(member, tag);
            }
        }
    }
    all
}

/// The results of a group: arguments come first in each member.
pub fn results(op: Reduction, arguments: usize, members: &BTreeSet<Tuple>) -> Vec<Tuple> {
    // Members are in order of arguments, then of values.
    let best = |greatest: bool| {
        let values = members.iter().map(|member| &member[arguments..]);
        let best = if greatest { values.max() } else { values.min() };
        members
            .iter()
            .filter(move |member| Some(&member[arguments..]) == best)
    };
    let distinct = |tuples: Vec<Tuple>| {
        tuples
            .into_iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    };
    match op {
        Reduction::Count => vec![vec![members.len() as i64]],
        Reduction::Sum => {
            let sum: i64 = members.iter().map(|member| member[arguments]).sum();
            if i32::try_from(sum).is_ok() {
                vec![vec![sum]]
            } else {
                Vec::new()
            }
        }
        Reduction::Prod => {
            let factors = || members.iter().map(|member| member[arguments]);
            let product = match factors().any(|factor| factor == 0) {
                true => Some(0),
                false => factors().try_fold(1, i64::checked_mul),
            };
            let fits = product.filter(|&product| i32::try_from(product).is_ok());
            fits.map(|product| vec![vec![product]]).unwrap_or_default()
        }
        Reduction::Avg => {
            let sum: i64 = members.iter().map(|member| member[arguments]).sum();
            let mean = sum.checked_div(members.len() as i64);
            mean.map(|mean| vec![vec![mean]]).unwrap_or_default()
        }
        Reduction::StringJoin => {
            let texts: Vec<String> = members
                .iter()
                .map(|member| text(member[arguments]))
                .collect();
            let separator = if arguments == 0 { "," } else { "" };
            let joined = number(&texts.join(separator));
            joined.map(|joined| vec![vec![joined]]).unwrap_or_default()
        }
        Reduction::Sort | Reduction::Argsort => {
            let mut sorted: Vec<&Tuple> = members.iter().collect();
            // The greatest first; stable, so that ties stay in order of arguments.
            sorted.sort_by(|a, b| b[arguments..].cmp(&a[arguments..]));
            let shown = |member: &Tuple| match op {
                Reduction::Argsort => member[..arguments].to_vec(),
                _ => member.clone(),
            };
            let placed = (0..).zip(sorted);
            placed
                .map(|(position, member)| [vec![position], shown(member)].concat())
                .collect()
        }
        Reduction::Enumerate => {
            let placed = (0..).zip(members);
            placed
                .map(|(position, member)| [vec![position], member.clone()].concat())
                .collect()
        }
        Reduction::Rank | Reduction::Top | Reduction::Normalize | Reduction::Softmax => {
            unreachable!("these read weights")
        }
        Reduction::Exists => vec![vec![i64::from(!members.is_empty())]],
        Reduction::Min => distinct(best(false).cloned().collect()),
        Reduction::Max => distinct(best(true).cloned().collect()),
        Reduction::Argmin => distinct(
            best(false)
                .map(|member| member[..arguments].to_vec())
                .collect(),
        ),
        Reduction::Argmax => distinct(
            best(true)
                .map(|member| member[..arguments].to_vec())
                .collect(),
        ),
    }
}
