//! What tags cost: the same programs over the same facts under `bool`, `minmaxprob` and `topkproofs`.
//!
//! Numbers are spread far apart, so that no engine keeps them in arrays over all possible rows; the line "dense" tells
//! what these arrays make of it.

// Without its inputs a measurement has no result.
#![allow(clippy::expect_used)]

use std::time::{Duration, Instant};

use nsdl::{Provenance, Session, Value};
use nsdl_benches::{Random, chain, random_graph, show};

/// Relation, tuples of numbers.
type Facts = Vec<(&'static str, Vec<Vec<i32>>)>;

/// For one line.
const BUDGET: Duration = Duration::from_secs(8);

const CLOSURE: &str = "type edge(i64, i64)
rel path(a, b) = edge(a, b)
rel path(a, c) = path(a, b), edge(b, c)
query path";

const NON_LINEAR: &str = "type edge(i64, i64)
rel path(a, b) = edge(a, b)
rel path(a, c) = path(a, b), path(b, c)
query path";

const SAME_GENERATION: &str = "type parent(i64, i64)
rel same(a, b) = parent(p, a), parent(p, b), a != b
rel same(a, b) = parent(p, a), same(p, q), parent(q, b)
query same";

const POINTS_TO: &str = "type allocate(i64, i64), assign(i64, i64), load(i64, i64), store(i64, i64)
rel points(v, h) = allocate(v, h)
rel points(v, h) = assign(v, w), points(w, h)
rel points(v, h) = load(v, w), points(w, a), points(a, h)
rel points(a, h) = store(v, w), points(v, a), points(w, h)
query points";

const ALIAS: &str = "type assign(i64, i64), dereference(i64, i64)
rel flow(a, b) = assign(b, a)
rel flow(a, b) = assign(a, m), memory(m, b)
rel flow(a, b) = flow(a, m), flow(m, b)
rel memory(a, b) = dereference(v, a), value(v, w), dereference(w, b)
rel value(a, b) = flow(m, a), flow(m, b)
rel value(a, b) = flow(m, a), memory(m, n), flow(n, b)
rel flow(a, a) = assign(a, _)
rel flow(a, a) = assign(_, a)
rel memory(a, a) = assign(_, a)
rel memory(a, a) = assign(a, _)
query value";

fn main() {
    println!(
        "{:<44} {:>9} {:>11} {:>11} {:>6} {:>11} {:>6}",
        "work", "rows", "bool", "minmaxprob", "ratio", "top 3", "ratio"
    );
    let filter = std::env::args().skip(1).find(|it| !it.starts_with('-'));
    for (name, program, facts) in programs() {
        if filter.as_ref().is_none_or(|filter| name.contains(filter)) {
            compare(name, program, &facts, true);
            compare(&format!("{name}, dense"), program, &facts, false);
        }
    }
}

fn programs() -> Vec<(&'static str, &'static str, Facts)> {
    let pairs = |edges: Vec<(i32, i32)>| edges.into_iter().map(|(a, b)| vec![a, b]).collect();
    let graph = |nodes, edges| vec![("edge", pairs(random_graph(nodes, edges, 1)))];
    let tree = (1..511).map(|child| vec![(child - 1) / 2, child]).collect();
    let points = vec![
        ("allocate", pairs(random_graph(600, 300, 2))),
        ("assign", pairs(random_graph(600, 700, 3))),
        ("load", pairs(random_graph(600, 60, 4))),
        ("store", pairs(random_graph(600, 60, 5))),
    ];
    // The work grows with the third power of the variables or faster, since nearly all pairs hold.
    let alias = vec![
        ("assign", pairs(random_graph(60, 54, 6))),
        ("dereference", pairs(random_graph(60, 45, 7))),
    ];
    vec![
        (
            "closure, 1,000 nodes, 2,000 edges",
            CLOSURE,
            graph(1000, 2000),
        ),
        (
            "closure, 1,000 nodes, 5,000 edges",
            CLOSURE,
            graph(1000, 5000),
        ),
        (
            "closure, chain of 1,000",
            CLOSURE,
            vec![("edge", pairs(chain(1000)))],
        ),
        (
            "path of paths, 200 nodes, 600 edges",
            NON_LINEAR,
            graph(200, 600),
        ),
        (
            "same generation, tree of 511",
            SAME_GENERATION,
            vec![("parent", tree)],
        ),
        ("points-to, 600 variables", POINTS_TO, points),
        ("aliases (CSPA), 60 variables", ALIAS, alias),
    ]
}

/// One line of the table. The three are run in turn, and a ratio is that of runs which follow each other: the speed of
/// a machine that others use drifts.
fn compare(name: &str, program: &str, facts: &Facts, apart: bool) {
    let provenances = [
        Provenance::Bool,
        Provenance::MinMaxProb,
        Provenance::TopKProofs { k: 3 },
    ];
    // The least of some runs: the first may have to ask the system for memory that the one before gave back.
    let timed = |provenance: &Provenance| -> Option<f64> {
        let (mut least, start) = (f64::INFINITY, Instant::now());
        for run in 0..5 {
            if run > 1 && start.elapsed() > Duration::from_millis(200) {
                break;
            }
            let (mut session, start) = (Session::new(), Instant::now());
            solve(program, facts, apart, *provenance, &mut session)?;
            least = least.min(start.elapsed().as_secs_f64());
        }
        Some(least)
    };
    let mut session = Session::new();
    solve(program, facts, apart, Provenance::Bool, &mut session);
    let output = session
        .outputs()
        .first()
        .and_then(|name| session.relation(name).ok());
    let rows = output.map_or(0, |relation| relation.tuples.len());
    let (mut rounds, start): (Vec<[Option<f64>; 3]>, _) = (Vec::new(), Instant::now());
    while rounds.len() < 3 || start.elapsed() < BUDGET && rounds.len() < 200 {
        rounds.push(provenances.each_ref().map(timed));
    }
    let median = |values: Vec<f64>| {
        let mut values = values;
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let time = |which: usize| median(rounds.iter().filter_map(|it| it[which]).collect());
    let column = |which: usize| match time(which) {
        None => format!("{:>11} {:>6}", "too large", "–"),
        Some(time) => {
            let ratios = (rounds.iter()).filter_map(|it| Some(it[which]? / it[0]?));
            let ratio = median(ratios.collect()).unwrap_or(f64::NAN);
            format!("{:>11} {ratio:>6.2}", show(Duration::from_secs_f64(time)))
        }
    };
    let plain = time(0).expect("plain Datalog has no limit here");
    println!(
        "{name:<44} {rows:>9} {:>11} {} {}",
        show(Duration::from_secs_f64(plain)),
        column(1),
        column(2)
    );
}

/// Computes the tags of all rows; `None` if a limit is met.
fn solve(
    program: &str,
    facts: &Facts,
    apart: bool,
    provenance: Provenance,
    session: &mut Session,
) -> Option<()> {
    let mut random = Random::new(9);
    session.set_provenance(Some(provenance));
    session
        .add_program("overhead.dl", program)
        .expect("it compiles");
    for (relation, tuples) in facts {
        let spread = |number: i32| match apart {
            true => i64::from(number) * 0x9e37_79b9_7f4a,
            false => i64::from(number),
        };
        let values = |tuple: &Vec<i32>| tuple.iter().map(|it| Value::I64(spread(*it))).collect();
        let weights = tuples.iter().map(|_| random.unit()).collect();
        session
            .add_facts(
                relation,
                tuples.iter().map(values).collect(),
                Some(weights),
                false,
            )
            .expect("they fit");
    }
    session.solve().ok().map(drop)
}
