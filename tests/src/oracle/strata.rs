//! Levels of relations: what a relation negates or aggregates is of a lower level.

use super::{Atom, Literal, Program};

/// A relation depends on its own negation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotStratified;

/// The level of each relation.
pub fn levels(program: &Program) -> Result<Vec<usize>, NotStratified> {
    let mut levels = vec![0; program.relations.len()];
    loop {
        let mut changed = false;
        for rule in &program.rules {
            let needed = needed(&rule.body, &levels);
            for (_, head) in rule.head.atoms() {
                if levels[head.relation] < needed {
                    levels[head.relation] = needed;
                    changed = true;
                }
            }
        }
        if !changed {
            return Ok(levels);
        }
        if levels.iter().any(|&level| level > levels.len()) {
            return Err(NotStratified);
        }
    }
}

/// The lowest level that a relation with this body can have.
fn needed(body: &[Literal], levels: &[usize]) -> usize {
    let of = |atom: &Atom| levels[atom.relation];
    body.iter()
        .map(|literal| match literal {
            Literal::Atom(atom) => of(atom),
            Literal::Not(atom) => of(atom) + 1,
            Literal::Compare(..) | Literal::Let(..) | Literal::Take(..) | Literal::Range(..) => 0,
            Literal::Implies(premise, conclusion) => (of(premise) + 1).max(of(conclusion)),
            Literal::Aggregate(aggregate) => {
                let groups = aggregate
                    .groups
                    .as_ref()
                    .map_or(0, |(_, body)| needed(body, levels));
                needed(&aggregate.body, levels).max(groups) + 1
            }
            Literal::Or(parts) => parts
                .iter()
                .map(|part| needed(part, levels))
                .max()
                .unwrap_or(0),
        })
        .max()
        .unwrap_or(0)
}
