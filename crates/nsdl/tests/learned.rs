//! Probabilities to learn from Rust: their names and values, gradients, the program with what was learned.

#![allow(clippy::unwrap_used)] // A test may panic.

use nsdl::{Exclusive, Input, Module, Output, Provenance, Session, Tape, Value, print};

const PROGRAM: &str = r#"type exposed(String)
rel risky = {"ann", "bob"}
rel ?0.3::ill(p) = exposed(p), risky(p)
rel ?0.2::ill(p) = exposed(p) and not risky(p) or exposed(p) and exposed("cyd")
rel ?0.1::leak()
rel some() = ill(_) or leak()
rel color = {?0.5::"red"; 0.25::"blue"; ?0.125::"green"}
rel {?0.4::up(p); ?0.6::down(p)} = risky(p)
rel both() = color("red"), up("ann")
"#;

fn module(provenance: Provenance) -> Module {
    let people = ["ann", "bob", "cyd"];
    let input = Input {
        relation: "exposed".into(),
        mapping: people
            .iter()
            .map(|&name| vec![Value::String(name.into())])
            .collect(),
        exclusive: false,
    };
    let output = |relation: &str| Output {
        relation: relation.into(),
        mapping: None,
    };
    let outputs = ["some", "both", "ill", r#"ill("bob") | some()"#].map(output);
    Module::from_text("ill.dl", PROGRAM, vec![input], outputs.into(), provenance).unwrap()
}

fn forward(
    module: &Module,
    inputs: &[&[f64]],
    batch: usize,
    tape: &mut Tape<f64>,
) -> Vec<Vec<f64>> {
    let widths = (0..module.outputs()).map(|output| module.tuples(output).len());
    let mut outputs: Vec<Vec<f64>> = widths.map(|width| vec![0.0; width * batch]).collect();
    let mut slices: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    module
        .forward(inputs, batch, true, tape, &mut slices)
        .unwrap();
    outputs
}

#[test]
fn parameters_have_names_places_and_first_values() {
    let module = module(Provenance::Exact);
    let found: Vec<(&str, f64)> = module
        .parameters()
        .iter()
        .map(|one| (one.name.as_str(), one.initial))
        .collect();
    let expected = [
        ("ill(p)", 0.3),
        ("ill(p) #2", 0.2),
        ("leak()", 0.1),
        (r#"color("red")"#, 0.5),
        (r#"color("green")"#, 0.125),
        ("up(p)", 0.4),
        ("down(p)", 0.6),
    ];
    assert_eq!(found, expected);
    assert_eq!(&PROGRAM[module.parameters()[0].span.range()], "?0.3");
    let sets: Vec<(&str, u32, u32)> = module
        .parameter_sets()
        .iter()
        .map(|set| (set.name.as_str(), set.start, set.end))
        .collect();
    assert_eq!(
        sets,
        [
            ("rule.ill", 0, 1),
            ("rule.ill_2", 1, 2),
            ("fact.leak", 2, 3),
            ("fact.color", 3, 5),
            ("rule.up", 5, 7)
        ]
    );
    let exclusive = |total, open| Some(Exclusive { total, open });
    assert_eq!(module.parameter_sets()[3].exclusive, exclusive(0.75, true));
    assert_eq!(module.parameter_sets()[4].exclusive, exclusive(1.0, false));
}

#[test]
fn current_values_follow_the_inputs() {
    for provenance in [Provenance::Exact, Provenance::TopKProofs { k: 10_000 }] {
        let module = module(provenance);
        let exposed = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        let first: Vec<f64> = module.parameters().iter().map(|one| one.initial).collect();
        let plain = forward(&module, &[&exposed], 2, &mut Tape::default());
        assert_eq!(
            forward(&module, &[&exposed, &first], 2, &mut Tape::default()),
            plain
        );
        // Sample 0: only ann, by the first rule or the leak. Sample 1: cyd, twice by the second rule.
        let mut now = first;
        (now[0], now[1], now[2]) = (0.5, 0.25, 0.0);
        let found = forward(&module, &[&exposed, &now], 2, &mut Tape::default());
        assert!((found[0][0] - 0.5).abs() < 1e-12);
        assert!(
            (found[0][1] - (1.0 - 0.75 * 0.75)).abs() < 1e-12,
            "{}",
            found[0][1]
        );
    }
}

#[test]
fn gradients_are_sums_over_bindings_and_samples() {
    let module = module(Provenance::Exact);
    let exposed = [0.9, 0.3, 0.5, 0.2, 0.8, 0.4];
    let values = [0.35, 0.15, 0.2, 0.4, 0.1, 0.3, 0.7];
    let asked: Vec<Vec<f64>> = (0..module.outputs())
        .map(|output| {
            let cells = 0..module.tuples(output).len() * 2;
            cells
                .map(|cell| 0.5 + (cell * (output + 1)) as f64)
                .collect()
        })
        .collect();
    let total = |values: &[f64]| -> f64 {
        let found = forward(&module, &[&exposed, values], 2, &mut Tape::default());
        let pairs = asked.iter().flatten().zip(found.iter().flatten());
        pairs.map(|(weight, value)| weight * value).sum()
    };
    let mut tape = Tape::default();
    forward(&module, &[&exposed, &values], 2, &mut tape);
    let slices: Vec<&[f64]> = asked.iter().map(Vec::as_slice).collect();
    let (mut inputs, mut gradients) = ([0.0; 6], [f64::NAN; 7]);
    module
        .backward(&mut tape, &slices, &mut [&mut inputs, &mut gradients])
        .unwrap();
    for (at, gradient) in gradients.into_iter().enumerate() {
        let moved = |by: f64| {
            let mut moved = values;
            moved[at] += by;
            total(&moved)
        };
        let difference = (moved(1e-6) - moved(-1e-6)) / 2e-6;
        assert!(
            (gradient - difference).abs() < 1e-6,
            "{at}: {gradient}, not {difference}"
        );
    }
    // What leaks explains away that bob is ill; all else makes its outputs more likely.
    let signs = gradients.map(f64::signum);
    assert_eq!(signs[..4], [1.0, 1.0, -1.0, 1.0], "{gradients:?}");
}

#[test]
fn wrong_values_are_refused() {
    let module = module(Provenance::Exact);
    let exposed = [0.5; 3];
    let code = |inputs: &[&[f64]]| {
        let mut outputs: Vec<Vec<f64>> = (0..module.outputs())
            .map(|output| vec![0.0; module.tuples(output).len()])
            .collect();
        let mut slices: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        module
            .forward(inputs, 1, true, &mut Tape::default(), &mut slices)
            .unwrap_err()
            .code()
    };
    assert_eq!(code(&[&exposed, &[0.5; 6]]), "E0816");
    assert_eq!(code(&[&exposed, &[0.5; 7], &[0.5; 7]]), "E0816");
    assert_eq!(
        code(&[&exposed, &[0.5, 0.5, 1.5, 0.5, 0.5, 0.5, 0.5]]),
        "E0510"
    );
}

#[test]
fn proofs_have_the_current_values() {
    let module = module(Provenance::Exact);
    let values = [0.6, 0.2, 0.1, 0.5, 0.25, 0.4, 0.6];
    let why = module.why(
        &[&[1.0, 0.0, 0.0], &values],
        2,
        &[Value::String("ann".into())],
        1,
    );
    assert!((why.unwrap()[0].probability - 0.6).abs() < 1e-12);
}

#[test]
fn what_was_learned_is_written_back() {
    let module = module(Provenance::Exact);
    let values = [
        0.123456789,
        1e-12,
        0.999999999999,
        0.6,
        0.14,
        1.0 / 3.0,
        2.0 / 3.0,
    ];
    let text = module.learned_text("ill.dl", &values, true).unwrap();
    assert!(
        text.contains("rel ?0.1234568::ill(p) = exposed(p), risky(p)"),
        "{text}"
    );
    assert!(
        text.contains("{?0.3333333::up(p); ?0.6666667::down(p)}"),
        "{text}"
    );
    assert!(
        text.contains(r#"{?0.6::"red"; 0.25::"blue"; ?0.14::"green"}"#),
        "{text}"
    );
    let mut again = Session::new();
    again.add_program("again.dl", &text).unwrap();
    let plain = module.learned_text("ill.dl", &values, false).unwrap();
    assert!(!plain.contains('?'), "{plain}");
    let mut session = Session::new();
    session.add_program("plain.dl", &plain).unwrap();
    session.queries(vec!["up".into()]).unwrap();
    let found = print::text(&session.run().unwrap().relations[0]);
    assert_eq!(found, r#"up: {0.3333333::("ann"), 0.3333333::("bob")}"#);
    assert_eq!(module.learned_text("ill.dl", &values[1..], true), None);
    assert_eq!(module.learned_text("other.dl", &values, true), None);
}
