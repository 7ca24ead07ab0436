//! `nsdl why`

use std::process::ExitCode;

use nsdl::Session;

use crate::cli::Why;
use crate::terminal::Spinner;
use crate::{explain, interrupt, source, terminal};

/// Prints the most probable proofs of a tuple, or the most probable world in which it holds.
pub(crate) fn why(args: &Why) -> Result<(), ExitCode> {
    let cancel = interrupt::watch();
    let failed = |error: nsdl::Error| {
        terminal::message(&explain::failure(&error, terminal::color()));
        interrupt::failure(&cancel)
    };
    let mut session = Session::new();
    session.set_cancel(cancel.clone());
    source::load(&mut session, &args.file)
        .and_then(|_| source::load_facts(&mut session, &args.facts, args.header))
        .map_err(failed)?;
    let spinner = Spinner::start("evaluating");
    let found = match args.world {
        true => session
            .most_probable_world_text(&args.tuple)
            .map(|world| world.into_iter().collect()),
        false => session.why_text(&args.tuple, args.k),
    };
    drop(spinner);
    let found = found.map_err(failed)?;
    if found.is_empty() {
        return terminal::data(&format!("{} holds in no world\n", args.tuple));
    }
    let lines = found.iter().map(|explanation| format!("{explanation}\n"));
    terminal::data(&lines.collect::<String>())
}
