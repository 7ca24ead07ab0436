//! A function, a predicate and an aggregate in Rust, for `examples/foreign/orders.dl`.
//!
//! ```sh
//! cargo run -p nsdl --example foreign
//! ```

#![allow(clippy::expect_used)] // The signatures are constants of this file.

use nsdl::{
    AggregateSignature, Answer, AnswerTag, Answers, ForeignAggregate, ForeignFunction,
    ForeignPredicate, FunctionSignature, Predicate, Question, Session, Tagging, Value, print,
};

const PROGRAM: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../examples/foreign/orders.dl"
);
const DRINKS: [&str; 5] = ["tea", "mate", "coffee", "toffee", "beer"];

/// The signatures below are written by us: that they can be read is known.
const READS: &str = "a signature";

/// `$label("tea")` is `"Tea"`.
struct Label;

impl ForeignFunction for Label {
    fn signature(&self) -> &'static FunctionSignature {
        FunctionSignature::parse("$label(drink: String) -> String").expect(READS)
    }

    fn call(&self, args: &[Value]) -> Result<Value, String> {
        let [Value::String(drink)] = args else {
            return Err("not a drink".into());
        };
        let mut letters = drink.chars();
        let first = letters.next().ok_or("nothing is written there")?;
        let label: String = first.to_uppercase().chain(letters).collect();
        Ok(Value::String(label.into()))
    }
}

/// `reading("te", d)`: one of the drinks, the more probable the fewer letters are wrong.
struct Reading;

impl ForeignPredicate for Reading {
    fn signature(&self) -> &'static Predicate {
        Predicate::parse("reading(bound note: String, free drink: String)", &[])
            .expect(READS)
            .tagged(Tagging::Exclusive)
            .interned()
    }

    fn evaluate<'a>(&'a self, question: Question<'a>) -> Answers<'a> {
        let [Value::String(note)] = question.inputs else {
            return Box::new(std::iter::empty());
        };
        let mut guesses: Vec<(f64, &str)> = DRINKS
            .into_iter()
            .map(|drink| (distance(note, drink), drink))
            .filter(|(wrong, _)| *wrong <= 2)
            .map(|(wrong, drink)| (0.1f64.powi(wrong), drink))
            .collect();
        let sum: f64 = guesses.iter().map(|(weight, _)| weight).sum();
        guesses.iter_mut().for_each(|(weight, _)| *weight /= sum);
        Box::new(guesses.into_iter().map(|(weight, drink)| {
            Ok(Answer {
                tag: AnswerTag::Probability(weight),
                outputs: vec![Value::String(drink.into())],
            })
        }))
    }
}

/// How many letters must be inserted, removed or replaced to make one word of the other (Levenshtein).
fn distance(from: &str, to: &str) -> i32 {
    let to: Vec<char> = to.chars().collect();
    let mut costs: Vec<i32> = (0..).take(to.len() + 1).collect();
    for letter in from.chars() {
        let mut corner = costs[0];
        costs[0] += 1;
        for (at, other) in to.iter().enumerate() {
            let replaced = corner + i32::from(letter != *other);
            corner = costs[at + 1];
            costs[at + 1] = replaced.min(corner + 1).min(costs[at] + 1);
        }
    }
    costs[to.len()]
}

/// `median(p: …)`: of an even number the lower one.
struct Median;

impl ForeignAggregate for Median {
    fn signature(&self) -> &'static AggregateSignature {
        AggregateSignature::parse("median(i32) -> i32").expect(READS)
    }

    fn evaluate(&self, members: &[Vec<Value>]) -> Result<Option<Value>, String> {
        let mut values: Vec<i32> = members
            .iter()
            .filter_map(|member| match member.last() {
                Some(Value::I32(value)) => Some(*value),
                _ => None,
            })
            .collect();
        values.sort_unstable();
        let middle = values.len().saturating_sub(1) / 2;
        Ok(values.get(middle).copied().map(Value::I32))
    }
}

/// What the queries of the program give, a line each.
fn answers() -> nsdl::Result<Vec<String>> {
    let mut session = Session::new();
    session.add_function(Label)?;
    session.add_predicate(Reading)?;
    session.add_aggregate(Median)?;
    session.add_file(PROGRAM)?;
    let outcome = session.run()?;
    Ok(outcome.relations.iter().map(print::text).collect())
}

#[test]
fn the_answers_are_those_in_python() -> nsdl::Result<()> {
    // "te" is tea, or, a tenth as probable, mate, and "cofee" likewise coffee or toffee.
    assert_eq!(
        answers()?,
        [
            r#"shown: {("beer", "Beer"), 0.9090909090909091::("cofee", "Coffee"), 0.09090909090909091::("cofee", "Toffee"), 0.09090909090909091::("te", "Mate"), 0.9090909090909091::("te", "Tea")}"#,
            "middle: {0.9090909090909091::(3), 0.08264462809917356::(4), 0.008264462809917356::(5)}",
        ]
    );
    Ok(())
}

fn main() -> nsdl::Result<()> {
    answers()?.iter().for_each(|line| println!("{line}"));
    Ok(())
}
