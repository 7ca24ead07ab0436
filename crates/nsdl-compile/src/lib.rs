//! Syntax tree to evaluation plan: names, types, strata, join order.
//!
//! The passes, in order, each in a file of its name: `expand` (fields by name, calls of `fn`), `resolve`
//! (names), `desugar` (to a flat program), `keyed` (`keep` columns), `infer` (types), `extents` (patterns of
//! terms), `chain` (what needs no reasons), `demand` (what is asked for), `bind` (safety),
//! `stratify`, and `plan`, which asks `order` for the join orders.
//! [`show`] prints the result.

mod bind;
mod chain;
mod constant;
mod constructor;
mod demand;
mod desugar;
mod directive;
mod enumeration;
mod expand;
mod extents;
mod flat;
mod function;
mod infer;
mod keyed;
mod lint;
mod mentions;
mod modules;
mod order;
mod plan;
mod ready;
mod reduce;
mod resolve;
mod show;
mod solve;
mod stratify;

use std::sync::Arc;

use nsdl_ir::{Diagnostic, Plan, Symbols, Type};
use nsdl_syntax::ast::Ast;
use rustc_hash::FxHashSet;

use flat::Program;
use infer::Types;

pub use directive::{
    Argument, AttributeValue, Directives, FileDirective, ForeignAttribute, Outside,
};
pub use modules::qualify;
pub use nsdl_ir::did_you_mean;
pub use reduce::form as aggregate_form;
pub use show::show;

/// A compiled program.
#[derive(Debug)]
pub struct Compiled {
    /// What to evaluate.
    pub plan: Plan,
    /// The same for the queries alone: relations that they reach with constants are computed on demand (magic
    /// sets), so that those and other relations lack rows. `None` where it does not pay. The relations of
    /// `plan` have the same ids here, and the queries the same answers for the same reasons.
    pub focused: Option<Plan>,
    /// The same for evaluation without reasons and tags: the queries have the same rows, for fewer reasons.
    /// `None` where `focused` or `plan` is as good.
    pub plain: Option<Plan>,
    /// What its author probably did not mean.
    pub warnings: Vec<Diagnostic>,
    /// What its attributes ask of whoever runs it.
    pub directives: Directives,
    /// Tags that are no probabilities, if [`Outside::any_number`]: errors where tags are read as such.
    pub improbable: Vec<Diagnostic>,
}

/// A relation that facts from outside will fill. It is declared by that, if the program does not do so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// The relation.
    pub name: String,
    /// What is known of its columns; `None` is inferred.
    pub columns: Vec<Option<Type>>,
}

/// So many errors are reported: more do not help.
const REPORTED: usize = 100;

/// Formulas and expressions nest up to 2,000 deep (SEMANTICS.md 11), and the passes recurse over them.
const STACK: usize = 32 << 20;

/// Compiles the items of all trees, in order, as one program. Text of its facts is interned in `symbols`.
/// It may use the built-in predicates, and what it declares as `extern`.
///
/// Cost: linear in the size of the program, but for `or`, which multiplies rules; and quadratic in the
/// number of recursive atoms of a single rule, each with a join order.
///
/// ```
/// use nsdl_ir::{SourceId, Symbols};
///
/// let (ast, problems) = nsdl_syntax::parse("rel 0.9::edge(0, 1)\nrel path(a, b) = edge(a, b)", SourceId(0));
/// assert!(problems.is_empty());
/// let compiled = nsdl_compile::compile(&[&ast], &[], &Symbols::new()).unwrap();
/// assert_eq!(compiled.plan.relations[1].name, "path");
/// ```
///
/// # Errors
/// Everything that is wrong with the program, by place: names and constants first, then, if those are well,
/// types, unbound variables and negative cycles.
pub fn compile(
    asts: &[&Ast],
    externals: &[External],
    symbols: &Symbols,
) -> Result<Compiled, Vec<Diagnostic>> {
    let outside = Outside {
        relations: externals,
        ..Outside::default()
    };
    compile_with(asts, &outside, symbols)
}

/// As [`compile`], with arguments and attributes from outside too.
///
/// # Errors
/// As [`compile`].
pub fn compile_with(
    asts: &[&Ast],
    outside: &Outside<'_>,
    symbols: &Symbols,
) -> Result<Compiled, Vec<Diagnostic>> {
    stacker::maybe_grow(STACK, STACK, || passes(asts, outside, symbols))
}

fn passes(
    asts: &[&Ast],
    outside: &Outside<'_>,
    symbols: &Symbols,
) -> Result<Compiled, Vec<Diagnostic>> {
    let (expanded, mut found) = expand::expand(asts);
    if found.iter().any(Diagnostic::is_error) {
        return Err(tidy(found));
    }
    let asts: &[&Ast] = &expanded.iter().collect::<Vec<_>>();
    let (mut names, relations, more) = resolve::resolve(asts, outside, symbols);
    let directives = names.take_directives();
    found.extend(more);
    if found.iter().any(Diagnostic::is_error) {
        return Err(tidy(found));
    }
    let (mut program, more) = desugar::desugar(asts, &names, relations);
    found.extend(more);
    found.extend(keyed::split(&mut program));
    found.extend(enumeration::check(&program, &names));
    let mut improbable = Vec::new();
    if outside.any_number && found.iter().all(|it| !it.is_error() || is_improbable(it)) {
        (improbable, found) = found.into_iter().partition(is_improbable);
    }
    for data_type in &names.data_types {
        symbols.define(Arc::clone(data_type));
    }
    if found.iter().any(Diagnostic::is_error) {
        return Err(tidy(found));
    }
    let (mut types, mut errors) = infer::infer(&mut program);
    extents::extents(&mut program, &mut types);
    for way in [extents::compute, extents::separate] {
        if program.clauses.iter().any(|it| !it.makes.is_empty())
            && stratify::stratify(&program).is_err()
        {
            way(&mut program, &mut types);
        }
    }
    let on_demand = match demand::transform(&program, &types, false) {
        Ok(on_demand) => on_demand,
        Err(more) => {
            // What demand would bind is not bound then.
            errors.extend(more);
            return Err(tidy(errors));
        }
    };
    let (whole, whole_types) = on_demand
        .as_ref()
        .map_or((&program, &types), |(program, types)| (program, types));
    errors.extend(bind::check(whole, whole_types));
    if errors.iter().any(|error| error.code != "E0302") {
        // A type that cannot be inferred is most often a consequence of the other errors.
        errors.retain(|error| error.code != "E0302");
    }
    let strata = stratify::stratify(whole);
    let strata = match strata {
        Ok(strata) if errors.is_empty() => strata,
        strata => {
            errors.extend(strata.err().unwrap_or_default());
            return Err(tidy(errors));
        }
    };
    found.extend(lint::program(asts, outside.relations, &names, &program));
    match plan::plan(whole, &program.facts, whole_types, &strata, symbols) {
        Ok(plan) => {
            found.extend(lint::facts(&plan));
            lint::allowed(asts, &mut found);
            Ok(Compiled {
                focused: focus(&program, &types, &plan, symbols),
                plain: plain(&program, &types, &plan, symbols),
                plan,
                warnings: tidy(found),
                directives,
                improbable,
            })
        }
        Err(errors) => {
            found.extend(errors);
            Err(tidy(found))
        }
    }
}

/// Whether an error is about a tag that is a number, but no probability.
fn is_improbable(diagnostic: &Diagnostic) -> bool {
    matches!(diagnostic.code, "E0502" | "E0503")
}

/// The plan for the queries alone, where asking for less than everything pays.
fn focus(program: &Program, types: &Types, plan: &Plan, symbols: &Symbols) -> Option<Plan> {
    // What is made on demand only would be missing where a pattern asks for all terms.
    if program.clauses.iter().any(|it| !it.makes.is_empty()) {
        return None;
    }
    let (program, types) = demand::transform(program, types, true).ok()??;
    narrowed(&program, &types, plan, symbols)
}

/// The plan for the queries alone, of which only the rows are wanted, where that pays.
fn plain(program: &Program, types: &Types, plan: &Plan, symbols: &Symbols) -> Option<Plan> {
    if program.clauses.iter().any(|it| !it.makes.is_empty()) {
        return None;
    }
    let (program, types) = chain::chains(program, types)?;
    let demanded = match demand::transform(&program, &types, true).ok()? {
        None => demand::transform(&program, &types, false).ok()?,
        demanded => demanded,
    };
    let (program, types) = demanded.unwrap_or((program, types));
    narrowed(&program, &types, plan, symbols)
}

/// The plan of a program that computes less than `plan`, over the same facts.
fn narrowed(program: &Program, types: &Types, plan: &Plan, symbols: &Symbols) -> Option<Plan> {
    // Where these find fault, the passes before found none: then the plain plan does.
    if !bind::check(program, types).is_empty() {
        return None;
    }
    let strata = stratify::stratify(program).ok()?;
    let mut narrowed = plan::plan(program, &[], types, &strata, symbols).ok()?;
    narrowed.facts.clone_from(&plan.facts);
    narrowed.learning.facts.clone_from(&plan.learning.facts);
    Some(narrowed)
}

/// Each diagnostic once (the splits of a rule repeat them), by place.
fn tidy(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    if diagnostics.iter().any(Diagnostic::is_error) {
        // Warnings about a program that is to be changed anyway only distract.
        diagnostics.retain(Diagnostic::is_error);
    }
    let mut seen = FxHashSet::default();
    diagnostics.retain(|it| seen.insert((it.code, it.span(), it.message.clone())));
    diagnostics.sort_by_key(Diagnostic::span);
    if let Some(more) = diagnostics
        .len()
        .checked_sub(REPORTED)
        .filter(|more| *more > 0)
    {
        diagnostics.truncate(REPORTED);
        if let Some(last) = diagnostics.last_mut() {
            last.notes.push(format!("{more} more are not shown"));
        }
    }
    diagnostics
}

#[cfg(test)]
mod tests;
