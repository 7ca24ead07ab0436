//! `range float_eq soft_eq soft_neq soft_gt soft_lt`.

use nsdl_ir::{Tensor, Type, Value};

use super::none;
use crate::{Answer, AnswerTag, Answers, Question, cast};

/// From `begin` up to, without, `end`.
pub(super) fn range(question: Question<'_>) -> Answers<'_> {
    let (begin, end, ty) = match question.inputs {
        [begin, end, i] => {
            let inside = begin <= i && i < end;
            return holds(inside);
        }
        [begin, end] => (begin, end, begin.ty()),
        _ => return none(),
    };
    if let (Value::U128(begin), Value::U128(end)) = (begin, end) {
        let values = (*begin..*end).map(|i| Ok(Answer::certain(vec![Value::U128(i)])));
        return Box::new(values);
    }
    let (Some(begin), Some(end)) = (begin.as_i128(), end.as_i128()) else {
        return none();
    };
    let values = (begin..end).filter_map(move |i| Value::from_i128(i, ty));
    Box::new(values.map(|i| Ok(Answer::certain(vec![i]))))
}

/// Closer than this, floats are equal for `float_eq`.
const TOLERANCE: f64 = 0.001;

pub(super) fn float_eq(question: Question<'_>) -> Answers<'_> {
    match difference(question) {
        Some(difference) => holds(difference.abs() < TOLERANCE),
        None => none(),
    }
}

/// sech((x − y) / 2) of numbers, half of 1 + cos ∠(x, y) of tensors: 1 where they are equal.
pub(super) fn soft_eq(question: Question<'_>) -> Answers<'_> {
    probability(equality(question))
}

/// 1 − `soft_eq`
pub(super) fn soft_neq(question: Question<'_>) -> Answers<'_> {
    probability(equality(question).map(|equality| 1.0 - equality))
}

fn equality(question: Question<'_>) -> Option<f64> {
    match question.inputs {
        [Value::Tensor(x), Value::Tensor(y)] => cosine(x, y).map(|cosine| (1.0 + cosine) / 2.0),
        _ => difference(question).map(sech),
    }
}

/// Of the angle between two tensors as vectors, in [-1, 1]; `None` if their shapes differ or one is zero.
fn cosine(x: &Tensor, y: &Tensor) -> Option<f64> {
    if x.shape() != y.shape() {
        return None;
    }
    let dot = |x: &Tensor, y: &Tensor| -> f64 {
        std::iter::zip(x.data(), y.data()).map(|(a, b)| a * b).sum()
    };
    let cosine = dot(x, y) / (dot(x, x).sqrt() * dot(y, y).sqrt());
    cosine.is_finite().then(|| cosine.clamp(-1.0, 1.0))
}

/// 1 / (1 + e^(y − x))
pub(super) fn soft_gt(question: Question<'_>) -> Answers<'_> {
    probability(difference(question).map(logistic))
}

/// 1 / (1 + e^(x − y))
pub(super) fn soft_lt(question: Question<'_>) -> Answers<'_> {
    probability(difference(question).map(|difference| logistic(-difference)))
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn sech(x: f64) -> f64 {
    1.0 / (x / 2.0).cosh()
}

/// x − y as an `f64`; 0 for equal infinities.
fn difference(question: Question<'_>) -> Option<f64> {
    let number = |value: &Value| match cast(value, Type::F64) {
        Ok(Value::F64(value)) => Some(value),
        _ => None,
    };
    match question.inputs {
        [x, y] if x == y => Some(0.0),
        [x, y] => Some(number(x)? - number(y)?),
        _ => None,
    }
}

fn probability<'a>(probability: Option<f64>) -> Answers<'a> {
    let answer = probability.map(|probability| {
        Ok(Answer {
            tag: AnswerTag::Probability(probability),
            outputs: Vec::new(),
        })
    });
    Box::new(answer.into_iter())
}

/// One result without outputs, or none.
fn holds<'a>(holds: bool) -> Answers<'a> {
    Box::new(holds.then(|| Ok(Answer::certain(Vec::new()))).into_iter())
}
