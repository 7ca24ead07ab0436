//! A program as a batched, differentiable function: traced once, compiled once, evaluated many times.

use std::path::Path;
use std::sync::Arc;

use nsdl_circuit::{Circuit, Layer, Real};
use nsdl_eval::{Evaluation, Table};
use nsdl_ir::{
    Diagnostic, Fact, LeafId, LeafSource, Plan, Symbols, Trace, TupleId, Type, Value, Word,
};
use rustc_hash::FxHashMap;

use crate::check::check_input;
use crate::error::{Error, Result};
use crate::facts::{Batch, Tags};
use crate::provenance::Provenance;
use crate::relation::order;
use crate::run::{evaluate, inference};
use crate::session::{Session, read_text};
use crate::text::Texts;
use crate::why::{Explanation, Story, row};

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
    /// A relation, or an atom such as `path(0, _)`.
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
    trace: Trace,
    facts: Vec<Fact>,
    /// Rows of the tuples that are heads of tagged rules or outputs, for explanations.
    rows: FxHashMap<TupleId, Vec<Word>>,
    circuit: Circuit,
    inputs: Vec<Port>,
    outputs: Vec<Answers>,
    /// Weights of the leaves that no input gives.
    constants: Vec<f64>,
    provenance: Provenance,
    warnings: Vec<Diagnostic>,
}

struct Port {
    relation: String,
    mapping: Vec<Vec<Value>>,
    exclusive: bool,
    leaves: Vec<Option<LeafId>>,
}

struct Answers {
    name: String,
    relation: String,
    types: Vec<Type>,
    tuples: Vec<Vec<Value>>,
    ids: Vec<Option<TupleId>>,
    /// For each column, which output of the circuit it is.
    circuit: Vec<Option<u32>>,
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
    circuit: nsdl_circuit::Tape<T>,
}

impl<T> Tape<T> {
    /// Whether the last forward pass under top-k dropped a proof; if not, its answers are exact.
    pub fn truncated(&self) -> bool {
        self.circuit.truncated()
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
        mut session: Session,
        name: &str,
        text: &str,
        inputs: Vec<Input>,
        outputs: Vec<Output>,
        provenance: Provenance,
    ) -> Result<Self> {
        session.add_unchecked(name, text)?;
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

    fn build(
        mut session: Session,
        inputs: Vec<Input>,
        outputs: Vec<Output>,
        provenance: Provenance,
    ) -> Result<Self> {
        if matches!(provenance, Provenance::Unit | Provenance::Bool) {
            let d = Diagnostic::error(
                "E0815",
                format!("`{provenance}` has no probabilities to differentiate"),
            )
            .help("choose `exact`, `topkproofs`, `addmultprob` or `minmaxprob`");
            return Err(session.error(vec![d]));
        }
        let own_batches = session.facts.len();
        for input in &inputs {
            let n = input.mapping.len();
            // The weights are placeholders: every call brings its own, and none changes the shape.
            let tags = match input.exclusive {
                true => Tags::Exclusive(vec![1.0 / n.max(1) as f64; n]),
                false => Tags::Independent(vec![0.5; n]),
            };
            let batch = Batch::new(&input.relation, &input.mapping, tags, &session.symbols)
                .map_err(|d| session.error(vec![d]))?;
            session.add_batch_unchecked(&input.relation, batch)?;
        }
        let queries: Vec<String> = outputs
            .iter()
            .map(|output| output.relation.clone())
            .collect();
        session.queries_unchecked(&queries)?;
        session.check()?;
        let plan = session.checked_plan();
        let mut facts = plan.facts.clone();
        let ranges = session
            .facts
            .append(&plan, &session.symbols, &mut facts)
            .map_err(|d| session.error(vec![d]))?;

        let targets: Vec<_> = plan.queries.iter().map(|query| query.relation).collect();
        let mut evaluation = evaluate(&session, &plan, &facts, targets, true)?;
        let mut warnings = session.warnings().to_vec();
        warnings.extend(crate::failure::warnings(&evaluation.failures).0);
        let trace = evaluation.trace.take().unwrap_or_default();

        let mut leaf_of_fact: Vec<Option<LeafId>> = vec![None; facts.len()];
        for (i, leaf) in trace.leaves.iter().enumerate() {
            if let LeafSource::Fact(number) = leaf.source
                && let Some(slot) = leaf_of_fact.get_mut(number as usize)
            {
                *slot = Some(LeafId::new(i));
            }
        }
        let ports = inputs
            .into_iter()
            .zip(ranges.into_iter().skip(own_batches))
            .map(|(input, facts)| Port {
                leaves: leaf_of_fact
                    .get(facts.start as usize..facts.end as usize)
                    .unwrap_or_default()
                    .to_vec(),
                relation: input.relation,
                mapping: input.mapping,
                exclusive: input.exclusive,
            });
        let ports: Vec<Port> = ports.collect();

        let mut rows = FxHashMap::default();
        let mut answers = Vec::with_capacity(outputs.len());
        let mut wanted: Vec<TupleId> = Vec::new();
        for (output, query) in outputs.into_iter().zip(&plan.queries) {
            let found = answer(&session, &plan, &evaluation, output, query)?;
            let circuit = found.ids.iter().map(|id| {
                let id = (*id)?;
                wanted.push(id);
                Some(wanted.len() as u32 - 1)
            });
            let circuit = circuit.collect();
            answers.push(Answers { circuit, ..found });
        }
        let ruled = trace
            .instances
            .iter()
            .filter(|i| i.leaf.is_some() && i.rule.is_some());
        for id in ruled.map(|instance| instance.head) {
            if let Some(&(relation, row)) = trace.tuples.get(id.index())
                && let Some(table) = evaluation.tables.get(relation.index())
            {
                rows.insert(id, table.row(row).to_vec());
            }
        }
        let circuit = nsdl_circuit::compile(
            &trace,
            &wanted,
            inference(provenance),
            &session.budget,
            session.cancel.as_deref(),
        )
        .map_err(|d| session.error(vec![d]))?;
        let constants = trace.leaves.iter().map(|leaf| leaf.weight).collect();
        Ok(Self {
            plan,
            symbols: session.symbols,
            texts: session.texts,
            trace,
            facts,
            rows,
            circuit,
            inputs: ports,
            outputs: answers,
            constants,
            provenance,
            warnings,
        })
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
        self.inputs.get(input).map_or("", |port| &port.relation)
    }

    /// The relation or canonical query text of an output.
    pub fn output_name(&self, output: usize) -> &str {
        self.outputs.get(output).map_or("", |answers| &answers.name)
    }

    /// The tuples of the columns of an input.
    pub fn mapping(&self, input: usize) -> &[Vec<Value>] {
        self.inputs.get(input).map_or(&[], |port| &port.mapping)
    }

    /// Whether each row of an input is one categorical variable.
    pub fn is_exclusive(&self, input: usize) -> bool {
        self.inputs.get(input).is_some_and(|port| port.exclusive)
    }

    /// The tuples of the columns of an output: its mapping, in the types of its columns, or else the tuples that
    /// can be derived, ordered by value.
    pub fn tuples(&self, output: usize) -> &[Vec<Value>] {
        self.outputs
            .get(output)
            .map_or(&[], |answers| &answers.tuples)
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

    /// Renders diagnostics of this module with their source lines, with ANSI colours if `color`.
    pub fn render(&self, diagnostics: &[Diagnostic], color: bool) -> String {
        self.texts.render(diagnostics, color)
    }

    /// Computes the outputs for a batch.
    ///
    /// `inputs[i]` is row-major `[batch][n_i]`, with `n_i` columns as in [`Module::mapping`]; `outputs[o]` is
    /// row-major `[batch][m_o]`, with `m_o` columns as in [`Module::tuples`]. With `check`, values must be
    /// in [0, 1] and rows of exclusive inputs sum to at most 1 plus 1e-4.
    ///
    /// # Errors
    /// `E0816` for slices of the wrong number or length; `E0510`, `E0511` and `E0521` for values, with sample and
    /// column.
    pub fn forward<T: Real>(
        &self,
        inputs: &[&[T]],
        batch: usize,
        check: bool,
        tape: &mut Tape<T>,
        outputs: &mut [&mut [T]],
    ) -> Result<()> {
        self.check_shapes(
            "input",
            inputs.iter().map(|s| s.len()),
            self.inputs.iter().map(Port::width),
            batch,
        )?;
        self.check_shapes(
            "output",
            outputs.iter().map(|s| s.len()),
            self.outputs.iter().map(Answers::width),
            batch,
        )?;
        if check {
            for (port, values) in self.inputs.iter().zip(inputs) {
                check_input(&port.relation, &port.mapping, port.exclusive, values)
                    .map_err(|d| Error::new(vec![d], &self.texts))?;
            }
        }
        tape.batch = batch;
        tape.weights.resize(self.constants.len() * batch, T::ZERO);
        tape.values.resize(self.circuit.outputs() * batch, T::ZERO);
        for (leaf, &weight) in self.constants.iter().enumerate() {
            if let Some(row) = tape.weights.get_mut(leaf * batch..(leaf + 1) * batch) {
                row.fill(T::from_f64(weight));
            }
        }
        for (port, values) in self.inputs.iter().zip(inputs) {
            let width = port.width();
            for (column, leaf) in port.leaves.iter().enumerate() {
                let Some(leaf) = leaf.map(LeafId::index) else {
                    continue;
                };
                let Some(row) = tape.weights.get_mut(leaf * batch..(leaf + 1) * batch) else {
                    continue;
                };
                for (to, from) in row
                    .iter_mut()
                    .zip(values.iter().skip(column).step_by(width))
                {
                    *to = *from;
                }
            }
        }
        self.circuit
            .forward(&tape.weights, batch, &mut tape.circuit, &mut tape.values);
        for (answers, values) in self.outputs.iter().zip(outputs) {
            let width = answers.width();
            for (column, node) in answers.circuit.iter().enumerate() {
                let cells = values.iter_mut().skip(column).step_by(width);
                match node.and_then(|n| {
                    tape.values
                        .get(n as usize * batch..(n as usize + 1) * batch)
                }) {
                    Some(row) => cells.zip(row).for_each(|(to, from)| *to = *from),
                    None => cells.for_each(|to| *to = T::ZERO),
                }
            }
        }
        Ok(())
    }

    /// Computes the gradients of the last [`Module::forward`] on this tape: given those with respect to the outputs,
    /// those with respect to the inputs, which are overwritten. Shapes are as in `forward`.
    ///
    /// # Errors
    /// `E0816` for slices of the wrong number or length.
    pub fn backward<T: Real>(
        &self,
        tape: &mut Tape<T>,
        output_gradients: &[&[T]],
        input_gradients: &mut [&mut [T]],
    ) -> Result<()> {
        let batch = tape.batch;
        self.check_shapes(
            "output gradient",
            output_gradients.iter().map(|s| s.len()),
            self.outputs.iter().map(Answers::width),
            batch,
        )?;
        self.check_shapes(
            "input gradient",
            input_gradients.iter().map(|s| s.len()),
            self.inputs.iter().map(Port::width),
            batch,
        )?;
        tape.value_gradients
            .resize(self.circuit.outputs() * batch, T::ZERO);
        tape.weight_gradients
            .resize(self.constants.len() * batch, T::ZERO);
        for (answers, gradients) in self.outputs.iter().zip(output_gradients) {
            let width = answers.width();
            for (column, node) in answers.circuit.iter().enumerate() {
                let Some(n) = node.map(|n| n as usize) else {
                    continue;
                };
                let Some(row) = tape.value_gradients.get_mut(n * batch..(n + 1) * batch) else {
                    continue;
                };
                for (to, from) in row
                    .iter_mut()
                    .zip(gradients.iter().skip(column).step_by(width))
                {
                    *to = *from;
                }
            }
        }
        self.circuit.backward(
            &tape.weights,
            batch,
            &mut tape.circuit,
            &tape.value_gradients,
            &mut tape.weight_gradients,
        );
        for (port, gradients) in self.inputs.iter().zip(input_gradients) {
            let width = port.width();
            for (column, leaf) in port.leaves.iter().enumerate() {
                let cells = gradients.iter_mut().skip(column).step_by(width);
                let row = leaf.map(LeafId::index);
                match row
                    .and_then(|leaf| tape.weight_gradients.get(leaf * batch..(leaf + 1) * batch))
                {
                    Some(row) => cells.zip(row).for_each(|(to, from)| *to = *from),
                    None => cells.for_each(|to| *to = T::ZERO),
                }
            }
        }
        Ok(())
    }

    /// The `k` most probable proofs of a tuple of an output, for one sample: `inputs[i]` has the `n_i` values of
    /// its row. None if the tuple cannot be derived.
    ///
    /// # Errors
    /// `E0816` for rows of the wrong number or length, `E0202`, `E0301` or `E0501` for a tuple that does not fit.
    pub fn why(
        &self,
        inputs: &[&[f64]],
        output: usize,
        tuple: &[Value],
        k: usize,
    ) -> Result<Vec<Explanation>> {
        self.check_shapes(
            "input",
            inputs.iter().map(|s| s.len()),
            self.inputs.iter().map(Port::width),
            1,
        )?;
        let error = |d| Error::new(vec![d], &self.texts);
        let answers = self.outputs.get(output).ok_or_else(|| {
            error(Diagnostic::error(
                "E0816",
                format!("there is no output {output}"),
            ))
        })?;
        let wanted = row(&answers.relation, tuple, &answers.types, &self.symbols).map_err(error)?;
        let same = |candidate: &Vec<Value>| {
            row(&answers.relation, candidate, &answers.types, &self.symbols)
                .is_ok_and(|words| words == wanted)
        };
        let column = answers.tuples.iter().position(same);
        let Some(id) = column.and_then(|column| answers.ids.get(column).copied().flatten()) else {
            return Ok(Vec::new());
        };
        let mut weights = self.constants.clone();
        for (port, values) in self.inputs.iter().zip(inputs) {
            for (leaf, value) in port.leaves.iter().zip(*values) {
                if let Some(weight) = leaf.and_then(|leaf| weights.get_mut(leaf.index())) {
                    *weight = *value;
                }
            }
        }
        let story = Story {
            plan: &self.plan,
            trace: &self.trace,
            facts: &self.facts,
            row: &|tuple| self.rows.get(&tuple).cloned().unwrap_or_default(),
            symbols: &self.symbols,
            texts: &self.texts,
        };
        Ok(story.explain(id, k, &weights))
    }

    fn check_shapes(
        &self,
        what: &str,
        given: impl ExactSizeIterator<Item = usize>,
        widths: impl ExactSizeIterator<Item = usize>,
        batch: usize,
    ) -> Result<()> {
        let error = |message| {
            Err(Error::new(
                vec![Diagnostic::error("E0816", message)],
                &self.texts,
            ))
        };
        if given.len() != widths.len() {
            return error(format!(
                "{} {what}s given, {} expected",
                given.len(),
                widths.len()
            ));
        }
        for (i, (given, width)) in given.zip(widths).enumerate() {
            if Some(given) != width.checked_mul(batch) {
                return error(format!(
                    "{what} {i} has {given} values, not {batch} rows of {width}"
                ));
            }
        }
        Ok(())
    }
}

impl Port {
    fn width(&self) -> usize {
        self.mapping.len()
    }
}

impl Answers {
    fn width(&self) -> usize {
        self.tuples.len()
    }
}

/// The columns of an output: the tuples of its mapping or of its relation, and their ids in the trace.
fn answer(
    session: &Session,
    plan: &Plan,
    evaluation: &Evaluation,
    output: Output,
    query: &nsdl_ir::Query,
) -> Result<Answers> {
    let types = plan
        .relations
        .get(query.relation.index())
        .map_or(&[][..], |r| &r.columns);
    let empty = Table::default();
    let table = evaluation
        .tables
        .get(query.relation.index())
        .unwrap_or(&empty);
    let id = |row: u32| evaluation.tuple(query.relation, row);
    let values = |words: &[Word]| -> Vec<Value> {
        types
            .iter()
            .zip(words)
            .map(|(&ty, &word)| Value::from_word(word, ty, &session.symbols))
            .collect()
    };
    let mut tuples = Vec::new();
    let mut found = Vec::new();
    match &output.mapping {
        None => {
            for at in order(types, table.rows(), &session.symbols) {
                tuples.push(values(table.row(at)));
                found.push(id(at));
            }
        }
        Some(mapping) => {
            for tuple in mapping {
                let words = row(&output.relation, tuple, types, &session.symbols)
                    .map_err(|d| session.error(vec![d]))?;
                found.push(table.find(&words).and_then(id));
                tuples.push(values(&words));
            }
        }
    }
    Ok(Answers {
        name: query.name.clone(),
        relation: output.relation,
        types: types.to_vec(),
        tuples,
        ids: found,
        circuit: Vec::new(),
    })
}
