//! Decomposable, deterministic negation normal forms as c2d saves them (`.nnf`), or d4 ([`super::d4`]).
//!
//! ```text
//! nnf nodes edges variables
//! L literal
//! A parts {node}
//! O decision parts {node}
//! ```
//! Nodes are numbered by their lines, from 0; children come before parents, the whole formula last. `A 0` is true,
//! `O 0 0` is false.

use super::{Gates, Kind, Source, VARIABLES, Words, complete, d4, lines, malformed};
use nsdl_ir::Diagnostic;

/// Reads a file of c2d or, if it has no header, of d4.
///
/// # Errors
/// `E0880` with file and line if the text is no such file.
pub(crate) fn read((name, text): Source<'_>) -> Result<Gates, Diagnostic> {
    let mut lines = lines(text);
    let Some((line, header)) = lines.next() else {
        return Err(malformed(name, 1, "the file has no nodes"));
    };
    let mut words = Words::new(name, line, header);
    match words.word() {
        "nnf" => {}
        "o" | "a" | "t" | "f" => return d4::read((name, text)),
        kind => return Err(words.error(format!("`nnf` is expected instead of `{kind}`"))),
    }
    let nodes: usize = words.number("a number of nodes")?;
    words.number::<usize>("a number of edges")?;
    let variables: usize = words.number("a number of variables")?;
    if variables > VARIABLES {
        return Err(words.error(format!("there may be {VARIABLES} variables")));
    }
    words.end()?;
    let mut gates = Gates::default();
    let mut parts = Vec::new();
    for (line, text) in lines {
        let mut words = Words::new(name, line, text);
        let kind = match words.word() {
            "L" => {
                let literal = words.literal()?;
                gates.push(literal, &[], line);
                words.end()?;
                continue;
            }
            "A" => Kind::And,
            "O" => {
                words.number::<u32>("the variable of a decision, or 0")?;
                Kind::Or
            }
            kind => {
                return Err(words.error(format!("`{kind}` is no kind of node: L, A and O are")));
            }
        };
        let count: usize = words.number("a number of parts")?;
        parts.clear();
        for _ in 0..count {
            let part: u32 = words.number("the number of a node")?;
            if part as usize >= gates.len() {
                return Err(words.error(format!("node {part} does not come before its parent")));
            }
            parts.push(part);
        }
        gates.push(kind, &parts, line);
        words.end()?;
    }
    complete(name, text, nodes.max(1), gates.len())?;
    if gates.variables > variables {
        let found = gates.variables;
        let message =
            format!("the header announces {variables} variables, and there is variable {found}");
        return Err(malformed(name, line, message));
    }
    gates.variables = variables;
    Ok(gates)
}
