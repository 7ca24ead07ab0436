//! What is exact as it stands: conjuncts without a common random variable multiply, alternatives that exclude
//! each other add up, and alternatives without a common random variable multiply as complements.

use super::apart::Apart;
use super::tally::{self, Polynomial};
use crate::builder::Builder;
use crate::cone::{Cone, Op};
use crate::support::{SupportId, Supports};
use crate::{Limits, Stop};
use rustc_hash::FxHashMap;

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
    let mut sums: FxHashMap<u32, Polynomial> = FxHashMap::default();
    let mut apart = Apart::new(cone);
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
        if let Op::Tally(number) = op {
            let tally = &cone.tallies[number as usize];
            let members: Vec<tally::Member> = cone
                .children(node)
                .iter()
                .zip(&tally.values)
                .map(|(&member, &value)| tally::Member {
                    leaf: match cone.ops[member as usize] {
                        Op::Leaf(leaf) => Some(leaf.0),
                        _ => None,
                    },
                    node: nodes[member as usize],
                    support: sets[member as usize],
                    value,
                })
                .collect();
            sets.push(supports.union_all(members.iter().map(|member| member.support)));
            let sum = tally::sum(&members, tally.nonempty, supports, builder, limits);
            nodes.push(sum.as_ref().map(|_| builder.zero()));
            sums.extend(sum.map(|sum| (node, sum)));
            continue;
        }
        if let Op::Is(sum) = op {
            let tally = cone.children(node)[0];
            sets.push(sets[tally as usize]);
            let of = sums.get(&tally);
            nodes.push(of.map(|of| of.get(sum).unwrap_or(builder.zero())));
            continue;
        }
        if op == Op::Or && (excludes(cone, node) || apart.children(node, &sets, supports)) {
            let below = cone.children(node).iter();
            let made: Option<Vec<u32>> = below.map(|&child| nodes[child as usize]).collect();
            sets.push(supports.union_all(cone.children(node).iter().map(|&c| sets[c as usize])));
            nodes.push(made.map(|mut made| builder.sum(&mut made)));
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
            Op::Zero | Op::Tally(_) | Op::Is(_) => builder.zero(),
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

/// Whether the children are different sums of one tally.
fn excludes(cone: &Cone, node: u32) -> bool {
    let sum = |&child: &u32| match cone.ops[child as usize] {
        Op::Is(sum) => Some((cone.children(child)[0], sum)),
        _ => None,
    };
    let sums: Option<Vec<(u32, i64)>> = cone.children(node).iter().map(sum).collect();
    sums.is_some_and(|mut sums| {
        sums.sort_unstable();
        sums.windows(2)
            .all(|pair| pair[0].0 == pair[1].0 && pair[0].1 != pair[1].1)
    })
}
