//! Circuits for tensor back ends: layers as gathers and reductions over a frontier of rows.
//!
//! A back end keeps the values of nodes as rows of one tensor, a column per sample. At first it has the leaves, in
//! the order it likes, then the constants 0 and 1. Each [`Step`] gathers the children of its nodes and reduces
//! them, keeps the rows that later steps still need, and appends the results. That is differentiable wherever
//! the tensors are, needs no custom kernels, and holds no more rows than necessary.

use crate::layers::{Layer, LayerOp};

/// What a tensor back end does, step by step.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// One per layer.
    pub steps: Vec<Step>,
    /// The row of each output in the last frontier.
    pub outputs: Vec<u32>,
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
    /// Children per node, a power of two: missing ones are filled up with rows that change nothing.
    pub width: usize,
    /// Rows of the frontier, `width` for each node.
    pub children: Vec<u32>,
}

impl Schedule {
    /// The schedule of a layered circuit whose leaves the back end gives in the order `leaves`, a permutation.
    ///
    /// Cost: linear in edges and in the rows that wait for a later layer, summed over layers.
    pub(crate) fn new(layers: &[Layer], outputs: &[u32], leaves: &[u32]) -> Self {
        let zero = leaves.len() as u32;
        let one = zero + 1;
        let nodes = leaves.len() + 2 + layers.iter().map(Layer::len).sum::<usize>();
        // Until which layer each node is needed; outputs and constants, with which rows are filled up, always.
        let mut until = vec![0; nodes];
        for (number, layer) in layers.iter().enumerate() {
            for &child in &layer.children {
                until[child as usize] = number;
            }
        }
        for &node in outputs.iter().chain([&zero, &one]) {
            until[node as usize] = layers.len();
        }

        let mut frontier: Vec<u32> = leaves.iter().copied().chain([zero, one]).collect();
        let mut row = vec![0; nodes];
        place(&frontier, &mut row);
        let mut steps = Vec::with_capacity(layers.len());
        for (number, layer) in layers.iter().enumerate() {
            let mut nodes: Vec<(usize, u32, &[u32])> = layer
                .nodes()
                .zip(layer.first..)
                .map(|(children, node)| (children.len().max(1).next_power_of_two(), node, children))
                .collect();
            nodes.sort_by_key(|&(width, node, _)| (width, node));
            let mut reductions: Vec<Reduction> = Vec::new();
            for &(width, _, children) in &nodes {
                if reductions.last().is_none_or(|last| last.width != width) {
                    reductions.push(Reduction {
                        op: layer.op,
                        width,
                        children: Vec::new(),
                    });
                }
                let Some(reduction) = reductions.last_mut() else {
                    continue;
                };
                let filler = match (layer.op, children) {
                    (LayerOp::Sum | LayerOp::ClampedSum, _) | (LayerOp::Max, []) => {
                        row[zero as usize]
                    }
                    (LayerOp::Product | LayerOp::Complement, _) | (LayerOp::Min, []) => {
                        row[one as usize]
                    }
                    (LayerOp::Min | LayerOp::Max, [.., last]) => row[*last as usize],
                };
                let given = children.iter().map(|&child| row[child as usize]);
                reduction
                    .children
                    .extend(given.chain(std::iter::repeat(filler)).take(width));
            }

            let kept = |node: &u32| until[*node as usize] > number;
            let all = frontier.iter().all(kept);
            let rows = (0..)
                .zip(&frontier)
                .filter(|(_, node)| kept(node))
                .map(|(at, _)| at);
            steps.push(Step {
                reductions,
                keep: (!all).then(|| rows.collect()),
            });
            frontier.retain(kept);
            frontier.extend(nodes.iter().map(|&(_, node, _)| node));
            place(&frontier, &mut row);
        }
        Self {
            steps,
            outputs: outputs.iter().map(|&node| row[node as usize]).collect(),
        }
    }
}

fn place(frontier: &[u32], row: &mut [u32]) {
    for (at, &node) in (0..).zip(frontier) {
        row[node as usize] = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Interprets a schedule for one sample.
    fn interpret(schedule: &Schedule, leaves: &[f64]) -> Vec<f64> {
        let mut frontier: Vec<f64> = leaves.iter().copied().chain([0.0, 1.0]).collect();
        for step in &schedule.steps {
            let mut results = Vec::new();
            for reduction in &step.reductions {
                assert!(reduction.width.is_power_of_two());
                for children in reduction.children.chunks(reduction.width) {
                    let values = children.iter().map(|&row| frontier[row as usize]);
                    results.push(match reduction.op {
                        LayerOp::Complement => 1.0 - values.sum::<f64>(),
                        LayerOp::Product => values.product(),
                        LayerOp::Sum => values.sum(),
                        LayerOp::ClampedSum => values.sum::<f64>().min(1.0),
                        LayerOp::Min => values.fold(f64::INFINITY, f64::min),
                        LayerOp::Max => values.fold(f64::NEG_INFINITY, f64::max),
                    });
                }
            }
            if let Some(keep) = &step.keep {
                frontier = keep.iter().map(|&row| frontier[row as usize]).collect();
            }
            frontier.extend(results);
        }
        schedule
            .outputs
            .iter()
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
        let outputs = [5, 9, 10, 12, 13, 15, 3, 4, 7, 11, 14, 16];
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

        let schedule = Schedule::new(&layers, &outputs, &[0, 1, 2]);
        assert_eq!(interpret(&schedule, &[a, b, c]), expected);
        let permuted = Schedule::new(&layers, &outputs, &[2, 0, 1]);
        assert_eq!(interpret(&permuted, &[c, a, b]), expected);
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
        let schedule = Schedule::new(&chain, &[54], &[0, 1, 2]);
        let longest = schedule
            .steps
            .iter()
            .filter_map(|step| step.keep.as_ref().map(Vec::len))
            .max();
        assert_eq!(longest, Some(2), "only the two constants stay");
        assert_eq!(interpret(&schedule, &[0.25, 0.0, 0.0]), [0.25]);
    }
}
