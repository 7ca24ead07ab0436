//! The fuzzy algebras of SEMANTICS.md 5 on programs without aggregates, by naive iteration over all bindings.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::solve::{Binding, Model, PATIENCE, Scope};
use super::weights::Known;
use super::world::{Invalid, MOST_ROWS, Outcome, Ready, row};
use super::{Literal, Program};

/// An algebra of numbers between 0 and 1; the negation of all is 1 − x.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algebra {
    /// Alternatives by max, conjunction by min.
    MinMax,
    /// Alternatives by min(1, x + y), conjunction by the product.
    AddMult,
    /// Alternatives by 1 − (1 − x)(1 − y), conjunction by the product.
    NandMult,
    /// Alternatives by max, conjunction by the product.
    MaxMult,
    /// Alternatives by 1 − (1 − x)(1 − y), conjunction by min.
    NandMin,
    /// Alternatives by min(1, x + y), conjunction by max(0, x + y − 1).
    Lukasiewicz,
}

impl Algebra {
    fn alternatives(self, tags: impl IntoIterator<Item = f64>) -> f64 {
        let tags = tags.into_iter();
        match self {
            Algebra::MinMax | Algebra::MaxMult => tags.fold(0.0, f64::max),
            Algebra::AddMult | Algebra::Lukasiewicz => tags.sum::<f64>().min(1.0),
            Algebra::NandMult | Algebra::NandMin => {
                1.0 - tags.map(|tag| 1.0 - tag).product::<f64>()
            }
        }
    }

    fn conjunction(self, tags: impl IntoIterator<Item = f64>) -> f64 {
        let tags = tags.into_iter();
        match self {
            Algebra::MinMax | Algebra::NandMin => tags.fold(1.0, f64::min),
            Algebra::AddMult | Algebra::NandMult | Algebra::MaxMult => tags.product(),
            Algebra::Lukasiewicz => 1.0 - tags.map(|tag| 1.0 - tag).sum::<f64>().min(1.0),
        }
    }

    /// The tags of all tuples, the least fixpoint from zero; `None` if the program has aggregates.
    pub fn tags(self, program: &Program) -> Result<Option<Model>, Invalid> {
        if program.rules.iter().any(|rule| aggregates(&rule.body)) {
            return Ok(None);
        }
        let ready = Ready::new(program)?;
        let mut model: Model = vec![BTreeMap::new(); program.relations.len()];
        for level in 0..=ready.levels.iter().copied().max().unwrap_or(0) {
            for round in 0.. {
                let next = self.round(&ready, level, &model)?;
                let change = next.iter().zip(&model).flat_map(|(next, model)| {
                    next.iter()
                        .map(|(row, tag)| (tag - model.get(row).copied().unwrap_or(-1.0)).abs())
                });
                let change = change.fold(0.0, f64::max);
                model = next;
                if change < 1e-13 {
                    break;
                }
                if round > 1000 || model.iter().map(BTreeMap::len).sum::<usize>() > MOST_ROWS {
                    return Err(Invalid::TooLarge);
                }
            }
        }
        Ok(Some(model))
    }

    /// The tags of one level from those of the round before.
    fn round(self, ready: &Ready<'_>, level: usize, model: &Model) -> Result<Model, Invalid> {
        let mut derivations: Vec<BTreeMap<Vec<i64>, Vec<f64>>> = vec![BTreeMap::new(); model.len()];
        for set in ready
            .program
            .facts
            .iter()
            .filter(|set| ready.levels[set.relation] == level)
        {
            for (member, (_, tuple)) in set.members.iter().enumerate() {
                derivations[set.relation]
                    .entry(tuple.clone())
                    .or_default()
                    .push(set.weight(member));
            }
        }
        let patience = Cell::new(PATIENCE);
        let absence = |tags: &[f64]| 1.0 - self.alternatives(tags.iter().copied());
        for rule in &ready.rules {
            let scope = Scope {
                model,
                absence: &absence,
                patience: &patience,
                known: &Known::new(),
                choose: &|_, _| Outcome::Nothing,
            };
            scope.solve(&rule.steps, &Binding::new(), &[], &mut |binding, tags| {
                for (alternative, head) in &rule.heads {
                    if ready.levels[head.relation] == level
                        && let Some(row) = row(head, binding)
                    {
                        let weight = rule
                            .weights
                            .as_ref()
                            .map_or(1.0, |weights| weights[*alternative]);
                        let tag = self.conjunction(tags.iter().copied().chain([weight]));
                        derivations[head.relation].entry(row).or_default().push(tag);
                    }
                }
            });
        }
        let mut next = model.clone();
        for (relation, rows) in derivations.into_iter().enumerate() {
            for (row, tags) in rows {
                next[relation].insert(row, self.alternatives(tags));
            }
        }
        if patience.get() == 0 {
            Err(Invalid::TooLarge)
        } else {
            Ok(next)
        }
    }
}

fn aggregates(body: &[Literal]) -> bool {
    body.iter().any(|literal| match literal {
        Literal::Aggregate(_) => true,
        Literal::Or(parts) => parts.iter().any(|part| aggregates(part)),
        _ => false,
    })
}
