//! Operators on constants of two types, or that give a third one, and on the bits of integers.

use nsdl_functions::Fault;
use nsdl_ir::{BinaryOp, Tensor, Type, Value};

use super::Const;
use super::arithmetic::Failure;

/// `left op right` of times, tensors, or text and anything; `None` if it is none of these.
pub(super) fn mixed(op: BinaryOp, left: &Const, right: &Const) -> Option<Result<Const, Failure>> {
    // Without a typed operand both are numbers.
    let special = |value: &Const| match value {
        Const::Typed(value) => !value.ty().is_number(),
        _ => false,
    };
    if !special(left) && !special(right) {
        return None;
    }
    let (left, right) = (exact(left)?, exact(right)?);
    nsdl_functions::operator_type(op, left.ty(), right.ty())?;
    let result = nsdl_functions::operate(op, &left, &right);
    Some(result.map(Const::Typed).map_err(|fault| match fault {
        Fault::DivisionByZero => Failure::DivisionByZero,
        Fault::NotANumber => Failure::NotANumber,
        Fault::Overflow => Failure::Overflow,
        Fault::Cast | Fault::Domain => Failure::Domain,
    }))
}

/// A float without a type is printed, and computed, as it is written.
fn exact(value: &Const) -> Option<Value> {
    match value {
        Const::Float(_) => value.at(Type::F64),
        _ => value.by_itself(),
    }
}

/// The tensor of a number, or of a list of numbers or of such lists.
pub(super) fn tensor(value: &Const) -> Option<Tensor> {
    if let Const::List(items) = value {
        let parts: Option<Vec<Tensor>> = items.iter().map(|(item, _)| tensor(item)).collect();
        return Tensor::stack(&parts?);
    }
    match nsdl_functions::cast(&exact(value)?, Type::Tensor) {
        Ok(Value::Tensor(tensor)) => Some(Tensor::clone(&tensor)),
        _ => None,
    }
}

/// Whether it works on the bits of integers.
pub(super) fn is_bits(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::Xor) || is_shift(op)
}

/// `<<` or `>>`.
pub(super) fn is_shift(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::ShiftLeft | BinaryOp::ShiftRight)
}

/// `left op right` on the bits of integers; an unsuffixed literal has as many as it needs.
pub(super) fn bits(op: BinaryOp, a: i128, b: i128) -> Option<i128> {
    match op {
        BinaryOp::BitAnd => Some(a & b),
        BinaryOp::BitOr => Some(a | b),
        BinaryOp::Xor => Some(a ^ b),
        BinaryOp::ShiftLeft => {
            let by = u32::try_from(b).ok()?;
            let result = a.checked_shl(by)?;
            (result >> by == a).then_some(result)
        }
        _ => a.checked_shr(u32::try_from(b).ok()?),
    }
}

/// The same on `u128`.
pub(super) fn wide_bits(op: BinaryOp, a: u128, b: u128) -> Option<u128> {
    match op {
        BinaryOp::BitAnd => Some(a & b),
        BinaryOp::BitOr => Some(a | b),
        BinaryOp::Xor => Some(a ^ b),
        BinaryOp::ShiftLeft => {
            let by = u32::try_from(b).ok()?;
            let result = a.checked_shl(by)?;
            (result >> by == a).then_some(result)
        }
        _ => a.checked_shr(u32::try_from(b).ok()?),
    }
}

/// Whether a shift by so many bits is one by fewer than the type has.
pub(super) fn shifts(ty: Type, by: i128) -> bool {
    let bits = match (ty.signed_range(), ty.unsigned_max()) {
        (Some((low, _)), _) => 1 + low.unsigned_abs().ilog2(),
        (_, Some(most)) => 1 + most.ilog2(),
        _ => 128,
    };
    (0..i128::from(bits)).contains(&by)
}

/// `!value` of an integer.
pub(super) fn not(value: &Value) -> Option<Value> {
    let ty = value.ty();
    match (value, ty.unsigned_max()) {
        (Value::U128(value), _) => Some(Value::U128(!value)),
        (_, Some(most)) => Value::from_i128(most as i128 - value.as_i128()?, ty),
        _ => Value::from_i128(!value.as_i128()?, ty),
    }
}
