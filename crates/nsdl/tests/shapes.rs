//! Batches whose samples have different facts: values as one session a sample gives them, gradients as differences
//! show them, shapes kept and dropped.

// Helpers of tests may panic as tests do.
#![allow(clippy::unwrap_used)]

use nsdl::{BatchTape, Input, Output, Provenance, Ragged, Session, Shapes, Tuples, Value};

const REACH: &str = "type edge(i32, i32)
rel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))
rel dead(a) = edge(_, a), not path(a, a)
rel n(x) = x := count(a, b: edge(a, b))";

const PROVENANCES: [Provenance; 4] = [
    Provenance::Exact,
    Provenance::MinMaxProb,
    Provenance::AddMultProb,
    Provenance::TopKProofs { k: 2 },
];

/// Edges and probabilities of five samples; the first and the fourth have one shape, the third has no edges.
fn samples() -> Vec<Vec<(i64, i64, f64)>> {
    vec![
        vec![(0, 1, 0.5), (1, 2, 0.25), (0, 2, 0.125)],
        vec![(0, 1, 0.9), (1, 0, 0.8), (1, 2, 0.7), (2, 1, 0.6)],
        vec![],
        vec![(0, 1, 0.75), (1, 2, 0.5), (0, 2, 0.0)],
        vec![(3, 3, 1.0)],
    ]
}

struct Flat {
    tuples: Tuples,
    offsets: Vec<usize>,
    probabilities: Vec<f64>,
}

fn flat(shapes: &Shapes, samples: &[Vec<(i64, i64, f64)>]) -> Flat {
    let all: Vec<_> = samples.concat();
    let numbers: Vec<i64> = all.iter().flat_map(|&(a, b, _)| [a, b]).collect();
    let mut offsets = vec![0];
    for sample in samples {
        offsets.push(offsets.last().unwrap() + sample.len());
    }
    Flat {
        tuples: shapes.integers("edge", &numbers).unwrap(),
        offsets,
        probabilities: all.iter().map(|&(_, _, p)| p).collect(),
    }
}

impl Flat {
    fn ragged(&self) -> Ragged<'_> {
        Ragged {
            tuples: &self.tuples,
            offsets: &self.offsets,
            groups: None,
            certain: false,
        }
    }
}

fn output(relation: &str, mapping: Option<Vec<Vec<Value>>>) -> Output {
    Output {
        relation: relation.into(),
        mapping,
    }
}

fn reach(provenance: Provenance) -> Shapes {
    let outputs = ["path", "dead", "n"].map(|relation| output(relation, None));
    Shapes::from_text(
        "reach.dl",
        REACH,
        vec![],
        vec!["edge".into()],
        outputs.into(),
        provenance,
    )
    .unwrap()
}

/// Values of all outputs, and of each output those of every sample.
fn values(shapes: &Shapes, facts: &Flat) -> Vec<Vec<f64>> {
    let arrangement = shapes
        .arrange(facts.offsets.len() - 1, &[facts.ragged()])
        .unwrap();
    let mut values: Vec<Vec<f64>> = (0..shapes.outputs().len())
        .map(|o| vec![f64::NAN; *arrangement.offsets(o).last().unwrap()])
        .collect();
    let mut slices: Vec<&mut [f64]> = values.iter_mut().map(Vec::as_mut_slice).collect();
    shapes
        .forward(
            &arrangement,
            &[],
            &[&facts.probabilities],
            true,
            &mut BatchTape::default(),
            &mut slices,
        )
        .unwrap();
    values
}

#[test]
fn each_sample_is_as_a_session_of_its_own() {
    for provenance in PROVENANCES {
        let shapes = reach(provenance);
        let facts = flat(&shapes, &samples());
        let arrangement = shapes.arrange(5, &[facts.ragged()]).unwrap();
        assert_eq!(arrangement.shapes().len(), 4);
        let found = values(&shapes, &facts);
        for (i, sample) in samples().iter().enumerate() {
            let mut session = Session::new();
            session.set_provenance(Some(provenance));
            session.add_program("reach.dl", REACH).unwrap();
            let tuples = sample
                .iter()
                .map(|&(a, b, _)| vec![Value::I64(a), Value::I64(b)]);
            let p = sample.iter().map(|&(_, _, p)| p).collect();
            session
                .add_facts("edge", tuples.collect(), Some(p), false)
                .unwrap();
            session.run().unwrap();
            for (o, name) in ["path", "dead", "n"].into_iter().enumerate() {
                let relation = session.relation(name).unwrap();
                let (from, to) = (arrangement.offsets(o)[i], arrangement.offsets(o)[i + 1]);
                let tuples = &arrangement.tuples(o)[from..to];
                for (tuple, value) in tuples.iter().zip(&found[o][from..to]) {
                    let expected = relation.tag(tuple).map_or(0.0, |tag| tag.probability());
                    assert!(
                        (value - expected).abs() < 1e-12,
                        "{provenance}, sample {i}, {name}{tuple:?}: {value} instead of {expected}"
                    );
                }
                let derived = relation
                    .tuples
                    .iter()
                    .all(|(_, it)| tuples.contains(&it.as_slice()));
                assert!(derived, "{provenance}, sample {i}, {name}");
            }
        }
    }
}

#[test]
fn gradients_are_differences() {
    for provenance in PROVENANCES {
        let shapes = reach(provenance);
        // In minmaxprob and top-k, ties and the edge of [0, 1] have no derivative: stay away from them.
        let mut given = samples();
        for (i, edge) in given.iter_mut().flatten().enumerate() {
            edge.2 = 0.2 + 0.051 * i as f64;
        }
        let facts = flat(&shapes, &given);
        let arrangement = shapes.arrange(5, &[facts.ragged()]).unwrap();
        let seeds: Vec<Vec<f64>> = (0..3)
            .map(|o| {
                let n = *arrangement.offsets(o).last().unwrap();
                (0..n).map(|i| 0.5 + ((i * 7 + o) % 5) as f64).collect()
            })
            .collect();
        let total = |facts: &Flat| -> f64 {
            let values = values(&shapes, facts);
            let terms = values.iter().flatten().zip(seeds.iter().flatten());
            terms.map(|(v, s)| v * s).sum()
        };
        let mut tape = BatchTape::default();
        let mut out: Vec<Vec<f64>> = seeds.clone();
        let mut slices: Vec<&mut [f64]> = out.iter_mut().map(Vec::as_mut_slice).collect();
        let p: &[f64] = &facts.probabilities;
        shapes
            .forward(&arrangement, &[], &[p], true, &mut tape, &mut slices)
            .unwrap();
        let seeds: Vec<&[f64]> = seeds.iter().map(Vec::as_slice).collect();
        let mut gradient = vec![f64::NAN; p.len()];
        shapes
            .backward(
                &arrangement,
                &mut tape,
                &seeds,
                &mut [],
                &mut [&mut gradient],
            )
            .unwrap();
        for i in 0..p.len() {
            let shifted = |by: f64| {
                let mut probabilities = p.to_vec();
                probabilities[i] += by;
                let facts = Flat {
                    tuples: facts.tuples.clone(),
                    offsets: facts.offsets.clone(),
                    probabilities,
                };
                total(&facts)
            };
            let slope = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
            assert!(
                (gradient[i] - slope).abs() < 1e-6,
                "{provenance}, fact {i}: {} instead of {slope}",
                gradient[i]
            );
        }
    }
}

#[test]
fn shapes_are_compiled_once_and_the_oldest_go_first() {
    let shapes = reach(Provenance::Exact);
    let facts = flat(&shapes, &samples());
    assert!(
        shapes
            .arrange_known(5, &[facts.ragged()])
            .unwrap()
            .is_none()
    );
    let first = values(&shapes, &facts);
    let stats = shapes.stats();
    assert_eq!((stats.shapes, stats.misses, stats.hits), (4, 4, 1));
    assert!(stats.bytes > 0);
    assert!(
        shapes
            .arrange_known(5, &[facts.ragged()])
            .unwrap()
            .is_some()
    );
    assert_eq!(values(&shapes, &facts), first);
    assert_eq!(shapes.stats().misses, 4);
    // Other numbers, the same shapes.
    let mut other = samples();
    other.iter_mut().flatten().for_each(|edge| edge.2 *= 0.5);
    values(&shapes, &flat(&shapes, &other));
    assert_eq!(shapes.stats().misses, 4);

    shapes.set_capacity(0);
    assert_eq!(shapes.stats().shapes, 1);
    assert_eq!(values(&shapes, &facts), first);
    let stats = shapes.stats();
    assert!(stats.evicted >= 6 && stats.shapes == 1, "{stats:?}");
    assert!(stats.bytes > 0);
}

#[test]
fn groups_exclude_within_a_sample_only() {
    let shapes = Shapes::from_text(
        "color.dl",
        "type color(String, String)
         rel both(a) = color(a, \"red\"), color(a, \"blue\")
         rel any(a) = color(a, _)",
        vec![],
        vec!["color".into()],
        vec![output("both", None), output("any", None)],
        Provenance::Exact,
    )
    .unwrap();
    let text = |s: &str| Value::String(s.into());
    let pair = |color: &str| vec![text("ball"), text(color)];
    let tuples: Vec<Vec<Value>> = vec![pair("red"), pair("blue"), pair("red"), pair("blue")];
    let tuples = shapes.tuples("color", &tuples).unwrap();
    let call = |groups: Option<&[i64]>, p: &[f64]| {
        let facts = Ragged {
            tuples: &tuples,
            offsets: &[0, 2, 4],
            groups,
            certain: false,
        };
        let arrangement = shapes.arrange(2, &[facts]).unwrap();
        let (mut both, mut any) = (vec![0.0; arrangement.offsets(0)[2]], vec![0.0; 2]);
        let mut tape = BatchTape::default();
        shapes
            .forward(
                &arrangement,
                &[],
                &[p],
                true,
                &mut tape,
                &mut [&mut both, &mut any],
            )
            .map(|()| (both, any))
    };
    let p = [0.5, 0.25, 0.5, 0.25];
    let (both, any) = call(Some(&[7, 7, -1, -1]), &p).unwrap();
    assert_eq!(*both.last().unwrap(), 0.125);
    assert_eq!(
        both.iter().sum::<f64>(),
        0.125,
        "what is exclusive never holds together"
    );
    assert_eq!(any, [0.75, 0.625]);
    // The numbers of groups do not matter, only which are equal.
    let misses = shapes.stats().misses;
    assert_eq!(call(Some(&[0, 0, -5, -2]), &p).unwrap().1, any);
    assert_eq!(shapes.stats().misses, misses);
    let error = call(Some(&[7, 7, 7, 7]), &[0.5, 0.25, 0.75, 0.5]).unwrap_err();
    assert_eq!(error.code(), "E0511");
    assert!(
        error.message().contains("sample 1, fact 1 of `color`"),
        "{error}"
    );
    assert_eq!(
        call(None, &[0.5, 0.25, 0.5, -0.5]).unwrap_err().code(),
        "E0510"
    );
    assert_eq!(
        call(None, &[0.5, f64::NAN, 0.5, 0.5]).unwrap_err().code(),
        "E0521"
    );
}

#[test]
fn fixed_inputs_and_certain_facts_beside() {
    // Which of the digits to add is a certain fact of each sample.
    let digits: Vec<Vec<Value>> = (0..3).map(|d| vec![Value::I64(d)]).collect();
    let input = |relation: &str| Input {
        relation: relation.into(),
        mapping: digits.clone(),
        exclusive: true,
    };
    let shapes = Shapes::from_text(
        "choose.dl",
        "type wanted(String)
         rel result(a) = left(a), wanted(\"left\")
         rel result(a) = right(a), wanted(\"right\")
         rel result(a + b) = left(a), right(b), wanted(\"sum\")",
        vec![input("left"), input("right")],
        vec!["wanted".into()],
        vec![output(
            "result",
            Some((0..5).map(|n| vec![Value::I64(n)]).collect()),
        )],
        Provenance::Exact,
    )
    .unwrap();
    let tuples: Vec<Vec<Value>> = ["sum", "right", "sum", "left"]
        .iter()
        .map(|word| vec![Value::String((*word).into())])
        .collect();
    let tuples = shapes.tuples("wanted", &tuples).unwrap();
    let facts = Ragged {
        tuples: &tuples,
        offsets: &[0, 1, 2, 3, 4],
        groups: None,
        certain: true,
    };
    let arrangement = shapes.arrange(4, &[facts]).unwrap();
    assert_eq!(arrangement.shapes().len(), 3);
    let left = [
        0.5, 0.25, 0.25, 0.0, 0.5, 0.5, 1.0, 0.0, 0.0, 0.25, 0.25, 0.5,
    ];
    let right = [0.5, 0.5, 0.0, 0.25, 0.25, 0.5, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0];
    let mut tape = BatchTape::default();
    let mut result = [f64::NAN; 20];
    shapes
        .forward(
            &arrangement,
            &[&left, &right],
            &[],
            true,
            &mut tape,
            &mut [&mut result],
        )
        .unwrap();
    assert_eq!(result[..5], [0.25, 0.375, 0.25, 0.125, 0.0]);
    assert_eq!(result[5..10], [0.25, 0.25, 0.5, 0.0, 0.0]);
    assert_eq!(result[10..15], [0.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(result[15..], [0.25, 0.25, 0.5, 0.0, 0.0]);
    let (mut left_gradient, mut right_gradient) = ([f64::NAN; 12], [f64::NAN; 12]);
    let mut seed = [0.0; 20];
    (seed[2], seed[5], seed[15]) = (1.0, 1.0, 3.0);
    shapes
        .backward(
            &arrangement,
            &mut tape,
            &[&seed],
            &mut [&mut left_gradient, &mut right_gradient],
            &mut [],
        )
        .unwrap();
    assert_eq!(left_gradient[..3], [0.0, 0.5, 0.5]);
    assert_eq!(left_gradient[3..9], [0.0; 6]);
    assert_eq!(left_gradient[9..], [3.0, 0.0, 0.0]);
    assert_eq!(right_gradient[..6], [0.25, 0.25, 0.5, 1.0, 0.0, 0.0]);
    assert_eq!(right_gradient[6..], [0.0; 6]);
}

#[test]
fn layouts_make_the_same_shapes_elsewhere() {
    let shapes = reach(Provenance::MinMaxProb);
    let facts = flat(&shapes, &samples());
    values(&shapes, &facts);
    let layouts = shapes.layouts();
    assert_eq!(layouts.len(), 4);
    let other = reach(Provenance::MinMaxProb);
    for layout in &layouts {
        let tuples = other.tuples("edge", &layout[0].tuples).unwrap();
        let facts = Ragged {
            tuples: &tuples,
            offsets: &[0, tuples.len()],
            groups: layout[0].groups.as_deref(),
            certain: layout[0].certain,
        };
        other.arrange(1, &[facts]).unwrap();
    }
    assert_eq!(other.layouts(), layouts);
    assert_eq!(
        values(&other, &flat(&other, &samples())),
        values(&shapes, &facts)
    );
    assert_eq!(other.stats().misses, 4);
}

#[test]
fn tuples_are_selected_by_place() {
    let shapes = reach(Provenance::Exact);
    let all = shapes.integers("edge", &[0, 1, 1, 2, 2, 3]).unwrap();
    let some = shapes.integers("edge", &[2, 3, 0, 1, 2, 3]).unwrap();
    assert_eq!(all.select([2, 0, 2]), Some(some));
    assert_eq!(all.select([3]), None);
    assert_eq!(all.select([]), Some(Tuples::default()));
}

#[test]
fn proofs_of_one_sample() {
    let shapes = reach(Provenance::Exact);
    let facts = flat(&shapes, &samples()[..1]);
    let tuple = [Value::I64(0), Value::I64(2)];
    let proofs = shapes
        .why(
            &[facts.ragged()],
            &[],
            &[&facts.probabilities],
            0,
            &tuple,
            5,
        )
        .unwrap();
    let texts: Vec<String> = proofs.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "0.1250: edge(0, 2) [0.1250]",
            "0.1250: edge(0, 1) [0.5000], edge(1, 2) [0.2500]"
        ]
    );
}

#[test]
fn arrays_of_integers_are_for_integers() {
    let open = |types: &str| {
        Shapes::from_text(
            "q.dl",
            &format!("type q({types})\nrel p(a) = q(a, _)"),
            vec![],
            vec!["q".into()],
            vec![output("p", None)],
            Provenance::Exact,
        )
    };
    let wide = open("u8, i128").unwrap();
    let words = [Value::I64(255), Value::I64(-1)].to_vec();
    assert_eq!(
        wide.integers("q", &[255, -1]).unwrap(),
        wide.tuples("q", &[words]).unwrap()
    );
    assert_eq!(wide.integers("q", &[256, 0]).unwrap_err().code(), "E0501");
    assert_eq!(
        open("i32, f32")
            .unwrap()
            .integers("q", &[1, 2])
            .unwrap_err()
            .code(),
        "E0871"
    );
}

#[test]
fn facts_that_are_no_batch() {
    let shapes = reach(Provenance::Exact);
    let tuples = shapes.integers("edge", &[0, 1, 1, 2]).unwrap();
    let code = |offsets: &[usize], groups: Option<&[i64]>, certain: bool| {
        let facts = Ragged {
            tuples: &tuples,
            offsets,
            groups,
            certain,
        };
        shapes.arrange(2, &[facts]).err().map(|e| e.code())
    };
    assert_eq!(code(&[0, 1, 2], None, false), None);
    for offsets in [
        &[0, 2][..],
        &[0, 2, 1],
        &[1, 1, 2],
        &[0, 1, 1],
        &[0, 1, 3],
        &[],
    ] {
        assert_eq!(code(offsets, None, false), Some("E0872"), "{offsets:?}");
    }
    assert_eq!(code(&[0, 1, 2], Some(&[0]), false), Some("E0873"));
    assert_eq!(code(&[0, 1, 2], Some(&[0, 0]), true), Some("E0873"));
    assert_eq!(
        shapes.arrange(2, &[]).err().map(|e| e.code()),
        Some("E0816")
    );
    assert_eq!(shapes.integers("edge", &[1]).unwrap_err().code(), "E0202");
    assert_eq!(
        shapes.integers("edge", &[1, 1 << 40]).unwrap_err().code(),
        "E0501"
    );
    assert_eq!(
        shapes.integers("path", &[1, 1]).unwrap_err().code(),
        "E0870"
    );
    let text = vec![vec![Value::I64(0), Value::String("x".into())]];
    assert_eq!(shapes.tuples("edge", &text).unwrap_err().code(), "E0301");
    let open = Shapes::from_text(
        "p.dl",
        "rel p(a) = q(a)",
        vec![],
        vec!["q".into()],
        vec![output("p", None)],
        Provenance::Exact,
    );
    assert_eq!(open.err().map(|e| e.code()), Some("E0201"));
}
