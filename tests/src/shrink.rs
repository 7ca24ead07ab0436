//! Smaller programs that still fail.

use crate::oracle::{Head, Literal, Program, Rule};

/// Drops facts, rules, alternatives and formulas for as long as `fails` holds of what is left.
pub fn shrink(mut program: Program, fails: impl Fn(&Program) -> bool) -> Program {
    'again: loop {
        for smaller in smaller(&program) {
            if fails(&smaller) {
                program = smaller;
                continue 'again;
            }
        }
        return program;
    }
}

/// The programs with one thing less.
fn smaller(program: &Program) -> Vec<Program> {
    let mut all = Vec::new();
    for index in 0..program.rules.len() {
        let mut smaller = program.clone();
        smaller.rules.remove(index);
        all.push(smaller);
    }
    for index in 0..program.facts.len() {
        let mut smaller = program.clone();
        smaller.facts.remove(index);
        all.push(smaller);
        for member in 0..program.facts[index].members.len() {
            let mut smaller = program.clone();
            smaller.facts[index].members.remove(member);
            all.push(smaller);
            if !program.facts[index].exclusive && program.facts[index].members[member].0.is_some() {
                let mut smaller = program.clone();
                smaller.facts[index].members[member].0 = None;
                all.push(smaller);
            }
        }
    }
    for (index, rule) in program.rules.iter().enumerate() {
        for smaller_rule in smaller_rules(rule) {
            let mut smaller = program.clone();
            smaller.rules[index] = smaller_rule;
            all.push(smaller);
        }
    }
    all
}

fn smaller_rules(rule: &Rule) -> Vec<Rule> {
    let mut all: Vec<Rule> = smaller_bodies(&rule.body)
        .into_iter()
        .map(|body| Rule {
            body,
            ..rule.clone()
        })
        .collect();
    if rule.tag.is_some() {
        all.push(Rule {
            tag: None,
            ..rule.clone()
        });
    }
    match &rule.head {
        Head::All(atoms) if atoms.len() > 1 => all.extend((0..atoms.len()).map(|index| {
            let mut atoms = atoms.clone();
            atoms.remove(index);
            Rule {
                head: Head::All(atoms),
                ..rule.clone()
            }
        })),
        Head::OneOf(atoms) if atoms.len() > 2 => all.extend((0..atoms.len()).map(|index| {
            let mut atoms = atoms.clone();
            atoms.remove(index);
            Rule {
                head: Head::OneOf(atoms),
                ..rule.clone()
            }
        })),
        _ => {}
    }
    all
}

fn smaller_bodies(body: &[Literal]) -> Vec<Vec<Literal>> {
    let mut all = Vec::new();
    for (index, literal) in body.iter().enumerate() {
        if body.len() > 1 {
            let mut smaller = body.to_vec();
            smaller.remove(index);
            all.push(smaller);
        }
        let mut replace = |literal: Literal| {
            let mut smaller = body.to_vec();
            smaller[index] = literal;
            all.push(smaller);
        };
        match literal {
            Literal::Or(parts) => {
                for part in parts {
                    if let [only] = &part[..] {
                        replace(only.clone());
                    }
                }
                for (at, part) in parts.iter().enumerate() {
                    for smaller in smaller_bodies(part) {
                        let mut parts = parts.clone();
                        parts[at] = smaller;
                        replace(Literal::Or(parts));
                    }
                }
            }
            Literal::Aggregate(aggregate) => {
                for body in smaller_bodies(&aggregate.body) {
                    let mut aggregate = aggregate.clone();
                    aggregate.body = body;
                    replace(Literal::Aggregate(aggregate));
                }
                if let Some((vars, groups)) = &aggregate.groups {
                    let mut implicit = aggregate.clone();
                    implicit.groups = None;
                    replace(Literal::Aggregate(implicit));
                    for groups in smaller_bodies(groups) {
                        let mut aggregate = aggregate.clone();
                        aggregate.groups = Some((vars.clone(), groups));
                        replace(Literal::Aggregate(aggregate));
                    }
                }
            }
            _ => {}
        }
    }
    all
}
