//! Normal form: a body as alternatives of conditions, with negation pushed down to them by De Morgan.
//!
//! `not (a or b)` is `not a` and `not b`; `not (a and b)` is `not a` or `not b`, and `a implies b` is `not a`
//! or `b`: each `or` splits its rule. Where a negated formula has variables of its own, used nowhere else in
//! the rule, they are existential: it stays one condition, the absence from an auxiliary relation over
//! the variables that it shares with the rest.

use nsdl_ir::{Diagnostic, Span};
use nsdl_syntax::ast::{Atom, Expr, ExprKind, Formula};

use super::{Desugar, SPLITS, Scope, compound, data};
use crate::flat::{Argument, ArgumentKind, Literal};
use crate::mentions::{self, Counts, Mentions};

/// A part of a body: an atom, a constraint or an aggregate, negated or not, or any formula, negated, that has
/// variables of its own.
#[derive(Clone, Copy)]
pub(super) struct Condition<'a> {
    pub formula: &'a Formula,
    /// Where the negation is written, if it is negated.
    pub not: Option<Span>,
}

type Alternatives<'a> = Vec<Vec<Condition<'a>>>;

impl<'a> Desugar<'a> {
    /// The conjunctions that `body` is a disjunction of; empty, and reported, if they are too many.
    /// `total` counts the mentions of each variable in the whole rule.
    pub(super) fn splits(
        &mut self,
        body: Condition<'a>,
        total: &Counts<'a>,
        span: Span,
    ) -> Alternatives<'a> {
        let splits = self.normal_form(body.formula, body.not, total);
        if splits.len() <= SPLITS {
            return splits;
        }
        self.diagnostics.push(
            Diagnostic::error(
                "E0210",
                format!("`or` splits this rule into more than {SPLITS} rules"),
            )
            .label(span, "too many alternatives")
            .help("give the alternatives a relation of their own, one rule each"),
        );
        Vec::new()
    }

    /// How often `body` and, once, `outer` mention each variable.
    pub(super) fn total(&self, body: &'a Formula, outer: &Mentions<'a>) -> Counts<'a> {
        let mut total = Counts::default();
        mentions::count(body, &|name| self.names.is_constant(name), &mut total);
        for name in outer.keys() {
            *total.entry(name).or_default() += 1;
        }
        total
    }

    fn normal_form(
        &self,
        formula: &'a Formula,
        not: Option<Span>,
        total: &Counts<'a>,
    ) -> Alternatives<'a> {
        match (formula, not) {
            (Formula::Not { formula, span }, None) => self.negative(formula, *span, total),
            (Formula::Not { formula, .. }, Some(_)) => self.normal_form(formula, None, total),
            (
                Formula::Implies {
                    premise,
                    conclusion,
                },
                None,
            ) => {
                let mut all = self.negative(premise, premise.span(), total);
                all.extend(self.normal_form(conclusion, None, total));
                all
            }
            (
                Formula::Implies {
                    premise,
                    conclusion,
                },
                Some(span),
            ) => conjunction([false, true].into_iter().map(|negate| match negate {
                false => self.normal_form(premise, None, total),
                true => self.negative(conclusion, span, total),
            })),
            (Formula::Or(parts), None) | (Formula::And(parts), Some(_)) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(self.normal_form(part, not, total));
                    if all.len() > SPLITS {
                        break;
                    }
                }
                all
            }
            (Formula::And(parts), None) | (Formula::Or(parts), Some(_)) => {
                conjunction(parts.iter().map(|part| self.normal_form(part, not, total)))
            }
            (formula, not) => vec![vec![Condition { formula, not }]],
        }
    }

    /// The negation of `formula`, which does not stand in a negation itself.
    fn negative(&self, formula: &'a Formula, span: Span, total: &Counts<'a>) -> Alternatives<'a> {
        let is_constant = |name: &str| self.names.is_constant(name);
        if mentions::is_compound(formula) {
            let mut hidden = mentions::Hidden::default();
            mentions::hidden(formula, total, &is_constant, &mut hidden);
            let own = mentions::own(formula, total, &is_constant);
            let result = matches!(formula, Formula::Aggregate(_));
            if result || own.iter().any(|name| !hidden.contains(name)) {
                let not = Some(span);
                return vec![vec![Condition { formula, not }]];
            }
        }
        self.normal_form(formula, Some(span), total)
    }

    /// Whether the absence of a formula is that of a row from a relation derived for it: it takes values apart, or
    /// has variables of its own that are more than arguments.
    pub(super) fn is_derived(&self, formula: &'a Formula, total: &Counts<'a>) -> bool {
        let own = self.own(formula, total);
        match formula {
            Formula::Atom(atom) => {
                atom.args.iter().any(compound::has_hole)
                    || !own.iter().all(|name| is_argument(name, atom))
            }
            Formula::Constraint(expr) => {
                data::matches_any(expr) || mentions::binds(formula) && !own.is_empty()
            }
            Formula::Element { value, .. } => compound::is_open(value) || !own.is_empty(),
            Formula::Range(_) => false,
            Formula::Aggregate(aggregate) => !aggregate.results.is_empty(),
            Formula::And(_)
            | Formula::Or(_)
            | Formula::Not { .. }
            | Formula::Implies { .. }
            | Formula::Case { .. } => true,
        }
    }

    /// `not p((x, _))`, or `not (p(x, y) and q(y))`, `y` used nowhere else: the absence of `x` from an auxiliary
    /// relation.
    pub(super) fn absent_formula(
        &mut self,
        formula: &'a Formula,
        span: Span,
        leaves: &[Condition<'a>],
        total: &Counts<'a>,
        scope: &mut Scope<'a>,
    ) {
        let is_constant = |name: &str| self.names.is_constant(name);
        let mut columns = Mentions::default();
        mentions::formula(formula, &is_constant, &mut columns);
        let own = self.own(formula, total);
        columns.retain(|name, _| !own.contains(name));
        let relation = self.auxiliary("not (…)".into(), columns.len(), span);
        let args = columns
            .iter()
            .map(|(name, span)| Argument {
                kind: ArgumentKind::Slot(scope.slot(name, *span)),
                span: *span,
            })
            .collect();
        // A pattern binds its variables: the atoms beside it may belong to the recursion of this very rule.
        let beside = match formula {
            Formula::Atom(atom) if atom.args.iter().any(compound::has_hole) => &[],
            _ => leaves,
        };
        let body = Condition { formula, not: None };
        self.derive(relation, columns, body, None, beside, span);
        scope.push(Literal::Absent {
            relation,
            args,
            span,
        });
    }

    /// Binds those of `columns` that no atom of `scope` binds by the atoms among `leaves`, which stand beside
    /// the formula that `scope` is about. Whether it did.
    pub(super) fn bind_outside(
        &mut self,
        columns: &Mentions<'a>,
        leaves: &[Condition<'a>],
        scope: &mut Scope<'a>,
    ) -> bool {
        let mut added = false;
        for (column, span) in columns {
            let kind = ArgumentKind::Slot(scope.slot(column, *span));
            if super::aggregate::in_atom(&Argument { kind, span: *span }, &scope.body) {
                continue;
            }
            let is_column =
                |arg: &Expr| matches!(&arg.kind, ExprKind::Variable(name) if name == column);
            let atom = leaves.iter().find_map(|leaf| match leaf {
                Condition {
                    formula: Formula::Atom(atom),
                    ..
                } if self.is_relation(leaf, atom) => {
                    atom.args.iter().any(is_column).then_some(atom)
                }
                _ => None,
            });
            let Some(atom) = atom else {
                continue;
            };
            // A row too many does no harm: the atom itself stands beside the formula.
            let args = atom
                .args
                .iter()
                .map(|arg| Argument {
                    kind: match &arg.kind {
                        ExprKind::Variable(name) if columns.contains_key(name.as_str()) => {
                            ArgumentKind::Slot(scope.slot(name, arg.span))
                        }
                        _ => ArgumentKind::Any,
                    },
                    span: arg.span,
                })
                .collect();
            scope.push(Literal::Atom {
                relation: self.names.relation(&atom.relation.text),
                args,
                span: atom.span,
            });
            added = true;
        }
        added
    }
}

/// Whether a variable is one argument of an atom, and in no other.
fn is_argument(name: &str, atom: &Atom) -> bool {
    let mut arguments = atom.args.iter().filter(|arg| {
        let mut names = Mentions::default();
        mentions::expr(arg, &|_| false, &mut names);
        names.contains_key(name)
    });
    let first = arguments.next();
    first.is_some_and(|it| matches!(it.kind, ExprKind::Variable(_))) && arguments.next().is_none()
}

/// Alternatives of a conjunction from those of its parts, in written order; stops growing above [`SPLITS`].
fn conjunction<'a>(parts: impl Iterator<Item = Alternatives<'a>>) -> Alternatives<'a> {
    let mut all: Alternatives<'a> = vec![Vec::new()];
    for alternatives in parts {
        match alternatives.as_slice() {
            [only] => all.iter_mut().for_each(|split| split.extend(only)),
            _ => {
                let pairs = all.iter().flat_map(|split| {
                    alternatives
                        .iter()
                        .map(|more| split.iter().chain(more).copied().collect())
                });
                all = pairs.take(SPLITS + 1).collect();
            }
        }
    }
    all
}
