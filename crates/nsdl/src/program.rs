//! A program, checked once.

use std::fmt;
use std::path::Path;

use nsdl_ir::{Diagnostic, Plan, Type};

use crate::error::Result;
use crate::session::{Session, read_text};

/// A program that has been parsed and checked, to start sessions and modules from.
#[derive(Clone)]
pub struct Program {
    name: String,
    text: String,
    session: Session,
}

impl Program {
    /// Checks the text of a program.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once where possible.
    pub fn new(text: &str) -> Result<Self> {
        Self::named("<program>", text)
    }

    /// Reads and checks a `.dl` or `.scl` file.
    ///
    /// # Errors
    /// `E0701` if it cannot be read, else as [`Program::new`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::named(&path.display().to_string(), &read_text(path)?)
    }

    /// As [`Program::new`], with a name for messages.
    ///
    /// # Errors
    /// As [`Program::new`].
    pub fn named(name: &str, text: &str) -> Result<Self> {
        let mut session = Session::new();
        session.add_program(name, text)?;
        Ok(Self {
            name: name.to_owned(),
            text: text.to_owned(),
            session,
        })
    }

    /// Its name in messages: the path of a file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its source text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is dubious about it.
    pub fn warnings(&self) -> &[Diagnostic] {
        self.session.warnings()
    }

    /// Its relations, in order of first appearance.
    pub fn relations(&self) -> Vec<Signature> {
        self.session.relations()
    }

    /// Its evaluation plan, for people.
    pub fn plan(&self) -> String {
        self.session.plan()
    }

    /// Renders diagnostics about it with their source lines, with ANSI colours if `color`.
    pub fn render(&self, diagnostics: &[Diagnostic], color: bool) -> String {
        self.session.render(diagnostics, color)
    }

    /// A session that holds it.
    pub fn session(&self) -> &Session {
        &self.session
    }
}

/// Name and column types of a relation; prints as `edge(i32, i32)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Its name.
    pub name: String,
    /// Its column types.
    pub types: Vec<Type>,
    /// `@hidden`: not printed unless queried.
    pub hidden: bool,
}

impl Signature {
    /// Those of the relations that users can see.
    pub(crate) fn all(plan: &Plan) -> Vec<Self> {
        plan.relations
            .iter()
            .filter(|relation| !relation.auxiliary)
            .map(|r| Self {
                name: r.name.clone(),
                types: r.columns.clone(),
                hidden: r.hidden,
            })
            .collect()
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types: Vec<String> = self.types.iter().map(|ty| ty.to_string()).collect();
        write!(f, "{}({})", self.name, types.join(", "))
    }
}
