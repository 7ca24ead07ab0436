//! How a module comes about: one evaluation, its trace, a circuit.

use nsdl_circuit::Inference;
use nsdl_eval::{Evaluation, Table};
use nsdl_ir::{Diagnostic, LeafId, LeafSource, Plan, TupleId, Value, Word};
use rustc_hash::FxHashMap;

use super::parameters::learned;
use super::{Answers, Given, Input, Module, Output, Port};
use crate::batch::{Batch, Tags};
use crate::error::Result;
use crate::evidence::{self, Conditioner};
use crate::numbers::Numbers;
use crate::provenance::Provenance;
use crate::relation::order;
use crate::run::{Tracing, evaluate, inference, open_answers};
use crate::session::Session;
use crate::why::row;

impl Module {
    pub(super) fn build(
        mut session: Session,
        inputs: Vec<Input>,
        outputs: Vec<Output>,
        provenance: Provenance,
    ) -> Result<Self> {
        if !provenance.is_differentiable() {
            let d = Diagnostic::error(
                "E0815",
                format!("`{provenance}` has no probabilities to differentiate"),
            )
            .help("choose `exact`, `topkproofs`, `addmultprob` or another of probabilities or degrees of truth");
            return Err(session.error(vec![d]));
        }
        session.check_numbers(Numbers::Probabilities)?;
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
        let plan = session.query_plan();
        let mut facts = plan.facts.clone();
        let ranges = session
            .facts
            .append(&plan, &session.symbols, &mut facts)
            .map_err(|d| session.error(vec![d]))?;

        let mut targets: Vec<_> = plan.queries.iter().map(|query| query.relation).collect();
        for query in &plan.queries {
            let evidence = evidence::of(&plan, &query.name);
            evidence::check(provenance, evidence.first()).map_err(|d| session.error(vec![d]))?;
            targets.extend(evidence.iter().map(|evidence| evidence.relation));
        }
        let mut evaluation = evaluate(&session, &plan, &facts, targets, Tracing::worlds(None))?;
        let mut warnings = session.warnings().to_vec();
        warnings.extend(crate::failure::warnings(&evaluation.failures).0);
        let mut trace = evaluation.trace.take().unwrap_or_default();

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
        let mut shared: FxHashMap<TupleId, u32> = FxHashMap::default();
        for (output, query) in outputs.into_iter().zip(&plan.queries) {
            let mut found = answer(&session, &plan, &evaluation, output, query)?;
            let evidence = evidence::of(&plan, &query.name);
            let mut given = Vec::new();
            if !evidence.is_empty() {
                let mut conditioner = Conditioner::new(&plan, &evaluation, &mut trace);
                for (id, row) in found.ids.iter_mut().zip(&found.rows) {
                    let evidence = conditioner.given(&evidence, Some(row));
                    *id = id.and_then(|id| conditioner.joint(id, evidence));
                    given.push(evidence);
                }
            }
            for id in &found.ids {
                found.answers.circuit.push(id.map(|id| {
                    wanted.push(id);
                    wanted.len() as u32 - 1
                }));
            }
            let given = given.into_iter().map(|given| match given {
                evidence::Given::Always => Given::Always,
                evidence::Given::Never => Given::Never,
                evidence::Given::If(id) => Given::Output(*shared.entry(id).or_insert_with(|| {
                    wanted.push(id);
                    wanted.len() as u32 - 1
                })),
            });
            found.answers.given = given.collect();
            found.answers.ids = found.ids;
            answers.push(found.answers);
        }
        let is_foreign = |leaf: Option<LeafId>| {
            let leaf = leaf.and_then(|leaf| trace.leaves.get(leaf.index()));
            leaf.is_some_and(|leaf| matches!(leaf.source, LeafSource::Foreign(_)))
        };
        let ruled = trace
            .instances
            .iter()
            .filter(|i| i.leaf.is_some() && (i.rule.is_some() || is_foreign(i.leaf)));
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
            inference(provenance, session.seed).unwrap_or(Inference::Exact),
            &session.budget,
            session.cancel.as_deref(),
        )
        .map_err(|d| session.error(vec![d]))?;
        if !circuit.open().is_empty() {
            let note = "the bounds are under `bounds` of the module";
            warnings.push(open_answers(circuit.open().len(), wanted.len()).note(note));
        }
        let constants = trace.leaves.iter().map(|leaf| leaf.weight).collect();
        Ok(Self {
            learned: learned(&plan, &trace),
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
}

/// An output on its way.
struct Found {
    answers: Answers,
    ids: Vec<Option<TupleId>>,
    /// The words of each column's tuple.
    rows: Vec<Vec<Word>>,
}

/// The columns of an output: the tuples of its mapping or of its relation, and their ids in the trace.
fn answer(
    session: &Session,
    plan: &Plan,
    evaluation: &Evaluation,
    output: Output,
    query: &nsdl_ir::Query,
) -> Result<Found> {
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
    let mut ids = Vec::new();
    let mut rows = Vec::new();
    match &output.mapping {
        None => {
            for at in order(types, table.rows(), &session.symbols) {
                tuples.push(values(table.row(at)));
                ids.push(id(at));
                rows.push(table.row(at).to_vec());
            }
        }
        Some(mapping) => {
            for tuple in mapping {
                let words = row(&output.relation, tuple, types, &session.symbols)
                    .map_err(|d| session.error(vec![d]))?;
                ids.push(table.find(&words).and_then(id));
                tuples.push(values(&words));
                rows.push(words);
            }
        }
    }
    let answers = Answers {
        name: query.name.clone(),
        relation: output.relation,
        types: types.to_vec(),
        tuples,
        ids: Vec::new(),
        circuit: Vec::new(),
        given: Vec::new(),
    };
    Ok(Found { answers, ids, rows })
}
