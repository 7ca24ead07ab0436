//! What belongs to the samples of one shape, taken out of a batch and put back.

use super::arrange::{Arrangement, Part};

/// Makes `rows` those of the samples of a part: of inputs, and of the facts of open relations.
pub(super) fn gather_inputs<T: Copy>(
    arrangement: &Arrangement,
    part: &Part,
    widths: &[usize],
    [inputs, facts]: [&[&[T]]; 2],
    rows: &mut Vec<Vec<T>>,
) {
    rows.resize_with(inputs.len() + facts.len(), Vec::new);
    let (to_inputs, to_facts) = rows.split_at_mut(inputs.len());
    for ((to, from), &width) in to_inputs.iter_mut().zip(inputs).zip(widths) {
        let samples = part.samples.iter();
        gather(to, from, samples.map(|&s| s * width..(s + 1) * width));
    }
    for ((to, from), (_, offsets)) in to_facts.iter_mut().zip(facts).zip(&arrangement.ragged) {
        gather(to, from, part.samples.iter().map(|&s| between(offsets, s)));
    }
}

/// Puts the rows of a part, as of [`gather_inputs`], in their places.
pub(super) fn scatter_inputs<T: Copy>(
    arrangement: &Arrangement,
    part: &Part,
    widths: &[usize],
    rows: &[Vec<T>],
    inputs: &mut [&mut [T]],
    facts: &mut [&mut [T]],
) {
    let (from_inputs, from_facts) = rows.split_at_checked(inputs.len()).unwrap_or_default();
    for ((to, from), &width) in inputs.iter_mut().zip(from_inputs).zip(widths) {
        let samples = part.samples.iter();
        scatter(to, from, samples.map(|&s| s * width..(s + 1) * width));
    }
    for ((to, from), (_, offsets)) in facts.iter_mut().zip(from_facts).zip(&arrangement.ragged) {
        scatter(to, from, part.samples.iter().map(|&s| between(offsets, s)));
    }
}

/// Makes `rows` what the samples of a part have of outputs.
pub(super) fn gather_outputs<T: Copy>(
    arrangement: &Arrangement,
    part: &Part,
    outputs: &[&[T]],
    rows: &mut [Vec<T>],
) {
    let sources = outputs.iter().zip(&arrangement.answers);
    for (to, (from, offsets)) in rows.iter_mut().zip(sources) {
        gather(to, from, part.samples.iter().map(|&s| between(offsets, s)));
    }
}

/// Puts what a part has of outputs in its places.
pub(super) fn scatter_outputs<T: Copy>(
    arrangement: &Arrangement,
    part: &Part,
    rows: &[Vec<T>],
    outputs: &mut [&mut [T]],
) {
    for ((to, from), offsets) in outputs.iter_mut().zip(rows).zip(&arrangement.answers) {
        scatter(to, from, part.samples.iter().map(|&s| between(offsets, s)));
    }
}

fn between(offsets: &[usize], sample: usize) -> std::ops::Range<usize> {
    let at = |place: usize| offsets.get(place).copied().unwrap_or_default();
    at(sample)..at(sample + 1)
}

/// Makes `to` the ranges of `from`, one after the other.
fn gather<T: Copy>(
    to: &mut Vec<T>,
    from: &[T],
    ranges: impl Iterator<Item = std::ops::Range<usize>>,
) {
    to.clear();
    for range in ranges {
        to.extend_from_slice(from.get(range).unwrap_or_default());
    }
}

/// Cuts `from` into the ranges of `to`.
fn scatter<T: Copy>(
    to: &mut [T],
    from: &[T],
    ranges: impl Iterator<Item = std::ops::Range<usize>>,
) {
    let mut rest = from;
    for range in ranges {
        let n = range.len();
        if let (Some(to), Some((from, more))) = (to.get_mut(range), rest.split_at_checked(n)) {
            to.copy_from_slice(from);
            rest = more;
        }
    }
}
