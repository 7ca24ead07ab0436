//! Rules: the steps of their bodies, their random choices, tests by patterns.

use nsdl_ir::{
    BinaryOp, Choice, ChoiceId, Column, DeltaOrder, Diagnostic, Expr, Operand, Plan, Rule, RuleTag,
    Slot, Step, Type, UnaryOp,
};

use super::{Planner, default_type, divides, type_of};
use crate::constant::{Const, not_castable, wildcard};
use crate::flat::{Argument, ArgumentKind, Clause, Guard, Head, Literal, Term, TermKind};
use crate::order::{Action, order};
use crate::solve::{Solved, tests};

impl Planner<'_> {
    pub(super) fn choice(
        &mut self,
        clause: &Clause,
        slots: &[Type],
        plan: &mut Plan,
    ) -> Option<ChoiceId> {
        let choice = clause.choice.as_ref()?;
        let id = ChoiceId::new(plan.choices.len());
        let mut weights = Vec::with_capacity(choice.weights.len());
        for weight in &choice.weights {
            let mut weight = self.tag(weight, slots);
            if let Some(scale) = &choice.scale {
                weight = Expr::Binary {
                    op: BinaryOp::Multiply,
                    ty: Type::F64,
                    left: Box::new(self.tag(scale, slots)),
                    right: Box::new(weight),
                };
            }
            weights.push(weight);
        }
        let binding = (0..slots.len()).map(Slot::new).collect();
        for (alternative, learned) in (0..).zip(&choice.learned) {
            if let Some(learned) = learned {
                plan.learning.choices.push((id, alternative, *learned));
            }
        }
        plan.choices.push(Choice {
            weights,
            shares: choice.shares,
            binding,
            span: choice.span,
        });
        Some(id)
    }

    pub(super) fn rule(
        &mut self,
        clause: &Clause,
        head: &Head,
        guard: Option<&Guard>,
        slots: &[Type],
        choice: Option<ChoiceId>,
    ) -> Rule {
        let body = clause.body(guard);
        let slots = &Clause::slots(slots, guard)[..];
        let columns = self.columns(head.relation).to_vec();
        let args = head
            .args
            .iter()
            .zip(columns)
            .map(|(arg, ty)| self.expr(arg, ty, slots))
            .collect();
        // Only what is asked for matters, so the guard comes first.
        let steps = self.steps(&body, slots, guard.map(|_| 0));
        let stratum = self.stratum(head.relation);
        let atoms = body.iter().filter_map(|literal| match literal {
            Literal::Atom { relation, .. } => Some(*relation),
            _ => None,
        });
        let mut count = 0;
        let mut deltas = Vec::new();
        for (atom, relation) in (0..).zip(atoms) {
            count = atom + 1;
            if self.stratum(relation) == stratum {
                deltas.push(DeltaOrder {
                    atom,
                    steps: self.steps(&body, slots, Some(atom)),
                });
            }
        }
        Rule {
            span: clause.span,
            head: head.relation,
            args,
            slots: slots.to_vec(),
            atoms: count,
            steps,
            deltas,
            tag: choice.map(|choice| RuleTag {
                choice,
                alternative: head.alternative,
            }),
            copy: None,
        }
    }

    fn steps(&mut self, body: &[&Literal], slots: &[Type], first: Option<u32>) -> Vec<Step> {
        let mut bound = vec![false; slots.len()];
        let mut steps = Vec::with_capacity(body.len());
        for action in order(body, slots, first) {
            match action {
                Action::Scan {
                    atom,
                    literal: Literal::Atom { relation, args, .. },
                } => {
                    let types = self.columns(*relation).to_vec();
                    let columns = args.iter().zip(types);
                    let columns = columns
                        .map(|(arg, ty)| self.scan_column(arg, ty, &mut bound))
                        .collect();
                    steps.push(Step::Scan {
                        atom,
                        relation: *relation,
                        columns,
                    });
                }
                Action::Check {
                    literal: Literal::Absent { relation, args, .. },
                } => {
                    let types = self.columns(*relation).to_vec();
                    let args = args
                        .iter()
                        .zip(types)
                        .filter_map(|(arg, ty)| self.operand(arg, ty))
                        .collect();
                    steps.push(Step::Absent {
                        relation: *relation,
                        args,
                    });
                }
                Action::Check {
                    literal: Literal::Constraint(term),
                } => {
                    if !is_true(term) {
                        steps.push(Step::Filter(self.expr(term, Type::Bool, slots)));
                    }
                }
                Action::Foreign {
                    literal:
                        Literal::Foreign {
                            predicate,
                            relation,
                            args,
                            negated,
                            ..
                        },
                    mode,
                } => {
                    let types = self.columns(*relation).to_vec();
                    let columns = args
                        .iter()
                        .zip(&types)
                        .map(|(arg, ty)| self.scan_column(arg, *ty, &mut bound))
                        .collect();
                    let results = self.results.entry((&predicate.name, types));
                    steps.push(Step::Foreign {
                        predicate,
                        relation: *results.or_insert(*relation),
                        mode,
                        columns,
                        negated: *negated,
                    });
                }
                Action::Bind { solution } => {
                    for step in &solution.steps {
                        match step {
                            Solved::Test(test) => {
                                steps.push(Step::Filter(self.expr(test, Type::Bool, slots)));
                            }
                            Solved::Bind(slot, value) => {
                                let ty = type_at(*slot, slots);
                                steps.push(Step::Let {
                                    slot: *slot,
                                    value: self.expr(value, ty, slots),
                                });
                                bind(&mut bound, *slot);
                            }
                        }
                    }
                }
                Action::Test { test } => {
                    steps.push(Step::Filter(self.expr(&test, Type::Bool, slots)));
                }
                Action::Each { element, slot } => {
                    let ty = Type::list(type_at(slot, slots));
                    steps.push(Step::Element {
                        slot,
                        list: self.expr(&element.list, ty, slots),
                    });
                    bind(&mut bound, slot);
                }
                Action::Enumerate { range, slot } => {
                    let ty = type_at(slot, slots);
                    steps.push(Step::Range {
                        slot,
                        low: self.expr(&range.low, ty, slots),
                        high: self.expr(&range.high, ty, slots),
                        inclusive: range.inclusive,
                    });
                    bind(&mut bound, slot);
                }
                // Only atoms are scanned, and only the rest is checked.
                Action::Scan { .. } | Action::Check { .. } | Action::Foreign { .. } => {}
            }
        }
        steps
    }

    fn scan_column(&mut self, arg: &Argument, ty: Type, bound: &mut [bool]) -> Column {
        match &arg.kind {
            ArgumentKind::Any => Column::Any,
            ArgumentKind::Const(value) => Column::Const(self.word(value, ty, arg.span)),
            ArgumentKind::Slot(slot) => match bound.get_mut(slot.index()) {
                Some(entry) if !*entry => {
                    *entry = true;
                    Column::Bind(*slot)
                }
                _ => Column::Check(*slot),
            },
        }
    }

    fn operand(&mut self, arg: &Argument, ty: Type) -> Option<Operand> {
        match &arg.kind {
            ArgumentKind::Any => None,
            ArgumentKind::Const(value) => Some(Operand::Const(self.word(value, ty, arg.span))),
            ArgumentKind::Slot(slot) => Some(Operand::Slot(*slot)),
        }
    }

    /// `term`, a number or `bool`, as an `f64`.
    fn tag(&mut self, term: &Term, slots: &[Type]) -> Expr {
        let ty = default_type(term, slots);
        if ty.is_integer() && divides(term) {
            self.diagnostics.push(
                Diagnostic::error("E0504", "a tag is not a quotient of integers")
                    .label(term.span, format!("rounded to {ty}"))
                    .help("divide floats: `1.0 / (n as f64)` for `1 / n`"),
            );
        }
        // Float literals take the type they are used at.
        let open = type_of(term, slots).is_none() && ty.is_float();
        if ty == Type::F64 || open {
            self.expr(term, Type::F64, slots)
        } else {
            self.cast(term, Type::F64, slots)
        }
    }

    /// `operand as to`.
    pub(super) fn cast(&mut self, operand: &Term, to: Type, slots: &[Type]) -> Expr {
        let from = default_type(operand, slots);
        if !nsdl_functions::castable(from, to) {
            self.diagnostics.push(not_castable(from, to, operand.span));
        }
        Expr::Cast {
            from,
            to,
            operand: Box::new(self.expr(operand, from, slots)),
        }
    }

    /// `left == right` or `left != right` where one side is a pattern with `_`.
    pub(super) fn matches(
        &mut self,
        op: BinaryOp,
        left: &Term,
        right: &Term,
        slots: &[Type],
    ) -> Expr {
        let Some(tests) = tests(left, right, slots) else {
            self.diagnostics.push(wildcard(left.span));
            return Expr::Const(0);
        };
        // In order: a list must be long enough to have the parts that are compared.
        let all = tests
            .iter()
            .rev()
            .fold(Expr::Const(1), |rest, test| Expr::If {
                condition: Box::new(self.expr(test, Type::Bool, slots)),
                consequence: Box::new(rest),
                alternative: Box::new(Expr::Const(0)),
            });
        match op {
            BinaryOp::Equal => all,
            _ => Expr::Unary {
                op: UnaryOp::Not,
                ty: Type::Bool,
                operand: Box::new(all),
            },
        }
    }
}

fn bind(bound: &mut [bool], slot: Slot) {
    if let Some(entry) = bound.get_mut(slot.index()) {
        *entry = true;
    }
}

fn type_at(slot: Slot, slots: &[Type]) -> Type {
    slots.get(slot.index()).copied().unwrap_or(Type::I32)
}

fn is_true(term: &Term) -> bool {
    matches!(
        &term.kind,
        TermKind::Const(Const::Typed(nsdl_ir::Value::Bool(true)))
    )
}
