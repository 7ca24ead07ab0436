//! From text to tokens. Total: every text has tokens, and what is wrong with it is reported beside them.

use std::ops::Range;

use logos::Logos;
use nsdl_ir::{Diagnostic, SourceId, Span};

use crate::token::{Problems, Token};

/// A token with its first byte and the one past its last.
pub type Spanned<'input> = (usize, Token<'input>, usize);

/// The tokens of a text.
#[derive(Debug)]
pub struct Lexed<'input> {
    /// In order, without comments.
    pub tokens: Vec<Spanned<'input>>,
    /// Bad literals in order, then bad characters.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether the text ends inside a block comment or a triple-quoted string.
    pub open_at_end: bool,
    /// Where the comments are, in order.
    pub comments: Vec<Range<usize>>,
}

/// Splits `text`, which is shorter than 2³² bytes, into tokens.
pub fn lex(text: &str, source: SourceId) -> Lexed<'_> {
    let problems = Problems {
        source,
        ..Problems::default()
    };
    let mut lexer = Token::lexer_with_extras(text, problems);
    let mut tokens = Vec::with_capacity(text.len() / 4);
    // A run of bad characters is one error.
    let mut bad: Vec<Range<usize>> = Vec::new();
    while let Some(result) = lexer.next() {
        let range = lexer.span();
        match (result, bad.last_mut()) {
            (Ok(token), _) => tokens.push((range.start, token, range.end)),
            (Err(()), Some(last)) if last.end == range.start => last.end = range.end,
            (Err(()), _) => bad.push(range.clone()),
        }
        // The rest of the line is a comment elsewhere: it has no errors of its own.
        if text.get(range) == Some("#") {
            let rest = lexer.remainder();
            if let Some(run) = bad.last_mut() {
                run.end += rest.len() - rest.trim_start_matches('#').len();
            }
            lexer.bump(rest.find('\n').unwrap_or(rest.len()));
        }
    }
    crate::parameters::mark(&mut tokens);
    let mut problems = lexer.extras;
    problems.diagnostics.extend(bad.into_iter().map(|range| {
        let span = Span::new(source, range.start, range.end);
        bad_characters(&text[range.clone()], &text[range.end..], span)
    }));
    Lexed {
        tokens,
        diagnostics: problems.diagnostics,
        open_at_end: problems.open_at_end,
        comments: problems.comments,
    }
}

fn bad_characters(found: &str, rest: &str, span: Span) -> Diagnostic {
    let mut shown: String = found.chars().take(20).flat_map(visible).collect();
    if found.chars().nth(20).is_some() {
        shown.push('…');
    }
    let message = format!("`{shown}` means nothing here");
    let help = match found.chars().next() {
        Some('#') => "comments begin with `//`",
        Some('.') if rest.starts_with(|c: char| c.is_ascii_digit()) => {
            "floats begin with a digit: `0.5`"
        }
        Some('.') => "items end without a full stop, and floats have a digit behind it: `1.0`",
        Some('&' | '∧') => {
            "conjunction is `and` or `,` between formulas and `&&` between Boolean values"
        }
        Some('∨') => "disjunction is `or` between formulas and `||` between Boolean values",
        Some('¬') => "negation is `not` before an atom and `!` before a Boolean value",
        Some('≤') => "write `<=`",
        Some('≥') => "write `>=`",
        Some('≠') => "write `!=`",
        Some('“' | '”' | '„') => "strings stand between straight quotes: `\"…\"`",
        Some('‘' | '’') => "characters stand between straight quotes: `'a'`",
        Some('−' | '–') => "the minus sign is `-`",
        Some('∃') => "write `exists(…)`",
        Some('$') => "a function is `$name(…)`",
        Some('\\') if rest.starts_with('+') => "negation is `not`",
        Some('\\') => "disjunction is `\\/`, conjunction `/\\`",
        _ => return Diagnostic::error("E0101", message).label(span, "unknown character"),
    };
    Diagnostic::error("E0101", message)
        .label(span, "unknown character")
        .help(help)
}

/// Control characters as escapes.
fn visible(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control().then(|| c.escape_default());
    let plain = (!c.is_control()).then_some(c);
    escaped.into_iter().flatten().chain(plain)
}
