//! `datetime_ymd date_ymd tensor_shape new_tag_variable`.

use nsdl_ir::{DateTime, Value};

use super::none;
use crate::{Answer, AnswerTag, Answers, Question};

/// Year, month and day of an instant, in UTC.
pub(super) fn datetime_ymd(question: Question<'_>) -> Answers<'_> {
    match question.inputs {
        [Value::DateTime(instant)] => Box::new(ymd(*instant).into_iter()),
        _ => none(),
    }
}

/// A day, as the instant it begins in UTC, and its year, month and day.
pub(super) fn date_ymd(question: Question<'_>) -> Answers<'_> {
    match question.inputs {
        [Value::DateTime(instant)] if *instant == midnight(*instant) => {
            Box::new(ymd(*instant).into_iter())
        }
        [Value::I32(year), Value::U32(month), Value::U32(day)] => {
            let date = (0..=9999)
                .contains(year)
                .then(|| DateTime::parse(&format!("{year:04}-{month:02}-{day:02}")));
            let date = date.flatten().map(|date| vec![Value::DateTime(date)]);
            Box::new(date.map(|date| Ok(Answer::certain(date))).into_iter())
        }
        _ => none(),
    }
}

fn midnight(instant: DateTime) -> DateTime {
    const DAY: i64 = 24 * 60 * 60 * 1_000_000;
    DateTime {
        microseconds: instant.microseconds - instant.microseconds.rem_euclid(DAY),
    }
}

fn ymd(instant: DateTime) -> Option<Result<Answer, String>> {
    let civil = instant.civil()?;
    Some(Ok(Answer::certain(vec![
        Value::I32(civil.year().into()),
        Value::U32(civil.month().unsigned_abs().into()),
        Value::U32(civil.day().unsigned_abs().into()),
    ])))
}

/// The size in each dimension.
pub(super) fn tensor_shape(question: Question<'_>) -> Answers<'_> {
    let size = |size: usize| Value::I64(i64::try_from(size).unwrap_or(i64::MAX));
    match question.inputs {
        [Value::Tensor(tensor)] => {
            let sizes = tensor.shape().iter().enumerate();
            Box::new(sizes.map(move |(dim, it)| {
                Ok(Answer::certain(vec![Value::Usize(dim as u64), size(*it)]))
            }))
        }
        [Value::Tensor(tensor), Value::Usize(dim)] => {
            let dim = usize::try_from(*dim).ok();
            let found = dim.and_then(|dim| tensor.shape().get(dim));
            let answer = found.map(|it| Ok(Answer::certain(vec![size(*it)])));
            Box::new(answer.into_iter())
        }
        _ => none(),
    }
}

/// A new variable that always holds: it changes no probability, and shows in proofs.
pub(super) fn new_variable(_: Question<'_>) -> Answers<'_> {
    Box::new(std::iter::once(Ok(Answer {
        tag: AnswerTag::Probability(1.0),
        outputs: Vec::new(),
    })))
}
