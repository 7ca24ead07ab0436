//! Type inference by union-find.
//!
//! Before: columns may have declared types, literals may have suffixes. After: every column of every
//! relation and every variable of every clause has exactly one [`Type`]. A class of the union-find is a set
//! of columns and variables that must be of one type, with the set of types still possible for it and the
//! place that last narrowed them; a clash names both places. What stays open becomes `i32`, or `f32` if it
//! must be a float (SEMANTICS.md 9).

mod classes;
mod kind;
mod path;

use nsdl_ir::{
    AggregateOp, BinaryOp, Diagnostic, Function, Parameter, RelationId, Slot, Span, Type, UnaryOp,
};

use crate::constant::Const;
use crate::flat::{Argument, ArgumentKind, Choice, Literal, Program, Relation, Term, TermKind};
use classes::{Class, Side};
use kind::{Evidence, Kind, Why};
use path::Link;

/// The types of a program.
#[derive(Clone, Debug)]
pub(crate) struct Types {
    /// By relation and column.
    pub columns: Vec<Vec<Type>>,
    /// By clause and slot.
    pub variables: Vec<Vec<Type>>,
}

/// Infers all types. With errors the types are complete, but not to be relied on.
pub(crate) fn infer(program: &Program) -> (Types, Vec<Diagnostic>) {
    let mut it = Inference {
        classes: Vec::new(),
        columns: Vec::new(),
        links: Vec::new(),
        clause: None,
        diagnostics: Vec::new(),
    };
    it.relations(program);
    let variables = it.clauses(program);
    it.aggregates(program);
    it.facts(program);
    it.tags(program, &variables);
    it.finish(program, &variables)
}

struct Inference {
    classes: Vec<Class>,
    /// First class of each relation: the columns follow each other.
    columns: Vec<u32>,
    /// What was made one, and where: clashes show it.
    links: Vec<Link>,
    /// The clause at hand, if any.
    clause: Option<u32>,
    diagnostics: Vec<Diagnostic>,
}

impl Inference {
    fn relations(&mut self, program: &Program) {
        for relation in &program.relations {
            let first = self.fresh(relation.columns.len());
            self.columns.push(first);
            for (class, column) in (first..).zip(&relation.columns) {
                if let Some((ty, span)) = column.declared {
                    let evidence = Evidence {
                        kind: Kind::only(ty),
                        span: Some(span),
                        why: Why::Declared,
                    };
                    self.meet(Side::Class(class), Side::Known(evidence), span);
                }
                if let Some(ty) = column.external {
                    let evidence = Evidence {
                        kind: Kind::only(ty),
                        span: None,
                        why: Why::Outside,
                    };
                    self.meet(Side::Class(class), Side::Known(evidence), relation.span);
                }
            }
        }
    }

    /// Returns the first class of each clause's variables.
    fn clauses(&mut self, program: &Program) -> Vec<u32> {
        let mut firsts = Vec::with_capacity(program.clauses.len());
        for (number, clause) in (0..).zip(&program.clauses) {
            self.clause = Some(number);
            let first = self.fresh(clause.variables.len());
            firsts.push(first);
            for literal in &clause.body {
                match literal {
                    Literal::Atom { relation, args, .. }
                    | Literal::Absent { relation, args, .. } => {
                        self.arguments(first, *relation, args);
                    }
                    Literal::Range(range) => {
                        let sides = [&range.value, &range.low, &range.high];
                        let [value, low, high] = sides.map(|term| self.term(first, term));
                        let both = self.meet(low, high, range.span);
                        let all = self.meet(value, both, range.span);
                        let integer = Kind::of(Type::is_integer);
                        self.require(all, integer, Why::Takes("a range"), range.span);
                    }
                    Literal::Constraint(term) => {
                        let side = self.term(first, term);
                        self.require(
                            side,
                            Kind::only(Type::Bool),
                            Why::Takes("a condition"),
                            term.span,
                        );
                    }
                }
            }
            for head in &clause.heads {
                for (column, arg) in head.args.iter().enumerate() {
                    let column = self.column(head.relation, column);
                    let side = self.term(first, arg);
                    self.meet(column, side, arg.span);
                }
            }
        }
        self.clause = None;
        firsts
    }

    /// Tags are cast to `f64`; where their type is open, they are `f64` from the start. Comes last.
    fn tags(&mut self, program: &Program, firsts: &[u32]) {
        for (clause, first) in program.clauses.iter().zip(firsts) {
            for tag in clause.choice.iter().flat_map(Choice::terms) {
                let side = self.term(*first, tag);
                let double = Kind::only(Type::F64);
                let kind = match self.kind(side) {
                    Some(kind) if kind.meet(double).is_none() => {
                        Kind::of(|ty| ty.is_number() || ty == Type::Bool)
                    }
                    _ => double,
                };
                self.require(side, kind, Why::Takes("a tag"), tag.span);
            }
        }
    }

    fn arguments(&mut self, first: u32, relation: RelationId, args: &[Argument]) {
        for (column, arg) in args.iter().enumerate() {
            let side = match &arg.kind {
                ArgumentKind::Slot(slot) => variable(first, *slot),
                ArgumentKind::Const(value) => constant(value, arg.span),
                ArgumentKind::Any => continue,
            };
            let column = self.column(relation, column);
            self.meet(column, side, arg.span);
        }
    }

    fn term(&mut self, first: u32, term: &Term) -> Side {
        use BinaryOp::*;
        let span = term.span;
        let bool = Kind::only(Type::Bool);
        match &term.kind {
            TermKind::Slot(slot) => variable(first, *slot),
            TermKind::Const(value) => constant(value, span),
            TermKind::Unary(op, operand) => {
                let side = self.term(first, operand);
                let kind = match op {
                    UnaryOp::Not => bool,
                    UnaryOp::Negate => Kind::of(|ty| ty.is_signed() || ty.is_float()),
                };
                let why = if *op == UnaryOp::Not { "`!`" } else { "`-`" };
                self.require(side, kind, Why::Takes(why), span)
            }
            TermKind::Binary(op, left, right) => {
                let (left, right) = (self.term(first, left), self.term(first, right));
                let both = self.meet(left, right, span);
                let (kind, why) = match op {
                    Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual => {
                        let why = Why::Gives("a comparison");
                        return Side::Known(Evidence {
                            kind: bool,
                            span: Some(span),
                            why,
                        });
                    }
                    Add => (Kind::of(|ty| ty.is_number() || ty == Type::String), "`+`"),
                    Subtract => (Kind::of(Type::is_number), "`-`"),
                    Multiply => (Kind::of(Type::is_number), "`*`"),
                    Divide => (Kind::of(Type::is_number), "`/`"),
                    Remainder => (Kind::of(Type::is_number), "`%`"),
                    And => (bool, "`&&`"),
                    Or => (bool, "`||`"),
                    Xor => (Kind::of(|ty| ty.is_integer() || ty == Type::Bool), "`^`"),
                    BitAnd => (Kind::of(Type::is_integer), "`&`"),
                    BitOr => (Kind::of(Type::is_integer), "`|`"),
                    ShiftLeft => (Kind::of(Type::is_integer), "`<<`"),
                    ShiftRight => (Kind::of(Type::is_integer), "`>>`"),
                };
                self.require(both, kind, Why::Takes(why), span)
            }
            TermKind::Cast(operand, ty) => {
                self.term(first, operand);
                Side::Known(Evidence {
                    kind: Kind::only(*ty),
                    span: Some(span),
                    why: Why::Gives("a cast"),
                })
            }
            TermKind::Call(function, args) => self.call(first, *function, args, span),
            TermKind::If(parts) => {
                let [condition, consequence, alternative] = parts.as_ref();
                let side = self.term(first, condition);
                self.require(side, bool, Why::Takes("a condition"), condition.span);
                let consequence = self.term(first, consequence);
                let alternative = self.term(first, alternative);
                self.meet(consequence, alternative, span)
            }
        }
    }

    fn call(&mut self, first: u32, function: Function, args: &[Term], span: Span) -> Side {
        let signature = function.signature();
        let takes = Why::Takes(signature.text);
        let mut variable = None;
        for (index, arg) in args.iter().enumerate() {
            let side = self.term(first, arg);
            match signature.parameter(index) {
                Some(Parameter::Variable) => {
                    let family = Kind::of(|ty| signature.family.holds(ty));
                    let side = self.require(side, family, takes, arg.span);
                    variable = Some(match variable {
                        Some(variable) => self.meet(variable, side, span),
                        None => side,
                    });
                }
                Some(Parameter::Exactly(ty)) => {
                    self.require(side, Kind::only(ty), takes, arg.span);
                }
                Some(Parameter::Any) | None => {}
            }
        }
        match (signature.result, variable) {
            (Parameter::Exactly(ty), _) => Side::Known(Evidence {
                kind: Kind::only(ty),
                span: Some(span),
                why: Why::Gives(signature.name),
            }),
            (_, Some(variable)) => variable,
            // A result of variable type comes from an argument.
            (_, None) => Side::Class(self.fresh(1)),
        }
    }

    fn aggregates(&mut self, program: &Program) {
        for aggregate in &program.aggregates {
            let (span, keys) = (aggregate.span, aggregate.keys as usize);
            let width = program
                .relations
                .get(aggregate.members.index())
                .map_or(0, |it| it.columns.len());
            let arguments = aggregate.arguments as usize;
            let name = aggregate.op.name();
            for key in 0..keys {
                let member = self.column(aggregate.members, key);
                let result = self.column(aggregate.output, key);
                self.meet(member, result, span);
                if let Some(groups) = aggregate.groups {
                    let group = self.column(groups, key);
                    self.meet(member, group, span);
                }
            }
            match aggregate.op {
                AggregateOp::Count | AggregateOp::Exists => {
                    let count = aggregate.op == AggregateOp::Count;
                    let kind = Kind::only(if count { Type::Usize } else { Type::Bool });
                    let result = self.column(aggregate.output, keys);
                    self.require(result, kind, Why::Gives(name), span);
                }
                AggregateOp::Sum | AggregateOp::Prod | AggregateOp::Avg => {
                    let value = self.column(aggregate.members, keys + arguments);
                    let value =
                        self.require(value, Kind::of(Type::is_number), Why::Takes(name), span);
                    let result = self.column(aggregate.output, keys);
                    self.meet(value, result, span);
                }
                AggregateOp::WeightedSum | AggregateOp::WeightedAvg => {
                    let value = self.column(aggregate.members, keys + arguments);
                    let value =
                        self.require(value, Kind::of(Type::is_float), Why::Takes(name), span);
                    let result = self.column(aggregate.output, keys);
                    self.meet(value, result, span);
                }
                AggregateOp::StringJoin => {
                    let text = Kind::only(Type::String);
                    let value = self.column(aggregate.members, keys + arguments);
                    self.require(value, text, Why::Takes(name), span);
                    let result = self.column(aggregate.output, keys);
                    self.require(result, text, Why::Gives(name), span);
                }
                AggregateOp::Sort
                | AggregateOp::Argsort
                | AggregateOp::Enumerate
                | AggregateOp::Rank => {
                    let position = self.column(aggregate.output, keys);
                    let kind = Kind::only(Type::Usize);
                    self.require(position, kind, Why::Gives(name), span);
                    let all = aggregate.op != AggregateOp::Argsort;
                    for column in keys..if all { width } else { keys + arguments } {
                        let member = self.column(aggregate.members, column);
                        let result = self.column(aggregate.output, column + 1);
                        self.meet(member, result, span);
                    }
                }
                AggregateOp::Min
                | AggregateOp::Max
                | AggregateOp::Argmin
                | AggregateOp::Argmax
                | AggregateOp::Top
                | AggregateOp::Unique
                | AggregateOp::Uniform
                | AggregateOp::Categorical
                | AggregateOp::Normalize
                | AggregateOp::Softmax
                | AggregateOp::Disjunct => {
                    let all = !matches!(aggregate.op, AggregateOp::Argmin | AggregateOp::Argmax);
                    for column in keys..if all { width } else { keys + arguments } {
                        let member = self.column(aggregate.members, column);
                        let result = self.column(aggregate.output, column);
                        self.meet(member, result, span);
                    }
                }
            }
        }
    }

    fn facts(&mut self, program: &Program) {
        for fact in &program.facts {
            for (column, (value, span)) in fact.row.iter().enumerate() {
                let column = self.column(fact.relation, column);
                self.meet(column, constant(value, *span), *span);
            }
        }
    }

    fn finish(mut self, program: &Program, variables: &[u32]) -> (Types, Vec<Diagnostic>) {
        let mut reported = rustc_hash::FxHashSet::default();
        let mut columns = Vec::with_capacity(program.relations.len());
        for (relation, first) in program.relations.iter().zip(self.columns.clone()) {
            let mut types = Vec::with_capacity(relation.columns.len());
            for (number, class) in (1..=relation.columns.len()).zip(first..) {
                let ty = self.resolve(class);
                let root = self.find(class);
                if ty.is_none() && !relation.auxiliary && reported.insert(root) {
                    self.diagnostics.push(not_inferred(relation, number));
                }
                types.push(ty.unwrap_or(Type::I32));
            }
            columns.push(types);
        }
        let mut slots = Vec::with_capacity(variables.len());
        for (clause, first) in program.clauses.iter().zip(variables) {
            let classes = (*first..).take(clause.variables.len());
            slots.push(
                classes
                    .map(|class| self.resolve(class).unwrap_or(Type::I32))
                    .collect(),
            );
        }
        (
            Types {
                columns,
                variables: slots,
            },
            self.diagnostics,
        )
    }

    fn column(&self, relation: RelationId, column: usize) -> Side {
        Side::Class(
            self.columns
                .get(relation.index())
                .map_or(0, |first| first + column as u32),
        )
    }
}

fn variable(first: u32, slot: Slot) -> Side {
    Side::Class(first + slot.0)
}

fn constant(value: &Const, span: Span) -> Side {
    let kind = match value {
        Const::Integer(_) => Kind::of(Type::is_integer),
        Const::Float(_) => Kind::of(Type::is_float),
        Const::Typed(value) => Kind::only(value.ty()),
    };
    Side::Known(Evidence {
        kind,
        span: Some(span),
        why: Why::Literal,
    })
}

/// E0302.
fn not_inferred(relation: &Relation, number: usize) -> Diagnostic {
    let name = &relation.name;
    let example = vec!["i32"; relation.columns.len()].join(", ");
    let message = format!("the type of column {number} of `{name}` cannot be inferred");
    let error = Diagnostic::error("E0302", message)
        .help(format!("declare it, for example `type {name}({example})`"));
    // A relation that only the outside knows has no place in a text.
    if relation.span == Span::default() {
        return error;
    }
    error.label(relation.span, "no fact and no use says what it holds")
}
