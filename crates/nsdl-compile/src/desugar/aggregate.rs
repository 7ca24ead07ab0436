//! Aggregates: `results := operator[arguments](bindings: body where keys: groups)`.
//!
//! The body becomes the rules of a relation of members with columns `[keys…, arguments…, values…]`, the
//! `where` part those of a relation of groups, and the aggregate an atom over the relation that it fills.
//! `exists(…)` as a formula needs no aggregate: it is an atom, or the absence of one, over the projection
//! of its members to the keys. `forall(…)` is the absence of a counterexample. Without `where` the keys are the variables of the body that the aggregate
//! does not bind and that are also used outside it.

use nsdl_ir::{Aggregate as Reduction, AggregateOp, BinaryOp, Diagnostic, RelationId, Span};
use nsdl_syntax::ast::{Aggregate, Formula, Name};

use super::negation::Condition;
use super::parameters::Parameters;
use super::{Desugar, Scope};
use crate::flat::{Argument, ArgumentKind, Head, Literal, Term, TermKind};
use crate::mentions::{self, Mentions};
use crate::reduce;

/// The relations that stand for an aggregate.
#[derive(Clone, Copy)]
pub(super) struct Lowered {
    /// Columns `[keys…, results…]`, or `[keys…]` for `exists(…)` as a formula.
    output: RelationId,
    /// Columns `[keys…]`, with `where`.
    groups: Option<RelationId>,
}

/// Which variables an aggregate uses how.
struct Roles<'a> {
    op: AggregateOp,
    keys: Mentions<'a>,
    arguments: Mentions<'a>,
    values: Mentions<'a>,
    parameters: Parameters,
}

impl<'a> Desugar<'a> {
    /// An aggregate in a body. `outside` tells whether a variable is used in the rule outside of it;
    /// `leaves` are the conditions beside it.
    pub(super) fn aggregate(
        &mut self,
        aggregate: &'a Aggregate,
        negated: bool,
        outside: &dyn Fn(&str) -> bool,
        leaves: &[Condition<'a>],
        scope: &mut Scope<'a>,
    ) {
        let Some(roles) = self.roles(aggregate, outside) else {
            return;
        };
        let formula = aggregate.results.is_empty();
        let forall = reduce::is_forall(aggregate);
        let name = roles.op.name();
        if formula && roles.op != AggregateOp::Exists {
            self.diagnostics.push(
                Diagnostic::error(
                    "E0208",
                    format!("`{name}` gives a value, which nothing takes"),
                )
                .label(aggregate.span, "not true or false")
                .help(format!("write `n := {name}(…)`")),
            );
            return;
        }
        if formula && aggregate.single_world {
            self.diagnostics.push(
                Diagnostic::error(
                    "E0208",
                    format!("`{name}!` gives a value, which nothing takes"),
                )
                .label(aggregate.span, "disregards how likely its members are")
                .help(format!("write `b := {name}!(…), b`, or leave the `!` out")),
            );
            return;
        }
        let expected = reduce::results(roles.op, roles.arguments.len(), roles.values.len());
        if !formula && expected != aggregate.results.len() {
            let given = aggregate.results.len();
            let variables = if given == 1 { "variable" } else { "variables" };
            self.diagnostics.push(
                Diagnostic::error(
                    "E0208",
                    format!("`{name}` gives {expected} here, not {given}"),
                )
                .label(aggregate.span, format!("{given} {variables} before `:=`"))
                .help(format!("write `{}`", reduce::form(roles.op))),
            );
            return;
        }
        // What predicates need is often bound outside.
        let outside = forall || negated || self.computes(&aggregate.body);
        let beside = if outside { leaves } else { &[] };
        let lowered = self.lower(aggregate, &roles, formula, beside);
        let span = aggregate.span;
        let keys: Vec<Argument> = roles
            .keys
            .iter()
            .map(|(name, span)| Argument {
                kind: ArgumentKind::Slot(scope.slot(name, *span)),
                span: *span,
            })
            .collect();
        if formula && let Some(relation) = lowered.groups {
            scope.push(Literal::Atom {
                relation,
                args: keys.clone(),
                span,
            });
        }
        let (relation, mut args) = (lowered.output, keys);
        if forall && let [result] = aggregate.results.as_slice() {
            // `b := forall(…)`: whether there is a counterexample, and `b` is the opposite.
            let found = Argument {
                kind: ArgumentKind::Slot(scope.fresh("_", span)),
                span,
            };
            let result = self.argument(result, scope);
            if let Some((left, right)) = Option::<Term>::from(&result).zip(Option::from(&found)) {
                let right = super::opposite(right);
                let kind = TermKind::Binary(BinaryOp::Equal, Box::new(left), Box::new(right));
                scope
                    .equations
                    .push(Literal::Constraint(Term { kind, span }));
            }
            args.push(found);
        } else {
            args.extend(self.arguments(&aggregate.results, scope));
        }
        scope.push(match formula && negated != forall {
            true => Literal::Absent {
                relation,
                args,
                span,
            },
            false => Literal::Atom {
                relation,
                args,
                span,
            },
        });
    }

    /// `rel n = count(o: obj(o))`
    pub(super) fn aggregate_rule(
        &mut self,
        span: Span,
        relation: &'a Name,
        aggregate: &'a Aggregate,
    ) {
        let Some(roles) = self.roles(aggregate, &|_| false) else {
            return;
        };
        let lowered = self.lower(aggregate, &roles, false, &[]);
        let mut scope = Scope::default();
        let any = |kind| Argument {
            kind,
            span: aggregate.span,
        };
        let mut args = vec![any(ArgumentKind::Any); roles.keys.len()];
        let mut columns = Vec::new();
        for _ in 0..reduce::results(roles.op, roles.arguments.len(), roles.values.len()) {
            let argument = any(ArgumentKind::Slot(scope.fresh("_", aggregate.span)));
            let column = Option::<Term>::from(&argument);
            columns.extend(match reduce::is_forall(aggregate) {
                true => column.map(super::opposite),
                false => column,
            });
            args.push(argument);
        }
        scope.push(Literal::Atom {
            relation: lowered.output,
            args,
            span: aggregate.span,
        });
        let relation = self.names.relation(&relation.text);
        let head = Head {
            relation,
            args: columns,
            alternative: 0,
            guards: Vec::new(),
        };
        self.program
            .clauses
            .push(scope.clause(span, vec![head], None));
    }

    /// Tells keys, arguments and values apart; `None`, and reported, if they do not fit the operator.
    fn roles(
        &mut self,
        aggregate: &'a Aggregate,
        outside: &dyn Fn(&str) -> bool,
    ) -> Option<Roles<'a>> {
        let errors = self.diagnostics.len();
        // Over its counterexamples, `forall` is the opposite of `exists`.
        let op = match reduce::is_forall(aggregate) {
            true => AggregateOp::Exists,
            false => reduce::find(&aggregate.operator, self.names.host())
                .map_err(|error| self.diagnostics.push(error))
                .ok()?,
        };
        let mut bound = Mentions::default();
        let arguments = self.bound(&aggregate.arguments, &mut bound);
        let mut values = self.bound(&aggregate.bindings, &mut bound);
        let mut free = mentions::free(aggregate, &|name| self.names.is_constant(name));
        let keys = match &aggregate.groups {
            Some((keys, _)) => {
                let keys = self.bound(keys, &mut bound);
                free.retain(|name, _| !keys.contains_key(name));
                if !aggregate.bindings.is_empty() {
                    for (name, span) in free.iter().filter(|(name, _)| outside(name)) {
                        self.diagnostics.push(same_name(name, *span, aggregate));
                    }
                }
                keys
            }
            None => {
                let (keys, rest): (Mentions, Mentions) =
                    free.into_iter().partition(|(name, _)| outside(name));
                free = rest;
                keys
            }
        };
        if aggregate.bindings.is_empty() {
            values =
                mentions::without_hidden(free, aggregate, &|name| self.names.is_constant(name));
        }
        if reduce::is_forall(aggregate) {
            values.clear();
        }
        if let Err(error) = reduce::check(op, aggregate, values.len()) {
            self.diagnostics.push(error);
        }
        let parameters = self.parameters(op, aggregate);
        let failed = self
            .diagnostics
            .iter()
            .skip(errors)
            .any(Diagnostic::is_error);
        (!failed).then_some(Roles {
            op,
            keys,
            arguments,
            values,
            parameters,
        })
    }

    /// Variables that an aggregate binds: all different, and no constants.
    fn bound(&mut self, names: &'a [Name], bound: &mut Mentions<'a>) -> Mentions<'a> {
        let mut own = Mentions::default();
        for name in names {
            let text = name.text.as_str();
            if self.names.is_constant(text) {
                self.diagnostics.push(
                    Diagnostic::error(
                        "E0209",
                        format!("`{text}` is a constant, an aggregate cannot bind it"),
                    )
                    .label(name.span, "a constant")
                    .help("choose another name for the variable"),
                );
            } else if let Some(first) = bound.get(text) {
                self.diagnostics.push(
                    Diagnostic::error("E0208", format!("the aggregate binds `{text}` twice"))
                        .label(name.span, "again here")
                        .label(*first, "first here"),
                );
            } else {
                bound.insert(text, name.span);
                own.insert(text, name.span);
            }
        }
        own
    }

    /// The relations of an aggregate. Keys that its body does not bind may be bound by atoms `beside` it.
    fn lower(
        &mut self,
        aggregate: &'a Aggregate,
        roles: &Roles<'a>,
        formula: bool,
        beside: &[Condition<'a>],
    ) -> Lowered {
        // The tree lives as long as this pass, so its addresses tell its parts apart.
        let address = std::ptr::from_ref(aggregate) as usize;
        let known = (address, roles.keys.keys().copied().collect::<Vec<_>>());
        if let Some(lowered) = self.aggregates.get(&known) {
            return *lowered;
        }
        let Roles {
            op,
            keys,
            arguments,
            values,
            parameters,
        } = roles;
        let span = aggregate.span;
        let text = |columns: &Mentions| columns.keys().copied().collect::<Vec<_>>().join(", ");
        let mut name = aggregate.operator.text.clone();
        if aggregate.single_world {
            name.push('!');
        }
        if !arguments.is_empty() {
            name.push_str(&format!("[{}]", text(arguments)));
        }
        name.push_str(&match values.is_empty() {
            true => "(…)".to_owned(),
            false => format!("({}: …)", text(values)),
        });
        let forall = reduce::is_forall(aggregate);
        let mut own = true;
        let group_body = match (&aggregate.groups, &*aggregate.body) {
            (Some((_, body)), _) => Some(&**body),
            // A group of `b := forall(…)` exists where its premise holds for something.
            (None, Formula::Implies { premise, .. }) if forall && !formula && !keys.is_empty() => {
                Some(&**premise)
            }
            _ => None,
        };
        let groups = group_body.map(|body| {
            let groups = self.auxiliary(format!("groups of {name}"), keys.len(), span);
            let body = Condition {
                formula: body,
                not: None,
            };
            let beside = if aggregate.groups.is_some() {
                &[]
            } else {
                beside
            };
            own &= !self.derive(groups, keys.clone(), body, None, beside, span);
            groups
        });
        let body = Condition {
            formula: &aggregate.body,
            not: forall.then_some(span),
        };
        let known_groups = groups.map(|groups| (groups, keys));
        let mut columns = keys.clone();
        let output = if formula {
            let output = self.auxiliary(name, columns.len(), span);
            own &= !self.derive(output, columns, body, known_groups, beside, span);
            self.stated_variables(&aggregate.types, output);
            output
        } else {
            columns.extend(
                arguments
                    .iter()
                    .chain(values)
                    .map(|(name, span)| (*name, *span)),
            );
            let members = self.auxiliary(format!("members of {name}"), columns.len(), span);
            own &= !self.derive(members, columns, body, known_groups, beside, span);
            self.stated_variables(&aggregate.types, members);
            let width = keys.len() + reduce::results(*op, arguments.len(), values.len());
            let output = self.auxiliary(name, width, span);
            let (op, keys, arguments) = (*op, keys.len() as u32, arguments.len() as u32);
            self.program.aggregates.push(Reduction {
                span,
                op,
                members,
                groups,
                output,
                keys,
                arguments,
                single_world: aggregate.single_world,
                separator: parameters.separator.clone(),
                all: parameters.all,
                ascending: parameters.ascending,
                count: parameters.count,
            });
            output
        };
        let lowered = Lowered { output, groups };
        if own {
            self.aggregates.insert(known, lowered);
        }
        lowered
    }

    /// Rules that fill an auxiliary relation from a formula. Columns that the formula does not bind range over
    /// the possible `groups`, whose probability counts where the group does, or over what atoms `beside` the formula bind them to; whether that was so.
    pub(super) fn derive(
        &mut self,
        relation: RelationId,
        columns: Mentions<'a>,
        body: Condition<'a>,
        groups: Option<(RelationId, &Mentions<'a>)>,
        beside: &[Condition<'a>],
        span: Span,
    ) -> bool {
        let mut bound_outside = false;
        let mut possible = None;
        let total = self.total(body.formula, &columns);
        for leaves in self.splits(body, &total, span) {
            let mut scope = self.body(&leaves, &columns, &total, false);
            if let Some((groups, keys)) = groups {
                let args: Vec<Argument> = keys
                    .iter()
                    .map(|(name, span)| Argument {
                        kind: ArgumentKind::Slot(scope.slot(name, *span)),
                        span: *span,
                    })
                    .collect();
                if !args.iter().all(|arg| in_atom(arg, &scope.body)) {
                    let relation = match possible {
                        Some(relation) => relation,
                        None => self.possible("possible groups".into(), groups, keys.len(), span),
                    };
                    possible = Some(relation);
                    scope.push(Literal::Atom {
                        relation,
                        args,
                        span,
                    });
                }
            }
            bound_outside |= self.bind_outside(&columns, beside, &mut scope);
            let args = columns
                .iter()
                .map(|(name, span)| Term {
                    kind: TermKind::Slot(scope.slot(name, *span)),
                    span: *span,
                })
                .collect();
            let head = Head {
                relation,
                args,
                alternative: 0,
                guards: Vec::new(),
            };
            self.program
                .clauses
                .push(scope.clause(span, vec![head], None));
        }
        bound_outside
    }
}

/// Whether a positive atom binds the slot of `argument`.
pub(super) fn in_atom(argument: &Argument, body: &[Literal]) -> bool {
    let ArgumentKind::Slot(slot) = argument.kind else {
        return true;
    };
    body.iter().any(|literal| match literal {
        Literal::Atom { args, .. } => args
            .iter()
            .any(|arg| matches!(arg.kind, ArgumentKind::Slot(other) if other == slot)),
        _ => false,
    })
}

/// W0202.
fn same_name(name: &str, span: Span, aggregate: &Aggregate) -> Diagnostic {
    let message = format!("`{name}` in this aggregate is not the `{name}` outside");
    Diagnostic::warning("W0202", message)
        .label(span, "a variable of the aggregate alone")
        .label(
            aggregate.operator.span,
            "with `where`, only its variables are shared with the rule",
        )
        .help(format!(
            "add `{name}` to the variables after `where`, or rename it"
        ))
}
