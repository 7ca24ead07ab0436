//! Tags that are no probabilities: counts, costs, proofs, and those of algebras of the host program.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nsdl::algebra::{self, Provenance as Algebra};
use nsdl::{Extended, OutputTag, Provenance, Session, Value, print};

const PATH: &str = "rel path(a, b) = edge(a, b) or path(a, c) and edge(c, b)\nquery path";

fn under(name: &str, program: &str) -> Result<String, nsdl::Error> {
    let mut session = Session::new();
    session.set_provenance(Some(Provenance::parse(name, None)?));
    session.add_program("test.dl", program)?;
    let outcome = session.run()?;
    assert!(outcome.warnings.is_empty(), "{:?}", outcome.warnings);
    let texts: Vec<String> = outcome.relations.iter().map(print::text).collect();
    Ok(texts.join("\n"))
}

fn code(name: &str, program: &str) -> &'static str {
    under(name, program).unwrap_err().code()
}

#[test]
fn tags_are_numbers_of_the_algebra() {
    let edges = "rel edge = {3::(0, 1), 4::(1, 2), 9::(0, 2), 1::(2, 3)}\n";
    let program = edges.to_owned() + PATH;
    assert_eq!(
        under("tropical", &program).unwrap(),
        "path: {3::(0, 1), 7::(0, 2), 8::(0, 3), 4::(1, 2), 5::(1, 3), 1::(2, 3)}"
    );
    assert_eq!(
        under("natural", &program).unwrap(),
        "path: {3::(0, 1), 21::(0, 2), 21::(0, 3), 4::(1, 2), 4::(1, 3), (2, 3)}"
    );
    let real = "rel edge = {0.5::(0, 1), 1.25::(1, 2)}\n".to_owned() + PATH;
    assert_eq!(
        under("realtropical", &real).unwrap(),
        "path: {0.5::(0, 1), 1.75::(0, 2), 1.25::(1, 2)}"
    );
    for probabilities in ["exact", "unit", "bool", "proofs", "why", "godel"] {
        assert_eq!(code(probabilities, &program), "E0502");
    }
    assert_eq!(code("natural", &real), "E0540");
    assert_eq!(code("realtropical", "rel -1.0::a()"), "E0540");
    assert_eq!(
        code("tropical", "rel w = {0.5f64}\nrel x::a() = w(x)"),
        "E0540"
    );
}

#[test]
fn rules_and_alternatives_have_tags_too() {
    assert_eq!(
        under("tropical", "rel a = {1; 2}\nrel 5::b(x) = a(x)\nquery b").unwrap(),
        "b: {5::(1), 5::(2)}"
    );
    let split = "rel c()\nrel {a(); b()} = c()\nrel {2::d(); 3::e()} = c()\nquery a\nquery e";
    assert_eq!(under("natural", split).unwrap(), "a: {()}\ne: {3::()}");
    // A count of 0 and a cost of ∞ are as good as no fact, under negation and in aggregates too.
    let zero = "rel p = {0::1, 2::2}\nrel q(x) = x := count(y: p(y))\nrel none() = not p(1)\nquery q\nquery none";
    assert_eq!(under("natural", zero).unwrap(), "q: {2::(1)}\nnone: {()}");
    let rule =
        "rel w = {0.0f64, 2.0f64}\nrel x::p(x) = w(x)\nrel n(c) = c := count(x: p(x))\nquery n";
    assert_eq!(under("natural", rule).unwrap(), "n: {2::(1)}");
}

#[test]
fn aggregates_are_conjunctions_of_their_members() {
    let costs = "rel item = {2::(\"a\", 5), 3::(\"b\", 7)}\n";
    let program = format!(
        "{costs}rel total(s) = s := sum[x](v: item(x, v))\nrel forced(s) = s := sum![x](v: item(x, v))\n\
         rel best(x) = x := top<1>(x: item(x, _))\nquery total\nquery forced\nquery best"
    );
    assert_eq!(
        under("tropical", &program).unwrap(),
        "total: {5::(12)}\nforced: {(12)}\nbest: {2::(\"a\")}"
    );
}

#[test]
fn a_change_of_provenance_checks_tags_anew() {
    let mut session = Session::new();
    session.set_provenance(Some(Provenance::Tropical));
    session.add_program("test.dl", "rel 3::a(1)").unwrap();
    session.set_provenance(Some(Provenance::Exact));
    assert_eq!(session.run().unwrap_err().code(), "E0502");

    let mut session = Session::new();
    session.set_provenance(Some(Provenance::Natural));
    session
        .add_facts("a", vec![vec![Value::I32(1)]], Some(vec![4.0]), false)
        .unwrap();
    session.run().unwrap();
    let tag = session.relation("a").unwrap().tuples[0].0.clone();
    assert_eq!(tag, OutputTag::Count(Extended::Finite(4)));
    session.set_provenance(None);
    assert_eq!(session.run().unwrap_err().code(), "E0510");
}

#[test]
fn counts_past_128_bits_are_errors() {
    let program = "rel 1e30::a()\nrel 1e30::b()\nrel c() = a() and b()\nquery c";
    assert_eq!(code("natural", program), "E0541");
    assert_eq!(
        under("tropical", program).unwrap(),
        "c: {2000000000000000039769249677312::()}"
    );
}

/// Longest paths of a graph without cycles: max, +.
struct Longest;

impl Algebra for Longest {
    type Tag = Option<i64>;

    const IDEMPOTENT: bool = true;
    const ABSORPTIVE: bool = false;
    const DISTRIBUTIVE: bool = true;
    const INVOLUTIVE: bool = false;

    fn zero(&self) -> Option<i64> {
        None
    }

    fn one(&self) -> Option<i64> {
        Some(0)
    }

    fn add(&self, a: &Option<i64>, b: &Option<i64>) -> Option<i64> {
        *a.max(b)
    }

    fn mult(&self, a: &Option<i64>, b: &Option<i64>) -> Option<i64> {
        Some((*a)? + (*b)?)
    }

    fn has_complement(&self) -> bool {
        false
    }

    fn weight(&self, _: &Option<i64>) -> f64 {
        1.0
    }
}

#[test]
fn an_algebra_of_ones_own() {
    let mut session = Session::new();
    session.set_any_number(true);
    session
        .add_program("test.dl", "rel 1::edge(0, 2)\nrel edge(3, 4)")
        .unwrap();
    session.add_program("path.dl", PATH).unwrap();
    let rows = [(0, 1), (1, 2), (2, 3)].map(|(a, b)| vec![Value::I32(a), Value::I32(b)]);
    let tags = Some(vec![5.0, -2.0, 7.0]);
    session
        .add_facts("edge", rows.to_vec(), tags, false)
        .unwrap();
    assert_eq!(session.outside_facts(), 3);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let length = move |tagged: &nsdl::Tagged| {
        count.fetch_add(usize::from(tagged.outside.is_some()), Ordering::Relaxed);
        tagged.number.map(|number| number as i64)
    };
    let outcome = session
        .evaluate_with(Arc::new(Longest), length.clone())
        .unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    let path = &outcome.relations[0];
    let tag = |a: i32, b: i32| {
        let row = [Value::I32(a), Value::I32(b)];
        path.tuples
            .iter()
            .find(|(_, own)| *own == row)
            .and_then(|it| it.0)
    };
    assert_eq!(
        [tag(0, 2), tag(0, 3), tag(1, 3), tag(3, 4)],
        [3, 10, 5, 0].map(Some)
    );
    let edge = session
        .relation_with("edge", Arc::new(Longest), length)
        .unwrap();
    assert_eq!(edge.relations[0].tuples.len(), 5);
    let unknown = session.relation_with("egde", Arc::new(Longest), |_| None);
    assert_eq!(unknown.unwrap_err().code(), "E0201");
    // Its numbers are no probabilities.
    assert_eq!(session.run().unwrap_err().code(), "E0510");
}

#[test]
fn an_algebra_of_the_library_gives_what_its_name_does() {
    let program = "rel edge = {0.5::(0, 1), 0.9::(1, 2), 0.3::(0, 2), 0.7::(2, 0)}\n".to_owned()
        + PATH
        + "\nrel far(a) = path(a, _) and not edge(a, 2)\nquery far";
    let mut session = Session::new();
    session.add_program("test.dl", &program).unwrap();
    let weight = |tagged: &nsdl::Tagged| tagged.number.unwrap_or(1.0);
    let found = session
        .evaluate_with(Arc::new(algebra::MinMaxProb), weight)
        .unwrap();
    session.set_provenance(Some(Provenance::MinMaxProb));
    let wanted = session.run().unwrap();
    for (found, wanted) in found.relations.iter().zip(&wanted.relations) {
        let found: Vec<f64> = found.tuples.iter().map(|(tag, _)| *tag).collect();
        let wanted: Vec<f64> = wanted.tuples.iter().map(|it| it.0.probability()).collect();
        assert_eq!(found, wanted);
    }
}
