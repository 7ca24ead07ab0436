//! Hash-consed circuit nodes, later laid out in layers.

mod decisions;
mod layout;

use crate::layers::LayerOp;
use hashbrown::{HashTable, hash_table::Entry};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// A circuit under construction. Nodes `0..leaves` are the leaves, then come the constants 0 and 1.
pub(crate) struct Builder {
    leaves: u32,
    ops: Vec<LayerOp>,
    spans: Vec<(u32, u32)>,
    pool: Vec<u32>,
    /// Of each node, leaves and constants included, the latest parent that is listed with it, plus 1; of each
    /// parent the one before in its list. A parent is listed with its last child, or with its first if that list
    /// is full. It is mostly looked for soon after its children were made, so that short lists beat a table.
    latest: Vec<u32>,
    before: Vec<u32>,
    /// Parents that are not in these lists because those were long.
    table: HashTable<u32>,
    /// Of the first coefficient of each product of polynomials, how many of its children the first factor has.
    products: FxHashMap<u32, u32>,
}

/// Parents that one list may hold.
const SHORT: usize = 8;

/// What a list of parents says about a node.
enum Search {
    Found(u32),
    /// It is new, and there is room for it.
    Room,
    /// It may be elsewhere.
    Full,
}

fn hash(op: LayerOp, children: &[u32]) -> u64 {
    let mut hasher = FxHasher::default();
    op.hash(&mut hasher);
    children.hash(&mut hasher);
    hasher.finish()
}

impl Builder {
    pub fn new(leaves: usize) -> Self {
        Self {
            leaves: leaves as u32,
            ops: Vec::new(),
            spans: Vec::new(),
            pool: Vec::new(),
            latest: vec![0; leaves + 2],
            before: Vec::new(),
            table: HashTable::new(),
            products: FxHashMap::default(),
        }
    }

    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Appends the values of the nodes that `values` lacks; it begins with those of leaves and constants.
    pub fn evaluate(&self, values: &mut Vec<f64>) {
        for index in values.len() - self.leaves as usize - 2..self.ops.len() {
            if self.ops[index] == LayerOp::Convolution {
                if let Some(&left) = self.products.get(&(index as u32)) {
                    let (a, b) = self.children(index).split_at(left as usize);
                    let mut product = vec![0.0; a.len() + b.len() - 1];
                    for (i, &x) in a.iter().enumerate() {
                        for (j, &y) in b.iter().enumerate() {
                            product[i + j] += values[x as usize] * values[y as usize];
                        }
                    }
                    values.extend(product);
                }
                continue;
            }
            let children = self.children(index).iter();
            let children = children.map(|&child| values[child as usize]);
            values.push(match self.ops[index] {
                LayerOp::Convolution => 0.0,
                LayerOp::Complement => 1.0 - children.sum::<f64>(),
                LayerOp::Product => children.product(),
                LayerOp::Sum => children.sum(),
                LayerOp::ClampedSum => children.sum::<f64>().min(1.0),
                LayerOp::Min => children.fold(1.0, f64::min),
                LayerOp::Max => children.fold(0.0, f64::max),
            });
        }
    }

    /// Makes room for more nodes.
    pub fn reserve(&mut self, nodes: usize) {
        self.ops.reserve(nodes);
        self.spans.reserve(nodes);
        self.pool.reserve(2 * nodes);
        self.latest.reserve(nodes);
        self.before.reserve(nodes);
    }

    pub fn zero(&self) -> u32 {
        self.leaves
    }

    pub fn one(&self) -> u32 {
        self.leaves + 1
    }

    /// Ordinary sum; order does not matter.
    pub fn sum(&mut self, children: &mut Vec<u32>) -> u32 {
        let zero = self.zero();
        children.retain(|&child| child != zero);
        children.sort_unstable();
        self.node(LayerOp::Sum, children, zero)
    }

    pub fn product(&mut self, children: &mut Vec<u32>) -> u32 {
        let (zero, one) = (self.zero(), self.one());
        if children.contains(&zero) {
            return zero;
        }
        children.retain(|&child| child != one);
        children.sort_unstable();
        self.node(LayerOp::Product, children, one)
    }

    pub fn complement(&mut self, child: u32) -> u32 {
        if child == self.zero() {
            return self.one();
        }
        if child == self.one() {
            return self.zero();
        }
        if let Some(index) = child
            .checked_sub(self.leaves + 2)
            .map(|index| index as usize)
            && self.ops[index] == LayerOp::Complement
        {
            return self.pool[self.spans[index].0 as usize];
        }
        self.intern(LayerOp::Complement, &[child])
    }

    /// What `op` is to the complements of the children, and of its result.
    pub fn dual(
        &mut self,
        children: &mut Vec<u32>,
        op: impl FnOnce(&mut Self, &mut Vec<u32>) -> u32,
    ) -> u32 {
        for child in children.iter_mut() {
            *child = self.complement(*child);
        }
        let result = op(self, children);
        self.complement(result)
    }

    /// The product of two polynomials, given and returned by their coefficients, lowest first.
    pub fn convolution(&mut self, a: &[u32], b: &[u32]) -> Vec<u32> {
        let (zero, one) = (self.zero(), self.one());
        match (a, b) {
            ([], _) | (_, []) => return Vec::new(),
            ([x], other) | (other, [x]) if *x == one => return other.to_vec(),
            ([x], other) | (other, [x]) => {
                let x = *x;
                return other
                    .iter()
                    .map(|&y| self.product(&mut vec![x, y]))
                    .collect();
            }
            _ => {}
        }
        // The kernel skips zeros of the first factor.
        let present = |factor: &[u32]| factor.iter().filter(|&&node| node != zero).count();
        let (a, b) = match present(a) <= present(b) {
            true => (a, b),
            false => (b, a),
        };
        let first = self.ops.len() as u32;
        self.products.insert(first, a.len() as u32);
        let span = (self.pool.len() as u32, (a.len() + b.len()) as u32);
        self.pool.extend_from_slice(a);
        self.pool.extend_from_slice(b);
        let count = a.len() as u32 + b.len() as u32 - 1;
        for _ in 0..count {
            self.latest.push(0);
            self.before.push(0);
            self.ops.push(LayerOp::Convolution);
            self.spans.push(span);
        }
        let base = self.leaves + 2 + first;
        (base..base + count).collect()
    }

    /// Sum up to 1.
    pub fn clamped_sum(&mut self, children: &mut Vec<u32>) -> u32 {
        let zero = self.zero();
        children.retain(|&child| child != zero);
        self.node(LayerOp::ClampedSum, children, zero)
    }

    /// Maximum; the first of equal children is the one that counts.
    pub fn max(&mut self, children: &mut Vec<u32>) -> u32 {
        let (zero, one) = (self.zero(), self.one());
        self.extremum(LayerOp::Max, children, zero, one)
    }

    /// Minimum; the first of equal children is the one that counts.
    pub fn min(&mut self, children: &mut Vec<u32>) -> u32 {
        let (zero, one) = (self.zero(), self.one());
        self.extremum(LayerOp::Min, children, one, zero)
    }

    fn extremum(
        &mut self,
        op: LayerOp,
        children: &mut Vec<u32>,
        neutral: u32,
        absorbing: u32,
    ) -> u32 {
        if children.contains(&absorbing) {
            return absorbing;
        }
        children.retain(|&child| child != neutral);
        self.node(op, children, neutral)
    }

    fn node(&mut self, op: LayerOp, children: &mut Vec<u32>, empty: u32) -> u32 {
        match children.as_slice() {
            [] => empty,
            [child] => *child,
            _ => self.intern(op, children),
        }
    }

    fn intern(&mut self, op: LayerOp, children: &[u32]) -> u32 {
        let ends = [children.iter().max(), children.iter().min()];
        for &end in ends.into_iter().flatten() {
            match self.search(end as usize, op, children) {
                Search::Found(node) => return node,
                Search::Room => {
                    self.before.push(self.latest[end as usize]);
                    self.latest[end as usize] = self.ops.len() as u32 + 1;
                    return self.push(op, children);
                }
                Search::Full => {}
            }
        }
        let (ops, spans, pool) = (&self.ops, &self.spans, &self.pool);
        let children_of = |index: u32| {
            let (start, len) = spans[index as usize];
            &pool[start as usize..(start + len) as usize]
        };
        let entry = self.table.entry(
            hash(op, children),
            |&index| ops[index as usize] == op && children_of(index) == children,
            |&index| hash(ops[index as usize], children_of(index)),
        );
        match entry {
            Entry::Occupied(entry) => self.leaves + 2 + *entry.get(),
            Entry::Vacant(entry) => {
                entry.insert(ops.len() as u32);
                self.before.push(0);
                self.push(op, children)
            }
        }
    }

    /// Looks through the list of parents of a child.
    fn search(&self, child: usize, op: LayerOp, children: &[u32]) -> Search {
        let mut parent = self.latest[child];
        for _ in 0..SHORT {
            let Some(index) = parent.checked_sub(1).map(|index| index as usize) else {
                return Search::Room;
            };
            if self.ops[index] == op && self.children(index) == children {
                return Search::Found(self.leaves + 2 + index as u32);
            }
            parent = self.before[index];
        }
        Search::Full
    }

    fn push(&mut self, op: LayerOp, children: &[u32]) -> u32 {
        self.latest.push(0);
        self.ops.push(op);
        self.spans
            .push((self.pool.len() as u32, children.len() as u32));
        self.pool.extend_from_slice(children);
        self.leaves + 1 + self.ops.len() as u32
    }

    fn children(&self, index: usize) -> &[u32] {
        let (start, len) = self.spans[index];
        &self.pool[start as usize..(start + len) as usize]
    }
}
