//! Which tags an evaluation computes.

use std::fmt;

use nsdl_circuit::Estimator;
use nsdl_ir::Diagnostic;

use crate::error::Result;
use crate::numbers::Numbers;
use nsdl_compile::did_you_mean;

/// How uncertainty is computed (SEMANTICS.md 5, 6 and 13). The algebras stand in [`crate::algebra`]; which of them
/// serves which need is told in `docs/provenance/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provenance {
    /// Plain Datalog: probabilities are ignored.
    Unit,
    /// Plain Datalog over the facts whose probability is above 0.
    Bool,
    /// How many derivation trees a tuple has; tags are natural numbers.
    Natural,
    /// What its cheapest derivation costs; tags are natural numbers.
    Tropical,
    /// What its cheapest derivation costs; tags are numbers from 0 on.
    RealTropical,
    /// The smallest sets of facts from which it follows.
    Why,
    /// All facts that have a part in it.
    Lineage,
    /// When it holds: all sets of literals over uncertain facts from which it follows.
    Proofs,
    /// Alternatives by max, conjunction by min, negation by 1 − x.
    MinMaxProb,
    /// Alternatives by min(1, x + y), conjunction by x·y, negation by 1 − x.
    AddMultProb,
    /// Alternatives by 1 − (1 − x)(1 − y), conjunction by x·y, negation by 1 − x.
    NandMultProb,
    /// Alternatives by max, conjunction by x·y, negation by 1 − x.
    MaxMultProb,
    /// Alternatives by 1 − (1 − x)(1 − y), conjunction by min, negation by 1 − x.
    NandMinProb,
    /// The weight of the `k` most probable proofs; a lower bound without negation and aggregates.
    TopKProofs {
        /// How many proofs a tuple keeps, at least 1.
        k: usize,
    },
    /// As `topkproofs`, but a negated tuple keeps clauses, of which negation loses none.
    TopBottomKClauses {
        /// How many proofs or clauses a tuple keeps, at least 1.
        k: usize,
    },
    /// As `topkproofs`, but the proofs are drawn by their weights, without replacement.
    SampleKProofs {
        /// How many proofs a tuple keeps, at least 1.
        k: usize,
    },
    /// The share of drawn worlds in which a tuple holds, with an interval that contains the probability 95 times in 100.
    Sample {
        /// How many worlds are drawn.
        k: usize,
        /// How gradients are estimated.
        estimator: Estimator,
    },
    /// The probability: the weight of the worlds in which the tuple holds.
    Exact,
    /// The same where it fits the budget, else an answer between bounds that contain it, with a warning.
    Auto,
    /// Fuzzy, after Gödel: computes what `minmaxprob` does.
    Godel,
    /// Fuzzy, product logic: computes what `nandmultprob` does.
    Product,
    /// Fuzzy: alternatives by min(1, x + y), conjunction by max(0, x + y − 1), negation by 1 − x.
    Lukasiewicz,
}

/// Names and what they stand for, canonical ones first; `diff…` are Scallop's names for what here is differentiable
/// anyway.
const NAMES: [(&str, Provenance); 39] = [
    ("unit", Provenance::Unit),
    ("bool", Provenance::Bool),
    ("natural", Provenance::Natural),
    ("tropical", Provenance::Tropical),
    ("realtropical", Provenance::RealTropical),
    ("why", Provenance::Why),
    ("lineage", Provenance::Lineage),
    ("proofs", Provenance::Proofs),
    ("minmaxprob", Provenance::MinMaxProb),
    ("addmultprob", Provenance::AddMultProb),
    ("nandmultprob", Provenance::NandMultProb),
    ("maxmultprob", Provenance::MaxMultProb),
    ("nandminprob", Provenance::NandMinProb),
    ("topkproofs", TOP),
    ("exact", Provenance::Exact),
    ("auto", Provenance::Auto),
    ("topbottomkclauses", TOP_BOTTOM),
    ("samplekproofs", DRAWN),
    ("sample", worlds(Estimator::Score)),
    ("samplestraight", worlds(Estimator::StraightThrough)),
    ("godel", Provenance::Godel),
    ("product", Provenance::Product),
    ("lukasiewicz", Provenance::Lukasiewicz),
    ("difftopbottomkclauses", TOP_BOTTOM),
    ("diffsamplekproofs", DRAWN),
    ("boolean", Provenance::Bool),
    ("viterbi", Provenance::MaxMultProb),
    ("gödel", Provenance::Godel),
    ("łukasiewicz", Provenance::Lukasiewicz),
    ("diffminmaxprob", Provenance::MinMaxProb),
    ("diffaddmultprob", Provenance::AddMultProb),
    ("diffaddmultprob2", Provenance::AddMultProb),
    ("diffnandmultprob", Provenance::NandMultProb),
    ("diffnandmultprob2", Provenance::NandMultProb),
    ("diffmaxmultprob", Provenance::MaxMultProb),
    ("diffmaxmultprob2", Provenance::MaxMultProb),
    ("diffnandminprob", Provenance::NandMinProb),
    ("difftopkproofs", TOP),
    ("difftopkproofsdebug", TOP),
];

const TOP: Provenance = Provenance::TopKProofs {
    k: Provenance::DEFAULT_K,
};

const TOP_BOTTOM: Provenance = Provenance::TopBottomKClauses {
    k: Provenance::DEFAULT_K,
};

const DRAWN: Provenance = Provenance::SampleKProofs {
    k: Provenance::DEFAULT_K,
};

const fn worlds(estimator: Estimator) -> Provenance {
    Provenance::Sample {
        k: Provenance::DEFAULT_WORLDS,
        estimator,
    }
}

impl Provenance {
    /// The names to choose from.
    pub const ALL: [&'static str; 23] = [
        "unit",
        "bool",
        "natural",
        "tropical",
        "realtropical",
        "why",
        "lineage",
        "proofs",
        "minmaxprob",
        "addmultprob",
        "nandmultprob",
        "maxmultprob",
        "nandminprob",
        "topkproofs",
        "exact",
        "auto",
        "topbottomkclauses",
        "samplekproofs",
        "sample",
        "samplestraight",
        "godel",
        "product",
        "lukasiewicz",
    ];

    /// `k` where none is given.
    pub const DEFAULT_K: usize = 3;

    /// How many worlds are drawn where that is not said.
    pub const DEFAULT_WORLDS: usize = 10_000;

    /// The provenance of that name; `k` is how many proofs (default 3) or worlds (default 10,000) those keep or draw that
    /// do, see [`Provenance::k`].
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
        let mut chosen = provenance;
        if let (Some(own), Some(k)) = (chosen.k_mut(), k) {
            if k == 0 {
                return Err(
                    Diagnostic::error("E0811", format!("{name} needs a k of at least 1")).into(),
                );
            }
            *own = k;
        }
        Ok(chosen)
    }

    /// How many proofs a tuple keeps, or how many worlds are drawn; `None` where nothing is counted.
    pub fn k(mut self) -> Option<usize> {
        self.k_mut().copied()
    }

    fn k_mut(&mut self) -> Option<&mut usize> {
        match self {
            Provenance::TopKProofs { k }
            | Provenance::TopBottomKClauses { k }
            | Provenance::SampleKProofs { k }
            | Provenance::Sample { k, .. } => Some(k),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let same = |other: Provenance| match (self, other) {
            (
                Provenance::Sample { estimator, .. },
                Provenance::Sample {
                    estimator: known, ..
                },
            ) => estimator == known,
            _ => std::mem::discriminant(&self) == std::mem::discriminant(&other),
        };
        let own = NAMES.into_iter().find(|(_, known)| same(*known));
        own.map_or("", |(name, _)| name)
    }

    /// Whether a [`crate::Module`] can be made with it: its tags are numbers between 0 and 1 with gradients.
    pub fn is_differentiable(self) -> bool {
        !matches!(
            self,
            Provenance::Unit
                | Provenance::Bool
                | Provenance::Natural
                | Provenance::Tropical
                | Provenance::RealTropical
                | Provenance::Why
                | Provenance::Lineage
                | Provenance::Proofs
        )
    }

    /// What tags that are given mean.
    pub(crate) fn numbers(self) -> Numbers {
        match self {
            Provenance::Natural | Provenance::Tropical => Numbers::Naturals,
            Provenance::RealTropical => Numbers::Costs,
            _ => Numbers::Probabilities,
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
