//! Why a tuple holds: its most probable proofs, as facts.

mod text;

use std::cell::OnceCell;
use std::fmt;

use nsdl_circuit::{Inference, Tape};
use nsdl_ir::{
    Evidence, Fact, GroupId, LeafId, LeafSource, Plan, RelationId, Symbols, Tag, Trace, TupleId,
    Type, Value, Word,
};

use crate::batch::{arity_mismatch, misfit};
use crate::convert::{Misfit, convert};
use crate::error::Result;
use crate::evidence::{Conditioner, Given};
use crate::facts::relation_id;
use crate::marginals::Marginals;
use crate::numbers::Numbers;
use crate::print::format_tuple;
use crate::provenance::Provenance;
use crate::run::{Tracing, evaluate, inference};
use crate::session::Session;
use crate::text::Texts;

/// One proof of a tuple; prints as `0.42: digit_1(3) [0.6], digit_2(4) [0.7]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The probability that all its reasons hold.
    pub probability: f64,
    /// The uncertain facts and rules it uses. For a tuple that holds in every world: all facts it uses.
    pub reasons: Vec<Reason>,
}

/// A fact, or one use of a tagged rule, in a proof.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// The fact as text; for a rule its text and what it derives.
    pub text: String,
    /// Its probability, that of its absence if `negated`; `None` if it is certain.
    pub probability: Option<f64>,
    /// Whether the proof needs it to be absent.
    pub negated: bool,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.4}: ", self.probability)?;
        if self.reasons.is_empty() {
            f.write_str("nothing uncertain is needed")?;
        }
        for (i, reason) in self.reasons.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{reason}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_str("not ")?;
        }
        f.write_str(&self.text)?;
        match self.probability {
            Some(p) => write!(f, " [{p:.4}]"),
            None => Ok(()),
        }
    }
}

/// What proofs are told in terms of.
pub(crate) struct Story<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) trace: &'a Trace,
    /// In the order the evaluation was given them.
    pub(crate) facts: &'a [Fact],
    /// A row of a relation, by number.
    pub(crate) row: &'a dyn Fn(TupleId) -> Vec<Word>,
    pub(crate) symbols: &'a Symbols,
    pub(crate) texts: &'a Texts,
    /// What each leaf derives, once it is asked for.
    pub(crate) heads: OnceCell<Vec<Option<TupleId>>>,
}

impl Story<'_> {
    /// The `k` most probable proofs of a tuple.
    pub(crate) fn explain(
        &self,
        tuple: TupleId,
        k: usize,
        weights: &[f64],
    ) -> Result<Vec<Explanation>, nsdl_ir::Diagnostic> {
        let found = nsdl_circuit::proofs(self.trace, tuple, k, weights)?.into_iter();
        let told = found
            .filter(|proof| proof.probability > 0.0)
            .map(|proof| Explanation {
                probability: proof.probability,
                reasons: proof
                    .literals
                    .iter()
                    .map(|literal| {
                        let weight = weights
                            .get(literal.leaf.index())
                            .copied()
                            .unwrap_or_default();
                        let (text, certain) = self.leaf(literal.leaf);
                        Reason {
                            text,
                            probability: (!certain).then_some(if literal.negated {
                                1.0 - weight
                            } else {
                                weight
                            }),
                            negated: literal.negated,
                        }
                    })
                    .collect(),
            });
        Ok(told.collect())
    }

    /// The most probable world in which a tuple holds.
    pub(crate) fn world(
        &self,
        tuple: TupleId,
        weights: &[f64],
        session: &Session,
    ) -> Result<Option<Explanation>, nsdl_ir::Diagnostic> {
        let found = nsdl_circuit::most_probable_world(
            self.trace,
            tuple,
            weights,
            &session.budget,
            session.cancel.as_deref(),
        )?;
        Ok(found.map(|world| Explanation {
            probability: world.probability,
            reasons: world
                .choices
                .iter()
                .flat_map(|&(group, chosen)| self.choice(group, chosen, weights))
                .collect(),
        }))
    }

    /// What holds of a random variable, or, if nothing does, what does not.
    fn choice(&self, group: GroupId, chosen: Option<LeafId>, weights: &[f64]) -> Vec<Reason> {
        let leaves = match (chosen, self.trace.groups.get(group.index())) {
            (Some(leaf), _) => leaf.0..leaf.0 + 1,
            (None, Some(group)) => group.start..group.end,
            (None, None) => 0..0,
        };
        let reasons = leaves.map(|leaf| {
            let weight = weights.get(leaf as usize).copied().unwrap_or_default();
            let (text, certain) = self.leaf(LeafId(leaf));
            let weight = if chosen.is_some() {
                weight
            } else {
                1.0 - weight
            };
            Reason {
                text,
                probability: (!certain).then_some(weight),
                negated: chosen.is_none(),
            }
        });
        reasons.collect()
    }

    /// The text of a leaf, and whether it stands for a fact that is certain.
    pub(crate) fn leaf(&self, leaf: LeafId) -> (String, bool) {
        match self.trace.leaves.get(leaf.index()).map(|leaf| leaf.source) {
            Some(LeafSource::Fact(number)) => match self.facts.get(number as usize) {
                Some(fact) => (
                    self.atom(fact.relation.index(), &fact.row),
                    fact.tag == Tag::Certain,
                ),
                None => (String::new(), false),
            },
            Some(LeafSource::Rule(rule)) => {
                let rule = self.plan.rules.get(rule.index());
                let text = rule
                    .and_then(|rule| self.texts.snippet(rule.span))
                    .unwrap_or_default();
                let text = text.strip_prefix("rel ").unwrap_or(&text);
                let head = self
                    .head(leaf)
                    .and_then(|head| {
                        let (relation, _) = self.trace.tuples.get(head.index())?;
                        Some(self.atom(relation.index(), &(self.row)(head)))
                    })
                    .unwrap_or_default();
                (format!("rule `{text}` for {head}"), false)
            }
            Some(LeafSource::Foreign(relation)) => {
                let head = self.head(leaf).map(|head| (self.row)(head));
                let row = head.unwrap_or_default();
                (self.atom(relation.index(), &row), false)
            }
            Some(LeafSource::Aggregate(aggregate)) => {
                let aggregate = self.plan.aggregates.get(aggregate.index());
                let text = aggregate
                    .and_then(|aggregate| self.texts.snippet(aggregate.span))
                    .unwrap_or_default();
                let result = self.head(leaf).and_then(|head| {
                    let (relation, _) = self.trace.tuples.get(head.index())?;
                    Some(format_tuple(
                        &self.values(relation.index(), &(self.row)(head)),
                    ))
                });
                let result = result.unwrap_or_default();
                (format!("`{text}` for {result}"), false)
            }
            None => (String::new(), false),
        }
    }

    /// What an alternative of a rule or an aggregate derives.
    fn head(&self, leaf: LeafId) -> Option<TupleId> {
        let heads = self.heads.get_or_init(|| {
            let mut heads = vec![None; self.trace.leaves.len()];
            for instance in self.trace.instances.iter().rev() {
                if let Some(slot) = instance.leaf.and_then(|it| heads.get_mut(it.index())) {
                    *slot = Some(instance.head);
                }
            }
            heads
        });
        heads.get(leaf.index()).copied().flatten()
    }

    /// The values of a tuple.
    pub(crate) fn values_of(&self, tuple: TupleId) -> Vec<Value> {
        let place = self.trace.tuples.get(tuple.index());
        place.map_or_else(Vec::new, |(relation, _)| {
            self.values(relation.index(), &(self.row)(tuple))
        })
    }

    fn atom(&self, relation: usize, row: &[Word]) -> String {
        let Some(name) = self.plan.relations.get(relation).map(|it| &it.name) else {
            return String::new();
        };
        format!("{name}{}", format_tuple(&self.values(relation, row)))
    }

    fn values(&self, relation: usize, row: &[Word]) -> Vec<Value> {
        let columns = self
            .plan
            .relations
            .get(relation)
            .map(|it| it.columns.iter());
        let columns = columns.into_iter().flatten().zip(row);
        columns
            .map(|(&ty, &word)| Value::from_word(word, ty, self.symbols))
            .collect()
    }
}

/// The row of `types` that stands for `tuple`.
pub(crate) fn row(
    relation: &str,
    tuple: &[Value],
    types: &[Type],
    symbols: &Symbols,
) -> Result<Vec<Word>, nsdl_ir::Diagnostic> {
    if tuple.len() != types.len() {
        return Err(arity_mismatch(relation, types, tuple.len()));
    }
    let word = |(column, (value, &ty)): (usize, (&Value, &Type))| {
        convert(value, ty)
            .and_then(|v| v.to_word(symbols).ok_or(Misfit::NaN))
            .map_err(|why| misfit(relation, tuple, column, value, ty, why))
    };
    tuple.iter().zip(types).enumerate().map(word).collect()
}

/// Tells a story of a tuple under these weights, given evidence of this probability.
type Tell<'a, R> = &'a dyn Fn(&Story<'_>, TupleId, &[f64], f64) -> Result<R, nsdl_ir::Diagnostic>;

impl Session {
    /// The `k` most probable proofs of a tuple; none if it holds in no world.
    ///
    /// Proofs tell the uncertain facts and rules they use, or all facts if the tuple is certain. Costs an
    /// evaluation with a trace of what the relation needs, or two. For the text of a query with evidence, such as
    /// `path(0, _) | edge(0, 1)`, and where a program states evidence, they are proofs of answer and evidence
    /// together, with their probability given the evidence.
    ///
    /// # Errors
    /// `E0201` for an unknown relation, `E0202`, `E0301` and `E0501` for a tuple that does not fit it, `E06xx` as
    /// [`Session::run`].
    pub fn why(&self, relation: &str, tuple: &[Value], k: usize) -> Result<Vec<Explanation>> {
        let told = self.tell(relation, tuple, true, &|story, tuple, weights, share| {
            let mut found = story.explain(tuple, k, weights)?;
            found.iter_mut().for_each(|one| one.probability /= share);
            Ok(found)
        })?;
        Ok(told.unwrap_or_default())
    }

    /// The most probable world in which a tuple holds, and with it the evidence for it, if any: every uncertain choice that the tuple depends on, and how it
    /// came out; `None` if it holds in no world. What holds is told, what does not is negated.
    ///
    /// # Errors
    /// As [`Session::why`]; `E0620` if exact inference would need more than its budget.
    pub fn most_probable_world(
        &self,
        relation: &str,
        tuple: &[Value],
    ) -> Result<Option<Explanation>> {
        let told = self.tell(relation, tuple, false, &|story, tuple, weights, share| {
            let mut found = story.world(tuple, weights, self)?;
            found.iter_mut().for_each(|one| one.probability /= share);
            Ok(found)
        })?;
        Ok(told.flatten())
    }

    /// Tells a story of a tuple, unless no world holds it. With `certain`, one that holds in all worlds is told of with
    /// all its facts.
    fn tell<R>(
        &self,
        relation: &str,
        tuple: &[Value],
        certain: bool,
        tell: Tell<'_, R>,
    ) -> Result<Option<R>> {
        self.check_numbers(Numbers::Probabilities)?;
        let plan = self.checked_plan();
        if let Some(id) = relation_id(&plan, relation) {
            return self.tell_given((id, &plan.evidence), relation, tuple, certain, tell);
        }
        if self.is_relation_name(relation) {
            return Err(self.error(vec![self.unknown_relation(relation)]));
        }
        let mut next = self.clone();
        next.queries(vec![relation.to_owned()])?;
        let plan = next.checked_plan();
        let Some(query) = plan.queries.first() else {
            return Err(self.error(vec![self.unknown_relation(relation)]));
        };
        let evidence = crate::evidence::of(&plan, &query.name);
        next.tell_given((query.relation, &evidence), relation, tuple, certain, tell)
    }

    /// The same for the answers in a relation, given evidence.
    fn tell_given<R>(
        &self,
        (id, evidence): (RelationId, &[Evidence]),
        relation: &str,
        tuple: &[Value],
        certain: bool,
        tell: Tell<'_, R>,
    ) -> Result<Option<R>> {
        let plan = self.checked_plan();
        let mut targets = vec![id];
        targets.extend(evidence.iter().map(|evidence| evidence.relation));
        let types = plan
            .relations
            .get(id.index())
            .map_or(&[][..], |r| &r.columns);
        let words = row(relation, tuple, types, &self.symbols).map_err(|d| self.error(vec![d]))?;
        let mut facts = plan.facts.clone();
        self.facts
            .append(&plan, &self.symbols, &mut facts)
            .map_err(|d| self.error(vec![d]))?;
        let mut tagged = facts.clone();
        loop {
            let marginals = Marginals::new(self, self.chosen_provenance());
            let tracing = Tracing::worlds(Some(marginals));
            let mut evaluation = evaluate(self, &plan, &tagged, targets.clone(), tracing)?;
            let trace = evaluation.trace.take();
            let (Some(mut trace), Some(table)) = (trace, evaluation.tables.get(id.index())) else {
                return Ok(None);
            };
            let Some(at) = table.find(&words) else {
                return Ok(None);
            };
            let Some(tuple) = evaluation.tuple(id, at) else {
                return Ok(None);
            };
            let mut conditioner = Conditioner::new(&plan, &evaluation, &mut trace);
            let given = conditioner.given(evidence, Some(&words));
            let Some(tuple) = conditioner.joint(tuple, given) else {
                return Ok(None);
            };
            let trace = &trace;
            let only_certain = tagged.iter().any(|fact| fact.tag == Tag::Certain);
            let holds = trace.certain.get(tuple.index()).copied().unwrap_or(false);
            if holds && certain && only_certain {
                // Nothing uncertain is needed: then tell which of the certain facts are.
                for fact in tagged.iter_mut().filter(|fact| fact.tag == Tag::Certain) {
                    fact.tag = Tag::Independent(1.0);
                }
                continue;
            }
            let weights: Vec<f64> = trace.leaves.iter().map(|leaf| leaf.weight).collect();
            let row = |tuple: TupleId| {
                let place = trace.tuples.get(tuple.index());
                let row =
                    place.and_then(|&(r, row)| Some(evaluation.tables.get(r.index())?.row(row)));
                row.unwrap_or_default().to_vec()
            };
            let story = Story {
                plan: &plan,
                trace,
                facts: &facts,
                row: &row,
                symbols: &self.symbols,
                texts: &self.texts,
                heads: OnceCell::new(),
            };
            let share = match given {
                Given::If(evidence) => self.probability(trace, evidence, &weights)?,
                _ => 1.0,
            };
            let told = tell(&story, tuple, &weights, share);
            return told.map(Some).map_err(|d| self.error(vec![d]));
        }
    }

    /// The probability of a tuple, under the provenance in use if that has probabilities.
    fn probability(&self, trace: &Trace, tuple: TupleId, weights: &[f64]) -> Result<f64> {
        let inference = match self.chosen_provenance() {
            Provenance::Unit | Provenance::Bool => Inference::Exact,
            provenance => inference(provenance, self.seed()).unwrap_or(Inference::Exact),
        };
        let cancel = self.cancel.as_deref();
        let circuit = nsdl_circuit::compile(trace, &[tuple], inference, &self.budget, cancel)
            .map_err(|d| self.error(vec![d]))?;
        let mut value = [0.0];
        circuit.forward(weights, 1, &mut Tape::default(), &mut value);
        Ok(value[0])
    }
}
