//! Join ordering.
//!
//! Before: every variable of a clause is bound whatever the order. After: an order of its literals in which
//! each finds its inputs bound. Greedy: whatever can be checked is checked at once (filters, then absent
//! atoms, then equations, which may fail); of the atoms comes one with all columns bound, else the one with
//! most bound columns; written order breaks ties. A predicate runs before an atom that is not all bound if it
//! only tests, or if the atom shares nothing with what is bound; else after the atoms. Lists give their elements
//! as soon as they are bound; ranges enumerate last, what nothing else binds.

use nsdl_ir::{Slot, Type};

use crate::flat::{Element, Literal, Range, Term};
use crate::ready::{Check, Ready};
use crate::solve::Solution;

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
    /// A predicate, in one of its modes.
    Foreign {
        literal: &'p Literal,
        mode: usize,
    },
    /// A range or a list whose value is bound already.
    Test {
        test: Term,
    },
    /// A list that gives its elements.
    Each {
        element: &'p Element,
        slot: Slot,
    },
    /// A range that binds its value.
    Enumerate {
        range: &'p Range,
        slot: Slot,
    },
}

/// The order of a body that begins with atom `first`, if given; `types` are those of its slots.
pub(crate) fn order<'p>(
    body: &[&'p Literal],
    types: &[Type],
    first: Option<u32>,
) -> Vec<Action<'p>> {
    // Atoms are numbered among themselves.
    let mut atom_of = Vec::with_capacity(body.len());
    let mut atoms = 0;
    for literal in body {
        atom_of.push(atoms);
        atoms += u32::from(matches!(literal, Literal::Atom { .. }));
    }
    let is_first = |(literal, atom): (&&Literal, &u32)| {
        first == Some(*atom) && matches!(literal, Literal::Atom { .. })
    };
    let first = body.iter().zip(&atom_of).position(is_first);
    let mut ready = Ready::new(body, types);
    let mut actions = Vec::with_capacity(body.len());
    let mut next = first.and_then(|first| u32::try_from(first).ok());
    loop {
        if let Some(number) = next.take() {
            let atom = atom_of.get(number as usize).copied().unwrap_or_default();
            let literal = ready.scan(number);
            actions.push(Action::Scan { atom, literal });
        }
        checks(&mut ready, &mut actions);
        next = ready.best();
        let (known, all) = next.map_or((0, false), |number| ready.known(number));
        // Before the first atom nothing is bound but by constants.
        let generators = next.is_none() || known == 0 && ready.bound.contains(&true);
        if !all && let Some((literal, mode)) = ready.foreign(generators) {
            actions.push(Action::Foreign { literal, mode });
            if let Some(number) = next.take() {
                ready.postpone(number);
            }
        } else if next.is_none() {
            // The bound slots are the same in every order now, so the same ranges enumerate in each.
            match ready.enumerate() {
                Some((range, slot)) => actions.push(Action::Enumerate { range, slot }),
                None => break,
            }
        }
    }
    actions
}

/// Moves what can be checked to `actions`, again as equations bind more.
fn checks<'p>(ready: &mut Ready<'p, '_>, actions: &mut Vec<Action<'p>>) {
    while let Some(check) = ready.check() {
        actions.push(match check {
            Check::Test(Literal::Range(range)) => Action::Test { test: range.test() },
            Check::Test(Literal::Element(element)) => Action::Test {
                test: element.test(),
            },
            Check::Each(element, slot) => Action::Each { element, slot },
            Check::Test(literal) => Action::Check { literal },
            Check::Bind(solution) => Action::Bind { solution },
        });
    }
}
