//! Programs from files and from standard input.

use std::io::Read;
use std::path::Path;

use nsdl::files::{FileFormat, FileOptions, format_of};
use nsdl::{Diagnostic, Error, Session};

use crate::cli::FactsFile;

/// Adds the program in a file, or on standard input for `-`; returns its warnings.
pub(crate) fn load(session: &mut Session, file: &Path) -> Result<Vec<Diagnostic>, Error> {
    if file != Path::new("-") {
        return session.add_file(file);
    }
    session.add_program("<stdin>", &standard_input()?)
}

/// The name and the text of a file, or of standard input for `-`.
pub(crate) fn read(file: &Path) -> Result<(String, String), Error> {
    if file == Path::new("-") {
        return Ok(("<stdin>".into(), standard_input()?));
    }
    let name = file.display().to_string();
    let text =
        std::fs::read_to_string(file).map_err(|error| unreadable(&format!("`{name}`"), &error))?;
    Ok((name, text))
}

fn standard_input() -> Result<String, Error> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| unreadable("standard input", &error))?;
    Ok(text)
}

fn unreadable(what: &str, error: &std::io::Error) -> Error {
    Error::from(Diagnostic::error(
        "E0701",
        format!("cannot read {what}: {error}"),
    ))
}

/// Adds the facts in files; returns warnings about them. Names that tell no format mean CSV.
pub(crate) fn load_facts(
    session: &mut Session,
    files: &[FactsFile],
    header: bool,
) -> Result<Vec<Diagnostic>, Error> {
    let mut warnings = Vec::new();
    for facts in files {
        let options = FileOptions {
            format: format_of(&facts.file).or(Some(FileFormat::Csv)),
            header,
            ..FileOptions::default()
        };
        let relation = facts.relation.trim();
        warnings.extend(session.add_facts_file(relation, &facts.file, &options)?);
    }
    Ok(warnings)
}
