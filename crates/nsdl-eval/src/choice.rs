//! The weights of tagged rules.

use nsdl_ir::{Choice, Diagnostic, Expr, Plan, Span, Symbols, Word};

use crate::expr::{Checked, Sites};
use crate::failure::Failures;

/// By how much the weights of a choice may exceed 1 (SEMANTICS 2).
pub(crate) const TOLERANCE: f64 = 1e-9;

/// The weights of the alternatives of a choice.
#[derive(Debug)]
pub(crate) struct Weights {
    span: Span,
    weights: Vec<Checked>,
    shares: bool,
}

impl Weights {
    pub(crate) fn new(plan: &Plan, number: usize, choice: &Choice, sites: &mut Sites) -> Self {
        let mut rules = plan.rules.iter();
        let first = rules.find(|rule| {
            rule.tag
                .is_some_and(|tag| tag.choice.index() == number && tag.alternative == 0)
        });
        let first = first.or(plan.rules.first());
        // The rules of a choice share their slots: its weights are expressions of the first.
        let span = first.map_or(choice.span, |rule| rule.span);
        let weights = choice.weights.iter();
        Self {
            span: choice.span,
            weights: weights.map(|weight| sites.compile(span, weight)).collect(),
            shares: choice.shares,
        }
    }

    /// Whether they are the same for every binding, and can be weights.
    pub(crate) fn are_constant(choice: &Choice) -> bool {
        let weights = choice.weights.iter().map(|weight| match weight {
            Expr::Const(word) => f64::from_bits(*word),
            _ => f64::NAN,
        });
        let valid = |weight: f64| (0.0..=1.0).contains(&weight);
        weights.clone().all(valid) && weights.sum::<f64>() <= 1.0 + TOLERANCE
    }

    /// The weights under these slots. `None` if one cannot be computed, which is counted. With `any_number` they
    /// need not be probabilities, and NaN stands for an equal share.
    pub(crate) fn weigh(
        &self,
        slots: &[Word],
        symbols: &Symbols,
        any_number: bool,
        failures: &mut Failures,
    ) -> Result<Option<Vec<f64>>, Diagnostic> {
        if any_number && self.shares {
            return Ok(Some(vec![f64::NAN; self.weights.len()]));
        }
        let mut weights = Vec::with_capacity(self.weights.len());
        for weight in &self.weights {
            let Some(word) = weight.eval(slots, symbols, failures) else {
                return Ok(None);
            };
            let weight = f64::from_bits(word);
            if !any_number && !(0.0..=1.0).contains(&weight) {
                return Err(Diagnostic::error(
                    "E0510",
                    format!("this rule is given the probability {weight}"),
                )
                .label(self.span, "must be between 0 and 1 for every binding")
                .help(
                    "scale or clamp the probability, or leave out bindings for which it has none",
                ));
            }
            weights.push(weight);
        }
        let sum: f64 = weights.iter().sum();
        if !any_number && sum > 1.0 + TOLERANCE {
            return Err(Diagnostic::error(
                "E0511",
                format!("the probabilities of these alternatives sum to {sum}"),
            )
            .label(self.span, "must sum to at most 1 for every binding")
            .help("divide them by their sum"));
        }
        Ok(Some(weights))
    }
}
