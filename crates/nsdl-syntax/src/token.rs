//! The tokens of the language.

use logos::{Lexer, Logos, Skip};
use nsdl_ir::Diagnostic;

use crate::ast::Literal;
use crate::literal;

/// What the lexer carries along.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    /// Found so far; places are ranges of bytes, `SourceId` is the lexer's.
    pub diagnostics: Vec<Diagnostic>,
    /// Where they point.
    pub source: nsdl_ir::SourceId,
    /// Whether the text ends inside a block comment or a triple-quoted string.
    pub open_at_end: bool,
    /// Where the comments are, in order.
    pub comments: Vec<std::ops::Range<usize>>,
    /// Where the first string begins that goes on over several lines without three quotes.
    pub over_lines: Option<usize>,
}

/// A token. Bad literals are tokens too, so that the parser goes on behind them; the lexer has reported them.
#[derive(Logos, Clone, Debug, PartialEq)]
#[logos(extras = Problems, skip r"[\s\u{feff}]+")]
#[allow(missing_docs)] // Punctuation and keywords are what their patterns say.
pub enum Token<'input> {
    /// `path`, or `graph.path` of an imported module.
    #[regex(
        r"[\p{XID_Start}_]\p{XID_Continue}*(\.[\p{XID_Start}_]\p{XID_Continue}*)*",
        priority = 1
    )]
    Identifier(&'input str),
    #[token("_", priority = 9)]
    Wildcard,
    #[regex("[0-9]", literal::number)]
    #[token("\"", literal::string)]
    #[token("s\"", literal::symbol, priority = 9)]
    #[token("t\"", literal::time, priority = 9)]
    #[token("d\"", literal::time, priority = 9)]
    #[token("'", literal::character)]
    #[token("true", |_| Literal::Bool(true))]
    #[token("false", |_| Literal::Bool(false))]
    Literal(Literal),
    /// `$name`
    #[regex(r"\$[\p{XID_Start}_]\p{XID_Continue}*")]
    Function(&'input str),
    #[token("//", line_comment)]
    #[token("/*", block_comment)]
    Comment,

    #[token("import")]
    Import,
    #[token("type")]
    Type,
    #[token("extern")]
    Extern,
    #[token("const")]
    Const,
    #[token("rel")]
    #[token("relation")]
    Rel,
    #[token("query")]
    Query,
    #[token("if")]
    If,
    #[token("then")]
    Then,
    #[token("else")]
    Else,
    #[token("not")]
    #[token("~")]
    Not,
    #[token("and")]
    #[token("/\\")]
    And,
    #[token("or")]
    #[token("\\/")]
    Or,
    #[token("implies")]
    #[token("=>")]
    Implies,
    #[token("case")]
    Case,
    #[token("is")]
    Is,
    #[token("in")]
    In,
    #[token("as")]
    As,
    #[token("new")]
    New,
    #[token("where")]
    Where,
    #[token("exists")]
    Exists,
    #[token("forall")]
    Forall,
    #[token("bound")]
    Bound,
    #[token("free")]
    Free,
    /// `fn` where a function is defined, see `parse.rs`; a name elsewhere.
    Fn,
    /// `keep min` before a column; names elsewhere.
    KeepMin,
    /// `keep max` before a column; names elsewhere.
    KeepMax,
    /// `evidence` where an item begins; a name elsewhere.
    Evidence,

    #[token("(")]
    LeftParen,
    #[token(")")]
    RightParen,
    #[token("[")]
    LeftBracket,
    #[token("]")]
    RightBracket,
    #[token("{")]
    LeftBrace,
    #[token("}")]
    RightBrace,
    #[token(",")]
    Comma,
    #[token(";")]
    Semicolon,
    #[token(":")]
    Colon,
    #[token("::")]
    DoubleColon,
    #[token(":=")]
    ColonEqual,
    #[token(":-")]
    Turnstile,
    #[token("=")]
    Equal,
    #[token("==")]
    EqualEqual,
    #[token("!=")]
    NotEqual,
    #[token("<")]
    Less,
    /// A `<` before the parameters of an aggregate; the lexer makes none, [`crate::parameters`] does.
    ParametersOpen,
    #[token("<=")]
    LessEqual,
    #[token("<:")]
    Subtype,
    #[token(">")]
    Greater,
    #[token(">=")]
    GreaterEqual,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("%")]
    Percent,
    #[token("<<")]
    ShiftLeft,
    /// `>>` before an operand, see `parse.rs`; elsewhere each `>` closes the arguments of a type.
    ShiftRight,
    #[token("&")]
    Ampersand,
    #[token("&&")]
    AndAnd,
    #[token("||")]
    OrOr,
    #[token("^")]
    Caret,
    #[token("!")]
    Bang,
    #[token("|")]
    Bar,
    #[token("?")]
    Question,
    #[token("->")]
    Arrow,
    #[token("..")]
    Range,
    #[token("..=")]
    RangeInclusive,
    #[token("@")]
    At,
}

impl Token<'_> {
    /// Whether an item begins with it (`@` begins the attributes before one).
    pub fn begins_item(&self) -> bool {
        use Token::*;
        matches!(
            self,
            Import | Type | Extern | Const | Rel | Query | Evidence | Fn | At
        )
    }

    /// Whether an expression can begin with it.
    pub fn begins_operand(&self) -> bool {
        use Token::*;
        matches!(
            self,
            Identifier(_)
                | Wildcard
                | Literal(_)
                | Function(_)
                | If
                | LeftParen
                | LeftBracket
                | Minus
                | Bang
        )
    }

    /// Whether it is a reserved word.
    pub fn is_keyword(&self, text: &str) -> bool {
        use Token::*;
        let word = text.starts_with(|c: char| c.is_ascii_alphabetic());
        word && !matches!(self, Identifier(_))
            && !matches!(self, Literal(literal) if !matches!(literal, crate::ast::Literal::Bool(_)))
    }
}

fn line_comment<'input>(lexer: &mut Lexer<'input, Token<'input>>) -> Skip {
    let rest = lexer.remainder();
    lexer.bump(rest.find('\n').unwrap_or(rest.len()));
    let place = lexer.span();
    lexer.extras.comments.push(place);
    Skip
}

/// Block comments do not nest, as in Scallop.
fn block_comment<'input>(lexer: &mut Lexer<'input, Token<'input>>) -> Skip {
    let rest = lexer.remainder();
    match rest.find("*/") {
        Some(end) => {
            lexer.bump(end + 2);
            let place = lexer.span();
            lexer.extras.comments.push(place);
        }
        None => {
            let span = literal::span(lexer, 0..2);
            lexer.extras.open_at_end = true;
            lexer.extras.diagnostics.push(
                Diagnostic::error("E0103", "this comment has no end")
                    .label(span, "begins here")
                    .help("end it with `*/`"),
            );
            lexer.bump(rest.len());
        }
    }
    Skip
}
