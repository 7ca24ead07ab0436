//! Why two places must be of one type: the rules that link them.

use std::collections::VecDeque;

use nsdl_ir::Span;
use rustc_hash::FxHashMap;

/// Two columns or variables that were made one.
#[derive(Clone, Copy)]
pub(super) struct Link {
    pub ends: [u32; 2],
    /// Where they meet.
    pub span: Span,
    /// In which clause; `None` outside of rules.
    pub clause: Option<u32>,
}

/// The places that link `from` and `to`, one a clause, in order: a shortest chain.
pub(super) fn path(links: &[Link], from: u32, to: u32) -> Vec<Link> {
    let mut neighbours: FxHashMap<u32, Vec<usize>> = FxHashMap::default();
    for (index, link) in links.iter().enumerate() {
        for end in link.ends {
            neighbours.entry(end).or_default().push(index);
        }
    }
    // Breadth first from the end, so that the way back is in order.
    let mut next: FxHashMap<u32, (u32, usize)> = FxHashMap::default();
    let mut queue = VecDeque::from([to]);
    while let Some(node) = queue.pop_front() {
        if node == from {
            break;
        }
        for &index in neighbours.get(&node).into_iter().flatten() {
            let [a, b] = links[index].ends;
            let other = if a == node { b } else { a };
            if other != to && !next.contains_key(&other) {
                next.insert(other, (node, index));
                queue.push_back(other);
            }
        }
    }
    let mut chain: Vec<Link> = Vec::new();
    let mut node = from;
    while node != to {
        let Some((after, index)) = next.get(&node) else {
            return Vec::new();
        };
        let link = links[*index];
        match chain.last_mut() {
            Some(last) if last.clause == link.clause && last.span.source == link.span.source => {
                last.span = last.span.to(link.span);
            }
            _ => chain.push(link),
        }
        node = *after;
    }
    chain
}
