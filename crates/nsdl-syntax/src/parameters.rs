//! Tells the `<` before the parameters of an aggregate, or the type of a predicate, from the one that compares.
//!
//! `n = top<3>(x: p(x))` begins like the comparison `top < 3`, and `range<i32>(0, n, x)` like `range < i32`; how
//! they go on shows too late for a parser with one token of look-ahead.

use nsdl_ir::Type;

use crate::lexer::Spanned;
use crate::token::Token;

/// Marks each `<` behind the name of an aggregate, with or without `!`, where only an aggregate can stand:
/// after `:=`, and after `=` if what follows looks like parameters; and each one before the type of a predicate.
/// Linear in the number of tokens.
pub fn mark(tokens: &mut [Spanned<'_>]) {
    for at in 2..tokens.len() {
        if !matches!(tokens[at].1, Token::Less) {
            continue;
        }
        // A `!` there is no operator: nothing can be compared with it.
        let bang = matches!(tokens[at - 1].1, Token::Bang);
        let name = at - 1 - usize::from(bang);
        let names = matches!(
            tokens[name].1,
            Token::Identifier(_) | Token::Exists | Token::Forall
        );
        let before = name.checked_sub(1).map(|before| &tokens[before].1);
        let opens = match before {
            Some(Token::ColonEqual) => names,
            Some(Token::Equal | Token::Turnstile) => {
                names && (bang || are_parameters(&tokens[at + 1..]))
            }
            _ => names && (bang || is_type(&tokens[at + 1..])),
        };
        if opens {
            tokens[at].1 = Token::ParametersOpen;
        }
    }
}

/// Whether constants, names and `=` come up to a `>`, and then what an aggregate goes on with.
fn are_parameters(rest: &[Spanned<'_>]) -> bool {
    let inside = |(_, token, _): &&Spanned<'_>| {
        use Token::*;
        matches!(
            token,
            Literal(_) | Identifier(_) | Equal | Comma | Plus | Minus | Star | Slash | Percent
        )
    };
    let end = rest.iter().take_while(inside).count();
    let mut after = rest.iter().skip(end).map(|(_, token, _)| token);
    let closed = matches!(after.next(), Some(Token::Greater));
    closed
        && matches!(
            after.next(),
            Some(Token::LeftParen | Token::LeftBracket | Token::Bang)
        )
}

/// Whether a type comes, `>` and `(`: comparisons do not chain. Types that programs define begin with a capital.
fn is_type(rest: &[Spanned<'_>]) -> bool {
    let [
        (_, Token::Identifier(name), _),
        (_, Token::Greater, _),
        (_, Token::LeftParen, _),
        ..,
    ] = rest
    else {
        return false;
    };
    Type::from_name(name).is_some() || name.starts_with(char::is_uppercase)
}
