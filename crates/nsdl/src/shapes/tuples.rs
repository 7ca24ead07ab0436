//! Tuples of open relations as rows of words.

use nsdl_ir::{Diagnostic, Type, Value, Word};

use super::{Open, Shapes};
use crate::batch::{Batch, Tags, arity_mismatch};
use crate::convert::convert;
use crate::error::Result;

/// Tuples of one open relation, in the types of its columns, of as many samples as there are.
///
/// Made by the [`Shapes`] that they are used with: another one may read them as other values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tuples {
    pub(super) words: Vec<Word>,
    pub(super) len: usize,
}

impl Tuples {
    /// How many.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Those at the given places, in that order; `None` if one is out of range.
    pub fn select(&self, places: impl IntoIterator<Item = usize>) -> Option<Self> {
        let width = self.words.len().checked_div(self.len).unwrap_or(0);
        let mut selected = Self::default();
        for place in places {
            if place >= self.len {
                return None;
            }
            let row = self.words.get(place * width..(place + 1) * width)?;
            selected.words.extend_from_slice(row);
            selected.len += 1;
        }
        Some(selected)
    }
}

impl Shapes {
    /// Tuples of values, converted to the types of the columns.
    ///
    /// # Errors
    /// `E0870` for a relation that is not open; `E0202`, `E0301`, `E0501` and `E0521` for values that do not fit.
    pub fn tuples(&self, relation: &str, tuples: &[Vec<Value>]) -> Result<Tuples> {
        let open = self.find(relation)?;
        let words = match self.quickly(open, tuples) {
            Some(words) => words,
            // With all that facts may be, and the error where one does not fit.
            None => {
                let symbols = &self.blueprint.session.symbols;
                let batch = Batch::new(relation, tuples, Tags::Certain, symbols);
                let words = batch.and_then(|batch| {
                    let words = batch.convert(relation, &open.types, symbols)?;
                    Ok(words.into_owned())
                });
                words.map_err(|d| self.error(d))?
            }
        };
        Ok(Tuples {
            words,
            len: tuples.len(),
        })
    }

    /// Tuples of integers, row by row: for relations all of whose columns are integers.
    ///
    /// # Errors
    /// `E0870` for a relation that is not open, `E0871` for one with other columns, `E0202` if the numbers are no
    /// whole rows, `E0501` for numbers that a column does not hold.
    pub fn integers(&self, relation: &str, numbers: &[i64]) -> Result<Tuples> {
        let open = self.find(relation)?;
        let width = open.types.len();
        if let Some(column) = open.types.iter().position(|ty| !ty.is_integer()) {
            let ty = open.types.get(column).map(Type::to_string);
            let message = format!(
                "an array of integers for `{relation}`, whose column {} is of type {}",
                column + 1,
                ty.unwrap_or_default()
            );
            return Err(self.error(
                Diagnostic::error("E0871", message).help("give its tuples as a list of tuples"),
            ));
        }
        if width == 0 || !numbers.len().is_multiple_of(width) {
            return Err(self.error(arity_mismatch(
                relation,
                &open.types,
                numbers.len() % width.max(1),
            )));
        }
        let symbols = &self.blueprint.session.symbols;
        let mut words = Vec::with_capacity(numbers.len());
        for row in numbers.chunks_exact(width) {
            for (&number, &ty) in row.iter().zip(&open.types) {
                let value = Value::from_i128(number.into(), ty);
                let Some(word) = value.and_then(|value| value.to_word(symbols)) else {
                    // The same as a list, for its error.
                    let row = row.iter().map(|&number| Value::I64(number)).collect();
                    return self.tuples(relation, &[row]);
                };
                words.push(word);
            }
        }
        Ok(Tuples {
            words,
            len: numbers.len() / width,
        })
    }

    /// Words where every value fits its column as it is.
    fn quickly(&self, open: &Open, tuples: &[Vec<Value>]) -> Option<Vec<Word>> {
        let symbols = &self.blueprint.session.symbols;
        let mut words = Vec::with_capacity(tuples.len() * open.types.len());
        for tuple in tuples {
            if tuple.len() != open.types.len() {
                return None;
            }
            for (value, &ty) in tuple.iter().zip(&open.types) {
                let word = match (value, ty) {
                    (Value::String(text), Type::String) => symbols.intern(text),
                    _ => convert(value, ty).ok()?.to_word(symbols)?,
                };
                words.push(word);
            }
        }
        Some(words)
    }

    fn find(&self, relation: &str) -> Result<&Open> {
        let open = self.relations.iter().find(|it| it.name == relation);
        open.ok_or_else(|| {
            let names: Vec<&str> = self.relations.iter().map(|it| it.name.as_str()).collect();
            let message = format!("`{relation}` is no relation whose facts come with a call");
            self.error(
                Diagnostic::error("E0870", message)
                    .note(format!("such relations are: {}", names.join(", "))),
            )
        })
    }
}
