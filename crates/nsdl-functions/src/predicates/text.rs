//! `string_chars string_index string_find string_split`: positions count characters.

use nsdl_ir::Value;

use super::none;
use crate::{Answer, Answers, Question};

/// Each character with its position.
pub(super) fn chars(question: Question<'_>) -> Answers<'_> {
    match question.inputs {
        [Value::String(text)] => {
            let characters = text.chars().enumerate();
            Box::new(characters.map(|(i, c)| {
                Ok(Answer::certain(vec![
                    Value::Usize(i as u64),
                    Value::Char(c),
                ]))
            }))
        }
        [Value::String(text), Value::Usize(i)] => {
            let c = usize::try_from(*i).ok().and_then(|i| text.chars().nth(i));
            Box::new(
                c.map(|c| Ok(Answer::certain(vec![Value::Char(c)])))
                    .into_iter(),
            )
        }
        _ => none(),
    }
}

/// Each position.
pub(super) fn index(question: Question<'_>) -> Answers<'_> {
    match question.inputs {
        [Value::String(text)] => {
            let positions = 0..text.chars().count() as u64;
            Box::new(positions.map(|i| Ok(Answer::certain(vec![Value::Usize(i)]))))
        }
        [Value::String(text), Value::Usize(i)] => {
            let inside = *i < text.chars().count() as u64;
            Box::new(inside.then(|| Ok(Answer::certain(Vec::new()))).into_iter())
        }
        _ => none(),
    }
}

/// Where the second text begins and ends in the first one: occurrences from left to right that do not overlap.
pub(super) fn find(question: Question<'_>) -> Answers<'_> {
    let [Value::String(text), Value::String(part)] = question.inputs else {
        return none();
    };
    let length = part.chars().count() as u64;
    // Counting on from the occurrence before keeps it linear.
    let (mut bytes, mut characters) = (0, 0);
    Box::new(text.match_indices(&**part).map(move |(at, _)| {
        let skipped = text.get(bytes..at).unwrap_or_default();
        (bytes, characters) = (at, characters + skipped.chars().count() as u64);
        let (begin, end) = (characters, characters + length);
        Ok(Answer::certain(vec![
            Value::Usize(begin),
            Value::Usize(end),
        ]))
    }))
}

/// The parts between the separators; equal ones once, as everywhere.
pub(super) fn split(question: Question<'_>) -> Answers<'_> {
    let [Value::String(text), Value::String(separator)] = question.inputs else {
        return none();
    };
    let parts = text.split(&**separator);
    Box::new(parts.map(|part| Ok(Answer::certain(vec![Value::String(part.into())]))))
}
