//! Long evaluations that Ctrl-C stops.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::threads;

/// How long a Ctrl-C may go unnoticed.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long work may take unseen, and how often it tells.
const SILENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(100);

/// Room for deeply nested programs; pages that are not used cost nothing.
const STACK: usize = 64 << 20;

/// Runs `work` on another thread, with the GIL released, while this one looks out for signals.
///
/// Python runs its signal handlers on its main thread only, so that thread must not be the one that works.
/// When a handler raises (`KeyboardInterrupt`), `cancel` is set, `work` comes to its end, and the exception
/// is raised.
pub fn interruptible<T: Send>(
    py: Python<'_>,
    cancel: &AtomicBool,
    work: impl FnOnce() -> T + Send,
) -> PyResult<T> {
    cancel.store(false, Ordering::Relaxed);
    py.detach(|| {
        thread::scope(|scope| {
            let (sender, receiver) = channel();
            let worker =
                thread::Builder::new()
                    .stack_size(STACK)
                    .spawn_scoped(scope, move || {
                        let result = threads::within(work);
                        // The receiver waits until there is something; it cannot be gone.
                        let _ = sender.send(());
                        result
                    })?;
            let mut signal = None;
            let start = Instant::now();
            let mut next = SILENCE;
            while let Err(RecvTimeoutError::Timeout) = receiver.recv_timeout(PATIENCE) {
                if start.elapsed() >= next {
                    next = start.elapsed() + TICK;
                    tell(Some(start.elapsed()));
                }
                if signal.is_none()
                    && let Err(raised) = Python::attach(|py| py.check_signals())
                {
                    cancel.store(true, Ordering::Relaxed);
                    signal = Some(raised);
                }
            }
            let result = worker.join();
            if next > SILENCE {
                tell(None);
            }
            match (signal, result) {
                (Some(raised), _) => Err(raised),
                (None, Ok(result)) => Ok(result),
                (None, Err(_)) => Err(PyRuntimeError::new_err(
                    "nsdl: a thread panicked; this is a bug, please report it",
                )),
            }
        })
    })
}

/// Shows in `nsdl.progress` how long work takes, or that it is done. It is no reason to fail.
fn tell(elapsed: Option<Duration>) {
    Python::attach(|py| {
        let told = py
            .import("nsdl.progress")
            .and_then(|progress| match elapsed {
                Some(elapsed) => progress.call_method1("tell", (elapsed.as_secs_f64(),)),
                None => progress.call_method0("done"),
            });
        drop(told);
    });
}
