//! Hash-consed Boolean formulas over the leaves of a trace.
//!
//! Equal formulas have equal ids, children are sorted, and what can be seen in one look is simplified:
//! constants, repetition, complements, exclusive leaves, absorption. That sharing is what makes branching find
//! convolutions: residuals that agree are one node.

use crate::support::{SupportId, Supports};
use hashbrown::{HashTable, hash_table::Entry};
use nsdl_ir::Trace;
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};

/// A formula. The order is that of creation, literals first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(pub u32);

impl NodeId {
    pub const FALSE: Self = Self(0);
    pub const TRUE: Self = Self(1);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Constant,
    /// `a` is the leaf.
    Leaf,
    /// `a` is the node that does not hold.
    Not,
    /// Children are `pool[a..a + b]`.
    And,
    Or,
    /// Unknown `b` of system `a`.
    Fix,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    a: u32,
    b: u32,
    support: SupportId,
    /// Whether a Fix is part of it.
    cyclic: bool,
}

/// A value that a random variable may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Choice {
    /// This alternative holds, the others of its variable do not.
    Is(u32),
    /// No alternative of this variable holds.
    None(u32),
}

/// The store of formulas.
pub(crate) struct Formulas {
    nodes: Vec<Node>,
    pool: Vec<NodeId>,
    table: HashTable<u32>,
    pub supports: Supports,
    /// Leaves `groups[g].0..groups[g].1` are those of group `g`.
    groups: Vec<(u32, u32)>,
    leaves: u32,
}

/// Longer conjunctions and disjunctions keep their nesting, else a chain of n becomes n²/2 children.
const FLATTEN: usize = 16;

fn hash(kind: Kind, a: u32, b: u32, children: &[NodeId]) -> u64 {
    let mut hasher = FxHasher::default();
    kind.hash(&mut hasher);
    if children.is_empty() {
        (a, b).hash(&mut hasher);
    }
    children.hash(&mut hasher);
    hasher.finish()
}

impl Formulas {
    pub fn new(trace: &Trace) -> Self {
        let leaves = trace.leaves.len() as u32;
        let supports = Supports::new(trace.leaves.iter().map(|leaf| leaf.group.0).collect());
        let constant = Node {
            kind: Kind::Constant,
            a: 0,
            b: 0,
            support: SupportId::EMPTY,
            cyclic: false,
        };
        let mut nodes = vec![constant; 2];
        nodes.extend((0..leaves).map(|leaf| Node {
            kind: Kind::Leaf,
            a: leaf,
            b: 0,
            support: SupportId::leaf(leaf),
            cyclic: false,
        }));
        nodes.extend((0..leaves).map(|leaf| Node {
            kind: Kind::Not,
            a: 2 + leaf,
            b: 0,
            support: SupportId::leaf(leaf),
            cyclic: false,
        }));
        let groups = trace
            .groups
            .iter()
            .map(|group| (group.start, group.end))
            .collect();
        Self {
            nodes,
            pool: Vec::new(),
            table: HashTable::new(),
            supports,
            groups,
            leaves,
        }
    }

    /// Different formulas, literals and constants aside.
    pub fn len(&self) -> usize {
        self.nodes.len() - 2 - 2 * self.leaves as usize
    }

    /// What a budget of nodes counts: the formulas, and their sets of leaves by the memory they take.
    pub fn size(&self) -> usize {
        self.len() + self.supports.size()
    }

    pub fn leaf(&self, leaf: u32) -> NodeId {
        NodeId(2 + leaf)
    }

    pub fn kind(&self, node: NodeId) -> Kind {
        self.nodes[node.0 as usize].kind
    }

    pub fn support(&self, node: NodeId) -> SupportId {
        self.nodes[node.0 as usize].support
    }

    pub fn cyclic(&self, node: NodeId) -> bool {
        self.nodes[node.0 as usize].cyclic
    }

    /// The leaves of a group.
    pub fn group_leaves(&self, group: u32) -> (u32, u32) {
        self.groups[group as usize]
    }

    /// Whether a formula mentions a leaf of a group.
    pub fn mentions(&self, node: NodeId, group: u32) -> bool {
        let (first, end) = self.group_leaves(group);
        self.supports.meets(self.support(node), first, end)
    }

    /// The leaves of a group that a formula mentions.
    pub fn mentioned(&self, node: NodeId, group: u32) -> Vec<u32> {
        let (first, end) = self.group_leaves(group);
        let support = self.support(node);
        let leaves = first..end;
        leaves
            .filter(|&leaf| self.supports.contains(support, leaf))
            .collect()
    }

    /// Children of And and Or.
    pub fn children(&self, node: NodeId) -> &[NodeId] {
        let Node { kind, a, b, .. } = self.nodes[node.0 as usize];
        match kind {
            Kind::And | Kind::Or => &self.pool[a as usize..(a + b) as usize],
            _ => &[],
        }
    }

    /// What a Not denies.
    pub fn denied(&self, node: NodeId) -> Option<NodeId> {
        let Node { kind, a, .. } = self.nodes[node.0 as usize];
        (kind == Kind::Not).then_some(NodeId(a))
    }

    /// System and unknown of a Fix.
    pub fn fix(&self, node: NodeId) -> Option<(u32, u32)> {
        let Node { kind, a, b, .. } = self.nodes[node.0 as usize];
        (kind == Kind::Fix).then_some((a, b))
    }

    /// The leaf of a literal and whether it must hold.
    pub fn literal(&self, node: NodeId) -> Option<(u32, bool)> {
        let n = node.0;
        if n >= 2 && n < 2 + self.leaves {
            Some((n - 2, true))
        } else if n >= 2 + self.leaves && n < 2 + 2 * self.leaves {
            Some((n - 2 - self.leaves, false))
        } else {
            None
        }
    }

    pub fn not(&mut self, node: NodeId) -> NodeId {
        match node {
            NodeId::FALSE => return NodeId::TRUE,
            NodeId::TRUE => return NodeId::FALSE,
            _ => {}
        }
        match self.literal(node) {
            Some((leaf, true)) => return NodeId(2 + self.leaves + leaf),
            Some((leaf, false)) => return NodeId(2 + leaf),
            None => {}
        }
        if let Some(denied) = self.denied(node) {
            return denied;
        }
        self.intern(Kind::Not, node.0, 0, &[], self.support(node))
    }

    pub fn and(&mut self, children: &mut Vec<NodeId>) -> NodeId {
        self.connect(Kind::And, children)
    }

    pub fn or(&mut self, children: &mut Vec<NodeId>) -> NodeId {
        self.connect(Kind::Or, children)
    }

    pub fn make_fix(&mut self, system: u32, unknown: u32, support: SupportId) -> NodeId {
        self.intern(Kind::Fix, system, unknown, &[], support)
    }

    /// And or Or of `children`, which is used up.
    fn connect(&mut self, kind: Kind, children: &mut Vec<NodeId>) -> NodeId {
        let conjunction = kind == Kind::And;
        let (neutral, absorbing) = if conjunction {
            (NodeId::TRUE, NodeId::FALSE)
        } else {
            (NodeId::FALSE, NodeId::TRUE)
        };
        if children.contains(&absorbing) {
            return absorbing;
        }
        for i in 0..children.len() {
            let child = children[i];
            if self.kind(child) == kind && self.children(child).len() <= FLATTEN {
                children[i] = neutral;
                let (start, len) = (
                    self.nodes[child.0 as usize].a,
                    self.nodes[child.0 as usize].b,
                );
                children.extend_from_slice(&self.pool[start as usize..(start + len) as usize]);
            }
        }
        children.sort_unstable();
        children.dedup();
        let first = children.partition_point(|&child| child <= NodeId::TRUE);
        children.drain(..first);
        if !self.simplify(conjunction, children) {
            return absorbing;
        }
        match children.as_slice() {
            [] => neutral,
            [child] => *child,
            _ => {
                let nodes = &self.nodes;
                let supports = children.iter().map(|child| nodes[child.0 as usize].support);
                let support = self.supports.union_all(supports);
                self.intern(kind, 0, 0, children, support)
            }
        }
    }

    /// Drops children that others make redundant; false if the whole is the absorbing constant.
    fn simplify(&self, conjunction: bool, children: &mut Vec<NodeId>) -> bool {
        let literals_end = NodeId(2 + 2 * self.leaves);
        let positive_end = NodeId(2 + self.leaves);
        let literals = children.partition_point(|&child| child < literals_end);
        let positive = children.partition_point(|&child| child < positive_end);
        // Literals of one random variable. Sorted ids put leaves of a group side by side.
        let same = |a: NodeId, b: NodeId, offset: u32| {
            self.supports.group(a.0 - 2 - offset) == self.supports.group(b.0 - 2 - offset)
        };
        if conjunction {
            // Two alternatives at once.
            if children[..positive]
                .windows(2)
                .any(|pair| same(pair[0], pair[1], 0))
            {
                return false;
            }
        } else {
            // Of two alternatives, at least one fails.
            if children[positive..literals]
                .windows(2)
                .any(|pair| same(pair[0], pair[1], self.leaves))
            {
                return false;
            }
        }
        if positive > 0 && literals > positive {
            let mut redundant = Vec::new();
            for p in 0..positive {
                let (leaf, group) = (children[p].0 - 2, self.supports.group(children[p].0 - 2));
                let (first, end) = self.group_leaves(group);
                let from = children.partition_point(|&child| child.0 < 2 + self.leaves + first);
                for n in from..literals {
                    let other = children[n].0 - 2 - self.leaves;
                    if other >= end {
                        break;
                    }
                    if other == leaf {
                        return false;
                    }
                    // v entails "not w": the weaker goes from an And, the stronger from an Or.
                    redundant.push(children[if conjunction { n } else { p }]);
                }
            }
            if !redundant.is_empty() {
                redundant.sort_unstable();
                children.retain(|child| redundant.binary_search(child).is_err());
            }
        }
        let dual = if conjunction { Kind::Or } else { Kind::And };
        let literals = children.partition_point(|&child| child < literals_end);
        let mut absorbed = Vec::new();
        for &child in &children[literals..] {
            match self.kind(child) {
                Kind::Not
                    if self
                        .denied(child)
                        .is_some_and(|denied| children.binary_search(&denied).is_ok()) =>
                {
                    return false;
                }
                kind if kind == dual => {
                    let inner = self.children(child);
                    if inner
                        .iter()
                        .any(|node| children.binary_search(node).is_ok())
                    {
                        absorbed.push(child);
                    }
                }
                _ => {}
            }
        }
        if !absorbed.is_empty() {
            children.retain(|child| absorbed.binary_search(child).is_err());
        }
        true
    }

    fn intern(
        &mut self,
        kind: Kind,
        a: u32,
        b: u32,
        children: &[NodeId],
        support: SupportId,
    ) -> NodeId {
        let (nodes, pool) = (&mut self.nodes, &mut self.pool);
        let content = |nodes: &[Node],
                       pool: &[NodeId],
                       id: u32|
         -> (Kind, u32, u32, std::ops::Range<usize>) {
            let node = nodes[id as usize];
            match node.kind {
                Kind::And | Kind::Or => {
                    let range = node.a as usize..(node.a + node.b) as usize;
                    debug_assert!(range.end <= pool.len());
                    (node.kind, 0, 0, range)
                }
                _ => (node.kind, node.a, node.b, 0..0),
            }
        };
        let entry = self.table.entry(
            hash(kind, a, b, children),
            |&id| {
                let (k, x, y, range) = content(nodes, pool, id);
                k == kind && x == a && y == b && &pool[range] == children
            },
            |&id| {
                let (k, x, y, range) = content(nodes, pool, id);
                hash(k, x, y, &pool[range])
            },
        );
        match entry {
            Entry::Occupied(entry) => NodeId(*entry.get()),
            Entry::Vacant(entry) => {
                let id = nodes.len() as u32;
                entry.insert(id);
                let (a, b) = match kind {
                    Kind::And | Kind::Or => (pool.len() as u32, children.len() as u32),
                    _ => (a, b),
                };
                let cyclic = match kind {
                    Kind::Fix => true,
                    Kind::Not => nodes[a as usize].cyclic,
                    _ => children.iter().any(|child| nodes[child.0 as usize].cyclic),
                };
                pool.extend_from_slice(children);
                nodes.push(Node {
                    kind,
                    a,
                    b,
                    support,
                    cyclic,
                });
                NodeId(id)
            }
        }
    }
}
