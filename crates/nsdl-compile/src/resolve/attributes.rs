//! Attributes: `@hidden` and `@allow`.

use nsdl_ir::Diagnostic;
use nsdl_syntax::ast::{Attribute, ExprKind, Item, ItemKind, Literal};

use super::Names;
use crate::suggest::did_you_mean;

impl Names<'_> {
    /// Checks the attributes of an item; true if `@hidden` is among them.
    pub(super) fn attributes(&mut self, item: &Item) -> bool {
        let mut hidden = false;
        for attribute in &item.attributes {
            let name = attribute.name.text.as_str();
            let error = |message: String, help: String| {
                Diagnostic::error("E0206", message)
                    .label(attribute.span, "not understood")
                    .help(help)
            };
            if [
                "file",
                "demand",
                "goal",
                "scheduler",
                "storage",
                "py_eval",
                "cmd_arg",
            ]
            .contains(&name)
            {
                let help =
                    "facts from files are loaded by whoever runs the program: `--facts r=r.csv`";
                self.diagnostics.push(error(
                    format!("`@{name}` is not supported yet"),
                    help.into(),
                ));
            } else if name == "allow" {
                if !is_allow(attribute) {
                    self.diagnostics.push(error(
                        "`@allow` takes the codes of warnings".into(),
                        "write `@allow(\"W0401\")`".into(),
                    ));
                }
            } else if name != "hidden" {
                let help = did_you_mean(name, ["hidden", "allow"]);
                self.diagnostics.push(error(
                    format!("unknown attribute `@{name}`"),
                    help.unwrap_or_else(|| "there are `@hidden` and `@allow`".into()),
                ));
            } else if !attribute.positional.is_empty() || !attribute.named.is_empty() {
                self.diagnostics.push(error(
                    "`@hidden` takes no arguments".into(),
                    "write `@hidden`".into(),
                ));
            } else if matches!(item.kind, ItemKind::Constants(_) | ItemKind::Query(_)) {
                self.diagnostics.push(error(
                    "`@hidden` has no meaning here".into(),
                    "write it before the `type` or `rel` of the relation".into(),
                ));
            } else {
                hidden = true;
            }
        }
        hidden
    }
}

/// Whether the arguments are codes of warnings, at least one.
fn is_allow(attribute: &Attribute) -> bool {
    let is_code = |code: &str| {
        code.len() == 5 && code.starts_with('W') && code.bytes().skip(1).all(|b| b.is_ascii_digit())
    };
    let mut codes = attribute.positional.iter();
    attribute.named.is_empty()
        && !attribute.positional.is_empty()
        && codes
            .all(|it| matches!(&it.kind, ExprKind::Literal(Literal::String(code)) if is_code(code)))
}
