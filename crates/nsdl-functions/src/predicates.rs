//! The built-in predicates: each a row of a table, with its implementation in a file of its kind.

mod number;
mod other;
mod text;

use std::sync::Arc;

use nsdl_ir::{Predicate, Tagging};

use crate::{Answers, ForeignPredicate, Question};

/// A built-in predicate.
struct BuiltIn {
    signature: &'static Predicate,
    evaluate: for<'a> fn(Question<'a>) -> Answers<'a>,
}

impl ForeignPredicate for BuiltIn {
    fn signature(&self) -> &'static Predicate {
        self.signature
    }

    fn evaluate<'a>(&'a self, question: Question<'a>) -> Answers<'a> {
        (self.evaluate)(question)
    }
}

/// A row of the table: columns, further modes, what kind of results, how they are computed.
type Row = (
    &'static str,
    &'static [&'static str],
    Kind,
    for<'a> fn(Question<'a>) -> Answers<'a>,
);

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Certain,
    /// With a probability.
    Soft,
    /// With a probability, anew for each call.
    New,
}

const TABLE: &[Row] = &[
    (
        "range<T: Integer>(bound begin: T, bound end: T, free i: T)",
        &["bbb"],
        Kind::Certain,
        number::range,
    ),
    (
        "float_eq<T: Float>(bound x: T, bound y: T)",
        &[],
        Kind::Certain,
        number::float_eq,
    ),
    (
        "soft_eq<T: Arithmetic>(bound x: T, bound y: T)",
        &[],
        Kind::Soft,
        number::soft_eq,
    ),
    (
        "soft_neq<T: Arithmetic>(bound x: T, bound y: T)",
        &[],
        Kind::Soft,
        number::soft_neq,
    ),
    (
        "soft_gt<T: Number>(bound x: T, bound y: T)",
        &[],
        Kind::Soft,
        number::soft_gt,
    ),
    (
        "soft_lt<T: Number>(bound x: T, bound y: T)",
        &[],
        Kind::Soft,
        number::soft_lt,
    ),
    (
        "string_chars(bound s: String, free i: usize, free c: char)",
        &["bbf"],
        Kind::Certain,
        text::chars,
    ),
    (
        "string_index(bound s: String, free i: usize)",
        &["bb"],
        Kind::Certain,
        text::index,
    ),
    (
        "string_find(bound s: String, bound part: String, free begin: usize, free end: usize)",
        &[],
        Kind::Certain,
        text::find,
    ),
    (
        "string_split(bound s: String, bound separator: String, free part: String)",
        &[],
        Kind::Certain,
        text::split,
    ),
    (
        "datetime_ymd(bound t: DateTime, free year: i32, free month: u32, free day: u32)",
        &[],
        Kind::Certain,
        other::datetime_ymd,
    ),
    (
        "date_ymd(bound date: DateTime, free year: i32, free month: u32, free day: u32)",
        &["fbbb"],
        Kind::Certain,
        other::date_ymd,
    ),
    (
        "tensor_shape(bound x: Tensor, free dim: usize, free size: i64)",
        &["bbf"],
        Kind::Certain,
        other::tensor_shape,
    ),
    ("new_tag_variable()", &[], Kind::New, other::new_variable),
];

/// Every built-in predicate.
pub(crate) fn all() -> impl Iterator<Item = Arc<dyn ForeignPredicate>> {
    TABLE.iter().filter_map(|(text, modes, kind, evaluate)| {
        let signature = Predicate::parse(text, modes).ok()?;
        let signature = match kind {
            Kind::Certain => signature,
            Kind::Soft => signature.tagged(Tagging::Independent),
            Kind::New => signature.tagged(Tagging::Independent).volatile(),
        };
        let predicate: Arc<dyn ForeignPredicate> = Arc::new(BuiltIn {
            signature: signature.interned(),
            evaluate: *evaluate,
        });
        Some(predicate)
    })
}

/// No results.
fn none<'a>() -> Answers<'a> {
    Box::new(std::iter::empty())
}

#[cfg(test)]
mod tests {
    use nsdl_ir::{DateTime, Parameter, Tensor, Value};

    use super::*;
    use crate::{AnswerTag, Registry};

    /// The results of a call in the mode of that name.
    fn ask(name: &str, mode: &str, inputs: &[Value]) -> Vec<(AnswerTag, Vec<Value>)> {
        let registry = Registry::default();
        let predicate = registry.predicate(name).unwrap();
        let signature = predicate.signature();
        let types: Vec<_> = signature
            .columns
            .iter()
            .map(|column| match column {
                Parameter::Exactly(ty) => *ty,
                _ => inputs[0].ty(),
            })
            .collect();
        let question = Question {
            mode: signature.modes.iter().position(|it| it == mode).unwrap(),
            types: &types,
            inputs,
        };
        let answers = predicate.evaluate(question);
        answers
            .map(|answer| answer.map(|it| (it.tag, it.outputs)).unwrap())
            .collect()
    }

    fn outputs(name: &str, mode: &str, inputs: &[Value]) -> Vec<Vec<Value>> {
        let found = ask(name, mode, inputs).into_iter();
        found.map(|(_, outputs)| outputs).collect()
    }

    #[test]
    fn every_row_of_the_table_reads() {
        assert_eq!(all().count(), TABLE.len());
    }

    #[test]
    fn ranges_end_before_their_end() {
        use Value::{I8, U128};
        assert_eq!(
            outputs("range", "bbf", &[I8(126), I8(127)]),
            [vec![I8(126)]]
        );
        assert!(outputs("range", "bbf", &[I8(3), I8(3)]).is_empty());
        let top = U128(u128::MAX);
        assert_eq!(
            outputs("range", "bbf", &[U128(u128::MAX - 1), top.clone()]),
            [vec![U128(u128::MAX - 1)]]
        );
        assert_eq!(outputs("range", "bbb", &[I8(0), I8(2), I8(1)]).len(), 1);
        assert!(outputs("range", "bbb", &[I8(0), I8(2), I8(2)]).is_empty());
    }

    #[test]
    fn strings_count_characters() {
        let s = |text: &str| Value::String(text.into());
        let find = outputs("string_find", "bbff", &[s("übel übel"), s("ü")]);
        let at = |begin, end| vec![Value::Usize(begin), Value::Usize(end)];
        assert_eq!(find, [at(0, 1), at(5, 6)]);
        assert_eq!(
            outputs("string_chars", "bbf", &[s("né"), Value::Usize(1)]),
            [vec![Value::Char('é')]]
        );
        assert_eq!(
            outputs("string_chars", "bff", &[s("né")])[1],
            [Value::Usize(1), Value::Char('é')]
        );
        assert_eq!(outputs("string_index", "bf", &[s("né")]).len(), 2);
        assert!(outputs("string_index", "bb", &[s("né"), Value::Usize(2)]).is_empty());
        let parts = outputs("string_split", "bbf", &[s("a, b"), s(", ")]);
        assert_eq!(parts, [[s("a")], [s("b")]]);
    }

    #[test]
    fn soft_comparisons_are_probabilities() {
        let p = |name, x, y| match ask(name, "bb", &[x, y]).as_slice() {
            [(AnswerTag::Probability(p), _)] => *p,
            other => panic!("{other:?}"),
        };
        assert_eq!(p("soft_eq", Value::I32(3), Value::I32(3)), 1.0);
        assert_eq!(p("soft_gt", Value::F32(1.0), Value::F32(1.0)), 0.5);
        let (x, y) = (Value::F64(0.5), Value::F64(2.0));
        let sum = p("soft_gt", x.clone(), y.clone()) + p("soft_lt", x.clone(), y.clone());
        assert!((sum - 1.0).abs() < 1e-15);
        let sum = p("soft_eq", x.clone(), y.clone()) + p("soft_neq", x, y);
        assert!((sum - 1.0).abs() < 1e-15);
        let far = (Value::U64(0), Value::U64(u64::MAX));
        assert_eq!(p("soft_gt", far.0.clone(), far.1.clone()), 0.0);
        assert_eq!(p("soft_eq", far.0, far.1), 0.0);
    }

    #[test]
    fn dates_and_shapes() {
        let date = Value::DateTime(DateTime::parse("2024-02-29").unwrap());
        let ymd = vec![Value::I32(2024), Value::U32(2), Value::U32(29)];
        assert_eq!(
            outputs("datetime_ymd", "bfff", std::slice::from_ref(&date)),
            std::slice::from_ref(&ymd)
        );
        assert_eq!(outputs("date_ymd", "fbbb", &ymd), [[date]]);
        let wrong = [Value::I32(2023), Value::U32(2), Value::U32(29)];
        assert!(outputs("date_ymd", "fbbb", &wrong).is_empty());
        let later = Value::DateTime(DateTime::parse("2024-02-29T10:00:00Z").unwrap());
        assert!(outputs("date_ymd", "bfff", &[later]).is_empty());
        let tensor = Tensor::new(vec![2, 1], vec![1.0, 2.0]).unwrap();
        let shape = outputs("tensor_shape", "bff", &[Value::Tensor(Arc::new(tensor))]);
        let row = |dim, size| vec![Value::Usize(dim), Value::I64(size)];
        assert_eq!(shape, [row(0, 2), row(1, 1)]);
    }
}
