//! What stands between `<` and `>` after the name of an aggregate.

use nsdl_ir::{AggregateOp, Diagnostic, Span, Value};
use nsdl_syntax::ast::{Aggregate, ExprKind, Parameter};

use super::Desugar;
use crate::constant::Const;
use crate::reduce;

/// The parameters of an aggregate.
#[derive(Default)]
pub(super) struct Parameters {
    /// Of `string_join`.
    pub separator: String,
    /// Of what sorts.
    pub ascending: bool,
}

impl<'a> Desugar<'a> {
    /// The parameters, with their defaults. Those that do not fit the operator are reported (E0211).
    pub(super) fn parameters(&mut self, op: AggregateOp, aggregate: &'a Aggregate) -> Parameters {
        let mut found = Parameters {
            ascending: op == AggregateOp::Enumerate,
            ..Parameters::default()
        };
        for (number, parameter) in aggregate.parameters.iter().enumerate() {
            match op {
                AggregateOp::StringJoin if number == 0 && parameter.name.is_none() => {
                    if let Some(text) = self.text(parameter) {
                        found.separator = text;
                    }
                }
                AggregateOp::Sort | AggregateOp::Argsort => {
                    if let Some(ascending) = self.direction(op, parameter) {
                        found.ascending = ascending;
                    }
                }
                _ => self.refuse(op, parameter),
            }
        }
        found
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

    /// `asc`, `desc`, `asc = true`, …: whether to begin with the least.
    fn direction(&mut self, op: AggregateOp, parameter: &'a Parameter) -> Option<bool> {
        let name = match (&parameter.name, &parameter.value.kind) {
            (Some(name), _) => name.text.as_str(),
            (None, ExprKind::Variable(flag)) => flag.as_str(),
            (None, _) => "",
        };
        if !matches!(name, "asc" | "desc") {
            self.refuse(op, parameter);
            return None;
        }
        let on = match &parameter.name {
            None => true,
            Some(_) => match self.value(&parameter.value, "parameter")? {
                Const::Typed(Value::Bool(on)) => on,
                other => {
                    let message = format!("`{name}` is true or false, not {}", other.describe());
                    self.wrong(op, message, parameter.value.span);
                    return None;
                }
            },
        };
        Some(on == (name == "asc"))
    }

    fn refuse(&mut self, op: AggregateOp, parameter: &Parameter) {
        let operator = reduce::name(op);
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
                        "its one parameter is the separator: `string_join<\", \">(…)`"
                    }
                    AggregateOp::Sort | AggregateOp::Argsort => {
                        "it takes `asc` or `desc`: `sort<asc>(…)`"
                    }
                    _ => "of the aggregates, `string_join<\", \">`, `sort<asc>` and `argsort<asc>` take one",
                }),
        );
    }
}
