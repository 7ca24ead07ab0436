//! What a program is made of.

use crate::oracle::{Literal, Program};

/// Whether some formula of the program is wanted.
pub fn has(program: &Program, wanted: &dyn Fn(&Literal) -> bool) -> bool {
    fn any(body: &[Literal], wanted: &dyn Fn(&Literal) -> bool) -> bool {
        body.iter().any(|literal| {
            wanted(literal)
                || match literal {
                    Literal::Or(parts) => parts.iter().any(|part| any(part, wanted)),
                    Literal::Aggregate(aggregate) => any(&aggregate.body, wanted),
                    _ => false,
                }
        })
    }
    program.rules.iter().any(|rule| any(&rule.body, wanted))
}

/// Whether aggregates read how probable their members are.
pub(super) fn reads_weights(program: &Program) -> bool {
    has(
        program,
        &|literal| matches!(literal, Literal::Aggregate(aggregate) if aggregate.op.reads_weights()),
    )
}

/// Whether some relation depends on itself.
pub fn is_recursive(program: &Program) -> bool {
    let reads = |from: usize, to: usize| {
        program.rules.iter().any(|rule| {
            rule.head
                .atoms()
                .iter()
                .any(|(_, head)| head.relation == from)
                && has(
                    &Program {
                        rules: vec![rule.clone()],
                        ..Program::default()
                    },
                    &|literal| matches!(literal, Literal::Atom(atom) if atom.relation == to),
                )
        })
    };
    let n = program.relations.len();
    let mut reach: Vec<Vec<bool>> = (0..n)
        .map(|from| (0..n).map(|to| reads(from, to)).collect())
        .collect();
    for middle in 0..n {
        for from in 0..n {
            for to in 0..n {
                reach[from][to] |= reach[from][middle] && reach[middle][to];
            }
        }
    }
    (0..n).any(|relation| reach[relation][relation])
}
