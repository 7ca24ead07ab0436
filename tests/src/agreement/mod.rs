//! What the engine computes against the oracle: a program is drawn and its worlds enumerated once, and every
//! check looks at that.

mod algebras;
mod conditioning;
mod features;
mod gradients;
mod provenances;
mod ragged;
mod symbolic;

use std::collections::BTreeMap;

use nsdl::{Budget, Limits, Outcome, Provenance, Relation, Session, Value};

pub use features::{has, is_recursive};

use crate::oracle::compound::{encoded, made};
use crate::oracle::enumerate::{Distribution, Probability};
use crate::oracle::solve::Model;
use crate::oracle::{Program, Tuple, Type, number, text};

/// What is wrong: which check, and how it came out.
pub type Fault = (&'static str, String);

/// Nothing, or what is wrong.
pub type Verdict = Result<(), Fault>;

/// A check.
pub struct Check {
    /// What it checks.
    pub name: &'static str,
    /// It is worth its time for one program of so many.
    pub every: u64,
    /// What must hold.
    pub holds: fn(&Case<'_>) -> Verdict,
}

/// All checks.
pub const CHECKS: [Check; 12] = [
    check("exact", 1, provenances::exact),
    check("bounds of auto", 1, provenances::auto),
    check("topkproofs", 1, provenances::top_k_proofs),
    check("unit and bool", 1, provenances::plain),
    check("algebras", 1, algebras::with_complement),
    check("counts and costs", 1, algebras::without_complement),
    check("proofs and witnesses", 3, symbolic::proofs),
    check("samples", 5, symbolic::samples),
    check("conditioning", 1, conditioning::conditioning),
    check("gradients of exact", 1, gradients::exact),
    check("gradients of topkproofs", 5, gradients::top_k_proofs),
    check("ragged batches", 10, ragged::ragged),
];

const fn check(name: &'static str, every: u64, holds: fn(&Case<'_>) -> Verdict) -> Check {
    Check { name, every, holds }
}

/// Codes of limits that a right program may meet: what is finite in every world need not be finite where worlds
/// are mixed, as they are in a trace; and squares of counts outgrow 128 bits (E0541).
pub const LIMITED: [&str; 6] = ["E0541", "E0610", "E0611", "E0612", "E0614", "E0620"];

/// The code of a limit of the oracle.
pub const ORACLE: &str = "oracle";

/// A program, what it means, and a session that holds it.
pub struct Case<'a> {
    /// The program.
    pub program: &'a Program,
    /// Its worlds and what follows from them.
    pub means: &'a Distribution,
    session: Session,
}

impl<'a> Case<'a> {
    /// Parses and compiles the program.
    ///
    /// # Errors
    /// If it is not accepted.
    pub fn new(program: &'a Program, means: &'a Distribution) -> Result<Self, Fault> {
        Self::under(program, means, None)
    }

    /// The same for tags that are numbers of this provenance.
    fn under(
        program: &'a Program,
        means: &'a Distribution,
        provenance: Option<Provenance>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            program,
            means,
            session: session(&program.to_string(), provenance)?,
        })
    }

    /// The relations under a provenance, in the oracle's values, and what else was said.
    fn run(&self, provenance: Provenance) -> Result<(Model, Outcome), Fault> {
        self.run_within(Budget::default(), provenance)
    }

    fn run_within(
        &self,
        budget: Budget,
        provenance: Provenance,
    ) -> Result<(Model, Outcome), Fault> {
        let mut session = self.session.clone();
        session.set_provenance(Some(provenance));
        session.set_budget(budget);
        let outcome = session.run().map_err(fault)?;
        let tags = self.model(&outcome, |relation, at| relation.tuples[at].0.probability());
        Ok((tags, outcome))
    }

    /// The lower ends of bounds, or the upper ones; the tags where there are none.
    fn bounds(&self, outcome: &Outcome, end: usize) -> Model {
        self.model(outcome, |relation, at| match relation.bounds.get(at) {
            Some(bounds) => bounds[end],
            None => relation.tuples[at].0.probability(),
        })
    }

    /// A number for each tuple of an outcome.
    fn model(&self, outcome: &Outcome, number: impl Fn(&Relation, usize) -> f64) -> Model {
        let relations = self.program.relations.iter().map(|relation| {
            let mut found = outcome.relations.iter();
            // Relations may be shrunk away.
            let Some(found) = found.find(|found| found.name == relation.name) else {
                return BTreeMap::new();
            };
            let rows = found.tuples.iter().enumerate();
            rows.map(|(at, (_, values))| (tuple(values), number(found, at)))
                .collect()
        });
        relations.collect()
    }

    /// The probability of every tuple.
    fn probabilities(&self) -> Model {
        let values = |rows: &BTreeMap<Tuple, Probability>| {
            rows.iter()
                .map(|(row, probability)| (row.clone(), probability.value))
                .collect()
        };
        self.means.relations.iter().map(values).collect()
    }

    /// Compares two sets of tagged tuples, where a tuple that is absent has tag 0.
    fn compare(&self, expected: &Model, got: &Model, tolerance: f64) -> Result<(), String> {
        self.all(expected, got, |expected, got| {
            !far(expected, got, tolerance)
        })
    }

    /// Says which tuple is not as `right` wants it, of those expected and got.
    fn all(
        &self,
        expected: &Model,
        got: &Model,
        right: impl Fn(f64, f64) -> bool,
    ) -> Result<(), String> {
        for (relation, (expected, got)) in expected.iter().zip(got).enumerate() {
            for row in expected.keys().chain(got.keys()) {
                let tag = |rows: &BTreeMap<Tuple, f64>| rows.get(row).copied().unwrap_or(0.0);
                let (expected, got) = (tag(expected), tag(got));
                if !right(expected, got) {
                    let name = &self.program.relations[relation].name;
                    return Err(format!(
                        "{name}{} is {expected}, got {got}",
                        self.program.tuple(relation, row)
                    ));
                }
            }
        }
        Ok(())
    }
}

fn fault(error: nsdl::Error) -> Fault {
    (error.code(), error.to_string())
}

/// Whether an evaluation warned of this.
fn warned(outcome: &Outcome, code: &str) -> bool {
    outcome.warnings.iter().any(|warning| warning.code == code)
}

fn session(text: &str, provenance: Option<Provenance>) -> Result<Session, Fault> {
    let mut session = Session::new();
    session.set_provenance(provenance);
    session.set_limits(Limits {
        rounds: 2_000,
        tuples: 100_000,
        instances: 200_000,
    });
    session.add_program("random.dl", text).map_err(fault)?;
    Ok(session)
}

fn tuple(values: &[Value]) -> Tuple {
    let value = |value: &Value| match value {
        Value::Bool(value) => i64::from(*value),
        Value::String(text) => number(text).unwrap_or(-1),
        Value::Tuple(_) | Value::Term(_) => encoded(value).unwrap_or(i64::MIN),
        other => other
            .as_i128()
            .and_then(|value| i64::try_from(value).ok())
            .unwrap_or(i64::MIN),
    };
    values.iter().map(value).collect()
}

fn values(tuple: &[i64], columns: &[Type]) -> Vec<Value> {
    let value = |(&value, ty): (&i64, &Type)| match ty {
        Type::I32 => Value::I32(i32::try_from(value).unwrap_or_default()),
        Type::Usize => Value::Usize(value.unsigned_abs()),
        Type::Bool => Value::Bool(value != 0),
        Type::Text => Value::String(text(value).into()),
        Type::Pair | Type::Shape => made(value, *ty),
    };
    tuple.iter().zip(columns).map(value).collect()
}

/// Whether two numbers differ by more than `tolerance`; NaN is far from everything.
fn far(a: f64, b: f64, tolerance: f64) -> bool {
    let difference = (a - b).abs();
    a != b && (difference > tolerance || difference.is_nan())
}
