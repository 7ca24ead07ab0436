//! Checks of the numbers that a module is called with (SEMANTICS.md 2).

use nsdl_circuit::Real;
use nsdl_ir::{Diagnostic, Value};
use rustc_hash::FxHashMap;

use crate::batch::SUM_TOLERANCE;
use crate::print::format_tuple;

/// Checks the rows of an input: values in [0, 1], and, of an exclusive input, sums of at most 1 with a tolerance.
///
/// A single value of an exclusive row may exceed 1 by as much as its sum may: the exponential of a log-softmax does.
pub(crate) fn check_input<T: Real>(
    relation: &str,
    mapping: &[Vec<Value>],
    exclusive: bool,
    values: &[T],
) -> Result<(), Diagnostic> {
    if mapping.is_empty() {
        return Ok(());
    }
    let highest = if exclusive { 1.0 + SUM_TOLERANCE } else { 1.0 };
    for (sample, row) in values.chunks_exact(mapping.len()).enumerate() {
        let mut sum = 0.0;
        let mut fine = true;
        for value in row {
            let value = value.to_f64();
            fine &= (0.0..=highest).contains(&value);
            sum += value;
        }
        if !fine {
            return Err(bad_value(relation, mapping, sample, row, highest));
        }
        if exclusive && sum > 1.0 + SUM_TOLERANCE {
            return Err(Diagnostic::error(
                "E0511",
                format!("sample {sample} of input `{relation}` sums to {sum}, above 1"),
            )
            .note("each row is one categorical variable over the mapping")
            .help(
                "normalise the rows, for example by a softmax, or declare the input as independent",
            ));
        }
    }
    Ok(())
}

/// Checks the probabilities of facts that each sample has its own of: values in [0, 1], sums of exclusive groups of
/// at most 1 with a tolerance.
pub(crate) fn check_ragged<T: Real>(
    relation: &str,
    offsets: &[usize],
    groups: Option<&[i64]>,
    values: &[T],
) -> Result<(), Diagnostic> {
    let highest = 1.0 + SUM_TOLERANCE;
    let place = |fact: usize| {
        let sample = offsets
            .partition_point(|&from| from <= fact)
            .saturating_sub(1);
        let first = offsets.get(sample).copied().unwrap_or_default();
        format!("sample {sample}, fact {} of `{relation}`", fact - first)
    };
    for (fact, value) in values.iter().enumerate() {
        let value = value.to_f64();
        let group = groups.and_then(|groups| groups.get(fact)).copied();
        let limit = if group.is_some_and(|group| group >= 0) {
            highest
        } else {
            1.0
        };
        if value.is_nan() {
            let message = format!("{}, has a probability that is NaN", place(fact));
            return Err(Diagnostic::error("E0521", message));
        }
        if !(0.0..=limit).contains(&value) {
            let message = format!(
                "{}, has the probability {value}, outside [0, 1]",
                place(fact)
            );
            return Err(Diagnostic::error("E0510", message)
                .help("apply a softmax or a sigmoid to logits first"));
        }
    }
    let Some(groups) = groups else {
        return Ok(());
    };
    let mut sums: FxHashMap<i64, f64> = FxHashMap::default();
    for pair in offsets.windows(2) {
        let &[from, to] = pair else {
            continue;
        };
        sums.clear();
        let members = groups.get(from..to).unwrap_or_default();
        let values = values.get(from..to).unwrap_or_default();
        for (i, (&group, value)) in members.iter().zip(values).enumerate() {
            let sum = sums.entry(group).or_default();
            *sum += value.to_f64();
            if group >= 0 && *sum > highest {
                let message = format!(
                    "the exclusive group of {}, sums to more than 1",
                    place(from + i)
                );
                return Err(Diagnostic::error("E0511", message)
                    .help("at most one of its facts holds in a world: normalise them, or leave the group out"));
            }
        }
    }
    Ok(())
}

fn bad_value<T: Real>(
    relation: &str,
    mapping: &[Vec<Value>],
    sample: usize,
    row: &[T],
    highest: f64,
) -> Diagnostic {
    let bad = row
        .iter()
        .zip(mapping)
        .enumerate()
        .find(|(_, (v, _))| !(0.0..=highest).contains(&v.to_f64()));
    let Some((column, (value, tuple))) = bad else {
        return Diagnostic::error(
            "E0510",
            format!("sample {sample} of input `{relation}` is no probability"),
        );
    };
    let place = format!(
        "sample {sample}, column {column} of input `{relation}`, for {}",
        format_tuple(tuple)
    );
    match value.to_f64() {
        v if v.is_nan() => Diagnostic::error("E0521", format!("{place}, is NaN")),
        v => Diagnostic::error("E0510", format!("{place}, is {v}, outside [0, 1]"))
            .help("inputs are probabilities: apply a softmax or a sigmoid to logits first"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(exclusive: bool, values: &[f32]) -> Option<&'static str> {
        let mapping = [vec![Value::I32(0)], vec![Value::I32(1)]];
        check_input("r", &mapping, exclusive, values)
            .err()
            .map(|d| d.code)
    }

    #[test]
    fn values_and_sums_are_checked() {
        assert_eq!(code(true, &[0.5, 0.5, 1.0, 0.0]), None);
        assert_eq!(code(false, &[1.0, 1.0]), None);
        assert_eq!(code(true, &[1.000_01, 0.0]), None);
        assert_eq!(code(false, &[1.000_01, 0.0]), Some("E0510"));
        assert_eq!(code(true, &[0.0, 1.0, 0.6, 0.5]), Some("E0511"));
        assert_eq!(code(true, &[-0.1, 0.5]), Some("E0510"));
        assert_eq!(code(false, &[f32::NAN, 0.5]), Some("E0521"));
        assert_eq!(code(false, &[f32::INFINITY, 0.5]), Some("E0510"));
    }

    #[test]
    fn messages_name_sample_and_column() {
        let mapping = [vec![Value::I32(7)], vec![Value::I32(8)]];
        let d = check_input("digit", &mapping, true, &[0.1, 0.2, 0.3, 1.5]).unwrap_err();
        assert!(
            d.message
                .contains("sample 1, column 1 of input `digit`, for (8)"),
            "{}",
            d.message
        );
    }
}
