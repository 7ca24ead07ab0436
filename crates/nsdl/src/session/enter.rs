//! Entries of a REPL.

use std::path::Path;
use std::sync::Arc;

use nsdl_ir::Diagnostic;
use nsdl_syntax::ast::{Ast, ItemKind};

use super::{Session, read_text};
use crate::error::Result;
use crate::run::Outcome;

impl Session {
    /// What a REPL does with an entry: adds its declarations, facts and rules, and answers its queries at once
    /// without keeping them.
    ///
    /// # Errors
    /// As [`Session::add_program`] and [`Session::run`]; nothing is added then.
    pub fn enter(&mut self, name: &str, text: &str) -> Result<Entry> {
        let mut next = self.clone();
        let mut ast = next.parse(name, text)?;
        let mut queries = Ast::default();
        (queries.items, ast.items) = ast
            .items
            .into_iter()
            .partition(|item| matches!(item.kind, ItemKind::Query(_)));
        if !ast.items.is_empty() {
            let trees = next.load(ast, name)?;
            next.programs.extend(trees.into_iter().map(Arc::new));
        }
        let before = next.queries.take();
        let mut warnings = next.check()?;
        let mut outcome = None;
        if !queries.items.is_empty() {
            next.queries = Some(Arc::new(queries));
            warnings.extend(next.check()?);
            let mut found = next.run()?;
            found.warnings.retain(|w| !next.warnings.contains(w));
            warnings.append(&mut found.warnings);
            outcome = Some(found);
        }
        next.queries = before;
        next.check()?;
        *self = next;
        Ok(Entry { warnings, outcome })
    }

    /// As [`Session::enter`] for the text of a file.
    ///
    /// # Errors
    /// `E0701` if it cannot be read, else as [`Session::enter`].
    pub fn enter_file(&mut self, path: impl AsRef<Path>) -> Result<Entry> {
        let path = path.as_ref();
        let text = read_text(path)?;
        self.enter(&path.display().to_string(), &text)
    }
}

/// What [`Session::enter`] did.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Warnings about the entry.
    pub warnings: Vec<Diagnostic>,
    /// The answers, if it had queries.
    pub outcome: Option<Outcome>,
}
