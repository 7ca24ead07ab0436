//! From text to the syntax tree, item by item.
//!
//! The tokens are split where items begin, and each item is parsed by itself: a syntax error loses one
//! item, and every broken item is reported.

use std::ops::Range;

use lalrpop_util::{ParseError, lalrpop_mod};
use nsdl_ir::{Diagnostic, SourceId, Span};

use crate::ast::Ast;
use crate::lexer::{Lexed, Spanned, lex};
use crate::raw::Context;
use crate::syntax_error::{self, Place};
use crate::token::Token;

lalrpop_mod!(
    #[allow(
        warnings,
        clippy::all,
        clippy::unwrap_used,
        clippy::expect_used,
        missing_docs
    )]
    grammar,
    "/nsdl.rs"
);

/// How many errors are worth reading.
const MOST_ERRORS: usize = 100;

/// Parses a text. Never fails: what cannot be read is left out of the tree and reported.
///
/// The diagnostics are in order of place, and are all errors; after a hundred, one says how many are left.
/// Linear in the length of the text.
pub fn parse(text: &str, source: SourceId) -> (Ast, Vec<Diagnostic>) {
    let outcome = run(text, source);
    (outcome.ast, outcome.diagnostics)
}

/// Whether the text ends inside an item, a comment or a string, so that more lines could complete it.
///
/// A text with any other error is not incomplete: more lines would not mend it.
pub fn is_incomplete(text: &str) -> bool {
    let outcome = run(text, SourceId::default());
    outcome.ends_inside && outcome.diagnostics.len() <= 1
}

struct Outcome {
    ast: Ast,
    diagnostics: Vec<Diagnostic>,
    ends_inside: bool,
}

fn run(text: &str, source: SourceId) -> Outcome {
    if u32::try_from(text.len()).is_err() {
        let problem = Diagnostic::error("E0117", "a source text has at most 4 GiB")
            .help("keep large data in CSV files");
        return Outcome {
            ast: Ast::default(),
            diagnostics: vec![problem],
            ends_inside: false,
        };
    }
    let Lexed {
        mut tokens,
        diagnostics: mut problems,
        open_at_end,
        comments: _,
    } = lex(text, source);
    let mut bad: Vec<usize> = problems
        .iter()
        .filter_map(|problem| Some(problem.span()?.range().start))
        .collect();
    bad.sort_unstable();

    let parser = grammar::ItemParser::new();
    let mut context = Context::new(source);
    let mut items = Vec::new();
    let mut ends_inside = open_at_end;
    contextual(&mut tokens);
    let chunks = split(&tokens);
    let mut tokens = tokens.into_iter();
    for (index, chunk) in chunks.iter().enumerate() {
        let chunk_tokens: Vec<Spanned<'_>> = tokens.by_ref().take(chunk.tokens.len()).collect();
        let place = Place {
            text,
            source,
            brackets: syntax_error::brackets(&chunk_tokens),
            begin: chunk.bytes.start,
            end: chunk.bytes.end,
            next: chunks.get(index + 1).map(|next| next.bytes.start),
        };
        if let Some(problem) = refused(&chunk_tokens, source) {
            context.diagnostics.push(problem);
            continue;
        }
        context.begin_item();
        let before = context.diagnostics.len();
        let result = parser.parse(&mut context, chunk_tokens);
        match result {
            Ok(item) => items.extend(item.map(|item| *item)),
            Err(error) => {
                // What the lexer complained about is the likely cause.
                let at = error_end(&error, chunk.bytes.end);
                let first = bad.partition_point(|&start| start < chunk.bytes.start);
                if bad.get(first).is_some_and(|&start| start < at) {
                    continue;
                }
                ends_inside |=
                    place.next.is_none() && matches!(error, ParseError::UnrecognizedEof { .. });
                context.diagnostics.truncate(before);
                context
                    .diagnostics
                    .push(syntax_error::diagnostic(error, &place));
            }
        }
    }
    problems.append(&mut context.diagnostics);
    problems.sort_by_key(|problem| problem.span().map(|span| span.start));
    if let Some(place) = problems.get(MOST_ERRORS).and_then(Diagnostic::span) {
        let left = problems.len() - MOST_ERRORS;
        problems.truncate(MOST_ERRORS);
        problems.push(
            Diagnostic::error("E0118", format!("{left} more errors are not shown"))
                .label(place, "the first of them")
                .help("is this a program at all? Otherwise mend those above first"),
        );
    }
    Outcome {
        ast: Ast { items },
        diagnostics: problems,
        ends_inside,
    }
}

type Error<'input> = ParseError<usize, Token<'input>, std::convert::Infallible>;

fn error_end(error: &Error<'_>, end: usize) -> usize {
    match error {
        ParseError::UnrecognizedToken { token, .. } | ParseError::ExtraToken { token } => token.2,
        _ => end.saturating_add(1),
    }
}

/// Tokens that depend on their neighbours.
///
/// Words that Scallop lacks are keywords only where no name could stand (SEMANTICS.md 11): where an item can begin,
/// `fn` before a name and its `(`, and `evidence` before a formula; and `keep min`, `keep max` before the name or
/// type of a column. Two `>` that touch are a shift where
/// an operand follows; elsewhere each closes the arguments of a type.
fn contextual(tokens: &mut Vec<Spanned<'_>>) {
    use Token::*;
    // Whether the token was the second half of the one before it.
    let mut taken = vec![false; tokens.len()];
    for at in 0..tokens.len() {
        let next = |ahead: usize| tokens.get(at + ahead).map(|(_, token, _)| token);
        let joined = match (&tokens[at].1, next(1), next(2)) {
            (Identifier("fn"), Some(Identifier(_)), Some(LeftParen))
                if ends_item(&tokens[..at]) =>
            {
                tokens[at].1 = Fn;
                continue;
            }
            (Identifier("evidence"), Some(after), _)
                if begins_formula(after) && ends_item(&tokens[..at]) =>
            {
                tokens[at].1 = Evidence;
                continue;
            }
            (
                Identifier("keep"),
                Some(Identifier(which)),
                Some(Identifier(_) | LeftParen | LeftBracket),
            ) => match *which {
                "min" => KeepMin,
                "max" => KeepMax,
                _ => continue,
            },
            (Greater, Some(Greater), Some(after))
                if !taken[at] && tokens[at].2 == tokens[at + 1].0 && after.begins_operand() =>
            {
                ShiftRight
            }
            _ => continue,
        };
        tokens[at].2 = tokens[at + 1].2;
        tokens[at].1 = joined;
        taken[at + 1] = true;
    }
    let mut taken = taken.into_iter();
    tokens.retain(|_| !taken.next().unwrap_or_default());
}

/// Whether an item can end behind these tokens: then no operand follows that is not another item.
fn ends_item(tokens: &[Spanned<'_>]) -> bool {
    use Token::*;
    match tokens.last().map(|(_, token, _)| token) {
        None | Some(Identifier(_) | Wildcard | Literal(_)) => true,
        Some(RightParen | RightBracket | RightBrace) => true,
        // It closes the arguments of a type, or compares.
        Some(Greater) => {
            let mut before = tokens.iter().rev().map(|(_, token, _)| token);
            let item = before.find(|token| token.begins_item());
            matches!(item, Some(Type | Extern))
        }
        _ => false,
    }
}

/// Whether a formula can begin with it, in evidence.
fn begins_formula(token: &Token<'_>) -> bool {
    use Token::*;
    token.begins_operand() || matches!(token, Not | New | Exists | Forall | Case)
}

/// The tokens of one item, if all is well.
struct Chunk {
    tokens: Range<usize>,
    bytes: Range<usize>,
}

/// Cuts before each word that begins an item; attributes stay with the item behind them.
fn split(tokens: &[Spanned<'_>]) -> Vec<Chunk> {
    let mut starts = Vec::new();
    // Whether the current chunk has only attributes so far.
    let mut attributes = false;
    for (index, (_, token, _)) in tokens.iter().enumerate() {
        let after_extern = index > 0 && matches!(tokens[index - 1].1, Token::Extern);
        if index == 0 || (token.begins_item() && !attributes && !after_extern) {
            starts.push(index);
            attributes = matches!(token, Token::At);
        } else if token.begins_item() && !matches!(token, Token::At) {
            attributes = false;
        }
    }
    let ends = starts.iter().skip(1).copied().chain([tokens.len()]);
    let chunk = |(start, end): (usize, usize)| Chunk {
        tokens: start..end,
        bytes: tokens[start].0..tokens[end - 1].2,
    };
    starts.iter().copied().zip(ends).map(chunk).collect()
}

/// Text that is no item at all.
fn refused(tokens: &[Spanned<'_>], source: SourceId) -> Option<Diagnostic> {
    if tokens.iter().any(|(_, token, _)| token.begins_item()) {
        return None;
    }
    let (start, first, end) = tokens.first()?;
    let error = Diagnostic::error("E0107", "this is not an item").label(
        Span::new(source, *start, *end),
        "an item cannot begin with this",
    );
    if matches!(first, Token::Minus | Token::Percent) {
        return Some(error.help("comments begin with `//`"));
    }
    Some(
        error.help("items begin with `rel`, `type`, `const`, `fn`, `import`, `query` or `@`; facts and rules with `rel`"),
    )
}
