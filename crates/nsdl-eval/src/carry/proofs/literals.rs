//! The literals of one set, in two parts.

use std::cmp::Ordering;

use nsdl_provenance::literals::subset;

/// The literals of a set: the shared ones and the others, both in ascending order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Literals<'a> {
    pub(super) shared: &'a [u32],
    pub(super) others: &'a [u32],
}

impl<'a> Literals<'a> {
    pub(super) fn len(self) -> usize {
        self.shared.len() + self.others.len()
    }

    /// All, in no order.
    #[inline]
    pub(super) fn iter(self) -> impl Iterator<Item = u32> + 'a {
        self.shared.iter().chain(self.others).copied()
    }

    #[inline]
    pub(super) fn contains(self, literal: u32) -> bool {
        let within = |set: &[u32]| !set.is_empty() && set.binary_search(&literal).is_ok();
        within(self.others) || within(self.shared)
    }

    pub(super) fn is_within(self, other: Self) -> bool {
        match (self.slice(), other.slice()) {
            (Some(small), Some(large)) => subset(small, large),
            _ => self.len() <= other.len() && self.iter().all(|it| other.contains(it)),
        }
    }

    /// The shorter set comes first, of equally long ones that with the least literals.
    pub(super) fn order(self, other: Self) -> Ordering {
        let literals = || {
            let (mut a, mut b) = (Vec::new(), Vec::new());
            self.flat(&mut a).cmp(other.flat(&mut b))
        };
        self.len().cmp(&other.len()).then_with(literals)
    }

    /// All in one slice, if they are.
    pub(super) fn slice(self) -> Option<&'a [u32]> {
        match (self.shared, self.others) {
            (all, []) | ([], all) => Some(all),
            _ => None,
        }
    }

    /// All in one slice, if need be in `room`.
    pub(super) fn flat<'r>(self, room: &'r mut Vec<u32>) -> &'r [u32]
    where
        'a: 'r,
    {
        self.slice().unwrap_or_else(|| {
            merge(self.shared, self.others, room);
            room
        })
    }
}

/// A sorted set and at most one literal that it lacks.
pub(super) fn insert(set: &[u32], one: impl Iterator<Item = u32>, into: &mut Vec<u32>) {
    into.clear();
    let mut from = 0;
    for one in one {
        from = set.partition_point(|it| *it < one);
        into.extend_from_slice(&set[..from]);
        into.push(one);
    }
    into.extend_from_slice(&set[from..]);
}

/// The union of two sorted sets.
pub(super) fn merge(a: &[u32], b: &[u32], into: &mut Vec<u32>) {
    into.clear();
    into.reserve(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while let (Some(&x), Some(&y)) = (a.get(i), b.get(j)) {
        into.push(x.min(y));
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    into.extend_from_slice(&a[i..]);
    into.extend_from_slice(&b[j..]);
}
