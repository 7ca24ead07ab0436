//! What Scallop gets wrong (`corpus/scallop_faults/`), where a program alone cannot show it.

// Helpers of tests may panic too.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::path::Path;

use nsdl::{Limits, Provenance, Session, print};
use nsdl_tests::corpus::printed;

fn session(program: &str) -> Session {
    let mut session = Session::new();
    session.add_program("fault.dl", program).unwrap();
    session
}

fn run(session: &mut Session) -> Vec<String> {
    let outcome = session.run().unwrap();
    outcome.relations.iter().map(print::text).collect()
}

fn under(session: &mut Session, provenance: &str) -> Vec<String> {
    session.set_provenance(Some(Provenance::parse(provenance, None).unwrap()));
    run(session)
}

/// The table of `corpus/scallop_faults/README.md` names the test of each fault.
#[test]
fn every_fault_has_its_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/scallop_faults");
    let table = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let links: Vec<&str> = table
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link)
        .collect();
    for link in &links {
        let (file, test) = link.split_once('#').unwrap_or((link, ""));
        let text = std::fs::read_to_string(folder.join(file));
        assert!(text.is_ok_and(|text| text.contains(test)), "{link}");
    }
    for program in std::fs::read_dir(&folder).unwrap().flatten() {
        let name = program.file_name();
        let listed = name == "README.md" || links.iter().any(|link| *link == name);
        assert!(listed, "{name:?} is not in the table");
    }
}

/// §7.1 (6): the flag that shows what a run does leaves dynamic terms out.
#[test]
fn terms_are_the_same_however_a_program_is_run() {
    let mut session = session(
        "type List = Nil() | Cons(i32, List)
         rel numbers = {(1, 2)}
         rel list(new Cons(x, new Cons(y, new Nil()))) = numbers(x, y)
         rel length(l, 0) = case l is Nil()
         rel length(l, n + 1) = case l is Cons(_, t), length(t, n)
         rel answer(n) = list(l), length(l, n)
         query answer",
    );
    let answer = ["answer: {(2)}"];
    for provenance in Provenance::ALL {
        // Some tell in the tag which facts it takes.
        let lines = under(&mut session, provenance);
        let tuples: Vec<String> = lines.iter().map(|line| untagged(line)).collect();
        assert_eq!(tuples, answer, "{provenance}");
    }
    session.set_demand(false);
    assert_eq!(run(&mut session), answer);
    assert!(session.plan().contains("length"), "{}", session.plan());
    assert_eq!(session.why_text("answer(2)", 1).unwrap().len(), 1);
    assert_eq!(run(&mut session), answer);
}

/// A line of one tuple, without its tag.
fn untagged(line: &str) -> String {
    match (line.split_once('{'), line.rsplit_once("::")) {
        (Some((head, _)), Some((_, tuple))) => format!("{head}{{{tuple}"),
        _ => line.to_owned(),
    }
}

/// §7.1 (7): with a limit of 3 rounds the values go up to 4.
#[test]
fn a_limit_of_rounds_is_met_exactly_and_gives_no_part_of_an_answer() {
    let mut session = session("rel n(0)  rel n(x + 1) = n(x), x < 3  query n");
    let rounds = |rounds| Limits {
        rounds,
        ..Limits::default()
    };
    let enough = (1..100)
        .find(|enough| {
            session.set_limits(rounds(*enough));
            session.run().is_ok()
        })
        .unwrap();
    // One for each of 1, 2 and 3.
    assert_eq!(enough, 3);
    assert_eq!(run(&mut session), ["n: {(0), (1), (2), (3)}"]);
    session.set_limits(rounds(enough - 1));
    assert_eq!(session.run().unwrap_err().code(), "E0610");
}

/// §7.1 (12): a copy under another provenance has lost what was derived.
#[test]
fn another_provenance_after_a_run_keeps_what_is_derived() {
    let mut session = session(
        "rel edge = {0.5::(0, 1), 0.5::(1, 2)}
         rel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))
         query path",
    );
    let expected = [
        ("unit", "path: {(0, 1), (0, 2), (1, 2)}"),
        ("exact", "path: {0.5::(0, 1), 0.25::(0, 2), 0.5::(1, 2)}"),
        (
            "minmaxprob",
            "path: {0.5::(0, 1), 0.5::(0, 2), 0.5::(1, 2)}",
        ),
        ("exact", "path: {0.5::(0, 1), 0.25::(0, 2), 0.5::(1, 2)}"),
    ];
    for (provenance, path) in expected {
        assert_eq!(under(&mut session, provenance), [path], "{provenance}");
    }
}

/// §7.1 (13): three proofs each give 0.151 for 0.303, without a word.
#[test]
fn a_count_of_few_proofs_warns() {
    let mut session = session(
        "rel p = {0.3::1, 0.3::2, 0.3::3, 0.3::4, 0.3::5, 0.3::6}
         rel n(k) = k := count(x: p(x))
         query n",
    );
    session.set_provenance(Some(Provenance::parse("topkproofs", Some(3)).unwrap()));
    let codes: Vec<&str> = session
        .run()
        .unwrap()
        .warnings
        .iter()
        .map(|it| it.code)
        .collect();
    assert_eq!(codes, ["W0602"]);
    session.set_provenance(Some(Provenance::parse("topkproofs", Some(20)).unwrap()));
    let outcome = session.run().unwrap();
    assert!(outcome.warnings.is_empty(), "{:?}", outcome.warnings);
    let counts = printed(&print::text(&outcome.relations[0])).unwrap();
    let total: f64 = counts.tuples.iter().map(|(tag, _)| tag).sum();
    assert!((total - 1.0).abs() < 1e-9, "{total}");
}

/// §2: a count of n uncertain members tries all their 2^n sets, 20 s for n = 20.
#[test]
fn a_count_of_many_members_is_no_trouble() {
    let mut session = session(
        "rel number(x) = x in 0..400
         rel 0.5::p(x) = number(x)
         rel n(k) = k := count(x: p(x))
         rel even() = n(k), k % 2 == 0
         query even",
    );
    let even = printed(&under(&mut session, "exact")[0]).unwrap();
    assert!((even.tuples[0].0 - 0.5).abs() < 1e-12, "{even:?}");
}
