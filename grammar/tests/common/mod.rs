//! The programs that the grammars must read.

use std::fs;
use std::path::{Path, PathBuf};

/// Every right program of the repository: of the corpus, the examples and the standard library.
pub fn programs() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut paths = Vec::new();
    for folder in ["tests/corpus", "examples", "crates/nsdl/std"] {
        collect(&root.join(folder), &mut paths);
    }
    assert!(paths.len() > 200, "only {} programs", paths.len());
    let read = |path: PathBuf| fs::read_to_string(&path).map(|text| (path, text)).ok();
    paths.into_iter().filter_map(read).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("errors") {
            collect(&path, paths);
        } else if path.extension().is_some_and(|it| it == "dl") {
            paths.push(path);
        }
    }
}
