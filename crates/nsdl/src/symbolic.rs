//! Provenances whose tags are no probabilities: counts, costs and proofs, from the trace as it stands.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nsdl_eval::Evaluation;
use nsdl_ir::{Diagnostic, Fact, LeafId, LeafSource, Plan, RelationId, Tag, Trace, TupleId, Word};
use nsdl_provenance::literals::{Variables, holds, leaf, negated};
use nsdl_provenance::{
    AllProofs, Extended, Lineage, Natural, Provenance as Algebra, RealTropical, Tropical, Why,
};

use rustc_hash::FxHashSet;

use crate::error::Result;
use crate::numbers::Numbers;
use crate::print::format_tuple;
use crate::provenance::Provenance;
use crate::relation::{OutputLiteral, OutputTag};
use crate::session::Session;
use crate::why::Story;

/// Whether it is one of them.
pub(crate) fn is_symbolic(provenance: Provenance) -> bool {
    provenance == Provenance::Proofs || one_world(provenance).is_some()
}

/// For a provenance without a complement, the number by which a tag says that something is not there: it is
/// evaluated in the one world of all that is there.
pub(crate) fn one_world(provenance: Provenance) -> Option<f64> {
    match provenance {
        Provenance::Natural | Provenance::Why | Provenance::Lineage => Some(0.0),
        Provenance::Tropical | Provenance::RealTropical => Some(f64::INFINITY),
        _ => None,
    }
}

/// The facts as a provenance takes them: without those that are not there; with a leaf of its own for each, certain
/// or not, where all facts are told of; and shares of alternatives only where they are probabilities.
pub(crate) fn prepare(provenance: Provenance, facts: &mut Vec<Fact>) {
    match provenance {
        Provenance::Bool => facts.retain(|fact| fact.tag.weight() > 0.0),
        Provenance::Why | Provenance::Lineage => {
            // The same tuple stated twice is one witness.
            let mut seen = FxHashSet::default();
            facts.retain(|fact| {
                fact.tag.weight() > 0.0 && seen.insert((fact.relation, fact.row.clone()))
            });
            for fact in facts {
                fact.tag = Tag::Independent(1.0);
            }
        }
        _ => {
            if let Some(absent) = one_world(provenance) {
                facts.retain(|fact| fact.tag.given() != Some(absent));
                without_shares(facts);
            }
        }
    }
}

/// Makes NaN of the weights of alternatives that have no tag.
pub(crate) fn without_shares(facts: &mut [Fact]) {
    for fact in facts {
        if let Tag::Share { group, .. } = fact.tag {
            let weight = f64::NAN;
            fact.tag = Tag::Exclusive { group, weight };
        }
    }
}

/// A tag whose literals are still numbers.
pub(crate) enum Found {
    Count(Extended),
    Cost(Extended),
    RealCost(f64),
    /// Literals are `2 · leaf`, and one more for absence.
    Proofs(Vec<Vec<u32>>),
}

/// The tags of some tuples, and what they weigh.
pub(crate) fn tags(
    trace: &Trace,
    tuples: &[TupleId],
    provenance: Provenance,
    cancel: Option<&AtomicBool>,
) -> Result<Vec<(Found, f64)>, Diagnostic> {
    fn run<A: Algebra>(
        trace: &Trace,
        tuples: &[TupleId],
        cancel: Option<&AtomicBool>,
        algebra: &A,
        leaf: impl Fn(&A, LeafId) -> A::Tag,
        found: impl Fn(A::Tag) -> Found,
    ) -> Result<Vec<(Found, f64)>, Diagnostic> {
        let leaf = |id: LeafId| leaf(algebra, id);
        let tags = nsdl_circuit::evaluate(trace, tuples, algebra, leaf, cancel)?.tags;
        let weighed = tags.into_iter().map(|tag| {
            let weight = algebra.weight(&tag);
            (found(tag), weight)
        });
        Ok(weighed.collect())
    }
    let number = |id: LeafId| number(trace, id);
    let natural = |id: LeafId, one| number(id).and_then(Extended::from_f64).unwrap_or(one);
    let is_fact = |id: LeafId| {
        let leaf = trace.leaves.get(id.index());
        leaf.is_some_and(|leaf| matches!(leaf.source, LeafSource::Fact(_)))
    };
    let sets = |sets: Vec<Vec<u32>>| {
        let literals = |set: Vec<u32>| set.into_iter().map(holds).collect();
        Found::Proofs(sets.into_iter().map(literals).collect())
    };
    match provenance {
        Provenance::Natural => {
            let leaf = |algebra: &Natural, id| natural(id, algebra.one());
            run(trace, tuples, cancel, &Natural, leaf, Found::Count)
        }
        Provenance::Tropical => {
            let leaf = |algebra: &Tropical, id| natural(id, algebra.one());
            run(trace, tuples, cancel, &Tropical, leaf, Found::Cost)
        }
        Provenance::RealTropical => {
            let leaf = |algebra: &RealTropical, id| number(id).unwrap_or(algebra.one());
            run(trace, tuples, cancel, &RealTropical, leaf, Found::RealCost)
        }
        Provenance::Why => {
            let leaf = |why: &Why, id: LeafId| match is_fact(id) {
                true => why.tag(id.0),
                false => why.one(),
            };
            run(trace, tuples, cancel, &Why::default(), leaf, sets)
        }
        Provenance::Lineage => {
            let leaf = |lineage: &Lineage, id: LeafId| match is_fact(id) {
                true => lineage.tag(id.0),
                false => lineage.one(),
            };
            let set = |set: Option<Vec<u32>>| sets(set.into_iter().collect());
            run(trace, tuples, cancel, &Lineage, leaf, set)
        }
        _ => {
            let groups = trace.leaves.iter().map(|leaf| leaf.group.0).collect();
            let algebra = AllProofs::new(Variables::new(groups), AllProofs::LIMIT);
            let leaf = |algebra: &AllProofs, id: LeafId| algebra.tag(id.0);
            run(trace, tuples, cancel, &algebra, leaf, Found::Proofs)
        }
    }
}

/// The number that was given for a leaf; `None` where none was, and for the random variables of aggregates, which mean
/// nothing but to probabilities.
fn number(trace: &Trace, id: LeafId) -> Option<f64> {
    let leaf = trace.leaves.get(id.index())?;
    let given = !leaf.weight.is_nan() && !matches!(leaf.source, LeafSource::Aggregate(_));
    given.then_some(leaf.weight)
}

/// `E0540` for tags that the provenance cannot read.
fn check(story: &Story<'_>, numbers: Numbers) -> Result<(), Diagnostic> {
    for id in (0..story.trace.leaves.len()).map(LeafId::new) {
        let Some(tag) = number(story.trace, id) else {
            continue;
        };
        numbers
            .check(tag, || format!("`{}`", story.leaf(id).0))
            .map_err(|error| {
                let source = story.trace.leaves.get(id.index()).map(|leaf| leaf.source);
                let span = match source {
                    Some(LeafSource::Fact(fact)) => {
                        story.facts.get(fact as usize).and_then(|fact| fact.span)
                    }
                    Some(LeafSource::Rule(rule)) => {
                        story.plan.rules.get(rule.index()).map(|rule| rule.span)
                    }
                    _ => None,
                };
                match span {
                    Some(span) => error.label(span, "this tag"),
                    None => error,
                }
            })?;
    }
    Ok(())
}

/// The tags of all rows of `relations`.
pub(crate) fn answers(
    session: &Session,
    plan: &Plan,
    facts: &[Fact],
    evaluation: &Evaluation,
    relations: &[RelationId],
    provenance: Provenance,
) -> Result<Vec<Option<Vec<OutputTag>>>> {
    let Some(trace) = &evaluation.trace else {
        return Ok(Vec::new());
    };
    let row = |tuple: TupleId| -> Vec<Word> {
        let place = trace.tuples.get(tuple.index());
        let row = place.and_then(|&(r, row)| Some(evaluation.tables.get(r.index())?.row(row)));
        row.unwrap_or_default().to_vec()
    };
    let story = Story {
        plan,
        trace,
        facts,
        row: &row,
        symbols: &session.symbols,
        texts: &session.texts,
        heads: OnceCell::new(),
    };
    let failed = |d| session.error(vec![d]);
    check(&story, provenance.numbers()).map_err(failed)?;
    let mut tuples = Vec::new();
    let mut wanted: Vec<usize> = relations.iter().map(|id| id.index()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    for &relation in &wanted {
        let rows = evaluation
            .tables
            .get(relation)
            .map_or(0, |table| table.len());
        let id = RelationId::new(relation);
        tuples.extend((0..rows as u32).filter_map(|row| evaluation.tuple(id, row)));
    }
    let found = tags(trace, &tuples, provenance, session.cancel.as_deref()).map_err(failed)?;
    let mut texts: Vec<Option<Arc<str>>> = vec![None; trace.leaves.len()];
    let mut answers = vec![None; evaluation.tables.len()];
    for (&tuple, (tag, _)) in tuples.iter().zip(found) {
        let Some(&(relation, _)) = trace.tuples.get(tuple.index()) else {
            continue;
        };
        let tag = match tag {
            Found::Count(Extended::Huge) | Found::Cost(Extended::Huge) => {
                return Err(failed(too_large(&story, tuple)));
            }
            Found::Count(n) => OutputTag::Count(n),
            Found::Cost(n) => OutputTag::Cost(n),
            Found::RealCost(cost) => OutputTag::RealCost(cost),
            Found::Proofs(proofs) => {
                let mut literal = |literal: u32| OutputLiteral {
                    text: text(&story, leaf(literal), &mut texts),
                    negated: negated(literal),
                };
                let proof = |proof: Vec<u32>| proof.into_iter().map(&mut literal).collect();
                OutputTag::Proofs(proofs.into_iter().map(proof).collect())
            }
        };
        if let Some(tags) = answers.get_mut(relation.index()) {
            tags.get_or_insert_with(Vec::new).push(tag);
        }
    }
    Ok(answers)
}

/// What a leaf is, told once.
fn text(story: &Story<'_>, leaf: u32, texts: &mut [Option<Arc<str>>]) -> Arc<str> {
    let told = || story.leaf(LeafId(leaf)).0.into();
    match texts.get_mut(leaf as usize) {
        Some(text) => text.get_or_insert_with(told).clone(),
        None => told(),
    }
}

/// `E0541`.
fn too_large(story: &Story<'_>, tuple: TupleId) -> Diagnostic {
    let relation = story
        .trace
        .tuples
        .get(tuple.index())
        .map(|(relation, _)| relation);
    let relation = relation.and_then(|id| story.plan.relations.get(id.index()));
    let name = relation.map_or("", |relation| &relation.name);
    let row = story.values_of(tuple);
    Diagnostic::error(
        "E0541",
        format!(
            "the tag of `{name}{}` does not fit 128 bits",
            format_tuple(&row)
        ),
    )
    .help("ask for fewer tuples, or use `bool` or `lineage`, whose tags stay small")
}
