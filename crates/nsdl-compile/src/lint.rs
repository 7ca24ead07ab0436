//! Warnings: what is allowed, but probably not meant. One lint a file.
//!
//! Before: the program is right. A lint must be precise rather than complete: whoever reads a false alarm
//! stops reading. What a named constant decides is a switch and left alone, and facts may come from outside.
//! `@allow("W0401")` before an item silences a lint in it.

mod constructor;
mod never;
mod once;
mod repeated;
mod shadowed;
mod tags;
mod unused;
mod walk;

use nsdl_ir::{Diagnostic, Plan, Span};
use nsdl_syntax::ast::{Ast, ExprKind, Item, Literal};

use crate::External;
use crate::flat::Program;
use crate::resolve::Names;

/// Warnings about a program, except those that other passes find on their way.
pub(crate) fn program(
    asts: &[&Ast],
    externals: &[External],
    names: &Names<'_>,
    program: &Program,
) -> Vec<Diagnostic> {
    let items = || asts.iter().flat_map(|ast| &ast.items);
    let mut found = Vec::new();
    for item in items() {
        found.extend(once::item(item, names));
        found.extend(constructor::item(item, names));
        found.extend(shadowed::item(item, names, items()));
        tags::item(item, &mut found);
    }
    unused::relations(items(), &mut found);
    repeated::rules(items(), &mut found);
    repeated::queries(items(), &mut found);
    never::tests(items(), names, program, &mut found);
    never::unfounded(items(), externals, program, &mut found);
    found
}

/// Warnings about the facts of a plan, whose values are known only now.
pub(crate) fn facts(plan: &Plan) -> Vec<Diagnostic> {
    repeated::facts(plan)
}

/// Drops the warnings that an `@allow` of their item silences.
pub(crate) fn allowed(asts: &[&Ast], found: &mut Vec<Diagnostic>) {
    let silenced: Vec<(Span, &str)> = asts
        .iter()
        .flat_map(|ast| &ast.items)
        .flat_map(|item| allows(item).map(|code| (item.span, code)))
        .collect();
    if !silenced.is_empty() {
        found.retain(|warning| {
            let inside = |item: Span| warning.span().is_some_and(|span| within(span, item));
            !silenced
                .iter()
                .any(|(item, code)| *code == warning.code && inside(*item))
        });
    }
}

/// The codes that the `@allow` attributes of an item name.
fn allows(item: &Item) -> impl Iterator<Item = &str> {
    let attributes = item.attributes.iter().filter(|it| it.name.text == "allow");
    attributes
        .flat_map(|attribute| &attribute.positional)
        .filter_map(|argument| match &argument.kind {
            ExprKind::Literal(Literal::String(code)) => Some(code.as_str()),
            _ => None,
        })
}

fn within(inner: Span, outer: Span) -> bool {
    inner.source == outer.source && outer.start <= inner.start && inner.end <= outer.end
}

/// `a`, `a and b`, `a, b and c`, each in backquotes.
fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
