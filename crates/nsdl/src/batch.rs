//! Facts of one relation that are added together.

use std::borrow::Cow;

use nsdl_ir::{Diagnostic, Symbols, Tag, Type, Value, Word};
use nsdl_syntax::parse_value;

use crate::convert::{Described, Misfit, convert, join};
use crate::numbers::Numbers;
use crate::print::format_tuple;

/// By how much the probabilities of an exclusive set given as numbers may exceed 1 (SEMANTICS.md 2).
pub(crate) const SUM_TOLERANCE: f64 = 1e-4;

/// How certain the facts of a batch are.
#[derive(Clone, Debug)]
pub(crate) enum Tags {
    /// All hold.
    Certain,
    /// Each is a Boolean variable of its own.
    Independent(Vec<f64>),
    /// Together they are one categorical variable.
    Exclusive(Vec<f64>),
    /// So many, equally probable.
    Shares(usize),
}

impl Tags {
    /// Checks the tags of `tuples`, which are such `numbers`; an exclusive set without tags is uniform.
    pub(crate) fn new(
        relation: &str,
        tuples: &[Vec<Value>],
        probabilities: Option<Vec<f64>>,
        exclusive: bool,
        numbers: Numbers,
    ) -> Result<Self, Diagnostic> {
        let Some(probabilities) = probabilities else {
            return Ok(if exclusive {
                Tags::Shares(tuples.len())
            } else {
                Tags::Certain
            });
        };
        if probabilities.len() != tuples.len() {
            return Err(Diagnostic::error(
                "E0520",
                format!(
                    "{} probabilities for {} facts of `{relation}`",
                    probabilities.len(),
                    tuples.len()
                ),
            )
            .help("give one probability per fact, or none at all"));
        }
        for (p, tuple) in probabilities.iter().zip(tuples) {
            numbers.check(*p, || format!("`{relation}{}`", format_tuple(tuple)))?;
        }
        if !exclusive {
            return Ok(Tags::Independent(probabilities));
        }
        if numbers == Numbers::Probabilities {
            check_sum(relation, &probabilities)?;
        }
        Ok(Tags::Exclusive(probabilities))
    }

    /// The tag of fact `i`, whose group, if it has one, has this number.
    pub(crate) fn tag(&self, i: usize, group: u32) -> Tag {
        let of = |weights: &[f64]| weights.get(i).copied().unwrap_or_default();
        match self {
            Tags::Certain => Tag::Certain,
            Tags::Independent(weights) => Tag::Independent(of(weights)),
            Tags::Exclusive(weights) => Tag::Exclusive {
                group,
                weight: of(weights),
            },
            Tags::Shares(n) => Tag::Share {
                group,
                weight: 1.0 / *n as f64,
            },
        }
    }
}

/// `E0511` if exclusive facts are too probable together.
pub(crate) fn check_sum(relation: &str, probabilities: &[f64]) -> Result<(), Diagnostic> {
    let sum: f64 = probabilities.iter().sum();
    if sum <= 1.0 + SUM_TOLERANCE {
        return Ok(());
    }
    Err(Diagnostic::error(
        "E0511",
        format!("the probabilities of the exclusive facts of `{relation}` sum to {sum}, above 1"),
    )
    .help(
        "at most one of them holds in a world: normalise them, or give them as independent facts",
    ))
}

/// Facts of one relation, added together.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The type of each column as given.
    pub(crate) given: Vec<Given>,
    /// The rows, one after the other, in the types given.
    words: Vec<Word>,
    pub(crate) len: usize,
    pub(crate) tags: Tags,
}

/// What the values of a column have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) ty: Type,
    /// Whether all are integers that an `i32` holds.
    small: bool,
}

impl Given {
    fn of(value: &Value) -> Self {
        Self {
            ty: value.ty(),
            small: value.as_i128().is_some_and(|v| i32::try_from(v).is_ok()),
        }
    }

    /// A column of that type.
    pub(crate) fn typed(ty: Type) -> Self {
        Self { ty, small: false }
    }

    pub(crate) fn join(self, other: Given) -> Option<Given> {
        Some(Given {
            ty: join(self.ty, other.ty)?,
            small: self.small && other.small,
        })
    }

    /// The column type where no program says one: integers that come without a type of their own are `i32`
    /// like the literals of programs, unless that loses some.
    pub(crate) fn default_type(self) -> Type {
        if self.ty == Type::I64 && self.small {
            Type::I32
        } else {
            self.ty
        }
    }
}

impl Batch {
    /// Interns the tuples. They must agree in length, their columns in kind, and none may be NaN.
    pub(crate) fn new(
        relation: &str,
        tuples: &[Vec<Value>],
        tags: Tags,
        symbols: &Symbols,
    ) -> Result<Self, Diagnostic> {
        let mut given: Vec<Given> = tuples
            .first()
            .into_iter()
            .flatten()
            .map(Given::of)
            .collect();
        for tuple in tuples {
            if tuple.len() != given.len() {
                return Err(Diagnostic::error(
                    "E0202",
                    format!(
                        "facts of `{relation}` with {} and with {} columns",
                        given.len(),
                        tuple.len()
                    ),
                )
                .note(format!(
                    "the first of the latter is {}",
                    format_tuple(tuple)
                )));
            }
            for (column, (common, value)) in given.iter_mut().zip(tuple).enumerate() {
                *common = common.join(Given::of(value)).ok_or_else(|| {
                    misfit(relation, tuple, column, value, common.ty, Misfit::Kind)
                })?;
            }
        }
        let mut words = Vec::with_capacity(tuples.len() * given.len());
        for tuple in tuples {
            for (column, (common, value)) in given.iter().zip(tuple).enumerate() {
                let word = convert(value, common.ty)
                    .and_then(|v| v.to_word(symbols).ok_or(Misfit::NaN))
                    .map_err(|why| misfit(relation, tuple, column, value, common.ty, why))?;
                words.push(word);
            }
        }
        Ok(Self {
            given,
            words,
            len: tuples.len(),
            tags,
        })
    }

    /// Rows of words of these types, one after the other, `len` in number.
    pub(crate) fn from_words(types: &[Type], words: Vec<Word>, len: usize, tags: Tags) -> Self {
        let given = types.iter().copied().map(Given::typed);
        Self {
            given: given.collect(),
            words,
            len,
            tags,
        }
    }

    /// Whether it has no facts.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether any of its facts is uncertain.
    pub(crate) fn is_uncertain(&self) -> bool {
        !matches!(self.tags, Tags::Certain)
    }

    fn rows(&self) -> impl Iterator<Item = &[Word]> {
        let width = self.given.len();
        (0..self.len).map(move |i| {
            self.words
                .get(i * width..(i + 1) * width)
                .unwrap_or_default()
        })
    }

    /// Its rows in `types`, one after the other.
    pub(crate) fn convert(
        &self,
        relation: &str,
        types: &[Type],
        symbols: &Symbols,
    ) -> Result<Cow<'_, [Word]>, Diagnostic> {
        if self.len > 0 && types.len() != self.given.len() {
            let first = self.rows().next().unwrap_or_default();
            return Err(
                arity_mismatch(relation, types, self.given.len()).note(format!(
                    "the first fact is {}",
                    format_tuple(&self.values(first, symbols))
                )),
            );
        }
        if types
            .iter()
            .zip(&self.given)
            .all(|(ty, given)| *ty == given.ty)
        {
            return Ok(Cow::Borrowed(&self.words));
        }
        let mut words = Vec::with_capacity(self.words.len());
        for row in self.rows() {
            for (column, ((&word, given), &ty)) in
                row.iter().zip(&self.given).zip(types).enumerate()
            {
                if given.ty == ty {
                    words.push(word);
                    continue;
                }
                let value = Value::from_word(word, given.ty, symbols);
                if let (Value::String(text), true) = (&value, ty.is_entity()) {
                    // A term as output writes it.
                    let read = parse_value(text, ty, symbols);
                    let word = read.map(|term| term.to_word(symbols)).map_err(|why| {
                        let row = self.values(row, symbols);
                        misfit(relation, &row, column, &value, ty, Misfit::Kind).note(why.message)
                    })?;
                    words.extend(word);
                    continue;
                }
                let converted = convert(&value, ty)
                    .and_then(|v| v.to_word(symbols).ok_or(Misfit::NaN))
                    .map_err(|why| {
                        misfit(
                            relation,
                            &self.values(row, symbols),
                            column,
                            &value,
                            ty,
                            why,
                        )
                    })?;
                words.push(converted);
            }
        }
        Ok(Cow::Owned(words))
    }

    /// Checks that its facts fit the types of a relation.
    pub(crate) fn check(
        &self,
        relation: &str,
        types: &[Type],
        symbols: &Symbols,
    ) -> Result<(), Diagnostic> {
        self.convert(relation, types, symbols).map(drop)
    }

    fn values(&self, row: &[Word], symbols: &Symbols) -> Vec<Value> {
        row.iter()
            .zip(&self.given)
            .map(|(&w, g)| Value::from_word(w, g.ty, symbols))
            .collect()
    }
}

/// A tuple with the wrong number of columns.
pub(crate) fn arity_mismatch(relation: &str, types: &[Type], given: usize) -> Diagnostic {
    let names: Vec<String> = types.iter().map(|ty| ty.to_string()).collect();
    Diagnostic::error(
        "E0202",
        format!(
            "`{relation}` has {} columns, but a tuple of {given} is given",
            types.len()
        ),
    )
    .note(format!("its columns are ({})", names.join(", ")))
}

/// A value that fits its column not.
pub(crate) fn misfit(
    relation: &str,
    tuple: &[Value],
    column: usize,
    value: &Value,
    ty: Type,
    why: Misfit,
) -> Diagnostic {
    let place = format!(
        "column {} of `{relation}{}`",
        column + 1,
        format_tuple(tuple)
    );
    match why {
        Misfit::Kind => Diagnostic::error(
            "E0301",
            format!("{place} must be of type {ty}, but is {}", Described(value)),
        ),
        Misfit::Range => Diagnostic::error(
            "E0501",
            format!(
                "{place} must be of type {ty}, which does not hold {}",
                Described(value)
            ),
        ),
        Misfit::NaN => {
            Diagnostic::error("E0521", format!("{place} is NaN, which no relation holds"))
        }
    }
}
