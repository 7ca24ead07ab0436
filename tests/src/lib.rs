//! What the tests of the workspace share: an independent oracle for programs, a generator of random programs,
//! the reader of `corpus/`, and the fuzzer.
//!
//! The [`oracle`] is the judge of what a program means. It shares no code with the engine and follows
//! SEMANTICS.md by the letter: it evaluates one possible world at a time, naively, and enumerates all of them.

pub mod agreement;
pub mod corpus;
pub mod fuzz;
pub mod generate;
pub mod naive;
pub mod oracle;
pub mod random;
pub mod shrink;
