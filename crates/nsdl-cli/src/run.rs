//! `nsdl run`

use std::process::ExitCode;

use nsdl::Session;

use crate::cli::Run;
use crate::output::Output;
use crate::terminal::Spinner;
use crate::{arguments, explain, interrupt, source, terminal};

/// Exit status for a command line that cannot be served.
const USAGE: u8 = 2;

/// Evaluates a program and prints its relations.
pub(crate) fn run(args: &Run) -> Result<(), ExitCode> {
    let usage = |text: String| {
        terminal::message(&format!(
            "error: {text}\n\nFor more information, try '--help'."
        ));
        ExitCode::from(USAGE)
    };
    let provenance = args.provenance.chosen().map_err(usage)?;
    let output = Output::chosen(args).map_err(usage)?;
    let cancel = interrupt::watch();
    let color = terminal::color();
    let failed = |error: nsdl::Error| {
        terminal::message(&explain::failure(&error, color));
        interrupt::failure(&cancel)
    };

    let mut session = Session::new();
    session.set_provenance(provenance);
    session.set_demand(!args.no_demand);
    session.set_cancel(cancel.clone());
    session.set_seed(args.seed);
    session.set_iteration_limit(args.iteration_limit);
    session.set_stop_at_goal(args.stop_at_goal);
    // Warnings are shown once the facts are there, which may be all that is missing.
    let spinner = Spinner::start("reading");
    let read = source::load(&mut session, &args.file)
        .and_then(|_| source::load_facts(&mut session, &args.facts, args.header));
    drop(spinner);
    let file_warnings = read.map_err(failed)?;
    for (name, value) in arguments::parse(&args.arguments, session.arguments()).map_err(usage)? {
        session.set_argument(&name, &value).map_err(failed)?;
    }
    if !args.queries.is_empty() {
        session.queries(args.queries.clone()).map_err(failed)?;
    }
    output.check(&session).map_err(usage)?;

    let spinner = Spinner::start("evaluating");
    let outcome = session.run();
    drop(spinner);
    let outcome = outcome.map_err(failed)?;
    let warnings = [outcome.warnings.as_slice(), &file_warnings].concat();
    if !warnings.is_empty() && !args.no_warnings {
        let shown = session.render(&warnings, color);
        terminal::message(&(shown + &explain::pointer(&warnings)));
    }
    output.write(&session, &outcome, failed)?;
    if args.stats {
        terminal::message(outcome.statistics.to_string().trim_end());
    }
    if args.strict && outcome.dropped > 0 {
        terminal::message(&format!(
            "{} derivations were dropped (--strict)",
            outcome.dropped
        ));
        return Err(ExitCode::FAILURE);
    }
    Ok(())
}
