//! Type inference by union-find.
//!
//! Before: columns may have declared types, literals may have suffixes. After: every column of every
//! relation and every variable of every clause has exactly one [`Type`]. A class of the union-find is a set
//! of columns and variables that must be of one type, with the set of types still possible for it and the
//! place that last narrowed them; a clash names both places. What stays open becomes `i32`, or `f32` if it
//! must be a float (SEMANTICS.md 9).

mod kind;

use nsdl_ir::{AggregateOp, BinaryOp, Diagnostic, RelationId, Slot, Span, Type, UnaryOp};

use crate::constant::Const;
use crate::flat::{Argument, ArgumentKind, Literal, Program, Term, TermKind};
use crate::reduce;
use kind::{Evidence, Kind, Why, clash};

/// The types of a program.
#[derive(Debug)]
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
        diagnostics: Vec::new(),
    };
    it.relations(program);
    let variables = it.clauses(program);
    it.aggregates(program);
    it.facts(program);
    it.finish(program, &variables)
}

/// A class, or a member that points to another one.
struct Class {
    parent: u32,
    /// What narrowed it last; `None`: anything is possible.
    evidence: Option<Evidence>,
}

/// The type of an expression.
#[derive(Clone, Copy)]
enum Side {
    Class(u32),
    Known(Evidence),
}

struct Inference {
    classes: Vec<Class>,
    /// First class of each relation: the columns follow each other.
    columns: Vec<u32>,
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
        for clause in &program.clauses {
            let first = self.fresh(clause.variables.len());
            firsts.push(first);
            for literal in &clause.body {
                match literal {
                    Literal::Atom { relation, args, .. }
                    | Literal::Absent { relation, args, .. } => {
                        self.arguments(first, *relation, args);
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
            for weight in clause.choice.iter().flat_map(|choice| &choice.weights) {
                let side = self.term(first, weight);
                self.require(
                    side,
                    Kind::only(Type::F64),
                    Why::Takes("a tag"),
                    weight.span,
                );
            }
        }
        firsts
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
                    Xor => (bool, "`^`"),
                };
                self.require(both, kind, Why::Takes(why), span)
            }
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
            let name = reduce::name(aggregate.op);
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
                AggregateOp::Sum => {
                    let value = self.column(aggregate.members, keys + arguments);
                    let value =
                        self.require(value, Kind::of(Type::is_number), Why::Takes(name), span);
                    let result = self.column(aggregate.output, keys);
                    self.meet(value, result, span);
                }
                AggregateOp::Min | AggregateOp::Max | AggregateOp::Argmin | AggregateOp::Argmax => {
                    let all = matches!(aggregate.op, AggregateOp::Min | AggregateOp::Max);
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
                    let name = &relation.name;
                    let message =
                        format!("the type of column {number} of `{name}` cannot be inferred");
                    self.diagnostics.push(
                        Diagnostic::error("E0302", message)
                            .label(relation.span, "no fact and no use says what it holds")
                            .help(format!(
                                "declare it, for example `type {name}({})`",
                                example(relation.columns.len())
                            )),
                    );
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

    fn fresh(&mut self, count: usize) -> u32 {
        let first = self.classes.len() as u32;
        self.classes
            .extend((first..).take(count).map(|parent| Class {
                parent,
                evidence: None,
            }));
        first
    }

    fn column(&self, relation: RelationId, column: usize) -> Side {
        Side::Class(
            self.columns
                .get(relation.index())
                .map_or(0, |first| first + column as u32),
        )
    }

    fn find(&mut self, mut class: u32) -> u32 {
        loop {
            let parent = self.classes[class as usize].parent;
            if parent == class {
                return class;
            }
            let grandparent = self.classes[parent as usize].parent;
            self.classes[class as usize].parent = grandparent;
            class = grandparent;
        }
    }

    fn resolve(&mut self, class: u32) -> Option<Type> {
        let root = self.find(class);
        self.classes[root as usize]
            .evidence
            .and_then(|evidence| evidence.kind.resolve())
    }

    fn require(&mut self, side: Side, kind: Kind, why: Why, span: Span) -> Side {
        self.meet(
            side,
            Side::Known(Evidence {
                kind,
                span: Some(span),
                why,
            }),
            span,
        )
    }

    /// Makes both sides one; `at` is where they meet. After a clash the first one goes on alone.
    fn meet(&mut self, left: Side, right: Side, at: Span) -> Side {
        match (left, right) {
            (Side::Class(left), Side::Class(right)) => {
                let (left, right) = (self.find(left), self.find(right));
                if left == right {
                    return Side::Class(left);
                }
                let (a, b) = (
                    self.classes[left as usize].evidence,
                    self.classes[right as usize].evidence,
                );
                let evidence = match (a, b) {
                    (Some(a), Some(b)) => match self.narrow(a, b, at) {
                        Some(evidence) => Some(evidence),
                        // Apart they cause no further errors.
                        None => return Side::Class(left),
                    },
                    (a, b) => a.or(b),
                };
                // The older class stays the root: columns come before the variables that range over them,
                // so paths are short.
                let (root, child) = (left.min(right), left.max(right));
                self.classes[child as usize].parent = root;
                self.classes[root as usize].evidence = evidence;
                Side::Class(root)
            }
            (Side::Class(class), Side::Known(known)) | (Side::Known(known), Side::Class(class)) => {
                let root = self.find(class);
                let evidence = match self.classes[root as usize].evidence {
                    Some(old) => Some(self.narrow(old, known, at).unwrap_or(old)),
                    None => Some(known),
                };
                self.classes[root as usize].evidence = evidence;
                Side::Class(root)
            }
            (Side::Known(a), Side::Known(b)) => Side::Known(self.narrow(a, b, at).unwrap_or(a)),
        }
    }

    /// What both say; `None`, and reported, if they clash.
    fn narrow(&mut self, a: Evidence, b: Evidence, at: Span) -> Option<Evidence> {
        let Some(kind) = a.kind.meet(b.kind) else {
            self.diagnostics.push(clash(a, b, at));
            return None;
        };
        let stronger = if kind == a.kind { a } else { b };
        Some(Evidence { kind, ..stronger })
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

fn example(columns: usize) -> String {
    vec!["i32"; columns].join(", ")
}
