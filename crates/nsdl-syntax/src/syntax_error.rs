//! Syntax errors in words: what was found, what could have stood there, and the fix where it is known.

use lalrpop_util::ParseError;
use nsdl_ir::{Diagnostic, SourceId, Span, did_you_mean};

use crate::lexer::Spanned;
use crate::token::Token;

/// Where an item stands.
pub struct Place<'a> {
    /// The whole text.
    pub text: &'a str,
    /// Its number.
    pub source: SourceId,
    /// A bracket of the item that has no partner.
    pub brackets: Option<Unpaired>,
    /// First byte of the item.
    pub begin: usize,
    /// One past its last byte.
    pub end: usize,
    /// Where the next item begins.
    pub next: Option<usize>,
}

/// A bracket without its partner.
#[derive(Clone, Copy, Debug)]
pub enum Unpaired {
    /// Opened at the byte and never closed.
    Open(usize),
    /// Closes, at the second byte, what was opened otherwise at the first.
    Mismatch(usize, usize),
    /// Closes nothing.
    Close(usize),
}

/// The first closing bracket that has no partner, or the last opening one.
pub fn brackets(tokens: &[Spanned<'_>]) -> Option<Unpaired> {
    let mut open = Vec::new();
    for (start, token, _) in tokens {
        let closes = match token {
            Token::LeftParen => {
                open.push((*start, Token::RightParen));
                continue;
            }
            Token::LeftBracket => {
                open.push((*start, Token::RightBracket));
                continue;
            }
            Token::LeftBrace => {
                open.push((*start, Token::RightBrace));
                continue;
            }
            Token::RightParen | Token::RightBracket | Token::RightBrace => token,
            _ => continue,
        };
        match open.pop() {
            Some((_, expected)) if expected == *closes => {}
            Some((at, _)) => return Some(Unpaired::Mismatch(at, *start)),
            None => return Some(Unpaired::Close(*start)),
        }
    }
    open.last().map(|(at, _)| Unpaired::Open(*at))
}

/// The diagnostic of an error of the generated parser.
pub fn diagnostic(
    error: ParseError<usize, Token<'_>, std::convert::Infallible>,
    place: &Place<'_>,
) -> Diagnostic {
    let span = |start: usize, end: usize| Span::new(place.source, start, end);
    let slice = |start: usize, end: usize| place.text.get(start..end).unwrap_or_default();
    match error {
        ParseError::User { error } => match error {},
        ParseError::InvalidToken { location } => {
            Diagnostic::error("E0107", "syntax error").label(span(location, location), "here")
        }
        ParseError::ExtraToken {
            token: (start, token, end),
        } => unexpected(&token, span(start, end), slice(start, end), &[], place),
        ParseError::UnrecognizedToken {
            token: (start, token, end),
            expected,
        } => {
            if let Some(Unpaired::Mismatch(open, close)) = place.brackets
                && close <= start
            {
                let (open_text, close_text) = (slice(open, open + 1), slice(close, close + 1));
                let message = format!("`{close_text}` does not close `{open_text}`");
                return Diagnostic::error("E0108", message)
                    .label(
                        span(close, close + 1),
                        "this closes another kind of bracket",
                    )
                    .label(span(open, open + 1), "open since here");
            }
            if let Some(Unpaired::Close(close)) = place.brackets
                && close == start
            {
                let message = format!("`{}` closes nothing", slice(start, end));
                return Diagnostic::error("E0108", message)
                    .label(span(start, end), "no such bracket is open");
            }
            unexpected(
                &token,
                span(start, end),
                slice(start, end),
                &expected,
                place,
            )
        }
        ParseError::UnrecognizedEof { expected, .. } => {
            let end = place.text.get(..place.end).map_or(0, str::len);
            let last = place.text[..end]
                .char_indices()
                .next_back()
                .map_or(0, |(at, _)| at);
            if let Some(Unpaired::Open(open)) = place.brackets {
                return Diagnostic::error(
                    "E0108",
                    format!("`{}` is never closed", slice(open, open + 1)),
                )
                .label(span(open, open + 1), "opened here")
                .label(span(last.max(open), end), "the item ends here");
            }
            let expected = describe(&expected);
            let message = match place.next {
                Some(_) => format!("the item ends too early: expected {expected}"),
                None => format!("the text ends too early: expected {expected}"),
            };
            let only_attributes =
                slice(place.begin, place.begin + 1) == "@" && expected.contains("`rel`");
            let problem = Diagnostic::error("E0107", message)
                .label(span(last, end), format!("{expected} is missing after this"));
            if only_attributes {
                problem.help("an attribute stands before the item it is about")
            } else {
                problem
            }
        }
    }
}

fn unexpected(
    token: &Token<'_>,
    span: Span,
    slice: &str,
    expected: &[String],
    place: &Place<'_>,
) -> Diagnostic {
    let found = found(token, slice);
    let expectation = if expected.is_empty() {
        "the end of the item".into()
    } else {
        describe(expected)
    };
    let message = format!("expected {expectation}, found {found}");
    let problem = Diagnostic::error("E0107", message).label(span, "unexpected");
    match help(token, slice, expected, span, place) {
        Some(help) => problem.help(help),
        None => problem,
    }
}

fn found(token: &Token<'_>, slice: &str) -> String {
    use crate::ast::Literal;
    match token {
        Token::Literal(Literal::String(_)) => "a string".into(),
        Token::Literal(Literal::Symbol(_)) => "a symbol".into(),
        _ if token.is_keyword(slice) => format!("the keyword `{slice}`"),
        _ => {
            let short: String = slice.chars().take(30).collect();
            if short.len() < slice.len() {
                format!("`{short}…`")
            } else {
                format!("`{slice}`")
            }
        }
    }
}

fn help(
    token: &Token<'_>,
    slice: &str,
    expected: &[String],
    span: Span,
    place: &Place<'_>,
) -> Option<String> {
    let expects = |terminal: &str| expected.iter().any(|one| one.trim_matches('"') == terminal);
    let starts_line = || {
        let before = place.text.get(..span.start as usize).unwrap_or_default();
        before.trim_end_matches([' ', '\t']).ends_with('\n')
    };
    let before = place.text.get(..span.start as usize).unwrap_or_default();
    let item = place.text.get(place.begin..).unwrap_or_default();
    let is_query = item.starts_with("query");
    let after_assignment = || {
        let words = before.rsplit(":=").next().unwrap_or_default();
        words.len() < before.len() && words.split_whitespace().count() == 1
    };
    let help = match token {
        Token::Semicolon if expects("or") => {
            "items end without `;`, and alternatives in a body are joined by `or`"
        }
        Token::Semicolon => "items are not separated by `;`: each begins with a keyword",
        Token::Bar => "alternatives are joined by `or`, Boolean values by `||`",
        Token::Comma if before.trim_end().ends_with(',') => "one comma too many",
        Token::Comma if expects("=") => {
            "each fact has a `rel` of its own, or all are a set: `rel p = {1, 2}`"
        }
        Token::LeftParen if expects("}") && expects(",") => "a `,` is missing before this",
        Token::Greater if before.ends_with('<') => "unequal is `!=`",
        Token::LeftBrace if expects("[") => "a list is `[1, 2]`",
        Token::Colon if expects("::") => "behind a probability stands `::`",
        Token::Comma | Token::Where if expects("|") && is_query => {
            "a query is a relation or an atom: give a condition a rule, `rel q(x) = p(x), x > 1`"
        }
        Token::Identifier("mod") if expects("%") => "the remainder is `x % 2`",
        Token::Identifier(_) if expects(":") && expects(")") => "a column is `name: i32` or `i32`",
        _ if expects("(") && expects("[") && !expects("literal") && after_assignment() => {
            "`:=` takes the result of an aggregate; `==` gives a variable its value"
        }
        Token::If if expects("and") => "a condition follows `and` or `,`, without `if`",
        Token::ColonEqual | Token::Turnstile if expects("=") => {
            "`:=` takes the result of an aggregate, `:-` and `=` stand between head and body"
        }
        Token::Identifier(name) if starts_line() => match did_you_mean(name, KEYWORDS) {
            Some(help) => return Some(help),
            None => "facts and rules begin with `rel`, other items with their keyword",
        },
        Token::Literal(_) | Token::Identifier(_) if expects("+") => {
            "between two values stands an operator, between two formulas `and`, `or` or `,`"
        }
        _ if token.is_keyword(slice) && expects("name") => "keywords cannot be names",
        _ => return None,
    };
    Some(help.into())
}

/// What items begin with.
const KEYWORDS: [&str; 8] = [
    "rel", "relation", "type", "const", "fn", "import", "query", "extern",
];

/// The terminals of `expected` in words, the many that begin or continue a value as one.
fn describe(expected: &[String]) -> String {
    let terminals: Vec<&str> = expected
        .iter()
        .map(|terminal| terminal.trim_matches('"'))
        .collect();
    let has = |terminal: &str| terminals.contains(&terminal);
    let mut words: Vec<String> = Vec::new();
    let value = has("literal") && has("name");
    let operator = has("+") && has("*") && !value;
    if value {
        words.push(
            if has("not") {
                "a formula or a value"
            } else {
                "a value"
            }
            .into(),
        );
    } else if has("exists") {
        words.push("an aggregate such as `count(x: p(x))`".into());
    } else if has("name") {
        words.push("a name".into());
    } else if has("literal") {
        words.push("a literal".into());
    }
    // Closing and separating first: they are the likeliest.
    const SHOWN: [&str; 24] = [
        ")", "]", "}", ",", ";", ":", "::", "=", "(", "[", "{", "and", "or", "where", "then",
        "else", "is", "in", "rel", "type", "const", "query", "@", "|",
    ];
    for terminal in SHOWN {
        let hidden = match terminal {
            // After a value these are rarely what is meant.
            "=" => !has(":-") && (has(":=") || operator),
            "::" => has("="),
            "(" | "[" | "{" => value || operator || has("rel"),
            "in" => true,
            "|" => has(",") || has("("),
            "and" | "or" => has(")") && has(","),
            "where" => has(")"),
            _ => false,
        };
        if has(terminal) && !hidden {
            words.push(format!("`{terminal}`"));
        }
    }
    if operator {
        words.push("an operator".into());
    }
    if words.is_empty() {
        words.extend(terminals.iter().map(|terminal| format!("`{terminal}`")));
    }
    match words.split_last() {
        None => "the end of the item".into(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}
