//! What stands between `<` and `>` after the name of an aggregate.

use nsdl_ir::{AggregateOp, Diagnostic, Span, Value};
use nsdl_syntax::ast::{Aggregate, ExprKind, Parameter};

use super::Desugar;
use crate::constant::Const;

/// The parameters of an aggregate.
pub(super) struct Parameters {
    /// Of `string_join`.
    pub separator: String,
    /// Likewise: a text for every argument.
    pub all: bool,
    /// Of what sorts.
    pub ascending: bool,
    /// Of what chooses.
    pub count: usize,
}

impl<'a> Desugar<'a> {
    /// The parameters, with their defaults. Those that do not fit the operator are reported (E0211).
    pub(super) fn parameters(&mut self, op: AggregateOp, aggregate: &'a Aggregate) -> Parameters {
        let mut found = Parameters {
            separator: String::new(),
            all: false,
            ascending: op == AggregateOp::Enumerate,
            count: 1,
        };
        for (number, parameter) in aggregate.parameters.iter().enumerate() {
            let flag = flag(parameter);
            match op {
                AggregateOp::StringJoin if flag == "all" => {
                    if let Some(all) = self.on(op, flag, parameter) {
                        found.all = all;
                    }
                }
                AggregateOp::StringJoin if number == 0 && parameter.name.is_none() => {
                    if let Some(text) = self.text(parameter) {
                        found.separator = text;
                    }
                }
                AggregateOp::Sort | AggregateOp::Argsort | AggregateOp::Rank
                    if matches!(flag, "asc" | "desc") =>
                {
                    if let Some(on) = self.on(op, flag, parameter) {
                        found.ascending = on == (flag == "asc");
                    }
                }
                AggregateOp::Top | AggregateOp::Uniform | AggregateOp::Categorical
                    if number == 0 && parameter.name.is_none() =>
                {
                    if let Some(count) = self.count(op, parameter) {
                        found.count = count;
                    }
                }
                _ => self.refuse(op, parameter),
            }
        }
        found
    }

    /// How many to choose.
    fn count(&mut self, op: AggregateOp, parameter: &'a Parameter) -> Option<usize> {
        let value = self.value(&parameter.value, "parameter")?;
        let count = match &value {
            Const::Integer(count) | Const::Whole(count) => usize::try_from(*count).ok(),
            Const::Typed(value) => value
                .as_i128()
                .and_then(|count| usize::try_from(count).ok()),
            Const::Float(_) | Const::Tuple(_) | Const::List(_) | Const::Term(..) => None,
        };
        let count = count.filter(|&count| count > 0);
        if count.is_none() {
            let given = match value {
                Const::Integer(_) | Const::Whole(_) => value.text(),
                _ => value.describe(),
            };
            let message = format!("`{}` chooses a number of members, not {given}", op.name());
            self.wrong(op, message, parameter.value.span);
        }
        count
    }

    fn text(&mut self, parameter: &'a Parameter) -> Option<String> {
        match self.value(&parameter.value, "parameter")? {
            Const::Typed(Value::String(text)) => Some(text.to_string()),
            other => {
                let message = format!("the separator is text, not {}", other.describe());
                self.wrong(AggregateOp::StringJoin, message, parameter.value.span);
                None
            }
        }
    }

    /// Whether a flag is set: `asc`, `asc = true`, …
    fn on(&mut self, op: AggregateOp, flag: &str, parameter: &'a Parameter) -> Option<bool> {
        if parameter.name.is_none() {
            return Some(true);
        }
        match self.value(&parameter.value, "parameter")? {
            Const::Typed(Value::Bool(on)) => Some(on),
            other => {
                let message = format!("`{flag}` is true or false, not {}", other.describe());
                self.wrong(op, message, parameter.value.span);
                None
            }
        }
    }

    fn refuse(&mut self, op: AggregateOp, parameter: &Parameter) {
        let operator = op.name();
        let (message, span) = match &parameter.name {
            Some(name) => (
                format!("`{operator}` has no parameter `{}`", name.text),
                name.span,
            ),
            None => (
                format!("`{operator}` does not take this parameter"),
                parameter.value.span,
            ),
        };
        self.wrong(op, message, span);
    }

    fn wrong(&mut self, op: AggregateOp, message: String, span: Span) {
        self.diagnostics.push(
            Diagnostic::error("E0211", message)
                .label(span, "this parameter")
                .help(match op {
                    AggregateOp::StringJoin => {
                        "it takes the separator and `all`: `string_join<\", \", all>(…)`".to_owned()
                    }
                    AggregateOp::Sort | AggregateOp::Argsort | AggregateOp::Rank => {
                        format!("it takes `asc` or `desc`: `{}<asc>(…)`", op.name())
                    }
                    AggregateOp::Top | AggregateOp::Uniform | AggregateOp::Categorical => {
                        format!("it takes how many to choose, at least 1: `{}<3>(…)`", op.name())
                    }
                    _ => "it takes none; `string_join`, `sort`, `argsort`, `rank`, `top`, `uniform` and `categorical` take some".to_owned(),
                }),
        );
    }
}

/// The word that says which flag a parameter is; empty if it is none.
fn flag(parameter: &Parameter) -> &str {
    match (&parameter.name, &parameter.value.kind) {
        (Some(name), _) => &name.text,
        (None, ExprKind::Variable(flag)) => flag,
        (None, _) => "",
    }
}
