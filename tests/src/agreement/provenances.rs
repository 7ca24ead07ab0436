//! Each provenance is what it claims to be.

use nsdl::{Budget, Provenance};

use super::{Case, Fault, ORACLE, Verdict, has, warned};
use crate::oracle::Literal;
use crate::oracle::enumerate::datalog;
use crate::oracle::world::Invalid;

/// `exact` is the weight of the worlds.
pub(super) fn exact(case: &Case<'_>) -> Verdict {
    let (got, _) = case.run(Provenance::Exact)?;
    case.compare(&case.probabilities(), &got, 1e-9)
        .map_err(|what| ("exact", what))
}

/// `topkproofs` and what is like it are `exact` where they say that they dropped nothing, as with a large k; without
/// negation and aggregates they are never above.
pub(super) fn top_k_proofs(case: &Case<'_>) -> Verdict {
    let exact = case.probabilities();
    let monotone = !has(case.program, &|literal| {
        matches!(
            literal,
            Literal::Not(_) | Literal::Implies(..) | Literal::Aggregate(_)
        )
    });
    let top = |k| Provenance::TopKProofs { k };
    let clauses = |k| Provenance::TopBottomKClauses { k };
    let drawn = |k| Provenance::SampleKProofs { k };
    let all = [
        top(1),
        top(3),
        top(10_000),
        clauses(3),
        clauses(10_000),
        drawn(3),
    ];
    for provenance in all {
        let (got, outcome) = case.run(provenance)?;
        let fault =
            |kind: &'static str| move |what| -> Fault { (kind, format!("{provenance:?}: {what}")) };
        if !warned(&outcome, "W0602") {
            case.compare(&exact, &got, 1e-9)
                .map_err(fault("untruncated"))?;
        } else if provenance == top(10_000) {
            return Err(("truncated", "10,000 are not enough".into()));
        } else if monotone {
            case.all(&exact, &got, |exact, got| got <= exact + 1e-9)
                .map_err(fault("bound"))?;
        }
    }
    Ok(())
}

/// The bounds of `auto` contain the probability, whatever its budget; without bounds it is exact.
pub(super) fn auto(case: &Case<'_>) -> Verdict {
    let exact = case.probabilities();
    for nodes in [0, 8, 30, Budget::default().auto] {
        let budget = Budget {
            auto: nodes,
            ..Budget::default()
        };
        let (got, outcome) = case.run_within(budget, Provenance::Auto)?;
        let open = warned(&outcome, "W0604");
        let [lower, upper] = [0, 1].map(|end| case.bounds(&outcome, end));
        let fault =
            |kind: &'static str| move |what| -> Fault { (kind, format!("budget {nodes}: {what}")) };
        if !open {
            case.compare(&exact, &got, 1e-9).map_err(fault("auto"))?;
        }
        case.all(&exact, &lower, |exact, lower| lower <= exact + 1e-9)
            .map_err(fault("lower bound"))?;
        case.all(&exact, &upper, |exact, upper| exact - 1e-9 <= upper)
            .map_err(fault("upper bound"))?;
        case.all(&lower, &got, |lower, got| lower <= got + 1e-12)
            .map_err(fault("below the lower bound"))?;
        case.all(&upper, &got, |upper, got| got <= upper + 1e-12)
            .map_err(fault("above the upper bound"))?;
    }
    Ok(())
}

/// `unit` and `bool` are plain Datalog.
pub(super) fn plain(case: &Case<'_>) -> Verdict {
    for (provenance, least) in [
        (Provenance::Unit, f64::NEG_INFINITY),
        (Provenance::Bool, 0.0),
    ] {
        let expected = datalog(case.program, |weight| weight > least).map_err(beyond)?;
        let (got, _) = case.run(provenance)?;
        case.compare(&expected, &got, 0.0)
            .map_err(|what| (provenance.name(), what))?;
    }
    Ok(())
}

/// The oracle does not know.
pub(super) fn beyond(reason: Invalid) -> Fault {
    (ORACLE, format!("{reason:?}"))
}
