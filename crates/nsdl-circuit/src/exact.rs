//! Exact inference: a formula compiled top-down into a circuit of sums, products and complements.
//!
//! The circuit computes the weight of the formula's models because every step is an identity of probabilities:
//! conjuncts without a common random variable multiply, disjuncts without one multiply as complements, and
//! otherwise a random variable is branched on, once for each of its alternatives that the formula mentions and
//! once for all others. Residuals are conditioned once and compiled once ([`crate::condition`]), so different
//! branches and outputs share their circuits (Darwiche and Marquis, "A knowledge compilation map", JAIR 2002;
//! for weights that are probabilities of exclusive alternatives, Fierens et al., TPLP 2015). Nothing is
//! unrolled and nothing is divided, so values and gradients are finite at weights 0 and 1.

use crate::builder::Builder;
use crate::condition::Residuals;
use crate::cone::{Cone, Op};
use crate::fixpoint::{Equations, Systems, Term};
use crate::formula::{Choice, Formulas, Kind, NodeId};
use crate::layers::Layered;
use crate::support::SupportId;
use crate::{Limits, Stop, deep};
use nsdl_ir::Trace;
use rustc_hash::FxHashMap;

/// What the compilation did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    /// Branches that were needed although alternatives were not exclusive.
    pub branches: usize,
    pub systems: usize,
    pub formulas: usize,
}

/// Compiles the outputs of a cone.
pub(crate) fn compile(
    trace: &Trace,
    cone: &Cone,
    limits: &Limits,
) -> Result<(Layered, Summary), Stop> {
    let mut formulas = Formulas::new(trace);
    let mut systems = Systems::default();
    let nodes = formulate(cone, &mut formulas, &mut systems, limits)?;
    let mut compiler = Compiler {
        residuals: Residuals::new(formulas, systems),
        builder: Builder::new(trace.leaves.len()),
        compiled: FxHashMap::default(),
        limits,
        steps: 0,
        summary: Summary::default(),
    };
    let mut outputs = Vec::with_capacity(cone.outputs.len());
    for &output in &cone.outputs {
        outputs.push(compiler.compile(nodes[output as usize])?);
    }
    let mut summary = compiler.summary;
    summary.systems = compiler.residuals.systems.len();
    summary.formulas = compiler.residuals.formulas.len();
    Ok((compiler.builder.finish(&outputs), summary))
}

/// The formula of each node of a cone; tuples in cycles become unknowns of systems.
fn formulate(
    cone: &Cone,
    formulas: &mut Formulas,
    systems: &mut Systems,
    limits: &Limits,
) -> Result<Vec<NodeId>, Stop> {
    let mut nodes = vec![NodeId::FALSE; cone.len()];
    let mut cycles = cone.cycles.iter().peekable();
    let mut node = 0;
    while node < cone.len() {
        if formulas.size() > limits.nodes {
            return Err(Stop::Budget {
                nodes: formulas.size(),
            });
        }
        if node.is_multiple_of(1024) && limits.cancelled() {
            return Err(Stop::Cancelled);
        }
        if let Some(cycle) = cycles.next_if(|cycle| cycle.start as usize == node) {
            let end = cycle.start + cycle.unknowns;
            let mut equations: Equations = Vec::with_capacity(cycle.unknowns as usize);
            for unknown in cycle.start..end {
                let terms = cone.children(unknown).iter().map(|&child| {
                    let parts = match child {
                        _ if child >= end && child < cycle.end => cone.children(child),
                        _ => std::slice::from_ref(&child),
                    };
                    let mut locals = Vec::new();
                    let mut externals = Vec::new();
                    for &part in parts {
                        match part {
                            _ if part >= cycle.start && part < end => {
                                locals.push(part - cycle.start)
                            }
                            _ => externals.push(nodes[part as usize]),
                        }
                    }
                    locals.sort_unstable();
                    locals.dedup();
                    Term {
                        locals,
                        external: formulas.and(&mut externals),
                    }
                });
                equations.push(terms.collect());
            }
            let solution = systems.solve(equations, formulas);
            nodes[node..node + solution.len()].copy_from_slice(&solution);
            node = cycle.end as usize;
            continue;
        }
        let mut children: Vec<NodeId> = cone
            .children(node as u32)
            .iter()
            .map(|&child| nodes[child as usize])
            .collect();
        nodes[node] = match cone.ops[node] {
            Op::Zero => NodeId::FALSE,
            Op::One => NodeId::TRUE,
            Op::Leaf(leaf) => formulas.leaf(leaf.0),
            Op::Not => formulas.not(children[0]),
            Op::And => formulas.and(&mut children),
            Op::Or | Op::Sum => formulas.or(&mut children),
        };
        node += 1;
    }
    Ok(nodes)
}

struct Compiler<'l> {
    residuals: Residuals,
    builder: Builder,
    compiled: FxHashMap<NodeId, u32>,
    limits: &'l Limits<'l>,
    steps: u32,
    summary: Summary,
}

impl Compiler<'_> {
    /// The circuit node whose value is the probability of a formula.
    fn compile(&mut self, node: NodeId) -> Result<u32, Stop> {
        match node {
            NodeId::FALSE => return Ok(self.builder.zero()),
            NodeId::TRUE => return Ok(self.builder.one()),
            _ => {}
        }
        match self.formulas().literal(node) {
            Some((leaf, true)) => return Ok(leaf),
            Some((leaf, false)) => return Ok(self.builder.complement(leaf)),
            None => {}
        }
        if let Some(&compiled) = self.compiled.get(&node) {
            return Ok(compiled);
        }
        self.check()?;
        let compiled = deep(|| match self.formulas().kind(node) {
            Kind::And => self.conjunction(node),
            Kind::Or => self.disjunction(node),
            Kind::Fix => self.fixpoint(node),
            _ => {
                let denied = self.formulas().denied(node).unwrap_or(NodeId::FALSE);
                let denied = self.compile(denied)?;
                Ok(self.builder.complement(denied))
            }
        })?;
        self.compiled.insert(node, compiled);
        Ok(compiled)
    }

    fn formulas(&self) -> &Formulas {
        &self.residuals.formulas
    }

    fn check(&mut self) -> Result<(), Stop> {
        if self.steps.is_multiple_of(64) && self.limits.cancelled() {
            return Err(Stop::Cancelled);
        }
        self.steps = self.steps.wrapping_add(1);
        let nodes = self.builder.len() + self.residuals.size();
        if nodes > self.limits.nodes {
            Err(Stop::Budget { nodes })
        } else {
            Ok(())
        }
    }

    fn conjunction(&mut self, node: NodeId) -> Result<u32, Stop> {
        let mut children = self.formulas().children(node).to_vec();
        if self.propagate(&mut children) {
            let propagated = self.residuals.formulas.and(&mut children);
            return self.compile(propagated);
        }
        let components = self.components(&children);
        if components.len() > 1 {
            let mut factors = Vec::with_capacity(components.len());
            for mut component in components {
                let part = self.residuals.formulas.and(&mut component);
                factors.push(self.compile(part)?);
            }
            return Ok(self.builder.product(factors));
        }
        if let Some(mut denied) = self.all_denied(&children) {
            let alternatives = self.residuals.formulas.or(&mut denied);
            let alternatives = self.compile(alternatives)?;
            return Ok(self.builder.complement(alternatives));
        }
        if let Some(factored) = self.factor(&children, Kind::And) {
            return self.compile(factored);
        }
        let group = self.choose(node);
        self.branch(node, group)
    }

    fn disjunction(&mut self, node: NodeId) -> Result<u32, Stop> {
        let children = self.formulas().children(node).to_vec();
        if let Some(group) = self.exclusive(&children) {
            self.summary.branches = self.summary.branches.wrapping_sub(1);
            return self.branch(node, group);
        }
        let components = self.components(&children);
        if components.len() > 1 {
            let mut factors = Vec::with_capacity(components.len());
            for mut component in components {
                let part = self.residuals.formulas.or(&mut component);
                let part = self.compile(part)?;
                factors.push(self.builder.complement(part));
            }
            let none = self.builder.product(factors);
            return Ok(self.builder.complement(none));
        }
        if let Some(mut denied) = self.all_denied(&children) {
            let all = self.residuals.formulas.and(&mut denied);
            let all = self.compile(all)?;
            return Ok(self.builder.complement(all));
        }
        if let Some(factored) = self.factor(&children, Kind::Or) {
            return self.compile(factored);
        }
        let group = self.choose(node);
        self.branch(node, group)
    }

    /// An unknown of a system: branches at the frontier of what is certain, so that each branch makes another
    /// unknown certain or removes one of its supports.
    fn fixpoint(&mut self, node: NodeId) -> Result<u32, Stop> {
        let Some((system, unknown)) = self.formulas().fix(node) else {
            return Ok(self.builder.zero());
        };
        let Some(external) = self.frontier(system) else {
            return Ok(self.builder.zero());
        };
        if self.formulas().literal(external).is_none() && self.stands_alone(system, external) {
            let weight = self.compile(external)?;
            let holds = self.residuals.assume(system, external, true)[unknown as usize];
            let fails = self.residuals.assume(system, external, false)[unknown as usize];
            self.summary.branches += 1;
            let holds = self.compile(holds)?;
            let fails = self.compile(fails)?;
            let without = self.builder.complement(weight);
            let with = self.builder.product(vec![weight, holds]);
            let without = self.builder.product(vec![without, fails]);
            return Ok(self.builder.sum(vec![with, without]));
        }
        let group = self.choose(external);
        self.branch(node, group)
    }

    /// What may make the first unknown that needs no other one hold.
    fn frontier(&self, system: u32) -> Option<NodeId> {
        let equations = self.residuals.systems.get(system);
        let mut terms = equations.iter().flatten();
        terms
            .find(|term| term.locals.is_empty())
            .map(|term| term.external)
    }

    /// Whether nothing else in the system depends on the random variables of one of its external formulas.
    fn stands_alone(&mut self, system: u32, external: NodeId) -> bool {
        let equations = self.residuals.systems.get(system);
        let formulas = &mut self.residuals.formulas;
        let support = formulas.support(external);
        equations.iter().flatten().all(|term| {
            let other = formulas.support(term.external);
            term.external == external || !formulas.supports.overlap(support, other)
        })
    }

    /// Uses literals among conjuncts to simplify the others; false if there was nothing to simplify.
    fn propagate(&mut self, children: &mut [NodeId]) -> bool {
        let mut changed = false;
        for i in 0..children.len() {
            let Some((leaf, positive)) = self.formulas().literal(children[i]) else {
                break;
            };
            let group = self.formulas().supports.group(leaf);
            let choice = if positive {
                Choice::Is(leaf)
            } else {
                Choice::None(group)
            };
            let others = || (0..children.len()).filter(|&j| j != i);
            // "Not v" decides a variable only for formulas that mention no other of its alternatives.
            let decides = positive
                || others().all(|j| {
                    let mentioned = self.formulas().mentioned(children[j], group);
                    mentioned.iter().all(|&other| other == leaf)
                });
            if !decides {
                continue;
            }
            for j in others().collect::<Vec<_>>() {
                let residual = self.residuals.condition(children[j], choice);
                changed |= residual != children[j];
                children[j] = residual;
            }
        }
        changed
    }

    /// Children in groups without common random variables.
    fn components(&mut self, children: &[NodeId]) -> Vec<Vec<NodeId>> {
        if let [a, b] = *children {
            let formulas = &mut self.residuals.formulas;
            let (x, y) = (formulas.support(a), formulas.support(b));
            return if formulas.supports.overlap(x, y) {
                vec![vec![a, b]]
            } else {
                vec![vec![a], vec![b]]
            };
        }
        let supports: Vec<SupportId> = children
            .iter()
            .map(|&child| self.formulas().support(child))
            .collect();
        // Union-find over the children; each random variable remembers the first child that mentions it.
        let mut parent: Vec<u32> = (0..children.len() as u32).collect();
        let mut first_by_group: FxHashMap<u32, u32> = FxHashMap::default();
        let mut first_by_support: FxHashMap<SupportId, u32> = FxHashMap::default();
        fn find(parent: &mut [u32], mut x: u32) -> u32 {
            while parent[x as usize] != x {
                parent[x as usize] = parent[parent[x as usize] as usize];
                x = parent[x as usize];
            }
            x
        }
        let mut parts = children.len();
        for (i, &support) in supports.iter().enumerate() {
            let join = |parent: &mut [u32], other: u32, parts: &mut usize| {
                let (a, b) = (find(parent, i as u32), find(parent, other));
                if a != b {
                    parent[a.max(b) as usize] = a.min(b);
                    *parts -= 1;
                }
            };
            if let Some(&other) = first_by_support.get(&support) {
                join(&mut parent, other, &mut parts);
                continue;
            }
            first_by_support.insert(support, i as u32);
            let supports = &self.residuals.formulas.supports;
            let mut last = None;
            for &leaf in supports.get(support) {
                let group = supports.group(leaf);
                if last == Some(group) {
                    continue;
                }
                last = Some(group);
                let first = *first_by_group.entry(group).or_insert(i as u32);
                join(&mut parent, first, &mut parts);
            }
            if parts == 1 && i + 1 == children.len() {
                break;
            }
        }
        if parts == 1 {
            return vec![children.to_vec()];
        }
        let mut places: FxHashMap<u32, usize> = FxHashMap::default();
        let mut components: Vec<Vec<NodeId>> = Vec::with_capacity(parts);
        for (i, &child) in children.iter().enumerate() {
            let root = find(&mut parent, i as u32);
            let place = *places.entry(root).or_insert_with(|| {
                components.push(Vec::new());
                components.len() - 1
            });
            components[place].push(child);
        }
        components
    }

    /// What the children deny, if each is a Not of something other than a leaf.
    fn all_denied(&self, children: &[NodeId]) -> Option<Vec<NodeId>> {
        let formulas = self.formulas();
        if children
            .iter()
            .all(|&child| formulas.literal(child).is_some())
        {
            return None;
        }
        children
            .iter()
            .map(|&child| formulas.denied(child))
            .collect()
    }

    /// `(c ∧ a) ∨ (c ∧ b)` as `c ∧ (a ∨ b)`, and the dual, where all children have something in common.
    fn factor(&mut self, children: &[NodeId], kind: Kind) -> Option<NodeId> {
        let dual = if kind == Kind::Or {
            Kind::And
        } else {
            Kind::Or
        };
        let formulas = &mut self.residuals.formulas;
        if children.iter().any(|&child| formulas.kind(child) != dual) {
            return None;
        }
        let mut common = formulas.children(*children.first()?).to_vec();
        for &child in children {
            let inner = formulas.children(child);
            common.retain(|node| inner.binary_search(node).is_ok());
            if common.is_empty() {
                return None;
            }
        }
        let mut rests = Vec::with_capacity(children.len());
        for &child in children {
            let mut rest = formulas.children(child).to_vec();
            rest.retain(|node| common.binary_search(node).is_err());
            rests.push(match dual {
                Kind::And => formulas.and(&mut rest),
                _ => formulas.or(&mut rest),
            });
        }
        Some(match dual {
            Kind::And => {
                common.push(formulas.or(&mut rests));
                formulas.and(&mut common)
            }
            _ => {
                common.push(formulas.and(&mut rests));
                formulas.or(&mut common)
            }
        })
    }

    /// The literals that a disjunct demands.
    fn demands(&self, child: NodeId) -> impl Iterator<Item = (u32, bool)> {
        let formulas = self.formulas();
        let inner = formulas.children(child);
        let inner = if formulas.kind(child) == Kind::And {
            inner
        } else {
            &[]
        };
        formulas
            .literal(child)
            .into_iter()
            .chain(inner.iter().map_while(|&node| formulas.literal(node)))
    }

    /// A random variable of which each disjunct demands another value, the last such.
    fn exclusive(&self, children: &[NodeId]) -> Option<u32> {
        let formulas = self.formulas();
        let (&first, rest) = children.split_first()?;
        let mut candidates: Vec<u32> = self
            .demands(first)
            .map(|(leaf, _)| formulas.supports.group(leaf))
            .collect();
        candidates.sort_unstable_by(|a, b| b.cmp(a));
        candidates.dedup();
        let mut seen: Vec<(u32, bool)> = Vec::with_capacity(children.len());
        candidates.into_iter().find(|&group| {
            seen.clear();
            let separate = std::iter::once(&first).chain(rest).all(|&child| {
                let demand = self
                    .demands(child)
                    .find(|&(leaf, _)| formulas.supports.group(leaf) == group);
                demand.is_some_and(|demand| {
                    seen.push(demand);
                    // A "not v" is apart only from v itself.
                    demand.1 || seen.len() <= 2
                })
            });
            seen.sort_unstable();
            separate
                && match seen.as_slice() {
                    [(v, false), (w, true)] => v == w,
                    demands => {
                        demands.iter().all(|demand| demand.1)
                            && demands.windows(2).all(|pair| pair[0] != pair[1])
                    }
                }
        })
    }

    /// The random variable to branch on: the one that most children demand, else the one that most mention;
    /// with cycles, one at their frontier.
    fn choose(&self, node: NodeId) -> u32 {
        let formulas = self.formulas();
        let children = formulas.children(node);
        if let Some((leaf, _)) = formulas.literal(node) {
            return formulas.supports.group(leaf);
        }
        if let Some(denied) = formulas.denied(node) {
            return self.choose(denied);
        }
        if let Some((system, _)) = formulas.fix(node) {
            return self
                .frontier(system)
                .map_or(0, |external| self.choose(external));
        }
        let mut demanded: FxHashMap<u32, u32> = FxHashMap::default();
        for &child in children {
            let inner = formulas.children(child);
            let literals = formulas.literal(child).into_iter();
            for (leaf, _) in literals.chain(inner.iter().map_while(|&node| formulas.literal(node)))
            {
                *demanded.entry(formulas.supports.group(leaf)).or_default() += 1;
            }
        }
        let best = demanded
            .into_iter()
            .max_by_key(|&(group, count)| (count, group));
        if let Some((group, count)) = best
            && count > 1
        {
            return group;
        }
        if let Some(&cyclic) = children.iter().find(|&&child| formulas.cyclic(child)) {
            return self.choose(cyclic);
        }
        let mut mentioned: FxHashMap<u32, u32> = FxHashMap::default();
        for &child in children {
            let mut last = None;
            for &leaf in formulas.supports.get(formulas.support(child)) {
                let group = formulas.supports.group(leaf);
                if last != Some(group) {
                    *mentioned.entry(group).or_default() += 1;
                    last = Some(group);
                }
            }
        }
        mentioned
            .into_iter()
            .max_by_key(|&(group, count)| (count, group))
            .map_or(0, |(group, _)| group)
    }

    /// Σ over the alternatives that `node` mentions of weight times residual, and the same for all others
    /// together. Alternatives with equal residuals share one product.
    fn branch(&mut self, node: NodeId, group: u32) -> Result<u32, Stop> {
        self.summary.branches = self.summary.branches.wrapping_add(1);
        let leaves = self.formulas().mentioned(node, group).to_vec();
        debug_assert!(
            !leaves.is_empty(),
            "branching on a variable that is not mentioned"
        );
        let residuals = if self.formulas().kind(node) == Kind::Or {
            self.cofactors(node, group, &leaves)
        } else {
            let choices = leaves
                .iter()
                .map(|&leaf| Choice::Is(leaf))
                .chain([Choice::None(group)]);
            choices
                .map(|choice| self.residuals.condition(node, choice))
                .collect()
        };
        self.check()?;
        let none = residuals.last().copied().unwrap_or(NodeId::FALSE);
        let mut order: Vec<NodeId> = Vec::new();
        let mut weights: FxHashMap<NodeId, Vec<u32>> = FxHashMap::default();
        for (&leaf, &residual) in leaves.iter().zip(&residuals) {
            if residual == none {
                continue;
            }
            let weight = weights.entry(residual).or_default();
            if weight.is_empty() {
                order.push(residual);
            }
            weight.push(leaf);
        }
        let mut terms = Vec::with_capacity(order.len() + 1);
        if none != NodeId::FALSE {
            let others = order
                .iter()
                .flat_map(|residual| weights[residual].iter().copied())
                .collect();
            let others = self.builder.sum(others);
            let weight = self.builder.complement(others);
            let value = self.compile(none)?;
            terms.push(self.builder.product(vec![weight, value]));
        }
        for residual in order {
            if residual == NodeId::FALSE {
                continue;
            }
            let weight = weights.remove(&residual).unwrap_or_default();
            let weight = self.builder.sum(weight);
            let value = self.compile(residual)?;
            terms.push(self.builder.product(vec![weight, value]));
        }
        Ok(self.builder.sum(terms))
    }

    /// The residuals of a disjunction under each of `leaves`, then under none of them, in one pass over its
    /// children: a child that demands one alternative is false under the others.
    fn cofactors(&mut self, node: NodeId, group: u32, leaves: &[u32]) -> Vec<NodeId> {
        let mut buckets: Vec<Vec<NodeId>> = vec![Vec::new(); leaves.len() + 1];
        for i in 0..self.formulas().children(node).len() {
            let child = self.formulas().children(node)[i];
            let demand = self.demands(child).find(|&(leaf, positive)| {
                positive && self.formulas().supports.group(leaf) == group
            });
            match demand.and_then(|(leaf, _)| leaves.binary_search(&leaf).ok()) {
                Some(place) => {
                    let residual = self.residuals.condition(child, Choice::Is(leaves[place]));
                    buckets[place].push(residual);
                }
                None => {
                    for (place, &leaf) in leaves.iter().enumerate() {
                        let residual = self.residuals.condition(child, Choice::Is(leaf));
                        buckets[place].push(residual);
                    }
                    let residual = self.residuals.condition(child, Choice::None(group));
                    buckets[leaves.len()].push(residual);
                }
            }
        }
        buckets
            .iter_mut()
            .map(|bucket| self.residuals.formulas.or(bucket))
            .collect()
    }
}
