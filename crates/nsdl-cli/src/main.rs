//! The `nsdl` command: runs, checks and explores programs. The only crate that prints or exits.

mod arguments;
mod check;
mod cli;
mod explain;
mod fmt;
mod functions;
mod interrupt;
mod line_editor;
mod output;
mod repl;
mod run;
mod source;
mod terminal;
mod why;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::check(&args),
        Command::Why(args) => why::why(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Functions(args) => functions::functions(&args),
        Command::Fmt(args) => fmt::fmt(&args),
        Command::Repl(args) => line_editor::repl(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code,
    }
}
