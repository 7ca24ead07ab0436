//! Keyed relations: `type dist(node: i32, keep min cost: i32)`.

use nsdl_ir::{Diagnostic, Keep, Span};
use nsdl_syntax::ast::{ColumnDeclaration, ColumnMode};

/// The column of a declaration that keeps its best value; reports a second one.
pub(super) fn kept(
    columns: &[ColumnDeclaration],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Keep> {
    let mut first: Option<(Keep, Span)> = None;
    for (column, declaration) in (0..).zip(columns) {
        let (greatest, span) = match declaration.mode {
            ColumnMode::KeepMin(span) => (false, span),
            ColumnMode::KeepMax(span) => (true, span),
            ColumnMode::Plain | ColumnMode::Bound(_) | ColumnMode::Free(_) => continue,
        };
        match first {
            None => first = Some((Keep { column, greatest }, span)),
            Some((_, first)) => diagnostics.push(
                Diagnostic::error(
                    "E0252",
                    "a relation keeps the best value of one column only",
                )
                .label(span, "a second `keep`")
                .label(first, "the first one")
                .help("what is best in two columns at once need not exist: compare one value"),
            ),
        }
    }
    first.map(|(keep, _)| keep)
}
