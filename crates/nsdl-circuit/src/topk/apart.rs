//! Which children of a node have no random variable in common, so that proofs of theirs just multiply.

use std::ops::Range;

use nsdl_provenance::literals::Variables;

use crate::cone::{Cone, Op};
use crate::support::{SupportId, Supports};

/// Children up to which it is known which of them are apart.
const CHILDREN: usize = 16;

/// Which nodes have children without a common random variable, and which of its children have none in common with any
/// other, of up to 16.
pub(super) fn children(cone: &Cone, variables: &Variables) -> (Vec<bool>, Vec<u64>) {
    match Windows::new(cone, variables) {
        Some(mut windows) => compare(cone, &mut windows),
        None => compare(cone, &mut Shared::new(cone, variables)),
    }
}

/// The random variables of each node, as sets of some kind.
trait Sets {
    type Set: Copy;
    const EMPTY: Self::Set;
    fn of(&self, node: u32) -> Self::Set;
    fn union(&mut self, a: Self::Set, b: Self::Set) -> Self::Set;
    fn overlap(&mut self, a: Self::Set, b: Self::Set) -> bool;
}

fn compare<S: Sets>(cone: &Cone, sets: &mut S) -> (Vec<bool>, Vec<u64>) {
    let nodes = 0..cone.len() as u32;
    let all = |node| {
        let mut before = S::EMPTY;
        cone.children(node).iter().all(|&child| {
            let set = sets.of(child);
            let apart = !sets.overlap(before, set);
            before = sets.union(before, set);
            apart
        })
    };
    let disjoint: Vec<bool> = nodes.clone().map(all).collect();
    let apart = nodes.map(|node| {
        let children = cone.children(node);
        if disjoint[node as usize] {
            return u64::MAX;
        }
        if cone.ops[node as usize] != Op::And || children.len() > CHILDREN {
            return 0;
        }
        (0..children.len()).fold(0, |apart, a| {
            let own = sets.of(children[a]);
            let mut others = (0..children.len()).filter(|&b| b != a);
            let alone = !others.any(|b| {
                let other = sets.of(children[b]);
                sets.overlap(own, other)
            });
            apart | u64::from(alone) << a
        })
    });
    let apart = apart.collect();
    (disjoint, apart)
}

/// Single nodes and cycles, in order: nodes of a cycle have the random variables of all.
fn runs(cone: &Cone) -> impl Iterator<Item = Range<usize>> {
    let mut cycles = cone.cycles.iter().peekable();
    let mut node = 0;
    std::iter::from_fn(move || {
        let start = node;
        node = match cycles.next_if(|cycle| cycle.start as usize == start) {
            Some(cycle) => cycle.end as usize,
            None => start + 1,
        };
        (start < cone.len()).then_some(start..node)
    })
}

/// Sets of variables whose numbers lie close together, as those of one sample do: bits from a first one on.
struct Windows(Vec<Window>);

#[derive(Clone, Copy)]
struct Window {
    first: u32,
    bits: u64,
}

impl Window {
    const EMPTY: Self = Self { first: 0, bits: 0 };

    /// The bits from `first` on, which is no later; `None` if some are out of reach.
    fn from(self, first: u32) -> Option<u64> {
        let shift = self.first - first;
        (shift <= self.bits.leading_zeros()).then(|| self.bits << shift)
    }

    fn union(self, other: Self) -> Option<Self> {
        if self.bits == 0 || other.bits == 0 {
            return Some(if self.bits == 0 { other } else { self });
        }
        let first = self.first.min(other.first);
        let bits = self.from(first)? | other.from(first)?;
        Some(Self { first, bits })
    }
}

impl Windows {
    /// `None` if some node depends on variables too far apart.
    fn new(cone: &Cone, variables: &Variables) -> Option<Self> {
        let mut sets = vec![Window::EMPTY; cone.len()];
        for run in runs(cone) {
            let mut all = Window::EMPTY;
            for node in run.clone() {
                if let Op::Leaf(leaf) = cone.ops[node] {
                    let first = variables.groups()[leaf.index()];
                    all = all.union(Window { first, bits: 1 })?;
                }
                for &child in cone.children(node as u32) {
                    all = all.union(sets[child as usize])?;
                }
            }
            sets[run].fill(all);
        }
        // What a node depends on is the union of its children's.
        Some(Self(sets))
    }
}

impl Sets for Windows {
    type Set = Window;
    const EMPTY: Window = Window::EMPTY;

    fn of(&self, node: u32) -> Window {
        self.0[node as usize]
    }

    fn union(&mut self, a: Window, b: Window) -> Window {
        // Within one node, so it is within reach.
        a.union(b).unwrap_or(b)
    }

    fn overlap(&mut self, a: Window, b: Window) -> bool {
        let (a, b) = if a.first <= b.first { (a, b) } else { (b, a) };
        let ahead = a.bits.checked_shr(b.first - a.first);
        ahead.is_some_and(|ahead| ahead & b.bits != 0)
    }
}

/// Sets of any size.
struct Shared {
    supports: Supports,
    sets: Vec<SupportId>,
}

impl Shared {
    fn new(cone: &Cone, variables: &Variables) -> Self {
        let mut supports = Supports::new(variables.groups().to_vec());
        let mut sets = vec![SupportId::EMPTY; cone.len()];
        for run in runs(cone) {
            let inside = run.clone().flat_map(|node| cone.children(node as u32));
            let inside = inside.map(|&child| sets[child as usize]);
            let leaves = run.clone().filter_map(|node| match cone.ops[node] {
                Op::Leaf(leaf) => Some(SupportId::leaf(leaf.0)),
                _ => None,
            });
            let all: Vec<SupportId> = inside.chain(leaves).collect();
            let set = supports.union_all(all.into_iter());
            sets[run].fill(set);
        }
        Self { supports, sets }
    }
}

impl Sets for Shared {
    type Set = SupportId;
    const EMPTY: SupportId = SupportId::EMPTY;

    fn of(&self, node: u32) -> SupportId {
        self.sets[node as usize]
    }

    fn union(&mut self, a: SupportId, b: SupportId) -> SupportId {
        self.supports.union(a, b)
    }

    fn overlap(&mut self, a: SupportId, b: SupportId) -> bool {
        self.supports.overlap(a, b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::cone::Flavour;
    use nsdl_ir::{
        Instance, Leaf, LeafId, LeafSource, Literal, RelationId, RuleId, Trace, TupleId,
    };

    /// Six variables, `spread` apart, and conjunctions of up to four of what comes before.
    fn trace(spread: u32, count: usize) -> Trace {
        let mut state = 7u64;
        let mut random = |end: usize| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) as usize % end
        };
        let mut trace = Trace::default();
        for number in 0..count {
            let head = TupleId::new(number);
            trace.tuples.push((RelationId::new(0), number as u32));
            trace.certain.push(false);
            let start = trace.literals.len() as u32;
            let mut leaf = None;
            if number < 12 {
                leaf = Some(LeafId::new(number));
                trace.leaves.push(Leaf {
                    weight: 0.5,
                    group: nsdl_ir::GroupId(number as u32 / 2 * spread),
                    source: LeafSource::Fact(number as u32),
                });
            } else {
                for _ in 0..1 + random(4) {
                    let tuple = TupleId::new(random(number));
                    trace.literals.push(Literal {
                        tuple,
                        negated: random(3) == 0,
                    });
                }
            }
            trace.instances.push(Instance {
                head,
                rule: leaf.is_none().then(|| RuleId::new(0)),
                leaf,
                start,
                end: trace.literals.len() as u32,
            });
        }
        trace
    }

    #[test]
    fn windows_agree_with_sets_of_any_size() {
        for (spread, near) in [
            (1, true),
            (11, true),
            (12, true),
            (13, false),
            (1000, false),
        ] {
            let trace = trace(spread, 60);
            let outputs: Vec<TupleId> = (0..60).map(TupleId::new).collect();
            let cone = Cone::new(&trace, &outputs, Flavour::Logical, &Limits::NONE);
            let cone = cone.expect("within limits");
            let variables = super::super::variables(&trace);
            let windows = Windows::new(&cone, &variables);
            assert_eq!(
                windows.is_some(),
                near,
                "variables up to {} apart",
                5 * spread
            );
            let shared = compare(&cone, &mut Shared::new(&cone, &variables));
            assert!(shared.0.contains(&true) && shared.0.contains(&false));
            if let Some(mut windows) = windows {
                assert_eq!(compare(&cone, &mut windows), shared);
            }
        }
    }
}
