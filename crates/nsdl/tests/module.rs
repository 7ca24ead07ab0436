//! Modules: batches, gradients, shapes and checks.

// Helpers of tests may panic as tests do.
#![allow(clippy::unwrap_used)]

use nsdl::{Input, Module, Output, Provenance, Session, Tape, Value};

const EXACT: Provenance = Provenance::Exact;

fn digits(n: i64) -> Vec<Vec<Value>> {
    (0..n).map(|d| vec![Value::I64(d)]).collect()
}

fn input(relation: &str, n: i64, exclusive: bool) -> Input {
    Input {
        relation: relation.into(),
        mapping: digits(n),
        exclusive,
    }
}

fn output(relation: &str, mapping: Option<Vec<Vec<Value>>>) -> Output {
    Output {
        relation: relation.into(),
        mapping,
    }
}

fn sum(provenance: Provenance) -> Module {
    Module::from_text(
        "sum.dl",
        "rel sum(a + b) = left(a), right(b)",
        vec![input("left", 3, true), input("right", 3, true)],
        vec![output("sum", Some(digits(6)))],
        provenance,
    )
    .unwrap()
}

/// Two rows for each input, and the sums they give.
const LEFT: [f64; 6] = [0.2, 0.3, 0.5, 1.0, 0.0, 0.0];
const RIGHT: [f64; 6] = [0.6, 0.1, 0.3, 0.25, 0.25, 0.5];

fn sums() -> Vec<f64> {
    let mut sums = vec![0.0; 12];
    for sample in 0..2 {
        for a in 0..3 {
            for b in 0..3 {
                sums[sample * 6 + a + b] += LEFT[sample * 3 + a] * RIGHT[sample * 3 + b];
            }
        }
    }
    sums
}

#[test]
fn batches_are_row_major() {
    let module = sum(EXACT);
    let mut tape = Tape::default();
    let mut out = vec![0.0; 12];
    module
        .forward(&[&LEFT, &RIGHT], 2, true, &mut tape, &mut [&mut out])
        .unwrap();
    for (found, expected) in out.iter().zip(sums()) {
        assert!((found - expected).abs() < 1e-12, "{out:?}");
    }
    // Row 5 cannot be derived: it is constant.
    assert_eq!((out[5], out[11]), (0.0, 0.0));
    assert_eq!(module.circuit_outputs(0)[5], None);
    assert_eq!(module.tuples(0)[4], [Value::I32(4)]);
}

#[test]
fn single_precision_agrees() {
    let module = sum(EXACT);
    let mut out = [0.0f32; 12];
    let (left, right) = (LEFT.map(|v| v as f32), RIGHT.map(|v| v as f32));
    module
        .forward(
            &[&left, &right],
            2,
            true,
            &mut Tape::default(),
            &mut [&mut out],
        )
        .unwrap();
    for (found, expected) in out.iter().zip(sums()) {
        assert!((f64::from(*found) - expected).abs() < 1e-6);
    }
}

#[test]
fn gradients_are_those_of_central_differences() {
    for provenance in [
        EXACT,
        Provenance::TopKProofs { k: 3 },
        Provenance::AddMultProb,
    ] {
        let module = sum(provenance);
        let mut tape = Tape::default();
        let weights = [1.0, -2.0, 3.0, 0.5, 4.0, 9.0, 2.0, 1.0, -1.0, 0.0, 5.0, 9.0];
        let mut value = |left: &[f64], right: &[f64]| {
            let mut out = [0.0; 12];
            module
                .forward(&[left, right], 2, false, &mut tape, &mut [&mut out])
                .unwrap();
            out.iter().zip(weights).map(|(v, w)| v * w).sum::<f64>()
        };
        let h = 1e-6;
        let expected: Vec<f64> = (0..12)
            .map(|i| {
                let shifted = |by: f64| {
                    let (mut left, mut right) = (LEFT, RIGHT);
                    if i < 6 {
                        left[i] += by
                    } else {
                        right[i - 6] += by
                    }
                    (left, right)
                };
                let ((l1, r1), (l0, r0)) = (shifted(h), shifted(-h));
                (value(&l1, &r1) - value(&l0, &r0)) / (2.0 * h)
            })
            .collect();
        value(&LEFT, &RIGHT);
        let mut gradients = [[7.0; 6]; 2];
        let [left, right] = &mut gradients;
        module
            .backward(&mut tape, &[&weights], &mut [left, right])
            .unwrap();
        for (found, expected) in gradients.as_flattened().iter().zip(expected) {
            assert!(
                (found - expected).abs() < 1e-5,
                "{provenance}: {gradients:?}"
            );
        }
    }
}

#[test]
fn independent_inputs_and_facts_of_the_session() {
    let mut session = Session::new();
    session
        .add_program(
            "m.dl",
            "type on(i32)  rel 0.5::wired(0)  rel wired(1)  rel lit() = on(x), wired(x)",
        )
        .unwrap();
    let module = Module::new(
        &session,
        vec![input("on", 2, false)],
        vec![output("lit", None)],
        EXACT,
    )
    .unwrap();
    assert_eq!(module.tuples(0), [Vec::new()]);
    let mut out = [0.0f64];
    let mut tape = Tape::default();
    module
        .forward(&[&[0.8, 0.9]], 1, true, &mut tape, &mut [&mut out])
        .unwrap();
    assert!((out[0] - (1.0 - 0.6 * 0.1)).abs() < 1e-12);
    let mut gradient = [0.0f64; 2];
    module
        .backward(&mut tape, &[&[1.0]], &mut [&mut gradient])
        .unwrap();
    assert!((gradient[0] - 0.05).abs() < 1e-12 && (gradient[1] - 0.6).abs() < 1e-12);
}

#[test]
fn several_outputs_and_unused_inputs() {
    let module = Module::from_text(
        "m.dl",
        "rel odd(x) = a(x), x % 2 == 1  rel even(x) = a(x), x % 2 == 0  rel never(x) = a(x), x > 100",
        vec![input("a", 3, true), input("unused", 2, true)],
        vec![output("odd", None), output("even", None), output("never", None), output("even(2)", None)],
        EXACT,
    )
    .unwrap();
    let widths: Vec<usize> = (0..4).map(|o| module.tuples(o).len()).collect();
    assert_eq!(widths, [1, 2, 0, 1]);
    assert_eq!(module.output_name(3), "even(2)");
    let (mut odd, mut even, mut never, mut two) = ([0.0; 1], [0.0; 2], [0.0; 0], [0.0; 1]);
    let mut tape = Tape::default();
    module
        .forward(
            &[&[0.2, 0.3, 0.5], &[0.5, 0.5]],
            1,
            true,
            &mut tape,
            &mut [&mut odd, &mut even, &mut never, &mut two],
        )
        .unwrap();
    assert_eq!((odd, even, two), ([0.3], [0.2, 0.5], [0.5]));
    let mut gradients = ([0.0; 3], [1.0; 2]);
    module
        .backward(
            &mut tape,
            &[&[1.0], &[0.0, 1.0], &[], &[1.0]],
            &mut [&mut gradients.0, &mut gradients.1],
        )
        .unwrap();
    assert_eq!(gradients, ([0.0, 1.0, 2.0], [0.0, 0.0]));
}

#[test]
fn one_relation_may_be_two_outputs_and_none_is_fine() {
    let module = Module::from_text(
        "m.dl",
        "rel r(x + 1) = a(x)",
        vec![input("a", 2, true)],
        vec![output("r", None), output("r", Some(digits(2)))],
        EXACT,
    )
    .unwrap();
    let (mut all, mut some) = ([0.0; 2], [0.0; 2]);
    module
        .forward(
            &[&[0.25, 0.5]],
            1,
            true,
            &mut Tape::default(),
            &mut [&mut all, &mut some],
        )
        .unwrap();
    assert_eq!((all, some), ([0.25, 0.5], [0.0, 0.25]));
    let none = Module::from_text(
        "m.dl",
        "rel r(x) = a(x)",
        vec![input("a", 2, true)],
        vec![],
        EXACT,
    )
    .unwrap();
    none.forward(&[&[0.25, 0.5]], 1, true, &mut Tape::default(), &mut [])
        .unwrap();
}

#[test]
fn batch_sizes_may_change_between_calls() {
    let module = sum(EXACT);
    let mut tape = Tape::default();
    for batch in [1, 5, 0, 2] {
        let left: Vec<f64> = LEFT.iter().copied().cycle().take(3 * batch).collect();
        let right: Vec<f64> = RIGHT.iter().copied().cycle().take(3 * batch).collect();
        let mut out = vec![-1.0; 6 * batch];
        module
            .forward(&[&left, &right], batch, true, &mut tape, &mut [&mut out])
            .unwrap();
        assert!(
            out.iter()
                .zip(sums().iter().cycle())
                .all(|(a, b)| (a - b).abs() < 1e-12)
        );
    }
}

#[test]
fn bad_values_are_errors_with_sample_and_column() {
    let module = sum(EXACT);
    let call = |left: [f64; 6], check: bool| {
        module.forward(
            &[&left, &RIGHT],
            2,
            check,
            &mut Tape::default(),
            &mut [&mut [0.0; 12]],
        )
    };
    let mut bad = LEFT;
    bad[4] = f64::NAN;
    let error = call(bad, true).unwrap_err();
    assert_eq!(error.code(), "E0521");
    assert!(
        error
            .message()
            .contains("sample 1, column 1 of input `left`"),
        "{error}"
    );
    bad[4] = 0.5;
    assert_eq!(call(bad, true).unwrap_err().code(), "E0511");
    assert!(call(bad, false).is_ok());
    bad[4] = -0.5;
    assert_eq!(call(bad, true).unwrap_err().code(), "E0510");
    // The same module goes on.
    assert!(call(LEFT, true).is_ok());
}

#[test]
fn bad_shapes_are_errors() {
    let module = sum(EXACT);
    let mut tape = Tape::default();
    let mut out = [0.0; 12];
    let short = module.forward(&[&LEFT[..5], &RIGHT], 2, true, &mut tape, &mut [&mut out]);
    assert_eq!(short.unwrap_err().code(), "E0816");
    let missing = module.forward(&[&LEFT], 2, true, &mut tape, &mut [&mut out]);
    assert_eq!(missing.unwrap_err().code(), "E0816");
    let wrong_out = module.forward(&[&LEFT, &RIGHT], 2, true, &mut tape, &mut [&mut out[..6]]);
    assert_eq!(wrong_out.unwrap_err().code(), "E0816");
}

#[test]
fn bad_modules_are_errors() {
    let module =
        |text: &str, inputs: Vec<Input>, outputs: Vec<Output>, provenance| match Module::from_text(
            "m.dl", text, inputs, outputs, provenance,
        ) {
            Ok(_) => panic!("{text} must fail"),
            Err(error) => error.code(),
        };
    let copy = "rel r(x) = a(x)";
    let a = || vec![input("a", 2, true)];
    let r = || vec![output("r", None)];
    assert_eq!(module(copy, a(), r(), Provenance::Unit), "E0815");
    assert_eq!(module(copy, a(), vec![output("rr", None)], EXACT), "E0201");
    assert_eq!(
        module(copy, a(), vec![output("r", Some(vec![vec![]]))], EXACT),
        "E0202"
    );
    let text = || vec![vec![Value::String("x".into())]];
    assert_eq!(
        module(copy, a(), vec![output("r", Some(text()))], EXACT),
        "E0301"
    );
    let strings = vec![Input {
        relation: "a".into(),
        mapping: text(),
        exclusive: true,
    }];
    assert_eq!(
        module("type a(i32)  rel r(x) = a(x)", strings, r(), EXACT),
        "E0301"
    );
    assert_eq!(
        module("type a(i32, i32)  rel r(x) = a(x, _)", a(), r(), EXACT),
        "E0202"
    );
    assert_eq!(
        module("rel r(x) = a(x", a(), r(), EXACT).get(..3),
        Some("E01")
    );
}

#[test]
fn modules_explain_a_sample() {
    let module = sum(EXACT);
    let why = module
        .why(&[&LEFT[..3], &RIGHT[..3]], 0, &[Value::I64(2)], 2)
        .unwrap();
    let lines: Vec<String> = why.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "0.3000: left(2) [0.5000], right(0) [0.6000]",
            "0.0600: left(0) [0.2000], right(2) [0.3000]"
        ]
    );
    assert!(
        module
            .why(&[&LEFT[..3], &RIGHT[..3]], 0, &[Value::I64(77)], 2)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn modules_serve_many_threads() {
    let module = sum(EXACT);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut out = [0.0; 12];
                module
                    .forward(
                        &[&LEFT, &RIGHT],
                        2,
                        true,
                        &mut Tape::default(),
                        &mut [&mut out],
                    )
                    .unwrap();
                assert!((out[0] - 0.12).abs() < 1e-12);
            });
        }
    });
}
