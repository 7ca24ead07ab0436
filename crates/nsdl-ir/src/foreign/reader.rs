//! Reads the text of signatures.

use crate::{Family, Parameter, Type};

/// Reads signatures.
pub(super) struct Reader<'t> {
    text: &'t str,
    rest: &'t str,
    variable: Option<String>,
}

/// Types nest at most so deep.
const NESTING: usize = 32;

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            rest: text.trim_start(),
            variable: None,
        }
    }

    fn error<T>(&self, expected: &str) -> Result<T, String> {
        let found = match self.rest.chars().next() {
            Some(_) => format!("found `{}`", self.rest),
            None => "found the end".to_owned(),
        };
        Err(format!("in `{}`: expected {expected}, {found}", self.text))
    }

    fn advance(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default().trim_start();
    }

    pub(super) fn take(&mut self, token: &str) -> bool {
        let found = self.rest.starts_with(token);
        if found {
            self.advance(token.len());
        }
        found
    }

    pub(super) fn expect(&mut self, token: &str) -> Result<(), String> {
        match self.take(token) {
            true => Ok(()),
            false => self.error(&format!("`{token}`")),
        }
    }

    pub(super) fn end(&self) -> Result<(), String> {
        match self.rest.is_empty() {
            true => Ok(()),
            false => self.error("the end"),
        }
    }

    /// The length of the name that comes next.
    fn peek(&self) -> usize {
        let body = self.rest.strip_prefix('$').unwrap_or(self.rest);
        let begins = body.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let end = body.find(|c: char| !c.is_alphanumeric() && c != '_');
        match begins {
            true => self.rest.len() - body.len() + end.unwrap_or(body.len()),
            false => 0,
        }
    }

    pub(super) fn name(&mut self) -> Result<String, String> {
        let length = self.peek();
        let name = self.rest.get(..length).unwrap_or_default().to_owned();
        if name.is_empty() {
            return self.error("a name");
        }
        self.advance(length);
        Ok(name)
    }

    /// A word that stands alone.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let next = self.rest.get(..self.peek()) == Some(word);
        next && self.take(word)
    }

    /// `<T: Number>`, if it is there.
    pub(super) fn family(&mut self) -> Result<Option<Family>, String> {
        if !self.take("<") {
            return Ok(None);
        }
        self.variable = Some(self.name()?);
        let family = match self.take(":") {
            true => {
                let name = self.name()?;
                match Family::from_name(&name) {
                    Some(family) => family,
                    None => {
                        let names: Vec<String> =
                            Family::ALL.iter().map(|it| format!("{it:?}")).collect();
                        let names = names.join(", ");
                        return Err(format!("unknown family `{name}`: there are {names}"));
                    }
                }
            }
            false => Family::Any,
        };
        if self.take(",") {
            return Err("a signature has one type variable at most: use `Any` for others".into());
        }
        self.expect(">")?;
        Ok(Some(family))
    }

    pub(super) fn list(
        &mut self,
        end: &str,
        mut item: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        while !self.take(end) {
            item(self)?;
            if !self.take(",") {
                return self.expect(end);
            }
        }
        Ok(())
    }

    pub(super) fn parameter(&mut self) -> Result<Parameter, String> {
        let start = self.rest;
        if self.peek() > 0 {
            self.name()?;
            if !self.take(":") {
                self.rest = start;
            }
        }
        if self.word("Any") {
            return Ok(Parameter::Any);
        }
        if let Some(variable) = self.variable.clone() {
            if self.word(&variable) {
                return Ok(Parameter::Variable);
            }
            let start = self.rest;
            if self.take("[") && self.word(&variable) && self.take("]") {
                return Ok(Parameter::List);
            }
            self.rest = start;
        }
        self.ty(0).map(Parameter::Exactly)
    }

    fn ty(&mut self, depth: usize) -> Result<Type, String> {
        if depth > NESTING {
            return self.error("a type that nests less deep");
        }
        if self.take("[") {
            let element = self.ty(depth + 1)?;
            self.expect("]")?;
            return Ok(Type::list(element));
        }
        if self.take("(") {
            let mut parts = Vec::new();
            self.list(")", |reader| {
                parts.push(reader.ty(depth + 1)?);
                Ok(())
            })?;
            return Ok(Type::tuple(&parts));
        }
        let start = self.rest;
        let name = self.name()?;
        Type::from_name(&name).map_or_else(
            || {
                self.rest = start;
                self.error("a type")
            },
            Ok,
        )
    }
}
