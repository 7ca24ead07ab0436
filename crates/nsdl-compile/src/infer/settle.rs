//! Constants in expressions get the types that were inferred for them.

use nsdl_ir::Type;

use super::Inference;
use crate::constant::Const;
use crate::flat::{Choice, Clause, Literal, Program, Term, TermKind};

impl Inference {
    /// Makes every constant in an expression one of its type. What is out of range of it stays as it is, and is
    /// reported by `plan`; where nothing says what it is, so does a constant that is too large for an `i32`.
    ///
    /// Columns have types of their own, so facts and arguments of atoms need none here.
    pub(super) fn settle(&mut self, program: &mut Program) {
        if self.constants.is_empty() {
            return;
        }
        for clause in &mut program.clauses {
            terms(clause, &mut |open| match open {
                Open::Constant(value) => {
                    let address = std::ptr::from_ref(value) as usize;
                    if let Some(side) = self.constants.get(&address).copied()
                        && let Some(typed) = value.at(self.resolve_side(side))
                    {
                        *value = Const::Typed(typed);
                    }
                }
                Open::Term(ty) => {
                    let address = std::ptr::from_ref(ty) as usize;
                    if let Some(side) = self.constants.get(&address).copied() {
                        *ty = self.resolve_side(side);
                    }
                }
            });
        }
    }
}

/// What gets its type only now.
enum Open<'p> {
    Constant(&'p mut Const),
    /// The data type of a term or a pattern, with its parameters.
    Term(&'p mut Type),
}

/// Calls `visit` for each constant and each term in an expression, and for each pattern.
fn terms(clause: &mut Clause, visit: &mut impl FnMut(Open<'_>)) {
    for literal in &mut clause.body {
        match literal {
            Literal::Matches(matches) => visit(Open::Term(&mut matches.ty)),
            Literal::Atom { .. } | Literal::Absent { .. } | Literal::Foreign { .. } => {}
            Literal::Constraint(it) => term(it, visit),
            Literal::Range(range) => {
                for it in [&mut range.value, &mut range.low, &mut range.high] {
                    term(it, visit);
                }
            }
            Literal::Element(element) => {
                term(&mut element.value, visit);
                term(&mut element.list, visit);
            }
        }
    }
    let heads = clause.heads.iter_mut().flat_map(|head| &mut head.args);
    let tags = clause.choice.iter_mut().flat_map(Choice::terms_mut);
    heads.chain(tags).for_each(|it| term(it, visit));
}

fn term(it: &mut Term, visit: &mut impl FnMut(Open<'_>)) {
    match &mut it.kind {
        TermKind::Const(value) => visit(Open::Constant(value)),
        TermKind::Construct(_, ty, fields) => {
            visit(Open::Term(ty));
            fields.iter_mut().for_each(|field| term(field, visit));
        }
        TermKind::Slot(_) | TermKind::Any => {}
        TermKind::Unary(_, operand)
        | TermKind::Cast(operand, _)
        | TermKind::Fields(operand, _)
        | TermKind::Part(operand, _)
        | TermKind::Rest(operand, _)
        | TermKind::Length { list: operand, .. } => term(operand, visit),
        TermKind::Binary(_, left, right) => {
            term(left, visit);
            term(right, visit);
        }
        TermKind::Tuple(parts) | TermKind::Call(_, parts) => {
            parts.iter_mut().for_each(|part| term(part, visit));
        }
        TermKind::List(items, rest) => {
            let parts = items.iter_mut().chain(rest.as_deref_mut());
            parts.for_each(|part| term(part, visit));
        }
        TermKind::If(parts) => parts.iter_mut().for_each(|part| term(part, visit)),
    }
}
