//! Files of rows: CSV, JSON lines, Parquet and Arrow, read into facts and written from answers.
//!
//! Formats are told by the name of the file, or by [`FileOptions::format`]; `.gz` after it means gzip (CSV and
//! JSON lines). Files are read in a stream, row by row: memory holds the facts, never the text.
//!
//! Which column of a file goes where:
//!
//! - By name, if the file names its columns (Parquet, Arrow, JSON objects, CSV with a header) and each column of
//!   the relation has a name (`type edge(from: i32, to: i32)`) that occurs there. Other columns are not read.
//! - Else by position. One more column than the relation has is the probability, and comes first.
//! - With [`FileOptions::keys`], each row of a wide table becomes facts `(keys…, field, value)`.
//!
//! ```
//! use nsdl::{Session, Value, files::FileOptions};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("edges.csv");
//! # let out = folder.path().join("path.jsonl");
//! std::fs::write(&path, "to;from\n1;0\n2;1\n")?;
//!
//! let mut session = Session::new();
//! session.add_program("path.dl", "type edge(from: i32, to: i32)
//!                                 rel path(a, c) = edge(a, c) or (path(a, b) and edge(b, c))")?;
//! let options = FileOptions { delimiter: Some(b';'), header: true, ..FileOptions::default() };
//! session.add_facts_file("edge", &path, &options)?;
//! session.run()?;
//! session.write("path", &out, &FileOptions::default())?;
//! assert_eq!(std::fs::read_to_string(&out)?, "[0,1]\n[0,2]\n[1,2]\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "columnar")]
mod arrow;
#[cfg(feature = "columnar")]
mod columnar;
mod csv;
mod json;
mod layout;
mod load;
mod open;
#[cfg(feature = "columnar")]
mod parquet;
mod quotes;
mod write;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use nsdl_ir::{Diagnostic, Symbols, Type};

pub use nsdl_ir::{FileFormat, FileOptions, ProbabilityColumn};

use crate::batch::Batch;
use crate::numbers::Numbers;
use load::Loader;
use open::Kind;

pub use open::format_of;
pub(crate) use write::{csv_text, encode, plain, write};

/// The relation that a file is read into.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) relation: &'a str,
    pub(crate) types: &'a [Type],
    /// Names of the columns; empty if none has one.
    pub(crate) fields: &'a [Option<String>],
}

/// E0707 if the relation has not the columns that keys need; of attributes, the compiler checks it.
pub(crate) fn check_keys(target: Target<'_>, options: &FileOptions) -> Result<(), Diagnostic> {
    let keys = options.keys.len();
    let error = |message: String| Err(Diagnostic::error("E0707", message));
    if keys == 0 {
        return match options.fields.is_empty() {
            true => Ok(()),
            false => error("`fields` without `keys`".to_owned()),
        };
    }
    let name = target.relation;
    match target.types.get(keys) {
        _ if target.types.len() != keys + 2 => error(format!(
            "`{name}` has {} columns, but with `keys` there are {}: the keys, field and value",
            target.types.len(),
            keys + 2
        )),
        Some(Type::String | Type::Symbol) | None => Ok(()),
        Some(ty) => error(format!(
            "column {} of `{name}` is for names of fields: `String` or `Symbol`, not {ty}",
            keys + 1
        )),
    }
}

/// Reads the facts in a file, and warnings about it.
///
/// # Errors
/// `E0701` to `E0710`, `E0510` for what is no probability (`E0540` for other numbers), each with file, line and column; `E0613` if stopped.
pub(crate) fn read(
    path: &Path,
    target: Target<'_>,
    options: &FileOptions,
    symbols: &Symbols,
    numbers: Numbers,
    cancel: Option<&AtomicBool>,
) -> Result<(Batch, Vec<Diagnostic>), Diagnostic> {
    let kind = Kind::of(path, options)?;
    let mut loader = Loader::new(path, target, options, symbols, numbers, cancel);
    match kind.format {
        FileFormat::Csv => csv::read(open::reader(path, &kind)?, &kind, &mut loader)?,
        FileFormat::JsonLines => json::read(open::reader(path, &kind)?, &mut loader)?,
        #[cfg(feature = "columnar")]
        FileFormat::Parquet => parquet::read(open::file(path)?, &mut loader)?,
        #[cfg(feature = "columnar")]
        FileFormat::Arrow => arrow::read(open::file(path)?, &mut loader)?,
        #[cfg(not(feature = "columnar"))]
        format => return Err(open::not_built_in(path, format)),
    }
    Ok(loader.finish())
}
