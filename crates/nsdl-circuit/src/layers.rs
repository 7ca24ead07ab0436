//! Layered flat circuits: what kernels run and tensor back ends interpret.

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

/// A layer as the kernels take it: its first nodes are computed one operation each; the others are sums of products
/// of two that are needed nowhere else, or those products, which have no values of their own then.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pass {
    /// How many nodes are computed as they stand.
    pub plain: usize,
    /// Of the sums after these, the factors of each term.
    pub factors: Vec<[u32; 2]>,
    /// Sum `plain + i` has the terms `factors[ends[i]..ends[i + 1]]`.
    pub ends: Vec<u32>,
}

impl Pass {
    /// The terms of each sum of products.
    #[inline]
    pub fn sums(&self) -> impl Iterator<Item = &[[u32; 2]]> {
        let ends = self.ends.windows(2);
        ends.map(|pair| &self.factors[pair[0] as usize..pair[1] as usize])
    }
}

impl Layered {
    /// `plain` says how many nodes of each layer come before its sums of products and the products of such.
    pub fn new(leaves: usize, layers: Vec<Layer>, outputs: Vec<u32>, plain: &[usize]) -> Self {
        let passes = passes(leaves, &layers, plain);
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

fn passes(leaves: usize, layers: &[Layer], plain: &[usize]) -> Vec<Pass> {
    // The factors of a product without a value; a node times one else.
    let one = leaves as u32 + 1;
    let term = |child: u32| {
        let after = layers.partition_point(|layer| layer.first <= child);
        let layer = after
            .checked_sub(1)
            .filter(|&layer| layers[layer].op == LayerOp::Product);
        let product = layer.and_then(|layer| {
            let place = (child - layers[layer].first) as usize;
            let ends = layers[layer].offsets.get(place..place + 2)?;
            let factors = &layers[layer].children[ends[0] as usize..ends[1] as usize];
            (place >= plain[layer]).then_some(factors)
        });
        match product {
            Some(&[x, y]) => [x, y],
            _ => [child, one],
        }
    };
    let passes = layers.iter().zip(plain).map(|(layer, &plain)| {
        let mut pass = Pass {
            plain,
            ..Pass::default()
        };
        if layer.op == LayerOp::Sum {
            pass.ends.push(0);
            for terms in layer.nodes().skip(plain) {
                pass.factors.extend(terms.iter().map(|&child| term(child)));
                pass.ends.push(pass.factors.len() as u32);
            }
        }
        pass
    });
    passes.collect()
}
