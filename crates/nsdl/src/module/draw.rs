//! Small circuits as pictures: DOT for Graphviz, and SVG without it.

use std::collections::BTreeMap;
use std::fmt::Write;

use nsdl_circuit::LayerOp;
use nsdl_ir::{Diagnostic, LeafId};

use super::Module;
use crate::error::{Error, Result};
use crate::print::format_tuple;

/// A circuit of this many nodes can still be read.
const LARGEST: usize = 200;

/// A small circuit, to be drawn: facts at the bottom, outputs at the top.
#[derive(Clone, Debug)]
pub struct Drawing {
    nodes: Vec<Node>,
    /// From child to parent.
    edges: Vec<(usize, usize)>,
}

#[derive(Clone, Debug)]
struct Node {
    label: String,
    kind: Kind,
    /// How far above the facts.
    level: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Leaf,
    Inner,
    Output,
}

impl Module {
    /// The circuit as a drawing.
    ///
    /// # Errors
    /// `E0876` if it has more than 200 nodes, or is not evaluated in one fixed pass.
    pub fn draw(&self) -> Result<Drawing> {
        let error = |message: String, help: &str| {
            let diagnostic = Diagnostic::error("E0876", message).help(help);
            Error::new(vec![diagnostic], &self.texts)
        };
        let Some(layers) = self.layers() else {
            return Err(error(
                "this circuit is not evaluated in one fixed pass".into(),
                "draw it under `exact`",
            ));
        };
        let size = self.circuit.report().nodes;
        if size > LARGEST {
            return Err(error(
                format!("a circuit of {size} nodes is too large to draw: {LARGEST} can be read"),
                "draw a smaller instance; `explain` describes large ones",
            ));
        }
        let cells = |tuple| self.cells(tuple);
        let story = self.story(&cells);
        let leaves = self.constants.len();
        let mut below: BTreeMap<u32, (&str, Vec<u32>)> = BTreeMap::new();
        for layer in layers {
            let sign = match layer.op {
                LayerOp::Complement => "1 −",
                LayerOp::Product => "×",
                LayerOp::Sum => "+",
                LayerOp::Min => "min",
                LayerOp::Max => "max",
                LayerOp::ClampedSum => "+ ≤ 1",
                LayerOp::Convolution => "∗",
            };
            let nodes: Vec<Vec<u32>> = match layer.op {
                LayerOp::Convolution => layer.products().flat_map(coefficients).collect(),
                _ => layer.nodes().map(<[u32]>::to_vec).collect(),
            };
            for (node, children) in (layer.first..).zip(nodes) {
                below.insert(node, (sign, children));
            }
        }
        // What outputs need, children first: numbers of children are smaller.
        let roots = self.circuit.output_nodes();
        let mut needed: BTreeMap<u32, usize> = roots.iter().map(|&node| (node, 0)).collect();
        let mut next: Vec<u32> = roots.to_vec();
        while let Some(node) = next.pop() {
            for &child in below.get(&node).map_or(&[][..], |(_, children)| children) {
                if needed.insert(child, 0).is_none() {
                    next.push(child);
                }
            }
        }
        let mut drawing = Drawing {
            nodes: Vec::new(),
            edges: Vec::new(),
        };
        let numbers: Vec<u32> = needed.keys().copied().collect();
        for node in numbers {
            let place = drawing.nodes.len();
            needed.insert(node, place);
            let (label, kind, children) = match below.get(&node) {
                Some((sign, children)) => ((*sign).to_owned(), Kind::Inner, &children[..]),
                None if (node as usize) < leaves => {
                    let (text, _) = story.leaf(LeafId::new(node as usize));
                    (text, Kind::Leaf, &[][..])
                }
                None => {
                    let one = node as usize > leaves;
                    (u8::from(one).to_string(), Kind::Leaf, &[][..])
                }
            };
            let children: Vec<usize> = children
                .iter()
                .filter_map(|child| needed.get(child).copied())
                .collect();
            let level = |&child: &usize| drawing.nodes.get(child).map_or(0, |node| node.level + 1);
            let level = children.iter().map(level).max().unwrap_or(0);
            drawing.nodes.push(Node { label, kind, level });
            drawing
                .edges
                .extend(children.into_iter().map(|child| (child, place)));
        }
        let top = drawing.nodes.iter().map(|node| node.level).max();
        let top = top.unwrap_or(0) + 1;
        for answers in &self.outputs {
            for (tuple, output) in answers.tuples.iter().zip(&answers.circuit) {
                let root = output.and_then(|it| roots.get(it as usize));
                let child = root.and_then(|root| needed.get(root).copied());
                let place = drawing.nodes.len();
                drawing.nodes.push(Node {
                    label: format!("{}{}", answers.name, format_tuple(tuple)),
                    kind: Kind::Output,
                    level: top,
                });
                drawing.edges.extend(child.map(|child| (child, place)));
            }
        }
        Ok(drawing)
    }
}

impl Drawing {
    /// How many nodes it has, facts and outputs included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// In the language of Graphviz: `dot -Tsvg`.
    pub fn dot(&self) -> String {
        let mut text =
            String::from("digraph circuit {\n  rankdir=BT\n  node [fontname=\"sans-serif\"]\n");
        for (place, node) in self.nodes.iter().enumerate() {
            let shape = match node.kind {
                Kind::Leaf => "box",
                Kind::Inner => "circle",
                Kind::Output => "box, style=rounded",
            };
            let label = node.label.replace('\\', "\\\\").replace('"', "\\\"");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  n{place} [label=\"{label}\", shape={shape}]");
        }
        for (child, parent) in &self.edges {
            let _ = writeln!(text, "  n{child} -> n{parent}");
        }
        text + "}\n"
    }

    /// As a picture of its own. Nodes are placed level by level, each near the middle of its children.
    pub fn svg(&self) -> String {
        const CELL: f64 = 18.0;
        const CHARACTER: f64 = 7.0;
        const LEVEL: f64 = 64.0;
        let width = |node: &Node| node.label.chars().count() as f64 * CHARACTER + CELL;
        let levels = self.nodes.iter().map(|node| node.level).max().unwrap_or(0) + 1;
        let mut x = vec![0.0f64; self.nodes.len()];
        let mut widest = 0.0f64;
        for level in 0..levels {
            let mut row: Vec<(f64, usize)> = Vec::new();
            for (place, _) in self
                .nodes
                .iter()
                .enumerate()
                .filter(|(_, it)| it.level == level)
            {
                let children = self.edges.iter().filter(|(_, parent)| *parent == place);
                let places: Vec<f64> = children
                    .filter_map(|(child, _)| x.get(*child).copied())
                    .collect();
                let wanted = match places.len() {
                    0 => place as f64,
                    n => places.iter().sum::<f64>() / n as f64,
                };
                row.push((wanted, place));
            }
            row.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let mut right = 0.0f64;
            for (wanted, place) in row {
                let half = self.nodes.get(place).map_or(0.0, width) / 2.0;
                let at = if level == 0 {
                    right + half
                } else {
                    wanted.max(right + half)
                };
                right = at + half + CELL / 2.0;
                if let Some(x) = x.get_mut(place) {
                    *x = at;
                }
            }
            widest = widest.max(right);
        }
        let height = levels as f64 * LEVEL;
        let y = |node: &Node| height - (node.level as f64 + 0.5) * LEVEL;
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {widest:.0} {height:.0}\" \
             font-family=\"sans-serif\" font-size=\"12\" text-anchor=\"middle\">\n"
        );
        for &(child, parent) in &self.edges {
            if let (Some(from), Some(to)) = (self.nodes.get(child), self.nodes.get(parent)) {
                let (x1, x2) = (x.get(child), x.get(parent));
                let _ = writeln!(
                    text,
                    "<line x1=\"{:.0}\" y1=\"{:.0}\" x2=\"{:.0}\" y2=\"{:.0}\" stroke=\"#999\"/>",
                    x1.copied().unwrap_or_default(),
                    y(from) - 10.0,
                    x2.copied().unwrap_or_default(),
                    y(to) + 10.0
                );
            }
        }
        for (node, x) in self.nodes.iter().zip(x) {
            let fill = match node.kind {
                Kind::Leaf => "#e8f0fe",
                Kind::Inner => "#ffffff",
                Kind::Output => "#e6f4ea",
            };
            let (w, y) = (width(node), y(node));
            let label = escape(&node.label);
            let _ = writeln!(
                text,
                "<rect x=\"{:.0}\" y=\"{:.0}\" width=\"{w:.0}\" height=\"20\" rx=\"6\" fill=\"{fill}\" stroke=\"#666\"/>\
                 <text x=\"{x:.0}\" y=\"{:.0}\">{label}</text>",
                x - w / 2.0,
                y - 10.0,
                y + 4.0
            );
        }
        text + "</svg>\n"
    }
}

/// What the coefficients of a product of polynomials are made of.
fn coefficients((a, b): (&[u32], &[u32])) -> Vec<Vec<u32>> {
    let mut children = vec![Vec::new(); (a.len() + b.len()).saturating_sub(1)];
    for (i, &x) in a.iter().enumerate() {
        for (j, &y) in b.iter().enumerate() {
            if let Some(children) = children.get_mut(i + j) {
                children.extend([x, y]);
            }
        }
    }
    children
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
