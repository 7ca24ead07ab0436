//! The algebras of tags, each in a file of its own.
//!
//! A [`Provenance`] says what alternatives, conjunction and absence do to the tags of tuples, after Green,
//! Karvounarakis and Tannen, "Provenance semirings", PODS 2007, with negation as in Scallop, whose words are
//! kept: `zero one add mult negate saturated discard weight`. Joins, trace solvers and circuit kernels take
//! their arithmetic from here; nothing here knows rules or storage.
//!
//! | algebra | tag | alternatives | conjunction | absence | gives |
//! |---|---|---|---|---|---|
//! | [`Unit`] | nothing | | | | whether a tuple is derived |
//! | [`Boolean`] | bool | or | and | not | whether a tuple holds in the world of all possible facts |
//! | [`Natural`] | natural number, ∞ | + | × | | how many derivation trees there are |
//! | [`Tropical`] | natural cost, ∞ | min | + | | what the cheapest derivation costs |
//! | [`RealTropical`] | cost, ∞ | min | + | | the same |
//! | [`Why`] | sets of facts | union | pairs | | the smallest sets of facts that suffice |
//! | [`Lineage`] | set of facts | union | union | | the facts that have a part in it |
//! | [`AllProofs`] | proofs | union | pairs | one literal of each fails | when a tuple holds, as a formula |
//! | [`MinMaxProb`], [`Godel`] | number | max | min | 1 − x | strength of the strongest derivation |
//! | [`AddMultProb`] | number | min(1, x + y) | x · y | 1 − x | an estimate, exact for exclusive alternatives of independent parts |
//! | [`NandMultProb`], [`Product`] | number | 1 − (1 − x)(1 − y) | x · y | 1 − x | an estimate, exact for independent alternatives of independent parts |
//! | [`MaxMultProb`] | number | max | x · y | 1 − x | how probable the best derivation is |
//! | [`NandMinProb`] | number | 1 − (1 − x)(1 − y) | min | 1 − x | alternatives that add up, each as strong as its weakest part |
//! | [`Lukasiewicz`] | number | min(1, x + y) | max(0, x + y − 1) | 1 − x | degree of truth where faults add up |
//! | [`TopKProofs`] | proofs | union | pairs | one literal of each fails | a lower bound without negation, exact for k large enough |
//!
//! Algebras without a word on absence have no complement: what is there is not absent ([`Provenance::negate`]).

mod add_mult_prob;
mod all_proofs;
mod boolean;
mod extended;
mod fuzzy;
mod lineage;
pub mod literals;
mod lukasiewicz;
mod max_mult_prob;
mod min_max_prob;
mod nand_min_prob;
mod nand_mult_prob;
mod natural;
mod real_tropical;
mod scalar;
mod top_k_proofs;
mod tropical;
pub mod union;
mod unit;
mod why;

pub use add_mult_prob::AddMultProb;
pub use all_proofs::AllProofs;
pub use boolean::Boolean;
pub use extended::Extended;
pub use fuzzy::{Godel, Product};
pub use lineage::{Lineage, LineageTag};
pub use lukasiewicz::Lukasiewicz;
pub use max_mult_prob::MaxMultProb;
pub use min_max_prob::MinMaxProb;
pub use nand_min_prob::NandMinProb;
pub use nand_mult_prob::NandMultProb;
pub use natural::Natural;
pub use real_tropical::RealTropical;
pub use scalar::Scalar;
pub use top_k_proofs::{Proofs, TopKProofs};
pub use tropical::Tropical;
pub use unit::Unit;
pub use why::{Why, Witnesses};

/// An algebra of tags.
///
/// All of them: `add` and `mult` are commutative, `zero` is neutral for `add` and absorbing for `mult`, `one`
/// is neutral for `mult`, and `negate` swaps `zero` and `one`. `add` and `mult` are associative up to rounding
/// and, for [`TopKProofs`], up to what is dropped. The constants say which other laws hold; the suite in
/// `tests/laws.rs` checks them.
pub trait Provenance {
    /// What a tuple carries.
    type Tag: Clone + PartialEq + std::fmt::Debug;

    /// `add(a, a) = a`: deriving a tuple again in the same way changes nothing, so a fixpoint may be reached
    /// by re-deriving.
    const IDEMPOTENT: bool;

    /// `add(one, a) = one`: once certain, always certain, and cycles add nothing to what does not need them.
    const ABSORPTIVE: bool;

    /// `mult(a, add(b, c)) = add(mult(a, b), mult(a, c))`.
    const DISTRIBUTIVE: bool;

    /// `negate(negate(a)) = a`.
    const INVOLUTIVE: bool;

    /// Tags are events, so that `add(a, negate(a))` is as good as `one`: what does not matter to a tuple has no
    /// part in its tag.
    const BOOLEAN: bool = false;

    /// The tag of what cannot be derived.
    fn zero(&self) -> Self::Tag;

    /// The tag of what holds anyhow.
    fn one(&self) -> Self::Tag;

    /// Alternatives.
    fn add(&self, a: &Self::Tag, b: &Self::Tag) -> Self::Tag;

    /// Conjunction.
    fn mult(&self, a: &Self::Tag, b: &Self::Tag) -> Self::Tag;

    /// Absence of a tuple whose tag is final. Without a complement ([`Provenance::has_complement`]) this is
    /// `one` for `zero` and `zero` for everything else: what is there is not absent.
    fn negate(&self, a: &Self::Tag) -> Self::Tag {
        if *a == self.zero() {
            self.one()
        } else {
            self.zero()
        }
    }

    /// Whether `negate` says more than that, so that tuples and their absence are both possible. An algebra
    /// without is evaluated in one world, in which every fact holds that its tag does not forbid.
    fn has_complement(&self) -> bool {
        true
    }

    /// What a tuple of this tag comes to that has a part in a derivation of itself, where that can be told at
    /// once. `None` has cycles iterated to their fixpoint.
    fn closure(&self, _tag: &Self::Tag) -> Option<Self::Tag> {
        None
    }

    /// How many literals a tag has, for algebras whose tags may grow: what limits of memory count.
    fn size(&self, _tag: &Self::Tag) -> usize {
        0
    }

    /// Why the operations so far could not be carried out, if so: a limit was met, a host program failed. The tags
    /// are void then, and an evaluation ends.
    fn failure(&self) -> Option<String> {
        None
    }

    /// Whether a fixpoint may stop when `old` became `new`.
    fn saturated(&self, old: &Self::Tag, new: &Self::Tag) -> bool {
        old == new
    }

    /// Whether a tuple with this tag may be dropped.
    fn discard(&self, tag: &Self::Tag) -> bool {
        *tag == self.zero()
    }

    /// The tag as a number between 0 and 1, the greater the better: what `top` and samplers choose by.
    fn weight(&self, tag: &Self::Tag) -> f64;
}
