//! Which relations may hold rows that some world lacks, and whether their tags can be carried in joins.

use nsdl_ir::{Fact, Plan, Rule, Step, Tag, Tagging};
use rustc_hash::FxHashMap;

use crate::Options;

/// Per relation, whether its rows may be uncertain, whatever the weights. Only as many as `needed` say.
pub(crate) fn uncertain(plan: &Plan, needed: &[bool], facts: &[Fact]) -> Vec<bool> {
    let mut uncertain = vec![false; plan.relations.len()];
    for fact in facts.iter().filter(|fact| fact.tag != Tag::Certain) {
        let relation = fact.relation.index();
        uncertain[relation] = needed[relation] && !plan.relations[relation].certain;
    }
    for stratum in &plan.strata {
        let rules = || stratum.rules.iter().map(|rule| &plan.rules[rule.index()]);
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for rule in rules() {
                let head = rule.head.index();
                if needed[head]
                    && !uncertain[head]
                    && !plan.relations[head].certain
                    && (rule.tag.is_some() || reads(rule, &uncertain))
                {
                    uncertain[head] = true;
                    changed = true;
                }
            }
        }
    }
    uncertain
}

fn reads(rule: &Rule, uncertain: &[bool]) -> bool {
    rule.steps.iter().any(|step| match step {
        Step::Scan { relation, .. } | Step::Absent { relation, .. } => uncertain[relation.index()],
        _ => false,
    })
}

/// The random variables of facts, in order of their first fact: number and weight of each alternative.
pub(crate) fn groups(facts: &[Fact]) -> Vec<Vec<(usize, f64)>> {
    let mut groups: Vec<Vec<(usize, f64)>> = Vec::new();
    let mut exclusive = FxHashMap::default();
    for (number, fact) in facts.iter().enumerate() {
        match fact.tag {
            Tag::Certain => {}
            Tag::Independent(weight) => groups.push(vec![(number, weight)]),
            Tag::Exclusive { group, weight } | Tag::Share { group, weight } => {
                let group = *exclusive.entry(group).or_insert_with(|| {
                    groups.push(Vec::new());
                    groups.len() - 1
                });
                groups[group].push((number, weight));
            }
        }
    }
    groups
}

/// What an algebra allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Laws {
    /// Deriving a tuple again in the same way changes nothing.
    pub(crate) idempotent: bool,
    /// Once certain, always certain.
    pub(crate) absorptive: bool,
    /// Tags speak of facts only: rules have none of their own, and uncertain tuples are not denied.
    pub(crate) positive: bool,
}

/// Whether joins can carry the tags of all that is needed, with the same results as the trace. Not so for what
/// looks at several members at once (aggregates, keyed relations), for random variables that predicates make, and
/// for the absence of what itself depends on absence: complements of complements are rounded otherwise.
pub(crate) fn carries(
    plan: &Plan,
    needed: &[bool],
    uncertain: &[bool],
    laws: Laws,
    options: &Options,
) -> bool {
    if options.stop_at.is_some() || options.iterations.is_some() {
        // What is derived by then is not all there is, and rounds are others.
        return false;
    }
    let mut complemented = vec![false; plan.relations.len()];
    for stratum in &plan.strata {
        let is_needed = stratum.relations.iter().any(|it| needed[it.index()]);
        if !is_needed {
            continue;
        }
        let is_uncertain = stratum.relations.iter().any(|it| uncertain[it.index()]);
        if is_uncertain && stratum.recursive && !(laws.idempotent && laws.absorptive) {
            return false;
        }
        if stratum
            .relations
            .iter()
            .any(|it| plan.relations[it.index()].keep.is_some())
        {
            return false;
        }
        for aggregate in stratum
            .aggregates
            .iter()
            .map(|it| &plan.aggregates[it.index()])
        {
            let members = uncertain[aggregate.members.index()] && !aggregate.single_world;
            let groups = aggregate.groups.is_some_and(|it| uncertain[it.index()]);
            if members || groups || aggregate.op.reads_weights() {
                return false;
            }
        }
        let rules = || stratum.rules.iter().map(|rule| &plan.rules[rule.index()]);
        for rule in rules() {
            if rule.copy.is_some() && !laws.idempotent {
                return false;
            }
            if laws.positive && uncertain[rule.head.index()] && rule.tag.is_some() {
                return false;
            }
            for step in &rule.steps {
                match step {
                    Step::Absent { relation, .. }
                        if laws.positive && uncertain[relation.index()] =>
                    {
                        return false;
                    }
                    Step::Foreign { predicate, .. } if predicate.tags != Tagging::Certain => {
                        return false;
                    }
                    Step::Absent { relation, .. } if complemented[relation.index()] => {
                        return false;
                    }
                    _ => {}
                }
            }
        }
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for rule in rules() {
                let head = rule.head.index();
                let denies = rule.steps.iter().any(|step| match step {
                    Step::Absent { relation, .. } => uncertain[relation.index()],
                    Step::Scan { relation, .. } => complemented[relation.index()],
                    _ => false,
                });
                changed |= denies && !std::mem::replace(&mut complemented[head], denies);
            }
        }
    }
    true
}
