//! Chores of the repository: `cargo xtask demo`, `test`, `bench`, `fuzz`, `tidy`.

mod bench;
mod demo;
mod fuzz;
mod shell;
mod test;
mod tidy;
mod venv;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chores of the nsdl repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Train a network to read digits from their sums, installing what is missing into .venv.
    Demo {
        /// Passed on to examples/digit_sum/train.py, for example `--seed 1`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Check everything: format, clippy, Rust, doc and Python tests, the tch crate, tidiness.
    Test {
        /// Also the Python extension with the feature `tch`, which needs Python's headers and minutes more.
        #[arg(long)]
        all: bool,
    },
    /// Run the benchmarks.
    Bench {
        /// Passed on to `cargo bench`, for example a filter.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Try random inputs; findings are shrunk and kept in tests/fuzz, which the tests replay.
    Fuzz {
        /// Without one, all of them.
        target: Option<fuzz::Target>,
        /// For how long, each.
        #[arg(long, default_value_t = 10.0)]
        minutes: f64,
        /// Other inputs.
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
    /// Check what no other tool does: who depends on whom, file sizes, error codes, lists of examples.
    Tidy,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().chore {
        Chore::Demo { arguments } => demo::run(&arguments),
        Chore::Test { all } => test::run(all),
        Chore::Bench { arguments } => bench::run(&arguments),
        Chore::Fuzz {
            target,
            minutes,
            seed,
        } => fuzz::run(target, minutes, seed),
        Chore::Tidy => tidy::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}
