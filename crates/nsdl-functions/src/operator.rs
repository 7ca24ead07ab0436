//! Operators whose operands are of two types, or that give a third one: times, tensors, and text with anything.
//!
//! | left | operator | right | gives |
//! |---|---|---|---|
//! | `String` | `+` | anything | `String`; likewise with the text on the right |
//! | `DateTime` | `+ -` | `Duration` | `DateTime`; `Duration + DateTime` too |
//! | `DateTime` | `-` | `DateTime` | `Duration`, without months |
//! | `Duration` | `+ -` | `Duration` | `Duration` |
//! | `Duration` | `* /` | an integer | `Duration`; an integer times a `Duration` too |
//! | `Tensor` | `+ - * /` | `Tensor`, number | `Tensor`; a number with a `Tensor` too |
//!
//! All others take two operands of one type and are the business of the evaluator.

use std::sync::Arc;

use nsdl_ir::{BinaryOp, Duration, Tensor, Type, Value};

use crate::cast::text;
use crate::{Fault, tensor};

/// The type of `left op right`, if it is one of the operators of this module.
pub fn operator_type(op: BinaryOp, left: Type, right: Type) -> Option<Type> {
    use BinaryOp::*;
    match (op, left, right) {
        (Add, Type::String, _) | (Add, _, Type::String) => Some(Type::String),
        (Add | Subtract, Type::DateTime, Type::Duration)
        | (Add, Type::Duration, Type::DateTime) => Some(Type::DateTime),
        (Subtract, Type::DateTime, Type::DateTime)
        | (Add | Subtract, Type::Duration, Type::Duration) => Some(Type::Duration),
        (Multiply | Divide, Type::Duration, number) if number.is_integer() => Some(Type::Duration),
        (Multiply, number, Type::Duration) if number.is_integer() => Some(Type::Duration),
        (Add | Subtract | Multiply | Divide, left, right)
            if [left, right].contains(&Type::Tensor)
                && [left, right]
                    .iter()
                    .all(|it| *it == Type::Tensor || it.is_number()) =>
        {
            Some(Type::Tensor)
        }
        _ => None,
    }
}

/// `left op right`, where [`operator_type`] has a type for it.
///
/// # Errors
/// [`Fault::Overflow`] beyond the calendar, [`Fault::Domain`] for tensors of different shapes and for parts of a
/// month, [`Fault::DivisionByZero`], [`Fault::NotANumber`].
pub fn operate(op: BinaryOp, left: &Value, right: &Value) -> Result<Value, Fault> {
    use BinaryOp::*;
    let time = |time: Option<nsdl_ir::DateTime>| time.map(Value::DateTime).ok_or(Fault::Overflow);
    let length = |length: Option<Duration>| length.map(Value::Duration).ok_or(Fault::Overflow);
    match (left, op, right) {
        (Value::String(_), Add, _) | (_, Add, Value::String(_)) => {
            crate::text::made(text(left) + &text(right))
        }
        (Value::DateTime(a), Add, Value::Duration(b))
        | (Value::Duration(b), Add, Value::DateTime(a)) => time(a.checked_add(*b)),
        (Value::DateTime(a), Subtract, Value::Duration(b)) => {
            time(b.checked_mul(-1).and_then(|b| a.checked_add(b)))
        }
        (Value::DateTime(a), Subtract, Value::DateTime(b)) => length(a.since(*b)),
        (Value::Duration(a), Add, Value::Duration(b)) => length(a.checked_add(*b)),
        (Value::Duration(a), Subtract, Value::Duration(b)) => {
            length(b.checked_mul(-1).and_then(|b| a.checked_add(b)))
        }
        (Value::Duration(a), Multiply, n) | (n, Multiply, Value::Duration(a)) => {
            length(a.checked_mul(integer(n)?))
        }
        (Value::Duration(a), Divide, n) => match integer(n)? {
            0 => Err(Fault::DivisionByZero),
            n => a.checked_div(n).map(Value::Duration).ok_or(Fault::Domain),
        },
        _ => match (as_tensor(left), as_tensor(right)) {
            (Some(left), Some(right)) => tensor::arithmetic(op, &left, &right),
            _ => Err(Fault::Domain),
        },
    }
}

fn integer(value: &Value) -> Result<i64, Fault> {
    let integer = value.as_i128().ok_or(Fault::Overflow)?;
    i64::try_from(integer).map_err(|_| Fault::Overflow)
}

/// A tensor, or a number as one without dimensions.
pub(crate) fn as_tensor(value: &Value) -> Option<Arc<Tensor>> {
    let number = match value {
        Value::Tensor(tensor) => return Some(Arc::clone(tensor)),
        Value::F32(number) => f64::from(*number),
        Value::F64(number) => *number,
        Value::U128(number) => *number as f64,
        value => value.as_i128()? as f64,
    };
    Tensor::scalar(number).map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nsdl_ir::DateTime;

    fn time(text: &str) -> Value {
        Value::DateTime(DateTime::parse(text).unwrap())
    }

    fn length(text: &str) -> Value {
        Value::Duration(Duration::parse(text).unwrap())
    }

    fn tensor(text: &str) -> Value {
        Value::Tensor(Arc::new(Tensor::parse(text).unwrap()))
    }

    #[test]
    fn results_are_of_the_type_announced() {
        let values = [
            Value::I32(2),
            Value::U128(3),
            Value::F32(1.5),
            Value::String("a".into()),
            Value::Char('b'),
            Value::Bool(true),
            time("2020-01-31"),
            length("1 month"),
            length("2 days"),
            tensor("[1, 2]"),
        ];
        let ops = [
            BinaryOp::Add,
            BinaryOp::Subtract,
            BinaryOp::Multiply,
            BinaryOp::Divide,
        ];
        let mut known = 0;
        for (left, right) in values
            .iter()
            .flat_map(|l| values.iter().map(move |r| (l, r)))
        {
            for op in ops {
                let result = operate(op, left, right);
                match operator_type(op, left.ty(), right.ty()) {
                    Some(ty) => {
                        known += 1;
                        if let Ok(value) = result {
                            assert_eq!(value.ty(), ty, "{left} {} {right}", op.symbol());
                        }
                    }
                    None => assert!(
                        result.is_err() || left.ty().is_number() && right.ty().is_number(),
                        "{left} {} {right}",
                        op.symbol()
                    ),
                }
            }
        }
        assert!(known > 40, "{known}");
    }

    #[test]
    fn times_and_tensors() {
        use BinaryOp::*;
        let day = time("2020-03-31");
        assert_eq!(
            operate(Subtract, &day, &length("1 month")),
            Ok(time("2020-02-29"))
        );
        assert_eq!(operate(Add, &length("1 day"), &day), Ok(time("2020-04-01")));
        assert_eq!(
            operate(Subtract, &day, &time("2020-03-01")),
            Ok(length("30 days"))
        );
        assert_eq!(
            operate(Multiply, &Value::U8(3), &length("2h")),
            Ok(length("6h"))
        );
        assert_eq!(
            operate(Divide, &length("1 month"), &Value::I32(2)),
            Err(Fault::Domain)
        );
        assert_eq!(
            operate(Divide, &length("1 day"), &Value::I32(0)),
            Err(Fault::DivisionByZero)
        );
        assert_eq!(
            operate(Multiply, &length("1 day"), &Value::U64(u64::MAX)),
            Err(Fault::Overflow)
        );
        let row = tensor("[1, 2]");
        assert_eq!(operate(Add, &row, &row), Ok(tensor("[2, 4]")));
        assert_eq!(
            operate(Subtract, &Value::F32(1.0), &row),
            Ok(tensor("[0, -1]"))
        );
        assert_eq!(operate(Add, &row, &tensor("[1, 2, 3]")), Err(Fault::Domain));
        assert_eq!(
            operate(Divide, &row, &Value::I8(0)),
            Err(Fault::DivisionByZero)
        );
        assert_eq!(
            operate(Multiply, &tensor("[1e300]"), &tensor("[1e300]")),
            Err(Fault::Overflow)
        );
        assert_eq!(
            operate(Add, &Value::F64(0.5), &Value::String("!".into())),
            Ok(Value::String("0.5!".into()))
        );
    }
}
