//! Forward and reverse passes over a layered circuit, for one block of samples.
//!
//! Values are stored `[node][sample]` with a row length that is a multiple of `LANES`, so that every inner loop
//! runs over a fixed number of neighbouring samples and vectorises. The same code is compiled for the vector
//! instructions that the machine turns out to have.

mod convolution;
mod correlation;
mod decisions;
pub(crate) mod log;
mod products;

use crate::layers::{Layer, LayerOp, Layered};
use crate::real::Real;

/// Computes all nodes. `values` holds the rows of leaves and constants already.
pub(crate) fn forward<T: Real>(
    circuit: &Layered,
    values: &mut [T],
    scratch: &mut Vec<T>,
    width: usize,
) {
    match width {
        1 => dispatch_forward::<T, 1>(circuit, values, scratch, width),
        _ if width.is_multiple_of(LANES) => {
            dispatch_forward::<T, LANES>(circuit, values, scratch, width);
        }
        _ => dispatch_forward::<T, 4>(circuit, values, scratch, width),
    }
}

/// Adds to `gradients` what flows from each node to its children, last layer first. `gradients` holds the
/// outputs' gradients at their nodes and zero elsewhere.
pub(crate) fn backward<T: Real>(
    circuit: &Layered,
    values: &[T],
    gradients: &mut [T],
    scratch: &mut Vec<T>,
    width: usize,
) {
    match width {
        1 => dispatch_backward::<T, 1>(circuit, values, gradients, scratch, width),
        _ if width.is_multiple_of(LANES) => {
            dispatch_backward::<T, LANES>(circuit, values, gradients, scratch, width);
        }
        _ => dispatch_backward::<T, 4>(circuit, values, gradients, scratch, width),
    }
}

/// Samples that one step of an inner loop handles.
pub(crate) const LANES: usize = 16;

/// The row length for a number of samples.
pub(crate) fn padded(samples: usize) -> usize {
    match samples {
        0 | 1 => 1,
        2..=4 => 4,
        5..=8 => 8,
        _ => samples.next_multiple_of(LANES),
    }
}

/// A function `$name` that runs `$body`, compiled for the widest vectors that the machine turns out to have.
macro_rules! dispatch {
    ($name:ident, $body:ident, [$($generic:tt)*], [$($given:tt)*], ($($arg:ident: $type:ty),*)) => {
        fn $name<$($generic)*>($($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2")]
                fn avx512<$($generic)*>($($arg: $type),*) {
                    $body::<$($given)*>($($arg),*);
                }
                #[target_feature(enable = "avx2")]
                fn avx2<$($generic)*>($($arg: $type),*) {
                    $body::<$($given)*>($($arg),*);
                }
                if std::is_x86_feature_detected!("avx512f")
                    && std::is_x86_feature_detected!("avx512vl")
                    && std::is_x86_feature_detected!("avx512dq")
                {
                    // SAFETY: the machine has just been found to have these instructions.
                    return unsafe { avx512::<$($given)*>($($arg),*) };
                }
                if std::is_x86_feature_detected!("avx2") {
                    // SAFETY: as above.
                    return unsafe { avx2::<$($given)*>($($arg),*) };
                }
            }
            $body::<$($given)*>($($arg),*);
        }
    };
}
pub(crate) use dispatch;

dispatch!(
    dispatch_forward,
    forward_layers,
    [T: Real, const L: usize],
    [T, L],
    (circuit: &Layered, values: &mut [T], scratch: &mut Vec<T>, width: usize)
);
dispatch!(
    dispatch_backward,
    backward_layers,
    [T: Real, const L: usize],
    [T, L],
    (circuit: &Layered, values: &[T], gradients: &mut [T], scratch: &mut Vec<T>, width: usize)
);

#[inline(always)]
fn lanes<T: Real, const L: usize>(values: &[T], at: usize) -> [T; L] {
    // As an array, whose length is known: a copy of a slice may become a call.
    match values[at..at + L].first_chunk() {
        Some(lanes) => *lanes,
        None => [T::ZERO; L],
    }
}

#[inline(always)]
pub(crate) fn each<T: Real, const L: usize>(f: impl Fn(usize) -> T) -> [T; L] {
    let mut lanes = [T::ZERO; L];
    for (i, lane) in lanes.iter_mut().enumerate() {
        *lane = f(i);
    }
    lanes
}

#[inline(always)]
fn forward_layers<T: Real, const L: usize>(
    circuit: &Layered,
    values: &mut [T],
    scratch: &mut Vec<T>,
    width: usize,
) {
    for (layer, pass) in circuit.layers.iter().zip(&circuit.passes) {
        let plain = pass.plain;
        match layer.op {
            LayerOp::Complement => {
                forward_layer::<T, L>(layer, plain, values, width, |_, x| each(|i| T::ONE - x[i]))
            }
            LayerOp::Product => {
                forward_layer::<T, L>(layer, plain, values, width, |a, x| each(|i| a[i] * x[i]));
            }
            LayerOp::Sum | LayerOp::ClampedSum => {
                forward_layer::<T, L>(layer, plain, values, width, |a, x| each(|i| a[i] + x[i]));
                products::forward::<T, L>(layer.first, pass, values, width);
                decisions::forward::<T, L>(layer.first, pass, values, width);
            }
            LayerOp::Min => forward_layer::<T, L>(layer, plain, values, width, |a, x| {
                each(|i| if x[i] < a[i] { x[i] } else { a[i] })
            }),
            LayerOp::Max => forward_layer::<T, L>(layer, plain, values, width, |a, x| {
                each(|i| if x[i] > a[i] { x[i] } else { a[i] })
            }),
            LayerOp::Convolution => {
                let zero = circuit.leaves as u32;
                convolution::forward::<T, L>(layer, zero, values, scratch, width);
            }
        }
        if layer.op == LayerOp::ClampedSum {
            let first = layer.first as usize * width;
            for value in &mut values[first..first + layer.len() * width] {
                *value = if *value > T::ONE { T::ONE } else { *value };
            }
        }
    }
}

#[inline(always)]
fn forward_layer<T: Real, const L: usize>(
    layer: &Layer,
    plain: usize,
    values: &mut [T],
    width: usize,
    combine: impl Fn([T; L], [T; L]) -> [T; L],
) {
    let (below, rest) = values.split_at_mut(layer.first as usize * width);
    for (children, row) in layer.nodes().take(plain).zip(rest.chunks_exact_mut(width)) {
        match *children {
            [x] => {
                let x = x as usize * width;
                for (chunk, out) in row.as_chunks_mut::<L>().0.iter_mut().enumerate() {
                    let x = lanes::<T, L>(below, x + chunk * L);
                    *out = combine(x, x);
                }
            }
            [x, y] => {
                let (x, y) = (x as usize * width, y as usize * width);
                for (chunk, out) in row.as_chunks_mut::<L>().0.iter_mut().enumerate() {
                    let at = chunk * L;
                    *out = combine(lanes(below, x + at), lanes(below, y + at));
                }
            }
            [first, ref others @ ..] => {
                for (chunk, out) in row.as_chunks_mut::<L>().0.iter_mut().enumerate() {
                    let at = chunk * L;
                    let mut sum = lanes::<T, L>(below, first as usize * width + at);
                    for &child in others {
                        sum = combine(sum, lanes(below, child as usize * width + at));
                    }
                    *out = sum;
                }
            }
            [] => {}
        }
    }
}

#[inline(always)]
fn add<T: Real, const L: usize>(gradients: &mut [T], at: usize, x: [T; L]) {
    let row = &mut gradients[at..at + L];
    for i in 0..L {
        row[i] += x[i];
    }
}

#[inline(always)]
fn backward_layers<T: Real, const L: usize>(
    circuit: &Layered,
    values: &[T],
    gradients: &mut [T],
    scratch: &mut Vec<T>,
    width: usize,
) {
    for (layer, pass) in circuit.layers.iter().zip(&circuit.passes).rev() {
        decisions::backward::<T, L>(layer.first, pass, values, gradients, width);
        products::backward::<T, L>(layer.first, pass, values, gradients, width);
        if layer.op == LayerOp::Convolution {
            let zero = circuit.leaves as u32;
            convolution::backward::<T, L>(layer, zero, values, gradients, scratch, width);
            continue;
        }
        let (below, rest) = gradients.split_at_mut(layer.first as usize * width);
        let first = layer.first as usize * width;
        // Plain loops: adapters of iterators have become calls here.
        for (i, ends) in layer.offsets.windows(2).take(pass.plain).enumerate() {
            let children = &layer.children[ends[0] as usize..ends[1] as usize];
            let row = &rest[i * width..(i + 1) * width];
            for (chunk, gradient) in row.chunks_exact(L).enumerate() {
                let at = chunk * L;
                let g = lanes::<T, L>(gradient, 0);
                match layer.op {
                    LayerOp::Convolution => {}
                    LayerOp::Complement => {
                        for &child in children {
                            add(
                                below,
                                child as usize * width + at,
                                each::<T, L>(|i| T::ZERO - g[i]),
                            );
                        }
                    }
                    LayerOp::Sum => {
                        for &child in children {
                            add(below, child as usize * width + at, g);
                        }
                    }
                    LayerOp::Product => {
                        product::<T, L>(children, values, below, g, scratch, width, at)
                    }
                    LayerOp::ClampedSum => {
                        let mut sum = [T::ZERO; L];
                        for &child in children {
                            let x = lanes::<T, L>(values, child as usize * width + at);
                            sum = each(|i| sum[i] + x[i]);
                        }
                        let g = each::<T, L>(|i| if sum[i] > T::ONE { T::ZERO } else { g[i] });
                        for &child in children {
                            add(below, child as usize * width + at, g);
                        }
                    }
                    LayerOp::Min | LayerOp::Max => {
                        let value = lanes::<T, L>(values, first + i * width + at);
                        let mut left = g;
                        for &child in children {
                            let x = lanes::<T, L>(values, child as usize * width + at);
                            let here =
                                each::<T, L>(|i| if x[i] == value[i] { left[i] } else { T::ZERO });
                            left = each(|i| if x[i] == value[i] { T::ZERO } else { left[i] });
                            add(below, child as usize * width + at, here);
                        }
                    }
                }
            }
        }
    }
}

/// Each factor gets the product of the others, as prefix times suffix: no division, so zeros are no trouble.
#[inline(always)]
fn product<T: Real, const L: usize>(
    children: &[u32],
    values: &[T],
    below: &mut [T],
    g: [T; L],
    scratch: &mut Vec<T>,
    width: usize,
    at: usize,
) {
    if let [x, y] = *children {
        let (x, y) = (x as usize * width + at, y as usize * width + at);
        let (a, b) = (lanes::<T, L>(values, x), lanes::<T, L>(values, y));
        add(below, x, each::<T, L>(|i| g[i] * b[i]));
        add(below, y, each::<T, L>(|i| g[i] * a[i]));
        return;
    }
    scratch.clear();
    let mut prefix = g;
    for &child in children {
        scratch.extend_from_slice(&prefix);
        let x = lanes::<T, L>(values, child as usize * width + at);
        prefix = each(|i| prefix[i] * x[i]);
    }
    let mut suffix = [T::ONE; L];
    for (place, &child) in children.iter().enumerate().rev() {
        let child = child as usize * width + at;
        let before = lanes::<T, L>(scratch, place * L);
        add(below, child, each::<T, L>(|i| before[i] * suffix[i]));
        let x = lanes::<T, L>(values, child);
        suffix = each(|i| suffix[i] * x[i]);
    }
}
