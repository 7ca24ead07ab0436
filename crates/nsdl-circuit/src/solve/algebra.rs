//! The arithmetic of the numeric algebras on a cone, and where their gradients go, for samples side by side.

use crate::cone::{Flavour, Op};
use crate::real::Real;
use nsdl_provenance::{
    AddMultProb, Lukasiewicz, MaxMultProb, MinMaxProb, NandMinProb, NandMultProb, Provenance,
};

/// Below every weight.
pub(super) const UNREACHED: f64 = -1.0;

/// An algebra on numbers between 0 and 1 whose absence is 1 − x.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algebra {
    MinMax,
    AddMult,
    NandMult,
    MaxMult,
    NandMin,
    Lukasiewicz,
}

#[inline(always)]
fn fold<T: Real, const L: usize>(
    first: T,
    values: impl Iterator<Item = [T; L]>,
    combine: impl Fn(T, T) -> T,
) -> [T; L] {
    let mut all = [first; L];
    for value in values {
        for i in 0..L {
            all[i] = combine(all[i], value[i]);
        }
    }
    all
}

#[inline(always)]
fn sum<const L: usize>(
    algebra: impl Provenance<Tag = f64>,
    values: impl Iterator<Item = [f64; L]>,
) -> [f64; L] {
    fold(algebra.zero(), values, |a, x| algebra.add(&a, &x))
}

#[inline(always)]
fn product<const L: usize>(
    algebra: impl Provenance<Tag = f64>,
    values: impl Iterator<Item = [f64; L]>,
) -> [f64; L] {
    fold(algebra.one(), values, |a, x| algebra.mult(&a, &x))
}

impl Algebra {
    /// How aggregates are written out: exclusive cases are added by what conjunction distributes over, which is
    /// the sum for products and the maximum for every other conjunction. Only the former adds up to 1 over a member
    /// that does not matter.
    pub fn flavour(self) -> Flavour {
        match self {
            Algebra::AddMult | Algebra::NandMult => Flavour::AddMult,
            _ => Flavour::General,
        }
    }

    /// Whether fixpoints are reached by improving, so that the derivation that gave a value is known.
    pub fn improves(self) -> bool {
        matches!(self, Algebra::MinMax | Algebra::MaxMult)
    }

    /// The value of an inner node.
    #[inline(always)]
    pub fn value<const L: usize>(self, op: Op, children: &[u32], values: &[[f64; L]]) -> [f64; L] {
        let children = children.iter().map(|&child| values[child as usize]);
        match (op, self) {
            (Op::Zero | Op::Leaf(_) | Op::Tally(_) | Op::Is(_), _) => [0.0; L],
            (Op::One, _) => [1.0; L],
            (Op::Not, _) => fold(1.0, children, |_, x| 1.0 - x),
            (Op::Sum, Algebra::AddMult | Algebra::NandMult) => fold(0.0, children, |a, x| a + x),
            (Op::Sum, _) => fold(UNREACHED, children, |a, x| if x > a { x } else { a }),
            (Op::Or, _) => self.alternatives(children),
            (Op::And, Algebra::MinMax) => product(MinMaxProb, children),
            (Op::And, Algebra::AddMult) => product(AddMultProb, children),
            (Op::And, Algebra::NandMult) => product(NandMultProb, children),
            (Op::And, Algebra::MaxMult) => product(MaxMultProb, children),
            (Op::And, Algebra::NandMin) => product(NandMinProb, children),
            (Op::And, Algebra::Lukasiewicz) => product(Lukasiewicz, children),
        }
    }

    /// The value of a tuple from those of its alternatives.
    #[inline(always)]
    pub fn alternatives<const L: usize>(self, values: impl Iterator<Item = [f64; L]>) -> [f64; L] {
        match self {
            Algebra::MinMax => sum(MinMaxProb, values),
            Algebra::AddMult => sum(AddMultProb, values),
            Algebra::NandMult => sum(NandMultProb, values),
            Algebra::MaxMult => sum(MaxMultProb, values),
            Algebra::NandMin => sum(NandMinProb, values),
            Algebra::Lukasiewicz => sum(Lukasiewicz, values),
        }
    }

    /// The derivative of a node's value by that of each child, `(position, slopes)`. Of equal children of a minimum or
    /// maximum the first has it.
    #[inline(always)]
    pub fn slopes<T: Real, const L: usize>(
        self,
        op: Op,
        children: &[u32],
        values: &[[T; L]],
        mut each: impl FnMut(usize, [T; L]),
    ) {
        let rows = || children.iter().map(|&child| values[child as usize]);
        let (zero, one, unreached) = (T::ZERO, T::ONE, T::from_f64(UNREACHED));
        let mut all = |slope: [T; L]| (0..children.len()).for_each(|i| each(i, slope));
        let within = |sum: [T; L]| sum.map(|sum| if sum <= one { one } else { zero });
        match (op, self) {
            (Op::Zero | Op::One | Op::Leaf(_) | Op::Tally(_) | Op::Is(_), _) => {}
            (Op::Not, _) => all([zero - one; L]),
            (Op::Sum, Algebra::AddMult | Algebra::NandMult) => all([one; L]),
            (Op::Sum, _) | (Op::Or, Algebra::MinMax | Algebra::MaxMult) => {
                let best = fold(unreached, rows(), |a, x| if x > a { x } else { a });
                first(rows(), best, each);
            }
            (Op::And, Algebra::MinMax | Algebra::NandMin) => {
                let least = fold(one, rows(), |a, x| if x < a { x } else { a });
                first(rows(), least, each);
            }
            (Op::Or, Algebra::AddMult | Algebra::Lukasiewicz) => {
                all(within(fold(zero, rows(), |a, x| a + x)));
            }
            (Op::And, Algebra::Lukasiewicz) => {
                all(within(fold(zero, rows(), |a, x| a + (one - x))));
            }
            (Op::And, _) => others(children, values, |x| x, each),
            (Op::Or, Algebra::NandMult | Algebra::NandMin) => {
                others(children, values, |x| one - x, each)
            }
        }
    }
}

/// 1 for the first of the rows that is equal.
#[inline(always)]
fn first<T: Real, const L: usize>(
    rows: impl Iterator<Item = [T; L]>,
    wanted: [T; L],
    mut each: impl FnMut(usize, [T; L]),
) {
    let zero = T::ZERO;
    let mut left = [T::ONE; L];
    for (place, row) in rows.enumerate() {
        let here = std::array::from_fn(|i| if row[i] == wanted[i] { left[i] } else { zero });
        for i in 0..L {
            left[i] = if row[i] == wanted[i] { zero } else { left[i] };
        }
        each(place, here);
    }
}

/// The product of the others, in their order.
#[inline(always)]
fn others<T: Real, const L: usize>(
    children: &[u32],
    values: &[[T; L]],
    factor: impl Fn(T) -> T,
    mut each: impl FnMut(usize, [T; L]),
) {
    for place in 0..children.len() {
        let mut product = [T::ONE; L];
        for (other, &child) in children.iter().enumerate() {
            if other != place {
                let row = &values[child as usize];
                (0..L).for_each(|i| product[i] *= factor(row[i]));
            }
        }
        each(place, product);
    }
}
