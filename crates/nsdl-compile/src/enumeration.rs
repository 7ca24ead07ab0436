//! Columns that are declared to hold members of an enumeration: constants in them are members.

use nsdl_ir::{Diagnostic, RelationId, Span};

use crate::constant::Const;
use crate::flat::{ArgumentKind, Literal, Program, TermKind};
use crate::resolve::Names;

/// E0522 for each constant that is none.
pub(crate) fn check(program: &Program, names: &Names<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut check = |relation: RelationId, column: usize, value: &Const, span: Span| {
        let enumeration = names.enumerated(relation, column);
        found.extend(enumeration.and_then(|it| names.outside(it, value, span)));
    };
    for fact in &program.facts {
        for (column, (value, span)) in fact.row.iter().enumerate() {
            check(fact.relation, column, value, *span);
        }
    }
    for clause in &program.clauses {
        for literal in &clause.body {
            if let Literal::Atom { relation, args, .. } | Literal::Absent { relation, args, .. } =
                literal
            {
                for (column, arg) in args.iter().enumerate() {
                    if let ArgumentKind::Const(value) = &arg.kind {
                        check(*relation, column, value, arg.span);
                    }
                }
            }
        }
        for head in &clause.heads {
            for (column, arg) in head.args.iter().enumerate() {
                if let TermKind::Const(value) = &arg.kind {
                    check(head.relation, column, value, arg.span);
                }
            }
        }
    }
    found
}
