//! The probabilities to learn of a module: `?0.3::` in its program.

use nsdl_circuit::Real;
use nsdl_ir::{Diagnostic, LeafId, LeafSource, Learned, LearnedSet, Plan, Span, Trace};
use rustc_hash::FxHashMap;

use super::Module;

/// So many significant digits of a learned probability are written.
const DIGITS: usize = 7;

/// Nearer to 0 and 1 a probability could not be learned further.
const LEAST: f64 = 1e-9;

impl Module {
    /// The probabilities to learn, in order of appearance: what they are of, where their tags are, and the values to
    /// begin with. Every binding of a rule, and every rule that `or` splits it into, shares one.
    pub fn parameters(&self) -> &[Learned] {
        &self.plan.learning.parameters
    }

    /// The statements that have probabilities to learn, each with a range of [`Module::parameters`].
    pub fn parameter_sets(&self) -> &[LearnedSet] {
        &self.plan.learning.sets
    }

    /// For each leaf, the number of its parameter.
    pub fn learned_leaves(&self) -> &[Option<u32>] {
        &self.learned
    }

    /// Writes the probabilities to learn in a source text, by its name in messages, as they are now: as `?0.3`, to be
    /// learned further, or else as plain tags. `None` if there is no such text, or for another number of values.
    ///
    /// They have seven digits. Of an exclusive set that sums to 1 the greatest takes up the rounding.
    pub fn learned_text(&self, name: &str, values: &[f64], further: bool) -> Option<String> {
        if values.len() != self.parameters().len() {
            return None;
        }
        let values = self.rounded(values, further);
        let mut edits: Vec<(Span, String)> = Vec::new();
        for (parameter, value) in self.parameters().iter().zip(values) {
            let mark = if further { "?" } else { "" };
            let text = nsdl_ir::format_float(value, true);
            edits.push((parameter.span, format!("{mark}{text}")));
        }
        self.texts.edited(name, &edits)
    }

    fn rounded(&self, values: &[f64], further: bool) -> Vec<f64> {
        let least = if further { LEAST } else { 0.0 };
        let round = |value: &f64| {
            let rounded: f64 = format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(*value);
            rounded.clamp(least, 1.0 - least)
        };
        let mut rounded: Vec<f64> = values.iter().map(round).collect();
        for set in self.parameter_sets() {
            let Some(exclusive) = set.exclusive else {
                continue;
            };
            let Some(members) = rounded.get_mut(set.start as usize..set.end as usize) else {
                continue;
            };
            let sum: f64 = members.iter().sum();
            let greatest = members.iter_mut().max_by(|a, b| a.total_cmp(b));
            if let Some(greatest) = greatest
                && (!exclusive.open || sum > exclusive.total)
            {
                *greatest = (*greatest + exclusive.total - sum).max(least);
            }
        }
        rounded
    }

    /// `E0510` for the first value that is no probability.
    pub(super) fn check_values<T: Real>(&self, parameters: &[T]) -> Result<(), Diagnostic> {
        let mut values = self.parameters().iter().zip(parameters);
        let bad = values.find(|(_, value)| !(T::ZERO..=T::ONE).contains(*value));
        match bad {
            None => Ok(()),
            Some((parameter, value)) => Err(Diagnostic::error(
                "E0510",
                format!("the parameter `{}` is {}", parameter.name, value.to_f64()),
            )
            .label(parameter.span, "must be between 0 and 1")
            .help("keep its logit, and pass the sigmoid of that")),
        }
    }

    /// Puts what each parameter has in the places of its leaves, `[leaf][sample]`.
    pub(super) fn weigh<T: Real>(&self, parameters: &[T], batch: usize, rows: &mut [T]) {
        for (leaf, learned) in self.learned.iter().enumerate() {
            let value = learned.and_then(|learned| parameters.get(learned as usize));
            let row = rows.get_mut(leaf * batch..(leaf + 1) * batch);
            if let (Some(value), Some(row)) = (value, row) {
                row.fill(*value);
            }
        }
    }

    /// The gradients of the parameters from those of leaves, `[leaf][sample]`: sums over the batch and over all their leaves.
    pub(super) fn weigh_backward<T: Real>(&self, rows: &[T], batch: usize, gradients: &mut [T]) {
        let mut sums = vec![0.0; gradients.len()];
        for (leaf, learned) in self.learned.iter().enumerate() {
            let sum = learned.and_then(|learned| sums.get_mut(learned as usize));
            let row = rows.get(leaf * batch..(leaf + 1) * batch);
            if let (Some(sum), Some(row)) = (sum, row) {
                *sum += row.iter().map(|slope| slope.to_f64()).sum::<f64>();
            }
        }
        for (gradient, sum) in gradients.iter_mut().zip(sums) {
            *gradient = T::from_f64(sum);
        }
    }
}

/// For each leaf of a trace, the number of its parameter.
pub(super) fn learned(plan: &Plan, trace: &Trace) -> Vec<Option<u32>> {
    if plan.learning.parameters.is_empty() {
        return vec![None; trace.leaves.len()];
    }
    let mut known: FxHashMap<LeafSource, Option<u32>> = FxHashMap::default();
    let leaves = trace.leaves.iter();
    leaves
        .map(|leaf| {
            let entry = known.entry(leaf.source);
            *entry.or_insert_with(|| plan.learned(leaf.source))
        })
        .collect()
}

/// The leaves that have parameters, with these.
pub(crate) fn places(learned: &[Option<u32>]) -> impl Iterator<Item = (LeafId, u32)> {
    let leaves = learned.iter().enumerate();
    leaves.filter_map(|(leaf, learned)| Some((LeafId::new(leaf), (*learned)?)))
}
