//! From the tree of the grammar to the syntax tree: what is a formula, what a value, what an aggregate.
//!
//! Every method yields `None` after it has reported why, and goes on with what stands beside the fault.

use nsdl_ir::{Diagnostic, Span};

use crate::ast::*;
use crate::raw::*;

mod aggregate;
mod item;

/// A formula deep inside others must not overflow the stack of a small thread.
fn deep<T>(walk: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, walk)
}

/// All of them, or none; every element is visited.
fn all<T>(items: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let items: Vec<Option<T>> = items.collect();
    items.into_iter().collect()
}

fn ends(items: &[Raw]) -> Option<Span> {
    Some(items.first()?.span.to(items.last()?.span))
}

impl Context {
    fn fail<T>(&mut self, diagnostic: Diagnostic) -> Option<T> {
        self.diagnostics.push(diagnostic);
        None
    }

    /// A value.
    pub fn expr(&mut self, raw: Raw) -> Option<Expr> {
        deep(|| self.expr_here(raw))
    }

    fn expr_here(&mut self, raw: Raw) -> Option<Expr> {
        let span = raw.span;
        let kind = match raw.kind {
            RawKind::Bad => return None,
            RawKind::Literal(literal) => ExprKind::Literal(literal),
            RawKind::Name(name) => ExprKind::Variable(name),
            RawKind::Wildcard => ExprKind::Wildcard,
            RawKind::Unary(op, operand) => ExprKind::Unary(op, Box::new(self.expr(*operand)?)),
            RawKind::Binary(op, left, right) => {
                if op.is_comparison()
                    && matches!(&left.kind, RawKind::Binary(inner, ..) if inner.is_comparison())
                {
                    return self.fail(
                        Diagnostic::error("E0116", "comparisons do not chain")
                            .label(span, "two comparisons in one")
                            .help("write `a < b and b < c` for `a < b < c`"),
                    );
                }
                let (left, right) = (self.expr(*left), self.expr(*right));
                ExprKind::Binary(op, Box::new(left?), Box::new(right?))
            }
            RawKind::Paren(mut items) => match (items.pop(), items.len()) {
                (Some(item), 0) => return self.expr(item),
                _ => {
                    return self.fail(
                        Diagnostic::error("E0112", "a tuple is not a value")
                            .label(span, "a single value belongs here"),
                    );
                }
            },
            RawKind::Call(call) => return self.fail(call_as_value(&call, span)),
            RawKind::Not(_) => {
                let problem = formula_as_value("`not`", span);
                return self.fail(
                    problem.help("`not` negates relations; a Boolean value is negated by `!`"),
                );
            }
            RawKind::Assign(..) => {
                let problem = formula_as_value("an assignment", span);
                return self.fail(problem.help("equality is `==`"));
            }
            RawKind::And(_) => {
                let problem = formula_as_value("`and`", span);
                return self
                    .fail(problem.help("`and` joins formulas; Boolean values are joined by `&&`"));
            }
            RawKind::Or(_) => {
                let problem = formula_as_value("`or`", span);
                return self
                    .fail(problem.help("`or` joins formulas; Boolean values are joined by `||`"));
            }
        };
        Some(Expr { kind, span })
    }

    fn exprs(&mut self, items: Vec<Raw>) -> Option<Vec<Expr>> {
        all(items.into_iter().map(|item| self.expr(item)))
    }

    /// A formula of a rule body.
    pub fn formula(&mut self, raw: Raw) -> Option<Formula> {
        deep(|| self.formula_here(raw))
    }

    fn formula_here(&mut self, raw: Raw) -> Option<Formula> {
        let span = raw.span;
        match raw.kind {
            RawKind::Bad => None,
            RawKind::Call(call) if call.is_atom() => self.atom(*call, span).map(Formula::Atom),
            RawKind::Call(call) if call.name.text == "exists" => self
                .aggregate(*call, Vec::new(), span)
                .map(Formula::Aggregate),
            RawKind::Call(call) if call.name.text == "forall" => {
                self.fail(unsupported(span, "`forall`"))
            }
            RawKind::Call(call) => {
                let name = &call.name.text;
                self.fail(
                    Diagnostic::error("E0114", format!("the result of `{name}` goes nowhere"))
                        .label(span, "an aggregate without a result")
                        .help(format!("give it a variable: `n := {name}(…)`")),
                )
            }
            RawKind::Not(operand) => self.negation(*operand, span),
            RawKind::Assign(results, value) => self.assignment(*results, *value, span),
            RawKind::And(parts) => {
                all(parts.into_iter().map(|part| self.formula(part))).map(Formula::And)
            }
            RawKind::Or(parts) => {
                all(parts.into_iter().map(|part| self.formula(part))).map(Formula::Or)
            }
            RawKind::Paren(items) => self.conjunction(items, span),
            _ => self.expr(raw).map(Formula::Constraint),
        }
    }

    /// Formulas between commas.
    fn conjunction(&mut self, mut items: Vec<Raw>, span: Span) -> Option<Formula> {
        if items.len() == 1
            && let Some(item) = items.pop()
        {
            return self.formula(item);
        }
        if items.is_empty() {
            return self.fail(
                Diagnostic::error("E0112", "there is no formula between the parentheses")
                    .label(span, "empty"),
            );
        }
        if let Some(or) = items
            .iter()
            .find(|item| matches!(item.kind, RawKind::Or(_)))
        {
            let problem = Diagnostic::error("E0109", "`,` beside `or` can be read in two ways")
                .label(or.span, "this `or` stands beside a `,`")
                .help("put the `or` in parentheses, `a, (b or c)`, or write `and` for the comma: `a and b or c` means `(a and b) or c`");
            return self.fail(problem);
        }
        all(items.into_iter().map(|item| self.formula(item))).map(Formula::And)
    }

    fn negation(&mut self, operand: Raw, span: Span) -> Option<Formula> {
        let operand = strip(operand);
        let inside = operand.span;
        let problem = match operand.kind {
            RawKind::Bad => return None,
            RawKind::Call(call) if call.is_atom() => {
                let atom = self.atom(*call, inside)?;
                return Some(Formula::Not { atom, span });
            }
            RawKind::Call(call) if call.name.text == "exists" => {
                let mut aggregate = self.aggregate(*call, Vec::new(), span)?;
                aggregate.negated = true;
                return Some(Formula::Aggregate(aggregate));
            }
            RawKind::Call(call) if call.name.text == "forall" => {
                return self.fail(unsupported(inside, "`forall`"));
            }
            RawKind::Not(_) => Diagnostic::error("E0113", "`not` cannot be doubled")
                .help("leave both out"),
            RawKind::Binary(op, ..) if op.is_comparison() => {
                Diagnostic::error("E0113", "`not` does not negate comparisons")
                    .help("write the opposite comparison, such as `x <= 1` for `not x > 1`")
            }
            RawKind::And(_) | RawKind::Or(_) | RawKind::Paren(_) => {
                Diagnostic::error("E0113", "only a single atom can be negated").help(
                    "negate each atom by itself, `not a(x) and not b(x)`, or give the formula a relation of its own and negate that",
                )
            }
            RawKind::Call(_) | RawKind::Assign(..) => {
                Diagnostic::error("E0113", "`not` does not negate aggregates other than `exists`")
                    .help("bind the result and compare it: `n := count(…), n == 0`")
            }
            _ => Diagnostic::error("E0113", "`not` negates atoms, not values")
                .help("a Boolean value is negated by `!`"),
        };
        self.fail(problem.label(inside, "this is not an atom"))
    }

    fn atom(&mut self, call: Call, span: Span) -> Option<Atom> {
        let args = self.exprs(call.items)?;
        Some(Atom {
            relation: call.name,
            args,
            span,
        })
    }
}

impl Call {
    /// Whether it can be an atom: a plain name with a list. `exists` and `forall` are never relations.
    fn is_atom(&self) -> bool {
        self.brackets.is_none()
            && self.body.is_none()
            && self.groups.is_none()
            && !matches!(self.name.text.as_str(), "exists" | "forall")
    }
}

/// Without parentheses around a single thing.
fn strip(mut raw: Raw) -> Raw {
    loop {
        match raw.kind {
            RawKind::Paren(mut items) if items.len() == 1 => match items.pop() {
                Some(item) => raw = item,
                None => {
                    return Raw {
                        kind: RawKind::Bad,
                        ..raw
                    };
                }
            },
            kind => return Raw { kind, ..raw },
        }
    }
}

fn call_as_value(call: &Call, span: Span) -> Diagnostic {
    let name = &call.name.text;
    if !call.is_atom() {
        return formula_as_value("an aggregate", span)
            .help(format!("bind its result in the body: `n := {name}(…)`"));
    }
    if name.starts_with(char::is_uppercase) {
        return unsupported(span, "terms of algebraic data types");
    }
    formula_as_value(&format!("the atom `{name}(…)`"), span)
        .help("atoms are joined by `and`, `or` and `,`; a value is taken from one by a variable: `p(x), x > 1`")
}

fn formula_as_value(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0112", format!("{what} is not a value")).label(span, "a value belongs here")
}
