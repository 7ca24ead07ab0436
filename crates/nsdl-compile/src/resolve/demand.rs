//! Declared demand: `@demand("bf")` and `type fib(bound x: i32, y: i32)`.

use nsdl_ir::Diagnostic;
use nsdl_syntax::ast::{ColumnDeclaration, ColumnMode};

use super::{Names, columns};
use crate::demand::Pattern;

/// The pattern of a declaration with `bound` columns.
pub(super) fn adorned(columns: &[ColumnDeclaration]) -> Option<Pattern> {
    let bound = |column: &ColumnDeclaration| matches!(column.mode, ColumnMode::Bound(_));
    let pattern = Pattern::new(columns.iter().map(bound));
    (!pattern.is_free()).then_some(pattern)
}

impl Names<'_> {
    /// Each pattern once; reports those with another number of columns than their relation has.
    pub(super) fn check_patterns(&mut self) {
        for (name, entry) in &mut self.relations {
            let relation = &mut entry.relation;
            let count = entry.arity.map_or(relation.columns.len(), |it| it.columns);
            let mut patterns: Vec<Pattern> = Vec::new();
            for (pattern, span) in std::mem::take(&mut entry.demand) {
                if pattern.len() != count {
                    let message = format!(
                        "`{name}` has {}, this pattern has {}",
                        columns(count),
                        pattern.len()
                    );
                    self.diagnostics.push(
                        Diagnostic::error("E0251", message)
                            .label(span, "a letter per column")
                            .help(format!(
                                "write {count} letters, `b` for bound or `f` for free"
                            )),
                    );
                } else if !patterns.contains(&pattern) {
                    patterns.push(pattern);
                }
            }
            relation.demand = patterns;
        }
    }
}
