//! Relations that the host program or its predicates fill.

use nsdl_ir::{Diagnostic, Span};

use super::arity::Definitions;
use super::{Declared, Entry, Names, Relation, columns};
use crate::External;

impl<'a> Names<'a> {
    pub(super) fn external(&mut self, external: &'a External, definitions: &Definitions<'a>) {
        let text = external.name.as_str();
        let entry = self.relations.entry(text).or_insert_with(|| Entry {
            relation: Relation {
                name: text.into(),
                span: Span::default(),
                columns: Vec::new(),
                auxiliary: false,
                hidden: false,
                certain: false,
                keep: None,
                facts: None,
                demand: Vec::new(),
            },
            arity: definitions.arity.get(text).copied(),
            demand: Vec::new(),
            known: true,
        });
        entry.known = true;
        let arity = entry
            .arity
            .map_or(external.columns.len(), |arity| arity.columns);
        if arity != external.columns.len() {
            let message = format!(
                "`{text}` has {}, the facts from outside have {}",
                columns(arity),
                external.columns.len()
            );
            let error = Diagnostic::error("E0202", message);
            self.diagnostics
                .push(match entry.arity.and_then(|arity| arity.span) {
                    Some(span) => error.label(span, format!("{} here", columns(arity))),
                    None => error,
                });
            return;
        }
        entry.relation.columns.resize(arity, Declared::default());
        for (column, ty) in entry.relation.columns.iter_mut().zip(&external.columns) {
            column.external = column.external.or(*ty);
        }
    }
}
