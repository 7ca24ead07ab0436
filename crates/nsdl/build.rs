//! Lists the pages of `docs/errors/`, so that every interface can explain a code without a file at hand.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new("../../docs/errors").canonicalize()?;
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rerun-if-changed=build.rs");
    let mut pages = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages.sort();
    let mut list = String::from("&[\n");
    for path in pages {
        let code = path.file_stem().unwrap_or_default().to_string_lossy();
        writeln!(
            list,
            "({code:?}, include_str!({:?})),",
            path.display().to_string()
        )?;
    }
    list.push(']');
    let out = std::env::var("OUT_DIR")?;
    Ok(fs::write(Path::new(&out).join("pages.rs"), list)?)
}
