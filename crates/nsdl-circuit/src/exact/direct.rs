//! What is exact as it stands: conjuncts without a common random variable multiply, alternatives that exclude
//! each other add up, and alternatives without a common random variable multiply as complements.

use crate::builder::Builder;
use crate::cone::{Cone, Op};
use crate::support::{SupportId, Supports};
use crate::{Limits, Stop};

/// The circuit node of each node of the cone that is exact as it stands.
pub(super) fn direct(
    cone: &Cone,
    supports: &mut Supports,
    builder: &mut Builder,
    limits: &Limits,
) -> Result<Vec<Option<u32>>, Stop> {
    builder.reserve(cone.len());
    let mut nodes: Vec<Option<u32>> = Vec::with_capacity(cone.len());
    let mut sets: Vec<SupportId> = Vec::with_capacity(cone.len());
    let mut cycles = cone.cycles.iter().peekable();
    let mut children = Vec::new();
    while nodes.len() < cone.len() {
        let node = nodes.len() as u32;
        if node.is_multiple_of(1024) && limits.cancelled() {
            return Err(Stop::Cancelled);
        }
        let made = builder.len() + supports.size();
        if made > limits.nodes {
            return Err(Stop::Budget { nodes: made });
        }
        if let Some(cycle) = cycles.next_if(|cycle| cycle.start == node) {
            nodes.resize(cycle.end as usize, None);
            sets.resize(cycle.end as usize, SupportId::EMPTY);
            continue;
        }
        let op = cone.ops[node as usize];
        if let Op::Leaf(leaf) = op {
            nodes.push(Some(leaf.0));
            sets.push(SupportId::leaf(leaf.0));
            continue;
        }
        let mut set = SupportId::EMPTY;
        let mut exact = true;
        children.clear();
        for &child in cone.children(node) {
            let own = sets[child as usize];
            exact &= op == Op::Sum || !supports.overlap(set, own);
            match nodes[child as usize] {
                Some(child) if exact => children.push(child),
                _ => {
                    exact = false;
                    break;
                }
            }
            set = supports.union(set, own);
        }
        sets.push(set);
        nodes.push(exact.then(|| match op {
            Op::Zero => builder.zero(),
            Op::One | Op::Leaf(_) => builder.one(),
            Op::Not => builder.complement(children[0]),
            Op::And => builder.product(&mut children),
            Op::Sum => builder.sum(&mut children),
            Op::Or => {
                for child in &mut children {
                    *child = builder.complement(*child);
                }
                let none = builder.product(&mut children);
                builder.complement(none)
            }
        }));
    }
    Ok(nodes)
}
