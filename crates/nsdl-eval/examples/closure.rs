//! Times transitive closure: `cargo run --release -p nsdl-eval --example closure [PART OF A NAME]`.
//!
//! Random graphs of 1,000 nodes and a chain, linear and non-linear rules, with and without a trace, with tags carried
//! in the joins, and over numbers that lie far apart, where nothing is dense.

use std::sync::LazyLock;
use std::time::Instant;

use nsdl_eval::{Carry, Options, evaluate};
use nsdl_ir::{
    Column, DeltaOrder, Expr, Fact, Plan, Relation, RelationId, Rule, RuleId, Slot, Span, Step,
    Stratum, Symbols, Tag, Type,
};
use nsdl_provenance::MinMaxProb;

const EDGE: RelationId = RelationId(0);
const PATH: RelationId = RelationId(1);

fn main() {
    let random = |edges: usize| {
        let mut state = 1_u64;
        let mut next = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % 1000
        };
        (0..edges).map(|_| (next(), next())).collect::<Vec<_>>()
    };
    let chain: Vec<(u64, u64)> = (0..1000).map(|i| (i, i + 1)).collect();
    let filter = std::env::args().nth(1).unwrap_or_default();
    let plain = Options::default();
    let trace = Options {
        trace: true,
        ..Options::default()
    };
    let tags = Options {
        carry: Some(Carry::new(MinMaxProb)),
        ..Options::default()
    };
    let apart = |edges: Vec<(u64, u64)>| -> Vec<(u64, u64)> {
        let far = |node: u64| (node.wrapping_mul(0x9e37_79b9_7f4a_7c15)) >> 20;
        edges.into_iter().map(|(a, b)| (far(a), far(b))).collect()
    };
    for (name, edges, linear, runs, options) in [
        (
            "random, 1,000 nodes, 5,000 edges",
            random(5000),
            true,
            20,
            &plain,
        ),
        (
            "random, 1,000 nodes, 2,000 edges",
            random(2000),
            true,
            20,
            &plain,
        ),
        ("chain of 1,000", chain.clone(), true, 20, &plain),
        (
            "random, 1,000 nodes, 5,000 edges, non-linear",
            random(5000),
            false,
            2,
            &plain,
        ),
        (
            "chain of 1,000, non-linear",
            chain.clone(),
            false,
            2,
            &plain,
        ),
        (
            "random, 1,000 nodes, 2,000 edges, traced",
            random(2000),
            true,
            5,
            &trace,
        ),
        ("chain of 1,000, traced", chain.clone(), true, 5, &trace),
        (
            "random, 1,000 nodes, 5,000 edges, tags",
            random(5000),
            true,
            5,
            &tags,
        ),
        (
            "random, 1,000 nodes, 5,000 edges, apart",
            apart(random(5000)),
            true,
            5,
            &plain,
        ),
        (
            "random, 1,000 nodes, 5,000 edges, apart, tags",
            apart(random(5000)),
            true,
            5,
            &tags,
        ),
        (
            "random, 1,000 nodes, 2,000 edges, tags",
            random(2000),
            true,
            5,
            &tags,
        ),
        (
            "random, 1,000 nodes, 2,000 edges, apart",
            apart(random(2000)),
            true,
            5,
            &plain,
        ),
        (
            "random, 1,000 nodes, 2,000 edges, apart, tags",
            apart(random(2000)),
            true,
            5,
            &tags,
        ),
        ("chain of 1,000, tags", chain.clone(), true, 5, &tags),
        (
            "chain of 1,000, apart",
            apart(chain.clone()),
            true,
            5,
            &plain,
        ),
        (
            "chain of 1,000, apart, tags",
            apart(chain.clone()),
            true,
            5,
            &tags,
        ),
        (
            "random, 1,000 nodes, 2,000 edges, non-linear",
            random(2000),
            false,
            2,
            &plain,
        ),
        (
            "random, 1,000 nodes, 2,000 edges, non-linear, tags",
            random(2000),
            false,
            2,
            &tags,
        ),
        (
            "random, 1,000 nodes, 2,000 edges, non-linear, apart",
            apart(random(2000)),
            false,
            2,
            &plain,
        ),
        (
            "random, 1,000 nodes, 2,000 edges, non-linear, apart, tags",
            apart(random(2000)),
            false,
            2,
            &tags,
        ),
        ("chain of 10", chain[..10].to_vec(), true, 1000, &plain),
        (
            "chain of 10, traced",
            chain[..10].to_vec(),
            true,
            1000,
            &trace,
        ),
    ] {
        if !name.contains(&filter) {
            continue;
        }
        let (plan, symbols) = (plan(linear), Symbols::new());
        let facts = facts(&edges, options.carry.is_some());
        let mut times = Vec::new();
        let (mut pairs, mut instances) = (0, 0);
        for _ in 0..runs {
            let start = spent();
            match evaluate(&plan, &symbols, &facts, options) {
                Ok(evaluation) => {
                    pairs = evaluation.tables[PATH.index()].len();
                    instances = evaluation.trace.map_or(0, |trace| trace.instances.len());
                }
                Err(error) => println!("{}", error.message),
            }
            times.push(spent() - start);
        }
        times.sort_by(f64::total_cmp);
        let (best, median) = (times[0], times[times.len() / 2]);
        println!(
            "{name}: {pairs} pairs, {instances} instances, best {best:.3} ms, median {median:.3} ms"
        );
    }
}

/// Milliseconds of processor time so far, where the system tells; other programs do not count then.
fn spent() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/self/schedstat");
    let nanoseconds = told
        .ok()
        .and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or(START.elapsed().as_secs_f64() * 1e3, |it| it / 1e6)
}

fn facts(edges: &[(u64, u64)], uncertain: bool) -> Vec<Fact> {
    let weight = |a: u64, b: u64| {
        let mixed = (a.wrapping_mul(1_000_003) + b + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    };
    let fact = |&(a, b): &(u64, u64)| Fact {
        relation: EDGE,
        row: [a, b].into(),
        tag: match uncertain {
            true => Tag::Independent(weight(a, b)),
            false => Tag::Certain,
        },
        span: None,
    };
    edges.iter().map(fact).collect()
}

/// `path(x, y) = edge(x, y)` and `path(x, z) = path(x, y), edge(y, z)` or `path(x, y), path(y, z)`.
fn plan(linear: bool) -> Plan {
    let relation = |name: &str| Relation {
        name: name.into(),
        columns: vec![Type::I32; 2],
        auxiliary: false,
        hidden: false,
        certain: false,
        keep: None,
        facts: None,
        span: Span::default(),
    };
    let scan = |atom, relation, first, second| Step::Scan {
        atom,
        relation,
        columns: vec![first, second],
    };
    let slot = |number| Expr::Slot(Slot(number));
    let rule = |atoms, slots: &[u32], steps, deltas| Rule {
        span: Span::default(),
        head: PATH,
        args: slots.iter().map(|&number| slot(number)).collect(),
        slots: vec![Type::I32; 3],
        atoms,
        steps,
        deltas,
        tag: None,
        copy: None,
    };
    let (bind, check) = (
        |slot| Column::Bind(Slot(slot)),
        |slot| Column::Check(Slot(slot)),
    );
    let step = if linear { EDGE } else { PATH };
    let forward = vec![
        scan(0, PATH, bind(0), bind(1)),
        scan(1, step, check(1), bind(2)),
    ];
    let backward = vec![
        scan(1, step, bind(1), bind(2)),
        scan(0, PATH, bind(0), check(1)),
    ];
    let mut deltas = vec![DeltaOrder {
        atom: 0,
        steps: forward.clone(),
    }];
    if !linear {
        deltas.push(DeltaOrder {
            atom: 1,
            steps: backward,
        });
    }
    Plan {
        relations: vec![relation("edge"), relation("path")],
        rules: vec![
            rule(1, &[0, 1], vec![scan(0, EDGE, bind(0), bind(1))], vec![]),
            rule(2, &[0, 2], forward, deltas),
        ],
        strata: vec![
            Stratum {
                relations: vec![EDGE],
                ..Stratum::default()
            },
            Stratum {
                relations: vec![PATH],
                rules: vec![RuleId(0), RuleId(1)],
                aggregates: vec![],
                recursive: true,
            },
        ],
        ..Plan::default()
    }
}
