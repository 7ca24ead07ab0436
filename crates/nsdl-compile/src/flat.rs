//! The flat program: what every pass after desugaring works on.
//!
//! Names are ids, bodies are conjunctions, constants are folded, aggregates read and fill relations of
//! their own. Nothing is typed yet: an unsuffixed literal is still [`Const::Integer`] or [`Const::Float`].

use nsdl_ir::{Aggregate, BinaryOp, Function, Query, RelationId, Slot, Span, Tag, Type, UnaryOp};

use crate::constant::Const;

/// A program.
#[derive(Debug, Default)]
pub(crate) struct Program {
    /// Users' relations in order of first appearance, then auxiliary ones.
    pub relations: Vec<Relation>,
    pub facts: Vec<Fact>,
    pub clauses: Vec<Clause>,
    pub aggregates: Vec<Aggregate>,
    pub queries: Vec<Query>,
}

/// A relation.
#[derive(Debug)]
pub(crate) struct Relation {
    pub name: String,
    pub span: Span,
    pub columns: Vec<Declared>,
    pub auxiliary: bool,
    pub hidden: bool,
    /// See [`nsdl_ir::Relation::certain`].
    pub certain: bool,
}

/// What is known of a column's type before inference.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Declared {
    /// From a `type` declaration.
    pub declared: Option<(Type, Span)>,
    /// From the caller, see [`External`](crate::External).
    pub external: Option<Type>,
}

/// A fact; its row has one constant per column.
#[derive(Debug)]
pub(crate) struct Fact {
    pub relation: RelationId,
    pub row: Vec<(Const, Span)>,
    pub tag: Tag,
    pub span: Span,
}

/// One conjunctive body and all the heads it derives: one rule of the plan per head.
#[derive(Debug)]
pub(crate) struct Clause {
    pub span: Span,
    /// Indexed by slot.
    pub variables: Vec<Variable>,
    pub body: Vec<Literal>,
    pub heads: Vec<Head>,
    /// If it has one, each binding of all the variables makes it once.
    pub choice: Option<Choice>,
}

/// A variable of a clause. `_` and the values of argument expressions are called `_`.
#[derive(Debug)]
pub(crate) struct Variable {
    pub name: String,
    /// Its first use.
    pub span: Span,
}

/// A head atom.
#[derive(Debug)]
pub(crate) struct Head {
    pub relation: RelationId,
    pub args: Vec<Term>,
    /// Which alternative of the choice derives it.
    pub alternative: u32,
}

/// A random choice.
#[derive(Debug)]
pub(crate) struct Choice {
    /// Numbers or `bool`, one per alternative.
    pub weights: Vec<Term>,
    /// What multiplies each of them: a tag before a whole disjunctive head, unless all is constant.
    pub scale: Option<Term>,
    pub span: Span,
}

/// A literal of a body.
#[derive(Debug)]
pub(crate) enum Literal {
    /// `p(x)`
    Atom {
        relation: RelationId,
        args: Vec<Argument>,
        span: Span,
    },
    /// `not p(x)`; no argument is [`ArgumentKind::Any`].
    Absent {
        relation: RelationId,
        args: Vec<Argument>,
        span: Span,
    },
    /// A Boolean expression; an equation may also bind.
    Constraint(Term),
    /// `x in 0..5`: binds `x` if nothing else does.
    Range(Range),
}

/// `value in low..high`
#[derive(Debug)]
pub(crate) struct Range {
    /// A slot.
    pub value: Term,
    pub low: Term,
    pub high: Term,
    pub inclusive: bool,
    pub span: Span,
}

/// An argument of a body atom.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub kind: ArgumentKind,
    pub span: Span,
}

/// The kinds of arguments.
#[derive(Clone, Debug)]
pub(crate) enum ArgumentKind {
    Slot(Slot),
    Const(Const),
    Any,
}

/// An expression. All but slots and constants hold at least one slot: the rest is folded.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub kind: TermKind,
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, Debug)]
pub(crate) enum TermKind {
    Slot(Slot),
    Const(Const),
    Unary(UnaryOp, Box<Term>),
    Binary(BinaryOp, Box<Term>, Box<Term>),
    Cast(Box<Term>, Type),
    /// Condition, consequence, alternative.
    If(Box<[Term; 3]>),
    Call(Function, Vec<Term>),
}

impl Choice {
    /// Everything that is evaluated for a tag.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        self.weights.iter().chain(&self.scale)
    }
}

impl Term {
    /// Calls `visit` for each slot, left to right.
    pub fn slots(&self, visit: &mut impl FnMut(Slot, Span)) {
        match &self.kind {
            TermKind::Slot(slot) => visit(*slot, self.span),
            TermKind::Const(_) => {}
            TermKind::Unary(_, operand) => operand.slots(visit),
            TermKind::Binary(_, left, right) => {
                left.slots(visit);
                right.slots(visit);
            }
            TermKind::Cast(operand, _) => operand.slots(visit),
            TermKind::Call(_, args) => args.iter().for_each(|arg| arg.slots(visit)),
            TermKind::If(parts) => parts.iter().for_each(|part| part.slots(visit)),
        }
    }
}

impl From<&Argument> for Option<Term> {
    /// `None` for [`ArgumentKind::Any`].
    fn from(argument: &Argument) -> Self {
        let kind = match &argument.kind {
            ArgumentKind::Slot(slot) => TermKind::Slot(*slot),
            ArgumentKind::Const(value) => TermKind::Const(value.clone()),
            ArgumentKind::Any => return None,
        };
        Some(Term {
            kind,
            span: argument.span,
        })
    }
}
