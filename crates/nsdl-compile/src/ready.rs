//! Which literals of a clause can run, as its slots become bound one after the other.
//!
//! Each literal counts its mentions of unbound slots, and each slot knows the literals that mention it: to
//! bind all slots of a clause takes time linear in its length, but for a logarithm.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use nsdl_ir::{BinaryOp, Slot, Type};

use crate::bind::{Use, usable};
use crate::flat::{Argument, ArgumentKind, Element, Literal, Range, Term, TermKind};
use crate::solve::Solution;

/// The literals of a clause that have not run yet. Numbers are positions in its body.
pub(crate) struct Ready<'p, 't> {
    literals: Vec<&'p Literal>,
    types: &'t [Type],
    /// By slot.
    pub bound: Vec<bool>,
    /// By slot: the literals that mention it, once a mention.
    mentions: Vec<Vec<u32>>,
    /// By slot: the ranges whose limits mention it, and the memberships whose list does, once a mention.
    limits: Vec<Vec<u32>>,
    /// By literal: its mentions of unbound slots.
    open: Vec<u32>,
    /// By literal: those in the limits of a range or in the list of a membership.
    open_limits: Vec<u32>,
    /// By literal: whether it has run.
    done: Vec<bool>,
    /// Constraints, ranges and memberships in which all is bound.
    tests: BTreeSet<u32>,
    /// Absent atoms in which all is bound.
    absent: BTreeSet<u32>,
    /// Equations with one mention left, or of which a side may be taken apart.
    equations: BTreeSet<u32>,
    /// Memberships with a bound list.
    elements: BTreeSet<u32>,
    /// Ranges with bound limits.
    ranges: BTreeSet<u32>,
    /// Predicates that have not run.
    foreign: Vec<u32>,
    /// Atoms by how much of them is bound, first all, then most, then in written order; with outdated entries.
    atoms: BinaryHeap<(bool, u32, Reverse<u32>)>,
}

/// A literal that can run before the next atom.
pub(crate) enum Check<'p> {
    /// It tests what is bound.
    Test(&'p Literal),
    /// It is an equation that binds more slots.
    Bind(Solution),
    /// It is a list whose elements the slot takes.
    Each(&'p Element, Slot),
}

impl<'p, 't> Ready<'p, 't> {
    /// A body; `types` are those of its slots.
    pub fn new(body: &[&'p Literal], types: &'t [Type]) -> Self {
        let (slots, literals) = (types.len(), body.len());
        let mut ready = Self {
            literals: body.to_vec(),
            types,
            bound: vec![false; slots],
            mentions: vec![Vec::new(); slots],
            limits: vec![Vec::new(); slots],
            open: vec![0; literals],
            open_limits: vec![0; literals],
            done: vec![false; literals],
            tests: BTreeSet::new(),
            absent: BTreeSet::new(),
            equations: BTreeSet::new(),
            elements: BTreeSet::new(),
            ranges: BTreeSet::new(),
            foreign: Vec::new(),
            atoms: BinaryHeap::new(),
        };
        for (number, literal) in (0..).zip(body) {
            ready.enter(number, literal);
        }
        ready
    }

    fn enter(&mut self, number: u32, literal: &Literal) {
        let index = number as usize;
        let (mentions, open) = (&mut self.mentions, &mut self.open[index]);
        let mut mention = |slot: Slot| {
            if let Some(mentions) = mentions.get_mut(slot.index()) {
                mentions.push(number);
                *open += 1;
            }
        };
        match literal {
            Literal::Atom { args, .. } | Literal::Absent { args, .. } => {
                for arg in args {
                    if let ArgumentKind::Slot(slot) = arg.kind {
                        mention(slot);
                    }
                }
            }
            // Atoms have taken their places.
            Literal::Matches(_) => {}
            Literal::Foreign { args, .. } => {
                for arg in args {
                    if let ArgumentKind::Slot(slot) = arg.kind {
                        mention(slot);
                    }
                }
                self.foreign.push(number);
            }
            Literal::Constraint(term) => term.slots(&mut |slot, _| mention(slot)),
            Literal::Range(range) => {
                for term in [&range.value, &range.low, &range.high] {
                    term.slots(&mut |slot, _| mention(slot));
                }
                self.limit(number, &[&range.low, &range.high]);
            }
            Literal::Element(element) => {
                for term in [&element.value, &element.list] {
                    term.slots(&mut |slot, _| mention(slot));
                }
                self.limit(number, &[&element.list]);
            }
        }
        self.update(number);
    }

    /// Takes note of what must be bound before literal `number` gives values.
    fn limit(&mut self, number: u32, terms: &[&Term]) {
        for term in terms {
            term.slots(&mut |slot, _| {
                if let Some(limits) = self.limits.get_mut(slot.index()) {
                    limits.push(number);
                    self.open_limits[number as usize] += 1;
                }
            });
        }
        self.give(number);
    }

    /// Puts a range or a membership where it belongs once nothing limits it.
    fn give(&mut self, number: u32) {
        let index = number as usize;
        if self.open_limits[index] > 0 {
            return;
        }
        match self.literals[index] {
            Literal::Element(_) => self.elements.insert(number),
            _ => self.ranges.insert(number),
        };
    }

    /// Puts a literal where it belongs now.
    fn update(&mut self, number: u32) {
        let index = number as usize;
        if self.done[index] {
            return;
        }
        let open = self.open[index];
        match self.literals[index] {
            Literal::Atom { .. } => self.atoms.push(self.score(number)),
            Literal::Absent { .. } if open == 0 => drop(self.absent.insert(number)),
            Literal::Constraint(_) | Literal::Range(_) | Literal::Element(_) if open == 0 => {
                self.equations.remove(&number);
                self.tests.insert(number);
            }
            Literal::Constraint(term) => {
                if let TermKind::Binary(BinaryOp::Equal, left, right) = &term.kind
                    && (open == 1 || left.is_compound() || right.is_compound())
                {
                    self.equations.insert(number);
                }
            }
            Literal::Absent { .. }
            | Literal::Range(_)
            | Literal::Element(_)
            | Literal::Matches(_)
            | Literal::Foreign { .. } => {}
        }
    }

    fn score(&self, number: u32) -> (bool, u32, Reverse<u32>) {
        let Literal::Atom { args, .. } = self.literals[number as usize] else {
            return (false, 0, Reverse(number));
        };
        let any = |kind: &ArgumentKind| matches!(kind, ArgumentKind::Any);
        let unknown = args.iter().filter(|arg| any(&arg.kind)).count() as u32;
        let unknown = unknown + self.open[number as usize];
        (unknown == 0, args.len() as u32 - unknown, Reverse(number))
    }

    /// Takes note that `slot` is bound.
    pub fn bind(&mut self, slot: Slot) {
        let index = slot.index();
        match self.bound.get_mut(index) {
            Some(bound) if !*bound => *bound = true,
            _ => return,
        }
        for number in std::mem::take(&mut self.mentions[index]) {
            self.open[number as usize] -= 1;
            self.update(number);
        }
        for number in std::mem::take(&mut self.limits[index]) {
            self.open_limits[number as usize] -= 1;
            self.give(number);
        }
    }

    /// The next literal that needs no atom: tests before absent atoms before equations, which may fail.
    pub fn check(&mut self) -> Option<Check<'p>> {
        let test = self.tests.pop_first().or_else(|| self.absent.pop_first());
        if let Some(number) = test.filter(|number| !self.done[*number as usize]) {
            self.done[number as usize] = true;
            return Some(Check::Test(self.literals[number as usize]));
        }
        while let Some(number) = self.equations.pop_first() {
            if let Literal::Constraint(term) = self.literals[number as usize]
                && let Use::Bind(solution) = usable(term, &self.bound, self.types)
            {
                self.done[number as usize] = true;
                for slot in solution.slots() {
                    self.bind(slot);
                }
                return Some(Check::Bind(solution));
            }
        }
        // A list is short, as a rule: its elements come before the next atom, which is looked up by them.
        while let Some(number) = self.elements.pop_first() {
            if let Literal::Element(element) = self.literals[number as usize]
                && let TermKind::Slot(slot) = element.value.kind
                && self.bound.get(slot.index()) == Some(&false)
            {
                self.done[number as usize] = true;
                self.bind(slot);
                return Some(Check::Each(element, slot));
            }
        }
        None
    }

    /// The atom of which most is bound.
    pub fn best(&mut self) -> Option<u32> {
        loop {
            let entry = self.atoms.pop()?;
            let Reverse(number) = entry.2;
            if !self.done[number as usize] && entry == self.score(number) {
                return Some(number);
            }
        }
    }

    /// Puts back what [`Ready::best`] took.
    pub fn postpone(&mut self, number: u32) {
        self.update(number);
    }

    /// How many arguments of an atom are bound, and whether all are.
    pub fn known(&self, number: u32) -> (u32, bool) {
        let (all, known, _) = self.score(number);
        (known, all)
    }

    /// The first predicate that can run, and in which mode: one in which all is bound, or, with `generators`,
    /// any. Its slots are then bound. Takes time linear in the predicates.
    pub fn foreign(&mut self, generators: bool) -> Option<(&'p Literal, usize)> {
        let found = self.foreign.iter().enumerate().find_map(|(at, number)| {
            let literal = self.literals[*number as usize];
            let open = self.open[*number as usize] > 0;
            let waits =
                open && (!generators || matches!(literal, Literal::Foreign { negated: true, .. }));
            let mode = if waits {
                None
            } else {
                mode(literal, &self.bound)
            };
            mode.map(|mode| (at, literal, mode))
        });
        let (at, literal, mode) = found?;
        let number = self.foreign.remove(at);
        self.done[number as usize] = true;
        if let Literal::Foreign { args, .. } = literal {
            for arg in args {
                if let ArgumentKind::Slot(slot) = arg.kind {
                    self.bind(slot);
                }
            }
        }
        Some((literal, mode))
    }

    /// The predicates that cannot run.
    pub fn stuck(&self) -> impl Iterator<Item = &'p Literal> {
        self.foreign
            .iter()
            .map(|number| self.literals[*number as usize])
    }

    /// Scans an atom: all its slots are bound.
    pub fn scan(&mut self, number: u32) -> &'p Literal {
        let literal = self.literals[number as usize];
        self.done[number as usize] = true;
        if let Literal::Atom { args, .. } = literal {
            for arg in args {
                if let ArgumentKind::Slot(slot) = arg.kind {
                    self.bind(slot);
                }
            }
        }
        literal
    }

    /// The first range with bound limits and an unbound value, which it binds.
    pub fn enumerate(&mut self) -> Option<(&'p Range, Slot)> {
        while let Some(number) = self.ranges.pop_first() {
            if let Literal::Range(range) = self.literals[number as usize]
                && let TermKind::Slot(slot) = range.value.kind
                && self.bound.get(slot.index()) == Some(&false)
            {
                self.done[number as usize] = true;
                self.bind(slot);
                return Some((range, slot));
            }
        }
        None
    }
}

/// The mode of a predicate whose columns are bound; of several the one that needs most.
pub(crate) fn mode(literal: &Literal, bound: &[bool]) -> Option<usize> {
    let Literal::Foreign {
        predicate, args, ..
    } = literal
    else {
        return None;
    };
    let given = |arg: &Argument| match &arg.kind {
        ArgumentKind::Slot(slot) => bound.get(slot.index()).copied().unwrap_or_default(),
        ArgumentKind::Const(_) => true,
        ArgumentKind::Any => false,
    };
    let mut best: Option<(usize, usize)> = None;
    for number in 0..predicate.modes.len() {
        let needs = |(column, _): &(usize, &Argument)| predicate.needs(number, *column);
        let mut needed = args.iter().enumerate().filter(needs);
        let count = needed.clone().count();
        if needed.all(|(_, arg)| given(arg)) && best.is_none_or(|(most, _)| count > most) {
            best = Some((count, number));
        }
    }
    best.map(|(_, number)| number)
}
