//! The error of every fallible call.

use std::fmt;

use nsdl_ir::Diagnostic;

use crate::text::Texts;

/// Result of a call that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed: one or more diagnostics, with the texts they point into.
///
/// `Display` is the full rendering without colour: code, source line, caret and help. Codes are stable and
/// listed in `docs/errors.md`.
#[derive(Clone)]
pub struct Error {
    /// What is wrong; at least one is an error.
    pub diagnostics: Vec<Diagnostic>,
    texts: Texts,
}

impl Error {
    pub(crate) fn new(diagnostics: Vec<Diagnostic>, texts: &Texts) -> Self {
        debug_assert!(diagnostics.iter().any(Diagnostic::is_error));
        Self {
            diagnostics,
            texts: texts.clone(),
        }
    }

    /// The first error among the diagnostics.
    fn primary(&self) -> Option<&Diagnostic> {
        self.diagnostics
            .iter()
            .find(|d| d.is_error())
            .or(self.diagnostics.first())
    }

    /// The code of the first error, such as `E0201`.
    pub fn code(&self) -> &'static str {
        self.primary().map_or("", |d| d.code)
    }

    /// The message of the first error: one sentence, no place.
    pub fn message(&self) -> &str {
        self.primary().map_or("", |d| &d.message)
    }

    /// Line and column, both from 1, of the first error that has a place in a source text.
    pub fn span(&self) -> Option<(usize, usize)> {
        self.place().map(|(_, line, column)| (line, column))
    }

    /// The name of the source text of the first error, and its line and column, both from 1.
    pub fn place(&self) -> Option<(&str, usize, usize)> {
        self.texts.place(self.primary()?.span()?)
    }

    /// The full rendering, with ANSI colours if `color`.
    pub fn render(&self, color: bool) -> String {
        self.texts.render(&self.diagnostics, color)
    }
}

/// An error without source text.
impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Self {
        Self {
            diagnostics: vec![diagnostic],
            texts: Texts::default(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `unwrap` and `main() -> Result` print this form: make it the readable one.
        write!(f, "{self}")
    }
}

impl std::error::Error for Error {}
