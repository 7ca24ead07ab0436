//! From weights of literals to probabilities and back.

use super::Semiring;
use crate::real::{Log, Real};
use nsdl_ir::Diagnostic;

/// The weights of a batch as probabilities, and what counts are multiplied by.
#[derive(Clone, Debug, Default)]
pub(super) struct Normal<T> {
    /// `[literal][sample]`: the share that a variable has of its two weights, then those of denials.
    pub weights: Vec<T>,
    /// Of each sample the product of all sums of two weights, or its logarithm.
    scales: Vec<f64>,
    /// The sums of two weights, `[sample][variable]`; kept for numbers.
    sums: Vec<f64>,
    batch: usize,
    /// Whether both weights are given.
    pub both: bool,
    log: bool,
}

/// How probabilities become counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// They are multiplied.
    Factor(f64),
    /// Their logarithms are moved.
    Shift(f64),
}

/// How far the logarithm of a probability may be above 0 by rounding.
const ROUNDING: f64 = 1e-5;

impl<T: Real> Normal<T> {
    /// Takes the weights of a batch, `[sample][variable]`.
    pub fn fill(
        &mut self,
        semiring: Semiring,
        positive: &[T],
        negative: Option<&[T]>,
        batch: usize,
    ) -> Result<(), Diagnostic> {
        let variables = positive.len() / batch.max(1);
        self.batch = batch;
        self.both = negative.is_some();
        self.log = semiring == Semiring::Log;
        self.weights.resize(2 * variables * batch, T::ZERO);
        self.sums.clear();
        self.scales.clear();
        for sample in 0..batch {
            let row = sample * variables..(sample + 1) * variables;
            let positive = &positive[row.clone()];
            let negative = negative.map(|weights| &weights[row]);
            let scale = match semiring {
                Semiring::Log => self.logarithms(sample, positive, negative),
                Semiring::Real => self.numbers(sample, positive, negative),
            };
            let flaw = |variable: usize| flaw(semiring, sample, variable, positive, negative);
            self.scales.push(scale.map_err(flaw)?);
        }
        Ok(())
    }

    /// One sample of logarithms; the logarithm of its scale, or which variable has weights without meaning.
    fn logarithms(
        &mut self,
        sample: usize,
        positive: &[T],
        negative: Option<&[T]>,
    ) -> Result<f64, usize> {
        let (batch, variables) = (self.batch, positive.len());
        // Logarithms of sums are taken together: their product holds hundreds of them.
        let (mut shift, mut product) = (0.0, 1.0);
        for (variable, a) in positive.iter().map(|a| a.to_f64()).enumerate() {
            let (p, q) = match negative.map(|weights| weights[variable].to_f64()) {
                None if a <= ROUNDING => (a.min(0.0).exp(), -a.min(0.0).exp_m1()),
                Some(b) if a < f64::INFINITY && b < f64::INFINITY => {
                    let most = a.max(b);
                    let less = if most == f64::NEG_INFINITY {
                        0.0
                    } else {
                        (a.min(b) - most).exp()
                    };
                    shift += most;
                    product *= 1.0 + less;
                    if product > 1e300 {
                        shift += product.ln();
                        product = 1.0;
                    }
                    let (more, less) = (1.0 / (1.0 + less), less / (1.0 + less));
                    if a >= b { (more, less) } else { (less, more) }
                }
                _ => return Err(variable),
            };
            self.weights[variable * batch + sample] = T::from_f64(p);
            self.weights[(variables + variable) * batch + sample] = T::from_f64(q);
        }
        Ok(shift + product.ln())
    }

    /// One sample of numbers; its scale, or which variable has weights without meaning.
    fn numbers(
        &mut self,
        sample: usize,
        positive: &[T],
        negative: Option<&[T]>,
    ) -> Result<f64, usize> {
        let (batch, variables) = (self.batch, positive.len());
        let mut scale = 1.0;
        for (variable, a) in positive.iter().map(|a| a.to_f64()).enumerate() {
            let (p, q) = match negative.map(|weights| weights[variable].to_f64()) {
                None if a.is_finite() => (a, 1.0 - a),
                Some(b) if a == 0.0 && b == 0.0 => {
                    scale = 0.0;
                    self.sums.push(0.0);
                    (0.0, 0.0)
                }
                Some(b) if (a + b).is_finite() && a + b != 0.0 => {
                    scale *= a + b;
                    self.sums.push(a + b);
                    (a / (a + b), b / (a + b))
                }
                _ => return Err(variable),
            };
            self.weights[variable * batch + sample] = T::from_f64(p);
            self.weights[(variables + variable) * batch + sample] = T::from_f64(q);
        }
        Ok(scale)
    }

    /// How the probabilities of a sample become counts.
    pub fn scale(&self, sample: usize) -> Scale {
        match self.log {
            true => Scale::Shift(self.scales[sample]),
            false => Scale::Factor(self.scales[sample]),
        }
    }

    /// Gradients of all weights, from those of probabilities (`slope(literal, sample)`) and of scales (`total(sample)`).
    pub fn backward(
        &self,
        batch: usize,
        slope: impl Fn(usize, usize) -> f64,
        total: impl Fn(usize) -> f64,
        positive: &mut [T],
        negative: &mut [T],
    ) {
        let variables = self.weights.len() / (2 * batch.max(1));
        for sample in 0..batch {
            let (total, others) = (total(sample), Others::new(&self.sums, sample, variables));
            for variable in 0..variables {
                let (yes, no) = (variable, variables + variable);
                let p = self.weights[yes * batch + sample].to_f64();
                let q = self.weights[no * batch + sample].to_f64();
                let (by_p, by_q) = (slope(yes, sample), slope(no, sample));
                let at = sample * variables + variable;
                let (a, b) = match (self.log, self.both) {
                    (true, true) => {
                        let flow = p * q * (by_p - by_q);
                        (flow + p * total, q * total - flow)
                    }
                    (true, false) => (p * (by_p - by_q), 0.0),
                    (false, false) => (by_p - by_q, 0.0),
                    (false, true) => {
                        let others = others.without(variable);
                        match p == 0.0 && q == 0.0 {
                            true => (others * (by_p + total), others * (by_q + total)),
                            false => {
                                let flow = by_p - by_q;
                                (others * (q * flow + total), others * (total - p * flow))
                            }
                        }
                    }
                };
                positive[at] = T::from_f64(a);
                if self.both {
                    negative[at] = T::from_f64(b);
                }
            }
        }
    }
}

/// The logarithms of the shares that a literal and its denial have, from those of their weights.
pub(super) fn shares(a: f64, b: Option<f64>) -> [f64; 2] {
    let Some(b) = b else {
        return [a.min(0.0), crate::real::log1mexp(a.min(0.0))];
    };
    // log(a / (a + b)) = −log(1 + b / a)
    let share = |a: f64, b: f64| {
        if a == f64::NEG_INFINITY {
            a
        } else if b > a {
            a - b - (a - b).exp().ln_1p()
        } else {
            -(b - a).exp().ln_1p()
        }
    };
    [share(a, b), share(b, a)]
}

/// As [`Normal::backward`], for one sample that was evaluated in log space; `literal` has the share of a literal and the
/// gradient of it.
pub(super) fn small_backward<T: Real>(
    literal: impl Fn(usize) -> (Log, Log),
    total: f64,
    positive: &mut [T],
    mut negative: Option<&mut [T]>,
) {
    let variables = positive.len();
    for variable in 0..variables {
        let ((p, by_p), (q, by_q)) = (literal(variable), literal(variables + variable));
        // Each product is of the size of a probability, whatever its factors are.
        match &mut negative {
            Some(negative) => {
                let flow = (p * q * by_p).to_f64() - (p * q * by_q).to_f64();
                positive[variable] = T::from_f64(flow + p.to_f64() * total);
                negative[variable] = T::from_f64(q.to_f64() * total - flow);
            }
            None => {
                // A denial of weight 0 may be all that the formula waits for.
                let flow = (p * by_p).to_f64() - (p * by_q).to_f64();
                positive[variable] = T::from_f64(flow.clamp(-1.0 / T::TINY, 1.0 / T::TINY));
            }
        }
    }
}

/// Products of the sums of a sample, each without one.
struct Others<'a> {
    sums: &'a [f64],
    product: f64,
    zeros: usize,
}

impl<'a> Others<'a> {
    fn new(sums: &'a [f64], sample: usize, variables: usize) -> Self {
        let sums = sums
            .get(sample * variables..(sample + 1) * variables)
            .unwrap_or_default();
        Self {
            sums,
            product: sums.iter().filter(|&&sum| sum != 0.0).product(),
            zeros: sums.iter().filter(|&&sum| sum == 0.0).count(),
        }
    }

    fn without(&self, variable: usize) -> f64 {
        match (self.sums[variable], self.zeros) {
            (0.0, 1) => self.product,
            (0.0, _) => 0.0,
            (sum, 0) => self.product / sum,
            _ => 0.0,
        }
    }
}

/// Why the weights of a variable have no meaning.
fn flaw<T: Real>(
    semiring: Semiring,
    sample: usize,
    variable: usize,
    positive: &[T],
    negative: Option<&[T]>,
) -> Diagnostic {
    let a = positive[variable].to_f64();
    let weights = match negative {
        Some(negative) => format!("{a} and {}", negative[variable].to_f64()),
        None => a.to_string(),
    };
    let help = match (semiring, negative.is_some()) {
        (Semiring::Log, false) => {
            "a logarithm of a probability is at most 0; give the weights of denials for others"
        }
        (Semiring::Log, true) => "logarithms of weights are finite, or minus infinity for 0",
        (Semiring::Real, false) => "weights are finite numbers",
        (Semiring::Real, true) => "weights are finite numbers whose sum is not 0, or both are 0",
    };
    let message = format!(
        "variable {} of sample {sample} has the weight {weights}",
        variable + 1
    );
    Diagnostic::error("E0882", message).help(help)
}
