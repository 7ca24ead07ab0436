//! Text of nsdl programs to syntax tree and back, and diagnostics on the way.
//!
//! ```
//! use nsdl_syntax::{Sources, format, parse, render};
//!
//! let mut sources = Sources::new();
//! let id = sources.add("graph.dl", "rel path(a,c) :- edge(a,b) and path(b,c)");
//! let (ast, diagnostics) = parse(sources.text(id), id);
//! assert_eq!(diagnostics, []);
//! assert_eq!(format::ast(&ast), "rel path(a, c) = edge(a, b), path(b, c)\n");
//!
//! let id = sources.add("bad.dl", "rel path(a, c = edge(a, c)\nrel 1\nrel good(2)");
//! let (ast, diagnostics) = parse(sources.text(id), id);
//! assert_eq!((ast.items.len(), diagnostics.len()), (1, 2));
//! assert!(render::render(&diagnostics, &sources, false).contains("bad.dl:2:5"));
//! ```
//!
//! The way of a text: `lexer` (tokens, by logos) → `parse` (splits at items) → `grammar/nsdl.lalrpop`
//! (a tree of formulas and values alike, `raw`) → `convert` (the [`ast`]). Nothing here panics, whatever
//! the text, and nothing here knows what names mean.

pub mod ast;
mod convert;
pub mod format;
mod lexer;
mod literal;
mod parameters;
mod parse;
mod raw;
pub mod render;
pub mod rewrite;
mod sources;
mod syntax_error;
mod token;
mod value;

pub use parse::{is_incomplete, parse};
pub use sources::Sources;
pub use value::{literal_value, parse_field, parse_value};
