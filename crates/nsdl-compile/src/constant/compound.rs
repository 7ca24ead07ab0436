//! Constant tuples and lists: putting them together and comparing them.

use std::cmp::Ordering;

use nsdl_ir::{Diagnostic, Span, Value};

use super::Const;

/// The list of `items` and, after them, the elements of a constant list.
///
/// # Errors
/// E0301 if `rest` is no list.
pub(crate) fn list(
    mut items: Vec<(Const, Span)>,
    rest: Option<(Const, Span)>,
) -> Result<Const, Vec<Diagnostic>> {
    if let Some((rest, span)) = rest {
        let Some(more) = elements(&rest, span) else {
            let found = rest.describe();
            return Err(vec![
                Diagnostic::error("E0301", format!("what follows `..` is a list, not {found}"))
                    .label(span, format!("this is {found}")),
            ]);
        };
        items.extend(more);
    }
    Ok(Const::List(items))
}

/// The elements of both lists; `None` if one is no list.
pub(crate) fn concat(left: &Const, right: &Const, span: Span) -> Option<Const> {
    let mut items = elements(left, span)?;
    items.extend(elements(right, span)?);
    Some(Const::List(items))
}

/// The elements of a list, those without a place at `span`.
fn elements(list: &Const, span: Span) -> Option<Vec<(Const, Span)>> {
    match list {
        Const::List(items) => Some(items.clone()),
        Const::Typed(Value::List(_, items)) => {
            let items = items.iter().cloned();
            Some(items.map(|item| (Const::Typed(item), span)).collect())
        }
        _ => None,
    }
}

/// The order of two constants of which one is a tuple or a list, written without a type; `None` if they are of
/// different types.
pub(super) fn compare(
    left: &Const,
    right: &Const,
    parts: &dyn Fn(&Const, &Const) -> Option<Ordering>,
) -> Option<Ordering> {
    let none = Span::default();
    let (left, right, list) = match (elements(left, none), elements(right, none)) {
        (Some(left), Some(right)) => (left, right, true),
        _ => (tuple(left)?, tuple(right)?, false),
    };
    if !list && left.len() != right.len() {
        return None;
    }
    for ((left, _), (right, _)) in left.iter().zip(&right) {
        match parts(left, right)? {
            Ordering::Equal => {}
            order => return Some(order),
        }
    }
    Some(left.len().cmp(&right.len()))
}

fn tuple(value: &Const) -> Option<Vec<(Const, Span)>> {
    match value {
        Const::Tuple(parts) => Some(parts.clone()),
        Const::Typed(Value::Tuple(parts)) => {
            let parts = parts.iter().cloned();
            Some(
                parts
                    .map(|part| (Const::Typed(part), Span::default()))
                    .collect(),
            )
        }
        _ => None,
    }
}
