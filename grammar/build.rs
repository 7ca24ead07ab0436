//! Generates the tree-sitter parser from `tree-sitter/src/grammar.json` and compiles it.

use std::env;
use std::fs;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=tree-sitter/src/grammar.json");
    let grammar = fs::read_to_string("tree-sitter/src/grammar.json")?;
    let (_, parser) =
        tree_sitter_generate::generate_parser_for_grammar(&grammar, Some((0, 26, 0)))?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::create_dir_all(out.join("tree_sitter"))?;
    fs::write(
        out.join("tree_sitter/parser.h"),
        tree_sitter_generate::PARSER_HEADER,
    )?;
    fs::write(out.join("parser.c"), parser)?;
    cc::Build::new()
        .include(&out)
        .file(out.join("parser.c"))
        .warnings(false)
        .try_compile("tree-sitter-nsdl")?;
    Ok(())
}
