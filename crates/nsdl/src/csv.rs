//! Facts from CSV files (SEMANTICS.md 16).

use std::path::Path;

use nsdl_ir::{Diagnostic, Symbols, Type, Value};
use nsdl_syntax::parse_field;

use crate::batch::{Batch, Tags, check_probability};

/// Reads the facts of `relation` from a file: RFC 4180, no header, fields of the given types, untrimmed. A
/// record with one field more than there are columns has its probability first; all records agree in that.
pub(crate) fn read(
    relation: &str,
    types: &[Type],
    path: &Path,
    symbols: &Symbols,
) -> Result<Batch, Diagnostic> {
    let bytes = std::fs::read(path).map_err(|error| {
        Diagnostic::error(
            "E0701",
            format!("cannot read `{}`: {error}", path.display()),
        )
    })?;
    let name = path.display().to_string();
    let (tuples, probabilities) = parse(relation, types, &name, &bytes, symbols)?;
    let tags = Tags::new(relation, &tuples, probabilities, false)?;
    Batch::new(relation, &tuples, tags, symbols)
}

type Records = (Vec<Vec<Value>>, Option<Vec<f64>>);

fn parse(
    relation: &str,
    types: &[Type],
    file: &str,
    bytes: &[u8],
    symbols: &Symbols,
) -> Result<Records, Diagnostic> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    check_quotes(bytes, file)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let mut tuples = Vec::new();
    let mut probabilities: Option<Vec<f64>> = None;
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            Diagnostic::error("E0702", format!("{file}:{line}: not UTF-8 text"))
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        // A relation without columns has records of one empty field.
        let fields: Vec<&str> = match (types.len(), record.len(), record.get(0)) {
            (0, 1, Some("")) => Vec::new(),
            _ => record.iter().collect(),
        };
        let tagged = fields.len() == types.len() + 1;
        if !tagged && fields.len() != types.len() {
            return Err(wrong_length(relation, types, file, line, fields.len()));
        }
        if !tuples.is_empty() && tagged != probabilities.is_some() {
            return Err(Diagnostic::error(
                "E0703",
                format!(
                    "{file}:{line}: {}, but the records before have {}",
                    counted(fields.len(), "field"),
                    types.len() + usize::from(!tagged)
                ),
            )
            .help("give every record a probability, or none"));
        }
        let (probability, fields) = match fields.split_first() {
            Some((first, rest)) if tagged => (Some(*first), rest),
            _ => (None, fields.as_slice()),
        };
        if let Some(text) = probability {
            let p: f64 = text.parse().map_err(|_| {
                Diagnostic::error(
                    "E0704",
                    format!("{file}:{line}: column 1: `{text}` is no probability"),
                )
                .help(format!(
                    "`{relation}` has {}: a leading extra field is a number from 0 to 1",
                    counted(types.len(), "column")
                ))
            })?;
            check_probability(p, || format!("the fact at {file}:{line}"))?;
            probabilities.get_or_insert_default().push(p);
        }
        let mut tuple = Vec::with_capacity(types.len());
        for (column, (field, &ty)) in fields.iter().zip(types).enumerate() {
            let value = parse_field(field, ty, symbols).map_err(|why| {
                let column = column + 1 + usize::from(tagged);
                let mut d = Diagnostic::error(
                    "E0704",
                    format!("{file}:{line}: column {column}: `{field}` is no {ty}"),
                );
                d.notes.push(why.message);
                d
            })?;
            tuple.push(value);
        }
        tuples.push(tuple);
    }
    Ok((tuples, probabilities))
}

fn wrong_length(relation: &str, types: &[Type], file: &str, line: u64, found: usize) -> Diagnostic {
    let names: Vec<String> = types.iter().map(|ty| ty.to_string()).collect();
    Diagnostic::error(
        "E0703",
        format!(
            "{file}:{line}: {}, but `{relation}` has {} ({})",
            counted(found, "field"),
            counted(types.len(), "column"),
            names.join(", ")
        ),
    )
    .help("one field per column, after an optional probability; there is no header")
}

fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Rejects quotes that RFC 4180 forbids, which the reader would read somehow.
fn check_quotes(bytes: &[u8], file: &str) -> Result<(), Diagnostic> {
    #[derive(PartialEq)]
    enum At {
        Start,
        Plain,
        Quoted,
        /// After a quote inside a quoted field: its end, or half of a doubled one.
        Quote,
    }
    let (mut at, mut line, mut opened) = (At::Start, 1u64, 1u64);
    for &byte in bytes {
        at = match (at, byte) {
            (At::Quoted, b'"') => At::Quote,
            (At::Quoted, _) => At::Quoted,
            (At::Quote, b'"') => At::Quoted,
            (_, b',' | b'\n' | b'\r') => At::Start,
            (At::Start, b'"') => {
                opened = line;
                At::Quoted
            }
            (At::Plain, b'"') => {
                return Err(Diagnostic::error(
                    "E0702",
                    format!("{file}:{line}: a quote inside a field"),
                )
                .help("put the whole field in quotes and double the quotes inside"));
            }
            (At::Quote, _) => {
                return Err(Diagnostic::error(
                    "E0702",
                    format!("{file}:{line}: text after a closing quote"),
                )
                .help("double the quotes inside a quoted field"));
            }
            (_, _) => At::Plain,
        };
        line += u64::from(byte == b'\n');
    }
    if at == At::Quoted {
        return Err(Diagnostic::error(
            "E0702",
            format!("{file}:{opened}: a quoted field never ends"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(types: &[Type], text: &str) -> (&'static str, String) {
        let d = parse("r", types, "f.csv", text.as_bytes(), &Symbols::new()).unwrap_err();
        (d.code, d.message)
    }

    #[test]
    fn fields_are_typed_and_untrimmed() {
        let types = [Type::String, Type::I32];
        let (tuples, p) = parse(
            "r",
            &types,
            "f.csv",
            b"\xef\xbb\xbf a ,1\r\n\"x,\"\"y\n\",-2\n",
            &Symbols::new(),
        )
        .unwrap();
        assert_eq!(tuples[0], [Value::String(" a ".into()), Value::I32(1)]);
        assert_eq!(tuples[1], [Value::String("x,\"y\n".into()), Value::I32(-2)]);
        assert!(p.is_none());
        assert_eq!(fails(&types, "a, 1\n").0, "E0704");
    }

    #[test]
    fn an_extra_leading_field_is_the_probability() {
        let (tuples, p) =
            parse("r", &[Type::U8], "f.csv", b"0.5,1\n1,2\n", &Symbols::new()).unwrap();
        assert_eq!((tuples.len(), p), (2, Some(vec![0.5, 1.0])));
        let (code, message) = fails(&[Type::U8], "0.5,1\n1.5,2\n");
        assert_eq!(code, "E0510");
        assert!(message.contains("f.csv:2"), "{message}");
        let (code, message) = fails(&[Type::U8], "x,1\n");
        assert_eq!(code, "E0704");
        assert!(message.contains("f.csv:1: column 1"), "{message}");
        assert_eq!(fails(&[Type::U8], "0.5,1\n2\n").0, "E0703");
    }

    #[test]
    fn errors_name_line_column_and_type() {
        let (code, message) = fails(&[Type::I32, Type::U8], "1,2\n\"3\",300\n");
        assert_eq!(code, "E0704");
        assert!(
            message.contains("f.csv:2: column 2: `300` is no u8"),
            "{message}"
        );
        let (code, message) = fails(&[Type::I32], "1\n2,3,4\n");
        assert_eq!(code, "E0703");
        assert!(
            message.contains("f.csv:2: 3 fields, but `r` has 1 column "),
            "{message}"
        );
    }

    #[test]
    fn malformed_quotes_are_errors() {
        assert!(fails(&[Type::String], "a\n\"b\nc").1.contains("f.csv:2"));
        assert!(fails(&[Type::String], "a\"b\n").1.contains("f.csv:1"));
        assert!(fails(&[Type::String], "\"a\"b\n").1.contains("f.csv:1"));
        assert!(parse("r", &[Type::String], "f.csv", b"\xff\n", &Symbols::new()).is_err());
    }

    #[test]
    fn relations_without_columns_and_empty_files() {
        let (tuples, _) = parse("r", &[], "f.csv", b"\"\"\n", &Symbols::new()).unwrap();
        assert_eq!(tuples, [Vec::new()]);
        let (tuples, p) = parse("r", &[], "f.csv", b"0.5\n", &Symbols::new()).unwrap();
        assert_eq!((tuples.len(), p), (1, Some(vec![0.5])));
        assert!(
            parse("r", &[Type::I32], "f.csv", b"", &Symbols::new())
                .unwrap()
                .0
                .is_empty()
        );
    }
}
