//! Conditioning: the probability of an answer given evidence is P(answer ∧ evidence) / P(evidence) (SEMANTICS.md 3).
//!
//! Evidence is a relation of the plan ([`nsdl_ir::Evidence`]). Its conjunction with each answer becomes a tuple of
//! its own in the trace, so that one circuit computes both numbers and shares what they have in common; the
//! division is done outside it. Without a trace there is one world: the answers stay if the evidence holds in it.

use std::sync::Arc;

use nsdl_circuit::{Inference, Tape};
use nsdl_eval::{Evaluation, Table};
use nsdl_ir::{Diagnostic, Evidence, Literal, Plan, RelationId, Span, Trace, TupleId, Word};
use nsdl_syntax::ast::{Formula, ItemKind};
use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::provenance::Provenance;
use crate::run::{approximations, open_answers};
use crate::session::Session;

/// The evidence for the answers of the query of that name, or of a relation.
pub(crate) fn of(plan: &Plan, name: &str) -> Vec<Evidence> {
    let query = plan.queries.iter().find(|query| query.name == name);
    let own = query.and_then(|query| query.given);
    plan.evidence.iter().copied().chain(own).collect()
}

/// When all evidence for an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// In every world.
    Always,
    /// In no world.
    Never,
    /// Where this tuple does.
    If(TupleId),
}

/// Adds to a trace what is asked of it given evidence.
pub(crate) struct Conditioner<'a> {
    plan: &'a Plan,
    evaluation: &'a Evaluation,
    trace: &'a mut Trace,
    /// Conjunctions of evidence made so far.
    made: FxHashMap<Vec<TupleId>, TupleId>,
}

impl<'a> Conditioner<'a> {
    pub(crate) fn new(plan: &'a Plan, evaluation: &'a Evaluation, trace: &'a mut Trace) -> Self {
        Self {
            plan,
            evaluation,
            trace,
            made: FxHashMap::default(),
        }
    }

    /// The evidence for the answer with this row; without one, that which all answers share.
    pub(crate) fn given(&mut self, evidence: &[Evidence], answer: Option<&[Word]>) -> Given {
        let mut parts = Vec::new();
        for evidence in evidence {
            let row = match (is_shared(self.plan, *evidence), answer) {
                (true, _) => &[],
                (false, Some(answer)) => answer,
                (false, None) => continue,
            };
            let table = self.evaluation.tables.get(evidence.relation.index());
            let row = table.and_then(|table| table.find(row));
            let tuple = row.and_then(|row| self.evaluation.tuple(evidence.relation, row));
            match tuple {
                None => return Given::Never,
                Some(tuple) if self.is_certain(tuple) => {}
                Some(tuple) => parts.push(tuple),
            }
        }
        parts.sort_unstable();
        parts.dedup();
        match parts.as_slice() {
            [] => Given::Always,
            [one] => Given::If(*one),
            _ => {
                if let Some(made) = self.made.get(&parts) {
                    return Given::If(*made);
                }
                let made = self.conjunction(&parts);
                self.made.insert(parts, made);
                Given::If(made)
            }
        }
    }

    /// Where an answer and the evidence for it hold.
    pub(crate) fn joint(&mut self, answer: TupleId, given: Given) -> Option<TupleId> {
        match given {
            Given::Always => Some(answer),
            Given::Never => None,
            Given::If(evidence) if self.is_certain(answer) => Some(evidence),
            Given::If(evidence) => Some(self.conjunction(&[answer, evidence])),
        }
    }

    fn conjunction(&mut self, parts: &[TupleId]) -> TupleId {
        let place = parts
            .first()
            .and_then(|part| self.trace.tuples.get(part.index()))
            .copied()
            .unwrap_or_default();
        let parts: Vec<Literal> = parts
            .iter()
            .map(|&tuple| Literal {
                tuple,
                negated: false,
            })
            .collect();
        self.trace.conjunction(place, &parts)
    }

    fn is_certain(&self, tuple: TupleId) -> bool {
        self.trace
            .certain
            .get(tuple.index())
            .copied()
            .unwrap_or(false)
    }
}

/// Whether all answers share this evidence.
fn is_shared(plan: &Plan, evidence: Evidence) -> bool {
    let relation = plan.relations.get(evidence.relation.index());
    relation.is_none_or(|relation| relation.columns.is_empty())
}

/// What a run asks of its evaluation.
pub(crate) struct Conditioned<'a> {
    pub(crate) session: &'a Session,
    pub(crate) plan: &'a Plan,
    pub(crate) provenance: Provenance,
    /// The outputs that are given something: names, relations and evidence.
    pub(crate) outputs: Vec<(String, RelationId, Vec<Evidence>)>,
}

/// The tags of each output, by its name.
pub(crate) type Tags = FxHashMap<String, Tagged>;

/// The tags of the rows of an output.
pub(crate) struct Tagged {
    /// 0 for those that the evidence excludes.
    pub(crate) tags: Vec<f64>,
    /// What contains them, where some are not exact.
    pub(crate) bounds: Option<Vec<[f64; 2]>>,
}

impl Conditioned<'_> {
    /// The relations that the evaluation must not leave out.
    ///
    /// # Errors
    /// `E0551` if the provenance has no quotient.
    pub(crate) fn targets(&self) -> Result<Vec<RelationId>, Diagnostic> {
        let evidence = || self.outputs.iter().flat_map(|(_, _, evidence)| evidence);
        check(self.provenance, evidence().next())?;
        Ok(evidence().map(|evidence| evidence.relation).collect())
    }

    /// The tags of an evaluation without a trace, where every row holds.
    ///
    /// # Errors
    /// `E0550` if the evidence does not hold.
    pub(crate) fn plain(&self, tables: &[Table]) -> Result<Tags> {
        let rows = |relation: RelationId| tables.get(relation.index());
        let mut tags = Tags::default();
        for (name, relation, evidence) in &self.outputs {
            let holds = |evidence: &Evidence, row: &[Word]| {
                rows(evidence.relation).is_some_and(|table| table.find(row).is_some())
            };
            for evidence in evidence {
                if is_shared(self.plan, *evidence) && !holds(evidence, &[]) {
                    return Err(self.session.error(vec![impossible(evidence.span)]));
                }
            }
            let own: Vec<&Evidence> = evidence
                .iter()
                .filter(|evidence| !is_shared(self.plan, **evidence))
                .collect();
            let table = rows(*relation).into_iter().flat_map(Table::rows);
            let tag = |row: &[Word]| f64::from(u8::from(own.iter().all(|own| holds(own, row))));
            let found = Tagged {
                tags: table.map(tag).collect(),
                bounds: None,
            };
            tags.insert(name.clone(), found);
        }
        Ok(tags)
    }

    /// The tags of an evaluation with a trace, from one circuit for all outputs and their evidence. `weights` are
    /// those of the leaves.
    ///
    /// # Errors
    /// `E0550` if the evidence of an output has probability 0, and those of the compilation.
    pub(crate) fn traced(
        &self,
        evaluation: &Evaluation,
        trace: &mut Trace,
        inference: Inference,
        weights: &[f64],
        warnings: &mut Vec<Diagnostic>,
    ) -> Result<Tags> {
        let mut conditioner = Conditioner::new(self.plan, evaluation, trace);
        let mut wanted = Wanted::default();
        let mut asked = Vec::new();
        for (name, relation, evidence) in &self.outputs {
            let shared = conditioner.given(evidence, None);
            let span = place(self.plan, evidence);
            let mut rows = Vec::new();
            let table = evaluation.tables.get(relation.index());
            for (number, row) in (0..).zip(table.into_iter().flat_map(Table::rows)) {
                let given = conditioner.given(evidence, Some(row));
                let answer = evaluation.tuple(*relation, number);
                let joint = answer.and_then(|answer| conditioner.joint(answer, given));
                rows.push((wanted.of_joint(joint), wanted.of(given)));
            }
            asked.push((name, span, wanted.of(shared), rows));
        }
        let session = self.session;
        let circuit = nsdl_circuit::compile(
            trace,
            &wanted.tuples,
            inference,
            &session.budget,
            session.cancel.as_deref(),
        )
        .map_err(|d| session.error(vec![d]))?;
        let mut values = vec![0.0; wanted.tuples.len()];
        let mut tape = Tape::default();
        circuit.forward(weights, 1, &mut tape, &mut values);
        warnings.extend(approximations(inference, tape.truncated(), tape.residual()));
        let (mut lower, mut upper) = (values.clone(), values.clone());
        let open = circuit.bounds(1, &tape, &mut lower, &mut upper);
        if open {
            warnings.push(open_answers(circuit.open().len(), wanted.tuples.len()));
        }
        let mut tags = Tags::default();
        for (name, span, shared, rows) in asked {
            if shared.value(&upper) <= 0.0 {
                return Err(session.error(vec![impossible(span)]));
            }
            let tag = |(joint, given): &(Value, Value)| {
                quotient(joint.value(&values), given.value(&values), 0.0)
            };
            let around = |(joint, given): &(Value, Value)| {
                let least = quotient(joint.value(&lower), given.value(&upper), 0.0);
                let most = match given.value(&upper) > 0.0 {
                    true => quotient(joint.value(&upper), given.value(&lower), 1.0),
                    false => 0.0,
                };
                [least, most.min(1.0)]
            };
            let found = Tagged {
                tags: rows.iter().map(tag).collect(),
                bounds: open.then(|| rows.iter().map(around).collect()),
            };
            tags.insert(name.clone(), found);
        }
        Ok(tags)
    }
}

/// `joint / given`, or `otherwise` by 0.
fn quotient(joint: f64, given: f64, otherwise: f64) -> f64 {
    match given > 0.0 {
        true => joint / given,
        false => otherwise,
    }
}

/// The tuples that a circuit is compiled for, each once.
#[derive(Default)]
struct Wanted {
    tuples: Vec<TupleId>,
    numbers: FxHashMap<TupleId, usize>,
}

/// A number, or an output of the circuit.
#[derive(Clone, Copy)]
enum Value {
    Constant(f64),
    Output(usize),
}

impl Wanted {
    fn of(&mut self, given: Given) -> Value {
        match given {
            Given::Always => Value::Constant(1.0),
            Given::Never => Value::Constant(0.0),
            Given::If(tuple) => self.of_joint(Some(tuple)),
        }
    }

    fn of_joint(&mut self, tuple: Option<TupleId>) -> Value {
        let Some(tuple) = tuple else {
            return Value::Constant(0.0);
        };
        let number = *self.numbers.entry(tuple).or_insert_with(|| {
            self.tuples.push(tuple);
            self.tuples.len() - 1
        });
        Value::Output(number)
    }
}

impl Value {
    fn value(self, outputs: &[f64]) -> f64 {
        match self {
            Value::Constant(value) => value,
            Value::Output(number) => outputs.get(number).copied().unwrap_or_default(),
        }
    }
}

/// Where to point at if the evidence that all answers share is impossible: the most particular.
fn place(plan: &Plan, evidence: &[Evidence]) -> Span {
    let mut shared = evidence.iter().filter(|it| is_shared(plan, **it));
    shared.next_back().map(|it| it.span).unwrap_or_default()
}

/// `E0550`
pub(crate) fn impossible(span: Span) -> Diagnostic {
    Diagnostic::error("E0550", "the evidence is impossible: its probability is 0")
        .label(span, "holds in no world")
        .note("given what is impossible, nothing has a probability")
        .help("query it by itself to see why, or leave it out")
}

/// `E0551` for provenances that have no quotient.
pub(crate) fn check(provenance: Provenance, first: Option<&Evidence>) -> Result<(), Diagnostic> {
    let Some(first) = first else {
        return Ok(());
    };
    match provenance {
        Provenance::Unit
        | Provenance::Bool
        | Provenance::MinMaxProb
        | Provenance::TopKProofs { .. }
        | Provenance::TopBottomKClauses { .. }
        | Provenance::SampleKProofs { .. }
        | Provenance::Sample { .. }
        | Provenance::Exact
        | Provenance::Auto => Ok(()),
        _ => Err(Diagnostic::error(
            "E0551",
            format!("`{provenance}` cannot take evidence into account"),
        )
        .label(first.span, "this evidence")
        .note("its tags have no quotient P(answer and evidence) / P(evidence) that means anything")
        .help("choose `exact`, or `topkproofs` for an approximation")),
    }
}

impl Session {
    /// Conditions all answers on a formula, as `evidence` in a program does: on that it holds, or does not.
    ///
    /// ```
    /// use nsdl::{Program, Session, print};
    ///
    /// let program = Program::new("rel 0.5::rain()\nrel 0.1::sprinkler()\nrel wet() = rain() or sprinkler()\nquery rain")?;
    /// let mut session = Session::from(&program);
    /// session.add_evidence("wet()", true)?;
    /// assert_eq!(print::text(&session.run()?.relations[0]), "rain: {0.9090909090909091::()}");
    /// # Ok::<(), nsdl::Error>(())
    /// ```
    ///
    /// # Errors
    /// `E0863` if the text is no formula, and what is wrong with it beside the programs. That it is impossible only
    /// [`Session::run`] finds out.
    pub fn add_evidence(&mut self, formula: &str, holds: bool) -> Result<()> {
        let mut next = self.clone();
        next.add_evidence_unchecked(formula, holds)?;
        next.check()?;
        *self = next;
        Ok(())
    }

    /// Takes back all evidence from outside.
    ///
    /// # Errors
    /// None that [`Session::add_evidence`] has not reported.
    pub fn clear_evidence(&mut self) -> Result<()> {
        let mut next = self.clone();
        next.evidence.clear();
        next.check()?;
        *self = next;
        Ok(())
    }

    /// As [`Session::add_evidence`], without a look at the programs.
    pub(crate) fn add_evidence_unchecked(&mut self, formula: &str, holds: bool) -> Result<()> {
        let mut ast = self.parse("<evidence>", &format!("evidence {formula}"))?;
        let [item] = ast.items.as_mut_slice() else {
            return Err(self.error(vec![no_formula(formula)]));
        };
        let ItemKind::Evidence(evidence) = &mut item.kind else {
            return Err(self.error(vec![no_formula(formula)]));
        };
        if !holds {
            let span = evidence.span();
            let formula = Box::new(std::mem::replace(evidence, Formula::And(Vec::new())));
            *evidence = Formula::Not { formula, span };
        }
        self.evidence.push(Arc::new(ast));
        Ok(())
    }
}

fn no_formula(text: &str) -> Diagnostic {
    Diagnostic::error("E0863", format!("`{text}` is no evidence")).help(
        "evidence is a formula as in the body of a rule, such as `john_calls() and not mary_calls()`",
    )
}
