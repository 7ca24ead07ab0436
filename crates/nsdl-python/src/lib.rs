//! The Python extension module `nsdl._nsdl`: converts values, releases the GIL, maps errors.
//!
//! It has no logic of its own and links no libtorch: tensors are read through their `data_ptr()` ([`tensor`]).
//! What users see is in `python/nsdl`.

mod arrangement;
mod circuit;
mod compiling;
mod error;
mod files;
mod foreign;
mod interrupt;
mod module;
mod provenance;
mod ragged_tape;
mod session;
mod shapes;
mod tape;
#[cfg(feature = "tch")]
mod tch;
mod tensor;
mod threads;
mod value;

use pyo3::prelude::*;

/// The compiled part of nsdl; use what `nsdl` exports.
#[pymodule]
mod _nsdl {
    #[pymodule_export]
    use super::arrangement::{Arrangement, Shape, Tuples};
    #[pymodule_export]
    use super::circuit::{Counted, LogicCircuit, load_circuit, vtree_variables};
    #[pymodule_export]
    use super::error::{explain, format};
    #[pymodule_export]
    use super::module::{CompiledModule, compile, rebuild};
    #[pymodule_export]
    use super::ragged_tape::RaggedTape;
    #[pymodule_export]
    use super::session::Session;
    #[pymodule_export]
    use super::shapes::{CompiledShapes, compile_shapes, rebuild_shapes};
    #[pymodule_export]
    use super::tape::Tape;
    #[cfg(feature = "tch")]
    #[pymodule_export]
    use super::tch::TchModule;
    #[pymodule_export]
    use super::threads::forked;
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
