//! Which variables a formula mentions: what an aggregate groups by depends on it (SEMANTICS.md 4).

use indexmap::IndexMap;
use nsdl_ir::Span;
use nsdl_syntax::ast::{Aggregate, Expr, ExprKind, Formula};
use rustc_hash::FxBuildHasher;

/// Variables in order of appearance, with their first place. Constants are not among them.
pub(crate) type Mentions<'a> = IndexMap<&'a str, Span, FxBuildHasher>;

/// Adds the variables of `expr`.
pub(crate) fn expr<'a>(
    expr_: &'a Expr,
    is_constant: &dyn Fn(&str) -> bool,
    into: &mut Mentions<'a>,
) {
    match &expr_.kind {
        ExprKind::Variable(name) if !is_constant(name) => {
            into.entry(name).or_insert(expr_.span);
        }
        ExprKind::Variable(_) | ExprKind::Literal(_) | ExprKind::Wildcard => {}
        ExprKind::Unary(_, operand) => expr(operand, is_constant, into),
        ExprKind::Binary(_, left, right) => {
            expr(left, is_constant, into);
            expr(right, is_constant, into);
        }
    }
}

/// Adds the variables of `formula` that can be seen from outside it: those bound by an aggregate in it,
/// and with `where` all others of that aggregate, are its own.
pub(crate) fn formula<'a>(
    formula_: &'a Formula,
    is_constant: &dyn Fn(&str) -> bool,
    into: &mut Mentions<'a>,
) {
    match formula_ {
        Formula::Atom(atom) | Formula::Not { atom, .. } => {
            atom.args
                .iter()
                .for_each(|arg| expr(arg, is_constant, into));
        }
        Formula::Constraint(constraint) => expr(constraint, is_constant, into),
        Formula::And(parts) | Formula::Or(parts) => {
            parts
                .iter()
                .for_each(|part| formula(part, is_constant, into));
        }
        Formula::Aggregate(aggregate) => {
            aggregate
                .results
                .iter()
                .for_each(|result| expr(result, is_constant, into));
            match &aggregate.groups {
                Some((keys, _)) => {
                    for key in keys {
                        into.entry(&key.text).or_insert(key.span);
                    }
                }
                None => {
                    for (name, span) in free(aggregate, is_constant) {
                        into.entry(name).or_insert(span);
                    }
                }
            }
        }
    }
}

/// The variables of an aggregate's body that the aggregate does not bind.
pub(crate) fn free<'a>(
    aggregate: &'a Aggregate,
    is_constant: &dyn Fn(&str) -> bool,
) -> Mentions<'a> {
    let mut body = Mentions::default();
    formula(&aggregate.body, is_constant, &mut body);
    for bound in aggregate.bindings.iter().chain(&aggregate.arguments) {
        body.shift_remove(bound.text.as_str());
    }
    body
}
