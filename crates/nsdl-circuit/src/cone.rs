//! The part of a trace that the outputs depend on, as a graph of And, Or, Not and leaves.
//!
//! This is the raw form that every inference method starts from: one node per rule instance and per tuple with
//! several derivations, in the order of the trace, nothing merged or simplified except constants, so that
//! algebras without idempotence see each derivation once. A tuple with one derivation, and an instance with one
//! literal, have no node of their own. Aggregates are written out as chains over their members, which is
//! polynomial, never as sets of members.

mod aggregates;
mod components;
mod definitions;
mod sharing;

use crate::{Limits, Stop};
pub(crate) use components::order;
pub(crate) use definitions::Definitions;
use nsdl_ir::{Instance, LeafId, Trace, TupleId};
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

struct Builder<'t> {
    trace: &'t Trace,
    flavour: Flavour,
    laws: Laws,
    definitions: Definitions,
    cone: Cone,
    /// Node of each tuple, leaf and complement, once made.
    tuples: Vec<u32>,
    leaves: Vec<u32>,
    complements: FxHashMap<u32, u32>,
    /// Results of the aggregates expanded so far, ordered by tuple.
    aggregates: FxHashMap<u32, Vec<(TupleId, u32)>>,
    /// Children of nodes on their way.
    alternatives: Vec<u32>,
    parts: Vec<u32>,
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
            leaves: vec![UNSET; trace.leaves.len()],
            complements: FxHashMap::default(),
            aggregates: FxHashMap::default(),
            alternatives: Vec::new(),
            parts: Vec::new(),
            steps: 0,
            most: 0,
        }
    }

    fn build(&mut self, outputs: &[TupleId], limits: &Limits) -> Result<(), Stop> {
        // Circuits of exact inference are smaller in the order of components.
        if self.flavour != Flavour::Exact
            && self.laws.certain
            && self.trace.aggregates.is_empty()
            && let Some(tuples) = order(self.trace, &self.definitions, outputs)
        {
            let nodes = self.tuples.iter_mut().zip(&self.trace.certain);
            for (node, _) in nodes.filter(|(_, certain)| **certain) {
                *node = ONE;
            }
            for &tuple in &tuples {
                let node = self.tuple(tuple);
                self.tuples[tuple.index()] = node;
            }
            if limits.cancelled() {
                return Err(Stop::Cancelled);
            }
            self.finish(outputs);
            return Ok(());
        }
        let (tuples, ends) = self.components(outputs);
        let mut start = 0;
        for end in ends {
            let component = &tuples[start..end];
            start = end;
            if self.steps > self.most {
                return Err(Stop::Chain { steps: self.steps });
            }
            if limits.cancelled() {
                return Err(Stop::Cancelled);
            }
            match component {
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
        self.finish(outputs);
        Ok(())
    }

    fn finish(&mut self, outputs: &[TupleId]) {
        let nodes = outputs.iter().map(|tuple| self.tuples[tuple.index()]);
        self.cone.outputs = nodes.collect();
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

    fn supports_itself(&self, tuple: TupleId) -> bool {
        self.definitions.instances(tuple).iter().any(|&instance| {
            let body = self.trace.body(&self.trace.instances[instance as usize]);
            body.iter().any(|literal| literal.tuple == tuple)
        })
    }

    /// The definition of a tuple outside cycles.
    fn tuple(&mut self, tuple: TupleId) -> u32 {
        let mut alternatives = std::mem::take(&mut self.alternatives);
        self.alternatives(tuple, &mut alternatives);
        let node = self.node(Op::Or, &alternatives);
        self.alternatives = alternatives;
        node
    }

    /// Makes `alternatives` what derives a tuple.
    fn alternatives(&mut self, tuple: TupleId, alternatives: &mut Vec<u32>) {
        alternatives.clear();
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
    }

    fn instance(&mut self, instance: &Instance) -> u32 {
        self.cone.instances += 1;
        let mut parts = std::mem::take(&mut self.parts);
        parts.clear();
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
        let node = self.node(Op::And, &parts);
        self.parts = parts;
        node
    }

    /// Tuples that support each other.
    fn cycle(&mut self, tuples: &[TupleId]) {
        // What the instances need from outside is made first, so that the cycle is one run of nodes.
        for tuple in tuples {
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
        let mut alternatives = Vec::new();
        for (i, tuple) in tuples.iter().enumerate() {
            self.alternatives(*tuple, &mut alternatives);
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
        let known = self.leaves[leaf.index()];
        if known != UNSET {
            return known;
        }
        let node = self.push(Op::Leaf(leaf), (0, 0));
        self.leaves[leaf.index()] = node;
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
