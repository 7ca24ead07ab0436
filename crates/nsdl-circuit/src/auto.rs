//! Exact inference within a budget, else bounds that always contain the probability.
//!
//! Each output first gets its share of the budget for a whole compilation. Where that is not enough, a second budget
//! goes to a search: formulas are taken apart step by step as exact inference does ([`crate::exact`]), first those whose
//! bounds contribute most to what is unknown of the outputs, under the weights of the trace. What is never taken
//! apart keeps the bounds that can be seen from its parts ([`interval`]). Lower bound, upper bound and answer are circuit
//! nodes like any others: every step is monotone in each (a complement swaps the bounds), so they hold for all weights,
//! and batches, gradients and tensor back ends need nothing new.
//!
//! The answer is what the same circuit gives where the parts of an open formula count as independent. That guess
//! lies within the bounds, is exact where the open parts are independent, and, other than their middle, does not run
//! to one half as the bounds widen.

mod interval;

use crate::builder::Builder;
use crate::cone::Cone;
use crate::exact::{self, Compiler, Root, Step, Summary};
use crate::formula::NodeId;
use crate::layers::Layered;
use crate::{Limits, Stop};
use interval::{Intervals, Nodes, Numbers};
use nsdl_ir::Trace;
use rustc_hash::FxHashMap;

/// The nodes of lower and upper bounds, output by output.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bounds {
    pub lower: Vec<u32>,
    pub upper: Vec<u32>,
}

impl Bounds {
    /// Outputs that are not exact.
    pub fn open(&self) -> usize {
        let pairs = self.lower.iter().zip(&self.upper);
        pairs.filter(|(lower, upper)| lower != upper).count()
    }
}

/// Compiles the outputs of a cone, exactly within `limits` or with bounds from at most `more` further nodes.
pub(crate) fn compile(
    trace: &Trace,
    cone: &Cone,
    limits: &Limits,
    more: usize,
) -> Result<(Layered, Summary, Bounds), Stop> {
    // The formulas must stand, or there would be nothing to have bounds of.
    let formulas = Limits {
        nodes: limits.nodes.max(FORMULAS),
        cancel: limits.cancel,
    };
    let (mut compiler, roots) = exact::prepare(trace, cone, &formulas)?;
    let mut open = Vec::new();
    let mut made = vec![0; roots.len()];
    for (place, root) in roots.iter().enumerate() {
        match root {
            Root::Made(node) => made[place] = *node,
            Root::Formula(node) => open.push((place, *node)),
        }
    }
    let formulas = compiler.splitter.formulas();
    let mentioned = |node: NodeId| formulas.supports.get(formulas.support(node)).count();
    open.sort_by_cached_key(|&(place, node)| (mentioned(node), place));
    let end = compiler.size().saturating_add(limits.nodes);
    // What can be had at once is; else each answer is tried alone. A plan that is too large leaves nothing behind.
    for (system, unknowns) in compiler.together(&roots) {
        compiler.most = end;
        match compiler.network(system, &unknowns) {
            Ok(_) | Err(Stop::Budget { .. }) => {}
            Err(stop) => return Err(stop),
        }
    }
    let mut unsolved = Vec::new();
    for (i, &(place, node)) in open.iter().enumerate() {
        let share = end.saturating_sub(compiler.size()) / (open.len() - i);
        compiler.most = compiler.size() + share;
        match compiler.compile(node) {
            Ok(node) => made[place] = node,
            Err(Stop::Budget { .. }) => unsolved.push((place, node)),
            Err(stop) => return Err(stop),
        }
    }
    let mut bounds = Bounds {
        lower: made.clone(),
        upper: made.clone(),
    };
    if !unsolved.is_empty() {
        let mut search = Search::new(compiler, trace);
        let places: Vec<u32> = unsolved
            .iter()
            .map(|&(_, node)| search.place(node))
            .collect();
        search.run(&places, more)?;
        let found = search.assemble(&places);
        compiler = search.compiler;
        for (&(place, _), [lower, upper, answer]) in unsolved.iter().zip(found) {
            made[place] = answer;
            bounds.lower[place] = lower;
            bounds.upper[place] = upper;
        }
    }
    let summary = compiler.summary();
    let outputs = made.len();
    let all = [made, bounds.lower, bounds.upper].concat();
    let mut layered = compiler.builder.finish(&all);
    bounds.upper = layered.outputs.split_off(2 * outputs);
    bounds.lower = layered.outputs.split_off(outputs);
    Ok((layered, summary, bounds))
}

/// Formulas that the outputs may be before any is taken apart.
const FORMULAS: usize = 20_000_000;

/// What is known of a formula.
enum State {
    Exact(u32),
    Open,
    Split(Parts),
}

/// A formula in terms of other entries.
enum Parts {
    Same(u32),
    Not(u32),
    All(Vec<u32>),
    Any(Vec<u32>),
    /// Builder nodes of weights, and what they weigh.
    Branch(Vec<(u32, u32)>),
    Decide {
        on: u32,
        holds: u32,
        fails: u32,
    },
}

impl Parts {
    fn entries(&self) -> Vec<u32> {
        match self {
            Parts::Same(part) | Parts::Not(part) => vec![*part],
            Parts::All(parts) | Parts::Any(parts) => parts.clone(),
            Parts::Branch(ways) => ways.iter().map(|&(_, part)| part).collect(),
            Parts::Decide { on, holds, fails } => vec![*on, *holds, *fails],
        }
    }
}

struct Entry {
    node: NodeId,
    state: State,
    lower: f64,
    upper: f64,
    /// By how much the outputs may change with it, at most.
    influence: f64,
}

/// Formulas taken apart, best first.
struct Search<'l> {
    compiler: Compiler<'l>,
    entries: Vec<Entry>,
    places: FxHashMap<NodeId, u32>,
    /// Of builder nodes, under the weights of the trace.
    values: Vec<f64>,
    intervals: Intervals<f64>,
}

/// Formulas that mention so few leaves are compiled.
const SMALL: usize = 20;

/// The part of the budget that this may take each time.
const ALLOWANCE: usize = 64;

/// Entries that one round takes apart at least.
const ROUND: usize = 32;

impl<'l> Search<'l> {
    fn new(compiler: Compiler<'l>, trace: &Trace) -> Self {
        let weights = trace.leaves.iter().map(|leaf| leaf.weight.clamp(0.0, 1.0));
        Self {
            compiler,
            entries: Vec::new(),
            places: FxHashMap::default(),
            values: weights.chain([0.0, 1.0]).collect(),
            intervals: Intervals::default(),
        }
    }

    /// The entry of a formula.
    fn place(&mut self, node: NodeId) -> u32 {
        if let Some(&place) = self.places.get(&node) {
            return place;
        }
        let known = self.compiler.known(node);
        self.compiler.builder.evaluate(&mut self.values);
        let (state, lower, upper) = match known {
            Some(made) => {
                let value = self.values[made as usize];
                (State::Exact(made), value, value)
            }
            None => {
                let mut numbers = Numbers(&self.values);
                let splitter = &mut self.compiler.splitter;
                let [lower, upper, _] = self.intervals.look_at(node, splitter, &mut numbers);
                (State::Open, lower, upper)
            }
        };
        let place = self.entries.len() as u32;
        self.entries.push(Entry {
            node,
            state,
            lower,
            upper,
            influence: 0.0,
        });
        self.places.insert(node, place);
        place
    }

    /// Takes formulas apart until `more` nodes are made or nothing is open.
    fn run(&mut self, roots: &[u32], more: usize) -> Result<(), Stop> {
        let end = self.compiler.size().saturating_add(more);
        loop {
            let order = self.order(roots);
            self.measure(roots, &order);
            let score = |place: &u32| {
                let entry = &self.entries[*place as usize];
                entry.influence * (entry.upper - entry.lower)
            };
            let mut open: Vec<u32> = order
                .iter()
                .copied()
                .filter(|place| matches!(self.entries[*place as usize].state, State::Open))
                .filter(|place| score(place) > 1e-15)
                .collect();
            open.sort_by(|a, b| score(b).total_cmp(&score(a)).then(a.cmp(b)));
            open.truncate(ROUND.max(order.len() / 4));
            if open.is_empty() {
                return Ok(());
            }
            for place in open {
                if self.compiler.limits.cancelled() {
                    return Err(Stop::Cancelled);
                }
                if self.compiler.size() + 2 * self.entries.len() > end {
                    return Ok(());
                }
                self.split(place, more / ALLOWANCE)?;
            }
        }
    }

    fn split(&mut self, place: u32, allowance: usize) -> Result<(), Stop> {
        let node = self.entries[place as usize].node;
        let formulas = self.compiler.splitter.formulas();
        let leaves = formulas.supports.get(formulas.support(node));
        if leaves.take(SMALL + 1).count() <= SMALL {
            self.compiler.most = self.compiler.size() + allowance;
            match self.compiler.compile(node) {
                Ok(made) => {
                    self.compiler.builder.evaluate(&mut self.values);
                    let value = self.values[made as usize];
                    let entry = &mut self.entries[place as usize];
                    entry.state = State::Exact(made);
                    (entry.lower, entry.upper) = (value, value);
                    return Ok(());
                }
                Err(Stop::Budget { .. }) => {}
                Err(stop) => return Err(stop),
            }
        }
        let parts = match self.compiler.splitter.step(node) {
            Step::Same(node) => Parts::Same(self.place(node)),
            Step::Not(node) => Parts::Not(self.place(node)),
            Step::All(parts) => Parts::All(parts.into_iter().map(|p| self.place(p)).collect()),
            Step::Any(parts) => Parts::Any(parts.into_iter().map(|p| self.place(p)).collect()),
            Step::Decide { on, holds, fails } => Parts::Decide {
                on: self.place(on),
                holds: self.place(holds),
                fails: self.place(fails),
            },
            Step::Branch(branch) => {
                let weights = self.compiler.builder.weights(&branch).into_iter();
                Parts::Branch(weights.map(|(w, node)| (w, self.place(node))).collect())
            }
        };
        self.compiler.builder.evaluate(&mut self.values);
        self.entries[place as usize].state = State::Split(parts);
        Ok(())
    }

    /// The entries that the roots are made of, parts first.
    fn order(&self, roots: &[u32]) -> Vec<u32> {
        let mut order = Vec::with_capacity(self.entries.len());
        let mut seen = vec![false; self.entries.len()];
        let mut open: Vec<(u32, bool)> = roots.iter().map(|&root| (root, false)).collect();
        while let Some((place, done)) = open.pop() {
            if done {
                order.push(place);
                continue;
            }
            if std::mem::replace(&mut seen[place as usize], true) {
                continue;
            }
            open.push((place, true));
            if let State::Split(parts) = &self.entries[place as usize].state {
                let parts = parts.entries().into_iter();
                open.extend(parts.filter(|&p| !seen[p as usize]).map(|p| (p, false)));
            }
        }
        order
    }

    /// Bounds from below, then influence from above.
    fn measure(&mut self, roots: &[u32], order: &[u32]) {
        for &place in order {
            let State::Split(parts) = &self.entries[place as usize].state else {
                continue;
            };
            let lower = |part: &u32| self.entries[*part as usize].lower;
            let upper = |part: &u32| self.entries[*part as usize].upper;
            let weight = |node: &u32| self.values[*node as usize];
            let mix = |on: f64, holds: f64, fails: f64| on * holds + (1.0 - on) * fails;
            let (below, above) = match parts {
                Parts::Same(part) => (lower(part), upper(part)),
                Parts::Not(part) => (1.0 - upper(part), 1.0 - lower(part)),
                Parts::All(parts) => (
                    parts.iter().map(lower).product(),
                    parts.iter().map(upper).product(),
                ),
                Parts::Any(parts) => (
                    1.0 - parts.iter().map(|p| 1.0 - lower(p)).product::<f64>(),
                    1.0 - parts.iter().map(|p| 1.0 - upper(p)).product::<f64>(),
                ),
                Parts::Branch(ways) => (
                    ways.iter().map(|(w, part)| weight(w) * lower(part)).sum(),
                    ways.iter().map(|(w, part)| weight(w) * upper(part)).sum(),
                ),
                Parts::Decide { on, holds, fails } => (
                    mix(lower(on), lower(holds), lower(fails)),
                    mix(upper(on), upper(holds), upper(fails)),
                ),
            };
            let entry = &mut self.entries[place as usize];
            (entry.lower, entry.upper) = (below, above);
            entry.influence = 0.0;
        }
        for &place in order {
            self.entries[place as usize].influence = 0.0;
        }
        for &root in roots {
            self.entries[root as usize].influence += 1.0;
        }
        for &place in order.iter().rev() {
            let influence = self.entries[place as usize].influence;
            let State::Split(parts) = &self.entries[place as usize].state else {
                continue;
            };
            for (part, slope) in self.slopes(parts) {
                self.entries[part as usize].influence += influence * slope;
            }
        }
    }

    /// How steeply an entry may depend on its parts.
    fn slopes(&self, parts: &Parts) -> Vec<(u32, f64)> {
        let entry = |part: &u32| &self.entries[*part as usize];
        let others = |parts: &[u32], most: &dyn Fn(&Entry) -> f64| {
            let of = |i: usize| {
                let rest = parts.iter().enumerate().filter(|&(j, _)| j != i);
                rest.map(|(_, part)| most(entry(part))).product::<f64>()
            };
            (0..parts.len()).map(|i| (parts[i], of(i))).collect()
        };
        match parts {
            Parts::Same(part) | Parts::Not(part) => vec![(*part, 1.0)],
            Parts::All(parts) => others(parts, &|entry| entry.upper),
            Parts::Any(parts) => others(parts, &|entry| 1.0 - entry.lower),
            Parts::Branch(ways) => ways
                .iter()
                .map(|&(weight, part)| (part, self.values[weight as usize]))
                .collect(),
            Parts::Decide { on, holds, fails } => vec![
                (*on, (entry(holds).upper - entry(fails).lower).max(0.0)),
                (*holds, entry(on).upper),
                (*fails, 1.0 - entry(on).lower),
            ],
        }
    }

    /// Builder nodes of lower bound, upper bound and answer of each root.
    fn assemble(&mut self, roots: &[u32]) -> Vec<[u32; 3]> {
        let mut made: Vec<[u32; 3]> = vec![[0; 3]; self.entries.len()];
        let mut intervals = std::mem::take(&mut self.intervals).of_nodes();
        for place in self.order(roots) {
            let entry = &self.entries[place as usize];
            let Compiler {
                splitter, builder, ..
            } = &mut self.compiler;
            made[place as usize] = match &entry.state {
                State::Exact(node) => [*node; 3],
                State::Open => intervals.build(entry.node, splitter, &mut Nodes(builder)),
                State::Split(Parts::Not(part)) => {
                    let [lower, upper, answer] = made[*part as usize];
                    [upper, lower, answer].map(|node| builder.complement(node))
                }
                State::Split(parts) => std::array::from_fn(|which| {
                    let value = |part: u32| made[part as usize][which];
                    combine(builder, parts, value)
                }),
            };
        }
        let builder = &mut self.compiler.builder;
        let within = |&root: &u32| {
            let [lower, upper, answer] = made[root as usize];
            // The guess of a decision may lie outside.
            let answer = builder.max(&mut vec![lower, answer]);
            [lower, upper, builder.min(&mut vec![upper, answer])]
        };
        roots.iter().map(within).collect()
    }
}

/// An entry from its parts, where more of a part never is less of it.
fn combine(builder: &mut Builder, parts: &Parts, value: impl Fn(u32) -> u32) -> u32 {
    match parts {
        Parts::Same(part) | Parts::Not(part) => value(*part),
        Parts::All(parts) => builder.product(&mut parts.iter().map(|&p| value(p)).collect()),
        Parts::Any(parts) => builder.any(&mut parts.iter().map(|&p| value(p)).collect()),
        Parts::Decide { on, holds, fails } => {
            builder.decide(value(*on), value(*holds), value(*fails))
        }
        Parts::Branch(ways) => {
            let terms = ways.iter();
            let mut terms = terms
                .map(|&(weight, part)| builder.product(&mut vec![weight, value(part)]))
                .collect();
            builder.sum(&mut terms)
        }
    }
}
