//! Safety: which literal binds which variable.
//!
//! Before: clauses are typed. After: every variable of a clause is bound by its body, whatever the order of
//! the literals: by a positive atom, or by an equation whose other variables are bound. An equation is
//! solved for one variable that stands alone on a side, or under `+` and `-` of integers.

use nsdl_ir::{BinaryOp, Diagnostic, Slot, Span, Type, UnaryOp};

use crate::flat::{
    Argument, ArgumentKind, Choice, Clause, Guard, Literal, Program, Term, TermKind, Variable,
};
use crate::infer::Types;
use crate::ready::Ready;
use crate::suggest::nearest;

/// An equation solved for a variable.
#[derive(Debug)]
pub(crate) struct Solution {
    pub slot: Slot,
    pub value: Term,
    /// `left >= right` must hold first, for the solution to be in the range of an unsigned type.
    pub guards: Vec<(Term, Term)>,
}

/// What a constraint can do once some slots are bound.
pub(crate) enum Use {
    /// Everything in it is bound.
    Filter,
    /// All but one variable are bound, and it can be solved for that.
    Bind(Solution),
    /// Not yet anything.
    Wait,
}

/// What `constraint` can do, given which slots are bound.
pub(crate) fn usable(constraint: &Term, bound: &[bool], types: &[Type]) -> Use {
    if unbound(constraint, bound).is_empty() {
        return Use::Filter;
    }
    let TermKind::Binary(BinaryOp::Equal, left, right) = &constraint.kind else {
        return Use::Wait;
    };
    let solution = match (
        unbound(left, bound).as_slice(),
        unbound(right, bound).as_slice(),
    ) {
        ([slot], []) => solve(left, right, *slot, types),
        ([], [slot]) => solve(right, left, *slot, types),
        _ => None,
    };
    solution.map_or(Use::Wait, Use::Bind)
}

/// Slots of `term` that are not bound, with repetition.
fn unbound(term: &Term, bound: &[bool]) -> Vec<Slot> {
    let mut slots = Vec::new();
    term.slots(&mut |slot, _| {
        if !is_bound(bound, slot) {
            slots.push(slot);
        }
    });
    slots
}

fn is_bound(bound: &[bool], slot: Slot) -> bool {
    bound.get(slot.index()).copied().unwrap_or_default()
}

/// Solves `side == value` for `slot`, which occurs once in `side` and not in `value`.
fn solve(side: &Term, value: &Term, slot: Slot, types: &[Type]) -> Option<Solution> {
    let ty = types.get(slot.index()).copied()?;
    let (mut side, mut value, mut guards) = (side, value.clone(), Vec::new());
    let has_slot = |term: &Term| {
        let mut found = false;
        term.slots(&mut |other, _| found |= other == slot);
        found
    };
    loop {
        let span = side.span;
        let binary = |op, left: Term, right: &Term| Term {
            kind: TermKind::Binary(op, Box::new(left), Box::new(right.clone())),
            span,
        };
        match &side.kind {
            TermKind::Slot(_) => {
                return Some(Solution {
                    slot,
                    value,
                    guards,
                });
            }
            // Only integers: `(x + y) - y` need not be `x` in floats.
            _ if !ty.is_integer() => return None,
            TermKind::Unary(UnaryOp::Negate, operand) => {
                value = Term {
                    kind: TermKind::Unary(UnaryOp::Negate, Box::new(value)),
                    span,
                };
                side = operand;
            }
            TermKind::Binary(BinaryOp::Add, left, right) => {
                let (inner, other) = if has_slot(left) {
                    (left, right)
                } else {
                    (right, left)
                };
                if ty.is_unsigned() {
                    guards.push((value.clone(), (**other).clone()));
                }
                value = binary(BinaryOp::Subtract, value, other);
                side = inner;
            }
            TermKind::Binary(BinaryOp::Subtract, left, right) if has_slot(left) => {
                value = binary(BinaryOp::Add, value, right);
                side = left;
            }
            TermKind::Binary(BinaryOp::Subtract, left, right) => {
                if ty.is_unsigned() {
                    guards.push(((**left).clone(), value.clone()));
                }
                value = binary(BinaryOp::Subtract, (**left).clone(), &value);
                side = right;
            }
            _ => return None,
        }
    }
}

/// Reports the unbound variables of all clauses.
pub(crate) fn check(program: &Program, types: &Types) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for (clause, types) in program.clauses.iter().zip(&types.variables) {
        let mut guards: Vec<Option<&Guard>> =
            clause.heads.iter().flat_map(Clause::guards).collect();
        // Without a guard the body is the same for every head.
        let unguarded = guards.iter().any(Option::is_none);
        guards.retain(Option::is_some);
        guards.extend(unguarded.then_some(None));
        for guard in guards {
            let bound = bound_by(&clause.body(guard), &Clause::slots(types, guard));
            if bound.contains(&false) {
                report(program, clause, &bound, &mut diagnostics);
            }
        }
    }
    diagnostics
}

fn bound_by(body: &[&Literal], types: &[Type]) -> Vec<bool> {
    let mut ready = Ready::new(body, types);
    while let Some(atom) = ready.best() {
        ready.scan(atom);
    }
    loop {
        while ready.check().is_some() {}
        if ready.enumerate().is_none() {
            return ready.bound;
        }
    }
}

fn slots(args: &[Argument]) -> impl Iterator<Item = (Slot, Span)> {
    args.iter().filter_map(|arg| match arg.kind {
        ArgumentKind::Slot(slot) => Some((slot, arg.span)),
        _ => None,
    })
}

/// E0401 for each unbound variable, at the use that tells best why it is not bound.
fn report(program: &Program, clause: &Clause, bound: &[bool], diagnostics: &mut Vec<Diagnostic>) {
    let mut uses: Vec<(Slot, Span, &str)> = Vec::new();
    for literal in &clause.body {
        match literal {
            Literal::Atom { .. } => {}
            Literal::Absent { args, .. } => {
                uses.extend(
                    slots(args).map(|(slot, span)| (slot, span, "`not` binds no variable")),
                );
            }
            Literal::Constraint(term) => {
                let why = match &term.kind {
                    TermKind::Binary(BinaryOp::Equal, ..) => {
                        "`==` binds a variable that stands alone (or in sums of integers) only if all others are bound"
                    }
                    _ => "a condition binds no variable",
                };
                term.slots(&mut |slot, span| uses.push((slot, span, why)));
            }
            Literal::Range(range) => {
                let why = "a range binds a variable only if its limits are bound";
                for term in [&range.low, &range.high, &range.value] {
                    term.slots(&mut |slot, span| uses.push((slot, span, why)));
                }
            }
        }
    }
    for weight in clause.choice.iter().flat_map(Choice::terms) {
        weight.slots(&mut |slot, span| uses.push((slot, span, "a tag binds no variable")));
    }
    for arg in clause.heads.iter().flat_map(|head| &head.args) {
        arg.slots(&mut |slot, span| uses.push((slot, span, "nothing in the body mentions it")));
    }
    let rule = clause
        .heads
        .first()
        .and_then(|head| program.relations.get(head.relation.index()));
    let rule = match rule {
        Some(relation) if relation.auxiliary => {
            format!("in `{}`", relation.name.trim_start_matches("members of "))
        }
        Some(relation) => format!("in this rule for `{}`", relation.name),
        None => String::new(),
    };
    for (slot, variable) in clause.variables.iter().enumerate() {
        let slot = Slot::new(slot);
        let name = variable.name.as_str();
        if is_bound(bound, slot) || name == "_" || waits(clause, slot, bound) {
            continue;
        }
        let (span, why) = uses.iter().find(|(used, ..)| *used == slot).map_or(
            (variable.span, "nothing in the body mentions it"),
            |(_, span, why)| (*span, why),
        );
        let known = clause
            .variables
            .iter()
            .zip(bound)
            .filter(|(_, bound)| **bound);
        let known = known.map(|(variable, _)| variable.name.as_str());
        // Of one or two letters every name is near to every other.
        let near = if name.len() > 2 {
            nearest(name, known)
        } else {
            None
        };
        let error = Diagnostic::error("E0401", format!("variable `{name}` is not bound {rule}"))
            .label(span, "can be anything")
            .note(why);
        let bind = format!("bind `{name}` by a positive atom in the body, such as `p({name})`");
        diagnostics.push(match (near, lonely(clause, bound)) {
            (Some(near), _) => error.help(format!("did you mean `{near}`?")),
            (None, Some(other)) => error.label(other.span, "used only here").help(format!(
                "{bind}, or write `{name}` for `{}`, if they are one",
                other.name
            )),
            (None, None) => error.help(bind),
        });
    }
}

/// The only bound variable of a clause that it uses once: it may be a slip for an unbound one.
fn lonely<'c>(clause: &'c Clause, bound: &[bool]) -> Option<&'c Variable> {
    let mut uses = vec![0usize; clause.variables.len()];
    let mut used = |slot: Slot| {
        if let Some(uses) = uses.get_mut(slot.index()) {
            *uses += 1;
        }
    };
    for literal in &clause.body {
        match literal {
            Literal::Atom { args, .. } | Literal::Absent { args, .. } => {
                slots(args).for_each(|(slot, _)| used(slot));
            }
            Literal::Constraint(term) => term.slots(&mut |slot, _| used(slot)),
            Literal::Range(range) => {
                for term in [&range.value, &range.low, &range.high] {
                    term.slots(&mut |slot, _| used(slot));
                }
            }
        }
    }
    for weight in clause.choice.iter().flat_map(Choice::terms) {
        weight.slots(&mut |slot, _| used(slot));
    }
    for arg in clause.heads.iter().flat_map(|head| &head.args) {
        arg.slots(&mut |slot, _| used(slot));
    }
    let all = clause.variables.iter().zip(&uses).zip(bound);
    let mut once = all.filter_map(|((variable, uses), bound)| {
        (*uses == 1 && *bound && !variable.name.starts_with('_')).then_some(variable)
    });
    once.next().filter(|_| once.next().is_none())
}

/// Whether a range would bind `slot` if its limits were bound: the limits are reported.
fn waits(clause: &Clause, slot: Slot, bound: &[bool]) -> bool {
    clause.body.iter().any(|literal| match literal {
        Literal::Range(range) => {
            let value = matches!(range.value.kind, TermKind::Slot(value) if value == slot);
            let mut limits = unbound(&range.low, bound);
            limits.extend(unbound(&range.high, bound));
            value && limits.iter().any(|limit| *limit != slot)
        }
        _ => false,
    })
}
