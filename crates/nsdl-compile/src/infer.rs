//! Type inference by unification.
//!
//! Before: columns may have declared types, literals may have suffixes. After: every column of every
//! relation and every variable of every clause has exactly one [`Type`], and every constant in an expression
//! is of it, if it has such a value. A class is a set of columns, variables and parts of types that must be
//! of one type, with what it still can be (a set of types, or a tuple, list or data type of other classes)
//! and the place that last narrowed it; a clash names both places. What stays open becomes `i32`, or `f32`
//! if it must be a float (SEMANTICS.md 9).

mod clash;
mod classes;
mod host;
mod kind;
mod operator;
mod path;
mod settle;
mod term;

use nsdl_ir::{AggregateOp, Diagnostic, RelationId, Slot, Span, Type};
use rustc_hash::FxHashMap;

use crate::flat::{Argument, ArgumentKind, Choice, Literal, Program, Relation};
use classes::{Class, Resolved, Side};
use kind::{Kind, Set, Why};
use path::Link;

/// The types of a program.
#[derive(Clone, Debug)]
pub(crate) struct Types {
    /// By relation and column.
    pub columns: Vec<Vec<Type>>,
    /// By clause and slot.
    pub variables: Vec<Vec<Type>>,
}

/// Infers all types, and gives the constants of `program` theirs. With errors the types are complete, but not to
/// be relied on.
pub(crate) fn infer(program: &mut Program) -> (Types, Vec<Diagnostic>) {
    let mut it = Inference {
        classes: Vec::new(),
        columns: Vec::new(),
        links: Vec::new(),
        clause: None,
        constants: FxHashMap::default(),
        open: Vec::new(),
        resolved: FxHashMap::default(),
        diagnostics: Vec::new(),
    };
    let variables = it.visit(program);
    it.settle(program);
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
    /// The classes of constants without a type of their own in expressions, by address: nothing moves while types
    /// are inferred.
    constants: FxHashMap<usize, Side>,
    /// Operators that wait for more to be known.
    open: Vec<operator::Open>,
    /// The types of root classes, once everything is unified.
    resolved: FxHashMap<u32, Resolved>,
    diagnostics: Vec<Diagnostic>,
}

impl Inference {
    /// Says of all classes what the program says of them. Returns the first class of each clause's variables.
    fn visit(&mut self, program: &Program) -> Vec<u32> {
        self.relations(program);
        let variables = self.clauses(program);
        self.aggregates(program);
        self.facts(program);
        self.operators();
        self.tags(program, &variables);
        self.remaining_operators();
        variables
    }

    fn relations(&mut self, program: &Program) {
        for relation in &program.relations {
            let first = self.fresh(relation.columns.len());
            self.columns.push(first);
            for (class, column) in (first..).zip(&relation.columns) {
                if let Some((ty, span)) = column.declared {
                    let declared = self.of_type(ty, Some(span), Why::Declared);
                    self.meet(Side::Class(class), declared, span);
                }
                if let Some(ty) = column.external {
                    let outside = self.of_type(ty, None, Why::Outside);
                    self.meet(Side::Class(class), outside, relation.span);
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
            for (class, variable) in (first..).zip(&clause.variables) {
                for (ty, span) in &variable.stated {
                    let stated = self.of_type(*ty, Some(*span), Why::Declared);
                    self.meet(Side::Class(class), stated, *span);
                }
            }
            for literal in &clause.body {
                match literal {
                    Literal::Atom { relation, args, .. }
                    | Literal::Absent { relation, args, .. } => {
                        self.arguments(first, *relation, args);
                    }
                    Literal::Matches(matches) => self.matches(first, matches),
                    Literal::Foreign {
                        predicate,
                        relation,
                        args,
                        span,
                        ..
                    } => {
                        self.arguments(first, *relation, args);
                        self.predicate(*relation, predicate, args, *span);
                    }
                    Literal::Range(range) => {
                        let sides = [&range.value, &range.low, &range.high];
                        let [value, low, high] = sides.map(|term| self.term(first, term));
                        let both = self.meet(low, high, range.span);
                        let all = self.meet(value, both, range.span);
                        let integer = Kind::of(Type::is_integer);
                        self.require(all, integer, Why::Takes("a range"), range.span);
                    }
                    Literal::Element(element) => {
                        let list = self.term(first, &element.list);
                        let member = Kind::List(self.fresh(1));
                        let list = self.require(list, member, Why::Takes("`in`"), element.span);
                        let value = self.term(first, &element.value);
                        if let Some(Kind::List(member)) = self.kind(list) {
                            self.meet(value, Side::Class(member), element.span);
                        }
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
                let integers = Set::of(Type::is_integer);
                let kind = match self.kind(side).map(Kind::set) {
                    Some(Set::ANY) | None => double,
                    // Integers, or literals that may be: as tags they do not become floats.
                    Some(set)
                        if set.meet(double.set()).is_none() || set.meet(integers).is_some() =>
                    {
                        Kind::of(|ty| ty.is_number() || ty == Type::Bool)
                    }
                    Some(_) => double,
                };
                self.require(side, kind, Why::Takes("a tag"), tag.span);
            }
        }
    }

    fn arguments(&mut self, first: u32, relation: RelationId, args: &[Argument]) {
        for (column, arg) in args.iter().enumerate() {
            let side = match &arg.kind {
                ArgumentKind::Slot(slot) => variable(first, *slot),
                ArgumentKind::Const(value) => self.constant(value, arg.span),
                ArgumentKind::Any => continue,
            };
            let column = self.column(relation, column);
            self.meet(column, side, arg.span);
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
                AggregateOp::Foreign(signature) => self.foreign_aggregate(aggregate, signature),
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
                let value = self.constant(value, *span);
                self.meet(column, value, *span);
            }
        }
    }

    fn finish(mut self, program: &Program, variables: &[u32]) -> (Types, Vec<Diagnostic>) {
        let mut reported = rustc_hash::FxHashSet::default();
        let mut columns = Vec::with_capacity(program.relations.len());
        for (relation, first) in program.relations.iter().zip(self.columns.clone()) {
            let mut types = Vec::with_capacity(relation.columns.len());
            for (number, class) in (1..=relation.columns.len()).zip(first..) {
                let root = self.find(class);
                let (ty, known) = self.resolve(class);
                // What is computed on demand and never asked for, as in a library, may be of any type.
                let asked = relation.demand.is_empty();
                if !known && !relation.auxiliary && asked && reported.insert(root) {
                    self.diagnostics.push(not_inferred(relation, number, ty));
                }
                types.push(ty);
            }
            columns.push(types);
        }
        let mut slots = Vec::with_capacity(variables.len());
        for (clause, first) in program.clauses.iter().zip(variables) {
            let classes = (*first..).take(clause.variables.len());
            slots.push(classes.map(|class| self.resolve(class).0).collect());
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

/// E0302.
fn not_inferred(relation: &Relation, number: usize, ty: Type) -> Diagnostic {
    let name = &relation.name;
    let mut example = vec!["i32".to_owned(); relation.columns.len()];
    if let Some(column) = example.get_mut(number - 1) {
        *column = ty.to_string();
    }
    let example = example.join(", ");
    let message = format!("the type of column {number} of `{name}` cannot be inferred");
    let error = Diagnostic::error("E0302", message)
        .help(format!("declare it, for example `type {name}({example})`"));
    // A relation that only the outside knows has no place in a text.
    if relation.span == Span::default() {
        return error;
    }
    error.label(relation.span, "no fact and no use says what it holds")
}
