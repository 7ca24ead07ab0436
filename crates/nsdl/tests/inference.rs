//! Worlds, samples, derivatives and logarithms through the facade.

#![allow(clippy::unwrap_used, reason = "tests")]

use nsdl::{Bounds, Budget, Input, Module, Output, Provenance, Session, Tape, Value, print};

const PATHS: &str = "rel edge = {0.9::(0, 1), 0.8::(1, 2), 0.3::(0, 2)}
rel path(a, b) = edge(a, b) or (path(a, c) and edge(c, b))
query path(0, 2)";

fn session(text: &str) -> Session {
    let mut session = Session::new();
    session.add_program("test.dl", text).unwrap();
    session
}

#[test]
fn the_most_probable_world_tells_every_choice() {
    let session = session(PATHS);
    let world = session.most_probable_world_text("path(0, 2)").unwrap();
    assert_eq!(
        world.unwrap().to_string(),
        "0.5040: edge(0, 1) [0.9000], edge(1, 2) [0.8000], not edge(0, 2) [0.7000]"
    );
    // The best proof of path(0, 1) leaves the others open.
    let world = session.most_probable_world_text("path(0, 1)").unwrap();
    assert_eq!(world.unwrap().to_string(), "0.9000: edge(0, 1) [0.9000]");
    assert_eq!(
        session.most_probable_world_text("path(2, 0)").unwrap(),
        None
    );
    let error = session.most_probable_world_text("path(x, 0)").unwrap_err();
    assert_eq!(error.code(), "E0813");
}

#[test]
fn estimates_have_intervals_and_a_warning() {
    let mut session = session(PATHS);
    session.set_provenance(Some(Provenance::parse("sample", Some(5000)).unwrap()));
    session.set_seed(4);
    let outcome = session.run().unwrap();
    let codes: Vec<&str> = outcome.warnings.iter().map(|w| w.code).collect();
    assert_eq!(codes, ["W0605"]);
    let relation = &outcome.relations[0];
    assert!(matches!(relation.bounds, Bounds::Confident(_)));
    let [lower, upper] = relation.bounds.get(0).unwrap();
    let estimate = relation.tuples[0].0.probability();
    assert!(lower < estimate && estimate < upper && upper - lower < 0.03);
    assert!((estimate - 0.804).abs() < 0.03);
    assert!(print::json(&outcome.relations).contains("\"interval\": ["));
    let again = session.run().unwrap();
    assert_eq!(again.relations, outcome.relations, "the seed decides");
}

fn conjunction(facts: usize, provenance: Provenance) -> Module {
    let names: Vec<String> = (0..facts).map(|i| format!("x{i}")).collect();
    let body: Vec<String> = names.iter().map(|name| format!("{name}()")).collect();
    let input = |relation: &String| Input {
        relation: relation.clone(),
        mapping: vec![vec![]],
        exclusive: false,
    };
    Module::from_text(
        "all.dl",
        &format!("rel all() = {}", body.join(", ")),
        names.iter().map(input).collect(),
        vec![Output {
            relation: "all".into(),
            mapping: None,
        }],
        provenance,
    )
    .unwrap()
}

#[test]
fn log_space_holds_what_numbers_cannot() {
    let module = conjunction(200, Provenance::Auto);
    let inputs = vec![[1e-3f32]; 200];
    let inputs: Vec<&[f32]> = inputs.iter().map(|x| x.as_slice()).collect();
    let mut tape = Tape::default();
    let mut out = [0.0f32];
    module
        .forward(&inputs, 1, true, &mut tape, &mut [&mut out])
        .unwrap();
    assert_eq!(out, [0.0]);
    module
        .log_forward(&inputs, 1, true, &mut tape, &mut [&mut out])
        .unwrap();
    assert!((out[0] - 200.0 * 1e-3f32.ln()).abs() < 1e-2);
    let mut gradients = vec![[0.0f32]; 200];
    let mut slices: Vec<&mut [f32]> = gradients.iter_mut().map(|x| x.as_mut_slice()).collect();
    module
        .log_backward(&mut tape, &[&[1.0]], &mut slices)
        .unwrap();
    assert!(gradients.iter().all(|x| (x[0] - 1000.0).abs() < 0.1));
    let error = conjunction(2, Provenance::TopKProofs { k: 1 })
        .log_forward(
            &[&[0.5f32], &[0.5]],
            1,
            true,
            &mut Tape::default(),
            &mut [&mut out],
        )
        .unwrap_err();
    assert_eq!(error.code(), "E0626");
}

#[test]
fn jacobians_and_second_derivatives() {
    // p = x0 · x1 · x2
    let module = conjunction(3, Provenance::Exact);
    let inputs: [&[f64]; 3] = [&[0.5, 0.1], &[0.25, 0.2], &[0.75, 0.3]];
    let mut tape = Tape::default();
    let mut out = [0.0; 2];
    module
        .forward(&inputs, 2, true, &mut tape, &mut [&mut out])
        .unwrap();
    let entries = module.jacobian(&mut tape, 0, 1).unwrap();
    let values: Vec<f64> = entries.iter().map(|entry| entry.value).collect();
    assert_eq!(values, [0.5 * 0.75, 0.1 * 0.3]);
    // Along x0 the gradient is (0, x2, x1).
    let directions: [&[f64]; 3] = [&[1.0, 1.0], &[0.0, 0.0], &[0.0, 0.0]];
    let mut slopes = [0.0; 2];
    let mut products = [[0.0; 2]; 3];
    let mut slices: Vec<&mut [f64]> = products.iter_mut().map(|x| x.as_mut_slice()).collect();
    module
        .second(
            &mut tape,
            &directions,
            &[&[1.0, 1.0]],
            &mut [&mut slopes],
            &mut slices,
        )
        .unwrap();
    assert_eq!(slopes, [0.25 * 0.75, 0.2 * 0.3]);
    assert_eq!(products, [[0.0, 0.0], [0.75, 0.3], [0.25, 0.2]]);
}

#[test]
fn the_sum_of_many_digits_is_a_convolution() {
    let digits: Vec<Vec<Value>> = (0..10).map(|d| vec![Value::I64(d)]).collect();
    let n = 30;
    let input = |i: usize| Input {
        relation: format!("digit_{i}"),
        mapping: digits.clone(),
        exclusive: true,
    };
    let rules: Vec<String> = (0..n)
        .map(|i| format!("rel digit({i}, d) = digit_{i}(d)"))
        .collect();
    let total = "rel total(t) = t := sum[i](d: digit(i, d))";
    let text = format!("{}\n{total}", rules.join("\n"));
    let output = Output {
        relation: "total".into(),
        mapping: Some((0..=9 * n as i64).map(|t| vec![Value::I64(t)]).collect()),
    };
    let module = Module::from_text(
        "digits.dl",
        &text,
        (0..n).map(input).collect(),
        vec![output],
        Provenance::Auto,
    )
    .unwrap();
    let row = [0.1f64; 10];
    let inputs: Vec<&[f64]> = (0..n).map(|_| row.as_slice()).collect();
    let mut out = vec![0.0; 9 * n + 1];
    module
        .forward(&inputs, 1, true, &mut Tape::default(), &mut [&mut out])
        .unwrap();
    let mut wanted = vec![1.0];
    for _ in 0..n {
        let mut next = vec![0.0; wanted.len() + 9];
        for (sum, p) in wanted.iter().enumerate() {
            for digit in 0..10 {
                next[sum + digit] += 0.1 * p;
            }
        }
        wanted = next;
    }
    for (found, wanted) in out.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-12);
    }
}

#[test]
fn what_an_aggregate_reads_is_exact_or_refused() {
    // Which of two vertices is more likely reached: their bounds would not say.
    let mut session = session(
        "rel edge = {0.5::(0, 1), 0.5::(1, 2), 0.5::(0, 2), 0.45::(2, 1), 0.6::(1, 3), 0.6::(3, 2)}
        rel reached(b) = edge(0, b) or (reached(a) and edge(a, b))
        rel best(b) = b := top<1>(b: reached(b), b < 3)
        rel share(b) = b := normalize(b: reached(b))
        query best
        query share",
    );
    session.set_provenance(Some(Provenance::Exact));
    let exact = session.run().unwrap();
    session.set_provenance(Some(Provenance::Auto));
    for auto in [0, 4, 16, 1000] {
        session.set_budget(Budget {
            auto,
            ..Budget::default()
        });
        let outcome = session.run().unwrap();
        for (exact, got) in exact.relations.iter().zip(&outcome.relations) {
            assert_eq!(
                exact.len(),
                got.len(),
                "the same tuples within {auto} nodes"
            );
            for (at, (tag, tuple)) in exact.tuples.iter().enumerate() {
                assert_eq!(*tuple, got.tuples[at].1);
                let [lower, upper] = got
                    .bounds
                    .get(at)
                    .unwrap_or([got.tuples[at].0.probability(); 2]);
                let tag = tag.probability();
                assert!(
                    lower <= tag + 1e-12 && tag <= upper + 1e-12,
                    "{tuple:?} within {auto} nodes"
                );
            }
        }
    }
    session.set_budget(Budget { nodes: 4, auto: 4 });
    assert_eq!(session.run().unwrap_err().code(), "E0620");
}

#[test]
fn a_module_says_what_it_dropped() {
    let module = |k| {
        Module::from_text(
            "paths.dl",
            "rel path(a, b) = edge(a, b) or (path(a, c) and edge(c, b))",
            vec![Input {
                relation: "edge".into(),
                mapping: [(0, 1), (1, 2), (0, 2)]
                    .map(|(a, b)| vec![Value::I32(a), Value::I32(b)])
                    .to_vec(),
                exclusive: false,
            }],
            vec![Output {
                relation: "path(0, 2)".into(),
                mapping: None,
            }],
            Provenance::TopKProofs { k },
        )
        .unwrap()
    };
    for (k, wanted, codes) in [(1, 0.72, vec!["W0602"]), (2, 0.804, vec![])] {
        let module = module(k);
        let (mut tape, mut path) = (Tape::default(), [0.0f64]);
        module
            .forward(&[&[0.9, 0.8, 0.3]], 1, true, &mut tape, &mut [&mut path])
            .unwrap();
        assert!((path[0] - wanted).abs() < 1e-12, "{path:?}");
        let found = module.approximations(&tape);
        assert_eq!(found.iter().map(|w| w.code).collect::<Vec<_>>(), codes);
    }
}
