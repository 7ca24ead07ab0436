//! Which variables a formula mentions: what an aggregate groups by depends on it (SEMANTICS.md 4).

use indexmap::IndexMap;
use nsdl_ir::{BinaryOp, Span};
use nsdl_syntax::ast::{Aggregate, Expr, ExprKind, Formula};
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

/// Variables in order of appearance, with their first place. Constants are not among them.
pub(crate) type Mentions<'a> = IndexMap<&'a str, Span, FxBuildHasher>;

/// Adds the variables of `expr`.
pub(crate) fn expr<'a>(
    expr_: &'a Expr,
    is_constant: &dyn Fn(&str) -> bool,
    into: &mut Mentions<'a>,
) {
    match &expr_.kind {
        ExprKind::Variable(name) if !is_constant(name) => {
            into.entry(name).or_insert(expr_.span);
        }
        ExprKind::Variable(_) | ExprKind::Literal(_) | ExprKind::Wildcard => {}
        ExprKind::Unary(_, operand) => expr(operand, is_constant, into),
        ExprKind::Binary(_, left, right) => {
            expr(left, is_constant, into);
            expr(right, is_constant, into);
        }
        ExprKind::Cast(operand, _) | ExprKind::Typed(operand, _) => {
            expr(operand, is_constant, into);
        }
        ExprKind::Learned(value) => {
            if let Some(value) = value {
                expr(value, is_constant, into);
            }
        }
        ExprKind::List(items, rest) => {
            let parts = items.iter().chain(rest.as_deref());
            parts.for_each(|part| expr(part, is_constant, into));
        }
        ExprKind::Construct(term) => {
            let named = term.named.iter().map(|(_, value)| value);
            let args = term.args.iter().chain(named);
            args.for_each(|arg| expr(arg, is_constant, into));
        }
        ExprKind::Call(_, args) | ExprKind::Tuple(args) => {
            args.iter().for_each(|arg| expr(arg, is_constant, into))
        }
        ExprKind::If(parts) => parts.iter().for_each(|part| expr(part, is_constant, into)),
    }
}

/// Adds the variables of `formula` that can be seen from outside it: those bound by an aggregate in it,
/// and with `where` all others of that aggregate, are its own.
pub(crate) fn formula<'a>(
    formula_: &'a Formula,
    is_constant: &dyn Fn(&str) -> bool,
    into: &mut Mentions<'a>,
) {
    match formula_ {
        Formula::Not {
            formula: negated, ..
        } => formula(negated, is_constant, into),
        Formula::Implies {
            premise,
            conclusion,
        } => {
            formula(premise, is_constant, into);
            formula(conclusion, is_constant, into);
        }
        Formula::Atom(atom) => {
            let named = atom.named.iter().map(|(_, value)| value);
            let args = atom.args.iter().chain(named);
            args.for_each(|arg| expr(arg, is_constant, into));
        }
        Formula::Constraint(constraint) => expr(constraint, is_constant, into),
        Formula::Range(range) => {
            for part in [&range.value, &range.low, &range.high] {
                expr(part, is_constant, into);
            }
        }
        Formula::Element { value, list, .. } => {
            expr(value, is_constant, into);
            expr(list, is_constant, into);
        }
        Formula::Case { value, pattern, .. } => {
            expr(value, is_constant, into);
            expr(pattern, is_constant, into);
        }
        Formula::And(parts) | Formula::Or(parts) => {
            parts
                .iter()
                .for_each(|part| formula(part, is_constant, into));
        }
        Formula::Aggregate(aggregate) => {
            aggregate
                .results
                .iter()
                .for_each(|result| expr(result, is_constant, into));
            match &aggregate.groups {
                Some((keys, _)) => {
                    for key in keys {
                        into.entry(&key.text).or_insert(key.span);
                    }
                }
                None => {
                    for (name, span) in free(aggregate, is_constant) {
                        into.entry(name).or_insert(span);
                    }
                }
            }
        }
    }
}

/// The variables of an aggregate's body that the aggregate does not bind.
pub(crate) fn free<'a>(
    aggregate: &'a Aggregate,
    is_constant: &dyn Fn(&str) -> bool,
) -> Mentions<'a> {
    let mut body = Mentions::default();
    formula(&aggregate.body, is_constant, &mut body);
    for bound in aggregate.bindings.iter().chain(&aggregate.arguments) {
        body.shift_remove(bound.text.as_str());
    }
    body
}

/// How many atoms, constraints and aggregates mention each variable.
pub(crate) type Counts<'a> = FxHashMap<&'a str, usize>;

/// Variables that cannot be seen.
pub(crate) type Hidden<'a> = FxHashSet<&'a str>;

/// Counts the mentions of each variable in `formula`.
pub(crate) fn count<'a>(
    formula_: &'a Formula,
    is_constant: &dyn Fn(&str) -> bool,
    into: &mut Counts<'a>,
) {
    match formula_ {
        Formula::And(parts) | Formula::Or(parts) => {
            parts.iter().for_each(|part| count(part, is_constant, into));
        }
        Formula::Not { formula, .. } => count(formula, is_constant, into),
        Formula::Implies {
            premise,
            conclusion,
        } => {
            count(premise, is_constant, into);
            count(conclusion, is_constant, into);
        }
        leaf => {
            let mut names = Mentions::default();
            formula(leaf, is_constant, &mut names);
            for name in names.keys() {
                *into.entry(name).or_default() += 1;
            }
        }
    }
}

/// Whether the negation of `formula` can have variables of its own: it is more than one atom or constraint.
pub(crate) fn is_compound(formula: &Formula) -> bool {
    match formula {
        Formula::And(_) | Formula::Or(_) | Formula::Implies { .. } | Formula::Case { .. } => true,
        Formula::Aggregate(aggregate) => !aggregate.results.is_empty(),
        Formula::Atom(_)
        | Formula::Constraint(_)
        | Formula::Range(_)
        | Formula::Element { .. }
        | Formula::Not { .. } => false,
    }
}

/// Whether the negation of `formula`, one leaf, can have variables of its own: what would bind them, were it not
/// negated.
pub(crate) fn binds(formula: &Formula) -> bool {
    let is_pattern = |expr: &Expr| {
        matches!(
            expr.kind,
            ExprKind::Tuple(_) | ExprKind::List(..) | ExprKind::Construct(_)
        )
    };
    match formula {
        Formula::Atom(_) | Formula::Element { .. } => true,
        Formula::Constraint(Expr {
            kind: ExprKind::Binary(BinaryOp::Equal, left, right),
            ..
        }) => is_pattern(left) || is_pattern(right),
        _ => false,
    }
}

/// The variables whose mentions, counted in `total`, all lie in `formula`.
pub(crate) fn own<'a>(
    formula: &'a Formula,
    total: &Counts<'a>,
    is_constant: &dyn Fn(&str) -> bool,
) -> Hidden<'a> {
    let mut counts = Counts::default();
    count(formula, is_constant, &mut counts);
    counts.retain(|name, count| total.get(name) == Some(count));
    counts.into_keys().collect()
}

/// Adds the variables that belong to a negated formula inside `formula`, existential there.
pub(crate) fn hidden<'a>(
    formula: &'a Formula,
    total: &Counts<'a>,
    is_constant: &dyn Fn(&str) -> bool,
    into: &mut Hidden<'a>,
) {
    let hide = |negated: &'a Formula, into: &mut Hidden<'a>| match is_compound(negated)
        || binds(negated)
    {
        true => into.extend(own(negated, total, is_constant)),
        false => hidden(negated, total, is_constant, into),
    };
    match formula {
        Formula::Not { formula, .. } => hide(formula, into),
        Formula::Implies {
            premise,
            conclusion,
        } => {
            hide(premise, into);
            hidden(conclusion, total, is_constant, into);
        }
        Formula::And(parts) | Formula::Or(parts) => parts
            .iter()
            .for_each(|part| hidden(part, total, is_constant, into)),
        Formula::Atom(_)
        | Formula::Constraint(_)
        | Formula::Range(_)
        | Formula::Element { .. }
        | Formula::Case { .. }
        | Formula::Aggregate(_) => {}
    }
}

/// Without the variables that a negated formula in the body of `aggregate` hides from it.
pub(crate) fn without_hidden<'a>(
    mut free: Mentions<'a>,
    aggregate: &'a Aggregate,
    is_constant: &dyn Fn(&str) -> bool,
) -> Mentions<'a> {
    let (mut total, mut names) = (Counts::default(), Hidden::default());
    count(&aggregate.body, is_constant, &mut total);
    hidden(&aggregate.body, &total, is_constant, &mut names);
    free.retain(|name, _| !names.contains(name));
    free
}
