//! Derivations dropped because an expression failed, as warnings (SEMANTICS.md 9).

use nsdl_eval::Failure;
use nsdl_ir::Diagnostic;

/// The code of derivations that an expression of the program dropped.
pub(crate) const DROPPED: &str = "W0601";

/// One warning per place and kind of failure, and how many derivations were dropped in all.
pub(crate) fn warnings(failures: &[Failure]) -> (Vec<Diagnostic>, u64) {
    let warnings = failures
        .iter()
        .map(|failure| {
            let plural = if failure.count == 1 { "derivation is" } else { "derivations are" };
            if let Some(text) = &failure.text {
                let message = format!("{} {plural} dropped because {text}", failure.count);
                let help = "`--strict` makes this an error";
                return Diagnostic::warning("W0651", message)
                    .label(failure.span, "called here")
                    .help(help);
            }
            Diagnostic::warning(
                DROPPED,
                format!("{} {plural} dropped because of {}", failure.count, failure.kind),
            )
            .label(failure.span, format!("{} here", failure.kind))
            .help("exclude such values by a condition, or choose a wider type; `--strict` makes this an error")
        })
        .collect();
    (
        warnings,
        failures.iter().map(|failure| failure.count as u64).sum(),
    )
}
