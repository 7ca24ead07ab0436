//! Aggregates: `results := operator[arguments](bindings: body where groups: group_body)` and its short forms.

use nsdl_ir::{Diagnostic, Span};

use super::{all, ends};
use crate::ast::*;
use crate::raw::*;

/// Names that can only be aggregates where an aggregate makes a whole relation: `rel n = count(p(x))`.
const AGGREGATES: [&str; 24] = [
    "count",
    "sum",
    "prod",
    "avg",
    "weighted_sum",
    "weighted_avg",
    "min",
    "max",
    "argmin",
    "argmax",
    "exists",
    "forall",
    "string_join",
    "sort",
    "argsort",
    "enumerate",
    "rank",
    "top",
    "unique",
    "uniform",
    "categorical",
    "normalize",
    "softmax",
    "disjunct",
];

/// Whether an aggregate has that name.
pub(super) fn is_aggregate(name: &str) -> bool {
    AGGREGATES.contains(&name)
}

impl Context {
    pub(super) fn assignment(&mut self, results: Raw, value: Raw, span: Span) -> Option<Formula> {
        let value_span = value.span;
        let call = match value.kind {
            RawKind::Bad => return None,
            RawKind::Call(call)
                if call.body.is_some() || !call.is_atom() || is_aggregate(&call.name.text) =>
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
            RawKind::Single(item) => vec![*item],
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

    pub(super) fn aggregate(
        &mut self,
        call: Call,
        results: Vec<Expr>,
        span: Span,
    ) -> Option<Aggregate> {
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
        let parameters = all(call.parameters.into_iter().map(|one| self.parameter(one)));
        let mut types = Vec::new();
        let arguments = self.variables(call.brackets.unwrap_or_default(), &mut types);
        let bindings = self.variables(bindings, &mut types);
        let body_span = ends(&body).unwrap_or(inside);
        let mut body = self.conjunction(body, body_span);
        if call.name.text == "forall"
            && matches!(&body, Some(body) if !matches!(body, Formula::Implies { .. }))
        {
            body = self.fail(
                Diagnostic::error("E0114", "the body of `forall` is an implication")
                    .label(body_span, "there is no `implies` here")
                    .help("say what ranges over which values: `forall(x: p(x) implies q(x))`; for \"no value\" write `not exists(x: …)`"),
            );
        }
        let groups = match call.groups {
            Some(groups) => {
                let (names, body) = *groups;
                let body_span = ends(&body).unwrap_or(inside);
                let names = self.variables(names, &mut types);
                let body = self.conjunction(body, body_span);
                Some((names?, Box::new(body?)))
            }
            None => None,
        };
        Some(Aggregate {
            negated: false,
            results,
            operator: call.name,
            parameters: parameters?,
            single_world: call.single_world,
            arguments: arguments?,
            bindings: bindings?,
            types,
            body: Box::new(body?),
            groups,
            span,
        })
    }

    /// `", "`, `desc = false`
    fn parameter(&mut self, parameter: RawArgument) -> Option<Parameter> {
        let (name, value) = match parameter {
            RawArgument::Positional(value) => (None, value),
            RawArgument::Named(pair) => {
                let (key, value) = *pair;
                let span = key.span;
                let RawKind::Name(text) = key.kind else {
                    return self.fail(
                        Diagnostic::error("E0114", "the name of a parameter is a plain name")
                            .label(span, "this is not a name")
                            .help("write `sort<desc = false>[i](x: …)`"),
                    );
                };
                (Some(Name { text, span }), value)
            }
        };
        let value = self.expr(value)?;
        Some(Parameter { name, value })
    }

    /// Variables; the types that are stated for some of them go to `types`.
    fn variables(
        &mut self,
        items: Vec<Raw>,
        types: &mut Vec<(Name, TypeExpr)>,
    ) -> Option<Vec<Name>> {
        all(items.into_iter().map(|item| match item.kind {
            RawKind::Bad => None,
            RawKind::Name(text) => Some(Name {
                text,
                span: item.span,
            }),
            RawKind::Typed(variable, ty) if matches!(variable.kind, RawKind::Name(_)) => {
                let RawKind::Name(text) = variable.kind else {
                    return None;
                };
                let name = Name {
                    text,
                    span: variable.span,
                };
                types.push((name.clone(), ty));
                Some(name)
            }
            _ => self.fail(
                Diagnostic::error("E0114", "an aggregate ranges over variables")
                    .label(item.span, "this is not a variable")
                    .help("give the value a variable in the body: `sum(y: p(x), y == x * 2)`"),
            ),
        }))
    }

    /// `rel n = count(o: obj(o))`
    pub(super) fn aggregate_rule(
        &mut self,
        relation: Name,
        tag: Option<Expr>,
        mut body: Vec<Raw>,
        body_span: Span,
    ) -> Option<ItemKind> {
        let name = &relation.text;
        let last = body.pop().filter(|_| body.is_empty());
        let call = match last.map(|raw| (raw.kind, raw.span)) {
            Some((RawKind::Bad, _)) => return None,
            Some((RawKind::Call(call), span))
                if call.body.is_some() || !call.is_atom() || is_aggregate(&call.name.text) =>
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
            return self.fail(
                Diagnostic::error("E0115", "a relation made of one aggregate has no tag")
                    .label(tag.span, "this tag")
                    .help(format!("write it as a rule: `0.5::{name}(n) = n := …`")),
            );
        }
        let aggregate = self.aggregate(*call.0, Vec::new(), call.1)?;
        Some(ItemKind::AggregateRule {
            relation,
            aggregate,
        })
    }
}
