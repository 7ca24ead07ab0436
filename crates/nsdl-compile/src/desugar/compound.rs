//! Tuples and lists in rules, and types that are stated for expressions.

use nsdl_ir::{BinaryOp, Diagnostic, RelationId, Span, Type};
use nsdl_syntax::ast::{Expr, ExprKind, Name, TypeExpr};

use super::{Desugar, Scope};
use crate::constant::{self, Const};
use crate::flat::{Clause, Literal, Term, TermKind};

impl<'a> Desugar<'a> {
    /// A tuple or a list; in a `pattern`, `_` may stand in it.
    pub(super) fn compound(
        &mut self,
        expr: &'a Expr,
        scope: &mut Scope<'a>,
        pattern: bool,
    ) -> Term {
        let span = expr.span;
        let (parts, rest, list) = match &expr.kind {
            ExprKind::Tuple(parts) => (parts, None, false),
            ExprKind::List(items, rest) => (items, rest.as_deref(), true),
            _ => return self.term(expr, scope),
        };
        let mut part = |part: &'a Expr| match part.kind {
            ExprKind::Wildcard if pattern => Term {
                kind: TermKind::Any,
                span: part.span,
            },
            ExprKind::Tuple(_) | ExprKind::List(..) => self.compound(part, scope, pattern),
            _ => self.term(part, scope),
        };
        let parts: Vec<Term> = parts.iter().map(&mut part).collect();
        let rest = rest.map(part);
        let constant = |term: &Term| match &term.kind {
            TermKind::Const(value) => Some((value.clone(), term.span)),
            _ => None,
        };
        let constants = parts.iter().map(constant).collect::<Option<Vec<_>>>();
        let kind = match (constants, rest) {
            (Some(parts), None) if list => TermKind::Const(Const::List(parts)),
            (Some(parts), None) => TermKind::Const(Const::Tuple(parts)),
            (constants, Some(rest)) => match constants.zip(constant(&rest)) {
                Some((items, rest)) => {
                    let folded = constant::list(items, Some(rest)).unwrap_or_else(|errors| {
                        self.diagnostics.extend(errors);
                        Const::List(Vec::new())
                    });
                    TermKind::Const(folded)
                }
                None => TermKind::List(parts, Some(Box::new(rest))),
            },
            (None, None) if list => TermKind::List(parts, None),
            (None, None) => TermKind::Tuple(parts),
        };
        Term { kind, span }
    }

    /// A condition. An equation of two tuples, or of two lists of known length, is one for each part, so that
    /// either side may bind; what a pattern takes apart is computed once.
    pub(super) fn constraint(&mut self, term: Term, scope: &mut Scope<'a>) {
        let span = term.span;
        let equal =
            |left, right| TermKind::Binary(BinaryOp::Equal, Box::new(left), Box::new(right));
        let (left, right) = match term.kind {
            TermKind::Binary(BinaryOp::Equal, left, right) => (*left, *right),
            kind => return scope.push(Literal::Constraint(Term { kind, span })),
        };
        match (left.kind, right.kind) {
            (TermKind::Tuple(lefts), TermKind::Tuple(rights))
            | (TermKind::List(lefts, None), TermKind::List(rights, None))
                if lefts.len() == rights.len() =>
            {
                for (left, right) in lefts.into_iter().zip(rights) {
                    let any = [&left, &right]
                        .iter()
                        .any(|it| matches!(it.kind, TermKind::Any));
                    if !any {
                        let kind = equal(left, right);
                        self.constraint(Term { kind, span }, scope);
                    }
                }
            }
            (left_kind, right_kind) => {
                let computed = |kind: &TermKind| {
                    !matches!(
                        kind,
                        TermKind::Slot(_)
                            | TermKind::Const(_)
                            | TermKind::Tuple(_)
                            | TermKind::List(..)
                    )
                };
                let mut sides = [
                    Term {
                        kind: left_kind,
                        span: left.span,
                    },
                    Term {
                        kind: right_kind,
                        span: right.span,
                    },
                ];
                if sides.iter().any(Term::is_compound) {
                    for side in sides.iter_mut().filter(|side| computed(&side.kind)) {
                        let slot = TermKind::Slot(scope.fresh("_", side.span));
                        let value = std::mem::replace(&mut side.kind, slot.clone());
                        let place = side.span;
                        let kind = equal(
                            Term {
                                kind: slot,
                                span: place,
                            },
                            Term {
                                kind: value,
                                span: place,
                            },
                        );
                        scope.push(Literal::Constraint(Term { kind, span: place }));
                    }
                }
                let [left, right] = sides;
                let kind = equal(left, right);
                scope.push(Literal::Constraint(Term { kind, span }));
            }
        }
    }

    /// `(x: usize)` among the variables of an aggregate: in the rules that fill `relation`.
    pub(super) fn stated_variables(&mut self, types: &'a [(Name, TypeExpr)], relation: RelationId) {
        for (name, ty) in types {
            let stated = match self.names.look_up_type(ty) {
                Ok(stated) => stated,
                Err(errors) => {
                    self.diagnostics.extend(errors);
                    continue;
                }
            };
            let fills = |clause: &&mut Clause| {
                let mut heads = clause.heads.iter();
                heads.any(|head| head.relation == relation)
            };
            for clause in self.program.clauses.iter_mut().filter(fills) {
                let variables = clause.variables.iter_mut();
                for variable in variables.filter(|variable| variable.name == name.text) {
                    variable.stated.push((stated, ty.span));
                }
            }
        }
    }

    /// `(x: usize)`: a variable keeps the type, any other expression gets a variable for it.
    pub(super) fn stated(
        &mut self,
        value: &'a Expr,
        (ty, declared): (Result<Type, Vec<Diagnostic>>, Span),
        scope: &mut Scope<'a>,
    ) -> Term {
        let span = value.span;
        let term = match &value.kind {
            ExprKind::Wildcard => Term {
                kind: TermKind::Slot(scope.fresh("_", span)),
                span,
            },
            _ => self.term(value, scope),
        };
        let ty = match ty {
            Ok(ty) => ty,
            Err(errors) => {
                self.diagnostics.extend(errors);
                return term;
            }
        };
        let slot = match term.kind {
            TermKind::Const(value) => {
                let typed = constant::typed(value, ty, span, declared);
                let value = typed.unwrap_or_else(|errors| {
                    self.diagnostics.extend(errors);
                    Const::Integer(0)
                });
                let kind = TermKind::Const(value);
                return Term { kind, span };
            }
            TermKind::Slot(slot) => slot,
            kind => {
                let slot = scope.fresh("_", span);
                let left = Term {
                    kind: TermKind::Slot(slot),
                    span,
                };
                let sides = (Box::new(left), Box::new(Term { kind, span }));
                let kind = TermKind::Binary(BinaryOp::Equal, sides.0, sides.1);
                scope
                    .equations
                    .push(Literal::Constraint(Term { kind, span }));
                slot
            }
        };
        if let Some(variable) = scope.variables.get_mut(slot.index()) {
            variable.stated.push((ty, declared));
        }
        Term {
            kind: TermKind::Slot(slot),
            span,
        }
    }
}

/// Whether `_` stands in a tuple, list or term of `expr`.
pub(super) fn has_hole(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Tuple(parts) => parts.iter().any(is_open),
        ExprKind::List(items, rest) => items.iter().chain(rest.as_deref()).any(is_open),
        ExprKind::Construct(construct) => construct.args.iter().any(is_open),
        _ => false,
    }
}

/// Whether it is `_`, or `_` stands in it.
pub(super) fn is_open(expr: &Expr) -> bool {
    expr.kind == ExprKind::Wildcard || has_hole(expr)
}
