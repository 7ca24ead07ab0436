//! Layered flat circuits: what kernels run and tensor back ends interpret.

use std::ops::Range;

/// The operation of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayerOp {
    /// 1 − x of its one child.
    Complement,
    /// Product of the children.
    Product,
    /// Sum of the children.
    Sum,
    /// Smallest child; the gradient goes to the first of equal ones.
    Min,
    /// Largest child; the gradient goes to the first of equal ones.
    Max,
    /// min(1, sum of the children); the gradient is 0 where the sum exceeds 1.
    ClampedSum,
    /// Coefficients of products of two polynomials ([`Layer::products`]).
    Convolution,
}

impl LayerOp {
    /// How many operations there are.
    pub(crate) const COUNT: usize = 7;
}

/// Nodes with one operation, all of whose children lie in earlier layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// What each of its nodes computes.
    pub op: LayerOp,
    /// The number of its first node; the others follow.
    pub first: u32,
    /// Node `first + i` has the children `children[offsets[i]..offsets[i + 1]]`; one entry more than nodes. Of a
    /// convolution, each product has two such runs.
    pub offsets: Vec<u32>,
    /// Node numbers, any of which is smaller than `first`.
    pub children: Vec<u32>,
}

impl Layer {
    /// How many nodes it has.
    pub fn len(&self) -> usize {
        let runs = self.offsets.len().saturating_sub(1);
        match self.op {
            LayerOp::Convolution => self.children.len() - runs / 2,
            _ => runs,
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The coefficients of the factors of each product of a convolution, lowest first. The nodes of the layer are
    /// those of the products, one fewer than both factors have together.
    #[inline]
    pub fn products(&self) -> impl DoubleEndedIterator<Item = (&[u32], &[u32])> {
        self.offsets
            .windows(3)
            .step_by(2)
            .map(|ends| (ends[0] as usize, ends[1] as usize, ends[2] as usize))
            .map(|(a, b, end)| (&self.children[a..b], &self.children[b..end]))
    }

    /// The children of each node, in order; of a convolution, the factors of each product.
    #[inline]
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = &[u32]> {
        self.offsets
            .windows(2)
            .map(|pair| &self.children[pair[0] as usize..pair[1] as usize])
    }
}

/// A circuit in layers. Nodes `0..leaves` are leaf weights, then the constants 0 and 1, then the layers' nodes.
#[derive(Clone, Debug)]
pub(crate) struct Layered {
    pub leaves: usize,
    pub layers: Vec<Layer>,
    pub outputs: Vec<u32>,
    /// Nodes in all, leaves and constants included.
    pub nodes: usize,
    pub edges: usize,
    /// How the kernels take each layer.
    pub passes: Vec<Pass>,
}

/// A layer as the kernels take it: first nodes that are computed one operation each, then sums of products of two that
/// are needed nowhere else, then decisions, last products that only sums need, which have no values of their own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pass {
    /// How many nodes are computed as they stand.
    pub plain: usize,
    /// Of the sums after these, the factors of each term.
    pub factors: Vec<[u32; 2]>,
    /// Sum `plain + i` has the terms `factors[ends[i]..ends[i + 1]]`.
    pub ends: Vec<u32>,
    /// Of the sums after these, runs that decide on the same.
    pub decisions: Vec<Decisions>,
    /// What each decision multiplies with its factors.
    pub branches: Vec<[u32; 2]>,
}

/// Sums of two products each that have the first factors in common, such as a variable and its complement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decisions {
    /// These factors.
    pub on: [u32; 2],
    /// How many sums.
    pub count: usize,
}

impl Pass {
    /// The terms of each sum of products.
    #[inline]
    pub fn sums(&self) -> impl Iterator<Item = &[[u32; 2]]> {
        let ends = self.ends.windows(2);
        ends.map(|pair| &self.factors[pair[0] as usize..pair[1] as usize])
    }

    /// The two terms of each decision.
    pub fn decided(&self) -> impl Iterator<Item = [[u32; 2]; 2]> {
        let runs = self.decisions.iter();
        let on = runs.flat_map(|run| std::iter::repeat_n(run.on, run.count));
        let branches = self.branches.iter();
        on.zip(branches).map(|([a, b], &[x, y])| [[a, x], [b, y]])
    }

    /// How many nodes come before the decisions.
    pub fn undecided(&self) -> usize {
        self.plain + self.ends.len().saturating_sub(1)
    }

    /// How many nodes have values.
    pub fn held(&self) -> usize {
        self.undecided() + self.branches.len()
    }
}

impl Layered {
    /// The nodes that have values.
    pub fn held(&self) -> impl Iterator<Item = Range<usize>> {
        let layers = self.layers.iter().zip(&self.passes);
        let layers = layers.map(|(layer, pass)| {
            let first = layer.first as usize;
            first..first + pass.held()
        });
        std::iter::once(0..self.leaves + 2).chain(layers)
    }

    /// Layers with how the kernels take each.
    pub fn new(leaves: usize, layers: Vec<Layer>, passes: Vec<Pass>, outputs: Vec<u32>) -> Self {
        let nodes = leaves + 2 + layers.iter().map(Layer::len).sum::<usize>();
        let edges = layers.iter().map(|layer| layer.children.len()).sum();
        Self {
            leaves,
            layers,
            outputs,
            nodes,
            edges,
            passes,
        }
    }
}
