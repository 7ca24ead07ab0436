//! Simplifying and splitting And and Or before a branch is needed.

use super::step::Splitter;
use crate::formula::{Choice, Kind, NodeId};
use crate::support::SupportId;
use rustc_hash::FxHashMap;

/// How many large supports are compared with all others.
const WHOLE: usize = 8;

impl Splitter {
    /// Uses literals among conjuncts to simplify the others; false if there was nothing to simplify.
    pub(super) fn propagate(&mut self, children: &mut [NodeId]) -> bool {
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
    pub(crate) fn components(&mut self, children: &[NodeId]) -> Vec<Vec<NodeId>> {
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
        // Union-find over the children.
        let mut parent: Vec<u32> = (0..children.len() as u32).collect();
        fn find(parent: &mut [u32], mut x: u32) -> u32 {
            while parent[x as usize] != x {
                parent[x as usize] = parent[parent[x as usize] as usize];
                x = parent[x as usize];
            }
            x
        }
        let mut parts = children.len();
        let join = |parent: &mut [u32], x: u32, y: u32, parts: &mut usize| {
            let (a, b) = (find(parent, x), find(parent, y));
            if a != b {
                parent[a.max(b) as usize] = a.min(b);
                *parts -= 1;
            }
        };
        // A few large supports are compared as wholes: they share what they have in common, so that this does not take
        // as long as they are large.
        let sets = &mut self.residuals.formulas.supports;
        let all = 0..children.len() as u32;
        let large = all.filter(|&i| !sets.is_small(supports[i as usize]));
        let large: Vec<u32> = large.take(WHOLE).collect();
        for &i in &large {
            for j in 0..children.len() as u32 {
                if find(&mut parent, i) != find(&mut parent, j)
                    && sets.overlap(supports[i as usize], supports[j as usize])
                {
                    join(&mut parent, i, j, &mut parts);
                }
            }
            if parts == 1 {
                return vec![children.to_vec()];
            }
        }
        // Of the others, each random variable remembers the first child that mentions it.
        let mut first_by_group: FxHashMap<u32, u32> = FxHashMap::default();
        let mut first_by_support: FxHashMap<SupportId, u32> = FxHashMap::default();
        for (i, &support) in (0..).zip(&supports) {
            if large.contains(&i) {
                continue;
            }
            if let Some(&other) = first_by_support.get(&support) {
                join(&mut parent, i, other, &mut parts);
                continue;
            }
            first_by_support.insert(support, i);
            let mut last = None;
            for leaf in sets.get(support) {
                let group = sets.group(leaf);
                if last == Some(group) {
                    continue;
                }
                last = Some(group);
                let first = *first_by_group.entry(group).or_insert(i);
                join(&mut parent, i, first, &mut parts);
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
    pub(super) fn all_denied(&self, children: &[NodeId]) -> Option<Vec<NodeId>> {
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
    pub(super) fn factor(&mut self, children: &[NodeId], kind: Kind) -> Option<NodeId> {
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
}
