//! Which nodes of a cone exclude each other because of how they are derived.
//!
//! The states of a chain do: tomorrow is sunny after a sunny day or after a rainy one, rainy likewise, and today is not
//! both. What is told apart by alternatives of one random variable only is left to branching, which finds
//! convolutions in it.

use crate::cone::{Cone, Op};
use crate::deep;
use crate::support::{SupportId, Supports};
use rustc_hash::FxHashMap;

/// More alternatives are not compared in pairs.
const MOST: usize = 64;

/// Pairs that have been compared.
pub(super) struct Apart<'c> {
    cone: &'c Cone,
    known: FxHashMap<(u32, u32), bool>,
    /// Comparisons that may still be made.
    left: usize,
}

impl<'c> Apart<'c> {
    pub fn new(cone: &'c Cone) -> Self {
        Self {
            cone,
            known: FxHashMap::default(),
            left: 1024 + 8 * cone.edges(),
        }
    }

    /// Whether at most one child of an Or over derived tuples can hold; `sets` are the leaves of the nodes so far.
    pub fn children(&mut self, node: u32, sets: &[SupportId], supports: &mut Supports) -> bool {
        let children = self.cone.children(node);
        if children.len() > MOST || !children.iter().all(|&child| self.is_derived(child)) {
            return false;
        }
        let mut rest = children;
        while let Some((&first, others)) = rest.split_first() {
            rest = others;
            if !rest
                .iter()
                .all(|&other| self.apart(first, other, sets, supports))
            {
                return false;
            }
        }
        true
    }

    /// Whether something other than leaves is part of a node.
    fn is_derived(&self, node: u32) -> bool {
        let plain = |&part: &u32| matches!(self.cone.ops[part as usize], Op::Leaf(_));
        match self.cone.ops[node as usize] {
            Op::And => !self.cone.children(node).iter().all(plain),
            Op::Or => true,
            _ => false,
        }
    }

    fn apart(&mut self, a: u32, b: u32, sets: &[SupportId], supports: &mut Supports) -> bool {
        let (a, b) = (a.min(b), a.max(b));
        if a == b {
            return false;
        }
        let ops = &self.cone.ops;
        match (ops[a as usize], ops[b as usize]) {
            (Op::Leaf(x), Op::Leaf(y)) => return supports.group(x.0) == supports.group(y.0),
            (Op::Not, _) if self.cone.children(a) == [b] => return true,
            (_, Op::Not) if self.cone.children(b) == [a] => return true,
            _ => {}
        }
        // Independent events that can happen can happen together.
        if !supports.overlap(sets[a as usize], sets[b as usize]) {
            return false;
        }
        if let Some(&known) = self.known.get(&(a, b)) {
            return known;
        }
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        // Until it is known, and for cycles.
        self.known.insert((a, b), false);
        let apart = deep(|| self.compare(a, b, sets, supports));
        self.known.insert((a, b), apart);
        apart
    }

    fn compare(&mut self, a: u32, b: u32, sets: &[SupportId], supports: &mut Supports) -> bool {
        let cone = self.cone;
        let parts = |node: u32| match cone.ops[node as usize] {
            Op::And => cone.children(node).to_vec(),
            _ => vec![node],
        };
        let leaf = |part: u32| matches!(cone.ops[part as usize], Op::Leaf(_));
        match (cone.ops[a as usize], cone.ops[b as usize]) {
            (Op::Or, _) => {
                let mut ways = cone.children(a).iter();
                return ways.all(|&way| self.apart(way, b, sets, supports));
            }
            (_, Op::Or) => {
                let mut ways = cone.children(b).iter();
                return ways.all(|&way| self.apart(a, way, sets, supports));
            }
            (Op::And, _) | (_, Op::And) => {}
            _ => return false,
        }
        // Leaves first: they cost nothing.
        let (a, b) = (parts(a), parts(b));
        for leaves in [true, false] {
            for &x in a.iter().filter(|&&x| leaf(x) == leaves) {
                for &y in b.iter().filter(|&&y| leaf(y) == leaves) {
                    if self.apart(x, y, sets, supports) {
                        return true;
                    }
                }
            }
        }
        false
    }
}
