//! Sums of independent or exclusive members: products of polynomials.
//!
//! The coefficient of xⁿ in Π (1 − p + p·xᵛ) is the probability that the members that hold, each with probability p
//! and value v, sum up to n; members that exclude each other share a factor 1 − Σp + Σp·xᵛ. The factors are multiplied
//! smallest first, which takes as many steps as one after the other but far fewer nodes, unless their values are so
//! far apart that adding one after the other keeps the polynomials sparse.

use crate::Limits;
use crate::builder::Builder;
use crate::support::{SupportId, Supports};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Something that adds its value if it holds.
pub(super) struct Member {
    /// Where it is just a leaf.
    pub leaf: Option<u32>,
    /// Its probability, if that is known as it stands.
    pub node: Option<u32>,
    pub support: SupportId,
    pub value: i64,
}

/// Probabilities of the sums `least`, `least + step` …
#[derive(Clone, Debug)]
pub(super) struct Polynomial {
    least: i64,
    step: i64,
    coefficients: Vec<u32>,
}

impl Polynomial {
    /// The probability of a sum, unless it is impossible.
    pub fn get(&self, sum: i64) -> Option<u32> {
        let offset = sum.checked_sub(self.least)?;
        if offset % self.step != 0 {
            return None;
        }
        let place = usize::try_from(offset / self.step).ok()?;
        self.coefficients.get(place).copied()
    }
}

/// The ways of members that exclude each other: values and probabilities.
type Factor = Vec<(i64, u32)>;

/// Multiplications of coefficients that one evaluation may cost.
const WORK: usize = 2_000_000_000;

/// The distribution of the sum; `None` if members are neither independent nor exclusive, or it would be too large.
pub(super) fn sum(
    members: &[Member],
    nonempty: bool,
    supports: &mut Supports,
    builder: &mut Builder,
    limits: &Limits,
) -> Option<Polynomial> {
    let (factors, certain, given) = factors(members, supports, builder)?;
    let values = factors.iter().flatten().map(|&(value, _)| value);
    let step = values.fold(0, gcd).max(1);
    let zero = builder.zero();
    let mut none = Vec::with_capacity(factors.len());
    let mut least = certain;
    let mut polynomials: Vec<Vec<u32>> = Vec::with_capacity(factors.len());
    for factor in factors {
        let named = builder.sum(&mut factor.iter().map(|&(_, node)| node).collect());
        let absent = builder.complement(named);
        none.push(absent);
        let lowest = factor.iter().map(|&(value, _)| value).min()?.min(0);
        let mut ways: BTreeMap<i64, Vec<u32>> = BTreeMap::from([(0, vec![absent])]);
        for (value, node) in factor {
            ways.entry(value).or_default().push(node);
        }
        let highest = *ways.last_key_value()?.0;
        let length = usize::try_from((highest - lowest) / step).ok()? + 1;
        if length > limits.nodes {
            return None;
        }
        let mut coefficients = vec![zero; length];
        for (value, mut nodes) in ways {
            let place = usize::try_from((value - lowest) / step).ok()?;
            coefficients[place] = builder.sum(&mut nodes);
        }
        least += lowest;
        polynomials.push(coefficients);
    }
    let coefficients = product(polynomials, builder, limits)?;
    let mut found = Polynomial {
        least,
        step,
        coefficients,
    };
    if nonempty
        && !given
        && let Some(some) = found.get(0)
    {
        // Of the ways to a sum of 0 that one does not count.
        let none = builder.product(&mut none);
        let others = builder.complement(some);
        let outside = builder.sum(&mut vec![none, others]);
        let place = usize::try_from(-least / step).ok()?;
        found.coefficients[place] = builder.complement(outside);
    }
    Some(found)
}

/// Factors, the sum of members that hold anyway, and whether there are such.
fn factors(
    members: &[Member],
    supports: &mut Supports,
    builder: &Builder,
) -> Option<(Vec<Factor>, i64, bool)> {
    // Members that are the same event add up.
    let mut places: FxHashMap<u32, usize> = FxHashMap::default();
    let mut events: Vec<(u32, &Member, i64)> = Vec::with_capacity(members.len());
    let (mut certain, mut given) = (0, false);
    for member in members {
        let node = member.node?;
        if node == builder.one() {
            (certain, given) = (certain + member.value, true);
        } else if node != builder.zero() {
            let place = *places.entry(node).or_insert_with(|| {
                events.push((node, member, 0));
                events.len() - 1
            });
            events[place].2 += member.value;
        }
    }
    let mut owners: FxHashMap<u32, (usize, bool)> = FxHashMap::default();
    let mut factors: Vec<Factor> = Vec::new();
    for (node, member, value) in events {
        match member.leaf {
            Some(leaf) => {
                let (place, shared) = *owners.entry(supports.group(leaf)).or_insert_with(|| {
                    factors.push(Vec::new());
                    (factors.len() - 1, true)
                });
                if !shared {
                    return None;
                }
                factors[place].push((value, node));
            }
            None => {
                let mut groups: Vec<u32> = supports
                    .get(member.support)
                    .map(|leaf| supports.group(leaf))
                    .collect();
                groups.dedup();
                for group in groups {
                    if owners.insert(group, (factors.len(), false)).is_some() {
                        return None;
                    }
                }
                factors.push(vec![(value, node)]);
            }
        }
    }
    Some((factors, certain, given))
}

fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// How many coefficients a polynomial has, and how many of them at most are not zero.
type Size = (usize, usize);

fn multiply(a: Size, b: Size) -> Size {
    let length = a.0 + b.0 - 1;
    (length, a.1.saturating_mul(b.1).min(length))
}

/// Steps of a product.
fn cost(a: Size, b: Size) -> usize {
    match a.1 <= b.1 {
        true => a.1.saturating_mul(b.0),
        false => b.1.saturating_mul(a.0),
    }
}

/// The product of polynomials, if that is not too much work.
fn product(
    mut polynomials: Vec<Vec<u32>>,
    builder: &mut Builder,
    limits: &Limits,
) -> Option<Vec<u32>> {
    let zero = builder.zero();
    polynomials.sort_by_key(Vec::len);
    let size = |polynomial: &Vec<u32>| {
        let present = polynomial.iter().filter(|&&node| node != zero).count();
        (polynomial.len(), present)
    };
    let sizes: Vec<Size> = polynomials.iter().map(size).collect();
    let (mut one_by_one, mut nodes) = (0usize, 0usize);
    let mut so_far: Size = (1, 1);
    for &next in &sizes {
        one_by_one = one_by_one.saturating_add(cost(so_far, next));
        so_far = multiply(so_far, next);
        nodes = nodes.saturating_add(so_far.0);
    }
    let (plan, halving, fewer) = smallest_first(&sizes);
    let chain = one_by_one < halving / 2 && nodes.saturating_add(builder.len()) < limits.nodes;
    let (work, nodes) = if chain {
        (one_by_one, nodes)
    } else {
        (halving, fewer)
    };
    if work > WORK || nodes.saturating_add(builder.len()) > limits.nodes {
        return None;
    }
    if chain {
        return Some(
            polynomials
                .iter()
                .fold(vec![builder.one()], |so_far, next| {
                    builder.convolution(&so_far, next)
                }),
        );
    }
    for (a, b) in plan {
        let (a, b) = (
            std::mem::take(&mut polynomials[a]),
            std::mem::take(&mut polynomials[b]),
        );
        polynomials.push(builder.convolution(&a, &b));
    }
    Some(polynomials.pop().unwrap_or_else(|| vec![builder.one()]))
}

/// Which two to multiply next, always the shortest; how many steps that takes and how many coefficients it makes.
/// Products come after what is given.
fn smallest_first(sizes: &[Size]) -> (Vec<(usize, usize)>, usize, usize) {
    let mut sizes = sizes.to_vec();
    let queue = sizes
        .iter()
        .enumerate()
        .map(|(i, size)| Reverse((size.0, i)));
    let mut queue: BinaryHeap<Reverse<(usize, usize)>> = queue.collect();
    let (mut plan, mut work, mut nodes) = (Vec::new(), 0usize, 0usize);
    while let (Some(Reverse((_, a))), Some(Reverse((_, b)))) = (queue.pop(), queue.pop()) {
        work = work.saturating_add(cost(sizes[a], sizes[b]));
        let size = multiply(sizes[a], sizes[b]);
        nodes = nodes.saturating_add(size.0);
        queue.push(Reverse((size.0, sizes.len())));
        plan.push((a, b));
        sizes.push(size);
    }
    (plan, work, nodes)
}
