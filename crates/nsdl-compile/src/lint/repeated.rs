//! The same twice: rules (W0405), queries (W0204) and certain facts (W0502).
//!
//! Tagged ones are left alone: each has a random variable of its own (SEMANTICS.md 1).

use nsdl_ir::{Diagnostic, Plan, RelationId, Span, Tag};
use nsdl_syntax::ast::{Head, Item, ItemKind};
use nsdl_syntax::format;
use rustc_hash::FxHashMap;

pub(super) fn rules<'a>(items: impl Iterator<Item = &'a Item>, found: &mut Vec<Diagnostic>) {
    let mut seen: FxHashMap<String, Span> = FxHashMap::default();
    for item in items {
        let certain = match &item.kind {
            ItemKind::Rule { tag, head, .. } => {
                tag.is_none() && !matches!(head, Head::Disjunction(_))
            }
            ItemKind::AggregateRule { .. } => true,
            _ => false,
        };
        if !certain {
            continue;
        }
        let bare = Item {
            attributes: Vec::new(),
            kind: item.kind.clone(),
            span: item.span,
        };
        if let Some(first) = seen.insert(format::item(&bare), item.span) {
            found.push(
                Diagnostic::warning("W0405", "the same rule is written twice")
                    .label(item.span, "again here")
                    .label(first, "first here")
                    .help("remove one of them: twice derives nothing more"),
            );
        }
    }
}

pub(super) fn queries<'a>(items: impl Iterator<Item = &'a Item>, found: &mut Vec<Diagnostic>) {
    let mut seen: FxHashMap<String, Span> = FxHashMap::default();
    for item in items {
        let ItemKind::Query(query) = &item.kind else {
            continue;
        };
        let text = format::query(query);
        let message = format!("`{text}` is queried twice");
        if let Some(first) = seen.insert(text, query.span) {
            found.push(
                Diagnostic::warning("W0204", message)
                    .label(query.span, "again here")
                    .label(first, "first here")
                    .help("remove one of them: the answer is the same"),
            );
        }
    }
}

/// One warning a relation: generated facts may repeat a lot.
pub(super) fn facts(plan: &Plan) -> Vec<Diagnostic> {
    let mut seen: FxHashMap<(RelationId, &[u64]), Span> = FxHashMap::default();
    let mut repeated: Vec<(RelationId, Span, Span, usize)> = Vec::new();
    for fact in &plan.facts {
        let (Tag::Certain, Some(span)) = (fact.tag, fact.span) else {
            continue;
        };
        match seen.insert((fact.relation, &fact.row), span) {
            // Over several texts, each is right by itself.
            Some(first) if first.source == span.source => {
                match repeated.iter_mut().find(|(of, ..)| *of == fact.relation) {
                    Some((.., more)) => *more += 1,
                    None => repeated.push((fact.relation, span, first, 0)),
                }
            }
            _ => {}
        }
    }
    let warning = |(relation, again, first, more): (RelationId, Span, Span, usize)| {
        let name = plan
            .relations
            .get(relation.index())
            .map_or("", |it| it.name.as_str());
        let warning = Diagnostic::warning("W0502", format!("a fact of `{name}` is stated twice"))
            .label(again, "again here")
            .label(first, "first here")
            .help("remove one of them: without tags they are one fact");
        match more {
            0 => warning,
            1 => warning.note(format!("so is one more fact of `{name}`")),
            more => warning.note(format!("so are {more} more facts of `{name}`")),
        }
    };
    repeated.into_iter().map(warning).collect()
}
