//! The provenances whose tags joins can carry.

use nsdl_eval::Carry;
use nsdl_provenance::{AddMultProb, Boolean, MaxMultProb, MinMaxProb};

use crate::provenance::Provenance;

/// The algebra of a provenance whose tags are single values.
pub(crate) fn carry(provenance: Provenance) -> Option<Carry> {
    match provenance {
        Provenance::Bool => Some(Carry::new(Boolean)),
        Provenance::MinMaxProb | Provenance::Godel => Some(Carry::new(MinMaxProb)),
        Provenance::MaxMultProb => Some(Carry::new(MaxMultProb)),
        // Where nothing uncertain is recursive.
        Provenance::AddMultProb => Some(Carry::new(AddMultProb)),
        // Where facts alone are uncertain.
        Provenance::TopKProofs { k } if k <= Carry::MOST_PROOFS => Some(Carry::proofs(k)),
        _ => None,
    }
}
