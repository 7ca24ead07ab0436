//! The trace: which ground rule instance derived which tuple from which tuples.

use crate::{AggregateId, GroupId, LeafId, RelationId, RuleId, TupleId};

/// The derivations of an evaluation, over all worlds: a tuple is here if it can hold in some world.
///
/// Tuples may support each other in cycles. Negative literals and aggregate members always refer to tuples
/// of earlier strata.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Relation and row of each tuple.
    pub tuples: Vec<(RelationId, u32)>,
    /// Whether the tuple holds in every world whatever the weights.
    pub certain: Vec<bool>,
    /// All instances, each exactly once; those of one head in order of derivation.
    pub instances: Vec<Instance>,
    /// Body literals of all instances, one after the other.
    pub literals: Vec<Literal>,
    /// Aggregate groups.
    pub aggregates: Vec<AggregateInstance>,
    /// Alternatives of random variables.
    pub leaves: Vec<Leaf>,
    /// Random variables.
    pub groups: Vec<Group>,
}

/// A ground rule instance, a fact, or a member that an aggregate chose: `head ← leaf ∧ body`.
#[derive(Clone, Copy, Debug)]
pub struct Instance {
    /// The derived tuple.
    pub head: TupleId,
    /// The rule; `None` for a fact or an aggregate.
    pub rule: Option<RuleId>,
    /// The alternative it needs; `None` if it depends on its body alone.
    pub leaf: Option<LeafId>,
    /// Its body is `Trace::literals[start..end]`: positive literals in written order, those over relations with
    /// [`Relation::certain`](crate::Relation::certain) left out, then uncertain results of predicates, then
    /// negative ones.
    pub start: u32,
    /// See `start`.
    pub end: u32,
}

/// A tuple of a body, or its absence. Absent tuples that can hold in no world have no literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Literal {
    /// Which tuple.
    pub tuple: TupleId,
    /// Whether it must be absent.
    pub negated: bool,
}

/// One alternative of a random variable.
#[derive(Clone, Copy, Debug)]
pub struct Leaf {
    /// Its variable.
    pub group: GroupId,
    /// Probability, unless the caller gives another one.
    pub weight: f64,
    /// Where it comes from.
    pub source: LeafSource,
}

/// Where a leaf comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeafSource {
    /// The fact of this number, in the order the evaluation was given them.
    Fact(u32),
    /// An alternative of a tagged rule.
    Rule(RuleId),
    /// A result of an aggregate that makes random variables.
    Aggregate(AggregateId),
    /// A result of a predicate, in the auxiliary relation of its results.
    Foreign(RelationId),
}

/// A random variable: one of its leaves holds, or none, whose weight is what is missing to 1.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Its leaves are `Trace::leaves[start..end]`.
    pub start: u32,
    /// See `start`.
    pub end: u32,
}

/// One group of an aggregate: the members that can hold, and the results they can give.
#[derive(Clone, Debug)]
pub struct AggregateInstance {
    /// Which aggregate.
    pub aggregate: AggregateId,
    /// The tuple that makes the group exist, for an explicit `where`; every result also needs it.
    pub group: Option<TupleId>,
    /// The members, all different, in the order the kind needs.
    pub members: Vec<TupleId>,
    /// How members make results.
    pub kind: AggregateKind,
}

/// How the members that hold determine the results that hold.
#[derive(Clone, Debug)]
pub enum AggregateKind {
    /// Result `n` holds if exactly `n` members do: `results[n]`, `None` where that is no result.
    Count {
        /// One entry per number of members, from 0.
        results: Vec<Option<TupleId>>,
    },
    /// The sum of the values of the members that hold: `results[sum − least]` holds, `None` where that is no
    /// result.
    Sum {
        /// One per member.
        values: Vec<i64>,
        /// The least sum that values may have: that of the negative ones.
        least: i64,
        /// Whether there is no result where no member holds.
        nonempty: bool,
        /// One entry per sum, from `least` to the sum of the positive values.
        results: Vec<Option<TupleId>>,
    },
    /// A chain over the members: from state 0, each member leads to a next state by whether it holds;
    /// `results[last state]` holds. Products are such chains, with one state per partial product.
    Fold {
        /// One level per member: one step per state of that level.
        levels: Vec<Vec<FoldStep>>,
        /// One entry per final state; `None` where the aggregate fails (overflow) or has no result.
        results: Vec<Option<TupleId>>,
    },
    /// `results[i]` of member `i` holds if the member does and no member of lower rank does.
    /// Members may share results.
    Best {
        /// One entry per member, ranks ascending.
        members: Vec<BestMember>,
    },
    /// `results[state]` holds if some path from state 0 leads there whose members all hold: one step a level.
    Paths {
        /// From the first to the last.
        levels: Vec<Vec<PathStep>>,
        /// One entry per final state.
        results: Vec<TupleId>,
    },
    /// Whether any member holds.
    Exists {
        /// Holds if one does.
        some: Option<TupleId>,
        /// Holds if none does.
        none: Option<TupleId>,
    },
}

/// Where a state of a [`AggregateKind::Fold`] goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldStep {
    /// Next state if the member does not hold.
    pub absent: u32,
    /// Next state if it holds.
    pub present: u32,
}

/// A step of an [`AggregateKind::Paths`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathStep {
    /// The state it leaves.
    pub from: u32,
    /// The member that must hold, as a position in the members of the group.
    pub member: u32,
    /// The state it reaches.
    pub to: u32,
}

/// A member of an [`AggregateKind::Best`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BestMember {
    /// 0 is best; equal values have equal ranks.
    pub rank: u32,
    /// The result it gives.
    pub result: TupleId,
}

impl Trace {
    /// Adds a tuple that holds where all `parts` do, and gives it the place of another one, for messages.
    ///
    /// The parts are tuples of the trace, none of which may depend on the new one.
    pub fn conjunction(&mut self, place: (RelationId, u32), parts: &[Literal]) -> TupleId {
        let tuple = TupleId::new(self.tuples.len());
        let holds = |part: &Literal| {
            !part.negated
                && self
                    .certain
                    .get(part.tuple.index())
                    .copied()
                    .unwrap_or(false)
        };
        let certain = parts.iter().all(holds);
        self.tuples.push(place);
        self.certain.push(certain);
        let start = self.literals.len() as u32;
        self.literals.extend_from_slice(parts);
        self.instances.push(Instance {
            head: tuple,
            rule: None,
            leaf: None,
            start,
            end: self.literals.len() as u32,
        });
        tuple
    }

    /// The body literals of an instance.
    pub fn body(&self, instance: &Instance) -> &[Literal] {
        self.literals
            .get(instance.start as usize..instance.end as usize)
            .unwrap_or_default()
    }
}
