//! The symbolic part of training: forward and backward through compiled programs, and what compiling costs.

// Without its inputs a measurement has no result.
#![allow(clippy::expect_used)]

use std::time::{Duration, Instant};

use nsdl::{Input, Module, Output, Provenance, Real, Session, Tape, Value};
use nsdl_benches::{Random, random_graph, report, show, time};
use rayon::ThreadPoolBuilder;

const BATCH: usize = 64;
const BUDGET: Duration = Duration::from_millis(500);

fn main() {
    println!("forward and backward, batch {BATCH}\n");
    digit_sums(2, Provenance::Exact);
    digit_sums(4, Provenance::Exact);
    digit_sums(2, Provenance::TopKProofs { k: 3 });
    println!();
    count(16);
    for (nodes, edges) in [(10, 20), (30, 60)] {
        reachability(nodes, edges);
    }
}

/// `sum_n(a + b + …) = digit_1(a), digit_2(b), …`, each digit one categorical variable.
fn digit_sums(digits: usize, provenance: Provenance) {
    let terms: Vec<String> = (1..=digits).map(|digit| format!("x{digit}")).collect();
    let atoms: Vec<String> = (1..=digits)
        .map(|digit| format!("digit_{digit}(x{digit})"))
        .collect();
    let text = format!("rel sum({}) = {}", terms.join(" + "), atoms.join(", "));
    let ten: Vec<Vec<Value>> = (0..10).map(|digit| vec![Value::I32(digit)]).collect();
    let sums = (0..=9 * digits as i32)
        .map(|sum| vec![Value::I32(sum)])
        .collect();
    let inputs = || {
        (1..=digits).map(|digit| Input {
            relation: format!("digit_{digit}"),
            mapping: ten.clone(),
            exclusive: true,
        })
    };
    let output = Output {
        relation: "sum".into(),
        mapping: Some(sums),
    };
    let compile = || {
        Module::from_text(
            "sum.dl",
            &text,
            inputs().collect(),
            vec![output.clone()],
            provenance,
        )
        .expect("the program is right")
    };
    let module = compile();
    let name = match provenance {
        Provenance::TopKProofs { k } => format!("sum_{digits}, top {k}"),
        other => format!("sum_{digits}, {other}"),
    };
    report(
        &format!("{name}, text to circuit"),
        time(BUDGET, || drop(compile())),
    );
    for threads in [1, 2] {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads start");
        pool.install(|| {
            step::<f32>(&format!("{name}, f32, threads {threads}"), &module, digits);
            step::<f64>(&format!("{name}, f64, threads {threads}"), &module, digits);
        });
    }
}

/// One training step: outputs, and the gradients of all inputs. Inputs are checked, as in training.
fn step<T: Real>(name: &str, module: &Module, digits: usize) {
    let mut random = Random::new(7);
    let inputs: Vec<Vec<T>> = (0..digits).map(|_| distributions(&mut random)).collect();
    let inputs: Vec<&[T]> = inputs.iter().map(Vec::as_slice).collect();
    let width = module.tuples(0).len();
    let mut outputs = vec![T::ZERO; BATCH * width];
    let asked = vec![T::from_f64(1.0); BATCH * width];
    let mut gradients: Vec<Vec<T>> = (0..digits).map(|_| vec![T::ZERO; BATCH * 10]).collect();
    let mut tape = Tape::default();
    let timing = time(BUDGET, || {
        module
            .forward(&inputs, BATCH, true, &mut tape, &mut [&mut outputs])
            .expect("shapes fit");
        let mut slices: Vec<&mut [T]> = gradients.iter_mut().map(Vec::as_mut_slice).collect();
        module
            .backward(&mut tape, &[&asked], &mut slices)
            .expect("shapes fit");
    });
    report(name, timing);
}

/// For each sample of the batch, probabilities of ten digits.
fn distributions<T: Real>(random: &mut Random) -> Vec<T> {
    let mut all = Vec::new();
    for _ in 0..BATCH {
        let weights: Vec<f64> = (0..10).map(|_| random.unit() + 0.01).collect();
        let sum: f64 = weights.iter().sum();
        all.extend(weights.iter().map(|weight| T::from_f64(weight / sum)));
    }
    all
}

/// The distribution of a count of independent facts, which others enumerate.
fn count(facts: usize) {
    let members: Vec<String> = (0..facts).map(|fact| format!("0.3::{fact}")).collect();
    let text = format!(
        "rel p = {{{}}}\nrel n(n) = n := count(x: p(x))\nquery n",
        members.join(", ")
    );
    run(
        &format!("count of {facts} uncertain facts, exact"),
        &text,
        Provenance::Exact,
    );
    run(
        &format!("count of {facts} uncertain facts, top 3"),
        &text,
        Provenance::TopKProofs { k: 3 },
    );
}

/// Whether one node of an uncertain random graph reaches another, and all of them at once.
fn reachability(nodes: u64, edges: usize) {
    let mut random = Random::new(3);
    let graph = random_graph(nodes, edges, 3);
    let members: Vec<String> = graph
        .iter()
        .map(|(a, b)| format!("{:.3}::({a}, {b})", 0.1 + 0.8 * random.unit()))
        .collect();
    let rules = "rel path(a, b) = edge(a, b) or (path(a, c) and edge(c, b))";
    for (what, query) in [
        ("one pair", "path(0, 1)"),
        ("from one", "path(0, _)"),
        ("all pairs", "path"),
    ] {
        let text = format!(
            "rel edge = {{{}}}\n{rules}\nquery {query}",
            members.join(", ")
        );
        let name = format!("reachability, {nodes} nodes, {edges} edges, {what}");
        run(&format!("{name}, exact"), &text, Provenance::Exact);
        run(
            &format!("{name}, top 3"),
            &text,
            Provenance::TopKProofs { k: 3 },
        );
        run(
            &format!("{name}, minmaxprob"),
            &text,
            Provenance::MinMaxProb,
        );
    }
}

/// Times a program from its text to its answers; one that the budget refuses is named, not timed.
fn run(name: &str, text: &str, provenance: Provenance) {
    let once = || {
        let mut session = Session::new();
        session.set_provenance(Some(provenance));
        session.add_program("bench.dl", text)?;
        session.run()
    };
    let start = Instant::now();
    match once() {
        Ok(_) => report(name, time(BUDGET, || assert!(once().is_ok()))),
        Err(error) => println!(
            "{name:<48} refused after {}: {}",
            show(start.elapsed()),
            error.message()
        ),
    }
}
