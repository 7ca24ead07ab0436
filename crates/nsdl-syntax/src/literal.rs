//! Literals: numbers, strings, characters and symbols, from their text to their meaning.
//!
//! The functions here are callbacks of the lexer. They always yield a literal, if only a stand-in for a
//! bad one, and report what is wrong with it, so that one bad literal gives one error.

use std::borrow::Cow;
use std::ops::Range;

use logos::Lexer;
use nsdl_ir::{DateTime, Diagnostic, Duration, Span, Type};

use crate::ast::Literal;
use crate::token::Token;

type Lex<'input> = Lexer<'input, Token<'input>>;

/// The place of `range`, counted from the start of the current token.
pub fn span(lexer: &Lex<'_>, range: Range<usize>) -> Span {
    let start = lexer.span().start;
    Span::new(lexer.extras.source, start + range.start, start + range.end)
}

fn report(lexer: &mut Lex<'_>, diagnostic: Diagnostic) {
    lexer.extras.diagnostics.push(diagnostic);
}

/// `12`, `0xff`, `1_000u64`, `1.5e-3`, `2.0f64`; the lexer has taken the first digit.
pub fn number<'input>(lexer: &mut Lex<'input>) -> Literal {
    let rest = lexer.remainder();
    let radix = match (lexer.slice(), rest.as_bytes().first()) {
        ("0", Some(b'x')) => Some(16),
        ("0", Some(b'o')) => Some(8),
        ("0", Some(b'b')) => Some(2),
        _ => None,
    };
    match radix {
        Some(radix) => {
            let digits = 1 + count(&rest[1..], |c| c == '_' || c.is_digit(radix));
            let end = digits + suffix_length(&rest[digits..]);
            lexer.bump(end);
            integer(lexer, &rest[1..digits], radix, &rest[digits..end])
        }
        None => decimal(lexer),
    }
}

fn decimal<'input>(lexer: &mut Lex<'input>) -> Literal {
    let start = lexer.span().start;
    let text = lexer.source().get(start..).unwrap_or_default();
    let is_digit = |c: char| c == '_' || c.is_ascii_digit();
    let digit_at = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);

    let mut end = count(text, is_digit);
    let mut float = false;
    // A dot belongs to the number only before a digit: `0..5` is a range.
    if text[end..].starts_with('.') && digit_at(end + 1) {
        end += 1 + count(&text[end + 1..], is_digit);
        float = true;
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        if digit_at(end + 1 + sign) {
            end += 1 + sign + count(&text[end + 1 + sign..], is_digit);
            float = true;
        }
    }
    let (digits, suffix) = (&text[..end], &text[end..end + suffix_length(&text[end..])]);
    lexer.bump(end + suffix.len() - 1);

    let ty = Type::from_name(suffix);
    if !float && !ty.is_some_and(Type::is_float) {
        return integer(lexer, digits, 10, suffix);
    }
    if !suffix.is_empty() && !ty.is_some_and(Type::is_float) {
        let place = span(lexer, end..end + suffix.len());
        let message = format!("`{suffix}` is not a suffix of a float");
        report(
            lexer,
            Diagnostic::error("E0105", message)
                .label(place, "not a float type")
                .help("the suffixes of floats are `f32` and `f64`"),
        );
        return Literal::Float(without_underscores(digits).into_owned(), None);
    }
    Literal::Float(without_underscores(digits).into_owned(), ty)
}

fn integer(lexer: &mut Lex<'_>, digits: &str, radix: u32, suffix: &str) -> Literal {
    let ty = Type::from_name(suffix).filter(|ty| ty.is_integer());
    let length = lexer.slice().len();
    if !suffix.is_empty() && ty.is_none() {
        let place = span(lexer, length - suffix.len()..length);
        let message = format!("`{suffix}` is not a suffix of an integer");
        report(
            lexer,
            Diagnostic::error("E0105", message)
                .label(place, "not a number type")
                .help("suffixes are the number types, such as `i64`, `u8`, `usize` and `f64`; a name cannot begin with a digit"),
        );
    }
    let clean = without_underscores(digits);
    let value = u128::from_str_radix(&clean, radix).unwrap_or_else(|_| {
        let place = span(lexer, 0..length);
        let diagnostic = if clean.is_empty() {
            Diagnostic::error("E0105", "this number has no digits").label(place, "digits missing")
        } else {
            Diagnostic::error("E0105", "this integer is too large for every integer type")
                .label(place, format!("larger than {}", u128::MAX))
                .help("the largest type is `u128`; write a float, such as `1e40`, if an approximation will do")
        };
        report(lexer, diagnostic);
        0
    });
    Literal::Integer(value, ty)
}

/// `"…"` or `"""…"""`, in which quotes need no escape, both also over several lines; the lexer has taken the first quote.
pub fn string<'input>(lexer: &mut Lex<'input>) -> Literal {
    if lexer.remainder().starts_with("\"\"") {
        lexer.bump(2);
        Literal::String(quoted(lexer, 3, "\"\"\""))
    } else {
        Literal::String(quoted(lexer, 1, "\""))
    }
}

/// `s"…"`
pub fn symbol<'input>(lexer: &mut Lex<'input>) -> Literal {
    Literal::Symbol(quoted(lexer, 2, "\""))
}

/// `t"2020-01-01"` and `d"3 weeks"`.
pub fn time<'input>(lexer: &mut Lex<'input>) -> Literal {
    let date = lexer.slice().starts_with('t');
    let text = quoted(lexer, 2, "\"");
    let literal = match date {
        true => DateTime::parse(&text).map(Literal::DateTime),
        false => Duration::parse(&text).map(Literal::Duration),
    };
    literal.unwrap_or_else(|| {
        let place = span(lexer, 0..lexer.slice().len());
        let (what, example) = match date {
            true => ("a date", "`t\"2020-01-31\"`, `t\"2020-01-31T10:00:00Z\"`"),
            false => (
                "a duration",
                "`d\"12 days\"`, `d\"3 weeks 2 hours\"`, `d\"P1M\"`",
            ),
        };
        let error = Diagnostic::error("E0119", format!("`{text}` is not {what}"))
            .label(place, "cannot be read");
        let both = if date {
            DateTime::ambiguous(&text)
        } else {
            None
        };
        report(
            lexer,
            match both {
                Some([month, day]) => error
                    .note("programs differ in whether the month or the day comes first")
                    .help(format!("write `t\"{month}\"` or `t\"{day}\"`")),
                None => error.help(format!("write it as {example}")),
            },
        );
        match date {
            true => Literal::DateTime(DateTime { microseconds: 0 }),
            false => Literal::Duration(Duration {
                months: 0,
                microseconds: 0,
            }),
        }
    })
}

/// Takes the text up to `close` and resolves its escapes; `open` bytes of the token come before it.
fn quoted(lexer: &mut Lex<'_>, open: usize, close: &str) -> String {
    let rest = lexer.remainder();
    let Some(end) = end_of_text(rest, close) else {
        return without_end(lexer, open, close);
    };
    if close.len() == 1 && rest[..end].contains('\n') {
        let after = rest[end + 1..].chars().next();
        // A quote that begins the next string, and not one that ends this: `"abc)` before a line with `("x")`.
        if after.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '"') {
            return without_end(lexer, open, close);
        }
        let start = lexer.span().start;
        lexer.extras.over_lines.get_or_insert(start);
    }
    lexer.bump(end + close.len());
    unescape(lexer, &rest[..end], open)
}

/// Where the text before the first `close` ends.
fn end_of_text(text: &str, close: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'"' if bytes[at..].starts_with(close.as_bytes()) => return Some(at),
            _ => at += 1,
        }
    }
}

/// E0102. Only the line is lost, or, for three quotes, the rest of the text.
fn without_end(lexer: &mut Lex<'_>, open: usize, close: &str) -> String {
    let rest = lexer.remainder();
    let place = span(lexer, 0..open);
    let mut error =
        Diagnostic::error("E0102", "this string has no end").label(place, "begins here");
    if close.len() == 3 {
        lexer.bump(rest.len());
        lexer.extras.open_at_end = true;
        error = error.help("end it with `\"\"\"`");
    } else {
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        lexer.bump(line.trim_end_matches('\r').len());
        error = error.help("end it with `\"`; a quote inside of it is written `\\\"`");
        // Quotes come in pairs: the one that is missing may be missing there.
        if let Some(start) = lexer.extras.over_lines {
            let source = lexer.extras.source;
            let other = Span::new(source, start, start + 1);
            error = error.label(other, "or this one, which goes on over several lines");
        }
    }
    report(lexer, error);
    String::new()
}

/// `'a'`, `'é'`, `'\n'`, `'\u{e9}'`; the lexer has taken the first quote.
pub fn character<'input>(lexer: &mut Lex<'input>) -> Literal {
    let rest = lexer.remainder();
    let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
    let mut end = None;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            // `'''` is the character `'`.
            '\'' if !escaped && (at > 0 || !line[1..].starts_with('\'')) => {
                end = Some(at);
                break;
            }
            _ => escaped = false,
        }
    }
    let Some(end) = end else {
        let place = span(lexer, 0..1);
        report(
            lexer,
            Diagnostic::error("E0102", "this character has no end")
                .label(place, "begins here")
                .help("end it with `'`; text stands between `\"` and `\"`"),
        );
        // One character at most is lost, so that the rest of the line is still checked.
        lexer.bump(
            line.chars()
                .next()
                .filter(|c| c.is_alphanumeric())
                .map_or(0, char::len_utf8),
        );
        return Literal::Char('?');
    };
    lexer.bump(end + 1);
    let before = lexer.extras.diagnostics.len();
    let text = unescape(lexer, &line[..end], 1);
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => return Literal::Char(c),
        _ if lexer.extras.diagnostics.len() > before => {}
        (first, _) => {
            let place = span(lexer, 0..end + 2);
            let found = if first.is_none() {
                "none".into()
            } else {
                text.chars().count().to_string()
            };
            let diagnostic = Diagnostic::error(
                "E0106",
                "there must be exactly one character between single quotes",
            )
            .label(
                place,
                format!(
                    "here {} {found}",
                    if found == "none" { "is" } else { "are" }
                ),
            )
            .help("text stands between double quotes: `\"…\"`");
            report(lexer, diagnostic);
        }
    }
    Literal::Char('?')
}

/// Resolves the escapes of `body`, which begins `offset` bytes into the token.
fn unescape(lexer: &mut Lex<'_>, body: &str, offset: usize) -> String {
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let (length, c) = read_escape(escape);
        match c {
            Some(c) => text.push(c),
            None => {
                let start = offset + (body.len() - rest.len()) + at;
                let place = span(lexer, start..start + 1 + length);
                let message = format!("`\\{}` is not an escape", &escape[..length]);
                report(
                    lexer,
                    Diagnostic::error("E0104", message)
                        .label(place, "unknown")
                        .help("escapes are `\\t \\r \\n \\0 \\\" \\' \\\\` and `\\u{e9}`; a backslash itself is `\\\\`"),
                );
            }
        }
        rest = &escape[length..];
    }
    text.push_str(rest);
    text
}

/// The length of the escape after its backslash, and what it stands for.
fn read_escape(escape: &str) -> (usize, Option<char>) {
    let c = match escape.chars().next() {
        Some('t') => '\t',
        Some('r') => '\r',
        Some('n') => '\n',
        Some('0') => '\0',
        Some(c @ ('"' | '\'' | '\\')) => c,
        Some('u') => {
            let Some(digits) = escape.strip_prefix("u{") else {
                return (1, None);
            };
            let length = count(digits, |c| c.is_ascii_hexdigit());
            if !digits[length..].starts_with('}') {
                return (2 + length, None);
            }
            let c = u32::from_str_radix(&digits[..length], 16)
                .ok()
                .and_then(char::from_u32);
            return (3 + length, c);
        }
        Some(c) => return (c.len_utf8(), None),
        None => return (0, None),
    };
    (1, Some(c))
}

fn without_underscores(digits: &str) -> Cow<'_, str> {
    if digits.contains('_') {
        digits.replace('_', "").into()
    } else {
        digits.into()
    }
}

/// Bytes at the start of `text` whose characters satisfy `accept`.
fn count(text: &str, accept: impl Fn(char) -> bool) -> usize {
    text.find(|c| !accept(c)).unwrap_or(text.len())
}

fn suffix_length(text: &str) -> usize {
    count(text, |c| c == '_' || c.is_alphanumeric())
}
