//! Aggregates that read how probable their members are: draws, explanations, modules, errors.

// Helpers of tests may panic as tests do.
#![allow(clippy::unwrap_used)]

use nsdl::{Input, Module, Output, Provenance, Session, Value, print};

fn session(program: &str) -> Session {
    let mut session = Session::new();
    session.add_program("test.dl", program).unwrap();
    session
}

fn run(session: &mut Session) -> Vec<String> {
    let outcome = session.run().unwrap();
    outcome.relations.iter().map(print::text).collect()
}

#[test]
fn the_seed_decides_the_draws() {
    let mut session = session(
        "rel p = {1, 2, 3, 4, 5, 6, 7, 8, 9}
         rel q(x) = x := uniform<3>(x: p(x))
         query q",
    );
    let mut draws = Vec::new();
    for seed in 0..8 {
        session.set_seed(seed);
        let drawn = run(&mut session);
        assert_eq!(drawn, run(&mut session));
        draws.push(drawn);
    }
    draws.sort();
    draws.dedup();
    assert!(draws.len() > 4, "{draws:?}");
}

#[test]
fn draws_are_the_same_under_every_provenance() {
    let mut session = session(
        "rel p = {0.5::1, 0.5::2, 0.5::3, 0.5::4, 0.5::5, 0.5::6}
         rel q(x) = x := uniform<2>(x: p(x))
         rel r(x) = x := categorical<2>(x: p(x))
         query q
         query r",
    );
    let tuples = |session: &mut Session, name: &str| {
        session.set_provenance(Some(Provenance::parse(name, None).unwrap()));
        let outcome = session.run().unwrap();
        let relations = outcome.relations.into_iter();
        let tuples = relations.map(|relation| relation.tuples.into_iter().map(|tuple| tuple.1));
        tuples.map(Iterator::collect).collect::<Vec<Vec<_>>>()
    };
    let exact = tuples(&mut session, "exact");
    // A half is no natural number.
    let all = Provenance::ALL.into_iter();
    for name in all.filter(|name| !["natural", "tropical"].contains(name)) {
        assert_eq!(tuples(&mut session, name), exact, "{name}");
    }
}

#[test]
fn why_tells_what_an_aggregate_made() {
    let session = session(
        "rel p = {0.25::1, 0.75::2}
         rel best = top(x: p(x))
         rel share = normalize(x: p(x))",
    );
    let why = |atom: &str| session.why_text(atom, 3).unwrap()[0].to_string();
    assert_eq!(why("best(2)"), "0.7500: p(2) [0.7500]");
    assert_eq!(
        why("share(2)"),
        "0.7500: `normalize(x: p(x))` for (2) [0.7500]"
    );
}

#[test]
fn approximate_weights_are_warned_of() {
    let mut session = session(
        "rel p = {0.5::1, 0.5::2, 0.5::3, 0.5::4}
         rel some(1) = p(x)
         rel share = normalize(x: some(x))
         query share",
    );
    session.set_provenance(Some(Provenance::TopKProofs { k: 1 }));
    let outcome = session.run().unwrap();
    let codes: Vec<_> = outcome
        .warnings
        .iter()
        .map(|warning| warning.code)
        .collect();
    assert!(codes.contains(&"W0602"), "{codes:?}");
}

#[test]
fn disjuncts_that_are_too_probable_are_an_error() {
    let program = "rel p = {0.5::1, 0.6::2}\nrel r = disjunct(x: p(x))";
    let error = session(program).run().unwrap_err();
    assert_eq!(error.code(), "E0630");
    for provenance in [Provenance::Unit, Provenance::Bool] {
        let mut session = session(program);
        session.set_provenance(Some(provenance));
        assert!(session.run().is_ok(), "{provenance}: both hold");
    }
}

#[test]
fn a_module_refuses_to_read_weights_that_come_later() {
    let module = |program: &str| {
        Module::from_text(
            "module.dl",
            program,
            vec![Input {
                relation: "digit".into(),
                mapping: (0..3).map(|d| vec![Value::I64(d)]).collect(),
                exclusive: true,
            }],
            vec![Output {
                relation: "out".into(),
                mapping: None,
            }],
            Provenance::Exact,
        )
    };
    let refused = module("rel out(x) = x := top(x: digit(x))").err();
    assert_eq!(refused.map(|error| error.code()), Some("E0850"));
    // What the circuit knows beforehand it may read.
    let certain = "rel p = {1, 2}  rel out(x) = digit(x), x := top<2>(x: p(x))";
    assert_eq!(module(certain).unwrap().tuples(0).len(), 2);
}
