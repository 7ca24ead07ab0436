//! Membership: `x in list` takes each element once where nothing else binds `x`, and tests it elsewhere.

use nsdl_ir::{BinaryOp, Callee, Function, Span};
use nsdl_syntax::ast::Expr;

use super::{Desugar, Scope};
use crate::flat::{ArgumentKind, Element, Literal, Term, TermKind};

impl<'a> Desugar<'a> {
    pub(super) fn element(
        &mut self,
        value: &'a Expr,
        list: &'a Expr,
        span: Span,
        negated: bool,
        scope: &mut Scope<'a>,
    ) {
        let list = self.term(list, scope);
        let matching = std::mem::replace(&mut scope.matching, !negated);
        let argument = self.argument(value, scope);
        scope.matching = matching;
        let slot = match (&argument.kind, Option::<Term>::from(&argument)) {
            (ArgumentKind::Slot(slot), _) => *slot,
            // `_ in list`: there is an element.
            (_, value) => {
                let slot = scope.fresh("_", argument.span);
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
        let value = Term {
            kind: TermKind::Slot(slot),
            span: argument.span,
        };
        let element = Element { value, list, span };
        scope.push(match negated {
            true => Literal::Constraint(super::opposite(element.test())),
            false => Literal::Element(element),
        });
    }
}

impl Element {
    /// Membership as a test of a bound value.
    pub fn test(&self) -> Term {
        let args = vec![self.list.clone(), self.value.clone()];
        Term {
            kind: TermKind::Call(Callee::BuiltIn(Function::Contains), args),
            span: self.span,
        }
    }
}
