//! Rules: heads, tags and the random choices they make (SEMANTICS.md 1).
//!
//! A tag makes one variable per binding of all variables of the body. A conjunctive head shares it. A
//! disjunctive head is one categorical variable: an alternative without a tag weighs 1/n of n, and a tag
//! before the whole head scales every alternative.

use nsdl_ir::{Diagnostic, Span, Value};
use nsdl_syntax::ast::{self, Expr, Formula};

use super::facts::{outside_unit, sum_above_one};
use super::negation::Condition;
use super::{Desugar, Scope, learned};
use crate::constant::Const;
use crate::flat::{Choice, Head, Term, TermKind};
use crate::mentions::{self, Mentions};
use crate::resolve::Names;

impl<'a> Desugar<'a> {
    pub(super) fn rule(
        &mut self,
        span: Span,
        tag: Option<&'a Expr>,
        head: &'a ast::Head,
        body: &'a Formula,
    ) {
        let disjunctive = matches!(head, ast::Head::Disjunction(_));
        let alternatives: Vec<(Option<&'a Expr>, &'a ast::Atom)> = match head {
            ast::Head::Atom(atom) => vec![(None, atom)],
            ast::Head::Conjunction(atoms) => atoms.iter().map(|atom| (None, atom)).collect(),
            ast::Head::Disjunction(atoms) => atoms
                .iter()
                .map(|(tag, atom)| (tag.as_ref(), atom))
                .collect(),
        };
        self.derive_heads(span, tag, &alternatives, disjunctive, body);
    }

    /// A rule with these heads, each perhaps with a tag.
    pub(super) fn derive_heads(
        &mut self,
        span: Span,
        tag: Option<&'a Expr>,
        alternatives: &[(Option<&'a Expr>, &'a ast::Atom)],
        disjunctive: bool,
        body: &'a Formula,
    ) {
        let mut outer = Mentions::default();
        let tags = alternatives.iter().filter_map(|(tag, _)| *tag).chain(tag);
        for expr in alternatives
            .iter()
            .flat_map(|(_, atom)| &atom.args)
            .chain(tags)
        {
            mentions::expr(expr, &|name| self.names.is_constant(name), &mut outer);
        }
        let total = self.total(body, &outer);
        let parameters = self.learn_rule(tag, alternatives, disjunctive);
        let body = Condition {
            formula: body,
            not: None,
        };
        for leaves in self.splits(body, &total, span) {
            let keep_wildcards = disjunctive || tag.is_some();
            let mut scope = self.body(&leaves, &outer, &total, keep_wildcards);
            let heads = std::iter::zip(0.., alternatives)
                .map(|(position, (_, atom))| Head {
                    relation: self.names.relation(&atom.relation.text),
                    args: atom
                        .args
                        .iter()
                        .map(|arg| self.head_argument(arg, &mut scope))
                        .collect(),
                    alternative: if disjunctive { position } else { 0 },
                    guards: Vec::new(),
                })
                .collect();
            let choice = match tag {
                _ if disjunctive => Some(self.categorical(tag, alternatives, &mut scope, span)),
                Some(tag) => {
                    let weights = vec![self.weight(tag, &mut scope)];
                    Some(Choice {
                        weights,
                        scale: None,
                        shares: false,
                        learned: Vec::new(),
                        span: tag.span,
                    })
                }
                None => None,
            };
            let choice = choice.map(|choice| Choice {
                learned: parameters.clone(),
                ..choice
            });
            self.program.clauses.push(scope.clause(span, heads, choice));
        }
    }

    fn categorical(
        &mut self,
        outer: Option<&'a Expr>,
        alternatives: &[(Option<&'a Expr>, &'a ast::Atom)],
        scope: &mut Scope<'a>,
        span: Span,
    ) -> Choice {
        let shares = outer.is_none() && alternatives.iter().all(|(tag, _)| tag.is_none());
        let outer = outer.map(|tag| self.weight(tag, scope));
        let share = 1.0 / alternatives.len() as f64;
        let mut weights = Vec::new();
        for (tag, atom) in alternatives {
            weights.push(match tag {
                Some(tag) if !learned::is_open(tag) => self.weight(tag, scope),
                _ => Term {
                    kind: TermKind::Const(Const::Typed(Value::F64(share))),
                    span: atom.span,
                },
            });
        }
        let span = match (weights.first(), alternatives.last()) {
            (Some(first), Some((_, last))) => first.span.to(last.span),
            _ => span,
        };
        // Weights that depend on variables are known at run time only.
        if let Some(sum) = weights.iter().map(known).sum::<Option<f64>>() {
            self.diagnostics.extend(sum_above_one(sum, span));
        }
        let products = outer.as_ref().and_then(|outer| {
            let weights = weights.iter();
            weights.map(|weight| product(outer, weight)).collect()
        });
        let (weights, scale) = match products {
            Some(products) => (products, None),
            None => (weights, outer),
        };
        Choice {
            weights,
            scale,
            shares,
            learned: Vec::new(),
            span,
        }
    }

    /// A tag, of type `f64` if it is constant; a constant one must lie in [0, 1].
    fn weight(&mut self, tag: &'a Expr, scope: &mut Scope<'a>) -> Term {
        let term = self.term(tag, scope);
        let TermKind::Const(value) = &term.kind else {
            return term;
        };
        let weight = probability(value, tag, self.names, &mut self.diagnostics).unwrap_or(1.0);
        Term {
            kind: TermKind::Const(Const::Typed(Value::F64(weight))),
            span: tag.span,
        }
    }
}

/// The number a constant tag states; what is wrong with it is reported.
pub(super) fn probability(
    value: &Const,
    tag: &Expr,
    names: &Names<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<f64> {
    let Some(probability) = value.tag() else {
        let found = value.describe();
        diagnostics.push(
            Diagnostic::error("E0504", format!("a tag is a probability, not {found}"))
                .label(tag.span, format!("this is {found}"))
                .help("write a number from 0 to 1, `true` or `false`"),
        );
        return None;
    };
    if value.is_integer() && names.divides(tag) {
        diagnostics.push(
            Diagnostic::error("E0504", "a tag is not a quotient of integers")
                .label(tag.span, format!("rounded to {}", value.text()))
                .help("write `1.0 / 2.0` for `1 / 2`"),
        );
        return None;
    }
    diagnostics.extend(outside_unit(probability, tag.span));
    Some(probability)
}

fn known(weight: &Term) -> Option<f64> {
    match &weight.kind {
        TermKind::Const(value) => value.tag(),
        _ => None,
    }
}

/// The product of two constant tags; `None` if one is known at run time only.
fn product(outer: &Term, share: &Term) -> Option<Term> {
    let weight = known(outer)? * known(share)?;
    Some(Term {
        kind: TermKind::Const(Const::Typed(Value::F64(weight))),
        span: share.span,
    })
}
