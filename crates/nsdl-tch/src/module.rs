//! A compiled module over tensors.

use std::sync::{Mutex, PoisonError};

use nsdl::{Diagnostic, Error, LayerOp, Module, Schedule};
use tch::{Device, Kind, Tensor};

use crate::reduce::reduce;

/// The circuit of a module as tensor operations, differentiable any number of times.
pub struct TensorModule {
    schedule: Schedule,
    inputs: Vec<Input>,
    /// The first values of the parameters.
    initial: Vec<f64>,
    /// The schedule as tensors, for each device and kind that came up. (Tensors cannot be shared by threads.)
    plans: Mutex<Vec<Plan>>,
}

struct Input {
    name: String,
    width: i64,
    exclusive: bool,
}

struct Plan {
    device: Device,
    kind: Kind,
    /// The parameter of each row that has one.
    parameters: Tensor,
    /// What these are if the caller does not say.
    initial: Tensor,
    /// `[constants, 1]`
    constants: Tensor,
    steps: Vec<Step>,
    /// Rows of the columns of each output.
    outputs: Vec<Tensor>,
    /// Those of the probabilities of their evidence.
    given: Vec<Option<Tensor>>,
}

struct Step {
    keep: Option<Tensor>,
    reductions: Vec<Reduction>,
}

struct Reduction {
    op: LayerOp,
    nodes: i64,
    width: i64,
    left: i64,
    children: Tensor,
}

impl TensorModule {
    /// Takes over the circuit of a module.
    ///
    /// # Errors
    /// `E0828` for circuits that are not evaluated in one fixed pass: `topkproofs`, and cycles under `minmaxprob`
    /// and `addmultprob`.
    pub fn new(module: &Module) -> Result<Self, Error> {
        let schedule = module.schedule().ok_or_else(|| {
            Diagnostic::error("E0828", "this circuit is not evaluated in one fixed pass, so tensor operations cannot express it")
                .help("use the provenance exact")
        })?;
        let inputs = (0..module.inputs())
            .map(|i| Input {
                name: module.input_name(i).to_owned(),
                width: module.mapping(i).len() as i64,
                exclusive: module.is_exclusive(i),
            })
            .collect();
        let parameters = module.parameters().iter();
        Ok(Self {
            schedule,
            inputs,
            initial: parameters.map(|one| one.initial).collect(),
            plans: Mutex::default(),
        })
    }

    /// Computes the outputs, `[batch, m]` each, from the inputs, `[batch, n]` each, in the order of the module. The
    /// current values of its parameters, `[p]`, may follow them: see [`Learned`](crate::Learned).
    ///
    /// # Errors
    /// `E0824` to `E0827` for the wrong number of inputs, shapes, kinds other than `Float` and `Double`, and mixed
    /// devices. Values are not looked at; see [`TensorModule::check`].
    pub fn forward(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, Error> {
        let (batch, device, kind) = self.fit(inputs)?;
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        let known = plans
            .iter()
            .position(|plan| plan.device == device && plan.kind == kind);
        let at = known.unwrap_or_else(|| {
            plans.push(Plan::new(&self.schedule, &self.initial, device, kind));
            plans.len() - 1
        });
        Ok(plans
            .get(at)
            .map(|plan| plan.evaluate(inputs, self.inputs.len(), batch))
            .unwrap_or_default())
    }

    /// Checks the values of inputs as [`Module::forward`] does; waits for the device.
    ///
    /// # Errors
    /// `E0521` for NaN, `E0510` for values outside [0, 1], `E0511` for rows of exclusive inputs that sum to more than 1, and
    /// those of [`TensorModule::forward`].
    pub fn check(&self, inputs: &[&Tensor]) -> Result<(), Error> {
        const TOLERANCE: f64 = 1e-4;
        self.fit(inputs)?;
        // Parameters are probabilities by construction.
        for (input, values) in self.inputs.iter().zip(inputs) {
            let highest = if input.exclusive {
                1.0 + TOLERANCE
            } else {
                1.0
            };
            let inside = values.ge(0.0).logical_and(&values.le(highest));
            if !holds(&values.isnan().logical_not()) {
                let message = format!("input `{}` has a value that is NaN", input.name);
                return Err(Diagnostic::error("E0521", message).into());
            }
            if !holds(&inside) {
                let message = format!("input `{}` has a value outside [0, 1]", input.name);
                return Err(Diagnostic::error("E0510", message).into());
            }
            let sums = values.sum_dim_intlist([1i64].as_slice(), false, None::<Kind>);
            if input.exclusive && !holds(&sums.le(1.0 + TOLERANCE)) {
                let message = format!("a row of input `{}` sums to more than 1", input.name);
                return Err(Diagnostic::error("E0511", message).into());
            }
        }
        Ok(())
    }

    /// Batch, device and kind of the inputs, if they fit the module and each other.
    fn fit(&self, inputs: &[&Tensor]) -> Result<(i64, Device, Kind), Error> {
        let error = |code, message: String| Err(Diagnostic::error(code, message).into());
        let more = inputs.len().checked_sub(self.inputs.len());
        let fits = match more {
            Some(0) => true,
            Some(1) => !self.initial.is_empty(),
            _ => false,
        };
        let Some(first) = inputs.first().filter(|_| fits) else {
            return error(
                "E0824",
                format!(
                    "{} inputs given, {} expected",
                    inputs.len(),
                    self.inputs.len()
                ),
            );
        };
        let (device, kind) = (first.device(), first.kind());
        let batch = match self.inputs.is_empty() {
            true => 1,
            false => first.size().first().copied().unwrap_or_default(),
        };
        if let Some(parameters) = inputs.get(self.inputs.len())
            && (parameters.size() != [self.initial.len() as i64]
                || parameters.kind() != kind
                || parameters.device() != device
                || !matches!(kind, Kind::Float | Kind::Double))
        {
            return error(
                "E0825",
                format!(
                    "the parameters are {:?} {:?} on {:?} instead of {} on the device of the inputs",
                    parameters.kind(),
                    parameters.size(),
                    parameters.device(),
                    self.initial.len()
                ),
            );
        }
        for (input, tensor) in self.inputs.iter().zip(inputs) {
            let (name, size) = (&input.name, tensor.size());
            if size != [batch, input.width] {
                return error(
                    "E0825",
                    format!(
                        "input `{name}` has shape {size:?} instead of [{batch}, {}]",
                        input.width
                    ),
                );
            }
            if tensor.kind() != kind || !matches!(kind, Kind::Float | Kind::Double) {
                return error(
                    "E0826",
                    format!(
                        "input `{name}` is of kind {:?}: all must be Float, or all Double",
                        tensor.kind()
                    ),
                );
            }
            if tensor.device() != device {
                return error(
                    "E0827",
                    format!(
                        "input `{name}` is on {:?}, an earlier input on {device:?}",
                        tensor.device()
                    ),
                );
            }
        }
        Ok((batch, device, kind))
    }
}

impl Plan {
    fn new(schedule: &Schedule, initial: &[f64], device: Device, kind: Kind) -> Self {
        let index = |rows: &[u32]| {
            let rows: Vec<i64> = rows.iter().map(|&row| row.into()).collect();
            Tensor::from_slice(&rows).to_device(device)
        };
        let steps = schedule.steps.iter().map(|step| Step {
            keep: step.keep.as_deref().map(index),
            reductions: step
                .reductions
                .iter()
                .map(|reduction| Reduction {
                    op: reduction.op,
                    nodes: (reduction.children.len() / reduction.width) as i64,
                    width: reduction.width as i64,
                    left: reduction.left as i64,
                    children: index(&reduction.children),
                })
                .collect(),
        });
        Self {
            device,
            kind,
            parameters: index(&schedule.parameters),
            initial: Tensor::from_slice(initial).to_kind(kind).to_device(device),
            constants: Tensor::from_slice(&schedule.constants)
                .to_kind(kind)
                .to_device(device)
                .unsqueeze(1),
            steps: steps.collect(),
            outputs: schedule.outputs.iter().map(|rows| index(rows)).collect(),
            given: schedule
                .given
                .iter()
                .map(|rows| (!rows.is_empty()).then(|| index(rows)))
                .collect(),
        }
    }

    /// `width` is the number of inputs.
    fn evaluate(&self, inputs: &[&Tensor], width: usize, batch: i64) -> Vec<Tensor> {
        let constants = self.constants.expand([-1, batch], false);
        let (inputs, learned) = inputs.split_at(width.min(inputs.len()));
        let learned = learned.first().copied().unwrap_or(&self.initial);
        let learned = learned.index_select(0, &self.parameters);
        let learned = learned.unsqueeze(1).expand([-1, batch], false);
        let rows: Vec<Tensor> = inputs
            .iter()
            .map(|input| input.tr())
            .chain([learned, constants])
            .collect();
        let mut frontier = Tensor::cat(&rows, 0);
        for step in &self.steps {
            let results = step.reductions.iter().map(|reduction| {
                let children = frontier.index_select(0, &reduction.children);
                reduce(
                    reduction.op,
                    children.view([reduction.nodes, reduction.width, batch]),
                    reduction.left,
                )
            });
            let mut rows: Vec<Tensor> = results.collect();
            rows.insert(
                0,
                match &step.keep {
                    Some(keep) => frontier.index_select(0, keep),
                    None => frontier.shallow_clone(),
                },
            );
            frontier = Tensor::cat(&rows, 0);
        }
        let rows = |rows: &Tensor| frontier.index_select(0, rows).tr();
        self.outputs
            .iter()
            .zip(&self.given)
            .map(|(output, given)| match given {
                Some(given) => quotient(&rows(output), &rows(given)),
                None => rows(output),
            })
            .collect()
    }
}

/// Conditional probabilities: NaN with gradient 0 where the evidence is impossible.
fn quotient(joint: &Tensor, evidence: &Tensor) -> Tensor {
    let possible = evidence.gt(0.0);
    let share = evidence.where_self(&possible, &evidence.ones_like());
    let quotient = joint / share;
    quotient.where_self(&possible, &joint.full_like(f64::NAN))
}

/// Whether all elements are true.
fn holds(conditions: &Tensor) -> bool {
    conditions.all().int64_value(&[]) != 0
}
