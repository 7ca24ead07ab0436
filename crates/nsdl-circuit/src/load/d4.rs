//! Decision-DNNF as d4 saves it: nodes and edges in any order, the first node is the whole formula.
//!
//! ```text
//! o node 0
//! a node 0
//! t node 0
//! f node 0
//! parent child {literal} 0
//! ```
//! The literals of an edge hold together with its child.

use super::{Gates, Kind, Source, Words, lines, malformed};
use nsdl_ir::Diagnostic;
use rustc_hash::FxHashMap;

/// A node: what joins its edges, the line that says so, and the edges.
struct Node<'a> {
    kind: Kind,
    line: u32,
    edges: Vec<Edge<'a>>,
}

/// A child and the line of the edge, whose literals are read when the gate is made.
type Edge<'a> = (usize, u32, &'a str);

/// Reads such a file.
///
/// # Errors
/// `E0880` with file and line if the text is none.
pub(super) fn read((name, text): Source<'_>) -> Result<Gates, Diagnostic> {
    let nodes = nodes((name, text))?;
    let mut gates = Gates::default();
    let mut made: Vec<Option<u32>> = vec![None; nodes.len()];
    let mut literals: FxHashMap<i32, u32> = FxHashMap::default();
    // Depth first: a node, and how many of its edges have been followed.
    let mut open = vec![(0, 0)];
    let mut on_path = vec![false; nodes.len()];
    while let Some((at, followed)) = open.pop() {
        let node = &nodes[at];
        if let Some(&(child, line, _)) = node.edges.get(followed) {
            on_path[at] = true;
            open.push((at, followed + 1));
            if on_path[child] {
                return Err(malformed(name, line, "this edge closes a cycle"));
            }
            if made[child].is_none() {
                open.push((child, 0));
            }
            continue;
        }
        on_path[at] = false;
        let mut parts = Vec::with_capacity(node.edges.len());
        for &(child, line, text) in &node.edges {
            let mut words = Words::new(name, line, text);
            for _ in ["parent", "child"] {
                words.word();
            }
            let mut together: Vec<u32> = made[child].into_iter().collect();
            loop {
                if words.words.clone().next() == Some("0") {
                    break;
                }
                if let Kind::Literal(literal) = words.literal()? {
                    let gate = literals.entry(literal);
                    together.push(
                        *gate.or_insert_with(|| gates.push(Kind::Literal(literal), &[], line)),
                    );
                }
            }
            words.word();
            words.end()?;
            parts.push(match together.as_slice() {
                [only] => *only,
                _ => gates.push(Kind::And, &together, line),
            });
        }
        made[at] = Some(gates.push(node.kind, &parts, node.line));
    }
    Ok(gates)
}

/// The nodes by their order in the file.
fn nodes<'a>((name, text): Source<'a>) -> Result<Vec<Node<'a>>, Diagnostic> {
    let mut nodes: Vec<Node<'a>> = Vec::new();
    let mut numbers: FxHashMap<u32, usize> = FxHashMap::default();
    let mut edges = Vec::new();
    for (line, text) in lines(text) {
        let mut words = Words::new(name, line, text);
        let kind = match words.word() {
            "o" | "f" => Kind::Or,
            "a" | "t" => Kind::And,
            parent => {
                let Ok(parent) = parent.parse::<u32>() else {
                    return Err(words.error(format!(
                        "`{parent}` is neither a kind of node nor the number of one"
                    )));
                };
                edges.push((
                    parent,
                    words.number::<u32>("the number of a child")?,
                    line,
                    text,
                ));
                continue;
            }
        };
        let id: u32 = words.number("the number of a node")?;
        if words.number::<u32>("0")? != 0 {
            return Err(words.error("the line of a node ends in 0"));
        }
        if numbers.insert(id, nodes.len()).is_some() {
            return Err(words.error(format!("there is a node {id} before")));
        }
        words.end()?;
        nodes.push(Node {
            kind,
            line,
            edges: Vec::new(),
        });
    }
    for (parent, child, line, text) in edges {
        let find = |id: u32| {
            let missing = || malformed(name, line, format!("there is no node {id}"));
            numbers.get(&id).copied().ok_or_else(missing)
        };
        let (parent, child) = (find(parent)?, find(child)?);
        nodes[parent].edges.push((child, line, text));
    }
    Ok(nodes)
}
