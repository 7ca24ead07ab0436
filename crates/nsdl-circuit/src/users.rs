//! Which tuples of a cycle use which, so that rounds look at those only whose parts have changed.

use crate::cone::{Cone, Cycle};
use std::ops::Range;

impl Cycle {
    /// The tuples.
    pub fn tuples(&self) -> Range<u32> {
        self.start..self.start + self.unknowns
    }

    /// Their instances.
    pub fn instances(&self) -> Range<u32> {
        self.start + self.unknowns..self.end
    }

    /// Whether a node is an instance of one of them.
    pub fn is_instance(&self, node: u32) -> bool {
        self.instances().contains(&node)
    }
}

/// `pool[starts[node]..starts[node + 1]]` for each node.
#[derive(Clone, Debug)]
pub(crate) struct Users {
    starts: Vec<u32>,
    pool: Vec<u32>,
}

impl Users {
    pub fn new(cone: &Cone) -> Self {
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        for cycle in &cone.cycles {
            for user in cycle.tuples() {
                for &child in cone.children(user) {
                    let parts = match cycle.is_instance(child) {
                        true => cone.children(child),
                        false => std::slice::from_ref(&child),
                    };
                    let parts = parts.iter().filter(|part| cycle.tuples().contains(part));
                    pairs.extend(parts.map(|&part| (part, user)));
                }
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = vec![0; cone.len() + 1];
        pairs
            .iter()
            .for_each(|&(part, _)| starts[part as usize + 1] += 1);
        for node in 0..cone.len() {
            starts[node + 1] += starts[node];
        }
        let pool = pairs.into_iter().map(|(_, user)| user).collect();
        Self { starts, pool }
    }

    /// The tuples that use a tuple, itself included if it does.
    pub fn of(&self, node: u32) -> &[u32] {
        let [start, end] = [0, 1].map(|next| self.starts[node as usize + next] as usize);
        &self.pool[start..end]
    }
}
