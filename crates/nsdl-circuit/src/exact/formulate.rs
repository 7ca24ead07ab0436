//! The formula of each node of a cone; tuples in cycles become unknowns of systems.

use super::order::Order;
use crate::cone::{Cone, Op, Tally};
use crate::fixpoint::{Equations, Systems};
use crate::formula::{Formulas, NodeId};
use crate::{Limits, Stop};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// The formula of each node of a cone; tuples in cycles become unknowns of systems, whose random variables are
/// added to the order of branching.
pub(super) fn formulate(
    cone: &Cone,
    needed: &[bool],
    formulas: &mut Formulas,
    systems: &mut Systems,
    order: &mut Order,
    limits: &Limits,
) -> Result<Vec<NodeId>, Stop> {
    let mut nodes = vec![NodeId::FALSE; cone.len()];
    let mut cycles = cone.cycles.iter().peekable();
    let mut sums: FxHashMap<u32, BTreeMap<Option<i64>, NodeId>> = FxHashMap::default();
    let mut node = 0;
    while node < cone.len() {
        if formulas.size() > limits.nodes {
            return Err(Stop::Budget {
                nodes: formulas.size(),
            });
        }
        if node.is_multiple_of(1024) && limits.cancelled() {
            return Err(Stop::Cancelled);
        }
        if let Some(cycle) = cycles.next_if(|cycle| cycle.start as usize == node) {
            if !needed[node] {
                node = cycle.end as usize;
                continue;
            }
            let end = cycle.start + cycle.unknowns;
            let mut equations = Equations::new(cycle.unknowns);
            for unknown in cycle.start..end {
                for &child in cone.children(unknown) {
                    let parts = match child {
                        _ if child >= end && child < cycle.end => cone.children(child),
                        _ => std::slice::from_ref(&child),
                    };
                    let inside = |part: &u32| *part >= cycle.start && *part < end;
                    let mut externals: Vec<NodeId> = parts
                        .iter()
                        .filter(|part| !inside(part))
                        .map(|&part| nodes[part as usize])
                        .collect();
                    let locals = parts.iter().filter(|part| inside(part));
                    equations.push(
                        unknown - cycle.start,
                        formulas.and(&mut externals),
                        locals.map(|part| part - cycle.start),
                    );
                }
            }
            order.add(&equations, formulas);
            let solution = systems.solve(&equations, None, formulas);
            for (place, solution) in solution.into_iter().enumerate() {
                nodes[node + place] = systems.formula(solution, formulas);
            }
            node = cycle.end as usize;
            continue;
        }
        if !needed[node] {
            node += 1;
            continue;
        }
        let mut children: Vec<NodeId> = cone
            .children(node as u32)
            .iter()
            .map(|&child| nodes[child as usize])
            .collect();
        nodes[node] = match cone.ops[node] {
            Op::Tally(number) => {
                let tally = &cone.tallies[number as usize];
                sums.insert(node as u32, chain(&children, tally, formulas, limits)?);
                NodeId::FALSE
            }
            Op::Is(sum) => {
                let sums = sums.get(&cone.children(node as u32)[0]);
                let found = sums.and_then(|sums| sums.get(&Some(sum)));
                found.copied().unwrap_or(NodeId::FALSE)
            }
            Op::Zero => NodeId::FALSE,
            Op::One => NodeId::TRUE,
            Op::Leaf(leaf) => formulas.leaf(leaf.0),
            Op::Not => formulas.not(children[0]),
            Op::And => formulas.and(&mut children),
            Op::Or | Op::Sum => formulas.or(&mut children),
        };
        node += 1;
    }
    Ok(nodes)
}

/// The nodes that outputs depend on which have no circuit yet; a cycle is needed as a whole.
pub(super) fn needed(cone: &Cone, made: &[Option<u32>]) -> Vec<bool> {
    let mut needed = vec![false; cone.len()];
    for &output in cone.outputs.iter().filter(|&&o| made[o as usize].is_none()) {
        needed[output as usize] = true;
    }
    let mut cycles = cone.cycles.iter().rev().peekable();
    for node in (0..cone.len()).rev() {
        // Children of a cycle's nodes may come later in it.
        if let Some(cycle) = cycles.next_if(|cycle| cycle.end as usize == node + 1) {
            let range = cycle.start as usize..cycle.end as usize;
            let any = needed[range.clone()].contains(&true);
            needed[range].fill(any);
        }
        if needed[node] {
            for &child in cone.children(node as u32) {
                needed[child as usize] = true;
            }
        }
    }
    needed
}

/// When each sum of a tally holds, by a chain over its members; `None` is the sum of none, where that is another
/// than 0.
fn chain(
    members: &[NodeId],
    tally: &Tally,
    formulas: &mut Formulas,
    limits: &Limits,
) -> Result<BTreeMap<Option<i64>, NodeId>, Stop> {
    let mut states = BTreeMap::from([((!tally.nonempty).then_some(0), NodeId::TRUE)]);
    for (&member, &value) in members.iter().zip(&tally.values) {
        if formulas.size() > limits.nodes {
            return Err(Stop::Budget {
                nodes: formulas.size(),
            });
        }
        if limits.cancelled() {
            return Err(Stop::Cancelled);
        }
        let absent = formulas.not(member);
        let mut ways: BTreeMap<Option<i64>, Vec<NodeId>> = BTreeMap::new();
        for (sum, state) in states {
            let next = Some(sum.unwrap_or(0) + value);
            if next == sum {
                ways.entry(sum).or_default().push(state);
                continue;
            }
            let without = formulas.and(&mut vec![absent, state]);
            let with = formulas.and(&mut vec![member, state]);
            ways.entry(sum).or_default().push(without);
            ways.entry(next).or_default().push(with);
        }
        let merged = ways
            .into_iter()
            .map(|(sum, mut ways)| (sum, formulas.or(&mut ways)));
        states = merged.filter(|(_, node)| *node != NodeId::FALSE).collect();
    }
    Ok(states)
}
