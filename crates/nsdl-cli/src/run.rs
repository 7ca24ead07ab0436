//! `nsdl run`

use std::process::ExitCode;

use nsdl::{Session, print};

use crate::cli::{Format, Run};
use crate::terminal::Spinner;
use crate::{explain, interrupt, source, terminal};

/// Exit status for a command line that cannot be served.
const USAGE: u8 = 2;

/// Evaluates a program and prints its relations.
pub(crate) fn run(args: &Run) -> Result<(), ExitCode> {
    let usage = |text: &str| {
        terminal::message(&format!(
            "error: {text}\n\nFor more information, try '--help'."
        ));
        ExitCode::from(USAGE)
    };
    let provenance = args.provenance.chosen().map_err(|text| usage(&text))?;
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
    // Warnings are shown once the facts are there, which may be all that is missing.
    source::load(&mut session, &args.file).map_err(failed)?;
    for facts in &args.facts {
        session
            .add_csv(&facts.relation, &facts.file)
            .map_err(failed)?;
    }
    if !args.queries.is_empty() {
        session.queries(args.queries.clone()).map_err(failed)?;
    }
    let outputs = session.outputs();
    if args.format == Format::Csv && outputs.len() != 1 {
        return Err(usage(&format!(
            "--format csv prints one relation, but there are {} to print{}; choose one with -q RELATION",
            outputs.len(),
            if outputs.is_empty() {
                String::new()
            } else {
                format!(" ({})", outputs.join(", "))
            },
        )));
    }

    let spinner = Spinner::start("evaluating");
    let outcome = session.run();
    drop(spinner);
    let outcome = outcome.map_err(failed)?;
    if !outcome.warnings.is_empty() && !args.no_warnings {
        let shown = session.render(&outcome.warnings, color);
        terminal::message(&(shown + &explain::pointer(&outcome.warnings)));
    }
    let text = match args.format {
        Format::Text => outcome
            .relations
            .iter()
            .map(|relation| print::text(relation) + "\n")
            .collect(),
        Format::Json => print::json(&outcome.relations) + "\n",
        Format::Csv => outcome.relations.iter().map(print::csv).collect(),
    };
    terminal::data(&text)?;
    if args.strict && outcome.dropped > 0 {
        terminal::message(&format!(
            "{} derivations were dropped (--strict)",
            outcome.dropped
        ));
        return Err(ExitCode::FAILURE);
    }
    Ok(())
}
