//! Functions of floats: powers, exponentials, logarithms, trigonometry. An `f32` is computed as `f64` and rounded.

use nsdl_ir::Value;

use crate::Fault;

/// `function(value)`, in the type of `value`.
pub(crate) fn unary(value: &Value, function: fn(f64) -> f64) -> Result<Value, Fault> {
    let x = float(value)?;
    checked(function(x), x.is_finite(), value)
}

/// `function(left, right)`, in the type of `left`.
pub(crate) fn binary(
    left: &Value,
    right: &Value,
    function: fn(f64, f64) -> f64,
) -> Result<Value, Fault> {
    let (x, y) = (float(left)?, float(right)?);
    checked(function(x, y), x.is_finite() && y.is_finite(), left)
}

/// A logarithm: only positive numbers have one.
pub(crate) fn logarithm(value: &Value, function: fn(f64) -> f64) -> Result<Value, Fault> {
    if float(value)? > 0.0 {
        unary(value, function)
    } else {
        Err(Fault::Domain)
    }
}

pub(crate) fn float(value: &Value) -> Result<f64, Fault> {
    match value {
        Value::F32(v) => Ok(f64::from(*v)),
        Value::F64(v) => Ok(*v),
        _ => Err(Fault::Domain),
    }
}

/// Infinity comes from infinity only.
pub(crate) fn checked(result: f64, finite: bool, like: &Value) -> Result<Value, Fault> {
    let (result, infinite) = match like {
        Value::F32(_) => (Value::F32(result as f32), (result as f32).is_infinite()),
        _ => (Value::F64(result), result.is_infinite()),
    };
    match result {
        Value::F32(v) if v.is_nan() => Err(Fault::NotANumber),
        Value::F64(v) if v.is_nan() => Err(Fault::NotANumber),
        _ if infinite && finite => Err(Fault::Overflow),
        result => Ok(result),
    }
}
