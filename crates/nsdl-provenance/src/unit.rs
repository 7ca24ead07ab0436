//! Plain Datalog: a tuple is there or it is not.

use crate::Provenance;

/// The algebra of one tag: what is derived is derived. Facts keep no probability.
///
/// Costs nothing. It has no tag for absence: tuples that are not derived are not there, and negation is a look
/// into finished tables. So `zero` and `one` coincide and no tag is ever discarded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unit;

impl Provenance for Unit {
    type Tag = ();

    const IDEMPOTENT: bool = true;
    const ABSORPTIVE: bool = true;
    const DISTRIBUTIVE: bool = true;
    const INVOLUTIVE: bool = true;

    fn zero(&self) {}

    fn one(&self) {}

    fn add(&self, (): &(), (): &()) {}

    fn mult(&self, (): &(), (): &()) {}

    fn negate(&self, (): &()) {}

    fn discard(&self, (): &()) -> bool {
        false
    }

    fn weight(&self, (): &()) -> f64 {
        1.0
    }
}
