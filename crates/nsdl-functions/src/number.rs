//! Arithmetic: `$abs $floor $ceil $sign $max $min $pow $powf`.

use nsdl_ir::Value;

use crate::Fault;

pub(crate) fn abs(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::F32(v) => Ok(Value::F32(v.abs())),
        Value::F64(v) => Ok(Value::F64(v.abs())),
        Value::U128(_) => Ok(value.clone()),
        _ => integer(value, |v| v.checked_abs()),
    }
}

pub(crate) fn floor(value: &Value) -> Result<Value, Fault> {
    Ok(match value {
        Value::F32(v) => Value::F32(v.floor()),
        Value::F64(v) => Value::F64(v.floor()),
        integer => integer.clone(),
    })
}

pub(crate) fn ceil(value: &Value) -> Result<Value, Fault> {
    Ok(match value {
        Value::F32(v) => Value::F32(v.ceil()),
        Value::F64(v) => Value::F64(v.ceil()),
        integer => integer.clone(),
    })
}

/// −1, 0 or 1, of the type of the argument.
pub(crate) fn sign(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::F32(v) => Ok(Value::F32(if *v == 0.0 { 0.0 } else { v.signum() })),
        Value::F64(v) => Ok(Value::F64(if *v == 0.0 { 0.0 } else { v.signum() })),
        Value::U128(v) => Ok(Value::U128((*v).min(1))),
        _ => integer(value, |v| Some(v.signum())),
    }
}

pub(crate) fn max(values: &[Value]) -> Result<Value, Fault> {
    values.iter().max().cloned().ok_or(Fault::Domain)
}

pub(crate) fn min(values: &[Value]) -> Result<Value, Fault> {
    values.iter().min().cloned().ok_or(Fault::Domain)
}

pub(crate) fn pow(base: &Value, exponent: &Value) -> Result<Value, Fault> {
    let exponent = exponent
        .as_i128()
        .and_then(|exponent| u32::try_from(exponent).ok());
    let exponent = exponent.ok_or(Fault::Domain)?;
    match base {
        Value::U128(base) => base
            .checked_pow(exponent)
            .map(Value::U128)
            .ok_or(Fault::Overflow),
        base => integer(base, |base| base.checked_pow(exponent)),
    }
}

fn integer(value: &Value, compute: impl Fn(i128) -> Option<i128>) -> Result<Value, Fault> {
    let result = compute(value.as_i128().ok_or(Fault::Domain)?).ok_or(Fault::Overflow)?;
    Value::from_i128(result, value.ty()).ok_or(Fault::Overflow)
}
