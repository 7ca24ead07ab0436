//! Proofs as sets of literals.
//!
//! A literal is `2 · leaf` for "the leaf holds" and one more for "it does not"; a set is sorted. Leaves of one
//! random variable are neighbours, so everything about consistency is local. A set never holds "not w" beside
//! another alternative of the same variable, which entails it.

use std::ops::{Add, AddAssign, Mul, Sub, SubAssign};

/// The random variables that literals speak of: sets of literals are merged and weighed here.
#[derive(Clone, Debug)]
pub struct Variables {
    group_of: Vec<u32>,
}

/// What weights are counted in: numbers, or numbers that carry a derivative.
pub trait Weight:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + AddAssign + SubAssign
{
    /// The weight of what always holds.
    fn one() -> Self;
}

impl Weight for f64 {
    fn one() -> Self {
        1.0
    }
}

/// "This leaf holds."
pub fn holds(leaf: u32) -> u32 {
    2 * leaf
}

/// The leaf that a literal is about.
pub fn leaf(literal: u32) -> u32 {
    literal / 2
}

/// Whether it says that the leaf does not hold.
pub fn negated(literal: u32) -> bool {
    literal % 2 == 1
}

/// The opposite literal.
pub fn flip(literal: u32) -> u32 {
    literal ^ 1
}

/// Whether all of `small` is in `large`.
pub fn subset(small: &[u32], large: &[u32]) -> bool {
    if small.len() > large.len() {
        return false;
    }
    let mut rest = large.iter();
    small
        .iter()
        .all(|literal| rest.by_ref().find(|other| *other >= literal) == Some(literal))
}

impl Variables {
    /// Literals over leaves, given the random variable of each; those of one are neighbours.
    pub fn new(group_of: Vec<u32>) -> Self {
        Self { group_of }
    }

    /// How many leaves there are.
    pub fn leaves(&self) -> usize {
        self.group_of.len()
    }

    /// The random variable of each leaf.
    pub fn groups(&self) -> &[u32] {
        &self.group_of
    }

    /// The random variable of a literal.
    pub fn group(&self, literal: u32) -> u32 {
        self.group_of[leaf(literal) as usize]
    }

    /// The union of two sets in `into`; false if no world agrees with both.
    pub fn merge(&self, a: &[u32], b: &[u32], into: &mut Vec<u32>) -> bool {
        into.clear();
        let (mut i, mut j) = (0, 0);
        loop {
            let next = match (a.get(i), b.get(j)) {
                (Some(&x), Some(&y)) => {
                    i += usize::from(x <= y);
                    j += usize::from(y <= x);
                    x.min(y)
                }
                (Some(&x), None) => {
                    i += 1;
                    x
                }
                (None, Some(&y)) => {
                    j += 1;
                    y
                }
                (None, None) => return true,
            };
            if !self.append(next, into) {
                return false;
            }
        }
    }

    /// Appends the next literal in order to a consistent set.
    fn append(&self, next: u32, into: &mut Vec<u32>) -> bool {
        let Some(&last) = into.last() else {
            into.push(next);
            return true;
        };
        let group = self.group(next);
        if self.group(last) != group {
            into.push(next);
            return true;
        }
        match (negated(last), negated(next)) {
            (false, false) => false,
            // A positive literal entails the other.
            (false, true) => leaf(last) != leaf(next),
            (true, true) => {
                into.push(next);
                true
            }
            (true, false) => {
                while into.last().is_some_and(|&last| self.group(last) == group) {
                    into.pop();
                }
                into.push(next);
                true
            }
        }
    }

    /// Product of the literals' weights, what proofs are ranked by.
    pub fn weight(&self, literals: &[u32], weights: &[f64]) -> f64 {
        literals
            .iter()
            .map(|&literal| literal_weight(literal, weights))
            .product()
    }

    /// Probability that all literals hold: a factor for each random variable.
    pub fn probability<W: Weight>(&self, literals: &[u32], weights: &[W]) -> W {
        self.factors(literals)
            .map(|run| factor(run, weights))
            .fold(W::one(), W::mul)
    }

    /// Adds `scale` times the gradient of [`Self::probability`].
    pub fn add_gradient<W: Weight>(
        &self,
        literals: &[u32],
        weights: &[W],
        scale: W,
        gradient: &mut [W],
    ) {
        let factors: Vec<W> = self
            .factors(literals)
            .map(|run| factor(run, weights))
            .collect();
        // Prefix times suffix: no division, so factors of zero are no trouble.
        let mut slopes = vec![scale; factors.len()];
        let mut before = scale;
        for (slope, &factor) in slopes.iter_mut().zip(&factors) {
            *slope = before;
            before = before * factor;
        }
        let mut after = W::one();
        for (slope, &factor) in slopes.iter_mut().zip(&factors).rev() {
            *slope = *slope * after;
            after = after * factor;
        }
        for (run, slope) in self.factors(literals).zip(slopes) {
            for &literal in run {
                let gradient = &mut gradient[leaf(literal) as usize];
                if negated(literal) {
                    *gradient -= slope;
                } else {
                    *gradient += slope;
                }
            }
        }
    }

    fn factors<'a>(&'a self, literals: &'a [u32]) -> impl Iterator<Item = &'a [u32]> {
        literals.chunk_by(|&a, &b| self.group(a) == self.group(b))
    }
}

/// The probability of one literal.
pub fn literal_weight<W: Weight>(literal: u32, weights: &[W]) -> W {
    let weight = weights[leaf(literal) as usize];
    if negated(literal) {
        W::one() - weight
    } else {
        weight
    }
}

/// The weight of what the literals leave to one random variable.
fn factor<W: Weight>(run: &[u32], weights: &[W]) -> W {
    match *run {
        [literal] => literal_weight(literal, weights),
        _ => {
            let all = run.iter().map(|&literal| weights[leaf(literal) as usize]);
            all.reduce(W::add).map_or(W::one(), |all| W::one() - all)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leaves 0, 1, 2 exclude each other; 3 and 4 are independent.
    fn variables() -> Variables {
        Variables {
            group_of: vec![0, 0, 0, 1, 2],
        }
    }

    fn merged(a: &[u32], b: &[u32]) -> Option<Vec<u32>> {
        let mut into = Vec::new();
        variables().merge(a, b, &mut into).then_some(into)
    }

    #[test]
    fn merging_keeps_consistent_sets() {
        assert_eq!(merged(&[6], &[0, 8]), Some(vec![0, 6, 8]));
        assert_eq!(merged(&[6], &[7]), None);
        assert_eq!(merged(&[0], &[2]), None);
        assert_eq!(merged(&[0], &[1]), None);
        // "Is 1" says all there is to say about its variable.
        assert_eq!(merged(&[2], &[1, 5]), Some(vec![2]));
        assert_eq!(merged(&[1], &[3, 5]), Some(vec![1, 3, 5]));
    }

    #[test]
    fn subsets() {
        assert!(subset(&[], &[1]));
        assert!(subset(&[1, 5], &[0, 1, 5]));
        assert!(!subset(&[1, 4], &[0, 1, 5]));
    }

    #[test]
    fn probabilities_and_their_gradients() {
        let weights = [0.2, 0.3, 0.1, 0.6, 0.0];
        let variables = variables();
        let literals = [1, 3, 6];
        assert!((variables.weight(&literals, &weights) - 0.8 * 0.7 * 0.6).abs() < 1e-15);
        assert!((variables.probability(&literals, &weights) - 0.5 * 0.6).abs() < 1e-15);
        let mut gradient = [0.0; 5];
        variables.add_gradient(&literals, &weights, 2.0, &mut gradient);
        for (found, wanted) in gradient.into_iter().zip([-1.2, -1.2, 0.0, 1.0, 0.0]) {
            assert!((found - wanted).abs() < 1e-15);
        }
    }
}
