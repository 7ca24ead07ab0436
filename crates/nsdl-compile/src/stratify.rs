//! Stratification: what must be final before what.
//!
//! Before: any dependencies. After: relations are grouped into strata, in an order in which a stratum reads
//! only itself and earlier ones, and negates and aggregates only earlier ones.

use std::collections::VecDeque;

use nsdl_ir::{Diagnostic, RelationId, Span};
use petgraph::Direction;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};
use petgraph::visit::EdgeRef;
use rustc_hash::FxHashMap;

use crate::flat::{Literal, Program};

/// The strata of a program.
#[derive(Debug)]
pub(crate) struct Strata {
    /// In order of evaluation; the relations of each in order of their ids.
    pub strata: Vec<Vec<RelationId>>,
    /// Stratum of each relation.
    pub of: Vec<usize>,
}

/// How a relation reads another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reads {
    Tuples,
    Absence,
    Aggregate,
}

/// From the relation that is read to the one that reads it.
#[derive(Clone, Copy)]
struct Edge {
    reads: Reads,
    span: Span,
}

type Dependencies = DiGraph<(), Edge>;

/// The strata, or E0403 for each negative cycle.
pub(crate) fn stratify(program: &Program) -> Result<Strata, Vec<Diagnostic>> {
    let graph = dependencies(program);
    // Kosaraju gives dependents first, and does not recurse.
    let mut components = kosaraju_scc(&graph);
    components.reverse();
    let mut of = vec![0; program.relations.len()];
    let mut strata = Vec::with_capacity(components.len());
    for (stratum, component) in components.into_iter().enumerate() {
        let mut relations: Vec<_> = component
            .iter()
            .map(|node| RelationId::new(node.index()))
            .collect();
        relations.sort_unstable();
        for relation in &relations {
            of[relation.index()] = stratum;
        }
        strata.push(relations);
    }
    let mut worst: FxHashMap<usize, EdgeIndex> = FxHashMap::default();
    for edge in graph.edge_references() {
        let stratum = of[edge.target().index()];
        if edge.weight().reads != Reads::Tuples && of[edge.source().index()] == stratum {
            worst.entry(stratum).or_insert(edge.id());
        }
    }
    if worst.is_empty() {
        return Ok(Strata { strata, of });
    }
    Err(worst
        .into_values()
        .map(|edge| negative_cycle(program, &graph, edge, &of))
        .collect())
}

/// Per relation, whether it lies on a cycle that negates or aggregates.
pub(crate) fn negative_cycles(program: &Program) -> Vec<bool> {
    let graph = dependencies(program);
    let components = kosaraju_scc(&graph);
    let mut of = vec![0; program.relations.len()];
    for (number, component) in components.iter().enumerate() {
        component.iter().for_each(|node| of[node.index()] = number);
    }
    let mut negative = vec![false; components.len()];
    for edge in graph.edge_references() {
        let component = of[edge.target().index()];
        negative[component] |=
            edge.weight().reads != Reads::Tuples && of[edge.source().index()] == component;
    }
    of.into_iter()
        .map(|component| negative[component])
        .collect()
}

/// Which relations depend on themselves.
pub(crate) struct Recursion {
    /// Relations with the same number depend on each other.
    pub component: Vec<usize>,
    /// Whether a relation is recursive or depends on one that is.
    pub above: Vec<bool>,
}

/// The recursion of a program.
pub(crate) fn recursion(program: &Program) -> Recursion {
    let graph = dependencies(program);
    let mut above = vec![false; program.relations.len()];
    let mut component = vec![0; program.relations.len()];
    // Dependents come first.
    for (number, nodes) in kosaraju_scc(&graph).into_iter().rev().enumerate() {
        let read = |node: &NodeIndex| graph.edges_directed(*node, Direction::Incoming);
        let found = nodes.len() > 1
            || nodes.iter().any(|node| {
                read(node).any(|edge| edge.source() == *node || above[edge.source().index()])
            });
        // In a component of several relations, each is recursive.
        for node in nodes {
            above[node.index()] = found;
            component[node.index()] = number;
        }
    }
    Recursion { component, above }
}

fn dependencies(program: &Program) -> Dependencies {
    let mut graph = Dependencies::with_capacity(program.relations.len(), program.clauses.len());
    for _ in &program.relations {
        graph.add_node(());
    }
    let node = |relation: RelationId| NodeIndex::new(relation.index());
    for clause in &program.clauses {
        for literal in &clause.body {
            let (from, edge) = match literal {
                Literal::Atom { relation, span, .. } => (
                    *relation,
                    Edge {
                        reads: Reads::Tuples,
                        span: *span,
                    },
                ),
                Literal::Absent { relation, span, .. } => (
                    *relation,
                    Edge {
                        reads: Reads::Absence,
                        span: *span,
                    },
                ),
                Literal::Constraint(_)
                | Literal::Range(_)
                | Literal::Element(_)
                | Literal::Matches(_)
                | Literal::Foreign { .. } => continue,
            };
            for head in &clause.heads {
                graph.add_edge(node(from), node(head.relation), edge);
            }
        }
        for head in &clause.heads {
            for guard in &head.guards {
                if let Literal::Atom { relation, span, .. } = &guard.atom {
                    let edge = Edge {
                        reads: Reads::Tuples,
                        span: *span,
                    };
                    graph.add_edge(node(*relation), node(head.relation), edge);
                }
            }
        }
        // The terms in new tuples are known once the tuples are.
        let reads = Reads::Tuples;
        for (head, extent) in clause
            .heads
            .iter()
            .flat_map(|head| clause.makes.iter().map(move |extent| (head, extent)))
        {
            let span = clause.span;
            graph.add_edge(node(head.relation), node(*extent), Edge { reads, span });
        }
    }
    for aggregate in &program.aggregates {
        let edge = Edge {
            reads: Reads::Aggregate,
            span: aggregate.span,
        };
        for from in [Some(aggregate.members), aggregate.groups]
            .into_iter()
            .flatten()
        {
            graph.add_edge(node(from), node(aggregate.output), edge);
        }
    }
    graph
}

/// E0403: the shortest cycle through a negative edge, relation by relation.
fn negative_cycle(
    program: &Program,
    graph: &Dependencies,
    edge: EdgeIndex,
    of: &[usize],
) -> Diagnostic {
    // From the reader back to what it reads: (what is read, how).
    let steps = cycle(graph, edge, of);
    let is_auxiliary = |node: NodeIndex| {
        let relation = program.relations.get(node.index());
        relation.is_none_or(|it| it.auxiliary)
    };
    // Auxiliary relations are named where nothing else is on the cycle.
    let nameless = steps.iter().all(|(node, _)| is_auxiliary(*node));
    let is_user = |node: NodeIndex| nameless || !is_auxiliary(node);
    let name = |node: NodeIndex| {
        program
            .relations
            .get(node.index())
            .map_or("", |it| it.name.as_str())
    };
    // Auxiliary relations only stand between those of the user: begin with the one that negates or aggregates.
    let start = steps
        .iter()
        .rposition(|(node, _)| is_user(*node))
        .unwrap_or_default();
    let mut reader = steps.get(start).map_or("", |(node, _)| name(*node));
    let whole = reader;
    let mut links = Vec::new();
    let mut negated = false;
    let mut labels: Vec<(Span, String)> = Vec::new();
    // The strongest edge since the last user's relation, the first of equals.
    let mut link: Option<Edge> = None;
    for offset in 1..=steps.len() {
        let (node, edge) = &steps[(start + offset) % steps.len()];
        let Edge { reads, span } = match link {
            Some(link) if link.reads >= edge.reads => link,
            _ => *edge,
        };
        link = Some(Edge { reads, span });
        let read = name(*node);
        if is_user(*node) {
            negated |= reads == Reads::Absence;
            links.push(match reads {
                Reads::Tuples => format!("`{reader}` needs `{read}`"),
                Reads::Absence => format!("`{reader}` needs `not {read}`"),
                Reads::Aggregate => format!("`{reader}` aggregates `{read}`"),
            });
            let text = match reads {
                Reads::Tuples => format!("`{reader}` needs `{read}`"),
                Reads::Absence => format!("needs all of `{read}` first"),
                Reads::Aggregate => format!("aggregates all of `{read}`"),
            };
            if labels.iter().all(|(other, _)| *other != span) {
                // The negative literal is the place to look at.
                let at = if reads == Reads::Tuples {
                    labels.len()
                } else {
                    0
                };
                labels.insert(at, (span, text));
            }
            (reader, link) = (read, None);
        }
    }
    let what = if negated { "negation" } else { "aggregate" };
    let message = format!("`{whole}` depends on its own {what}: {}", links.join(", "));
    let mut error = Diagnostic::error("E0403", message);
    for (span, text) in labels {
        error = error.label(span, text);
    }
    let asked = steps.iter().find_map(|(node, _)| {
        let relation = program.relations.get(node.index())?;
        relation.certain.then(|| relation.name.split_once(" of "))?
    });
    error = match asked {
        Some(("terms", made)) => error.note(format!(
            "a pattern of what no atom holds ranges over all terms, those that `{made}` makes among them"
        )),
        Some((_, asked)) => error.note(format!(
            "`{asked}` is computed on demand: what asks for `{asked}` must be known before it"
        )),
        None => error,
    };
    error
        .note(
            "what is negated or aggregated must be complete before the rule that reads it can run",
        )
        .help(
            "break the cycle, for example by letting each step read a relation of the step before",
        )
}

/// The cycle that `edge` closes, read from each reader to what it reads: entry `i + 1` is read by entry `i`,
/// over its edge; the first entry is read by the last.
fn cycle(graph: &Dependencies, edge: EdgeIndex, of: &[usize]) -> Vec<(NodeIndex, Edge)> {
    let (Some((read, reader)), Some(weight)) =
        (graph.edge_endpoints(edge), graph.edge_weight(edge))
    else {
        return Vec::new();
    };
    // Breadth first from what is read, along what that reads, until the reader is met.
    let mut parents: FxHashMap<NodeIndex, (NodeIndex, Edge)> = FxHashMap::default();
    let mut queue = VecDeque::from([read]);
    while let Some(node) = queue.pop_front() {
        if node == reader {
            break;
        }
        for edge in graph.edges_directed(node, Direction::Incoming) {
            let next = edge.source();
            if of[next.index()] == of[reader.index()]
                && next != read
                && !parents.contains_key(&next)
            {
                parents.insert(next, (node, *edge.weight()));
                queue.push_back(next);
            }
        }
    }
    let mut steps = Vec::new();
    let mut node = reader;
    while let Some((parent, edge)) = parents.get(&node) {
        steps.push((node, *edge));
        node = *parent;
    }
    steps.push((read, *weight));
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flat::{Clause, Head, Relation};

    #[test]
    fn a_cycle_of_auxiliary_relations_is_named_too() {
        let relation = |name: &str| Relation::auxiliary(name.into(), 0, Span::default());
        let clause = |head: usize, body: Literal| Clause {
            span: Span::default(),
            variables: Vec::new(),
            body: vec![body],
            heads: vec![Head {
                relation: RelationId::new(head),
                args: Vec::new(),
                alternative: 0,
                guards: Vec::new(),
            }],
            choice: None,
            makes: Vec::new(),
        };
        let (args, span) = (Vec::new(), Span::default());
        let program = Program {
            relations: vec![relation("terms of p"), relation("not (…)")],
            clauses: vec![
                clause(
                    0,
                    Literal::Absent {
                        relation: RelationId::new(1),
                        args: args.clone(),
                        span,
                    },
                ),
                clause(
                    1,
                    Literal::Atom {
                        relation: RelationId::new(0),
                        args,
                        span,
                    },
                ),
            ],
            ..Program::default()
        };
        let errors = stratify(&program).unwrap_err();
        let message = &errors[0].message;
        assert!(
            message.contains("`terms of p` needs `not not (…)`"),
            "{message}"
        );
    }
}
