//! What the numbers before facts and rules are, under which provenance, and which of them are fine.

use nsdl_ir::{Diagnostic, format_float};

use crate::error::Result as Checked;
use crate::session::Session;

/// What a tag is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// From 0 to 1; alternatives sum to 1 at most.
    Probabilities,
    /// 0, 1, 2 and so on, or ∞.
    Naturals,
    /// From 0 on, or ∞.
    Costs,
    /// Whoever evaluates knows.
    Any,
}

impl Numbers {
    /// `E0510` for what is no probability, `E0540` for what is no number of another kind.
    pub(crate) fn check(self, tag: f64, whose: impl Fn() -> String) -> Result<(), Diagnostic> {
        let (fine, wanted) = match self {
            Numbers::Probabilities => ((0.0..=1.0).contains(&tag), ""),
            Numbers::Naturals => (
                tag == f64::INFINITY || tag >= 0.0 && tag.fract() == 0.0 && tag < 2f64.powi(128),
                "a natural number",
            ),
            Numbers::Costs => (tag >= 0.0, "a cost of 0 or more"),
            Numbers::Any => (true, ""),
        };
        if fine {
            return Ok(());
        }
        let tag = format_float(tag, tag.is_finite());
        Err(match self {
            Numbers::Probabilities => Diagnostic::error(
                "E0510",
                format!("the probability of {} is {tag}, outside [0, 1]", whose()),
            ),
            _ => Diagnostic::error(
                "E0540",
                format!("the tag of {} is {tag}, and not {wanted}", whose()),
            )
            .help("this provenance reads tags as its own numbers; `exact` and its like read probabilities"),
        })
    }
}

impl Session {
    /// Refuses tags that are no such numbers: those that were added under another provenance.
    pub(crate) fn check_numbers(&self, numbers: Numbers) -> Checked<()> {
        if numbers == Numbers::Probabilities && !self.improbable.is_empty() {
            return Err(self.error(self.improbable.to_vec()));
        }
        let checked = self.facts.check_numbers(numbers);
        checked.map_err(|d| self.error(vec![d]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_range() {
        let fine = |numbers: Numbers, tag: f64| numbers.check(tag, || "it".into()).is_ok();
        for (tag, expected) in [
            (0.5, [true, false, true]),
            (1.0, [true, true, true]),
            (3.0, [false, true, true]),
            (-1.0, [false, false, false]),
            (f64::INFINITY, [false, true, true]),
            (f64::NAN, [false, false, false]),
        ] {
            let kinds = [Numbers::Probabilities, Numbers::Naturals, Numbers::Costs];
            assert_eq!(kinds.map(|kind| fine(kind, tag)), expected, "{tag}");
        }
        assert!(fine(Numbers::Any, f64::NAN));
    }
}
