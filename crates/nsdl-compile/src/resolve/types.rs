//! Type names: the built-in ones and aliases.

use indexmap::IndexMap;
use nsdl_ir::{Diagnostic, Type};
use nsdl_syntax::ast::{Item, ItemKind, Name, TypeDeclaration};
use rustc_hash::FxBuildHasher;

use super::{Names, twice};
use crate::suggest::did_you_mean;

impl<'a> Names<'a> {
    pub(super) fn aliases(&mut self, items: impl Iterator<Item = &'a Item>) {
        let mut aliases: IndexMap<&'a str, (&'a Name, &'a Name), FxBuildHasher> =
            IndexMap::default();
        for item in items {
            let ItemKind::Types(declarations) = &item.kind else {
                continue;
            };
            for declaration in declarations {
                let TypeDeclaration::Alias { name, ty } = declaration else {
                    continue;
                };
                if Type::from_name(&name.text).is_some() {
                    self.diagnostics.push(
                        Diagnostic::error("E0203", format!("`{}` is a type already", name.text))
                            .label(name.span, "a built-in type")
                            .help("choose another name for the alias"),
                    );
                } else if let Some((first, _)) = aliases.get(name.text.as_str()) {
                    self.diagnostics.push(twice("type", name, first.span));
                } else {
                    aliases.insert(&name.text, (name, ty));
                }
            }
        }
        for (name, ty) in aliases.values() {
            // Each step goes to another alias, so a chain longer than their number is a cycle.
            let mut target = *ty;
            let mut steps = 0;
            while let Some((_, next)) = aliases.get(target.text.as_str())
                && steps <= aliases.len().min(10_000)
            {
                (target, steps) = (next, steps + 1);
            }
            if let Some(ty) = Type::from_name(&target.text) {
                self.types.insert(&name.text, ty);
            } else if aliases.contains_key(target.text.as_str()) {
                self.diagnostics.push(
                    Diagnostic::error(
                        "E0205",
                        format!("the type `{}` is defined by itself", name.text),
                    )
                    .label(name.span, "stands for no type")
                    .help("let one of the aliases name a built-in type, such as `usize`"),
                );
            } else {
                let known = Type::ALL
                    .iter()
                    .map(|ty| ty.name())
                    .chain(aliases.keys().copied());
                self.diagnostics.push(unknown_type(target, known));
            }
        }
    }

    /// The type of that name.
    pub(super) fn ty(&self, name: &Name) -> Result<Type, Diagnostic> {
        Type::from_name(&name.text)
            .or_else(|| self.types.get(name.text.as_str()).copied())
            .ok_or_else(|| {
                unknown_type(
                    name,
                    Type::ALL
                        .iter()
                        .map(|ty| ty.name())
                        .chain(self.types.keys().copied()),
                )
            })
    }
}

fn unknown_type<'a>(name: &Name, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let help = match did_you_mean(&name.text, known) {
        Some(help) => help,
        None => format!("the types are {}", Type::ALL.map(Type::name).join(", ")),
    };
    Diagnostic::error("E0204", format!("unknown type `{}`", name.text))
        .label(name.span, "no such type")
        .help(help)
}
