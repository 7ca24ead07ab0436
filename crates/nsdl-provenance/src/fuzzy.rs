//! Algebras of probabilities that are fuzzy logics too.
//!
//! A fuzzy logic reads tags as degrees of truth. Conjunction is a t-norm, alternatives are the t-conorm that belongs to
//! it, and negation is 1 − x (Hájek, "Metamathematics of fuzzy logic", 1998, with the standard negation). An
//! implication `a implies b` is what programs make of it, `not a or b`.

use crate::{MinMaxProb, NandMultProb};

/// Gödel logic: min, max. `a implies b` is max(1 − a, b), after Kleene and Dienes.
pub type Godel = MinMaxProb;

/// Product logic: x · y and 1 − (1 − x)(1 − y). `a implies b` is 1 − a + a · b, after Reichenbach.
pub type Product = NandMultProb;
