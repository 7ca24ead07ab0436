//! Tapes of batches by shape, used again and again.

use std::sync::{Arc, Mutex, PoisonError};

use nsdl::{BatchTape, Real};
use pyo3::prelude::*;

use crate::tensor::Element;

/// A tape of either type of numbers.
pub enum Memory {
    F32(BatchTape<f32>),
    F64(BatchTape<f64>),
}

/// The numbers of tensors, with their tapes.
pub trait Batched: Element + Real {
    fn wrap(tape: BatchTape<Self>) -> Memory;
    fn unwrap(memory: &mut Memory) -> Option<&mut BatchTape<Self>>;
}

impl Batched for f32 {
    fn wrap(tape: BatchTape<f32>) -> Memory {
        Memory::F32(tape)
    }

    fn unwrap(memory: &mut Memory) -> Option<&mut BatchTape<f32>> {
        match memory {
            Memory::F32(tape) => Some(tape),
            Memory::F64(_) => None,
        }
    }
}

impl Batched for f64 {
    fn wrap(tape: BatchTape<f64>) -> Memory {
        Memory::F64(tape)
    }

    fn unwrap(memory: &mut Memory) -> Option<&mut BatchTape<f64>> {
        match memory {
            Memory::F64(tape) => Some(tape),
            Memory::F32(_) => None,
        }
    }
}

/// Tapes to be used again.
pub type Tapes = Mutex<Vec<Memory>>;

/// More than a training loop needs at once.
const TAPES: usize = 4;

/// What a forward pass leaves to the backward pass.
#[pyclass(frozen, module = "nsdl._nsdl")]
pub struct RaggedTape {
    memory: Mutex<Option<Memory>>,
    impossible: usize,
    home: Arc<Tapes>,
}

#[pymethods]
impl RaggedTape {
    /// In how many samples the evidence of some output was impossible.
    #[getter]
    fn impossible(&self) -> usize {
        self.impossible
    }
}

impl RaggedTape {
    /// The tape of a forward pass.
    pub fn new<T: Batched>(tape: BatchTape<T>, home: &Arc<Tapes>) -> Self {
        Self {
            impossible: tape.impossible(),
            memory: Mutex::new(Some(T::wrap(tape))),
            home: home.clone(),
        }
    }

    /// Does something with the tape; `None` if its numbers are of another type.
    pub fn with<T: Batched, R>(&self, work: impl FnOnce(&mut BatchTape<T>) -> R) -> Option<R> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.as_mut().and_then(T::unwrap).map(work)
    }
}

/// A tape that was used before, or a new one.
pub fn take<T: Batched>(tapes: &Tapes) -> BatchTape<T> {
    let mut tapes = tapes.lock().unwrap_or_else(PoisonError::into_inner);
    let place = tapes
        .iter_mut()
        .position(|memory| T::unwrap(memory).is_some());
    let mut memory = place.map(|place| tapes.swap_remove(place));
    let tape = memory.as_mut().and_then(T::unwrap);
    tape.map(std::mem::take).unwrap_or_default()
}

impl Drop for RaggedTape {
    fn drop(&mut self) {
        let memory = self
            .memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let mut home = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        if home.len() < TAPES {
            home.extend(memory);
        }
    }
}
