//! Calls of functions: which one a name means, whether the arguments fit, and calls of constants.

use nsdl_ir::{Diagnostic, Function, Parameter, Signature, Span, Type, Value};
use nsdl_syntax::ast::Name;

use crate::constant::{Const, out_of_range};
use crate::suggest::did_you_mean;

/// The function of that name, if it takes so many arguments.
///
/// # Errors
/// E0220 for an unknown name, E0221 for a wrong number of arguments.
pub(crate) fn resolve(name: &Name, args: usize, span: Span) -> Result<Function, Vec<Diagnostic>> {
    let Some(function) = Function::from_name(&name.text) else {
        let known = || Function::ALL.iter().map(|it| it.signature().name);
        let help = did_you_mean(&name.text, known()).unwrap_or_else(|| {
            format!(
                "the functions are {}",
                known().collect::<Vec<_>>().join(" ")
            )
        });
        let message = format!("unknown function `{}`", name.text);
        return Err(vec![
            Diagnostic::error("E0220", message)
                .label(name.span, "no such function")
                .help(help),
        ]);
    };
    let signature = function.signature();
    let arity = signature.arity();
    if arity.contains(&args) {
        return Ok(function);
    }
    let (least, most) = (*arity.start(), *arity.end());
    let takes = match () {
        () if least == most => arguments(least),
        () if most == usize::MAX => format!("at least {}", arguments(least)),
        () => format!("{least} to {}", arguments(most)),
    };
    let message = format!("`{}` takes {takes}, here it is given {args}", name.text);
    Err(vec![
        Diagnostic::error("E0221", message)
            .label(span, arguments(args))
            .help(signature.text),
    ])
}

fn arguments(count: usize) -> String {
    match count {
        1 => "1 argument".into(),
        count => format!("{count} arguments"),
    }
}

/// E0221 if the constant pattern of a `$format` has another number of places than there are values for them.
pub(crate) fn check_pattern(
    function: Function,
    pattern: Option<&Const>,
    args: usize,
    span: Span,
) -> Option<Diagnostic> {
    let (Function::Format, Some(Const::Typed(Value::String(pattern)))) = (function, pattern) else {
        return None;
    };
    let (places, values) = (pattern.matches("{}").count(), args.saturating_sub(1));
    if places == values {
        return None;
    }
    let message = format!("the pattern has {places} `{{}}`, and {values} values follow it");
    Some(
        Diagnostic::error("E0221", message)
            .label(span, "one `{}` for each value")
            .help(function.signature().text),
    )
}

/// The value of a call of constants. Unsuffixed literals are computed exactly, or in `f64`, as by operators.
///
/// # Errors
/// E0301 for arguments of wrong types, E0501 where the function has no value.
pub(crate) fn fold(
    function: Function,
    args: Vec<(Const, Span)>,
    span: Span,
) -> Result<Const, Vec<Diagnostic>> {
    let signature = function.signature();
    let parameter = |index| signature.parameter(index).unwrap_or(Parameter::Any);
    let mut variables = args
        .iter()
        .enumerate()
        .filter(|(index, _)| parameter(*index) == Parameter::Variable)
        .map(|(_, (value, _))| value);
    let first = variables.clone().next();
    let typed = variables.find_map(|value| match value {
        Const::Typed(value) => Some(value.ty()),
        _ => None,
    });
    let variable = match (typed, first) {
        (Some(ty), _) => ty,
        (None, Some(Const::Float(_))) => Type::F64,
        _ => Type::I128,
    };
    let mut values = Vec::with_capacity(args.len());
    for (index, (value, place)) in args.iter().enumerate() {
        let ty = match parameter(index) {
            Parameter::Variable => Some(variable),
            Parameter::Exactly(ty) => Some(ty),
            Parameter::Any => None,
        };
        let fits = parameter(index) != Parameter::Variable
            || signature.result != Parameter::Variable
            || signature.family.holds(variable);
        let found = match ty {
            Some(ty) if !fits || !value.may_be(ty) => {
                return Err(vec![wrong_type(value, signature, *place)]);
            }
            Some(ty) => value.at(ty).ok_or(ty),
            None => value.by_itself().ok_or(Type::I128),
        };
        values.push(found.map_err(|ty| vec![out_of_range(value, ty, *place)])?);
    }
    let result = nsdl_functions::call(function, &values).map_err(|fault| {
        let args: Vec<String> = args.iter().map(|(value, _)| value.text()).collect();
        let message = format!(
            "`{}({})` has no value: {fault}",
            signature.name,
            args.join(", ")
        );
        vec![Diagnostic::error("E0501", message).label(span, "this call fails")]
    })?;
    Ok(match result {
        Value::I128(value) if typed.is_none() => Const::Integer(value),
        Value::F64(value) if typed.is_none() => Const::Float(format!("{value:?}")),
        value => Const::Typed(value),
    })
}

fn wrong_type(value: &Const, signature: &Signature, place: Span) -> Diagnostic {
    let found = value.describe();
    Diagnostic::error(
        "E0301",
        format!("`{}` does not take {found} here", signature.name),
    )
    .label(place, format!("this is {found}"))
    .help(signature.text)
}
