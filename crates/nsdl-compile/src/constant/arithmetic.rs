//! Arithmetic on constants.

use std::cmp::Ordering;

use nsdl_ir::{BinaryOp, Diagnostic, Span, UnaryOp, Value};

use super::{Const, compound, concat, operator};

/// Why an operation on constants has no result.
pub(super) enum Failure {
    /// The operands' types do not go together or with the operator.
    Types,
    /// The value has no place in its type.
    Overflow,
    /// Division or remainder by zero.
    DivisionByZero,
    /// The result is not a number.
    NotANumber,
    /// The operator has no value for these operands.
    Domain,
}

/// `op value`.
pub(crate) fn unary(op: UnaryOp, operand: Const, span: Span) -> Result<Const, Vec<Diagnostic>> {
    let result = match (op, &operand) {
        (UnaryOp::Negate, Const::Integer(value)) => value
            .checked_neg()
            .map(Const::Integer)
            .ok_or(Failure::Overflow),
        (UnaryOp::Negate, Const::Whole(value)) => value
            .checked_neg()
            .map(Const::Whole)
            .ok_or(Failure::Overflow),
        (UnaryOp::Negate, Const::Float(text)) => Ok(Const::Float(match text.strip_prefix('-') {
            Some(positive) => positive.into(),
            None => format!("-{text}"),
        })),
        (UnaryOp::Negate, Const::Typed(Value::F32(value))) => Ok(Const::Typed(Value::F32(-value))),
        (UnaryOp::Negate, Const::Typed(Value::F64(value))) => Ok(Const::Typed(Value::F64(-value))),
        (UnaryOp::Negate, Const::Typed(value)) if value.ty().is_signed() => value
            .as_i128()
            .and_then(i128::checked_neg)
            .and_then(|negated| Value::from_i128(negated, value.ty()))
            .map(Const::Typed)
            .ok_or(Failure::Overflow),
        (UnaryOp::Negate, Const::Typed(Value::Duration(_) | Value::Tensor(_))) => {
            match operator::mixed(BinaryOp::Multiply, &operand, &Const::Integer(-1)) {
                Some(result) => result,
                None => Err(Failure::Types),
            }
        }
        (UnaryOp::Not, Const::Typed(Value::Bool(value))) => Ok(Const::Typed(Value::Bool(!value))),
        (UnaryOp::Not, Const::Integer(value) | Const::Whole(value)) => Ok(Const::Whole(!value)),
        (UnaryOp::Not, Const::Typed(value)) if value.ty().is_integer() => operator::not(value)
            .map(Const::Typed)
            .ok_or(Failure::Overflow),
        _ => Err(Failure::Types),
    };
    let symbol = if op == UnaryOp::Negate { "-" } else { "!" };
    result.map_err(|failure| {
        vec![match failure {
            Failure::Types => Diagnostic::error(
                "E0301",
                format!("`{symbol}` does not take {}", operand.describe()),
            )
            .label(span, format!("the operand is {}", operand.describe())),
            _ => Diagnostic::error("E0501", format!("`{symbol}{}` overflows", operand.text()))
                .label(span, "out of range"),
        }]
    })
}

/// `left op right`.
pub(crate) fn binary(
    op: BinaryOp,
    left: Const,
    right: Const,
    span: Span,
) -> Result<Const, Vec<Diagnostic>> {
    if op == BinaryOp::Add
        && let Some(list) = concat(&left, &right, span)
    {
        return Ok(list);
    }
    compute(op, &left, &right).map_err(|failure| {
        let text = format!("`{} {} {}`", left.text(), op.symbol(), right.text());
        vec![match failure {
            Failure::Types => {
                let (left, right) = (left.describe(), right.describe());
                let message = format!("`{}` does not take {left} and {right}", op.symbol());
                Diagnostic::error("E0301", message)
                    .label(span, format!("{left} on the left, {right} on the right"))
            }
            Failure::Overflow => Diagnostic::error("E0501", format!("{text} overflows")).label(
                span,
                format!("the result is out of range for {}", left.describe()),
            ),
            Failure::DivisionByZero => {
                Diagnostic::error("E0501", format!("{text} divides by zero"))
                    .label(span, "has no value")
            }
            Failure::Domain => Diagnostic::error("E0501", format!("{text} has no value"))
                .label(span, "has no value"),
            Failure::NotANumber => Diagnostic::error("E0501", format!("{text} is not a number"))
                .label(span, "has no value"),
        }]
    })
}

fn compute(op: BinaryOp, left: &Const, right: &Const) -> Result<Const, Failure> {
    if let Some(result) = operator::mixed(op, left, right) {
        return result;
    }
    match (left, right) {
        (Const::Tuple(_) | Const::List(_), _) | (_, Const::Tuple(_) | Const::List(_)) => {
            let order = order(left, right).filter(|_| op.is_comparison());
            let order = order.ok_or(Failure::Types)?;
            Ok(Const::Typed(Value::Bool(compare(
                op,
                &order,
                &Ordering::Equal,
            ))))
        }
        (Const::Integer(a) | Const::Whole(a), Const::Integer(b) | Const::Whole(b)) => {
            if op.is_comparison() {
                return Ok(Const::Typed(Value::Bool(compare(op, a, b))));
            }
            let result = integers(op, *a, *b)?;
            let literals = matches!((left, right), (Const::Integer(_), Const::Integer(_)));
            let exact = op != BinaryOp::Divide || a.checked_rem(*b) == Some(0);
            Ok(match literals && exact && !operator::is_bits(op) {
                true => Const::Integer(result),
                false => Const::Whole(result),
            })
        }
        (Const::Integer(a), Const::Float(_)) => compute(op, &Const::Float(a.to_string()), right),
        (Const::Float(_), Const::Integer(b)) => compute(op, left, &Const::Float(b.to_string())),
        (Const::Float(a), Const::Float(b)) => {
            let parse = |text: &str| text.parse::<f64>().map_err(|_| Failure::NotANumber);
            let (a, b) = (parse(a)?, parse(b)?);
            if op.is_comparison() {
                return Ok(Const::Typed(Value::Bool(compare(
                    op,
                    &Value::F64(a),
                    &Value::F64(b),
                ))));
            }
            Ok(Const::Float(format!("{:?}", floats(op, a, b)?)))
        }
        (Const::Typed(a), Const::Typed(b)) => typed(op, a, b).map(Const::Typed),
        (Const::Typed(a), b) => {
            let b = if b.may_be(a.ty()) {
                b.at(a.ty()).ok_or(Failure::Overflow)?
            } else {
                return Err(Failure::Types);
            };
            typed(op, a, &b).map(Const::Typed)
        }
        (a, Const::Typed(b)) => {
            let a = if a.may_be(b.ty()) {
                a.at(b.ty()).ok_or(Failure::Overflow)?
            } else {
                return Err(Failure::Types);
            };
            typed(op, &a, b).map(Const::Typed)
        }
        _ => Err(Failure::Types),
    }
}

/// The order of two constants; `None` if they are of different types.
fn order(left: &Const, right: &Const) -> Option<Ordering> {
    if let (Const::Tuple(_) | Const::List(_), _) | (_, Const::Tuple(_) | Const::List(_)) =
        (left, right)
    {
        return compound::compare(left, right, &order);
    }
    let holds = |op| match compute(op, left, right) {
        Ok(Const::Typed(Value::Bool(holds))) => Some(holds),
        _ => None,
    };
    Some(match (holds(BinaryOp::Less)?, holds(BinaryOp::Equal)?) {
        (true, _) => Ordering::Less,
        (_, true) => Ordering::Equal,
        _ => Ordering::Greater,
    })
}

fn typed(op: BinaryOp, left: &Value, right: &Value) -> Result<Value, Failure> {
    if left.ty() != right.ty() {
        return Err(Failure::Types);
    }
    if op.is_comparison() {
        return Ok(Value::Bool(compare(op, left, right)));
    }
    match (left, right) {
        (Value::F32(a), Value::F32(b)) => {
            // In f64 each single operation on two f32 rounds to f32 as if done in f32.
            match floats(op, f64::from(*a), f64::from(*b))? as f32 {
                value if value.is_finite() => Ok(Value::F32(value)),
                _ => Err(Failure::Overflow),
            }
        }
        (Value::F64(a), Value::F64(b)) => floats(op, *a, *b).map(Value::F64),
        (Value::U128(a), Value::U128(b)) => match op {
            BinaryOp::Add => a.checked_add(*b),
            BinaryOp::Subtract => a.checked_sub(*b),
            BinaryOp::Multiply => a.checked_mul(*b),
            BinaryOp::Divide | BinaryOp::Remainder if *b == 0 => {
                return Err(Failure::DivisionByZero);
            }
            BinaryOp::Divide => a.checked_div(*b),
            BinaryOp::Remainder => a.checked_rem(*b),
            _ if operator::is_bits(op) => operator::wide_bits(op, *a, *b),
            _ => return Err(Failure::Types),
        }
        .map(Value::U128)
        .ok_or(Failure::Overflow),
        (Value::Bool(a), Value::Bool(b)) => Ok(Value::Bool(match op {
            BinaryOp::And => *a && *b,
            BinaryOp::Or => *a || *b,
            BinaryOp::Xor => *a != *b,
            _ => return Err(Failure::Types),
        })),
        (Value::String(a), Value::String(b)) if op == BinaryOp::Add => {
            Ok(Value::String(format!("{a}{b}").into()))
        }
        (a, b) => match (a.as_i128(), b.as_i128()) {
            (Some(_), Some(y)) if operator::is_shift(op) && !operator::shifts(a.ty(), y) => {
                Err(Failure::Overflow)
            }
            (Some(x), Some(y)) => {
                Value::from_i128(integers(op, x, y)?, a.ty()).ok_or(Failure::Overflow)
            }
            _ => Err(Failure::Types),
        },
    }
}

fn integers(op: BinaryOp, a: i128, b: i128) -> Result<i128, Failure> {
    match op {
        BinaryOp::Add => a.checked_add(b),
        BinaryOp::Subtract => a.checked_sub(b),
        BinaryOp::Multiply => a.checked_mul(b),
        BinaryOp::Divide | BinaryOp::Remainder if b == 0 => return Err(Failure::DivisionByZero),
        BinaryOp::Divide => a.checked_div(b),
        BinaryOp::Remainder => a.checked_rem(b),
        _ if operator::is_bits(op) => operator::bits(op, a, b),
        _ => return Err(Failure::Types),
    }
    .ok_or(Failure::Overflow)
}

fn floats(op: BinaryOp, a: f64, b: f64) -> Result<f64, Failure> {
    let result = match op {
        BinaryOp::Add => a + b,
        BinaryOp::Subtract => a - b,
        BinaryOp::Multiply => a * b,
        BinaryOp::Divide | BinaryOp::Remainder if b == 0.0 => return Err(Failure::DivisionByZero),
        BinaryOp::Divide => a / b,
        BinaryOp::Remainder => a % b,
        _ => return Err(Failure::Types),
    };
    match result {
        result if result.is_nan() => Err(Failure::NotANumber),
        result if result.is_infinite() => Err(Failure::Overflow),
        result => Ok(result),
    }
}

fn compare<T: Ord>(op: BinaryOp, left: &T, right: &T) -> bool {
    match op {
        BinaryOp::Equal => left == right,
        BinaryOp::NotEqual => left != right,
        BinaryOp::Less => left < right,
        BinaryOp::LessEqual => left <= right,
        BinaryOp::Greater => left > right,
        _ => left >= right,
    }
}
