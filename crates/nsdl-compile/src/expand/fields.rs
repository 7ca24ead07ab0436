//! Fields by name: `edge(from: x, ..)` becomes `edge(x, _)`.

use nsdl_ir::{Diagnostic, Span, did_you_mean};
use nsdl_syntax::ast::{
    Ast, Atom, ColumnDeclaration, Expr, ExprKind, Item, ItemKind, Name, Query, TypeDeclaration,
};
use nsdl_syntax::rewrite::{self, Rewrite};
use rustc_hash::FxHashMap;

/// The fields of relations and constructors, as declared.
pub(super) struct Fields<'a> {
    relations: FxHashMap<&'a str, &'a [ColumnDeclaration]>,
    constructors: FxHashMap<&'a str, &'a [ColumnDeclaration]>,
}

impl<'a> Fields<'a> {
    pub fn gather(asts: &[&'a Ast]) -> Self {
        let mut it = Fields {
            relations: FxHashMap::default(),
            constructors: FxHashMap::default(),
        };
        for item in asts.iter().flat_map(|ast| &ast.items) {
            let (ItemKind::Types(declarations) | ItemKind::Extern(declarations)) = &item.kind
            else {
                continue;
            };
            for declaration in declarations {
                match declaration {
                    TypeDeclaration::Relation { name, columns, .. } => {
                        it.relations.entry(&name.text).or_insert(columns);
                    }
                    TypeDeclaration::Data { constructors, .. } => {
                        for one in constructors {
                            it.constructors.entry(&one.name.text).or_insert(&one.fields);
                        }
                    }
                    _ => {}
                }
            }
        }
        it
    }

    /// Puts all arguments into their positions.
    pub fn place(&self, ast: &mut Ast, diagnostics: &mut Vec<Diagnostic>) {
        rewrite::walk(
            &mut Place {
                fields: self,
                diagnostics,
            },
            ast,
        );
    }
}

struct Place<'a> {
    fields: &'a Fields<'a>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Place<'_> {
    /// `what` is a relation or a constructor of that name.
    fn arguments(
        &mut self,
        (what, name): (&str, &Name),
        declared: Option<&[ColumnDeclaration]>,
        args: &mut Vec<Expr>,
        named: &mut Vec<(Name, Expr)>,
        rest: &mut Option<Span>,
    ) {
        if named.is_empty() && rest.is_none() {
            return;
        }
        let (mut named, rest) = (std::mem::take(named), rest.take());
        let Some(columns) = declared else {
            let span = named.first().map(|(name, _)| name.span).or(rest);
            self.diagnostics.push(
                Diagnostic::error(
                    "E0222",
                    format!("the fields of `{}` are not declared", name.text),
                )
                .label(
                    span.unwrap_or(name.span),
                    "a field by name, or `..`, needs a declaration",
                )
                .help(format!(
                    "declare them, for example `type {}(from: i32, to: i32)`",
                    name.text
                )),
            );
            return;
        };
        let names = || {
            let fields = columns.iter().filter_map(|column| column.field.as_ref());
            fields.map(|field| field.text.as_str())
        };
        for (field, _) in &named {
            let Some(position) = position(columns, &field.text) else {
                let error = Diagnostic::error(
                    "E0223",
                    format!("{what} `{}` has no field `{}`", name.text, field.text),
                )
                .label(field.span, "no such field");
                let all: Vec<&str> = names().collect();
                let fields = match all.as_slice() {
                    [] => "its columns have no names".to_owned(),
                    all => format!("its fields are {}", all.join(", ")),
                };
                self.diagnostics
                    .push(error.help(did_you_mean(&field.text, names()).unwrap_or(fields)));
                continue;
            };
            let again = named
                .iter()
                .find(|(other, _)| other.text == field.text && other.span.start < field.span.start);
            if position < args.len() || again.is_some() {
                let first = again.map(|(other, _)| other.span);
                let first = first.or_else(|| args.get(position).map(|arg| arg.span));
                self.diagnostics.push(
                    Diagnostic::error(
                        "E0224",
                        format!("the field `{}` is given twice", field.text),
                    )
                    .label(field.span, "given again here")
                    .label(first.unwrap_or(field.span), "first given here"),
                );
            }
        }
        let mut missing = Vec::new();
        for column in columns.iter().skip(args.len()) {
            let given = column.field.as_ref().and_then(|field| {
                let at = named.iter().position(|(name, _)| name.text == field.text)?;
                Some(named.swap_remove(at).1)
            });
            args.push(given.unwrap_or_else(|| {
                missing.push(
                    column
                        .field
                        .as_ref()
                        .map_or("_", |field| field.text.as_str()),
                );
                Expr {
                    kind: ExprKind::Wildcard,
                    span: rest.unwrap_or(name.span),
                }
            }));
        }
        if rest.is_none() && !missing.is_empty() {
            self.diagnostics.push(
                Diagnostic::error(
                    "E0225",
                    format!("`{}` lacks {}", name.text, missing.join(", ")),
                )
                .label(name.span, "not every field is given")
                .help("name them, or write `..` at the end for \"any value\""),
            );
        }
    }
}

fn position(columns: &[ColumnDeclaration], field: &str) -> Option<usize> {
    columns
        .iter()
        .position(|column| column.field.as_ref().is_some_and(|name| name.text == field))
}

impl Rewrite for Place<'_> {
    fn item(&mut self, item: &mut Item) {
        if let ItemKind::Query(Query {
            relation,
            args: Some(args),
            named,
            rest,
            ..
        }) = &mut item.kind
        {
            let declared = self.fields.relations.get(relation.text.as_str()).copied();
            self.arguments(("the relation", relation), declared, args, named, rest);
        }
        rewrite::walk_item(self, item);
    }

    fn atom(&mut self, atom: &mut Atom) {
        let Atom {
            relation,
            args,
            named,
            rest,
            ..
        } = atom;
        let declared = self.fields.relations.get(relation.text.as_str()).copied();
        self.arguments(("the relation", relation), declared, args, named, rest);
        rewrite::walk_atom(self, atom);
    }

    fn expr(&mut self, expr: &mut Expr) {
        if let ExprKind::Construct(term) = &mut expr.kind {
            let term = term.as_mut();
            let declared = self
                .fields
                .constructors
                .get(term.name.text.as_str())
                .copied();
            self.arguments(
                ("the constructor", &term.name),
                declared,
                &mut term.args,
                &mut term.named,
                &mut term.rest,
            );
        }
        rewrite::walk_expr(self, expr);
    }
}
