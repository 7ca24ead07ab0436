//! Type names: the built-in ones and aliases.

use indexmap::IndexMap;
use nsdl_ir::{Diagnostic, Type};
use nsdl_syntax::ast::{Item, ItemKind, Name, TypeDeclaration, TypeExpr, TypeExprKind};
use rustc_hash::FxBuildHasher;

use super::{Names, twice};
use crate::constant::unsupported;
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
                let (name, ty) = match declaration {
                    TypeDeclaration::Alias {
                        name,
                        parameters,
                        ty,
                    } if parameters.is_empty() => match plain(ty) {
                        Some(ty) => (name, ty),
                        None => {
                            self.diagnostics.push(unsupported(ty.span, "this type"));
                            continue;
                        }
                    },
                    TypeDeclaration::Relation { .. } => continue,
                    TypeDeclaration::Alias { name, .. }
                    | TypeDeclaration::Enumeration { name, .. }
                    | TypeDeclaration::Data { name, .. }
                    | TypeDeclaration::Function { name, .. } => {
                        self.diagnostics
                            .push(unsupported(name.span, "this declaration"));
                        continue;
                    }
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
        for start in aliases.keys() {
            let mut path: IndexMap<&'a str, &'a Name, FxBuildHasher> = IndexMap::default();
            let mut current = *start;
            let ty = loop {
                if let Some(ty) = Type::from_name(current) {
                    break Some(ty);
                }
                if let Some(known) = self.types.get(current) {
                    break *known;
                }
                let names = || {
                    Type::ALL
                        .iter()
                        .map(|ty| ty.name())
                        .chain(aliases.keys().copied())
                };
                match (aliases.get(current), path.last()) {
                    (Some((name, target)), _) if !path.contains_key(current) => {
                        path.insert(&name.text, target);
                        current = &target.text;
                    }
                    (Some((name, _)), _) => {
                        self.diagnostics.push(self_defined(name));
                        break None;
                    }
                    (None, Some((_, target))) => {
                        self.diagnostics.push(unknown_type(target, names()));
                        break None;
                    }
                    (None, None) => break None,
                }
            };
            self.types.extend(path.keys().map(|name| (*name, ty)));
        }
    }

    /// The type; `None`, and reported, if there is none.
    pub(super) fn ty(&mut self, name: &TypeExpr) -> Option<Type> {
        self.look_up_type(name)
            .map_err(|errors| self.diagnostics.extend(errors))
            .ok()
    }

    /// The type; an empty error if what it stands for is reported already.
    pub(crate) fn look_up_type(&self, ty: &TypeExpr) -> Result<Type, Vec<Diagnostic>> {
        let name = match &ty.kind {
            TypeExprKind::Tuple(parts) => {
                let parts = parts.iter().map(|part| self.look_up_type(part));
                return parts
                    .collect::<Result<Vec<Type>, _>>()
                    .map(|it| Type::tuple(&it));
            }
            TypeExprKind::List(element) => return self.look_up_type(element).map(Type::list),
            TypeExprKind::Named(name, arguments) if arguments.is_empty() => name,
            TypeExprKind::Named(..) => return Err(vec![unsupported(ty.span, "this type")]),
        };
        let text = name.text.as_str();
        let known = Type::from_name(text)
            .map(Some)
            .or_else(|| self.types.get(text).copied());
        match known {
            Some(ty) => ty.ok_or_else(Vec::new),
            None => {
                let names = Type::ALL
                    .iter()
                    .map(|ty| ty.name())
                    .chain(self.types.keys().copied());
                Err(vec![unknown_type(name, names)])
            }
        }
    }
}

/// The name, if the type is just that.
fn plain(ty: &TypeExpr) -> Option<&Name> {
    match &ty.kind {
        TypeExprKind::Named(name, arguments) if arguments.is_empty() => Some(name),
        _ => None,
    }
}

fn self_defined(name: &Name) -> Diagnostic {
    Diagnostic::error(
        "E0205",
        format!("the type `{}` is defined by itself", name.text),
    )
    .label(name.span, "stands for no type")
    .help("let one of the aliases name a built-in type, such as `usize`")
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
