//! Programs from files and from standard input.

use std::io::Read;
use std::path::Path;

use nsdl::{Diagnostic, Error, Session};

/// Adds the program in a file, or on standard input for `-`; returns its warnings.
pub(crate) fn load(session: &mut Session, file: &Path) -> Result<Vec<Diagnostic>, Error> {
    if file != Path::new("-") {
        return session.add_file(file);
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| {
            Error::from(Diagnostic::error(
                "E0701",
                format!("cannot read standard input: {error}"),
            ))
        })?;
    session.add_program("<stdin>", &text)
}
