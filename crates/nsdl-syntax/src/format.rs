//! The canonical text of a syntax tree: parsing it yields the same tree, places aside.

use std::fmt::{self, Display, Write};

use nsdl_ir::{BinaryOp, UnaryOp, Value};

use crate::ast::*;

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

/// A literal, with its suffix.
pub fn literal(literal: &Literal) -> String {
    Shown(literal).to_string()
}

/// An atom, such as `path(0, _)`: also the name of what an atom query prints.
pub fn atom_text(relation: &str, args: &[Expr]) -> String {
    format!("{relation}({})", Commas(args))
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

// ---- Items -------------------------------------------------------------------------------------

impl Display for Shown<'_, Item> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for attribute in &self.0.attributes {
            writeln!(f, "{}", Shown(attribute))?;
        }
        match &self.0.kind {
            ItemKind::Types(declarations) => write!(f, "type {}", Commas(declarations)),
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
            ItemKind::Query(Query {
                relation,
                args: None,
                ..
            }) => write!(f, "query {}", relation.text),
            ItemKind::Query(Query {
                relation,
                args: Some(args),
                ..
            }) => {
                write!(f, "query {}({})", relation.text, Commas(args))
            }
        }
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
    let (separator, line_break, indent) = match (exclusive, length + relation.len() + 10 > WIDTH) {
        (true, true) => (";\n", "\n", "    "),
        (false, true) => (",\n", "\n", "    "),
        (true, false) => ("; ", "", ""),
        (false, false) => (", ", "", ""),
    };
    write!(f, "rel {relation} = {{{line_break}")?;
    for (index, member) in members.iter().enumerate() {
        let separator = if index == 0 { "" } else { separator };
        write!(f, "{separator}{indent}{member}")?;
    }
    // A single alternative is exclusive only by its separator.
    let last = if exclusive && members.len() == 1 {
        ";"
    } else {
        ""
    };
    write!(f, "{last}{line_break}}}")
}

struct Tag<'a>(&'a Option<Expr>);

impl Display for Tag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(tag) if matches!(tag.kind, ExprKind::Binary(..)) => {
                write!(f, "{} :: ", Shown(tag))
            }
            Some(tag) => write!(f, "{}::", Shown(tag)),
            None => Ok(()),
        }
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
            TypeDeclaration::Alias { name, ty } => write!(f, "{} = {}", name.text, ty.text),
        }
    }
}

impl Display for Shown<'_, ColumnDeclaration> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.field {
            Some(field) => write!(f, "{}: {}", field.text, self.0.ty.text),
            None => f.write_str(&self.0.ty.text),
        }
    }
}

impl Display for Shown<'_, ConstantDeclaration> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConstantDeclaration { name, ty, value } = self.0;
        f.write_str(&name.text)?;
        if let Some(ty) = ty {
            write!(f, ": {}", ty.text)?;
        }
        write!(f, " = {}", Shown(value))
    }
}

impl Display for Shown<'_, FactSetMember> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FactSetMember { tag, tuple, .. } = self.0;
        match tuple.as_slice() {
            [one] => write!(f, "{}{}", Tag(tag), Shown(one)),
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

// ---- Formulas ----------------------------------------------------------------------------------

/// Where a formula stands, which decides about parentheses and how `and` is written.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Body,
    And,
    Or,
}

impl Display for Shown<'_, Formula> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        formula_within(self.0, Within::Body, f)
    }
}

fn formula_within(formula: &Formula, within: Within, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || match formula {
        Formula::Atom(atom) => Shown(atom).fmt(f),
        Formula::Not { atom, .. } => write!(f, "not {}", Shown(atom)),
        Formula::Constraint(expr) => Shown(expr).fmt(f),
        Formula::Aggregate(aggregate) => Shown(aggregate).fmt(f),
        Formula::And(parts) => {
            // A comma beside `or` would be ambiguous; inside parentheses it is alone again.
            let separator = if within == Within::Or { " and " } else { ", " };
            parenthesised(within == Within::And, parts, separator, Within::And, f)
        }
        Formula::Or(parts) => parenthesised(within != Within::Body, parts, " or ", Within::Or, f),
    })
}

fn parenthesised(
    parentheses: bool,
    parts: &[Formula],
    separator: &str,
    within: Within,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    if parentheses {
        f.write_str("(")?;
    }
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        formula_within(part, within, f)?;
    }
    if parentheses {
        f.write_str(")")?;
    }
    Ok(())
}

impl Display for Shown<'_, Atom> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.0.relation.text, Commas(&self.0.args))
    }
}

impl Display for Shown<'_, Aggregate> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Aggregate {
            negated,
            results,
            operator,
            arguments,
            bindings,
            body,
            groups,
            ..
        } = self.0;
        if *negated {
            f.write_str("not ")?;
        }
        match results.as_slice() {
            [] => {}
            [one] => write!(f, "{} := ", Shown(one))?,
            results => write!(f, "({}) := ", Commas(results))?,
        }
        f.write_str(&operator.text)?;
        if !arguments.is_empty() {
            write!(f, "[{}]", Commas(arguments))?;
        }
        f.write_str("(")?;
        if !bindings.is_empty() {
            write!(f, "{}: ", Commas(bindings))?;
        }
        Shown(body.as_ref()).fmt(f)?;
        if let Some((names, body)) = groups {
            write!(f, " where {}: {}", Commas(names), Shown(body.as_ref()))?;
        }
        f.write_str(")")
    }
}

// ---- Expressions -------------------------------------------------------------------------------

impl Display for Shown<'_, Expr> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        expr_within(self.0, 0, f)
    }
}

/// How tightly an operator binds; operators of one level associate to the left.
fn level(op: BinaryOp) -> u8 {
    use BinaryOp::*;
    match op {
        Or | Xor => 1,
        And => 2,
        Multiply | Divide | Remainder => 5,
        Add | Subtract => 4,
        _ => 3,
    }
}

/// Binds tighter than every binary operator.
const UNARY: u8 = 6;

/// Prints `expr` where only what binds at least as tightly as `least` needs no parentheses.
fn expr_within(expr: &Expr, least: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || match &expr.kind {
        ExprKind::Literal(literal) => Shown(literal).fmt(f),
        ExprKind::Variable(name) => f.write_str(name),
        ExprKind::Wildcard => f.write_str("_"),
        ExprKind::Unary(op, operand) => {
            f.write_str(match op {
                UnaryOp::Negate => "-",
                UnaryOp::Not => "!",
            })?;
            expr_within(operand, UNARY, f)
        }
        ExprKind::Binary(op, left, right) => {
            let level = level(*op);
            if level < least {
                f.write_str("(")?;
            }
            // Comparisons do not associate at all.
            expr_within(left, level + u8::from(op.is_comparison()), f)?;
            write!(f, " {} ", op.symbol())?;
            expr_within(right, level + 1, f)?;
            if level < least {
                f.write_str(")")?;
            }
            Ok(())
        }
    })
}

impl Display for Shown<'_, Literal> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = match self.0 {
            Literal::Integer(value, ty) => {
                write!(f, "{value}")?;
                ty
            }
            Literal::Float(digits, ty) => {
                f.write_str(digits)?;
                ty
            }
            Literal::Bool(value) => return write!(f, "{value}"),
            // The same text as in output.
            Literal::Char(value) => return Value::Char(*value).fmt(f),
            Literal::String(text) => return Value::String(text.as_str().into()).fmt(f),
            Literal::Symbol(text) => return Value::Symbol(text.as_str().into()).fmt(f),
        };
        match suffix {
            Some(ty) => write!(f, "{ty}"),
            None => Ok(()),
        }
    }
}
