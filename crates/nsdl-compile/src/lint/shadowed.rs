//! W0205: a rule whose head and body share a name like a variable, but the name is a constant.

use nsdl_ir::Diagnostic;
use nsdl_syntax::ast::{Item, ItemKind};
use rustc_hash::FxHashMap;

use super::walk::{self, Place};
use crate::resolve::Names;

pub(super) fn item<'a>(
    item: &Item,
    names: &Names<'_>,
    items: impl Iterator<Item = &'a Item>,
) -> Option<Diagnostic> {
    if !matches!(item.kind, ItemKind::Rule { .. }) {
        return None;
    }
    let mut heads = FxHashMap::default();
    let mut found = None;
    walk::rule(item, &mut |it| match it.place {
        Place::Head if names.is_constant(it.name) => drop(heads.insert(it.name, it.span)),
        Place::Body if found.is_none() => {
            // Constants are mostly written in capitals: then nobody takes them for variables.
            let small = it.name.starts_with(|c: char| c.is_lowercase());
            if small && let Some(head) = heads.get(it.name) {
                found = Some((it.name, *head, it.span));
            }
        }
        _ => {}
    });
    let (name, head, body) = found?;
    let message = format!("`{name}` is a constant here, not a variable");
    let mut warning = Diagnostic::warning("W0205", message)
        .label(body, "matches the value of the constant only")
        .label(head, "this is its value");
    let mut constants = items.flat_map(|item| match &item.kind {
        ItemKind::Constants(constants) => constants.as_slice(),
        _ => &[],
    });
    if let Some(declared) = constants.find(|it| it.name.text == name) {
        warning = warning.label(declared.name.span, "declared here");
    }
    Some(warning.help(format!(
        "rename the variable, or the constant: `{}` cannot be mistaken",
        name.to_uppercase()
    )))
}
