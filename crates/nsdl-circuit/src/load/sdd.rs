//! Sentential decision diagrams as the SDD package and PySDD save them (`.sdd`), and their vtrees (`.vtree`).
//!
//! ```text
//! c a comment
//! sdd nodes
//! F id
//! T id
//! L id vtree literal
//! D id vtree elements {prime sub}
//! ```
//! Children come before parents, the whole formula last.

use super::{Gates, Kind, Source, Words, complete, lines, malformed};
use nsdl_ir::Diagnostic;
use rustc_hash::FxHashMap;

/// Reads a diagram.
///
/// # Errors
/// `E0880` with file and line if the text is no such file.
pub(crate) fn read((name, text): Source<'_>) -> Result<Gates, Diagnostic> {
    let mut gates = Gates::default();
    let mut numbers: FxHashMap<u32, u32> = FxHashMap::default();
    let mut announced = None;
    let mut elements = Vec::new();
    for (line, text) in lines(text) {
        let mut words = Words::new(name, line, text);
        let kind = words.word();
        if kind == "sdd" && announced.is_none() {
            announced = Some(words.number::<usize>("a number of nodes")?);
            words.end()?;
            continue;
        }
        if announced.is_none() {
            return Err(words.error(format!("`sdd` is expected instead of `{kind}`")));
        }
        if !matches!(kind, "F" | "T" | "L" | "D") {
            return Err(words.error(format!("`{kind}` is no kind of node: F, T, L and D are")));
        }
        let id: u32 = words.number("the number of a node")?;
        let gate = match kind {
            "F" => gates.push(Kind::Or, &[], line),
            "T" => gates.push(Kind::And, &[], line),
            "L" => {
                words.number::<u32>("the number of a vtree node")?;
                let literal = words.literal()?;
                gates.push(literal, &[], line)
            }
            _ => {
                words.number::<u32>("the number of a vtree node")?;
                let count: usize = words.number("a number of elements")?;
                elements.clear();
                for _ in 0..count {
                    let mut part = |what| {
                        let id: u32 = words.number(what)?;
                        let unknown =
                            || words.error(format!("node {id} does not come before its parent"));
                        numbers.get(&id).copied().ok_or_else(unknown)
                    };
                    let pair = [part("the number of a prime")?, part("the number of a sub")?];
                    elements.push(gates.push(Kind::And, &pair, line));
                }
                gates.push(Kind::Or, &elements, line)
            }
        };
        if numbers.insert(id, gate).is_some() {
            return Err(words.error(format!("there is a node {id} before")));
        }
        words.end()?;
    }
    let announced = announced.ok_or_else(|| malformed(name, 1, "there is no line `sdd`"))?;
    complete(name, text, announced.max(1), numbers.len())?;
    Ok(gates)
}

/// How many variables a vtree has: `L id variable` are its leaves.
///
/// # Errors
/// `E0880` with file and line if the text is no such file.
pub(crate) fn variables((name, text): Source<'_>) -> Result<usize, Diagnostic> {
    let mut announced = None;
    let (mut nodes, mut largest) = (0, 0);
    for (line, text) in lines(text) {
        let mut words = Words::new(name, line, text);
        match (words.word(), announced) {
            ("vtree", None) => announced = Some(words.number::<usize>("a number of nodes")?),
            (kind, None) => {
                return Err(words.error(format!("`vtree` is expected instead of `{kind}`")));
            }
            ("L", _) => {
                words.number::<u32>("the number of a node")?;
                if let Kind::Literal(variable) = words.literal()? {
                    largest = largest.max(variable.unsigned_abs() as usize);
                }
                nodes += 1;
            }
            ("I", _) => {
                for what in ["the number of a node", "a left child", "a right child"] {
                    words.number::<u32>(what)?;
                }
                nodes += 1;
            }
            (kind, _) => {
                return Err(words.error(format!("`{kind}` is no kind of node: L and I are")));
            }
        }
        words.end()?;
    }
    let announced = announced.ok_or_else(|| malformed(name, 1, "there is no line `vtree`"))?;
    complete(name, text, announced, nodes)?;
    Ok(largest)
}
