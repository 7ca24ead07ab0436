//! Excerpts of source texts: the lines that labels touch.

use std::ops::Range;

use ariadne::Source;
use nsdl_ir::SourceId;

/// Longer lines are shown in part.
const LONG_LINE: usize = 400;
/// What is shown of them on each side of a label.
const CONTEXT: usize = 60;

/// Part of a source text.
pub struct Excerpt {
    /// Of which text.
    pub id: SourceId,
    /// The part, with all its lines at their numbers.
    pub source: Source<String>,
    /// Ranges of the text that are copied, ascending, and where each begins in the copy.
    pieces: Vec<(Range<usize>, usize)>,
    /// The lines of the text that are copied in part.
    pub cut_lines: Vec<Range<usize>>,
}

impl Excerpt {
    /// The lines that the spans touch.
    pub fn new(id: SourceId, text: &str, spans: &[Range<usize>]) -> Self {
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
    pub fn locate(&self, byte: usize) -> usize {
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
