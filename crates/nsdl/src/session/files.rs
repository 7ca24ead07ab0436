//! Facts from files, answers into files: as callers ask, and as `@file` says.

use std::path::{Path, PathBuf};

use nsdl_compile::Compiled;
use nsdl_ir::{Diagnostic, FileFormat, FileOptions, Span};

use super::Session;
use crate::error::Result;
use crate::facts::relation_id;
use crate::files::{self, Target};
use crate::relation::Relation;

impl Session {
    /// Adds the facts in a file; see [`files`] for the formats and for which column goes where.
    /// Returns warnings about the file.
    ///
    /// Cost: one pass over the file, which is never held in memory.
    ///
    /// # Errors
    /// `E0201` if no program or fact knows the relation, `E07xx` for what is wrong with the file, with its line,
    /// `E0613` if stopped by [`Session::set_cancel`].
    pub fn add_facts_file(
        &mut self,
        relation: &str,
        path: impl AsRef<Path>,
        options: &FileOptions,
    ) -> Result<Vec<Diagnostic>> {
        let Some(types) = self.types(relation) else {
            return Err(self.error(vec![self.unknown_relation(relation)]));
        };
        let target = Target {
            relation,
            types: &types,
            fields: self.directives.fields(relation),
        };
        let read = files::check_keys(target, options).and_then(|()| {
            files::read(
                path.as_ref(),
                target,
                options,
                &self.symbols,
                self.numbers(),
                self.cancel.as_deref(),
            )
        });
        let (batch, warnings) = read.map_err(|d| self.error(vec![d]))?;
        self.add_batch(relation, batch)?;
        Ok(warnings)
    }

    /// Adds the facts in a CSV file (RFC 4180, no header): fields are read by the types of the columns,
    /// without trimming; one extra leading column is the probability.
    ///
    /// # Errors
    /// As [`Session::add_facts_file`].
    pub fn add_csv(&mut self, relation: &str, path: impl AsRef<Path>) -> Result<()> {
        let options = FileOptions {
            format: Some(FileFormat::Csv),
            ..FileOptions::default()
        };
        self.add_facts_file(relation, path, &options).map(drop)
    }

    /// Writes what the last [`Session::run`] gave for a relation or query into a file. Columns are called by the
    /// names that the program gives them, or `column_0`, `column_1` and so on.
    ///
    /// # Errors
    /// As [`Session::relation`]; `E0705` and `E0709` if the file cannot be written.
    pub fn write(&self, name: &str, path: impl AsRef<Path>, options: &FileOptions) -> Result<()> {
        let relation = self.relation(name)?;
        self.write_relation(&relation, path.as_ref(), options)
            .map_err(|d| self.error(vec![d]))
    }

    /// What [`Session::write`] would write, of the format that the options name.
    ///
    /// # Errors
    /// As [`Session::relation`]; `E0705` if the options name no format.
    pub fn encode(&self, name: &str, options: &FileOptions) -> Result<Vec<u8>> {
        let relation = self.relation(name)?;
        files::encode(&relation, self.fields_of(&relation), options)
            .map_err(|d| self.error(vec![d]))
    }

    /// The queries under `@file`, which [`Session::run`] writes.
    pub fn queries_to_files(&self) -> Vec<String> {
        let outputs = self.directives.outputs.iter();
        outputs.map(|output| output.relation.clone()).collect()
    }

    /// The names of the columns; the answers to an atom have those of its relation.
    fn fields_of(&self, relation: &Relation) -> &[Option<String>] {
        let name = relation.name.split('(').next().unwrap_or_default();
        self.directives.fields(name)
    }

    fn write_relation(
        &self,
        relation: &Relation,
        path: &Path,
        options: &FileOptions,
    ) -> Result<(), Diagnostic> {
        files::write(relation, self.fields_of(relation), path, options)
    }

    /// Paths in texts whose name is not that of a file are relative to this folder; by default, to the working
    /// directory.
    pub fn set_folder(&mut self, folder: impl Into<PathBuf>) {
        self.folder = folder.into();
    }

    /// Where the paths in a text begin; `name` may be the file that it is from.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        let file = Path::new(name);
        match file.parent() {
            Some(folder) if file.is_file() => folder.to_path_buf(),
            _ => self.folder.clone(),
        }
    }

    /// The files that programs name, not read so far.
    pub(super) fn read_inputs(&mut self, compiled: &Compiled) -> Result<(), Vec<Diagnostic>> {
        for input in &compiled.directives.inputs {
            if self.attributes_done.contains(&input.span) {
                continue;
            }
            let Some(relation) = relation_id(&compiled.plan, &input.relation)
                .and_then(|id| compiled.plan.relations.get(id.index()))
            else {
                continue;
            };
            let target = Target {
                relation: &input.relation,
                types: &relation.columns,
                fields: compiled.directives.fields(&input.relation),
            };
            let path = self.path(input.span, &input.path, |path| path.exists());
            let (batch, warnings) = files::read(
                &path,
                target,
                &input.options,
                &self.symbols,
                self.numbers(),
                self.cancel.as_deref(),
            )
            .map_err(|d| vec![d.label(input.span, "read here")])?;
            if !batch.is_empty() {
                self.facts
                    .push(&input.relation, batch)
                    .map_err(|d| vec![d.label(input.span, "read here")])?;
            }
            let warnings = warnings
                .into_iter()
                .map(|d| d.label(input.span, "read here"));
            self.attribute_warnings.extend(warnings);
            self.attributes_done.insert(input.span);
        }
        Ok(())
    }

    /// Writes the queries under `@file`; returns their names.
    pub(super) fn write_outputs(&self) -> Result<Vec<String>> {
        let mut written = Vec::new();
        for output in &self.directives.outputs {
            let relation = self.relation(&output.relation)?;
            let folder = |path: &Path| path.parent().is_some_and(Path::is_dir);
            let path = self.path(output.span, &output.path, folder);
            self.write_relation(&relation, &path, &output.options)
                .map_err(|d| self.error(vec![d.label(output.span, "written here")]))?;
            written.push(output.relation.clone());
        }
        Ok(written)
    }

    /// A path as the text at `span` means it: beside the file that names it, or, where there is no such thing, in
    /// the working directory, where Scallop looks.
    fn path(&self, span: Span, path: &str, is_there: impl Fn(&Path) -> bool) -> PathBuf {
        let folder = self.texts.folder(span.source).unwrap_or(&self.folder);
        let (beside, here) = (folder.join(path), PathBuf::from(path));
        match !is_there(&beside) && is_there(&here) {
            true => here,
            false => beside,
        }
    }
}
