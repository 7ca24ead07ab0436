//! Whatever the text, there is an answer or an error: never a panic, never a stack overflow.

// Helpers of tests may panic too.
#![allow(clippy::expect_used)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use nsdl::{Limits, Provenance, Session};
use nsdl_tests::corpus::{Case, cases};
use nsdl_tests::fuzz::mutate;
use nsdl_tests::random::Random;

fn corpus() -> Vec<Case> {
    [cases(false), cases(true)].concat()
}

fn limited() -> Session {
    let mut session = Session::new();
    session.set_limits(Limits {
        rounds: 100,
        tuples: 2_000,
        instances: 2_000,
    });
    session
}

/// Loads a text into a session with something in it, and runs it if it loads.
fn try_text(text: &str, provenance: Option<Provenance>) {
    let mut session = limited();
    session.set_provenance(provenance);
    session
        .add_program("before.dl", "rel survivor(1)")
        .expect("the program is right");
    match session.add_program("mutated.dl", text) {
        Ok(_) => drop(session.run().map(drop)),
        Err(error) => {
            assert!(error.code().starts_with('E'), "{error}");
            assert_eq!(
                session.run().map(|outcome| outcome.relations.len()).ok(),
                Some(1),
                "the session is as before"
            );
        }
    }
}

#[test]
fn mutated_programs_never_panic() {
    let corpus = corpus();
    let mut random = Random::new(1);
    for round in 0..6 {
        for case in &corpus {
            let text = mutate::characters(&case.text, &corpus, &mut random);
            let provenance = match round % 3 {
                0 => None,
                1 => Some(Provenance::TopKProofs { k: 2 }),
                _ => Some(Provenance::AddMultProb),
            };
            let outcome = catch_unwind(AssertUnwindSafe(|| try_text(&text, provenance)));
            assert!(
                outcome.is_ok(),
                "{} mutated in round {round}:\n{text}",
                case.name
            );
        }
    }
}

#[test]
fn nesting_beyond_the_limit_is_an_error() {
    let deep = |n: usize| {
        [
            format!(
                "rel p(1)\nrel q(x) = {}p(x){}",
                "(".repeat(n),
                ")".repeat(n)
            ),
            format!("rel p({}1{})", "(".repeat(n), ")".repeat(n)),
            format!("rel p({}1)", "-".repeat(n)),
            format!("rel p(true)\nrel q(x) = p(x), {}x", "!".repeat(n)),
            format!(
                "rel p(1)\nrel q(x) = p(x){}",
                " and (p(x) or (p(x)".repeat(n / 2) + &"))".repeat(n / 2)
            ),
            format!(
                "rel p(1)\nrel q(n) = {}p(n){}",
                "n := count(n: ".repeat(n),
                ")".repeat(n)
            ),
        ]
    };
    for text in deep(100_000) {
        let error = limited()
            .add_program("deep.dl", &text)
            .expect_err("too deep");
        assert!(error.code().starts_with('E'));
    }
    // What the limit allows must not overflow the stack either.
    for text in deep(1_500) {
        let mut session = limited();
        if session.add_program("deep.dl", &text).is_ok() {
            drop(session.run());
        }
    }
}

#[test]
fn long_programs_load() {
    let facts: String = (0..20_000).map(|n| format!("rel p({n})\n")).collect();
    let mut session = Session::new();
    session
        .add_program("long.dl", &facts)
        .expect("the facts are right");
    let outcome = session.run().expect("it runs");
    assert_eq!(outcome.relations[0].len(), 20_000);

    let sums = format!("rel p(1)\nrel q(x{}) = p(x)", " + 1".repeat(1_000));
    let mut session = Session::new();
    session
        .add_program("sum.dl", &sums)
        .expect("the sum is right");
    assert_eq!(session.run().expect("it runs").relations[1].len(), 1);
}

/// Loads and runs a program; how many tuples its last relation has.
fn last(text: &str) -> usize {
    let mut session = Session::new();
    session
        .add_program("large.dl", text)
        .expect("the program is right");
    let outcome = session.run().expect("it runs");
    outcome.relations.last().map_or(0, |last| last.len())
}

#[test]
fn large_things_are_no_trouble() {
    let nested = format!(
        "rel p(1)\nrel q(x) = {}p(x){}",
        "(".repeat(1_000),
        ")".repeat(1_000)
    );
    assert_eq!(last(&nested), 1);
    assert_eq!(last(&format!("rel p(\"{}\")", "x".repeat(10_000_000))), 1);
    let facts: Vec<String> = (0..100_000).map(|n| format!("({n}, {})", n % 7)).collect();
    assert_eq!(last(&format!("rel p = {{{}}}", facts.join(", "))), 100_000);
}

#[test]
fn long_rules_are_ordered_at_once() {
    let chain = |literal: &dyn Fn(usize) -> String, backwards: bool| {
        let mut parts: Vec<String> = (0..20_000).map(literal).collect();
        if backwards {
            parts.reverse();
        }
        parts.join(", ")
    };
    let same = chain(&|_| "p(x)".into(), false);
    assert_eq!(last(&format!("rel p(1)\nrel q(x) = {same}")), 1);
    let joined = chain(&|n| format!("p(x{n}, x{})", n + 1), false);
    assert_eq!(last(&format!("rel p(1, 1)\nrel q(x0) = {joined}")), 1);
    // Each equation waits for the one behind it.
    let sums = chain(&|n| format!("x{} == x{n} + 1", n + 1), true);
    assert_eq!(last(&format!("rel p(1)\nrel q(x20000) = {sums}, p(x0)")), 1);
}

#[test]
fn ten_thousand_lines_load_and_their_errors_are_told() {
    let lines: String = (0..10_000)
        .map(|n| match n {
            0 => "rel r0(1, 2)\n".to_string(),
            n => format!(
                "rel r{n}(b, a) = r{}(a, b) and a < b or r{}(a, b)\n",
                n - 1,
                n / 2
            ),
        })
        .collect();
    assert_eq!(last(&lines), 2);
    for wrong in [
        "rel p{n}(x = q(x)\n",
        "rel p{n}(x) = unknown{n}(x)\n",
        "rel p{n} = {1, \"a\"}\n",
    ] {
        let text: String = (0..10_000)
            .map(|n| wrong.replace("{n}", &n.to_string()))
            .collect();
        let error = Session::new()
            .add_program("wrong.dl", &text)
            .expect_err("it is wrong");
        assert!(
            (100..=101).contains(&error.diagnostics.len()),
            "{}",
            error.diagnostics.len()
        );
    }
}
