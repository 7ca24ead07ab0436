//! Timing and inputs shared by the benchmarks.
//!
//! Plain timers rather than a statistics crate: what matters here are ratios between runs of one process, and
//! one table of them at the end.

use std::time::{Duration, Instant};

/// Repeated measurements of one thing.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Half of the runs took no longer.
    pub median: Duration,
    /// The fastest run.
    pub least: Duration,
    /// How many runs there were.
    pub runs: usize,
}

/// Runs `work` until `budget` is spent, at least three times after one run to warm up.
pub fn time(budget: Duration, mut work: impl FnMut()) -> Timing {
    work();
    let mut taken = Vec::new();
    let start = Instant::now();
    while taken.len() < 3 || start.elapsed() < budget {
        let before = Instant::now();
        work();
        taken.push(before.elapsed());
    }
    taken.sort_unstable();
    Timing {
        median: taken.get(taken.len() / 2).copied().unwrap_or_default(),
        least: taken.first().copied().unwrap_or_default(),
        runs: taken.len(),
    }
}

/// `1.23 ms`, with the unit that fits.
pub fn show(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", s * 1e3),
        s => format!("{:.1} µs", s * 1e6),
    }
}

/// Prints one line of a table of timings.
pub fn report(name: &str, timing: Timing) {
    println!(
        "{name:<48} {:>10} (least {:>10}, {} runs)",
        show(timing.median),
        show(timing.least),
        timing.runs
    );
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): the inputs are the same on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator that always yields the same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number of [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A directed graph with `edges` distinct edges between `nodes` nodes.
pub fn random_graph(nodes: u64, edges: usize, seed: u64) -> Vec<(i32, i32)> {
    let mut random = Random::new(seed);
    let mut graph = std::collections::BTreeSet::new();
    while graph.len() < edges {
        graph.insert((
            (random.bits() % nodes) as i32,
            (random.bits() % nodes) as i32,
        ));
    }
    graph.into_iter().collect()
}

/// A path through `nodes` nodes.
pub fn chain(nodes: i32) -> Vec<(i32, i32)> {
    (1..nodes).map(|node| (node - 1, node)).collect()
}
