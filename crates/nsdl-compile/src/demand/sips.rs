//! In which order a body passes bindings sideways: what is bound when a literal is looked up.
//!
//! Greedy like the join order, but whatever is not computed on demand comes first: conditions as soon as they can be
//! checked, then the atom with most bound columns, facts before derived relations, written order last. Every
//! literal narrows what later ones are asked for.

use nsdl_ir::{RelationId, Slot, Type};

use super::Pattern;
use crate::bind::{Use, usable};
use crate::flat::{Argument, ArgumentKind, Literal, TermKind};
use crate::ready::mode;

/// How a relation wants to be asked.
#[derive(Clone, Copy)]
pub(super) enum Class<'p> {
    /// Any way; `derived` by rules or an aggregate.
    Plain { derived: bool },
    /// With one of these patterns.
    Declared(&'p [Pattern]),
    /// With as much bound as there can be.
    Needy,
}

/// A literal in its place.
pub(super) struct Passed<'p> {
    pub literal: &'p Literal,
    /// The columns bound before it, of an atom.
    pub bound: Pattern,
    /// Those bound by constants or by what the guard binds, directly or over atoms.
    pub selective: Pattern,
    /// Those of `selective` that take values that are there: asked for, written down or in a relation, and not
    /// computed from what is asked for.
    pub finite: Pattern,
    /// Everything it mentions hangs on constants or the guard.
    pub connected: bool,
    /// Slots that it binds.
    pub binds: Vec<Slot>,
}

/// The literals of a body in order.
pub(super) struct Passing<'p> {
    pub steps: Vec<Passed<'p>>,
    /// The first atom that would have to be asked for with more than is bound.
    pub stuck: Option<&'p Literal>,
}

/// Orders `body`; if `guarded`, its first literal is the guard's, which is no step.
pub(super) fn pass<'p>(
    body: &[&'p Literal],
    guarded: bool,
    slots: &[Type],
    class: &dyn Fn(RelationId) -> Class<'p>,
) -> Passing<'p> {
    let mut order = Order {
        guarded,
        slots,
        bound: vec![false; slots.len()],
        selective: vec![false; slots.len()],
        finite: vec![false; slots.len()],
        passing: Passing {
            steps: Vec::with_capacity(body.len()),
            stuck: None,
        },
    };
    let (guard, rest) = body.split_at(usize::from(guarded).min(body.len()));
    for slot in guard.iter().flat_map(|guard| argument_slots(guard)) {
        order.bind(slot, true, true);
    }
    let is_atom = |literal: &&&Literal| matches!(literal, Literal::Atom { .. });
    let mut atoms: Vec<&Literal> = rest.iter().filter(is_atom).copied().collect();
    let mut checks: Vec<&Literal> = rest.iter().filter(|it| !is_atom(it)).copied().collect();
    loop {
        order.checks(&mut checks);
        if let Some(position) = checks.iter().position(|it| order.computable(it)) {
            order.compute(checks.remove(position));
        } else if let Some(position) = order.best(&atoms, class) {
            order.atom(atoms.remove(position));
        } else if let Some(position) = checks.iter().position(|it| order.enumerated(it).is_some()) {
            order.range(checks.remove(position));
        } else if atoms.is_empty() {
            return order.passing;
        } else {
            let atom = atoms.remove(0);
            order.passing.stuck.get_or_insert(atom);
            order.atom(atom);
        }
    }
}

struct Order<'p, 's> {
    guarded: bool,
    slots: &'s [Type],
    bound: Vec<bool>,
    selective: Vec<bool>,
    finite: Vec<bool>,
    passing: Passing<'p>,
}

impl<'p> Order<'p, '_> {
    fn is_bound(&self, slot: Slot) -> bool {
        is(&self.bound, slot)
    }

    fn is_selective(&self, slot: Slot) -> bool {
        is(&self.selective, slot)
    }

    fn bind(&mut self, slot: Slot, selective: bool, finite: bool) {
        for (marks, value) in [
            (&mut self.bound, true),
            (&mut self.selective, selective),
            (&mut self.finite, finite),
        ] {
            if let Some(entry) = marks.get_mut(slot.index()) {
                *entry |= value;
            }
        }
    }

    fn push(&mut self, literal: &'p Literal, connected: bool, binds: Vec<Slot>) {
        let args = arguments(literal);
        let columns = |of: &dyn Fn(Slot) -> bool| {
            Pattern::new(args.iter().map(|arg| match arg.kind {
                ArgumentKind::Slot(slot) => of(slot),
                ArgumentKind::Const(_) => true,
                ArgumentKind::Any => false,
            }))
        };
        self.passing.steps.push(Passed {
            literal,
            bound: columns(&|slot| self.is_bound(slot)),
            selective: columns(&|slot| self.is_selective(slot)),
            finite: columns(&|slot| self.is_selective(slot) && is(&self.finite, slot)),
            connected,
            binds,
        });
    }

    /// Places the checks that have their inputs, again as equations bind more.
    fn checks(&mut self, checks: &mut Vec<&'p Literal>) {
        let mut progress = true;
        while progress {
            progress = false;
            checks.retain(|literal| {
                let solved = match literal {
                    Literal::Constraint(term) => match usable(term, &self.bound, self.slots) {
                        Use::Wait => return true,
                        Use::Filter => Vec::new(),
                        Use::Bind(solution) => solution.slots().collect(),
                    },
                    // A list gives its elements as soon as it is bound.
                    Literal::Element(element) => {
                        let mut known = true;
                        element
                            .list
                            .slots(&mut |slot, _| known &= self.is_bound(slot));
                        match element.value.kind {
                            _ if !known => return true,
                            TermKind::Slot(slot) if !self.is_bound(slot) => vec![slot],
                            _ => Vec::new(),
                        }
                    }
                    Literal::Absent { .. } | Literal::Range(_) => {
                        if !slots(literal).into_iter().all(|slot| self.is_bound(slot)) {
                            return true;
                        }
                        Vec::new()
                    }
                    Literal::Foreign { .. } => {
                        let open = slots(literal).into_iter().any(|slot| !self.is_bound(slot));
                        if open || mode(literal, &self.bound).is_none() {
                            return true;
                        }
                        Vec::new()
                    }
                    Literal::Atom { .. } | Literal::Matches(_) => return true,
                };
                let connected = slots(literal)
                    .into_iter()
                    .all(|slot| solved.contains(&slot) || self.is_selective(slot));
                self.push(literal, connected, solved.clone());
                for slot in solved {
                    self.bind(slot, connected, !self.guarded);
                }
                progress = true;
                false
            });
        }
    }

    fn best(&self, atoms: &[&Literal], class: &dyn Fn(RelationId) -> Class<'p>) -> Option<usize> {
        let score = |literal: &Literal| {
            let Literal::Atom { relation, args, .. } = literal else {
                return None;
            };
            let bound = Pattern::new(args.iter().map(|arg| match arg.kind {
                ArgumentKind::Slot(slot) => self.is_bound(slot),
                ArgumentKind::Const(_) => true,
                ArgumentKind::Any => false,
            }));
            let known = bound.columns().count();
            let (needy, derived) = match class(*relation) {
                Class::Plain { derived } => (false, derived),
                Class::Needy => (true, true),
                Class::Declared(patterns) => {
                    if !patterns.iter().any(|pattern| pattern.serves(&bound)) {
                        return None;
                    }
                    (false, true)
                }
            };
            Some((!needy, known == args.len(), known, !derived))
        };
        // `max_by_key` takes the last of equals, so the first in written order comes last.
        let scored = atoms.iter().enumerate().rev();
        scored
            .filter_map(|(position, literal)| Some((score(literal)?, position)))
            .max_by_key(|(score, _)| *score)
            .map(|(_, position)| position)
    }

    fn atom(&mut self, literal: &'p Literal) {
        let slots = argument_slots(literal);
        let connected = self.guarded && slots.iter().any(|slot| self.is_selective(*slot));
        let binds = slots.iter().copied().filter(|slot| !self.is_bound(*slot));
        let binds = binds.collect();
        self.push(literal, connected, binds);
        for slot in slots {
            self.bind(slot, connected, true);
        }
    }

    /// The slot that a range can bind: its limits are bound, and its value is not.
    fn enumerated(&self, literal: &Literal) -> Option<Slot> {
        let Literal::Range(range) = literal else {
            return None;
        };
        let mut limits = true;
        for term in [&range.low, &range.high] {
            term.slots(&mut |slot, _| limits &= self.is_bound(slot));
        }
        match range.value.kind {
            TermKind::Slot(slot) if limits && !self.is_bound(slot) => Some(slot),
            _ => None,
        }
    }

    /// Whether a predicate can compute what is not bound.
    fn computable(&self, literal: &Literal) -> bool {
        let positive = matches!(literal, Literal::Foreign { negated: false, .. });
        positive && mode(literal, &self.bound).is_some()
    }

    fn compute(&mut self, literal: &'p Literal) {
        let (inputs, binds): (Vec<Slot>, Vec<Slot>) = argument_slots(literal)
            .into_iter()
            .partition(|slot| self.is_bound(*slot));
        let connected = self.guarded && inputs.iter().all(|slot| self.is_selective(*slot));
        self.push(literal, connected, binds.clone());
        for slot in binds {
            self.bind(slot, connected, false);
        }
    }

    fn range(&mut self, literal: &'p Literal) {
        let Some(slot) = self.enumerated(literal) else {
            return;
        };
        let limits = slots(literal)
            .into_iter()
            .filter(|limit| *limit != slot)
            .all(|limit| self.is_selective(limit));
        let connected = self.guarded && limits;
        self.push(literal, connected, vec![slot]);
        self.bind(slot, connected, false);
    }
}

fn is(marks: &[bool], slot: Slot) -> bool {
    marks.get(slot.index()).copied().unwrap_or_default()
}

pub(super) fn arguments(literal: &Literal) -> &[Argument] {
    match literal {
        Literal::Atom { args, .. }
        | Literal::Absent { args, .. }
        | Literal::Foreign { args, .. } => args,
        Literal::Constraint(_) | Literal::Range(_) | Literal::Element(_) | Literal::Matches(_) => {
            &[]
        }
    }
}

fn argument_slots(literal: &Literal) -> Vec<Slot> {
    let slot = |arg: &Argument| match arg.kind {
        ArgumentKind::Slot(slot) => Some(slot),
        _ => None,
    };
    arguments(literal).iter().filter_map(slot).collect()
}

/// Every slot that a literal mentions.
pub(super) fn slots(literal: &Literal) -> Vec<Slot> {
    let mut all = argument_slots(literal);
    let mut visit = |slot, _| all.push(slot);
    match literal {
        Literal::Constraint(term) => term.slots(&mut visit),
        Literal::Range(range) => {
            for term in [&range.value, &range.low, &range.high] {
                term.slots(&mut visit);
            }
        }
        Literal::Element(element) => {
            element.value.slots(&mut visit);
            element.list.slots(&mut visit);
        }
        Literal::Atom { .. }
        | Literal::Absent { .. }
        | Literal::Matches(_)
        | Literal::Foreign { .. } => {}
    }
    all
}
