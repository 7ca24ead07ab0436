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
//! | [`MinMaxProb`] | number | max | min | 1 − x | strength of the strongest derivation |
//! | [`AddMultProb`] | number | min(1, x + y) | x · y | 1 − x | an estimate, exact for exclusive alternatives of independent parts |
//! | [`TopKProofs`] | proofs | union | pairs | one literal of each fails | a lower bound without negation, exact for k large enough |

mod add_mult_prob;
mod boolean;
pub mod literals;
mod min_max_prob;
mod scalar;
mod top_k_proofs;
mod unit;

pub use add_mult_prob::AddMultProb;
pub use boolean::Boolean;
pub use min_max_prob::MinMaxProb;
pub use scalar::Scalar;
pub use top_k_proofs::{Proofs, TopKProofs};
pub use unit::Unit;

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

    /// The tag of what cannot be derived.
    fn zero(&self) -> Self::Tag;

    /// The tag of what holds anyhow.
    fn one(&self) -> Self::Tag;

    /// Alternatives.
    fn add(&self, a: &Self::Tag, b: &Self::Tag) -> Self::Tag;

    /// Conjunction.
    fn mult(&self, a: &Self::Tag, b: &Self::Tag) -> Self::Tag;

    /// Absence of a tuple whose tag is final.
    fn negate(&self, a: &Self::Tag) -> Self::Tag;

    /// Whether a fixpoint may stop when `old` became `new`.
    fn saturated(&self, old: &Self::Tag, new: &Self::Tag) -> bool {
        old == new
    }

    /// Whether a tuple with this tag may be dropped.
    fn discard(&self, tag: &Self::Tag) -> bool {
        *tag == self.zero()
    }

    /// The tag as a number between 0 and 1.
    fn weight(&self, tag: &Self::Tag) -> f64;
}
