//! Text of nsdl programs to syntax tree and back, and diagnostics on the way.

pub mod ast;
