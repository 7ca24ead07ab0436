//! Passes over a circuit in log space: forward logarithms, backward flows.
//!
//! The flow of a node is its value times the gradient of the outputs' logarithms with respect to it: of a distribution's
//! circuit, how likely its part is, given the outputs (Darwiche, "A differential approach to inference in Bayesian
//! networks", J. ACM 2003). So flows are plain numbers, a product hands on its own, and a sum divides it up by what its
//! terms contribute: one exponential for each.

mod convolution;
mod elementary;

use super::{LANES, dispatch};
use crate::blocks::Passes;
use crate::layers::{Layer, LayerOp, Layered, Pass};
use crate::real::log1mexp;
use elementary::{exp, ln};

/// A number that is not negative, by its logarithm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(transparent)]
pub(crate) struct Ln(pub f64);

const NOTHING: f64 = f64::NEG_INFINITY;

/// What is as good as nothing, but has flows that are numbers of full precision: its gradient is not lost. As small are
/// weights of 0, and what is left of weights of 1 and of sums that come to 1.
pub(crate) const INWARD: f64 = 1e-250;

impl Passes for Ln {
    type Flow = f64;
    const ZERO: Self = Self(NOTHING);
    const ONE: Self = Self(0.0);

    fn forward(circuit: &Layered, values: &mut [Self], scratch: &mut Vec<f64>, width: usize) {
        match width {
            1 => dispatch_forward::<1>(circuit, values, scratch, width),
            _ if width.is_multiple_of(LANES) => {
                dispatch_forward::<LANES>(circuit, values, scratch, width);
            }
            _ => dispatch_forward::<4>(circuit, values, scratch, width),
        }
    }

    fn backward(
        circuit: &Layered,
        values: &[Self],
        flows: &mut [f64],
        scratch: &mut Vec<f64>,
        width: usize,
    ) {
        match width {
            1 => dispatch_backward::<1>(circuit, values, flows, scratch, width),
            _ if width.is_multiple_of(LANES) => {
                dispatch_backward::<LANES>(circuit, values, flows, scratch, width);
            }
            _ => dispatch_backward::<4>(circuit, values, flows, scratch, width),
        }
    }
}

dispatch!(
    dispatch_forward,
    forward_layers,
    [const L: usize],
    [L],
    (circuit: &Layered, values: &mut [Ln], scratch: &mut Vec<f64>, width: usize)
);
dispatch!(
    dispatch_backward,
    backward_layers,
    [const L: usize],
    [L],
    (circuit: &Layered, values: &[Ln], flows: &mut [f64], scratch: &mut Vec<f64>, width: usize)
);

#[inline(always)]
fn lanes<const L: usize>(values: &[Ln], at: usize) -> [f64; L] {
    let mut lanes = [NOTHING; L];
    let row = &values[at..at + L];
    for i in 0..L {
        lanes[i] = row[i].0;
    }
    lanes
}

#[inline(always)]
fn store<const L: usize>(values: &mut [Ln], at: usize, lanes: [f64; L]) {
    let row = &mut values[at..at + L];
    for i in 0..L {
        row[i].0 = lanes[i];
    }
}

#[inline(always)]
fn add<const L: usize>(flows: &mut [f64], at: usize, x: [f64; L]) {
    let row = &mut flows[at..at + L];
    for i in 0..L {
        row[i] += x[i];
    }
}

#[inline(always)]
fn flow<const L: usize>(flows: &[f64], at: usize) -> [f64; L] {
    let mut lanes = [0.0; L];
    lanes.copy_from_slice(&flows[at..at + L]);
    lanes
}

/// The logarithm of a sum, whose terms `term` gives: their greatest is taken out first, so that none overflows.
#[inline(always)]
fn sum<const L: usize>(count: usize, term: impl Fn(usize) -> [f64; L]) -> [f64; L] {
    let mut most = term(0);
    for place in 1..count {
        let x = term(place);
        for i in 0..L {
            most[i] = if x[i] > most[i] { x[i] } else { most[i] };
        }
    }
    if count == 1 {
        return most;
    }
    let mut total = [0.0; L];
    for place in 0..count {
        let x = term(place);
        for i in 0..L {
            total[i] += share(x[i], most[i]);
        }
    }
    for i in 0..L {
        // Where all terms are nothing, so is the sum.
        let log = most[i] + ln(total[i]);
        most[i] = if most[i] == NOTHING { NOTHING } else { log };
    }
    most
}

/// exp(x − of), which is 0 where `of` is nothing.
#[inline(always)]
fn share(x: f64, of: f64) -> f64 {
    // x is nothing as well then, and so is its share.
    let of = if of == NOTHING { 0.0 } else { of };
    exp(x - of)
}

/// The term of a sum: a child, or a product of two.
trait Term: Copy {
    fn log<const L: usize>(self, values: &[Ln], width: usize, at: usize) -> [f64; L];
    fn give<const L: usize>(self, flows: &mut [f64], width: usize, at: usize, flow: [f64; L]);
}

impl Term for u32 {
    #[inline(always)]
    fn log<const L: usize>(self, values: &[Ln], width: usize, at: usize) -> [f64; L] {
        lanes(values, self as usize * width + at)
    }

    #[inline(always)]
    fn give<const L: usize>(self, flows: &mut [f64], width: usize, at: usize, flow: [f64; L]) {
        add(flows, self as usize * width + at, flow);
    }
}

impl Term for [u32; 2] {
    #[inline(always)]
    fn log<const L: usize>(self, values: &[Ln], width: usize, at: usize) -> [f64; L] {
        let (x, y) = (
            self[0].log::<L>(values, width, at),
            self[1].log::<L>(values, width, at),
        );
        let mut log = [NOTHING; L];
        for i in 0..L {
            log[i] = x[i] + y[i];
        }
        log
    }

    #[inline(always)]
    fn give<const L: usize>(self, flows: &mut [f64], width: usize, at: usize, flow: [f64; L]) {
        self[0].give(flows, width, at, flow);
        self[1].give(flows, width, at, flow);
    }
}

#[inline(always)]
fn forward_sums<const L: usize, K: Term, S: AsRef<[K]>>(
    sums: impl Iterator<Item = S>,
    first: usize,
    values: &mut [Ln],
    width: usize,
) {
    let (below, rest) = values.split_at_mut(first * width);
    for (terms, row) in sums.zip(rest.chunks_exact_mut(width)) {
        let terms = terms.as_ref();
        for at in (0..width).step_by(L) {
            let log = sum::<L>(terms.len(), |place| terms[place].log(below, width, at));
            store(row, at, log);
        }
    }
}

/// Nothing flows where the sum is nothing, and from sums beyond 1 if they are `clamped`.
#[inline(always)]
fn backward_sums<const L: usize, K: Term, S: AsRef<[K]>>(
    sums: impl Iterator<Item = S>,
    first: usize,
    clamped: bool,
    values: &[Ln],
    flows: &mut [f64],
    width: usize,
) {
    let (below, rest) = flows.split_at_mut(first * width);
    for (n, terms) in sums.enumerate() {
        let terms = terms.as_ref();
        for at in (0..width).step_by(L) {
            let mut given = flow::<L>(rest, n * width + at);
            let mut all = lanes::<L>(values, (first + n) * width + at);
            if clamped {
                all = sum::<L>(terms.len(), |place| terms[place].log(values, width, at));
                for i in 0..L {
                    given[i] = if all[i] > 0.0 { 0.0 } else { given[i] };
                }
            }
            for &term in terms {
                let mut part = term.log::<L>(values, width, at);
                for i in 0..L {
                    part[i] = given[i] * share(part[i], all[i]);
                }
                term.give(below, width, at, part);
            }
        }
    }
}

#[inline(always)]
fn forward_layers<const L: usize>(
    circuit: &Layered,
    values: &mut [Ln],
    scratch: &mut Vec<f64>,
    width: usize,
) {
    for (layer, pass) in circuit.layers.iter().zip(&circuit.passes) {
        let first = layer.first as usize;
        match layer.op {
            LayerOp::Sum | LayerOp::ClampedSum => {
                let plain = layer.nodes().take(pass.plain);
                forward_sums::<L, u32, _>(plain, first, values, width);
                forward_sums::<L, _, _>(pass.sums(), first + pass.plain, values, width);
                let decided = first + pass.undecided();
                forward_sums::<L, [u32; 2], _>(pass.decided(), decided, values, width);
            }
            LayerOp::Convolution => {
                let zero = circuit.leaves as u32;
                convolution::forward::<L>(layer, zero, values, scratch, width);
            }
            _ => forward_layer::<L>(layer, pass, values, width),
        }
        if layer.op == LayerOp::ClampedSum {
            for value in &mut values[first * width..(first + layer.len()) * width] {
                value.0 = if value.0 > 0.0 { 0.0 } else { value.0 };
            }
        }
    }
}

#[inline(always)]
fn forward_layer<const L: usize>(layer: &Layer, pass: &Pass, values: &mut [Ln], width: usize) {
    let (below, rest) = values.split_at_mut(layer.first as usize * width);
    for (children, row) in layer
        .nodes()
        .take(pass.plain)
        .zip(rest.chunks_exact_mut(width))
    {
        for at in (0..width).step_by(L) {
            let mut log = children[0].log::<L>(below, width, at);
            if layer.op == LayerOp::Complement {
                for log in &mut log {
                    *log = log1mexp(log.min(-INWARD));
                }
            }
            for child in &children[1..] {
                let x = child.log::<L>(below, width, at);
                for i in 0..L {
                    log[i] = match layer.op {
                        LayerOp::Product => log[i] + x[i],
                        LayerOp::Min if x[i] < log[i] => x[i],
                        LayerOp::Max if x[i] > log[i] => x[i],
                        _ => log[i],
                    };
                }
            }
            store(row, at, log);
        }
    }
}

#[inline(always)]
fn backward_layers<const L: usize>(
    circuit: &Layered,
    values: &[Ln],
    flows: &mut [f64],
    scratch: &mut Vec<f64>,
    width: usize,
) {
    for (layer, pass) in circuit.layers.iter().zip(&circuit.passes).rev() {
        let first = layer.first as usize;
        match layer.op {
            LayerOp::Sum | LayerOp::ClampedSum => {
                let clamped = layer.op == LayerOp::ClampedSum;
                let (plain, fused) = (layer.nodes().take(pass.plain), first + pass.plain);
                let decided = (pass.decided(), first + pass.undecided());
                backward_sums::<L, [u32; 2], _>(
                    decided.0, decided.1, clamped, values, flows, width,
                );
                backward_sums::<L, _, _>(pass.sums(), fused, clamped, values, flows, width);
                backward_sums::<L, u32, _>(plain, first, clamped, values, flows, width);
            }
            LayerOp::Convolution => {
                let zero = circuit.leaves as u32;
                convolution::backward::<L>(layer, zero, values, flows, scratch, width);
            }
            _ => backward_layer::<L>(layer, pass, values, flows, width),
        }
    }
}

#[inline(always)]
fn backward_layer<const L: usize>(
    layer: &Layer,
    pass: &Pass,
    values: &[Ln],
    flows: &mut [f64],
    width: usize,
) {
    let first = layer.first as usize;
    let (below, rest) = flows.split_at_mut(first * width);
    for (n, children) in layer.nodes().take(pass.plain).enumerate() {
        for at in (0..width).step_by(L) {
            let mut left = flow::<L>(rest, n * width + at);
            let all = lanes::<L>(values, (first + n) * width + at);
            for child in children {
                let mut given = left;
                let x = child.log::<L>(values, width, at);
                for i in 0..L {
                    match layer.op {
                        // Of 1 − x flows −x / (1 − x) times as much to x.
                        LayerOp::Complement => given[i] *= -share(x[i], all[i]),
                        // All goes to the first child that decides.
                        LayerOp::Min | LayerOp::Max if x[i] == all[i] => left[i] = 0.0,
                        LayerOp::Min | LayerOp::Max => given[i] = 0.0,
                        _ => {}
                    }
                }
                child.give(below, width, at, given);
            }
        }
    }
}
