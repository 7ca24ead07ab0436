//! Where answers go, and in which form.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nsdl::files::{FileFormat, FileOptions, format_of};
use nsdl::{Outcome, Session, print};

use crate::cli::{Format, Run};
use crate::terminal;

/// Where answers go, and in which form.
pub(crate) struct Output {
    format: Format,
    place: Place,
    options: FileOptions,
}

enum Place {
    Terminal,
    File(PathBuf),
    /// One file per relation.
    Folder(PathBuf),
}

impl Output {
    /// What the command line asks for.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(crate) fn chosen(args: &Run) -> Result<Self, String> {
        let Some(path) = &args.output else {
            let format = args.format.unwrap_or(Format::Text);
            if matches!(format, Format::Parquet | Format::Arrow) {
                return Err("parquet and arrow are no text; choose a file by --output".to_owned());
            }
            return Ok(Self::new(args, format, Place::Terminal));
        };
        let is_folder = path.is_dir() || path.to_string_lossy().ends_with(['/', '\\']);
        let Some(format) = args.format.or_else(|| of_name(path)) else {
            let known = "text, json, csv, jsonl, parquet or arrow";
            return Err(format!(
                "the name of the output does not tell its format; choose one by --format: {known}"
            ));
        };
        let place = match (is_folder, of_file(format)) {
            (true, Some(_)) => Place::Folder(path.clone()),
            (true, None) => {
                return Err("text and json are one file for all relations, not a folder".to_owned());
            }
            (false, _) => Place::File(path.clone()),
        };
        Ok(Self::new(args, format, place))
    }

    fn new(args: &Run, format: Format, place: Place) -> Self {
        let options = FileOptions {
            format: of_file(format),
            header: args.header,
            ..FileOptions::default()
        };
        Self {
            format,
            place,
            options,
        }
    }

    /// Whether the relations to print fit what is asked for: known before they are computed.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(crate) fn check(&self, session: &Session) -> Result<(), String> {
        let elsewhere = session.queries_to_files();
        let mut names = session.outputs();
        names.retain(|name| !elsewhere.contains(name));
        let one = of_file(self.format).is_some() && !matches!(self.place, Place::Folder(_));
        if !one || names.len() == 1 || (names.is_empty() && !elsewhere.is_empty()) {
            return Ok(());
        }
        let listed = match names.is_empty() {
            true => String::new(),
            false => format!(" ({})", names.join(", ")),
        };
        Err(format!(
            "this format holds one relation, but there are {} to print{listed}; choose one with -q RELATION, or a \
             folder as --output",
            names.len(),
        ))
    }

    /// Prints or writes the answers that have no file of their own.
    pub(crate) fn write(
        &self,
        session: &Session,
        outcome: &Outcome,
        failed: impl Fn(nsdl::Error) -> ExitCode,
    ) -> Result<(), ExitCode> {
        let mut relations = outcome.relations.clone();
        relations.retain(|relation| !outcome.written.contains(&relation.name));
        let mut text = match self.format {
            Format::Text => relations
                .iter()
                .map(|relation| print::text(relation) + "\n")
                .collect(),
            Format::Json => print::json(&relations) + "\n",
            _ => String::new(),
        };
        let cannot_write = |path: &Path, error: std::io::Error| {
            terminal::message(&format!("cannot write `{}`: {error}", path.display()));
            ExitCode::FAILURE
        };
        match &self.place {
            Place::Terminal => {
                if of_file(self.format).is_some() {
                    for relation in &relations {
                        let bytes = session.encode(&relation.name, &self.options);
                        text.push_str(&String::from_utf8_lossy(&bytes.map_err(&failed)?));
                    }
                }
                terminal::data(&text)
            }
            Place::File(path) if of_file(self.format).is_none() => {
                std::fs::write(path, text).map_err(|error| cannot_write(path, error))
            }
            Place::File(path) => relations.iter().try_for_each(|relation| {
                session
                    .write(&relation.name, path, &self.options)
                    .map_err(&failed)
            }),
            Place::Folder(folder) => {
                std::fs::create_dir_all(folder).map_err(|error| cannot_write(folder, error))?;
                relations.iter().try_for_each(|relation| {
                    let extension = self.options.format.map_or("", FileFormat::name);
                    let file = folder.join(format!("{}.{extension}", file_name(&relation.name)));
                    session
                        .write(&relation.name, file, &self.options)
                        .map_err(&failed)
                })
            }
        }
    }
}

/// The format of files of rows; text and json are not among them.
fn of_file(format: Format) -> Option<FileFormat> {
    match format {
        Format::Text | Format::Json => None,
        Format::Csv => Some(FileFormat::Csv),
        Format::Jsonl => Some(FileFormat::JsonLines),
        Format::Parquet => Some(FileFormat::Parquet),
        Format::Arrow => Some(FileFormat::Arrow),
    }
}

fn of_name(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "txt" => return Some(Format::Text),
        "json" => return Some(Format::Json),
        _ => {}
    }
    Some(match format_of(path)? {
        FileFormat::Csv => Format::Csv,
        FileFormat::JsonLines => Format::Jsonl,
        FileFormat::Parquet => Format::Parquet,
        FileFormat::Arrow => Format::Arrow,
    })
}

/// A name for the file of a relation: `path(0, _)` is `path(0,_)`, what file systems dislike is `-`.
fn file_name(relation: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-.,()".contains(c);
    let name = relation.replace(", ", ",");
    name.chars()
        .map(|c| if plain(c) { c } else { '-' })
        .collect()
}
