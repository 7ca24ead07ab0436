//! A network learns to read handwritten digits from nothing but their sums, in Rust alone.
//!
//! Run it from the root of the repository, in the virtual environment that `cargo xtask demo` makes:
//!
//! ```sh
//! source .venv/bin/activate
//! export LIBTORCH_USE_PYTORCH=1 LD_LIBRARY_PATH=$(python -c 'import torch; print(torch.__path__[0])')/lib
//! cargo run -p nsdl-tch --example digit_sum
//! ```

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use nsdl::{Input, Module, Output, Provenance, Value};
use nsdl_tch::TensorModule;
use tch::nn::{self, ModuleT, OptimizerConfig};
use tch::{Device, IndexOp, Kind, Tensor};

const PROGRAM: &str = "examples/digit_sum/sum_2.dl";
const DATA: &str = ".demo/digits.csv";
const EPOCHS: usize = 30;
const BATCH: i64 = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let seed = 0;
    tch::manual_seed(seed);
    let (images, digits) = load()?;
    let order = Tensor::randperm(images.size()[0], (Kind::Int64, Device::Cpu));
    // Pairs [n, 2] of image numbers; each image is in one pair only. 20 % are held out.
    let pairs = order.narrow(0, 0, order.size()[0] / 2 * 2).view([-1, 2]);
    let test = pairs.narrow(0, 0, 180);
    let train = pairs.narrow(0, 180, pairs.size()[0] - 180);
    println!(
        "{} training pairs, {} test pairs, seed {seed}; labels: sums only",
        train.size()[0],
        test.size()[0]
    );

    let sum_2 = TensorModule::new(&program()?)?;
    let variables = nn::VarStore::new(Device::Cpu);
    let reader = reader(&variables.root());
    let mut optimizer = nn::Adam::default().build(&variables, 2e-3)?;

    let start = Instant::now();
    for epoch in 1..=EPOCHS {
        let order = Tensor::randperm(train.size()[0], (Kind::Int64, Device::Cpu));
        let mut losses = Vec::new();
        for chosen in order.split(BATCH, 0) {
            let pairs = train.index_select(0, &chosen);
            let (first, second) = read(&reader, &images, &pairs, true);
            let sums = sum_2.forward(&[&first, &second])?.remove(0);
            let targets = digits
                .index_select(0, &pairs.flatten(0, 1))
                .view([-1, 2])
                .sum_dim_intlist(1, false, Kind::Int64);
            let loss = sums.clamp_min(1e-9).log().nll_loss(&targets);
            losses.push(loss.double_value(&[]));
            optimizer.backward_step(&loss);
        }
        if epoch % 5 == 0 || epoch == 1 {
            let (digit, sum) = accuracy(&reader, &sum_2, &images, &digits, &test)?;
            let loss = losses.iter().sum::<f64>() / losses.len() as f64;
            println!("epoch {epoch:>2}/{EPOCHS}  loss {loss:.3}  digits {digit:.3}  sums {sum:.3}");
        }
    }
    println!("training took {:.1} s", start.elapsed().as_secs_f64());
    let (digit, sum) = accuracy(&reader, &sum_2, &images, &digits, &test)?;
    println!("digit accuracy {digit:.3}\nsum accuracy {sum:.3}");
    Ok(())
}

/// The program as a module from two distributions over digits to one over sums.
fn program() -> Result<Module, nsdl::Error> {
    let values = |range: std::ops::Range<i64>| {
        range
            .map(|value| vec![Value::I64(value)])
            .collect::<Vec<_>>()
    };
    let digit = |relation: &str| Input {
        relation: relation.to_owned(),
        mapping: values(0..10),
        exclusive: true,
    };
    Module::from_file(
        PROGRAM,
        vec![digit("digit_1"), digit("digit_2")],
        vec![Output {
            relation: "sum_2".to_owned(),
            mapping: Some(values(0..19)),
        }],
        Provenance::Exact,
    )
}

/// From images [n, 1, 8, 8] to distributions over the ten digits [n, 10].
fn reader(root: &nn::Path) -> nn::SequentialT {
    let same = nn::ConvConfig {
        padding: 1,
        ..Default::default()
    };
    nn::seq_t()
        .add(nn::conv2d(root / "conv1", 1, 16, 3, same))
        .add_fn(|x| x.relu())
        .add(nn::conv2d(root / "conv2", 16, 32, 3, same))
        .add_fn(|x| x.relu().max_pool2d_default(2).flatten(1, -1))
        .add_fn_t(|x, train| x.dropout(0.5, train))
        .add(nn::linear(root / "hidden", 512, 64, Default::default()))
        .add_fn(|x| x.relu())
        .add(nn::linear(root / "digits", 64, 10, Default::default()))
        .add_fn(|x| x.softmax(1, Kind::Float))
}

/// The distributions over the first and the second digit of each pair.
fn read(
    reader: &nn::SequentialT,
    images: &Tensor,
    pairs: &Tensor,
    train: bool,
) -> (Tensor, Tensor) {
    let read = reader
        .forward_t(&images.index_select(0, &pairs.flatten(0, 1)), train)
        .view([-1, 2, 10]);
    (read.i((.., 0)), read.i((.., 1)))
}

/// The shares of digits and of sums that are read rightly.
fn accuracy(
    reader: &nn::SequentialT,
    sum_2: &TensorModule,
    images: &Tensor,
    digits: &Tensor,
    pairs: &Tensor,
) -> Result<(f64, f64), nsdl::Error> {
    let _no_grad = tch::no_grad_guard();
    let (first, second) = read(reader, images, pairs, false);
    let sums = sum_2
        .forward(&[&first, &second])?
        .remove(0)
        .argmax(1, false);
    let read = Tensor::stack(&[first.argmax(1, false), second.argmax(1, false)], 1);
    let digits = digits.index_select(0, &pairs.flatten(0, 1)).view([-1, 2]);
    let share = |right: Tensor| {
        right
            .to_kind(Kind::Double)
            .mean(Kind::Double)
            .double_value(&[])
    };
    let wanted = digits.sum_dim_intlist(1, false, Kind::Int64);
    Ok((
        share(read.eq_tensor(&digits)),
        share(sums.eq_tensor(&wanted)),
    ))
}

/// The images [1797, 1, 8, 8] and digits [1797] of scikit-learn; Python writes them to a file once.
fn load() -> Result<(Tensor, Tensor), Box<dyn Error>> {
    if !Path::new(DATA).exists() {
        std::fs::create_dir_all(".demo")?;
        let script = format!(
            "from sklearn.datasets import load_digits; import numpy; d = load_digits(); \
             numpy.savetxt('{DATA}', numpy.c_[d.data, d.target], fmt='%d', delimiter=',')"
        );
        if !Command::new("python")
            .args(["-c", &script])
            .status()?
            .success()
        {
            return Err(
                "python with scikit-learn is needed once, to write the images to a file".into(),
            );
        }
    }
    let text = std::fs::read_to_string(DATA)?;
    let cells = text
        .lines()
        .flat_map(|line| line.split(',').map(str::parse::<f32>));
    let rows = Tensor::from_slice(&cells.collect::<Result<Vec<_>, _>>()?).view([-1, 65]);
    let images = rows.narrow(1, 0, 64).view([-1, 1, 8, 8]) / 16.0;
    Ok((images, rows.select(1, 64).to_kind(Kind::Int64)))
}
