//! Attributes: `@hidden`, `@demand` and `@allow`.

use nsdl_ir::{Diagnostic, Span};
use nsdl_syntax::ast::{Attribute, Expr, ExprKind, Item, ItemKind, Literal};

use super::Names;
use crate::demand::Pattern;
use crate::suggest::did_you_mean;

/// What attributes say of the relations that an item declares or defines.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// `@hidden`
    hidden: bool,
    /// `@demand`
    demand: Vec<(Pattern, Span)>,
}

impl Names<'_> {
    /// Adds what the attributes of an item say of a relation.
    pub(super) fn mark(&mut self, index: usize, marks: &Marks) {
        let entry = &mut self.relations[index];
        entry.relation.hidden |= marks.hidden;
        entry.demand.extend(marks.demand.iter().cloned());
    }

    /// Checks the attributes of an item.
    pub(super) fn attributes(&mut self, item: &Item) -> Marks {
        let mut marks = Marks::default();
        for attribute in &item.attributes {
            let name = attribute.name.text.as_str();
            let error = |message: String, help: String| {
                Diagnostic::error("E0206", message)
                    .label(attribute.span, "not understood")
                    .help(help)
            };
            if ["file", "goal", "scheduler", "storage", "py_eval", "cmd_arg"].contains(&name) {
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
            } else if name == "demand" {
                match patterns(attribute) {
                    Ok(patterns) => marks.demand.extend(patterns),
                    Err(why) => self.diagnostics.push(why),
                }
                if matches!(item.kind, ItemKind::Constants(_) | ItemKind::Query(_)) {
                    self.diagnostics.push(error(
                        "`@demand` has no meaning here".into(),
                        "write it before the `type` or `rel` of the relation".into(),
                    ));
                }
            } else if name != "hidden" {
                let help = did_you_mean(name, ["hidden", "demand", "allow"]);
                self.diagnostics.push(error(
                    format!("unknown attribute `@{name}`"),
                    help.unwrap_or_else(|| "there are `@hidden`, `@demand` and `@allow`".into()),
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
                marks.hidden = true;
            }
        }
        marks
    }
}

/// The patterns that a `@demand` names, at least one.
fn patterns(attribute: &Attribute) -> Result<Vec<(Pattern, Span)>, Diagnostic> {
    let pattern = |arg: &Expr| {
        let ExprKind::Literal(Literal::String(text)) = &arg.kind else {
            return None;
        };
        let pattern = Pattern::parse(text).filter(|pattern| !pattern.is_free())?;
        Some((pattern, arg.span))
    };
    let found = attribute.positional.iter().map(pattern);
    let found: Option<Vec<_>> = found.collect();
    found
        .filter(|found| !found.is_empty() && attribute.named.is_empty())
        .ok_or_else(|| {
            Diagnostic::error("E0250", "`@demand` takes patterns of bound and free columns")
                .label(attribute.span, "not understood")
                .help("write a letter per column, at least one of them `b`: `@demand(\"bf\")` if the first is given and the second computed")
        })
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
