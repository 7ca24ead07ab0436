//! Which columns of a relation are bound when it is asked for.

use std::fmt;

/// One entry per column: whether it is bound.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Pattern(Vec<bool>);

impl Pattern {
    pub fn new(bound: impl IntoIterator<Item = bool>) -> Self {
        Self(bound.into_iter().collect())
    }

    /// From text such as `bf`; `None` if it has other letters.
    pub fn parse(text: &str) -> Option<Self> {
        let letter = |letter| match letter {
            'b' => Some(true),
            'f' => Some(false),
            _ => None,
        };
        text.chars().map(letter).collect::<Option<_>>().map(Self)
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn bound(&self, column: usize) -> bool {
        self.0.get(column).copied().unwrap_or_default()
    }

    /// The bound columns, ascending.
    pub fn columns(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(|column| self.bound(*column))
    }

    /// Whether no column is bound.
    pub fn is_free(&self) -> bool {
        !self.0.contains(&true)
    }

    /// Whether what is bound here is bound there too: who asks like `other` is served by an answer for this.
    pub fn serves(&self, other: &Pattern) -> bool {
        self.columns().all(|column| other.bound(column))
    }

    /// The first columns only.
    pub fn first(&self, columns: usize) -> Self {
        Self::new((0..self.len()).map(|column| column < columns && self.bound(column)))
    }

    /// The same bound columns of a relation with another number of columns.
    pub fn resized(&self, columns: usize) -> Self {
        Self::new((0..columns).map(|column| self.bound(column)))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|bound| f.write_str(if *bound { "b" } else { "f" }))
    }
}
