//! Strata, each to its least fixpoint by semi-naive evaluation.
//!
//! Round 0 of a stratum runs every rule over the rows there are; each further round runs, for each atom
//! over the stratum itself, the rule with that atom over the rows of the last round, atoms before it over
//! older rows and atoms after it over all rows. Rows derived in a round are seen from the next one on, so
//! each instance comes exactly once.

use std::mem;
use std::sync::Arc;

use nsdl_functions::Registry;
use nsdl_ir::{
    AggregateId, Diagnostic, Fact, Plan, RelationId, Stratum, Symbols, Tag, TupleId, Word,
};

use crate::aggregate::{Input, Traced, weights};
use crate::call::supplied;
use crate::expr::Sites;
use crate::extents::Extents;
use crate::failure::Failures;
use crate::foreign::Results;
use crate::index::Indexes;
use crate::join::{self, Frozen};
use crate::keyed::Keyed;
use crate::limits::{Budget, Stop};
use crate::members::Fresh;
use crate::order::{Compiler, Order};
use crate::plain::Plain;
use crate::scope::needed_relations;
use crate::table::{Rows, Table};
use crate::trace::{Record, Recorder};
use crate::{Evaluation, Marginals, Options};

pub(crate) struct Engine<'a> {
    plan: &'a Plan,
    symbols: &'a Symbols,
    needed: Vec<bool>,
    stop_at: Option<RelationId>,
    budget: Budget,
    compiler: Compiler,
    /// Per relation: the rows of earlier rounds, those of this one, and how many there were before the last.
    rows: Vec<Rows>,
    fresh: Vec<Fresh>,
    old: Vec<u32>,
    indexes: Indexes,
    /// Per relation, if it is keyed.
    keyed: Vec<Option<Keyed>>,
    /// Whether some derivation made a candidate better than one it came from: then cycles may go on.
    improved: bool,
    extents: Extents,
    recorder: Option<Recorder>,
    marginals: Option<Arc<dyn Marginals>>,
    seed: u64,
    failures: Failures,
    results: Results,
    registry: Registry,
    rounds: usize,
    /// Rows of all relations, those of this round too.
    tuples: usize,
    /// Per rule, how much it has derived.
    derived: Vec<usize>,
}

impl<'a> Engine<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        symbols: &'a Symbols,
        facts: &[Fact],
        options: &Options,
    ) -> Result<Self, Diagnostic> {
        let mut sites = Sites::new(options.registry.clone());
        let needed = needed_relations(plan, options.targets.as_deref());
        supplied(plan, &needed, &options.registry)?;
        let recorder = options
            .trace
            .then(|| Recorder::new(plan, facts, &mut sites));
        let arities = || plan.relations.iter().map(|relation| relation.columns.len());
        Ok(Self {
            plan,
            symbols,
            results: Results::new(plan, &options.registry),
            registry: options.registry.clone(),
            needed,
            stop_at: options.stop_at,
            budget: Budget {
                limits: options.limits.clone(),
                cancel: options.cancel.clone(),
            },
            compiler: Compiler {
                trace: options.trace,
                keyed: plan
                    .relations
                    .iter()
                    .map(|relation| relation.keep.is_some())
                    .collect(),
                sites,
            },
            rows: arities().map(Rows::new).collect(),
            fresh: arities()
                .map(|arity| Fresh::new(arity, options.trace))
                .collect(),
            old: vec![0; plan.relations.len()],
            indexes: Indexes::default(),
            keyed: plan.relations.iter().map(Keyed::of).collect(),
            improved: false,
            extents: Extents::new(plan),
            recorder,
            marginals: options.marginals.clone(),
            seed: options.seed,
            failures: Failures::default(),
            rounds: 0,
            tuples: 0,
            derived: vec![0; plan.rules.len()],
        })
    }

    pub(crate) fn run(mut self, facts: &[Fact]) -> Result<Evaluation, Diagnostic> {
        let plan = self.plan;
        let outcome = self.load(facts).and_then(|()| {
            let needed = |stratum: &&Stratum| {
                stratum
                    .relations
                    .iter()
                    .any(|relation| self.needed[relation.index()])
            };
            let strata: Vec<&Stratum> = plan.strata.iter().filter(needed).collect();
            strata
                .into_iter()
                .try_for_each(|stratum| match self.done() {
                    true => Ok(()),
                    false => self.stratum(stratum),
                })
        });
        if let Err(stop) = outcome {
            let most = self
                .derived
                .iter()
                .enumerate()
                .max_by_key(|&(rule, &count)| (count, usize::MAX - rule));
            let rule = most.filter(|(_, count)| **count > 0).map(|(rule, _)| rule);
            return Err(stop.diagnostic(plan, &self.budget.limits, rule));
        }
        let members = self.fresh.into_iter().map(|fresh| fresh.members);
        let mut tables: Vec<Table> = self
            .rows
            .into_iter()
            .zip(members)
            .map(|(rows, members)| Table::new(rows, members))
            .collect();
        for (relation, table) in self.results.into_tables() {
            tables[relation] = table;
        }
        let (trace, tuples) = self
            .recorder
            .map(|recorder| (recorder.trace, recorder.tuples))
            .unzip();
        Ok(Evaluation {
            tables,
            trace,
            failures: self.failures.finish(self.symbols),
            rounds: self.rounds,
            tuples: tuples.unwrap_or_default(),
        })
    }

    fn load(&mut self, facts: &[Fact]) -> Result<(), Stop> {
        for (number, fact) in facts.iter().enumerate() {
            let relation = fact.relation.index();
            self.terms(relation, &fact.row);
            if !self.needed[relation] {
                continue;
            }
            if let Some(keyed) = &mut self.keyed[relation] {
                let beats = self.recorder.is_none() || fact.tag == Tag::Certain;
                let ties = self.recorder.is_some();
                if !keyed.admit(&fact.row, beats, ties, self.symbols) {
                    continue;
                }
            }
            match &mut self.recorder {
                None => {
                    self.fresh[relation].insert(&self.rows[relation], &fact.row);
                }
                Some(recorder) => {
                    let (row, new) = self.fresh[relation].intern(&self.rows[relation], &fact.row);
                    let tuple = match recorder.tuples[relation].get(row as usize) {
                        Some(tuple) if !new => *tuple,
                        _ => recorder.add_tuple(relation, row, false),
                    };
                    recorder.add_fact(number, tuple);
                }
            }
        }
        for relation in 0..self.rows.len() {
            self.commit(relation);
        }
        self.tuples = self.rows.iter().map(Rows::len).sum();
        self.check()
    }

    /// Puts the terms in a row into their extents.
    fn terms(&mut self, relation: usize, row: &[Word]) {
        if self.extents.is_empty() {
            return;
        }
        let (fresh, rows, recorder) = (&mut self.fresh, &self.rows, &mut self.recorder);
        let (needed, tuples) = (&self.needed, &mut self.tuples);
        let add = &mut |extent: usize, row: &[Word]| {
            let new = match recorder {
                _ if !needed[extent] => false,
                None => fresh[extent].insert(&rows[extent], row),
                Some(recorder) => {
                    let (row, new) = fresh[extent].intern(&rows[extent], row);
                    if new {
                        recorder.add_tuple(extent, row, true);
                    }
                    new
                }
            };
            *tuples += usize::from(new);
        };
        self.extents
            .visit(self.plan, relation, row, self.symbols, add);
    }

    /// Makes the new rows of a relation those of the last round; true if there are any.
    fn commit(&mut self, relation: usize) -> bool {
        let rows = &mut self.rows[relation];
        self.old[relation] = rows.len() as u32;
        rows.append(&mut self.fresh[relation].rows);
        rows.len() as u32 > self.old[relation]
    }

    /// Whether the goal is reached.
    fn done(&self) -> bool {
        self.stop_at
            .is_some_and(|relation| !self.rows[relation.index()].is_empty())
    }

    fn check(&self) -> Result<(), Stop> {
        self.budget.check(
            self.tuples,
            self.recorder.as_ref().map_or(0, Recorder::size),
        )
    }

    fn stratum(&mut self, stratum: &Stratum) -> Result<(), Stop> {
        let first_instance = self
            .recorder
            .as_ref()
            .map_or(0, |recorder| recorder.trace.instances.len());
        for &aggregate in &stratum.aggregates {
            self.aggregate(aggregate)?;
        }
        // Rules of earlier strata may have made terms.
        for relation in &stratum.relations {
            if !self.fresh[relation.index()].rows.is_empty() {
                self.commit(relation.index());
            }
        }
        let plan = self.plan;
        let (mut first, mut later) = (Vec::new(), Vec::new());
        for number in stratum.rules.iter().map(|rule| rule.index()) {
            let rule = &plan.rules[number];
            first.push(self.compiler.order(number, rule, None, &mut self.indexes));
            for delta in &rule.deltas {
                later.push(
                    self.compiler
                        .order(number, rule, Some(delta), &mut self.indexes),
                );
            }
        }
        self.improved = false;
        let start = self.rounds;
        let mut changed = self.round(stratum, &first)?;
        while changed
            && !later.is_empty()
            && !self.done()
            && !self.is_beaten(stratum, self.rounds - start)
        {
            self.rounds += 1;
            if self.rounds > self.budget.limits.rounds {
                return Err(Stop::Rounds);
            }
            changed = self.round(stratum, &later)?;
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.settle(first_instance);
        }
        Ok(())
    }

    /// Whether whatever this round derives in a trace is beaten. Where no candidate is better than one it came
    /// from, the best ones have derivations in which no branch holds two candidates with the same key: those
    /// are no higher than there are keys, and other rows.
    fn is_beaten(&self, stratum: &Stratum, rounds: usize) -> bool {
        if self.recorder.is_none() || self.improved {
            return false;
        }
        let mut any = false;
        let rows = stratum.relations.iter().map(|relation| {
            let relation = relation.index();
            any |= self.keyed[relation].is_some();
            self.keyed[relation]
                .as_ref()
                .map_or(self.rows[relation].len(), Keyed::keys)
        });
        let bound: usize = rows.sum();
        any && rounds > bound
    }

    /// Runs some orders over the rows of earlier rounds; true if there are new rows.
    fn round(&mut self, stratum: &Stratum, orders: &[Order]) -> Result<bool, Stop> {
        for order in orders {
            if order
                .delta
                .is_none_or(|relation| (self.old[relation] as usize) < self.rows[relation].len())
            {
                self.rule(order)?;
            }
        }
        let mut changed = false;
        for relation in &stratum.relations {
            changed |= self.commit(relation.index());
        }
        Ok(changed)
    }

    fn rule(&mut self, order: &Order) -> Result<(), Stop> {
        for &(index, relation) in &order.indexes {
            self.indexes.extend(index, &self.rows[relation]);
        }
        let mut fresh = mem::take(&mut self.fresh[order.head]);
        let known = fresh.rows.len();
        let mut keyed = self.keyed[order.head].take();
        let before = self.tuples - known;
        let frozen = Frozen {
            rows: &self.rows,
            fresh: &self.fresh,
            indexes: &self.indexes,
            old: &self.old,
        };
        let old = &self.rows[order.head];
        let outcome = match &mut self.recorder {
            None => {
                let count = fresh.rows.len();
                let sink = Plain {
                    old,
                    fresh: &mut fresh,
                    before,
                    head: vec![0; old.arity()],
                    keyed: keyed.as_mut(),
                    symbols: self.symbols,
                };
                let outcome = join::run(
                    frozen,
                    order,
                    self.symbols,
                    &self.budget,
                    &mut self.failures,
                    &mut self.results,
                    sink,
                );
                self.derived[order.rule] += fresh.rows.len() - count;
                outcome
            }
            Some(recorder) => {
                let count = recorder.trace.instances.len();
                let sink = Record {
                    recorder,
                    old,
                    fresh: &mut fresh,
                    symbols: self.symbols,
                    head: order.head,
                    number: order.rule,
                    rule: &self.plan.rules[order.rule],
                    atoms: &order.atoms,
                    keyed: keyed.as_mut(),
                    improved: &mut self.improved,
                    rows: &self.rows,
                    others: &self.keyed,
                };
                let outcome = join::run(
                    frozen,
                    order,
                    self.symbols,
                    &self.budget,
                    &mut self.failures,
                    &mut self.results,
                    sink,
                );
                self.derived[order.rule] += recorder.trace.instances.len() - count;
                outcome
            }
        };
        self.tuples = before + fresh.rows.len();
        self.fresh[order.head] = fresh;
        self.keyed[order.head] = keyed;
        if self.extents.makes(order.rule) {
            for number in known..self.fresh[order.head].rows.len() {
                let row = self.fresh[order.head].rows.row(number as u32).to_vec();
                self.terms(order.head, &row);
            }
        }
        outcome
    }

    fn aggregate(&mut self, id: AggregateId) -> Result<(), Stop> {
        let aggregate = &self.plan.aggregates[id.index()];
        let (members, output) = (aggregate.members.index(), aggregate.output.index());
        let weights = match &self.recorder {
            Some(recorder) if aggregate.op.reads_weights() => {
                Some(weights(aggregate, recorder, self.marginals.as_deref())?)
            }
            _ => None,
        };
        let size = self.recorder.as_ref().map_or(0, Recorder::size);
        let mut fresh = mem::take(&mut self.fresh[output]);
        let input = Input {
            aggregate,
            id,
            types: &self.plan.relations[members].columns,
            symbols: self.symbols,
            members: &self.rows[members],
            groups: aggregate.groups.map(|groups| &self.rows[groups.index()]),
            weights: weights.as_deref(),
            seed: self.seed,
            steps: self.budget.limits.instances.saturating_sub(size),
            budget: &self.budget,
            registry: &self.registry,
        };
        let old = &self.rows[output];
        match &mut self.recorder {
            None => {
                for row in input.reduce(&mut self.failures)? {
                    fresh.insert(old, &row);
                }
            }
            Some(recorder) => {
                // The tuples it reads are of earlier strata: they do not change while results are added.
                let mut results = mem::take(&mut recorder.tuples[output]);
                let mut new: Vec<bool> = Vec::new();
                let first = recorder.trace.tuples.len();
                let traced = Traced {
                    input,
                    members: &recorder.tuples[members],
                    groups: aggregate
                        .groups
                        .map_or(&[][..], |groups| &recorder.tuples[groups.index()]),
                    certain: &recorder.trace.certain,
                };
                let mut derive = |row: &[u64], certain: bool| {
                    let (row, is_new) = fresh.intern(old, row);
                    if is_new {
                        results.push(TupleId::new(first + new.len()));
                        new.push(certain);
                    } else if let Some(flag) = results[row as usize].index().checked_sub(first) {
                        new[flag] |= certain;
                    }
                    results[row as usize]
                };
                let found = traced.run(&mut derive, &mut self.failures)?;
                recorder.tuples[output] = Vec::with_capacity(results.len());
                let known = results.len() - new.len();
                recorder.tuples[output].extend_from_slice(&results[..known]);
                for (offset, certain) in new.into_iter().enumerate() {
                    recorder.add_tuple(output, (known + offset) as u32, certain);
                }
                recorder.add_aggregate(id, found);
            }
        }
        self.tuples += fresh.rows.len();
        self.fresh[output] = fresh;
        self.commit(output);
        self.check()
    }
}
