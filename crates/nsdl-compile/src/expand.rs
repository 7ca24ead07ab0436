//! Expansion: what can be said by other syntax is said so.
//!
//! Before: trees as parsed. After: no `fn` is called and none is defined, and every atom, term and query has its
//! arguments by position; `x != P(_)` is `not x == P(_)`.

mod fields;
mod functions;
mod unequal;

use nsdl_ir::Diagnostic;
use nsdl_syntax::ast::{Ast, ItemKind};

use fields::Fields;
use functions::Functions;

/// The expanded trees, and what is wrong with calls and fields.
pub(crate) fn expand(asts: &[&Ast]) -> (Vec<Ast>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let functions = Functions::gather(asts, &mut diagnostics);
    let fields = Fields::gather(asts);
    let expand = |ast: &&Ast| {
        let mut ast = (*ast).clone();
        ast.items
            .retain(|item| !matches!(item.kind, ItemKind::Function(_) | ItemKind::Import(_)));
        functions.inline(&mut ast, &mut diagnostics);
        fields.place(&mut ast, &mut diagnostics);
        unequal::negate(&mut ast);
        ast
    };
    let trees = asts.iter().map(expand).collect();
    (trees, diagnostics)
}
