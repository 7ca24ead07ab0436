//! `nsdl check`

use std::process::ExitCode;

use nsdl::Session;

use crate::cli::{Check, Stage};
use crate::{explain, source, terminal};

/// Reports errors and warnings of a program.
pub(crate) fn check(args: &Check) -> Result<(), ExitCode> {
    let color = terminal::color();
    let mut session = Session::new();
    session.set_demand(!args.no_demand);
    let warnings = source::load(&mut session, &args.file).map_err(|error| {
        terminal::message(&explain::failure(&error, color));
        ExitCode::FAILURE
    })?;
    if !warnings.is_empty() && !args.no_warnings {
        terminal::message(&(session.render(&warnings, color) + &explain::pointer(&warnings)));
    }
    match args.show {
        Some(Stage::Plan) => terminal::data(&session.plan()),
        None => Ok(()),
    }
}
