//! Transitive closure, beside `ascent` on the same edges in the same process.

// Without its inputs a measurement has no result.
#![allow(clippy::expect_used)]

use std::time::Duration;

use ascent::ascent;
use nsdl::{Session, Value};
use nsdl_benches::{Timing, chain, random_graph, report, time};

ascent! {
    struct Closure;
    relation edge(i32, i32);
    relation path(i32, i32);
    path(a, b) <-- edge(a, b);
    path(a, c) <-- path(a, b), edge(b, c);
}

const PROGRAM: &str = "type edge(i32, i32)
rel path(a, b) = edge(a, b)
rel path(a, c) = path(a, b), edge(b, c)
query path";

const BUDGET: Duration = Duration::from_secs(3);

fn main() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!("transitive closure, {threads} cores\n");
    for (name, edges) in [
        ("1,000 nodes, 5,000 edges", random_graph(1000, 5000, 1)),
        ("1,000 nodes, 2,000 edges", random_graph(1000, 2000, 1)),
        ("chain of 1,000", chain(1000)),
    ] {
        compare(name, &edges);
    }
}

/// Both engines start from a list of edges and end with their own table of pairs.
fn compare(name: &str, edges: &[(i32, i32)]) {
    let ascent = time(BUDGET, || assert!(!of_ascent(edges).is_empty()));
    let facts: Vec<Vec<Value>> = edges
        .iter()
        .map(|&(a, b)| vec![Value::I32(a), Value::I32(b)])
        .collect();
    let nsdl = time(BUDGET, || solve(&facts, &mut Session::new()));
    let values = time(BUDGET, || {
        let mut session = Session::new();
        solve(&facts, &mut session);
        assert!(session.relation("path").is_ok_and(|path| !path.is_empty()));
    });

    let mut expected = of_ascent(edges);
    expected.sort_unstable();
    let mut session = Session::new();
    solve(&facts, &mut session);
    let path = session.relation("path").expect("it is queried");
    let pair = |tuple: &[Value]| match *tuple {
        [Value::I32(a), Value::I32(b)] => (a, b),
        _ => panic!("{tuple:?} is no pair of i32"),
    };
    let got: Vec<(i32, i32)> = path.tuples.iter().map(|(_, tuple)| pair(tuple)).collect();
    assert_eq!(got, expected, "{name}");

    println!("{name}: {} pairs", got.len());
    report("  ascent", ascent);
    report("  nsdl", nsdl);
    report("  nsdl, with the answers sorted, as values", values);
    let ratio = |timing: Timing| timing.median.as_secs_f64() / ascent.median.as_secs_f64();
    println!(
        "  nsdl / ascent: {:.2}, with values {:.2}\n",
        ratio(nsdl),
        ratio(values)
    );
}

fn of_ascent(edges: &[(i32, i32)]) -> Vec<(i32, i32)> {
    let mut closure = Closure {
        edge: edges.to_vec(),
        ..Closure::default()
    };
    closure.run();
    closure.path
}

fn solve(facts: &[Vec<Value>], session: &mut Session) {
    let done = session
        .add_program("closure.dl", PROGRAM)
        .and_then(|_| session.add_facts("edge", facts.to_vec(), None, false))
        .and_then(|()| session.solve());
    assert!(done.is_ok(), "{done:?}");
}
