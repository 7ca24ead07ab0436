//! What stands between `<` and `>` after the name of an aggregate, and what `!` is for.

use nsdl_ir::{AggregateOp, Diagnostic, Value};
use nsdl_syntax::ast::Aggregate;

use super::Desugar;
use crate::constant::Const;
use crate::reduce;

impl<'a> Desugar<'a> {
    /// The separator of a `string_join`, empty for the rest; `None`, and reported (E0211), if the parameters
    /// do not fit the operator.
    pub(super) fn separator(
        &mut self,
        op: AggregateOp,
        aggregate: &'a Aggregate,
    ) -> Option<String> {
        let most = usize::from(op == AggregateOp::StringJoin);
        let named = |parameter: &&nsdl_syntax::ast::Parameter| parameter.name.is_some();
        if let Some(name) = aggregate
            .parameters
            .iter()
            .find(named)
            .and_then(|it| it.name.as_ref())
        {
            let message = format!("`{}` has no parameter `{}`", reduce::name(op), name.text);
            self.diagnostics.push(
                Diagnostic::error("E0211", message)
                    .label(name.span, "no such parameter")
                    .help(help(op)),
            );
            return None;
        }
        if let Some(extra) = aggregate.parameters.get(most) {
            let given = aggregate.parameters.len();
            let takes = if most == 0 {
                "no parameters"
            } else {
                "one parameter"
            };
            let message = format!("`{}` takes {takes}, here are {given}", reduce::name(op));
            self.diagnostics.push(
                Diagnostic::error("E0211", message)
                    .label(extra.value.span, "one too many")
                    .help(help(op)),
            );
            return None;
        }
        let Some(parameter) = aggregate.parameters.first() else {
            return Some(String::new());
        };
        match self.value(&parameter.value, "parameter")? {
            Const::Typed(Value::String(text)) => Some(text.to_string()),
            other => {
                let message = format!("the separator is text, not {}", other.describe());
                self.diagnostics.push(
                    Diagnostic::error("E0211", message)
                        .label(parameter.value.span, "not a `String`")
                        .help(help(op)),
                );
                None
            }
        }
    }
}

fn help(op: AggregateOp) -> &'static str {
    match op {
        AggregateOp::StringJoin => "its one parameter is the separator: `string_join<\", \">(…)`",
        _ => "only `string_join` takes one, the separator: `string_join<\", \">(…)`",
    }
}
