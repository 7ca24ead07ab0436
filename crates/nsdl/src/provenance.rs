//! Which tags an evaluation computes.

use std::fmt;

use nsdl_ir::Diagnostic;

use crate::error::Result;
use nsdl_compile::did_you_mean;

/// How uncertainty is computed (SEMANTICS.md 5, 6 and 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provenance {
    /// Plain Datalog: probabilities are ignored.
    Unit,
    /// Plain Datalog over the facts whose probability is above 0.
    Bool,
    /// Alternatives by max, conjunction by min, negation by 1 − x.
    MinMaxProb,
    /// Alternatives by min(1, x + y), conjunction by x·y, negation by 1 − x.
    AddMultProb,
    /// The weight of the `k` most probable proofs; a lower bound without negation and aggregates.
    TopKProofs {
        /// How many proofs a tuple keeps, at least 1.
        k: usize,
    },
    /// The probability: the weight of the worlds in which the tuple holds.
    Exact,
    /// The same where it fits the budget, else an answer between bounds that contain it, with a warning.
    Auto,
}

/// Names and what they stand for; `diff…` are Scallop's names for what here is differentiable anyway.
const NAMES: [(&str, Provenance); 12] = [
    ("unit", Provenance::Unit),
    ("bool", Provenance::Bool),
    ("minmaxprob", Provenance::MinMaxProb),
    ("addmultprob", Provenance::AddMultProb),
    ("topkproofs", TOP),
    ("exact", Provenance::Exact),
    ("auto", Provenance::Auto),
    ("boolean", Provenance::Bool),
    ("diffminmaxprob", Provenance::MinMaxProb),
    ("diffaddmultprob", Provenance::AddMultProb),
    ("difftopkproofs", TOP),
    ("difftopkproofsdebug", TOP),
];

const TOP: Provenance = Provenance::TopKProofs {
    k: Provenance::DEFAULT_K,
};

impl Provenance {
    /// The names to choose from.
    pub const ALL: [&'static str; 7] = [
        "unit",
        "bool",
        "minmaxprob",
        "addmultprob",
        "topkproofs",
        "exact",
        "auto",
    ];

    /// `k` where none is given.
    pub const DEFAULT_K: usize = 3;

    /// The provenance of that name; `k` (default 3) matters to `topkproofs` only.
    ///
    /// # Errors
    /// `E0810` for an unknown name, `E0811` if `k` is 0.
    pub fn parse(name: &str, k: Option<usize>) -> Result<Self> {
        let Some((_, provenance)) = NAMES.into_iter().find(|(known, _)| *known == name) else {
            let mut error = Diagnostic::error("E0810", format!("unknown provenance `{name}`"))
                .note(format!("there are {}", Self::ALL.join(", ")));
            error.help = did_you_mean(name, NAMES.iter().map(|(known, _)| *known));
            return Err(error.into());
        };
        match (provenance, k) {
            (Provenance::TopKProofs { .. }, Some(0)) => {
                Err(Diagnostic::error("E0811", "topkproofs needs a k of at least 1").into())
            }
            (Provenance::TopKProofs { .. }, Some(k)) => Ok(Provenance::TopKProofs { k }),
            (provenance, _) => Ok(provenance),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Provenance::Unit => "unit",
            Provenance::Bool => "bool",
            Provenance::MinMaxProb => "minmaxprob",
            Provenance::AddMultProb => "addmultprob",
            Provenance::TopKProofs { .. } => "topkproofs",
            Provenance::Exact => "exact",
            Provenance::Auto => "auto",
        }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for name in Provenance::ALL {
            assert_eq!(Provenance::parse(name, None).unwrap().name(), name);
        }
        assert_eq!(
            Provenance::parse("difftopkproofs", Some(5)).unwrap(),
            Provenance::TopKProofs { k: 5 }
        );
        assert_eq!(
            Provenance::parse("topkproofs", None).unwrap(),
            Provenance::TopKProofs { k: 3 }
        );
    }

    #[test]
    fn a_slip_is_met_with_the_nearest_name() {
        let error = Provenance::parse("topkprofs", None).unwrap_err();
        assert_eq!(error.code(), "E0810");
        assert!(
            error.diagnostics[0]
                .help
                .as_ref()
                .unwrap()
                .contains("`topkproofs`")
        );
        assert_eq!(
            Provenance::parse("topkproofs", Some(0)).unwrap_err().code(),
            "E0811"
        );
    }
}
