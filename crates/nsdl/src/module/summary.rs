//! What compiling a module found, for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use nsdl_circuit::{LayerOp, Method};
use nsdl_ir::{AggregateKind, Trace};

use super::Module;

/// Nanoseconds that an edge takes a sample, forward and backward, in f32, measured where values stay in a cache.
const EDGE: f64 = 0.5;

/// The same of a product of two coefficients in a convolution.
const PAIR: f64 = 0.12;

/// Names that are listed one by one.
const LISTED: usize = 4;

impl Module {
    /// What compiling found and how large the circuit is: how answers come about, what aggregates became, nodes by
    /// operation, memory, and what a batch of 64 may cost.
    pub fn explain(&self) -> String {
        let report = self.circuit.report();
        let mut text = String::new();
        let ports = self.inputs.iter().map(|port| {
            let (n, kind) = (port.leaves.len(), port.input.exclusive);
            let kind = if kind { "one of" } else { "each of" };
            (port.input.relation.as_str(), format!("{kind} {n}"))
        });
        let outputs = self.outputs.iter();
        let outputs = outputs.map(|it| (it.name.as_str(), it.tuples.len().to_string()));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}: {} → {}",
            self.provenance,
            grouped(&ports.collect::<Vec<_>>()),
            grouped(&outputs.collect::<Vec<_>>())
        );
        let _ = writeln!(
            text,
            "found: {} uncertain tuples from {} rule instances, {} cycles",
            report.tuples, report.instances, report.cycles
        );
        for (what, count) in structures(&self.trace) {
            let _ = writeln!(text, "       {count} × {what}");
        }
        let _ = writeln!(text, "method: {}", self.method());
        let _ = writeln!(
            text,
            "circuit: {} nodes, {} edges, {} layers",
            report.nodes, report.edges, report.depth
        );
        for (op, nodes, edges) in self.operations() {
            let mean = edges as f64 / nodes.max(1) as f64;
            let _ = writeln!(text, "         {nodes} {op}, {mean:.1} children each");
        }
        let pairs = self.pairs();
        if pairs > 0 {
            let _ = writeln!(
                text,
                "         {pairs} products of two coefficients in these convolutions"
            );
        }
        let _ = writeln!(text, "memory: {}", in_bytes(self.bytes()));
        let _ = match self.layers() {
            Some(_) => writeln!(
                text,
                "cost: about {:.0} µs for a batch of 64, forward and backward, on one core",
                (64e-3 * (EDGE * report.edges as f64 + PAIR * pairs as f64)).max(1.0)
            ),
            None => writeln!(
                text,
                "cost: depends on the values; found anew for each sample"
            ),
        };
        text
    }

    fn method(&self) -> String {
        let report = self.circuit.report();
        match report.method {
            Method::Direct => "exact as it stands: alternatives exclude each other, what a rule joins is independent".into(),
            Method::Branching => format!(
                "exact after branching {} times on random variables, {} cyclic systems",
                report.branches, report.systems
            ),
            Method::Bounds => format!(
                "exact within the budget for all but {} outputs, which have bounds",
                report.open
            ),
            Method::Algebra => "the algebra of the provenance in one pass".into(),
            Method::Fixpoint => "the algebra of the provenance, iterated on cycles".into(),
            Method::Worlds => "worlds drawn for each sample".into(),
            Method::Proofs => "the most probable proofs, chosen for each sample".into(),
        }
    }

    /// Products of two coefficients that convolutions add up.
    fn pairs(&self) -> usize {
        let layers = self.layers().into_iter().flatten();
        let convolutions = layers.filter(|layer| layer.op == LayerOp::Convolution);
        let products = convolutions.flat_map(|layer| layer.products());
        products.map(|(a, b)| a.len() * b.len()).sum()
    }

    /// Nodes and edges of each operation.
    fn operations(&self) -> Vec<(&'static str, usize, usize)> {
        let mut counts: BTreeMap<LayerOp, (usize, usize)> = BTreeMap::new();
        for layer in self.layers().into_iter().flatten() {
            let (nodes, edges) = counts.entry(layer.op).or_default();
            *nodes += layer.len();
            *edges += layer.children.len();
        }
        let named = counts.into_iter().map(|(op, (nodes, edges))| {
            let name = match op {
                LayerOp::Complement => "complements",
                LayerOp::Product => "products",
                LayerOp::Sum => "sums",
                LayerOp::Min => "minima",
                LayerOp::Max => "maxima",
                LayerOp::ClampedSum => "sums up to 1",
                LayerOp::Convolution => "coefficients of convolutions",
            };
            (name, nodes, edges)
        });
        named.collect()
    }
}

/// Names with their shapes: several ports of one name together, and many neighbours of one shape.
fn grouped(ports: &[(&str, String)]) -> String {
    let named = ports.chunk_by(|a, b| a == b).filter_map(|run| {
        let (name, shape) = run.first()?;
        Some(match run.len() {
            1 => (*name, shape.clone()),
            many => (*name, format!("{many} × {shape}")),
        })
    });
    let named: Vec<(&str, String)> = named.collect();
    let runs = named.chunk_by(|a, b| a.1 == b.1).map(|run| match run {
        [(first, shape), .., (last, _)] if run.len() > LISTED => {
            format!("{first} … {last} ({}, each {shape})", run.len())
        }
        _ => {
            let each = run.iter().map(|(name, shape)| format!("{name} ({shape})"));
            each.collect::<Vec<_>>().join(", ")
        }
    });
    runs.collect::<Vec<_>>().join(", ")
}

/// What aggregates became.
fn structures(trace: &Trace) -> BTreeMap<&'static str, usize> {
    let mut found = BTreeMap::new();
    for aggregate in &trace.aggregates {
        let what = match aggregate.kind {
            AggregateKind::Count { .. } => "cardinality chain (count)",
            AggregateKind::Sum { .. } => "convolution over sums (sum)",
            AggregateKind::Fold { .. } => "chain over partial results (product and the like)",
            AggregateKind::Best { .. } => "sorted chain (min, max)",
            AggregateKind::Paths { .. } => "chain over choices of members",
            AggregateKind::Exists { .. } => "test whether any member holds",
        };
        *found.entry(what).or_default() += 1;
    }
    found
}

fn in_bytes(bytes: usize) -> String {
    let kilo = bytes as f64 / 1024.0;
    match kilo {
        ..1.0 => format!("{bytes} B"),
        ..1024.0 => format!("{kilo:.0} KiB"),
        _ => format!("{:.1} MiB", kilo / 1024.0),
    }
}
