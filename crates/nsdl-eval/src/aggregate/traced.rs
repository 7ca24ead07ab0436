//! Aggregates of uncertain members: which results are possible, and when each holds.

use std::hash::Hash;

use nsdl_ir::{
    AggregateInstance, AggregateKind, AggregateOp, BestMember, Diagnostic, FoldStep, TupleId, Word,
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::best::Best;
use super::fold::Fold;
use super::sort::Position;
use super::{GroupRows, Input};
use crate::failure::Failures;
use crate::limits::Stop;

/// One aggregate of a trace.
pub(crate) struct Traced<'a> {
    pub(crate) input: Input<'a>,
    /// The tuples of the members and of the groups, by row.
    pub(crate) members: &'a [TupleId],
    pub(crate) groups: &'a [TupleId],
    pub(crate) certain: &'a [bool],
    /// Whether all members hold that there are.
    pub(crate) one_world: bool,
}

/// What an aggregate adds to a trace.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The groups that can have a result.
    pub(crate) instances: Vec<AggregateInstance>,
    /// How many steps they took.
    pub(crate) steps: usize,
    /// New random variables: the weights of their alternatives.
    pub(crate) choices: Vec<Vec<f64>>,
    /// Results of members and of the new variables.
    pub(crate) derivations: Vec<Derivation>,
}

/// A result that holds where all these do.
#[derive(Debug)]
pub(crate) struct Derivation {
    pub(crate) head: TupleId,
    /// An alternative of a new variable, as positions in [`Found::choices`].
    pub(crate) choice: Option<(usize, usize)>,
    pub(crate) body: Vec<TupleId>,
}

/// Makes the tuple of an output row, or finds it; the flag says whether it is certain.
pub(crate) type Derive<'d> = dyn FnMut(&[Word], bool) -> TupleId + 'd;

impl Traced<'_> {
    pub(crate) fn run(
        &self,
        derive: &mut Derive<'_>,
        failures: &mut Failures,
    ) -> Result<Found, Stop> {
        let mut found = Found::default();
        for group in self.input.group() {
            let exists = group.exists.map(|row| self.groups[row as usize]);
            let forced = exists.is_none_or(|tuple| self.certain[tuple.index()]);
            let mut result = |result: &[Word], certain: bool| {
                derive(&[group.key, result].concat(), certain && forced)
            };
            let aggregate = self.input.aggregate;
            if self.one_world && !aggregate.single_world && !aggregate.op.reads_weights() {
                let members = group.members.iter();
                let members = members.map(|&row| self.members[row as usize]);
                let body: Vec<TupleId> = members.chain(exists).collect();
                for words in self.input.results(&group, failures)? {
                    found.derivations.push(Derivation {
                        head: result(&words, true),
                        choice: None,
                        body: body.clone(),
                    });
                    found.steps += body.len();
                    if found.steps > self.input.steps {
                        return Err(too_large(&self.input, group.members.len(), 1).into());
                    }
                }
                continue;
            }
            if self.input.aggregate.single_world {
                let results = self.input.results(&group, failures)?;
                for words in results {
                    found
                        .instances
                        .push(self.given(&words, exists, &mut result));
                    found.steps += 1;
                }
                continue;
            }
            let steps = &mut found.steps;
            let (members, kind) = match self.input.aggregate.op {
                AggregateOp::Count => self.count(&group, &mut result, steps)?,
                AggregateOp::StringJoin if self.input.aggregate.all => {
                    self.join(&group, &mut result, steps)?
                }
                AggregateOp::Sum if self.is_tally(&group) => {
                    self.tally(&group, &mut result, failures, steps)?
                }
                AggregateOp::Sum
                | AggregateOp::Prod
                | AggregateOp::Avg
                | AggregateOp::StringJoin => self.fold(&group, &mut result, failures, steps)?,
                AggregateOp::Foreign(signature) => {
                    self.foreign(signature, &group, &mut result, failures, steps)?
                }
                AggregateOp::Exists => self.exists(&group, &mut result),
                AggregateOp::Sort | AggregateOp::Argsort | AggregateOp::Enumerate => {
                    let sorted = self.sort(&group, exists, &mut result, steps)?;
                    found.instances.extend(sorted);
                    continue;
                }
                AggregateOp::Min | AggregateOp::Max | AggregateOp::Argmin | AggregateOp::Argmax => {
                    self.best(&group, &mut result)
                }
                AggregateOp::WeightedSum
                | AggregateOp::WeightedAvg
                | AggregateOp::Rank
                | AggregateOp::Top
                | AggregateOp::Unique
                | AggregateOp::Uniform
                | AggregateOp::Categorical
                | AggregateOp::Normalize
                | AggregateOp::Softmax
                | AggregateOp::Disjunct => {
                    self.weighted(&group, exists, &mut result, failures, &mut found)?;
                    continue;
                }
            };
            found.steps += members.len();
            if possible(&kind) {
                let members = members
                    .into_iter()
                    .map(|row| self.members[row as usize])
                    .collect();
                found.instances.push(AggregateInstance {
                    aggregate: self.input.id,
                    group: exists,
                    members,
                    kind,
                });
            }
        }
        Ok(found)
    }

    /// A result that holds wherever its group does: one of no members.
    pub(super) fn given(
        &self,
        words: &[Word],
        exists: Option<TupleId>,
        derive: &mut Derive<'_>,
    ) -> AggregateInstance {
        AggregateInstance {
            aggregate: self.input.id,
            group: exists,
            members: Vec::new(),
            kind: AggregateKind::Count {
                results: vec![Some(derive(words, true))],
            },
        }
    }

    pub(super) fn is_certain(&self, row: u32) -> bool {
        self.certain[self.members[row as usize].index()]
    }

    fn certain_members(&self, group: &GroupRows<'_>) -> usize {
        group
            .members
            .iter()
            .filter(|&&row| self.is_certain(row))
            .count()
    }

    /// Any number of the uncertain members may hold; whoever evaluates it chains them.
    fn count(
        &self,
        group: &GroupRows<'_>,
        derive: &mut Derive<'_>,
        steps: &mut usize,
    ) -> Result<(Vec<u32>, AggregateKind), Stop> {
        let (least, most) = (self.certain_members(group), group.members.len());
        let uncertain = most - least;
        *steps += uncertain;
        if *steps > self.input.steps {
            return Err(too_large(&self.input, most, uncertain + 1).into());
        }
        let result = |count: usize| {
            let possible = count >= least && (count > 0 || self.input.exist_empty());
            possible.then(|| derive(&[count as Word], least == most))
        };
        let results = (0..=most).map(result).collect();
        Ok((group.members.clone(), AggregateKind::Count { results }))
    }

    fn exists(&self, group: &GroupRows<'_>, derive: &mut Derive<'_>) -> (Vec<u32>, AggregateKind) {
        let certain = self.certain_members(group) > 0;
        let some = (!group.members.is_empty()).then(|| derive(&[1], certain));
        let none =
            (!certain && self.input.exist_empty()).then(|| derive(&[0], group.members.is_empty()));
        (group.members.clone(), AggregateKind::Exists { some, none })
    }

    fn best(&self, group: &GroupRows<'_>, derive: &mut Derive<'_>) -> (Vec<u32>, AggregateKind) {
        let best = Best::new(&self.input);
        let ranked = best.ranked(&group.members, |row| self.is_certain(row));
        let members = ranked.iter().map(|&(row, rank)| BestMember {
            rank,
            result: derive(best.result(row), rank == 0 && self.is_certain(row)),
        });
        let members = members.collect();
        (
            ranked.into_iter().map(|(row, _)| row).collect(),
            AggregateKind::Best { members },
        )
    }

    /// A fold whose states are those that some of the members can lead to.
    fn fold(
        &self,
        group: &GroupRows<'_>,
        derive: &mut Derive<'_>,
        failures: &mut Failures,
        steps: &mut usize,
    ) -> Result<(Vec<u32>, AggregateKind), Stop> {
        let fold = Fold::new(&self.input);
        let members = fold.in_order(&group.members);
        let next = |state, row, holds: bool| match holds {
            true => fold.add(state, fold.value(row)),
            false => state,
        };
        let (levels, states) = self.chain(&members, fold.start(), next, steps)?;
        let mut kinds = Vec::new();
        let mut finish = |state| match fold.finish(state) {
            Ok(word) => word,
            Err(kind) => {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                    failures.count(self.input.aggregate.span, kind);
                }
                None
            }
        };
        let words: Vec<Option<Word>> = states.iter().map(|&state| finish(state)).collect();
        let forced = words.windows(2).all(|pair| pair[0] == pair[1]);
        let results = words
            .into_iter()
            .map(|word| word.map(|word| derive(&[word], forced)))
            .collect();
        Ok((members, AggregateKind::Fold { levels, results }))
    }

    /// One instance for each member: all are folded into its position.
    fn sort(
        &self,
        group: &GroupRows<'_>,
        exists: Option<TupleId>,
        derive: &mut Derive<'_>,
        steps: &mut usize,
    ) -> Result<Vec<AggregateInstance>, Stop> {
        let sorted = self.input.sorted(&group.members);
        let members: Vec<TupleId> = sorted
            .iter()
            .map(|&row| self.members[row as usize])
            .collect();
        let mut instances = Vec::with_capacity(sorted.len());
        // What all sets of members give, the least of them gives; it holds wherever the group does.
        let mut settled = FxHashSet::default();
        let certain = sorted.iter().filter(|&&row| self.is_certain(row));
        for (position, &member) in (0..).zip(certain) {
            let result = self.input.placed(position, member);
            let next = |state: Position, row, holds| {
                let gives = || self.input.placed(position, row) == result;
                state.next(
                    holds && state == Position::Before(position) && gives(),
                    holds,
                )
            };
            let (_, states) = self.chain(&sorted, Position::Before(0), next, &mut 0)?;
            if states == [Position::At(position)] {
                instances.push(self.given(&result, exists, derive));
                settled.insert(result);
            }
        }
        for &member in &sorted {
            let next = |position: Position, row, holds| position.next(row == member, holds);
            let (levels, states) = self.chain(&sorted, Position::Before(0), next, steps)?;
            let results = states.iter().map(|&state| match state {
                Position::At(position) => {
                    let result = self.input.placed(position, member);
                    (!settled.contains(&result)).then(|| derive(&result, false))
                }
                Position::Before(_) | Position::Missing => None,
            });
            let kind = AggregateKind::Fold {
                results: results.collect(),
                levels,
            };
            if possible(&kind) {
                instances.push(AggregateInstance {
                    aggregate: self.input.id,
                    group: exists,
                    members: members.clone(),
                    kind,
                });
            }
        }
        Ok(instances)
    }

    /// The levels of a fold over these members, and its last states: only those that can be reached.
    pub(super) fn chain<S: Copy + Eq + Hash>(
        &self,
        members: &[u32],
        start: S,
        next_state: impl Fn(S, u32, bool) -> S,
        steps: &mut usize,
    ) -> Result<(Vec<Vec<FoldStep>>, Vec<S>), Stop> {
        let mut levels = Vec::with_capacity(members.len());
        let mut states = vec![start];
        for &row in members {
            *steps += states.len();
            if *steps > self.input.steps {
                return Err(too_large(&self.input, members.len(), states.len()).into());
            }
            self.input.budget.check(0, 0)?;
            let mut next = Vec::with_capacity(states.len());
            let mut numbers = FxHashMap::default();
            let mut number = |state| {
                *numbers.entry(state).or_insert_with(|| {
                    next.push(state);
                    next.len() as u32 - 1
                })
            };
            let certain = self.is_certain(row);
            let level = states.iter().map(|&state| {
                // A certain member is never absent: nothing may become possible through its absence.
                let absent = if certain {
                    None
                } else {
                    Some(number(next_state(state, row, false)))
                };
                let present = number(next_state(state, row, true));
                FoldStep {
                    absent: absent.unwrap_or(present),
                    present,
                }
            });
            levels.push(level.collect());
            states = next;
        }
        Ok((levels, states))
    }
}

/// E0614.
pub(super) fn too_large(input: &Input<'_>, members: usize, states: usize) -> Diagnostic {
    Diagnostic::error("E0614", format!("a group of {members} members has too many possible results"))
        .label(input.aggregate.span, "this aggregate")
        .note(format!(
            "some of its members have {states} different partial results; all aggregates together may take {} steps",
            input.steps
        ))
        .help("aggregate fewer uncertain members, round values so that fewer results differ, ask for the mean by `weighted_sum` or for one world by `sum!` and the like, or raise the limit of instances")
}

/// Whether there is any result.
fn possible(kind: &AggregateKind) -> bool {
    match kind {
        AggregateKind::Count { results }
        | AggregateKind::Sum { results, .. }
        | AggregateKind::Fold { results, .. } => results.iter().any(Option::is_some),
        AggregateKind::Best { members } => !members.is_empty(),
        AggregateKind::Paths { results, .. } => !results.is_empty(),
        AggregateKind::Exists { some, none } => some.is_some() || none.is_some(),
    }
}
