//! W0203: a relation that is defined, but that no rule of another relation reads and no query asks for.

use indexmap::IndexMap;
use nsdl_ir::{Diagnostic, SourceId, Span};
use nsdl_syntax::ast::{Head, Item, ItemKind, TypeDeclaration};
use rustc_hash::{FxBuildHasher, FxHashSet};

use super::walk;

pub(super) fn relations<'a>(
    items: impl Iterator<Item = &'a Item> + Clone,
    found: &mut Vec<Diagnostic>,
) {
    // A text without queries is a library, or its reader decides what to ask.
    let asks: FxHashSet<SourceId> = items
        .clone()
        .filter(|item| matches!(item.kind, ItemKind::Query(_)))
        .map(|item| item.span.source)
        .collect();
    if asks.is_empty() {
        return;
    }
    let mut defined: IndexMap<&str, Span, FxBuildHasher> = IndexMap::default();
    let mut read: FxHashSet<&str> = FxHashSet::default();
    for item in items {
        // Attributes say that others look at it, or at least that somebody thought about it.
        if !item.attributes.is_empty() {
            read.extend(declared(item).chain(heads(item)).map(|(name, _)| name));
        }
        // Of alternatives, one may be there only to be the other.
        if let ItemKind::Rule {
            head: Head::Disjunction(_),
            ..
        } = &item.kind
        {
            read.extend(heads(item).map(|(name, _)| name));
        }
        let heads: Vec<(&str, Span)> = heads(item).collect();
        walk::atoms(item, &mut |atom| {
            let name = atom.relation.text.as_str();
            // What evidence reads has no head.
            if heads.is_empty() || !heads.iter().all(|(head, _)| *head == name) {
                read.insert(name);
            }
        });
        if let ItemKind::Query(query) = &item.kind {
            read.insert(&query.relation.text);
        }
        for (name, span) in heads {
            if asks.contains(&span.source) {
                defined.entry(name).or_insert(span);
            }
        }
    }
    for (name, span) in defined {
        if !read.contains(name) && !name.starts_with('_') {
            let message =
                format!("`{name}` is never used: no other rule reads it, no query asks for it");
            found.push(
                Diagnostic::warning("W0203", message)
                    .label(span, "defined here")
                    .help(format!(
                        "remove it, add `query {name}`, or rename it `_{name}`"
                    )),
            );
        }
    }
}

/// The relations that an item defines.
fn heads(item: &Item) -> impl Iterator<Item = (&str, Span)> {
    let names = match &item.kind {
        ItemKind::Fact { atom, .. } => vec![&atom.relation],
        ItemKind::FactSet { relation, .. } | ItemKind::AggregateRule { relation, .. } => {
            vec![relation]
        }
        ItemKind::Rule { head, .. } => walk::heads(head)
            .into_iter()
            .map(|(_, atom)| &atom.relation)
            .collect(),
        _ => Vec::new(),
    };
    names
        .into_iter()
        .map(|name| (name.text.as_str(), name.span))
}

/// The relations that an item declares.
fn declared(item: &Item) -> impl Iterator<Item = (&str, Span)> {
    let declarations = match &item.kind {
        ItemKind::Types(declarations) => declarations.as_slice(),
        _ => &[],
    };
    declarations.iter().filter_map(|it| match it {
        TypeDeclaration::Relation { name, .. } => Some((name.text.as_str(), name.span)),
        _ => None,
    })
}

/// The relations of an item whose attributes may fill them from elsewhere, or that it sets to nothing.
pub(super) fn filled_elsewhere(item: &Item) -> impl Iterator<Item = &str> {
    let harmless = |name: &str| matches!(name, "hidden" | "allow");
    let filled = item.attributes.iter().any(|it| !harmless(&it.name.text));
    let empty = matches!(&item.kind, ItemKind::FactSet { members, .. } if members.is_empty());
    declared(item)
        .chain(heads(item))
        .filter(move |_| filled || empty)
        .map(|(name, _)| name)
}
