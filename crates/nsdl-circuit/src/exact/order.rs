//! The order in which the random variables of cycles are branched on.
//!
//! It is fixed once. The unknowns of a cycle are eliminated one after the other, from those with support of
//! their own outward, all variables around one together, and next the one that brings the fewest new neighbours:
//! what is left then depends only on how the unknowns between those done and those to come are connected
//! (the frontier method; Hardy, Lucet and Limnios, IEEE Trans. Reliability 2007).

use crate::fixpoint::{Equations, Lists};
use crate::formula::{Formulas, NodeId};
use rustc_hash::FxHashSet;
use std::collections::VecDeque;

/// Ranks of random variables.
pub(crate) struct Order {
    ranks: Vec<u32>,
    mutual: Vec<bool>,
    next: u32,
}

const UNRANKED: u32 = u32::MAX;

/// Leaves of one formula that are ranked.
const MOST: usize = 64;

impl Order {
    pub fn new(groups: usize) -> Self {
        Self {
            ranks: vec![UNRANKED; groups],
            mutual: vec![false; groups],
            next: 0,
        }
    }

    /// The rank of the first variable of a formula.
    pub fn rank(&self, formulas: &Formulas, node: NodeId) -> (u32, u32) {
        let leaves = formulas.supports.get(formulas.support(node));
        let groups = leaves.map(|leaf| formulas.supports.group(leaf));
        groups
            .map(|group| (self.ranks[group as usize], group))
            .min()
            .unwrap_or((UNRANKED, 0))
    }

    /// The first variable of a formula.
    pub fn first(&self, formulas: &Formulas, node: NodeId) -> u32 {
        self.rank(formulas, node).1
    }

    /// Whether two unknowns support each other through a variable, so that its value may make them one.
    pub fn mutual(&self, group: u32) -> bool {
        self.mutual[group as usize]
    }

    /// Ranks the variables of a cycle after those of the cycles before.
    pub fn add(&mut self, equations: &Equations, formulas: &Formulas) {
        self.find_mutual(equations, formulas);
        let count = equations.unknowns as usize;
        let around = Lists::new(count, || {
            equations.terms.iter().zip(0..).flat_map(|(term, number)| {
                let members = equations.locals(term).iter().copied();
                members.chain([term.head]).map(move |u| (u, number))
            })
        });
        let mut neighbours: Vec<Vec<u32>> = vec![Vec::new(); count];
        for term in &equations.terms {
            for &local in equations.locals(term).iter().filter(|&&l| l != term.head) {
                neighbours[local as usize].push(term.head);
                neighbours[term.head as usize].push(local);
            }
        }
        for list in &mut neighbours {
            list.sort_unstable();
            list.dedup();
        }
        let mut front = Front {
            fresh: neighbours.iter().map(|list| list.len() as u32).collect(),
            touched: vec![false; count],
            open: VecDeque::new(),
            neighbours,
        };
        for term in &equations.terms {
            if equations.locals(term).is_empty() {
                front.touch(term.head);
            }
        }
        let mut seeds = 0..count as u32;
        loop {
            while let Some(unknown) = front.next() {
                for &term in around.get(unknown) {
                    self.rank_all(formulas, equations.terms[term as usize].external);
                }
            }
            let Some(seed) = seeds.next() else { break };
            front.touch(seed);
        }
    }

    fn find_mutual(&mut self, equations: &Equations, formulas: &Formulas) {
        let mut ways: FxHashSet<(u32, u32, u32)> = FxHashSet::default();
        for term in &equations.terms {
            let local = match *equations.locals(term) {
                [local] if local != term.head => local,
                _ => continue,
            };
            let leaves = formulas.supports.get(formulas.support(term.external));
            for leaf in leaves.take(MOST) {
                let group = formulas.supports.group(leaf);
                ways.insert((group, term.head, local));
                self.mutual[group as usize] |= ways.contains(&(group, local, term.head));
            }
        }
    }

    fn rank_all(&mut self, formulas: &Formulas, external: NodeId) {
        let leaves = formulas.supports.get(formulas.support(external));
        for leaf in leaves.take(MOST) {
            let rank = &mut self.ranks[formulas.supports.group(leaf) as usize];
            if *rank == UNRANKED {
                *rank = self.next;
                self.next += 1;
            }
        }
    }
}

/// The unknowns between those that are done and those to come.
struct Front {
    neighbours: Vec<Vec<u32>>,
    touched: Vec<bool>,
    /// How many neighbours of each unknown are not touched.
    fresh: Vec<u32>,
    open: VecDeque<u32>,
}

/// How many unknowns compete for being next.
const WINDOW: usize = 128;

impl Front {
    fn touch(&mut self, unknown: u32) {
        if !std::mem::replace(&mut self.touched[unknown as usize], true) {
            self.open.push_back(unknown);
            for &other in &self.neighbours[unknown as usize] {
                self.fresh[other as usize] -= 1;
            }
        }
    }

    /// Takes the unknown with the fewest new neighbours, the oldest of equal ones, and touches them.
    fn next(&mut self) -> Option<u32> {
        let places = 0..self.open.len().min(WINDOW);
        let place = places.min_by_key(|&place| self.fresh[self.open[place] as usize])?;
        let unknown = self.open.remove(place)?;
        for other in std::mem::take(&mut self.neighbours[unknown as usize]) {
            self.touch(other);
        }
        Some(unknown)
    }
}
