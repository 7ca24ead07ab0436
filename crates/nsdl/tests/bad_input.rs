//! Bad input ends in an error that says what and where, and leaves the session as it was.

// Helpers of tests may panic as tests do.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nsdl::{Error, Limits, Session, Value, print};

const PROGRAM: &str = "type edge(i32, i32)
type size(u8)
rel edge(0, 1)
query edge";

fn session() -> Session {
    let mut session = Session::new();
    session.add_program("good.dl", PROGRAM).unwrap();
    session
}

/// Runs what must fail, and checks that the session still gives what it gave.
fn fails<T>(action: impl FnOnce(&mut Session) -> Result<T, Error>) -> Error {
    let mut session = session();
    let error = match action(&mut session) {
        Ok(_) => panic!("this must fail"),
        Err(error) => error,
    };
    let relations = session.relations().len();
    assert_eq!(relations, 2, "a relation was added: {error}");
    let outcome = session.run().unwrap();
    assert_eq!(print::text(&outcome.relations[0]), "edge: {(0, 1)}");
    error
}

fn program(text: &str) -> Error {
    fails(|session| session.add_program("bad.dl", text))
}

fn facts(relation: &str, row: Vec<Value>) -> Error {
    fails(|session| session.add_facts(relation, vec![row], None, false))
}

fn csv(content: &[u8]) -> Error {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    fails(|session| session.add_csv("edge", file.path()))
}

#[test]
fn several_syntax_errors_come_in_one_go() {
    let error = program("rel p(1\nrel q(2)\nrel = 3\nrel r(4)");
    assert!(error.diagnostics.len() >= 2, "{error}");
    assert!(error.code().starts_with("E01"), "{error}");
    assert!(error.to_string().contains("bad.dl"), "{error}");
}

#[test]
fn errors_of_programs_have_code_and_place() {
    for (text, code, place) in [
        ("rel p(x) = egde(x, _)", "E0201", (1, 12)),
        ("rel p(x) =\n  edge(x)", "E0202", (2, 3)),
        ("rel edge(\"a\", 1)", "E0301", (1, 10)),
        ("rel p(x, y) = edge(x, _)", "E0401", (1, 10)),
        (
            "rel p(x) = edge(x, _), not q(x)\nrel q(x) = edge(x, _), not p(x)",
            "E0403",
            (2, 24),
        ),
    ] {
        let error = program(text);
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(error.place(), Some(("bad.dl", place.0, place.1)), "{error}");
    }
}

#[test]
fn the_nearest_name_is_suggested() {
    assert!(
        program("rel p(x) = egde(x, _)")
            .to_string()
            .contains("`edge`")
    );
}

#[test]
fn probabilities_in_programs_are_checked() {
    for text in [
        "rel 1.5::edge(1, 2)",
        "rel -0.1::edge(1, 2)",
        "rel 1.5::edge(a, b) = edge(b, a)",
    ] {
        assert!(program(text).code().starts_with("E05"), "{text}");
    }
    let error = program("rel size = {0.7::1; 0.6::2}");
    assert!(error.code().starts_with("E05"), "{error}");
}

#[test]
fn constant_expressions_that_fail_are_errors() {
    for text in ["rel edge(1 / 0, 1)", "rel size(300)", "rel size(255 + 1)"] {
        assert!(program(text).code().starts_with("E05"), "{text}");
    }
}

#[test]
fn facts_must_fit() {
    assert_eq!(facts("edge", vec![Value::I64(1)]).code(), "E0202");
    assert_eq!(
        facts("edge", vec![Value::I64(1), Value::F64(0.5)]).code(),
        "E0301"
    );
    assert_eq!(
        facts("edge", vec![Value::I64(1), Value::I64(1 << 40)]).code(),
        "E0501"
    );
    assert_eq!(facts("size", vec![Value::I64(-1)]).code(), "E0501");
    assert_eq!(facts("size", vec![Value::F64(f64::NAN)]).code(), "E0521");
    assert_eq!(facts("new", vec![Value::F64(f64::NAN)]).code(), "E0521");
    assert_eq!(facts("no name", vec![Value::I64(1)]).code(), "E0814");
    assert_eq!(facts("query", vec![Value::I64(1)]).code(), "E0814");
    assert!(
        facts("edge", vec![Value::I64(1), Value::F64(0.5)])
            .to_string()
            .contains("column 2 of `edge(1, 0.5)`")
    );
    let ragged = vec![vec![Value::I64(1)], vec![]];
    assert_eq!(
        fails(|s| s.add_facts("new", ragged, None, false)).code(),
        "E0202"
    );
    assert_eq!(
        fails(|s| s.add_facts("nothing", vec![], None, false)).code(),
        "E0201"
    );
}

#[test]
fn probabilities_of_facts_are_checked() {
    let add = |p: Vec<f64>, exclusive: bool| {
        fails(|session| {
            let rows = vec![vec![Value::I64(1)], vec![Value::I64(2)]];
            session.add_facts("size", rows, Some(p), exclusive)
        })
    };
    assert_eq!(add(vec![0.5, 1.5], false).code(), "E0510");
    assert_eq!(add(vec![0.5, -0.5], false).code(), "E0510");
    assert_eq!(add(vec![f64::NAN, 0.5], false).code(), "E0510");
    assert_eq!(add(vec![0.6, 0.6], true).code(), "E0511");
    assert_eq!(add(vec![0.6], true).code(), "E0520");
    assert!(add(vec![0.5, 1.5], false).to_string().contains("`size(2)`"));
}

#[test]
fn csv_errors_name_the_line() {
    assert_eq!(
        fails(|s| s.add_csv("edge", "/no/such/file.csv")).code(),
        "E0701"
    );
    assert_eq!(
        fails(|s| s.add_csv("egde", "/no/such/file.csv")).code(),
        "E0201"
    );
    for (content, code, place) in [
        (&b"1,2\n1,x\n"[..], "E0704", ":2: column 2"),
        (b"1,2\n1\n", "E0703", ":2: 1 field,"),
        (b"1,2\n1,2,3,4\n", "E0703", ":2: 4 fields"),
        (b"1,2\n1,99999999999\n", "E0704", ":2: column 2"),
        (b"1.5,1,2\n", "E0510", ":1"),
        (b"1,2\n\"1,2\n", "E0702", ":2"),
        (b"1,2\n\xff,2\n", "E0702", ":2"),
        (b"1, 2\n", "E0704", ":1: column 2"),
    ] {
        let error = csv(content);
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains(place), "{error}");
    }
    assert!(csv(b"1,x\n").message().contains("i32"));
}

#[test]
fn run_time_failures_drop_the_derivation_and_warn() {
    let mut session = Session::new();
    session
        .add_program(
            "f.dl",
            "rel n = {0, 1}\nrel inverse(x, 10 / x) = n(x)\nrel big(x + 2147483647) = n(x)",
        )
        .unwrap();
    let outcome = session.run().unwrap();
    let lines: Vec<String> = outcome.relations.iter().map(print::text).collect();
    assert_eq!(
        lines,
        ["n: {(0), (1)}", "inverse: {(1, 10)}", "big: {(2147483647)}"]
    );
    assert_eq!(
        outcome.warnings.iter().map(|w| w.code).collect::<Vec<_>>(),
        ["W0601", "W0601"]
    );
    assert_eq!(outcome.dropped, 2);
    let text = session.render(&outcome.warnings, false);
    assert!(
        text.contains("f.dl:2") && text.contains("division by zero") && text.contains("overflow"),
        "{text}"
    );
}

#[test]
fn limits_and_cancelling_end_a_run() {
    let mut session = Session::new();
    session
        .add_program("f.dl", "type n(i64)  rel n(0)  rel n(x + 1) = n(x)")
        .unwrap();
    session.set_limits(Limits {
        rounds: 100,
        ..Limits::default()
    });
    let error = session.run().unwrap_err();
    assert_eq!(error.code(), "E0610");
    assert!(error.to_string().contains("n(x + 1) = n(x)"), "{error}");
    session.set_cancel(Arc::new(AtomicBool::new(true)));
    assert_eq!(session.run().unwrap_err().code(), "E0613");
}

#[test]
fn values_that_grow_for_ever_end_a_run() {
    let nat = "type Nat = Zero() | Succ(Nat)  rel nat(Zero())\n";
    let tree = "type Tree = Leaf() | Node(Tree, Tree)  rel tree(Leaf())\n";
    for (program, rule) in [
        (nat, "rel nat(new Succ(n)) = nat(n)"),
        (tree, "rel tree(new Node(t, t)) = tree(t)"),
        ("rel list = {[1]}\n", "rel list([0, ..l]) = list(l)"),
    ] {
        let mut session = Session::new();
        let text = format!("{program}{rule}");
        session.add_program("grows.dl", &text).unwrap();
        let error = session.run().unwrap_err();
        assert_eq!(error.code(), "E0616", "{error}");
        assert!(error.to_string().contains(rule), "{error}");
    }
    // A text that is too long to be made is dropped, and the program ends.
    let mut session = Session::new();
    let program =
        "rel text(\"a\")  rel text(t + t) = text(t)  rel n(k) = k := count(t: text(t))  query n";
    session.add_program("doubles.dl", program).unwrap();
    let outcome = session.run().unwrap();
    assert_eq!(print::text(&outcome.relations[0]), "n: {(27)}");
    assert_eq!(outcome.dropped, 1);
}

#[test]
fn a_limit_of_iterations_leaves_what_so_many_rounds_give() {
    let program = "rel n(0)  rel n(x + 1) = n(x), x < 100  rel m(x) = n(x)  query m";
    for (limit, expected) in [(1, "m: {(0), (1)}"), (3, "m: {(0), (1), (2), (3)}")] {
        let mut session = Session::new();
        session.add_program("f.dl", program).unwrap();
        session.set_iteration_limit(Some(limit));
        assert_eq!(print::text(&session.run().unwrap().relations[0]), expected);
        session.set_iteration_limit(None);
        assert_eq!(session.run().unwrap().relations[0].len(), 101);
    }
}

#[test]
fn a_circuit_beyond_the_budget_is_refused() {
    let mut session = Session::new();
    // A dense graph with uncertain edges: reachability in it is hard.
    let edges: Vec<String> = (0..12)
        .flat_map(|a| {
            (0..12)
                .filter(move |b| *b != a)
                .map(move |b| format!("0.5::({a}, {b})"))
        })
        .collect();
    let program = format!(
        "rel edge = {{{}}}  rel path(a, b) = edge(a, b) or path(a, c) and edge(c, b)  query path(0, 11)",
        edges.join(", ")
    );
    session.add_program("dense.dl", &program).unwrap();
    session.set_budget(nsdl::Budget {
        nodes: 1000,
        ..nsdl::Budget::default()
    });
    session.set_provenance(Some(nsdl::Provenance::Exact));
    let error = session.run().unwrap_err();
    assert!(error.code().starts_with("E06"), "{error}");
    session.set_provenance(None);
    let outcome = session.run().unwrap();
    assert_eq!(outcome.provenance, nsdl::Provenance::Auto);
    assert!(outcome.warnings.iter().any(|w| w.code == "W0604"));
    let [lower, upper] = outcome.relations[0].bounds.get(0).unwrap();
    let answer = outcome.relations[0].tuples[0].0.probability();
    assert!(lower <= answer && answer <= upper && lower < upper);
    assert!(print::json(&outcome.relations).contains("\"bounds\": ["));
    session.set_provenance(Some(nsdl::Provenance::MinMaxProb));
    assert_eq!(
        print::text(&session.run().unwrap().relations[0]),
        "path(0, 11): {0.5::(0, 11)}"
    );
}

#[test]
fn programs_of_nothing() {
    let mut session = Session::new();
    assert!(session.run().unwrap().relations.is_empty());
    session
        .add_program("empty.dl", "\u{feff}// nothing\r\n")
        .unwrap();
    assert!(session.run().unwrap().relations.is_empty());
}

#[test]
fn files_that_cannot_be_read() {
    assert_eq!(fails(|s| s.add_file("/no/such/file.dl")).code(), "E0701");
}
