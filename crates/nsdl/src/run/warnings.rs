//! What the answers of a run are not exact in.

use nsdl_circuit::Inference;
use nsdl_ir::Diagnostic;

/// W0605.
pub(super) fn estimates(inference: Inference, widest: f64) -> Option<Diagnostic> {
    let Inference::Sample { worlds, .. } = inference else {
        return None;
    };
    let warning = Diagnostic::warning(
        "W0605",
        format!("the probabilities are estimates from {worlds} drawn worlds"),
    );
    let note = format!(
        "95 of 100 such draws are off by less than {:.4}",
        widest / 2.0
    );
    Some(warning.note(note).help(
        "draw more by a larger k: four times as many halve the error; the intervals are in `--format json`",
    ))
}

/// W0604.
pub(crate) fn open_answers(open: usize, all: usize) -> Diagnostic {
    let (answers, have) = match open {
        1 => ("answer", "has"),
        _ => ("answers", "have"),
    };
    Diagnostic::warning(
        "W0604",
        format!("`auto` met its budget: {open} of {all} uncertain {answers} {have} bounds only"),
    )
    .help("the bounds are in `--format json`; `exact` takes as long as it needs, `topkproofs` is quick")
}

/// What SEMANTICS.md 5 and 6 want to be told of: proofs that were dropped, cycles that did not settle.
pub(crate) fn approximations(
    inference: Inference,
    truncated: bool,
    residual: f64,
) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    let kept = match inference {
        Inference::TopK(k) => Some(("topkproofs", k)),
        Inference::TopBottomK(k) => Some(("topbottomkclauses", k)),
        Inference::SampleK { k, .. } => Some(("samplekproofs", k)),
        _ => None,
    };
    if let (Some((name, k)), true) = (kept, truncated) {
        let best = if name == "samplekproofs" {
            "drew"
        } else {
            "kept the best"
        };
        let proofs = if k == 1 { "proof" } else { "proofs" };
        warnings.push(
            Diagnostic::warning(
                "W0602",
                format!("{name} {best} {k} {proofs} of each tuple and dropped others"),
            )
            .note("the probabilities are approximate; without negation and aggregates, they are too low")
            .help("choose a larger k, or `exact`"),
        );
    }
    if residual > 0.0 {
        warnings.push(
            Diagnostic::warning(
                "W0603",
                format!("cycles did not settle: values still changed by {residual:e}"),
            )
            .note("alternatives that add up are iterated on cycles, at most 1,000 times")
            .help("choose `exact`"),
        );
    }
    warnings
}
