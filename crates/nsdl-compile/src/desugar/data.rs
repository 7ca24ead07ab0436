//! Terms of data types: patterns, which range over the terms there are, and values.
//!
//! `Cons(h, t)` as an argument of a body atom, of a head or after `is` is a pattern: it matches each such term
//! that occurs in a fact or is made by some rule. With `new` in a head, in a fact, and inside other expressions it
//! is a value: the term itself, made if need be. So is a term without variables in a head.

use nsdl_ir::{BinaryOp, Diagnostic, Span, Tag, Value};
use nsdl_syntax::ast::{Construct, Expr, ExprKind};

use super::compound::has_hole;
use super::{Desugar, Scope};
use crate::constant::Const;
use crate::constructor::Constructor;
use crate::flat::{Argument, ArgumentKind, Fact, Literal, Matches, Term, TermKind};

impl<'a> Desugar<'a> {
    /// A term of a data type in an expression: a pattern where `scope` matches, else a value.
    pub(super) fn construct(
        &mut self,
        construct: &'a Construct,
        span: Span,
        scope: &mut Scope<'a>,
    ) -> Term {
        let Some(constructor) = self.constructor(construct, construct.args.len(), span) else {
            return failed(construct.args.iter(), span, |arg| {
                self.term(arg, scope);
            });
        };
        if scope.matching {
            if let Some(new) = construct.new {
                self.diagnostics.push(misplaced_new(new));
            }
            let fields = self.arguments(&construct.args, scope);
            return pattern(constructor, fields, span, scope);
        }
        let fields: Vec<Term> = construct
            .args
            .iter()
            .map(|arg| self.term(arg, scope))
            .collect();
        value(constructor, fields, span)
    }

    /// An argument of a head.
    pub(super) fn head_argument(&mut self, expr: &'a Expr, scope: &mut Scope<'a>) -> Term {
        let ExprKind::Construct(construct) = &expr.kind else {
            return self.term(expr, scope);
        };
        if construct.new.is_none() {
            scope.matching = true;
            let term = self.construct(construct, expr.span, scope);
            scope.matching = false;
            return term;
        }
        let Some(constructor) = self.constructor(construct, construct.args.len(), expr.span) else {
            return failed(construct.args.iter(), expr.span, |arg| {
                self.head_argument(arg, scope);
            });
        };
        let fields: Vec<Term> = construct
            .args
            .iter()
            .map(|arg| self.head_argument(arg, scope))
            .collect();
        value(constructor, fields, expr.span)
    }

    /// `case value is pattern`, and `value == pattern` in a body.
    pub(super) fn case(
        &mut self,
        value: &'a Expr,
        pattern: &'a Expr,
        span: Span,
        scope: &mut Scope<'a>,
    ) {
        let matching = std::mem::replace(&mut scope.matching, true);
        let value = match value.kind {
            // There is such a value.
            ExprKind::Wildcard => Argument {
                kind: ArgumentKind::Slot(scope.fresh("_", value.span)),
                span: value.span,
            },
            _ => self.argument(value, scope),
        };
        match &pattern.kind {
            ExprKind::Construct(construct) => {
                let constructor = self.constructor(construct, construct.args.len(), pattern.span);
                if let Some(new) = construct.new {
                    self.diagnostics.push(misplaced_new(new));
                }
                if let Some(constructor) = constructor {
                    let fields = self.arguments(&construct.args, scope);
                    let term = slot_of(value, scope);
                    let ty = constructor.ty();
                    scope.push(Literal::Matches(Matches {
                        constructor,
                        ty,
                        term,
                        fields,
                        span,
                    }));
                }
            }
            _ => {
                let pattern = self.pattern(pattern, scope);
                if let Some(value) = Option::<Term>::from(&value) {
                    let (left, right) = (Box::new(value), Box::new(pattern));
                    let kind = TermKind::Binary(BinaryOp::Equal, left, right);
                    scope.push(Literal::Constraint(Term { kind, span }));
                }
            }
        }
        scope.matching = matching;
    }

    /// Whether a fact is a rule: a term in it has variables.
    pub(super) fn is_open(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Construct(construct) if construct.new.is_none() => {
                let mut variables = crate::mentions::Mentions::default();
                let is_constant = |name: &str| self.names.is_constant(name);
                crate::mentions::expr(expr, &is_constant, &mut variables);
                !variables.is_empty() || has_hole(expr)
            }
            _ => false,
        }
    }

    /// The terms of constants exist, each in a fact of a relation that nothing reads. Of a data type with parameters
    /// only those of a declared type: elsewhere each use has its own.
    pub(super) fn constant_terms(&mut self) {
        let mut terms: Vec<(&str, Const)> = self
            .names
            .constant_values()
            .filter(|(_, value)| is_settled_term(value))
            .map(|(name, value)| (name, value.clone()))
            .collect();
        terms.sort_by_key(|(name, _)| *name);
        let span = Span::default();
        for (name, value) in terms {
            let relation = self.auxiliary(format!("const {name}"), 1, span);
            self.program.facts.push(Fact {
                relation,
                row: vec![(value, span)],
                tag: Tag::Certain,
                learned: None,
                span,
            });
        }
    }

    /// The constructor that is meant; `None`, and reported, if there is none with so many fields.
    fn constructor(
        &mut self,
        construct: &Construct,
        fields: usize,
        span: Span,
    ) -> Option<Constructor> {
        let found = self.names.constructor_of(&construct.name);
        let checked = found.and_then(|it| it.check(fields, span).map(|()| it));
        checked
            .map_err(|errors| self.diagnostics.extend(errors))
            .ok()
    }
}

/// In place of a term whose constructor is wrong: what stands in it is looked at all the same.
fn failed<'e>(
    args: impl Iterator<Item = &'e Expr>,
    span: Span,
    look: impl FnMut(&'e Expr),
) -> Term {
    args.filter(|arg| arg.kind != ExprKind::Wildcard)
        .for_each(look);
    Term {
        kind: TermKind::Const(Const::Integer(0)),
        span,
    }
}

/// A pattern: a variable for the term, or the term itself if it has no variables.
fn pattern(
    constructor: Constructor,
    fields: Vec<Argument>,
    span: Span,
    scope: &mut Scope<'_>,
) -> Term {
    let constant = |field: &Argument| match &field.kind {
        ArgumentKind::Const(value) => Some((value.clone(), field.span)),
        _ => None,
    };
    if let Some(fields) = fields.iter().map(constant).collect::<Option<Vec<_>>>() {
        let kind = TermKind::Const(Const::Term(constructor, fields));
        return Term { kind, span };
    }
    let slot = scope.fresh("_", span);
    let ty = constructor.ty();
    scope.equations.push(Literal::Matches(Matches {
        constructor,
        ty,
        term: Argument {
            kind: ArgumentKind::Slot(slot),
            span,
        },
        fields,
        span,
    }));
    Term {
        kind: TermKind::Slot(slot),
        span,
    }
}

/// A term as a value.
fn value(constructor: Constructor, fields: Vec<Term>, span: Span) -> Term {
    let constant = |field: &Term| match &field.kind {
        TermKind::Const(value) => Some((value.clone(), field.span)),
        _ => None,
    };
    let kind = match fields.iter().map(constant).collect::<Option<Vec<_>>>() {
        Some(fields) => TermKind::Const(Const::Term(constructor, fields)),
        None => {
            let ty = constructor.ty();
            TermKind::Construct(constructor, ty, fields)
        }
    };
    Term { kind, span }
}

/// A variable for `argument`.
fn slot_of(argument: Argument, scope: &mut Scope<'_>) -> Argument {
    let (ArgumentKind::Const(_), Some(value)) = (&argument.kind, Option::<Term>::from(&argument))
    else {
        return argument;
    };
    let span = argument.span;
    let slot = scope.fresh("_", span);
    let left = Term {
        kind: TermKind::Slot(slot),
        span,
    };
    let kind = TermKind::Binary(BinaryOp::Equal, Box::new(left), Box::new(value));
    scope
        .equations
        .push(Literal::Constraint(Term { kind, span }));
    Argument {
        kind: ArgumentKind::Slot(slot),
        span,
    }
}

/// Whether an equation matches terms: one of its sides is a term, or a tuple or list with one in it.
pub(super) fn is_pattern(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Construct(_) => true,
        ExprKind::Tuple(parts) => parts.iter().any(is_pattern),
        ExprKind::List(items, rest) => items.iter().chain(rest.as_deref()).any(is_pattern),
        _ => false,
    }
}

/// Whether an equation matches terms by a pattern with `_`.
pub(super) fn matches_any(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Binary(BinaryOp::Equal, left, right) => {
            let mut sides = [left, right].into_iter();
            sides.any(|side| is_pattern(side) && has_hole(side))
        }
        _ => false,
    }
}

/// Whether a constant is a term whose type does not depend on its use.
fn is_settled_term(value: &Const) -> bool {
    match value {
        Const::Typed(value) => matches!(value, Value::Term(_)),
        Const::Term(constructor, fields) => {
            constructor.data_type.parameters.is_empty()
                && fields.iter().all(|(field, _)| match field {
                    Const::Term(..) => is_settled_term(field),
                    _ => true,
                })
        }
        _ => false,
    }
}

/// E0264.
fn misplaced_new(span: Span) -> Diagnostic {
    Diagnostic::error(
        "E0264",
        "`new` makes a term in a head, here stands a pattern",
    )
    .label(span, "nothing is made here")
    .help("leave `new` out: the pattern matches each such term there is")
}
