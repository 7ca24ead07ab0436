//! What weighted aggregates add to a trace: results that hold where a member does, or that are alternatives of
//! new random variables.

use nsdl_ir::TupleId;

use super::GroupRows;
use super::traced::{Derivation, Derive, Found, Traced};
use super::weighted::Outcome;
use crate::failure::Failures;
use crate::limits::Stop;

impl Traced<'_> {
    /// What is chosen by how probable members are.
    pub(super) fn weighted(
        &self,
        group: &GroupRows<'_>,
        exists: Option<TupleId>,
        derive: &mut Derive<'_>,
        failures: &mut Failures,
        found: &mut Found,
    ) -> Result<(), Stop> {
        match self.input.weigh(group, failures)? {
            Outcome::Nothing => {}
            Outcome::Value(word) => found.instances.push(self.given(&[word], exists, derive)),
            Outcome::Members(chosen) => {
                for (words, row) in chosen {
                    found.derivations.push(Derivation {
                        head: derive(&words, self.one_world),
                        choice: None,
                        body: [self.members[row as usize]]
                            .into_iter()
                            .chain(exists)
                            .collect(),
                    });
                }
            }
            Outcome::Choices(choices) => {
                for alternatives in choices {
                    let number = found.choices.len();
                    let (words, weights): (Vec<_>, Vec<_>) = alternatives.into_iter().unzip();
                    found.choices.push(weights);
                    for (alternative, words) in words.iter().enumerate() {
                        found.derivations.push(Derivation {
                            head: derive(words, self.one_world),
                            choice: Some((number, alternative)),
                            body: exists.into_iter().collect(),
                        });
                    }
                }
            }
        }
        Ok(())
    }
}
