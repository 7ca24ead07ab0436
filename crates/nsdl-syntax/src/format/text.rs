//! A whole text in its one canonical layout, comments kept.
//!
//! An item stands on one line if it fits and has no comments inside. Otherwise its parts (the members of a set, the
//! conjuncts of a body, the constructors of a type) stand on lines of their own, each with the comments that are
//! before it or at the end of its line. Between items one empty line stays, if there was one.

use nsdl_ir::{Diagnostic, SourceId, Span};

use super::{Asked, Tag, WIDTH, fact_set_brackets, item, type_head};
use crate::ast::*;
use crate::format::Shown;
use crate::lexer::lex;
use crate::parse::parse;

/// Parses a text and prints it in its canonical layout: the same meaning, the same comments, and doing it again
/// changes nothing.
///
/// # Errors
/// What is wrong with the syntax of the text: a text that is not understood is not changed.
pub fn text(text: &str) -> Result<String, Vec<Diagnostic>> {
    let (ast, diagnostics) = parse(text, SourceId::default());
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let mut printer = Printer {
        text,
        comments: lex(text, SourceId::default()).comments.into(),
        out: String::with_capacity(text.len()),
        at: 0,
    };
    for item in &ast.items {
        printer.item(item);
    }
    printer.comments_before(text.len(), "");
    Ok(printer.out)
}

struct Printer<'a> {
    text: &'a str,
    /// Not printed yet.
    comments: std::collections::VecDeque<std::ops::Range<usize>>,
    out: String,
    /// The first byte that is not printed yet.
    at: usize,
}

/// An item in parts: `open`, then the parts with `separator` between them, then `close`.
struct Parts {
    open: String,
    /// Each with its place.
    parts: Vec<(Span, String)>,
    /// What stands before each part on its line.
    bullet: &'static str,
    separator: &'static str,
    close: &'static str,
}

impl Printer<'_> {
    fn item(&mut self, it: &Item) {
        let start = it
            .attributes
            .first()
            .map_or(it.span.start, |attribute| attribute.span.start);
        self.comments_before(start as usize, "");
        // Comments between the attributes and the item come before both.
        self.comments_before(it.span.start as usize, "");
        self.empty_line(start as usize);
        let plain = item(it);
        let end = it.span.end as usize;
        let inside = self.comments.front().is_some_and(|one| one.start < end);
        // Attributes have their own lines.
        let line = plain.lines().last().unwrap_or_default();
        match parts(it) {
            Some(parts) if inside || (line.chars().count() > WIDTH && parts.parts.len() > 1) => {
                for attribute in &it.attributes {
                    self.out.push_str(&Shown(attribute).to_string());
                    self.out.push('\n');
                }
                self.parts(&parts, end);
            }
            _ => {
                self.comments_before(end, "");
                self.out.push_str(&plain);
            }
        }
        self.at = end;
        self.comment_behind();
        self.out.push('\n');
    }

    fn parts(&mut self, it: &Parts, end: usize) {
        self.out.push_str(&it.open);
        self.at = it
            .parts
            .first()
            .map_or(end, |(span, _)| span.start as usize);
        for (index, (span, part)) in it.parts.iter().enumerate() {
            self.out.push('\n');
            // Those inside the part too: they have no line of their own there.
            self.comments_before(span.end as usize, "    ");
            self.out.push_str("    ");
            self.out.push_str(it.bullet);
            self.out.push_str(part);
            let last = index + 1 == it.parts.len();
            self.out.push_str(if last { "" } else { it.separator });
            self.at = span.end as usize;
            self.comment_behind();
        }
        if self.comments.front().is_some_and(|one| one.start < end) {
            self.out.push('\n');
            self.comments_before(end, "    ");
            // A line comment swallows what follows on its line.
            if it.close.is_empty() {
                self.out.truncate(self.out.trim_end().len());
            }
        } else if !it.close.is_empty() {
            self.out.push('\n');
        }
        self.out.push_str(it.close);
    }

    /// Prints the comments that begin before `end`, each on a line.
    fn comments_before(&mut self, end: usize, indent: &str) {
        while let Some(comment) = self.comments.front().cloned()
            && comment.start < end
        {
            self.comments.pop_front();
            if indent.is_empty() {
                self.empty_line(comment.start);
            }
            self.out.push_str(indent);
            self.out.push_str(self.text[comment.clone()].trim_end());
            self.out.push('\n');
            self.at = self.at.max(comment.end);
        }
    }

    /// Prints the comments that begin on the line where `at` is.
    fn comment_behind(&mut self) {
        while let Some(comment) = self.comments.front().cloned()
            && self
                .text
                .get(self.at..comment.start)
                .is_some_and(|between| {
                    // What stands between is the separator; anything else belongs to what follows.
                    between
                        .chars()
                        .all(|c| c == ',' || c == ';' || c == ' ' || c == '\t')
                })
            && self.ends_line(comment.end)
        {
            self.comments.pop_front();
            self.out.push(' ');
            self.out.push_str(self.text[comment.clone()].trim_end());
            self.at = comment.end;
        }
    }

    /// Whether nothing but space or further comments follow on the line.
    fn ends_line(&self, at: usize) -> bool {
        let rest = self.text.get(at..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default().trim_start();
        line.is_empty() || line.starts_with("//") || line.starts_with("/*")
    }

    /// Prints an empty line if there is one between what is printed and `next`.
    fn empty_line(&mut self, next: usize) {
        let between = self.text.get(self.at..next).unwrap_or_default();
        if !self.out.is_empty() && between.matches('\n').count() > 1 {
            self.out.push('\n');
        }
        self.at = self.at.max(next);
    }
}

/// The parts of an item that may stand on lines of their own.
fn parts(item: &Item) -> Option<Parts> {
    let parts = match &item.kind {
        ItemKind::FactSet {
            relation,
            members,
            exclusive,
        } => {
            let (separator, close) = fact_set_brackets(members.len(), *exclusive);
            Parts {
                open: format!("rel {} = {{", relation.text),
                parts: shown(members, |member| member.span),
                bullet: "",
                separator,
                close,
            }
        }
        ItemKind::Rule { tag, head, body } => Parts {
            open: format!("rel {}{} =", Tag(tag), Shown(head)),
            parts: conjuncts(body),
            bullet: "",
            separator: ",",
            close: "",
        },
        ItemKind::Types(declarations) => match declarations.as_slice() {
            [
                TypeDeclaration::Data {
                    name,
                    parameters,
                    constructors,
                    ..
                },
            ] => Parts {
                open: type_head(name, parameters),
                parts: shown(constructors, |constructor| constructor.span),
                bullet: "| ",
                separator: "",
                close: "",
            },
            _ => return None,
        },
        ItemKind::Query(query) => Parts {
            open: format!("query {} |", Asked(query)),
            parts: conjuncts(query.evidence.as_deref()?),
            bullet: "",
            separator: ",",
            close: "",
        },
        ItemKind::Evidence(formula) => Parts {
            open: "evidence".into(),
            parts: conjuncts(formula),
            bullet: "",
            separator: ",",
            close: "",
        },
        _ => return None,
    };
    Some(parts)
}

fn conjuncts(body: &Formula) -> Vec<(Span, String)> {
    match body {
        Formula::And(parts) => parts
            .iter()
            .map(|part| (part.span(), super::formula::conjunct(part)))
            .collect(),
        body => vec![(body.span(), Shown(body).to_string())],
    }
}

fn shown<'a, T>(parts: &'a [T], span: impl Fn(&T) -> Span) -> Vec<(Span, String)>
where
    for<'b> Shown<'b, T>: std::fmt::Display,
{
    parts
        .iter()
        .map(|part| (span(part), Shown(part).to_string()))
        .collect()
}
