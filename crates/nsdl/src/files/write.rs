//! Answers into files.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use nsdl_ir::{Diagnostic, FileFormat, FileOptions, ProbabilityColumn, Type, Value};

use super::open::{Kind, create};
use crate::print::{format_tag, json_tag, json_value};
use crate::relation::{OutputTag, Relation};

/// What is written: rows with names for their columns, and for the tags if they are written too.
pub(super) struct Table<'a> {
    pub(super) names: Vec<String>,
    #[cfg_attr(not(feature = "columnar"), expect(dead_code))]
    pub(super) types: &'a [Type],
    pub(super) tag: Option<String>,
    pub(super) rows: &'a [(OutputTag, Vec<Value>)],
}

impl<'a> Table<'a> {
    pub(super) fn new(
        relation: &'a Relation,
        fields: &[Option<String>],
        options: &FileOptions,
    ) -> Self {
        let has_tags = relation
            .tuples
            .iter()
            .any(|(tag, _)| !matches!(tag, OutputTag::Unit | OutputTag::Bool(_)));
        let tag = match &options.probability {
            ProbabilityColumn::None => None,
            ProbabilityColumn::Auto if !has_tags => None,
            ProbabilityColumn::Auto | ProbabilityColumn::First => Some("probability".to_owned()),
            ProbabilityColumn::Named(name) => Some(name.clone()),
        };
        let name = |at: usize| match fields.get(at) {
            Some(Some(name)) => name.clone(),
            _ => format!("column_{at}"),
        };
        Self {
            names: (0..relation.types.len()).map(name).collect(),
            types: &relation.types,
            tag,
            rows: &relation.tuples,
        }
    }
}

/// Writes a relation, whose columns have these names, into a file.
///
/// # Errors
/// `E0705` if the format is not known, `E0709` if it cannot be written.
pub(crate) fn write(
    relation: &Relation,
    fields: &[Option<String>],
    path: &Path,
    options: &FileOptions,
) -> Result<(), Diagnostic> {
    let kind = Kind::of(path, options)?;
    #[cfg(not(feature = "columnar"))]
    if !matches!(kind.format, FileFormat::Csv | FileFormat::JsonLines) {
        return Err(super::open::not_built_in(path, kind.format));
    }
    let table = Table::new(relation, fields, options);
    let written = create(path, kind.gzip, |out| {
        put(&table, &kind, options.header, out)
    });
    written.map_err(|error| {
        Diagnostic::error(
            "E0709",
            format!("cannot write `{}`: {error}", path.display()),
        )
        .help("check that its folder exists and may be written to")
    })
}

/// A relation as the bytes of a file.
///
/// # Errors
/// `E0705` if the options name no format.
pub(crate) fn encode(
    relation: &Relation,
    fields: &[Option<String>],
    options: &FileOptions,
) -> Result<Vec<u8>, Diagnostic> {
    let kind = Kind::of(Path::new(""), options)?;
    let table = Table::new(relation, fields, options);
    let mut bytes = Vec::new();
    put(&table, &kind, options.header, &mut bytes)
        .map_err(|error| Diagnostic::error("E0709", format!("cannot write: {error}")))?;
    Ok(bytes)
}

fn put(
    table: &Table<'_>,
    kind: &Kind,
    header: bool,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    match kind.format {
        FileFormat::Csv => csv(table, kind.delimiter, header, out),
        FileFormat::JsonLines => json_lines(table, header, out),
        #[cfg(feature = "columnar")]
        FileFormat::Parquet => super::parquet::write(table, out),
        #[cfg(feature = "columnar")]
        FileFormat::Arrow => super::arrow::write(table, out),
        #[cfg(not(feature = "columnar"))]
        _ => Err(io::Error::from(io::ErrorKind::Unsupported)),
    }
}

/// RFC 4180: text as it is, quoted only where it must be; the tag first.
pub(super) fn csv(
    table: &Table<'_>,
    delimiter: u8,
    header: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .delimiter(delimiter)
        .from_writer(out);
    if header {
        writer.write_record(table.tag.iter().chain(&table.names))?;
    }
    for (tag, row) in table.rows {
        let tag = table.tag.as_ref().map(|_| Cow::Owned(field(tag)));
        let record = tag.into_iter().chain(row.iter().map(plain));
        writer.write_record(record.map(|field| field.into_owned()))?;
    }
    writer.flush()
}

/// An array a line, with `header` an object; the tag first.
fn json_lines(table: &Table<'_>, header: bool, out: &mut dyn Write) -> io::Result<()> {
    let names: Vec<String> = table
        .tag
        .iter()
        .chain(&table.names)
        .map(|name| quoted(name))
        .collect();
    let (open, close) = if header { ('{', '}') } else { ('[', ']') };
    let mut line = String::new();
    for (tag, row) in table.rows {
        line.clear();
        line.push(open);
        let tag = table.tag.as_ref().map(|_| Cell::Tag(tag));
        let cells = tag.into_iter().chain(row.iter().map(Cell::Value));
        for (at, (cell, name)) in cells.zip(&names).enumerate() {
            if at > 0 {
                line.push(',');
            }
            if header {
                line.push_str(name);
                line.push(':');
            }
            match cell {
                Cell::Tag(OutputTag::Unit | OutputTag::Bool(_)) => line.push_str("1.0"),
                Cell::Tag(tag) => line.push_str(&json_tag(tag)),
                Cell::Value(value) => json_value(value, &mut line),
            }
        }
        line.push(close);
        line.push('\n');
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// What stands in a line.
enum Cell<'a> {
    Tag(&'a OutputTag),
    Value(&'a Value),
}

/// As CSV without header; tags only where there are probabilities.
pub(crate) fn csv_text(relation: &Relation) -> String {
    let table = Table::new(relation, &[], &FileOptions::default());
    let mut bytes = Vec::new();
    // Writing to memory cannot fail, and `flexible` allows rows of any length.
    let _ = csv(&table, b',', false, &mut bytes);
    String::from_utf8(bytes).unwrap_or_default()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A tag as a field: probabilities where there are none are 1.
fn field(tag: &OutputTag) -> String {
    match tag {
        OutputTag::Unit | OutputTag::Bool(_) => {
            format_tag(&OutputTag::Probability(tag.probability()))
        }
        tag => format_tag(tag),
    }
}

/// A value without quotes, as `parse_field` reads it.
pub(crate) fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Char(v) => Cow::Owned(v.to_string()),
        Value::DateTime(v) => Cow::Owned(v.to_string()),
        Value::Duration(v) => Cow::Owned(v.to_string()),
        Value::String(v) | Value::Symbol(v) => Cow::Borrowed(v),
        other => Cow::Owned(other.to_string()),
    }
}
