//! `cargo xtask demo`: a network learns to read digits from their sums.

use crate::shell::{self, Result, command};
use crate::venv::{Profile, Venv};

/// Prepares the virtual environment and runs `examples/digit_sum/train.py`.
pub fn run(arguments: &[String]) -> Result {
    let venv = Venv::prepare()?;
    venv.install_nsdl(Profile::Release)?;
    shell::run(
        command(venv.python())
            .arg("examples/digit_sum/train.py")
            .args(arguments),
    )
}
