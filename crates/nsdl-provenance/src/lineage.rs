//! Which facts have a part in a tuple.

use crate::Provenance;
use crate::why::union;

/// A sorted set of facts, or `None` for what is not derived.
pub type LineageTag = Option<Vec<u32>>;

/// The facts that some derivation of a tuple uses, in one set.
///
/// After Cui, Widom and Wiener, "Tracing the lineage of view data in a warehousing environment", 2000, as the semiring of
/// Green, Karvounarakis and Tannen (PODS 2007): alternatives and conjunction are both the union, and what cannot be
/// derived is a thing of its own. Every fact counts, tagged or not; no complement. Idempotent, so that cycles are
/// no trouble; a tag is no larger than there are facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lineage;

impl Lineage {
    /// The tag of a fact.
    pub fn tag(&self, fact: u32) -> LineageTag {
        Some(vec![fact])
    }
}

impl Provenance for Lineage {
    type Tag = LineageTag;

    const IDEMPOTENT: bool = true;
    const ABSORPTIVE: bool = false;
    const DISTRIBUTIVE: bool = true;
    const INVOLUTIVE: bool = false;

    fn zero(&self) -> LineageTag {
        None
    }

    fn one(&self) -> LineageTag {
        Some(Vec::new())
    }

    fn add(&self, a: &LineageTag, b: &LineageTag) -> LineageTag {
        match (a, b) {
            (Some(a), Some(b)) => Some(union(a, b)),
            (None, some) | (some, None) => some.clone(),
        }
    }

    fn mult(&self, a: &LineageTag, b: &LineageTag) -> LineageTag {
        Some(union(a.as_deref()?, b.as_deref()?))
    }

    fn has_complement(&self) -> bool {
        false
    }

    fn size(&self, tag: &LineageTag) -> usize {
        tag.as_ref().map_or(0, Vec::len)
    }

    fn weight(&self, a: &LineageTag) -> f64 {
        f64::from(u8::from(a.is_some()))
    }
}
