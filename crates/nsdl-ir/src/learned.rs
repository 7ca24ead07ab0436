//! Probabilities to learn: which there are, and where they stand.

use crate::{ChoiceId, LeafSource, Plan, Span};

/// The probabilities to learn of a program, and the facts and alternatives that have them.
#[derive(Clone, Debug, Default)]
pub struct Learning {
    /// In order of appearance, those of one statement together.
    pub parameters: Vec<Learned>,
    /// The statements that have some.
    pub sets: Vec<LearnedSet>,
    /// Facts, by their number in [`Plan::facts`], and the number of the parameter.
    pub facts: Vec<(u32, u32)>,
    /// Alternatives of choices and the number of the parameter; those that `or` splits a rule into share it.
    pub choices: Vec<(ChoiceId, u32, u32)>,
}

/// A probability to learn: `?0.3::`.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// Of what it is the probability, as text: `noisy(1)`, `reach(x, y)`. No two have the same.
    pub name: String,
    /// The tag in the source.
    pub span: Span,
    /// Its value before anything is learned, between 0 and 1, neither of them.
    pub initial: f64,
}

/// The probabilities to learn of one statement.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedSet {
    /// `fact.noisy`, `rule.reach`, or `rule.reach_2` if there is a second one.
    pub name: String,
    /// They are `Learning::parameters[start..end]`.
    pub start: u32,
    /// See `start`.
    pub end: u32,
    /// If they exclude each other: what they sum to at most. The rest to 1 belongs to alternatives that are not learned.
    pub exclusive: Option<Exclusive>,
}

/// What the probabilities of an exclusive set have to share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exclusive {
    /// Their sum, or its limit.
    pub total: f64,
    /// Whether they need not sum to that: "none of them" has the rest. If not, they always do.
    pub open: bool,
}

impl Plan {
    /// The number of the parameter that a leaf from this source has.
    ///
    /// Cost: linear in the places of parameters.
    pub fn learned(&self, source: LeafSource) -> Option<u32> {
        match source {
            LeafSource::Fact(number) => {
                let mut facts = self.learning.facts.iter();
                facts
                    .find(|(fact, _)| *fact == number)
                    .map(|(_, learned)| *learned)
            }
            LeafSource::Rule(rule) => {
                let tag = self.rules.get(rule.index())?.tag?;
                let mut choices = self.learning.choices.iter();
                choices
                    .find(|(choice, alternative, _)| {
                        (*choice, *alternative) == (tag.choice, tag.alternative)
                    })
                    .map(|(_, _, learned)| *learned)
            }
            LeafSource::Aggregate(_) | LeafSource::Foreign(_) => None,
        }
    }
}
