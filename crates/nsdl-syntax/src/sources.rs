//! The source texts of a session.

use nsdl_ir::SourceId;

/// Texts and their names, numbered in order.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    entries: Vec<(String, String)>,
}

impl Sources {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text; `name` is a path, or something like `<input>`.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let id = SourceId(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
        self.entries.push((name.into(), text.into()));
        id
    }

    /// Its name; empty for an unknown id.
    pub fn name(&self, id: SourceId) -> &str {
        self.entry(id).map_or("", |(name, _)| name)
    }

    /// Its text; empty for an unknown id.
    pub fn text(&self, id: SourceId) -> &str {
        self.entry(id).map_or("", |(_, text)| text)
    }

    /// Whether the id was given by [`Sources::add`].
    pub fn contains(&self, id: SourceId) -> bool {
        self.entry(id).is_some()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets all texts from the `count`-th on: for a caller that takes a failed step back.
    pub fn truncate(&mut self, count: usize) {
        self.entries.truncate(count);
    }

    /// Line and column, both from 1 and the column in characters, of a byte of a text.
    pub fn position(&self, id: SourceId, byte: u32) -> (usize, usize) {
        let before = before(self.text(id), byte as usize);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
    }

    fn entry(&self, id: SourceId) -> Option<&(String, String)> {
        self.entries.get(id.0 as usize)
    }
}

/// The text before a byte, or before the character that the byte is inside of.
fn before(text: &str, byte: usize) -> &str {
    let mut end = byte.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
