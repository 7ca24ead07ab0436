//! How the rows of a file are to be read or written: plain data, as attributes and callers state it.

use std::fmt;

/// The format of a file of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// RFC 4180; `.tsv` is the same with tabs. Also compressed, `.csv.gz`.
    Csv,
    /// One JSON array or object a line. Also compressed, `.jsonl.gz`.
    JsonLines,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC files, of which Feather is another name, and Arrow IPC streams.
    Arrow,
}

impl FileFormat {
    /// Every format.
    pub const ALL: [FileFormat; 4] = [
        FileFormat::Csv,
        FileFormat::JsonLines,
        FileFormat::Parquet,
        FileFormat::Arrow,
    ];

    /// As written in programs and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            FileFormat::Csv => "csv",
            FileFormat::JsonLines => "jsonl",
            FileFormat::Parquet => "parquet",
            FileFormat::Arrow => "arrow",
        }
    }

    /// The format of that name or file extension (without the dot), in any case.
    pub fn from_name(name: &str) -> Option<FileFormat> {
        Some(match name.to_ascii_lowercase().as_str() {
            "csv" | "tsv" => FileFormat::Csv,
            "jsonl" | "ndjson" => FileFormat::JsonLines,
            "parquet" => FileFormat::Parquet,
            "arrow" | "feather" | "ipc" | "arrows" => FileFormat::Arrow,
            _ => return None,
        })
    }
}

impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which column of a file holds the probabilities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProbabilityColumn {
    /// Reading by position: the first, if there is one column more than the relation has; by name: none.
    /// Writing: the first, if the provenance has probabilities.
    #[default]
    Auto,
    /// None.
    None,
    /// The first.
    First,
    /// The one of this name.
    Named(String),
}

/// How to read or write a file of rows; the default tells everything by the name of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileOptions {
    /// Its format; by default what its extension says.
    pub format: Option<FileFormat>,
    /// What stands between the fields of a CSV file: by default a comma, a tab in `.tsv` files.
    pub delimiter: Option<u8>,
    /// Whether the first line of a CSV file names the columns. Written JSON lines are objects with it.
    pub header: bool,
    /// Where the probabilities are.
    pub probability: ProbabilityColumn,
    /// The columns that identify a row of a wide table: with them, each row becomes a fact
    /// `(keys…, name of a column, value in that column)` for each of `fields`.
    pub keys: Vec<String>,
    /// The columns of a wide table to read; by default all that are neither keys nor probabilities.
    pub fields: Vec<String>,
}
