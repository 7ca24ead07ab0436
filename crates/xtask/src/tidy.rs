//! `cargo xtask tidy`: rules of the repository that no compiler checks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::shell::{Result, cargo, output, root};

/// Which crates of ours each crate may depend on (ARCHITECTURE.md). Tests are free.
const LAYERS: [(&str, &[&str]); 15] = [
    ("nsdl-ir", &[]),
    ("nsdl-functions", &["nsdl-ir"]),
    ("nsdl-provenance", &[]),
    ("nsdl-syntax", &["nsdl-ir"]),
    (
        "nsdl-compile",
        &["nsdl-ir", "nsdl-functions", "nsdl-syntax"],
    ),
    (
        "nsdl-eval",
        &["nsdl-ir", "nsdl-functions", "nsdl-provenance"],
    ),
    ("nsdl-circuit", &["nsdl-ir", "nsdl-provenance"]),
    (
        "nsdl",
        &[
            "nsdl-ir",
            "nsdl-functions",
            "nsdl-syntax",
            "nsdl-compile",
            "nsdl-provenance",
            "nsdl-eval",
            "nsdl-circuit",
        ],
    ),
    ("nsdl-tch", &["nsdl", "nsdl-circuit"]),
    ("nsdl-python", &["nsdl", "nsdl-tch"]),
    ("nsdl-cli", &["nsdl"]),
    (
        "nsdl-tests",
        &[
            "nsdl",
            "nsdl-ir",
            "nsdl-syntax",
            "nsdl-compile",
            "nsdl-eval",
            "nsdl-circuit",
            "nsdl-provenance",
        ],
    ),
    (
        "nsdl-benches",
        &[
            "nsdl",
            "nsdl-ir",
            "nsdl-syntax",
            "nsdl-compile",
            "nsdl-eval",
            "nsdl-circuit",
        ],
    ),
    ("nsdl-grammar", &[]),
    ("xtask", &[]),
];

/// Packages that only these crates may use.
const WALLS: [(&str, &[&str]); 7] = [
    ("ariadne", &["nsdl-syntax"]),
    ("lalrpop-util", &["nsdl-syntax"]),
    ("logos", &["nsdl-syntax"]),
    ("clap", &["nsdl-cli", "xtask"]),
    ("rustyline", &["nsdl-cli"]),
    ("pyo3", &["nsdl-python"]),
    ("tch", &["nsdl-tch", "nsdl-python"]),
];

/// Longest file under `crates/*/src`, in lines.
const MAX_LINES: usize = 500;

/// Runs all checks and lists every fault.
pub fn run() -> Result {
    let mut faults = Vec::new();
    dependencies(&mut faults)?;
    lengths(&mut faults);
    error_codes(&mut faults);
    examples(&mut faults);
    leftovers(&mut faults);
    for fault in &faults {
        eprintln!("{fault}");
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(format!("{} things are untidy", faults.len()))
    }
}

/// Each crate depends on those only that its layer may know.
fn dependencies(faults: &mut Vec<String>) -> Result {
    let text = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value =
        serde_json::from_str(&text).map_err(|reason| format!("cargo metadata: {reason}"))?;
    for package in list(&metadata, "packages") {
        let name = text_of(package, "name");
        let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == name) else {
            faults.push(format!(
                "{name}: add it to the table in crates/xtask/src/tidy.rs and to ARCHITECTURE.md"
            ));
            continue;
        };
        for dependency in list(package, "dependencies")
            .iter()
            .filter(|d| text_of(d, "kind") != "dev")
        {
            let wanted = text_of(dependency, "name");
            let ours = LAYERS.iter().any(|(layer, _)| *layer == wanted);
            if ours && !allowed.contains(&wanted) {
                faults.push(format!(
                    "{name} must not depend on {wanted} (ARCHITECTURE.md)"
                ));
            }
            if WALLS
                .iter()
                .any(|(walled, users)| *walled == wanted && !users.contains(&name))
            {
                faults.push(format!(
                    "{name} must not use {wanted} (crates/xtask/src/tidy.rs)"
                ));
            }
        }
    }
    Ok(())
}

/// No source file is longer than a reader can hold; lists of tests may be.
fn lengths(faults: &mut Vec<String>) {
    for (path, text) in texts("crates", &["rs"]) {
        let lines = text.lines().count();
        let has = |folder: &str| path.components().any(|part| part.as_os_str() == folder);
        if lines > MAX_LINES && has("src") && !has("tests") {
            faults.push(format!(
                "{}: {lines} lines, more than {MAX_LINES}",
                path.display()
            ));
        }
    }
}

/// Every error code in the sources has a line in docs/errors.md and a page in docs/errors/, which the book lists,
/// and the other way round.
fn error_codes(faults: &mut Vec<String>) {
    let documented = codes(&fs::read_to_string(root().join("docs/errors.md")).unwrap_or_default());
    let mut used = BTreeSet::new();
    for (path, text) in texts("crates", &["rs"])
        .into_iter()
        .chain(texts("python/nsdl", &["py"]))
    {
        if path
            .components()
            .any(|part| part.as_os_str() == "xtask" || part.as_os_str() == "nsdl-ir")
        {
            continue;
        }
        // A code in use is a string of its own, as in `Diagnostic::error("E0201", …)`.
        used.extend(
            text.split('"')
                .filter(|word| is_code(word))
                .map(str::to_owned),
        );
    }
    faults.extend(
        used.difference(&documented)
            .map(|code| format!("docs/errors.md does not explain {code}")),
    );
    faults.extend(
        documented
            .difference(&used)
            .map(|code| format!("docs/errors.md explains {code}, which nothing uses")),
    );
    let pages: BTreeSet<String> = texts("docs/errors", &["md"])
        .iter()
        .filter_map(|(path, _)| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    faults.extend(
        used.difference(&pages).map(|code| {
            format!("docs/errors/{code}.md is missing (CONTRIBUTING.md shows its form)")
        }),
    );
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap_or_default();
    faults.extend(
        pages
            .iter()
            .filter(|code| !summary.contains(&format!("  - [{code}](errors/{code}.md)")))
            .map(|code| format!("docs/SUMMARY.md does not list errors/{code}.md")),
    );
    faults.extend(
        pages
            .difference(&used)
            .map(|code| format!("docs/errors/{code}.md explains a code that nothing uses")),
    );
}

/// Each example has a line in the list.
fn examples(faults: &mut Vec<String>) {
    let readme = fs::read_to_string(root().join("examples/README.md")).unwrap_or_default();
    for (path, _) in texts("examples", &["dl", "scl"]) {
        let name = path
            .strip_prefix("examples")
            .unwrap_or(&path)
            .display()
            .to_string();
        if !readme.contains(&format!("]({name})")) {
            faults.push(format!("examples/README.md does not list {name}"));
        }
    }
}

/// Nothing is left for later without saying so in an issue.
fn leftovers(faults: &mut Vec<String>) {
    let words = [concat!("TO", "DO"), concat!("FIX", "ME")];
    for folder in [
        "crates", "python", "examples", "tests", "benches", "docs", "grammar",
    ] {
        for (path, text) in texts(folder, &["rs", "py", "pyi", "dl", "md", "lalrpop"]) {
            for (number, line) in text.lines().enumerate() {
                if words.iter().any(|word| line.contains(word)) {
                    faults.push(format!(
                        "{}:{}: {}",
                        path.display(),
                        number + 1,
                        line.trim()
                    ));
                }
            }
        }
    }
}

fn codes(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| is_code(word))
        .map(str::to_owned)
        .collect()
}

/// `E` or `W` and four digits.
fn is_code(word: &str) -> bool {
    word.len() == 5
        && word.starts_with(['E', 'W'])
        && word.bytes().skip(1).all(|b| b.is_ascii_digit())
}

/// Paths relative to the root and texts of all files of these kinds in a folder.
fn texts(folder: &str, extensions: &[&str]) -> Vec<(PathBuf, String)> {
    let root = root();
    files_under(&root.join(folder))
        .into_iter()
        .filter(|path| {
            path.extension()
                .and_then(|e| e.to_str())
                .is_some_and(|e| extensions.contains(&e))
        })
        .filter_map(|path| {
            let text = fs::read_to_string(&path).ok()?;
            Some((
                path.strip_prefix(&root).unwrap_or(&path).to_path_buf(),
                text,
            ))
        })
        .collect()
}

/// All files in a folder and its folders, sorted; hidden ones, build output and caches left out.
pub fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') || name == "target" || name == "__pycache__" {
                continue;
            }
            if path.is_dir() {
                folders.push(path)
            } else {
                files.push(path)
            }
        }
    }
    files.sort();
    files
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_as_whole_words() {
        let found = codes("| `E0101` | … W0201, E01 E01011 xE0102");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["E0101", "W0201"]);
    }

    #[test]
    fn every_layer_is_known() {
        for (_, below) in LAYERS {
            for name in below {
                assert!(LAYERS.iter().any(|(layer, _)| layer == name), "{name}");
            }
        }
    }
}
