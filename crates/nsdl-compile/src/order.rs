//! Join ordering.
//!
//! Before: every variable of a clause is bound whatever the order. After: an order of its literals in which
//! each finds its inputs bound. Greedy: whatever can be checked is checked at once (filters, then absent
//! atoms, then equations, which may fail); of the atoms comes one with all columns bound, else the one with
//! most bound columns; written order breaks ties. Ranges enumerate last, what nothing else binds.

use nsdl_ir::{Slot, Type};

use crate::bind::{Solution, Use, enumerable, usable};
use crate::flat::{Argument, ArgumentKind, Clause, Literal, Range};

/// A literal, in order of evaluation.
#[derive(Debug)]
pub(crate) enum Action<'p> {
    /// Atom number `atom`, counted in written order.
    Scan {
        atom: u32,
        literal: &'p Literal,
    },
    Check {
        literal: &'p Literal,
    },
    Bind {
        solution: Solution,
    },
    /// A range whose value is bound already.
    Test {
        range: &'p Range,
    },
    /// A range that binds its value.
    Enumerate {
        range: &'p Range,
        slot: Slot,
    },
}

/// The order of a clause that begins with atom `first`, if given.
pub(crate) fn order<'p>(clause: &'p Clause, types: &[Type], first: Option<u32>) -> Vec<Action<'p>> {
    let is_atom = |literal: &&Literal| matches!(literal, Literal::Atom { .. });
    let mut atoms: Vec<(u32, &Literal)> = (0..).zip(clause.body.iter().filter(is_atom)).collect();
    let mut checks: Vec<&Literal> = clause
        .body
        .iter()
        .filter(|literal| !is_atom(literal))
        .collect();
    let mut bound = vec![false; clause.variables.len()];
    let mut actions = Vec::with_capacity(clause.body.len());
    let mut next = first.and_then(|first| atoms.iter().position(|(atom, _)| *atom == first));
    if next.is_none() {
        run_checks(&mut checks, &mut bound, types, &mut actions);
        next = best(&atoms, &bound);
    }
    while let Some(position) = next {
        let (atom, literal) = atoms.remove(position);
        for slot in slots(arguments(literal)) {
            if let Some(entry) = bound.get_mut(slot.index()) {
                *entry = true;
            }
        }
        actions.push(Action::Scan { atom, literal });
        run_checks(&mut checks, &mut bound, types, &mut actions);
        next = best(&atoms, &bound);
    }
    // The bound slots are the same in every order now, so the same ranges enumerate in each.
    while let Some((position, range, slot)) = enumeration(&checks, &bound) {
        checks.remove(position);
        if let Some(entry) = bound.get_mut(slot.index()) {
            *entry = true;
        }
        actions.push(Action::Enumerate { range, slot });
        run_checks(&mut checks, &mut bound, types, &mut actions);
    }
    actions
}

/// The first range that can enumerate.
fn enumeration<'p>(checks: &[&'p Literal], bound: &[bool]) -> Option<(usize, &'p Range, Slot)> {
    checks
        .iter()
        .enumerate()
        .find_map(|(position, literal)| match literal {
            Literal::Range(range) => enumerable(range, bound).map(|slot| (position, range, slot)),
            _ => None,
        })
}

/// Moves the checks whose inputs are bound to `actions`, again as equations bind more.
fn run_checks<'p>(
    checks: &mut Vec<&'p Literal>,
    bound: &mut [bool],
    types: &[Type],
    actions: &mut Vec<Action<'p>>,
) {
    loop {
        for absent in [false, true] {
            checks.retain(|literal| {
                let ready = match literal {
                    Literal::Constraint(term) => {
                        !absent && matches!(usable(term, bound, types), Use::Filter)
                    }
                    Literal::Absent { args, .. } => {
                        absent && slots(args).all(|slot| is_bound(bound, slot))
                    }
                    Literal::Range(range) => {
                        let mut ready = !absent;
                        for term in [&range.value, &range.low, &range.high] {
                            term.slots(&mut |slot, _| ready &= is_bound(bound, slot));
                        }
                        if ready {
                            actions.push(Action::Test { range });
                        }
                        return !ready;
                    }
                    Literal::Atom { .. } => false,
                };
                if ready {
                    actions.push(Action::Check { literal });
                }
                !ready
            });
        }
        let solved = checks
            .iter()
            .enumerate()
            .find_map(|(position, literal)| match literal {
                Literal::Constraint(term) => match usable(term, bound, types) {
                    Use::Bind(solution) => Some((position, solution)),
                    Use::Filter | Use::Wait => None,
                },
                _ => None,
            });
        let Some((position, solution)) = solved else {
            return;
        };
        checks.remove(position);
        if let Some(entry) = bound.get_mut(solution.slot.index()) {
            *entry = true;
        }
        actions.push(Action::Bind { solution });
    }
}

fn best(atoms: &[(u32, &Literal)], bound: &[bool]) -> Option<usize> {
    let score = |literal: &Literal| {
        let args = arguments(literal);
        let known = args
            .iter()
            .filter(|arg| match &arg.kind {
                ArgumentKind::Slot(slot) => is_bound(bound, *slot),
                ArgumentKind::Const(_) => true,
                ArgumentKind::Any => false,
            })
            .count();
        (known == args.len(), known)
    };
    // `max_by_key` takes the last of equals, so the first in written order comes last.
    let scored = atoms.iter().enumerate().rev();
    scored
        .max_by_key(|(_, (_, literal))| score(literal))
        .map(|(position, _)| position)
}

fn arguments(literal: &Literal) -> &[Argument] {
    match literal {
        Literal::Atom { args, .. } | Literal::Absent { args, .. } => args,
        Literal::Constraint(_) | Literal::Range(_) => &[],
    }
}

fn slots(args: &[Argument]) -> impl Iterator<Item = Slot> {
    args.iter().filter_map(|arg| match arg.kind {
        ArgumentKind::Slot(slot) => Some(slot),
        _ => None,
    })
}

fn is_bound(bound: &[bool], slot: Slot) -> bool {
    bound.get(slot.index()).copied().unwrap_or_default()
}
