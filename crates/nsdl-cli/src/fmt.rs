//! `nsdl fmt`

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use crate::cli::Fmt;
use crate::{explain, source, terminal};

/// Brings files into the canonical layout.
pub(crate) fn fmt(args: &Fmt) -> Result<(), ExitCode> {
    let mut failed = false;
    for file in &args.files {
        failed |= !one(file, args.check)?;
    }
    if failed {
        Err(ExitCode::FAILURE)
    } else {
        Ok(())
    }
}

/// Whether all is well with a file.
fn one(file: &Path, check: bool) -> Result<bool, ExitCode> {
    let color = terminal::color();
    let (name, text) = match source::read(file) {
        Ok(read) => read,
        Err(error) => {
            terminal::message(&explain::failure(&error, color));
            return Ok(false);
        }
    };
    let formatted = match nsdl::format(&name, &text) {
        Ok(formatted) => formatted,
        Err(error) => {
            terminal::message(&explain::failure(&error, color));
            return Ok(false);
        }
    };
    let standard_input = file == Path::new("-");
    if check {
        if formatted != text {
            terminal::message(&format!("{name} is not in the canonical layout\n"));
        }
        return Ok(formatted == text);
    }
    if standard_input {
        terminal::data(&formatted)?;
    } else if formatted != text
        && let Err(error) = fs::write(file, formatted)
    {
        terminal::message(&format!("cannot write {name}: {error}\n"));
        return Ok(false);
    }
    Ok(true)
}
