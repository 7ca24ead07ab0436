//! The arguments of an attribute: constants and lists of them, each taken once.

use nsdl_ir::{Diagnostic, Span, Value, did_you_mean};
use nsdl_syntax::ast::{Attribute, Expr, ExprKind, Literal};

use crate::constant::{Const, fold};
use crate::directive::AttributeValue;
use crate::resolve::Names;

/// The arguments of an attribute that are not taken yet.
pub(super) struct Arguments<'a> {
    attribute: &'a Attribute,
    positional: std::slice::Iter<'a, Expr>,
    taken: Vec<&'a str>,
    /// The names asked for so far: what could have been given.
    known: Vec<&'static str>,
}

/// An argument and its place.
pub(super) struct Given {
    pub value: Const,
    pub span: Span,
}

impl<'a> Arguments<'a> {
    pub fn new(attribute: &'a Attribute) -> Self {
        Self {
            attribute,
            positional: attribute.positional.iter(),
            taken: Vec::new(),
            known: Vec::new(),
        }
    }

    /// The next argument by position, or else the one of that name.
    pub fn next(
        &mut self,
        names: &mut Names<'a>,
        name: &'static str,
    ) -> Result<Option<Given>, Vec<Diagnostic>> {
        match self.positional.next() {
            Some(expr) => constant(names, expr).map(Some),
            None => self.named(names, &[name]),
        }
    }

    /// The next argument by position alone, not evaluated.
    pub fn next_expr(&mut self) -> Option<&'a Expr> {
        self.positional.next()
    }

    /// The argument of one of these names, which mean the same.
    pub fn named(
        &mut self,
        names: &mut Names<'a>,
        aliases: &[&'static str],
    ) -> Result<Option<Given>, Vec<Diagnostic>> {
        self.expr(aliases)?
            .map(|expr| constant(names, expr))
            .transpose()
    }

    /// As [`Arguments::named`] for a text or a list of texts; empty if there is none.
    pub fn texts(
        &mut self,
        names: &mut Names<'a>,
        aliases: &[&'static str],
    ) -> Result<Vec<String>, Vec<Diagnostic>> {
        let Some(expr) = self.expr(aliases)? else {
            return Ok(Vec::new());
        };
        let attribute = self.attribute;
        match list(expr) {
            Some(items) => items
                .iter()
                .map(|item| constant(names, item)?.text(attribute))
                .collect(),
            None => Ok(vec![constant(names, expr)?.text(attribute)?]),
        }
    }

    fn expr(&mut self, aliases: &[&'static str]) -> Result<Option<&'a Expr>, Vec<Diagnostic>> {
        self.known.extend(aliases);
        let mut given = self
            .attribute
            .named
            .iter()
            .filter(|(name, _)| aliases.contains(&name.text.as_str()));
        let first = given.next();
        if let (Some((first, _)), Some((again, _))) = (first, given.next()) {
            return Err(vec![
                Diagnostic::error("E0240", format!("`{}` is given twice", aliases[0]))
                    .label(again.span, "again")
                    .label(first.span, "first here"),
            ]);
        }
        Ok(first.map(|(name, value)| {
            self.taken.push(&name.text);
            value
        }))
    }

    /// Everything, for attributes that others check.
    #[allow(clippy::type_complexity)]
    pub fn all(
        self,
        names: &mut Names<'a>,
    ) -> Result<(Vec<AttributeValue>, Vec<(String, AttributeValue)>), Vec<Diagnostic>> {
        let positional = self.positional.map(|expr| value(names, expr));
        let positional = positional.collect::<Result<_, _>>()?;
        let named = self.attribute.named.iter();
        let named = named.map(|(name, expr)| Ok((name.text.clone(), value(names, expr)?)));
        Ok((positional, named.collect::<Result<_, Vec<Diagnostic>>>()?))
    }

    /// E0240 if there are arguments that nobody has asked for.
    pub fn finish(mut self) -> Result<(), Vec<Diagnostic>> {
        let attribute = self.attribute.name.text.as_str();
        let error = |span: Span, message: String| {
            let error = Diagnostic::error("E0240", message).label(span, "not expected");
            match self.known.is_empty() {
                true => error.help(format!("write `@{attribute}`")),
                false => error.help(format!("there are {}", self.known.join(", "))),
            }
        };
        if let Some(extra) = self.positional.next() {
            let message = format!("`@{attribute}` takes no argument here");
            return Err(vec![error(extra.span, message)]);
        }
        let mut unknown = self.attribute.named.iter();
        match unknown.find(|(name, _)| !self.taken.contains(&name.text.as_str())) {
            None => Ok(()),
            Some((name, _)) => {
                let message = format!("`@{attribute}` has no argument `{}`", name.text);
                let mut error = error(name.span, message);
                if let Some(near) = did_you_mean(&name.text, self.known.iter().copied()) {
                    error.help = Some(near);
                }
                Err(vec![error])
            }
        }
    }
}

impl Given {
    /// As text.
    pub fn text(&self, attribute: &Attribute) -> Result<String, Vec<Diagnostic>> {
        match &self.value {
            Const::Typed(Value::String(text) | Value::Symbol(text)) => Ok(text.to_string()),
            Const::Typed(Value::Char(c)) => Ok(c.to_string()),
            _ => Err(self.wrong(attribute, "text")),
        }
    }

    /// As one of some words.
    pub fn one_of(&self, attribute: &Attribute, words: &[&str]) -> Result<String, Vec<Diagnostic>> {
        let text = self.text(attribute)?;
        if words.contains(&text.as_str()) {
            return Ok(text);
        }
        let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        let help = did_you_mean(&text, words.iter().copied())
            .unwrap_or_else(|| format!("there are {}", quoted.join(", ")));
        Err(vec![
            Diagnostic::error(
                "E0240",
                format!("`@{}` knows no \"{text}\"", attribute.name.text),
            )
            .label(self.span, "not one of its words")
            .help(help),
        ])
    }

    pub fn bool(&self, attribute: &Attribute) -> Result<bool, Vec<Diagnostic>> {
        match &self.value {
            Const::Typed(Value::Bool(value)) => Ok(*value),
            _ => Err(self.wrong(attribute, "`true` or `false`")),
        }
    }

    /// As a whole number from 1 on.
    pub fn positive(&self, attribute: &Attribute) -> Result<(), Vec<Diagnostic>> {
        match &self.value {
            value if value.is_integer() && value.tag().is_some_and(|value| value >= 1.0) => Ok(()),
            _ => Err(self.wrong(attribute, "a whole number from 1 on")),
        }
    }

    fn wrong(&self, attribute: &Attribute, expected: &str) -> Vec<Diagnostic> {
        vec![
            Diagnostic::error(
                "E0240",
                format!(
                    "`@{}` expects {expected}, found {}",
                    attribute.name.text,
                    self.value.describe()
                ),
            )
            .label(self.span, format!("this is {}", self.value.describe())),
        ]
    }
}

/// The items of `[…]` and `(…)`.
fn list(expr: &Expr) -> Option<&[Expr]> {
    match &expr.kind {
        ExprKind::Tuple(items) | ExprKind::List(items, None) => Some(items),
        _ => None,
    }
}

pub(super) fn constant<'a>(
    names: &mut Names<'a>,
    expr: &'a Expr,
) -> Result<Given, Vec<Diagnostic>> {
    Ok(Given {
        value: fold(expr, names)?,
        span: expr.span,
    })
}

fn value<'a>(names: &mut Names<'a>, expr: &'a Expr) -> Result<AttributeValue, Vec<Diagnostic>> {
    if let Some(items) = list(expr) {
        let items = items.iter().map(|item| value(names, item));
        return Ok(AttributeValue::List(items.collect::<Result<_, _>>()?));
    }
    let given = constant(names, expr)?;
    match given.value.by_itself() {
        Some(value) => Ok(AttributeValue::Value(value)),
        None => Err(vec![
            Diagnostic::error("E0240", "this number is too large for every type")
                .label(given.span, "too large"),
        ]),
    }
}

/// Whether it is the code of a warning, such as `"W0401"`.
pub(super) fn is_warning(expr: &Expr) -> bool {
    let ExprKind::Literal(Literal::String(code)) = &expr.kind else {
        return false;
    };
    let digits = code.strip_prefix('W').unwrap_or_default();
    digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
}
