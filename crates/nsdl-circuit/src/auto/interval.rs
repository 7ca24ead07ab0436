//! Bounds of a formula that can be seen from its parts.
//!
//! Independent parts multiply. Of others nothing is known but that (Fréchet, "Généralisation du théorème des
//! probabilités totales", 1935) a conjunction has at least what its conjuncts leave to each other and at most the
//! least of them, a disjunction at least the greatest of its disjuncts and at most their sum. The unknowns of a cycle
//! start at 0 for the lower bound, where each round is a bound as the model grows with the rounds, and at 1 for the
//! upper one, where each is one as the operator is monotone and the truth is below its own image.

use crate::builder::Builder;
use crate::deep;
use crate::exact::Splitter;
use crate::formula::{Kind, NodeId};
use rustc_hash::FxHashMap;

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

/// Rounds on a cycle.
const ROUNDS: u32 = 12;

/// Lower bound, upper bound and guess of formulas.
pub(super) struct Intervals<V> {
    known: FxHashMap<NodeId, [V; 3]>,
    systems: FxHashMap<u32, Vec<[V; 3]>>,
}

impl<V> Default for Intervals<V> {
    fn default() -> Self {
        Self {
            known: FxHashMap::default(),
            systems: FxHashMap::default(),
        }
    }
}

impl<V: Copy> Intervals<V> {
    pub fn of(
        &mut self,
        node: NodeId,
        splitter: &mut Splitter,
        on: &mut impl Arithmetic<Value = V>,
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
        let found = deep(|| self.look(node, splitter, on));
        self.known.insert(node, found);
        found
    }

    fn look(
        &mut self,
        node: NodeId,
        splitter: &mut Splitter,
        on: &mut impl Arithmetic<Value = V>,
    ) -> [V; 3] {
        let formulas = splitter.formulas();
        match formulas.kind(node) {
            Kind::Constant | Kind::Leaf => [on.zero(); 3],
            Kind::Not => {
                let denied = formulas.denied(node).unwrap_or(NodeId::FALSE);
                let [lower, upper, guess] = self.of(denied, splitter, on);
                [upper, lower, guess].map(|x| on.complement(x))
            }
            kind @ (Kind::And | Kind::Or) => {
                let children = formulas.children(node).to_vec();
                let components = splitter.components(&children);
                let parts = components.into_iter().map(|component| {
                    let parts = component.into_iter();
                    let parts: Vec<[V; 3]> = parts.map(|p| self.of(p, splitter, on)).collect();
                    match parts.as_slice() {
                        [part] => *part,
                        _ if kind == Kind::And => all(&parts, on),
                        _ => any(&parts, on),
                    }
                });
                let parts: Vec<[V; 3]> = parts.collect();
                std::array::from_fn(|which| {
                    let values = parts.iter().map(|part| part[which]);
                    match kind {
                        Kind::And => on.product(values.collect()),
                        _ => independent(values.collect(), on),
                    }
                })
            }
            Kind::Fix => match formulas.fix(node) {
                Some((system, unknown)) => self.unknowns(system, splitter, on)[unknown as usize],
                None => [on.zero(); 3],
            },
        }
    }

    fn unknowns(
        &mut self,
        system: u32,
        splitter: &mut Splitter,
        on: &mut impl Arithmetic<Value = V>,
    ) -> &[[V; 3]] {
        if !self.systems.contains_key(&system) {
            let count = splitter.residuals.systems.unknowns(system);
            let terms: Vec<(u32, NodeId, Vec<u32>)> = splitter
                .residuals
                .systems
                .terms(system)
                .map(|(head, external, locals)| (head, external, locals.to_vec()))
                .collect();
            let externals: Vec<[V; 3]> = terms
                .iter()
                .map(|&(_, external, _)| self.of(external, splitter, on))
                .collect();
            let mut values = vec![[on.zero(), on.one(), on.zero()]; count as usize];
            for _ in 0..count.min(ROUNDS) {
                let mut ways: Vec<Vec<[V; 3]>> = vec![Vec::new(); count as usize];
                for ((head, _, locals), external) in terms.iter().zip(&externals) {
                    let locals = locals.iter().map(|&local| values[local as usize]);
                    let parts: Vec<[V; 3]> = locals.chain([*external]).collect();
                    ways[*head as usize].push(all(&parts, on));
                }
                values = ways.iter().map(|ways| any(ways, on)).collect();
            }
            self.systems.insert(system, values);
        }
        &self.systems[&system]
    }
}

/// All of some parts that may depend on each other.
fn all<A: Arithmetic>(parts: &[[A::Value; 3]], on: &mut A) -> [A::Value; 3] {
    if let [part] = parts {
        return *part;
    }
    let missing = parts.iter().map(|part| on.complement(part[0])).collect();
    let missing = on.sum(missing);
    [
        on.complement(missing),
        on.least(parts.iter().map(|part| part[1]).collect()),
        on.product(parts.iter().map(|part| part[2]).collect()),
    ]
}

/// Any of some parts that may depend on each other.
fn any<A: Arithmetic>(parts: &[[A::Value; 3]], on: &mut A) -> [A::Value; 3] {
    if let [part] = parts {
        return *part;
    }
    [
        on.greatest(parts.iter().map(|part| part[0]).collect()),
        on.sum(parts.iter().map(|part| part[1]).collect()),
        independent(parts.iter().map(|part| part[2]).collect(), on),
    ]
}

fn independent<A: Arithmetic>(values: Vec<A::Value>, on: &mut A) -> A::Value {
    let absent = values.into_iter().map(|x| on.complement(x)).collect();
    let absent = on.product(absent);
    on.complement(absent)
}
