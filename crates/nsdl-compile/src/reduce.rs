//! The aggregates that exist, and how many variables each takes and gives.

use nsdl_ir::{AggregateOp, Diagnostic};
use nsdl_syntax::ast::{Aggregate, Name};

use crate::mentions;
use crate::suggest::did_you_mean;

const KNOWN: [(&str, AggregateOp); 13] = [
    ("count", AggregateOp::Count),
    ("sum", AggregateOp::Sum),
    ("prod", AggregateOp::Prod),
    ("avg", AggregateOp::Avg),
    ("string_join", AggregateOp::StringJoin),
    ("sort", AggregateOp::Sort),
    ("argsort", AggregateOp::Argsort),
    ("enumerate", AggregateOp::Enumerate),
    ("min", AggregateOp::Min),
    ("max", AggregateOp::Max),
    ("argmin", AggregateOp::Argmin),
    ("argmax", AggregateOp::Argmax),
    ("exists", AggregateOp::Exists),
];

/// Aggregates of Scallop that nsdl will have.
const PLANNED: [&str; 11] = [
    "top",
    "rank",
    "weighted_sum",
    "weighted_avg",
    "normalize",
    "softmax",
    "uniform",
    "categorical",
    "unique",
    "collect",
    "disjunct",
];

/// As written in programs.
pub(crate) fn name(op: AggregateOp) -> &'static str {
    KNOWN
        .iter()
        .find(|(_, known)| *known == op)
        .map_or("?", |(name, _)| name)
}

/// The aggregate of that name.
///
/// # Errors
/// E0207 if there is none.
pub(crate) fn find(operator: &Name) -> Result<AggregateOp, Diagnostic> {
    let text = operator.text.as_str();
    if let Some((_, op)) = KNOWN.iter().find(|(name, _)| *name == text) {
        return Ok(*op);
    }
    let names = KNOWN.map(|(name, _)| name);
    if PLANNED.contains(&text) {
        return Err(Diagnostic::error(
            "E0207",
            format!("the aggregate `{text}` is not supported yet"),
        )
        .label(operator.span, "not supported yet")
        .help(format!("there are {}", names.join(", "))));
    }
    let help =
        did_you_mean(text, names).unwrap_or_else(|| format!("there are {}", names.join(", ")));
    Err(
        Diagnostic::error("E0207", format!("unknown aggregate `{text}`"))
            .label(operator.span, "no such aggregate")
            .help(help),
    )
}

/// Whether it is `forall(…)`: that no counterexample exists.
pub(crate) fn is_forall(aggregate: &Aggregate) -> bool {
    aggregate.operator.text == "forall"
}

/// Number of results of `op` over that many arguments and values.
pub(crate) fn results(op: AggregateOp, arguments: usize, values: usize) -> usize {
    match op {
        AggregateOp::Count
        | AggregateOp::Sum
        | AggregateOp::Prod
        | AggregateOp::Avg
        | AggregateOp::StringJoin
        | AggregateOp::Exists => 1,
        AggregateOp::Min | AggregateOp::Max => arguments + values,
        AggregateOp::Sort | AggregateOp::Enumerate => 1 + arguments + values,
        AggregateOp::Argsort => 1 + arguments,
        AggregateOp::Argmin | AggregateOp::Argmax => arguments,
    }
}

/// Number of columns of `rel r = aggregate`; `None` if there is no such aggregate.
pub(crate) fn sugar_arity(
    aggregate: &Aggregate,
    is_constant: &dyn Fn(&str) -> bool,
) -> Option<usize> {
    if is_forall(aggregate) {
        return Some(1);
    }
    let op = find(&aggregate.operator).ok()?;
    let values = if aggregate.bindings.is_empty() {
        let mut free = mentions::free(aggregate, is_constant);
        let keys = aggregate.groups.iter().flat_map(|(keys, _)| keys);
        for key in keys {
            free.shift_remove(key.text.as_str());
        }
        mentions::without_hidden(free, aggregate, is_constant).len()
    } else {
        aggregate.bindings.len()
    };
    Some(results(op, aggregate.arguments.len(), values))
}

/// Checks that `op` can work on that many arguments and values.
///
/// # Errors
/// E0208 if not.
pub(crate) fn check(
    op: AggregateOp,
    aggregate: &Aggregate,
    values: usize,
) -> Result<(), Diagnostic> {
    let name = aggregate.operator.text.as_str();
    let arguments = aggregate.arguments.len();
    let error = |message: String, label: &str, help: String| {
        Err(Diagnostic::error("E0208", message)
            .label(aggregate.span, label)
            .help(help))
    };
    match op {
        AggregateOp::Count | AggregateOp::Exists | AggregateOp::Enumerate if arguments > 0 => {
            error(
                format!("`{name}` takes no variables in brackets"),
                "has variables in brackets",
                format!("write them before the colon: `{name}(x, y: …)`"),
            )
        }
        AggregateOp::Sum | AggregateOp::Prod | AggregateOp::Avg | AggregateOp::StringJoin
            if values != 1 =>
        {
            error(
                format!("`{name}` takes one variable before the colon, here are {values}"),
                "needs exactly one value",
                format!(
                    "variables that only tell the members apart go in brackets: `{name}[k](v: r(k, v))`"
                ),
            )
        }
        AggregateOp::Argmin | AggregateOp::Argmax | AggregateOp::Argsort if arguments == 0 => {
            error(
                format!("`{name}` needs variables in brackets"),
                "has no variables in brackets",
                format!("write `{name}[who](score: …)`: its results are the variables in brackets"),
            )
        }
        AggregateOp::Min
        | AggregateOp::Max
        | AggregateOp::Argmin
        | AggregateOp::Argmax
        | AggregateOp::Sort
        | AggregateOp::Argsort
        | AggregateOp::Enumerate
            if values == 0 =>
        {
            error(
                format!("`{name}` has nothing to compare"),
                "needs a variable before the colon",
                format!("write `{name}(score: …)`"),
            )
        }
        _ => Ok(()),
    }
}
