//! What an evaluation has to do: the facts it may read and the strata its targets need.

use nsdl_ir::{Diagnostic, Fact, Plan, RelationId, Step};

/// Refuses facts that do not fit their relation.
pub(crate) fn check_facts(plan: &Plan, facts: &[Fact]) -> Result<(), Diagnostic> {
    for fact in facts {
        let (found, columns) = match plan.relations.get(fact.relation.index()) {
            Some(relation) if relation.columns.len() == fact.row.len() => continue,
            Some(relation) => (
                format!("a fact of `{}`", relation.name),
                relation.columns.len(),
            ),
            None => ("a fact of no relation of the program".to_owned(), 0),
        };
        let message = format!("{found} has {} values instead of {columns}", fact.row.len());
        let error = Diagnostic::error("E0801", message).help("give one value per column");
        return Err(match fact.span {
            Some(span) => error.label(span, "this fact"),
            None => error,
        });
    }
    Ok(())
}

/// Per relation, whether it has to be evaluated for the targets.
pub(crate) fn needed_relations(plan: &Plan, targets: Option<&[RelationId]>) -> Vec<bool> {
    let Some(targets) = targets else {
        return vec![true; plan.relations.len()];
    };
    let mut needed = vec![false; plan.relations.len()];
    for target in targets {
        if let Some(needed) = needed.get_mut(target.index()) {
            *needed = true;
        }
    }
    // A stratum reads only itself and earlier ones.
    for stratum in plan.strata.iter().rev() {
        if !stratum
            .relations
            .iter()
            .any(|relation| needed[relation.index()])
        {
            continue;
        }
        let rules = stratum
            .rules
            .iter()
            .flat_map(|rule| &plan.rules[rule.index()].steps);
        let read = rules.filter_map(|step| match step {
            Step::Scan { relation, .. }
            | Step::Absent { relation, .. }
            | Step::Foreign { relation, .. } => Some(*relation),
            Step::Filter(_) | Step::Let { .. } | Step::Range { .. } | Step::Element { .. } => None,
        });
        let aggregates = stratum
            .aggregates
            .iter()
            .map(|aggregate| &plan.aggregates[aggregate.index()]);
        let aggregated = aggregates
            .flat_map(|aggregate| [Some(aggregate.members), aggregate.groups])
            .flatten();
        let extents = plan
            .extents
            .iter()
            .filter(|extent| stratum.relations.contains(&extent.relation));
        let makers = extents
            .flat_map(|extent| &extent.makers)
            .map(|rule| plan.rules[rule.index()].head);
        for relation in read
            .chain(aggregated)
            .chain(makers)
            .chain(stratum.relations.iter().copied())
        {
            needed[relation.index()] = true;
        }
    }
    needed
}
