//! Traces made by hand and at random, and the oracle: enumeration of worlds.
#![allow(dead_code, reason = "each test file uses a part")]

use nsdl_ir::{
    AggregateId, AggregateInstance, AggregateKind, BestMember, FoldStep, Group, GroupId, Instance,
    Leaf, LeafId, LeafSource, Literal, PathStep, RelationId, RuleId, Trace, TupleId,
};

/// A small generator of pseudo-random numbers: splitmix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }
}

/// A trace and the stratum of each of its tuples.
#[derive(Clone, Debug, Default)]
pub struct Program {
    pub trace: Trace,
    pub strata: Vec<usize>,
}

pub fn positive(tuple: TupleId) -> Literal {
    Literal {
        tuple,
        negated: false,
    }
}

pub fn negative(tuple: TupleId) -> Literal {
    Literal {
        tuple,
        negated: true,
    }
}

impl Program {
    pub fn tuple(&mut self, stratum: usize) -> TupleId {
        let id = TupleId::new(self.trace.tuples.len());
        self.trace.tuples.push((RelationId(0), id.0));
        self.trace.certain.push(false);
        self.strata.push(stratum);
        id
    }

    /// A random variable with these alternatives.
    pub fn group(&mut self, weights: &[f64]) -> Vec<LeafId> {
        let group = GroupId::new(self.trace.groups.len());
        let start = self.trace.leaves.len();
        for &weight in weights {
            let source = LeafSource::Fact(self.trace.leaves.len() as u32);
            self.trace.leaves.push(Leaf {
                group,
                weight,
                source,
            });
        }
        let end = self.trace.leaves.len();
        self.trace.groups.push(Group {
            start: start as u32,
            end: end as u32,
        });
        (start..end).map(LeafId::new).collect()
    }

    pub fn rule(&mut self, head: TupleId, leaf: Option<LeafId>, body: &[Literal]) {
        let start = self.trace.literals.len() as u32;
        self.trace.literals.extend_from_slice(body);
        let end = self.trace.literals.len() as u32;
        self.trace.instances.push(Instance {
            head,
            rule: Some(RuleId(0)),
            leaf,
            start,
            end,
        });
    }

    /// A tuple that is a fact with this leaf.
    pub fn fact(&mut self, leaf: LeafId) -> TupleId {
        let tuple = self.tuple(0);
        self.rule(tuple, Some(leaf), &[]);
        tuple
    }

    /// A tuple that is an independent fact.
    pub fn independent(&mut self, weight: f64) -> TupleId {
        let leaf = self.group(&[weight])[0];
        self.fact(leaf)
    }

    /// Tuples that are facts that exclude each other.
    pub fn exclusive(&mut self, weights: &[f64]) -> Vec<TupleId> {
        let leaves = self.group(weights);
        leaves.into_iter().map(|leaf| self.fact(leaf)).collect()
    }

    pub fn aggregate(
        &mut self,
        group: Option<TupleId>,
        members: Vec<TupleId>,
        kind: AggregateKind,
    ) {
        let aggregate = AggregateId::new(self.trace.aggregates.len());
        self.trace.aggregates.push(AggregateInstance {
            aggregate,
            group,
            members,
            kind,
        });
    }

    pub fn weights(&self) -> Vec<f64> {
        self.trace.leaves.iter().map(|leaf| leaf.weight).collect()
    }

    /// Marks what follows from untagged facts without negation.
    pub fn mark_certain(&mut self) {
        loop {
            let mut changed = false;
            for i in 0..self.trace.instances.len() {
                let instance = self.trace.instances[i];
                let holds = instance.leaf.is_none()
                    && self
                        .trace
                        .body(&instance)
                        .iter()
                        .all(|l| !l.negated && self.trace.certain[l.tuple.index()]);
                if holds && !self.trace.certain[instance.head.index()] {
                    self.trace.certain[instance.head.index()] = true;
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// All worlds: the weight of each and the leaves that hold in it.
    pub fn worlds(&self, weights: &[f64]) -> Vec<(f64, Vec<bool>)> {
        let mut worlds = vec![(1.0, vec![false; weights.len()])];
        for group in &self.trace.groups {
            let range = group.start as usize..group.end as usize;
            let none = 1.0 - weights[range.clone()].iter().sum::<f64>();
            let mut next = Vec::with_capacity(worlds.len() * (range.len() + 1));
            for (weight, holds) in worlds {
                for leaf in range.clone() {
                    let mut holds = holds.clone();
                    holds[leaf] = true;
                    next.push((weight * weights[leaf], holds));
                }
                next.push((weight * none, holds));
            }
            worlds = next;
        }
        worlds
    }

    /// The perfect model of a world, stratum by stratum.
    pub fn model(&self, leaves: &[bool]) -> Vec<bool> {
        let mut model = vec![false; self.trace.tuples.len()];
        for stratum in 0..=self.strata.iter().copied().max().unwrap_or(0) {
            for aggregate in &self.trace.aggregates {
                for result in evaluate(aggregate, &model) {
                    if self.strata[result.index()] == stratum {
                        model[result.index()] = true;
                    }
                }
            }
            loop {
                let mut changed = false;
                for instance in &self.trace.instances {
                    if self.strata[instance.head.index()] != stratum || model[instance.head.index()]
                    {
                        continue;
                    }
                    let leaf = instance.leaf.is_none_or(|leaf| leaves[leaf.index()]);
                    let body = self.trace.body(instance);
                    if leaf
                        && body
                            .iter()
                            .all(|literal| model[literal.tuple.index()] != literal.negated)
                    {
                        model[instance.head.index()] = true;
                        changed = true;
                    }
                }
                if !changed {
                    break;
                }
            }
        }
        model
    }

    /// The probability of every tuple, by enumeration.
    pub fn probabilities(&self, weights: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.trace.tuples.len()];
        for (weight, leaves) in self.worlds(weights) {
            for (sum, holds) in sums.iter_mut().zip(self.model(&leaves)) {
                if holds {
                    *sum += weight;
                }
            }
        }
        sums
    }

    pub fn all_tuples(&self) -> Vec<TupleId> {
        (0..self.trace.tuples.len()).map(TupleId::new).collect()
    }
}

/// The results that hold in a model.
fn evaluate(aggregate: &AggregateInstance, model: &[bool]) -> Vec<TupleId> {
    if aggregate.group.is_some_and(|group| !model[group.index()]) {
        return Vec::new();
    }
    let present: Vec<bool> = aggregate
        .members
        .iter()
        .map(|member| model[member.index()])
        .collect();
    match &aggregate.kind {
        AggregateKind::Count { results } => results[present.iter().filter(|holds| **holds).count()]
            .into_iter()
            .collect(),
        AggregateKind::Sum {
            values,
            least,
            nonempty,
            results,
        } => {
            let held = present.iter().zip(values).filter(|(holds, _)| **holds);
            let sum: i64 = held.map(|(_, value)| value).sum();
            let counts = !nonempty || present.contains(&true);
            let result = results[(sum - least) as usize].filter(|_| counts);
            result.into_iter().collect()
        }
        AggregateKind::Fold { levels, results } => {
            let last = levels
                .iter()
                .zip(&present)
                .fold(0u32, |state, (level, holds)| {
                    let step = level[state as usize];
                    if *holds { step.present } else { step.absent }
                });
            results[last as usize].into_iter().collect()
        }
        AggregateKind::Best { members } => {
            let held = || {
                members
                    .iter()
                    .zip(&present)
                    .filter(|(_, holds)| **holds)
                    .map(|(member, _)| member)
            };
            let best = held().map(|member| member.rank).min();
            held()
                .filter(|member| Some(member.rank) == best)
                .map(|member| member.result)
                .collect()
        }
        AggregateKind::Paths { levels, results } => {
            let mut reached = vec![true];
            for level in levels {
                let mut next = vec![false; width(level)];
                for step in level {
                    next[step.to as usize] |=
                        reached[step.from as usize] && present[step.member as usize];
                }
                reached = next;
            }
            let ends = results.iter().zip(reached);
            ends.filter(|end| end.1).map(|end| *end.0).collect()
        }
        AggregateKind::Exists { some, none } => {
            let result = if present.contains(&true) { some } else { none };
            result.iter().copied().collect()
        }
    }
}

/// How many states a level of paths leads to.
pub fn width(level: &[PathStep]) -> usize {
    level.iter().map(|step| step.to + 1).max().unwrap_or(0) as usize
}

/// What a random program may contain.
#[derive(Clone, Copy)]
pub struct Shape {
    pub negation: bool,
    pub aggregates: bool,
    pub exclusive: bool,
}

pub const FULL: Shape = Shape {
    negation: true,
    aggregates: true,
    exclusive: true,
};
pub const MONOTONE: Shape = Shape {
    negation: false,
    aggregates: false,
    exclusive: true,
};

/// A random program with cycles, and whatever `shape` allows.
pub fn random_program(seed: u64, shape: Shape) -> Program {
    let mut random = Random(seed);
    let r = &mut random;
    let mut program = Program::default();
    let mut leaves = Vec::new();
    let mut worlds = 1;
    let limit = 1 << (6 + r.below(5));
    while worlds < limit {
        let size = if shape.exclusive && r.chance(0.3) {
            2 + r.below(3)
        } else {
            1
        };
        let mut weights: Vec<f64> = (0..size).map(|_| 0.02 + r.unit()).collect();
        let total: f64 =
            weights.iter().sum::<f64>() * (if r.chance(0.3) { 1.0 } else { 1.0 + r.unit() });
        let scale = if size == 1 {
            0.05 + 0.9 * r.unit()
        } else {
            1.0
        };
        for weight in &mut weights {
            *weight = if size == 1 { scale } else { *weight / total };
        }
        leaves.push(program.group(&weights));
        worlds *= size + 1;
    }
    let mut spare = Vec::new();
    for group in leaves {
        for leaf in group {
            if r.chance(0.25) && group_is_single(&program, leaf) {
                spare.push(leaf);
            } else if r.chance(0.15) && !program.trace.tuples.is_empty() {
                let head = TupleId::new(r.below(program.trace.tuples.len()));
                program.rule(head, Some(leaf), &[]);
            } else {
                program.fact(leaf);
            }
        }
    }
    if r.chance(0.5) {
        let tuple = program.tuple(0);
        program.rule(tuple, None, &[]);
    }
    for stratum in 1..=2 + r.below(2) {
        let lower = program.trace.tuples.len();
        if lower == 0 {
            break;
        }
        if shape.aggregates && r.chance(0.7) {
            random_aggregate(&mut program, r, lower, stratum);
        }
        let fresh: Vec<TupleId> = (0..2 + r.below(4))
            .map(|_| program.tuple(stratum))
            .collect();
        for _ in 0..fresh.len() + r.below(8) {
            let head = fresh[r.below(fresh.len())];
            let leaf = if r.chance(0.2) { spare.pop() } else { None };
            let mut body = Vec::new();
            let mut denied = Vec::new();
            for _ in 0..1 + r.below(3) {
                if r.chance(0.45) {
                    body.push(positive(fresh[r.below(fresh.len())]));
                } else if shape.negation && r.chance(0.3) {
                    denied.push(negative(TupleId::new(r.below(lower))));
                } else {
                    body.push(positive(TupleId::new(r.below(lower))));
                }
            }
            body.extend(denied);
            program.rule(head, leaf, &body);
        }
    }
    program.mark_certain();
    program
}

fn group_is_single(program: &Program, leaf: LeafId) -> bool {
    let group = &program.trace.groups[program.trace.leaves[leaf.index()].group.index()];
    group.end - group.start == 1
}

fn random_aggregate(program: &mut Program, r: &mut Random, lower: usize, stratum: usize) {
    let mut members: Vec<TupleId> = (0..1 + r.below(5))
        .map(|_| TupleId::new(r.below(lower)))
        .collect();
    members.sort_unstable();
    members.dedup();
    let group = r.chance(0.4).then(|| TupleId::new(r.below(lower)));
    let n = members.len();
    let kind = match r.below(6) {
        5 => {
            let values: Vec<i64> = (0..n).map(|_| r.below(6) as i64 - 2).collect();
            let least = values.iter().copied().filter(|v| *v < 0).sum::<i64>();
            let most = values.iter().copied().filter(|v| *v > 0).sum::<i64>();
            let results = (least..=most)
                .map(|_| r.chance(0.9).then(|| program.tuple(stratum)))
                .collect();
            AggregateKind::Sum {
                values,
                least,
                nonempty: r.chance(0.4),
                results,
            }
        }
        4 => {
            // Each level chooses among members of its own.
            let (mut levels, mut first, mut states) = (Vec::new(), 0, 1);
            while first < n {
                let end = n.min(first + 1 + r.below(2));
                let targets = 1 + r.below(3) as u32;
                let mut level: Vec<PathStep> = Vec::new();
                for from in 0..states {
                    for member in first as u32..end as u32 {
                        let to = r.below(targets as usize) as u32;
                        level.push(PathStep { from, member, to });
                    }
                }
                states = width(&level) as u32;
                levels.push(level);
                first = end;
            }
            let results = (0..states).map(|_| program.tuple(stratum)).collect();
            AggregateKind::Paths { levels, results }
        }
        0 => {
            let skip = usize::from(group.is_none());
            let results = (0..=n)
                .map(|i| (i >= skip).then(|| program.tuple(stratum)))
                .collect();
            AggregateKind::Count { results }
        }
        1 => {
            let values: Vec<i64> = (0..n).map(|_| r.below(4) as i64 - 1).collect();
            let mut states = vec![0i64];
            let mut levels = Vec::new();
            for value in values {
                let mut next: Vec<i64> = Vec::new();
                let mut level = Vec::new();
                let mut place = |sum: i64| {
                    next.iter()
                        .position(|&known| known == sum)
                        .unwrap_or_else(|| {
                            next.push(sum);
                            next.len() - 1
                        }) as u32
                };
                for &state in &states {
                    let absent = place(state);
                    level.push(FoldStep {
                        absent,
                        present: place(state + value),
                    });
                }
                levels.push(level);
                states = next;
            }
            let results = states
                .iter()
                .map(|_| r.chance(0.9).then(|| program.tuple(stratum)))
                .collect();
            AggregateKind::Fold { levels, results }
        }
        2 => {
            let mut ranks: Vec<u32> = (0..n).map(|_| r.below(3) as u32).collect();
            ranks.sort_unstable();
            let shared = program.tuple(stratum);
            let ranked = ranks.into_iter().map(|rank| {
                let result = if r.chance(0.4) {
                    shared
                } else {
                    program.tuple(stratum)
                };
                BestMember { rank, result }
            });
            AggregateKind::Best {
                members: ranked.collect(),
            }
        }
        _ => {
            let some = Some(program.tuple(stratum));
            let none = r.chance(0.7).then(|| program.tuple(stratum));
            AggregateKind::Exists { some, none }
        }
    };
    program.aggregate(group, members, kind);
}

pub fn assert_close(found: f64, wanted: f64, tolerance: f64, what: impl std::fmt::Display) {
    assert!(
        (found - wanted).abs() <= tolerance,
        "{what}: {found} instead of {wanted}"
    );
}
