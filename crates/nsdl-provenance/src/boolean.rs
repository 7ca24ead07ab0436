//! Truth: facts of probability above zero hold.

use crate::Provenance;

/// The Boolean algebra: or, and, not. A fact is true if its probability is above zero.
///
/// Exact for what it says: the perfect model of the program over those facts. Every law holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Boolean;

impl Boolean {
    /// The tag of a fact of this probability.
    pub fn tag(&self, probability: f64) -> bool {
        probability > 0.0
    }
}

impl Provenance for Boolean {
    type Tag = bool;

    const IDEMPOTENT: bool = true;
    const ABSORPTIVE: bool = true;
    const DISTRIBUTIVE: bool = true;
    const INVOLUTIVE: bool = true;
    const BOOLEAN: bool = true;

    fn zero(&self) -> bool {
        false
    }

    fn one(&self) -> bool {
        true
    }

    fn add(&self, a: &bool, b: &bool) -> bool {
        *a || *b
    }

    fn mult(&self, a: &bool, b: &bool) -> bool {
        *a && *b
    }

    fn negate(&self, a: &bool) -> bool {
        !a
    }

    fn weight(&self, a: &bool) -> f64 {
        f64::from(u8::from(*a))
    }
}
