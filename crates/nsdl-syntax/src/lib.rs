//! Text of nsdl programs to syntax tree and back, and diagnostics on the way.

pub mod ast;
mod convert;
pub mod format;
mod lexer;
mod literal;
mod parse;
mod raw;
pub mod render;
mod sources;
mod syntax_error;
mod token;
mod value;

pub use parse::{is_incomplete, parse};
pub use sources::Sources;
pub use value::{literal_value, parse_field, parse_value};
