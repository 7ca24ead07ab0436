//! What must hold of exact inference: from text to a compiled module (cold), then forward and backward with new
//! probabilities, one sample (warm).

// Without its inputs a measurement has no result.
#![allow(clippy::expect_used)]

use std::time::{Duration, Instant};

use nsdl::{Input, Module, Output, Provenance, Tape, Value};
use nsdl_benches::{Random, show, time};

const BUDGET: Duration = Duration::from_secs(1);

fn main() {
    let filter = std::env::args().skip(1).find(|it| !it.starts_with('-'));
    let wanted = |name: &str| filter.as_deref().is_none_or(|it| name.contains(it));
    println!(
        "{:<58} {:>10} {:>10} {:>10}",
        "work", "cold", "warm", "least"
    );
    if wanted("count") {
        count(1000);
    }
    if wanted("sum") {
        sum(1000);
    }
    if wanted("addition") {
        addition(15);
    }
    for seed in (0..6).filter(|_| wanted("network")) {
        network(seed);
    }
    for size in (6..=8).filter(|_| wanted("grid")) {
        grid(size);
    }
    for days in [20, 40, 80, 160, 320]
        .into_iter()
        .filter(|_| wanted("weather"))
    {
        weather(days);
    }
}

/// Inputs with their probabilities, and the relation asked for.
struct Work {
    text: String,
    inputs: Vec<(Input, Vec<f64>)>,
    output: String,
}

fn measure(name: &str, work: Work) {
    let compile = || {
        let inputs = work.inputs.iter().map(|(input, _)| input.clone()).collect();
        let output = Output {
            relation: work.output.clone(),
            mapping: None,
        };
        Module::from_text(
            "bench.dl",
            &work.text,
            inputs,
            vec![output],
            Provenance::Exact,
        )
        .expect("the program compiles")
    };
    let start = Instant::now();
    let module = compile();
    let cold = start.elapsed();
    let inputs: Vec<&[f64]> = work.inputs.iter().map(|(_, p)| p.as_slice()).collect();
    let mut out = vec![0.0; module.tuples(0).len()];
    let seeds = vec![1.0; out.len()];
    let mut gradients: Vec<Vec<f64>> = inputs.iter().map(|p| vec![0.0; p.len()]).collect();
    let mut tape = Tape::default();
    let timing = time(BUDGET, || {
        module
            .forward(&inputs, 1, true, &mut tape, &mut [&mut out])
            .expect("probabilities");
        let mut slices: Vec<&mut [f64]> = gradients.iter_mut().map(Vec::as_mut_slice).collect();
        module
            .backward(&mut tape, &[&seeds], &mut slices)
            .expect("gradients");
    });
    println!(
        "{name:<58} {:>10} {:>10} {:>10}   {} answers, {} nodes",
        show(cold),
        show(timing.median),
        show(timing.least),
        out.len(),
        module
            .layers()
            .map_or(0, |layers| layers.iter().map(|layer| layer.len()).sum()),
    );
}

fn numbers(range: std::ops::Range<i32>) -> Vec<Vec<Value>> {
    range.map(|n| vec![Value::I32(n)]).collect()
}

/// A random variable over ten digits.
fn digit(relation: String, random: &mut Random) -> (Input, Vec<f64>) {
    let weights: Vec<f64> = (0..10).map(|_| 0.05 + random.unit()).collect();
    let total: f64 = weights.iter().sum();
    let input = Input {
        relation,
        mapping: numbers(0..10),
        exclusive: true,
    };
    (input, weights.into_iter().map(|w| w / total).collect())
}

fn count(facts: i32) {
    let mut random = Random::new(1);
    let input = Input {
        relation: "p".into(),
        mapping: numbers(0..facts),
        exclusive: false,
    };
    let work = Work {
        text: "type p(i32)\nrel n(n) = n := count(x: p(x))".into(),
        inputs: vec![(input, (0..facts).map(|_| random.unit()).collect())],
        output: "n".into(),
    };
    measure(&format!("count of {facts} independent facts"), work);
}

fn sum(digits: usize) {
    let mut random = Random::new(2);
    let rules = (0..digits).map(|i| format!("rel digit({i}, d) = digit_{i}(d)\n"));
    let work = Work {
        text: format!(
            "{}rel total(t) = t := sum[i](d: digit(i, d))",
            rules.collect::<String>()
        ),
        inputs: (0..digits)
            .map(|i| digit(format!("digit_{i}"), &mut random))
            .collect(),
        output: "total".into(),
    };
    measure(&format!("sum of {digits} ten-way digits"), work);
}

/// Two numbers added digit by digit, with carries: how probable a given sum is.
fn addition(digits: usize) {
    let mut random = Random::new(3);
    let mut text = String::new();
    let mut inputs = Vec::new();
    for name in ["a", "b"] {
        for i in 0..digits {
            text += &format!("rel {name}({i}, d) = {name}_{i}(d)\n");
            inputs.push(digit(format!("{name}_{i}"), &mut random));
        }
    }
    let sum: Vec<String> = (0..=digits)
        .map(|i| format!("({i}, {})", if i < digits { (7 * i + 3) % 10 } else { 1 }))
        .collect();
    text += &format!(
        "rel wanted = {{{}}}
rel right(0, 0)
rel right(i + 1, t / 10) = right(i, c), a(i, x), b(i, y), t == x + y + c, wanted(i, t % 10)
rel sum() = right({digits}, c), wanted({digits}, c)",
        sum.join(", ")
    );
    let output = "sum".into();
    let work = Work {
        text,
        inputs,
        output,
    };
    measure(
        &format!("addition of two {digits}-digit numbers, one sum"),
        work,
    );
}

fn links(pairs: &[(i32, i32)], random: &mut Random) -> (Input, Vec<f64>) {
    let input = Input {
        relation: "link".into(),
        mapping: pairs
            .iter()
            .map(|&(a, b)| vec![Value::I32(a), Value::I32(b)])
            .collect(),
        exclusive: false,
    };
    (input, pairs.iter().map(|_| random.unit()).collect())
}

const REACHED: &str = "rel edge(a, b) = link(a, b) or link(b, a)
rel path(a, b) = edge(a, b) or (path(a, c) and edge(c, b))";

/// A random graph of 30 nodes and 60 undirected edges.
fn network(seed: u64) {
    let mut random = Random::new(seed + 10);
    let mut pairs: Vec<(i32, i32)> = Vec::new();
    while pairs.len() < 60 {
        let mut node = || (random.unit() * 30.0) as i32;
        let (a, b) = (node(), node());
        let pair = (a.min(b), a.max(b));
        if a != b && !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    for (what, output) in [("one pair", "path(0, 29)"), ("from one node", "path(0, _)")] {
        let work = Work {
            text: REACHED.into(),
            inputs: vec![links(&pairs, &mut random)],
            output: output.into(),
        };
        measure(
            &format!("network, 30 nodes, 60 edges #{seed}, {what}"),
            work,
        );
    }
}

fn grid(size: i32) {
    let mut random = Random::new(4);
    let mut pairs = Vec::new();
    for here in 0..size * size {
        if here % size + 1 < size {
            pairs.push((here, here + 1));
        }
        if here / size + 1 < size {
            pairs.push((here, here + size));
        }
    }
    let work = Work {
        text: REACHED.into(),
        inputs: vec![links(&pairs, &mut random)],
        output: format!("path(0, {})", size * size - 1),
    };
    measure(&format!("grid {size}×{size}, corner to corner"), work);
}

/// A chain of days, the weather of the last one.
fn weather(days: i32) {
    let input = Input {
        relation: "day".into(),
        mapping: numbers(0..1),
        exclusive: false,
    };
    let work = Work {
        text: format!(
            "rel days(d) = d in 1..{days}
rel {{0.5::weather(0, 0); 0.5::weather(0, 1)}} = day(0)
rel {{0.6::weather(d, 0); 0.4::weather(d, 1)}} = days(d), weather(d - 1, 0)
rel {{0.2::weather(d, 0); 0.8::weather(d, 1)}} = days(d), weather(d - 1, 1)"
        ),
        inputs: vec![(input, vec![0.9])],
        output: format!("weather({}, _)", days - 1),
    };
    measure(&format!("weather, a chain of {days} days"), work);
}
