//! Algebras of the host program: relations with tags of any type.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nsdl_circuit::Evaluated;
use nsdl_ir::{
    Diagnostic, Fact, LeafId, LeafSource, Plan, RelationId, Tag, Trace, TupleId, Type, Value,
};

use crate::algebra::Provenance as Algebra;
use crate::error::Result;
use crate::facts::relation_id;
use crate::numbers::Numbers;
use crate::relation::{order, values};
use crate::run::{Tracing, evaluate, outputs};
use crate::session::Session;
use crate::symbolic::without_shares;

/// What an algebra of the host program is asked to give a tag: a tagged fact, or an alternative of a tagged rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Tagged {
    /// The fact, as its relation and tuple; `None` for a rule.
    pub fact: Option<(String, Vec<Value>)>,
    /// For a fact from outside: its number, among all that [`Session::outside_facts`] counts.
    pub outside: Option<usize>,
    /// The number that stands before it; `None` for an alternative without one.
    pub number: Option<f64>,
}

/// A relation whose tags are those of an algebra of the host program.
#[derive(Clone, Debug, PartialEq)]
pub struct TaggedRelation<T> {
    /// Its name, or the canonical text of an atom query.
    pub name: String,
    /// Column types.
    pub types: Vec<Type>,
    /// Tags and tuples, ordered by tuple; a tuple that the algebra discards is not here.
    pub tuples: Vec<(T, Vec<Value>)>,
}

/// What [`Session::evaluate_with`] gives.
#[derive(Clone, Debug)]
pub struct TaggedOutcome<T> {
    /// The relations that were asked for, in order.
    pub relations: Vec<TaggedRelation<T>>,
    /// One warning a cause.
    pub warnings: Vec<Diagnostic>,
}

/// Facts, and the tags of those that have one.
type WithTags<T> = (Vec<Fact>, Vec<Option<T>>);

impl Session {
    /// Lets tags be any numbers, for [`Session::evaluate_with`] to read: those of programs and facts that are added
    /// from now on are not checked to be probabilities.
    pub fn set_any_number(&mut self, any_number: bool) {
        self.any_number = any_number;
    }

    /// How many facts from outside there are: the number of the next one ([`Tagged::outside`]).
    pub fn outside_facts(&self) -> usize {
        self.facts.rows()
    }

    /// Evaluates the programs over the facts under an algebra of the host program: the queries, or all relations that
    /// are not hidden, as [`Session::run`] does.
    ///
    /// `tag` is asked for each tagged fact and alternative of a tagged rule; what has no tag is `one`. An algebra
    /// without a complement ([`Algebra::has_complement`]) is evaluated in the world of all facts that it does
    /// not discard. The results are not kept: [`Session::relation`] knows nothing of them, and `@file` writes nothing.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use nsdl::algebra::{Natural, Provenance};
    /// use nsdl::{Extended, Session};
    ///
    /// let mut session = Session::new();
    /// session.set_any_number(true);
    /// session.add_program("bag.dl", "rel 3::item(\"a\")\nrel item(\"b\")\nrel pair(x, y) = item(x), item(y)\nquery pair")?;
    /// let outcome = session.evaluate_with(Arc::new(Natural), |tagged| {
    ///     tagged.number.and_then(Extended::from_f64).unwrap_or(Natural.one())
    /// })?;
    /// let counts: Vec<Extended> = outcome.relations[0].tuples.iter().map(|(tag, _)| *tag).collect();
    /// assert_eq!(counts, [9, 3, 3, 1].map(Extended::Finite));
    /// # Ok::<(), nsdl::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Session::run`]; `E0541` if the algebra fails ([`Algebra::failure`]).
    pub fn evaluate_with<A>(
        &self,
        algebra: Arc<A>,
        tag: impl Fn(&Tagged) -> A::Tag + Send + Sync + 'static,
    ) -> Result<TaggedOutcome<A::Tag>>
    where
        A: Algebra + Send + Sync + 'static,
        A::Tag: Send + Sync,
    {
        let plan = self.query_plan();
        let outputs = outputs(&plan);
        self.tagged(&plan, outputs, algebra, Arc::new(tag))
    }

    /// As [`Session::evaluate_with`] for one relation, queried or not.
    ///
    /// # Errors
    /// As there, and `E0201` for an unknown name.
    pub fn relation_with<A>(
        &self,
        name: &str,
        algebra: Arc<A>,
        tag: impl Fn(&Tagged) -> A::Tag + Send + Sync + 'static,
    ) -> Result<TaggedOutcome<A::Tag>>
    where
        A: Algebra + Send + Sync + 'static,
        A::Tag: Send + Sync,
    {
        let plan = self.checked_plan();
        let query = outputs(&plan).into_iter().find(|(own, _)| own == name);
        let found = query.map(|(_, id)| id).or_else(|| relation_id(&plan, name));
        let id = found.ok_or_else(|| self.error(vec![self.unknown_relation(name)]))?;
        self.tagged(&plan, vec![(name.to_owned(), id)], algebra, Arc::new(tag))
    }

    fn tagged<A>(
        &self,
        plan: &Plan,
        outputs: Vec<(String, RelationId)>,
        algebra: Arc<A>,
        tag: Arc<AskTag<A::Tag>>,
    ) -> Result<TaggedOutcome<A::Tag>>
    where
        A: Algebra + Send + Sync + 'static,
        A::Tag: Send + Sync,
    {
        let failed = |d| self.error(vec![d]);
        self.check_numbers(match self.any_number {
            true => Numbers::Any,
            false => Numbers::Probabilities,
        })?;
        let (facts, tags) = self.tagged_facts(plan, &*algebra, &*tag)?;
        let one_world = !algebra.has_complement();
        let leaves = Arc::new(Leaves {
            algebra: algebra.clone(),
            tags,
            tag,
            cancel: self.cancel.clone(),
        });
        let tracing = Tracing {
            carry: None,
            trace: true,
            marginals: Some(leaves.clone()),
            any_number: true,
            // No weight equals it: rules apply whatever their tags are.
            one_world: one_world.then_some(f64::NAN),
            base: None,
        };
        let targets = outputs.iter().map(|&(_, id)| id).collect();
        let mut evaluation = evaluate(self, plan, &facts, targets, tracing)?;
        let trace = evaluation.trace.take().unwrap_or_default();
        let mut tuples: Vec<TupleId> = Vec::new();
        for &(_, id) in &outputs {
            let rows = evaluation
                .tables
                .get(id.index())
                .map_or(0, |table| table.len());
            tuples.extend((0..rows as u32).filter_map(|row| evaluation.tuple(id, row)));
        }
        let found = leaves.evaluate(&trace, &tuples).map_err(failed)?;
        let mut warnings = self.warnings().to_vec();
        warnings.extend(crate::failure::warnings(&evaluation.failures).0);
        warnings.extend(unsettled(found.unsettled));
        let mut tags = found.tags.into_iter();
        let relations = outputs.into_iter().map(|(name, id)| {
            let table = evaluation.tables.get(id.index());
            let types = plan
                .relations
                .get(id.index())
                .map_or(&[][..], |it| &it.columns);
            let rows: Vec<_> = table.into_iter().flat_map(|table| table.rows()).collect();
            let mut own: Vec<Option<A::Tag>> = tags.by_ref().take(rows.len()).map(Some).collect();
            let sorted = order(types, rows.iter().copied(), &self.symbols).into_iter();
            let tuples = sorted.filter_map(|row| {
                let tag = own.get_mut(row as usize)?.take()?;
                let row = rows.get(row as usize)?;
                (!algebra.discard(&tag)).then(|| (tag, values(types, row, &self.symbols)))
            });
            TaggedRelation {
                tuples: tuples.collect(),
                name,
                types: types.to_vec(),
            }
        });
        let relations = relations.collect();
        match algebra.failure() {
            None => Ok(TaggedOutcome {
                relations,
                warnings,
            }),
            Some(failure) => Err(failed(Diagnostic::error("E0541", failure))),
        }
    }

    /// All facts, and the tags of those that have one. Without a complement, what is discarded is not there.
    fn tagged_facts<A: Algebra>(
        &self,
        plan: &Plan,
        algebra: &A,
        tag: &AskTag<A::Tag>,
    ) -> Result<WithTags<A::Tag>> {
        let failed = |d| self.error(vec![d]);
        let mut facts = plan.facts.clone();
        let written = facts.len();
        self.facts
            .append(plan, &self.symbols, &mut facts)
            .map_err(failed)?;
        without_shares(&mut facts);
        let asked = |(number, fact): (usize, Fact)| {
            if fact.tag == Tag::Certain {
                return (fact, None);
            }
            let relation = plan.relations.get(fact.relation.index());
            let types = relation.map_or(&[][..], |relation| &relation.columns);
            let name = relation.map_or_else(String::new, |relation| relation.name.clone());
            let tag = tag(&Tagged {
                fact: Some((name, values(types, &fact.row, &self.symbols))),
                outside: number.checked_sub(written),
                number: fact.tag.given().filter(|number| !number.is_nan()),
            });
            (fact, Some(tag))
        };
        let one_world = !algebra.has_complement();
        let is_there = |tag: &Option<A::Tag>| {
            !one_world || tag.as_ref().is_none_or(|tag| !algebra.discard(tag))
        };
        let tagged = facts.into_iter().enumerate().map(asked);
        let kept = tagged.filter(|(_, tag)| is_there(tag)).unzip();
        match algebra.failure() {
            None => Ok(kept),
            Some(failure) => Err(failed(Diagnostic::error("E0541", failure))),
        }
    }
}

type AskTag<T> = dyn Fn(&Tagged) -> T + Send + Sync;

/// The tags of the leaves of a trace, and what follows from them.
struct Leaves<A: Algebra> {
    algebra: Arc<A>,
    /// By fact.
    tags: Vec<Option<A::Tag>>,
    tag: Arc<AskTag<A::Tag>>,
    cancel: Option<Arc<AtomicBool>>,
}

impl<A: Algebra> Leaves<A> {
    fn evaluate(
        &self,
        trace: &Trace,
        tuples: &[TupleId],
    ) -> std::result::Result<Evaluated<A::Tag>, Diagnostic> {
        let leaf = |id: LeafId| self.leaf(trace, id);
        let cancel = self.cancel.as_deref();
        nsdl_circuit::evaluate(trace, tuples, &*self.algebra, leaf, cancel)
    }

    fn leaf(&self, trace: &Trace, id: LeafId) -> A::Tag {
        let leaf = trace.leaves.get(id.index());
        let found = leaf.and_then(|leaf| match leaf.source {
            LeafSource::Fact(number) => self.tags.get(number as usize).cloned().flatten(),
            // What these choose among is probabilities.
            LeafSource::Aggregate(_) => None,
            LeafSource::Rule(_) | LeafSource::Foreign(_) => Some((self.tag)(&Tagged {
                fact: None,
                outside: None,
                number: Some(leaf.weight).filter(|number| !number.is_nan()),
            })),
        });
        found.unwrap_or_else(|| self.algebra.one())
    }
}

impl<A: Algebra> fmt::Debug for Leaves<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tags of an algebra of the host program")
    }
}

impl<A> nsdl_eval::Marginals for Leaves<A>
where
    A: Algebra + Send + Sync,
    A::Tag: Send + Sync,
{
    fn marginals(
        &self,
        trace: &Trace,
        tuples: &[TupleId],
    ) -> std::result::Result<Vec<f64>, Diagnostic> {
        let tags = self.evaluate(trace, tuples)?.tags;
        Ok(tags.iter().map(|tag| self.algebra.weight(tag)).collect())
    }
}

/// `W0603` for cycles that were given up.
fn unsettled(tags: usize) -> Option<Diagnostic> {
    let message = format!("cycles did not settle: {tags} tags still changed");
    let warning = Diagnostic::warning("W0603", message)
        .note("an algebra that is not idempotent is iterated on cycles, at most 1,000 times")
        .help("let `saturated` be true for a change that is small enough");
    (tags > 0).then_some(warning)
}
