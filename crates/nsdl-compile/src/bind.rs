//! Safety: which literal binds which variable.
//!
//! Before: clauses are typed. After: every variable of a clause is bound by its body, whatever the order of
//! the literals: by a positive atom, by a predicate in one of its modes, by an equation of which the other side
//! is bound, see `solve`, or as an element of a list or a number of a range.

use nsdl_ir::{BinaryOp, Diagnostic, Slot, Span, Type, nearest};

use crate::flat::{
    Argument, ArgumentKind, Choice, Clause, Guard, Literal, Program, Term, TermKind, Variable,
};
use crate::infer::Types;
use crate::ready::Ready;
use crate::solve::{Solution, solve};

/// What a constraint can do once some slots are bound.
pub(crate) enum Use {
    /// Everything in it is bound.
    Filter,
    /// All variables of one side are bound, and it can be solved for those of the other.
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
        unbound(left, bound).is_empty(),
        unbound(right, bound).is_empty(),
    ) {
        (false, true) => solve(left, right, bound, types),
        (true, false) => solve(right, left, bound, types),
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
            let body = clause.body(guard);
            let (bound, stuck) = bound_by(&body, &Clause::slots(types, guard));
            for literal in &stuck {
                diagnostics.extend(cannot_run(clause, literal, &bound));
            }
            if bound.contains(&false) {
                report(program, clause, &bound, &stuck, &mut diagnostics);
            }
        }
    }
    diagnostics
}

/// Which slots are bound, and the predicates that cannot run.
fn bound_by<'p>(body: &[&'p Literal], types: &[Type]) -> (Vec<bool>, Vec<&'p Literal>) {
    let mut ready = Ready::new(body, types);
    while let Some(atom) = ready.best() {
        ready.scan(atom);
    }
    loop {
        while ready.check().is_some() {}
        if ready.foreign(true).is_none() && ready.enumerate().is_none() {
            let stuck = ready.stuck().collect();
            return (ready.bound, stuck);
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
fn report(
    program: &Program,
    clause: &Clause,
    bound: &[bool],
    stuck: &[&Literal],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut uses: Vec<(Slot, Span, &str)> = Vec::new();
    for literal in &clause.body {
        match literal {
            Literal::Atom { .. }
            | Literal::Matches(_)
            | Literal::Foreign { negated: false, .. } => {}
            Literal::Absent { args, .. } | Literal::Foreign { args, .. } => {
                uses.extend(
                    slots(args).map(|(slot, span)| (slot, span, "`not` binds no variable")),
                );
            }
            Literal::Constraint(term) => {
                let why = match &term.kind {
                    TermKind::Binary(BinaryOp::Equal, left, right)
                        if [left, right].iter().any(|side| side.is_compound()) =>
                    {
                        "a pattern binds its variables only if all of the other side is bound"
                    }
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
            Literal::Element(element) => {
                let why = "`in` binds a variable only if the list is bound";
                for term in [&element.list, &element.value] {
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
    let before = diagnostics.len();
    for (slot, variable) in clause.variables.iter().enumerate() {
        let slot = Slot::new(slot);
        let name = variable.name.as_str();
        if is_bound(bound, slot)
            || name == "_"
            || waits(clause, slot, bound)
            || in_positive(stuck, slot)
        {
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
        let mut error =
            Diagnostic::error("E0401", format!("variable `{name}` is not bound {rule}"))
                .label(span, "can be anything")
                .note(why);
        if let Some(pattern) = asked(program, clause, slot, bound) {
            error = error.note(format!(
                "it may be left to those who ask: `@demand(\"{pattern}\")` before the rule"
            ));
        }
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
    if diagnostics.len() == before {
        // What is unbound has no name: a pattern with `_`, under `not` for example.
        let nameless = uses
            .iter()
            .find(|(slot, ..)| !is_bound(bound, *slot) && !in_positive(stuck, *slot));
        if let Some((_, span, why)) = nameless {
            diagnostics.push(
                Diagnostic::error("E0430", format!("nothing binds this value {rule}"))
                    .label(*span, "can be anything")
                    .note(*why)
                    .help("bind it by a positive atom in the body"),
            );
        }
    }
}

/// The pattern of demand by which those who ask for the head bind `slot` and what else is not bound in it.
fn asked(program: &Program, clause: &Clause, slot: Slot, bound: &[bool]) -> Option<String> {
    let [head] = clause.heads.as_slice() else {
        return None;
    };
    let relation = program.relations.get(head.relation.index())?;
    let alone = |arg: &Term| match arg.kind {
        TermKind::Slot(slot) => Some(slot),
        _ => None,
    };
    let given = |arg: &Term| alone(arg).is_some_and(|slot| !is_bound(bound, slot));
    let here = head.args.iter().any(|arg| alone(arg) == Some(slot));
    let letters = head
        .args
        .iter()
        .map(|arg| if given(arg) { 'b' } else { 'f' });
    (here && !relation.auxiliary && relation.demand.is_empty()).then(|| letters.collect())
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
            Literal::Atom { args, .. }
            | Literal::Absent { args, .. }
            | Literal::Foreign { args, .. } => {
                slots(args).for_each(|(slot, _)| used(slot));
            }
            // Atoms have taken their places.
            Literal::Matches(_) => {}
            Literal::Constraint(term) => term.slots(&mut |slot, _| used(slot)),
            Literal::Range(range) => {
                for term in [&range.value, &range.low, &range.high] {
                    term.slots(&mut |slot, _| used(slot));
                }
            }
            Literal::Element(element) => {
                for term in [&element.value, &element.list] {
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

/// Whether a predicate that is reported would bind `slot`, or needs it.
fn in_positive(stuck: &[&Literal], slot: Slot) -> bool {
    stuck.iter().any(|literal| match literal {
        Literal::Foreign {
            args,
            negated: false,
            ..
        } => slots(args).any(|(other, _)| other == slot),
        _ => false,
    })
}

/// E0440: in no mode of the predicate all that it needs is bound.
fn cannot_run(clause: &Clause, literal: &Literal, bound: &[bool]) -> Option<Diagnostic> {
    let Literal::Foreign {
        predicate,
        args,
        negated,
        span,
        ..
    } = literal
    else {
        return None;
    };
    let open = |arg: &Argument| match arg.kind {
        ArgumentKind::Slot(slot) => !is_bound(bound, slot),
        ArgumentKind::Const(_) => false,
        ArgumentKind::Any => true,
    };
    // Of a negated one, unbound variables are reported as those of every negation are.
    let wildcards = |arg: &Argument| matches!(arg.kind, ArgumentKind::Any) || !open(arg);
    if *negated && !args.iter().all(wildcards) {
        return None;
    }
    // The mode that lacks least.
    let modes = 0..predicate.modes.len();
    let missing = modes.map(|mode| -> Vec<usize> {
        let columns = args.iter().enumerate();
        let missing = columns.filter(|(column, arg)| predicate.needs(mode, *column) && open(arg));
        missing.map(|(column, _)| column).collect()
    });
    let missing = missing.min_by_key(Vec::len)?;
    let message = format!(
        "`{}` is computed, and this does not say from what",
        predicate.name
    );
    let mut error = Diagnostic::error("E0440", message).label(*span, predicate.text.as_str());
    let mut names = Vec::new();
    for column in missing {
        let Some(arg) = args.get(column) else {
            continue;
        };
        error = error.label(arg.span, "must be bound");
        if let ArgumentKind::Slot(slot) = arg.kind
            && let Some(variable) = clause.variables.get(slot.index())
            && variable.name != "_"
        {
            names.push(format!("`{}`", variable.name));
        }
    }
    if let [_, _, ..] = predicate.modes.as_slice() {
        let modes = predicate.modes.join(", ");
        error = error.note(format!(
            "its modes are {modes}: `b` for a column that must be bound, `f` for one that is computed"
        ));
    }
    Some(error.help(match names.is_empty() {
        true => "give a value, or a variable that an atom binds".to_owned(),
        false => format!("bind {} by an atom of the body", names.join(" and ")),
    }))
}

/// Whether a range, or `in` a list, would bind `slot` if its limits, or the list, were bound: those are reported.
fn waits(clause: &Clause, slot: Slot, bound: &[bool]) -> bool {
    clause.body.iter().any(|literal| match literal {
        Literal::Range(range) => {
            let value = matches!(range.value.kind, TermKind::Slot(value) if value == slot);
            let mut limits = unbound(&range.low, bound);
            limits.extend(unbound(&range.high, bound));
            value && limits.iter().any(|limit| *limit != slot)
        }
        Literal::Element(element) => {
            let value = matches!(element.value.kind, TermKind::Slot(value) if value == slot);
            let list = unbound(&element.list, bound);
            value && list.iter().any(|it| *it != slot)
        }
        _ => false,
    })
}
