//! W0401: a variable that a rule uses once, which joins and tests nothing: `_`, or a slip of the pen.

use indexmap::IndexMap;
use nsdl_ir::{Diagnostic, Span, nearest};
use nsdl_syntax::ast::Item;
use rustc_hash::FxBuildHasher;

use super::list;
use super::walk::{self, Place};
use crate::resolve::Names;

pub(super) fn item(item: &Item, names: &Names<'_>) -> Option<Diagnostic> {
    let mut uses: IndexMap<&str, (usize, Span, Place), FxBuildHasher> = IndexMap::default();
    walk::rule(item, &mut |it| {
        uses.entry(it.name).or_insert((0, it.span, it.place)).0 += 1;
    });
    let lonely: Vec<(&str, Span)> = uses
        .iter()
        .filter(|(name, (count, _, place))| {
            *count == 1
                && matches!(place, Place::Body | Place::Result)
                && !name.starts_with('_')
                && !names.is_constant(name)
                && !names.is_plain_constructor(name)
        })
        .map(|(name, (_, span, _))| (*name, *span))
        .collect();
    let (first, _) = lonely.first()?;
    let all = list(lonely.iter().map(|(name, _)| *name));
    let (message, help) = match lonely.as_slice() {
        [_] => (
            format!("the variable {all} is used only once"),
            format!("write `_` if its value does not matter, or `_{first}` to keep the name"),
        ),
        _ => (
            format!("the variables {all} are used only once each"),
            format!("write `_` where the value does not matter, or `_{first}` to keep the name"),
        ),
    };
    let others = uses.iter().filter(|(_, (count, ..))| *count > 1);
    // Of short names every one is near to every other.
    let near = match first.chars().count() > 2 {
        true => nearest(first, others.map(|(name, _)| *name)),
        false => None,
    };
    let mut warning = Diagnostic::warning("W0401", message).help(match near {
        Some(near) => format!("did you mean `{near}`? Otherwise {help}"),
        None => help,
    });
    for (_, span) in lonely {
        warning = warning.label(span, "only here");
    }
    Some(warning)
}
