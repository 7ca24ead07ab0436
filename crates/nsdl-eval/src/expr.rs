//! Expressions made ready for joins: operators are resolved to functions once.

use nsdl_ir::{BinaryOp, Expr, Function, Slot, Span, Symbols, Type, Value, Word};
use rustc_hash::FxHashMap;

use crate::FailureKind;
use crate::arithmetic::{Binary, Unary, binary, unary};
use crate::failure::Failures;

/// A compiled expression.
#[derive(Clone, Debug)]
pub(crate) enum Code {
    Slot(usize),
    Const(Word),
    Unary(Unary, Box<Code>),
    Binary(Binary, Box<(Code, Code)>),
    Mixed(BinaryOp, [Type; 2], Box<[Code; 2]>),
    Cast(Type, Type, Box<Code>),
    Call(Function, Box<[(Code, Type)]>),
    /// Condition, consequence, alternative.
    If(Box<[Code; 3]>),
}

impl Code {
    pub(crate) fn new(expr: &Expr) -> Code {
        match expr {
            Expr::Slot(slot) => Code::Slot(slot.index()),
            Expr::Const(word) => Code::Const(*word),
            Expr::Unary { op, ty, operand } => {
                Code::Unary(unary(*op, *ty), Box::new(Code::new(operand)))
            }
            Expr::Binary {
                op,
                ty,
                left,
                right,
            } => Code::Binary(
                binary(*op, *ty),
                Box::new((Code::new(left), Code::new(right))),
            ),
            Expr::Mixed {
                op,
                types,
                operands,
            } => Code::Mixed(*op, *types, Box::new(operands.each_ref().map(Code::new))),
            Expr::Cast { from, to, operand } => {
                Code::Cast(*from, *to, Box::new(Code::new(operand)))
            }
            Expr::Call {
                function,
                types,
                args,
            } => Code::Call(
                *function,
                std::iter::zip(args, types)
                    .map(|(arg, ty)| (Code::new(arg), *ty))
                    .collect(),
            ),
            Expr::If {
                condition,
                consequence,
                alternative,
            } => Code::If(Box::new(
                [condition, consequence, alternative].map(|part| Code::new(part)),
            )),
        }
    }

    pub(crate) fn eval(&self, slots: &[Word], symbols: &Symbols) -> Result<Word, FailureKind> {
        match self {
            Code::Slot(slot) => Ok(slots[*slot]),
            Code::Const(word) => Ok(*word),
            Code::Unary(function, operand) => function(operand.eval(slots, symbols)?, symbols),
            Code::Binary(function, operands) => function(
                operands.0.eval(slots, symbols)?,
                operands.1.eval(slots, symbols)?,
                symbols,
            ),
            Code::Mixed(op, types, operands) => {
                let [left, right] = operands.as_ref();
                let left = Value::from_word(left.eval(slots, symbols)?, types[0], symbols);
                let right = Value::from_word(right.eval(slots, symbols)?, types[1], symbols);
                let value = nsdl_functions::operate(*op, &left, &right)?;
                value.to_word(symbols).ok_or(FailureKind::NotANumber)
            }
            Code::Cast(from, to, operand) => {
                let value = Value::from_word(operand.eval(slots, symbols)?, *from, symbols);
                let value = nsdl_functions::cast(&value, *to)?;
                value.to_word(symbols).ok_or(FailureKind::NotANumber)
            }
            Code::Call(function, args) => {
                let mut values = Vec::with_capacity(args.len());
                for (arg, ty) in args {
                    values.push(Value::from_word(arg.eval(slots, symbols)?, *ty, symbols));
                }
                let value = nsdl_functions::call(*function, &values)?;
                value.to_word(symbols).ok_or(FailureKind::NotANumber)
            }
            Code::If(parts) => {
                let [condition, consequence, alternative] = parts.as_ref();
                let holds = condition.eval(slots, symbols)? != 0;
                let branch = if holds { consequence } else { alternative };
                branch.eval(slots, symbols)
            }
        }
    }
}

/// An expression of a rule, with what is needed to count its failures.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) code: Code,
    site: usize,
    span: Span,
    /// The slots it reads: failures for the same values of them count once.
    reads: Box<[usize]>,
}

impl Checked {
    /// The value; a failure is counted.
    #[inline]
    pub(crate) fn eval(
        &self,
        slots: &[Word],
        symbols: &Symbols,
        failures: &mut Failures,
    ) -> Option<Word> {
        match self.code.eval(slots, symbols) {
            Ok(word) => Some(word),
            Err(kind) => {
                let operands = self.reads.iter().map(|&slot| slots[slot]).collect();
                failures.add(self.site, self.span, kind, operands);
                None
            }
        }
    }
}

/// Numbers the expressions of all rules: the same expression in two join orders of a rule, or in the rules
/// of one conjunctive head, is one site.
#[derive(Debug, Default)]
pub(crate) struct Sites(FxHashMap<(Span, Expr), usize>);

impl Sites {
    /// Compiles an expression of the rule at `span`.
    pub(crate) fn compile(&mut self, span: Span, expr: &Expr) -> Checked {
        let mut reads = Vec::new();
        slots(expr, &mut |slot| reads.push(slot.index()));
        reads.sort_unstable();
        reads.dedup();
        // What cannot fail needs no number.
        let site = if fallible(expr) {
            let next = self.0.len();
            *self.0.entry((span, expr.clone())).or_insert(next)
        } else {
            usize::MAX
        };
        Checked {
            code: Code::new(expr),
            site,
            span,
            reads: reads.into(),
        }
    }
}

/// Whether it can fail for some values.
pub(crate) fn fallible(expr: &Expr) -> bool {
    use BinaryOp::{Add, Divide, Multiply, Remainder, ShiftLeft, ShiftRight, Subtract};
    match expr {
        Expr::Slot(_) | Expr::Const(_) => false,
        Expr::Unary { op, operand, .. } => *op == nsdl_ir::UnaryOp::Negate || fallible(operand),
        Expr::Binary {
            op, left, right, ..
        } => {
            let fails = [
                Add, Subtract, Multiply, Divide, Remainder, ShiftLeft, ShiftRight,
            ];
            fails.contains(op) || fallible(left) || fallible(right)
        }
        Expr::Mixed { .. } | Expr::Cast { .. } | Expr::Call { .. } => true,
        Expr::If {
            condition,
            consequence,
            alternative,
        } => [condition, consequence, alternative]
            .into_iter()
            .any(|part| fallible(part)),
    }
}

/// Calls `visit` for each occurrence of a slot.
pub(crate) fn slots(expr: &Expr, visit: &mut impl FnMut(Slot)) {
    match expr {
        Expr::Slot(slot) => visit(*slot),
        Expr::Const(_) => {}
        Expr::Unary { operand, .. } => slots(operand, visit),
        Expr::Binary { left, right, .. } => {
            slots(left, visit);
            slots(right, visit);
        }
        Expr::Mixed { operands, .. } => operands.iter().for_each(|it| slots(it, visit)),
        Expr::Cast { operand, .. } => slots(operand, visit),
        Expr::Call { args, .. } => args.iter().for_each(|arg| slots(arg, visit)),
        Expr::If {
            condition,
            consequence,
            alternative,
        } => [condition, consequence, alternative]
            .into_iter()
            .for_each(|part| slots(part, visit)),
    }
}
