//! What compiling a module and compiling shapes have in common.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nsdl::{Provenance, Session};
use pyo3::prelude::*;

use crate::error::raise;
use crate::foreign::register;
use crate::interrupt::interruptible;

/// Calls `make` with a session of its own that knows what is `foreign`, and returns what it made with the flag that
/// ends its evaluations; Ctrl-C sets it.
pub fn compiling<T: Send>(
    py: Python<'_>,
    foreign: &[Bound<'_, PyAny>],
    provenance: &str,
    k: usize,
    make: impl FnOnce(Session, Provenance) -> Result<T, nsdl::Error> + Send,
) -> PyResult<(T, Arc<AtomicBool>)> {
    let cancel = Arc::new(AtomicBool::new(false));
    let mut registry = nsdl::Registry::new();
    for item in foreign {
        register(&mut registry, item, &cancel)?;
    }
    let made = interruptible(py, &cancel, || {
        let provenance = Provenance::parse(provenance, Some(k))?;
        let mut session = Session::new();
        session.set_registry(registry)?;
        session.set_cancel(cancel.clone());
        make(session, provenance)
    })?;
    Ok((made.map_err(|error| raise(py, &error))?, cancel))
}
