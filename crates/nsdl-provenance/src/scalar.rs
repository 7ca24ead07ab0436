//! Algebras whose tags are single values: joins carry them in a column beside the rows.

use crate::{AddMultProb, Boolean, MaxMultProb, MinMaxProb, Provenance};

/// An algebra whose tags are copied rather than kept somewhere.
///
/// Where it is [`IDEMPOTENT`](Provenance::IDEMPOTENT) and [`ABSORPTIVE`](Provenance::ABSORPTIVE), a recursive
/// program may settle tuples from the best tag downwards, after Knuth, "A generalization of Dijkstra's
/// algorithm", IPL 1977: what follows from a tuple is never better than it, so tags that are settled hardly
/// ever change again.
pub trait Scalar: Provenance<Tag: Copy> {
    /// The tag of a leaf of this weight.
    fn tag(&self, weight: f64) -> Self::Tag;

    /// Tags of a greater level are better, those of one level are settled together. It has to be monotone
    /// only: how many levels there are is a matter of speed.
    fn level(&self, tag: Self::Tag) -> u32;
}

impl Scalar for MinMaxProb {
    fn tag(&self, weight: f64) -> f64 {
        weight
    }

    fn level(&self, tag: f64) -> u32 {
        level(tag)
    }
}

impl Scalar for MaxMultProb {
    fn tag(&self, weight: f64) -> f64 {
        weight
    }

    fn level(&self, tag: f64) -> u32 {
        level(tag)
    }
}

impl Scalar for AddMultProb {
    fn tag(&self, weight: f64) -> f64 {
        weight
    }

    fn level(&self, tag: f64) -> u32 {
        level(tag)
    }
}

impl Scalar for Boolean {
    fn tag(&self, weight: f64) -> bool {
        weight > 0.0
    }

    fn level(&self, tag: bool) -> u32 {
        u32::from(tag)
    }
}

/// The level of a number that is not negative: its exponent and the first bits of its mantissa.
fn level(number: f64) -> u32 {
    (number.max(0.0).to_bits() >> SHIFT) as u32
}

/// Bits of a number that make no difference to its level.
const SHIFT: u32 = 42;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_tags_have_no_lower_level() {
        let tags = [0.0, 1e-300, 1e-9, 0.1, 0.1 + 1e-12, 0.5, 0.75, 1.0];
        assert!(tags.is_sorted_by_key(|&tag| MinMaxProb.level(tag)));
        assert!(MinMaxProb.level(0.75) > MinMaxProb.level(0.7));
        assert!(Boolean.level(true) > Boolean.level(false));
    }
}
