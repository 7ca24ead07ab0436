//! Aggregates: `results := operator[arguments](bindings: body where keys: groups)`.
//!
//! The body becomes the rules of a relation of members with columns `[keys…, arguments…, values…]`, the
//! `where` part those of a relation of groups, and the aggregate an atom over the relation that it fills.
//! `exists(…)` as a formula needs no aggregate: it is an atom, or the absence of one, over the projection
//! of its members to the keys. Without `where` the keys are the variables of the body that the aggregate
//! does not bind and that are also used outside it.

use nsdl_ir::{Aggregate as Reduction, AggregateOp, Diagnostic, RelationId, Span};
use nsdl_syntax::ast::{Aggregate, Formula, Name};

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
}

impl<'a> Desugar<'a> {
    /// An aggregate in a body. `outside` tells whether a variable is used in the rule outside of it.
    pub(super) fn aggregate(
        &mut self,
        aggregate: &'a Aggregate,
        outside: &dyn Fn(&str) -> bool,
        scope: &mut Scope<'a>,
    ) {
        let Some(roles) = self.roles(aggregate, outside) else {
            return;
        };
        let formula = aggregate.results.is_empty();
        let name = reduce::name(roles.op);
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
        let expected = reduce::results(roles.op, roles.arguments.len(), roles.values.len());
        if !formula && expected != aggregate.results.len() {
            let given = aggregate.results.len();
            self.diagnostics.push(
                Diagnostic::error("E0208", format!("`{name}` gives {expected} here, not {given} values"))
                    .label(aggregate.span, format!("{given} variables before `:=`"))
                    .help("`min` and `max` give the variables in brackets, then those before the colon; `argmin` and `argmax` those in brackets"),
            );
            return;
        }
        let lowered = self.lower(aggregate, &roles, formula);
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
        args.extend(self.arguments(&aggregate.results, scope));
        scope.push(match aggregate.negated && formula {
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
        let lowered = self.lower(aggregate, &roles, false);
        let mut scope = Scope::default();
        let any = |kind| Argument {
            kind,
            span: aggregate.span,
        };
        let mut args = vec![any(ArgumentKind::Any); roles.keys.len()];
        let mut columns = Vec::new();
        for _ in 0..reduce::results(roles.op, roles.arguments.len(), roles.values.len()) {
            let argument = any(ArgumentKind::Slot(scope.fresh("_", aggregate.span)));
            columns.extend(Option::<Term>::from(&argument));
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
        let op = reduce::find(&aggregate.operator)
            .map_err(|error| self.diagnostics.push(error))
            .ok()?;
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
            values = free;
        }
        if let Err(error) = reduce::check(op, aggregate, values.len()) {
            self.diagnostics.push(error);
        }
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

    fn lower(&mut self, aggregate: &'a Aggregate, roles: &Roles<'a>, formula: bool) -> Lowered {
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
        } = roles;
        let span = aggregate.span;
        let text = |columns: &Mentions| columns.keys().copied().collect::<Vec<_>>().join(", ");
        let mut name = reduce::name(*op).to_owned();
        if !arguments.is_empty() {
            name.push_str(&format!("[{}]", text(arguments)));
        }
        name.push_str(&match values.is_empty() {
            true => "(…)".to_owned(),
            false => format!("({}: …)", text(values)),
        });
        let groups = aggregate.groups.as_ref().map(|(_, body)| {
            let groups = self.auxiliary(format!("groups of {name}"), keys.len(), span);
            self.derive(groups, keys.clone(), body, None, span);
            groups
        });
        let known_groups = groups.map(|groups| (groups, keys));
        let mut columns = keys.clone();
        let output = if formula {
            let output = self.auxiliary(name, columns.len(), span);
            self.derive(output, columns, &aggregate.body, known_groups, span);
            output
        } else {
            columns.extend(
                arguments
                    .iter()
                    .chain(values)
                    .map(|(name, span)| (*name, *span)),
            );
            let members = self.auxiliary(format!("members of {name}"), columns.len(), span);
            self.derive(members, columns, &aggregate.body, known_groups, span);
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
            });
            output
        };
        let lowered = Lowered { output, groups };
        self.aggregates.insert(known, lowered);
        lowered
    }

    /// Rules that fill an auxiliary relation from a formula. Keys that the formula does not bind range over
    /// `groups`.
    fn derive(
        &mut self,
        relation: RelationId,
        columns: Mentions<'a>,
        body: &'a Formula,
        groups: Option<(RelationId, &Mentions<'a>)>,
        span: Span,
    ) {
        for leaves in self.splits(body, span) {
            let mut scope = self.body(&leaves, &columns, false);
            if let Some((relation, keys)) = groups {
                let args: Vec<Argument> = keys
                    .iter()
                    .map(|(name, span)| Argument {
                        kind: ArgumentKind::Slot(scope.slot(name, *span)),
                        span: *span,
                    })
                    .collect();
                if !args.iter().all(|arg| in_atom(arg, &scope.body)) {
                    scope.push(Literal::Atom {
                        relation,
                        args,
                        span,
                    });
                }
            }
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
            };
            self.program
                .clauses
                .push(scope.clause(span, vec![head], None));
        }
    }
}

/// Whether a positive atom binds the slot of `argument`.
fn in_atom(argument: &Argument, body: &[Literal]) -> bool {
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
