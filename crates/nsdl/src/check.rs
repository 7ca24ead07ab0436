//! Checks of the numbers that a module is called with (SEMANTICS.md 2).

use nsdl_circuit::Real;
use nsdl_ir::{Diagnostic, Value};

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
