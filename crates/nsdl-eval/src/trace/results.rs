//! The results of predicates as tuples of a trace.

use nsdl_ir::{Group, GroupId, Leaf, LeafId, LeafSource, RelationId, Trace};

use super::Recorder;

impl Recorder {
    /// Records the rows from `first` on of the results of a predicate, and what holds of each: that it is
    /// certain, or how probable it is.
    pub(crate) fn add_results(
        &mut self,
        relation: usize,
        first: u32,
        count: u32,
        results: &[(u32, Option<f64>)],
        exclusive: bool,
    ) {
        for row in first..first + count {
            self.add_tuple(relation, row, false);
        }
        let source = LeafSource::Foreign(RelationId::new(relation));
        let weights = results.iter().filter_map(|(_, weight)| *weight);
        let mut leaf = match exclusive && results.iter().any(|(_, weight)| weight.is_some()) {
            true => Some(add_group(
                &mut self.trace,
                weights.map(|weight| (weight, source)),
            )),
            false => None,
        };
        for &(row, weight) in results {
            let tuple = self.tuples[relation][row as usize];
            let Some(weight) = weight else {
                self.trace.certain[tuple.index()] = true;
                self.add_axiom(tuple, None);
                continue;
            };
            let own = match &mut leaf {
                Some(next) => {
                    let own = *next;
                    *next = LeafId::new(own.index() + 1);
                    own
                }
                None => add_group(&mut self.trace, std::iter::once((weight, source))),
            };
            if self.is_one_world() {
                self.trace.certain[tuple.index()] = true;
            }
            self.add_axiom(tuple, Some(own));
        }
    }
}

/// Adds a variable; its first leaf.
pub(super) fn add_group(
    trace: &mut Trace,
    leaves: impl Iterator<Item = (f64, LeafSource)>,
) -> LeafId {
    let group = GroupId::new(trace.groups.len());
    let start = trace.leaves.len();
    trace.leaves.extend(leaves.map(|(weight, source)| Leaf {
        group,
        weight,
        source,
    }));
    trace.groups.push(Group {
        start: start as u32,
        end: trace.leaves.len() as u32,
    });
    LeafId::new(start)
}
