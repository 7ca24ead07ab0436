//! The probabilities to learn of a module, `?0.3::` in its program, as variables of a [`VarStore`](tch::nn::VarStore).

use nsdl::{Exclusive, Module};
use tch::nn::Path;
use tch::{Device, Kind, Tensor};

/// One variable of logits per statement: of probabilities, or of the shares of an exclusive set. Every real value is
/// a probability. An exclusive set that sums to 1 goes on doing so; in any other, "none of them" is an alternative
/// more, of logit 0.
#[derive(Debug)]
pub struct Learned {
    sets: Vec<(Tensor, Option<Exclusive>)>,
}

impl Learned {
    /// Adds the variables, named like `rule.reach`, with the values that the program begins with.
    pub fn new(path: &Path<'_>, module: &Module) -> Self {
        let parameters = module.parameters();
        let sets = module.parameter_sets().iter().map(|set| {
            let members = parameters.get(set.start as usize..set.end as usize);
            let members = members.unwrap_or_default().iter();
            let values: Vec<f64> = members.map(|one| one.initial).collect();
            let rest = set.exclusive.map(|it| match it.open {
                true => it.total - values.iter().sum::<f64>(),
                false => it.total,
            });
            let logit = |value: &f64| (value / rest.unwrap_or(1.0 - value)).ln();
            let logits: Vec<f64> = values.iter().map(logit).collect();
            let (kind, relation) = set.name.split_once('.').unwrap_or(("rule", &set.name));
            let logits = Tensor::from_slice(&logits).to_kind(path.kind());
            let variable = (path / kind).var_copy(relation, &logits);
            (variable, set.exclusive)
        });
        Self {
            sets: sets.collect(),
        }
    }

    /// The current probabilities, `[p]`, in the order of [`Module::parameters`]: what
    /// [`TensorModule::forward`](crate::TensorModule::forward) takes behind the inputs.
    pub fn probabilities(&self) -> Tensor {
        if self.sets.is_empty() {
            return Tensor::zeros([0], (Kind::Float, Device::Cpu));
        }
        let parts = self.sets.iter().map(|(logits, exclusive)| match exclusive {
            None => logits.sigmoid(),
            Some(Exclusive { total, open: false }) => logits.softmax(0, None::<Kind>) * *total,
            Some(Exclusive { total, open: true }) => {
                let none = logits.zeros_like().narrow(0, 0, 1);
                let all = Tensor::cat(&[logits, &none], 0).softmax(0, None::<Kind>) * *total;
                all.narrow(0, 0, logits.size().first().copied().unwrap_or_default())
            }
        });
        Tensor::cat(&parts.collect::<Vec<_>>(), 0)
    }
}
