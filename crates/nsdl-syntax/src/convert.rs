//! From the tree of the grammar to the syntax tree: what is a formula, what a value, what an aggregate.
//!
//! Every method yields `None` after it has reported why, and goes on with what stands beside the fault.

use nsdl_ir::{Diagnostic, Span};

use crate::ast::*;
use crate::raw::*;

/// Names that can only be aggregates where an aggregate makes a whole relation: `rel n = count(p(x))`.
const AGGREGATES: [&str; 16] = [
    "count",
    "sum",
    "prod",
    "min",
    "max",
    "argmin",
    "argmax",
    "exists",
    "forall",
    "avg",
    "top",
    "rank",
    "sort",
    "string_join",
    "normalize",
    "softmax",
];

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

    fn assignment(&mut self, results: Raw, value: Raw, span: Span) -> Option<Formula> {
        let value_span = value.span;
        let call = match value.kind {
            RawKind::Bad => return None,
            RawKind::Call(call) if call.name.text == "forall" => {
                return self.fail(unsupported(value_span, "`forall`"));
            }
            RawKind::Call(call)
                if !call.is_atom() || AGGREGATES.contains(&call.name.text.as_str()) =>
            {
                call
            }
            _ => {
                return self.fail(
                    Diagnostic::error("E0114", "`=` in a body takes the result of an aggregate")
                        .label(value_span, "this is not an aggregate")
                        .help("equality is `==`; it also gives a new variable its value: `c == a + b`"),
                );
            }
        };
        let results_span = results.span;
        let parts = match results.kind {
            RawKind::Paren(items) => items,
            _ => vec![results],
        };
        if parts.is_empty() {
            return self.fail(
                Diagnostic::error("E0114", "this aggregate has no results")
                    .label(results_span, "a variable is missing")
                    .help("write `_` for a result that does not matter"),
            );
        }
        let results = all(parts.into_iter().map(|part| {
            let span = part.span;
            match part.kind {
                RawKind::Bad => None,
                RawKind::Name(name) => Some(Expr {
                    kind: ExprKind::Variable(name),
                    span,
                }),
                RawKind::Wildcard => Some(Expr {
                    kind: ExprKind::Wildcard,
                    span,
                }),
                _ => self.fail(
                    Diagnostic::error("E0114", "the result of an aggregate is a variable or `_`")
                        .label(span, "this is neither")
                        .help("bind a variable and compare it: `n := count(…), n == 3`"),
                ),
            }
        }));
        self.aggregate(*call, results?, span)
            .map(Formula::Aggregate)
    }

    fn aggregate(&mut self, call: Call, results: Vec<Expr>, span: Span) -> Option<Aggregate> {
        let inside = ends(&call.items).unwrap_or(call.name.span);
        let (bindings, body) = match call.body {
            Some(body) if call.items.is_empty() => {
                let place = ends(&body).unwrap_or(span);
                return self.fail(
                    Diagnostic::error(
                        "E0114",
                        format!("`{}` has a `:` but no variables before it", call.name.text),
                    )
                    .label(place, "variables are missing before this")
                    .help("write the variables to aggregate, such as `count(x: p(x))`"),
                );
            }
            Some(body) => (call.items, body),
            None => (Vec::new(), call.items),
        };
        let arguments = self.variables(call.brackets.unwrap_or_default());
        let bindings = self.variables(bindings);
        let body_span = ends(&body).unwrap_or(inside);
        let body = self.conjunction(body, body_span);
        let groups = match call.groups {
            Some(groups) => {
                let (names, body) = *groups;
                let body_span = ends(&body).unwrap_or(inside);
                let (names, body) = (self.variables(names), self.conjunction(body, body_span));
                Some((names?, Box::new(body?)))
            }
            None => None,
        };
        Some(Aggregate {
            negated: false,
            results,
            operator: call.name,
            arguments: arguments?,
            bindings: bindings?,
            body: Box::new(body?),
            groups,
            span,
        })
    }

    fn variables(&mut self, items: Vec<Raw>) -> Option<Vec<Name>> {
        all(items.into_iter().map(|item| match item.kind {
            RawKind::Bad => None,
            RawKind::Name(text) => Some(Name {
                text,
                span: item.span,
            }),
            _ => self.fail(
                Diagnostic::error("E0114", "an aggregate ranges over variables")
                    .label(item.span, "this is not a variable")
                    .help("give the value a variable in the body: `sum(y: p(x), y == x * 2)`"),
            ),
        }))
    }

    fn atom(&mut self, call: Call, span: Span) -> Option<Atom> {
        let args = self.exprs(call.items)?;
        Some(Atom {
            relation: call.name,
            args,
            span,
        })
    }

    fn head_atom(&mut self, raw: Raw) -> Option<Atom> {
        let span = raw.span;
        let problem = match raw.kind {
            RawKind::Bad => return None,
            RawKind::Call(call) if call.is_atom() => return self.atom(*call, span),
            RawKind::Name(name) => {
                Diagnostic::error("E0112", format!("`{name}` has no columns here"))
                    .label(span, "a relation with its columns belongs here")
                    .help(format!(
                        "write `{name}(…)`, or `{name}()` if it has no columns"
                    ))
            }
            RawKind::Not(_) => Diagnostic::error("E0112", "a head cannot be negated")
                .label(span, "rules derive what holds, never what does not"),
            RawKind::Binary(nsdl_ir::BinaryOp::Equal, ..) => {
                Diagnostic::error("E0112", "`==` compares values")
                    .label(span, "an atom belongs here, such as `p(x)`")
                    .help("between the head and the body of a rule stands `=`")
            }
            _ => Diagnostic::error("E0112", "a fact or the head of a rule is an atom")
                .label(span, "an atom belongs here, such as `p(x)`"),
        };
        self.fail(problem)
    }

    // ---- Items ---------------------------------------------------------------------------------

    pub fn item(
        &mut self,
        attributes: Vec<Option<Box<Attribute>>>,
        start: usize,
        kind: Option<Box<ItemKind>>,
        end: usize,
    ) -> Option<Box<Item>> {
        let attributes = all(attributes.into_iter().map(|one| one.map(|one| *one)))?;
        Some(Box::new(Item {
            attributes,
            kind: *kind?,
            span: self.span(start, end),
        }))
    }

    pub fn attribute(
        &mut self,
        start: usize,
        name: Name,
        arguments: Vec<RawArgument>,
        end: usize,
    ) -> Option<Box<Attribute>> {
        let (mut positional, mut named) = (Vec::new(), Vec::new());
        for argument in arguments {
            match argument {
                RawArgument::Positional(value) => positional.push(self.expr(value)?),
                RawArgument::Named(argument) => {
                    let (key, value) = *argument;
                    let key = self.variables(vec![key])?;
                    let value = self.expr(value)?;
                    named.extend(key.into_iter().map(|key| (key, value.clone())));
                }
            }
        }
        Some(Box::new(Attribute {
            name,
            positional,
            named,
            span: self.span(start, end),
        }))
    }

    pub fn alias(
        &mut self,
        name: Name,
        start: usize,
        mut variants: Vec<Option<Name>>,
        end: usize,
    ) -> Option<TypeDeclaration> {
        match (variants.pop().flatten(), variants.is_empty()) {
            (Some(ty), true) => Some(TypeDeclaration::Alias { name, ty }),
            _ => self.fail(unsupported(
                self.span(start, end),
                "enumerations and algebraic data types",
            )),
        }
    }

    pub fn fact(&mut self, head: RawHead) -> Option<ItemKind> {
        let span = head.span;
        match head.kind {
            RawHeadKind::Formula(raw) if !matches!(raw.kind, RawKind::And(_)) => {
                if let RawKind::Name(name) = &raw.kind {
                    let problem = Diagnostic::error(
                        "E0112",
                        format!("`{name}` has neither columns nor facts"),
                    )
                    .label(span, "what about it?")
                    .help(format!(
                        "facts are written `{name}(1, 2)` or `{name} = {{(1, 2), (3, 4)}}`"
                    ));
                    return self.fail(problem);
                }
                let tag = head.tag.map(|tag| self.expr(tag));
                let atom = self.head_atom(raw)?;
                Some(ItemKind::Fact {
                    tag: transpose(tag)?,
                    atom,
                })
            }
            _ => self.fail(
                Diagnostic::error("E0115", "several heads need a body")
                    .label(span, "`= …` is missing after this")
                    .help("write each fact by itself, or a fact set: `p = {1, 2}`"),
            ),
        }
    }

    pub fn rule(&mut self, head: RawHead, body: Vec<Raw>) -> Option<ItemKind> {
        let body_span = ends(&body).unwrap_or(head.span);
        let tag = head.tag.map(|tag| self.expr(tag));
        let raw = match head.kind {
            RawHeadKind::Set(set) => {
                let head = self.head_set(set);
                let body = self.conjunction(body, body_span);
                return Some(ItemKind::Rule {
                    tag: transpose(tag)?,
                    head: head?,
                    body: body?,
                });
            }
            RawHeadKind::Formula(raw) => raw,
        };
        let head = match raw.kind {
            RawKind::Name(text) => {
                let relation = Name {
                    text,
                    span: raw.span,
                };
                return self.aggregate_rule(relation, tag, body, body_span);
            }
            RawKind::And(parts) => {
                all(parts.into_iter().map(|part| self.head_atom(part))).map(Head::Conjunction)
            }
            _ => self.head_atom(raw).map(Head::Atom),
        };
        let body = self.conjunction(body, body_span);
        Some(ItemKind::Rule {
            tag: transpose(tag)?,
            head: head?,
            body: body?,
        })
    }

    /// `rel n = count(o: obj(o))`
    fn aggregate_rule(
        &mut self,
        relation: Name,
        tag: Option<Option<Expr>>,
        mut body: Vec<Raw>,
        body_span: Span,
    ) -> Option<ItemKind> {
        let name = &relation.text;
        let last = body.pop().filter(|_| body.is_empty());
        let call = match last.map(|raw| (raw.kind, raw.span)) {
            Some((RawKind::Bad, _)) => return None,
            Some((RawKind::Call(call), span)) if call.name.text == "forall" => {
                return self.fail(unsupported(span, "`forall`"));
            }
            Some((RawKind::Call(call), span))
                if !call.is_atom() || AGGREGATES.contains(&call.name.text.as_str()) =>
            {
                (call, span)
            }
            _ => {
                let problem =
                    Diagnostic::error("E0112", format!("the head `{name}` has no columns"))
                        .label(relation.span, "a head with its columns belongs here")
                        .label(body_span, "since this is a rule body")
                        .help(format!(
                            "write `{name}(…) = …` for a rule, `{name} = {{…}}` for facts"
                        ));
                return self.fail(problem);
            }
        };
        if let Some(tag) = tag {
            let place = tag.map_or(relation.span, |tag| tag.span);
            return self.fail(
                Diagnostic::error("E0115", "a relation made of one aggregate has no tag")
                    .label(place, "this tag")
                    .help(format!("write it as a rule: `0.5::{name}(n) = n := …`")),
            );
        }
        let aggregate = self.aggregate(*call.0, Vec::new(), call.1)?;
        Some(ItemKind::AggregateRule {
            relation,
            aggregate,
        })
    }

    pub fn fact_set(&mut self, head: RawHead, set: Set) -> Option<ItemKind> {
        let relation = match head.kind {
            RawHeadKind::Formula(Raw {
                kind: RawKind::Name(text),
                span,
                ..
            }) => Name { text, span },
            _ => {
                return self.fail(
                    Diagnostic::error(
                        "E0115",
                        "a fact set belongs to one relation, without columns",
                    )
                    .label(head.span, "a single name belongs here")
                    .label(set.span, "since this is a fact set")
                    .help("write `edge = {(0, 1), (1, 2)}`"),
                );
            }
        };
        if let Some(tag) = head.tag {
            return self.fail(
                Diagnostic::error("E0115", "a fact set has no tag of its own")
                    .label(tag.span, "this tag")
                    .help("tag its members: `p = {0.3::1, 0.7::2}`"),
            );
        }
        let exclusive = self.exclusive(&set)?;
        let members = all(set.members.into_iter().map(|member| self.member(member)))?;
        Some(ItemKind::FactSet {
            relation,
            members,
            exclusive,
        })
    }

    fn member(&mut self, member: Tagged) -> Option<FactSetMember> {
        let tag = member.tag.map(|tag| self.expr(*tag));
        let tuple = match member.value.kind {
            RawKind::Paren(items) => self.exprs(items),
            _ => self.expr(member.value).map(|value| vec![value]),
        };
        Some(FactSetMember {
            tag: transpose(tag)?,
            tuple: tuple?,
            span: member.span,
        })
    }

    fn head_set(&mut self, set: Set) -> Option<Head> {
        let exclusive = self.exclusive(&set)?;
        if set.members.is_empty() {
            return self.fail(
                Diagnostic::error("E0115", "this head derives nothing").label(set.span, "no atoms"),
            );
        }
        let heads = all(set.members.into_iter().map(|member| {
            let tag = member.tag.map(|tag| self.expr(*tag));
            Some((transpose(tag)?, self.head_atom(member.value)?))
        }))?;
        if exclusive {
            return Some(Head::Disjunction(heads));
        }
        if let Some(tag) = heads.iter().find_map(|(tag, _)| tag.as_ref()) {
            return self.fail(
                Diagnostic::error("E0115", "heads between `,` hold together, so they share one tag")
                    .label(tag.span, "a tag of one head")
                    .help("put the tag before the braces, `0.5::{a(x), b(x)} = …`, or separate alternatives by `;`"),
            );
        }
        let mut atoms: Vec<Atom> = heads.into_iter().map(|(_, atom)| atom).collect();
        match (atoms.len(), atoms.pop()) {
            (1, Some(atom)) => Some(Head::Atom(atom)),
            (_, last) => Some(Head::Conjunction(atoms.into_iter().chain(last).collect())),
        }
    }

    /// Whether the set is separated by `;`.
    fn exclusive(&mut self, set: &Set) -> Option<bool> {
        let Some((exclusive, first)) = set.separators.first() else {
            return Some(false);
        };
        match set.separators.iter().find(|(semicolon, _)| semicolon != exclusive) {
            None => Some(*exclusive),
            Some((_, other)) => self.fail(
                Diagnostic::error("E0115", "`,` and `;` in one set")
                    .label(*other, "this separator")
                    .label(*first, "differs from this one")
                    .help("`;` between all members makes them exclude each other, `,` leaves them independent"),
            ),
        }
    }

    pub fn query(&mut self, raw: Raw) -> Option<ItemKind> {
        let span = raw.span;
        match raw.kind {
            RawKind::Name(text) => {
                let relation = Name { text, span };
                Some(ItemKind::Query(Query {
                    relation,
                    args: None,
                    span,
                }))
            }
            RawKind::Call(call) if call.is_atom() => {
                let atom = self.atom(*call, span)?;
                Some(ItemKind::Query(Query {
                    relation: atom.relation,
                    args: Some(atom.args),
                    span,
                }))
            }
            RawKind::Bad => None,
            _ => self.fail(
                Diagnostic::error("E0112", "a query is a relation or an atom")
                    .label(span, "this is neither")
                    .help("write `query path` or `query path(0, _)`; give anything else a rule"),
            ),
        }
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

fn transpose(tag: Option<Option<Expr>>) -> Option<Option<Expr>> {
    match tag {
        Some(tag) => tag.map(Some),
        None => Some(None),
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
