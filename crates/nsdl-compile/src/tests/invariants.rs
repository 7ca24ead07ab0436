//! What the documentation of `Plan` promises, checked on every plan that a test makes and on random rules.

use std::collections::HashSet;

use nsdl_ir::{Column, Expr, Operand, Plan, RelationId, Rule, Slot, Step};
use proptest::prelude::*;

use super::compile_text;

/// Panics where a plan breaks its contract.
pub(super) fn check(plan: &Plan) {
    let stratum = |relation: RelationId| {
        let position = plan
            .strata
            .iter()
            .position(|it| it.relations.contains(&relation));
        position.expect("every relation has a stratum")
    };
    let listed: usize = plan.strata.iter().map(|it| it.rules.len()).sum();
    assert_eq!(listed, plan.rules.len());
    for stratum_ in &plan.strata {
        let recursive = stratum_
            .rules
            .iter()
            .any(|id| !plan.rules[id.index()].deltas.is_empty());
        assert_eq!(stratum_.recursive, recursive);
        for id in &stratum_.rules {
            assert!(stratum_.relations.contains(&plan.rules[id.index()].head));
        }
    }
    for rule in &plan.rules {
        let home = stratum(rule.head);
        assert_eq!(rule.args.len(), columns(plan, rule.head));
        let mut own = Vec::new();
        for step in &rule.steps {
            match step {
                Step::Scan { relation, atom, .. } => {
                    assert!(stratum(*relation) <= home);
                    if stratum(*relation) == home {
                        own.push(*atom);
                    }
                }
                Step::Absent { relation, .. } => assert!(stratum(*relation) < home),
                Step::Filter(_)
                | Step::Let { .. }
                | Step::Range { .. }
                | Step::Element { .. }
                | Step::Foreign { .. } => {}
            }
        }
        own.sort_unstable();
        assert_eq!(
            own,
            rule.deltas
                .iter()
                .map(|delta| delta.atom)
                .collect::<Vec<_>>()
        );
        check_steps(plan, rule, &rule.steps);
        for delta in &rule.deltas {
            assert!(matches!(delta.steps[0], Step::Scan { atom, .. } if atom == delta.atom));
            check_steps(plan, rule, &delta.steps);
        }
        if let Some(tag) = rule.tag {
            assert!(plan.choices[tag.choice.index()].weights.len() > tag.alternative as usize);
        }
    }
    for aggregate in &plan.aggregates {
        for read in [Some(aggregate.members), aggregate.groups]
            .into_iter()
            .flatten()
        {
            assert!(stratum(read) < stratum(aggregate.output));
        }
        assert!(plan.rules.iter().all(|rule| rule.head != aggregate.output));
    }
    for fact in &plan.facts {
        assert_eq!(fact.row.len(), columns(plan, fact.relation));
    }
}

fn columns(plan: &Plan, relation: RelationId) -> usize {
    plan.relations[relation.index()].columns.len()
}

/// Each slot is bound once, before its uses; head and weights find theirs bound; all atoms are scanned.
fn check_steps(plan: &Plan, rule: &Rule, steps: &[Step]) {
    let mut bound: HashSet<Slot> = HashSet::new();
    let mut atoms: Vec<u32> = Vec::new();
    for step in steps {
        match step {
            Step::Scan {
                atom,
                relation,
                columns: cells,
            } => {
                atoms.push(*atom);
                assert_eq!(cells.len(), columns(plan, *relation));
                for cell in cells {
                    match cell {
                        Column::Bind(slot) => assert!(bound.insert(*slot)),
                        Column::Check(slot) => assert!(bound.contains(slot)),
                        Column::Any => assert!(rule.tag.is_none()),
                        Column::Const(_) => {}
                    }
                }
            }
            Step::Absent { relation, args } => {
                assert_eq!(args.len(), columns(plan, *relation));
                for arg in args {
                    assert!(!matches!(arg, Operand::Slot(slot) if !bound.contains(slot)));
                }
            }
            Step::Foreign {
                predicate,
                relation,
                mode,
                columns: cells,
                negated,
            } => {
                assert_eq!(cells.len(), columns(plan, *relation));
                for (column, cell) in cells.iter().enumerate() {
                    let given = match cell {
                        Column::Bind(_) | Column::Any => false,
                        Column::Check(slot) => bound.contains(slot),
                        Column::Const(_) => true,
                    };
                    assert!(given || !predicate.needs(*mode, column));
                }
                for cell in cells {
                    match cell {
                        Column::Bind(slot) => assert!(bound.insert(*slot) && !negated),
                        Column::Check(slot) => assert!(bound.contains(slot)),
                        Column::Any => assert!(rule.tag.is_none() || *negated),
                        Column::Const(_) => {}
                    }
                }
            }
            Step::Filter(expr) => assert_bound(expr, &bound),
            Step::Range {
                slot, low, high, ..
            } => {
                assert_bound(low, &bound);
                assert_bound(high, &bound);
                assert!(bound.insert(*slot));
            }
            Step::Element { slot, list } => {
                assert_bound(list, &bound);
                assert!(bound.insert(*slot));
            }
            Step::Let { slot, value } => {
                assert_bound(value, &bound);
                assert!(bound.insert(*slot));
            }
        }
    }
    atoms.sort_unstable();
    assert_eq!(atoms, (0..rule.atoms).collect::<Vec<_>>());
    rule.args.iter().for_each(|arg| assert_bound(arg, &bound));
    if let Some(tag) = rule.tag {
        let choice = &plan.choices[tag.choice.index()];
        choice
            .weights
            .iter()
            .for_each(|weight| assert_bound(weight, &bound));
        assert!(choice.binding.iter().all(|slot| bound.contains(slot)));
        assert_eq!(choice.binding.len(), rule.slots.len());
    }
}

fn assert_bound(expr: &Expr, bound: &HashSet<Slot>) {
    expr.slots(&mut |slot| assert!(bound.contains(&slot)));
}

fn variable() -> impl Strategy<Value = String> {
    "[vwxyz]"
}

fn literal() -> impl Strategy<Value = String> {
    let argument = prop_oneof![
        4 => variable(),
        1 => Just("_".to_owned()),
        1 => Just("2".to_owned()),
        1 => variable().prop_map(|name| format!("{name} + 1")),
    ];
    let atom =
        ("[abr]", argument.clone(), argument).prop_map(|(name, x, y)| format!("{name}({x}, {y})"));
    let absent = (
        "[ab]",
        variable(),
        prop_oneof![variable(), Just("_".to_owned())],
    )
        .prop_map(|(name, x, y)| format!("not {name}({x}, {y})"));
    prop_oneof![
        4 => atom,
        1 => absent,
        1 => (variable(), variable()).prop_map(|(x, y)| format!("{x} < {y}")),
        1 => (variable(), variable(), variable()).prop_map(|(x, y, z)| format!("{x} == {y} + {z}")),
        1 => (variable(), variable(), variable()).prop_map(|(x, y, z)| format!("{x} - {y} == {z}")),
        1 => (variable(), variable(), variable())
            .prop_map(|(x, y, z)| format!("{x} := count({y}: b({y}, {z}))")),
    ]
}

proptest! {
    /// A random rule compiles to a sound plan or to an error about binding, types or strata.
    #[test]
    fn random_rules(
        bodies in prop::collection::vec(prop::collection::vec(literal(), 1..6), 1..4),
        tagged: bool,
    ) {
        let bodies: Vec<String> = bodies.iter().map(|body| format!("({})", body.join(" and "))).collect();
        let tag = if tagged { "0.5::" } else { "" };
        let text = format!(
            "type a(usize, usize), r(usize, usize)\nrel a(1, 2)\nrel b(2, 3)\nrel b(x, y) = a(x, y)\nrel {tag}r(x, y) = {}",
            bodies.join(" or "),
        );
        if let Err(errors) = compile_text(&text, &[]) {
            for error in errors {
                prop_assert!(["E0401", "E0301"].contains(&error.code), "{text}\n{error:?}");
            }
        }
    }
}
