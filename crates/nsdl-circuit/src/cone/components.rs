//! What outputs depend on, in strongly connected components, dependencies first.
//!
//! Certain tuples need no derivation and end the search. An aggregate is a vertex between its results and its members,
//! so that the graph has the size of the trace; it looks down only and is a component of its own, of no tuples.
//!
//! Every new shape of a batch goes through this, so it is Kosaraju's algorithm over flat arrays: a vertex is the number
//! of a tuple, or, behind those, of an aggregate.

use nsdl_ir::{Trace, TupleId};

use super::definitions::Definitions;
use super::{Builder, UNSET};

/// A directed graph, both ways.
struct Graph {
    /// What each node is, in order of discovery.
    vertices: Vec<u32>,
    out: Edges,
    back: Edges,
}

/// The ends of edges by the node that they start from, in the order in which they were found.
struct Edges {
    ranges: Vec<(u32, u32)>,
    ends: Vec<u32>,
}

impl Edges {
    fn of(&self, node: u32) -> &[u32] {
        let (start, end) = self.ranges[node as usize];
        &self.ends[start as usize..end as usize]
    }

    /// The same edges from their ends; `nodes` are in the order in which their edges were found.
    fn reversed(&self, nodes: &[u32]) -> Self {
        let mut ranges = vec![(0, 0); nodes.len()];
        for &end in &self.ends {
            ranges[end as usize].1 += 1;
        }
        let mut start = 0;
        for range in &mut ranges {
            let count = range.1;
            *range = (start, start);
            start += count;
        }
        let mut ends = vec![0; self.ends.len()];
        for &node in nodes {
            for &end in self.of(node) {
                let place = &mut ranges[end as usize].1;
                ends[*place as usize] = node;
                *place += 1;
            }
        }
        Self { ranges, ends }
    }
}

impl Graph {
    /// The nodes in the order in which a search against the edges is done with them.
    fn finished(&self) -> Vec<u32> {
        let count = self.vertices.len();
        let mut order = Vec::with_capacity(count);
        let (mut met, mut done) = (vec![false; count], vec![false; count]);
        let mut stack = Vec::new();
        for start in 0..count as u32 {
            stack.push(start);
            while let Some(&node) = stack.last() {
                if !std::mem::replace(&mut met[node as usize], true) {
                    let before = self.back.of(node).iter().rev();
                    stack.extend(before.filter(|it| !met[**it as usize]));
                    continue;
                }
                stack.pop();
                if !std::mem::replace(&mut done[node as usize], true) {
                    order.push(node);
                }
            }
        }
        order
    }
}

/// How far a search in depth has come with a tuple.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    Unmet,
    /// What it depends on is being looked at.
    Open,
    Done,
}

/// The uncertain tuples that the outputs depend on, dependencies first; `None` if some depend on themselves. That is
/// quicker to find than components. Aggregates are not looked at.
pub(crate) fn order(
    trace: &Trace,
    definitions: &Definitions,
    outputs: &[TupleId],
) -> Option<Vec<TupleId>> {
    let certain = trace.certain.iter();
    let mut visits: Vec<Visit> = certain
        .map(|certain| if *certain { Visit::Done } else { Visit::Unmet })
        .collect();
    let mut order = Vec::with_capacity(visits.len());
    let mut stack: Vec<TupleId> = Vec::with_capacity(visits.len());
    for &output in outputs {
        stack.push(output);
        while let Some(&tuple) = stack.last() {
            let visit = &mut visits[tuple.index()];
            if *visit != Visit::Unmet {
                stack.pop();
                if *visit == Visit::Open {
                    *visit = Visit::Done;
                    order.push(tuple);
                }
                continue;
            }
            *visit = Visit::Open;
            for &instance in definitions.instances(tuple) {
                let instance = &trace.instances[instance as usize];
                for literal in &trace.literals[instance.start as usize..instance.end as usize] {
                    match visits[literal.tuple.index()] {
                        Visit::Unmet => stack.push(literal.tuple),
                        Visit::Open => return None,
                        Visit::Done => {}
                    }
                }
            }
        }
    }
    Some(order)
}

impl Builder<'_> {
    /// The components of what the outputs depend on, one list of ascending tuples after the other, and where each ends.
    pub(super) fn components(&mut self, outputs: &[TupleId]) -> (Vec<TupleId>, Vec<usize>) {
        let graph = self.graph(outputs);
        let order = graph.finished();
        let tuples = self.trace.tuples.len() as u32;
        let (mut sorted, mut ends) = (Vec::with_capacity(order.len()), Vec::new());
        let mut seen = vec![false; order.len()];
        let mut stack = Vec::new();
        for &leader in order.iter().rev() {
            let begun = sorted.len();
            stack.push(leader);
            while let Some(node) = stack.pop() {
                if std::mem::replace(&mut seen[node as usize], true) {
                    continue;
                }
                let vertex = graph.vertices[node as usize];
                if vertex < tuples {
                    sorted.push(TupleId(vertex));
                }
                let below = graph.out.of(node).iter().rev();
                stack.extend(below.filter(|it| !seen[**it as usize]));
            }
            if sorted.len() > begun {
                sorted[begun..].sort_unstable();
                ends.push(sorted.len());
            }
        }
        (sorted, ends)
    }

    fn graph(&mut self, outputs: &[TupleId]) -> Graph {
        let tuples = self.trace.tuples.len();
        let mut numbers = vec![UNSET; tuples + self.trace.aggregates.len()];
        let mut vertices: Vec<u32> = Vec::new();
        let mut open: Vec<u32> = Vec::new();
        for &output in outputs.iter().rev() {
            if !self.is_certain(output) && numbers[output.index()] == UNSET {
                numbers[output.index()] = vertices.len() as u32;
                open.push(vertices.len() as u32);
                vertices.push(output.0);
            }
        }
        // The node found last comes first.
        let mut nodes: Vec<u32> = Vec::new();
        let mut out = Edges {
            ranges: vec![(0, 0); vertices.len()],
            ends: Vec::new(),
        };
        let mut dependencies = Vec::new();
        while let Some(node) = open.pop() {
            dependencies.clear();
            self.dependencies(vertices[node as usize], &mut dependencies);
            let start = out.ends.len() as u32;
            for &vertex in &dependencies {
                if (vertex as usize) < tuples && self.is_certain(TupleId(vertex)) {
                    continue;
                }
                let number = &mut numbers[vertex as usize];
                if *number == UNSET {
                    *number = vertices.len() as u32;
                    open.push(*number);
                    vertices.push(vertex);
                    out.ranges.push((0, 0));
                }
                out.ends.push(*number);
            }
            out.ranges[node as usize] = (start, out.ends.len() as u32);
            nodes.push(node);
        }
        let back = out.reversed(&nodes);
        Graph {
            vertices,
            out,
            back,
        }
    }

    /// What a vertex depends on, ascending.
    fn dependencies(&self, vertex: u32, into: &mut Vec<u32>) {
        let tuples = self.trace.tuples.len() as u32;
        match vertex.checked_sub(tuples) {
            None => {
                let tuple = TupleId(vertex);
                for &instance in self.definitions.instances(tuple) {
                    let body = self.trace.body(&self.trace.instances[instance as usize]);
                    into.extend(body.iter().map(|literal| literal.tuple.0));
                }
                let aggregates = self.definitions.aggregates(tuple).iter();
                into.extend(aggregates.map(|&aggregate| tuples + aggregate));
            }
            Some(aggregate) => {
                let aggregate = &self.trace.aggregates[aggregate as usize];
                let members = aggregate.members.iter().chain(&aggregate.group);
                into.extend(members.map(|tuple| tuple.0));
            }
        }
        into.sort_unstable();
        into.dedup();
    }
}
