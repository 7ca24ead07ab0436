//! Any text is parsed, and printing undoes it.

use nsdl_ir::SourceId;
use nsdl_syntax::ast::Ast;
use nsdl_syntax::{Sources, format, is_incomplete, parse, render};

use super::{Fault, mutate};
use crate::corpus::Case;
use crate::random::Random;

/// A damaged program, or a heap of tokens.
pub fn input(random: &mut Random, corpus: &[Case]) -> String {
    match random.below(4) {
        0 => mutate::soup(random),
        1 => mutate::characters(&random.pick(corpus).text, corpus, random),
        _ => mutate::tokens(&random.pick(corpus).text, corpus, random),
    }
}

/// Parsing ends with a tree and diagnostics whose places are in the text; what was understood means the same
/// after printing, and printing it again changes nothing.
///
/// # Errors
/// What does not hold.
pub fn check(text: &str) -> Result<(), Fault> {
    let mut sources = Sources::new();
    let id = sources.add("fuzz.dl", text);
    let (ast, diagnostics) = parse(text, id);
    for it in &diagnostics {
        let placed = it
            .labels
            .iter()
            .all(|label| text.get(label.span.range()).is_some());
        if !it.is_error() || !it.code.starts_with("E01") || it.labels.is_empty() || !placed {
            return Err(Fault::new("a bad diagnostic", format!("{it:?}")));
        }
    }
    render::render(&diagnostics, &sources, false);
    is_incomplete(text);
    let printed = format::ast(&ast);
    let (again, problems) = parse(&printed, SourceId(0));
    if !problems.is_empty() {
        return Err(Fault::new(
            "print not parsed",
            format!("{printed}\n{problems:?}"),
        ));
    }
    if shape(&again) != shape(&ast) {
        return Err(Fault::new("another tree", printed));
    }
    let twice = format::ast(&again);
    if twice != printed {
        return Err(Fault::new(
            "printed otherwise",
            format!("{printed}\n{twice}"),
        ));
    }
    Ok(())
}

/// The tree without its places, in text.
fn shape(ast: &Ast) -> String {
    let text = format!("{ast:?}");
    let mut parts = text.split("Span { source: SourceId(");
    let mut shape = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shape.push_str(part.split_once('}').map_or(part, |(_, rest)| rest));
    }
    shape
}
