//! Sums of two products that share their factors with other such sums, as decisions on one variable do.

use super::Builder;
use super::layout::Way;
use crate::layers::LayerOp;
use rustc_hash::FxHashMap;

/// How many decisions with the same factors on one level are worth a run of their own.
const LEAST: usize = 32;

/// A decision: two factors, in order, and what each is multiplied with.
pub(super) type Decision = [[u32; 2]; 2];

impl Builder {
    /// How the kernels come by each node as far as decisions say it, and the decisions.
    pub(super) fn decisions(
        &self,
        nodes: &[usize],
        levels: &[u32],
        uses: &[u32],
    ) -> (Vec<Way>, FxHashMap<usize, Decision>) {
        let base = self.leaves as usize + 2;
        let mut decisions: FxHashMap<usize, Decision> = FxHashMap::default();
        let mut sharing: FxHashMap<(u32, [u32; 2]), usize> = FxHashMap::default();
        for &node in nodes {
            if let Some(decision) = self.decision(node, uses) {
                *sharing.entry((levels[node], on(decision))).or_default() += 1;
                decisions.insert(node, decision);
            }
        }
        decisions.retain(|&node, decision| sharing[&(levels[node], on(*decision))] >= LEAST);
        let mut ways = vec![Way::Plain; self.ops.len()];
        let mut left = uses.to_vec();
        for &node in decisions.keys() {
            ways[node] = Way::Decision;
            for &term in self.children(node) {
                left[term as usize] = left[term as usize].saturating_sub(1);
            }
        }
        for &node in nodes {
            let needed = uses[base + node] == u32::MAX || left[base + node] > 0;
            if !needed && self.pair((base + node) as u32).is_some() {
                ways[node] = Way::Never;
            }
        }
        (ways, decisions)
    }

    /// A sum as a decision. Of the two in a product the factor is the one that is needed more often; where a decision holds
    /// for certain, its factor stands for the product with one.
    fn decision(&self, node: usize, uses: &[u32]) -> Option<Decision> {
        let &[x, y] = self.children(node) else {
            return None;
        };
        if self.ops[node] != LayerOp::Sum {
            return None;
        }
        let product = |term: u32| {
            let [x, y] = self.pair(term)?;
            let first = uses[x as usize] >= uses[y as usize];
            Some(if first { [x, y] } else { [y, x] })
        };
        let certain = |other: Option<[u32; 2]>, term: u32| {
            let [factor, _] = other?;
            self.opposite(factor, term).then_some([term, self.one()])
        };
        let (a, b) = (product(x), product(y));
        let (a, b) = (a.or_else(|| certain(b, x))?, b.or_else(|| certain(a, y))?);
        (a[0] != b[0]).then_some(if a[0] < b[0] { [a, b] } else { [b, a] })
    }

    /// Whether one is the complement of the other.
    fn opposite(&self, x: u32, y: u32) -> bool {
        let of = |x: u32, y: u32| {
            let index = x.checked_sub(self.leaves + 2).map(|index| index as usize);
            index.is_some_and(|index| {
                self.ops[index] == LayerOp::Complement && self.children(index) == [y]
            })
        };
        of(x, y) || of(y, x)
    }
}

/// The factors of a decision.
pub(super) fn on([a, b]: Decision) -> [u32; 2] {
    [a[0], b[0]]
}
