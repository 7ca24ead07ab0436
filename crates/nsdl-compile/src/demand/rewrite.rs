//! The program with guards, and clauses for what is asked for.

use std::collections::BTreeSet;

use nsdl_ir::{RelationId, Slot, Span, Tag, Type};

use super::Pattern;
use super::limits::Limits;
use super::requests::{Request, Requests};
use super::sips::{self, Passed, arguments};
use super::variant::Variant;
use crate::flat::{
    Argument, ArgumentKind, Clause, Fact, Head, Literal, Program, Relation, Term, TermKind,
    Variable,
};
use crate::infer::Types;

/// The program that computes what is asked for; its facts stay with `program`.
pub(super) fn rewrite(
    program: &Program,
    types: &Types,
    requests: &Requests<'_>,
    limits: &Limits,
) -> (Program, Types) {
    let mut rewrite = Rewrite {
        requests,
        limits,
        program: Program {
            relations: program.relations.clone(),
            facts: Vec::new(),
            clauses: program.clauses.clone(),
            aggregates: program.aggregates.clone(),
            queries: program.queries.clone(),
            evidence: program.evidence.clone(),
            parameters: program.parameters.clone(),
            parameter_sets: program.parameter_sets.clone(),
            extents: program.extents.clone(),
        },
        types: types.clone(),
    };
    rewrite.relations();
    for (number, clause) in program.clauses.iter().enumerate() {
        for (head, target) in clause.heads.iter().enumerate() {
            let guards = requests.guards(number, target);
            if let Some(clause) = rewrite.program.clauses.get_mut(number)
                && let Some(head) = clause.heads.get_mut(head)
            {
                head.guards = guards;
            }
        }
        for variant in requests.variants(number) {
            rewrite.asks(&variant);
        }
    }
    rewrite.aggregates(program);
    rewrite.facts(program);
    (rewrite.program, rewrite.types)
}

struct Rewrite<'p, 'r> {
    requests: &'r Requests<'p>,
    limits: &'r Limits,
    program: Program,
    types: Types,
}

impl Rewrite<'_, '_> {
    /// The demand relations, in the order of [`Requests::demands`].
    fn relations(&mut self) {
        for number in 0..self.types.columns.len() {
            let relation = RelationId::new(number);
            let Request::On(patterns) = self.requests.asked(relation) else {
                continue;
            };
            for pattern in patterns {
                let columns = &self.types.columns[number];
                let bound = pattern.columns().filter_map(|column| columns.get(column));
                let columns: Vec<_> = bound.copied().collect();
                let asked = &self.program.relations[number];
                let demand = Relation {
                    certain: true,
                    ..Relation::auxiliary(
                        format!("demand {pattern} of {}", asked.name),
                        columns.len(),
                        asked.span,
                    )
                };
                self.program.relations.push(demand);
                self.types.columns.push(columns);
            }
        }
    }

    /// The clauses for what a variant asks for.
    fn asks(&mut self, variant: &Variant<'_>) {
        let passing = self.requests.pass(variant);
        for (position, passed) in passing.steps.iter().enumerate() {
            let Some(pattern) = self.requests.pattern(variant.head, passed) else {
                continue;
            };
            let (Literal::Atom { relation, .. } | Literal::Absent { relation, .. }) =
                passed.literal
            else {
                continue;
            };
            let Some(demand) = self.requests.demand(*relation, &pattern) else {
                continue;
            };
            let args = arguments(passed.literal);
            let bound = pattern.columns().filter_map(|column| args.get(column));
            let args: Vec<&Argument> = bound.collect();
            if let Some(guard) = &variant.guard
                && let Literal::Atom {
                    relation,
                    args: guarded,
                    ..
                } = &guard.atom
                && *relation == demand
                && same(guarded, &args)
            {
                // It asks for what it is asked for itself.
                continue;
            }
            let args: Vec<Term> = args.into_iter().filter_map(Option::from).collect();
            let mut body: Vec<Literal> = Vec::new();
            body.extend(variant.guard.iter().map(|guard| guard.atom.clone()));
            let before = &passing.steps[..position];
            // Automatic demand hangs on constants; what does not is another join.
            let all = !self.requests.is_plain(*relation);
            let before = before.iter().filter(|passed| all || passed.connected);
            let before: Vec<&Passed<'_>> = match self.limits.lean[relation.index()] {
                false => before.collect(),
                true => binders(before.collect(), &args),
            };
            body.extend(before.into_iter().map(|passed| passed.literal.clone()));
            let head = demand_head(demand, args);
            let slots = variant.slots.clone();
            self.clause(variant.clause, slots, body, head);
        }
    }

    fn clause(&mut self, origin: &Clause, slots: Vec<Type>, body: Vec<Literal>, head: Head) {
        let mut used: Vec<Slot> = body.iter().flat_map(sips::slots).collect();
        head.args
            .iter()
            .for_each(|arg| arg.slots(&mut |slot, _| used.push(slot)));
        // Slots keep their numbers, so that an expression that fails here and in the rule counts once.
        let variable = |slot: usize| {
            let known = origin.variables.get(slot).cloned();
            known
                .filter(|_| used.contains(&Slot::new(slot)))
                .unwrap_or_else(|| wildcard(origin.span))
        };
        let variables = (0..slots.len()).map(variable).collect();
        self.program.clauses.push(Clause {
            span: origin.span,
            variables,
            body,
            heads: vec![head],
            choice: None,
            makes: Vec::new(),
        });
        self.types.variables.push(slots);
    }

    /// Who asks for a result asks for the members of its group.
    fn aggregates(&mut self, program: &Program) {
        for aggregate in &program.aggregates {
            let parts = [Some(aggregate.members), aggregate.groups];
            for part in parts.into_iter().flatten() {
                let Request::On(served) = self.requests.asked(part) else {
                    continue;
                };
                let columns = served.iter().next().map_or(0, Pattern::len);
                if let (true, Some(groups)) =
                    (self.requests.groups_ask(aggregate, part), aggregate.groups)
                {
                    let keys = Pattern::new((0..columns).map(|it| it < aggregate.keys as usize));
                    self.pass_on(aggregate.span, groups, &keys, part, served);
                } else if let Request::On(patterns) = self.requests.asked(aggregate.output) {
                    for pattern in patterns {
                        let from = self.requests.demand(aggregate.output, pattern);
                        if let Some(from) = from {
                            let wanted = pattern.resized(columns);
                            self.pass_on(aggregate.span, from, &wanted, part, served);
                        }
                    }
                }
            }
        }
    }

    /// `demand of to(x) = from(x, y)`: `from` has the columns that `wanted` binds, in order.
    fn pass_on(
        &mut self,
        span: Span,
        from: RelationId,
        wanted: &Pattern,
        to: RelationId,
        served: &BTreeSet<Pattern>,
    ) {
        let serving = served.iter().find(|pattern| pattern.serves(wanted));
        let Some((demand, serving)) =
            serving.and_then(|pattern| Some((self.requests.demand(to, pattern)?, pattern)))
        else {
            return;
        };
        let slot = |slot: usize| Argument {
            kind: ArgumentKind::Slot(Slot::new(slot)),
            span,
        };
        let columns = self.types.columns.get(from.index()).cloned();
        let columns = columns.unwrap_or_default();
        let passed = wanted.columns().enumerate();
        let passed = passed
            .filter(|(_, column)| serving.bound(*column))
            .filter_map(|(position, _)| Option::from(&slot(position)));
        self.program.clauses.push(Clause {
            span,
            variables: columns.iter().map(|_| wildcard(span)).collect(),
            body: vec![Literal::Atom {
                relation: from,
                args: (0..columns.len()).map(slot).collect(),
                span,
            }],
            heads: vec![demand_head(demand, passed.collect())],
            choice: None,
            makes: Vec::new(),
        });
        self.types.variables.push(columns);
    }

    /// Uncertain facts of a relation on demand are shown, so they are asked for: what else may derive them counts.
    fn facts(&mut self, program: &Program) {
        let uncertain = |fact: &&Fact| fact.tag != Tag::Certain;
        for fact in program.facts.iter().filter(uncertain) {
            let Some(relation) = program.relations.get(fact.relation.index()) else {
                continue;
            };
            for pattern in &relation.demand {
                let Some(demand) = self.requests.demand(fact.relation, pattern) else {
                    continue;
                };
                let cells = pattern.columns().filter_map(|column| fact.row.get(column));
                let args = cells.map(|(value, span)| Term {
                    kind: TermKind::Const(value.clone()),
                    span: *span,
                });
                self.program.clauses.push(Clause {
                    span: fact.span,
                    variables: Vec::new(),
                    body: Vec::new(),
                    heads: vec![demand_head(demand, args.collect())],
                    choice: None,
                    makes: Vec::new(),
                });
                self.types.variables.push(Vec::new());
            }
        }
    }
}

fn demand_head(relation: RelationId, args: Vec<Term>) -> Head {
    Head {
        relation,
        args,
        alternative: 0,
        guards: Vec::new(),
    }
}

fn wildcard(span: Span) -> Variable {
    Variable {
        name: "_".into(),
        span,
        stated: Vec::new(),
    }
}

/// Of the literals before, those that bind `args`, and conditions on what these mention.
fn binders<'s, 'p>(before: Vec<&'s Passed<'p>>, args: &[Term]) -> Vec<&'s Passed<'p>> {
    let mut wanted: Vec<Slot> = Vec::new();
    args.iter()
        .for_each(|arg| arg.slots(&mut |slot, _| wanted.push(slot)));
    let mut lost: Vec<Slot> = Vec::new();
    let mut kept: Vec<&Passed<'p>> = Vec::new();
    for passed in before.into_iter().rev() {
        let is_condition = matches!(
            passed.literal,
            Literal::Constraint(_) | Literal::Range(_) | Literal::Foreign { .. }
        );
        if passed.binds.iter().any(|slot| wanted.contains(slot)) {
            wanted.extend(sips::slots(passed.literal));
            kept.push(passed);
        } else if is_condition && passed.binds.is_empty() {
            kept.push(passed);
        } else {
            lost.extend(&passed.binds);
        }
    }
    kept.retain(|passed| {
        !sips::slots(passed.literal)
            .iter()
            .any(|slot| lost.contains(slot))
    });
    kept.reverse();
    kept
}

fn same(guarded: &[Argument], args: &[&Argument]) -> bool {
    use crate::flat::ArgumentKind::{Const, Slot};
    guarded.len() == args.len()
        && guarded
            .iter()
            .zip(args)
            .all(|(guarded, arg)| match (&guarded.kind, &arg.kind) {
                (Slot(one), Slot(other)) => one == other,
                (Const(one), Const(other)) => one == other,
                _ => false,
            })
}
