//! Facts and fact sets: every column and tag is a constant expression.

use nsdl_ir::{Diagnostic, SUGGESTIONS, Span, Tag, Type, nearest};
use nsdl_syntax::ast::{Atom, Expr, FactSetMember, Formula, Name, TypeExpr};
use nsdl_syntax::format::atom_text;

use super::learned::{self, Statement};
use super::{Desugar, rule};
use crate::constant::{self, Const, Lookup};
use crate::constructor::Constructor;
use crate::flat::{Fact, Relation};
use crate::mentions;
use crate::resolve::{Host, Names};

/// How far a sum written in text may exceed 1 (SEMANTICS.md 2).
const TOLERANCE: f64 = 1e-9;

/// The body of a rule that is written as a fact: `rel eval(Const(y), y)`.
static ALWAYS: Formula = Formula::And(Vec::new());

impl<'a> Desugar<'a> {
    pub(super) fn fact(&mut self, tag: Option<&'a Expr>, atom: &'a Atom) {
        if atom.args.iter().any(|arg| self.is_open(arg)) || self.is_asked_for(atom) {
            let span = tag.map_or(atom.span, |tag| tag.span.to(atom.span));
            self.derive_heads(span, tag, &[(None, atom)], false, &ALWAYS);
            return;
        }
        let tag_value = tag.and_then(|tag| self.probability(tag));
        let span = tag.map_or(atom.span, |tag| tag.span.to(atom.span));
        let name = || atom_text(&atom.relation.text, &atom.args);
        let learned = self.learn(
            Statement::fact(&atom.relation, false),
            &[(tag, &name, tag_value.unwrap_or(1.0))],
        );
        self.row(
            &atom.relation,
            &atom.args,
            tag_value.map_or(Tag::Certain, Tag::Independent),
            learned.first().copied().flatten(),
            span,
        );
    }

    /// Whether a fact is a rule because it has variables, which who asks for its relation binds.
    fn is_asked_for(&self, atom: &Atom) -> bool {
        let relation = self.names.relation(&atom.relation.text);
        let on_demand = |it: &Relation| !it.demand.is_empty();
        let relations = &self.program.relations;
        relations.get(relation.index()).is_some_and(on_demand) && {
            let mut variables = mentions::Mentions::default();
            let is_constant = |name: &str| self.names.is_constant(name);
            let args = atom.args.iter();
            args.for_each(|arg| mentions::expr(arg, &is_constant, &mut variables));
            !variables.is_empty()
        }
    }

    pub(super) fn fact_set(
        &mut self,
        relation: &Name,
        members: &'a [FactSetMember],
        exclusive: bool,
        span: Span,
    ) {
        let group = self.exclusive_groups;
        self.exclusive_groups += u32::from(exclusive);
        let share = 1.0 / members.len() as f64;
        let mut sum = 0.0;
        let mut tags = Vec::with_capacity(members.len());
        for member in members {
            let given = member.tag.as_ref();
            let given = given.filter(|tag| !(exclusive && learned::is_open(tag)));
            let probability = given.and_then(|tag| self.probability(tag));
            tags.push(match probability {
                _ if exclusive => {
                    let weight = probability.unwrap_or(share);
                    sum += weight;
                    match member.tag {
                        Some(_) => Tag::Exclusive { group, weight },
                        None => Tag::Share { group, weight },
                    }
                }
                Some(probability) => Tag::Independent(probability),
                None => Tag::Certain,
            });
        }
        if exclusive {
            self.diagnostics.extend(sum_above_one(sum, span));
        }
        let learned = self.learn_members(relation, members, &tags, exclusive);
        for ((member, tag), learned) in members.iter().zip(tags).zip(learned) {
            self.row(relation, &member.tuple, tag, learned, member.span);
        }
    }

    fn learn_members(
        &mut self,
        relation: &Name,
        members: &'a [FactSetMember],
        tags: &[Tag],
        exclusive: bool,
    ) -> Vec<Option<u32>> {
        if !members
            .iter()
            .any(|member| learned::is_learned(&member.tag))
        {
            return vec![None; members.len()];
        }
        let names: Vec<_> = members
            .iter()
            .map(|member| move || atom_text(&relation.text, &member.tuple))
            .collect();
        let members: Vec<learned::Member<'_, 'a>> = members
            .iter()
            .zip(&names)
            .zip(tags)
            .map(|((member, name), tag)| {
                let weight = match tag {
                    Tag::Certain => 1.0,
                    Tag::Independent(weight)
                    | Tag::Exclusive { weight, .. }
                    | Tag::Share { weight, .. } => *weight,
                };
                (member.tag.as_ref(), name as &dyn Fn() -> String, weight)
            })
            .collect();
        self.learn(Statement::fact(relation, exclusive), &members)
    }

    /// The facts that the command line makes.
    pub(super) fn argument_facts(&mut self) {
        for fact in self.names.argument_facts() {
            self.program.facts.push(Fact {
                relation: self.names.relation(&fact.relation),
                row: vec![(fact.value.clone(), fact.span)],
                tag: Tag::Certain,
                learned: None,
                span: fact.span,
            });
        }
    }

    fn row(
        &mut self,
        relation: &Name,
        columns: &'a [Expr],
        tag: Tag,
        learned: Option<u32>,
        span: Span,
    ) {
        if columns.iter().any(|column| self.calls_host(column)) {
            return self.computed_fact(relation, columns, tag, learned, span);
        }
        let row: Vec<(Const, Span)> = columns
            .iter()
            .filter_map(|column| Some((self.value(column, "column")?, column.span)))
            .collect();
        if row.len() == columns.len() {
            let relation = self.names.relation(&relation.text);
            self.program.facts.push(Fact {
                relation,
                row,
                tag,
                learned,
                span,
            });
        }
    }

    /// A tag in [0, 1]; `None`, and reported, if it is none.
    pub(super) fn probability(&mut self, tag: &'a Expr) -> Option<f64> {
        let value = self.value(tag, "tag")?;
        rule::probability(&value, tag, self.names, &mut self.diagnostics)
    }

    /// A constant; what else it is, is reported. `place` says where it stands.
    pub(super) fn value(&mut self, expr: &'a Expr, place: &str) -> Option<Const> {
        let mut known = Known {
            names: self.names,
            place,
            suggest: self.diagnostics.len() < SUGGESTIONS,
        };
        constant::fold(expr, &mut known)
            .map_err(|errors| self.diagnostics.extend(errors))
            .ok()
    }
}

/// The names that a fact may use.
struct Known<'n, 'a> {
    names: &'n Names<'a>,
    /// What the expression is, for messages.
    place: &'n str,
    suggest: bool,
}

impl<'a> Lookup<'a> for Known<'_, 'a> {
    fn constant(&mut self, name: &'a str, span: Span) -> Result<Const, Vec<Diagnostic>> {
        match self.names.constant(name) {
            Some(value) => value.cloned().ok_or_else(Vec::new),
            None if self.names.is_plain_constructor(name) => Err(vec![
                Diagnostic::error(
                    "E0401",
                    format!("variable `{name}` is not bound: a fact has no body"),
                )
                .label(span, "without parentheses this is a variable")
                .help(format!("write `{name}()` for the term")),
            ]),
            None => {
                let known = self.names.constant_names().filter(|_| self.suggest);
                Err(vec![variable_in_fact(name, span, self.place, known)])
            }
        }
    }

    fn ty(&mut self, ty: &TypeExpr) -> Result<Type, Vec<Diagnostic>> {
        self.names.look_up_type(ty)
    }

    fn constructor(&mut self, name: &Name) -> Result<Constructor, Vec<Diagnostic>> {
        self.names.constructor_of(name)
    }

    fn host(&self) -> &Host {
        self.names.host()
    }
}

fn variable_in_fact<'n>(
    name: &str,
    span: Span,
    place: &str,
    constants: impl Iterator<Item = &'n str>,
) -> Diagnostic {
    if place == "parameter" {
        return Diagnostic::error("E0211", format!("unknown parameter `{name}`"))
            .label(
                span,
                "neither a constant nor a parameter that is known here",
            )
            .help("`string_join` takes a separator: `string_join<\", \">(…)`");
    }
    let error = Diagnostic::error(
        "E0401",
        format!("variable `{name}` is not bound: a fact has no body"),
    )
    .label(span, format!("the {place} of a fact is a constant"));
    match nearest(name, constants) {
        Some(constant) => error.help(format!("did you mean the constant `{constant}`?")),
        None if place == "tag" => error.help(format!("declare it: `const {name} = 0.5`")),
        None => error.help(format!(
            "write \"{name}\" in quotes if it is text, declare `const {name} = …`, add a body: `… = p({name})`, or let who asks give it, by `@demand(\"b…\")`"
        )),
    }
}

/// E0502 unless `probability` is in [0, 1].
pub(super) fn outside_unit(probability: f64, span: Span) -> Option<Diagnostic> {
    if (0.0..=1.0).contains(&probability) {
        return None;
    }
    let text = nsdl_ir::format_float(probability, probability.is_finite());
    Some(
        Diagnostic::error(
            "E0502",
            format!("the probability {text} is not between 0 and 1"),
        )
        .label(span, "not a probability"),
    )
}

/// E0503 if the alternatives of one choice weigh more than 1.
pub(super) fn sum_above_one(sum: f64, span: Span) -> Option<Diagnostic> {
    if sum <= 1.0 + TOLERANCE || !sum.is_finite() {
        return None;
    }
    // Ten digits: no noise of the addition, yet never "1".
    let sum = format!("{sum:.10}");
    let sum = sum.trim_end_matches('0').trim_end_matches('.');
    Some(
        Diagnostic::error(
            "E0503",
            format!("these alternatives exclude each other, but sum to {sum}"),
        )
        .label(span, format!("sums to {sum}, above 1"))
        .note("alternatives without a tag weigh 1/n each, where n is the number of alternatives")
        .help("lower the probabilities, or separate the tuples by `,` if they are independent"),
    )
}
