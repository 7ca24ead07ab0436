//! `cargo xtask bench`: the benchmarks, which compare with peers and take minutes.

use crate::shell::{self, Result, cargo};

/// Runs the benchmarks of the package in `benches/`.
pub fn run(arguments: &[String]) -> Result {
    shell::run(
        cargo()
            .args(["bench", "--package", "nsdl-benches"])
            .args(arguments),
    )
}
