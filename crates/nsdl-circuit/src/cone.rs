//! The part of a trace that the outputs depend on, as a graph of And, Or, Not and leaves.
//!
//! This is the raw form that every inference method starts from: one node per rule instance and per tuple with
//! several derivations, in the order of the trace, nothing merged or simplified except constants, so that
//! algebras without idempotence see each derivation once. A tuple with one derivation, and an instance with one
//! literal, have no node of their own. Aggregates are written out as chains over their members, which is
//! polynomial, never as sets of members.

mod aggregates;
mod definitions;
mod sharing;

use crate::{Limits, Stop};
use definitions::Definitions;
use nsdl_ir::{Instance, LeafId, Trace, TupleId};
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxHashMap;

/// What a node of a [`Cone`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Zero,
    One,
    Leaf(LeafId),
    Not,
    /// Conjunction of the children, in written order.
    And,
    /// Alternatives, in order of derivation.
    Or,
    /// Alternatives that exclude each other: the steps of a chain.
    Sum,
    /// The sum of values of the children that hold, by its number in [`Cone::tallies`]. Only [`Flavour::Exact`] has it.
    Tally(u32),
    /// Whether the one child, a tally, has this sum.
    Is(i64),
}

/// A sum over members.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// One per member.
    pub values: Vec<i64>,
    /// Whether no member at all is no sum.
    pub nonempty: bool,
}

/// Tuples that support each other: the nodes `start..end`, where `start..start + unknowns` are the tuples
/// (Or nodes) and the rest their instances (And nodes).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cycle {
    pub start: u32,
    pub unknowns: u32,
    pub end: u32,
}

/// How aggregates are written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Any formula with the right models.
    Logical,
    /// The same, but counts and sums are left as [`Tally`].
    Exact,
    /// The sum over sets of members of products, where `x + (1 − x)` is one.
    AddMult,
    /// All alternatives over sets of members of their conjunctions, where a member that does not matter still has a
    /// part: `max(x, 1 − x)` in min-max.
    General,
}

/// What the graph may be simplified by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Laws {
    /// Certain tuples are one, whatever derives them.
    pub certain: bool,
    /// An alternative of one is all there is to say.
    pub absorptive: bool,
    /// Absence of absence is presence.
    pub involutive: bool,
}

impl Laws {
    const PROBABILITY: Self = Self {
        certain: true,
        absorptive: true,
        involutive: true,
    };
}

/// The graph. Children precede their parents except within a [`Cycle`].
#[derive(Clone, Debug)]
pub(crate) struct Cone {
    pub ops: Vec<Op>,
    spans: Vec<(u32, u32)>,
    pool: Vec<u32>,
    /// In order of position.
    pub cycles: Vec<Cycle>,
    /// The node of each requested output.
    pub outputs: Vec<u32>,
    pub tallies: Vec<Tally>,
    /// Rule instances and tuples it was made from.
    pub instances: usize,
    pub tuples: usize,
}

pub(crate) const ZERO: u32 = 0;
pub(crate) const ONE: u32 = 1;

impl Cone {
    /// The part of a trace that these tuples depend on.
    ///
    /// # Errors
    /// [`Stop::Chain`] if aggregates need too long chains, [`Stop::Cancelled`].
    pub fn new(
        trace: &Trace,
        outputs: &[TupleId],
        flavour: Flavour,
        limits: &Limits,
    ) -> Result<Self, Stop> {
        Self::under(trace, outputs, flavour, Laws::PROBABILITY, limits)
    }

    /// As [`Cone::new`] for an algebra of fewer laws.
    ///
    /// # Errors
    /// As [`Cone::new`].
    pub fn under(
        trace: &Trace,
        outputs: &[TupleId],
        flavour: Flavour,
        laws: Laws,
        limits: &Limits,
    ) -> Result<Self, Stop> {
        let mut builder = Builder::new(trace, flavour, laws);
        builder.most = limits.nodes.saturating_mul(STATES);
        builder.build(outputs, limits)?;
        Ok(builder.cone)
    }

    pub fn children(&self, node: u32) -> &[u32] {
        let (start, len) = self.spans[node as usize];
        &self.pool[start as usize..(start + len) as usize]
    }

    pub fn len(&self) -> usize {
        self.ops.len()
    }

    pub fn edges(&self) -> usize {
        self.pool.len()
    }
}

const UNSET: u32 = u32::MAX;

/// What can depend on something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Vertex {
    Tuple(TupleId),
    /// By number in the trace.
    Aggregate(u32),
}

struct Builder<'t> {
    trace: &'t Trace,
    flavour: Flavour,
    laws: Laws,
    definitions: Definitions,
    cone: Cone,
    /// Node of each tuple, leaf and complement, once made.
    tuples: Vec<u32>,
    leaves: FxHashMap<LeafId, u32>,
    complements: FxHashMap<u32, u32>,
    /// Results of the aggregates expanded so far, ordered by tuple.
    aggregates: FxHashMap<u32, Vec<(TupleId, u32)>>,
    /// States of the chains written out so far, and how many there may be.
    steps: usize,
    most: usize,
}

/// States of chains that are as large as a node of a budget.
const STATES: usize = 3;

impl<'t> Builder<'t> {
    fn new(trace: &'t Trace, flavour: Flavour, laws: Laws) -> Self {
        let cone = Cone {
            ops: vec![Op::Zero, Op::One],
            spans: vec![(0, 0); 2],
            pool: Vec::new(),
            cycles: Vec::new(),
            outputs: Vec::new(),
            tallies: Vec::new(),
            instances: 0,
            tuples: 0,
        };
        Self {
            trace,
            flavour,
            laws,
            definitions: Definitions::new(trace),
            cone,
            tuples: vec![UNSET; trace.tuples.len()],
            leaves: FxHashMap::default(),
            complements: FxHashMap::default(),
            aggregates: FxHashMap::default(),
            steps: 0,
            most: 0,
        }
    }

    fn build(&mut self, outputs: &[TupleId], limits: &Limits) -> Result<(), Stop> {
        for component in self.components(outputs) {
            if self.steps > self.most {
                return Err(Stop::Chain { steps: self.steps });
            }
            if limits.cancelled() {
                return Err(Stop::Cancelled);
            }
            match component.as_slice() {
                [tuple] if !self.supports_itself(*tuple) => {
                    let node = self.tuple(*tuple);
                    self.tuples[tuple.index()] = node;
                }
                _ => self.cycle(component),
            }
        }
        if self.steps > self.most {
            return Err(Stop::Chain { steps: self.steps });
        }
        self.cone.outputs = outputs
            .iter()
            .map(|tuple| self.tuples[tuple.index()])
            .collect();
        Ok(())
    }

    /// Strongly connected components of what the outputs depend on, dependencies first. Certain tuples need
    /// no derivation and end the search.
    ///
    /// An aggregate is a vertex between its results and its members, so that the graph has the size of the
    /// trace. It looks down only and is a component of its own, of no tuples.
    fn components(&mut self, outputs: &[TupleId]) -> Vec<Vec<TupleId>> {
        let mut graph = DiGraph::<Vertex, ()>::new();
        let mut index: FxHashMap<Vertex, NodeIndex> = FxHashMap::default();
        let mut open: Vec<Vertex> = Vec::new();
        for &output in outputs.iter().rev() {
            let vertex = Vertex::Tuple(output);
            if !self.is_certain(output) && !index.contains_key(&vertex) {
                index.insert(vertex, graph.add_node(vertex));
                open.push(vertex);
            }
        }
        let mut dependencies = Vec::new();
        while let Some(vertex) = open.pop() {
            let Some(&from) = index.get(&vertex) else {
                continue;
            };
            dependencies.clear();
            self.dependencies(vertex, &mut dependencies);
            for &dependency in &dependencies {
                if let Vertex::Tuple(tuple) = dependency
                    && self.is_certain(tuple)
                {
                    continue;
                }
                let to = *index.entry(dependency).or_insert_with(|| {
                    open.push(dependency);
                    graph.add_node(dependency)
                });
                graph.add_edge(from, to, ());
            }
        }
        petgraph::algo::kosaraju_scc(&graph)
            .into_iter()
            .map(|component| {
                let tuple = |node| match graph[node] {
                    Vertex::Tuple(tuple) => Some(tuple),
                    Vertex::Aggregate(_) => None,
                };
                let mut tuples: Vec<TupleId> = component.into_iter().filter_map(tuple).collect();
                tuples.sort_unstable();
                tuples
            })
            .filter(|tuples| !tuples.is_empty())
            .collect()
    }

    /// Whether a tuple holds in every world; its node is then known.
    fn is_certain(&mut self, tuple: TupleId) -> bool {
        if !self.laws.certain {
            return false;
        }
        let certain = self.trace.certain.get(tuple.index()).copied();
        if certain == Some(true) {
            self.tuples[tuple.index()] = ONE;
        }
        certain == Some(true)
    }

    fn dependencies(&self, vertex: Vertex, into: &mut Vec<Vertex>) {
        match vertex {
            Vertex::Tuple(tuple) => {
                for &instance in self.definitions.instances(tuple) {
                    let body = self.trace.body(&self.trace.instances[instance as usize]);
                    into.extend(body.iter().map(|literal| Vertex::Tuple(literal.tuple)));
                }
                let aggregates = self.definitions.aggregates(tuple).iter();
                into.extend(aggregates.map(|&aggregate| Vertex::Aggregate(aggregate)));
            }
            Vertex::Aggregate(aggregate) => {
                let aggregate = &self.trace.aggregates[aggregate as usize];
                let tuples = aggregate.members.iter().chain(&aggregate.group);
                into.extend(tuples.map(|&tuple| Vertex::Tuple(tuple)));
            }
        }
        into.sort_unstable();
        into.dedup();
    }

    fn supports_itself(&self, tuple: TupleId) -> bool {
        self.definitions.instances(tuple).iter().any(|&instance| {
            let body = self.trace.body(&self.trace.instances[instance as usize]);
            body.iter().any(|literal| literal.tuple == tuple)
        })
    }

    /// The definition of a tuple outside cycles.
    fn tuple(&mut self, tuple: TupleId) -> u32 {
        let alternatives = self.alternatives(tuple);
        self.node(Op::Or, alternatives)
    }

    fn alternatives(&mut self, tuple: TupleId) -> Vec<u32> {
        let mut alternatives = Vec::new();
        for i in 0..self.definitions.instances(tuple).len() {
            let instance = self.definitions.instances(tuple)[i];
            let instance = self.trace.instances[instance as usize];
            alternatives.push(self.instance(&instance));
        }
        // Several chains of one aggregate: no set of members gives a result twice.
        let mut cases = Vec::new();
        for i in 0..self.definitions.aggregates(tuple).len() {
            let aggregate = self.definitions.aggregates(tuple)[i];
            self.expand(aggregate);
            let results = self
                .aggregates
                .get(&aggregate)
                .map_or(&[][..], Vec::as_slice);
            let start = results.partition_point(|&(result, _)| result < tuple);
            let own = results[start..]
                .iter()
                .take_while(|&&(result, _)| result == tuple);
            cases.extend(own.map(|&(_, node)| node));
        }
        if !cases.is_empty() {
            alternatives.push(self.node(Op::Sum, cases));
        }
        self.cone.tuples += 1;
        alternatives
    }

    fn instance(&mut self, instance: &Instance) -> u32 {
        self.cone.instances += 1;
        let parts = self.parts(instance);
        self.node(Op::And, parts)
    }

    fn parts(&mut self, instance: &Instance) -> Vec<u32> {
        let mut parts = Vec::with_capacity(1 + (instance.end - instance.start) as usize);
        if let Some(leaf) = instance.leaf {
            parts.push(self.leaf(leaf));
        }
        for i in instance.start..instance.end {
            let literal = self.trace.literals[i as usize];
            let node = self.tuples[literal.tuple.index()];
            debug_assert_ne!(node, UNSET, "a body refers to a later component");
            parts.push(if literal.negated {
                self.not(node)
            } else {
                node
            });
        }
        parts
    }

    /// Tuples that support each other.
    fn cycle(&mut self, tuples: Vec<TupleId>) {
        // What the instances need from outside is made first, so that the cycle is one run of nodes.
        for tuple in &tuples {
            for i in 0..self.definitions.instances(*tuple).len() {
                let instance = self.trace.instances[self.definitions.instances(*tuple)[i] as usize];
                if let Some(leaf) = instance.leaf {
                    self.leaf(leaf);
                }
                for literal in self
                    .trace
                    .body(&instance)
                    .iter()
                    .filter(|literal| literal.negated)
                {
                    self.not(self.tuples[literal.tuple.index()]);
                }
            }
            for i in 0..self.definitions.aggregates(*tuple).len() {
                self.expand(self.definitions.aggregates(*tuple)[i]);
            }
        }
        let start = self.cone.ops.len() as u32;
        for (i, tuple) in tuples.iter().enumerate() {
            self.tuples[tuple.index()] = start + i as u32;
            self.cone.ops.push(Op::Or);
            self.cone.spans.push((0, 0));
        }
        for (i, tuple) in tuples.iter().enumerate() {
            let mut alternatives = self.alternatives(*tuple);
            alternatives.retain(|&node| node != ZERO);
            self.cone.spans[start as usize + i] = self.span(&alternatives);
        }
        let end = self.cone.ops.len() as u32;
        self.cone.cycles.push(Cycle {
            start,
            unknowns: tuples.len() as u32,
            end,
        });
    }

    fn span(&mut self, children: &[u32]) -> (u32, u32) {
        let start = self.cone.pool.len() as u32;
        self.cone.pool.extend_from_slice(children);
        (start, children.len() as u32)
    }

    /// A node, unless constants decide it or one child is all of it.
    fn node(&mut self, op: Op, children: impl AsRef<[u32]>) -> u32 {
        let children = children.as_ref();
        let (neutral, absorbing) = if op == Op::And {
            (ONE, ZERO)
        } else {
            (ZERO, ONE)
        };
        let absorbs = op == Op::And || self.laws.absorptive;
        if absorbs && children.contains(&absorbing) {
            return absorbing;
        }
        let start = self.cone.pool.len();
        let rest = children.iter().filter(|&&child| child != neutral);
        self.cone.pool.extend(rest);
        match self.cone.pool[start..] {
            [] => neutral,
            [child] => {
                self.cone.pool.truncate(start);
                child
            }
            ref rest => {
                let span = (start as u32, rest.len() as u32);
                self.push(op, span)
            }
        }
    }

    fn push(&mut self, op: Op, span: (u32, u32)) -> u32 {
        self.cone.ops.push(op);
        self.cone.spans.push(span);
        self.cone.ops.len() as u32 - 1
    }

    fn leaf(&mut self, leaf: LeafId) -> u32 {
        if let Some(&node) = self.leaves.get(&leaf) {
            return node;
        }
        let node = self.push(Op::Leaf(leaf), (0, 0));
        self.leaves.insert(leaf, node);
        node
    }

    fn not(&mut self, node: u32) -> u32 {
        match node {
            ZERO => return ONE,
            ONE => return ZERO,
            _ => {}
        }
        if self.laws.involutive && self.cone.ops[node as usize] == Op::Not {
            return self.cone.children(node)[0];
        }
        if let Some(&complement) = self.complements.get(&node) {
            return complement;
        }
        let span = self.span(&[node]);
        let complement = self.push(Op::Not, span);
        self.complements.insert(node, complement);
        complement
    }
}
