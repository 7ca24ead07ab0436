//! Threads in processes that were forked.
//!
//! A fork copies the thread that called it and no other: work that a child gives to the threads of its parent's pool
//! would wait for ever. A worker of torch's `DataLoader` is such a child. It works on one thread of its own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// How many forks lie between this process and the one that loaded the extension.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The pool of this process, if it was forked, and for which fork it was made.
static POOL: Mutex<Option<(u32, ThreadPool)>> = Mutex::new(None);

/// What Python calls in each child after a fork.
#[pyfunction]
#[pyo3(name = "_forked")]
pub fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Runs `work` with the GIL released, such that it finds threads of this process.
pub fn detach<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    py.detach(|| within(work))
}

/// Runs `work` such that it finds threads of this process.
pub fn within<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let forks = FORKS.load(Ordering::Relaxed);
    if forks == 0 {
        return work();
    }
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if pool.as_ref().is_none_or(|(made, _)| *made != forks) {
        // A pool of the parent cannot be dropped: its threads are not here to end.
        std::mem::forget(pool.take());
        let made = ThreadPoolBuilder::new().num_threads(1).build();
        *pool = made.ok().map(|made| (forks, made));
    }
    match pool.as_ref() {
        Some((_, pool)) => pool.install(work),
        None => work(),
    }
}
