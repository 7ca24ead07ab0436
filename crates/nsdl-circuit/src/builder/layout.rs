//! From nodes to layers, and how the kernels take these.

use super::Builder;
use super::decisions::{Decision, on};
use crate::layers::{Decisions, Layer, LayerOp, Layered, Pass};
use rustc_hash::FxHashMap;

/// How the kernels come by a node, in the order in which a layer has them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// By its operation.
    Plain,
    /// A sum of products that have no values of their own.
    Products,
    /// A sum of two products that shares its factors with others.
    Decision,
    /// A product that only such sums need: not at all.
    Never,
}

impl Way {
    const COUNT: usize = 4;
}

/// How often each node is needed, leaves and constants included; outputs are needed without end.
pub(super) fn uses(builder: &Builder, nodes: &[usize], outputs: &[u32]) -> Vec<u32> {
    let mut uses = vec![0u32; builder.leaves as usize + 2 + builder.ops.len()];
    for &child in nodes.iter().flat_map(|&node| builder.own_children(node)) {
        let uses = &mut uses[child as usize];
        *uses = uses.saturating_add(1);
    }
    for &output in outputs {
        uses[output as usize] = u32::MAX;
    }
    uses
}

impl Builder {
    /// The nodes that `outputs` need, in layers: each node in the first layer after all its children, one
    /// operation a layer.
    pub fn finish(self, outputs: &[u32]) -> Layered {
        let base = self.leaves + 2;
        let (nodes, levels) = self.needed(outputs);
        let uses = uses(&self, &nodes, outputs);
        let (mut ways, decisions) = self.decisions(&nodes, &levels, &uses);
        self.fuse(&nodes, &uses, &mut ways);
        let order = self.by_layer(&nodes, &levels, &ways, &decisions);
        let mut numbers = vec![0u32; self.ops.len()];
        for (number, &index) in order.iter().enumerate() {
            numbers[index] = base + number as u32;
        }
        let renumber = |node: u32| {
            node.checked_sub(base)
                .map_or(node, |index| numbers[index as usize])
        };
        let mut layers: Vec<Layer> = Vec::new();
        let mut passes: Vec<Pass> = Vec::new();
        let mut current = None;
        for &index in &order {
            let key = (levels[index], self.ops[index]);
            if current != Some(key) {
                current = Some(key);
                layers.push(Layer {
                    op: self.ops[index],
                    first: numbers[index],
                    offsets: vec![0],
                    children: Vec::new(),
                });
                passes.push(Pass::default());
            }
            let (Some(layer), Some(pass)) = (layers.last_mut(), passes.last_mut()) else {
                continue;
            };
            match ways[index] {
                Way::Plain => pass.plain += 1,
                Way::Never => {}
                Way::Products => {
                    if pass.ends.is_empty() {
                        pass.ends.push(0);
                    }
                    let terms = self.children(index).iter();
                    let terms = terms.map(|&term| self.term(term, &ways).map(renumber));
                    pass.factors.extend(terms);
                    pass.ends.push(pass.factors.len() as u32);
                }
                Way::Decision => {
                    if let Some(&decision) = decisions.get(&index) {
                        let [[_, x], [_, y]] = decision;
                        let on = on(decision).map(renumber);
                        match pass.decisions.last_mut() {
                            Some(last) if last.on == on => last.count += 1,
                            _ => pass.decisions.push(Decisions { on, count: 1 }),
                        }
                        pass.branches.push([x, y].map(renumber));
                    }
                }
            }
            if self.is_further(index) {
                continue;
            }
            let left = self.products.get(&(index as u32));
            let begun = layer.children.len() as u32;
            layer.offsets.extend(left.map(|left| begun + left));
            layer
                .children
                .extend(self.children(index).iter().map(|&child| renumber(child)));
            layer.offsets.push(layer.children.len() as u32);
        }
        let outputs = outputs.iter().map(|&output| renumber(output)).collect();
        Layered::new(self.leaves as usize, layers, passes, outputs)
    }

    /// The nodes that `outputs` need, children first, and the level of each.
    fn needed(&self, outputs: &[u32]) -> (Vec<usize>, Vec<u32>) {
        let base = self.leaves + 2;
        let mut used = vec![false; self.ops.len()];
        for &output in outputs {
            if output >= base {
                used[(output - base) as usize] = true;
            }
        }
        // Children have smaller numbers than their parents; the coefficients of a product share theirs.
        for index in (0..self.ops.len()).rev() {
            if let Some(&left) = self.products.get(&(index as u32)) {
                let count = self.children(index).len() - 1;
                debug_assert!(left as usize <= count);
                let product = &mut used[index..index + count];
                let any = product.contains(&true);
                product.fill(any);
            }
            if used[index] {
                for &child in self.own_children(index) {
                    if child >= base {
                        used[(child - base) as usize] = true;
                    }
                }
            }
        }
        let mut levels = vec![0u32; self.ops.len()];
        let mut nodes = Vec::with_capacity(self.ops.len());
        for index in 0..self.ops.len() {
            if !used[index] {
                continue;
            }
            let below = self.own_children(index).iter().map(|&child| {
                child
                    .checked_sub(base)
                    .map_or(0, |child| levels[child as usize])
            });
            levels[index] = match self.is_further(index) {
                true => levels[index - 1],
                false => 1 + below.max().unwrap_or(0),
            };
            nodes.push(index);
        }
        (nodes, levels)
    }

    /// Whether this is a coefficient after the first of a product of polynomials.
    fn is_further(&self, index: usize) -> bool {
        self.ops[index] == LayerOp::Convolution && !self.products.contains_key(&(index as u32))
    }

    /// The children of a node; those of a product of polynomials are its first coefficient's, so that they come once.
    fn own_children(&self, index: usize) -> &[u32] {
        match self.is_further(index) {
            true => &[],
            false => self.children(index),
        }
    }

    /// Lets sums have no values of products of two that only they need, where those are at least half of the terms.
    fn fuse(&self, nodes: &[usize], uses: &[u32], ways: &mut [Way]) {
        for &node in nodes {
            if self.ops[node] != LayerOp::Sum || ways[node] != Way::Plain {
                continue;
            }
            let own = |&&term: &&u32| uses[term as usize] == 1 && self.pair(term).is_some();
            let terms = self.children(node).iter().filter(own);
            if 2 * terms.clone().count() >= self.children(node).len() {
                for &term in terms {
                    ways[(term - self.leaves - 2) as usize] = Way::Never;
                }
                ways[node] = Way::Products;
            }
        }
    }

    /// The factors of a node, if it is a product of two.
    pub(super) fn pair(&self, node: u32) -> Option<[u32; 2]> {
        let index = node.checked_sub(self.leaves + 2)? as usize;
        match (self.ops[index], self.children(index)) {
            (LayerOp::Product, &[x, y]) => Some([x, y]),
            _ => None,
        }
    }

    /// The factors of a term of a sum: of a product without a value its own; of any other node, that and one.
    fn term(&self, term: u32, ways: &[Way]) -> [u32; 2] {
        let index = term.checked_sub(self.leaves + 2);
        let absent = index.is_some_and(|index| ways[index as usize] == Way::Never);
        match self.pair(term) {
            Some(factors) if absent => factors,
            _ => [term, self.one()],
        }
    }

    /// Nodes by level, operation, way, what it decides on, and number: a counting sort, but for decisions.
    fn by_layer(
        &self,
        nodes: &[usize],
        levels: &[u32],
        ways: &[Way],
        decisions: &FxHashMap<usize, Decision>,
    ) -> Vec<usize> {
        let part = |node: usize| {
            let op = levels[node] as usize * LayerOp::COUNT + self.ops[node] as usize;
            Way::COUNT * op + ways[node] as usize
        };
        let most = nodes.iter().map(|&node| part(node)).max().unwrap_or(0);
        let mut starts = vec![0usize; most + 2];
        for &node in nodes {
            starts[part(node) + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut sorted = vec![0; nodes.len()];
        for &node in nodes {
            let start = &mut starts[part(node)];
            sorted[*start] = node;
            *start += 1;
        }
        for run in sorted.chunk_by_mut(|&a, &b| part(a) == part(b)) {
            if run.first().is_some_and(|&node| ways[node] == Way::Decision) {
                run.sort_by_key(|node| decisions.get(node).copied().map(on));
            }
        }
        sorted
    }
}
