//! The arithmetic of the numeric algebras on a cone, and where their gradients go.

use crate::cone::{Flavour, Op};
use nsdl_provenance::{
    AddMultProb, Lukasiewicz, MaxMultProb, MinMaxProb, NandMinProb, NandMultProb, Provenance,
};

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

/// Which child of equal ones a gradient goes to is decided by order: the first.
fn first(values: impl Iterator<Item = f64>, value: f64) -> Option<usize> {
    values
        .enumerate()
        .find(|&(_, x)| x == value)
        .map(|(i, _)| i)
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
    pub fn value(self, op: Op, children: impl Iterator<Item = f64>) -> f64 {
        fn fold<P: Provenance<Tag = f64>>(
            algebra: P,
            op: Op,
            children: impl Iterator<Item = f64>,
        ) -> f64 {
            match op {
                Op::And => children.fold(algebra.one(), |a, x| algebra.mult(&a, &x)),
                _ => children.fold(algebra.zero(), |a, x| algebra.add(&a, &x)),
            }
        }
        match (op, self) {
            (Op::Zero | Op::Leaf(_) | Op::Tally(_) | Op::Is(_), _) => 0.0,
            (Op::One, _) => 1.0,
            (Op::Not, _) => children.fold(1.0, |_, x| 1.0 - x),
            (Op::Sum, Algebra::AddMult | Algebra::NandMult) => children.sum(),
            (Op::Sum, _) | (Op::Or, Algebra::MinMax | Algebra::MaxMult) => {
                children.fold(super::UNREACHED, |a, x| MinMaxProb.add(&a, &x))
            }
            (_, Algebra::MinMax) => fold(MinMaxProb, op, children),
            (_, Algebra::AddMult) => fold(AddMultProb, op, children),
            (_, Algebra::NandMult) => fold(NandMultProb, op, children),
            (_, Algebra::MaxMult) => fold(MaxMultProb, op, children),
            (_, Algebra::NandMin) => fold(NandMinProb, op, children),
            (_, Algebra::Lukasiewicz) => fold(Lukasiewicz, op, children),
        }
    }

    /// The derivative of a node's value by that of each child: `(position, slope)` for those that have one.
    /// `child(i)` is the value of child `i` of `count`.
    pub fn slopes(
        self,
        op: Op,
        count: usize,
        child: &dyn Fn(usize) -> f64,
        mut each: impl FnMut(usize, f64),
    ) {
        let values = || (0..count).map(child);
        let mut all = |slope: f64| (0..count).for_each(|i| each(i, slope));
        match (op, self) {
            (Op::Zero | Op::One | Op::Leaf(_) | Op::Tally(_) | Op::Is(_), _) => {}
            (Op::Not, _) => all(-1.0),
            (Op::Sum, Algebra::AddMult | Algebra::NandMult) => all(1.0),
            (Op::Sum, _) | (Op::Or, Algebra::MinMax | Algebra::MaxMult) => {
                let best = values().fold(super::UNREACHED, f64::max);
                first(values(), best).into_iter().for_each(|i| each(i, 1.0));
            }
            (Op::And, Algebra::MinMax | Algebra::NandMin) => {
                let least = values().fold(1.0, f64::min);
                first(values(), least)
                    .into_iter()
                    .for_each(|i| each(i, 1.0));
            }
            (Op::Or, Algebra::AddMult | Algebra::Lukasiewicz) => {
                if values().sum::<f64>() <= 1.0 {
                    all(1.0);
                }
            }
            (Op::And, Algebra::Lukasiewicz) => {
                if values().map(|x| 1.0 - x).sum::<f64>() <= 1.0 {
                    all(1.0);
                }
            }
            (Op::And, _) => (0..count).for_each(|i| {
                let others = (0..count).filter(|&j| j != i);
                each(i, others.map(child).product());
            }),
            (Op::Or, Algebra::NandMult | Algebra::NandMin) => (0..count).for_each(|i| {
                let others = (0..count).filter(|&j| j != i);
                each(i, others.map(|j| 1.0 - child(j)).product());
            }),
        }
    }
}
