//! Cyclic support: hash-consed systems of equations with least-fixpoint meaning.
//!
//! An unknown is the disjunction of its terms; a term is a formula from outside the cycle and some unknowns.
//! Every system is one strongly connected component in canonical form: what random choices have decided is
//! substituted, unknowns that imply each other for certain are one unknown, and unknowns are numbered by what
//! their terms say. So residual cycles that differ only in what no longer matters are one system.

mod canonical;
mod components;
mod decide;
mod equations;

pub(crate) use equations::{Equations, Lists};

use crate::formula::{Formulas, NodeId};
use crate::support::SupportId;
use canonical::number;
use components::components;
use decide::{closure, contract};
use hashbrown::{HashTable, hash_table::Entry};
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};

/// What an unknown of some equations is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Solution {
    Formula(NodeId),
    Unknown { system: u32, unknown: u32 },
}

impl Solution {
    const FALSE: Self = Self::Formula(NodeId::FALSE);
    const TRUE: Self = Self::Formula(NodeId::TRUE);
}

/// The systems made so far.
#[derive(Default)]
pub(crate) struct Systems {
    /// Encoded equations of each: `code[spans.0..spans.1]`.
    code: Vec<u32>,
    spans: Vec<(usize, usize)>,
    supports: Vec<SupportId>,
    unknowns: Vec<u32>,
    table: HashTable<u32>,
}

fn hash(code: &[u32]) -> u64 {
    let mut hasher = FxHasher::default();
    code.hash(&mut hasher);
    hasher.finish()
}

impl Systems {
    /// How many systems there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// What a budget of nodes counts: the systems by the memory they take.
    pub fn size(&self) -> usize {
        self.code.len() / 16
    }

    pub fn support(&self, system: u32) -> SupportId {
        self.supports[system as usize]
    }

    /// How many unknowns a system has.
    pub fn unknowns(&self, system: u32) -> u32 {
        self.unknowns[system as usize]
    }

    /// The terms of a system: head, external formula, unknowns.
    pub fn terms(&self, system: u32) -> impl Iterator<Item = (u32, NodeId, &[u32])> {
        let (start, end) = self.spans[system as usize];
        Equations::decode(&self.code[start..end])
    }

    /// The formula of a solution.
    pub fn formula(&self, solution: Solution, formulas: &mut Formulas) -> NodeId {
        match solution {
            Solution::Formula(node) => node,
            Solution::Unknown { system, unknown } => {
                formulas.make_fix(system, unknown, self.support(system))
            }
        }
    }

    /// What each unknown of any equations is, or only those that `wanted` needs.
    pub fn solve(
        &mut self,
        equations: &Equations,
        wanted: Option<u32>,
        formulas: &mut Formulas,
    ) -> Vec<Solution> {
        let uses = equations.uses();
        let certain = closure(equations, &uses, |external| external == NodeId::TRUE);
        let possible = closure(equations, &uses, |external| external != NodeId::FALSE);
        let class = contract(equations, &certain, &possible);
        let count = equations.unknowns;
        // What is undecided, over one unknown of each class.
        let mut rest = Equations::new(count);
        for term in &equations.terms {
            let locals = equations.locals(term);
            let head = class[term.head as usize];
            if term.external == NodeId::FALSE
                || certain[head as usize]
                || locals
                    .iter()
                    .any(|&local| !possible[local as usize] || class[local as usize] == head)
            {
                continue;
            }
            let undecided = locals.iter().filter(|&&local| !certain[local as usize]);
            rest.push(
                head,
                term.external,
                undecided.map(|&local| class[local as usize]),
            );
        }
        let needs = Lists::new(count as usize, || {
            let terms = rest.terms.iter();
            terms.flat_map(|term| rest.locals(term).iter().map(|&local| (term.head, local)))
        });
        let own = Lists::new(count as usize, || {
            rest.terms.iter().zip(0..).map(|(term, i)| (term.head, i))
        });
        let mut solution: Vec<Solution> = (0..count as usize)
            .map(|unknown| {
                if certain[unknown] {
                    Solution::TRUE
                } else {
                    Solution::FALSE
                }
            })
            .collect();
        let roots = match wanted {
            Some(unknown) => class[unknown as usize]..class[unknown as usize] + 1,
            None => 0..count,
        };
        let mut place = vec![u32::MAX; count as usize];
        components(&needs, count as usize, roots, |unknowns| {
            unknowns.sort_unstable();
            for (&unknown, number) in unknowns.iter().zip(0..) {
                place[unknown as usize] = number;
            }
            self.component(&rest, &own, unknowns, &place, &mut solution, formulas);
            for &unknown in unknowns.iter() {
                place[unknown as usize] = u32::MAX;
            }
        });
        for unknown in 0..count as usize {
            let representative = class[unknown] as usize;
            if representative != unknown {
                solution[unknown] = solution[representative];
            }
        }
        solution
    }

    /// Solves one component, whose terms refer to itself and to what is solved already.
    fn component(
        &mut self,
        rest: &Equations,
        own: &Lists,
        unknowns: &[u32],
        place: &[u32],
        solution: &mut [Solution],
        formulas: &mut Formulas,
    ) {
        if let [unknown] = unknowns {
            if own.get(*unknown).is_empty() {
                return;
            }
            let mut ways = Vec::new();
            for &term in own.get(*unknown) {
                let term = &rest.terms[term as usize];
                ways.push(self.outside(rest, term, place, solution, formulas));
            }
            solution[*unknown as usize] = Solution::Formula(formulas.or(&mut ways));
            return;
        }
        let count = unknowns.len() as u32;
        let mut merged = Equations::new(count);
        let mut constant = false;
        let mut ways: Vec<(&[u32], NodeId)> = Vec::new();
        let mut parts = Vec::new();
        for (&unknown, head) in unknowns.iter().zip(0..) {
            ways.clear();
            for &term in own.get(unknown) {
                let term = &rest.terms[term as usize];
                let external = self.outside(rest, term, place, solution, formulas);
                ways.push((rest.locals(term), external));
            }
            // Terms over the same unknowns of the component are one.
            let inside = |locals: &[u32]| -> Vec<u32> {
                let places = locals.iter().map(|&local| place[local as usize]);
                places.filter(|&place| place != u32::MAX).collect()
            };
            let mut inner: Vec<(Vec<u32>, NodeId)> = ways
                .iter()
                .map(|&(locals, external)| (inside(locals), external))
                .collect();
            inner.sort_unstable();
            for run in inner.chunk_by(|a, b| a.0 == b.0) {
                let external = match run {
                    [(_, external)] => *external,
                    _ => {
                        parts.clear();
                        parts.extend(run.iter().map(|(_, external)| *external));
                        formulas.or(&mut parts)
                    }
                };
                // A constant that was none before may decide, contract or split the component further.
                constant |= external == NodeId::FALSE
                    || external == NodeId::TRUE
                        && run.iter().all(|(_, external)| *external != NodeId::TRUE)
                    || external == NodeId::TRUE && run[0].0.is_empty();
                merged.push(head, external, run[0].0.iter().copied());
            }
        }
        if constant {
            let inner = self.solve(&merged, None, formulas);
            for (&unknown, inner) in unknowns.iter().zip(inner) {
                solution[unknown as usize] = inner;
            }
            return;
        }
        let (numbers, canonical) = number(&merged);
        let system = self.intern(&canonical, formulas);
        for (&unknown, number) in unknowns.iter().zip(numbers) {
            solution[unknown as usize] = Solution::Unknown {
                system,
                unknown: number,
            };
        }
    }

    /// The formula of a term without the unknowns of its own component.
    fn outside(
        &self,
        rest: &Equations,
        term: &equations::Term,
        place: &[u32],
        solution: &[Solution],
        formulas: &mut Formulas,
    ) -> NodeId {
        let locals = rest.locals(term);
        if locals
            .iter()
            .all(|&local| place[local as usize] != u32::MAX)
        {
            return term.external;
        }
        let mut parts = vec![term.external];
        for &local in locals.iter().filter(|&&l| place[l as usize] == u32::MAX) {
            parts.push(self.formula(solution[local as usize], formulas));
        }
        formulas.and(&mut parts)
    }

    fn intern(&mut self, equations: &Equations, formulas: &mut Formulas) -> u32 {
        let start = self.code.len();
        equations.encode(&mut self.code);
        let (code, spans) = (&self.code, &self.spans);
        let entry = self.table.entry(
            hash(&code[start..]),
            |&id| {
                let (from, to) = spans[id as usize];
                code[from..to] == code[start..]
            },
            |&id| {
                let (from, to) = spans[id as usize];
                hash(&code[from..to])
            },
        );
        match entry {
            Entry::Occupied(entry) => {
                let system = *entry.get();
                self.code.truncate(start);
                system
            }
            Entry::Vacant(entry) => {
                let system = self.spans.len() as u32;
                entry.insert(system);
                self.spans.push((start, self.code.len()));
                let supports: Vec<SupportId> = equations
                    .terms
                    .iter()
                    .map(|term| formulas.support(term.external))
                    .collect();
                self.supports
                    .push(formulas.supports.union_all(supports.into_iter()));
                self.unknowns.push(equations.unknowns);
                system
            }
        }
    }
}
