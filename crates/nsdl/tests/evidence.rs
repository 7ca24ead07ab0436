//! Conditioning from Rust: sessions, proofs, modules and their gradients.
#![allow(clippy::unwrap_used)] // A test fails by a panic, in its helpers too.

use nsdl::{
    Budget, Input, JacobianEntry, Module, Output, Program, Provenance, Session, Tape, Value, print,
};

const WET: &str = "rel 0.3::rain()
rel 0.2::sprinkler()
rel 0.9::wet() = rain()
rel 0.5::wet() = sprinkler()
";

fn session(text: &str) -> Session {
    let mut session = Session::new();
    session.add_program("test.dl", text).unwrap();
    session
}

fn probability(session: &Session, query: &str) -> f64 {
    let found = session.relation(query).unwrap();
    found.tag(&[]).map_or(0.0, |tag| tag.probability())
}

/// P(wet) = 1 − (1 − 0.3 · 0.9)(1 − 0.2 · 0.5).
const P_WET: f64 = 1.0 - 0.73 * 0.9;
/// P(rain and wet) = 0.3 · (1 − 0.1 · 0.9).
const P_RAIN_WET: f64 = 0.3 * 0.91;

fn near(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-12, "{a} is not {b}");
}

#[test]
fn evidence_comes_and_goes() {
    let mut session = session(WET);
    session.add_evidence("wet()", true).unwrap();
    session.run().unwrap();
    near(probability(&session, "rain"), P_RAIN_WET / P_WET);
    session.add_evidence("sprinkler()", false).unwrap();
    session.run().unwrap();
    near(probability(&session, "rain"), 1.0);
    session.clear_evidence().unwrap();
    session.run().unwrap();
    near(probability(&session, "rain"), 0.3);
}

#[test]
fn a_relation_may_be_asked_for_given_evidence() {
    let mut session = session(WET);
    session.run().unwrap();
    near(probability(&session, "rain | wet( )"), P_RAIN_WET / P_WET);
    // One that the queries of the program do not need, too.
    session.queries(vec!["sprinkler".into()]).unwrap();
    session.add_evidence("wet()", true).unwrap();
    session.run().unwrap();
    near(probability(&session, "rain"), P_RAIN_WET / P_WET);
}

#[test]
fn evidence_is_a_formula_about_the_program() {
    let mut session = session(WET);
    assert_eq!(
        session.add_evidence("rel x()", true).unwrap_err().code(),
        "E0107"
    );
    assert_eq!(
        session
            .add_evidence("wet() query rain", true)
            .unwrap_err()
            .code(),
        "E0863"
    );
    assert_eq!(
        session.add_evidence("wett()", true).unwrap_err().code(),
        "E0201"
    );
    session.run().unwrap();
    near(probability(&session, "rain"), 0.3);
}

#[test]
fn impossible_evidence_is_an_error_with_its_place() {
    let mut session = session("rel 0.5::a()\nrel 0.0::b() = a()\nrel c = {1}\nquery a | b()\n");
    let error = session.run().unwrap_err();
    assert_eq!(error.code(), "E0550");
    assert!(error.to_string().contains("test.dl:4:11"), "{error}");
    for provenance in [
        Provenance::Unit,
        Provenance::MinMaxProb,
        Provenance::TopKProofs { k: 3 },
    ] {
        session.set_provenance(Some(provenance));
        session.queries(vec!["a | c(2)".into()]).unwrap();
        assert_eq!(session.run().unwrap_err().code(), "E0550", "{provenance}");
    }
    session.set_provenance(Some(Provenance::AddMultProb));
    assert_eq!(session.run().unwrap_err().code(), "E0551");
}

#[test]
fn one_world_is_filtered() {
    let program = Program::new(
        "rel edge = {(0, 1), (1, 2)}
         query edge(x, y) | edge(y, _)
         query edge | edge(0, 1)",
    );
    let outcome = Session::from(&program.unwrap()).run().unwrap();
    let printed: Vec<String> = outcome.relations.iter().map(print::text).collect();
    assert_eq!(printed[0], "edge(x, y) | edge(y, _): {(0, 1)}");
    assert_eq!(printed[1], "edge | edge(0, 1): {(0, 1), (1, 2)}");
}

#[test]
fn proofs_are_those_of_answer_and_evidence() {
    let mut session = session(WET);
    session.run().unwrap();
    let why = session.why_text("rain() | wet()", 1).unwrap();
    near(why[0].probability, 0.27 / P_WET);
    assert!(why[0].to_string().contains("rain() [0.3000]"), "{}", why[0]);
    assert_eq!(session.why("rain | wet()", &[], 1).unwrap(), why);
}

fn row(value: i64) -> Vec<Value> {
    vec![Value::I64(value)]
}

/// Two digits are read; their sum is known, which tells about the first.
fn digits(provenance: Provenance) -> Module {
    let input = |relation: &str| Input {
        relation: relation.into(),
        mapping: (0..3).map(row).collect(),
        exclusive: true,
    };
    let output = |relation: &str, mapping| Output {
        relation: relation.into(),
        mapping,
    };
    Module::from_text(
        "digits.dl",
        "rel sum(a + b) = first(a), second(b)",
        vec![input("first"), input("second")],
        vec![
            output("first | sum(2)", Some((0..4).map(row).collect())),
            output("first(x) | sum(x)", None),
            output("sum", None),
        ],
        provenance,
    )
    .unwrap()
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
fn modules_condition_their_outputs() {
    for provenance in [Provenance::Exact, Provenance::TopKProofs { k: 100 }] {
        let module = digits(provenance);
        assert_eq!(module.output_name(0), "first | sum(2)");
        let (first, second) = ([0.2, 0.3, 0.5], [0.5, 0.3, 0.2]);
        let found = forward(&module, &[&first, &second], 1, &mut Tape::default());
        let total = 0.2 * 0.2 + 0.3 * 0.3 + 0.5 * 0.5;
        near(found[0][0], 0.04 / total);
        near(found[0][1], 0.09 / total);
        near(found[0][2], 0.25 / total);
        near(found[0][3], 0.0);
        // first(x) and second(0), by the sum x.
        near(found[1][0], 1.0);
        near(found[1][1], 0.15 / (0.2 * 0.3 + 0.3 * 0.5));
        near(found[1][2], 0.25 / total);
        near(found[2][2], total);
    }
}

#[test]
fn gradients_go_through_the_quotient() {
    let module = digits(Provenance::Exact);
    let inputs = [[0.2, 0.3, 0.5], [0.5, 0.3, 0.2]];
    let widths = [4, 3, 5];
    let step = 1e-6;
    for (output, width) in widths.into_iter().enumerate() {
        for column in 0..width {
            let mut tape = Tape::default();
            forward(&module, &[&inputs[0], &inputs[1]], 1, &mut tape);
            let mut asked: Vec<Vec<f64>> = widths.iter().map(|&width| vec![0.0; width]).collect();
            asked[output][column] = 1.0;
            let asked: Vec<&[f64]> = asked.iter().map(Vec::as_slice).collect();
            let mut gradients = [[0.0; 3]; 2];
            let [first, second] = &mut gradients;
            module
                .backward(&mut tape, &asked, &mut [first, second])
                .unwrap();
            for input in 0..2 {
                for member in 0..3 {
                    let at = |by: f64| {
                        let mut moved = inputs;
                        moved[input][member] += by;
                        forward(&module, &[&moved[0], &moved[1]], 1, &mut Tape::default())[output]
                            [column]
                    };
                    let difference = (at(step) - at(-step)) / (2.0 * step);
                    let gradient = gradients[input][member];
                    assert!(
                        (gradient - difference).abs() < 1e-7,
                        "{gradient}, not {difference}"
                    );
                }
            }
        }
    }
}

#[test]
fn impossible_samples_are_nan_and_have_gradient_0() {
    let module = digits(Provenance::Exact);
    // The second sample cannot sum to 2.
    let (first, second) = (
        [0.2, 0.3, 0.5, 1.0, 0.0, 0.0],
        [0.5, 0.3, 0.2, 0.5, 0.5, 0.0],
    );
    let mut tape = Tape::default();
    let found = forward(&module, &[&first, &second], 2, &mut tape);
    assert_eq!(tape.impossible(), 1);
    assert!(found[0][..4].iter().all(|value| value.is_finite()));
    assert!(found[0][4..].iter().all(|value| value.is_nan()));
    let (ones, none, zeros) = ([1.0; 8], [0.0; 6], [0.0; 10]);
    let mut gradients = [[f64::NAN; 6]; 2];
    let [g, h] = &mut gradients;
    module
        .backward(&mut tape, &[&ones, &none, &zeros], &mut [g, h])
        .unwrap();
    assert!(
        gradients
            .iter()
            .all(|gradient| gradient[3..].iter().all(|&slope| slope == 0.0))
    );
    forward(&module, &[&first[..3], &second[..3]], 1, &mut tape);
    assert_eq!(tape.impossible(), 0);
}

#[test]
fn modules_take_evidence_about_their_inputs() {
    let input = Input {
        relation: "digit".into(),
        mapping: (0..3).map(row).collect(),
        exclusive: true,
    };
    let output = Output {
        relation: "digit".into(),
        mapping: None,
    };
    let evidence = [("digit(0)".to_owned(), false)];
    let module = Module::conditioned(
        Session::new(),
        "digit.dl",
        "type digit(i32)",
        vec![input],
        vec![output],
        &evidence,
        Provenance::Exact,
    )
    .unwrap();
    let found = forward(&module, &[&[0.5, 0.3, 0.2]], 1, &mut Tape::default());
    near(found[0][0], 0.0);
    near(found[0][1], 0.6);
    near(found[0][2], 0.4);
    let why = module.why(&[&[0.5, 0.3, 0.2]], 0, &row(1), 1).unwrap();
    near(why[0].probability, 0.6);
}

const RELIABLE: &str = "rel path(x) = link(0, x) or (path(y) and link(y, x))
rel ?0.25::repaired(x) = path(x), x > 1
rel ?0.6::watch()
rel seen(x) = (path(x) and watch()) or repaired(x)";

/// A network of uncertain links and things to learn, with outputs given others.
fn reliable(auto: Option<usize>) -> Module {
    let links = [(0, 1), (1, 2), (0, 2), (2, 1), (2, 3), (1, 3)];
    let input = Input {
        relation: "link".into(),
        mapping: links
            .map(|(a, b)| vec![Value::I32(a), Value::I32(b)])
            .to_vec(),
        exclusive: false,
    };
    let output = |relation: &str| Output {
        relation: relation.into(),
        mapping: Some((1..5).map(|x| vec![Value::I32(x)]).collect()),
    };
    let mut session = Session::new();
    let provenance = auto.map_or(Provenance::Exact, |_| Provenance::Auto);
    session.set_budget(Budget {
        auto: auto.unwrap_or_default(),
        ..Budget::default()
    });
    let outputs = ["path | seen(3)", "seen | not repaired(2)", "path"].map(output);
    let evidence = [("link(2, 3)".to_owned(), false)];
    let inputs = vec![input];
    Module::conditioned(
        session,
        "reliable.dl",
        RELIABLE,
        inputs,
        outputs.into(),
        &evidence,
        provenance,
    )
    .unwrap()
}

const LINKS: [f64; 12] = [0.9, 0.4, 0.3, 0.7, 0.5, 0.8, 0.2, 0.6, 0.9, 0.1, 0.4, 0.3];
const LEARNED: [f64; 2] = [0.35, 0.55];

/// The derivative of something by each number of two slices.
fn differences(f: impl Fn(&[f64], &[f64]) -> f64) -> Vec<f64> {
    let step = 1e-6;
    let moved = |at: usize, by: f64| {
        let (mut links, mut learned) = (LINKS, LEARNED);
        let mut all = links.iter_mut().chain(&mut learned);
        *all.nth(at).unwrap() += by;
        f(&links, &learned)
    };
    let all = 0..LINKS.len() + LEARNED.len();
    all.map(|at| (moved(at, step) - moved(at, -step)) / (2.0 * step))
        .collect()
}

#[test]
fn evidence_in_log_space_with_what_is_learned() {
    let module = reliable(None);
    let mut tape = Tape::default();
    let plain = forward(&module, &[&LINKS, &LEARNED], 2, &mut tape);
    let mut logs = [[0.0; 8]; 3];
    let [a, b, c] = &mut logs;
    module
        .log_forward(&[&LINKS, &LEARNED], 2, true, &mut tape, &mut [a, b, c])
        .unwrap();
    for (log, plain) in logs.iter().flatten().zip(plain.iter().flatten()) {
        match *plain == 0.0 {
            true => assert_eq!(*log, f64::NEG_INFINITY),
            false => near(log.exp(), *plain),
        }
    }
    // Nothing flows from what is impossible, so it is left out.
    let possible: Vec<Vec<f64>> = plain
        .iter()
        .map(|values| {
            values
                .iter()
                .map(|&p| f64::from(u8::from(p > 0.0)))
                .collect()
        })
        .collect();
    let seeds: Vec<&[f64]> = possible.iter().map(Vec::as_slice).collect();
    let (mut links, mut learned) = ([f64::NAN; 12], [f64::NAN; 2]);
    module
        .log_backward(&mut tape, &seeds, &mut [&mut links, &mut learned])
        .unwrap();
    let wanted = differences(|links, learned| {
        let found = forward(&module, &[links, learned], 2, &mut Tape::default());
        let possible = found.iter().flatten().filter(|&&p| p > 0.0);
        possible.map(|p| p.ln()).sum()
    });
    for (slope, wanted) in links.iter().chain(&learned).zip(wanted) {
        assert!((slope - wanted).abs() < 1e-6, "{slope}, not {wanted}");
    }
}

#[test]
fn jacobians_go_through_the_quotient() {
    let module = reliable(None);
    let mut tape = Tape::default();
    forward(&module, &[&LINKS, &LEARNED], 2, &mut tape);
    for output in 0..module.outputs() {
        let entries = module.jacobian(&mut tape, output, 0).unwrap();
        for column in 0..4 {
            for sample in 0..2 {
                let wanted = differences(|links, learned| {
                    forward(&module, &[links, learned], 2, &mut Tape::default())[output]
                        [sample * 4 + column]
                });
                for (at, wanted) in wanted.into_iter().take(12).enumerate() {
                    let here = |entry: &&JacobianEntry<f64>| {
                        let input = entry.sample * 6 + entry.input;
                        (entry.sample, entry.output, input) == (sample, column, at)
                    };
                    let found = entries.iter().find(here).map_or(0.0, |entry| entry.value);
                    assert!((found - wanted).abs() < 1e-7, "{found}, not {wanted}");
                }
            }
        }
    }
}

#[test]
fn bounds_given_evidence_contain_the_quotient() {
    let exact = forward(
        &reliable(None),
        &[&LINKS, &LEARNED],
        2,
        &mut Tape::default(),
    );
    let mut open = 0;
    for auto in [0, 5, 10, 20, 40, 80] {
        let module = reliable(Some(auto));
        let mut tape = Tape::default();
        let found = forward(&module, &[&LINKS, &LEARNED], 2, &mut tape);
        let mut bounds = [[[0.0; 8]; 3]; 2];
        let [lower, upper] = &mut bounds;
        let ([a, b, c], [d, e, f]) = (lower, upper);
        module
            .bounds(&tape, &mut [a, b, c], &mut [d, e, f])
            .unwrap();
        let [lower, upper] = bounds;
        for output in 0..3 {
            for cell in 0..8 {
                let (low, high) = (lower[output][cell], upper[output][cell]);
                let (truth, answer) = (exact[output][cell], found[output][cell]);
                open += usize::from(low < high);
                let what = format!("output {output}, {cell}, within {auto}: {low} to {high}");
                assert!(
                    low <= truth + 1e-12 && truth <= high + 1e-12,
                    "{what}: {truth}"
                );
                assert!(
                    low <= answer + 1e-12 && answer <= high + 1e-12,
                    "{what}: answer {answer}"
                );
            }
        }
    }
    assert!(open > 0, "no budget was small enough");
}
