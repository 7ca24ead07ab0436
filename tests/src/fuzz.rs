//! The fuzzer: random inputs for a target until the time is up, findings shrunk and kept.
//!
//! `cargo xtask fuzz parser` runs it, the folders of `tests/fuzz/` hold what it found, and `tests/fuzz.rs`
//! replays them. Coverage cannot be seen on stable Rust without sanitizers: instead of that, inputs are
//! programs of the corpus, damaged a little, and programs of [`generate`](crate::generate).

pub mod evaluator;
pub mod mutate;
pub mod parser;
pub mod types;

use std::cell::RefCell;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::corpus::{Case, cases};
use crate::random::Random;

/// What is wrong with the treatment of an input: a word that stays the same while the input shrinks, and more.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which property fails, or where it panics.
    pub kind: String,
    /// How it came out.
    pub what: String,
}

impl Fault {
    /// A property that fails.
    pub fn new(kind: &str, what: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            what: what.into(),
        }
    }
}

/// What is fuzzed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Any text is parsed, and printing undoes it.
    Parser,
    /// Any tree is compiled, or its errors have places.
    Types,
    /// The engine computes what the oracle does.
    Evaluator,
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 3] = [Target::Parser, Target::Types, Target::Evaluator];

    /// Its name, and that of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Target::Parser => "parser",
            Target::Types => "types",
            Target::Evaluator => "evaluator",
        }
    }

    /// An input; the same seed gives the same.
    pub fn input(self, seed: u64, corpus: &[Case]) -> String {
        let mut random = Random::new(seed);
        match self {
            Target::Parser => parser::input(&mut random, corpus),
            Target::Types => types::input(&mut random, corpus),
            Target::Evaluator => evaluator::input(seed, &mut random, corpus),
        }
    }

    /// Treats an input.
    ///
    /// # Errors
    /// What is wrong, panics included.
    pub fn check(self, text: &str) -> Result<(), Fault> {
        guarded(|| match self {
            Target::Parser => parser::check(text),
            Target::Types => types::check(text),
            Target::Evaluator => evaluator::check(text),
        })
    }

    /// The inputs that it found so far, with their files.
    pub fn found(self) -> Vec<(PathBuf, String)> {
        let entries = fs::read_dir(self.folder()).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        let texts = paths.into_iter().filter_map(|path| {
            let text = fs::read_to_string(&path).ok()?;
            (path.extension()? == "dl").then_some((path, text))
        });
        texts.collect()
    }

    fn folder(self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz")
            .join(self.name())
    }
}

thread_local! {
    /// Where this thread panicked last.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Makes panics silent: [`guarded`] tells of them.
pub fn silence() {
    std::panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
        PANIC.with(|last| *last.borrow_mut() = format!("panic at {place}"));
    }));
}

fn guarded(check: impl FnOnce() -> Result<(), Fault>) -> Result<(), Fault> {
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|payload| {
        let what = payload.downcast_ref::<String>().cloned();
        let what = what.or_else(|| payload.downcast_ref::<&str>().map(|it| (*it).to_owned()));
        Err(Fault {
            kind: PANIC.with(|last| last.borrow().clone()),
            what: what.unwrap_or_default(),
        })
    })
}

/// Damaged programs may be slow, but not this slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a run came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Inputs tried.
    pub inputs: u64,
    /// Different faults found.
    pub faults: usize,
}

/// Tries inputs from `seed` on until the time is up, on all cores; writes findings into `tests/fuzz/`.
///
/// An input that takes longer than a minute, or that ends the process, lies in `target/fuzz/`.
///
/// # Panics
/// If files cannot be written.
pub fn hunt(target: Target, time: Duration, seed: u64) -> Tally {
    let corpus = [cases(false), cases(true)].concat();
    let now = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz");
    fs::create_dir_all(&now).unwrap_or_else(|error| panic!("{}: {error}", now.display()));
    // Programs may write files (`@file` of a query): they shall not lie where tests find them.
    std::env::set_current_dir(&now).unwrap_or_else(|error| panic!("{}: {error}", now.display()));
    let (next, tried) = (AtomicU64::new(seed), AtomicU64::new(0));
    let kinds: Mutex<Vec<String>> = Mutex::default();
    let end = Instant::now() + time;
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let started: Vec<Mutex<Option<Instant>>> = (0..workers).map(|_| Mutex::default()).collect();
    let file = |worker: usize| now.join(format!("{}-{worker}.dl", target.name()));
    let work = |worker: usize| {
        while Instant::now() < end {
            let text = target.input(next.fetch_add(1, Ordering::Relaxed), &corpus);
            // What ends the process is to be found here.
            let _ = fs::write(file(worker), &text);
            set(&started[worker], Some(Instant::now()));
            let outcome = target.check(&text);
            set(&started[worker], None);
            tried.fetch_add(1, Ordering::Relaxed);
            let Err(fault) = outcome else {
                continue;
            };
            let mut kinds = kinds
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            if kinds.contains(&fault.kind) {
                continue;
            }
            kinds.push(fault.kind.clone());
            drop(kinds);
            keep(target, &text, &fault);
        }
    };
    std::thread::scope(|scope| {
        let work = &work;
        let handles: Vec<_> = (0..workers)
            .map(|worker| {
                let thread = std::thread::Builder::new().stack_size(8 << 20);
                thread.spawn_scoped(scope, move || work(worker))
            })
            .collect();
        while handles.iter().flatten().any(|handle| !handle.is_finished()) {
            std::thread::sleep(Duration::from_millis(200));
            for (worker, started) in started.iter().enumerate() {
                let since = *started
                    .lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner());
                if since.is_some_and(|since| since.elapsed() > PATIENCE) {
                    eprintln!("no end after {PATIENCE:?}: {}", file(worker).display());
                    std::process::exit(1);
                }
            }
        }
    });
    Tally {
        inputs: tried.into_inner(),
        faults: kinds.into_inner().map_or(0, |kinds| kinds.len()),
    }
}

fn set<T>(cell: &Mutex<T>, value: T) {
    *cell.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = value;
}

/// Shrinks an input and writes it down.
fn keep(target: Target, text: &str, fault: &Fault) {
    // A seed means another program once the generator has changed: what it was is written beside it.
    let small = match text.lines().next() {
        Some(seed) if seed.starts_with(evaluator::SEED) => {
            let what = fault.what.lines().map(|line| format!("// {line}\n"));
            [format!("{seed}\n")].into_iter().chain(what).collect()
        }
        _ => shrink(target, text, &fault.kind),
    };
    let folder = target.folder();
    // FNV-1a: the same input has the same name.
    let hash = small.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let path = folder.join(format!("{hash:016x}.dl"));
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, &small));
    eprintln!(
        "{}: {}\n{}\n{small}\n",
        path.display(),
        fault.kind,
        fault.what.lines().take(20).collect::<Vec<_>>().join("\n")
    );
    if let Err(error) = written {
        eprintln!("cannot write it: {error}");
    }
}

/// A shorter text with the same fault: without lines, then without runs of characters.
fn shrink(target: Target, text: &str, kind: &str) -> String {
    let end = Instant::now() + PATIENCE;
    let fails = |text: &str| {
        Instant::now() < end && matches!(target.check(text), Err(fault) if fault.kind == kind)
    };
    let lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let lines = without_parts(lines, &|lines: &[String]| fails(&lines.concat()));
    let chars: Vec<char> = lines.concat().chars().collect();
    let chars = without_parts(chars, &|chars: &[char]| {
        fails(&chars.iter().collect::<String>())
    });
    chars.into_iter().collect()
}

/// Drops runs of parts, long ones first, for as long as the rest fails.
fn without_parts<T: Clone>(mut parts: Vec<T>, fails: &dyn Fn(&[T]) -> bool) -> Vec<T> {
    let mut length = parts.len().div_ceil(2);
    while length > 0 {
        let mut at = 0;
        let mut dropped = false;
        while at < parts.len() {
            let mut rest = parts.clone();
            rest.drain(at..(at + length).min(parts.len()));
            if fails(&rest) {
                parts = rest;
                dropped = true;
            } else {
                at += length;
            }
        }
        if !dropped || length > 1 {
            length /= 2;
        }
    }
    parts
}
