//! Semi-naive evaluation derives what naive evaluation does: the same rows, for the same reasons.

use std::collections::BTreeSet;

use nsdl_eval::{Evaluation, Table};
use nsdl_ir::{Plan, Relation, Step};

/// Where two evaluations of `plan` differ: what kind of thing differs, and how it came out.
///
/// Which candidates of a keyed relation are left out depends on the order in which they come: one that a certain
/// one beats is the best in no world (SEMANTICS 8), and may be seen before that or not at all. So candidates are
/// not compared, nor counted with what they are reasons for: the rows that are best in some world are.
pub fn difference(
    plan: &Plan,
    fast: &Evaluation,
    slow: &Evaluation,
) -> Option<(&'static str, String)> {
    let tables = fast.tables.iter().zip(&slow.tables);
    for (relation, (fast, slow)) in plan.relations.iter().zip(tables) {
        let rows = |table: &Table| table.rows().map(<[u64]>::to_vec).collect::<BTreeSet<_>>();
        let (fast, slow) = (rows(fast), rows(slow));
        if fast != slow && !holds_candidates(plan, relation) {
            let what = format!("{}: {fast:?}, not {slow:?}", relation.name);
            return Some(("semi-naive is not naive", what));
        }
    }
    let size = |evaluation: &Evaluation| {
        let trace = evaluation.trace.as_ref()?;
        Some((
            trace.instances.len(),
            trace.leaves.len(),
            trace.aggregates.len(),
        ))
    };
    let keyed = plan.relations.iter().any(|it| it.keep.is_some());
    if size(fast) != size(slow) && !keyed {
        let what = format!("{:?}, not {:?}", size(fast), size(slow));
        return Some(("other instances, leaves, aggregates", what));
    }
    None
}

/// Whether the rows of a relation are candidates of a keyed one, or those in another order of columns.
fn holds_candidates(plan: &Plan, relation: &Relation) -> bool {
    let copies = |step: &Step| {
        matches!(step, Step::Scan { relation, .. }
            if plan.relations.get(relation.index()).is_some_and(|it| it.keep.is_some()))
    };
    let mut rules = plan.rules.iter().filter(|rule| {
        let head = plan.relations.get(rule.head.index());
        head.is_some_and(|head| std::ptr::eq(head, relation))
    });
    relation.keep.is_some() || relation.auxiliary && rules.any(|rule| rule.steps.iter().any(copies))
}
