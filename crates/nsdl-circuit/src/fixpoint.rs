//! Cyclic support: hash-consed systems of equations with least-fixpoint meaning.
//!
//! An unknown is the disjunction of its terms; a term is a formula from outside the cycle and some unknowns.
//! Every system is one strongly connected component: what random choices have decided is substituted, the rest
//! split again and renumbered in its original order, so that residual cycles that agree are one system.

use crate::formula::{Formulas, NodeId};
use petgraph::graph::DiGraph;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// Holds if `external` does and all unknowns `locals` (sorted) do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Term {
    pub locals: Vec<u32>,
    pub external: NodeId,
}

/// Terms of each unknown, sorted.
pub(crate) type Equations = Vec<Vec<Term>>;

/// The systems made so far.
#[derive(Default)]
pub(crate) struct Systems {
    systems: Vec<Rc<Equations>>,
    table: FxHashMap<Rc<Equations>, u32>,
    terms: usize,
}

impl Systems {
    /// How many systems there are.
    pub fn len(&self) -> usize {
        self.systems.len()
    }

    /// How many terms they have.
    pub fn size(&self) -> usize {
        self.terms
    }

    pub fn get(&self, system: u32) -> Rc<Equations> {
        Rc::clone(&self.systems[system as usize])
    }

    /// The formula of each unknown of any equations.
    pub fn solve(&mut self, mut equations: Equations, formulas: &mut Formulas) -> Vec<NodeId> {
        let mut solution = decide(&mut equations);
        let mut graph = DiGraph::<u32, ()>::new();
        let nodes: Vec<_> = (0..equations.len())
            .map(|unknown| graph.add_node(unknown as u32))
            .collect();
        for (unknown, terms) in equations.iter().enumerate() {
            for &local in terms.iter().flat_map(|term| &term.locals) {
                graph.update_edge(nodes[unknown], nodes[local as usize], ());
            }
        }
        for component in petgraph::algo::kosaraju_scc(&graph) {
            let mut unknowns: Vec<u32> = component.into_iter().map(|node| graph[node]).collect();
            unknowns.sort_unstable();
            if unknowns
                .iter()
                .any(|&unknown| solution[unknown as usize].is_some())
            {
                continue;
            }
            let mut settled = true;
            let equations: Equations = unknowns
                .iter()
                .map(|&unknown| {
                    let terms = std::mem::take(&mut equations[unknown as usize]);
                    restrict(terms, &unknowns, &solution, formulas, &mut settled)
                })
                .collect();
            let solved = if settled {
                self.component(equations, formulas)
            } else {
                self.solve(equations, formulas)
            };
            for (&unknown, node) in unknowns.iter().zip(solved) {
                solution[unknown as usize] = Some(node);
            }
        }
        solution
            .into_iter()
            .map(|node| node.unwrap_or(NodeId::FALSE))
            .collect()
    }

    /// The formulas of one component, whose terms refer to itself only.
    fn component(&mut self, mut equations: Equations, formulas: &mut Formulas) -> Vec<NodeId> {
        if let [terms] = equations.as_mut_slice() {
            // Self-support adds nothing.
            let mut ways = terms
                .iter()
                .filter(|t| t.locals.is_empty())
                .map(|t| t.external)
                .collect();
            return vec![formulas.or(&mut ways)];
        }
        let support = formulas.supports.union_all(
            equations
                .iter()
                .flatten()
                .map(|term| formulas.support(term.external))
                .collect::<Vec<_>>()
                .into_iter(),
        );
        let count = equations.len() as u32;
        let equations = Rc::new(equations);
        let system = match self.table.get(&equations) {
            Some(&system) => system,
            None => {
                let system = self.systems.len() as u32;
                self.terms += equations.iter().map(Vec::len).sum::<usize>();
                self.systems.push(Rc::clone(&equations));
                self.table.insert(equations, system);
                system
            }
        };
        (0..count)
            .map(|unknown| formulas.make_fix(system, unknown, support))
            .collect()
    }
}

/// What holds whatever is undecided, and what cannot hold; both are substituted.
fn decide(equations: &mut Equations) -> Vec<Option<NodeId>> {
    let certain = closure(equations, |term| term.external == NodeId::TRUE);
    let possible = closure(equations, |term| term.external != NodeId::FALSE);
    for (unknown, terms) in equations.iter_mut().enumerate() {
        if certain[unknown] || !possible[unknown] {
            terms.clear();
            continue;
        }
        terms.retain(|term| {
            term.external != NodeId::FALSE
                && term
                    .locals
                    .iter()
                    .all(|&local| possible[local as usize] && local as usize != unknown)
        });
        for term in terms {
            term.locals.retain(|&local| !certain[local as usize]);
        }
    }
    certain
        .iter()
        .zip(&possible)
        .map(|(&certain, &possible)| match (certain, possible) {
            (true, _) => Some(NodeId::TRUE),
            (_, false) => Some(NodeId::FALSE),
            _ => None,
        })
        .collect()
}

/// The unknowns that follow from the terms that count, in linear time.
fn closure(equations: &Equations, counts: impl Fn(&Term) -> bool) -> Vec<bool> {
    let mut holds = vec![false; equations.len()];
    // For each unknown, the terms that wait for it; for each term, how many unknowns it waits for.
    let mut waiting: Vec<Vec<u32>> = vec![Vec::new(); equations.len()];
    let mut missing: Vec<(u32, u32)> = Vec::new();
    let mut open = Vec::new();
    for (unknown, terms) in equations.iter().enumerate() {
        for term in terms.iter().filter(|term| counts(term)) {
            if term.locals.is_empty() {
                open.push(unknown as u32);
            }
            for &local in &term.locals {
                waiting[local as usize].push(missing.len() as u32);
            }
            missing.push((unknown as u32, term.locals.len() as u32));
        }
    }
    while let Some(unknown) = open.pop() {
        if std::mem::replace(&mut holds[unknown as usize], true) {
            continue;
        }
        for &term in &waiting[unknown as usize] {
            let (head, left) = &mut missing[term as usize];
            *left -= 1;
            if *left == 0 {
                open.push(*head);
            }
        }
    }
    holds
}

/// Terms over the unknowns of one component, renumbered; the others are solved already and join the outside.
/// `settled` becomes false if a term turned out constant, which may decide or split the component further.
fn restrict(
    terms: Vec<Term>,
    unknowns: &[u32],
    solution: &[Option<NodeId>],
    formulas: &mut Formulas,
    settled: &mut bool,
) -> Vec<Term> {
    let mut merged: FxHashMap<Vec<u32>, Vec<NodeId>> = FxHashMap::default();
    for term in terms {
        let mut parts = vec![term.external];
        let mut locals = Vec::with_capacity(term.locals.len());
        for local in term.locals {
            match unknowns.binary_search(&local) {
                Ok(place) => locals.push(place as u32),
                Err(_) => parts.push(solution[local as usize].unwrap_or(NodeId::FALSE)),
            }
        }
        let external = formulas.and(&mut parts);
        if external != NodeId::FALSE {
            merged.entry(locals).or_default().push(external);
        } else {
            *settled = false;
        }
    }
    let mut terms: Vec<Term> = merged
        .into_iter()
        .map(|(locals, mut externals)| Term {
            locals,
            external: formulas.or(&mut externals),
        })
        .collect();
    terms.sort_unstable();
    if unknowns.len() > 1
        && terms
            .iter()
            .any(|term| term.locals.is_empty() && term.external == NodeId::TRUE)
    {
        *settled = false;
    }
    terms
}
