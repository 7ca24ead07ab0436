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
            RawKind::Cast(operand, ty) => ExprKind::Cast(Box::new(self.expr(*operand)?), ty),
            RawKind::Function(name, args) => ExprKind::Call(name, self.exprs(args)?),
            RawKind::If(parts) => {
                let [condition, consequence, alternative] = parts.map(|part| self.expr(part));
                ExprKind::If(Box::new([condition?, consequence?, alternative?]))
            }
            RawKind::Paren(mut items) => match (items.pop(), items.len()) {
                (Some(item), 0) => return self.expr(item),
                (last, _) => {
                    items.extend(last);
                    ExprKind::Tuple(self.exprs(items)?)
                }
            },
            RawKind::Single(item) => ExprKind::Tuple(vec![self.expr(*item)?]),
            RawKind::Typed(value, ty) => ExprKind::Typed(Box::new(self.expr(*value)?), ty),
            RawKind::List(items, rest) => {
                let rest = match rest {
                    Some(rest) => Some(Box::new(self.expr(*rest)?)),
                    None => None,
                };
                ExprKind::List(self.exprs(items)?, rest)
            }
            RawKind::Learned(value) => ExprKind::Learned(match value {
                Some(value) => Some(Box::new(self.expr(*value)?)),
                None => None,
            }),
            RawKind::Call(call) if call.is_atom() => {
                let Atom {
                    relation: name,
                    args,
                    named,
                    rest,
                    ..
                } = self.atom(*call, span)?;
                ExprKind::Construct(Box::new(Construct {
                    new: None,
                    name,
                    args,
                    named,
                    rest,
                }))
            }
            RawKind::Call(call) => return self.fail(call_as_value(&call, span)),
            RawKind::New(new, term) => match self.expr(*term)? {
                Expr {
                    kind: ExprKind::Construct(mut term),
                    ..
                } => {
                    term.new = Some(new);
                    ExprKind::Construct(term)
                }
                other => {
                    return self.fail(
                        Diagnostic::error("E0112", "`new` makes terms")
                            .label(other.span, "a constructor with its arguments belongs here")
                            .help("write `new Cons(x, l)`"),
                    );
                }
            },
            RawKind::Field(..) | RawKind::Rest => {
                return self.fail(
                    Diagnostic::error("E0112", "fields are named in atoms and terms only")
                        .label(span, "a value belongs here"),
                );
            }
            RawKind::Case(..) => return self.fail(formula_as_value("`case … is`", span)),
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
            RawKind::Range { .. } | RawKind::Element(..) => {
                let problem = formula_as_value("`in`", span);
                return self.fail(problem.help("of Boolean values write `0 <= x && x < 5`"));
            }
            RawKind::Implies(..) => {
                let problem = formula_as_value("`implies`", span);
                return self.fail(
                    problem.help("`implies` joins formulas; of Boolean values write `!a || b`"),
                );
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
            RawKind::Call(call) if call.is_atom() || call.is_typed_atom() => {
                self.atom(*call, span).map(Formula::Atom)
            }
            RawKind::Case(value, pattern) => {
                let (value, pattern) = (self.expr(*value), self.expr(*pattern));
                Some(Formula::Case {
                    value: Box::new(value?),
                    pattern: Box::new(pattern?),
                    span,
                })
            }
            RawKind::Element(value, list) => {
                let (value, list) = (self.expr(*value), self.expr(*list));
                Some(Formula::Element {
                    value: Box::new(value?),
                    list: Box::new(list?),
                    span,
                })
            }
            RawKind::Call(call) if matches!(call.name.text.as_str(), "exists" | "forall") => self
                .aggregate(*call, Vec::new(), span)
                .map(Formula::Aggregate),
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
            RawKind::Implies(_, right) if matches!(&right.kind, RawKind::Literal(it) if !matches!(it, Literal::Bool(_))) =>
            {
                let problem = Diagnostic::error("E0112", "a value is no formula")
                    .label(right.span, "`implies` stands between formulas");
                self.fail(problem.help("`=>` is `implies`: \"at least\" is `>=`"))
            }
            RawKind::Implies(left, right) => {
                let (premise, conclusion) = (self.formula(*left), self.formula(*right));
                Some(Formula::Implies {
                    premise: Box::new(premise?),
                    conclusion: Box::new(conclusion?),
                })
            }
            RawKind::Range {
                value,
                limits,
                inclusive,
            } => {
                let value = self.expr(*value);
                let (low, high) = (self.expr(limits.0), self.expr(limits.1));
                Some(Formula::Range(Box::new(Range {
                    value: value?,
                    low: low?,
                    high: high?,
                    inclusive,
                    span,
                })))
            }
            RawKind::Paren(items) => self.conjunction(items, span),
            RawKind::Single(item) => self.formula(*item),
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
        if let Some(implies) = items
            .iter()
            .find(|item| matches!(item.kind, RawKind::Implies(..)))
        {
            let problem = Diagnostic::error(
                "E0109",
                "`,` beside `implies` can be read in two ways",
            )
            .label(implies.span, "this `implies` stands beside a `,`")
            .help(match &implies.kind {
                RawKind::Implies(_, right)
                    if matches!(right.kind, RawKind::Literal(_) | RawKind::Name(_)) =>
                {
                    "`=>` is `implies`: \"at least\" is `>=`"
                }
                _ => "put the implication in parentheses, `a, (b implies c)`, or write `and` for the comma: `a and b implies c` means `(a and b) implies c`",
            });
            return self.fail(problem);
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
        Some(match self.formula(operand)? {
            Formula::Aggregate(aggregate) if aggregate.results.is_empty() && !aggregate.negated => {
                Formula::Aggregate(Aggregate {
                    negated: true,
                    span,
                    ..aggregate
                })
            }
            formula => Formula::Not {
                formula: Box::new(formula),
                span,
            },
        })
    }

    /// `edge(0, to: y, ..)`: the name of the first field is the last of the items, its value the first of the body.
    fn atom(&mut self, call: Call, span: Span) -> Option<Atom> {
        let (mut items, mut parts) = (call.items, Vec::new());
        if let Some(body) = call.body {
            let mut body = body.into_iter();
            if let (Some(name), Some(value)) = (items.pop(), body.next()) {
                parts.push((name, value));
            }
            for part in body {
                match part.kind {
                    RawKind::Field(name, value) => parts.push((*name, *value)),
                    _ => items.push(part),
                }
            }
        }
        let mut rest = None;
        if matches!(
            items.last(),
            Some(Raw {
                kind: RawKind::Rest,
                ..
            })
        ) {
            rest = items.pop().map(|raw| raw.span);
        }
        let mut named: Vec<(Name, Expr)> = Vec::new();
        let mut ok = true;
        for (name, value) in parts {
            let span = name.span;
            let RawKind::Name(text) = name.kind else {
                return self.fail(
                    Diagnostic::error("E0112", "the name of a field is a plain name")
                        .label(span, "this is not a name")
                        .help("write `edge(from: x, to: y)`, or `edge(from: x, ..)` for some of the fields"),
                );
            };
            match self.expr(value) {
                Some(value) => named.push((Name { text, span }, value)),
                None => ok = false,
            }
        }
        let late = items.iter().find(|item| {
            named
                .first()
                .is_some_and(|(name, _)| item.span.start > name.span.start)
        });
        if let Some(late) = late {
            return self.fail(
                Diagnostic::error("E0112", "arguments by position come before fields by name")
                    .label(late.span, "give this one its name, or move it to the front"),
            );
        }
        let args = self.exprs(items)?;
        let types = call.parameters.into_iter().filter_map(|one| match one {
            RawArgument::Positional(Raw {
                kind: RawKind::Name(text),
                span,
                ..
            }) => Some(self.named_type(Name { text, span }, Vec::new())),
            _ => None,
        });
        let types = types.collect();
        ok.then_some(Atom {
            relation: call.name,
            types,
            args,
            named,
            rest,
            span,
        })
    }
}

impl Call {
    /// Whether it can be an atom: a plain name with a list, perhaps of fields. `exists` and `forall` are never
    /// relations, and what is called like an aggregate has no fields.
    fn is_atom(&self) -> bool {
        self.parameters.is_empty()
            && !self.single_world
            && self.brackets.is_none()
            && (self.body.is_none() || !aggregate::is_aggregate(&self.name.text))
            && self.groups.is_none()
            && !matches!(self.name.text.as_str(), "exists" | "forall")
    }
}

impl Call {
    /// Whether it is an atom of a predicate whose type is stated: `range<i32>(0, n, x)`.
    fn is_typed_atom(&self) -> bool {
        let is_name = |it: &RawArgument| matches!(it, RawArgument::Positional(it) if matches!(it.kind, RawKind::Name(_)));
        !self.parameters.is_empty()
            && self.parameters.iter().all(is_name)
            && !self.single_world
            && self.brackets.is_none()
            && self.body.is_none()
            && self.groups.is_none()
            && !aggregate::is_aggregate(&self.name.text)
    }
}

fn call_as_value(call: &Call, span: Span) -> Diagnostic {
    let name = &call.name.text;
    if !call.is_atom() {
        return formula_as_value("an aggregate", span)
            .help(format!("bind its result in the body: `n := {name}(…)`"));
    }
    formula_as_value(&format!("the atom `{name}(…)`"), span)
        .help("atoms are joined by `and`, `or` and `,`; a value is taken from one by a variable: `p(x), x > 1`")
}

fn formula_as_value(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("E0112", format!("{what} is not a value")).label(span, "a value belongs here")
}
