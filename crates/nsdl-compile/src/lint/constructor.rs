//! W0206: a variable with the name of a constructor without fields, whose parentheses are missing.

use nsdl_ir::Diagnostic;
use nsdl_syntax::ast::Item;

use super::walk;
use crate::resolve::Names;

pub(super) fn item(item: &Item, names: &Names<'_>) -> Option<Diagnostic> {
    let mut found = None;
    walk::rule(item, &mut |it| {
        if found.is_none() && names.is_plain_constructor(it.name) {
            found = Some((it.name, it.span));
        }
    });
    let (name, span) = found?;
    let message = format!("`{name}` is a variable here, not a term");
    Some(
        Diagnostic::warning("W0206", message)
            .label(span, "is equal to anything")
            .help(format!(
                "write `{name}()` for the term, or rename the variable"
            )),
    )
}
