//! Formulas and expressions, with as few parentheses as their meaning needs.

use std::fmt::{self, Display};

use nsdl_ir::{BinaryOp, UnaryOp, Value};

use super::{Commas, Shown};
use crate::ast::*;

/// Where a formula stands, which decides about parentheses and how `and` is written.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Body,
    And,
    Or,
    Not,
}

impl Display for Shown<'_, Formula> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        formula_within(self.0, Within::Body, f)
    }
}

fn formula_within(formula: &Formula, within: Within, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || match formula {
        Formula::Atom(atom) => Shown(atom).fmt(f),
        Formula::Not { formula, .. } => {
            f.write_str("not ")?;
            formula_within(formula, Within::Not, f)
        }
        Formula::Implies {
            premise,
            conclusion,
        } => {
            let parentheses = within != Within::Body;
            f.write_str(if parentheses { "(" } else { "" })?;
            formula_within(premise, Within::Or, f)?;
            f.write_str(" implies ")?;
            formula_within(conclusion, Within::Or, f)?;
            f.write_str(if parentheses { ")" } else { "" })
        }
        Formula::Constraint(expr) => Shown(expr).fmt(f),
        Formula::Range(range) => {
            write!(f, "{} in ", Shown(&range.value))?;
            // Tighter than a comparison.
            expr_within(&range.low, TERM, f)?;
            f.write_str(if range.inclusive { "..=" } else { ".." })?;
            expr_within(&range.high, TERM, f)
        }
        Formula::Element { value, list, .. } => {
            write!(f, "{} in ", Shown(value.as_ref()))?;
            expr_within(list, TERM, f)
        }
        Formula::Case { value, pattern, .. } => {
            write!(
                f,
                "case {} is {}",
                Shown(value.as_ref()),
                Shown(pattern.as_ref())
            )
        }
        Formula::Aggregate(aggregate) => Shown(aggregate).fmt(f),
        Formula::And(parts) => {
            // A comma beside `or` would be ambiguous; inside parentheses it is alone again.
            let separator = if within == Within::Or { " and " } else { ", " };
            parenthesised(
                matches!(within, Within::And | Within::Not),
                parts,
                separator,
                Within::And,
                f,
            )
        }
        Formula::Or(parts) => parenthesised(within != Within::Body, parts, " or ", Within::Or, f),
    })
}

/// A part of a body, as it stands between commas.
pub(super) fn conjunct(formula: &Formula) -> String {
    struct Conjunct<'a>(&'a Formula);
    impl Display for Conjunct<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            formula_within(self.0, Within::And, f)
        }
    }
    Conjunct(formula).to_string()
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
        f.write_str(&self.0.relation.text)?;
        if !self.0.types.is_empty() {
            write!(f, "<{}>", Commas(&self.0.types))?;
        }
        arguments(&self.0.args, &self.0.named, self.0.rest.is_some(), f)
    }
}

/// `(x, to: y, ..)`
pub(super) fn arguments(
    args: &[Expr],
    named: &[(Name, Expr)],
    rest: bool,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    write!(f, "({}", Commas(args))?;
    let mut comma = if args.is_empty() { "" } else { ", " };
    for (name, value) in named {
        write!(f, "{comma}{}: {}", name.text, Shown(value))?;
        comma = ", ";
    }
    if rest {
        write!(f, "{comma}..")?;
    }
    f.write_str(")")
}

/// Variables, those with a stated type as `(x: usize)`.
fn variables(
    names: &[Name],
    types: &[(Name, TypeExpr)],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (index, name) in names.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { ", " })?;
        match types.iter().find(|(typed, _)| typed.text == name.text) {
            Some((_, ty)) => write!(f, "({}: {})", name.text, Shown(ty))?,
            None => f.write_str(&name.text)?,
        }
    }
    Ok(())
}

impl Display for Shown<'_, Aggregate> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Aggregate {
            negated,
            results,
            operator,
            parameters,
            single_world,
            arguments,
            bindings,
            types,
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
        if !parameters.is_empty() {
            write!(f, "<{}>", Commas(parameters))?;
        }
        if *single_world {
            f.write_str("!")?;
        }
        if !arguments.is_empty() {
            f.write_str("[")?;
            variables(arguments, types, f)?;
            f.write_str("]")?;
        }
        f.write_str("(")?;
        if !bindings.is_empty() {
            variables(bindings, types, f)?;
            f.write_str(": ")?;
        }
        Shown(body.as_ref()).fmt(f)?;
        if let Some((names, body)) = groups {
            f.write_str(" where ")?;
            variables(names, types, f)?;
            write!(f, ": {}", Shown(body.as_ref()))?;
        }
        f.write_str(")")
    }
}

impl Display for Shown<'_, Parameter> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.0.name {
            write!(f, "{} = ", name.text)?;
        }
        // A bare comparison would end at its `>`.
        expr_within(&self.0.value, TERM, f)
    }
}

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
        Multiply | Divide | Remainder => 8,
        Add | Subtract => TERM,
        ShiftLeft | ShiftRight => 6,
        BitAnd => 5,
        BitOr => 4,
        _ => 3,
    }
}

/// Sums and what binds tighter: what may stand beside `..`, after `in`, and between `<` and `>`.
const TERM: u8 = 7;
/// Binds tighter than every binary operator.
const UNARY: u8 = 9;
/// Binds tighter than every unary one.
const CAST: u8 = 10;

/// Prints `expr` where only what binds at least as tightly as `least` needs no parentheses.
fn expr_within(expr: &Expr, least: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || match &expr.kind {
        ExprKind::Literal(literal) => Shown(literal).fmt(f),
        ExprKind::Variable(name) => f.write_str(name),
        ExprKind::Wildcard => f.write_str("_"),
        ExprKind::Unary(..) if least > UNARY => within_parentheses(expr, f),
        ExprKind::Unary(op, operand) => {
            f.write_str(match op {
                UnaryOp::Negate => "-",
                UnaryOp::Not => "!",
            })?;
            expr_within(operand, UNARY, f)
        }
        ExprKind::Cast(operand, ty) => {
            expr_within(operand, CAST, f)?;
            match &ty.kind {
                // Behind a name `<` would compare.
                TypeExprKind::Named(_, arguments) if !arguments.is_empty() => {
                    write!(f, " as ({})", Shown(ty))
                }
                _ => write!(f, " as {}", Shown(ty)),
            }
        }
        ExprKind::Typed(operand, ty) => {
            write!(f, "({}: {})", Shown(operand.as_ref()), Shown(ty))
        }
        ExprKind::Tuple(parts) if parts.len() == 1 => write!(f, "({},)", Commas(parts)),
        ExprKind::Tuple(parts) => write!(f, "({})", Commas(parts)),
        ExprKind::List(items, rest) => {
            write!(f, "[{}", Commas(items))?;
            if let Some(rest) = rest {
                let comma = if items.is_empty() { "" } else { ", " };
                match rest.kind {
                    ExprKind::Wildcard => write!(f, "{comma}..")?,
                    _ => write!(f, "{comma}..{}", Shown(rest.as_ref()))?,
                }
            }
            f.write_str("]")
        }
        ExprKind::Construct(term) => {
            let new = term.new.is_some();
            if new && least > UNARY {
                return within_parentheses(expr, f);
            }
            f.write_str(if new { "new " } else { "" })?;
            f.write_str(&term.name.text)?;
            arguments(&term.args, &term.named, term.rest.is_some(), f)
        }
        ExprKind::Call(name, args) => write!(f, "{}({})", name.text, Commas(args)),
        ExprKind::Learned(value) => {
            f.write_str("?")?;
            match value {
                Some(value) => expr_within(value, 0, f),
                None => Ok(()),
            }
        }
        ExprKind::If(_) if least > 0 => within_parentheses(expr, f),
        ExprKind::If(parts) => {
            let [condition, consequence, alternative] = parts.as_ref();
            f.write_str("if ")?;
            expr_within(condition, 0, f)?;
            f.write_str(" then ")?;
            expr_within(consequence, 0, f)?;
            f.write_str(" else ")?;
            expr_within(alternative, 0, f)
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

fn within_parentheses(expr: &Expr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("(")?;
    expr_within(expr, 0, f)?;
    f.write_str(")")
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
            Literal::DateTime(value) => return Value::DateTime(*value).fmt(f),
            Literal::Duration(value) => return Value::Duration(*value).fmt(f),
        };
        match suffix {
            Some(ty) => write!(f, "{ty}"),
            None => Ok(()),
        }
    }
}
