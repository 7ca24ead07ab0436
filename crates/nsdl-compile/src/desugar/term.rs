//! Arguments and expressions.

use nsdl_ir::{BinaryOp, Callee, Span};
use nsdl_syntax::ast::{Expr, ExprKind};

use super::{Desugar, Scope};
use crate::constant::{self, Const};
use crate::flat::{Argument, ArgumentKind, Literal, Term, TermKind};
use crate::function;

impl<'a> Desugar<'a> {
    pub(super) fn arguments(&mut self, args: &'a [Expr], scope: &mut Scope<'a>) -> Vec<Argument> {
        args.iter().map(|arg| self.argument(arg, scope)).collect()
    }

    /// An argument of a body atom; an expression becomes a variable and an equation.
    pub(super) fn argument(&mut self, expr: &'a Expr, scope: &mut Scope<'a>) -> Argument {
        let span = expr.span;
        if expr.kind == ExprKind::Wildcard {
            let keep = scope.keep_wildcards;
            let kind = if keep {
                ArgumentKind::Slot(scope.fresh("_", span))
            } else {
                ArgumentKind::Any
            };
            return Argument { kind, span };
        }
        let term = self.pattern(expr, scope);
        let kind = match term.kind {
            TermKind::Slot(slot) => ArgumentKind::Slot(slot),
            TermKind::Const(value) => ArgumentKind::Const(value),
            _ => {
                let slot = scope.fresh("_", span);
                let value = Box::new(Term {
                    kind: TermKind::Slot(slot),
                    span,
                });
                let kind = TermKind::Binary(BinaryOp::Equal, value, Box::new(term));
                scope
                    .equations
                    .push(Literal::Constraint(Term { kind, span }));
                ArgumentKind::Slot(slot)
            }
        };
        Argument { kind, span }
    }

    /// An expression that is compared by `==` or `!=`: `_` may stand in its tuples and lists.
    pub(super) fn pattern(&mut self, expr: &'a Expr, scope: &mut Scope<'a>) -> Term {
        match &expr.kind {
            ExprKind::Tuple(_) | ExprKind::List(..) => self.compound(expr, scope, true),
            _ => self.term(expr, scope),
        }
    }

    /// An expression with names resolved and constants folded. What is wrong is reported, and 0 instead.
    pub(super) fn term(&mut self, expr: &'a Expr, scope: &mut Scope<'a>) -> Term {
        match &expr.kind {
            ExprKind::Construct(construct) => self.construct(construct, expr.span, scope),
            // What stands in an operation is a value.
            _ => {
                let matching = std::mem::replace(&mut scope.matching, false);
                let term = self.plain(expr, scope);
                scope.matching = matching;
                term
            }
        }
    }

    /// An expression that is no term of a data type.
    fn plain(&mut self, expr: &'a Expr, scope: &mut Scope<'a>) -> Term {
        let span = expr.span;
        let folded = match &expr.kind {
            ExprKind::Literal(literal) => constant::literal(literal, span),
            ExprKind::Variable(name) => match self.names.constant(name) {
                None => {
                    return Term {
                        kind: TermKind::Slot(scope.slot(name, span)),
                        span,
                    };
                }
                Some(value) => value.cloned().ok_or_else(Vec::new),
            },
            ExprKind::Wildcard => Err(vec![constant::wildcard(span)]),
            ExprKind::Unary(op, operand) => match constant::negative_literal(*op, operand, span) {
                Some(result) => result,
                None => match self.term(operand, scope) {
                    Term {
                        kind: TermKind::Const(value),
                        ..
                    } => constant::unary(*op, value, span),
                    operand => {
                        return Term {
                            kind: TermKind::Unary(*op, Box::new(operand)),
                            span,
                        };
                    }
                },
            },
            ExprKind::Binary(op, left, right) => {
                let sides = match op {
                    BinaryOp::Equal | BinaryOp::NotEqual => {
                        (self.pattern(left, scope), self.pattern(right, scope))
                    }
                    _ => (self.term(left, scope), self.term(right, scope)),
                };
                match sides {
                    (
                        Term {
                            kind: TermKind::Const(left),
                            ..
                        },
                        Term {
                            kind: TermKind::Const(right),
                            ..
                        },
                    ) => constant::binary(*op, left, right, span),
                    (left, right) => {
                        let kind = TermKind::Binary(*op, Box::new(left), Box::new(right));
                        return Term { kind, span };
                    }
                }
            }
            ExprKind::Cast(operand, name) => {
                let ty = self.names.look_up_type(name);
                match (self.term(operand, scope), ty) {
                    (_, Err(errors)) => Err(errors),
                    (
                        Term {
                            kind: TermKind::Const(value),
                            ..
                        },
                        Ok(ty),
                    ) => constant::cast(value, ty, span),
                    (operand, Ok(ty)) => {
                        let kind = TermKind::Cast(Box::new(operand), ty);
                        return Term { kind, span };
                    }
                }
            }
            ExprKind::Learned(Some(value)) => return self.term(value, scope),
            ExprKind::Learned(None) => Ok(Const::Typed(nsdl_ir::Value::F64(constant::INITIAL))),
            ExprKind::Typed(value, ty) => {
                let stated = (self.names.look_up_type(ty), ty.span);
                return self.stated(value, stated, scope);
            }
            ExprKind::Tuple(_) | ExprKind::List(..) => return self.compound(expr, scope, false),
            ExprKind::Construct(construct) => return self.construct(construct, span, scope),
            ExprKind::Call(name, args) => {
                let function = function::resolve(name, args.len(), span, self.names.host());
                let args: Vec<Term> = args.iter().map(|arg| self.term(arg, scope)).collect();
                match (function, constant_arguments(&args)) {
                    (Err(errors), _) => Err(errors),
                    (Ok(Callee::BuiltIn(function)), Some(constants)) => {
                        function::fold(function, constants, span)
                    }
                    (Ok(function), _) => {
                        let pattern = args.first().and_then(constant_argument);
                        self.diagnostics.extend(function::check_pattern(
                            function,
                            pattern,
                            args.len(),
                            span,
                        ));
                        let kind = TermKind::Call(function, args);
                        return Term { kind, span };
                    }
                }
            }
            ExprKind::If(parts) => {
                let parts = parts.each_ref().map(|part| self.term(part, scope));
                let Some(constants) = constants(&parts) else {
                    let kind = TermKind::If(Box::new(parts));
                    return Term { kind, span };
                };
                constant::conditional(constants, span)
            }
        };
        let value = folded.unwrap_or_else(|errors| {
            self.diagnostics.extend(errors);
            Const::Integer(0)
        });
        Term {
            kind: TermKind::Const(value),
            span,
        }
    }
}

fn constant_argument(arg: &Term) -> Option<&Const> {
    match &arg.kind {
        TermKind::Const(value) => Some(value),
        _ => None,
    }
}

/// The arguments of a call, if all are constant.
fn constant_arguments(args: &[Term]) -> Option<Vec<(Const, Span)>> {
    args.iter()
        .map(|arg| Some((constant_argument(arg)?.clone(), arg.span)))
        .collect()
}

/// The parts of a conditional, if all are constant.
fn constants(parts: &[Term; 3]) -> Option<[Const; 3]> {
    match parts.each_ref().map(|part| &part.kind) {
        [
            TermKind::Const(condition),
            TermKind::Const(consequence),
            TermKind::Const(alternative),
        ] => Some([condition.clone(), consequence.clone(), alternative.clone()]),
        _ => None,
    }
}
