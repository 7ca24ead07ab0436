//! Types as written: built-in ones, aliases, enumerations and data types.
//!
//! An alias is the type it stands for, also `type Name <: String`: a type of its own would need casts between
//! the two, and Scallop has none either. The members of an enumeration are constants of type `usize`.

use std::sync::Arc;

use indexmap::IndexMap;
use nsdl_ir::{ConstructorDefinition, DataType, Diagnostic, Span, Type, did_you_mean};
use nsdl_syntax::ast::{
    ColumnMode, ConstructorDeclaration, Item, ItemKind, Name, TypeDeclaration, TypeExpr,
    TypeExprKind,
};
use rustc_hash::FxBuildHasher;

use super::{Names, twice};
use crate::constructor::Constructor;

/// What a type name stands for.
#[derive(Clone, Copy)]
pub(super) enum Named<'a> {
    /// An alias before it is looked at.
    Pending(&'a [Name], &'a TypeExpr),
    /// An alias while what it names is looked at.
    Running,
    /// An alias, with its parameters in the type; the enumeration that it names, if any.
    Alias(&'a [Name], Type, Option<&'a str>),
    /// A data type with so many parameters.
    Data(usize),
    /// Constants of type `usize`.
    Enumeration,
    /// Reported.
    Failed,
}

impl<'a> Names<'a> {
    pub(super) fn types(&mut self, items: impl Iterator<Item = &'a Item>) {
        let mut places: IndexMap<&'a str, &'a Name, FxBuildHasher> = IndexMap::default();
        let mut data: Vec<(&'a Name, &'a [Name], &'a [ConstructorDeclaration])> = Vec::new();
        for item in items {
            let ItemKind::Types(declarations) = &item.kind else {
                continue;
            };
            for declaration in declarations {
                let (name, named) = match declaration {
                    TypeDeclaration::Alias {
                        name,
                        parameters,
                        ty,
                    } => (name, Named::Pending(parameters, ty)),
                    TypeDeclaration::Enumeration { name, .. } => (name, Named::Enumeration),
                    TypeDeclaration::Data {
                        name, parameters, ..
                    } => (name, Named::Data(parameters.len())),
                    // Functions are declared by `extern` items only.
                    TypeDeclaration::Relation { .. } | TypeDeclaration::Function { .. } => continue,
                };
                if Type::from_name(&name.text).is_some() {
                    self.diagnostics.push(
                        Diagnostic::error("E0203", format!("`{}` is a type already", name.text))
                            .label(name.span, "a built-in type")
                            .help("choose another name"),
                    );
                } else if let Some(first) = places.get(name.text.as_str()) {
                    self.diagnostics.push(twice("type", name, first.span));
                } else {
                    places.insert(&name.text, name);
                    self.types.insert(&name.text, named);
                    if let TypeDeclaration::Data {
                        parameters,
                        constructors,
                        ..
                    } = declaration
                    {
                        data.push((name, parameters, constructors));
                    }
                }
            }
        }
        for name in places.values() {
            self.alias(name);
        }
        for (name, parameters, constructors) in data {
            self.data_type(name, parameters, constructors);
        }
    }

    /// Looks at what an alias stands for, after the aliases that this mentions.
    fn alias(&mut self, name: &'a Name) {
        let Some(Named::Pending(parameters, ty)) = self.types.get(name.text.as_str()).copied()
        else {
            return;
        };
        self.types.insert(&name.text, Named::Running);
        self.different(parameters);
        let mut mentioned = Vec::new();
        names(ty, &mut mentioned);
        let mut circle = false;
        for mention in mentioned {
            match self.types.get(mention.text.as_str()) {
                Some(Named::Running) => {
                    self.diagnostics.push(self_defined(mention));
                    circle = true;
                }
                // A chain of aliases is as deep as it is long.
                Some(Named::Pending(..)) => {
                    stacker::maybe_grow(1 << 18, 1 << 22, || self.alias(mention));
                }
                _ => {}
            }
        }
        let found = match circle {
            true => Err(Vec::new()),
            false => self.in_scope(ty, parameters),
        };
        let named = match found {
            Ok(found) => Named::Alias(parameters, found, self.enumeration(ty)),
            Err(errors) => {
                self.diagnostics.extend(errors);
                Named::Failed
            }
        };
        self.types.insert(&name.text, named);
    }

    fn data_type(
        &mut self,
        name: &'a Name,
        parameters: &'a [Name],
        constructors: &'a [ConstructorDeclaration],
    ) {
        self.different(parameters);
        let mut definitions = Vec::with_capacity(constructors.len());
        for constructor in constructors {
            let mut fields = Vec::with_capacity(constructor.fields.len());
            for field in &constructor.fields {
                if field.mode != ColumnMode::Plain {
                    self.diagnostics.push(no_mode(field.ty.span));
                }
                match self.in_scope(&field.ty, parameters) {
                    Ok(ty) => fields.push(ty),
                    Err(errors) => {
                        self.diagnostics.extend(errors);
                        fields.push(Type::I32);
                    }
                }
            }
            definitions.push(ConstructorDefinition {
                name: constructor.name.text.clone(),
                fields,
            });
        }
        let data_type = Arc::new(DataType {
            name: name.text.clone(),
            parameters: parameters.iter().map(|it| it.text.clone()).collect(),
            constructors: definitions,
        });
        for (position, constructor) in constructors.iter().enumerate() {
            let name = &constructor.name;
            if let Some((first, _)) = self.constructors.get(name.text.as_str()) {
                self.diagnostics.push(constructor_twice(name, *first));
                continue;
            }
            let data_type = Arc::clone(&data_type);
            let known = Constructor {
                data_type,
                position,
            };
            self.constructors.insert(&name.text, (name.span, known));
        }
        self.data_types.push(data_type);
    }

    /// E0265 for each parameter that is declared twice.
    fn different(&mut self, parameters: &[Name]) {
        for (position, name) in parameters.iter().enumerate() {
            let mut before = parameters.iter().take(position);
            if let Some(first) = before.find(|it| it.text == name.text) {
                let message = format!("the type parameter `{}` is declared twice", name.text);
                self.diagnostics.push(
                    Diagnostic::error("E0265", message)
                        .label(name.span, "declared again here")
                        .label(first.span, "first declared here")
                        .help("choose another name for one of them"),
                );
            }
        }
    }

    /// The type; `None`, and reported, if there is none.
    pub(super) fn ty(&mut self, ty: &TypeExpr) -> Option<Type> {
        self.look_up_type(ty)
            .map_err(|errors| self.diagnostics.extend(errors))
            .ok()
    }

    /// The type; an empty error if what it stands for is reported already.
    pub(crate) fn look_up_type(&self, ty: &TypeExpr) -> Result<Type, Vec<Diagnostic>> {
        self.in_scope(ty, &[])
    }

    /// The enumeration that a type names.
    pub(super) fn enumeration(&self, ty: &TypeExpr) -> Option<&'a str> {
        let TypeExprKind::Named(name, _) = &ty.kind else {
            return None;
        };
        let (name, named) = self.types.get_key_value(name.text.as_str())?;
        match named {
            Named::Enumeration => Some(name),
            Named::Alias(_, _, enumeration) => *enumeration,
            _ => None,
        }
    }

    /// The type where some names are type parameters.
    fn in_scope(&self, ty: &TypeExpr, parameters: &[Name]) -> Result<Type, Vec<Diagnostic>> {
        let all = |types: &[TypeExpr]| -> Result<Vec<Type>, Vec<Diagnostic>> {
            let (mut found, mut errors, mut failed) = (Vec::new(), Vec::new(), false);
            for ty in types {
                match self.in_scope(ty, parameters) {
                    Ok(ty) => found.push(ty),
                    Err(more) => {
                        failed = true;
                        errors.extend(more);
                    }
                }
            }
            if failed { Err(errors) } else { Ok(found) }
        };
        match &ty.kind {
            TypeExprKind::Tuple(parts) => Ok(Type::tuple(&all(parts)?)),
            TypeExprKind::List(element) => Ok(Type::list(self.in_scope(element, parameters)?)),
            TypeExprKind::Named(name, arguments) => {
                let arguments = all(arguments)?;
                let text = name.text.as_str();
                let takes = |count: usize| match arguments.len() == count {
                    true => Ok(()),
                    false => Err(vec![wrong_arguments(name, count, arguments.len(), ty.span)]),
                };
                if parameters.iter().any(|it| it.text == text) {
                    takes(0)?;
                    return Ok(Type::parameter(text));
                }
                if let Some(plain) = Type::from_name(text) {
                    takes(0)?;
                    return Ok(plain);
                }
                match self.types.get(text) {
                    Some(Named::Alias(parameters, ty, _)) => {
                        takes(parameters.len())?;
                        let names: Vec<String> =
                            parameters.iter().map(|it| it.text.clone()).collect();
                        Ok(ty.substitute(&names, &arguments))
                    }
                    Some(Named::Data(parameters)) => {
                        takes(*parameters)?;
                        Ok(Type::adt(text, &arguments))
                    }
                    Some(Named::Enumeration) => takes(0).map(|()| Type::Usize),
                    Some(Named::Pending(..) | Named::Running | Named::Failed) => Err(Vec::new()),
                    None => {
                        let parameters = parameters.iter().map(|it| it.text.as_str());
                        let built_in = Type::ALL.iter().map(|ty| ty.name());
                        let known = built_in.chain(self.types.keys().copied());
                        Err(vec![unknown_type(name, parameters.chain(known))])
                    }
                }
            }
        }
    }
}

/// The names in a type.
fn names<'a>(ty: &'a TypeExpr, into: &mut Vec<&'a Name>) {
    match &ty.kind {
        TypeExprKind::Named(name, arguments) => {
            into.push(name);
            arguments.iter().for_each(|it| names(it, into));
        }
        TypeExprKind::Tuple(parts) => parts.iter().for_each(|it| names(it, into)),
        TypeExprKind::List(element) => names(element, into),
    }
}

fn self_defined(name: &Name) -> Diagnostic {
    Diagnostic::error(
        "E0205",
        format!("the type `{}` is defined by itself", name.text),
    )
    .label(name.span, "stands for no type")
    .help("an alias names another type; a type that contains itself is a data type: `type List = Cons(i32, List) | Nil()`")
}

fn constructor_twice(name: &Name, first: Span) -> Diagnostic {
    let message = format!("the constructor `{}` is declared twice", name.text);
    Diagnostic::error("E0260", message)
        .label(name.span, "declared again here")
        .label(first, "first declared here")
        .help("a constructor tells its data type, so its name is unique in a program: rename one")
}

fn no_mode(span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0266",
        "a field of a constructor is a type, perhaps with a name",
    )
    .label(span, "more than that stands before it")
    .help("`bound`, `free` and `keep` are for the columns of relations")
}

/// E0263.
fn wrong_arguments(name: &Name, expected: usize, found: usize, span: Span) -> Diagnostic {
    let message = match expected {
        0 => format!("`{}` takes no type arguments", name.text),
        1 => format!("`{}` takes 1 type argument, not {found}", name.text),
        _ => format!(
            "`{}` takes {expected} type arguments, not {found}",
            name.text
        ),
    };
    let example = vec!["i32"; expected].join(", ");
    let error = Diagnostic::error("E0263", message).label(span, format!("{found} here"));
    match expected {
        0 => error.help(format!("write `{}`", name.text)),
        _ => error.help(format!("for example `{}<{example}>`", name.text)),
    }
}

/// The type that other languages call so.
fn elsewhere(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "int" | "integer" => "i32",
        "long" => "i64",
        "uint" | "unsigned" => "u32",
        "float" | "real" => "f32",
        "double" => "f64",
        "boolean" => "bool",
        "str" | "string" | "text" => "String",
        "date" | "time" | "timestamp" => "DateTime",
        _ => return None,
    })
}

fn unknown_type<'a>(name: &Name, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let help = match (elsewhere(&name.text), did_you_mean(&name.text, known)) {
        (Some(ty), _) => format!("did you mean `{ty}`?"),
        (None, Some(help)) => help,
        _ => format!("the types are {}", Type::ALL.map(Type::name).join(", ")),
    };
    Diagnostic::error("E0204", format!("unknown type `{}`", name.text))
        .label(name.span, "no such type")
        .help(help)
}
