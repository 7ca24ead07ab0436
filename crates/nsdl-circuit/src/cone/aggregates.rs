//! Aggregates written out as chains over their members.

use super::{Builder, Flavour, ONE, Op, Tally, ZERO};
use nsdl_ir::{AggregateInstance, AggregateKind, BestMember, FoldStep, PathStep, TupleId};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// The tuples an aggregate may give.
pub(super) fn results(aggregate: &AggregateInstance) -> Vec<TupleId> {
    match &aggregate.kind {
        AggregateKind::Count { results }
        | AggregateKind::Sum { results, .. }
        | AggregateKind::Fold { results, .. } => results.iter().flatten().copied().collect(),
        AggregateKind::Best { members } => members.iter().map(|member| member.result).collect(),
        AggregateKind::Paths { results, .. } => results.clone(),
        AggregateKind::Exists { some, none } => some.iter().chain(none).copied().collect(),
    }
}

impl Builder<'_> {
    /// Writes an aggregate out, once.
    pub(super) fn expand(&mut self, index: u32) {
        if self.aggregates.contains_key(&index) {
            return;
        }
        let trace = self.trace;
        let aggregate = &trace.aggregates[index as usize];
        let members: Vec<u32> = aggregate
            .members
            .iter()
            .map(|member| self.tuples[member.index()])
            .collect();
        let mut results = match &aggregate.kind {
            AggregateKind::Count { results } if self.flavour == Flavour::Exact => {
                let values = vec![1; members.len()];
                self.tally(&members, &values, false, 0, results)
            }
            AggregateKind::Count { results } => self.count(&members, results),
            AggregateKind::Sum {
                values,
                least,
                nonempty,
                results,
            } if self.flavour == Flavour::Exact => {
                self.tally(&members, values, *nonempty, *least, results)
            }
            AggregateKind::Sum {
                values,
                least,
                nonempty,
                results,
            } => self.sum(&members, values, *nonempty, *least, results),
            AggregateKind::Fold { levels, results } => self.fold(&members, levels, results),
            AggregateKind::Best { members: ranked } => self.best(&members, ranked),
            AggregateKind::Paths { levels, results } => self.paths(&members, levels, results),
            AggregateKind::Exists { some, none } => self.exists(&members, *some, *none),
        };
        if let Some(group) = aggregate.group {
            let group = self.tuples[group.index()];
            for (_, node) in &mut results {
                *node = self.node(Op::And, [group, *node]);
            }
        }
        results.sort_by_key(|&(result, _)| result);
        self.aggregates.insert(index, results);
    }

    /// The sums that are results, of members that are left as they are.
    fn tally(
        &mut self,
        members: &[u32],
        values: &[i64],
        nonempty: bool,
        least: i64,
        results: &[Option<TupleId>],
    ) -> Vec<(TupleId, u32)> {
        let number = self.cone.tallies.len() as u32;
        self.cone.tallies.push(Tally {
            values: values.to_vec(),
            nonempty,
        });
        let span = self.span(members);
        let tally = self.push(Op::Tally(number), span);
        let span = self.span(&[tally]);
        let results = results.iter().zip(least..);
        results
            .filter_map(|(result, sum)| Some(((*result)?, self.push(Op::Is(sum), span))))
            .collect()
    }

    /// A chain over partial sums.
    fn sum(
        &mut self,
        members: &[u32],
        values: &[i64],
        nonempty: bool,
        least: i64,
        results: &[Option<TupleId>],
    ) -> Vec<(TupleId, u32)> {
        // What is reached, by sum; `None` is the sum of no member, where that is another than 0.
        let mut states: BTreeMap<Option<i64>, u32> = BTreeMap::new();
        states.insert((!nonempty).then_some(0), ONE);
        for (&member, &value) in members.iter().zip(values) {
            self.steps += states.len();
            if self.steps > self.most {
                return Vec::new();
            }
            let absent = self.not(member);
            let mut ways: BTreeMap<Option<i64>, Vec<u32>> = BTreeMap::new();
            for (sum, state) in states {
                let next = Some(sum.unwrap_or(0) + value);
                if next == sum && self.flavour != Flavour::General {
                    ways.entry(sum).or_default().push(state);
                    continue;
                }
                let without = self.node(Op::And, [absent, state]);
                let with = self.node(Op::And, [member, state]);
                ways.entry(sum).or_default().push(without);
                ways.entry(next).or_default().push(with);
            }
            states = ways
                .into_iter()
                .map(|(sum, ways)| (sum, self.node(Op::Sum, ways)))
                .collect();
        }
        let found = states.into_iter().filter_map(|(sum, node)| {
            let result = results.get(usize::try_from(sum? - least).ok()?)?;
            Some(((*result)?, node))
        });
        found.collect()
    }

    /// Cardinality chain: the state after some members is how many of them hold.
    fn count(&mut self, members: &[u32], results: &[Option<TupleId>]) -> Vec<(TupleId, u32)> {
        let wanted = |n: &usize| results.get(*n).is_some_and(Option::is_some);
        let total = members.len();
        let (Some(least), Some(most)) = ((0..=total).find(wanted), (0..=total).rev().find(wanted))
        else {
            return Vec::new();
        };
        let mut states = vec![ONE];
        for (seen, &member) in members.iter().enumerate() {
            self.steps += states.len();
            if self.steps > self.most {
                return Vec::new();
            }
            let absent = self.not(member);
            let seen = seen + 1;
            let next = (0..=seen.min(most)).map(|count| {
                if count + (total - seen) < least {
                    return ZERO;
                }
                let one_less = count.checked_sub(1).and_then(|before| states.get(before));
                let now = one_less.map_or(ZERO, |&state| self.node(Op::And, [member, state]));
                let as_many = states.get(count);
                let before = as_many.map_or(ZERO, |&state| self.node(Op::And, [absent, state]));
                self.node(Op::Sum, [now, before])
            });
            states = next.collect();
        }
        let mut found = Vec::new();
        for (result, &state) in results.iter().zip(&states) {
            found.extend(result.map(|result| (result, state)));
        }
        found
    }

    /// A chain over given states.
    fn fold(
        &mut self,
        members: &[u32],
        levels: &[Vec<FoldStep>],
        results: &[Option<TupleId>],
    ) -> Vec<(TupleId, u32)> {
        let mut states = vec![ONE];
        for (&member, level) in members.iter().zip(levels) {
            let absent = self.not(member);
            let width = level
                .iter()
                .map(|step| step.absent.max(step.present) + 1)
                .max()
                .unwrap_or(0);
            let mut ways: Vec<Vec<u32>> = vec![Vec::new(); width as usize];
            for (&state, step) in states.iter().zip(level) {
                if step.absent == step.present && self.flavour != Flavour::General {
                    ways[step.absent as usize].push(state);
                    continue;
                }
                ways[step.absent as usize].push(self.node(Op::And, [absent, state]));
                ways[step.present as usize].push(self.node(Op::And, [member, state]));
            }
            states = ways
                .into_iter()
                .map(|ways| self.node(Op::Sum, ways))
                .collect();
        }
        let ends = results.iter().zip(states);
        self.added(ends.filter_map(|(result, state)| Some(((*result)?, state))))
    }

    /// Results that several cases give, which exclude each other.
    fn added(&mut self, cases: impl Iterator<Item = (TupleId, u32)>) -> Vec<(TupleId, u32)> {
        let mut found: Vec<(TupleId, Vec<u32>)> = Vec::new();
        let mut places: FxHashMap<TupleId, usize> = FxHashMap::default();
        for (result, case) in cases {
            let place = *places.entry(result).or_insert_with(|| {
                found.push((result, Vec::new()));
                found.len() - 1
            });
            found[place].1.push(case);
        }
        found
            .into_iter()
            .map(|(result, cases)| (result, self.node(Op::Sum, cases)))
            .collect()
    }

    /// Sorted chain: a result of some rank holds if a member that gives it does and none of lower rank.
    fn best(&mut self, members: &[u32], ranked: &[BestMember]) -> Vec<(TupleId, u32)> {
        // Whatever holds from a member on.
        let mut free = vec![ONE; members.len() + 1];
        for i in (0..members.len()).rev() {
            let either = self.either(members[i]);
            free[i] = self.node(Op::And, [either, free[i + 1]]);
        }
        let mut found = Vec::new();
        let mut none_before = ONE;
        let mut start = 0;
        while start < ranked.len() {
            let rank = ranked[start].rank;
            let end = start
                + ranked[start..]
                    .iter()
                    .take_while(|member| member.rank == rank)
                    .count();
            let mut done: Vec<TupleId> = Vec::new();
            for i in start..end {
                let result = ranked[i].result;
                if done.contains(&result) {
                    continue;
                }
                done.push(result);
                let (givers, others): (Vec<usize>, Vec<usize>) =
                    (start..end).partition(|&j| ranked[j].result == result);
                let givers: Vec<u32> = givers.into_iter().map(|j| members[j]).collect();
                let mut parts = vec![none_before, self.any(&givers)];
                for j in others {
                    parts.push(self.either(members[j]));
                }
                parts.push(free[end]);
                let node = self.node(Op::And, parts);
                found.push((result, node));
            }
            for &member in &members[start..end] {
                let absent = self.not(member);
                none_before = self.node(Op::And, [none_before, absent]);
            }
            start = end;
        }
        self.added(found.into_iter())
    }

    /// Any path whose members hold: paths do not exclude each other.
    fn paths(
        &mut self,
        members: &[u32],
        levels: &[Vec<PathStep>],
        results: &[TupleId],
    ) -> Vec<(TupleId, u32)> {
        let mut states = vec![ONE];
        for level in levels {
            let width = level.iter().map(|step| step.to + 1).max().unwrap_or(0);
            let mut ways: Vec<Vec<u32>> = vec![Vec::new(); width as usize];
            for step in level {
                let parts = [states[step.from as usize], members[step.member as usize]];
                ways[step.to as usize].push(self.node(Op::And, parts));
            }
            let any = ways.into_iter().map(|ways| self.node(Op::Or, ways));
            states = any.collect();
        }
        results.iter().copied().zip(states).collect()
    }

    fn exists(
        &mut self,
        members: &[u32],
        some: Option<TupleId>,
        none: Option<TupleId>,
    ) -> Vec<(TupleId, u32)> {
        let mut found = Vec::new();
        if let Some(some) = some {
            found.push((some, self.any(members)));
        }
        if let Some(none) = none {
            let absent: Vec<u32> = members.iter().map(|&member| self.not(member)).collect();
            found.push((none, self.node(Op::And, absent)));
        }
        found
    }

    /// At least one of these holds.
    fn any(&mut self, members: &[u32]) -> u32 {
        if matches!(self.flavour, Flavour::Logical | Flavour::Exact) || members.len() == 1 {
            return self.node(Op::Or, members);
        }
        let (mut some, mut whatever) = (ZERO, ONE);
        for &member in members {
            let absent = self.not(member);
            let now = self.node(Op::And, [member, whatever]);
            let before = self.node(Op::And, [absent, some]);
            some = self.node(Op::Sum, [now, before]);
            let either = self.either(member);
            whatever = self.node(Op::And, [whatever, either]);
        }
        some
    }

    /// A member that does not matter.
    fn either(&mut self, member: u32) -> u32 {
        if self.flavour != Flavour::General {
            return ONE;
        }
        let absent = self.not(member);
        self.node(Op::Sum, [member, absent])
    }
}
