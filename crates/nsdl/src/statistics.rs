//! What a run took.

use std::fmt;
use std::time::Duration;

use nsdl_circuit::Tape;
use nsdl_eval::{Effort, Evaluation};
use nsdl_ir::Plan;

use crate::error::Result;
use crate::session::{Session, not_run};

/// What a run took; prints as a table.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// How uncertainty was treated.
    pub mode: Mode,
    /// In order of evaluation.
    pub strata: Vec<Stratum>,
    /// What the circuit is like, if one was made.
    pub circuit: Option<String>,
    /// How many rounds the longest fixpoint of a circuit on a cycle took; 0 if it has none.
    pub iterations: usize,
    /// By how much values still changed in the last of them: 0 if they settled.
    pub residual: f64,
}

/// How an evaluation treats uncertainty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Rows only.
    #[default]
    Plain,
    /// A tag beside each row.
    Carried,
    /// Every derivation is recorded.
    Traced {
        /// Possible tuples.
        tuples: usize,
        /// Derivations.
        instances: usize,
    },
}

/// What one stratum took.
#[derive(Clone, Debug, Default)]
pub struct Stratum {
    /// The relations computed together, with those of the compiler.
    pub relations: Vec<String>,
    /// How many rounds followed the first.
    pub rounds: usize,
    /// Their rows in the end.
    pub rows: usize,
    /// How many rule instances were met.
    pub instances: usize,
    /// How long it took.
    pub time: Duration,
}

impl Statistics {
    pub(crate) fn new(plan: &Plan, evaluation: &Evaluation) -> Self {
        let mode = match (&evaluation.tags, &evaluation.trace) {
            (Some(_), _) => Mode::Carried,
            (None, Some(trace)) => Mode::Traced {
                tuples: trace.tuples.len(),
                instances: trace.instances.len(),
            },
            (None, None) => Mode::Plain,
        };
        let stratum = |effort: &Effort| Stratum {
            relations: effort
                .relations
                .iter()
                .filter_map(|id| Some(plan.relations.get(id.index())?.name.clone()))
                .collect(),
            rounds: effort.rounds,
            rows: effort.rows,
            instances: effort.instances,
            time: effort.time,
        };
        Self {
            mode,
            strata: evaluation.efforts.iter().map(stratum).collect(),
            ..Self::default()
        }
    }

    /// Adds what the circuit says of itself.
    pub(crate) fn add_circuit(&mut self, report: &nsdl_circuit::Report, tape: &Tape<f64>) {
        self.circuit = Some(report.to_string());
        self.iterations = tape.rounds();
        self.residual = tape.residual();
    }
}

impl Session {
    /// What the last run took.
    ///
    /// # Errors
    /// If there was none.
    pub fn statistics(&self) -> Result<&Statistics> {
        let last = self.last.as_ref().map(|run| &run.statistics);
        last.ok_or_else(|| self.error(vec![not_run()]))
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mode {
            Mode::Plain => writeln!(f, "evaluation: rows only")?,
            Mode::Carried => writeln!(f, "evaluation: with the tag of each row")?,
            Mode::Traced { tuples, instances } => writeln!(
                f,
                "evaluation: with a trace of {tuples} tuples, {instances} instances"
            )?,
        }
        writeln!(
            f,
            "{:>10} {:>12} {:>12} {:>12}  stratum",
            "rounds", "rows", "instances", "time"
        )?;
        for stratum in &self.strata {
            writeln!(
                f,
                "{:>10} {:>12} {:>12} {:>9.2} ms  {}",
                stratum.rounds,
                stratum.rows,
                stratum.instances,
                stratum.time.as_secs_f64() * 1e3,
                stratum.relations.join(", ")
            )?;
        }
        if let Some(circuit) = &self.circuit {
            writeln!(f, "circuit: {circuit}")?;
        }
        if self.iterations > 0 {
            let (rounds, residual) = (self.iterations, self.residual);
            writeln!(
                f,
                "fixpoint on cycles: {rounds} rounds, residual {residual}"
            )?;
        }
        Ok(())
    }
}
