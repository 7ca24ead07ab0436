//! The names in a rule, with the places they stand at.

use nsdl_ir::Span;
use nsdl_syntax::ast::{Aggregate, Atom, Expr, ExprKind, Formula, Head, Item, ItemKind, Query};

/// A use of a variable or a constant.
pub(super) struct Use<'a> {
    pub name: &'a str,
    pub span: Span,
    pub place: Place,
}

/// Where a name stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is an argument of an atom in the head.
    Head,
    /// It is an argument of an atom in the body.
    Body,
    /// It takes a result of an aggregate.
    Result,
    /// Anywhere else.
    Other,
}

/// Visits the names in the rule that `item` is, if it is one: tag, head, body. A fact may be one without a body.
pub(super) fn rule<'a>(item: &'a Item, visit: &mut dyn FnMut(Use<'a>)) {
    match &item.kind {
        ItemKind::Rule { tag, head, body } => {
            tag.iter().for_each(|tag| expr(tag, Place::Other, visit));
            for (tag, atom) in heads(head) {
                tag.iter().for_each(|tag| expr(tag, Place::Other, visit));
                atom.args
                    .iter()
                    .for_each(|arg| expr(arg, Place::Head, visit));
            }
            formula(body, Place::Body, visit);
        }
        ItemKind::Fact { atom, .. } => {
            let args = atom.args.iter();
            args.for_each(|arg| expr(arg, Place::Head, visit));
        }
        ItemKind::AggregateRule { aggregate: it, .. } => aggregate(it, Place::Body, visit),
        _ => {}
    }
}

/// The atoms of a head with their own tags.
pub(super) fn heads(head: &Head) -> Vec<(Option<&Expr>, &Atom)> {
    match head {
        Head::Atom(atom) => vec![(None, atom)],
        Head::Conjunction(atoms) => atoms.iter().map(|atom| (None, atom)).collect(),
        Head::Disjunction(atoms) => atoms
            .iter()
            .map(|(tag, atom)| (tag.as_ref(), atom))
            .collect(),
    }
}

/// Visits the atoms of the body of the rule, or of the evidence, that `item` is, those in aggregates too.
pub(super) fn atoms<'a>(item: &'a Item, visit: &mut dyn FnMut(&'a Atom)) {
    match &item.kind {
        ItemKind::Rule { body, .. } => atoms_of(body, visit),
        ItemKind::Query(Query {
            evidence: Some(body),
            ..
        }) => atoms_of(body, visit),
        ItemKind::Evidence(body) => atoms_of(body, visit),
        ItemKind::AggregateRule { aggregate, .. } => {
            atoms_of(&aggregate.body, visit);
            if let Some((_, body)) = &aggregate.groups {
                atoms_of(body, visit);
            }
        }
        _ => {}
    }
}

fn atoms_of<'a>(formula: &'a Formula, visit: &mut dyn FnMut(&'a Atom)) {
    match formula {
        Formula::Atom(atom) => visit(atom),
        Formula::Not { formula, .. } => atoms_of(formula, visit),
        Formula::Implies {
            premise,
            conclusion,
        } => {
            atoms_of(premise, visit);
            atoms_of(conclusion, visit);
        }
        Formula::And(parts) | Formula::Or(parts) => {
            parts.iter().for_each(|part| atoms_of(part, visit));
        }
        Formula::Aggregate(aggregate) => {
            atoms_of(&aggregate.body, visit);
            if let Some((_, body)) = &aggregate.groups {
                atoms_of(body, visit);
            }
        }
        Formula::Constraint(_)
        | Formula::Range(_)
        | Formula::Element { .. }
        | Formula::Case { .. } => {}
    }
}

/// Visits the names of a formula; `place` is where the arguments of its atoms stand.
fn formula<'a>(formula_: &'a Formula, place: Place, visit: &mut dyn FnMut(Use<'a>)) {
    match formula_ {
        Formula::Atom(atom) => {
            let named = atom.named.iter().map(|(_, value)| value);
            let args = atom.args.iter().chain(named);
            args.for_each(|arg| expr(arg, place, visit));
        }
        Formula::Not { formula: it, .. } => formula(it, place, visit),
        Formula::Implies {
            premise,
            conclusion,
        } => {
            formula(premise, place, visit);
            formula(conclusion, place, visit);
        }
        Formula::And(parts) | Formula::Or(parts) => {
            parts.iter().for_each(|part| formula(part, place, visit));
        }
        Formula::Constraint(constraint) => expr(constraint, Place::Other, visit),
        Formula::Range(range) => {
            for part in [&range.value, &range.low, &range.high] {
                expr(part, Place::Other, visit);
            }
        }
        Formula::Element { value, list, .. } => {
            expr(value, place, visit);
            expr(list, Place::Other, visit);
        }
        Formula::Case { value, pattern, .. } => {
            expr(value, Place::Other, visit);
            expr(pattern, place, visit);
        }
        Formula::Aggregate(it) => aggregate(it, place, visit),
    }
}

fn aggregate<'a>(aggregate: &'a Aggregate, place: Place, visit: &mut dyn FnMut(Use<'a>)) {
    for result in &aggregate.results {
        expr(result, Place::Result, visit);
    }
    let groups = aggregate.groups.iter();
    let names = aggregate.arguments.iter().chain(&aggregate.bindings);
    for name in names.chain(groups.flat_map(|(keys, _)| keys)) {
        visit(Use {
            name: &name.text,
            span: name.span,
            place: Place::Other,
        });
    }
    // Without bindings, all variables of the body are bound: none can be `_`.
    let inside = match aggregate.bindings.is_empty() {
        true => Place::Other,
        false => place,
    };
    formula(&aggregate.body, inside, visit);
    if let Some((_, body)) = &aggregate.groups {
        formula(body, place, visit);
    }
}

/// Visits the names of an expression; `place` is where it stands if it is a name alone.
fn expr<'a>(expr_: &'a Expr, place: Place, visit: &mut dyn FnMut(Use<'a>)) {
    // Patterns bind: what they hold stands where they stand.
    match &expr_.kind {
        ExprKind::Typed(operand, _) => return expr(operand, place, visit),
        ExprKind::Tuple(parts) => return parts.iter().for_each(|part| expr(part, place, visit)),
        ExprKind::List(parts, rest) => {
            let parts = parts.iter().chain(rest.as_deref());
            return parts.for_each(|part| expr(part, place, visit));
        }
        ExprKind::Construct(term) => {
            let named = term.named.iter().map(|(_, value)| value);
            let parts = term.args.iter().chain(named);
            return parts.for_each(|part| expr(part, place, visit));
        }
        _ => {}
    }
    let mut inner = |part: &'a Expr| expr(part, Place::Other, visit);
    match &expr_.kind {
        ExprKind::Variable(name) => visit(Use {
            name,
            span: expr_.span,
            place,
        }),
        ExprKind::Literal(_) | ExprKind::Wildcard => {}
        ExprKind::Unary(_, operand) | ExprKind::Cast(operand, _) => inner(operand),
        ExprKind::Binary(_, left, right) => {
            inner(left);
            inner(right);
        }
        ExprKind::Learned(value) => value.iter().for_each(|value| inner(value)),
        ExprKind::Call(_, args) => args.iter().for_each(inner),
        ExprKind::If(parts) => parts.iter().for_each(inner),
        ExprKind::Typed(..) | ExprKind::Tuple(_) | ExprKind::List(..) | ExprKind::Construct(_) => {}
    }
}
