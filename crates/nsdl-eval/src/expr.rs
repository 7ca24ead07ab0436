//! Expressions made ready for joins: operators are resolved to functions once.

use std::sync::Arc;

use nsdl_functions::Registry;
use nsdl_ir::{
    BinaryOp, Callee, Constructor, Expr, Function, RelationId, Signature, Span, Step, Symbols,
    Type, Value, Word,
};
use rustc_hash::FxHashMap;

use crate::FailureKind;
use crate::arithmetic::{Binary, Unary, binary, compare, unary};
use crate::call::{Call, Calls};
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
    Foreign(Arc<Call>, Box<[Code]>),
    /// Condition, consequence, alternative.
    If(Box<[Code; 3]>),
    /// The order of tuples or lists of a type.
    Compare(BinaryOp, Type, Box<(Code, Code)>),
    /// A tuple or a list: items, and the elements of a list after them.
    List(Box<[Code]>, Option<Box<Code>>),
    /// A term of a data type.
    Construct(&'static Constructor, Box<[Code]>),
    /// A term with its fields, in a list, if this made it.
    Fields(Box<Code>, &'static Constructor),
    /// A part of a tuple or list.
    Part(Box<Code>, usize),
    /// A list from that position on.
    Rest(Box<Code>, usize),
    /// Whether a list has so many elements, or, if not exactly, at least so many.
    Length(Box<Code>, usize, bool),
    /// Whether a list has an element: equal words are equal values.
    Contains(Box<(Code, Code)>),
}

impl Code {
    pub(crate) fn new(expr: &Expr, calls: &mut Calls) -> Code {
        match expr {
            Expr::Slot(slot) => Code::Slot(slot.index()),
            Expr::Const(word) => Code::Const(*word),
            Expr::Unary { op, ty, operand } => {
                Code::Unary(unary(*op, *ty), Box::new(Code::new(operand, calls)))
            }
            Expr::Binary {
                op,
                ty: ty @ (Type::Tuple(_) | Type::List(_)),
                left,
                right,
            } if op.is_comparison() && !matches!(op, BinaryOp::Equal | BinaryOp::NotEqual) => {
                Code::Compare(
                    *op,
                    *ty,
                    Box::new((Code::new(left, calls), Code::new(right, calls))),
                )
            }
            Expr::Binary {
                op,
                ty,
                left,
                right,
            } => Code::Binary(
                binary(*op, *ty),
                Box::new((Code::new(left, calls), Code::new(right, calls))),
            ),
            Expr::Mixed {
                op,
                types,
                operands,
            } => {
                let operands = operands.each_ref().map(|it| Code::new(it, calls));
                Code::Mixed(*op, *types, Box::new(operands))
            }
            Expr::Cast { from, to, operand } => {
                Code::Cast(*from, *to, Box::new(Code::new(operand, calls)))
            }
            Expr::Construct {
                constructor,
                fields,
            } => {
                let fields = fields.iter().map(|field| Code::new(field, calls));
                Code::Construct(constructor, fields.collect())
            }
            Expr::Fields {
                constructor,
                operand,
            } => Code::Fields(Box::new(Code::new(operand, calls)), constructor),
            Expr::List { items, rest, .. } => Code::List(
                items.iter().map(|item| Code::new(item, calls)).collect(),
                rest.as_ref().map(|rest| Box::new(Code::new(rest, calls))),
            ),
            Expr::Part {
                operand, position, ..
            } => Code::Part(Box::new(Code::new(operand, calls)), *position as usize),
            Expr::Rest { operand, from, .. } => {
                Code::Rest(Box::new(Code::new(operand, calls)), *from as usize)
            }
            Expr::Length {
                operand,
                count,
                exact,
                ..
            } => Code::Length(Box::new(Code::new(operand, calls)), *count as usize, *exact),
            Expr::Call {
                function: Callee::BuiltIn(Function::Contains),
                args,
                ..
            } if args.len() == 2 => Code::Contains(Box::new((
                Code::new(&args[0], calls),
                Code::new(&args[1], calls),
            ))),
            Expr::Call {
                function,
                types,
                args,
            } => match function {
                Callee::BuiltIn(function) => Code::Call(
                    *function,
                    std::iter::zip(args, types)
                        .map(|(arg, ty)| (Code::new(arg, calls), *ty))
                        .collect(),
                ),
                Callee::Foreign(signature) => Code::Foreign(
                    calls.get(signature, types),
                    args.iter().map(|arg| Code::new(arg, calls)).collect(),
                ),
            },
            Expr::If {
                condition,
                consequence,
                alternative,
            } => Code::If(Box::new(
                [condition, consequence, alternative].map(|part| Code::new(part, calls)),
            )),
        }
    }

    /// Whether it makes calls that are to be made in batches.
    pub(crate) fn is_batched(&self) -> bool {
        matches!(self, Code::Foreign(call, _) if call.is_batched())
            || self.parts().into_iter().any(Code::is_batched)
    }

    /// The expressions it is made of.
    pub(crate) fn parts(&self) -> Vec<&Code> {
        match self {
            Code::Slot(_) | Code::Const(_) => Vec::new(),
            Code::Unary(_, operand)
            | Code::Cast(_, _, operand)
            | Code::Fields(operand, _)
            | Code::Part(operand, _)
            | Code::Rest(operand, _)
            | Code::Length(operand, ..) => vec![operand],
            Code::Binary(_, operands)
            | Code::Compare(_, _, operands)
            | Code::Contains(operands) => vec![&operands.0, &operands.1],
            Code::Mixed(_, _, operands) => operands.iter().collect(),
            Code::Call(_, args) => args.iter().map(|(arg, _)| arg).collect(),
            Code::Foreign(_, args) | Code::Construct(_, args) => args.iter().collect(),
            Code::List(items, rest) => items.iter().chain(rest.as_deref()).collect(),
            Code::If(parts) => parts.iter().collect(),
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
            Code::Compare(op, ty, operands) => {
                let left = operands.0.eval(slots, symbols)?;
                let right = operands.1.eval(slots, symbols)?;
                let order = compare(*ty, left, right, symbols);
                Ok(u64::from(match op {
                    BinaryOp::Less => order.is_lt(),
                    BinaryOp::LessEqual => order.is_le(),
                    BinaryOp::Greater => order.is_gt(),
                    _ => order.is_ge(),
                }))
            }
            Code::Construct(constructor, fields) => {
                let fields = fields.iter().map(|field| field.eval(slots, symbols));
                let fields = fields.collect::<Result<Vec<Word>, FailureKind>>()?;
                Ok(symbols.intern_term(constructor, &fields))
            }
            Code::List(items, rest) => {
                let mut words = Vec::with_capacity(items.len());
                for item in items {
                    words.push(item.eval(slots, symbols)?);
                }
                if let Some(rest) = rest {
                    words.extend_from_slice(&symbols.list(rest.eval(slots, symbols)?));
                }
                Ok(symbols.intern_list(&words))
            }
            Code::Fields(operand, constructor) => {
                let term = operand.eval(slots, symbols)?;
                let fields = symbols.term(term).filter(|(made, _)| made == constructor);
                let row = fields.map(|(_, fields)| [&[term], &*fields].concat());
                let row = row.map(|row| symbols.intern_list(&row));
                Ok(symbols.intern_list(row.as_slice()))
            }
            // The plan takes apart only what is long enough.
            Code::Part(operand, position) => {
                let words = symbols.list(operand.eval(slots, symbols)?);
                words.get(*position).copied().ok_or(FailureKind::Domain)
            }
            Code::Rest(operand, from) => {
                let words = symbols.list(operand.eval(slots, symbols)?);
                let rest = words.get(*from..).ok_or(FailureKind::Domain)?;
                Ok(symbols.intern_list(rest))
            }
            Code::Length(operand, count, exact) => {
                let length = symbols.list(operand.eval(slots, symbols)?).len();
                Ok(u64::from(length == *count || !exact && length > *count))
            }
            Code::Contains(operands) => {
                let list = symbols.list(operands.0.eval(slots, symbols)?);
                let item = operands.1.eval(slots, symbols)?;
                Ok(u64::from(list.contains(&item)))
            }
            Code::Foreign(call, args) => {
                let words: Result<Vec<Word>, FailureKind> =
                    args.iter().map(|arg| arg.eval(slots, symbols)).collect();
                call.value(&words?, symbols)
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
    /// Whether it may make texts, lists or terms that were not there before.
    makes: bool,
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
        // Most heads are made of what is there.
        match self.code {
            Code::Slot(slot) => return Some(slots[slot]),
            Code::Const(word) => return Some(word),
            _ => {}
        }
        match self.code.eval(slots, symbols) {
            Ok(word) if !self.makes => Some(word),
            Ok(word) => {
                failures.excess = symbols.excess();
                failures.excess.is_none().then_some(word)
            }
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
pub(crate) struct Sites {
    numbers: FxHashMap<(Span, Site), usize>,
    calls: Calls,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Site {
    Expr(Expr),
    Foreign(RelationId),
}

impl Sites {
    pub(crate) fn new(registry: Registry) -> Self {
        Self {
            numbers: FxHashMap::default(),
            calls: Calls::new(registry),
        }
    }

    /// The number of the calls of a predicate in the rule at `span`.
    pub(crate) fn foreign(&mut self, span: Span, relation: RelationId) -> usize {
        self.number(span, Site::Foreign(relation))
    }

    fn number(&mut self, span: Span, site: Site) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry((span, site)).or_insert(next)
    }

    /// Compiles an expression of the rule at `span`.
    pub(crate) fn compile(&mut self, span: Span, expr: &Expr) -> Checked {
        let mut reads = Vec::new();
        expr.slots(&mut |slot| reads.push(slot.index()));
        reads.sort_unstable();
        reads.dedup();
        // What cannot fail needs no number.
        let site = if fallible(expr) {
            self.number(span, Site::Expr(expr.clone()))
        } else {
            usize::MAX
        };
        Checked {
            code: Code::new(expr, &mut self.calls),
            site,
            span,
            makes: makes(expr),
            reads: reads.into(),
        }
    }
}

/// Whether it can fail for some values.
pub(crate) fn fallible(expr: &Expr) -> bool {
    use nsdl_ir::BinaryOp::{Add, Divide, Multiply, Remainder, ShiftLeft, ShiftRight, Subtract};
    let fails = match expr {
        Expr::Unary { op, .. } => *op == nsdl_ir::UnaryOp::Negate,
        Expr::Binary { op, .. } => {
            matches!(
                op,
                Add | Subtract | Multiply | Divide | Remainder | ShiftLeft | ShiftRight
            )
        }
        Expr::Call { function, .. } => !matches!(
            function,
            Callee::BuiltIn(Function::Contains | Function::Length)
        ),
        Expr::Mixed { .. } | Expr::Cast { .. } => true,
        _ => false,
    };
    fails || expr.children().into_iter().any(fallible)
}

/// Whether its value may be a text, list or term that was not there before.
fn makes(expr: &Expr) -> bool {
    let made = match expr {
        Expr::Construct { .. } | Expr::List { .. } | Expr::Rest { .. } => true,
        Expr::Mixed { .. } | Expr::Call { .. } => true,
        Expr::Binary { ty, .. } => matches!(ty, Type::String | Type::List(_)),
        _ => false,
    };
    made || expr.children().into_iter().any(makes)
}

/// The expressions of a step.
pub(crate) fn of_step(step: &Step) -> impl Iterator<Item = &Expr> {
    let (first, second) = match step {
        Step::Filter(expr) | Step::Let { value: expr, .. } | Step::Element { list: expr, .. } => {
            (Some(expr), None)
        }
        Step::Range { low, high, .. } => (Some(low), Some(high)),
        Step::Scan { .. } | Step::Absent { .. } | Step::Foreign { .. } => (None, None),
    };
    first.into_iter().chain(second)
}

/// Calls `visit` for each call of the host program.
pub(crate) fn foreign(expr: &Expr, visit: &mut impl FnMut(&'static Signature)) {
    if let Expr::Call {
        function: Callee::Foreign(signature),
        ..
    } = expr
    {
        visit(signature);
    }
    for child in expr.children() {
        foreign(child, visit);
    }
}
