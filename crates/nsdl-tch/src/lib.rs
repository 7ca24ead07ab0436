//! nsdl modules as tensors of `tch` under autograd: training loops in Rust, on the CPU or a GPU.
//!
//! A [`TensorModule`] evaluates the circuit of an [`nsdl::Module`] layer by layer with libtorch's operations, so
//! gradients of any order come from autograd. `examples/digit_sum.rs` trains a network through one.
//!
//! ```no_run
//! use nsdl::{Input, Module, Output, Provenance, Value};
//! use nsdl_tch::TensorModule;
//! use tch::{Kind, Tensor};
//!
//! let digits: Vec<Vec<Value>> = (0..10).map(|d| vec![Value::I64(d)]).collect();
//! let input = |relation: &str| Input { relation: relation.into(), mapping: digits.clone(), exclusive: true };
//! let module = Module::from_text(
//!     "sum_2",
//!     "rel sum_2(a + b) = digit_1(a), digit_2(b)",
//!     vec![input("digit_1"), input("digit_2")],
//!     vec![Output { relation: "sum_2".into(), mapping: None }],
//!     Provenance::Exact,
//! )?;
//! let sum_2 = TensorModule::new(&module)?;
//! let p = Tensor::rand([64, 10], (Kind::Float, tch::Device::Cpu)).softmax(1, Kind::Float);
//! let sums = sum_2.forward(&[&p, &p])?; // one tensor of shape [64, 19]
//! # Ok::<(), nsdl::Error>(())
//! ```
//!
//! libtorch is found as the crate `tch` finds it; with the virtual environment of `cargo xtask demo`:
//! `LIBTORCH_USE_PYTORCH=1 PATH=$PWD/.venv/bin:$PATH`.

mod learned;
mod module;
mod reduce;

pub use learned::Learned;
pub use module::TensorModule;
