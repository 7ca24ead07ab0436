//! Conditioning: what is left of a formula once a random variable has its value.
//!
//! Remembered per (formula, value), and shared over all branches and outputs.

use crate::fixpoint::Systems;
use crate::formula::{Choice, Formulas, Kind, NodeId};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// What a system becomes: the formula of each of its unknowns.
type Residual = Rc<[NodeId]>;

/// Formulas and systems with the residuals computed so far.
pub(crate) struct Residuals {
    pub formulas: Formulas,
    pub systems: Systems,
    nodes: FxHashMap<(NodeId, Choice), NodeId>,
    fixes: FxHashMap<(u32, Choice), Residual>,
    assumed: FxHashMap<(u32, NodeId, bool), Residual>,
}

impl Residuals {
    pub fn new(formulas: Formulas, systems: Systems) -> Self {
        Self {
            formulas,
            systems,
            nodes: FxHashMap::default(),
            fixes: FxHashMap::default(),
            assumed: FxHashMap::default(),
        }
    }

    /// Formulas, systems and residuals held: what a budget counts.
    pub fn size(&self) -> usize {
        self.formulas.size() + self.nodes.len() + self.systems.size()
    }

    /// What is left of `node` under `choice`.
    pub fn condition(&mut self, node: NodeId, choice: Choice) -> NodeId {
        let group = match choice {
            Choice::Is(leaf) => self.formulas.supports.group(leaf),
            Choice::None(group) => group,
        };
        let mentioned = self.formulas.mentioned(node, group);
        if mentioned.is_empty() {
            return node;
        }
        // A value that the formula does not mention is as good as none.
        let choice = match choice {
            Choice::Is(leaf) if mentioned.binary_search(&leaf).is_err() => Choice::None(group),
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
                Some((system, unknown)) => self.condition_system(system, choice)[unknown as usize],
                None => node,
            },
        }
    }

    fn condition_system(&mut self, system: u32, choice: Choice) -> Residual {
        if let Some(residual) = self.fixes.get(&(system, choice)) {
            return Rc::clone(residual);
        }
        let mut equations = self.systems.get(system).as_ref().clone();
        for term in equations.iter_mut().flatten() {
            term.external = self.condition(term.external, choice);
        }
        let residual: Residual = self.systems.solve(equations, &mut self.formulas).into();
        self.fixes.insert((system, choice), Rc::clone(&residual));
        residual
    }

    /// What is left of a system if one of its external formulas, independent of the others, is true or false.
    pub fn assume(&mut self, system: u32, external: NodeId, truth: bool) -> Residual {
        let key = (system, external, truth);
        if let Some(residual) = self.assumed.get(&key) {
            return Rc::clone(residual);
        }
        let mut equations = self.systems.get(system).as_ref().clone();
        for term in equations
            .iter_mut()
            .flatten()
            .filter(|term| term.external == external)
        {
            term.external = if truth { NodeId::TRUE } else { NodeId::FALSE };
        }
        let residual: Residual = self.systems.solve(equations, &mut self.formulas).into();
        self.assumed.insert(key, Rc::clone(&residual));
        residual
    }
}
