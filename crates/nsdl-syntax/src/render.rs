//! Diagnostics as people read them: code, message, source line, caret, notes and help.
//!
//! The only place that knows ariadne. It is given excerpts, not whole texts: the lines that the labels
//! touch, and of very long lines only what is near a label, so that rendering takes no time to speak of
//! for texts of any size.

use std::fmt::{Display, Write};
use std::ops::Range;

use ariadne::{Cache, Color, Config, Fmt, IndexType, Label, Report, ReportKind, Source};
use nsdl_ir::{Diagnostic, Severity, SourceId, Span};

use crate::Sources;

/// Longer lines are shown in part.
const LONG_LINE: usize = 400;
/// What is shown of them on each side of a label.
const CONTEXT: usize = 60;

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

/// Part of a source text.
struct Excerpt {
    id: SourceId,
    source: Source<String>,
    /// Ranges of the text that are copied, ascending, and where each begins in the copy.
    pieces: Vec<(Range<usize>, usize)>,
    /// The lines of the text that are copied in part.
    cut_lines: Vec<Range<usize>>,
}

impl Excerpt {
    fn new(id: SourceId, text: &str, spans: &[Range<usize>]) -> Self {
        let first = spans
            .iter()
            .map(|span| span.start)
            .min()
            .unwrap_or(0)
            .min(text.len());
        let last = spans
            .iter()
            .map(|span| span.end)
            .max()
            .unwrap_or(0)
            .min(text.len());
        let bytes = text.as_bytes();
        let start = bytes[..first]
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |at| at + 1);
        let lines_before = bytes[..start].iter().filter(|&&b| b == b'\n').count();

        // Empty lines stand for those before, so that line numbers are right; ariadne's offset for that
        // (0.6.0) changes them in the heading only.
        let mut excerpt = "\n".repeat(lines_before);
        let mut pieces = Vec::new();
        let mut cut_lines = Vec::new();
        let mut at = start;
        while at <= last {
            let end = bytes[at..]
                .iter()
                .position(|&b| b == b'\n')
                .map_or(text.len(), |length| at + length);
            if end - at > LONG_LINE {
                cut_lines.push(at..end);
                for window in windows(text, at..end, spans) {
                    let dots = if window.start > at { "…" } else { "" };
                    excerpt.push_str(dots);
                    copy(text, window, &mut excerpt, &mut pieces);
                }
                if pieces.last().is_none_or(|(range, _)| range.end < end) {
                    excerpt.push('…');
                }
            } else {
                copy(text, at..end, &mut excerpt, &mut pieces);
            }
            excerpt.push('\n');
            at = end + 1;
        }
        let source = Source::from(excerpt);
        Self {
            id,
            source,
            pieces,
            cut_lines,
        }
    }

    /// How many characters of the excerpt come before a byte of the text, or before where it would be.
    fn locate(&self, byte: usize) -> usize {
        let after = self
            .pieces
            .partition_point(|(range, _)| range.start <= byte);
        let place = match after
            .checked_sub(1)
            .and_then(|index| self.pieces.get(index))
        {
            Some((range, copy)) => copy + byte.min(range.end) - range.start,
            None => self.pieces.first().map_or(0, |(_, copy)| *copy),
        };
        let text = self.source.text();
        text[..floor(text, place.min(text.len()))].chars().count()
    }
}

/// Copies a range, with line breaks that only ariadne knows made into spaces, so that its line numbers are right.
fn copy(
    text: &str,
    range: Range<usize>,
    excerpt: &mut String,
    pieces: &mut Vec<(Range<usize>, usize)>,
) {
    pieces.push((range.clone(), excerpt.len()));
    for c in text[range].chars() {
        match c {
            '\r' | '\x0B' | '\x0C' => excerpt.push(' '),
            // Two and three bytes, so that places stay where they are.
            '\u{85}' => excerpt.push('\u{a0}'),
            '\u{2028}' | '\u{2029}' => excerpt.push('\u{2003}'),
            c => excerpt.push(c),
        }
    }
}

/// The parts of a long line around the ends of the labels, ascending and disjoint.
fn windows(text: &str, line: Range<usize>, spans: &[Range<usize>]) -> Vec<Range<usize>> {
    let ends = spans.iter().flat_map(|span| [span.start, span.end]);
    let mut ends: Vec<usize> = ends
        .filter(|end| line.contains(end) || *end == line.end)
        .collect();
    ends.sort_unstable();
    let mut windows: Vec<Range<usize>> = Vec::new();
    for end in ends {
        let start = floor(text, end.saturating_sub(CONTEXT).max(line.start));
        let stop = floor(text, (end + CONTEXT).min(line.end));
        match windows.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(stop),
            _ => windows.push(start..stop),
        }
    }
    if windows.is_empty() {
        windows.push(line.start..floor(text, (line.start + CONTEXT).min(line.end)));
    }
    windows
}

/// The last boundary of a character up to `byte`.
fn floor(text: &str, mut byte: usize) -> usize {
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}
