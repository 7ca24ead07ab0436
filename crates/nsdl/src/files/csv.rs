//! CSV: RFC 4180, fields of the declared types, untrimmed (SEMANTICS.md 16).

use std::io::Read;

use csv::StringRecord;
use nsdl_ir::{Diagnostic, Symbols, Type, Value};
use nsdl_syntax::parse_field;

use super::load::{Fault, Loader, Row};
use super::open::{Kind, cannot_read};
use super::quotes::{QuoteFault, Quotes};

pub(super) fn read(
    input: impl Read,
    kind: &Kind,
    loader: &mut Loader<'_>,
) -> Result<(), Diagnostic> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(kind.delimiter)
        .buffer_capacity(1 << 16)
        .from_reader(Quotes::new(input, kind.delimiter));
    let mut record = StringRecord::new();
    let mut header = loader.options.header;
    while reader
        .read_record(&mut record)
        .map_err(|error| fault(&loader.file, error))?
    {
        if std::mem::take(&mut header) {
            loader.name_columns(record.iter().map(str::to_owned).collect())?;
            continue;
        }
        // A relation without columns has records of one empty field.
        let nothing = loader.columns() == 0 && record.len() == 1 && record.get(0) == Some("");
        let record = &record;
        loader.row(&Record { record, nothing })?;
    }
    Ok(())
}

struct Record<'a> {
    record: &'a StringRecord,
    nothing: bool,
}

impl Row for Record<'_> {
    fn width(&self) -> usize {
        if self.nothing { 0 } else { self.record.len() }
    }

    fn value(&self, column: usize, ty: Type, symbols: &Symbols) -> Result<Option<Value>, Fault> {
        let Some(field) = self.record.get(column) else {
            return Ok(None);
        };
        parse_field(field, ty, symbols)
            .map(Some)
            .map_err(|why| Fault::parsed(field, why))
    }

    fn place(&self) -> String {
        let line = self.record.position().map_or(0, csv::Position::line);
        format!(":{line}")
    }
}

fn fault(file: &str, error: csv::Error) -> Diagnostic {
    let line = error.position().map_or(0, csv::Position::line);
    let csv::ErrorKind::Io(error) = error.into_kind() else {
        return Diagnostic::error("E0702", format!("{file}:{line}: not UTF-8 text"));
    };
    let quote = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<QuoteFault>());
    match quote {
        None => cannot_read(file, &error),
        Some(quote) => {
            let message = format!("{file}:{}: {}", quote.line, quote.message);
            let mut problem = Diagnostic::error("E0702", message);
            problem.help = quote.help.map(str::to_owned);
            problem
        }
    }
}
