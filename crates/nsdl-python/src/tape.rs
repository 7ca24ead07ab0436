//! Tapes: what a forward pass leaves to the backward pass, used again and again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nsdl::Real;
use pyo3::prelude::*;

use crate::module::Stacks;
use crate::tensor::Element;

/// What a forward pass leaves to the backward pass.
#[pyclass(frozen, module = "nsdl._nsdl")]
pub struct Tape {
    memory: Mutex<Option<Memory>>,
    batch: usize,
    stacks: Stacks,
    impossible: usize,
    /// What its answers are not exact in, as codes and texts.
    approximations: Vec<(&'static str, String)>,
    home: Arc<Tapes>,
}

#[pymethods]
impl Tape {
    /// In how many samples the evidence of some output was impossible.
    #[getter]
    fn impossible(&self) -> usize {
        self.impossible
    }

    /// Whether there is anything to say of the answers.
    #[getter]
    fn is_notable(&self) -> bool {
        self.impossible > 0 || !self.approximations.is_empty()
    }

    /// What its answers are not exact in, as codes and texts.
    #[getter]
    fn approximations(&self) -> Vec<(&'static str, String)> {
        self.approximations.clone()
    }
}

impl Tape {
    /// The tape of a forward pass of a module over `batch` samples.
    pub fn new<T: Number>(
        module: &nsdl::Module,
        tape: nsdl::Tape<T>,
        batch: usize,
        stacks: Stacks,
        home: &Arc<Tapes>,
    ) -> Self {
        let found = module.approximations(&tape).into_iter();
        let text = |warning| module.render(&[warning], false).trim_end().to_owned();
        let approximations = found.map(|warning| (warning.code, text(warning))).collect();
        let impossible = tape.impossible();
        let memory = Mutex::new(Some(T::wrap(tape)));
        Self {
            memory,
            batch,
            stacks,
            impossible,
            approximations,
            home: home.clone(),
        }
    }

    /// Whether its numbers are `f64`.
    pub fn is_double(&self) -> bool {
        matches!(*lock(&self.memory), Some(Memory::F64(_)))
    }

    /// How the tensors of the forward pass held its inputs.
    pub fn stacks(&self) -> &Stacks {
        &self.stacks
    }

    /// How many samples the forward pass had.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Does something with the memory; `None` if its numbers are of another type.
    pub fn with<T: Number, R>(&self, work: impl FnOnce(&mut nsdl::Tape<T>) -> R) -> Option<R> {
        lock(&self.memory).as_mut().and_then(T::unwrap).map(work)
    }
}

/// A tape that nobody needs any more goes home, where the next call finds it.
impl Drop for Tape {
    fn drop(&mut self) {
        match lock(&self.memory).take() {
            Some(Memory::F32(tape)) => f32::give(&self.home, tape),
            Some(Memory::F64(tape)) => f64::give(&self.home, tape),
            None => {}
        }
    }
}

pub enum Memory {
    F32(nsdl::Tape<f32>),
    F64(nsdl::Tape<f64>),
}

/// Tapes to be used again, so that a training loop allocates none.
#[derive(Default)]
pub struct Tapes {
    single: Mutex<Vec<nsdl::Tape<f32>>>,
    double: Mutex<Vec<nsdl::Tape<f64>>>,
}

/// More than a training loop needs at once.
const TAPES: usize = 4;

/// The numbers of tensors and of kernels.
pub trait Number: Element + Real {
    fn pool(tapes: &Tapes) -> &Mutex<Vec<nsdl::Tape<Self>>>;
    fn wrap(tape: nsdl::Tape<Self>) -> Memory;
    fn unwrap(memory: &mut Memory) -> Option<&mut nsdl::Tape<Self>>;

    fn take(tapes: &Tapes) -> nsdl::Tape<Self> {
        lock(Self::pool(tapes)).pop().unwrap_or_default()
    }

    fn give(tapes: &Tapes, tape: nsdl::Tape<Self>) {
        let mut pool = lock(Self::pool(tapes));
        if pool.len() < TAPES {
            pool.push(tape);
        }
    }
}

impl Number for f32 {
    fn pool(tapes: &Tapes) -> &Mutex<Vec<nsdl::Tape<f32>>> {
        &tapes.single
    }

    fn wrap(tape: nsdl::Tape<f32>) -> Memory {
        Memory::F32(tape)
    }

    fn unwrap(memory: &mut Memory) -> Option<&mut nsdl::Tape<f32>> {
        match memory {
            Memory::F32(tape) => Some(tape),
            Memory::F64(_) => None,
        }
    }
}

impl Number for f64 {
    fn pool(tapes: &Tapes) -> &Mutex<Vec<nsdl::Tape<f64>>> {
        &tapes.double
    }

    fn wrap(tape: nsdl::Tape<f64>) -> Memory {
        Memory::F64(tape)
    }

    fn unwrap(memory: &mut Memory) -> Option<&mut nsdl::Tape<f64>> {
        match memory {
            Memory::F64(tape) => Some(tape),
            Memory::F32(_) => None,
        }
    }
}

/// A lock whose data is whole even after a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
