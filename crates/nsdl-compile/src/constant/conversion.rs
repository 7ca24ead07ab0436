//! Casts of constants and choices between them.

use nsdl_ir::{Diagnostic, Span, Type, Value};

use super::Const;

/// `value as ty`. An unsuffixed literal is read in `ty` itself, if it is of that kind.
pub(crate) fn cast(value: Const, ty: Type, span: Span) -> Result<Const, Vec<Diagnostic>> {
    let exact = match &value {
        Const::Integer(integer) | Const::Whole(integer) => {
            nsdl_functions::cast(&Value::I128(*integer), ty)
        }
        Const::Float(_) if ty.is_float() => value.at(ty).ok_or(nsdl_functions::Fault::Cast),
        Const::Float(text) => match text.parse() {
            Ok(float) => nsdl_functions::cast(&Value::F64(float), ty),
            Err(_) => Err(nsdl_functions::Fault::Cast),
        },
        Const::Typed(typed) => nsdl_functions::cast(typed, ty),
        // Its numbers are floats of 64 bits, whatever they would be by themselves.
        Const::List(_) if ty == Type::Tensor => super::operator::tensor(&value)
            .map(|tensor| Value::Tensor(tensor.into()))
            .ok_or(nsdl_functions::Fault::Cast),
        Const::Tuple(_) | Const::List(_) | Const::Term(..) => match value.by_itself() {
            Some(typed) => nsdl_functions::cast(&typed, ty),
            None => Err(nsdl_functions::Fault::Cast),
        },
    };
    let from = match &value {
        Const::Integer(_) | Const::Whole(_) => Type::I32,
        Const::Float(_) => Type::F32,
        Const::Typed(value) => value.ty(),
        Const::Tuple(_) | Const::List(_) | Const::Term(..) => {
            value.by_itself().map_or(ty, |value| value.ty())
        }
    };
    if !nsdl_functions::castable(from, ty) {
        return Err(vec![not_castable(from, ty, span)]);
    }
    exact.map(Const::Typed).map_err(|fault| {
        let message = format!("`{} as {ty}` has no value: {fault}", value.text());
        vec![Diagnostic::error("E0501", message).label(span, "this cast fails")]
    })
}

/// E0310.
pub(crate) fn not_castable(from: Type, to: Type, span: Span) -> Diagnostic {
    Diagnostic::error("E0310", format!("{from} cannot be cast to {to}"))
        .label(span, format!("from {from} to {to}"))
        .help("numbers, `bool` and text cast to each other, and `char` to numbers and text")
}

/// `if condition then consequence else alternative`.
pub(crate) fn conditional(parts: [Const; 3], span: Span) -> Result<Const, Vec<Diagnostic>> {
    let [condition, consequence, alternative] = parts;
    let Const::Typed(Value::Bool(condition)) = condition else {
        let found = condition.describe();
        return Err(vec![
            Diagnostic::error("E0301", format!("a condition is a bool, not {found}"))
                .label(span, format!("the condition is {found}")),
        ]);
    };
    let (consequence, alternative) = match (consequence, alternative) {
        (Const::Integer(it), other @ Const::Float(_)) => (Const::Float(it.to_string()), other),
        (other @ Const::Float(_), Const::Integer(it)) => (other, Const::Float(it.to_string())),
        (Const::Integer(it), other @ Const::Whole(_)) => (Const::Whole(it), other),
        (other @ Const::Whole(_), Const::Integer(it)) => (other, Const::Whole(it)),
        both => both,
    };
    let alike = match (&consequence, &alternative) {
        (Const::Integer(_), Const::Integer(_))
        | (Const::Whole(_), Const::Whole(_))
        | (Const::Float(_), Const::Float(_)) => true,
        (Const::Typed(value), other) | (other, Const::Typed(value)) => other.may_be(value.ty()),
        (Const::Tuple(_), Const::Tuple(_)) | (Const::List(_), Const::List(_)) => true,
        _ => false,
    };
    if !alike {
        let (left, right) = (consequence.describe(), alternative.describe());
        return Err(vec![
            Diagnostic::error("E0301", format!("type clash: {left} and {right}"))
                .label(span, "both branches must be of one type"),
        ]);
    }
    Ok(if condition { consequence } else { alternative })
}
