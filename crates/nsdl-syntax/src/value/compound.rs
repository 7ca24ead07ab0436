//! Values made of values: terms, tuples, lists and tensors, as programs and output write them.

use std::iter::Peekable;
use std::vec::IntoIter;

use nsdl_ir::{Constructor, Diagnostic, SourceId, Symbols, Tensor, Term, Type, Value};

use super::{literal_value, mismatch, shorten, special_float};
use crate::lexer::{Spanned, lex};
use crate::token::Token;

/// The value of type `ty` that is the whole of `text`.
pub(super) fn read(text: &str, ty: Type, symbols: &Symbols) -> Result<Value, Diagnostic> {
    let mut lexed = lex(text, SourceId::default());
    if !lexed.diagnostics.is_empty() {
        // Its place is in a text that nobody else has.
        let mut problem = lexed.diagnostics.swap_remove(0);
        problem.labels.clear();
        return Err(problem.note(format!("in the value `{}`", shorten(text))));
    }
    let mut reader = Reader {
        text,
        tokens: lexed.tokens.into_iter().peekable(),
        symbols,
        end: 0,
    };
    let value = reader.value(ty)?;
    // To the last byte: a comment is not part of a value.
    match reader.tokens.next() {
        None if reader.end == text.len() => Ok(value),
        _ => Err(mismatch(text, ty)),
    }
}

struct Reader<'t> {
    text: &'t str,
    tokens: Peekable<IntoIter<Spanned<'t>>>,
    symbols: &'t Symbols,
    /// Where the last token ended.
    end: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<Token<'t>> {
        let (_, token, end) = self.tokens.next()?;
        self.end = end;
        Some(token)
    }

    fn is_next(&mut self, token: &Token<'_>) -> bool {
        self.tokens.peek().is_some_and(|(_, next, _)| next == token)
    }

    fn take(&mut self, token: &Token<'_>) -> bool {
        let found = self.is_next(token);
        if found {
            self.next();
        }
        found
    }

    /// Terms nest as deep as they like.
    fn value(&mut self, ty: Type) -> Result<Value, Diagnostic> {
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || match ty {
            Type::Entity | Type::Adt(_) => self.term(ty),
            Type::Tuple(types) => {
                let parts = self.several(Token::LeftParen, Token::RightParen, types, ty)?;
                Ok(Value::Tuple(parts.into()))
            }
            Type::List(element) => {
                let values = self.list(*element, ty)?;
                Ok(Value::List(*element, values.into()))
            }
            Type::Tensor if self.is_next(&Token::LeftBracket) => self.tensor(),
            _ => self.plain(ty),
        })
    }

    fn term(&mut self, ty: Type) -> Result<Value, Diagnostic> {
        let Some(Token::Identifier(name)) = self.next() else {
            return Err(mismatch(self.text, ty));
        };
        let constructor = self.symbols.constructor(name, ty);
        let constructor = constructor.ok_or_else(|| unknown(name, ty, self.symbols))?;
        let fields = match &*constructor.fields {
            // Both `Nil()` and `Nil`.
            [] if !self.is_next(&Token::LeftParen) => Vec::new(),
            types => {
                let found = self.several(Token::LeftParen, Token::RightParen, types, ty);
                found.map_err(|problem| match problem.code {
                    "E0120" => problem.note(declared(constructor)),
                    _ => problem,
                })?
            }
        };
        Ok(Value::Term(
            Term {
                constructor,
                fields,
            }
            .into(),
        ))
    }

    /// One value of each type between brackets; a comma may follow the last.
    fn several(
        &mut self,
        open: Token<'_>,
        close: Token<'_>,
        types: &[Type],
        whole: Type,
    ) -> Result<Vec<Value>, Diagnostic> {
        let mut values = Vec::with_capacity(types.len());
        let mut complete = self.take(&open);
        for (position, ty) in types.iter().enumerate() {
            complete = complete && (position == 0 || self.take(&Token::Comma));
            if !complete || self.is_next(&close) {
                return Err(mismatch(self.text, whole));
            }
            values.push(self.value(*ty)?);
        }
        if !types.is_empty() {
            self.take(&Token::Comma);
        }
        match complete && self.take(&close) {
            true => Ok(values),
            false => Err(mismatch(self.text, whole)),
        }
    }

    /// The tensors inside the brackets, side by side.
    fn tensor(&mut self) -> Result<Value, Diagnostic> {
        let parts = self.list(Type::Tensor, Type::Tensor)?;
        let parts = parts.iter().filter_map(|part| match part {
            Value::Tensor(tensor) => Some(Tensor::clone(tensor)),
            _ => None,
        });
        let parts: Vec<Tensor> = parts.collect();
        match Tensor::stack(&parts) {
            Some(tensor) => Ok(Value::Tensor(tensor.into())),
            None => Err(mismatch(self.text, Type::Tensor)),
        }
    }

    fn list(&mut self, element: Type, ty: Type) -> Result<Vec<Value>, Diagnostic> {
        let mut values = Vec::new();
        let mut more = self.take(&Token::LeftBracket);
        if !more {
            return Err(mismatch(self.text, ty));
        }
        while !self.take(&Token::RightBracket) {
            if !more {
                return Err(mismatch(self.text, ty));
            }
            values.push(self.value(element)?);
            more = self.take(&Token::Comma);
        }
        Ok(values)
    }

    fn plain(&mut self, ty: Type) -> Result<Value, Diagnostic> {
        let negative = self.take(&Token::Minus);
        match self.next() {
            Some(Token::Literal(literal)) => literal_value(&literal, negative, ty),
            Some(Token::Identifier(name)) if ty.is_float() || ty == Type::Tensor => {
                let minus = if negative { "-" } else { "" };
                match (special_float(&format!("{minus}{name}"), ty), ty) {
                    (Some(Ok(Value::F64(number))), Type::Tensor) => Tensor::scalar(number)
                        .map(|tensor| Value::Tensor(tensor.into()))
                        .ok_or_else(|| mismatch(self.text, ty)),
                    (special, _) => special.unwrap_or_else(|| Err(mismatch(self.text, ty))),
                }
            }
            _ => Err(mismatch(self.text, ty)),
        }
    }
}

fn declared(constructor: &Constructor) -> String {
    let fields: Vec<String> = constructor.fields.iter().map(Type::to_string).collect();
    format!("declared as `{}({})`", constructor.name, fields.join(", "))
}

/// E0270.
fn unknown(name: &str, ty: Type, symbols: &Symbols) -> Diagnostic {
    let (message, known) = match ty {
        Type::Adt(adt) => (
            format!("`{name}` is no constructor of `{ty}`"),
            symbols.data_type(adt.name),
        ),
        _ => (format!("unknown constructor `{name}`"), None),
    };
    let error = Diagnostic::error("E0270", message);
    match known {
        Some(known) => error.help(format!(
            "`{ty}` is made by {}",
            known.constructors_text().replace('\'', "")
        )),
        None => error.help("a data type declares its constructors: `type Expr = Const(i32) | …`"),
    }
}
