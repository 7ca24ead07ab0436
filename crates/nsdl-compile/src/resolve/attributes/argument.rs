//! `@cmd_arg("-n", long="--num", default=0)`: a value from the command line, or from a caller by name.

use nsdl_ir::{Diagnostic, Span, Type, Value};
use nsdl_syntax::ast::{Attribute, Item, ItemKind, Name, TypeDeclaration};
use nsdl_syntax::parse_field;

use super::values::Arguments;
use super::{missing, one_relation};
use crate::constant::Const;
use crate::directive::Argument;
use crate::resolve::Names;

/// A fact that an argument makes.
pub(crate) struct ArgumentFact {
    pub relation: String,
    pub value: Const,
    pub span: Span,
}

/// The names of an argument.
struct Flags {
    name: String,
    short: Option<String>,
    long: Option<String>,
}

impl<'a> Names<'a> {
    /// Before a declaration: the value is the only fact of the relation.
    pub(super) fn command_argument(
        &mut self,
        attribute: &'a Attribute,
        item: &'a Item,
    ) -> Result<(), Vec<Diagnostic>> {
        let mut arguments = Arguments::new(attribute);
        let flags = self.flags(attribute, &mut arguments)?;
        let default = arguments.named(self, &["default"])?;
        arguments.finish()?;
        let (relation, columns, span) = one_relation(attribute, item)?;
        if columns != 1 {
            return Err(vec![
                Diagnostic::error(
                    "E0243",
                    format!(
                        "`{}` has {columns} columns, an argument is one value",
                        relation.text
                    ),
                )
                .label(span, "needs one column")
                .label(attribute.span, "filled by this argument"),
            ]);
        }
        // An unknown type is reported with the declaration.
        let Some(ty) = self.column_type(item, 0) else {
            return Ok(());
        };
        let default = default.map(|given| match given.value.at(ty) {
            Some(value) => Ok(value),
            None => Err(vec![
                Diagnostic::error(
                    "E0243",
                    format!("the default of `{}` is no {ty}", relation.text),
                )
                .label(given.span, format!("this is {}", given.value.describe()))
                .label(span, format!("declared as {ty}")),
            ]),
        });
        let default = default.transpose()?;
        let given = self.given(&flags, ty, attribute.span)?;
        let text = default.as_ref().map(plain);
        if let Some(value) = given.or(default) {
            self.argument_facts.push(ArgumentFact {
                relation: relation.text.clone(),
                value: Const::Typed(value),
                span: attribute.span,
            });
        }
        self.argument(flags, ty, text, relation, attribute.span)
    }

    /// Before a constant: its value as written is the default.
    ///
    /// Returns the value that it has in the end, of the same kind.
    pub(in crate::resolve) fn constant_argument(
        &mut self,
        attribute: &'a Attribute,
        constant: &'a Name,
        written: Const,
    ) -> Result<Const, Vec<Diagnostic>> {
        let mut arguments = Arguments::new(attribute);
        let flags = self.flags(attribute, &mut arguments)?;
        arguments.finish()?;
        let ty = match &written {
            Const::Integer(_) | Const::Whole(_) => Type::I128,
            Const::Float(_) => Type::F64,
            Const::Typed(value) => value.ty(),
            Const::Tuple(_) | Const::List(_) | Const::Term(..) => {
                return Err(vec![
                    Diagnostic::error("E0243", "an argument is one number, bool or text")
                        .label(constant.span, "a value of several parts"),
                ]);
            }
        };
        let given = self.given(&flags, ty, attribute.span)?;
        let default = written.at(ty).as_ref().map(plain);
        self.argument(flags, ty, default, constant, attribute.span)?;
        Ok(match (&written, given) {
            (_, None) => written,
            (Const::Integer(_) | Const::Whole(_), Some(Value::I128(value))) => {
                Const::Integer(value)
            }
            (Const::Float(_), Some(value)) => Const::Float(value.to_string()),
            (_, Some(value)) => Const::Typed(value),
        })
    }

    fn flags(
        &mut self,
        attribute: &'a Attribute,
        arguments: &mut Arguments<'a>,
    ) -> Result<Flags, Vec<Diagnostic>> {
        let (mut short, mut long) = (None, None);
        while let Some(expr) = arguments.next_expr() {
            let given = super::values::constant(self, expr)?;
            let text = given.text(attribute)?;
            let slot = if text.starts_with("--") {
                &mut long
            } else {
                &mut short
            };
            if slot.replace((text, given.span)).is_some() {
                return Err(vec![
                    Diagnostic::error("E0243", "a second name of the same kind")
                        .label(given.span, "one short and one long name at most"),
                ]);
            }
        }
        if let Some(given) = arguments.named(self, &["long"])? {
            long = Some((given.text(attribute)?, given.span));
        }
        let short = short.map(|name| dashed(name, "-")).transpose()?;
        let long = long.map(|name| dashed(name, "--")).transpose()?;
        let Some(name) = long.as_deref().or(short.as_deref()) else {
            return Err(vec![missing(attribute, "@cmd_arg(\"-n\", long=\"--num\")")]);
        };
        Ok(Flags {
            name: name.trim_start_matches('-').to_owned(),
            short,
            long,
        })
    }

    /// The value given from outside.
    fn given(&self, flags: &Flags, ty: Type, span: Span) -> Result<Option<Value>, Vec<Diagnostic>> {
        let Some((_, text)) = self.arguments.iter().find(|(name, _)| *name == flags.name) else {
            return Ok(None);
        };
        parse_field(text, ty, self.symbols)
            .map(Some)
            .map_err(|why| {
                let error = Diagnostic::error(
                    "E0245",
                    format!(
                        "the argument `{}` is `{text}`, which is no {ty}",
                        flags.name
                    ),
                );
                vec![error.label(span, "asked for here").note(why.message)]
            })
    }

    fn argument(
        &mut self,
        flags: Flags,
        ty: Type,
        default: Option<String>,
        target: &Name,
        span: Span,
    ) -> Result<(), Vec<Diagnostic>> {
        let clash = self.directives.arguments.iter().find(|other| {
            other.name == flags.name
                || (other.short.is_some() && other.short == flags.short)
                || (other.long.is_some() && other.long == flags.long)
        });
        if let Some(other) = clash {
            return Err(vec![
                Diagnostic::error(
                    "E0243",
                    format!("two arguments are called `{}`", flags.name),
                )
                .label(span, "again")
                .label(other.span, "first here")
                .help("give one of them another name"),
            ]);
        }
        self.directives.arguments.push(Argument {
            name: flags.name,
            short: flags.short,
            long: flags.long,
            ty,
            default,
            target: target.text.clone(),
            span,
        });
        Ok(())
    }

    /// The type of a column of the first relation that an item declares.
    pub(super) fn column_type(&self, item: &Item, column: usize) -> Option<Type> {
        let ItemKind::Types(declarations) = &item.kind else {
            return None;
        };
        let Some(TypeDeclaration::Relation { columns, .. }) = declarations.first() else {
            return None;
        };
        self.look_up_type(&columns.get(column)?.ty).ok()
    }
}

/// E0243 unless the name begins with these dashes, and with something after them.
fn dashed((name, span): (String, Span), dashes: &str) -> Result<String, Vec<Diagnostic>> {
    match name.strip_prefix(dashes) {
        Some(rest)
            if rest.starts_with(|c: char| c.is_alphabetic())
                && rest
                    .chars()
                    .all(|c| c.is_alphanumeric() || "-_".contains(c)) =>
        {
            Ok(name)
        }
        _ => Err(vec![
            Diagnostic::error("E0243", format!("`{name}` is no name of an argument"))
                .label(span, format!("a word after `{dashes}` belongs here"))
                .help(format!(
                    "such as \"{dashes}{}\"",
                    if dashes == "-" { "n" } else { "num" }
                )),
        ]),
    }
}

/// A value as people type it: text without quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::Char(v) => v.to_string(),
        Value::DateTime(v) => v.to_string(),
        Value::Duration(v) => v.to_string(),
        Value::String(v) | Value::Symbol(v) => v.to_string(),
        other => other.to_string(),
    }
}
