//! What aggregates compute.

use crate::AggregateSignature;

/// Reductions; see SEMANTICS.md 4 for empty groups and ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateOp {
    /// Number of members, `usize`; 0 for an existing empty group.
    Count,
    /// Sum of the values of the members; 0 for an existing empty group.
    Sum,
    /// Product of the values of the members; 1 for an existing empty group.
    Prod,
    /// Mean of the values of the members, towards zero for integers; no members, no result.
    Avg,
    /// Sum of the values, each times the probability of its member; 0 for an existing empty group.
    WeightedSum,
    /// The same divided by the sum of the probabilities; no members, no result.
    WeightedAvg,
    /// Least value; all ties of the arguments are kept.
    Min,
    /// Greatest value, likewise.
    Max,
    /// Arguments of the members with the least value.
    Argmin,
    /// Arguments of the members with the greatest value.
    Argmax,
    /// Whether there is a member.
    Exists,
    /// The texts of the members in order of arguments, then of text; empty for an existing empty group.
    StringJoin,
    /// Position from 0, arguments and values of each member.
    Sort,
    /// Position and arguments of each member.
    Argsort,
    /// Position and values of each member.
    Enumerate,
    /// Position by probability and values of each member.
    Rank,
    /// The most probable members.
    Top,
    /// The most probable member.
    Unique,
    /// Members drawn without replacement, all equally likely.
    Uniform,
    /// Members drawn without replacement, by their probabilities.
    Categorical,
    /// The members as alternatives of a new random variable, weights in proportion to their probabilities.
    Normalize,
    /// Likewise, in proportion to the exponentials of their probabilities.
    Softmax,
    /// Likewise, with their probabilities as they are; one variable for each value of the arguments.
    Disjunct,
    /// One value, as the host program says.
    Foreign(&'static AggregateSignature),
}

impl AggregateOp {
    /// Every built-in reduction, in order of declaration.
    pub const ALL: [AggregateOp; 23] = [
        AggregateOp::Count,
        AggregateOp::Sum,
        AggregateOp::Prod,
        AggregateOp::Avg,
        AggregateOp::WeightedSum,
        AggregateOp::WeightedAvg,
        AggregateOp::Min,
        AggregateOp::Max,
        AggregateOp::Argmin,
        AggregateOp::Argmax,
        AggregateOp::Exists,
        AggregateOp::StringJoin,
        AggregateOp::Sort,
        AggregateOp::Argsort,
        AggregateOp::Enumerate,
        AggregateOp::Rank,
        AggregateOp::Top,
        AggregateOp::Unique,
        AggregateOp::Uniform,
        AggregateOp::Categorical,
        AggregateOp::Normalize,
        AggregateOp::Softmax,
        AggregateOp::Disjunct,
    ];

    /// As written in programs.
    pub fn name(self) -> &'static str {
        match self {
            AggregateOp::Count => "count",
            AggregateOp::Sum => "sum",
            AggregateOp::Prod => "prod",
            AggregateOp::Avg => "avg",
            AggregateOp::WeightedSum => "weighted_sum",
            AggregateOp::WeightedAvg => "weighted_avg",
            AggregateOp::Min => "min",
            AggregateOp::Max => "max",
            AggregateOp::Argmin => "argmin",
            AggregateOp::Argmax => "argmax",
            AggregateOp::Exists => "exists",
            AggregateOp::StringJoin => "string_join",
            AggregateOp::Sort => "sort",
            AggregateOp::Argsort => "argsort",
            AggregateOp::Enumerate => "enumerate",
            AggregateOp::Rank => "rank",
            AggregateOp::Top => "top",
            AggregateOp::Unique => "unique",
            AggregateOp::Uniform => "uniform",
            AggregateOp::Categorical => "categorical",
            AggregateOp::Normalize => "normalize",
            AggregateOp::Softmax => "softmax",
            AggregateOp::Disjunct => "disjunct",
            AggregateOp::Foreign(signature) => &signature.name,
        }
    }

    /// Whether it reads how probable its members are instead of which of them hold in a world.
    pub fn reads_weights(self) -> bool {
        use AggregateOp::*;
        matches!(
            self,
            WeightedSum
                | WeightedAvg
                | Rank
                | Top
                | Unique
                | Uniform
                | Categorical
                | Normalize
                | Softmax
                | Disjunct
        )
    }

    /// Whether its results are alternatives of new random variables.
    pub fn makes_choices(self) -> bool {
        use AggregateOp::*;
        matches!(self, Normalize | Softmax | Disjunct)
    }
}
