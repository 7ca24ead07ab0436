//! Probabilities to learn: `?0.3::noisy(x)`, `?::noisy(x)`, `{?0.2::a(); ?0.8::b()}`.
//!
//! Each is one parameter, of all bindings of its rule and of all rules that `or` splits it into. Those of a statement
//! are a set: members of an exclusive one have a total to share.

use nsdl_ir::{Diagnostic, Exclusive, Learned, LearnedSet};
use nsdl_syntax::ast::{Atom, Expr, ExprKind, Name};
use nsdl_syntax::format::atom_text;

use super::Desugar;
use crate::mentions;

/// How far from 1 the sum of an exclusive set may be that always sums to 1.
const TOLERANCE: f64 = 1e-9;

/// A statement with tags.
pub(super) struct Statement<'n> {
    kind: &'static str,
    relation: &'n Name,
    exclusive: bool,
}

impl<'n> Statement<'n> {
    pub fn fact(relation: &'n Name, exclusive: bool) -> Self {
        let kind = "fact";
        Statement {
            kind,
            relation,
            exclusive,
        }
    }

    pub fn rule(relation: &'n Name, exclusive: bool) -> Self {
        let kind = "rule";
        Statement {
            kind,
            relation,
            exclusive,
        }
    }
}

/// A tag, the text of what it is the probability of, and its weight.
pub(super) type Member<'m, 'a> = (Option<&'a Expr>, &'m dyn Fn() -> String, f64);

/// Whether a tag is to be learned.
pub(super) fn is_learned(tag: &Option<Expr>) -> bool {
    tag.as_ref().is_some_and(is_marked)
}

/// Whether a tag is `?` without a first value.
pub(super) fn is_open(tag: &Expr) -> bool {
    matches!(tag.kind, ExprKind::Learned(None))
}

fn is_marked(tag: &Expr) -> bool {
    matches!(tag.kind, ExprKind::Learned(_))
}

impl<'a> Desugar<'a> {
    /// The number of the parameter of each member; registers them.
    pub(super) fn learn(
        &mut self,
        statement: Statement<'_>,
        members: &[Member<'_, 'a>],
    ) -> Vec<Option<u32>> {
        let start = self.program.parameters.len();
        let mut numbers = Vec::with_capacity(members.len());
        let (mut learned, mut fixed) = (0.0, 0.0);
        for (tag, name, weight) in members {
            let Some(tag) = tag.filter(|tag| is_marked(tag)) else {
                fixed += weight;
                numbers.push(None);
                continue;
            };
            learned += weight;
            if !(*weight > 0.0 && *weight < 1.0) {
                self.diagnostics.push(
                    Diagnostic::error("E0552", "a probability to learn begins between 0 and 1")
                        .label(
                            tag.span,
                            "is certain from the start, and nothing can change it",
                        )
                        .help("write `?0.9` or `?0.1`, or leave the `?` out"),
                );
            }
            numbers.push(Some(self.program.parameters.len() as u32));
            let name = self.parameter_name(name());
            self.program.parameters.push(Learned {
                name,
                span: tag.span,
                initial: *weight,
            });
        }
        let end = self.program.parameters.len();
        if end > start {
            let name = self.set_name(&statement);
            self.program.parameter_sets.push(LearnedSet {
                name,
                start: start as u32,
                end: end as u32,
                exclusive: statement.exclusive.then_some(Exclusive {
                    total: 1.0 - fixed,
                    open: learned + fixed < 1.0 - TOLERANCE,
                }),
            });
        }
        numbers
    }

    /// The parameters of the heads of a rule: of a disjunctive head one per alternative, else one for all.
    pub(super) fn learn_rule(
        &mut self,
        tag: Option<&'a Expr>,
        alternatives: &[(Option<&'a Expr>, &'a Atom)],
        disjunctive: bool,
    ) -> Vec<Option<u32>> {
        let tags = alternatives.iter().filter_map(|(tag, _)| *tag).chain(tag);
        if !tags.clone().any(is_marked) {
            return Vec::new();
        }
        let mut constant = true;
        for tag in tags.filter(|tag| is_marked(tag)) {
            constant &= self.is_constant_tag(tag);
        }
        let Some((_, first)) = alternatives.first().filter(|_| constant) else {
            return Vec::new();
        };
        if let (Some(outer), true) = (tag, disjunctive) {
            self.diagnostics.push(
                Diagnostic::error("E0553", "a tag before alternatives cannot be learned, nor scale what is")
                    .label(outer.span, "this tag")
                    .help("tag the alternatives: `{?0.2::a(x); ?0.3::b(x)} = …`; what is missing to 1 goes to none of them"),
            );
            return Vec::new();
        }
        let share = 1.0 / alternatives.len() as f64;
        let names: Vec<_> = alternatives
            .iter()
            .map(|(_, atom)| move || atom_text(&atom.relation.text, &atom.args))
            .collect();
        let mut members: Vec<Member<'_, 'a>> = Vec::new();
        for ((own, _), name) in alternatives.iter().zip(&names) {
            let tag = if disjunctive { *own } else { tag };
            let given = tag.filter(|tag| !(disjunctive && is_open(tag)));
            let weight = match given {
                // Of alternatives that are not learned the weight may depend on variables: it is not reported here.
                Some(tag) if is_marked(tag) => self.probability(tag).unwrap_or(share),
                Some(tag) => self.known(tag).unwrap_or(0.0),
                None => share,
            };
            members.push((tag, name, weight));
            if !disjunctive {
                break;
            }
        }
        self.learn(Statement::rule(&first.relation, disjunctive), &members)
    }

    /// E0554 for a first value with variables.
    fn is_constant_tag(&mut self, tag: &'a Expr) -> bool {
        let mut variables = mentions::Mentions::default();
        let is_constant = |name: &str| self.names.is_constant(name);
        mentions::expr(tag, &is_constant, &mut variables);
        let Some((name, span)) = variables.first() else {
            return true;
        };
        self.diagnostics.push(
            Diagnostic::error(
                "E0554",
                format!("the first value of a probability to learn depends on `{name}`"),
            )
            .label(*span, "a variable")
            .note("all bindings of a rule share its one parameter")
            .help("write a constant: `?0.5::`, or `?::`"),
        );
        false
    }

    /// The number that a constant tag states.
    fn known(&mut self, tag: &'a Expr) -> Option<f64> {
        let before = self.diagnostics.len();
        let value = self.value(tag, "tag").and_then(|value| value.tag());
        self.diagnostics.truncate(before);
        value
    }

    fn parameter_name(&mut self, name: String) -> String {
        self.untaken(name, " #")
    }

    fn set_name(&mut self, statement: &Statement<'_>) -> String {
        let relation = statement.relation.text.replace('.', "_");
        self.untaken(format!("{}.{relation}", statement.kind), "_")
    }

    /// A name that no parameter or set has, numbered from 2 if need be.
    fn untaken(&mut self, base: String, separator: &str) -> String {
        let mut number = self.taken.get(&base).copied().unwrap_or(1);
        let mut name = base.clone();
        while self.taken.contains_key(&name) {
            number += 1;
            name = format!("{base}{separator}{number}");
        }
        self.taken.insert(base, number);
        self.taken.entry(name.clone()).or_insert(1);
        name
    }
}
