//! The provenances whose tags joins can carry.

use nsdl_eval::Carry;
use nsdl_provenance::{Boolean, MinMaxProb};

use crate::provenance::Provenance;

/// The algebra of a provenance whose tags are single values.
pub(crate) fn carry(provenance: Provenance) -> Option<Carry> {
    match provenance {
        Provenance::Bool => Some(Carry::new(Boolean)),
        Provenance::MinMaxProb => Some(Carry::new(MinMaxProb)),
        _ => None,
    }
}
