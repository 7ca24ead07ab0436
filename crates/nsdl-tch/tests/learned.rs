//! Probabilities to learn as variables of a `VarStore`: values, gradients, an optimiser.
#![allow(clippy::unwrap_used)] // A test fails by a panic.

use nsdl::{Input, Module, Output, Provenance, Tape, Value};
use nsdl_tch::{Learned, TensorModule};
use tch::nn::{Adam, OptimizerConfig, VarStore};
use tch::{Device, Kind, Tensor};

const PROGRAM: &str = r#"rel ?0.3::ill(p) = exposed(p)
rel ?0.1::ill(p) = person(p)
rel person = {0, 1}
rel color = {?0.5::"red"; ?0.2::"blue"; 0.1::"green"}
rel {?0.4::up(p); ?0.6::down(p)} = person(p)
"#;

fn module() -> Module {
    let input = Input {
        relation: "exposed".into(),
        mapping: vec![vec![Value::I64(0)], vec![Value::I64(1)]],
        exclusive: false,
    };
    let output = |relation: &str| Output {
        relation: relation.into(),
        mapping: None,
    };
    let outputs = ["ill", "color", "up", "ill | up(0), ill(1)"].map(output);
    Module::from_text(
        "ill.dl",
        PROGRAM,
        vec![input],
        outputs.into(),
        Provenance::Exact,
    )
    .unwrap()
}

#[test]
fn variables_begin_where_the_program_says_and_have_the_gradients_of_the_kernels() {
    let module = module();
    let store = VarStore::new(Device::Cpu);
    let learned = Learned::new(&store.root(), &module);
    let mut names: Vec<String> = store.variables().into_keys().collect();
    names.sort();
    assert_eq!(names, ["fact.color", "rule.ill", "rule.ill_2", "rule.up"]);
    let values = learned.probabilities().to_kind(Kind::Double);
    let expected = [0.3, 0.1, 0.5, 0.2, 0.4, 0.6];
    let difference = (&values - Tensor::from_slice(&expected)).abs().max();
    assert!(difference.double_value(&[]) < 1e-6);

    let values = Tensor::from_slice(&expected).set_requires_grad(true);
    let exposed = Tensor::from_slice(&[0.9, 0.2, 0.5, 0.7]).view([2, 2]);
    let found = TensorModule::new(&module)
        .unwrap()
        .forward(&[&exposed, &values])
        .unwrap();
    let first = TensorModule::new(&module)
        .unwrap()
        .forward(&[&exposed])
        .unwrap();
    let total: Tensor = found
        .iter()
        .map(|output| output.square().sum(Kind::Double))
        .sum();
    total.backward();

    let mut tape = Tape::default();
    let widths: Vec<usize> = (0..module.outputs())
        .map(|o| module.tuples(o).len())
        .collect();
    let mut outputs: Vec<Vec<f64>> = widths.iter().map(|width| vec![0.0; width * 2]).collect();
    let mut slices: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    let rows = [0.9, 0.2, 0.5, 0.7];
    module
        .forward(&[&rows, &expected], 2, true, &mut tape, &mut slices)
        .unwrap();
    let asked: Vec<Vec<f64>> = outputs
        .iter()
        .map(|output| output.iter().map(|value| 2.0 * value).collect())
        .collect();
    let asked: Vec<&[f64]> = asked.iter().map(Vec::as_slice).collect();
    let (mut inputs, mut gradients) = ([0.0; 4], [0.0; 6]);
    module
        .backward(&mut tape, &asked, &mut [&mut inputs, &mut gradients])
        .unwrap();
    let difference = (values.grad() - Tensor::from_slice(&gradients)).abs().max();
    assert!(difference.double_value(&[]) < 1e-12);
    for ((found, first), kernel) in found.iter().zip(&first).zip(&outputs) {
        let kernel = Tensor::from_slice(kernel).view_as(found);
        assert!((found - &kernel).abs().max().double_value(&[]) < 1e-12);
        assert!((first - kernel).abs().max().double_value(&[]) < 1e-12);
    }
}

#[test]
fn an_optimiser_learns_what_was_seen() {
    let module = module();
    let tensors = TensorModule::new(&module).unwrap();
    let store = VarStore::new(Device::Cpu);
    let learned = Learned::new(&store.root(), &module);
    let mut optimizer = Adam::default().build(&store, 0.05).unwrap();
    // Who is exposed falls ill with 1 − 0.2 · 0.95, others with 0.05.
    let exposed = Tensor::eye(2, (Kind::Float, Device::Cpu));
    let wanted = &exposed * (0.81 - 0.05) + 0.05;
    for _ in 0..800 {
        let found = tensors
            .forward(&[&exposed, &learned.probabilities()])
            .unwrap();
        let loss = (found.first().unwrap() - &wanted).square().sum(Kind::Float);
        optimizer.backward_step(&loss);
    }
    let values: Vec<f64> = learned
        .probabilities()
        .to_kind(Kind::Double)
        .try_into()
        .unwrap();
    assert!(
        (values[0] - 0.8).abs() < 0.01 && (values[1] - 0.05).abs() < 0.01,
        "{values:?}"
    );
}
