//! How a module comes about: one evaluation, its trace, a circuit.

use std::ops::Range;
use std::sync::Arc;

use nsdl_circuit::Inference;
use nsdl_eval::{Base, Evaluation, Table};
use nsdl_ir::{Diagnostic, Fact, LeafId, LeafSource, Plan, RelationId, TupleId, Type, Value, Word};
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

/// A program compiled for some outputs: what all modules that are derived from it share, whatever their facts.
pub(crate) struct Blueprint {
    pub(crate) session: Session,
    pub(crate) plan: Arc<Plan>,
    /// The facts of the program and of the session, those of the inputs among them.
    pub(crate) facts: Vec<Fact>,
    pub(crate) provenance: Provenance,
    /// What has to be evaluated.
    targets: Vec<RelationId>,
    /// The inputs, and where their facts are.
    inputs: Vec<(Arc<Input>, Range<u32>)>,
    outputs: Vec<Wanted>,
}

/// An output, with its tuples if it has a mapping.
struct Wanted {
    name: String,
    relation: RelationId,
    written: String,
    types: Vec<Type>,
    mapping: Option<Mapping>,
}

/// Rows, as words and as values.
type Mapping = (Vec<Vec<Word>>, Arc<[Vec<Value>]>);

/// An input and the numbers of its facts, which calls weigh.
pub(crate) type Weighed = (Arc<Input>, Vec<u32>);

impl Module {
    pub(super) fn build(
        session: Session,
        inputs: Vec<Input>,
        outputs: Vec<Output>,
        provenance: Provenance,
    ) -> Result<Self> {
        let blueprint = Blueprint::new(session, inputs, &[], outputs, provenance)?;
        blueprint.derive(blueprint.facts.clone(), Vec::new())
    }
}

impl Blueprint {
    /// Compiles what a session holds. The relations `open` will have facts that only [`Blueprint::derive`] is told.
    pub(crate) fn new(
        mut session: Session,
        inputs: Vec<Input>,
        open: &[String],
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
        if !open.is_empty() {
            for relation in open {
                let Some(types) = session.types(relation) else {
                    return Err(session.error(vec![session.unknown_relation(relation)]));
                };
                session.facts.declare(relation, &types);
            }
            session.check()?;
        }
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
        let inputs = inputs.into_iter().map(Arc::new);
        let inputs = inputs.zip(ranges.into_iter().skip(own_batches)).collect();
        let outputs = outputs.into_iter().zip(&plan.queries);
        let outputs = outputs.map(|(output, query)| wanted(&session, &plan, output, query));
        let outputs = outputs.collect::<Result<_>>()?;
        Ok(Self {
            session,
            plan,
            facts,
            provenance,
            targets,
            inputs,
            outputs,
        })
    }

    /// The columns of an output that has a mapping.
    pub(crate) fn mapping(&self, output: usize) -> Option<&Arc<[Vec<Value>]>> {
        let (_, tuples) = self.outputs.get(output)?.mapping.as_ref()?;
        Some(tuples)
    }

    /// The name and the column types of each output.
    pub(crate) fn outputs(&self) -> impl ExactSizeIterator<Item = (&str, &[Type])> {
        let outputs = self.outputs.iter();
        outputs.map(|output| (output.name.as_str(), output.types.as_slice()))
    }

    /// The inputs.
    pub(crate) fn inputs(&self) -> impl ExactSizeIterator<Item = &Input> {
        self.inputs.iter().map(|(input, _)| input.as_ref())
    }

    /// The inputs, and where their facts are.
    pub(crate) fn ports(&self) -> impl ExactSizeIterator<Item = &(Arc<Input>, Range<u32>)> {
        self.inputs.iter()
    }

    /// The module over `facts`, which begin with those of the blueprint. `more` are further inputs and where their
    /// facts are; their mappings may be left out.
    pub(crate) fn derive(
        &self,
        facts: Vec<Fact>,
        more: Vec<(Arc<Input>, Range<u32>)>,
    ) -> Result<Module> {
        let ports = self.inputs.iter().cloned().chain(more);
        let weighed = ports.map(|(input, range)| (input, range.collect()));
        let answers = |evaluation: &Evaluation| {
            let outputs = 0..self.outputs.len();
            outputs
                .map(|it| self.answer(evaluation, it, None))
                .collect()
        };
        self.compile(&self.plan, None, facts, weighed.collect(), answers)
    }

    /// The module of an evaluation of a plan, which is that of the blueprint but for a column of samples. The facts
    /// of `base` are beside the others.
    pub(crate) fn compile(
        &self,
        plan: &Arc<Plan>,
        base: Option<Arc<Base>>,
        facts: Vec<Fact>,
        weighed: Vec<Weighed>,
        answers: impl FnOnce(&Evaluation) -> Vec<Found>,
    ) -> Result<Module> {
        let session = &self.session;
        // Several samples at a time are derived for one batch.
        let once = base.is_some();
        let targets = self.targets.clone();
        let tracing = Tracing {
            base,
            ..Tracing::worlds(None)
        };
        let mut evaluation = evaluate(session, plan, &facts, targets, tracing)?;
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
        let leaf = |&fact: &u32| leaf_of_fact.get(fact as usize).copied().flatten();
        let ports = weighed.into_iter().map(|(input, facts)| Port {
            leaves: facts.iter().map(leaf).collect(),
            input,
        });
        let ports: Vec<Port> = ports.collect();

        let mut rows = FxHashMap::default();
        let mut wanted: Vec<TupleId> = Vec::new();
        let mut shared: FxHashMap<TupleId, u32> = FxHashMap::default();
        let found = answers(&evaluation);
        let mut answers = Vec::with_capacity(self.outputs.len());
        for (output, mut found) in self.outputs.iter().zip(found) {
            let evidence = evidence::of(plan, &output.name);
            let mut given = Vec::new();
            if !evidence.is_empty() {
                let mut conditioner = Conditioner::new(plan, &evaluation, &mut trace);
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
        let trace = Arc::new(trace);
        let inference = inference(self.provenance, session.seed).unwrap_or(Inference::Exact);
        let (budget, cancel) = (&session.budget, session.cancel.as_deref());
        let circuit = match once {
            true => nsdl_circuit::compile_once(&trace, &wanted, inference, budget, cancel),
            false => nsdl_circuit::compile(&trace, &wanted, inference, budget, cancel),
        };
        let circuit = circuit.map_err(|d| session.error(vec![d]))?;
        if !circuit.open().is_empty() {
            let note = "the bounds are under `bounds` of the module";
            warnings.push(open_answers(circuit.open().len(), wanted.len()).note(note));
        }
        let constants = trace.leaves.iter().map(|leaf| leaf.weight).collect();
        Ok(Module {
            learned: learned(plan, &trace),
            plan: plan.clone(),
            symbols: session.symbols.clone(),
            texts: session.texts.clone(),
            trace,
            facts,
            rows,
            circuit,
            inputs: ports,
            outputs: answers,
            constants,
            provenance: self.provenance,
            warnings,
        })
    }
}

/// An output with the tuples of its mapping, in the types of its columns.
fn wanted(
    session: &Session,
    plan: &Plan,
    output: Output,
    query: &nsdl_ir::Query,
) -> Result<Wanted> {
    let types = plan
        .relations
        .get(query.relation.index())
        .map_or(&[][..], |r| &r.columns);
    let mapping = output.mapping.map(|mapping| {
        let rows = mapping
            .iter()
            .map(|tuple| row(&output.relation, tuple, types, &session.symbols));
        let rows = rows.collect::<std::result::Result<Vec<Vec<Word>>, Diagnostic>>()?;
        let tuples = rows.iter().map(|row| values(session, types, row)).collect();
        Ok((rows, tuples))
    });
    let mapping = mapping.transpose().map_err(|d| session.error(vec![d]))?;
    Ok(Wanted {
        name: query.name.clone(),
        relation: query.relation,
        written: output.relation,
        types: types.to_vec(),
        mapping,
    })
}

fn values(session: &Session, types: &[Type], words: &[Word]) -> Vec<Value> {
    types
        .iter()
        .zip(words)
        .map(|(&ty, &word)| Value::from_word(word, ty, &session.symbols))
        .collect()
}

/// An output on its way.
#[derive(Default)]
pub(crate) struct Found {
    answers: Answers,
    ids: Vec<Option<TupleId>>,
    /// The words of each column's tuple, of an output with evidence.
    rows: Vec<Vec<Word>>,
}

impl Blueprint {
    /// The columns of an output: the tuples of its mapping or of its relation, and their ids in the trace. Of one
    /// sample and its rows, where the first column of the relation is the number of a sample.
    pub(crate) fn answer(
        &self,
        evaluation: &Evaluation,
        output: usize,
        sample: Option<(Word, &[u32])>,
    ) -> Found {
        let (session, empty) = (&self.session, Table::default());
        let Some(output) = self.outputs.get(output) else {
            return Found::default();
        };
        let table = evaluation.tables.get(output.relation.index());
        let table = table.unwrap_or(&empty);
        let id = |row: u32| evaluation.tuple(output.relation, row);
        let skipped = usize::from(sample.is_some());
        let given = !evidence::of(&self.plan, &output.name).is_empty();
        let row = |at: u32| table.row(at).get(skipped..).unwrap_or_default();
        let (tuples, ids, rows) = match &output.mapping {
            None => {
                let places = match sample {
                    Some((_, rows)) => rows.to_vec(),
                    None => (0..table.len() as u32).collect(),
                };
                let rows = places.iter().map(|&at| row(at));
                let order = order(&output.types, rows, &session.symbols);
                let order = order.iter().filter_map(|&i| places.get(i as usize));
                let order: Vec<u32> = order.copied().collect();
                let tuple = |&at: &u32| values(session, &output.types, row(at));
                let tuples: Arc<[Vec<Value>]> = order.iter().map(tuple).collect();
                let rows = order.iter().filter(|_| given);
                let rows = rows.map(|&at| row(at).to_vec()).collect();
                (tuples, order.iter().map(|&at| id(at)).collect(), rows)
            }
            Some((rows, tuples)) => {
                let mut key: Vec<Word> = Vec::new();
                let find = |words: &Vec<Word>| {
                    key.clear();
                    key.extend(sample.map(|(sample, _)| sample));
                    key.extend(words);
                    table.find(&key).and_then(id)
                };
                let ids = rows.iter().map(find).collect();
                let rows = if given { rows.clone() } else { Vec::new() };
                (tuples.clone(), ids, rows)
            }
        };
        let answers = Answers {
            name: output.name.clone(),
            relation: output.written.clone(),
            types: output.types.clone(),
            tuples,
            ..Answers::default()
        };
        Found { answers, ids, rows }
    }

    /// The same for the samples `0..count`, one after the other, and where the values of each begin; the tuples
    /// of a mapping are there once.
    pub(crate) fn answers(
        &self,
        evaluation: &Evaluation,
        output: usize,
        count: usize,
    ) -> (Found, Vec<usize>) {
        let mut all = Found::default();
        let mut ends = vec![0];
        let mut tuples = Vec::new();
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); count];
        let relation = self.outputs.get(output).map(|it| it.relation.index());
        let table = relation.and_then(|relation| evaluation.tables.get(relation));
        if let (Some(table), None) = (table, self.mapping(output)) {
            for (at, row) in (0..).zip(table.rows()) {
                let sample = row
                    .first()
                    .and_then(|&sample| rows.get_mut(sample as usize));
                sample.into_iter().for_each(|rows| rows.push(at));
            }
        }
        for (sample, rows) in (0..).zip(&rows) {
            let one = self.answer(evaluation, output, Some((sample, rows)));
            if self.mapping(output).is_none() {
                tuples.extend_from_slice(&one.answers.tuples);
            }
            all.ids.extend(one.ids);
            all.rows.extend(one.rows);
            all.answers = one.answers;
            ends.push(all.ids.len());
        }
        if self.mapping(output).is_none() {
            all.answers.tuples = tuples.into();
        }
        (all, ends)
    }
}
