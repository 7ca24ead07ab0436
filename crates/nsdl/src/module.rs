//! A program as a batched, differentiable function: traced once, compiled once, evaluated many times.

pub(crate) mod build;
mod call;
mod derivatives;
mod divide;
mod draw;
mod log;
pub(crate) mod parameters;
mod summary;

use std::path::Path;
use std::sync::Arc;

use nsdl_circuit::{Circuit, Layer};
use nsdl_ir::{Diagnostic, Fact, LeafId, Plan, Symbols, Trace, TupleId, Type, Value, Word};
use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::provenance::Provenance;
use crate::run::{approximations, inference};
use crate::session::{Session, read_text};
use crate::text::Texts;

pub use derivatives::Entry;
pub use draw::Drawing;

/// An input of a [`Module`]: column `i` of its rows is the probability of the fact `relation(mapping[i])`.
#[derive(Clone, Debug)]
pub struct Input {
    /// The relation whose facts these are.
    pub relation: String,
    /// One tuple per column.
    pub mapping: Vec<Vec<Value>>,
    /// Whether each row is one categorical variable over the mapping, or its columns are independent.
    pub exclusive: bool,
}

/// An output of a [`Module`].
#[derive(Clone, Debug)]
pub struct Output {
    /// A relation, an atom such as `path(0, _)`, or one with evidence: `path(0, 2) | edge(0, 1)`.
    pub relation: String,
    /// One tuple per column; `None` for the tuples that can be derived, ordered by value.
    pub mapping: Option<Vec<Vec<Value>>>,
}

/// A program with named inputs and outputs.
///
/// The program is evaluated once, over all inputs that can be; what it does becomes a circuit, and calls
/// evaluate that. `Send` and `Sync`: one module serves many threads, each with its own [`Tape`].
pub struct Module {
    plan: Arc<Plan>,
    symbols: Arc<Symbols>,
    texts: Texts,
    trace: Arc<Trace>,
    facts: Vec<Fact>,
    /// Rows of the tuples that are heads of tagged rules or outputs, for explanations.
    rows: FxHashMap<TupleId, Vec<Word>>,
    circuit: Circuit,
    inputs: Vec<Port>,
    outputs: Vec<Answers>,
    /// Weights of the leaves that no input gives.
    constants: Vec<f64>,
    /// For each leaf, the number of its parameter.
    learned: Vec<Option<u32>>,
    provenance: Provenance,
    warnings: Vec<Diagnostic>,
}

struct Port {
    input: Arc<Input>,
    leaves: Vec<Option<LeafId>>,
}

#[derive(Default)]
struct Answers {
    name: String,
    relation: String,
    types: Vec<Type>,
    tuples: Arc<[Vec<Value>]>,
    ids: Vec<Option<TupleId>>,
    /// For each column, which output of the circuit it is.
    circuit: Vec<Option<u32>>,
    /// For each column, what it is divided by; empty for an output without evidence.
    given: Vec<Given>,
}

/// The probability of the evidence for a column of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// 1: it holds in every world.
    Always,
    /// 0: it holds in none.
    Never,
    /// This output of the circuit.
    Output(u32),
}

/// The memory of calls of a [`Module`]: reused, so that repeated calls of one batch size allocate nothing.
#[derive(Debug, Default)]
pub struct Tape<T> {
    batch: usize,
    /// [leaf][sample]
    weights: Vec<T>,
    /// [output][sample]
    values: Vec<T>,
    weight_gradients: Vec<T>,
    value_gradients: Vec<T>,
    /// Which samples have impossible evidence.
    impossible: Vec<bool>,
    circuit: nsdl_circuit::Tape<T>,
    second: nsdl_circuit::SecondTape<T>,
    log: nsdl_circuit::LogTape,
}

impl<T: Default> Tape<T> {
    /// A tape that keeps the values of a batch in so many bytes (1 GiB otherwise), and their gradients in as many. A
    /// batch that needs more is split, and its parts are evaluated again for the gradient.
    pub fn within(bytes: usize) -> Self {
        Self {
            circuit: nsdl_circuit::Tape::within(bytes),
            ..Self::default()
        }
    }
}

impl<T> Tape<T> {
    /// Whether the last forward pass under top-k dropped a proof; if not, its answers are exact. See
    /// [`Module::approximations`].
    pub fn truncated(&self) -> bool {
        self.circuit.truncated()
    }

    /// In how many samples of the last forward pass the evidence of some output was impossible, so that it is NaN.
    pub fn impossible(&self) -> usize {
        self.impossible.iter().filter(|&&it| it).count()
    }

    /// How far from their fixpoint the values of cycles were when the last forward pass stopped.
    pub fn residual(&self) -> f64 {
        self.circuit.residual()
    }
}

impl Module {
    /// Compiles what a session holds into a function from the inputs to the outputs.
    ///
    /// The session may hold facts of its own, certain or not; its queries and provenance do not matter.
    ///
    /// # Errors
    /// What [`Session::add_facts`] says of the mappings of inputs; `E0201` and `E0202` and `E0301` for outputs
    /// that do not fit; `E0815` for a provenance without probabilities; `E06xx` for budgets.
    pub fn new(
        session: &Session,
        inputs: Vec<Input>,
        outputs: Vec<Output>,
        provenance: Provenance,
    ) -> Result<Self> {
        Self::build(session.clone(), inputs, outputs, provenance)
    }

    /// As [`Module::new`] for the text of a program, which need not declare the relations of the inputs; `name`
    /// is for messages.
    ///
    /// # Errors
    /// As [`Module::new`] and [`Session::add_program`].
    pub fn from_text(
        name: &str,
        text: &str,
        inputs: Vec<Input>,
        outputs: Vec<Output>,
        provenance: Provenance,
    ) -> Result<Self> {
        Self::with_session(Session::new(), name, text, inputs, outputs, provenance)
    }

    /// As [`Module::from_text`], beside what a session holds and within its limits, budget and cancel flag.
    ///
    /// # Errors
    /// As [`Module::from_text`].
    pub fn with_session(
        session: Session,
        name: &str,
        text: &str,
        inputs: Vec<Input>,
        outputs: Vec<Output>,
        provenance: Provenance,
    ) -> Result<Self> {
        Self::conditioned(session, name, text, inputs, outputs, &[], provenance)
    }

    /// As [`Module::with_session`], with all outputs given that each formula of `evidence` holds, or does not. The
    /// formulas may be about inputs, for which a session alone has no facts.
    ///
    /// # Errors
    /// As [`Module::with_session`] and [`Session::add_evidence`].
    pub fn conditioned(
        mut session: Session,
        name: &str,
        text: &str,
        inputs: Vec<Input>,
        outputs: Vec<Output>,
        evidence: &[(String, bool)],
        provenance: Provenance,
    ) -> Result<Self> {
        session.add_unchecked(name, text)?;
        for (formula, holds) in evidence {
            session.add_evidence_unchecked(formula, *holds)?;
        }
        Self::build(session, inputs, outputs, provenance)
    }

    /// As [`Module::from_text`] for a file.
    ///
    /// # Errors
    /// `E0701` if it cannot be read, else as [`Module::from_text`].
    pub fn from_file(
        path: impl AsRef<Path>,
        inputs: Vec<Input>,
        outputs: Vec<Output>,
        provenance: Provenance,
    ) -> Result<Self> {
        let path = path.as_ref();
        let text = read_text(path)?;
        Self::from_text(
            &path.display().to_string(),
            &text,
            inputs,
            outputs,
            provenance,
        )
    }

    /// The number of inputs.
    pub fn inputs(&self) -> usize {
        self.inputs.len()
    }

    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// The relation of an input.
    pub fn input_name(&self, input: usize) -> &str {
        self.inputs
            .get(input)
            .map_or("", |port| &port.input.relation)
    }

    /// The relation or canonical query text of an output.
    pub fn output_name(&self, output: usize) -> &str {
        self.outputs.get(output).map_or("", |answers| &answers.name)
    }

    /// The tuples of the columns of an input.
    pub fn mapping(&self, input: usize) -> &[Vec<Value>] {
        self.inputs
            .get(input)
            .map_or(&[], |port| &port.input.mapping)
    }

    /// Whether each row of an input is one categorical variable.
    pub fn is_exclusive(&self, input: usize) -> bool {
        self.inputs
            .get(input)
            .is_some_and(|port| port.input.exclusive)
    }

    /// The tuples of the columns of an output: its mapping, in the types of its columns, or else the tuples that
    /// can be derived, ordered by value.
    pub fn tuples(&self, output: usize) -> &[Vec<Value>] {
        self.outputs
            .get(output)
            .map_or(&[], |answers| &answers.tuples)
    }

    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        let report = self.circuit.report();
        let circuit = 4 * report.edges + 8 * report.nodes;
        let leaves = self.inputs.iter().map(|port| port.leaves.len());
        let answers = self.outputs.iter().map(|it| it.ids.len() * 16);
        let facts = self.facts.len() * size_of::<Fact>();
        let trace = self.trace.instances.len() * 40 + self.trace.tuples.len() * 12;
        let ports = 8 * leaves.sum::<usize>() + answers.sum::<usize>();
        size_of::<Self>() + circuit + 8 * self.constants.len() + ports + facts + trace
    }

    /// Without what only explanations need.
    pub(crate) fn without_reasons(mut self) -> Self {
        self.trace = Arc::default();
        self.facts = Vec::new();
        self.rows = FxHashMap::default();
        self
    }

    /// The leaves that the columns of an input weigh; `None` for a fact that no output depends on.
    pub fn input_leaves(&self, input: usize) -> &[Option<LeafId>] {
        self.inputs.get(input).map_or(&[], |port| &port.leaves)
    }

    /// For each column of an output, which output of the circuit it is; `None` if its tuple cannot be
    /// derived, so that it is 0 with gradient 0.
    pub fn circuit_outputs(&self, output: usize) -> &[Option<u32>] {
        self.outputs
            .get(output)
            .map_or(&[], |answers| &answers.circuit)
    }

    /// For each column of an output, the probability of the evidence it is given, which divides that of
    /// [`Module::circuit_outputs`]; empty for an output without evidence.
    pub fn given(&self, output: usize) -> &[Given] {
        self.outputs
            .get(output)
            .map_or(&[], |answers| &answers.given)
    }

    /// The weights of all leaves, as the program has them; inputs replace theirs on each call.
    pub fn constants(&self) -> &[f64] {
        &self.constants
    }

    /// The circuit.
    pub fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    /// The circuit in layers, for tensor back ends; `None` where its evaluation is not one fixed pass.
    pub fn layers(&self) -> Option<&[Layer]> {
        self.circuit.layers()
    }

    /// The provenance.
    pub fn provenance(&self) -> Provenance {
        self.provenance
    }

    /// What is dubious about the program, and derivations that were dropped.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// What the last forward pass on a tape was not exact in: proofs that were dropped (W0602), cycles that did not
    /// settle (W0603).
    pub fn approximations<T>(&self, tape: &Tape<T>) -> Vec<Diagnostic> {
        let inference = inference(self.provenance, 0).into_iter();
        let found =
            inference.map(|inference| approximations(inference, tape.truncated(), tape.residual()));
        found.flatten().collect()
    }

    /// Renders diagnostics of this module with their source lines, with ANSI colours if `color`.
    pub fn render(&self, diagnostics: &[Diagnostic], color: bool) -> String {
        self.texts.render(diagnostics, color)
    }
}

impl Port {
    fn width(&self) -> usize {
        self.leaves.len()
    }
}

impl Answers {
    fn width(&self) -> usize {
        self.circuit.len()
    }
}
