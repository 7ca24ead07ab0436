//! Batches beside facts of the program that all samples share: derived together, values and gradients are those of
//! each sample derived alone.

// Helpers of tests may panic as tests do.
#![allow(clippy::unwrap_used)]

use nsdl::{BatchTape, Output, Provenance, Ragged, Shapes, Value};

/// Kinds of links lead to others, some by several notes, which no rule names; `barred` is denied, `listed` counted, and
/// `heavy` uncertain. `chain` is asked for from both ends.
const PROGRAM: &str = "type link(kind: i32, a: i32, b: i32)
rel lead = {(0, 0, 1, 0), (0, 0, 1, 1), (0, 1, 2, 0), (1, 0, 2, 0), (1, 2, 0, 3), (2, 1, 1, 0), (2, 2, 0, 0), (2, 2, 0, 7)}
rel barred = {(2, 0), (1, 3)}
rel listed = {(0, 5), (0, 6), (1, 5)}
rel 0.75::heavy(0)
rel 0.5::heavy(2)
rel chain(k, a, b) = link(k, a, b)
rel chain(r, a, c) = chain(p, a, b), link(q, b, c), lead(p, q, r, _)
rel begun(k, b) = chain(k, 0, b), not barred(k, b)
rel ended(k, a) = chain(k, a, 3)
rel many(k, n) = begun(k, _), n := count(x: listed(k, x))
rel sure(k) = begun(k, 3), heavy(k)";

const OUTPUTS: [&str; 4] = ["begun", "ended", "many", "sure"];

const PROVENANCES: [Provenance; 5] = [
    Provenance::Exact,
    Provenance::MinMaxProb,
    Provenance::AddMultProb,
    Provenance::NandMultProb,
    Provenance::TopKProofs { k: 2 },
];

/// Links of six samples from this one on, none of which has the shape of another, and their probabilities.
fn samples(first: i64) -> (Vec<i64>, Vec<usize>, Vec<f64>) {
    let (mut links, mut offsets, mut weights) = (Vec::new(), vec![0], Vec::new());
    for sample in first..first + 6 {
        for place in 0..3 {
            for kind in 0..3 {
                if (sample + place * 2 + kind) % 4 != 0 {
                    links.extend([kind, place, place + 1]);
                    weights.push(0.1 + 0.03 * weights.len() as f64 % 0.85);
                }
            }
        }
        if sample % 2 == 1 {
            links.extend([sample % 3, 0, sample % 4]);
            weights.push(0.625);
        }
        links.extend([0, 10 + sample, 11 + sample]);
        weights.push(0.5);
        offsets.push(weights.len());
    }
    (links, offsets, weights)
}

/// Values and tuples of each output, the gradients of half the sum of their squares, and how many circuits there were.
type Found = (Vec<Vec<f64>>, Vec<Vec<Vec<Value>>>, Vec<f64>, usize);

fn found(shapes: &Shapes, first: i64) -> Found {
    let (links, offsets, weights) = samples(first);
    let tuples = shapes.integers("link", &links).unwrap();
    let facts = Ragged {
        tuples: &tuples,
        offsets: &offsets,
        groups: None,
        certain: false,
    };
    let arrangement = shapes.arrange(6, &[facts]).unwrap();
    let ends = |output: usize| *arrangement.offsets(output).last().unwrap();
    let mut values: Vec<Vec<f64>> = (0..4).map(|o| vec![f64::NAN; ends(o)]).collect();
    let mut slices: Vec<&mut [f64]> = values.iter_mut().map(Vec::as_mut_slice).collect();
    let mut tape = BatchTape::default();
    shapes
        .forward(&arrangement, &[], &[&weights], true, &mut tape, &mut slices)
        .unwrap();
    let seeds: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
    let mut slopes = vec![f64::NAN; weights.len()];
    shapes
        .backward(&arrangement, &mut tape, &seeds, &mut [], &mut [&mut slopes])
        .unwrap();
    let tuples = (0..4).map(|output| {
        let tuples = arrangement.tuples(output).into_iter();
        tuples.map(<[Value]>::to_vec).collect()
    });
    let tuples = tuples.collect();
    let parts = arrangement.shapes().len();
    (values, tuples, slopes, parts)
}

#[test]
fn together_as_alone() {
    for provenance in PROVENANCES {
        let shapes = || {
            let output = |name: &str| Output {
                relation: name.into(),
                mapping: None,
            };
            let outputs = OUTPUTS.map(output).into();
            let open = vec!["link".into()];
            Shapes::from_text("chain.dl", PROGRAM, vec![], open, outputs, provenance).unwrap()
        };
        let (alone, together) = (shapes(), shapes());
        alone.set_together(usize::MAX);
        together.set_together(1);
        let close = |a: &[f64], b: &[f64]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9)
        };
        // The second time, what the first one indexed is there.
        for first in [0, 6] {
            let (alone, together) = (found(&alone, first), found(&together, first));
            assert_eq!((alone.3, together.3), (6, 1), "{provenance}: circuits");
            let some = alone.1.iter().all(|tuples| tuples.len() > 3);
            assert!(some, "{provenance}: {:?}", alone.1);
            assert_eq!(together.1, alone.1, "{provenance}");
            let values = together.0.iter().zip(&alone.0);
            for (a, b) in values.chain([(&together.2, &alone.2)]) {
                assert!(close(a, b), "{provenance}: {a:?} instead of {b:?}");
            }
        }
    }
}
