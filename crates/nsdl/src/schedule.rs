//! Modules for tensor back ends: the layers of a circuit as gathers and reductions over a frontier of rows.
//!
//! A back end keeps the values of nodes as rows of one tensor, a column per sample. At first it has the columns of
//! all inputs, then those of the [`Schedule::parameters`], then the [`Schedule::constants`]. Each [`Step`] gathers the children of its nodes and reduces
//! them, keeps the rows that later steps still need, and appends the results. That is differentiable wherever
//! the tensors are, needs no kernels of its own, and holds no more rows than necessary.

use nsdl_circuit::{Layer, LayerOp};

use crate::module::parameters::places;
use crate::module::{Given, Module};

/// What a tensor back end does, step by step.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The parameter of each row that follows the inputs: of those that have the current values of parameters.
    pub parameters: Vec<u32>,
    /// Weights of the rows that follow these: leaves that no input and no parameter gives, then 0, then 1.
    pub constants: Vec<f64>,
    /// One per layer of the circuit.
    pub steps: Vec<Step>,
    /// For each output, the rows of its columns in the last frontier.
    pub outputs: Vec<Vec<u32>>,
    /// For each output, the rows by which these are divided: the probabilities of their evidence. Empty for an
    /// output without evidence. Where such a row is 0, the output is NaN and has gradient 0.
    pub given: Vec<Vec<u32>>,
}

/// One layer.
#[derive(Clone, Debug)]
pub struct Step {
    /// Reductions of rows of the frontier; their results follow each other.
    pub reductions: Vec<Reduction>,
    /// The rows of the frontier that stay, before the new ones; `None` for all.
    pub keep: Option<Vec<u32>>,
}

/// Nodes of one operation and about as many children each.
#[derive(Clone, Debug)]
pub struct Reduction {
    /// What to do with the children of each node.
    pub op: LayerOp,
    /// Children per node, a power of two: missing ones are filled up with rows that change nothing. Of a
    /// convolution, coefficients per product, of both factors.
    pub width: usize,
    /// Of a convolution, how many of these coefficients the first factor has.
    pub left: usize,
    /// Rows of the frontier, `width` for each node or product.
    pub children: Vec<u32>,
}

impl Reduction {
    /// How many rows result.
    pub fn rows(&self) -> usize {
        let groups = self.children.len() / self.width.max(1);
        match self.op {
            LayerOp::Convolution => groups * self.width.saturating_sub(1),
            _ => groups,
        }
    }
}

impl Module {
    /// The schedule of its circuit; `None` where evaluation is not one fixed pass.
    ///
    /// Cost: linear in edges and in the rows that wait for a later layer, summed over layers.
    pub fn schedule(&self) -> Option<Schedule> {
        let layers = self.circuit().layers()?;
        let leaves = self.constants().len();
        let mut first: Vec<Option<u32>> = Vec::new();
        let mut given = vec![false; leaves];
        for leaf in (0..self.inputs()).flat_map(|input| self.input_leaves(input)) {
            first.push(leaf.map(|leaf| leaf.0));
            if let Some(given) = leaf.and_then(|leaf| given.get_mut(leaf.index())) {
                *given = true;
            }
        }
        let mut parameters = Vec::new();
        for (leaf, learned) in places(self.learned_leaves()) {
            first.push(Some(leaf.0));
            parameters.push(learned);
            if let Some(given) = given.get_mut(leaf.index()) {
                *given = true;
            }
        }
        let mut constants = Vec::new();
        for ((leaf, &weight), given) in (0..).zip(self.constants()).zip(given) {
            if !given {
                first.push(Some(leaf));
                constants.push(weight);
            }
        }
        constants.extend([0.0, 1.0]);

        // Columns whose tuple cannot be derived are the constant 0, the node after the leaves.
        let nodes = self.circuit().output_nodes();
        let node = |output: &Option<u32>| {
            output
                .and_then(|o| nodes.get(o as usize).copied())
                .unwrap_or(leaves as u32)
        };
        let given = |given: &Given| match given {
            Given::Always => leaves as u32 + 1,
            Given::Never => leaves as u32,
            Given::Output(output) => node(&Some(*output)),
        };
        let mut columns: Vec<Vec<u32>> = (0..self.outputs())
            .map(|o| self.circuit_outputs(o).iter().map(node).collect())
            .collect();
        columns.extend((0..self.outputs()).map(|o| self.given(o).iter().map(given).collect()));
        let (steps, mut outputs) = schedule(leaves, layers, &columns, &first);
        let given = outputs.split_off(self.outputs());
        Some(Schedule {
            parameters,
            constants,
            steps,
            outputs,
            given,
        })
    }
}

/// Steps and rows of outputs, for a first frontier of the leaves `first` (`None` for rows that are no leaf) and the
/// constants 0 and 1.
fn schedule(
    leaves: usize,
    layers: &[Layer],
    outputs: &[Vec<u32>],
    first: &[Option<u32>],
) -> (Vec<Step>, Vec<Vec<u32>>) {
    let (zero, one) = (leaves as u32, leaves as u32 + 1);
    let nodes = leaves + 2 + layers.iter().map(Layer::len).sum::<usize>();
    // Until which layer each node is needed; outputs and constants, with which rows are filled up, always.
    let mut until = vec![0; nodes];
    for (number, layer) in layers.iter().enumerate() {
        for &child in &layer.children {
            until[child as usize] = number;
        }
    }
    for &node in outputs.iter().flatten().chain([&zero, &one]) {
        until[node as usize] = layers.len();
    }

    let mut frontier: Vec<Option<u32>> = first
        .iter()
        .copied()
        .chain([Some(zero), Some(one)])
        .collect();
    let mut row = vec![0; nodes];
    let place = |frontier: &[Option<u32>], row: &mut [u32]| {
        for (at, node) in (0..).zip(frontier) {
            if let Some(node) = node {
                row[*node as usize] = at;
            }
        }
    };
    place(&frontier, &mut row);
    let mut steps = Vec::with_capacity(layers.len());
    for (number, layer) in layers.iter().enumerate() {
        if layer.op == LayerOp::Convolution {
            let (reductions, results) = products(layer, &row);
            let kept = drop_unneeded(&mut frontier, &until, number);
            frontier.extend(results.into_iter().map(Some));
            place(&frontier, &mut row);
            steps.push(Step {
                reductions,
                keep: kept,
            });
            continue;
        }
        let mut nodes: Vec<(usize, u32, &[u32])> = layer
            .nodes()
            .zip(layer.first..)
            .map(|(children, node)| (children.len().max(1).next_power_of_two(), node, children))
            .collect();
        nodes.sort_by_key(|&(width, node, _)| (width, node));
        let mut reductions: Vec<Reduction> = Vec::new();
        for same in nodes.chunk_by(|a, b| a.0 == b.0) {
            let width = same.first().map_or(1, |&(width, _, _)| width);
            let mut rows = Vec::with_capacity(width * same.len());
            for &(_, _, children) in same {
                let filler = match (layer.op, children) {
                    (LayerOp::Sum | LayerOp::ClampedSum, _) | (LayerOp::Max, []) => {
                        row[zero as usize]
                    }
                    (LayerOp::Product | LayerOp::Complement, _) | (LayerOp::Min, []) => {
                        row[one as usize]
                    }
                    (LayerOp::Min | LayerOp::Max, [.., last]) => row[*last as usize],
                    (LayerOp::Convolution, _) => row[zero as usize],
                };
                let given = children.iter().map(|&child| row[child as usize]);
                rows.extend(given.chain(std::iter::repeat(filler)).take(width));
            }
            reductions.push(Reduction {
                op: layer.op,
                width,
                left: 0,
                children: rows,
            });
        }

        let keep = drop_unneeded(&mut frontier, &until, number);
        steps.push(Step { reductions, keep });
        frontier.extend(nodes.iter().map(|&(_, node, _)| Some(node)));
        place(&frontier, &mut row);
    }
    let rows = |nodes: &Vec<u32>| nodes.iter().map(|&node| row[node as usize]).collect();
    (steps, outputs.iter().map(rows).collect())
}

/// Drops the rows that no layer after this one needs; the rows that stay, or `None` if all do.
fn drop_unneeded(
    frontier: &mut Vec<Option<u32>>,
    until: &[usize],
    layer: usize,
) -> Option<Vec<u32>> {
    let stays = |node: &Option<u32>| node.is_some_and(|node| until[node as usize] > layer);
    let all = frontier.iter().all(stays);
    let kept = (0..)
        .zip(&*frontier)
        .filter(|(_, node)| stays(node))
        .map(|(at, _)| at);
    let keep = (!all).then(|| kept.collect());
    frontier.retain(stays);
    keep
}

/// The lengths of two factors, the first node of their product, and the factors.
type Product<'a> = (usize, usize, u32, &'a [u32], &'a [u32]);

/// The products of a convolution, those of one shape together, and their nodes in that order.
fn products(layer: &Layer, row: &[u32]) -> (Vec<Reduction>, Vec<u32>) {
    let mut first = layer.first;
    let mut all: Vec<Product<'_>> = Vec::new();
    for (a, b) in layer.products() {
        all.push((a.len(), b.len(), first, a, b));
        first += (a.len() + b.len()) as u32 - 1;
    }
    all.sort_by_key(|&(a, b, first, ..)| (a, b, first));
    let mut results = Vec::with_capacity(layer.len());
    let mut reductions = Vec::new();
    for same in all.chunk_by(|x, y| (x.0, x.1) == (y.0, y.1)) {
        let Some(&(left, right, ..)) = same.first() else {
            continue;
        };
        let mut children = Vec::with_capacity(same.len() * (left + right));
        for &(.., first, a, b) in same {
            children.extend(a.iter().chain(b).map(|&child| row[child as usize]));
            results.extend(first..first + (left + right) as u32 - 1);
        }
        reductions.push(Reduction {
            op: LayerOp::Convolution,
            width: left + right,
            left,
            children,
        });
    }
    (reductions, results)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Interprets a schedule for one sample.
    fn interpret(steps: &[Step], outputs: &[Vec<u32>], first: &[f64]) -> Vec<f64> {
        let mut frontier: Vec<f64> = first.iter().copied().chain([0.0, 1.0]).collect();
        for step in steps {
            let mut results = Vec::new();
            for reduction in &step.reductions {
                if reduction.op == LayerOp::Convolution {
                    for children in reduction.children.chunks(reduction.width) {
                        let (a, b) = children.split_at(reduction.left);
                        let mut product = vec![0.0; children.len() - 1];
                        for (i, &x) in a.iter().enumerate() {
                            for (j, &y) in b.iter().enumerate() {
                                product[i + j] += frontier[x as usize] * frontier[y as usize];
                            }
                        }
                        results.extend(product);
                    }
                    continue;
                }
                for children in reduction.children.chunks(reduction.width) {
                    let values = children.iter().map(|&row| frontier[row as usize]);
                    results.push(match reduction.op {
                        LayerOp::Complement => 1.0 - values.sum::<f64>(),
                        LayerOp::Product => values.product(),
                        LayerOp::Sum => values.sum(),
                        LayerOp::ClampedSum => values.sum::<f64>().min(1.0),
                        LayerOp::Min => values.fold(f64::INFINITY, f64::min),
                        LayerOp::Max => values.fold(f64::NEG_INFINITY, f64::max),
                        LayerOp::Convolution => unreachable!("a product has several results"),
                    });
                }
            }
            if let Some(keep) = &step.keep {
                frontier = keep.iter().map(|&row| frontier[row as usize]).collect();
            }
            frontier.extend(results);
        }
        outputs
            .iter()
            .flatten()
            .map(|&row| frontier[row as usize])
            .collect()
    }

    fn layer(op: LayerOp, first: u32, nodes: &[&[u32]]) -> Layer {
        let mut offsets = vec![0];
        offsets.extend(nodes.iter().scan(0, |end, children| {
            *end += children.len() as u32;
            Some(*end)
        }));
        Layer {
            op,
            first,
            offsets,
            children: nodes.concat(),
        }
    }

    #[test]
    fn values_are_those_of_the_layers() {
        // Leaves 0, 1, 2; constants 3 and 4.
        let layers = [
            layer(LayerOp::Product, 5, &[&[0, 1, 2], &[0, 1], &[], &[2]]), // a·b·c, a·b, 1, c
            layer(LayerOp::Complement, 9, &[&[5]]),                        // 1 − a·b·c
            layer(LayerOp::Sum, 10, &[&[9, 0, 6, 1, 2], &[]]),             // …, 0
            layer(LayerOp::ClampedSum, 12, &[&[10, 10, 8]]),               // 1
            layer(LayerOp::Max, 13, &[&[0, 1, 2], &[]]),
            layer(LayerOp::Min, 15, &[&[0, 1, 2], &[]]),
        ];
        let outputs = [
            vec![5, 9, 10],
            vec![],
            vec![12, 13, 15, 3, 4, 7, 11, 14, 16],
        ];
        let [a, b, c] = [0.5, 0.25, 0.75];
        let wide = 1.0 - a * b * c + a + a * b + b + c;
        let expected = [
            a * b * c,
            1.0 - a * b * c,
            wide,
            1.0,
            c,
            b,
            0.0,
            1.0,
            1.0,
            0.0,
            0.0,
            1.0,
        ];

        let (steps, rows) = schedule(3, &layers, &outputs, &[Some(0), Some(1), Some(2)]);
        assert_eq!(interpret(&steps, &rows, &[a, b, c]), expected);
        let (steps, rows) = schedule(3, &layers, &outputs, &[Some(2), None, Some(0), Some(1)]);
        assert_eq!(interpret(&steps, &rows, &[c, f64::NAN, a, b]), expected);
    }

    #[test]
    fn products_of_polynomials_keep_their_places() {
        // (a + b·x) (b + c·x + a·x²), and (c + a·x) (b + c·x).
        let mut products = layer(
            LayerOp::Convolution,
            5,
            &[&[0, 1], &[1, 2, 0], &[2, 0], &[1, 2]],
        );
        products.op = LayerOp::Convolution;
        assert_eq!(products.len(), 7);
        let outputs = [(5..12).collect()];
        let [a, b, c] = [0.5, 0.25, 0.75];
        let expected = [
            a * b,
            a * c + b * b,
            a * a + b * c,
            b * a,
            c * b,
            c * c + a * b,
            a * c,
        ];
        let (steps, rows) = schedule(3, &[products], &outputs, &[Some(0), Some(1), Some(2)]);
        assert_eq!(interpret(&steps, &rows, &[a, b, c]), expected);
    }

    #[test]
    fn rows_that_nothing_needs_are_dropped() {
        let chain: Vec<Layer> = (0..50)
            .map(|i| {
                layer(
                    LayerOp::Complement,
                    5 + i,
                    &[&[if i == 0 { 0 } else { 4 + i }]],
                )
            })
            .collect();
        let (steps, rows) = schedule(3, &chain, &[vec![54]], &[Some(0), Some(1), Some(2)]);
        let longest = steps
            .iter()
            .filter_map(|step| step.keep.as_ref().map(Vec::len))
            .max();
        assert_eq!(longest, Some(2), "only the two constants stay");
        assert_eq!(interpret(&steps, &rows, &[0.25, 0.0, 0.0]), [0.25]);
    }
}
