//! Tensors compute what the CPU kernels and what enumeration of possible worlds do.
#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by a panic, in its helpers too.

use nsdl::{Input, Module, Output, Provenance, Tape, Value};
use nsdl_tch::TensorModule;
use serde_json::Value as Json;
use tch::{Device, Kind, Tensor};

fn array(json: &Json) -> &[Json] {
    json.as_array().expect("a list")
}

fn rows(json: &Json) -> Vec<Vec<Value>> {
    let value = |cell: &Json| match cell {
        Json::String(text) => Value::String(text.as_str().into()),
        number => Value::I64(number.as_i64().expect("an integer")),
    };
    array(json)
        .iter()
        .map(|row| array(row).iter().map(value).collect())
        .collect()
}

fn tensor(json: &Json) -> Tensor {
    let cells: Vec<f64> = array(json)
        .iter()
        .flat_map(array)
        .map(|cell| cell.as_f64().expect("a number"))
        .collect();
    Tensor::from_slice(&cells).view([array(json).len() as i64, -1])
}

fn assert_close(found: &Tensor, expected: &Tensor, tolerance: f64, of: &str) {
    assert_eq!(found.size(), expected.size(), "{of}");
    let difference = (found.to_kind(Kind::Double) - expected)
        .abs()
        .max()
        .double_value(&[]);
    assert!(difference <= tolerance, "{of}: off by {difference}");
}

/// The file that python/tests/agreement.py wrote, without nsdl.
#[test]
fn values_and_gradients_are_those_of_possible_worlds() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../python/tests/agreement.json"
    );
    let cases: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for case in array(&cases) {
        let name = case["name"].as_str().unwrap();
        let inputs = array(&case["inputs"]).iter().map(|input| Input {
            relation: input["relation"].as_str().unwrap().to_owned(),
            mapping: rows(&input["mapping"]),
            exclusive: input["exclusive"].as_bool().unwrap(),
        });
        let output = Output {
            relation: case["output"]["relation"].as_str().unwrap().to_owned(),
            mapping: Some(rows(&case["output"]["mapping"])),
        };
        let program = case["program"].as_str().unwrap();
        let module = Module::from_text(
            name,
            program,
            inputs.collect(),
            vec![output],
            Provenance::Exact,
        )
        .unwrap();
        let tensors = TensorModule::new(&module).unwrap();
        for (kind, tolerance) in [(Kind::Double, 1e-9), (Kind::Float, 1e-5)] {
            let weights: Vec<Tensor> = array(&case["inputs"])
                .iter()
                .map(|input| {
                    tensor(&input["weights"])
                        .to_kind(kind)
                        .set_requires_grad(true)
                })
                .collect();
            let given: Vec<&Tensor> = weights.iter().collect();
            tensors.check(&given).unwrap();
            let result = tensors.forward(&given).unwrap().remove(0);
            assert_close(&result, &tensor(&case["output"]["values"]), tolerance, name);
            let total = (result * tensor(&case["output"]["factors"]).to_kind(kind)).sum(kind);
            let gradients = Tensor::run_backward(&[total], &weights, false, false);
            for (gradient, input) in gradients.iter().zip(array(&case["inputs"])) {
                assert_close(gradient, &tensor(&input["gradients"]), tolerance, name);
            }
        }
    }
}

/// A program with every operation of circuits.
fn module(provenance: Provenance) -> Module {
    let program = "type edge(u8, u8), digit(u8)\n\
        rel path(a, c) = edge(a, c) or (edge(a, b) and edge(b, c))\n\
        rel 0.75::odd(d) = digit(d), d % 2 == 1\n\
        rel apart(a) = edge(a, b), not path(0, a)\n\
        rel answer(1, a, c) = path(a, c)\n\
        rel answer(2, d, d) = odd(d)\n\
        rel answer(3, a, a) = apart(a)";
    let pair = |a, b| vec![Value::U8(a), Value::U8(b)];
    let inputs = vec![
        Input {
            relation: "edge".to_owned(),
            mapping: vec![pair(0, 1), pair(1, 2), pair(0, 2), pair(2, 3), pair(3, 1)],
            exclusive: false,
        },
        Input {
            relation: "digit".to_owned(),
            mapping: (0..4).map(|d| vec![Value::U8(d)]).collect(),
            exclusive: true,
        },
    ];
    let outputs = vec![
        Output {
            relation: "answer".to_owned(),
            mapping: None,
        },
        Output {
            relation: "odd".to_owned(),
            mapping: Some(vec![vec![Value::U8(3)], vec![Value::U8(2)]]),
        },
    ];
    Module::from_text("test", program, inputs, outputs, provenance).unwrap()
}

fn doubles(tensor: &Tensor) -> Vec<f64> {
    tensor.contiguous().view(-1).try_into().unwrap()
}

#[test]
fn values_and_gradients_are_those_of_the_kernels() {
    tch::manual_seed(7);
    for provenance in [
        Provenance::Exact,
        Provenance::AddMultProb,
        Provenance::MinMaxProb,
    ] {
        let module = module(provenance);
        let tensors = TensorModule::new(&module).unwrap();
        let batch = 5;
        let inputs = [
            Tensor::rand([batch, 5], (Kind::Double, Device::Cpu)).set_requires_grad(true),
            Tensor::rand([batch, 4], (Kind::Double, Device::Cpu))
                .softmax(1, Kind::Double)
                .detach()
                .set_requires_grad(true),
        ];
        let given: Vec<&Tensor> = inputs.iter().collect();
        let results = tensors.forward(&given).unwrap();
        let total = results
            .iter()
            .map(|r| (r * r).sum(Kind::Double))
            .reduce(|a, b| a + b)
            .unwrap();
        let gradients = Tensor::run_backward(&[total], &inputs, false, false);

        let weights: Vec<Vec<f64>> = inputs
            .iter()
            .map(|input| doubles(&input.detach()))
            .collect();
        let weights: Vec<&[f64]> = weights.iter().map(Vec::as_slice).collect();
        let mut values: Vec<Vec<f64>> = (0..2)
            .map(|o| vec![0.0; module.tuples(o).len() * batch as usize])
            .collect();
        let mut tape = Tape::default();
        let mut slices: Vec<&mut [f64]> = values.iter_mut().map(Vec::as_mut_slice).collect();
        module
            .forward(&weights, batch as usize, true, &mut tape, &mut slices)
            .unwrap();
        for (value, result) in values.iter().zip(&results) {
            let value = Tensor::from_slice(value).view([batch, -1]);
            assert_close(result, &value, 1e-12, provenance.name());
        }
        // The gradient of Σ y² with respect to y is 2y.
        let twice: Vec<Vec<f64>> = values
            .iter()
            .map(|v| v.iter().map(|y| 2.0 * y).collect())
            .collect();
        let twice: Vec<&[f64]> = twice.iter().map(Vec::as_slice).collect();
        let mut found: Vec<Vec<f64>> = weights.iter().map(|w| vec![0.0; w.len()]).collect();
        let mut slices: Vec<&mut [f64]> = found.iter_mut().map(Vec::as_mut_slice).collect();
        module.backward(&mut tape, &twice, &mut slices).unwrap();
        for (found, gradient) in found.iter().zip(&gradients) {
            let found = Tensor::from_slice(found).view([batch, -1]);
            assert_close(gradient, &found, 1e-12, provenance.name());
        }
    }
}

#[test]
fn the_empty_batch_is_fine() {
    let tensors = TensorModule::new(&module(Provenance::Exact)).unwrap();
    let none = |width| Tensor::zeros([0, width], (Kind::Float, Device::Cpu));
    let results = tensors.forward(&[&none(5), &none(4)]).unwrap();
    assert_eq!(results[1].size(), [0, 2]);
}

#[test]
fn tensors_that_do_not_fit_are_refused() {
    let tensors = TensorModule::new(&module(Provenance::Exact)).unwrap();
    let of = |size: &[i64], kind| Tensor::zeros(size, (kind, Device::Cpu));
    let edges = of(&[2, 5], Kind::Float);
    let refusals = [
        ("E0824", vec![edges.shallow_clone()]),
        (
            "E0825",
            vec![edges.shallow_clone(), of(&[2, 5], Kind::Float)],
        ),
        (
            "E0825",
            vec![edges.shallow_clone(), of(&[3, 4], Kind::Float)],
        ),
        ("E0825", vec![edges.shallow_clone(), of(&[4], Kind::Float)]),
        (
            "E0826",
            vec![edges.shallow_clone(), of(&[2, 4], Kind::Double)],
        ),
        (
            "E0826",
            vec![of(&[2, 5], Kind::Int64), of(&[2, 4], Kind::Int64)],
        ),
    ];
    for (code, inputs) in refusals {
        let given: Vec<&Tensor> = inputs.iter().collect();
        assert_eq!(tensors.forward(&given).unwrap_err().code(), code);
    }
    let digits = of(&[2, 4], Kind::Float);
    for (code, wrong) in [
        ("E0510", &edges - 0.5),
        ("E0521", &edges / 0.0),
        ("E0510", &edges + 1.5),
    ] {
        assert_eq!(tensors.check(&[&wrong, &digits]).unwrap_err().code(), code);
    }
    assert_eq!(
        tensors
            .check(&[&edges, &(&digits + 0.5)])
            .unwrap_err()
            .code(),
        "E0511"
    );
    tensors.check(&[&edges, &digits]).unwrap();
}
