//! Tensors: `$dim`, `$dot`, and arithmetic number by number.

use std::sync::Arc;

use nsdl_ir::{BinaryOp, Tensor, Value};

use crate::Fault;

/// How many dimensions.
pub(crate) fn dim(value: &Value) -> Result<Value, Fault> {
    Ok(Value::Usize(tensor(value)?.shape().len() as u64))
}

/// The sum of the products of two vectors of one length, as a tensor without dimensions.
pub(crate) fn dot(left: &Value, right: &Value) -> Result<Value, Fault> {
    let (left, right) = (tensor(left)?, tensor(right)?);
    if left.shape().len() != 1 || left.shape() != right.shape() {
        return Err(Fault::Domain);
    }
    let products = std::iter::zip(left.data(), right.data()).map(|(a, b)| a * b);
    value(Vec::new(), vec![products.sum()])
}

/// `left op right`, number by number; one without dimensions goes with each number of the other.
pub(crate) fn arithmetic(op: BinaryOp, left: &Tensor, right: &Tensor) -> Result<Value, Fault> {
    let compute = |a: f64, b: f64| match op {
        BinaryOp::Add => Ok(a + b),
        BinaryOp::Subtract => Ok(a - b),
        BinaryOp::Multiply => Ok(a * b),
        BinaryOp::Divide if b == 0.0 => Err(Fault::DivisionByZero),
        BinaryOp::Divide => Ok(a / b),
        _ => Err(Fault::Domain),
    };
    // Infinity comes from infinity only.
    let checked = |(a, b): (&f64, &f64)| match compute(*a, *b)? {
        result if result.is_infinite() && a.is_finite() && b.is_finite() => Err(Fault::Overflow),
        result => Ok(result),
    };
    let (shape, data): (_, Result<Vec<f64>, Fault>) = match (left.data(), right.data()) {
        (all, [one]) if right.shape().is_empty() => (
            left.shape(),
            all.iter().map(|a| checked((a, one))).collect(),
        ),
        ([one], all) if left.shape().is_empty() => (
            right.shape(),
            all.iter().map(|b| checked((one, b))).collect(),
        ),
        (a, b) if left.shape() == right.shape() => {
            (left.shape(), std::iter::zip(a, b).map(checked).collect())
        }
        _ => return Err(Fault::Domain),
    };
    value(shape.to_vec(), data?)
}

fn tensor(value: &Value) -> Result<&Tensor, Fault> {
    match value {
        Value::Tensor(tensor) => Ok(tensor),
        _ => Err(Fault::Domain),
    }
}

/// Fails for NaN.
fn value(shape: Vec<usize>, data: Vec<f64>) -> Result<Value, Fault> {
    let tensor = Tensor::new(shape, data).ok_or(Fault::NotANumber)?;
    Ok(Value::Tensor(Arc::new(tensor)))
}
