//! Random programs: each is drawn once, its worlds are enumerated once, and every provenance is checked against
//! them. Some in `cargo test`; 5,000 where the tests are optimised, as `cargo xtask test` does:
//! `cargo test --profile oracle -p nsdl-tests --test random_programs -- --nocapture`.

// Helpers of tests may panic too.
#![allow(clippy::expect_used)]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nsdl_tests::agreement::{CHECKS, Case, Check, LIMITED, ORACLE, Verdict, has, is_recursive};
use nsdl_tests::oracle::enumerate::{Distribution, distribution};
use nsdl_tests::oracle::{Head, Literal, Program, Reduction};
use nsdl_tests::{generate, shrink};

/// How many programs; `NSDL_PROGRAMS=100000` and `NSDL_SEED=5000` hunt further.
const PROGRAMS: u64 = if cfg!(debug_assertions) { 500 } else { 5_000 };

/// Faults that are shrunk and shown.
const SHOWN: usize = 8;

/// What came of the programs that one thread drew.
#[derive(Default)]
struct Tally {
    programs: usize,
    worlds: usize,
    tuples: usize,
    /// How many programs have a feature.
    features: BTreeMap<&'static str, usize>,
    /// For each check, how often the engine met a limit, and how often the oracle did.
    limited: [usize; CHECKS.len()],
    beyond: [usize; CHECKS.len()],
    /// What drawing and enumerating took, and each check.
    drawing: Duration,
    checking: [Duration; CHECKS.len()],
    failed: usize,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.programs += other.programs;
        self.worlds += other.worlds;
        self.tuples += other.tuples;
        for (name, count) in other.features {
            *self.features.entry(name).or_default() += count;
        }
        self.drawing += other.drawing;
        self.failed += other.failed;
        for check in 0..CHECKS.len() {
            self.limited[check] += other.limited[check];
            self.beyond[check] += other.beyond[check];
            self.checking[check] += other.checking[check];
        }
    }

    fn print(&self) {
        let Tally {
            programs,
            worlds,
            tuples,
            ..
        } = self;
        println!("{programs} programs, {worlds} worlds, {tuples} possible tuples");
        println!(
            "{:7.1} s  drawing and enumerating",
            self.drawing.as_secs_f64()
        );
        for (check, Check { name, every, .. }) in CHECKS.iter().enumerate() {
            let (time, limited) = (self.checking[check].as_secs_f64(), self.limited[check]);
            let (programs, beyond) = (programs.div_ceil(*every as usize), self.beyond[check]);
            println!(
                "{time:7.1} s  {name}: {programs} programs, of which {limited} met a limit, and {beyond} one of the oracle"
            );
        }
        println!("programs with: {:?}", self.features);
    }
}

#[test]
fn every_provenance_computes_what_it_says() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse().ok())
    };
    let first = number("NSDL_SEED").unwrap_or(0);
    let programs = number("NSDL_PROGRAMS").unwrap_or(PROGRAMS);
    let next = AtomicU64::new(first);
    let (total, reports) = (Mutex::new(Tally::default()), Mutex::new(Vec::new()));
    let work = || {
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + programs {
                break;
            }
            for (name, report) in examine(seed, &mut tally) {
                let mut reports = reports.lock().expect("no thread panics");
                if reports.len() < SHOWN {
                    reports.push(format!("seed {seed}, {name}: {report}"));
                }
            }
        }
        total.lock().expect("no thread panics").add(tally);
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    let total = total.into_inner().expect("no thread panics");
    let reports = reports.into_inner().expect("no thread panics");
    total.print();
    assert!(
        total.failed == 0,
        "{} checks of {programs} programs fail, among them\n\n{}",
        total.failed,
        reports.join("\n")
    );
    // The oracle writes out sets of members, so more programs are too large for it.
    let most = |met: &[usize]| met.iter().max().map_or(0, |&met| met as u64);
    let (limited, beyond) = (most(&total.limited), most(&total.beyond));
    assert!(limited <= programs / 100, "{limited} programs met a limit");
    assert!(beyond <= programs / 20, "{beyond} are beyond the oracle");
    if programs >= 500 {
        let rare = total.features.values().min().copied().unwrap_or(0);
        assert!(
            rare >= 16,
            "the generator covers what it should: {:?}",
            total.features
        );
    }
}

/// Draws a program and runs all checks; what is wrong, with the smallest program that shows it.
fn examine(seed: u64, tally: &mut Tally) -> Vec<(&'static str, String)> {
    let start = Instant::now();
    let (program, means) = generate::program(seed);
    tally.drawing += start.elapsed();
    tally.programs += 1;
    tally.worlds += means.worlds.len();
    tally.tuples += means.relations.iter().map(BTreeMap::len).sum::<usize>();
    for (name, present) in features(&program, &means) {
        *tally.features.entry(name).or_default() += usize::from(present);
    }
    let mut faults = Vec::new();
    let case = match Case::new(&program, &means) {
        Ok(case) => case,
        Err((code, what)) => {
            tally.failed += 1;
            return vec![(code, format!("{what}\n{program}"))];
        }
    };
    for (number, check) in CHECKS.iter().enumerate() {
        if !seed.is_multiple_of(check.every) {
            continue;
        }
        let start = Instant::now();
        let verdict = (check.holds)(&case);
        tally.checking[number] += start.elapsed();
        match verdict {
            Ok(()) => {}
            Err((ORACLE, _)) => tally.beyond[number] += 1,
            Err((code, _)) if LIMITED.contains(&code) => tally.limited[number] += 1,
            Err((name, _)) => {
                tally.failed += 1;
                if tally.failed <= SHOWN {
                    faults.push((name, shrunk(&program, check, name)));
                }
            }
        }
    }
    faults
}

/// The smallest program found that fails a check in the same way, and how.
fn shrunk(program: &Program, check: &Check, name: &str) -> String {
    let verdict = |program: &Program| -> Verdict {
        match distribution(program, 400) {
            Ok(means) => (check.holds)(&Case::new(program, &means)?),
            Err(_) => Ok(()),
        }
    };
    let fails = |program: &Program| matches!(verdict(program), Err((same, _)) if same == name);
    let small = shrink::shrink(program.clone(), fails);
    let what = verdict(&small).err().map(|(_, what)| what);
    format!("{}\n{small}", what.unwrap_or_default())
}

/// What a program has.
fn features(program: &Program, means: &Distribution) -> Vec<(&'static str, bool)> {
    let aggregate = |op: Reduction| {
        has(
            program,
            &move |literal| matches!(literal, Literal::Aggregate(aggregate) if aggregate.op == op),
        )
    };
    vec![
        ("recursion", is_recursive(program)),
        (
            "negation",
            has(program, &|literal| matches!(literal, Literal::Not(_))),
        ),
        (
            "or",
            has(program, &|literal| matches!(literal, Literal::Or(_))),
        ),
        (
            "exclusive sets",
            program.facts.iter().any(|set| set.exclusive),
        ),
        (
            "rule tags",
            program.rules.iter().any(|rule| rule.tag.is_some()),
        ),
        (
            "conjunctive heads",
            program
                .rules
                .iter()
                .any(|rule| matches!(&rule.head, Head::All(atoms) if atoms.len() > 1)),
        ),
        (
            "disjunctive heads",
            program
                .rules
                .iter()
                .any(|rule| matches!(rule.head, Head::OneOf(_))),
        ),
        (
            "where",
            has(
                program,
                &|literal| matches!(literal, Literal::Aggregate(a) if a.groups.is_some()),
            ),
        ),
        ("count", aggregate(Reduction::Count)),
        ("sum", aggregate(Reduction::Sum)),
        ("prod", aggregate(Reduction::Prod)),
        ("avg", aggregate(Reduction::Avg)),
        ("string_join", aggregate(Reduction::StringJoin)),
        (
            "forall",
            has(
                program,
                &|literal| matches!(literal, Literal::Aggregate(it) if it.forall),
            ),
        ),
        (
            "implies",
            has(program, &|literal| matches!(literal, Literal::Implies(..))),
        ),
        (
            "ranges",
            has(program, &|literal| matches!(literal, Literal::Range(..))),
        ),
        (
            "pairs and terms",
            has(program, &|literal| matches!(literal, Literal::Take(..))),
        ),
        ("new", program.to_string().contains("new Box(")),
        ("casts", program.to_string().contains(" as i32)")),
        ("functions", program.to_string().contains('$')),
        ("conditionals", program.to_string().contains("(if ")),
        ("sort", aggregate(Reduction::Sort)),
        ("argsort", aggregate(Reduction::Argsort)),
        ("min", aggregate(Reduction::Min)),
        ("max", aggregate(Reduction::Max)),
        ("argmin", aggregate(Reduction::Argmin)),
        ("argmax", aggregate(Reduction::Argmax)),
        ("exists", aggregate(Reduction::Exists)),
        ("enumerate", aggregate(Reduction::Enumerate)),
        ("rank", aggregate(Reduction::Rank)),
        ("top", aggregate(Reduction::Top)),
        ("normalize", aggregate(Reduction::Normalize)),
        ("softmax", aggregate(Reduction::Softmax)),
        ("ten worlds", means.worlds.len() >= 10),
    ]
}
