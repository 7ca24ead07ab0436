//! Rows of any format, made facts one by one.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use nsdl_ir::{Diagnostic, FileOptions, ProbabilityColumn, Symbols, Type, Value, Word};

use super::Target;
use super::layout::{Cells, Layout, counted, layout, wrong_width};
use crate::batch::{Batch, Tags};
use crate::numbers::Numbers;

/// After so many rows a look at the cancel flag is due.
const LOOK: usize = 4096;

/// A row of a file.
pub(super) trait Row {
    /// How many cells it has.
    fn width(&self) -> usize;
    /// The cell as a value of a type; `None` if nothing is there.
    fn value(&self, column: usize, ty: Type, symbols: &Symbols) -> Result<Option<Value>, Fault>;
    /// `:7` for a line, ` row 7` where there are no lines.
    fn place(&self) -> String;
    /// What its cells are called.
    fn cell(&self) -> &'static str {
        "field"
    }
}

/// A cell that is no value of its type.
pub(super) struct Fault {
    pub(super) shown: String,
    pub(super) note: Option<String>,
    pub(super) help: Option<String>,
}

impl Fault {
    /// The cell as it is shown, and why it is none.
    pub(super) fn new(shown: impl Into<String>, note: impl Into<String>) -> Self {
        Self {
            shown: shown.into(),
            note: Some(note.into()),
            help: None,
        }
    }

    /// What the parser of values says of a cell.
    pub(super) fn parsed(shown: &str, why: Diagnostic) -> Self {
        Self {
            shown: shown.to_owned(),
            note: Some(why.message),
            help: why.help,
        }
    }
}

/// Takes rows and makes a batch of facts of them.
pub(super) struct Loader<'a> {
    pub(super) file: String,
    target: Target<'a>,
    pub(super) options: &'a FileOptions,
    symbols: &'a Symbols,
    /// What tags are.
    numbers: Numbers,
    cancel: Option<&'a AtomicBool>,
    names: Option<Vec<String>>,
    /// That of the first row, and how wide all rows are.
    layout: Option<(Layout, usize)>,
    words: Vec<Word>,
    probabilities: Vec<f64>,
    facts: usize,
    rows: usize,
    warnings: Vec<Diagnostic>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(
        path: &Path,
        target: Target<'a>,
        options: &'a FileOptions,
        symbols: &'a Symbols,
        numbers: Numbers,
        cancel: Option<&'a AtomicBool>,
    ) -> Self {
        Self {
            file: path.display().to_string(),
            target,
            options,
            symbols,
            numbers,
            cancel,
            names: None,
            layout: None,
            words: Vec::new(),
            probabilities: Vec::new(),
            facts: 0,
            rows: 0,
            warnings: Vec::new(),
        }
    }

    /// How many columns the relation has.
    pub(super) fn columns(&self) -> usize {
        self.target.types.len()
    }

    /// Names the columns of the file: before any row.
    pub(super) fn name_columns(&mut self, names: Vec<String>) -> Result<(), Diagnostic> {
        let (place, width) = (self.file.clone(), names.len());
        self.names = Some(names);
        self.lay_out(&place, width)
    }

    fn lay_out(&mut self, place: &str, width: usize) -> Result<(), Diagnostic> {
        let layout = layout(
            place,
            self.names.as_deref(),
            width,
            &self.target,
            self.options,
            self.symbols,
            &mut self.warnings,
        )?;
        self.layout = Some((layout, width));
        Ok(())
    }

    /// Takes a row.
    pub(super) fn row(&mut self, row: &impl Row) -> Result<(), Diagnostic> {
        if self.rows.is_multiple_of(LOOK)
            && self.cancel.is_some_and(|flag| flag.load(Ordering::Relaxed))
        {
            return Err(Diagnostic::error("E0613", "stopped while reading a file"));
        }
        self.rows += 1;
        if self.layout.is_none() {
            let place = format!("{}{}", self.file, row.place());
            self.lay_out(&place, row.width())?;
        }
        let Some((layout, width)) = self.layout.take() else {
            return Ok(());
        };
        let taken = match row.width() == width {
            true => self.take(row, &layout),
            false => Err(self.ragged(row, width)),
        };
        self.layout = Some((layout, width));
        taken
    }

    fn take(&mut self, row: &impl Row, layout: &Layout) -> Result<(), Diagnostic> {
        let probability = match layout.probability {
            Some(column) => Some(self.probability(row, column)?),
            None => None,
        };
        match &layout.cells {
            Cells::Columns(columns) => {
                for (&column, &ty) in columns.iter().zip(self.target.types) {
                    match self.cell(row, column, ty)? {
                        Some(word) => self.words.push(word),
                        None => return Err(self.nothing(row, column)),
                    }
                }
                self.facts += 1;
                self.probabilities.extend(probability);
            }
            Cells::Wide { keys, fields } => {
                let types = self.target.types;
                let mut start = Vec::with_capacity(keys.len());
                for (&column, &ty) in keys.iter().zip(types) {
                    match self.cell(row, column, ty)? {
                        Some(word) => start.push(word),
                        None => return Err(self.nothing(row, column)),
                    }
                }
                let Some(&ty) = types.last() else {
                    return Ok(());
                };
                for &(column, name) in fields {
                    // What is not there makes no fact.
                    let Some(value) = self.cell(row, column, ty)? else {
                        continue;
                    };
                    self.words.extend_from_slice(&start);
                    self.words.extend([name, value]);
                    self.facts += 1;
                    self.probabilities.extend(probability);
                }
            }
        }
        Ok(())
    }

    fn cell(&self, row: &impl Row, column: usize, ty: Type) -> Result<Option<Word>, Diagnostic> {
        let fault = match row.value(column, ty, self.symbols) {
            Ok(None) => return Ok(None),
            Ok(Some(value)) => match value.to_word(self.symbols) {
                Some(word) => return Ok(Some(word)),
                None => Fault::new(
                    value.to_string(),
                    "relations hold numbers only, NaN is none",
                ),
            },
            Err(fault) => fault,
        };
        let mut error = Diagnostic::error(
            "E0704",
            format!("{}: `{}` is no {ty}", self.at(row, column), fault.shown),
        );
        error.notes.extend(fault.note);
        let word = fault.shown.starts_with(char::is_alphabetic);
        let unnamed = self.names.is_none() && row.cell() == "field";
        error.help = match word && unnamed && self.rows == 1 {
            true => Some("if the first line names the columns, say so: `header=true`".into()),
            false => fault.help,
        };
        Err(error)
    }

    fn probability(&self, row: &impl Row, column: usize) -> Result<f64, Diagnostic> {
        let shown = match row.value(column, Type::F64, self.symbols) {
            Ok(Some(Value::F64(p))) => {
                let whose = || format!("the fact at {}{}", self.file, row.place());
                return self.numbers.check(p, whose).map(|()| p);
            }
            Ok(None) => return Err(self.nothing(row, column)),
            Ok(Some(other)) => other.to_string(),
            Err(fault) => fault.shown,
        };
        Err(Diagnostic::error(
            "E0704",
            format!("{}: `{shown}` is no probability", self.at(row, column)),
        )
        .help(match self.options.probability {
            ProbabilityColumn::Auto => format!(
                "`{}` has {}: a leading extra {} is a number from 0 to 1",
                self.target.relation,
                counted(self.columns(), "column"),
                row.cell()
            ),
            _ => "a probability is a number from 0 to 1".to_owned(),
        }))
    }

    /// File, line and column.
    fn at(&self, row: &impl Row, column: usize) -> String {
        let place = format!("{}{}: column {}", self.file, row.place(), column + 1);
        match self.names.as_ref().and_then(|names| names.get(column)) {
            Some(name) => format!("{place} (`{name}`)"),
            None => place,
        }
    }

    fn nothing(&self, row: &impl Row, column: usize) -> Diagnostic {
        Diagnostic::error("E0708", format!("{}: no value", self.at(row, column)))
            .note("relations have no null")
            .help("leave the row out, or give it a value")
    }

    fn ragged(&self, row: &impl Row, width: usize) -> Diagnostic {
        let place = format!("{}{}", self.file, row.place());
        let (found, columns) = (row.width(), self.columns());
        let auto = self.options.probability == ProbabilityColumn::Auto && self.names.is_none();
        if auto && (found == columns || found == columns + 1) {
            return Diagnostic::error(
                "E0703",
                format!(
                    "{place}: {}, but the records before have {width}",
                    counted(found, "field")
                ),
            )
            .help("give every record a probability, or none");
        }
        if self.names.is_some() {
            return Diagnostic::error(
                "E0703",
                format!(
                    "{place}: {}, but there are {} in the file",
                    counted(found, "field"),
                    counted(width, "column")
                ),
            );
        }
        wrong_width(&place, found, &self.target, self.options)
    }

    /// All facts, and warnings.
    pub(super) fn finish(self) -> (Batch, Vec<Diagnostic>) {
        let tagged = self
            .layout
            .as_ref()
            .is_some_and(|(layout, _)| layout.probability.is_some());
        let tags = match tagged {
            true => Tags::Independent(self.probabilities),
            false => Tags::Certain,
        };
        let batch = Batch::from_words(self.target.types, self.words, self.facts, tags);
        (batch, self.warnings)
    }
}
