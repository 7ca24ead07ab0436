//! Rules that can never fire: for a test that is never true or tests that contradict each other (W0402), or
//! since they wait for themselves (W0404); and tests that are always true (W0403).

use indexmap::IndexMap;
use nsdl_ir::{BinaryOp, Diagnostic, RelationId, Span, Value};
use nsdl_syntax::ast::Item;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::{FxBuildHasher, FxHashSet};

use super::{list, unused, walk, within};
use crate::External;
use crate::constant::Const;
use crate::flat::{Clause, Literal, Program, Term, TermKind};
use crate::resolve::Names;

/// W0402 and W0403.
pub(super) fn tests<'a>(
    items: impl Iterator<Item = &'a Item>,
    names: &Names<'_>,
    program: &Program,
    found: &mut Vec<Diagnostic>,
) {
    // A named constant is a switch: what it turns off is meant to be off.
    let mut switches: Vec<Span> = Vec::new();
    for item in items {
        walk::rule(item, &mut |it| {
            if names.is_constant(it.name) {
                switches.push(it.span);
            }
        });
    }
    switches.sort_unstable();
    let switched = |span: Span| {
        let from = switches.partition_point(|switch| {
            *switch
                < Span {
                    end: span.start,
                    ..span
                }
        });
        let near = switches.iter().skip(from);
        near.take_while(|switch| switch.source == span.source && switch.start <= span.end)
            .any(|switch| within(*switch, span))
    };
    // `or` splits a rule: it can fire if one of its splits can.
    let mut rules: IndexMap<Span, Option<Diagnostic>, FxBuildHasher> = IndexMap::default();
    for clause in &program.clauses {
        let never = never(clause, &switched);
        match rules.get_mut(&clause.span) {
            Some(rule) if never.is_none() => *rule = None,
            Some(_) => {}
            None => drop(rules.insert(clause.span, never)),
        }
        if clause.body.len() > 1 {
            found.extend(clause.body.iter().filter_map(|it| always(it, &switched)));
        }
    }
    found.extend(rules.into_values().flatten());
}

/// Why the body never holds, if that can be seen.
fn never(clause: &Clause, switched: &impl Fn(Span) -> bool) -> Option<Diagnostic> {
    let rule = || Diagnostic::warning("W0402", "this rule can never fire");
    let mut values: IndexMap<u32, (&Const, Span), FxBuildHasher> = IndexMap::default();
    for literal in &clause.body {
        match literal {
            Literal::Constraint(term) if switched(term.span) => {}
            Literal::Constraint(term) => {
                // `rel p() = false` says that nothing is so.
                let only = clause.body.len() == 1 && matches!(term.kind, TermKind::Const(_));
                if truth(term) == Some(false) && !only {
                    let help = "remove the rule, or correct the test";
                    return Some(rule().label(term.span, "never true").help(help));
                }
                let Some((slot, value)) = equation(term) else {
                    continue;
                };
                match values.get(&slot) {
                    Some((other, first)) if differ(other, value) => {
                        let name = clause.variables.get(slot as usize);
                        let name = name.map_or("", |it| it.name.as_str());
                        return Some(
                            rule()
                                .label(term.span, format!("and `{name}` is {} here", value.text()))
                                .label(*first, format!("`{name}` is {} here", other.text()))
                                .help("nothing is both: join alternatives by `or`, or drop one"),
                        );
                    }
                    Some(_) => {}
                    None => drop(values.insert(slot, (value, term.span))),
                }
            }
            Literal::Range(range) if !switched(range.span) => {
                if let (TermKind::Const(low), TermKind::Const(high)) =
                    (&range.low.kind, &range.high.kind)
                    && let (Some(low), Some(high)) = (integer(low), integer(high))
                    && (low > high || low == high && !range.inclusive)
                {
                    let help = "`a..b` counts from a up to b, without b; `a..=b` with it";
                    return Some(rule().label(range.span, "an empty range").help(help));
                }
            }
            _ => {}
        }
    }
    None
}

/// W0403 for a test that is always true.
fn always(literal: &Literal, switched: &impl Fn(Span) -> bool) -> Option<Diagnostic> {
    let Literal::Constraint(term) = literal else {
        return None;
    };
    (truth(term) == Some(true) && !switched(term.span)).then(|| {
        Diagnostic::warning("W0403", "this test is always true")
            .label(term.span, "always true")
            .help("remove it, or compare with what was meant")
    })
}

/// What a test always gives, if that can be seen.
fn truth(term: &Term) -> Option<bool> {
    match &term.kind {
        TermKind::Const(Const::Typed(Value::Bool(value))) => Some(*value),
        TermKind::Binary(op, left, right) => {
            let (TermKind::Slot(left), TermKind::Slot(right)) = (&left.kind, &right.kind) else {
                return None;
            };
            match op {
                _ if left != right => None,
                BinaryOp::Equal | BinaryOp::LessEqual | BinaryOp::GreaterEqual => Some(true),
                BinaryOp::NotEqual | BinaryOp::Less | BinaryOp::Greater => Some(false),
                _ => None,
            }
        }
        _ => None,
    }
}

/// `x == 1`
fn equation(term: &Term) -> Option<(u32, &Const)> {
    let TermKind::Binary(BinaryOp::Equal, left, right) = &term.kind else {
        return None;
    };
    match (&left.kind, &right.kind) {
        (TermKind::Slot(slot), TermKind::Const(value))
        | (TermKind::Const(value), TermKind::Slot(slot)) => Some((slot.0, value)),
        _ => None,
    }
}

fn integer(value: &Const) -> Option<i128> {
    match value {
        Const::Integer(value) | Const::Whole(value) => Some(*value),
        Const::Typed(value) => value.as_i128(),
        Const::Float(_) | Const::Tuple(_) | Const::List(_) | Const::Term(..) => None,
    }
}

/// Whether two values are certainly different; of floats that depends on their type.
fn differ(a: &Const, b: &Const) -> bool {
    match (integer(a), integer(b), a, b) {
        (Some(a), Some(b), ..) => a != b,
        (_, _, Const::Typed(a), Const::Typed(b)) => {
            a.ty() == b.ty() && !a.ty().is_float() && a != b
        }
        _ => false,
    }
}

/// W0404 for each set of relations whose rules wait for each other, with nothing to begin with.
pub(super) fn unfounded<'a>(
    items: impl Iterator<Item = &'a Item>,
    externals: &[External],
    program: &Program,
    found: &mut Vec<Diagnostic>,
) {
    let count = program.relations.len();
    let mut begins = vec![true; count];
    let mut set = |relation: RelationId, value: bool| {
        if let Some(entry) = begins.get_mut(relation.index()) {
            *entry = value;
        }
    };
    for head in program.clauses.iter().flat_map(|clause| &clause.heads) {
        set(head.relation, false);
    }
    for fact in &program.facts {
        set(fact.relation, true);
    }
    // What an attribute says of a relation may be that its facts are elsewhere, and an empty set is meant.
    let mut outside: FxHashSet<&str> = externals.iter().map(|it| it.name.as_str()).collect();
    for item in items {
        outside.extend(unused::filled_elsewhere(item));
    }
    for (entry, relation) in begins.iter_mut().zip(&program.relations) {
        // Terms come with facts and the tuples of rules.
        *entry |=
            relation.certain || !relation.auxiliary && outside.contains(relation.name.as_str());
    }
    let holds = |begins: &[bool], relation: RelationId| {
        begins.get(relation.index()).copied().unwrap_or(true)
    };
    let reads = |clause: &'_ Clause| -> Vec<(RelationId, Span)> {
        let atoms = clause.body.iter().filter_map(|literal| match literal {
            Literal::Atom { relation, span, .. } => Some((*relation, *span)),
            _ => None,
        });
        atoms.collect()
    };
    // An aggregate has a result without members too, or its own members are reported.
    let mut waiting: Vec<&Clause> = program.clauses.iter().collect();
    loop {
        let before = waiting.len();
        waiting.retain(|clause| {
            let fires = reads(clause).iter().all(|(it, _)| holds(&begins, *it));
            if fires {
                for head in &clause.heads {
                    if let Some(entry) = begins.get_mut(head.relation.index()) {
                        *entry = true;
                    }
                }
            }
            !fires
        });
        if waiting.len() == before {
            break;
        }
    }
    if waiting.is_empty() || begins.iter().all(|begins| *begins) {
        return;
    }
    let mut graph: DiGraph<(), Span> = DiGraph::new();
    for _ in 0..count {
        graph.add_node(());
    }
    for clause in &waiting {
        for (read, span) in reads(clause) {
            for head in &clause.heads {
                if !holds(&begins, read) && !holds(&begins, head.relation) {
                    let (from, to) = (head.relation.index(), read.index());
                    graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), span);
                }
            }
        }
    }
    for component in kosaraju_scc(&graph) {
        let inside = |node: NodeIndex| component.contains(&node);
        let waits = component
            .iter()
            .any(|node| graph.edges(*node).next().is_some());
        let alone = component
            .iter()
            .all(|node| graph.neighbors(*node).all(inside));
        // Those that wait for another such set are only its victims.
        if waits && alone {
            found.extend(warning(program, &graph, component));
        }
    }
}

fn warning(
    program: &Program,
    graph: &DiGraph<(), Span>,
    mut component: Vec<NodeIndex>,
) -> Option<Diagnostic> {
    component.sort_unstable();
    let users = component.iter().filter_map(|node| {
        let relation = program.relations.get(node.index())?;
        (!relation.auxiliary).then_some((*node, relation.name.as_str()))
    });
    let users: Vec<(NodeIndex, &str)> = users.collect();
    let (first, name) = users.first()?;
    let message = match users.as_slice() {
        [_] => {
            format!("`{name}` is always empty: each of its rules needs a tuple of `{name}` first")
        }
        _ => format!(
            "{} are always empty: each of their rules needs a tuple of them first",
            list(users.iter().map(|(_, name)| *name))
        ),
    };
    let span = graph.edges(*first).next().map(|edge| *edge.weight())?;
    Some(
        Diagnostic::warning("W0404", message)
            .label(span, "nothing to begin with")
            .help(format!(
                "add facts, or a rule for `{name}` that reads other relations only"
            )),
    )
}
