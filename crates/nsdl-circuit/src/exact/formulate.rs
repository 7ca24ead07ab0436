//! The formula of each node of a cone; tuples in cycles become unknowns of systems.

use crate::cone::{Cone, Op};
use crate::fixpoint::{Equations, Systems, Term};
use crate::formula::{Formulas, NodeId};
use crate::{Limits, Stop};

/// The formula of each node of a cone; tuples in cycles become unknowns of systems.
pub(super) fn formulate(
    cone: &Cone,
    formulas: &mut Formulas,
    systems: &mut Systems,
    limits: &Limits,
) -> Result<Vec<NodeId>, Stop> {
    let mut nodes = vec![NodeId::FALSE; cone.len()];
    let mut cycles = cone.cycles.iter().peekable();
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
            let end = cycle.start + cycle.unknowns;
            let mut equations: Equations = Vec::with_capacity(cycle.unknowns as usize);
            for unknown in cycle.start..end {
                let terms = cone.children(unknown).iter().map(|&child| {
                    let parts = match child {
                        _ if child >= end && child < cycle.end => cone.children(child),
                        _ => std::slice::from_ref(&child),
                    };
                    let mut locals = Vec::new();
                    let mut externals = Vec::new();
                    for &part in parts {
                        match part {
                            _ if part >= cycle.start && part < end => {
                                locals.push(part - cycle.start)
                            }
                            _ => externals.push(nodes[part as usize]),
                        }
                    }
                    locals.sort_unstable();
                    locals.dedup();
                    Term {
                        locals,
                        external: formulas.and(&mut externals),
                    }
                });
                equations.push(terms.collect());
            }
            let solution = systems.solve(equations, formulas);
            nodes[node..node + solution.len()].copy_from_slice(&solution);
            node = cycle.end as usize;
            continue;
        }
        let mut children: Vec<NodeId> = cone
            .children(node as u32)
            .iter()
            .map(|&child| nodes[child as usize])
            .collect();
        nodes[node] = match cone.ops[node] {
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
