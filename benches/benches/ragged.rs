//! Batches of 16 all of whose shapes are met for the first time: microseconds a batch of arranging, forward, backward,
//! and of processor time on all cores together, which other work on the machine changes least.
//!
//!     cargo bench -p nsdl-benches --bench ragged -- [kinship|formula] [topkproofs|minmaxprob|exact]
//!
//! The same work as `benches/ragged.py`, without Python.

// Without its inputs a measurement has no result.
#![allow(clippy::expect_used)]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use nsdl::{BatchTape, Output, Provenance, Ragged, Shapes, Value};
use nsdl_benches::Random;

const BATCH: usize = 16;
const RELATIONS: u64 = 20;

const KINSHIP: &str = "type kinship(r: i32, a: i32, b: i32), last(i32)
rel derived(r, a, b) = kinship(r, a, b)
rel derived(r, a, c) = derived(p, a, b) and kinship(q, b, c) and composition(p, q, r)
rel answer(r) = derived(r, 0, n) and last(n)
";

/// The number of a digit is itself; 10, 11, 12, 13 are + - * /.
const FORMULA: &str = "type symbol(place: i32, s: i32), length(i32)
rel factor(s as f32, i, i + 1) = symbol(i, s) and s < 10
rel term(x, i, j) = factor(x, i, j)
rel term(x * y, i, j) = term(x, i, m) and symbol(m, 12) and factor(y, m + 1, j)
rel term(x / y, i, j) = term(x, i, m) and symbol(m, 13) and factor(y, m + 1, j)
rel value(x, i, j) = term(x, i, j)
rel value(x + y, i, j) = value(x, i, m) and symbol(m, 10) and term(y, m + 1, j)
rel value(x - y, i, j) = value(x, i, m) and symbol(m, 11) and term(y, m + 1, j)
rel result(x) = value(x, 0, n) and length(n)
";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let asked = |all: &[&str], word: &str| {
        words.iter().any(|it| it == word) || !words.iter().any(|it| all.contains(&it.as_str()))
    };
    let number = words.iter().find_map(|it| it.parse().ok());
    println!(
        "{:<24} {:>12} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "work", "provenance", "arrange", "forward", "backward", "all (µs)", "processor"
    );
    let algebras = [
        ("topkproofs", Provenance::TopKProofs { k: 3 }),
        ("minmaxprob", Provenance::MinMaxProb),
        ("exact", Provenance::Exact),
    ];
    let names = algebras.map(|(name, _)| name);
    for (name, provenance) in algebras {
        if !asked(&names, name) {
            continue;
        }
        if asked(&["kinship", "formula"], "kinship") {
            let shapes = kinship(provenance);
            for lengths in [&[2][..], &[4], &[8], &[10], &[2, 3, 4, 5, 6, 7, 8, 9, 10]] {
                if number.is_none_or(|it: usize| lengths == [it]) {
                    measure("kinship", &shapes, chain, lengths, 3, name);
                }
            }
        }
        if asked(&["kinship", "formula"], "formula") {
            let shapes = formula(provenance);
            for (lengths, candidates) in [
                (&[1][..], 3),
                (&[3], 3),
                (&[5], 3),
                (&[7], 3),
                (&[1, 3, 5, 7], 3),
                (&[7], 7),
            ] {
                if number.is_none_or(|it| lengths == [it]) && (candidates == 3 || name != "exact") {
                    measure("formula", &shapes, written, lengths, candidates, name);
                }
            }
        }
    }
}

fn kinship(provenance: Provenance) -> Shapes {
    let mut random = Random::new(0);
    let mut text = KINSHIP.to_owned();
    for p in 0..RELATIONS {
        for q in 0..RELATIONS {
            if below(&mut random, 10) < 6 {
                let r = below(&mut random, RELATIONS);
                writeln!(text, "rel composition({p}, {q}, {r})").expect("a string takes all");
            }
        }
    }
    let answers = (0..RELATIONS as i64).map(|r| vec![Value::I64(r)]);
    let output = Output {
        relation: "answer".into(),
        mapping: Some(answers.collect()),
    };
    let open = vec!["kinship".to_owned(), "last".to_owned()];
    Shapes::from_text("kinship.dl", &text, vec![], open, vec![output], provenance)
        .expect("a program")
}

fn formula(provenance: Provenance) -> Shapes {
    let output = Output {
        relation: "result".into(),
        mapping: None,
    };
    let open = vec!["symbol".to_owned(), "length".to_owned()];
    Shapes::from_text(
        "formula.dl",
        FORMULA,
        vec![],
        open,
        vec![output],
        provenance,
    )
    .expect("a program")
}

fn below(random: &mut Random, end: u64) -> u64 {
    random.bits() % end
}

/// Different numbers below `end`.
fn sample(random: &mut Random, end: u64, count: usize) -> Vec<i64> {
    let mut chosen = std::collections::BTreeSet::new();
    while chosen.len() < count {
        chosen.insert(below(random, end) as i64);
    }
    chosen.into_iter().collect()
}

/// Places with the candidates that the network would see there.
fn chain(length: usize, candidates: usize, random: &mut Random) -> Vec<i64> {
    let mut facts = Vec::new();
    for place in 0..length as i64 {
        for r in sample(random, RELATIONS, candidates) {
            facts.extend([r, place, place + 1]);
        }
    }
    facts
}

/// A formula of digits and operators in turn, each with candidates of its kind first and others after.
fn written(length: usize, candidates: usize, random: &mut Random) -> Vec<i64> {
    let mut facts = Vec::new();
    for place in 0..length as i64 {
        let (from, end) = if place % 2 == 0 { (0, 10) } else { (10, 14) };
        let mut chosen = std::collections::BTreeSet::new();
        while chosen.len() < candidates {
            let own = below(random, 10) < 7 && (chosen.len() as u64) < end - from;
            chosen.insert(match own || chosen.is_empty() {
                true => from + below(random, end - from),
                false => below(random, 14),
            });
        }
        facts.extend(chosen.iter().flat_map(|&s| [place, s as i64]));
    }
    facts
}

/// Makes the facts of a sample: length, candidates.
type Make = fn(usize, usize, &mut Random) -> Vec<i64>;

fn measure(
    name: &str,
    shapes: &Shapes,
    make: Make,
    lengths: &[usize],
    candidates: usize,
    provenance: &str,
) {
    let (first, second) = {
        let mut open = shapes.open();
        let mut next = || open.next().map_or("", |(name, _)| name).to_owned();
        (next(), next())
    };
    let width = shapes.open().next().map_or(1, |(_, types)| types.len());
    let mut random = Random::new(1);
    let mut tape = BatchTape::<f32>::default();
    let mut times: Vec<[Duration; 4]> = Vec::new();
    let (begun, spent) = (Instant::now(), processor());
    while begun.elapsed() < Duration::from_secs(2) || times.len() < 5 {
        let (mut facts, mut offsets, mut groups, mut last) =
            (Vec::new(), vec![0], Vec::new(), Vec::new());
        for sample in 0..BATCH {
            let length = lengths.get(sample % lengths.len()).copied().unwrap_or(1);
            facts.extend(make(length, candidates, &mut random));
            let own = length * candidates;
            groups.extend((0..own).map(|fact| (fact / candidates) as i64));
            offsets.push(facts.len() / width);
            last.push(length as i64);
        }
        let n = facts.len() / width;
        let weights: Vec<f32> = (0..n)
            .map(|_| 0.02 + below(&mut random, 1000) as f32 * 3e-4)
            .collect();
        let start = Instant::now();
        let tuples = shapes.integers(&first, &facts).expect("integers");
        let ends = shapes.integers(&second, &last).expect("integers");
        let each: Vec<usize> = (0..=BATCH).collect();
        let given = [
            Ragged {
                tuples: &tuples,
                offsets: &offsets,
                groups: Some(&groups),
                certain: false,
            },
            Ragged {
                tuples: &ends,
                offsets: &each,
                groups: None,
                certain: true,
            },
        ];
        let arrangement = shapes.arrange(BATCH, &given).expect("within limits");
        let arranged = start.elapsed();
        let mut values = vec![0.0; arrangement.offsets(0).last().copied().unwrap_or(0)];
        shapes
            .forward(
                &arrangement,
                &[],
                &[&weights],
                false,
                &mut tape,
                &mut [&mut values],
            )
            .expect("a batch");
        let forward = start.elapsed();
        let mut slopes = vec![0.0; n];
        shapes
            .backward(
                &arrangement,
                &mut tape,
                &[&values],
                &mut [],
                &mut [&mut slopes],
            )
            .expect("a batch");
        let all = start.elapsed();
        times.push([arranged, forward - arranged, all - forward, all]);
    }
    let spent = 1e6 * (processor() - spent) / times.len() as f64;
    let mut row = [0.0; 4];
    for (at, cell) in row.iter_mut().enumerate() {
        let mut column: Vec<Duration> = times.iter().filter_map(|it| it.get(at).copied()).collect();
        column.sort_unstable();
        let median = column.get(column.len() / 2).copied().unwrap_or_default();
        *cell = 1e6 * median.as_secs_f64();
    }
    let what = match lengths {
        [one] => format!("{name} {one} × {candidates}"),
        [first, .., last] => format!("{name} {first}–{last} × {candidates}"),
        [] => name.to_owned(),
    };
    let [arrange, forward, backward, all] = row;
    println!(
        "{what:<24} {provenance:>12} {arrange:>10.0} {forward:>10.0} {backward:>10.0} {all:>10.0} {spent:>10.0}"
    );
}

/// Seconds of processor time so far; 0 where the system does not say.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in parentheses: state, …, the 12th and 13th are hundredths of a second.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.filter_map(|it| it.parse::<f64>().ok()).sum::<f64>() / 100.0
}
