//! Equations solved for the variables on one side.
//!
//! A variable that stands alone is bound to the other side; so it is under `+` and `-` of integers. A tuple or
//! a list is taken apart: its parts are bound to, or compared with, the parts of the other side.

use nsdl_ir::{BinaryOp, Slot, Type, UnaryOp, Value};

use crate::constant::Const;
use crate::flat::{Term, TermKind};
use crate::plan::type_of;

/// An equation solved: what to test and what to bind, in order.
#[derive(Debug, Default)]
pub(crate) struct Solution {
    pub steps: Vec<Solved>,
}

/// A step of a solution; its term reads what is bound before.
#[derive(Debug)]
pub(crate) enum Solved {
    /// It must hold.
    Test(Term),
    /// The slot gets the value.
    Bind(Slot, Term),
}

impl Solution {
    /// The slots that it binds.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        self.steps.iter().filter_map(|step| match step {
            Solved::Bind(slot, _) => Some(*slot),
            Solved::Test(_) => None,
        })
    }
}

/// Solves `side == value`, where all slots of `value` are bound, for the others of `side`.
pub(crate) fn solve(side: &Term, value: &Term, bound: &[bool], types: &[Type]) -> Option<Solution> {
    let mut solver = Solver {
        bound: bound.to_vec(),
        types,
        steps: Vec::new(),
        later: Vec::new(),
    };
    solver.pattern(side, value.clone())?;
    // Expressions come last: the variables in them may be bound by other parts.
    while !solver.later.is_empty() {
        let before = solver.later.len();
        for (term, value) in std::mem::take(&mut solver.later) {
            solver.expression(term, value)?;
        }
        if solver.later.len() == before {
            return None;
        }
    }
    Some(Solution {
        steps: solver.steps,
    })
}

/// `left == right` as tests that hold together, where one side is a pattern with `_` and all slots are bound.
pub(crate) fn tests(left: &Term, right: &Term, types: &[Type]) -> Option<Vec<Term>> {
    let (pattern, value) = match left.has_any() {
        true => (left, right),
        false => (right, left),
    };
    let solution = solve(pattern, value, &vec![true; types.len()], types)?;
    let tests = solution.steps.into_iter().map(|step| match step {
        Solved::Test(test) => Some(test),
        Solved::Bind(..) => None,
    });
    tests.collect()
}

struct Solver<'a, 't> {
    /// With the slots that the solution binds.
    bound: Vec<bool>,
    types: &'t [Type],
    steps: Vec<Solved>,
    /// Expressions whose variables are not bound yet.
    later: Vec<(&'a Term, Term)>,
}

impl<'a> Solver<'a, '_> {
    fn is_bound(&self, slot: Slot) -> bool {
        self.bound.get(slot.index()).copied().unwrap_or_default()
    }

    fn unbound(&self, term: &Term) -> Vec<Slot> {
        let mut slots = Vec::new();
        term.slots(&mut |slot, _| {
            if !self.is_bound(slot) {
                slots.push(slot);
            }
        });
        slots
    }

    fn bind(&mut self, slot: Slot, value: Term) -> Option<()> {
        *self.bound.get_mut(slot.index())? = true;
        self.steps.push(Solved::Bind(slot, value));
        Some(())
    }

    fn test(&mut self, op: BinaryOp, left: Term, right: Term) {
        let span = left.span;
        let kind = TermKind::Binary(op, Box::new(left), Box::new(right));
        self.steps.push(Solved::Test(Term { kind, span }));
    }

    fn pattern(&mut self, side: &'a Term, value: Term) -> Option<()> {
        if matches!(side.kind, TermKind::Any) {
            return Some(());
        }
        if matches!(value.kind, TermKind::Any) {
            return self.unbound(side).is_empty().then_some(());
        }
        match &side.kind {
            TermKind::Slot(slot) if !self.is_bound(*slot) => {
                // `_` is no value.
                let value = Some(value).filter(|value| !value.has_any())?;
                self.bind(*slot, value)
            }
            TermKind::Tuple(parts) => {
                for (position, part) in (0..).zip(parts) {
                    self.pattern(part, value.part(position))?;
                }
                Some(())
            }
            TermKind::List(items, rest) => {
                let count = u32::try_from(items.len()).ok()?;
                let kind = TermKind::Length {
                    list: Box::new(value.clone()),
                    count,
                    exact: rest.is_none(),
                };
                let span = side.span;
                self.steps.push(Solved::Test(Term { kind, span }));
                for (position, item) in (0..).zip(items) {
                    self.pattern(item, value.part(position))?;
                }
                match rest {
                    Some(rest) => {
                        let span = rest.span;
                        let kind = TermKind::Rest(Box::new(value), count);
                        self.pattern(rest, Term { kind, span })
                    }
                    None => Some(()),
                }
            }
            _ => self.expression(side, value),
        }
    }

    fn expression(&mut self, side: &'a Term, value: Term) -> Option<()> {
        match self.unbound(side).as_slice() {
            [] => self.test(BinaryOp::Equal, side.clone(), value),
            [slot] => self.linear(side, value, *slot)?,
            _ => self.later.push((side, value)),
        }
        Some(())
    }

    /// Solves `side == value` for `slot`, which occurs once in `side` and not in `value`.
    fn linear(&mut self, mut side: &Term, mut value: Term, slot: Slot) -> Option<()> {
        let ty = self.types.get(slot.index()).copied()?;
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
                TermKind::Slot(_) => return self.bind(slot, value),
                // Only integers: `(x + y) - y` need not be `x` in floats.
                _ if !ty.is_integer() => return None,
                TermKind::Unary(UnaryOp::Negate, operand) => {
                    value = Term {
                        kind: TermKind::Unary(UnaryOp::Negate, Box::new(value)),
                        span,
                    };
                    side = operand;
                }
                // Text and times are added otherwise: `"a" + x == s` is no equation of integers.
                TermKind::Binary(..) if type_of(side, self.types) != Some(ty) => return None,
                TermKind::Binary(BinaryOp::Add, left, right) => {
                    let (inner, other) = if has_slot(left) {
                        (left, right)
                    } else {
                        (right, left)
                    };
                    // For the solution to be in the range of the type.
                    if ty.is_unsigned() {
                        self.test(BinaryOp::GreaterEqual, value.clone(), (**other).clone());
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
                        self.test(BinaryOp::GreaterEqual, (**left).clone(), value.clone());
                    }
                    value = binary(BinaryOp::Subtract, (**left).clone(), &value);
                    side = right;
                }
                _ => return None,
            }
        }
    }
}

impl Term {
    /// Its part at that position, which it has.
    fn part(&self, position: u32) -> Term {
        let at = position as usize;
        let known = match &self.kind {
            TermKind::Tuple(parts) => parts.get(at).cloned(),
            TermKind::List(items, _) => items.get(at).cloned(),
            TermKind::Const(Const::Tuple(parts) | Const::List(parts)) => {
                parts.get(at).map(|(part, span)| Term {
                    kind: TermKind::Const(part.clone()),
                    span: *span,
                })
            }
            TermKind::Const(Const::Typed(Value::Tuple(parts) | Value::List(_, parts))) => {
                parts.get(at).map(|part| Term {
                    kind: TermKind::Const(Const::Typed(part.clone())),
                    span: self.span,
                })
            }
            _ => None,
        };
        known.unwrap_or_else(|| Term {
            kind: TermKind::Part(Box::new(self.clone()), position),
            span: self.span,
        })
    }
}
