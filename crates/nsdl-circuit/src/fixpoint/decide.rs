//! What follows for certain: unknowns that hold or cannot hold, and unknowns that are the same.

use super::components::components;
use super::equations::{Equations, Lists};
use crate::formula::NodeId;

/// The unknowns that follow from the terms whose external formula counts, in linear time.
pub(super) fn closure(
    equations: &Equations,
    uses: &Lists,
    counts: impl Fn(NodeId) -> bool,
) -> Vec<bool> {
    let mut holds = vec![false; equations.unknowns as usize];
    // How many unknowns each term waits for.
    let mut missing: Vec<u32> = Vec::with_capacity(equations.terms.len());
    let mut open = Vec::new();
    for term in &equations.terms {
        let needs = equations.locals(term).len() as u32;
        if needs == 0 && counts(term.external) {
            open.push(term.head);
        }
        missing.push(needs);
    }
    while let Some(unknown) = open.pop() {
        if std::mem::replace(&mut holds[unknown as usize], true) {
            continue;
        }
        for &number in uses.get(unknown) {
            let (left, term) = (
                &mut missing[number as usize],
                &equations.terms[number as usize],
            );
            *left -= 1;
            if *left == 0 && counts(term.external) {
                open.push(term.head);
            }
        }
    }
    holds
}

/// A representative of each unknown: those that imply each other for certain have one, and so has an unknown
/// with the one that is its only support.
pub(super) fn contract(equations: &Equations, certain: &[bool], possible: &[bool]) -> Vec<u32> {
    let count = equations.unknowns as usize;
    let mut class: Vec<u32> = (0..equations.unknowns).collect();
    // The one undecided unknown that a term without a condition needs.
    let implied = |term: &super::equations::Term| {
        if term.external != NodeId::TRUE || certain[term.head as usize] {
            return None;
        }
        let mut undecided = equations
            .locals(term)
            .iter()
            .filter(|&&local| !certain[local as usize]);
        match (undecided.next(), undecided.next()) {
            (Some(&local), None) if possible[local as usize] => Some((term.head, local)),
            _ => None,
        }
    };
    let implications: Vec<(u32, u32)> = equations.terms.iter().filter_map(implied).collect();
    if implications.is_empty() {
        return class;
    }
    let graph = Lists::new(count, || implications.iter().copied());
    let heads = implications.iter().map(|&(head, _)| head);
    components(&graph, count, heads, |members| {
        if let Some(&least) = members.iter().min() {
            for &member in members.iter() {
                class[member as usize] = least;
            }
        }
    });
    // Unknowns with one support.
    let mut only: Vec<Option<u32>> = vec![None; count];
    let mut others = vec![false; count];
    for term in &equations.terms {
        let head = class[term.head as usize];
        let locals = equations.locals(term);
        if term.external == NodeId::FALSE
            || locals
                .iter()
                .any(|&local| !possible[local as usize] || class[local as usize] == head)
        {
            continue;
        }
        match implied(term).map(|(_, local)| class[local as usize]) {
            Some(local) if only[head as usize].is_none_or(|other| other == local) => {
                only[head as usize] = Some(local);
            }
            _ => others[head as usize] = true,
        }
    }
    for end in &mut class {
        while let Some(next) = only[*end as usize]
            && !others[*end as usize]
        {
            *end = next;
        }
    }
    class
}
