//! Desugaring: syntax tree to flat program.
//!
//! Before: names are resolved. After: every rule body is a conjunction of atoms, absent atoms and
//! constraints. `or` has split its rule (each split with a random choice of its own if the rule is tagged),
//! aggregates, `exists` and `not r(b, _)` read auxiliary relations, constant expressions are folded, facts
//! are rows, and the random variables are fixed: no later pass may change which slots a choice depends on.

mod aggregate;
mod compound;
mod data;
mod element;
mod evidence;
mod facts;
mod foreign;
mod learned;
mod negation;
mod parameters;
mod possible;
mod range;
mod rule;
mod term;

use nsdl_ir::{BinaryOp, Diagnostic, RelationId, Slot, Span, UnaryOp, Value};
use nsdl_syntax::ast::{Ast, Atom, Expr, ExprKind, Formula, Item, ItemKind, Query};
use rustc_hash::FxHashMap;

use crate::constant::Const;
use crate::flat::{
    Argument, ArgumentKind, Choice, Clause, Head, Literal, Program, Relation, Term, TermKind,
    Variable,
};
use crate::mentions::{self, Counts, Hidden, Mentions};
use crate::resolve::Names;
use negation::Condition;

/// A rule may be split into this many.
const SPLITS: usize = 4096;

/// The flat program, and what is wrong with the one it came from.
pub(crate) fn desugar<'a>(
    asts: &[&'a Ast],
    names: &'a Names<'a>,
    relations: Vec<Relation>,
) -> (Program, Vec<Diagnostic>) {
    let mut desugar = Desugar {
        names,
        program: Program {
            relations,
            ..Program::default()
        },
        projections: FxHashMap::default(),
        predicates: FxHashMap::default(),
        aggregates: FxHashMap::default(),
        exclusive_groups: 0,
        taken: FxHashMap::default(),
        diagnostics: Vec::new(),
    };
    for item in asts.iter().flat_map(|ast| &ast.items) {
        desugar.item(item);
    }
    desugar.argument_facts();
    desugar.constant_terms();
    (desugar.program, desugar.diagnostics)
}

struct Desugar<'a> {
    names: &'a Names<'a>,
    program: Program,
    /// Auxiliary projections by relation and kept columns.
    projections: FxHashMap<(RelationId, Vec<bool>), RelationId>,
    /// The results of predicates whose columns have fixed types, by name.
    predicates: FxHashMap<&'static str, RelationId>,
    /// Aggregates that are lowered already, by their address in the tree and their keys: the splits of a
    /// rule share them.
    aggregates: FxHashMap<(usize, Vec<&'a str>), aggregate::Lowered>,
    exclusive_groups: u32,
    /// Names of parameters and their sets, and the last number behind each.
    taken: FxHashMap<String, u32>,
    diagnostics: Vec<Diagnostic>,
}

/// A clause under construction.
#[derive(Default)]
struct Scope<'a> {
    variables: Vec<Variable>,
    slots: FxHashMap<&'a str, Slot>,
    body: Vec<Literal>,
    /// Equations of argument expressions, to follow the literal that is being built.
    equations: Vec<Literal>,
    /// `_` in a positive atom is a variable: in tagged rules, whose choices depend on it.
    keep_wildcards: bool,
    /// Terms of data types are patterns here, not values.
    matching: bool,
}

impl<'a> Scope<'a> {
    fn fresh(&mut self, name: &str, span: Span) -> Slot {
        let slot = Slot::new(self.variables.len());
        self.variables.push(Variable {
            name: name.into(),
            span,
            stated: Vec::new(),
        });
        slot
    }

    fn slot(&mut self, name: &'a str, span: Span) -> Slot {
        if let Some(slot) = self.slots.get(name) {
            return *slot;
        }
        let slot = self.fresh(name, span);
        self.slots.insert(name, slot);
        slot
    }

    fn push(&mut self, literal: Literal) {
        self.body.push(literal);
        self.body.append(&mut self.equations);
    }

    fn clause(mut self, span: Span, heads: Vec<Head>, choice: Option<Choice>) -> Clause {
        // Those of heads and tags are left.
        self.body.append(&mut self.equations);
        Clause {
            span,
            variables: self.variables,
            body: self.body,
            heads,
            choice,
            makes: Vec::new(),
        }
    }
}

impl<'a> Desugar<'a> {
    fn item(&mut self, item: &'a Item) {
        match &item.kind {
            ItemKind::Types(_) | ItemKind::Constants(_) => {}
            // Expansion has left no imports and functions; the rest is read with the names.
            ItemKind::Import(_) | ItemKind::Function(_) | ItemKind::Extern(_) => {}
            ItemKind::Fact { tag, atom } => self.fact(tag.as_ref(), atom),
            ItemKind::FactSet {
                relation,
                members,
                exclusive,
            } => {
                self.fact_set(relation, members, *exclusive, item.span);
            }
            ItemKind::Rule { tag, head, body } => self.rule(item.span, tag.as_ref(), head, body),
            ItemKind::AggregateRule {
                relation,
                aggregate,
            } => {
                self.aggregate_rule(item.span, relation, aggregate);
            }
            ItemKind::Query(query) => {
                let relation = self.answers(query);
                let evidence = query.evidence.as_ref();
                let given = evidence.map(|evidence| self.given(query, relation, evidence));
                self.program.queries.push(nsdl_ir::Query {
                    name: nsdl_syntax::format::query(query),
                    relation,
                    given,
                });
            }
            ItemKind::Evidence(formula) => {
                let evidence = self.evidence(formula);
                self.program.evidence.push(evidence);
            }
        }
    }

    /// The relation that holds the answers of a query. For an atom it is an auxiliary one, with the columns of the
    /// queried one.
    fn answers(&mut self, query: &'a Query) -> RelationId {
        let relation = self.names.relation(&query.relation.text);
        let Some(args) = &query.args else {
            return relation;
        };
        let mut scope = Scope {
            keep_wildcards: true,
            ..Scope::default()
        };
        scope.matching = true;
        if let Some(predicate) = self.names.predicate(&query.relation.text) {
            self.foreign(predicate, &[], args, None, query.span, &mut scope);
        } else {
            let args = self.arguments(args, &mut scope);
            scope.push(Literal::Atom {
                relation,
                args,
                span: query.span,
            });
        }
        let columns = match scope.body.first() {
            Some(Literal::Atom { args, .. } | Literal::Foreign { args, .. }) => {
                args.iter().filter_map(Option::from).collect()
            }
            _ => Vec::new(),
        };
        let name = nsdl_syntax::format::atom_text(&query.relation.text, args);
        let answers = self.auxiliary(name, args.len(), query.span);
        let head = Head {
            relation: answers,
            args: columns,
            alternative: 0,
            guards: Vec::new(),
        };
        self.program
            .clauses
            .push(scope.clause(query.span, vec![head], None));
        answers
    }

    fn auxiliary(&mut self, name: String, columns: usize, span: Span) -> RelationId {
        let id = RelationId::new(self.program.relations.len());
        self.program
            .relations
            .push(Relation::auxiliary(name, columns, span));
        id
    }

    /// The body of one split. `outer` holds the variables of its head and tag.
    fn body(
        &mut self,
        leaves: &[Condition<'a>],
        outer: &Mentions<'a>,
        total: &Counts<'a>,
        keep_wildcards: bool,
    ) -> Scope<'a> {
        let mut scope = Scope {
            keep_wildcards,
            ..Scope::default()
        };
        // How many of head and leaves mention a variable; needed for the keys of aggregates only.
        let mut mentioned: FxHashMap<&'a str, usize> = FxHashMap::default();
        let mut seen = Vec::new();
        if leaves
            .iter()
            .any(|leaf| matches!(leaf.formula, Formula::Aggregate(_)))
        {
            for leaf in leaves {
                let mut names = Mentions::default();
                mentions::formula(
                    leaf.formula,
                    &|name| self.names.is_constant(name),
                    &mut names,
                );
                seen.push(names);
            }
            for name in seen.iter().chain([outer]).flat_map(|names| names.keys()) {
                *mentioned.entry(name).or_default() += 1;
            }
        }
        for (position, leaf) in leaves.iter().enumerate() {
            match (leaf.formula, leaf.not) {
                (formula, Some(span)) if self.is_derived(formula, total) => {
                    self.absent_formula(formula, span, leaves, total, &mut scope);
                }
                (Formula::Atom(atom), None) => self.atom(atom, &mut scope),
                (Formula::Atom(atom), Some(span)) => {
                    let own = self.own(leaf.formula, total);
                    self.absent(atom, &own, span, &mut scope);
                }
                (Formula::Constraint(expr), None) if self.equation(expr, &mut scope) => {}
                (Formula::Constraint(expr), not) => {
                    let mut term = self.term(expr, &mut scope);
                    if not.is_some() {
                        term = opposite(term);
                    }
                    self.constraint(term, &mut scope);
                }
                (Formula::Range(range), not) => self.range(range, not.is_some(), &mut scope),
                (Formula::Aggregate(aggregate), not) => {
                    let outside = |name: &str| {
                        let own = seen
                            .get(position)
                            .is_some_and(|names| names.contains_key(name));
                        let is_result = |result: &Expr| matches!(&result.kind, ExprKind::Variable(variable) if variable == name);
                        mentioned.get(name).copied().unwrap_or_default() > usize::from(own)
                            || aggregate.results.iter().any(is_result)
                    };
                    let negated = aggregate.negated != not.is_some();
                    self.aggregate(aggregate, negated, &outside, leaves, &mut scope);
                }
                (Formula::Element { value, list, span }, not) => {
                    self.element(value, list, *span, not.is_some(), &mut scope);
                }
                (
                    Formula::Case {
                        value,
                        pattern,
                        span,
                    },
                    None,
                ) => self.case(value, pattern, *span, &mut scope),
                // The normal form has taken these apart, or they are derived.
                (
                    Formula::And(_)
                    | Formula::Or(_)
                    | Formula::Not { .. }
                    | Formula::Implies { .. }
                    | Formula::Case { .. },
                    _,
                ) => {}
            }
        }
        scope
    }

    /// An equation with a term of a data type on a side: a pattern. Whether it is one.
    fn equation(&mut self, expr: &'a Expr, scope: &mut Scope<'a>) -> bool {
        let ExprKind::Binary(BinaryOp::Equal, left, right) = &expr.kind else {
            return false;
        };
        let (value, pattern) = match data::is_pattern(right) {
            true => (left, right),
            false => (right, left),
        };
        if data::is_pattern(pattern) {
            self.case(value, pattern, expr.span, scope);
        }
        data::is_pattern(pattern)
    }

    fn atom(&mut self, atom: &'a Atom, scope: &mut Scope<'a>) {
        if let Some(predicate) = self.names.predicate(&atom.relation.text) {
            return self.foreign(predicate, &atom.types, &atom.args, None, atom.span, scope);
        }
        self.untyped(atom);
        let relation = self.names.relation(&atom.relation.text);
        scope.matching = true;
        let args = self.arguments(&atom.args, scope);
        scope.matching = false;
        scope.push(Literal::Atom {
            relation,
            args,
            span: atom.span,
        });
    }

    /// The variables that are mentioned nowhere but in `formula`.
    fn own(&self, formula: &'a Formula, total: &Counts<'a>) -> Hidden<'a> {
        mentions::own(formula, total, &|name| self.names.is_constant(name))
    }

    /// Relations have no type variables.
    fn untyped(&mut self, atom: &Atom) {
        if let Some(first) = atom.types.first() {
            let name = &atom.relation.text;
            let message = format!("`{name}` is a relation, and takes no type arguments");
            let error = Diagnostic::error("E0263", message)
                .label(first.span, "not of a predicate")
                .help(format!("declare its columns: `type {name}(…)`"));
            self.diagnostics.push(error);
        }
    }

    /// `not r(b, _)` is the absence of `b` from the projection of `r` to its first column; so is `not r(b, c)`
    /// where `c` is the atom's `own`.
    fn absent(&mut self, atom: &'a Atom, own: &Hidden<'a>, span: Span, scope: &mut Scope<'a>) {
        if let Some(predicate) = self.names.predicate(&atom.relation.text) {
            return self.foreign(predicate, &atom.types, &atom.args, Some(own), span, scope);
        }
        self.untyped(atom);
        let mut relation = self.names.relation(&atom.relation.text);
        let kept: Vec<bool> = atom
            .args
            .iter()
            .map(|arg| match &arg.kind {
                ExprKind::Wildcard => false,
                ExprKind::Variable(name) => !own.contains(name.as_str()),
                _ => true,
            })
            .collect();
        if kept.contains(&false) {
            relation = self.projection(relation, kept.clone(), atom);
        }
        let wildcards = std::mem::replace(&mut scope.keep_wildcards, false);
        let args = atom.args.iter().zip(kept).filter(|(_, kept)| *kept);
        let args = args.map(|(arg, _)| self.argument(arg, scope)).collect();
        scope.keep_wildcards = wildcards;
        scope.push(Literal::Absent {
            relation,
            args,
            span,
        });
    }

    fn projection(&mut self, relation: RelationId, kept: Vec<bool>, atom: &Atom) -> RelationId {
        if let Some(projection) = self.projections.get(&(relation, kept.clone())) {
            return *projection;
        }
        let mut scope = Scope::default();
        let mut columns = Vec::new();
        let args: Vec<Argument> = std::iter::zip(&kept, &atom.args)
            .map(|(keep, arg)| {
                let span = arg.span;
                let kind = if *keep {
                    ArgumentKind::Slot(scope.fresh("_", span))
                } else {
                    ArgumentKind::Any
                };
                let argument = Argument { kind, span };
                columns.extend(Option::<Term>::from(&argument));
                argument
            })
            .collect();
        let marks: Vec<&str> = kept
            .iter()
            .map(|keep| if *keep { "·" } else { "_" })
            .collect();
        let name = format!("{}({})", atom.relation.text, marks.join(", "));
        let projection = self.auxiliary(name, columns.len(), atom.span);
        scope.push(Literal::Atom {
            relation,
            args,
            span: atom.span,
        });
        let head = Head {
            relation: projection,
            args: columns,
            alternative: 0,
            guards: Vec::new(),
        };
        self.program
            .clauses
            .push(scope.clause(atom.span, vec![head], None));
        self.projections.insert((relation, kept), projection);
        projection
    }
}

/// The negation of a constraint. Of a comparison it is the opposite one, so that `not x != 1` binds `x`.
fn opposite(constraint: Term) -> Term {
    use nsdl_ir::BinaryOp::*;
    let span = constraint.span;
    let kind = match constraint.kind {
        TermKind::Unary(UnaryOp::Not, operand) => return *operand,
        TermKind::Const(Const::Typed(Value::Bool(value))) => {
            TermKind::Const(Const::Typed(Value::Bool(!value)))
        }
        TermKind::Binary(op, left, right) if op.is_comparison() => {
            let op = match op {
                Equal => NotEqual,
                NotEqual => Equal,
                Less => GreaterEqual,
                LessEqual => Greater,
                Greater => LessEqual,
                _ => Less,
            };
            TermKind::Binary(op, left, right)
        }
        kind => TermKind::Unary(UnaryOp::Not, Box::new(Term { kind, span })),
    };
    Term { kind, span }
}
