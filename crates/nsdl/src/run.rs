//! One evaluation of a session: facts and plan in, tagged relations out.

mod tracing;
mod warnings;

use std::sync::Arc;

use nsdl_circuit::{Inference, Tape};
use nsdl_eval::{Evaluation, Table};
use nsdl_ir::{Diagnostic, Plan, RelationId, Trace, TupleId, Value};

use crate::carry::carry;
use crate::error::Result;
use crate::evidence::{self, Conditioned};
use crate::facts::relation_id;
use crate::marginals::Marginals;
use crate::numbers::Numbers;
use crate::print::format_tuple;
use crate::provenance::Provenance;
use crate::relation::{Bounds, OutputTag, Relation};
use crate::session::Session;
use crate::session::foreign::is_uncertain;
use crate::statistics::Statistics;
use crate::symbolic;
pub(crate) use tracing::{Tracing, evaluate};
use warnings::estimates;
pub(crate) use warnings::{approximations, open_answers};

/// What [`Session::run`] gives.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The queried relations in query order, or all that are not hidden, in order of first appearance.
    pub relations: Vec<Relation>,
    /// One warning a cause.
    pub warnings: Vec<Diagnostic>,
    /// How many derivations were dropped because an expression failed (overflow, division by zero …).
    pub dropped: u64,
    /// The provenance that was used.
    pub provenance: Provenance,
    /// What it took.
    pub statistics: Statistics,
    /// The queries under `@file`, which are written to their files.
    pub written: Vec<String>,
}

/// A finished evaluation.
pub(crate) struct Run {
    pub(crate) plan: Arc<Plan>,
    /// The plan for relations that no query needs.
    whole: Arc<Plan>,
    tables: Vec<Table>,
    /// What to print: names and relations.
    outputs: Vec<(String, RelationId)>,
    /// Tags of the rows of output relations; `None` where all rows hold.
    tags: Vec<Option<Vec<OutputTag>>>,
    /// What contains them, where some are not exact.
    bounds: Vec<Option<Vec<[f64; 2]>>>,
    /// Those of the outputs that are given something.
    conditioned: evidence::Tags,
    provenance: Provenance,
    /// One warning a cause, those of the compiler first.
    pub(crate) warnings: Vec<Diagnostic>,
    pub(crate) dropped: u64,
    pub(crate) statistics: Statistics,
}

impl Run {
    /// Evaluates what the queries of the session need.
    pub(crate) fn new(session: &Session) -> Result<Self> {
        let plan = session.run_plan();
        let outputs = outputs(&plan);
        Self::of(session, plan, outputs)
    }

    /// The relation of that name, evaluating it if this run has not.
    pub(crate) fn relation(&self, name: &str, session: &Session) -> Result<Option<Relation>> {
        if let Some((name, id)) = self.outputs.iter().find(|(output, _)| output == name) {
            return Ok(Some(self.read(name, *id, session)));
        }
        let Some(id) = relation_id(&self.plan, name) else {
            return Ok(None);
        };
        let run = Self::of(session, self.whole.clone(), vec![(name.to_owned(), id)])?;
        Ok(Some(run.read(name, id, session)))
    }

    /// All output relations.
    pub(crate) fn relations(&self, session: &Session) -> Vec<Relation> {
        self.outputs
            .iter()
            .map(|(name, id)| self.read(name, *id, session))
            .collect()
    }

    /// The provenance that was used.
    pub(crate) fn provenance(&self) -> Provenance {
        self.provenance
    }

    fn of(session: &Session, plan: Arc<Plan>, outputs: Vec<(String, RelationId)>) -> Result<Self> {
        let provenance = session.chosen_provenance();
        session.check_numbers(provenance.numbers())?;
        let mut warnings = session.warnings().to_vec();
        if provenance == Provenance::Unit && session.has_uncertainty() {
            warnings.push(
                Diagnostic::warning(
                    "W0501",
                    "`unit` ignores probabilities: every fact and rule counts as certain",
                )
                .help("leave the provenance to the default, or choose `exact`"),
            );
        }
        let mut facts = plan.facts.clone();
        session
            .facts
            .append(&plan, &session.symbols, &mut facts)
            .map_err(|d| session.error(vec![d]))?;
        symbolic::prepare(provenance, &mut facts);
        let inference = match provenance {
            Provenance::Unit => None,
            // Facts are filtered already; only the choices of rules and predicates need the trace.
            Provenance::Bool => {
                let choices = !plan.choices.is_empty() || is_uncertain(&plan);
                choices.then_some(Inference::MinMax)
            }
            _ => inference(provenance, session.seed),
        };
        let is_symbolic = symbolic::is_symbolic(provenance);
        let mut targets: Vec<RelationId> = outputs.iter().map(|&(_, id)| id).collect();
        let given = outputs.iter().filter_map(|(name, id)| {
            let evidence = evidence::of(&plan, name);
            (!evidence.is_empty()).then(|| (name.clone(), *id, evidence))
        });
        let given = Conditioned {
            session,
            plan: &plan,
            provenance,
            outputs: given.collect(),
        };
        targets.extend(given.targets().map_err(|d| session.error(vec![d]))?);
        if session.stop_at_goal {
            let goal = session.goal().ok_or_else(|| {
                let d = Diagnostic::error("E0242", "there is no goal to stop at");
                session.error(vec![
                    d.help("mark a relation without columns: `@goal type solved()`"),
                ])
            })?;
            targets.push(goal);
        }
        let marginals = Marginals::new(session, provenance);
        let tracing = Tracing {
            trace: inference.is_some() || is_symbolic,
            // A quotient needs the trace.
            carry: (inference.and(carry(provenance))).filter(|_| given.outputs.is_empty()),
            marginals: Some(marginals.clone()),
            any_number: provenance.numbers() != Numbers::Probabilities,
            one_world: symbolic::one_world(provenance),
            base: None,
        };
        let mut evaluation = evaluate(session, &plan, &facts, targets, tracing)?;
        let (failures, dropped) = crate::failure::warnings(&evaluation.failures);
        warnings.extend(failures);
        let mut statistics = Statistics::new(&plan, &evaluation);
        let conditioned = match (inference, evaluation.trace.take()) {
            (Some(inference), Some(mut trace)) if !given.outputs.is_empty() => {
                let weights = leaf_weights(&trace, provenance);
                let tags =
                    given.traced(&evaluation, &mut trace, inference, &weights, &mut warnings)?;
                evaluation.trace = Some(trace);
                tags
            }
            (_, trace) => {
                evaluation.trace = trace;
                given.plain(&evaluation.tables)?
            }
        };
        let plain = outputs
            .iter()
            .filter(|(name, _)| !conditioned.contains_key(name));
        let ids: Vec<RelationId> = plain.map(|&(_, id)| id).collect();
        let mut bounds = Vec::new();
        let numbers = match (inference, &evaluation.trace, evaluation.tags.take()) {
            (_, _, Some(carried)) => {
                let truncated = evaluation.truncated;
                warnings
                    .extend(inference.map_or(Vec::new(), |it| approximations(it, truncated, 0.0)));
                let some = |tags: Vec<f64>| (!tags.is_empty()).then_some(tags);
                Some(carried.into_iter().map(some).collect())
            }
            (Some(inference), Some(trace), None) => {
                let weights = leaf_weights(trace, provenance);
                let (found, around) = solve(
                    session,
                    &evaluation,
                    &ids,
                    inference,
                    &weights,
                    &mut warnings,
                    &mut statistics,
                )?;
                bounds = around;
                Some(found)
            }
            _ => None,
        };
        let tag = |p: f64| match provenance {
            Provenance::Bool => OutputTag::Bool(p > 0.0),
            _ => OutputTag::Probability(p),
        };
        let tags = match numbers {
            Some(found) => {
                let found: Rows<f64> = found;
                let found = found.into_iter();
                found
                    .map(|tags| tags.map(|tags| tags.into_iter().map(tag).collect()))
                    .collect()
            }
            None if is_symbolic => {
                symbolic::answers(session, &plan, &facts, &evaluation, &ids, provenance)?
            }
            None => Vec::new(),
        };
        for warning in marginals.warnings() {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        Ok(Self {
            plan,
            whole: session.checked_plan(),
            tables: evaluation.tables,
            outputs,
            tags,
            bounds,
            conditioned,
            provenance,
            warnings,
            dropped,
            statistics,
        })
    }

    fn read(&self, name: &str, id: RelationId, session: &Session) -> Relation {
        let types = self
            .plan
            .relations
            .get(id.index())
            .map_or(&[][..], |r| &r.columns);
        let tags = self.tags.get(id.index()).and_then(Option::as_deref);
        let bounds = self.bounds.get(id.index()).and_then(Option::as_deref);
        let conditioned = self.conditioned.get(name);
        let bounds = conditioned.map_or(bounds, |found| found.bounds.as_deref());
        let table = self.tables.get(id.index());
        let certain = match self.provenance {
            Provenance::Unit => OutputTag::Unit,
            Provenance::Bool => OutputTag::Bool(true),
            _ => OutputTag::Probability(1.0),
        };
        let rows = table.into_iter().flat_map(|table| {
            let certain = &certain;
            (0..table.len() as u32).filter_map(move |row| {
                let around = bounds.and_then(|bounds| bounds.get(row as usize).copied());
                let tag = match conditioned {
                    Some(found) => self.tag_given(found.tags.get(row as usize).copied())?,
                    None => {
                        let tag = tags.and_then(|tags| tags.get(row as usize));
                        tag.unwrap_or(certain).clone()
                    }
                };
                Some((tag, around, table.row(row)))
            })
        });
        let mut relation = Relation::from_rows(name, types, rows, &session.symbols);
        if let (Provenance::Sample { .. }, Bounds::Certain(bounds)) =
            (self.provenance, &mut relation.bounds)
        {
            relation.bounds = Bounds::Confident(std::mem::take(bounds));
        }
        relation
    }
}

impl Run {
    /// The tag of a row given evidence; `None` for one that it excludes from the one world that there is.
    fn tag_given(&self, quotient: Option<f64>) -> Option<OutputTag> {
        let quotient = quotient.unwrap_or_default();
        match self.provenance {
            Provenance::Unit => (quotient > 0.0).then_some(OutputTag::Unit),
            Provenance::Bool => Some(OutputTag::Bool(quotient > 0.0)),
            _ => Some(OutputTag::Probability(quotient)),
        }
    }
}

/// The circuit inference of a provenance that has probabilities.
pub(crate) fn inference(provenance: Provenance, seed: u64) -> Option<Inference> {
    Some(match provenance {
        Provenance::Unit | Provenance::Bool | Provenance::MinMaxProb | Provenance::Godel => {
            Inference::MinMax
        }
        Provenance::AddMultProb => Inference::AddMult,
        Provenance::NandMultProb | Provenance::Product => Inference::NandMult,
        Provenance::MaxMultProb => Inference::MaxMult,
        Provenance::NandMinProb => Inference::NandMin,
        Provenance::Lukasiewicz => Inference::Lukasiewicz,
        Provenance::TopKProofs { k } => Inference::TopK(k),
        Provenance::Exact => Inference::Exact,
        Provenance::Auto => Inference::Auto,
        Provenance::TopBottomKClauses { k } => Inference::TopBottomK(k),
        Provenance::SampleKProofs { k } => Inference::SampleK { k, seed },
        Provenance::Sample { k, estimator } => Inference::Sample {
            worlds: k,
            seed,
            estimator,
        },
        Provenance::Natural
        | Provenance::Tropical
        | Provenance::RealTropical
        | Provenance::Why
        | Provenance::Lineage
        | Provenance::Proofs => return None,
    })
}

/// The weights of the leaves of a trace.
pub(crate) fn leaf_weights(trace: &Trace, provenance: Provenance) -> Vec<f64> {
    let weights = trace.leaves.iter().map(|leaf| leaf.weight);
    match provenance {
        Provenance::Bool => weights.map(|w| f64::from(u8::from(w > 0.0))).collect(),
        _ => weights.collect(),
    }
}

impl Session {
    /// A row of a relation as in programs.
    fn tuple_text(&self, evaluation: &Evaluation, relation: usize, row: u32) -> String {
        let plan = self.query_plan();
        let (Some(relation), Some(table)) = (
            plan.relations.get(relation),
            evaluation.tables.get(relation),
        ) else {
            return String::new();
        };
        let words = relation.columns.iter().zip(table.row(row));
        let values: Vec<Value> = words
            .map(|(&ty, &word)| Value::from_word(word, ty, &self.symbols))
            .collect();
        format!("{} of `{}`", format_tuple(&values), relation.name)
    }
}

/// What to print: the queries, or every relation that is not hidden.
pub(crate) fn outputs(plan: &Plan) -> Vec<(String, RelationId)> {
    if plan.queries.is_empty() {
        let shown = |(_, r): &(usize, &nsdl_ir::Relation)| !r.auxiliary && !r.hidden;
        let all = plan.relations.iter().enumerate().filter(shown);
        return all
            .map(|(i, r)| (r.name.clone(), RelationId::new(i)))
            .collect();
    }
    let mut outputs: Vec<(String, RelationId)> = Vec::new();
    for query in &plan.queries {
        if !outputs.iter().any(|(name, _)| *name == query.name) {
            outputs.push((query.name.clone(), query.relation));
        }
    }
    outputs
}

/// Of each relation, what all its rows have.
type Rows<T> = Vec<Option<Vec<T>>>;

/// The probabilities of all rows of `relations`, from one circuit for those that are uncertain, and bounds where some
/// are not exact.
fn solve(
    session: &Session,
    evaluation: &Evaluation,
    relations: &[RelationId],
    inference: Inference,
    weights: &[f64],
    warnings: &mut Vec<Diagnostic>,
    statistics: &mut Statistics,
) -> Result<(Rows<f64>, Rows<[f64; 2]>)> {
    let mut tags: Rows<f64> = vec![None; evaluation.tables.len()];
    let mut bounds: Rows<[f64; 2]> = vec![None; evaluation.tables.len()];
    let Some(trace) = &evaluation.trace else {
        return Ok((tags, bounds));
    };
    let mut uncertain: Vec<TupleId> = Vec::new();
    let mut places: Vec<(usize, usize)> = Vec::new();
    for &relation in relations {
        let (Some(slot), Some(table)) = (
            tags.get_mut(relation.index()),
            evaluation.tables.get(relation.index()),
        ) else {
            continue;
        };
        if slot.is_some() {
            continue;
        }
        *slot = Some(vec![1.0; table.len()]);
        for row in 0..table.len() {
            if let Some(tuple) = evaluation.tuple(relation, row as u32)
                && !trace.certain.get(tuple.index()).copied().unwrap_or(false)
            {
                uncertain.push(tuple);
                places.push((relation.index(), row));
            }
        }
    }
    let circuit = nsdl_circuit::compile(
        trace,
        &uncertain,
        inference,
        &session.budget,
        session.cancel.as_deref(),
    )
    .map_err(|d| session.error(vec![d]))?;
    let mut values = vec![0.0; uncertain.len()];
    let mut tape = Tape::default();
    circuit.forward(weights, 1, &mut tape, &mut values);
    warnings.extend(approximations(inference, tape.truncated(), tape.residual()));
    statistics.add_circuit(circuit.report(), &tape);
    for (&(relation, row), value) in places.iter().zip(values) {
        let tag = tags.get_mut(relation).and_then(Option::as_mut);
        if let Some(tag) = tag.and_then(|tags| tags.get_mut(row)) {
            *tag = value;
        }
    }
    let (mut lower, mut upper) = (vec![0.0; uncertain.len()], vec![0.0; uncertain.len()]);
    if circuit.intervals(&tape, &mut lower, &mut upper) {
        for (i, &(relation, row)) in places.iter().enumerate() {
            if let (Some(slot), Some(tags)) = (bounds.get_mut(relation), &tags[relation]) {
                let rows = slot.get_or_insert_with(|| tags.iter().map(|&tag| [tag, tag]).collect());
                rows[row] = [lower[i], upper[i]];
            }
        }
        let widths = lower.iter().zip(&upper).map(|(low, high)| high - low);
        warnings.extend(estimates(inference, widths.fold(0.0, f64::max)));
    }
    if circuit.bounds(1, &tape, &mut lower, &mut upper) {
        let mut widest: Option<(f64, usize)> = None;
        let open = circuit.open();
        for &output in &open {
            let width = upper[output] - lower[output];
            if widest.is_none_or(|(so_far, _)| width > so_far) {
                widest = Some((width, output));
            }
            let Some(&(relation, _)) = places.get(output) else {
                continue;
            };
            if let (Some(slot), Some(tags)) = (bounds.get_mut(relation), &tags[relation]) {
                slot.get_or_insert_with(|| tags.iter().map(|&tag| [tag, tag]).collect());
            }
        }
        for (i, &(relation, row)) in places.iter().enumerate() {
            let slot = bounds.get_mut(relation).and_then(Option::as_mut);
            if let Some(slot) = slot.and_then(|rows| rows.get_mut(row)) {
                *slot = [lower[i], upper[i]];
            }
        }
        let place = widest.and_then(|(_, output)| Some((*places.get(output)?, output)));
        let widest = place.map_or_else(String::new, |((relation, row), output)| {
            let tuple = session.tuple_text(evaluation, relation, row as u32);
            format!(
                "the widest: {tuple} lies between {:.6} and {:.6}",
                lower[output], upper[output]
            )
        });
        warnings.push(open_answers(open.len(), uncertain.len()).note(widest));
    }
    Ok((tags, bounds))
}
