//! `e != Const(_)` becomes `not e == Const(_)`: a pattern of terms with `_` says which terms there are, not one of them.

use nsdl_ir::BinaryOp;
use nsdl_syntax::ast::{Ast, Expr, ExprKind, Formula};
use nsdl_syntax::rewrite::{self, Rewrite};

/// Rewrites all such conditions.
pub(super) fn negate(ast: &mut Ast) {
    rewrite::walk(&mut Negate, ast);
}

struct Negate;

impl Rewrite for Negate {
    fn formula(&mut self, formula: &mut Formula) {
        rewrite::walk_formula(self, formula);
        let Formula::Constraint(expr) = formula else {
            return;
        };
        if let ExprKind::Binary(op @ BinaryOp::NotEqual, left, right) = &mut expr.kind
            && (is_open_term(left) || is_open_term(right))
        {
            *op = BinaryOp::Equal;
            let span = expr.span;
            let equal = Box::new(formula.clone());
            *formula = Formula::Not {
                formula: equal,
                span,
            };
        }
    }

    /// No formula stands in an expression.
    fn expr(&mut self, _: &mut Expr) {}
}

/// Whether a term stands in it that holds `_`.
fn is_open_term(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Construct(term) => term.args.iter().any(is_open),
        ExprKind::Tuple(parts) => parts.iter().any(is_open_term),
        ExprKind::List(items, rest) => items.iter().chain(rest.as_deref()).any(is_open_term),
        _ => false,
    }
}

/// Whether it is `_`, or holds it.
fn is_open(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Wildcard => true,
        ExprKind::Construct(term) => term.args.iter().any(is_open),
        ExprKind::Tuple(parts) => parts.iter().any(is_open),
        ExprKind::List(items, rest) => items.iter().chain(rest.as_deref()).any(is_open),
        _ => false,
    }
}
