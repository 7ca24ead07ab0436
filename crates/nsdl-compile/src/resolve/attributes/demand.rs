//! `@demand("bf")`: which columns are given, and which computed from them.

use nsdl_ir::{Diagnostic, Span};
use nsdl_syntax::ast::{Attribute, Expr, ExprKind, Literal};

use crate::demand::Pattern;

/// The patterns that a `@demand` names, at least one.
pub(super) fn patterns(attribute: &Attribute) -> Result<Vec<(Pattern, Span)>, Diagnostic> {
    let pattern = |arg: &Expr| {
        let ExprKind::Literal(Literal::String(text)) = &arg.kind else {
            return None;
        };
        let pattern = Pattern::parse(text).filter(|pattern| !pattern.is_free())?;
        Some((pattern, arg.span))
    };
    let found = attribute.positional.iter().map(pattern);
    let found: Option<Vec<_>> = found.collect();
    found
        .filter(|found| !found.is_empty() && attribute.named.is_empty())
        .ok_or_else(|| {
            Diagnostic::error("E0250", "`@demand` takes patterns of bound and free columns")
                .label(attribute.span, "not understood")
                .help("write a letter per column, at least one of them `b`: `@demand(\"bf\")` if the first is given and the second computed")
        })
}
