//! Conditioning: what is left of a formula once a random variable has its value.
//!
//! Remembered per (formula, value), and shared over all branches and outputs.

use crate::fixpoint::{Equations, Solution, Systems};
use crate::formula::{Choice, Formulas, Kind, NodeId};
use rustc_hash::FxHashMap;

/// What a system becomes: each of its unknowns.
type Residual = Box<[Solution]>;

/// Formulas and systems with the residuals computed so far.
pub(crate) struct Residuals {
    pub formulas: Formulas,
    pub systems: Systems,
    nodes: FxHashMap<(NodeId, Choice), NodeId>,
    fixes: FxHashMap<(u32, Choice), Residual>,
    assumed: FxHashMap<(u32, NodeId, bool), Residual>,
    /// Whether several unknowns of a system are asked for, so that all are worth keeping.
    shared: bool,
    /// Unknowns in the residuals of systems.
    held: usize,
}

impl Residuals {
    pub fn new(formulas: Formulas, systems: Systems, shared: bool) -> Self {
        Self {
            formulas,
            systems,
            nodes: FxHashMap::default(),
            fixes: FxHashMap::default(),
            assumed: FxHashMap::default(),
            shared,
            held: 0,
        }
    }

    /// Formulas, systems and residuals held: what a budget counts.
    pub fn size(&self) -> usize {
        self.formulas.size() + self.nodes.len() + self.systems.size() + self.held / 8
    }

    /// What is left of `node` under `choice`.
    pub fn condition(&mut self, node: NodeId, choice: Choice) -> NodeId {
        let group = match choice {
            Choice::Is(leaf) => self.formulas.supports.group(leaf),
            Choice::None(group) => group,
        };
        if !self.formulas.mentions(node, group) {
            return node;
        }
        // A value that the formula does not mention is as good as none.
        let support = self.formulas.support(node);
        let choice = match choice {
            Choice::Is(leaf) if !self.formulas.supports.contains(support, leaf) => {
                Choice::None(group)
            }
            _ => choice,
        };
        if let Some((leaf, positive)) = self.formulas.literal(node) {
            return if (choice == Choice::Is(leaf)) == positive {
                NodeId::TRUE
            } else {
                NodeId::FALSE
            };
        }
        if let Some(&residual) = self.nodes.get(&(node, choice)) {
            return residual;
        }
        let residual = crate::deep(|| self.compute(node, choice));
        self.nodes.insert((node, choice), residual);
        residual
    }

    fn compute(&mut self, node: NodeId, choice: Choice) -> NodeId {
        match self.formulas.kind(node) {
            Kind::Constant | Kind::Leaf => node,
            Kind::Not => {
                let denied = self.formulas.denied(node).unwrap_or(node);
                let residual = self.condition(denied, choice);
                self.formulas.not(residual)
            }
            kind @ (Kind::And | Kind::Or) => {
                let absorbing = if kind == Kind::And {
                    NodeId::FALSE
                } else {
                    NodeId::TRUE
                };
                let count = self.formulas.children(node).len();
                let mut children = Vec::with_capacity(count);
                for i in 0..count {
                    let child = self.condition(self.formulas.children(node)[i], choice);
                    if child == absorbing {
                        return absorbing;
                    }
                    children.push(child);
                }
                match kind {
                    Kind::And => self.formulas.and(&mut children),
                    _ => self.formulas.or(&mut children),
                }
            }
            Kind::Fix => match self.formulas.fix(node) {
                Some((system, unknown)) => self.condition_unknown(system, unknown, choice),
                None => node,
            },
        }
    }

    /// An unknown of a system under `choice`.
    fn condition_unknown(&mut self, system: u32, unknown: u32, choice: Choice) -> NodeId {
        if let Some(residual) = self.fixes.get(&(system, choice)) {
            let solution = residual[unknown as usize];
            return self.systems.formula(solution, &mut self.formulas);
        }
        let equations = self.equations(system, |residuals, external| {
            residuals.condition(external, choice)
        });
        self.solve(&equations, unknown, |residuals, solved| {
            residuals.fixes.insert((system, choice), solved);
        })
    }

    /// An unknown of a system if one of its external formulas, independent of the others, is true or false.
    pub fn assume(&mut self, system: u32, unknown: u32, external: NodeId, truth: bool) -> NodeId {
        let key = (system, external, truth);
        if let Some(residual) = self.assumed.get(&key) {
            let solution = residual[unknown as usize];
            return self.systems.formula(solution, &mut self.formulas);
        }
        let value = if truth { NodeId::TRUE } else { NodeId::FALSE };
        let equations = self.equations(
            system,
            |_, other| {
                if other == external { value } else { other }
            },
        );
        self.solve(&equations, unknown, |residuals, solved| {
            residuals.assumed.insert(key, solved);
        })
    }

    /// The equations of a system with other external formulas.
    fn equations(
        &mut self,
        system: u32,
        mut replace: impl FnMut(&mut Self, NodeId) -> NodeId,
    ) -> Equations {
        let mut equations = Equations::new(self.systems.unknowns(system));
        for (head, external, locals) in self.systems.terms(system) {
            equations.push(head, external, locals.iter().copied());
        }
        for i in 0..equations.terms.len() {
            equations.terms[i].external = replace(self, equations.terms[i].external);
        }
        equations
    }

    /// One unknown; all are solved and kept where others may be asked for.
    fn solve(
        &mut self,
        equations: &Equations,
        unknown: u32,
        keep: impl FnOnce(&mut Self, Residual),
    ) -> NodeId {
        let wanted = (!self.shared).then_some(unknown);
        let residual = self.systems.solve(equations, wanted, &mut self.formulas);
        let solution = residual[unknown as usize];
        if self.shared {
            self.held += residual.len();
            keep(self, residual.into());
        }
        self.systems.formula(solution, &mut self.formulas)
    }
}
