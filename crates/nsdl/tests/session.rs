//! Sessions: programs and facts in any order, provenances, queries, explanations.

// Helpers of tests may panic as tests do.
#![allow(clippy::unwrap_used)]

use nsdl::{OutputTag, Program, Provenance, Session, Type, Value, print};

fn session(program: &str) -> Session {
    let mut session = Session::new();
    session.add_program("test.dl", program).unwrap();
    session
}

/// The relations of a run as text.
fn run(session: &mut Session) -> Vec<String> {
    session
        .run()
        .unwrap()
        .relations
        .iter()
        .map(print::text)
        .collect()
}

fn under(program: &str, provenance: Provenance) -> Vec<String> {
    let mut session = session(program);
    session.set_provenance(Some(provenance));
    run(&mut session)
}

fn pairs(pairs: &[(i64, i64)]) -> Vec<Vec<Value>> {
    pairs
        .iter()
        .map(|&(a, b)| vec![Value::I64(a), Value::I64(b)])
        .collect()
}

fn text(s: &str) -> Value {
    Value::String(s.into())
}

const PATHS: &str = "
    type edge(i32, i32)
    rel path(a, b) = edge(a, b) or path(a, c) and edge(c, b)
    query path";

const NOISY: &str = "
    rel a = {0.5::1, 0.25::2}
    rel b = {0.5::1, 0.0::2}
    rel both(x) = a(x), b(x)
    rel either(x) = a(x) or b(x)
    rel only(x) = a(x), not b(x)
    query both
    query either
    query only";

#[test]
fn every_provenance_has_its_algebra() {
    let exact = under(NOISY, Provenance::Exact);
    assert_eq!(
        exact,
        [
            "both: {0.25::(1)}",
            "either: {0.75::(1), 0.25::(2)}",
            "only: {0.25::(1), 0.25::(2)}"
        ]
    );
    let minmax = under(NOISY, Provenance::MinMaxProb);
    assert_eq!(
        minmax,
        [
            "both: {0.5::(1)}",
            "either: {0.5::(1), 0.25::(2)}",
            "only: {0.5::(1), 0.25::(2)}"
        ]
    );
    let addmult = under(NOISY, Provenance::AddMultProb);
    assert_eq!(
        addmult,
        [
            "both: {0.25::(1)}",
            "either: {(1), 0.25::(2)}",
            "only: {0.25::(1), 0.25::(2)}"
        ]
    );
    let top = under(NOISY, Provenance::TopKProofs { k: 1 });
    assert_eq!(
        top,
        [
            "both: {0.25::(1)}",
            "either: {0.5::(1), 0.25::(2)}",
            "only: {0.25::(1), 0.25::(2)}"
        ]
    );
    let unit = under(NOISY, Provenance::Unit);
    assert_eq!(unit, ["both: {(1), (2)}", "either: {(1), (2)}", "only: {}"]);
    let bool = under(NOISY, Provenance::Bool);
    assert_eq!(bool, ["both: {(1)}", "either: {(1), (2)}", "only: {(2)}"]);
}

#[test]
fn bool_reads_the_tags_of_rules() {
    let program = "rel p(1)  rel 0.3::q(x) = p(x)  rel 0.0::r(x) = p(x)  rel s(x) = p(x), not r(x)";
    assert_eq!(
        under(program, Provenance::Bool),
        ["p: {(1)}", "q: {(1)}", "r: {}", "s: {(1)}"]
    );
}

#[test]
fn the_default_is_unit_if_nothing_is_uncertain_else_auto() {
    let outcome = session("rel p(1)").run().unwrap();
    assert_eq!(outcome.provenance, Provenance::Unit);
    assert_eq!(
        outcome.relations[0].tuples,
        [(OutputTag::Unit, vec![Value::I32(1)])]
    );
    for program in [
        "rel 0.5::p(1)",
        "rel p(1)  rel 0.5::q(x) = p(x)",
        "rel p = {1; 2}",
    ] {
        let session = &mut session(program);
        assert!(session.has_uncertainty(), "{program}");
        assert_eq!(
            session.run().unwrap().provenance,
            Provenance::Auto,
            "{program}"
        );
    }
    let mut certain = session(PATHS);
    assert!(!certain.has_uncertainty());
    certain
        .add_facts("edge", pairs(&[(0, 1)]), Some(vec![0.5]), false)
        .unwrap();
    assert!(certain.has_uncertainty());
    assert_eq!(run(&mut certain), ["path: {0.5::(0, 1)}"]);
}

#[test]
fn unit_over_uncertain_facts_warns_once() {
    let mut session = session("rel 0.5::p(1)  rel 0.25::p(2)");
    session.set_provenance(Some(Provenance::Unit));
    let outcome = session.run().unwrap();
    assert_eq!(
        outcome.warnings.iter().map(|w| w.code).collect::<Vec<_>>(),
        ["W0501"]
    );
    assert_eq!(print::text(&outcome.relations[0]), "p: {(1), (2)}");
}

#[test]
fn dropped_proofs_are_reported() {
    let mut session = session("rel a = {0.5::1, 0.5::1, 0.5::1}");
    for (k, codes) in [(2, &["W0602"][..]), (3, &[])] {
        session.set_provenance(Some(Provenance::TopKProofs { k }));
        let outcome = session.run().unwrap();
        assert_eq!(
            outcome.warnings.iter().map(|w| w.code).collect::<Vec<_>>(),
            codes
        );
    }
}

#[test]
fn facts_take_the_types_of_the_program() {
    let mut session = session("type r(u8, f64, Symbol, char, usize)");
    let row = vec![
        Value::I64(255),
        Value::I64(2),
        text("RED"),
        text("x"),
        Value::I32(7),
    ];
    session.add_facts("r", vec![row], None, false).unwrap();
    assert_eq!(run(&mut session), ["r: {(255, 2.0, s\"RED\", 'x', 7)}"]);
}

#[test]
fn facts_may_come_before_the_program() {
    let mut session = Session::new();
    session
        .add_facts("edge", pairs(&[(0, 1), (1, 2)]), None, false)
        .unwrap();
    assert_eq!(session.types("edge"), Some(vec![Type::I32, Type::I32]));
    session
        .add_program(
            "late.dl",
            "type edge(usize, usize)  rel path(a, b) = edge(a, b)",
        )
        .unwrap();
    assert_eq!(session.types("edge"), Some(vec![Type::Usize, Type::Usize]));
    assert_eq!(
        run(&mut session),
        ["edge: {(0, 1), (1, 2)}", "path: {(0, 1), (1, 2)}"]
    );
}

#[test]
fn types_that_a_program_implies_win_over_those_that_facts_suggest() {
    let mut session = Session::new();
    session
        .add_facts("edge", vec![vec![Value::I64(1), text("x")]], None, false)
        .unwrap();
    session
        .add_program(
            "late.dl",
            "type size(usize)  rel size(3)  rel big(n, t) = edge(n, t), size(n)",
        )
        .unwrap();
    assert_eq!(session.types("edge"), Some(vec![Type::Usize, Type::String]));
}

#[test]
fn plain_integers_are_i32_while_they_fit() {
    let mut session = Session::new();
    session
        .add_facts("n", vec![vec![Value::I64(1)]], None, false)
        .unwrap();
    assert_eq!(session.types("n"), Some(vec![Type::I32]));
    session
        .add_facts("n", vec![vec![Value::I64(1 << 40)]], None, false)
        .unwrap();
    assert_eq!(session.types("n"), Some(vec![Type::I64]));
    session
        .add_facts("n", vec![vec![Value::F64(0.5)]], None, false)
        .unwrap();
    assert_eq!(run(&mut session), ["n: {(0.5), (1.0), (1099511627776.0)}"]);
}

#[test]
fn exclusive_facts_exclude_each_other() {
    let mut session =
        session("type c(i32)  rel both() = c(1), c(2)  rel any() = c(_)  query both  query any");
    let values = vec![vec![Value::I64(1)], vec![Value::I64(2)]];
    session
        .add_facts("c", values.clone(), Some(vec![0.5, 0.25]), true)
        .unwrap();
    assert_eq!(run(&mut session), ["both: {}", "any: {0.75::()}"]);
    // Without probabilities they are equally probable; this is a second variable.
    session.add_facts("c", values, None, true).unwrap();
    assert_eq!(run(&mut session), ["both: {0.375::()}", "any: {()}"]);
}

#[test]
fn without_queries_all_relations_print_but_hidden_ones() {
    let program = "@hidden rel secret(1)  rel b(x) = secret(x)  type a(i32)";
    assert_eq!(run(&mut session(program)), ["b: {(1)}", "a: {}"]);
    let mut asked = session(program);
    asked.queries(vec!["secret".into(), "b(1)".into()]).unwrap();
    assert_eq!(run(&mut asked), ["secret: {(1)}", "b(1): {(1)}"]);
    asked.queries(Vec::new()).unwrap();
    assert_eq!(run(&mut asked), ["b: {(1)}", "a: {}"]);
}

#[test]
fn queries_replace_those_of_the_program_and_repeat_once() {
    let mut session = session(PATHS);
    session
        .add_facts("edge", pairs(&[(0, 1), (1, 2)]), None, false)
        .unwrap();
    session
        .queries(vec!["path(0, _)".into(), "edge".into(), "edge".into()])
        .unwrap();
    assert_eq!(session.outputs(), ["path(0, _)", "edge"]);
    assert_eq!(
        run(&mut session),
        ["path(0, _): {(0, 1), (0, 2)}", "edge: {(0, 1), (1, 2)}"]
    );
    assert_eq!(
        session.queries(vec!["pth".into()]).unwrap_err().code(),
        "E0201"
    );
    assert_eq!(
        session
            .queries(vec!["rel x(1)".into()])
            .unwrap_err()
            .code()
            .get(..3),
        Some("E01")
    );
    assert_eq!(
        session
            .queries(vec!["edge query path".into()])
            .unwrap_err()
            .code(),
        "E0813"
    );
    assert_eq!(session.outputs(), ["path(0, _)", "edge"]);
}

#[test]
fn relations_outside_the_queries_can_be_asked_for() {
    let mut session = session("rel 0.5::a(1)  rel b(x) = a(x)  rel 0.5::c(2)  query b");
    assert_eq!(session.relation("b").unwrap_err().code(), "E0812");
    session.run().unwrap();
    assert_eq!(
        print::text(&session.relation("b").unwrap()),
        "b: {0.5::(1)}"
    );
    assert_eq!(
        print::text(&session.relation("c").unwrap()),
        "c: {0.5::(2)}"
    );
    let error = session.relation("bb").unwrap_err();
    assert_eq!(error.code(), "E0201");
    assert!(error.to_string().contains("did you mean"), "{error}");
}

#[test]
fn a_relation_is_what_the_last_run_gave() {
    let mut session = session(PATHS);
    session
        .add_facts("edge", pairs(&[(0, 1)]), None, false)
        .unwrap();
    session.run().unwrap();
    session
        .add_facts("edge", pairs(&[(1, 2)]), None, false)
        .unwrap();
    assert_eq!(
        print::text(&session.relation("path").unwrap()),
        "path: {(0, 1)}"
    );
    session.run().unwrap();
    assert_eq!(
        print::text(&session.relation("path").unwrap()),
        "path: {(0, 1), (0, 2), (1, 2)}"
    );
}

#[test]
fn entries_answer_their_queries_and_keep_the_rest() {
    let mut session = Session::new();
    let entry = session.enter("1", "rel edge = {(0, 1)}").unwrap();
    assert!(entry.outcome.is_none());
    let entry = session
        .enter("2", "rel path(a, b) = edge(a, b)  query path(0, _)")
        .unwrap();
    assert_eq!(
        print::text(&entry.outcome.unwrap().relations[0]),
        "path(0, _): {(0, 1)}"
    );
    assert_eq!(session.outputs(), ["edge", "path"]);
    assert!(session.enter("3", "rel p(1)  query nothing").is_err());
    assert_eq!(session.types("p"), None);
    let answer = session.ask("edge").unwrap();
    assert_eq!(print::text(&answer.relations[0]), "edge: {(0, 1)}");
}

#[test]
fn programs_start_sessions() {
    let program = Program::named("paths.dl", PATHS).unwrap();
    let names: Vec<String> = program
        .relations()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["edge(i32, i32)", "path(i32, i32)"]);
    assert!(program.plan().contains("path"));
    let mut first = Session::from(&program);
    first
        .add_facts("edge", pairs(&[(5, 6)]), None, false)
        .unwrap();
    assert_eq!(run(&mut first), ["path: {(5, 6)}"]);
    assert_eq!(run(&mut Session::from(&program)), ["path: {}"]);
}

#[test]
fn why_tells_the_best_proofs_first() {
    let mut session = session(PATHS);
    let edges = pairs(&[(0, 1), (1, 2), (0, 2)]);
    session
        .add_facts("edge", edges, Some(vec![0.9, 0.8, 0.5]), false)
        .unwrap();
    let proofs = session.why_text("path(0, 2)", 5).unwrap();
    let lines: Vec<String> = proofs.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "0.7200: edge(0, 1) [0.9000], edge(1, 2) [0.8000]",
            "0.5000: edge(0, 2) [0.5000]"
        ]
    );
    assert_eq!(
        session
            .why("path", &[Value::I64(0), Value::I64(2)], 1)
            .unwrap()
            .len(),
        1
    );
    assert!(session.why_text("path(2, 0)", 5).unwrap().is_empty());
    assert_eq!(
        session.why_text("pth(2, 0)", 5).unwrap_err().code(),
        "E0201"
    );
    assert_eq!(session.why_text("path(0)", 5).unwrap_err().code(), "E0202");
    assert_eq!(
        session.why_text("path(0, _)", 5).unwrap_err().code(),
        "E0813"
    );
    assert_eq!(
        session.why_text("path(\"a\", 0)", 5).unwrap_err().code(),
        "E0301"
    );
}

#[test]
fn why_tells_the_facts_of_certain_tuples_and_the_uses_of_rules() {
    let mut session = session(PATHS);
    session
        .add_facts("edge", pairs(&[(0, 1), (1, 2)]), None, false)
        .unwrap();
    let proofs = session.why_text("path(0, 2)", 5).unwrap();
    assert_eq!(proofs[0].to_string(), "1.0000: edge(0, 1), edge(1, 2)");
    session
        .add_program("rule.dl", "rel 0.4::near(a, b) = edge(a, b)")
        .unwrap();
    let proofs = session.why_text("near(0, 1)", 5).unwrap();
    assert_eq!(
        proofs[0].to_string(),
        "0.4000: rule `0.4::near(a, b) = edge(a, b)` for near(0, 1) [0.4000]"
    );
}

#[test]
fn why_tells_what_must_be_absent() {
    let session = session("rel 0.3::alarm(1)  rel day(1)  rel calm(x) = day(x), not alarm(x)");
    let proofs = session.why_text("calm(1)", 5).unwrap();
    assert_eq!(proofs[0].to_string(), "0.7000: not alarm(1) [0.7000]");
}

#[test]
fn sessions_move_between_threads() {
    let mut session = session(PATHS);
    let lines = std::thread::spawn(move || run(&mut session))
        .join()
        .unwrap();
    assert_eq!(lines, ["path: {}"]);
}
