//! From text to tokens. Total: every text has tokens, and what is wrong with it is reported beside them.

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
    /// Bad characters and literals, in order.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether the text ends inside a block comment or a triple-quoted string.
    pub open_at_end: bool,
}

/// Splits `text`, which is shorter than 2³² bytes, into tokens.
pub fn lex(text: &str, source: SourceId) -> Lexed<'_> {
    let problems = Problems {
        source,
        ..Problems::default()
    };
    let mut lexer = Token::lexer_with_extras(text, problems);
    let mut tokens = Vec::with_capacity(text.len() / 4);
    let mut last_bad_end = None;
    while let Some(result) = lexer.next() {
        let range = lexer.span();
        match result {
            Ok(token) => tokens.push((range.start, token, range.end)),
            // A run of bad characters is one error.
            Err(()) if last_bad_end == Some(range.start) => last_bad_end = Some(range.end),
            Err(()) => {
                last_bad_end = Some(range.end);
                let span = Span::new(source, range.start, range.end);
                let problem = bad_character(lexer.slice(), lexer.remainder(), span);
                lexer.extras.diagnostics.push(problem);
            }
        }
    }
    Lexed {
        tokens,
        diagnostics: lexer.extras.diagnostics,
        open_at_end: lexer.extras.open_at_end,
    }
}

fn bad_character(found: &str, rest: &str, span: Span) -> Diagnostic {
    let message = if found.chars().any(char::is_control) {
        format!("`{}` means nothing here", found.escape_default())
    } else {
        format!("`{found}` means nothing here")
    };
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
        Some('\\') => "disjunction is `\\/`, conjunction `/\\`",
        _ => return Diagnostic::error("E0101", message).label(span, "unknown character"),
    };
    Diagnostic::error("E0101", message)
        .label(span, "unknown character")
        .help(help)
}
