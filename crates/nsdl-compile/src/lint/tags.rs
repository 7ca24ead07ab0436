//! W0503: a tag of 1 says nothing, and what has a tag of 0 never holds.

use nsdl_ir::Diagnostic;
use nsdl_syntax::ast::{Expr, ExprKind, Item, ItemKind, Literal};

pub(super) fn item(item: &Item, found: &mut Vec<Diagnostic>) {
    match &item.kind {
        ItemKind::Fact { tag: Some(tag), .. } => found.extend(warning(tag, "fact")),
        ItemKind::Rule { tag: Some(tag), .. } => found.extend(warning(tag, "rule")),
        // Weights of alternatives come in distributions: there 0 and 1 have their place.
        ItemKind::FactSet {
            members,
            exclusive: false,
            ..
        } => {
            let tags = members.iter().filter_map(|member| member.tag.as_ref());
            found.extend(tags.filter_map(|tag| warning(tag, "fact")));
        }
        _ => {}
    }
}

fn warning(tag: &Expr, what: &str) -> Option<Diagnostic> {
    let ExprKind::Literal(literal) = &tag.kind else {
        return None;
    };
    let value = match literal {
        Literal::Integer(value, _) => *value as f64,
        Literal::Float(text, _) => text.parse().ok()?,
        Literal::Bool(value) => f64::from(u8::from(*value)),
        _ => return None,
    };
    let (message, help) = match value {
        1.0 => (
            format!("a tag of 1 says nothing: the {what} is certain"),
            "leave the tag out".to_owned(),
        ),
        0.0 => (
            format!("a tag of 0: the {what} never holds"),
            format!("leave the {what} out, or give it the probability that was meant"),
        ),
        _ => return None,
    };
    let warning = Diagnostic::warning("W0503", message);
    Some(warning.label(tag.span, "this tag").help(help))
}
