//! Ranges: `x in low..high` enumerates where nothing else binds `x`, and tests it elsewhere.

use nsdl_ir::BinaryOp;
use nsdl_syntax::ast;

use super::{Desugar, Scope};
use crate::flat::{ArgumentKind, Literal, Range, Term, TermKind};

impl<'a> Desugar<'a> {
    pub(super) fn range(&mut self, range: &'a ast::Range, negated: bool, scope: &mut Scope<'a>) {
        let span = range.span;
        let (low, high) = (self.term(&range.low, scope), self.term(&range.high, scope));
        let argument = self.argument(&range.value, scope);
        let slot = match (&argument.kind, Option::<Term>::from(&argument)) {
            (ArgumentKind::Slot(slot), _) => *slot,
            (_, value) => {
                let slot = scope.fresh("_", span);
                let kind = TermKind::Slot(slot);
                if let Some(value) = value {
                    let (left, right) = (Box::new(Term { kind, span }), Box::new(value));
                    let kind = TermKind::Binary(BinaryOp::Equal, left, right);
                    scope
                        .equations
                        .push(Literal::Constraint(Term { kind, span }));
                }
                slot
            }
        };
        let range = Range {
            value: Term {
                kind: TermKind::Slot(slot),
                span: argument.span,
            },
            low,
            high,
            inclusive: range.inclusive,
            span,
        };
        scope.push(match negated {
            true => Literal::Constraint(super::opposite(range.test())),
            false => Literal::Range(range),
        });
    }
}

impl Range {
    /// The range as a test of a bound value.
    pub fn test(&self) -> Term {
        let span = self.span;
        let binary = |op, left: &Term, right: &Term| Term {
            kind: TermKind::Binary(op, Box::new(left.clone()), Box::new(right.clone())),
            span,
        };
        let end = match self.inclusive {
            true => BinaryOp::LessEqual,
            false => BinaryOp::Less,
        };
        let above = binary(BinaryOp::LessEqual, &self.low, &self.value);
        binary(BinaryOp::And, &above, &binary(end, &self.value, &self.high))
    }
}
