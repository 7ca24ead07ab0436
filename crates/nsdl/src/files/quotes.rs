//! Rejects quotes that RFC 4180 forbids, which the CSV reader would read somehow.

use std::fmt;
use std::io::{self, Read};

/// Hands on the bytes of a CSV file and fails at the first misplaced quote.
pub(super) struct Quotes<R> {
    inner: R,
    delimiter: u8,
    at: At,
    line: u64,
    /// Where the quoted field began.
    opened: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum At {
    Start,
    Plain,
    Quoted,
    /// After a quote inside a quoted field: its end, or half of a doubled one.
    Quote,
}

/// A misplaced quote.
#[derive(Debug)]
pub(super) struct QuoteFault {
    pub(super) line: u64,
    pub(super) message: &'static str,
    pub(super) help: Option<&'static str>,
}

impl fmt::Display for QuoteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl std::error::Error for QuoteFault {}

impl<R: Read> Quotes<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> Self {
        Self {
            inner,
            delimiter,
            at: At::Start,
            line: 1,
            opened: 1,
        }
    }

    fn check(&mut self, bytes: &[u8]) -> Result<(), QuoteFault> {
        for &byte in bytes {
            let ends = byte == self.delimiter || byte == b'\n' || byte == b'\r';
            self.at = match (self.at, byte) {
                (At::Quoted, b'"') => At::Quote,
                (At::Quoted, _) => At::Quoted,
                (At::Quote, b'"') => At::Quoted,
                (_, _) if ends => At::Start,
                (At::Start, b'"') => {
                    self.opened = self.line;
                    At::Quoted
                }
                (At::Plain, b'"') => {
                    return Err(QuoteFault {
                        line: self.line,
                        message: "a quote inside a field",
                        help: Some("put the whole field in quotes and double the quotes inside"),
                    });
                }
                (At::Quote, _) => {
                    return Err(QuoteFault {
                        line: self.line,
                        message: "text after a closing quote",
                        help: Some("double the quotes inside a quoted field"),
                    });
                }
                (_, _) => At::Plain,
            };
            self.line += u64::from(byte == b'\n');
        }
        Ok(())
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let checked = match buffer.get(..count) {
            Some([]) | None if self.at == At::Quoted => Err(QuoteFault {
                line: self.opened,
                message: "a quoted field never ends",
                help: None,
            }),
            read => self.check(read.unwrap_or_default()),
        };
        checked.map(|()| count).map_err(io::Error::other)
    }
}
