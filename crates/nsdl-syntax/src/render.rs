//! Diagnostics as people read them: code, message, source line, caret, notes and help.
//!
//! The only place that knows ariadne. It is given excerpts, not whole texts: the lines that the labels
//! touch, and of very long lines only what is near a label, so that rendering takes no time to speak of
//! for texts of any size.

mod excerpt;

use std::fmt::{Display, Write};
use std::ops::Range;

use ariadne::{Cache, Color, Config, Fmt, IndexType, Label, Report, ReportKind, Source};
use nsdl_ir::{Diagnostic, Severity, SourceId, Span};

use crate::Sources;
use excerpt::Excerpt;

/// The diagnostics, one after the other, each ended by a line break; with ANSI colours if `color`.
///
/// Labels outside of `sources` are left out; without any label there is no source line.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        one(diagnostic, sources, color, &mut text);
    }
    text
}

fn one(diagnostic: &Diagnostic, sources: &Sources, color: bool, text: &mut String) {
    let labels: Vec<(Span, &str)> = diagnostic
        .labels
        .iter()
        .filter(|label| sources.contains(label.span.source))
        .map(|label| (label.span, label.text.as_str()))
        .collect();
    let Some((primary, _)) = labels.first() else {
        return without_place(diagnostic, color, text);
    };

    let mut excerpts = Excerpts {
        sources,
        shown: Vec::new(),
    };
    for (span, _) in &labels {
        if !excerpts
            .shown
            .iter()
            .any(|excerpt| excerpt.id == span.source)
        {
            let spans: Vec<Range<usize>> = labels
                .iter()
                .filter(|(other, _)| other.source == span.source)
                .map(|(other, _)| other.range())
                .collect();
            excerpts
                .shown
                .push(Excerpt::new(span.source, sources.text(span.source), &spans));
        }
    }

    let (kind, primary_color) = match diagnostic.severity {
        Severity::Error => (ReportKind::Error, Color::Red),
        Severity::Warning => (ReportKind::Warning, Color::Yellow),
    };
    let config = Config::default()
        .with_color(color)
        .with_index_type(IndexType::Char);
    let mut report = Report::build(kind, excerpts.place(*primary))
        .with_config(config)
        .with_code(diagnostic.code)
        .with_message(&diagnostic.message);
    // ariadne begins a new section where the source changes or the order goes back a line.
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by_key(|&index| {
        (
            labels[index].0.source != primary.source,
            labels[index].0.source,
            labels[index].0.end,
        )
    });
    for (rank, &index) in order.iter().enumerate() {
        let (span, words) = labels[index];
        let color = if index == 0 {
            primary_color
        } else {
            Color::Blue
        };
        let rank = i32::try_from(rank).unwrap_or(i32::MAX);
        let label = Label::new(excerpts.place(span))
            .with_color(color)
            .with_order(rank);
        report.add_label(if words.is_empty() {
            label
        } else {
            label.with_message(words)
        });
    }
    report.with_notes(&diagnostic.notes);
    if let Some(help) = &diagnostic.help {
        report.add_help(help);
    }
    let mut bytes = Vec::new();
    // Writing to memory cannot fail; should ariadne refuse, the message itself is still told.
    match report.finish().write(&mut excerpts, &mut bytes) {
        Ok(()) => {
            let mut shown = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((wrong, right)) = excerpts.columns(*primary) {
                shown = shown.replacen(&wrong, &right, 1);
            }
            // ariadne pads lines; nobody wants to see that in a diff.
            for line in shown.lines() {
                text.push_str(line.trim_end());
                text.push('\n');
            }
        }
        Err(_) => without_place(diagnostic, color, text),
    }
}

fn without_place(diagnostic: &Diagnostic, color: bool, text: &mut String) {
    let (kind, shade) = match diagnostic.severity {
        Severity::Error => ("Error", Color::Red),
        Severity::Warning => ("Warning", Color::Yellow),
    };
    let head = format!("[{}] {kind}:", diagnostic.code);
    // Writing to a string cannot fail.
    let _ = if color {
        writeln!(text, "{} {}", head.fg(shade), diagnostic.message)
    } else {
        writeln!(text, "{head} {}", diagnostic.message)
    };
    let notes = diagnostic.notes.iter().map(|note| ("Note", note));
    for (word, sentence) in notes.chain(diagnostic.help.iter().map(|help| ("Help", help))) {
        let _ = if color {
            writeln!(text, "  {}: {sentence}", word.fg(Color::Fixed(115)))
        } else {
            writeln!(text, "  {word}: {sentence}")
        };
    }
}

/// What is shown of the sources of one diagnostic.
struct Excerpts<'a> {
    sources: &'a Sources,
    shown: Vec<Excerpt>,
}

impl Excerpts<'_> {
    /// A place in a source as a range of characters in its excerpt. (Ranges of bytes would do, but
    /// ariadne 0.6.0 takes characters for bytes where it names a second source.)
    fn place(&self, span: Span) -> (SourceId, Range<usize>) {
        let range = match self.shown.iter().find(|excerpt| excerpt.id == span.source) {
            Some(excerpt) => {
                let start = excerpt.locate(span.start as usize);
                start..excerpt.locate(span.end as usize).max(start)
            }
            None => 0..0,
        };
        (span.source, range)
    }

    /// The position that ariadne writes for a place whose line is shown in part, and the true one.
    fn columns(&self, span: Span) -> Option<(String, String)> {
        let excerpt = self
            .shown
            .iter()
            .find(|excerpt| excerpt.id == span.source)?;
        let at = span.start as usize;
        if !excerpt
            .cut_lines
            .iter()
            .any(|line| line.contains(&at) || line.end == at)
        {
            return None;
        }
        let (_, _, shown) = excerpt.source.get_offset_line(excerpt.locate(at))?;
        let shown = shown + 1;
        let (line, column) = self.sources.position(span.source, span.start);
        Some((format!(":{line}:{shown} "), format!(":{line}:{column} ")))
    }
}

impl Cache<SourceId> for Excerpts<'_> {
    type Storage = String;

    fn fetch(&mut self, id: &SourceId) -> Result<&Source<String>, impl std::fmt::Debug> {
        match self.shown.iter().find(|excerpt| excerpt.id == *id) {
            Some(excerpt) => Ok(&excerpt.source),
            None => Err("unknown source"),
        }
    }

    fn display<'a>(&self, id: &'a SourceId) -> Option<impl Display + 'a> {
        Some(self.sources.name(*id).to_owned())
    }
}
