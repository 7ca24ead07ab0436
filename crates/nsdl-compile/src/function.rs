//! Calls of functions: which one a name means, whether the arguments fit, and calls of constants.

use nsdl_ir::{
    Callee, Diagnostic, Family, Function, Parameter, Signature, Span, Type, Value, did_you_mean,
};
use nsdl_syntax::ast::Name;

use crate::constant::{Const, out_of_range};
use crate::resolve::Host;

/// The function of that name, if it takes so many arguments.
///
/// # Errors
/// E0220 for an unknown name, E0221 for a wrong number of arguments.
pub(crate) fn resolve(
    name: &Name,
    args: usize,
    span: Span,
    host: &Host,
) -> Result<Callee, Vec<Diagnostic>> {
    let built_in = Function::from_name(&name.text).map(Callee::BuiltIn);
    let foreign = || host.function(&name.text).map(Callee::Foreign);
    let Some(function) = built_in.or_else(foreign) else {
        let built_in = Function::ALL.iter().map(|it| it.signature().name);
        let known = || built_in.clone().chain(host.functions());
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
                .note(format!(
                    "a function of the host program is registered there, or declared: `extern type {}(…) -> …`",
                    name.text
                ))
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
    function: Callee,
    pattern: Option<&Const>,
    args: usize,
    span: Span,
) -> Option<Diagnostic> {
    let (Callee::BuiltIn(Function::Format), Some(Const::Typed(Value::String(pattern)))) =
        (function, pattern)
    else {
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
    let mut exactly = None;
    // What the type variable stands for: arguments, and elements of arguments.
    let mut variables: Vec<Const> = Vec::new();
    for (index, (value, _)) in args.iter().enumerate() {
        match (parameter(index), value) {
            (Parameter::Variable, value) => variables.push(value.clone()),
            (Parameter::List, Const::List(items)) => {
                variables.extend(items.iter().map(|(item, _)| item.clone()));
            }
            (Parameter::List, Const::Typed(Value::List(ty, items))) => {
                let items = items.iter().cloned();
                variables.extend(items.map(Const::Typed));
                exactly = Some(*ty);
            }
            _ => {}
        }
    }
    let typed = exactly.or_else(|| {
        variables.iter().find_map(|value| match value {
            Const::Typed(value) => Some(value.ty()),
            _ => None,
        })
    });
    let open = |value: &Const| match value {
        Const::Integer(_) | Const::Whole(_) => Some(Type::I128),
        Const::Float(_) => Some(Type::F64),
        value => value.by_itself().map(|value| value.ty()),
    };
    let variable = typed
        .or_else(|| {
            let mut own = variables.iter().filter_map(open);
            own.find(|ty| variables.iter().all(|value| value.at(*ty).is_some()))
        })
        .or_else(|| variables.first().and_then(open))
        .unwrap_or(Type::I128);
    let mut values = Vec::with_capacity(args.len());
    for (index, (value, place)) in args.iter().enumerate() {
        let ty = match parameter(index) {
            Parameter::Variable => Some(variable),
            Parameter::List => Some(Type::list(variable)),
            Parameter::Exactly(ty) => Some(ty),
            Parameter::Any => None,
        };
        let of_variable = matches!(parameter(index), Parameter::Variable | Parameter::List);
        let fits = !of_variable || variables.is_empty() || signature.family.holds(variable);
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
    Ok(match typed {
        None if !matches!(signature.result, Parameter::Exactly(_)) => match untyped(result, span) {
            Const::Integer(value) if signature.family == Family::Integer => Const::Whole(value),
            value => value,
        },
        _ => Const::Typed(result),
    })
}

/// A value that was computed from literals without a type is one again.
fn untyped(value: Value, span: Span) -> Const {
    match value {
        Value::I128(value) => Const::Integer(value),
        Value::F64(value) => Const::Float(format!("{value:?}")),
        Value::List(_, items) => {
            let items = items.iter().cloned();
            Const::List(items.map(|item| (untyped(item, span), span)).collect())
        }
        value => Const::Typed(value),
    }
}

/// E0340: a call of the host program where a constant is needed.
pub(crate) fn at_compile_time(name: &Name, span: Span) -> Diagnostic {
    let message = format!(
        "`{}` of the host program has no value before the run",
        name.text
    );
    Diagnostic::error("E0340", message)
        .label(span, "not a constant")
        .help("call it in a rule")
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
