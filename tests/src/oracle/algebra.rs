//! The algebras of SEMANTICS.md 5, by naive iteration over all bindings. Nothing is written more cleverly than
//! the definition: an aggregate is the ⊕, over all sets of its members, of the ⊗ of members and complements.
//! What follows from untagged facts alone is certain, whatever the algebra: its tag is [`CERTAIN`] in here.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::{Program, Reduction, Tuple};

use super::aggregate::{Group, Groups, members, results};
use super::solve::{Binding, Meaning, Model, PATIENCE, Scope};
use super::weights::{chosen, shares};
use super::world::{Invalid, MOST_ROWS, Ready, row};

/// An algebra over numbers.
#[derive(Clone, Copy, Debug)]
pub struct Algebra {
    /// Its name.
    pub name: &'static str,
    /// The tag of what cannot be derived.
    pub zero: f64,
    /// The tag of what holds anyhow.
    pub one: f64,
    /// ⊕, of alternatives.
    pub plus: fn(f64, f64) -> f64,
    /// ⊗, of conjuncts.
    pub times: fn(f64, f64) -> f64,
    /// The complement, of negation. Without one there is one world, of all that its tag does not forbid.
    pub complement: Option<fn(f64) -> f64>,
    /// ⊕ of the sets of members that give one result of an aggregate: they exclude each other.
    pub cases: fn(f64, f64) -> f64,
    /// Tags that are no further apart may be so by rounding alone: where an aggregate reads which of them is the
    /// greater, or whether one is 0 or 1, [`Algebra::tags`] declines to say what the program means.
    pub rounding: f64,
}

/// Alternatives by max, conjunction by min.
pub const MIN_MAX: Algebra = Algebra {
    name: "minmaxprob",
    zero: 0.0,
    one: 1.0,
    plus: f64::max,
    times: f64::min,
    complement: Some(|x| 1.0 - x),
    cases: f64::max,
    rounding: 0.0,
};

/// Alternatives by min(1, x + y), conjunction by the product.
pub const ADD_MULT: Algebra = Algebra {
    name: "addmultprob",
    plus: |x, y| (x + y).min(1.0),
    times: |x, y| x * y,
    cases: |x, y| (x + y).min(1.0),
    ..MIN_MAX
};

/// Alternatives by 1 − (1 − x)(1 − y), conjunction by the product.
pub const NAND_MULT: Algebra = Algebra {
    name: "nandmultprob",
    plus: |x, y| 1.0 - (1.0 - x) * (1.0 - y),
    ..ADD_MULT
};

/// Alternatives by max, conjunction by the product.
pub const MAX_MULT: Algebra = Algebra {
    name: "maxmultprob",
    times: |x, y| x * y,
    ..MIN_MAX
};

/// Alternatives by 1 − (1 − x)(1 − y), conjunction by min.
pub const NAND_MIN: Algebra = Algebra {
    name: "nandminprob",
    plus: NAND_MULT.plus,
    ..MIN_MAX
};

/// Alternatives by min(1, x + y), conjunction by max(0, x + y − 1).
pub const LUKASIEWICZ: Algebra = Algebra {
    name: "lukasiewicz",
    plus: ADD_MULT.plus,
    times: |x, y| (x + y - 1.0).max(0.0),
    ..MIN_MAX
};

/// The number of derivation trees.
pub const NATURAL: Algebra = Algebra {
    name: "natural",
    plus: |x, y| x + y,
    times: |x, y| if x == 0.0 || y == 0.0 { 0.0 } else { x * y },
    complement: None,
    ..MIN_MAX
};

/// The cost of the cheapest derivation.
pub const TROPICAL: Algebra = Algebra {
    name: "tropical",
    zero: f64::INFINITY,
    one: 0.0,
    plus: f64::min,
    times: |x, y| x + y,
    complement: None,
    ..MIN_MAX
};

/// The tag of what follows from untagged facts alone: one, and remembered.
const CERTAIN: f64 = -1.0;

/// What still changes after so many rounds more than there are rows never ends, where nothing bounds it.
const PATIENT_ROUNDS: usize = 5;

/// More members have too many sets.
const MOST_MEMBERS: usize = 7;

impl Algebra {
    /// The tags of all tuples, the least fixpoint from zero.
    pub fn tags(&self, program: &Program) -> Result<Model, Invalid> {
        let ready = Ready::new(program)?;
        let mut model: Model = vec![BTreeMap::new(); program.relations.len()];
        for level in 0..=ready.levels.iter().copied().max().unwrap_or(0) {
            let mut last = f64::INFINITY;
            for round in 0.. {
                let mut next = self.round(&ready, level, &model)?;
                let rows: usize = next.iter().map(BTreeMap::len).sum();
                let mut change: f64 = 0.0;
                for (next, model) in next.iter_mut().zip(&model) {
                    for (row, tag) in next {
                        let old = model.get(row).copied();
                        if old == Some(*tag) {
                            continue;
                        }
                        change = change.max(old.map_or(1.0, |old| (old - *tag).abs()));
                        if self.complement.is_none() && round > rows + PATIENT_ROUNDS {
                            *tag = f64::INFINITY;
                        }
                    }
                }
                model = next;
                if change < 1e-13 {
                    break;
                }
                // What grows from next to nothing is stopped by the tolerance, or not: nobody can say.
                if last < 1e-9 && change > last {
                    return Err(Invalid::TooLarge);
                }
                last = change;
                if round > 1000 || rows > MOST_ROWS {
                    return Err(Invalid::TooLarge);
                }
            }
        }
        for tag in model.iter_mut().flat_map(BTreeMap::values_mut) {
            *tag = self.known(*tag);
        }
        Ok(model)
    }

    /// The tag of an untagged fact.
    fn sure(&self) -> f64 {
        match self.complement {
            Some(_) => CERTAIN,
            None => self.one,
        }
    }

    /// A tag as others see it.
    fn known(&self, tag: f64) -> f64 {
        match tag {
            CERTAIN => self.one,
            tag => tag,
        }
    }

    /// Whether a derivation counts.
    fn counts(&self, tag: f64) -> bool {
        self.complement.is_some() || tag != self.zero
    }

    /// The tag of both.
    fn both(&self, x: f64, y: f64) -> f64 {
        match (x, y) {
            (CERTAIN, tag) | (tag, CERTAIN) => tag,
            _ => (self.times)(x, y),
        }
    }

    /// The complement of a tag that is not certain.
    fn absent(&self, tag: f64) -> f64 {
        match self.complement {
            Some(complement) => complement(tag),
            None if tag == self.zero => self.one,
            None => self.zero,
        }
    }

    /// The tag of either.
    fn either(&self, x: f64, y: f64) -> f64 {
        match (x, y) {
            (CERTAIN, _) | (_, CERTAIN) => CERTAIN,
            _ => (self.plus)(x, y),
        }
    }

    /// The tags of one level from those of the round before.
    fn round(&self, ready: &Ready<'_>, level: usize, model: &Model) -> Result<Model, Invalid> {
        let mut derivations: Vec<BTreeMap<Tuple, Vec<f64>>> = vec![BTreeMap::new(); model.len()];
        for set in ready
            .program
            .facts
            .iter()
            .filter(|set| ready.levels[set.relation] == level)
        {
            for (member, (tag, tuple)) in set.members.iter().enumerate() {
                let certain = tag.is_none() && !set.exclusive;
                let tag = if certain {
                    self.sure()
                } else {
                    set.weight(member)
                };
                if self.counts(tag) {
                    let of = derivations[set.relation].entry(tuple.clone());
                    of.or_default().push(tag);
                }
            }
        }
        let patience = Cell::new(PATIENCE);
        for rule in &ready.rules {
            if rule
                .heads
                .iter()
                .all(|(_, head)| ready.levels[head.relation] != level)
            {
                continue;
            }
            let scope = Scope {
                model,
                meaning: self,
                patience: &patience,
            };
            scope.solve(&rule.steps, &Binding::new(), &[], &mut |binding, tags| {
                for (alternative, head) in &rule.heads {
                    if ready.levels[head.relation] == level
                        && let Some(row) = row(head, binding)
                    {
                        let weight = rule
                            .weights
                            .as_ref()
                            .map_or(self.sure(), |weights| weights[*alternative]);
                        let tag = self.both(self.all(tags), weight);
                        if self.counts(tag) {
                            derivations[head.relation].entry(row).or_default().push(tag);
                        }
                    }
                }
            });
        }
        let mut next = model.clone();
        for (relation, rows) in derivations.into_iter().enumerate() {
            for (row, tags) in rows {
                next[relation].insert(row, self.any(&tags));
            }
        }
        match patience.get() {
            0 => Err(Invalid::TooLarge),
            _ => Ok(next),
        }
    }

    /// The results of one group.
    fn of_group(&self, scope: &Scope<'_>, groups: &Groups, group: &Group) -> BTreeMap<Tuple, f64> {
        let (op, arguments) = (groups.aggregate.op, groups.aggregate.arguments.len());
        let weights = || {
            let weights = group.members.iter();
            weights.map(|(member, tag)| (member.clone(), self.known(*tag)))
        };
        let given: BTreeMap<Tuple, f64> = match op {
            _ if op.reads_weights() && self.is_up_to_rounding(group) => {
                scope.patience.set(0);
                BTreeMap::new()
            }
            _ if self.complement.is_none() => {
                let tags: Vec<f64> = group.members.values().copied().collect();
                let held = group.members.keys().cloned().collect();
                let results = results(op, arguments, &held).into_iter();
                results.map(|result| (result, self.all(&tags))).collect()
            }
            Reduction::Normalize | Reduction::Softmax => {
                let weights = weights().collect();
                let shares = shares(op, &weights).into_iter();
                shares
                    .map(|(member, share)| (member.clone(), share))
                    .collect()
            }
            Reduction::Rank | Reduction::Top => {
                let weights = weights().collect();
                let chosen = chosen(op, &weights).into_iter();
                chosen
                    .map(|(member, result)| (result, group.members[member]))
                    .collect()
            }
            _ if group.members.len() > MOST_MEMBERS => {
                scope.patience.set(0);
                BTreeMap::new()
            }
            Reduction::Min | Reduction::Max | Reduction::Argmin | Reduction::Argmax => {
                self.best(op, arguments, groups, group)
            }
            // A chain does not see that all its ends are one result; a certain one is seen where it is added.
            Reduction::Sum | Reduction::Prod if group.tag != CERTAIN => {
                let sets = self.of_sets(op, arguments, groups, &group.members);
                match sets.first_key_value() {
                    Some((result, &CERTAIN)) => {
                        let either = |&tag: &f64| {
                            (self.cases)(self.known(tag), self.absent(self.known(tag)))
                        };
                        let all = group
                            .members
                            .values()
                            .map(either)
                            .fold(CERTAIN, |x, y| self.both(x, y));
                        BTreeMap::from([(result.clone(), all)])
                    }
                    _ => sets,
                }
            }
            _ => self.of_sets(op, arguments, groups, &group.members),
        };
        let given = given.into_iter();
        given
            .map(|(result, tag)| (result, self.both(group.tag, tag)))
            .collect()
    }

    /// Whether rounding decides which member is heavier, or which is nothing or everything.
    fn is_up_to_rounding(&self, group: &Group) -> bool {
        let mut tags: Vec<f64> = group.members.values().copied().collect();
        tags.retain(|tag| *tag != CERTAIN);
        tags.sort_by(f64::total_cmp);
        let near = |a: f64, b: f64| (a - b).abs() <= self.rounding;
        let next = tags.windows(2).any(|pair| near(pair[0], pair[1]));
        let end = |&tag: &f64| near(tag, self.zero) || near(tag, self.one);
        self.rounding > 0.0 && (next || tags.iter().any(end))
    }

    /// Those of the best members: what a certain member beats takes no part.
    fn best(
        &self,
        op: Reduction,
        arguments: usize,
        groups: &Groups,
        group: &Group,
    ) -> BTreeMap<Tuple, f64> {
        let least = matches!(op, Reduction::Min | Reduction::Argmin);
        let value = |member: &Tuple| member[arguments..].to_vec();
        let certain = group.members.iter().filter(|(_, tag)| **tag == CERTAIN);
        let values = certain.map(|(member, _)| value(member));
        let bar = if least { values.min() } else { values.max() };
        let matters = |member: &Tuple| match &bar {
            None => true,
            Some(bar) if least => value(member) <= *bar,
            Some(bar) => value(member) >= *bar,
        };
        let members = group.members.clone();
        let members = members.into_iter().filter(|(member, _)| matters(member));
        let whole = if least {
            Reduction::Min
        } else {
            Reduction::Max
        };
        let found = self.of_sets(whole, arguments, groups, &members.collect());
        match op {
            Reduction::Min | Reduction::Max => found,
            _ => self.shown(found, |result| result[..arguments].to_vec()),
        }
    }

    /// Results of which only a part shows, as cases.
    fn shown(
        &self,
        results: BTreeMap<Tuple, f64>,
        part: impl Fn(&Tuple) -> Tuple,
    ) -> BTreeMap<Tuple, f64> {
        let mut found = BTreeMap::new();
        for (result, tag) in results {
            let of = found.entry(part(&result)).or_insert(self.zero);
            *of = match (*of, tag) {
                (CERTAIN, _) | (_, CERTAIN) => CERTAIN,
                (of, tag) => (self.cases)(of, tag),
            };
        }
        found
    }

    /// The results of all sets of members, written out; certain is what all sets give.
    fn of_sets(
        &self,
        op: Reduction,
        arguments: usize,
        groups: &Groups,
        members: &BTreeMap<Tuple, f64>,
    ) -> BTreeMap<Tuple, f64> {
        let empty_exists = groups.explicit.is_some() || groups.keys.is_empty();
        let mut found: BTreeMap<Tuple, (f64, usize)> = BTreeMap::new();
        let mut possible = 0;
        for set in 0..1u32 << members.len() {
            let holds = |member: usize| set >> member & 1 == 1;
            let mut tags = members.values().enumerate();
            if tags.any(|(member, tag)| *tag == CERTAIN && !holds(member)) {
                continue;
            }
            possible += 1;
            if set == 0 && !empty_exists {
                continue;
            }
            let tags = members.values().enumerate();
            let tags = tags.map(|(member, &tag)| match holds(member) {
                true => tag,
                false => self.absent(tag),
            });
            let tag = tags.fold(CERTAIN, |x, y| self.both(x, y));
            let held = members.keys().enumerate();
            let held = held.filter(|(member, _)| holds(*member));
            let held = held.map(|(_, member)| member.clone()).collect();
            for result in results(op, arguments, &held) {
                let (of, sets) = found.entry(result).or_insert((self.zero, 0));
                *of = (self.cases)(*of, self.known(tag));
                *sets += 1;
            }
        }
        let forced = |(tag, sets)| if sets == possible { CERTAIN } else { tag };
        found
            .into_iter()
            .map(|(result, of)| (result, forced(of)))
            .collect()
    }
}

impl Meaning for Algebra {
    fn all(&self, tags: &[f64]) -> f64 {
        tags.iter().fold(self.sure(), |x, &y| self.both(x, y))
    }

    fn any(&self, tags: &[f64]) -> f64 {
        tags.iter().fold(self.zero, |x, &y| self.either(x, y))
    }

    fn none(&self, tags: &[f64]) -> Option<f64> {
        match self.any(tags) {
            CERTAIN => None,
            _ if tags.is_empty() => Some(self.sure()),
            tag if self.complement.is_none() && tag != self.zero => None,
            tag => Some(self.absent(tag)),
        }
    }

    fn results(&self, scope: &Scope<'_>, groups: &Groups) -> Vec<(Tuple, Vec<(Tuple, f64)>)> {
        let all = members(scope, groups).into_iter();
        all.map(|(key, group)| {
            let results = self.of_group(scope, groups, &group);
            (key, results.into_iter().collect())
        })
        .collect()
    }
}
