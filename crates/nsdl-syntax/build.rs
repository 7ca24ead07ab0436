//! Makes the parser from `grammar/nsdl.lalrpop` at the top of the repository.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../../grammar/nsdl.lalrpop");
    println!("cargo::rerun-if-changed=build.rs");
    let out = std::env::var("OUT_DIR")?;
    lalrpop::Configuration::new()
        .set_in_dir("../../grammar")
        .set_out_dir(out)
        .process()
}
