//! The source texts of a session, kept for messages.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nsdl_ir::{Diagnostic, SourceId, Span};
use nsdl_syntax::Sources;

/// Source texts by [`SourceId`]; cheap to clone, since texts are shared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts(Vec<Arc<Text>>);

/// A named text: a file, a string, an entry of the REPL.
#[derive(Debug)]
struct Text {
    name: String,
    text: String,
    /// Where the paths in it begin.
    folder: PathBuf,
}

impl Texts {
    /// Adds a text and returns its id.
    pub(crate) fn add(&mut self, name: &str, text: &str, folder: &Path) -> SourceId {
        let id = SourceId(self.0.len() as u32);
        self.0.push(Arc::new(Text {
            name: name.to_owned(),
            text: text.to_owned(),
            folder: folder.to_path_buf(),
        }));
        id
    }

    /// The name of the text that `span` points into, and its first line and column (in characters), from 1.
    pub(crate) fn place(&self, span: Span) -> Option<(&str, usize, usize)> {
        let text = self.0.get(span.source.0 as usize)?;
        let before = text.text.get(..span.start as usize)?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
        let column = before.get(line_start..)?.chars().count() + 1;
        Some((&text.name, line, column))
    }

    /// Where the paths in a text begin.
    pub(crate) fn folder(&self, source: SourceId) -> Option<&Path> {
        Some(&self.0.get(source.0 as usize)?.folder)
    }

    /// The text under `span`, with white space made single spaces.
    pub(crate) fn snippet(&self, span: Span) -> Option<String> {
        let text = self.0.get(span.source.0 as usize)?.text.get(span.range())?;
        Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// The text of that name, with other texts in the places of some spans; spans of other texts do not matter.
    pub(crate) fn edited(&self, name: &str, edits: &[(Span, String)]) -> Option<String> {
        let source = self.0.iter().position(|text| text.name == name)?;
        let mut text = self.0.get(source)?.text.clone();
        let own = |edit: &&(Span, String)| edit.0.source.0 as usize == source;
        let mut edits: Vec<&(Span, String)> = edits.iter().filter(own).collect();
        // From behind, so that places stay where they are.
        edits.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        for (span, new) in edits {
            text.get(span.range())?;
            text.replace_range(span.range(), new);
        }
        Some(text)
    }

    /// Renders diagnostics with their source lines.
    pub(crate) fn render(&self, diagnostics: &[Diagnostic], color: bool) -> String {
        let mut sources = Sources::default();
        for text in &self.0 {
            sources.add(text.name.as_str(), text.text.as_str());
        }
        nsdl_syntax::render::render(diagnostics, &sources, color)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let mut texts = Texts::default();
        let id = texts.add("a.dl", "rel p(1)\nrel é = q", Path::new(""));
        assert_eq!(texts.place(Span::new(id, 0, 3)), Some(("a.dl", 1, 1)));
        assert_eq!(texts.place(Span::new(id, 16, 17)), Some(("a.dl", 2, 7)));
        assert_eq!(texts.place(Span::new(SourceId(7), 0, 1)), None);
    }

    #[test]
    fn snippets_are_on_one_line() {
        let mut texts = Texts::default();
        let id = texts.add("a.dl", "rel p(x) =\n    q(x)", Path::new(""));
        assert_eq!(
            texts.snippet(Span::new(id, 0, 19)).as_deref(),
            Some("rel p(x) = q(x)")
        );
    }
}
