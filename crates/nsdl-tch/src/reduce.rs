//! The operations of circuits on tensors: from `[nodes, width, batch]` to `[nodes, batch]`.

use nsdl::LayerOp;
use tch::{Kind, Tensor};

/// Reduces dimension 1, whose size is a power of two.
pub fn reduce(op: LayerOp, values: Tensor, left: i64) -> Tensor {
    match op {
        LayerOp::Sum => sum(&values),
        LayerOp::ClampedSum => {
            let total = sum(&values);
            // A clamped value has gradient 0.
            total.where_self(&total.le(1.0), &total.ones_like())
        }
        LayerOp::Complement => 1.0 - values.select(1, 0),
        // `prod` would do, but its gradient looks for zeros, for which a GPU has to wait.
        LayerOp::Product => halve(values, |a, b| a * b),
        // `amax` would split the gradient of a tie: it belongs to the first.
        LayerOp::Max => halve(values, |a, b| a.where_self(&a.ge_tensor(b), b)),
        LayerOp::Min => halve(values, |a, b| a.where_self(&a.le_tensor(b), b)),
        LayerOp::Convolution => convolution(&values, left),
    }
}

/// Products of polynomials, whose coefficients lie along dimension 1: first `left` of one factor, then the other.
fn convolution(values: &Tensor, left: i64) -> Tensor {
    let size = values.size();
    let (nodes, width, batch) = match size.as_slice() {
        [nodes, width, batch] => (*nodes, *width, *batch),
        _ => return values.shallow_clone(),
    };
    let factor = |from: i64, to: i64| {
        let part = values.slice(1, from, to, 1).movedim_int(2, 1);
        part.reshape([nodes * batch, 1, to - from])
    };
    let (a, b) = (factor(0, left), factor(left, width));
    let product = b.transpose(0, 1).conv1d(
        &a.flip([2i64]),
        None::<Tensor>,
        [1i64],
        [left - 1],
        [1i64],
        nodes * batch,
    );
    let product = product.view([nodes, batch, width - 1]).movedim_int(1, 2);
    product.reshape([nodes * (width - 1), batch])
}

fn sum(values: &Tensor) -> Tensor {
    values.sum_dim_intlist([1i64].as_slice(), false, None::<Kind>)
}

/// Combines neighbour with neighbour until one is left.
fn halve(mut values: Tensor, combine: impl Fn(&Tensor, &Tensor) -> Tensor) -> Tensor {
    loop {
        let width = values.size().get(1).copied().unwrap_or(1);
        if width <= 1 {
            return values.select(1, 0);
        }
        values = combine(&values.slice(1, 0, width, 2), &values.slice(1, 1, width, 2));
    }
}
