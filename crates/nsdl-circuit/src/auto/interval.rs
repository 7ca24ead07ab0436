//! Bounds of a formula that can be seen from its parts.
//!
//! Independent parts multiply. Of others nothing is known but that (Fréchet, "Généralisation du théorème des
//! probabilités totales", 1935) a conjunction has at least what its conjuncts leave to each other and at most the
//! least of them, a disjunction at least the greatest of its disjuncts and at most their sum. Where all grow, or all
//! shrink, with the same independent Boolean variables, they favour each other: a conjunction has at least their product
//! and a disjunction at most what it had if they were independent (Harris, "A lower bound for the critical
//! probability in a certain percolation process", 1960).
//!
//! An unknown of a cycle is at least its best derivation under the weights of the trace, and at most what follows if
//! the unknowns some steps away are certain.

use crate::builder::Builder;
use crate::deep;
use crate::exact::Splitter;
use crate::formula::{Kind, NodeId};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// What bounds are computed with: numbers, or circuit nodes.
pub(super) trait Arithmetic {
    type Value: Copy;
    fn zero(&self) -> Self::Value;
    fn one(&self) -> Self::Value;
    fn leaf(&self, leaf: u32) -> Self::Value;
    fn complement(&mut self, x: Self::Value) -> Self::Value;
    fn product(&mut self, xs: Vec<Self::Value>) -> Self::Value;
    /// The sum, at most 1.
    fn sum(&mut self, xs: Vec<Self::Value>) -> Self::Value;
    fn least(&mut self, xs: Vec<Self::Value>) -> Self::Value;
    fn greatest(&mut self, xs: Vec<Self::Value>) -> Self::Value;
}

/// Under given values of leaves.
pub(super) struct Numbers<'v>(pub &'v [f64]);

impl Arithmetic for Numbers<'_> {
    type Value = f64;

    fn zero(&self) -> f64 {
        0.0
    }

    fn one(&self) -> f64 {
        1.0
    }

    fn leaf(&self, leaf: u32) -> f64 {
        self.0[leaf as usize]
    }

    fn complement(&mut self, x: f64) -> f64 {
        1.0 - x
    }

    fn product(&mut self, xs: Vec<f64>) -> f64 {
        xs.into_iter().product()
    }

    fn sum(&mut self, xs: Vec<f64>) -> f64 {
        xs.into_iter().sum::<f64>().min(1.0)
    }

    fn least(&mut self, xs: Vec<f64>) -> f64 {
        xs.into_iter().fold(1.0, f64::min)
    }

    fn greatest(&mut self, xs: Vec<f64>) -> f64 {
        xs.into_iter().fold(0.0, f64::max)
    }
}

/// As nodes of a circuit.
pub(super) struct Nodes<'b>(pub &'b mut Builder);

impl Arithmetic for Nodes<'_> {
    type Value = u32;

    fn zero(&self) -> u32 {
        self.0.zero()
    }

    fn one(&self) -> u32 {
        self.0.one()
    }

    fn leaf(&self, leaf: u32) -> u32 {
        leaf
    }

    fn complement(&mut self, x: u32) -> u32 {
        self.0.complement(x)
    }

    fn product(&mut self, mut xs: Vec<u32>) -> u32 {
        self.0.product(&mut xs)
    }

    fn sum(&mut self, mut xs: Vec<u32>) -> u32 {
        if xs.contains(&self.0.one()) {
            return self.0.one();
        }
        self.0.clamped_sum(&mut xs)
    }

    fn least(&mut self, mut xs: Vec<u32>) -> u32 {
        xs.sort_unstable();
        xs.dedup();
        self.0.min(&mut xs)
    }

    fn greatest(&mut self, mut xs: Vec<u32>) -> u32 {
        xs.sort_unstable();
        xs.dedup();
        self.0.max(&mut xs)
    }
}

/// A way to an unknown: a formula from outside the cycle, and unknowns.
type Term = (NodeId, Vec<u32>);

/// What is known of a cyclic system under the weights of the trace.
struct System {
    /// Terms by unknown.
    terms: Vec<Vec<Term>>,
    /// The first term of the best derivation of each unknown.
    best: Vec<Option<u32>>,
    /// Whether all unknowns grow, or all shrink, with the same variables.
    aligned: bool,
}

/// Terms of the unknowns around one that its upper bound looks at.
const TERMS: usize = 64;

/// Lower bound, upper bound and guess of formulas.
pub(super) struct Intervals<V> {
    known: FxHashMap<NodeId, [V; 3]>,
    systems: FxHashMap<u32, Rc<System>>,
    /// Whether formulas grow with all variables that they mention, or shrink.
    directions: FxHashMap<NodeId, Option<bool>>,
}

impl<V> Default for Intervals<V> {
    fn default() -> Self {
        Self {
            known: FxHashMap::default(),
            systems: FxHashMap::default(),
            directions: FxHashMap::default(),
        }
    }
}

impl Intervals<f64> {
    /// For the nodes of a circuit: the derivations that are best under the weights are those of the search.
    pub fn of_nodes(self) -> Intervals<u32> {
        Intervals {
            known: FxHashMap::default(),
            systems: self.systems,
            directions: self.directions,
        }
    }

    /// The interval of a formula under the weights of the trace.
    pub fn look_at(
        &mut self,
        node: NodeId,
        splitter: &mut Splitter,
        on: &mut Numbers<'_>,
    ) -> [f64; 3] {
        self.of(node, splitter, on, &mut solve)
    }
}

impl Intervals<u32> {
    /// Circuit nodes for a formula whose interval was looked at before.
    pub fn build(&mut self, node: NodeId, splitter: &mut Splitter, on: &mut Nodes<'_>) -> [u32; 3] {
        // Every system below it was solved with it.
        let unsolved = &mut |_: &System, _: &[[u32; 3]]| Vec::new();
        self.of(node, splitter, on, unsolved)
    }
}

/// Finds the best derivations of a system from the intervals of its external formulas, term by term.
type Solve<'s, V> = &'s mut dyn FnMut(&System, &[[V; 3]]) -> Vec<Option<u32>>;

/// Best derivations by relaxation: a lower bound only ever grows, so the terms noted last lead to each other without
/// a circle.
fn solve(system: &System, externals: &[[f64; 3]]) -> Vec<Option<u32>> {
    let count = system.terms.len();
    let mut values = vec![0.0; count];
    let mut best = vec![None; count];
    let mut changed = true;
    while changed {
        changed = false;
        let mut next = 0;
        for (unknown, terms) in system.terms.iter().enumerate() {
            for (place, (_, locals)) in (0..).zip(terms) {
                // Nothing may gain by rounding, or derivations would lead in circles.
                let lower = externals[next][0].min(1.0);
                next += 1;
                let locals = locals.iter().map(|&local| values[local as usize]);
                let value = match system.aligned {
                    true => locals.fold(lower, |a, b| a * b),
                    false => locals.fold(lower, |a, b| a.min(b) - (1.0 - a.max(b))),
                };
                if value > values[unknown] {
                    values[unknown] = value;
                    best[unknown] = Some(place);
                    changed = true;
                }
            }
        }
    }
    best
}

impl<V: Copy> Intervals<V> {
    fn of(
        &mut self,
        node: NodeId,
        splitter: &mut Splitter,
        on: &mut impl Arithmetic<Value = V>,
        solve: Solve<'_, V>,
    ) -> [V; 3] {
        match node {
            NodeId::FALSE => return [on.zero(); 3],
            NodeId::TRUE => return [on.one(); 3],
            _ => {}
        }
        match splitter.formulas().literal(node) {
            Some((leaf, true)) => return [on.leaf(leaf); 3],
            Some((leaf, false)) => {
                let leaf = on.leaf(leaf);
                return [on.complement(leaf); 3];
            }
            None => {}
        }
        if let Some(&known) = self.known.get(&node) {
            return known;
        }
        let found = deep(|| self.parts(node, splitter, on, solve));
        self.known.insert(node, found);
        found
    }

    fn parts(
        &mut self,
        node: NodeId,
        splitter: &mut Splitter,
        on: &mut impl Arithmetic<Value = V>,
        solve: Solve<'_, V>,
    ) -> [V; 3] {
        let formulas = splitter.formulas();
        match formulas.kind(node) {
            Kind::Constant | Kind::Leaf => [on.zero(); 3],
            Kind::Not => {
                let denied = formulas.denied(node).unwrap_or(NodeId::FALSE);
                let [lower, upper, guess] = self.of(denied, splitter, on, solve);
                [upper, lower, guess].map(|x| on.complement(x))
            }
            kind @ (Kind::And | Kind::Or) => {
                let children = formulas.children(node).to_vec();
                let aligned = self.direction(node, splitter).is_some();
                let mut parts: Vec<[V; 3]> = Vec::new();
                for component in splitter.components(&children) {
                    let mut dependent = Vec::with_capacity(component.len());
                    for part in component {
                        dependent.push(self.of(part, splitter, on, solve));
                    }
                    parts.push(match kind {
                        Kind::And => all(&dependent, aligned, on),
                        _ => any(&dependent, aligned, on),
                    });
                }
                std::array::from_fn(|which| {
                    let values = parts.iter().map(|part| part[which]);
                    match kind {
                        Kind::And => on.product(values.collect()),
                        _ => independent(values.collect(), on),
                    }
                })
            }
            Kind::Fix => match formulas.fix(node) {
                Some((system, unknown)) => self.unknown(system, unknown, splitter, on, solve),
                None => [on.zero(); 3],
            },
        }
    }

    /// Whether a formula grows with all variables that it mentions, or shrinks; `None` if neither, or if alternatives
    /// exclude each other.
    fn direction(&mut self, node: NodeId, splitter: &Splitter) -> Option<bool> {
        let formulas = splitter.formulas();
        if let Some((leaf, positive)) = formulas.literal(node) {
            let (first, end) = formulas.group_leaves(formulas.supports.group(leaf));
            return (end - first == 1).then_some(positive);
        }
        if let Some(&known) = self.directions.get(&node) {
            return known;
        }
        let found = deep(|| {
            if let Some(denied) = formulas.denied(node) {
                return self.direction(denied, splitter).map(|grows| !grows);
            }
            let parts: Vec<NodeId> = match formulas.fix(node) {
                Some((system, _)) => {
                    let terms = splitter.residuals.systems.terms(system);
                    terms.map(|(_, external, _)| external).collect()
                }
                None => formulas.children(node).to_vec(),
            };
            let parts = parts.into_iter().filter(|&part| part > NodeId::TRUE);
            let mut directions = parts.map(|part| self.direction(part, splitter));
            let first = directions.next()??;
            directions
                .all(|other| other == Some(first))
                .then_some(first)
        });
        self.directions.insert(node, found);
        found
    }

    fn unknown(
        &mut self,
        number: u32,
        unknown: u32,
        splitter: &mut Splitter,
        on: &mut impl Arithmetic<Value = V>,
        solve: Solve<'_, V>,
    ) -> [V; 3] {
        let system = match self.systems.get(&number) {
            Some(system) => system.clone(),
            None => {
                let count = splitter.residuals.systems.unknowns(number) as usize;
                let mut terms: Vec<Vec<Term>> = vec![Vec::new(); count];
                for (head, external, locals) in splitter.residuals.systems.terms(number) {
                    terms[head as usize].push((external, locals.to_vec()));
                }
                let support = splitter.residuals.systems.support(number);
                let node = splitter
                    .residuals
                    .formulas
                    .make_fix(number, unknown, support);
                let mut externals = Vec::new();
                for &(external, _) in terms.iter().flatten() {
                    externals.push(self.of(external, splitter, on, solve));
                }
                let mut system = System {
                    best: vec![None; count],
                    aligned: self.direction(node, splitter).is_some(),
                    terms,
                };
                system.best = solve(&system, &externals);
                let system = Rc::new(system);
                self.systems.insert(number, system.clone());
                system
            }
        };
        let mut lowers = FxHashMap::default();
        let lower = self.derivation(&system, unknown, &mut lowers, splitter, on, solve);
        // One step, or two where that stays small.
        let terms = &system.terms[unknown as usize];
        let next = terms.iter().flat_map(|(_, locals)| locals);
        let around: usize = next.map(|&local| system.terms[local as usize].len()).sum();
        let steps = if around > TERMS { 1 } else { 2 };
        let (upper, guess) =
            self.outward(&system, unknown, steps, &mut lowers, splitter, on, solve);
        [lower, upper, guess]
    }

    /// The lower bound of the best derivation of an unknown.
    fn derivation(
        &mut self,
        system: &System,
        unknown: u32,
        lowers: &mut FxHashMap<u32, V>,
        splitter: &mut Splitter,
        on: &mut impl Arithmetic<Value = V>,
        solve: Solve<'_, V>,
    ) -> V {
        if let Some(&known) = lowers.get(&unknown) {
            return known;
        }
        let term = system.best.get(unknown as usize).copied().flatten();
        let term = term.and_then(|term| system.terms[unknown as usize].get(term as usize));
        let lower = match term {
            None => on.zero(),
            Some((external, locals)) => deep(|| {
                let mut parts = vec![self.of(*external, splitter, on, solve)];
                for &local in locals {
                    let lower = self.derivation(system, local, lowers, splitter, on, solve);
                    parts.push([lower; 3]);
                }
                all(&parts, system.aligned, on)[0]
            }),
        };
        lowers.insert(unknown, lower);
        lower
    }

    /// Upper bound and guess of an unknown from those some steps away, which count as certain for the one and as what
    /// their best derivation gives for the other.
    #[allow(clippy::too_many_arguments)] // What all steps have in common.
    fn outward(
        &mut self,
        system: &System,
        unknown: u32,
        steps: u32,
        lowers: &mut FxHashMap<u32, V>,
        splitter: &mut Splitter,
        on: &mut impl Arithmetic<Value = V>,
        solve: Solve<'_, V>,
    ) -> (V, V) {
        let mut ways = Vec::with_capacity(system.terms[unknown as usize].len());
        for (external, locals) in &system.terms[unknown as usize] {
            let mut parts = vec![self.of(*external, splitter, on, solve)];
            for &local in locals {
                let (upper, guess) = match steps {
                    0 | 1 => {
                        let lower = self.derivation(system, local, lowers, splitter, on, solve);
                        (on.one(), lower)
                    }
                    _ => self.outward(system, local, steps - 1, lowers, splitter, on, solve),
                };
                parts.push([on.zero(), upper, guess]);
            }
            ways.push(all(&parts, system.aligned, on));
        }
        let [_, upper, guess] = any(&ways, system.aligned, on);
        (upper, guess)
    }
}

/// All of some parts that may depend on each other; `aligned` if they favour each other.
fn all<A: Arithmetic>(parts: &[[A::Value; 3]], aligned: bool, on: &mut A) -> [A::Value; 3] {
    if let [part] = parts {
        return *part;
    }
    let lower = match aligned {
        true => on.product(parts.iter().map(|part| part[0]).collect()),
        false => {
            let missing = parts.iter().map(|part| on.complement(part[0])).collect();
            let missing = on.sum(missing);
            on.complement(missing)
        }
    };
    [
        lower,
        on.least(parts.iter().map(|part| part[1]).collect()),
        on.product(parts.iter().map(|part| part[2]).collect()),
    ]
}

/// Any of some parts that may depend on each other; `aligned` if they favour each other.
fn any<A: Arithmetic>(parts: &[[A::Value; 3]], aligned: bool, on: &mut A) -> [A::Value; 3] {
    if let [part] = parts {
        return *part;
    }
    let uppers: Vec<A::Value> = parts.iter().map(|part| part[1]).collect();
    [
        on.greatest(parts.iter().map(|part| part[0]).collect()),
        match aligned {
            true => independent(uppers, on),
            false => on.sum(uppers),
        },
        independent(parts.iter().map(|part| part[2]).collect(), on),
    ]
}

fn independent<A: Arithmetic>(values: Vec<A::Value>, on: &mut A) -> A::Value {
    let absent = values.into_iter().map(|x| on.complement(x)).collect();
    let absent = on.product(absent);
    on.complement(absent)
}
