//! Circuits of other knowledge compilers, from their files.
//!
//! A reader a format turns text into [`Gates`]; [`circuit`] checks and simplifies them, and lays them out in layers.
//! Files are read in one pass without recursion; time and memory grow with their size alone.

mod d4;
mod nnf;
mod sdd;

pub(crate) use nnf::read as nnf;
pub(crate) use sdd::read as sdd;
pub(crate) use sdd::variables as vtree;

use crate::builder::Builder;
use crate::layers::Layered;
use crate::support::{SupportId, Supports};
use nsdl_ir::Diagnostic;
use std::str::SplitAsciiWhitespace;

/// A file, as errors name it, and what it says.
pub(crate) type Source<'a> = (&'a str, &'a str);

/// A formula in negation normal form: each gate after those that it is made of, the whole formula last.
#[derive(Default)]
pub(crate) struct Gates {
    kinds: Vec<Kind>,
    /// Of each gate, where its parts end in `parts`, and the line that it stands in.
    ends: Vec<(u32, u32)>,
    parts: Vec<u32>,
    /// The largest variable, or how many the file says there are.
    pub variables: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A variable from 1, negative if it is denied.
    Literal(i32),
    /// Conjunction of independent parts; true if there are none.
    And,
    /// Disjunction of exclusive parts; false if there are none.
    Or,
}

/// As literals of files and nodes of circuits can be numbered.
const VARIABLES: usize = 1 << 24;

impl Gates {
    /// Adds a gate and returns its number.
    pub fn push(&mut self, kind: Kind, parts: &[u32], line: u32) -> u32 {
        if let Kind::Literal(literal) = kind {
            self.variables = self.variables.max(literal.unsigned_abs() as usize);
        }
        self.kinds.push(kind);
        self.parts.extend_from_slice(parts);
        self.ends.push((self.parts.len() as u32, line));
        self.kinds.len() as u32 - 1
    }

    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    fn parts(&self, gate: usize) -> &[u32] {
        let start = gate.checked_sub(1).map_or(0, |last| self.ends[last].0);
        &self.parts[start as usize..self.ends[gate].0 as usize]
    }

    /// Which gates the last one depends on.
    fn used(&self) -> Vec<bool> {
        let mut used = vec![false; self.len()];
        if let Some(root) = used.last_mut() {
            *root = true;
        }
        for gate in (0..self.len()).rev() {
            if used[gate] {
                for &part in self.parts(gate) {
                    used[part as usize] = true;
                }
            }
        }
        used
    }
}

/// The layers of some formulas over so many variables: leaf v is the weight of variable v + 1, leaf
/// `variables + v` that of its denial.
///
/// # Errors
/// `E0881` if parts of a conjunction share a variable.
pub(crate) fn circuit(files: &[(&str, Gates)], variables: usize) -> Result<Layered, Diagnostic> {
    let mut builder = Builder::new(2 * variables);
    let mut supports = Supports::new((0..variables as u32).collect());
    let mut outputs = Vec::with_capacity(files.len());
    for (name, gates) in files {
        outputs.push(add(name, gates, variables, &mut builder, &mut supports)?);
    }
    Ok(builder.finish(&outputs))
}

/// Adds a formula; its node.
fn add(
    name: &str,
    gates: &Gates,
    variables: usize,
    builder: &mut Builder,
    supports: &mut Supports,
) -> Result<u32, Diagnostic> {
    let used = gates.used();
    let mut nodes = vec![builder.zero(); gates.len()];
    let mut sets = vec![SupportId::EMPTY; gates.len()];
    let mut children = Vec::new();
    for gate in (0..gates.len()).filter(|&gate| used[gate]) {
        let parts = gates.parts(gate);
        children.clear();
        children.extend(parts.iter().map(|&part| nodes[part as usize]));
        // What is never true mentions nothing.
        nodes[gate] = match gates.kinds[gate] {
            Kind::Literal(literal) => {
                let variable = literal.unsigned_abs() - 1;
                sets[gate] = SupportId::leaf(variable);
                variable + if literal < 0 { variables as u32 } else { 0 }
            }
            Kind::Or => builder.sum(&mut children),
            Kind::And => {
                let node = builder.product(&mut children);
                if node != builder.zero() && !independent(parts, &sets, supports) {
                    let line = gates.ends[gate].1;
                    return Err(Diagnostic::error(
                        "E0881",
                        format!("{name}:{line}: parts of this conjunction have a variable in common"),
                    )
                    .help("such a circuit does not count models: compile the formula to an SDD or d-DNNF"));
                }
                node
            }
        };
        if nodes[gate] != builder.zero() && !parts.is_empty() {
            sets[gate] = supports.union_all(parts.iter().map(|&part| sets[part as usize]));
        }
    }
    Ok(nodes.last().copied().unwrap_or(builder.zero()))
}

/// Whether no two of these mention one variable.
fn independent(parts: &[u32], sets: &[SupportId], supports: &mut Supports) -> bool {
    let mut before = SupportId::EMPTY;
    parts.iter().all(|&part| {
        let set = sets[part as usize];
        let apart = !supports.overlap(before, set);
        before = supports.union(before, set);
        apart
    })
}

/// The lines of a file that are no comments, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let lines = (1..).zip(text.lines().map(str::trim));
    lines.filter(|(_, line)| {
        !line.is_empty() && *line != "c" && !line.starts_with("c ") && !line.starts_with("c\t")
    })
}

/// A line of a file, word by word.
struct Words<'a> {
    file: &'a str,
    line: u32,
    words: SplitAsciiWhitespace<'a>,
}

impl<'a> Words<'a> {
    fn new(file: &'a str, line: u32, text: &'a str) -> Self {
        Self {
            file,
            line,
            words: text.split_ascii_whitespace(),
        }
    }

    fn word(&mut self) -> &'a str {
        self.words.next().unwrap_or_default()
    }

    /// The next word as a number.
    fn number<N: std::str::FromStr>(&mut self, what: &str) -> Result<N, Diagnostic> {
        let word = self.word();
        word.parse().map_err(|_| match word {
            "" => self.error(format!("the line ends where {what} is expected")),
            _ => self.error(format!("`{word}` is not {what}")),
        })
    }

    /// The next word as a literal.
    fn literal(&mut self) -> Result<Kind, Diagnostic> {
        let literal: i32 = self.number("a literal")?;
        if literal == 0 || literal.unsigned_abs() as usize > VARIABLES {
            return Err(self.error(format!(
                "`{literal}` is no literal: variables are 1 to {VARIABLES}"
            )));
        }
        Ok(Kind::Literal(literal))
    }

    /// That nothing follows.
    fn end(mut self) -> Result<(), Diagnostic> {
        match self.words.next() {
            None => Ok(()),
            Some(word) => Err(self.error(format!("`{word}` is one word too many"))),
        }
    }

    fn error(&self, message: impl std::fmt::Display) -> Diagnostic {
        malformed(self.file, self.line, message)
    }
}

/// A file that is not of its format.
fn malformed(file: &str, line: u32, message: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error("E0880", format!("{file}:{line}: {message}"))
}

/// Whether the numbers of words fit the header, so that a file that was cut off is noticed.
fn complete(file: &str, text: &str, wanted: usize, found: usize) -> Result<(), Diagnostic> {
    match wanted == found {
        true => Ok(()),
        false => Err(malformed(
            file,
            text.lines().count().max(1) as u32,
            format!("the header announces {wanted} nodes, and there are {found}"),
        )),
    }
}
