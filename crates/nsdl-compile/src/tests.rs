//! Programs in, plans or diagnostics out.

mod errors;
mod invariants;
mod plans;

use nsdl_ir::{Diagnostic, RelationId, SourceId, Symbols};

use crate::{Compiled, External, compile};

fn compile_text(text: &str, externals: &[External]) -> Result<Compiled, Vec<Diagnostic>> {
    compile_in(text, externals, &Symbols::new())
}

fn compile_in(
    text: &str,
    externals: &[External],
    symbols: &Symbols,
) -> Result<Compiled, Vec<Diagnostic>> {
    let (ast, diagnostics) = nsdl_syntax::parse(text, SourceId(0));
    assert_eq!(diagnostics, [], "{text}");
    let compiled = compile(&[&ast], externals, symbols)?;
    invariants::check(&compiled.plan);
    compiled.focused.iter().for_each(invariants::check);
    compiled.plain.iter().for_each(invariants::check);
    Ok(compiled)
}

fn compiled(text: &str) -> Compiled {
    compile_text(text, &[]).unwrap_or_else(|errors| panic!("{text}: {errors:#?}"))
}

fn relation(compiled: &Compiled, name: &str) -> RelationId {
    let position = compiled
        .plan
        .relations
        .iter()
        .position(|it| it.name == name);
    RelationId::new(position.unwrap_or_else(|| panic!("no relation {name}")))
}

/// Types of a relation, as written in programs.
fn types(compiled: &Compiled, name: &str) -> String {
    let relation = &compiled.plan.relations[relation(compiled, name).index()];
    relation
        .columns
        .iter()
        .map(|ty| ty.name())
        .collect::<Vec<_>>()
        .join(", ")
}
