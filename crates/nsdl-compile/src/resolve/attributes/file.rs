//! `@file("edges.csv", header=true)`: a relation from a file, or a query into one.

use nsdl_ir::{Diagnostic, FileFormat, FileOptions, ProbabilityColumn, Span, Type};
use nsdl_syntax::ast::{Attribute, Item, ItemKind};

use super::values::{Arguments, Given};
use super::{missing, one_relation};
use crate::directive::FileDirective;
use crate::resolve::Names;

impl<'a> Names<'a> {
    pub(super) fn file(
        &mut self,
        attribute: &'a Attribute,
        item: &'a Item,
    ) -> Result<(), Vec<Diagnostic>> {
        let mut arguments = Arguments::new(attribute);
        let Some(path) = arguments.next(self, "path")? else {
            return Err(vec![missing(attribute, "@file(\"edges.csv\")")]);
        };
        let path = path.text(attribute)?;
        let mut options = FileOptions::default();
        if let Some(given) = arguments.named(self, &["format"])? {
            let name = given.one_of(attribute, &FileFormat::ALL.map(FileFormat::name))?;
            options.format = FileFormat::from_name(&name);
        }
        if let Some(given) = arguments.named(self, &["delimiter", "deliminator"])? {
            options.delimiter = Some(delimiter(&given, attribute)?);
        }
        if let Some(given) = arguments.named(self, &["header", "has_header"])? {
            options.header = given.bool(attribute)?;
        }
        let mut column: Option<Span> = None;
        if let Some(given) = arguments.named(self, &["has_probability"])? {
            column = Some(given.span);
            options.probability = match given.bool(attribute)? {
                true => ProbabilityColumn::First,
                false => ProbabilityColumn::None,
            };
        }
        if let Some(given) = arguments.named(self, &["probability"])? {
            if let Some(first) = column
                && options.probability == ProbabilityColumn::None
            {
                return Err(vec![
                    Diagnostic::error("E0240", "a column of probabilities, and none")
                        .label(given.span, "names it")
                        .label(first, "says that there is none"),
                ]);
            }
            options.probability = ProbabilityColumn::Named(given.text(attribute)?);
        }
        let writes = matches!(item.kind, ItemKind::Query(_));
        if !writes {
            options.keys = arguments.texts(self, &["keys"])?;
            options.fields = arguments.texts(self, &["fields"])?;
        }
        arguments.finish()?;
        if options.keys.is_empty() && !options.fields.is_empty() {
            return Err(vec![
                Diagnostic::error("E0240", "`fields` without `keys`")
                    .label(attribute.span, "which columns tell one row from another?")
                    .help("add them: `keys=\"id\"`"),
            ]);
        }
        let directive = |relation: String, options| FileDirective {
            relation,
            path: path.clone(),
            options,
            span: attribute.span,
        };
        if let ItemKind::Query(query) = &item.kind {
            // As Scallop: tags are written only if asked for.
            if options.probability == ProbabilityColumn::Auto {
                options.probability = ProbabilityColumn::None;
            }
            let name = nsdl_syntax::format::query(query);
            self.directives.outputs.push(directive(name, options));
            return Ok(());
        }
        let (name, columns, span) = one_relation(attribute, item)?;
        if !options.keys.is_empty() {
            self.check_keys(attribute, item, columns, span, &options)?;
        }
        let relation = name.text.clone();
        self.directives.inputs.push(directive(relation, options));
        Ok(())
    }

    /// A wide table fills `(keys…, field, value)`.
    fn check_keys(
        &mut self,
        attribute: &Attribute,
        item: &'a Item,
        columns: usize,
        span: Span,
        options: &FileOptions,
    ) -> Result<(), Vec<Diagnostic>> {
        let keys = options.keys.len();
        if columns != keys + 2 {
            let mut row: Vec<&str> = options.keys.iter().map(String::as_str).collect();
            row.extend(["field", "value"]);
            return Err(vec![
                Diagnostic::error(
                    "E0707",
                    format!(
                        "{} columns, but with `keys` there are {}",
                        columns,
                        keys + 2
                    ),
                )
                .label(span, format!("{columns} columns here"))
                .label(attribute.span, "the keys")
                .help(format!("the columns are ({})", row.join(", "))),
            ]);
        }
        match self.column_type(item, keys) {
            Some(Type::String | Type::Symbol) | None => Ok(()),
            Some(ty) => Err(vec![
                Diagnostic::error(
                    "E0707",
                    format!("the column for names of fields is of type {ty}"),
                )
                .label(span, format!("column {} is {ty}", keys + 1))
                .label(attribute.span, "since this names keys")
                .help("make it a `String` or a `Symbol`"),
            ]),
        }
    }
}

fn delimiter(given: &Given, attribute: &Attribute) -> Result<u8, Vec<Diagnostic>> {
    let text = given.text(attribute)?;
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => Err(vec![
            Diagnostic::error("E0240", format!("{text:?} cannot stand between fields"))
                .label(given.span, "not one ASCII character, or a quote")
                .help("such as \",\", \";\" or \"\\t\""),
        ]),
    }
}
