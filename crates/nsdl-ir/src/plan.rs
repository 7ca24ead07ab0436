//! The evaluation plan: what a program became.

use crate::{
    AggregateId, AggregateOp, ChoiceId, Constructor, Expr, Learning, Predicate, RelationId, RuleId,
    Slot, Span, Type, Word,
};

/// A program, resolved, typed, stratified and with its joins ordered.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// All relations, users' and auxiliary, users' in order of first appearance.
    pub relations: Vec<Relation>,
    /// All rules; each belongs to the stratum of its head.
    pub rules: Vec<Rule>,
    /// All aggregates; each belongs to the stratum of its output.
    pub aggregates: Vec<Aggregate>,
    /// The random choices of tagged rules.
    pub choices: Vec<Choice>,
    /// Evaluation order: a stratum reads only itself and earlier ones, and negates and aggregates only earlier ones.
    pub strata: Vec<Stratum>,
    /// The facts written in the program, in order.
    pub facts: Vec<Fact>,
    /// What to print, in order; empty if the program has no `query`.
    pub queries: Vec<Query>,
    /// What everything is given that is asked for; no columns each.
    pub evidence: Vec<Evidence>,
    /// The relations of terms that patterns of terms read.
    pub extents: Vec<Extent>,
    /// The probabilities to learn.
    pub learning: Learning,
}

/// The relation of all terms of a constructor, [`certain`](Relation::certain): the evaluator puts those in it that occur
/// in facts and in new rows of `makers`, at any depth.
#[derive(Clone, Debug)]
pub struct Extent {
    /// How its terms are made.
    pub constructor: &'static Constructor,
    /// Its columns are the term and its fields. Its stratum is that of the makers' heads, or a later one.
    pub relation: RelationId,
    /// The rules whose heads may hold such terms that no other row holds.
    pub makers: Vec<RuleId>,
}

/// A relation.
#[derive(Clone, Debug)]
pub struct Relation {
    /// As users write it; an auxiliary relation has the text it stands for, such as `path(0, _)`.
    pub name: String,
    /// Column types.
    pub columns: Vec<Type>,
    /// Made by the compiler (projections under `not`, members of aggregates, atom queries): never printed unless queried.
    pub auxiliary: bool,
    /// `@hidden`: not printed unless queried.
    pub hidden: bool,
    /// A row holds in every world once anything derives it in some world: what is asked for (demand), which
    /// terms there are. Tags of its facts and rules do not count, and in a trace its rows are certain tuples
    /// without reasons that no body mentions: the relation narrows what is computed and changes no formula,
    /// proof or random variable. Only facts and rules fill it, no aggregate does.
    pub certain: bool,
    /// Rows that another row beats may be left out: they agree in all columns but this, where that is better.
    pub keep: Option<Keep>,
    /// Facts that are given for it go to this relation instead: it is an aggregate of that one.
    pub facts: Option<RelationId>,
    /// Where it was declared or first used.
    pub span: Span,
}

/// The column whose best value stays, of all rows that agree in the other columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Which column.
    pub column: u32,
    /// The greatest value is best, not the least.
    pub greatest: bool,
}

/// A set of relations computed together.
#[derive(Clone, Debug, Default)]
pub struct Stratum {
    /// Relations that become final here.
    pub relations: Vec<RelationId>,
    /// Rules whose head is one of them.
    pub rules: Vec<RuleId>,
    /// Aggregates whose output is one of them; they read earlier strata only, so they run once, first.
    pub aggregates: Vec<AggregateId>,
    /// Whether some rule reads a relation of this stratum.
    pub recursive: bool,
}

/// A Horn rule with ordered body. Each assignment of its slots that satisfies the body is one ground instance.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The whole rule in the source, for messages.
    pub span: Span,
    /// Relation of the head.
    pub head: RelationId,
    /// One expression per column of the head.
    pub args: Vec<Expr>,
    /// Types of the slots.
    pub slots: Vec<Type>,
    /// How many positive atoms the body has; `Step::Scan::atom` numbers them from 0 in written order.
    pub atoms: u32,
    /// The body, in the order for a first evaluation over complete relations.
    pub steps: Vec<Step>,
    /// For each atom over a relation of the same stratum: the order to use when that atom ranges over new rows only.
    pub deltas: Vec<DeltaOrder>,
    /// The random variable on which each instance also depends.
    pub tag: Option<RuleTag>,
    /// If it is one of several rules that are the same but for what they are asked for.
    pub copy: Option<Copied>,
}

/// A rule that exists several times, each behind another demand: a trace holds an instance that several of
/// them find once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The first of them.
    pub of: RuleId,
    /// So many slots, the first ones, they have in common.
    pub slots: u32,
}

/// A join order that begins with the new rows of one atom.
///
/// In it, `atom` ranges over the rows of the last round, atoms of the same stratum written before it over
/// older rows, and those written after it over all rows, so that each instance comes exactly once.
#[derive(Clone, Debug)]
pub struct DeltaOrder {
    /// Which atom.
    pub atom: u32,
    /// The same steps as `Rule::steps`, reordered.
    pub steps: Vec<Step>,
}

/// One step of a join. Steps run in order; each has its inputs bound by the ones before.
#[derive(Clone, Debug)]
pub enum Step {
    /// For each matching row of a relation, bind its new columns.
    Scan {
        /// Number of the atom in written order.
        atom: u32,
        /// Which relation.
        relation: RelationId,
        /// One entry per column.
        columns: Vec<Column>,
    },
    /// Continue only if the row is absent (or, in a trace, possibly absent). The relation is of an earlier stratum.
    Absent {
        /// Which relation.
        relation: RelationId,
        /// One bound operand per column.
        args: Vec<Operand>,
    },
    /// Continue only if a `bool` expression holds.
    Filter(Expr),
    /// Bind a slot to the value of an expression.
    Let {
        /// The slot, unbound so far.
        slot: Slot,
        /// Its value.
        value: Expr,
    },
    /// Bind a slot of an integer type to each value of a range.
    Range {
        /// The slot, unbound so far; the limits are of its type.
        slot: Slot,
        /// The least value.
        low: Expr,
        /// The end.
        high: Expr,
        /// Whether the end belongs to the range.
        inclusive: bool,
    },
    /// Bind a slot to each different element of a list, in order of first appearance.
    Element {
        /// The slot, unbound so far.
        slot: Slot,
        /// A list of its type.
        list: Expr,
    },
    /// For each result of a predicate for its inputs, bind its new columns; or, negated, continue only if there
    /// is none (in a trace, none that is certain).
    Foreign {
        /// Which predicate.
        predicate: &'static Predicate,
        /// The auxiliary relation that holds its results: one per predicate and types of columns.
        relation: RelationId,
        /// Which of its modes; the columns that it needs are bound.
        mode: usize,
        /// One entry per column.
        columns: Vec<Column>,
        /// Whether there must be no result. All columns are then bound or [`Column::Any`].
        negated: bool,
    },
}

/// What a scan does with a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Bind the slot to the value.
    Bind(Slot),
    /// The value must equal the slot, bound by an earlier step or by an earlier column of this one.
    Check(Slot),
    /// The value must equal a constant.
    Const(Word),
    /// Any value; rows that differ only here still are different instances.
    Any,
}

/// A bound argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The value of a bound slot.
    Slot(Slot),
    /// A constant.
    Const(Word),
}

/// The random variable of a tagged rule's instances.
#[derive(Clone, Copy, Debug)]
pub struct RuleTag {
    /// Which choice; the rules of a conjunctive or disjunctive head share one.
    pub choice: ChoiceId,
    /// Which of its alternatives lets this rule derive its head.
    pub alternative: u32,
}

/// A categorical variable, made once per binding of a tagged rule; with one alternative it is Boolean.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Type `f64` each, over the slots of the rule; what is missing to 1 goes to "none of them".
    pub weights: Vec<Expr>,
    /// Whether no alternative has a tag, so that each weighs 1 / n.
    pub shares: bool,
    /// The slots whose values tell one variable from another; the same in every rule that shares the choice.
    pub binding: Vec<Slot>,
    /// The tags in the source.
    pub span: Span,
}

/// An aggregate: groups the rows of one relation by its first columns and reduces each group.
///
/// Input columns are `[keys…, arguments…, values…]`, output columns `[keys…, results…]`. Results are the
/// number of members for `Count`, one value for `Sum`, `Prod`, `Avg`, `WeightedSum`, `WeightedAvg` and
/// `StringJoin`, a position before what is sorted or ranked, a `bool` for `Exists`, the arguments for `Argmin`
/// and `Argmax`, and the values, after the arguments if any, for the rest.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// In the source.
    pub span: Span,
    /// What to compute.
    pub op: AggregateOp,
    /// The members: each row is one.
    pub members: RelationId,
    /// The groups (columns `[keys…]`) of an explicit `where`. Without it the groups are those that have a
    /// member, except that with no keys there is one group, which always exists.
    pub groups: Option<RelationId>,
    /// The relation it fills; nothing else does.
    pub output: RelationId,
    /// Number of key columns.
    pub keys: u32,
    /// Number of argument columns.
    pub arguments: u32,
    /// Written with `!`: every member that holds in some world is taken to hold, and the result is certain.
    pub single_world: bool,
    /// What stands between the members of a `StringJoin`.
    pub separator: String,
    /// `StringJoin`: a text for every argument that can have one, in every combination.
    pub all: bool,
    /// `Sort`, `Argsort` and `Enumerate` begin with the least value, not the greatest, and equal values come in
    /// order of arguments; `Rank` begins with the least probable member.
    pub ascending: bool,
    /// How many members `Top`, `Uniform` and `Categorical` choose at most.
    pub count: usize,
}

/// A fact, of the program or from outside.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Relation.
    pub relation: RelationId,
    /// One word per column.
    pub row: Box<[Word]>,
    /// How certain it is.
    pub tag: Tag,
    /// In the source; `None` for facts from outside.
    pub span: Option<Span>,
}

/// How certain a fact is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tag {
    /// It holds in every world.
    Certain,
    /// A Boolean variable of its own with this probability.
    Independent(f64),
    /// One alternative of a categorical variable: facts of one evaluation with the same `group` exclude each other.
    Exclusive {
        /// Number of the group, dense from 0 over all facts of one evaluation.
        group: u32,
        /// Probability of this alternative.
        weight: f64,
    },
    /// The same for an alternative without a tag: its weight is its share.
    Share {
        /// As above.
        group: u32,
        /// 1 / n of n alternatives.
        weight: f64,
    },
}

impl Tag {
    /// The group of an alternative.
    pub fn group(self) -> Option<u32> {
        match self {
            Tag::Exclusive { group, .. } | Tag::Share { group, .. } => Some(group),
            Tag::Certain | Tag::Independent(_) => None,
        }
    }

    /// The number that was given as a tag.
    pub fn given(self) -> Option<f64> {
        match self {
            Tag::Independent(weight) | Tag::Exclusive { weight, .. } => Some(weight),
            Tag::Certain | Tag::Share { .. } => None,
        }
    }

    /// The probability.
    pub fn weight(self) -> f64 {
        match self {
            Tag::Certain => 1.0,
            Tag::Independent(weight)
            | Tag::Exclusive { weight, .. }
            | Tag::Share { weight, .. } => weight,
        }
    }
}

/// A relation to print.
#[derive(Clone, Debug)]
pub struct Query {
    /// The name to print: the relation's, or the canonical text of the query.
    pub name: String,
    /// The relation that holds the answers.
    pub relation: RelationId,
    /// What the answers are given: a tuple's probability is that of tuple and evidence by that of the evidence.
    pub given: Option<Evidence>,
}

/// Something that is known to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Holds where it does: without columns, one evidence for all answers; with the columns of the answers, each
    /// has its own, the row that equals it.
    pub relation: RelationId,
    /// In the source.
    pub span: Span,
}
