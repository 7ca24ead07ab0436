//! The public face: a trace compiled once, evaluated for many batches.

use crate::auto::{self, Bounds};
use crate::blocks;
use crate::cone::{Cone, Flavour};
use crate::exact;
use crate::layers::{Layer, Layered};
use crate::real::Real;
use crate::report::{Method, Report};
use crate::sample::Sampler;
use crate::solve::{self, Algebra, Solver};
use crate::straight::Straight;
use crate::tape::Tape;
use crate::topk::{Keep, TopK, variables};
use crate::{Budget, Estimator, Inference, Limits, Stop};
use nsdl_ir::{Diagnostic, Trace, TupleId};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A trace compiled for some outputs; evaluates batches of leaf weights.
#[derive(Clone)]
pub struct Circuit {
    pub(crate) leaves: usize,
    pub(crate) outputs: usize,
    pub(crate) evaluation: Evaluation,
    /// Where some outputs are not exact.
    bounds: Option<Bounds>,
    report: Report,
}

impl std::fmt::Debug for Circuit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Circuit({})", self.report)
    }
}

#[derive(Clone)]
pub(crate) enum Evaluation {
    Layers(Layered),
    Straight(Straight),
    Cycles(Solver),
    Proofs(TopK),
    Worlds(Sampler),
}

/// Compiles the part of `trace` that `outputs` depend on.
///
/// # Errors
/// `E0620` if exact inference needs more nodes than the budget has, `E0613` if `cancel` became true.
pub fn compile(
    trace: &Trace,
    outputs: &[TupleId],
    inference: Inference,
    budget: &Budget,
    cancel: Option<&AtomicBool>,
) -> Result<Circuit, Diagnostic> {
    let limits = Limits {
        nodes: budget.nodes,
        cancel,
    };
    let flavour = match inference {
        Inference::Exact | Inference::Auto => Flavour::Exact,
        Inference::Sample {
            estimator: Estimator::StraightThrough,
            ..
        } => Flavour::Logical,
        Inference::Sample { .. } => Flavour::Exact,
        _ => inference
            .algebra()
            .map_or(Flavour::Logical, Algebra::flavour),
    };
    let cone = Cone::new(trace, outputs, flavour, &limits)
        .map_err(|stop| diagnostic(stop, &Report::default(), budget))?;
    let mut report = Report {
        tuples: cone.tuples,
        instances: cone.instances,
        cycles: cone.cycles.len(),
        ..Report::default()
    };
    let mut bounds = None;
    let evaluation = match inference {
        Inference::Exact => {
            let (layered, summary) = exact::compile(trace, &cone, &limits)
                .map_err(|stop| diagnostic(stop, &report, budget))?;
            report.method = if summary.branches == 0 {
                Method::Direct
            } else {
                Method::Branching
            };
            report.branches = summary.branches;
            report.systems = summary.systems;
            report.formulas = summary.formulas;
            Evaluation::Layers(layered)
        }
        Inference::Auto => {
            let within = Limits {
                nodes: budget.auto.min(budget.nodes),
                cancel,
            };
            let (layered, summary, found) = auto::compile(trace, &cone, &within, within.nodes)
                .map_err(|stop| diagnostic(stop, &report, budget))?;
            report.open = found.open();
            report.method = match (report.open, summary.branches) {
                (0, 0) => Method::Direct,
                (0, _) => Method::Branching,
                _ => Method::Bounds,
            };
            report.branches = summary.branches;
            report.systems = summary.systems;
            report.formulas = summary.formulas;
            bounds = (report.open > 0).then_some(found);
            Evaluation::Layers(layered)
        }
        Inference::TopK(k) => {
            report.method = Method::Proofs;
            Evaluation::Proofs(TopK::new(cone, k, variables(trace), Keep::Best))
        }
        Inference::TopBottomK(k) => {
            report.method = Method::Proofs;
            Evaluation::Proofs(TopK::new(cone, k, variables(trace), Keep::Clauses))
        }
        Inference::SampleK { k, seed } => {
            report.method = Method::Proofs;
            Evaluation::Proofs(TopK::new(cone, k, variables(trace), Keep::Drawn(seed)))
        }
        Inference::Sample {
            worlds,
            seed,
            estimator,
        } => {
            report.method = Method::Worlds;
            Evaluation::Worlds(Sampler::new(cone, trace, worlds, seed, estimator))
        }
        _ => {
            let algebra = inference.algebra().unwrap_or(Algebra::MinMax);
            if cone.cycles.is_empty() {
                report.method = Method::Algebra;
                Evaluation::Layers(solve::layers(trace.leaves.len(), &cone, algebra))
            } else {
                report.method = Method::Fixpoint;
                Evaluation::Cycles(Solver::new(cone, algebra, trace.leaves.len()))
            }
        }
    };
    (report.nodes, report.edges, report.depth) = match &evaluation {
        Evaluation::Layers(layered) => (
            layered.nodes - layered.leaves - 2,
            layered.edges,
            layered.layers.len(),
        ),
        Evaluation::Cycles(Solver { cone, .. }) | Evaluation::Proofs(TopK { cone, .. }) => {
            (cone.len(), cone.edges(), 0)
        }
        Evaluation::Straight(straight) => {
            let (nodes, edges) = straight.size();
            (nodes, edges, 0)
        }
        Evaluation::Worlds(sampler) => (sampler.cone().len(), sampler.cone().edges(), 0),
    };
    Ok(Circuit {
        leaves: trace.leaves.len(),
        outputs: outputs.len(),
        evaluation,
        bounds,
        report,
    })
}

/// As [`compile`], for a circuit that is evaluated once or twice: compiling and one evaluation together take less time,
/// further evaluations more. The answers and gradients are the same.
///
/// # Errors
/// As [`compile`].
pub fn compile_once(
    trace: &Arc<Trace>,
    outputs: &[TupleId],
    inference: Inference,
    budget: &Budget,
    cancel: Option<&AtomicBool>,
) -> Result<Circuit, Diagnostic> {
    let limits = Limits {
        nodes: budget.nodes,
        cancel,
    };
    if inference == Inference::MinMax
        && let Some(straight) = Straight::new(trace, outputs, &limits)
            .map_err(|stop| diagnostic(stop, &Report::default(), budget))?
    {
        let (nodes, edges) = straight.size();
        return Ok(Circuit {
            leaves: trace.leaves.len(),
            outputs: outputs.len(),
            evaluation: Evaluation::Straight(straight),
            bounds: None,
            report: Report {
                method: Method::Algebra,
                tuples: trace.tuples.len(),
                instances: trace.instances.len(),
                nodes,
                edges,
                ..Report::default()
            },
        });
    }
    compile(trace, outputs, inference, budget, cancel)
}

/// What ended a compilation early.
pub(crate) fn diagnostic(stop: Stop, report: &Report, budget: &Budget) -> Diagnostic {
    match stop {
        Stop::Budget { nodes } => Diagnostic::error(
            "E0620",
            format!("exact inference needs more than its budget of {} nodes", budget.nodes),
        )
        .note(format!(
            "the outputs depend on {} uncertain tuples through {} rule instances in {} cycles; {nodes} nodes were made",
            report.tuples, report.instances, report.cycles
        ))
        .help("use topkproofs for a close approximation, minmaxprob for a fast one, or a larger budget"),
        Stop::Chain { steps } => Diagnostic::error(
            "E0625",
            format!("aggregates over uncertain members take more than {steps} steps here"),
        )
        .note("this provenance follows every partial result of an aggregate")
        .help("`exact` and `auto` add up independent or exclusive integers without that; or aggregate fewer members"),
        Stop::Cancelled => Diagnostic::error("E0613", "cancelled"),
    }
}

impl Circuit {
    /// How many leaf weights each sample has: all leaves of the trace, in its order.
    pub fn leaves(&self) -> usize {
        self.leaves
    }

    /// How many outputs were asked for.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Computes all outputs of a batch.
    ///
    /// `weights` is `[leaf][sample]`, `out` is `[output][sample]`. Nothing is allocated once the tape has grown.
    ///
    /// # Panics
    /// If `weights` or `out` is shorter than that.
    pub fn forward<T: Real>(&self, weights: &[T], batch: usize, tape: &mut Tape<T>, out: &mut [T]) {
        assert!(
            weights.len() >= self.leaves * batch,
            "weights must be [leaf][sample]"
        );
        assert!(
            out.len() >= self.outputs * batch,
            "outputs must be [output][sample]"
        );
        tape.truncated = false;
        tape.residual = 0.0;
        let weight = |sample: usize, leaf: usize| weights[leaf * batch + sample].to_f64();
        match &self.evaluation {
            Evaluation::Layers(layered) => match &self.bounds {
                None => blocks::forward(layered, weights, batch, tape, out),
                Some(bounds) => {
                    let [mut lower, mut upper] = std::mem::take(&mut tape.bounds);
                    lower.resize(bounds.lower.len() * batch, T::ZERO);
                    upper.resize(bounds.upper.len() * batch, T::ZERO);
                    let reads = &mut [
                        (&layered.outputs[..], out),
                        (&bounds.lower, &mut lower),
                        (&bounds.upper, &mut upper),
                    ];
                    blocks::forward_reading(layered, weights, batch, tape, reads);
                    tape.bounds = [lower, upper];
                }
            },
            Evaluation::Straight(straight) => {
                straight.forward(weights, batch, &mut tape.choices, out);
            }
            Evaluation::Cycles(solver) => {
                tape.residual = solver.forward(batch, &mut tape.solved, weight);
                for output in 0..self.outputs {
                    for sample in 0..batch {
                        let value = solver.output(batch, &tape.solved, sample, output);
                        out[output * batch + sample] = T::from_f64(value);
                    }
                }
            }
            Evaluation::Worlds(sampler) => {
                tape.call = sampler.forward(batch, &mut tape.sampled, weight);
                for (sample, sampled) in tape.sampled.iter().enumerate() {
                    for output in 0..self.outputs {
                        let value = sampler.estimate(sampled, output);
                        out[output * batch + sample] = T::from_f64(value);
                    }
                }
            }
            Evaluation::Proofs(engine) => {
                tape.truncated = engine.forward(batch, &mut tape.proofs, weight);
                for (sample, proofs) in tape.proofs.iter().enumerate() {
                    for (output, &value) in proofs.values.iter().enumerate() {
                        out[output * batch + sample] = T::from_f64(value);
                    }
                }
            }
        }
    }

    /// The gradient of the outputs, weighted by `grad_out` (`[output][sample]`), with respect to the weights;
    /// overwrites `grad_weights` (`[leaf][sample]`). `tape` must come from [`Circuit::forward`] on the same
    /// weights.
    ///
    /// # Panics
    /// If a slice is shorter than that.
    pub fn backward<T: Real>(
        &self,
        weights: &[T],
        batch: usize,
        tape: &mut Tape<T>,
        grad_out: &[T],
        grad_weights: &mut [T],
    ) {
        assert!(
            weights.len() >= self.leaves * batch,
            "weights must be [leaf][sample]"
        );
        assert!(
            grad_out.len() >= self.outputs * batch,
            "output gradients must be [output][sample]"
        );
        assert!(
            grad_weights.len() >= self.leaves * batch,
            "weight gradients must be [leaf][sample]"
        );
        let seed = |sample: usize, output: usize| grad_out[output * batch + sample].to_f64();
        match &self.evaluation {
            Evaluation::Layers(layered) => {
                blocks::backward(layered, weights, batch, tape, grad_out, grad_weights)
            }
            Evaluation::Straight(straight) => {
                straight.backward(batch, &tape.choices, grad_out, grad_weights);
            }
            Evaluation::Cycles(solver) => {
                solver.backward(batch, &mut tape.solved, seed);
                for leaf in 0..self.leaves {
                    for sample in 0..batch {
                        let slope = solver.gradient(batch, &tape.solved, sample, leaf);
                        grad_weights[leaf * batch + sample] = T::from_f64(slope);
                    }
                }
            }
            Evaluation::Worlds(sampler) => {
                sampler.backward(tape.call, &mut tape.sampled, seed);
                for (sample, sampled) in tape.sampled.iter().enumerate() {
                    for leaf in 0..self.leaves {
                        let slope = sampler.gradient(sampled, leaf);
                        grad_weights[leaf * batch + sample] = T::from_f64(slope);
                    }
                }
            }
            Evaluation::Proofs(engine) => {
                engine.backward(&mut tape.proofs, seed);
                for (sample, proofs) in tape.proofs.iter().enumerate() {
                    for (leaf, &slope) in proofs.gradient.iter().enumerate() {
                        grad_weights[leaf * batch + sample] = T::from_f64(slope);
                    }
                }
            }
        }
    }

    /// Lower and upper bounds of all outputs, as the last [`Circuit::forward`] of this batch on this tape left them;
    /// false, and nothing is written, if all are exact. `lower` and `upper` are `[output][sample]`.
    ///
    /// # Panics
    /// If a slice is shorter than that, or the tape is of another batch.
    pub fn bounds<T: Real>(
        &self,
        batch: usize,
        tape: &Tape<T>,
        lower: &mut [T],
        upper: &mut [T],
    ) -> bool {
        if self.bounds.is_none() || !matches!(self.evaluation, Evaluation::Layers(_)) {
            return false;
        }
        let size = self.outputs * batch;
        for (to, from) in [lower, upper].into_iter().zip(&tape.bounds) {
            to[..size].copy_from_slice(&from[..size]);
        }
        true
    }

    /// The intervals that contain the probabilities in 95 of 100 draws, after [`Circuit::forward`] under
    /// [`Inference::Sample`] on this tape; false, and nothing is written, under others. `lower` and `upper` are
    /// `[output][sample]`.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn intervals<T: Real>(&self, tape: &Tape<T>, lower: &mut [T], upper: &mut [T]) -> bool {
        let Evaluation::Worlds(sampler) = &self.evaluation else {
            return false;
        };
        let batch = tape.sampled.len();
        for (sample, sampled) in tape.sampled.iter().enumerate() {
            for output in 0..self.outputs {
                let [low, high] = sampler.interval(sampled, output);
                lower[output * batch + sample] = T::from_f64(low);
                upper[output * batch + sample] = T::from_f64(high);
            }
        }
        true
    }

    /// Which outputs are not exact but lie within [`Circuit::bounds`], by their position.
    pub fn open(&self) -> Vec<usize> {
        let bounds = self.bounds.iter();
        let open = bounds.flat_map(|b| b.lower.iter().zip(&b.upper).enumerate());
        open.filter(|(_, (lower, upper))| lower != upper)
            .map(|(output, _)| output)
            .collect()
    }

    /// The layers for a tensor back end, or `None` where evaluation is not one fixed pass.
    pub fn layers(&self) -> Option<&[Layer]> {
        self.layered().map(|layered| layered.layers.as_slice())
    }

    pub(crate) fn layered(&self) -> Option<&Layered> {
        match &self.evaluation {
            Evaluation::Layers(layered) => Some(layered),
            Evaluation::Straight(straight) => Some(straight.layered()),
            _ => None,
        }
    }

    /// The node of each output in the numbering of [`Circuit::layers`]; empty where there are no layers.
    pub fn output_nodes(&self) -> &[u32] {
        self.layered()
            .map_or(&[], |layered| layered.outputs.as_slice())
    }

    /// What the compilation did.
    pub fn report(&self) -> &Report {
        &self.report
    }
}
