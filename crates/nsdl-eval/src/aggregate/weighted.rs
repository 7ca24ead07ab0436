//! Aggregates that read how probable their members are: what they choose, and the random variables they make.
//!
//! Members that hold in no world take no part. Probabilities are compared to nine significant digits, so that
//! neither rounding nor what an iteration on a cycle leaves decides an order; equally probable members come in
//! order of value.

use nsdl_functions::call;
use nsdl_ir::{Aggregate, AggregateOp, Diagnostic, Function, Type, Value, Word};

use super::{GroupRows, Input};
use crate::Marginals;
use crate::arithmetic::{Computed, Number};
use crate::choice::TOLERANCE;
use crate::failure::Failures;
use crate::limits::Stop;
use crate::trace::Recorder;

/// What such an aggregate gives for one group.
pub(super) enum Outcome {
    Nothing,
    /// A number that holds wherever the group does.
    Value(Word),
    /// Results, each of which holds where its member does.
    Members(Vec<(Vec<Word>, u32)>),
    /// New random variables; the results of each are its alternatives.
    Choices(Vec<Vec<(Vec<Word>, f64)>>),
}

impl Outcome {
    /// The results that can hold.
    pub(super) fn results(self) -> Vec<Vec<Word>> {
        match self {
            Outcome::Nothing => Vec::new(),
            Outcome::Value(word) => vec![vec![word]],
            Outcome::Members(chosen) => chosen.into_iter().map(|(words, _)| words).collect(),
            Outcome::Choices(choices) => {
                let all = choices.into_iter().flatten();
                all.map(|(words, _)| words).collect()
            }
        }
    }
}

/// How probable each member of an aggregate is, in order of rows.
pub(crate) fn weights(
    aggregate: &Aggregate,
    recorder: &Recorder,
    marginals: Option<&dyn Marginals>,
) -> Result<Vec<f64>, Stop> {
    let tuples = &recorder.tuples[aggregate.members.index()];
    // In one world all members hold, and tags are no probabilities.
    let is_certain =
        |row: usize| !recorder.is_one_world() && recorder.trace.certain[tuples[row].index()];
    let (mut uncertain, mut places) = (Vec::new(), Vec::new());
    for row in (0..tuples.len()).filter(|&row| !is_certain(row)) {
        uncertain.push(tuples[row]);
        places.push(row);
    }
    let mut weights = vec![1.0; tuples.len()];
    if uncertain.is_empty() {
        return Ok(weights);
    }
    let marginals = marginals.ok_or_else(|| unknown(aggregate))?;
    let found = marginals
        .marginals(&recorder.trace, &uncertain)
        .map_err(|error| match error.span() {
            Some(_) => error,
            None => error.label(aggregate.span, "reads how probable its members are"),
        })?;
    for (place, weight) in places.into_iter().zip(found) {
        weights[place] = weight.clamp(0.0, 1.0);
    }
    Ok(weights)
}

impl Input<'_> {
    pub(super) fn weigh(
        &self,
        group: &GroupRows<'_>,
        failures: &mut Failures,
    ) -> Result<Outcome, Stop> {
        let keys = self.aggregate.keys as usize;
        let possible = |row: &u32| self.weight(*row) > 0.0;
        let mut members: Vec<u32> = group.members.iter().copied().filter(possible).collect();
        members.sort_by(|&a, &b| {
            let by_value = self.compare(a, b);
            by_value.then_with(|| self.compare_from(keys, a, b))
        });
        let count = self.aggregate.count;
        let shown = |row: u32| self.members.row(row)[keys..].to_vec();
        let chosen = |rows: Vec<u32>| {
            let chosen = rows.into_iter().take(count);
            Outcome::Members(chosen.map(|row| (shown(row), row)).collect())
        };
        Ok(match self.aggregate.op {
            AggregateOp::Rank => {
                members.sort_by_key(|&row| match self.aggregate.ascending {
                    true => coarse(self.weight(row)),
                    false => u64::MAX - coarse(self.weight(row)),
                });
                let placed = (0..).zip(members);
                let placed = placed
                    .map(|(place, row): (Word, u32)| ([vec![place], shown(row)].concat(), row));
                Outcome::Members(placed.collect())
            }
            AggregateOp::Top | AggregateOp::Unique => {
                members.sort_by_key(|&row| u64::MAX - coarse(self.weight(row)));
                chosen(members)
            }
            AggregateOp::Uniform => chosen(self.drawn(members, |_| 1.0)),
            AggregateOp::Categorical => chosen(self.drawn(members, |row| self.weight(row))),
            AggregateOp::Normalize | AggregateOp::Softmax | AggregateOp::Disjunct => {
                let same_choice = |a: &u32, b: &u32| {
                    let argument = |row: u32| &self.members.row(row)[keys..self.values()];
                    argument(*a) == argument(*b)
                };
                members.sort_by(|&a, &b| self.compare_from(keys, a, b));
                let choices = members.chunk_by(same_choice).map(|members| {
                    let weights = self.shares(members)?;
                    let words = members.iter().map(|&row| shown(row));
                    Ok(words.zip(weights).collect())
                });
                Outcome::Choices(choices.collect::<Result<_, Diagnostic>>()?)
            }
            _ => match self.mean(&members) {
                Ok(value) => value.map_or(Outcome::Nothing, Outcome::Value),
                Err(kind) => {
                    failures.count(self.aggregate.span, kind);
                    Outcome::Nothing
                }
            },
        })
    }

    fn weight(&self, row: u32) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row as usize])
    }

    /// The weighted sum or mean of members in order of value.
    fn mean(&self, members: &[u32]) -> Computed<Option<Word>> {
        let mean = self.aggregate.op == AggregateOp::WeightedAvg;
        if members.is_empty() && (mean || !self.exist_empty()) {
            return Ok(None);
        }
        let (ty, symbols) = (self.value_type(), self.symbols);
        let (mut sum, mut weights) = (0.0, 0.0);
        for &row in members {
            let word = self.members.cell(row, self.values());
            let value = match ty {
                Type::F32 => f32::read(word, symbols).into(),
                _ => f64::read(word, symbols),
            };
            sum += self.weight(row) * value;
            weights += self.weight(row);
        }
        let value = if mean { sum / weights } else { sum };
        match ty {
            Type::F32 => (value as f32).write(symbols),
            _ => value.write(symbols),
        }
        .map(Some)
    }

    /// The weights of the alternatives of one random variable.
    fn shares(&self, members: &[u32]) -> Result<Vec<f64>, Diagnostic> {
        let weights = || members.iter().map(|&row| self.weight(row));
        let greatest = weights().fold(0.0, f64::max);
        let parts: Vec<f64> = match self.aggregate.op {
            // Less the greatest, which changes no proportion and cannot overflow.
            AggregateOp::Softmax => weights().map(|weight| (weight - greatest).exp()).collect(),
            _ => weights().collect(),
        };
        let sum: f64 = parts.iter().sum();
        if self.aggregate.op == AggregateOp::Disjunct && weights().any(|weight| weight < 1.0) {
            return match sum <= 1.0 + TOLERANCE {
                true => Ok(parts),
                false => Err(too_probable(self.aggregate, sum)),
            };
        }
        Ok(parts.into_iter().map(|part| part / sum).collect())
    }

    /// The members in the order of a race: each arrives after a time that is exponentially distributed with its
    /// rate. The first k are k draws without replacement in proportion to the rates (Efraimidis and Spirakis,
    /// *Weighted random sampling with a reservoir*, 2006).
    ///
    /// A time depends on the seed, the aggregate and the member alone, not on the order of members.
    fn drawn(&self, mut members: Vec<u32>, rate: impl Fn(u32) -> f64) -> Vec<u32> {
        // Times are positive: their bits are in their order.
        members.sort_by_cached_key(|&row| (-self.random(row).ln() / rate(row)).to_bits());
        members
    }

    /// A number between 0 and 1, both excluded.
    fn random(&self, row: u32) -> f64 {
        let start = [Value::U64(self.seed), Value::U64(self.id.index() as u64)];
        let columns = self.types.iter().zip(self.members.row(row));
        let values = columns.map(|(&ty, &word)| Value::from_word(word, ty, self.symbols));
        let values: Vec<Value> = start.into_iter().chain(values).collect();
        let hash = match call(Function::Hash, &values) {
            Ok(Value::U64(hash)) => hash,
            _ => 0,
        };
        ((mixed(hash) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }
}

/// Equal for weights that agree in nine digits, otherwise in their order: more is not known of a sum on a cycle.
fn coarse(weight: f64) -> u64 {
    (weight.to_bits() + (1 << 21)) >> 22
}

/// All bits depend on all bits: the finaliser of SplitMix64 (Steele, Lea and Flood, *Fast splittable
/// pseudorandom number generators*, 2014).
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// E0850.
fn unknown(aggregate: &Aggregate) -> Diagnostic {
    let name = aggregate.op.name();
    Diagnostic::error(
        "E0850",
        format!("`{name}` reads how probable its members are, and that is not known yet"),
    )
    .label(aggregate.span, "some of its members are uncertain")
    .note("the circuit of a module is made once, for all weights that its calls will bring")
    .help("run the program in a session, or aggregate over worlds: `count`, `sum`, `max`, `argmax`, `sort` …")
}

/// E0630.
fn too_probable(aggregate: &Aggregate, sum: f64) -> Diagnostic {
    Diagnostic::error(
        "E0630",
        format!("the members of a `disjunct` are to exclude each other, but their probabilities sum to {sum}"),
    )
    .label(aggregate.span, "must sum to at most 1 in every group")
    .help("`normalize` scales the probabilities of its members to a sum of 1")
}
