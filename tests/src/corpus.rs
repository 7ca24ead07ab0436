//! The programs of `tests/corpus/` and what they must give.
//!
//! Expectations are comments in the program itself:
//!
//! ```text
//! // expect: path: {0.9::(0, 1), (1, 2)}         the output of `nsdl run`, one relation a line, in order
//! // expect[topkproofs 1]: path: {0.9::(0, 1)}   the same under a given provenance
//! // expect[why]: path: {[[edge(0, 1)]]::(0, 1)}
//! // warning: W0204                              a warning; there are no others
//! // error: E0201 5:10                           an error in line 5 (and column 10); there are no others
//! // help: edge                                  part of the rendered error
//! ```

use std::fs;
use std::path::{Path, PathBuf};

/// A program of the corpus.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its file, below `tests/corpus/`.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// The relations to print, by provenance; the empty provenance is the default one.
    pub expected: Vec<(String, Vec<Printed>)>,
    /// Codes of the warnings.
    pub warnings: Vec<String>,
    /// The errors.
    pub errors: Vec<Place>,
    /// What the rendered error contains.
    pub help: Vec<String>,
}

/// An error and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its code.
    pub code: String,
    /// Its line, from 1; `None` if it may be anywhere.
    pub line: Option<usize>,
    /// Its column, from 1.
    pub column: Option<usize>,
}

/// A relation in its printed form.
#[derive(Clone, Debug, PartialEq)]
pub struct Printed {
    /// Its name.
    pub name: String,
    /// Tags (1 if there is none) and tuples.
    pub tuples: Vec<(f64, String)>,
}

/// All programs of the corpus that are right, or, with `errors`, that are wrong; by name.
///
/// # Panics
/// If the corpus cannot be read.
pub fn cases(errors: bool) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    let cases = paths.into_iter().map(|path| {
        let name = path
            .strip_prefix(&root)
            .unwrap_or(&path)
            .display()
            .to_string();
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        read(name, path, text)
    });
    cases
        .filter(|case| case.name.starts_with("errors") == errors)
        .collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, paths);
        } else if folder.ends_with("parts") {
            // Modules that others import.
        } else if path.extension().is_some_and(|extension| extension == "dl") {
            paths.push(path);
        }
    }
}

fn read(name: String, path: PathBuf, text: String) -> Case {
    let mut case = Case {
        name,
        path,
        text,
        expected: Vec::new(),
        warnings: Vec::new(),
        errors: Vec::new(),
        help: Vec::new(),
    };
    for line in case.text.lines() {
        if let Some(code) = line.strip_prefix("// warning: ") {
            case.warnings.push(code.trim().to_string());
        } else if let Some(error) = line.strip_prefix("// error: ") {
            case.errors.push(place(error));
        } else if let Some(help) = line.strip_prefix("// help: ") {
            case.help.push(help.trim().to_string());
        } else if let Some(rest) = line.strip_prefix("// expect")
            && let Some((provenance, relation)) = rest.split_once(": ")
        {
            let provenance = provenance.trim_matches(['[', ']']);
            let relation =
                printed(relation).unwrap_or_else(|| panic!("{}: cannot read `{line}`", case.name));
            match case.expected.iter_mut().find(|(of, _)| of == provenance) {
                Some((_, relations)) => relations.push(relation),
                None => case.expected.push((provenance.to_string(), vec![relation])),
            }
        }
    }
    case
}

fn place(text: &str) -> Place {
    let (code, place) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let (line, column) = place.split_once(':').unwrap_or((place, ""));
    Place {
        code: code.to_string(),
        line: line.parse().ok(),
        column: column.parse().ok(),
    }
}

/// Reads `name: {tag::(values), …}`; `None` if it is not that.
pub fn printed(text: &str) -> Option<Printed> {
    let (name, rest) = text.split_once(": {")?;
    let mut rest = rest.trim_end().strip_suffix('}')?;
    let mut tuples = Vec::new();
    while !rest.is_empty() {
        let start = rest.trim_start_matches([',', ' ']);
        // Proofs are no number: they stay with the tuple.
        let proofs = start.starts_with('[').then(|| start.find("]::(")).flatten();
        let open = rest.len() - start.len() + proofs.map_or(0, |end| end + 3);
        if proofs.is_some() {
            let close = open + end_of_tuple(&rest[open..])?;
            tuples.push((1.0, start[..close - (rest.len() - start.len())].to_string()));
            rest = &rest[close..];
            continue;
        }
        let open = rest.find('(')?;
        let tag = match rest[..open]
            .trim_start_matches([',', ' '])
            .strip_suffix("::")
        {
            Some("true") | None => 1.0,
            Some(tag) => tag.parse().ok()?,
        };
        let close = open + end_of_tuple(&rest[open..])?;
        tuples.push((tag, rest[open..close].to_string()));
        rest = &rest[close..];
    }
    Some(Printed {
        name: name.to_string(),
        tuples,
    })
}

/// One past the parenthesis that closes the first one; parentheses in quotes do not count.
fn end_of_tuple(text: &str) -> Option<usize> {
    let (mut quote, mut escaped, mut depth) = (None, false, 0);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') if depth <= 1 => return Some(at + 1),
            (None, ')') => depth -= 1,
            _ => {}
        }
    }
    None
}

/// What is different, if anything: tags may differ by 1e-9.
pub fn difference(expected: &[Printed], got: &[Printed]) -> Option<String> {
    let near = |a: &Printed, b: &Printed| {
        a.name == b.name
            && a.tuples.len() == b.tuples.len()
            && a.tuples
                .iter()
                .zip(&b.tuples)
                .all(|(a, b)| (a.0 == b.0 || (a.0 - b.0).abs() < 1e-9) && a.1 == b.1)
    };
    if expected.len() == got.len() && expected.iter().zip(got).all(|(a, b)| near(a, b)) {
        return None;
    }
    Some(format!(
        "  expected {}\n  got      {}",
        list(expected),
        list(got)
    ))
}

fn list(relations: &[Printed]) -> String {
    let relations = relations.iter().map(|relation| {
        let tuples = relation.tuples.iter().map(|(tag, tuple)| match tag {
            1.0 => tuple.clone(),
            tag => format!("{tag}::{tuple}"),
        });
        format!(
            "{}: {{{}}}",
            relation.name,
            tuples.collect::<Vec<_>>().join(", ")
        )
    });
    relations.collect::<Vec<_>>().join("\n           ")
}
