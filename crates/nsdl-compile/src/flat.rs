//! The flat program: what every pass after desugaring works on.
//!
//! Names are ids, bodies are conjunctions, constants are folded, aggregates read and fill relations of
//! their own. Nothing is typed yet: an unsuffixed literal is still [`Const::Integer`] or [`Const::Float`].

use nsdl_ir::{
    Aggregate, BinaryOp, Callee, Evidence, Keep, Learned, LearnedSet, Predicate, Query, RelationId,
    Slot, Span, Tag, Type, UnaryOp,
};

use crate::constant::Const;
use crate::constructor::Constructor;
use crate::demand::Pattern;

/// A program.
#[derive(Debug, Default)]
pub(crate) struct Program {
    /// Users' relations in order of first appearance, then auxiliary ones.
    pub relations: Vec<Relation>,
    pub facts: Vec<Fact>,
    pub clauses: Vec<Clause>,
    pub aggregates: Vec<Aggregate>,
    pub queries: Vec<Query>,
    /// What all queries are given.
    pub evidence: Vec<Evidence>,
    /// Probabilities to learn; [`Fact::learned`] and [`Choice::learned`] say where.
    pub parameters: Vec<Learned>,
    pub parameter_sets: Vec<LearnedSet>,
    /// Relations of all terms that a constructor makes: those that a pattern asks for.
    pub extents: Vec<(&'static nsdl_ir::Constructor, RelationId)>,
}

/// A relation.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub name: String,
    pub span: Span,
    pub columns: Vec<Declared>,
    pub auxiliary: bool,
    pub hidden: bool,
    /// See [`nsdl_ir::Relation::certain`].
    pub certain: bool,
    /// `keep min` or `keep max`; see `keyed`.
    pub keep: Option<Keep>,
    /// See [`nsdl_ir::Relation::facts`].
    pub facts: Option<RelationId>,
    /// If any, it is computed on demand only: for what is asked for with one of these patterns.
    pub demand: Vec<Pattern>,
}

impl Relation {
    /// A relation that a pass makes, of so many columns; programs do not see it.
    pub(crate) fn auxiliary(name: String, columns: usize, span: Span) -> Self {
        Self {
            name,
            span,
            columns: vec![Declared::default(); columns],
            auxiliary: true,
            hidden: false,
            certain: false,
            keep: None,
            facts: None,
            demand: Vec::new(),
        }
    }
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
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    pub relation: RelationId,
    pub row: Vec<(Const, Span)>,
    pub tag: Tag,
    /// The number of its parameter, if its probability is to be learned.
    pub learned: Option<u32>,
    pub span: Span,
}

/// One conjunctive body and all the heads it derives: one rule of the plan per head.
#[derive(Clone, Debug)]
pub(crate) struct Clause {
    pub span: Span,
    /// Indexed by slot.
    pub variables: Vec<Variable>,
    pub body: Vec<Literal>,
    pub heads: Vec<Head>,
    /// If it has one, each binding of all the variables makes it once.
    pub choice: Option<Choice>,
    /// The extents of constructors of which its heads may hold terms that nothing else holds.
    pub makes: Vec<RelationId>,
}

/// A variable of a clause. `_` and the values of argument expressions are called `_`.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub name: String,
    /// Its first use.
    pub span: Span,
    /// Types that are stated for it: `(x: usize)`.
    pub stated: Vec<(Type, Span)>,
}

/// A head atom.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub relation: RelationId,
    pub args: Vec<Term>,
    /// Which alternative of the choice derives it.
    pub alternative: u32,
    /// If any, it is derived only where one of them holds; see `demand`.
    pub guards: Vec<Guard>,
}

/// What must ask for a head for it to be derived.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    /// An atom over a demand relation.
    pub atom: Literal,
    /// The values of arguments of the head that are expressions, as equations.
    pub equations: Vec<Literal>,
    /// Types of the slots that stand for them, which follow those of the clause.
    pub slots: Vec<Type>,
}

/// A random choice.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// Numbers or `bool`, one per alternative.
    pub weights: Vec<Term>,
    /// What multiplies each of them: a tag before a whole disjunctive head, unless all is constant.
    pub scale: Option<Term>,
    /// See [`nsdl_ir::Choice::shares`].
    pub shares: bool,
    /// The numbers of the parameters of alternatives that are to be learned; none, or one entry per alternative.
    pub learned: Vec<Option<u32>>,
    pub span: Span,
}

/// A literal of a body.
#[derive(Clone, Debug)]
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
    /// `case t is Cons(h, _)`: there is such a term. After inference it is an atom over the constructor's extent.
    Matches(Matches),
    /// A Boolean expression; an equation may also bind.
    Constraint(Term),
    /// `x in 0..5`: binds `x` if nothing else does.
    Range(Range),
    /// `x in list`: binds `x` to each element, once, if nothing else does.
    Element(Element),
    /// `string_index(s, i)`: computed from the columns that one of its modes needs.
    Foreign {
        predicate: &'static Predicate,
        /// An auxiliary relation with the columns of its results.
        relation: RelationId,
        args: Vec<Argument>,
        /// `not string_index(s, i)`
        negated: bool,
        span: Span,
    },
}

/// A pattern of a term.
#[derive(Clone, Debug)]
pub(crate) struct Matches {
    pub constructor: Constructor,
    /// The data type; inference replaces its parameters.
    pub ty: Type,
    /// A slot.
    pub term: Argument,
    pub fields: Vec<Argument>,
    pub span: Span,
}

/// `value in list`
#[derive(Clone, Debug)]
pub(crate) struct Element {
    /// A slot.
    pub value: Term,
    pub list: Term,
    pub span: Span,
}

/// `value in low..high`
#[derive(Clone, Debug)]
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

/// An expression. All but slots and constants hold at least one slot or `_`: the rest is folded.
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
    Call(Callee, Vec<Term>),
    /// `_` inside a compound term that is compared by `==` or `!=`: equal to everything.
    Any,
    /// `(a, b)`: in an equation it may bind what is unbound in it.
    Tuple(Vec<Term>),
    /// `[a, b]`, or `[a, ..rest]` whose elements after the first ones are those of `rest`; likewise.
    List(Vec<Term>, Option<Box<Term>>),
    /// `new Cons(h, t)`, of this type; inference replaces the parameters in it.
    Construct(Constructor, Type, Vec<Term>),
    /// The tuple of a term and its fields in a list, which is empty if another constructor made it. Only
    /// `extents` makes it.
    Fields(Box<Term>, &'static nsdl_ir::Constructor),
    /// The part of a tuple or element of a list at a position that it has. Only `bind` makes it.
    Part(Box<Term>, u32),
    /// A list without its first elements, which it has. Only `bind` makes it.
    Rest(Box<Term>, u32),
    /// Whether a list has so many elements, or, if not `exact`, at least so many. Only `bind` makes it.
    Length {
        list: Box<Term>,
        count: u32,
        exact: bool,
    },
}

impl Program {
    /// The relations that are asked for: of queries, and of what they are given.
    pub fn asked(&self) -> impl Iterator<Item = RelationId> {
        let given = self.queries.iter().filter_map(|query| query.given);
        let evidence = given.chain(self.evidence.iter().copied());
        let queries = self.queries.iter().map(|query| query.relation);
        queries.chain(evidence.map(|evidence| evidence.relation))
    }
}

impl Clause {
    /// The body for a head behind `guard`, whose atom comes first.
    pub fn body<'c>(&'c self, guard: Option<&'c Guard>) -> Vec<&'c Literal> {
        let guard = guard
            .into_iter()
            .flat_map(|guard| std::iter::once(&guard.atom).chain(&guard.equations));
        guard.chain(&self.body).collect()
    }

    /// The types of the slots of that body, where those of the clause are `slots`.
    pub fn slots(slots: &[Type], guard: Option<&Guard>) -> Vec<Type> {
        let extra = guard.map_or(&[][..], |guard| &guard.slots);
        [slots, extra].concat()
    }

    /// The guards of a head, or none once.
    pub fn guards(head: &Head) -> impl Iterator<Item = Option<&Guard>> {
        let unguarded = head.guards.is_empty().then_some(None);
        unguarded.into_iter().chain(head.guards.iter().map(Some))
    }
}

impl Guard {
    /// The guard of a head of a clause with `slots` slots, for what `demand` holds: the bound columns.
    pub fn new(
        demand: RelationId,
        head: &Head,
        pattern: &Pattern,
        columns: &[Type],
        slots: usize,
    ) -> Self {
        let (mut args, mut equations, mut extra) = (Vec::new(), Vec::new(), Vec::new());
        let mut whole: Option<Span> = None;
        for column in pattern.columns() {
            let (Some(arg), Some(ty)) = (head.args.get(column), columns.get(column)) else {
                continue;
            };
            let span = arg.span;
            whole = Some(whole.map_or(span, |whole| whole.to(span)));
            let kind = match &arg.kind {
                TermKind::Slot(slot) => ArgumentKind::Slot(*slot),
                TermKind::Const(value) => ArgumentKind::Const(value.clone()),
                _ => {
                    let slot = Slot::new(slots + extra.len());
                    let value = Term {
                        kind: TermKind::Slot(slot),
                        span,
                    };
                    extra.push(*ty);
                    equations.push(Literal::Constraint(Term {
                        kind: TermKind::Binary(
                            BinaryOp::Equal,
                            Box::new(value),
                            Box::new(arg.clone()),
                        ),
                        span,
                    }));
                    ArgumentKind::Slot(slot)
                }
            };
            args.push(Argument { kind, span });
        }
        Guard {
            atom: Literal::Atom {
                relation: demand,
                args,
                span: whole.unwrap_or_default(),
            },
            equations,
            slots: extra,
        }
    }
}

impl Choice {
    /// Everything that is evaluated for a tag.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        self.weights.iter().chain(&self.scale)
    }

    /// Likewise.
    pub fn terms_mut(&mut self) -> impl Iterator<Item = &mut Term> {
        self.weights.iter_mut().chain(&mut self.scale)
    }
}

impl Term {
    /// Whether it is a tuple or a list with variables.
    pub fn is_compound(&self) -> bool {
        matches!(self.kind, TermKind::Tuple(_) | TermKind::List(..))
    }

    /// Whether `_` stands in it.
    pub fn has_any(&self) -> bool {
        match &self.kind {
            TermKind::Any => true,
            TermKind::Tuple(parts) => parts.iter().any(Term::has_any),
            TermKind::List(items, rest) => items.iter().chain(rest.as_deref()).any(Term::has_any),
            _ => false,
        }
    }

    /// Calls `visit` for each slot, left to right.
    pub fn slots(&self, visit: &mut impl FnMut(Slot, Span)) {
        match &self.kind {
            TermKind::Slot(slot) => visit(*slot, self.span),
            TermKind::Const(_) | TermKind::Any => {}
            TermKind::Unary(_, operand)
            | TermKind::Cast(operand, _)
            | TermKind::Fields(operand, _)
            | TermKind::Part(operand, _)
            | TermKind::Rest(operand, _)
            | TermKind::Length { list: operand, .. } => operand.slots(visit),
            TermKind::Binary(_, left, right) => {
                left.slots(visit);
                right.slots(visit);
            }
            TermKind::Call(_, parts)
            | TermKind::Tuple(parts)
            | TermKind::Construct(_, _, parts) => {
                parts.iter().for_each(|part| part.slots(visit));
            }
            TermKind::List(items, rest) => {
                let parts = items.iter().chain(rest.as_deref());
                parts.for_each(|part| part.slots(visit));
            }
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
