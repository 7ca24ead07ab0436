//! Demand: relations that are computed only for the bindings that something asks for (magic sets).
//!
//! Before: a flat, typed program. After: heads of relations on demand have guards, one per pattern of bound
//! columns, and clauses for the demand relations say what is asked for: a demand relation holds the bound
//! columns of every tuple that a body, evaluated sideways (`sips`), can look up. Demand relations are
//! [`certain`](nsdl_ir::Relation::certain): asking carries no probability. A guard adds no variable that the
//! clause itself does not determine and leaves its choice alone, so formulas and random variables stay as they
//! were (SEMANTICS.md 1).
//!
//! On demand are the relations declared so, the auxiliary relations that could not be computed without it, and,
//! if `automatic`, those that queries reach with constants only, where recursion is to be gained from it.
//! Where asking would close a negative cycle, less is passed on, and then the relation is computed in full.

mod limits;
mod pattern;
mod requests;
mod rewrite;
mod sips;
mod variant;

use nsdl_ir::Diagnostic;

pub(crate) use pattern::Pattern;

use crate::flat::{Clause, Program};
use crate::infer::Types;
use crate::stratify;
use limits::Limits;
use requests::Requests;

/// So often is less passed on before a relation is given up.
const ATTEMPTS: usize = 16;

/// With a longer body, a program is not worth its while: bodies are ordered in quadratic time here.
const LITERALS: usize = 200;

/// The program with demand; `None` if it needs none.
///
/// Without `automatic` every relation that is not on demand is computed in full; with it, only what the
/// queries need is to be evaluated.
///
/// # Errors
/// E0410 for each use of a relation on demand that binds none of its patterns.
pub(crate) fn transform(
    program: &Program,
    types: &Types,
    automatic: bool,
) -> Result<Option<(Program, Types)>, Vec<Diagnostic>> {
    let declared = program.relations.iter().any(|it| !it.demand.is_empty());
    if automatic && program.queries.is_empty() || !automatic && !declared {
        return Ok(None);
    }
    let long = |clause: &Clause| clause.body.len() > LITERALS;
    if automatic && program.clauses.iter().any(long) {
        return Ok(None);
    }
    let mut limits = Limits::new(program, automatic);
    for _ in 0..ATTEMPTS {
        let requests = Requests::gather(program, types, &limits)?;
        if automatic && !requests.is_automatic() {
            return Ok(None);
        }
        let (changed, changed_types) = rewrite::rewrite(program, types, &requests, &limits);
        let cyclic = stratify::negative_cycles(&changed);
        let on_cycles: Vec<_> = requests
            .demands()
            .filter(|(demand, _)| cyclic.get(*demand).copied().unwrap_or_default())
            .map(|(_, relation)| relation)
            .collect();
        if !limits.tighten(&on_cycles) {
            return Ok(Some((changed, changed_types)));
        }
    }
    Ok(None)
}
