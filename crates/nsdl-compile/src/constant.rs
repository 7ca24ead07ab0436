//! Constants and their arithmetic.
//!
//! An unsuffixed literal keeps its kind only: it takes the type of the place it is used at, so one
//! `const N = 3` serves a `usize`, an `i8` and an `f64` column alike. Arithmetic on such constants is exact
//! (integers) or in `f64` (floats), and the result must be in range where it is used; a quotient that is rounded is
//! an integer from there on. Suffixed literals and constants of a declared type compute in that type. A failing operation is a compile error (SEMANTICS.md 9).

mod arithmetic;
mod compound;
mod conversion;
mod operator;

use std::sync::Arc;

use nsdl_ir::{Callee, Diagnostic, Span, Term, Type, UnaryOp, Value};
use nsdl_syntax::ast::{Expr, ExprKind, Literal, Name, TypeExpr};

use crate::constructor::Constructor;
use crate::function;
use crate::resolve::Host;

pub(crate) use arithmetic::{binary, unary};
pub(crate) use compound::{concat, list};
pub(crate) use conversion::{cast, conditional, not_castable};

/// Where a probability to learn begins if `?::` does not say.
pub(crate) const INITIAL: f64 = 0.5;

/// The value of a constant expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Const {
    /// Any integer type, or any float type where a float is needed: `x / 2` of a float `x`.
    Integer(i128),
    /// Any integer type, and no float: a quotient of literals that was rounded, or what is computed on bits.
    Whole(i128),
    /// Any float type; the digits are kept, so that each type rounds them itself.
    Float(String),
    /// Exactly this.
    Typed(Value),
    /// A tuple of these, each with its place.
    Tuple(Vec<(Const, Span)>),
    /// A list of these, each with its place: whether they are of one type is for inference to say.
    List(Vec<(Const, Span)>),
    /// A term of a data type with these fields.
    Term(Constructor, Vec<(Const, Span)>),
}

impl Const {
    /// What it is, for messages.
    pub fn describe(&self) -> String {
        match self {
            Const::Integer(_) | Const::Whole(_) => "an integer".into(),
            Const::Float(_) => "a float".into(),
            Const::Typed(value) => value.ty().to_string(),
            Const::Tuple(parts) => {
                let parts: Vec<String> = parts.iter().map(|(part, _)| part.describe()).collect();
                format!("a tuple of {}", parts.join(", "))
            }
            Const::Term(constructor, _) => constructor.data_type.name.clone(),
            Const::List(items) => match items.first() {
                Some((first, _)) => format!("a list of {}", first.describe()),
                None => "an empty list".into(),
            },
        }
    }

    /// As written in programs.
    pub fn text(&self) -> String {
        match self {
            Const::Integer(value) | Const::Whole(value) => value.to_string(),
            Const::Float(text) => text.clone(),
            Const::Typed(value) => value.to_string(),
            Const::Tuple(parts) if parts.len() == 1 => format!("({},)", texts(parts)),
            Const::Tuple(parts) => format!("({})", texts(parts)),
            Const::List(items) => format!("[{}]", texts(items)),
            Const::Term(constructor, fields) => {
                format!("{}({})", constructor.name(), texts(fields))
            }
        }
    }

    /// Its value in type `ty`; `None` if it is of another kind or out of range.
    pub fn at(&self, ty: Type) -> Option<Value> {
        match self {
            Const::Integer(value) => match ty {
                Type::F32 => Some(Value::F32(*value as f32)),
                Type::F64 => Some(Value::F64(*value as f64)),
                _ => Value::from_i128(*value, ty),
            },
            Const::Whole(value) => Value::from_i128(*value, ty),
            Const::Float(text) => match ty {
                Type::F32 => text
                    .parse()
                    .ok()
                    .filter(|v: &f32| v.is_finite())
                    .map(Value::F32),
                Type::F64 => text
                    .parse()
                    .ok()
                    .filter(|v: &f64| v.is_finite())
                    .map(Value::F64),
                _ => None,
            },
            Const::Typed(value) if ty == Type::Entity && value.ty().is_entity() => {
                Some(value.clone())
            }
            Const::Typed(value) => (value.ty() == ty).then(|| value.clone()),
            Const::Tuple(parts) => match ty {
                Type::Tuple(types) if types.len() == parts.len() => {
                    let parts = parts.iter().zip(types).map(|((part, _), ty)| part.at(*ty));
                    parts.collect::<Option<Arc<[Value]>>>().map(Value::Tuple)
                }
                _ => None,
            },
            Const::Term(constructor, fields) => {
                if ty == Type::Entity {
                    return self.by_itself();
                }
                let constructor = constructor.of(ty)?;
                let fields = fields.iter().zip(&constructor.fields);
                let fields = fields.map(|((field, _), ty)| field.at(*ty));
                let fields = fields.collect::<Option<Vec<Value>>>()?;
                let term = Term {
                    constructor,
                    fields,
                };
                Some(Value::Term(Arc::new(term)))
            }
            Const::List(items) => match ty {
                Type::List(element) => {
                    let items = items.iter().map(|(item, _)| item.at(*element));
                    let items = items.collect::<Option<Arc<[Value]>>>()?;
                    Some(Value::List(*element, items))
                }
                _ => None,
            },
        }
    }

    /// The part of it that is out of the range of its type, where the whole should be of type `ty`.
    fn outside(&self, ty: Type, span: Span) -> Option<(&Const, Type, Span)> {
        let inside = |parts: &'_ [(Const, Span)], ty: Type| -> Option<usize> {
            parts.iter().position(|(part, _)| part.at(ty).is_none())
        };
        let part = match (self, ty) {
            (Const::Tuple(parts), Type::Tuple(types)) => parts
                .iter()
                .zip(types)
                .find(|((part, _), ty)| part.at(**ty).is_none())
                .map(|((part, span), ty)| (part, *span, *ty)),
            (Const::Term(constructor, fields), Type::Adt(_)) => {
                let types = constructor.of(ty).map_or(&[][..], |it| &it.fields);
                fields
                    .iter()
                    .zip(types)
                    .find(|((part, _), ty)| part.at(**ty).is_none())
                    .map(|((part, span), ty)| (part, *span, *ty))
            }
            (Const::List(items), Type::List(element)) => inside(items, *element)
                .and_then(|at| items.get(at))
                .map(|(item, span)| (item, *span, *element)),
            _ => None,
        };
        match part {
            Some((part, span, ty)) => part.outside(ty, span),
            None => Some((self, ty, span)),
        }
    }

    /// Whether some value of its kind is of type `ty`.
    pub fn may_be(&self, ty: Type) -> bool {
        match self {
            Const::Integer(_) => ty.is_number(),
            Const::Whole(_) => ty.is_integer(),
            Const::Float(_) => ty.is_float(),
            Const::Typed(value) => value.ty() == ty,
            Const::Tuple(parts) => match ty {
                Type::Tuple(types) => {
                    types.len() == parts.len()
                        && parts
                            .iter()
                            .zip(types)
                            .all(|((part, _), ty)| part.may_be(*ty))
                }
                _ => false,
            },
            Const::Term(constructor, fields) => match (constructor.of(ty), ty) {
                (Some(constructor), _) => fields
                    .iter()
                    .zip(&constructor.fields)
                    .all(|((field, _), ty)| field.may_be(*ty)),
                (None, ty) => ty == Type::Entity,
            },
            Const::List(items) => match ty {
                Type::List(element) => items.iter().all(|(item, _)| item.may_be(*element)),
                _ => false,
            },
        }
    }

    /// Whether it is of an integer type, or of any.
    pub fn is_integer(&self) -> bool {
        match self {
            Const::Integer(_) | Const::Whole(_) => true,
            Const::Typed(value) => value.ty().is_integer(),
            Const::Float(_) | Const::Tuple(_) | Const::List(_) | Const::Term(..) => false,
        }
    }

    /// Its value where nothing says which type it has: the first of `i32`, `i64` and `i128` that holds it,
    /// `f32` for a float, `f64` if that is too large; a list has the type of the first element whose type holds all.
    pub fn by_itself(&self) -> Option<Value> {
        self.own_type().and_then(|ty| self.at(ty))
    }

    fn own_type(&self) -> Option<Type> {
        match self {
            Const::Integer(_) | Const::Whole(_) | Const::Float(_) => {
                let types = [Type::I32, Type::I64, Type::I128, Type::F32, Type::F64];
                types.into_iter().find(|ty| self.at(*ty).is_some())
            }
            Const::Typed(value) => Some(value.ty()),
            Const::Tuple(parts) => {
                let types = parts.iter().map(|(part, _)| part.own_type());
                types
                    .collect::<Option<Vec<Type>>>()
                    .map(|types| Type::tuple(&types))
            }
            Const::Term(constructor, fields) => {
                let types = fields.iter().map(|(field, _)| field.own_type());
                let types: Vec<Option<Type>> = types.collect();
                Some(constructor.applied(&types))
            }
            Const::List(items) if items.is_empty() => Some(Type::list(Type::I32)),
            Const::List(items) => items
                .iter()
                .filter_map(|(item, _)| item.own_type())
                .map(Type::list)
                .find(|ty| self.at(*ty).is_some()),
        }
    }

    /// As a tag: numbers as they are, `true` is 1 and `false` is 0; `None` for text.
    pub fn tag(&self) -> Option<f64> {
        Some(match self {
            Const::Integer(value) | Const::Whole(value) => *value as f64,
            Const::Float(text) => text.parse().ok()?,
            Const::Typed(Value::F32(value)) => f64::from(*value),
            Const::Typed(Value::F64(value)) => *value,
            Const::Typed(Value::Bool(value)) => f64::from(u8::from(*value)),
            Const::Typed(Value::U128(value)) => *value as f64,
            Const::Typed(value) => value.as_i128()? as f64,
            Const::Tuple(_) | Const::List(_) | Const::Term(..) => return None,
        })
    }
}

/// `1, 2`
fn texts(parts: &[(Const, Span)]) -> String {
    let texts: Vec<String> = parts.iter().map(|(part, _)| part.text()).collect();
    texts.join(", ")
}

/// E0501: a constant out of the range of the type it is used at.
pub(crate) fn out_of_range(value: &Const, ty: Type, span: Span) -> Diagnostic {
    let (value, ty, span) = value.outside(ty, span).unwrap_or((value, ty, span));
    let text = value.text();
    let range = match (ty.signed_range(), ty.unsigned_max()) {
        (Some((low, high)), _) => format!("{ty} holds {low} to {high}"),
        (_, Some(high)) => format!("{ty} holds 0 to {high}"),
        _ => format!("{ty} cannot hold it"),
    };
    let wider = match value {
        Const::Integer(value) | Const::Whole(value) => [Type::I64, Type::U64, Type::I128]
            .into_iter()
            .find(|ty| Value::from_i128(*value, *ty).is_some()),
        Const::Float(_) => Some(Type::F64),
        Const::Typed(_) | Const::Tuple(_) | Const::List(_) | Const::Term(..) => None,
    };
    let diagnostic = Diagnostic::error("E0501", format!("`{text}` is out of range for {ty}"))
        .label(span, format!("used as {ty}"))
        .note(range);
    match wider {
        Some(wider) if wider != ty => diagnostic.help(format!("declare it as {wider}")),
        _ => diagnostic,
    }
}

/// What the names in a constant expression stand for; an empty error is one that is reported already.
pub(crate) trait Lookup<'a> {
    /// The constant of that name.
    fn constant(&mut self, name: &'a str, span: Span) -> Result<Const, Vec<Diagnostic>>;
    /// The type of that name.
    fn ty(&mut self, ty: &TypeExpr) -> Result<Type, Vec<Diagnostic>>;
    /// The constructor of that name.
    fn constructor(&mut self, name: &Name) -> Result<Constructor, Vec<Diagnostic>>;
    /// What the host program supplies.
    fn host(&self) -> &Host;
}

/// The value of an expression whose names `lookup` gives.
///
/// # Errors
/// What `lookup` reports, `_`, and failing operations; an empty list if the cause is reported elsewhere.
pub(crate) fn fold<'a>(
    expr: &'a Expr,
    lookup: &mut dyn Lookup<'a>,
) -> Result<Const, Vec<Diagnostic>> {
    match &expr.kind {
        ExprKind::Literal(value) => literal(value, expr.span),
        ExprKind::Variable(name) => lookup.constant(name, expr.span),
        ExprKind::Wildcard => Err(vec![wildcard(expr.span)]),
        ExprKind::Unary(op, operand) => match negative_literal(*op, operand, expr.span) {
            Some(result) => result,
            None => unary(*op, fold(operand, lookup)?, expr.span),
        },
        ExprKind::Binary(op, left, right) => match (fold(left, lookup), fold(right, lookup)) {
            (Ok(left), Ok(right)) => binary(*op, left, right, expr.span),
            (left, right) => Err([left.err(), right.err()]
                .into_iter()
                .flatten()
                .flatten()
                .collect()),
        },
        ExprKind::Cast(operand, ty) => {
            let ty = lookup.ty(ty);
            cast(fold(operand, lookup)?, ty?, expr.span)
        }
        ExprKind::Learned(Some(value)) => fold(value, lookup),
        ExprKind::Learned(None) => Ok(Const::Typed(Value::F64(INITIAL))),
        ExprKind::Typed(value, ty) => {
            let stated = lookup.ty(ty);
            typed(fold(value, lookup)?, stated?, value.span, ty.span)
        }
        ExprKind::Tuple(parts) => fold_all(parts, lookup).map(Const::Tuple),
        ExprKind::List(items, rest) => {
            let items = fold_all(items, lookup);
            match rest {
                Some(rest) => list(items?, Some((fold(rest, lookup)?, rest.span))),
                None => items.map(Const::List),
            }
        }
        ExprKind::Construct(construct) => {
            let constructor = lookup.constructor(&construct.name);
            let fields = fold_all(&construct.args, lookup)?;
            let constructor = constructor?;
            constructor.check(fields.len(), expr.span)?;
            Ok(Const::Term(constructor, fields))
        }
        ExprKind::Call(name, args) => {
            let function = function::resolve(name, args.len(), expr.span, lookup.host());
            let mut values = Vec::with_capacity(args.len());
            for arg in args {
                values.push((fold(arg, lookup)?, arg.span));
            }
            match function? {
                Callee::BuiltIn(function) => function::fold(function, values, expr.span),
                Callee::Foreign(_) => Err(vec![function::at_compile_time(name, expr.span)]),
            }
        }
        ExprKind::If(parts) => {
            let [condition, consequence, alternative] =
                [0, 1, 2].map(|part| fold(&parts[part], lookup));
            conditional([condition?, consequence?, alternative?], expr.span)
        }
    }
}

/// The values of all, each with its place.
fn fold_all<'a>(
    exprs: &'a [Expr],
    lookup: &mut dyn Lookup<'a>,
) -> Result<Vec<(Const, Span)>, Vec<Diagnostic>> {
    let (mut values, mut errors) = (Vec::with_capacity(exprs.len()), Vec::new());
    let mut failed = false;
    for expr in exprs {
        match fold(expr, lookup) {
            Ok(value) => values.push((value, expr.span)),
            Err(more) => {
                failed = true;
                errors.extend(more);
            }
        }
    }
    if failed { Err(errors) } else { Ok(values) }
}

/// `value` in type `ty`, which is stated for it at `declared`.
///
/// # Errors
/// E0301 if it is of another kind, E0501 if it is out of range.
pub(crate) fn typed(
    value: Const,
    ty: Type,
    span: Span,
    declared: Span,
) -> Result<Const, Vec<Diagnostic>> {
    if let Some(value) = value.at(ty) {
        return Ok(Const::Typed(value));
    }
    Err(vec![if value.may_be(ty) {
        out_of_range(&value, ty, span)
    } else {
        let found = value.describe();
        Diagnostic::error("E0301", format!("expected {ty}, found {found}"))
            .label(span, format!("this is {found}"))
            .label(declared, format!("declared as {ty}"))
    }])
}

/// E0402: `_` where a value is needed.
pub(crate) fn wildcard(span: Span) -> Diagnostic {
    Diagnostic::error("E0402", "`_` stands where a value is needed")
        .label(span, "no value")
        .help("`_` means \"any value\": it can only be an argument of a body atom or of a query")
}

/// The value of a literal.
pub(crate) fn literal(literal: &Literal, span: Span) -> Result<Const, Vec<Diagnostic>> {
    Ok(match literal {
        Literal::Integer(value, None) => match i128::try_from(*value) {
            Ok(value) => Const::Integer(value),
            // Only one type can hold it.
            Err(_) => Const::Typed(Value::U128(*value)),
        },
        Literal::Integer(value, Some(ty)) => integer(*value, false, *ty, span)?,
        Literal::Float(text, ty) => float(text.replace('_', ""), *ty, span)?,
        Literal::Bool(value) => Const::Typed(Value::Bool(*value)),
        Literal::Char(value) => Const::Typed(Value::Char(*value)),
        Literal::String(value) => Const::Typed(Value::String(value.as_str().into())),
        Literal::Symbol(value) => Const::Typed(Value::Symbol(value.as_str().into())),
        Literal::DateTime(value) => Const::Typed(Value::DateTime(*value)),
        Literal::Duration(value) => Const::Typed(Value::Duration(*value)),
    })
}

/// `-128i8`: the literal alone would be out of range, so the sign is read with it.
pub(crate) fn negative_literal(
    op: UnaryOp,
    operand: &Expr,
    span: Span,
) -> Option<Result<Const, Vec<Diagnostic>>> {
    match (op, &operand.kind) {
        (UnaryOp::Negate, ExprKind::Literal(Literal::Integer(value, Some(ty)))) => {
            Some(integer(*value, true, *ty, span))
        }
        (UnaryOp::Negate, ExprKind::Literal(Literal::Integer(value, None)))
            if *value == 1 << 127 =>
        {
            Some(Ok(Const::Integer(i128::MIN)))
        }
        _ => None,
    }
}

fn integer(
    magnitude: u128,
    negative: bool,
    ty: Type,
    span: Span,
) -> Result<Const, Vec<Diagnostic>> {
    let sign = if negative { "-" } else { "" };
    if ty.is_float() {
        return float(format!("{sign}{magnitude}"), Some(ty), span);
    }
    let value = match (ty, negative) {
        (Type::U128, false) => Some(Value::U128(magnitude)),
        (_, false) => i128::try_from(magnitude)
            .ok()
            .and_then(|value| Value::from_i128(value, ty)),
        (_, true) if magnitude == 1 << 127 => Value::from_i128(i128::MIN, ty),
        (_, true) => i128::try_from(magnitude)
            .ok()
            .and_then(|value| Value::from_i128(-value, ty)),
    };
    value.map(Const::Typed).ok_or_else(|| {
        let range = match (ty.signed_range(), ty.unsigned_max()) {
            (Some((low, high)), _) => format!("{ty} holds {low} to {high}"),
            (_, high) => format!("{ty} holds 0 to {}", high.unwrap_or_default()),
        };
        let message = format!("`{sign}{magnitude}` is out of range for {ty}");
        vec![
            Diagnostic::error("E0501", message)
                .label(span, "out of range")
                .note(range),
        ]
    })
}

fn float(text: String, ty: Option<Type>, span: Span) -> Result<Const, Vec<Diagnostic>> {
    let value = Const::Float(text);
    match ty {
        None => Ok(value),
        Some(ty) => value
            .at(ty)
            .map(Const::Typed)
            .ok_or_else(|| vec![out_of_range(&value, ty, span)]),
    }
}
