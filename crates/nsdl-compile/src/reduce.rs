//! The aggregates that exist, and how many variables each takes and gives.

use nsdl_ir::{AggregateOp, Diagnostic, did_you_mean};
use nsdl_syntax::ast::{Aggregate, Name};

use crate::mentions;
use crate::resolve::Host;

/// The aggregate of that name.
///
/// # Errors
/// E0207 if there is none.
pub(crate) fn find(operator: &Name, host: &Host) -> Result<AggregateOp, Diagnostic> {
    let text = operator.text.as_str();
    let known = AggregateOp::ALL.into_iter().find(|op| op.name() == text);
    let foreign = || host.aggregate(text).map(AggregateOp::Foreign);
    known.or_else(foreign).ok_or_else(|| {
        let names = AggregateOp::ALL.map(AggregateOp::name);
        let all = names.into_iter().chain(host.aggregates());
        let help = match (elsewhere(text), did_you_mean(text, all)) {
            (Some(name), _) => format!("did you mean `{name}`?"),
            (None, Some(help)) => help,
            (None, None) => format!("there are {}", names.join(", ")),
        };
        Diagnostic::error("E0207", format!("unknown aggregate `{text}`"))
            .label(operator.span, "no such aggregate")
            .help(help)
    })
}

/// The aggregate that other languages call so.
fn elsewhere(name: &str) -> Option<&'static str> {
    Some(match name {
        "average" | "mean" => "avg",
        "len" | "length" | "size" => "count",
        "product" => "prod",
        "minimum" => "min",
        "maximum" => "max",
        "concat" | "join" => "string_join",
        "any" | "some" => "exists",
        "all" | "every" => "forall",
        _ => return None,
    })
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
        | AggregateOp::WeightedSum
        | AggregateOp::WeightedAvg
        | AggregateOp::StringJoin
        | AggregateOp::Exists
        | AggregateOp::Foreign(_) => 1,
        AggregateOp::Min
        | AggregateOp::Max
        | AggregateOp::Top
        | AggregateOp::Unique
        | AggregateOp::Uniform
        | AggregateOp::Categorical
        | AggregateOp::Normalize
        | AggregateOp::Softmax
        | AggregateOp::Disjunct => arguments + values,
        AggregateOp::Sort | AggregateOp::Enumerate | AggregateOp::Rank => 1 + arguments + values,
        AggregateOp::Argsort => 1 + arguments,
        AggregateOp::Argmin | AggregateOp::Argmax => arguments,
    }
}

/// Number of columns of `rel r = aggregate`; `None` if there is no such aggregate.
pub(crate) fn sugar_arity(
    aggregate: &Aggregate,
    is_constant: &dyn Fn(&str) -> bool,
    host: &Host,
) -> Option<usize> {
    if is_forall(aggregate) {
        return Some(1);
    }
    let op = find(&aggregate.operator, host).ok()?;
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
    if let AggregateOp::Foreign(signature) = op {
        let (given, wanted) = (
            (arguments, values),
            (signature.arguments.len(), signature.values.len()),
        );
        if given != wanted {
            let message = format!(
                "`{name}` takes {} variables in brackets and {} before the colon, here are {arguments} and {values}",
                wanted.0, wanted.1
            );
            return error(message, "other variables", signature.text.clone());
        }
    }
    let takes = takes(op);
    if arguments > 0 && takes.arguments == Number::None {
        return error(
            format!("`{name}` takes no variables in brackets"),
            "has variables in brackets",
            format!("write them before the colon: `{name}(x, y: …)`"),
        );
    }
    if arguments == 0 && takes.arguments == Number::Some {
        return error(
            format!("`{name}` needs variables in brackets"),
            "has no variables in brackets",
            format!("write `{name}[who](score: …)`: its results are the variables in brackets"),
        );
    }
    if values != 1 && takes.values == Number::One {
        return error(
            format!("`{name}` takes one variable before the colon, here are {values}"),
            "needs exactly one value",
            format!(
                "variables that only tell the members apart go in brackets: `{name}[k](v: r(k, v))`"
            ),
        );
    }
    if values == 0 && takes.values == Number::Some {
        return error(
            format!("`{name}` has nothing to work on"),
            "needs a variable before the colon",
            format!("write `{name}(x: p(x))`"),
        );
    }
    let disregards =
        op.reads_weights() && !matches!(op, AggregateOp::WeightedSum | AggregateOp::WeightedAvg);
    if aggregate.single_world && disregards {
        return Err(Diagnostic::error(
            "E0230",
            format!("`{name}` reads how probable its members are, which `!` disregards"),
        )
        .label(aggregate.span, "`!` has no meaning here")
        .help("leave the `!` out"));
    }
    Ok(())
}

/// How many variables something takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Number {
    None,
    Any,
    One,
    /// At least one.
    Some,
}

/// What an aggregate takes.
struct Takes {
    /// In brackets.
    arguments: Number,
    /// Before the colon.
    values: Number,
}

fn takes(op: AggregateOp) -> Takes {
    use AggregateOp::*;
    let (arguments, values) = match op {
        Count | Exists => (Number::None, Number::Any),
        Foreign(_) => (Number::Any, Number::Any),
        Sum | Prod | Avg | WeightedSum | WeightedAvg | StringJoin => (Number::Any, Number::One),
        Min | Max | Sort | Disjunct => (Number::Any, Number::Some),
        Argmin | Argmax | Argsort => (Number::Some, Number::Some),
        Enumerate | Rank | Top | Unique | Uniform | Categorical | Normalize | Softmax => {
            (Number::None, Number::Some)
        }
    };
    Takes { arguments, values }
}

/// The form of an aggregate with its results, for help.
pub fn form(op: AggregateOp) -> &'static str {
    use AggregateOp::*;
    match op {
        Count => "n := count(x: …)",
        Sum => "n := sum(v: …)",
        Prod => "n := prod(v: …)",
        Avg => "n := avg(v: …)",
        WeightedSum => "n := weighted_sum(v: …)",
        WeightedAvg => "n := weighted_avg(v: …)",
        Min => "v := min(v: …)` or `(k, v) := min[k](v: …)",
        Max => "v := max(v: …)` or `(k, v) := max[k](v: …)",
        Argmin => "k := argmin[k](v: …)",
        Argmax => "k := argmax[k](v: …)",
        Exists => "b := exists(x: …)",
        StringJoin => "s := string_join<\", \">[k](s: …)",
        Sort => "(n, v) := sort(v: …)` or `(n, k, v) := sort[k](v: …)",
        Argsort => "(n, k) := argsort[k](v: …)",
        Enumerate => "(n, x) := enumerate(x: …)",
        Rank => "(n, x) := rank(x: …)",
        Top => "x := top<3>(x: …)",
        Unique => "x := unique(x: …)",
        Uniform => "x := uniform<3>(x: …)",
        Categorical => "x := categorical<3>(x: …)",
        Normalize => "x := normalize(x: …)",
        Softmax => "x := softmax(x: …)",
        Foreign(signature) => &signature.text,
        Disjunct => "x := disjunct(x: …)` or `(k, x) := disjunct[k](x: …)",
    }
}
