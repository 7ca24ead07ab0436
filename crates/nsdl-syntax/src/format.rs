//! The canonical text of a syntax tree: parsing it yields the same tree, places aside.

mod formula;
mod text;

use std::fmt::{self, Display, Write};

use crate::ast::*;

pub use text::text;

/// Longest line that a fact set is printed in.
const WIDTH: usize = 100;

/// A whole text, one item a line; long fact sets have one member a line. Comments are not in the tree.
pub fn ast(ast: &Ast) -> String {
    let mut text = String::new();
    for item in &ast.items {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", Shown(item));
    }
    text
}

/// An item, with its attributes on lines before it.
pub fn item(item: &Item) -> String {
    Shown(item).to_string()
}

/// A rule body.
pub fn formula(formula: &Formula) -> String {
    Shown(formula).to_string()
}

/// An expression, with as few parentheses as its meaning needs.
pub fn expr(expr: &Expr) -> String {
    Shown(expr).to_string()
}

/// A type.
pub fn type_expr(ty: &TypeExpr) -> String {
    Shown(ty).to_string()
}

/// A literal, with its suffix.
pub fn literal(literal: &Literal) -> String {
    Shown(literal).to_string()
}

/// An atom, such as `path(0, _)`: also the name of what an atom query prints.
pub fn atom_text(relation: &str, args: &[Expr]) -> String {
    format!("{relation}({})", Commas(args))
}

/// A query, such as `path`, `path(0, _)` or `path(0, 2) | edge(0, 1)`: the name of what it prints.
pub fn query(query: &Query) -> String {
    Shown(query).to_string()
}

struct Shown<'a, T>(&'a T);
struct Commas<'a, T>(&'a [T]);

impl<T> Display for Commas<'_, T>
where
    for<'b> Shown<'b, T>: Display,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, one) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            Shown(one).fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Shown<'_, Item> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for attribute in &self.0.attributes {
            writeln!(f, "{}", Shown(attribute))?;
        }
        match &self.0.kind {
            ItemKind::Import(Import { path, alias }) => {
                let path = Literal::String(path.text.clone());
                write!(f, "import {}", Shown(&path))?;
                match alias {
                    Some(alias) => write!(f, " as {}", alias.text),
                    None => Ok(()),
                }
            }
            ItemKind::Types(declarations) => write!(f, "type {}", Commas(declarations)),
            ItemKind::Extern(declarations) => write!(f, "extern type {}", Commas(declarations)),
            ItemKind::Function(function) => Shown(function).fmt(f),
            ItemKind::Constants(constants) => write!(f, "const {}", Commas(constants)),
            ItemKind::Fact { tag, atom } => write!(f, "rel {}{}", Tag(tag), Shown(atom)),
            ItemKind::FactSet {
                relation,
                members,
                exclusive,
            } => fact_set(f, &relation.text, members, *exclusive),
            ItemKind::Rule { tag, head, body } => {
                write!(f, "rel {}{} = {}", Tag(tag), Shown(head), Shown(body))
            }
            ItemKind::AggregateRule {
                relation,
                aggregate,
            } => {
                write!(f, "rel {} = {}", relation.text, Shown(aggregate))
            }
            ItemKind::Query(query) => write!(f, "query {}", Shown(query)),
            ItemKind::Evidence(formula) => write!(f, "evidence {}", Shown(formula)),
        }
    }
}

impl Display for Shown<'_, Query> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Asked(self.0).fmt(f)?;
        match &self.0.evidence {
            Some(evidence) => write!(f, " | {}", Shown(evidence.as_ref())),
            None => Ok(()),
        }
    }
}

/// A query without its evidence.
struct Asked<'a>(&'a Query);

impl Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = self.0;
        f.write_str(&query.relation.text)?;
        match &query.args {
            Some(args) => formula::arguments(args, &query.named, query.rest.is_some(), f),
            None => Ok(()),
        }
    }
}

/// What stands between the members of a fact set, and behind them.
fn fact_set_brackets(members: usize, exclusive: bool) -> (&'static str, &'static str) {
    match (exclusive, members) {
        // A single alternative is exclusive only by its separator.
        (true, 1) => (";", ";}"),
        (true, _) => (";", "}"),
        (false, _) => (",", "}"),
    }
}

fn fact_set(
    f: &mut fmt::Formatter<'_>,
    relation: &str,
    members: &[FactSetMember],
    exclusive: bool,
) -> fmt::Result {
    let members: Vec<String> = members
        .iter()
        .map(|member| Shown(member).to_string())
        .collect();
    let length: usize = members.iter().map(|member| member.len() + 2).sum();
    let (separator, close) = fact_set_brackets(members.len(), exclusive);
    let (space, line_break, indent) = match length + relation.len() + 10 > WIDTH {
        true => ("\n", "\n", "    "),
        false => (" ", "", ""),
    };
    write!(f, "rel {relation} = {{{line_break}")?;
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            write!(f, "{separator}{space}")?;
        }
        write!(f, "{indent}{member}")?;
    }
    write!(f, "{line_break}{close}")
}

struct Tag<'a>(&'a Option<Expr>);

impl Display for Tag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(tag) if is_loose(tag) => write!(f, "{} :: ", Shown(tag)),
            Some(tag) => write!(f, "{}::", Shown(tag)),
            None => Ok(()),
        }
    }
}

/// Whether a tag has words or operators side by side.
fn is_loose(tag: &Expr) -> bool {
    match &tag.kind {
        ExprKind::Binary(..) | ExprKind::Cast(..) | ExprKind::If(_) => true,
        ExprKind::Learned(Some(value)) => is_loose(value),
        _ => false,
    }
}

impl Display for Shown<'_, Attribute> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Attribute {
            name,
            positional,
            named,
            ..
        } = self.0;
        write!(f, "@{}", name.text)?;
        if positional.is_empty() && named.is_empty() {
            return Ok(());
        }
        write!(f, "({}", Commas(positional))?;
        for (index, (key, value)) in named.iter().enumerate() {
            let comma = if index == 0 && positional.is_empty() {
                ""
            } else {
                ", "
            };
            write!(f, "{comma}{} = {}", key.text, Shown(value))?;
        }
        f.write_str(")")
    }
}

impl Display for Shown<'_, TypeDeclaration> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            TypeDeclaration::Relation { name, columns, .. } => {
                write!(f, "{}({})", name.text, Commas(columns))
            }
            TypeDeclaration::Alias {
                name,
                parameters,
                ty,
            } => write!(f, "{}{} = {}", name.text, Angles(parameters), Shown(ty)),
            TypeDeclaration::Enumeration { name, members } => {
                write!(f, "{} = ", name.text)?;
                for (index, (member, value)) in members.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "" } else { " | " }, member.text)?;
                    if let Some(value) = value {
                        write!(f, " = {}", Shown(value))?;
                    }
                }
                Ok(())
            }
            TypeDeclaration::Data {
                name,
                parameters,
                constructors,
                ..
            } => {
                write!(f, "{}{} = ", name.text, Angles(parameters))?;
                for (index, constructor) in constructors.iter().enumerate() {
                    let bar = if index == 0 { "" } else { " | " };
                    write!(f, "{bar}{}", Shown(constructor))?;
                }
                Ok(())
            }
            TypeDeclaration::Function {
                name,
                parameters,
                result,
                ..
            } => write!(
                f,
                "{}({}) -> {}",
                name.text,
                Commas(parameters),
                Shown(result)
            ),
        }
    }
}

impl Display for Shown<'_, ConstructorDeclaration> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.0.name.text, Commas(&self.0.fields))
    }
}

/// `type List<T> =`
fn type_head(name: &Name, parameters: &[Name]) -> String {
    format!("type {}{} =", name.text, Angles(parameters))
}

/// Type parameters or arguments, if there are any.
struct Angles<'a, T>(&'a [T]);

impl<T> Display for Angles<'_, T>
where
    for<'b> Shown<'b, T>: Display,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            parts => write!(f, "<{}>", Commas(parts)),
        }
    }
}

impl Display for Shown<'_, TypeExpr> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            TypeExprKind::Named(name, arguments) => {
                write!(f, "{}{}", name.text, Angles(arguments))
            }
            TypeExprKind::Tuple(parts) if parts.len() == 1 => write!(f, "({},)", Commas(parts)),
            TypeExprKind::Tuple(parts) => write!(f, "({})", Commas(parts)),
            TypeExprKind::List(element) => write!(f, "[{}]", Shown(element.as_ref())),
        }
    }
}

impl Display for Shown<'_, FunctionDefinition> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fn {}(", self.0.name.text)?;
        for (index, (name, ty)) in self.0.parameters.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { "" } else { ", " }, name.text)?;
            if let Some(ty) = ty {
                write!(f, ": {}", Shown(ty))?;
            }
        }
        f.write_str(")")?;
        if let Some(result) = &self.0.result {
            write!(f, " -> {}", Shown(result))?;
        }
        write!(f, " = {}", Shown(&self.0.body))
    }
}

impl Display for Shown<'_, ColumnDeclaration> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.mode {
            ColumnMode::Plain => "",
            ColumnMode::Bound(_) => "bound ",
            ColumnMode::Free(_) => "free ",
            ColumnMode::KeepMin(_) => "keep min ",
            ColumnMode::KeepMax(_) => "keep max ",
        })?;
        match &self.0.field {
            Some(field) => write!(f, "{}: {}", field.text, Shown(&self.0.ty)),
            None => Shown(&self.0.ty).fmt(f),
        }
    }
}

impl Display for Shown<'_, ConstantDeclaration> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConstantDeclaration { name, ty, value } = self.0;
        f.write_str(&name.text)?;
        if let Some(ty) = ty {
            write!(f, ": {}", Shown(ty))?;
        }
        write!(f, " = {}", Shown(value))
    }
}

impl Display for Shown<'_, FactSetMember> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FactSetMember { tag, tuple, .. } = self.0;
        match tuple.as_slice() {
            // In parentheses a tuple would be the columns.
            [one] if !matches!(one.kind, ExprKind::Tuple(_)) => {
                write!(f, "{}{}", Tag(tag), Shown(one))
            }
            tuple => write!(f, "{}({})", Tag(tag), Commas(tuple)),
        }
    }
}

impl Display for Shown<'_, Head> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Head::Atom(atom) => Shown(atom).fmt(f),
            Head::Conjunction(atoms) => write!(f, "{{{}}}", Commas(atoms)),
            Head::Disjunction(alternatives) => {
                f.write_str("{")?;
                for (index, (tag, atom)) in alternatives.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(f, "{separator}{}{}", Tag(tag), Shown(atom))?;
                }
                f.write_str(if alternatives.len() == 1 { ";}" } else { "}" })
            }
        }
    }
}

impl Display for Shown<'_, Name> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}
