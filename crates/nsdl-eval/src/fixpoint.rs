//! Strata, each to its least fixpoint by semi-naive evaluation.
//!
//! Round 0 of a stratum runs every rule over the rows there are; each further round runs, for each atom
//! over the stratum itself, the rule with that atom over the rows of the last round, atoms before it over
//! older rows and atoms after it over all rows. Rows derived in a round are seen from the next one on, so
//! each instance comes exactly once. Recursive strata with tags go another way, see `settle`.

mod aggregates;
mod rule;
mod settle;

use std::sync::Arc;
use std::time::Instant;

use nsdl_functions::Registry;
use nsdl_ir::{Diagnostic, Fact, Plan, RelationId, Stratum, Symbols, Tag, Word};

use crate::base::Base;
use crate::call::supplied;
use crate::carry::Carrier;
use crate::choice::Weights;
use crate::expr::Sites;
use crate::extents::Extents;
use crate::failure::Failures;
use crate::foreign::Results;
use crate::index::Indexes;
use crate::keyed::Keyed;
use crate::limits::{Budget, Stop};
use crate::members::Fresh;
use crate::order::{Compiler, Order};
use crate::scope::needed_relations;
use crate::table::{Rows, Table};
use crate::trace::Recorder;
use crate::uncertain::{carries, uncertain};
use crate::{Effort, Evaluation, Marginals, Options};

pub(crate) struct Engine<'a> {
    plan: &'a Plan,
    symbols: &'a Symbols,
    needed: Vec<bool>,
    stop_at: Option<RelationId>,
    iterations: usize,
    budget: Budget,
    compiler: Compiler,
    /// Per relation: the rows of earlier rounds, those of this one, and how many there were before the last.
    rows: Vec<Rows>,
    fresh: Vec<Fresh>,
    old: Vec<u32>,
    /// Per relation, what scans of [`Extent::Listed`](crate::order::Extent::Listed) range over, and, while rows are
    /// settled, all that were, in that order.
    listed: Vec<Vec<u32>>,
    settled: Vec<Option<Vec<u32>>>,
    indexes: Indexes,
    base: Option<Arc<Base>>,
    /// Per relation, if it is keyed.
    keyed: Vec<Option<Keyed>>,
    /// Whether some derivation made a candidate better than one it came from: then cycles may go on.
    improved: bool,
    extents: Extents,
    recorder: Option<Recorder>,
    /// The tags of rows, if they are carried.
    carrier: Option<Box<dyn Carrier>>,
    /// Per choice, its weights and whether they are constant; needed where tags are carried.
    choices: Vec<(Weights, bool)>,
    marginals: Option<Arc<dyn Marginals>>,
    seed: u64,
    failures: Failures,
    results: Results,
    registry: Registry,
    rounds: usize,
    /// How many instances joins met.
    met: usize,
    efforts: Vec<Effort>,
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
        let mut tagged = vec![false; plan.relations.len()];
        let mut carrier = None;
        if let Some(carry) = &options.carry {
            let found = uncertain(plan, &needed, facts);
            if options.base.is_none() && carries(plan, &needed, &found, carry.laws, options) {
                tagged = found;
                carrier = Some(carry.carrier(plan.relations.len(), facts));
            }
        }
        let choices = plan.choices.iter().enumerate();
        let choices: Vec<(Weights, bool)> = choices
            .map(|(number, choice)| {
                let weights = Weights::new(plan, number, choice, &mut sites);
                (weights, Weights::are_constant(choice))
            })
            .collect();
        let trace = options.trace && carrier.is_none();
        let recorder = trace.then(|| Recorder::new(plan, facts, options, &mut sites));
        let fresh = plan
            .relations
            .iter()
            .zip(&tagged)
            .map(|(relation, tagged)| Fresh::new(relation.columns.len(), trace || *tagged));
        let fresh = fresh.collect();
        let arities = || plan.relations.iter().map(|relation| relation.columns.len());
        Ok(Self {
            plan,
            symbols,
            results: Results::new(plan, &options.registry),
            registry: options.registry.clone(),
            needed,
            stop_at: options.stop_at,
            iterations: options.iterations.unwrap_or(usize::MAX),
            budget: Budget {
                limits: options.limits.clone(),
                cancel: options.cancel.clone(),
            },
            compiler: Compiler {
                trace,
                constant: choices.iter().map(|(_, constant)| *constant).collect(),
                keyed: plan
                    .relations
                    .iter()
                    .map(|relation| relation.keep.is_some())
                    .collect(),
                tagged,
                sites,
            },
            rows: arities().map(Rows::new).collect(),
            fresh,
            old: vec![0; plan.relations.len()],
            listed: vec![Vec::new(); plan.relations.len()],
            settled: vec![None; plan.relations.len()],
            indexes: options
                .base
                .as_ref()
                .map_or_else(Indexes::default, |it| it.indexes()),
            base: options.base.clone(),
            keyed: plan.relations.iter().map(Keyed::of).collect(),
            improved: false,
            extents: Extents::new(plan),
            recorder,
            carrier,
            choices,
            marginals: options.marginals.clone(),
            seed: options.seed,
            failures: Failures::default(),
            rounds: 0,
            met: 0,
            efforts: Vec::new(),
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
                    false => self.measured(stratum),
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
        if let Some(base) = &self.base {
            base.keep(&self.indexes);
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
        let truncated = self.carrier.as_ref().is_some_and(|it| it.truncated());
        let tags = self.carrier.map(|carrier| {
            let relations = 0..plan.relations.len();
            relations.map(|it| carrier.weights(it)).collect()
        });
        let (trace, tuples) = self
            .recorder
            .map(|recorder| (recorder.trace, recorder.tuples))
            .unzip();
        Ok(Evaluation {
            tables,
            trace,
            tags,
            truncated,
            failures: self.failures.finish(self.symbols),
            rounds: self.rounds,
            efforts: self.efforts,
            tuples: tuples.unwrap_or_default(),
        })
    }

    fn load(&mut self, facts: &[Fact]) -> Result<(), Stop> {
        let base = self.base.clone();
        for (relation, rows, fresh) in base.iter().flat_map(|base| base.relations()) {
            if !self.needed[relation] {
                continue;
            }
            self.rows[relation].clone_from(rows);
            self.fresh[relation].clone_from(fresh);
            if let Some(recorder) = &mut self.recorder {
                recorder.add_certain(relation, rows.len());
            }
        }
        for (number, fact) in facts.iter().enumerate() {
            let relation = fact.relation.index();
            self.terms(relation, &fact.row);
            if !self.needed[relation] {
                continue;
            }
            if let Some(keyed) = &mut self.keyed[relation] {
                let uncertain = self.recorder.as_ref().is_some_and(|it| !it.is_one_world());
                let beats = !uncertain || fact.tag == Tag::Certain;
                let ties = self.recorder.is_some();
                if !keyed.admit(&fact.row, beats, ties, self.symbols) {
                    continue;
                }
            }
            if let Some(carrier) = &mut self.carrier
                && self.compiler.tagged[relation]
            {
                let (row, _) = self.fresh[relation].intern(&self.rows[relation], &fact.row);
                carrier.fact(relation, row, number, fact.tag);
                continue;
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

    /// A stratum, and what it took.
    fn measured(&mut self, stratum: &Stratum) -> Result<(), Stop> {
        let (start, rounds, met) = (Instant::now(), self.rounds, self.met);
        self.stratum(stratum)?;
        let rows = stratum.relations.iter();
        self.efforts.push(Effort {
            relations: stratum.relations.clone(),
            rounds: self.rounds - rounds,
            rows: rows.map(|it| self.rows[it.index()].len()).sum(),
            instances: self.met - met,
            time: start.elapsed(),
        });
        Ok(())
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
        let tagged = |relation: &RelationId| self.compiler.tagged[relation.index()];
        if stratum.recursive && stratum.relations.iter().any(tagged) {
            return self.settle(stratum);
        }
        let (first, later) = self.orders(stratum, false);
        self.improved = false;
        let start = self.rounds;
        let mut changed = self.round(stratum, &first)?;
        while changed
            && !later.is_empty()
            && !self.done()
            && self.rounds - start + 1 < self.iterations
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

    /// The orders of the first round and those of later ones, whose deltas range over what is `listed` or over
    /// the rows of the last round.
    fn orders(&mut self, stratum: &Stratum, listed: bool) -> (Vec<Order>, Vec<Order>) {
        let plan = self.plan;
        let (mut first, mut later) = (Vec::new(), Vec::new());
        for number in stratum.rules.iter().map(|rule| rule.index()) {
            let rule = &plan.rules[number];
            let mut order =
                |delta| (self.compiler).order(number, rule, delta, listed, &mut self.indexes);
            first.push(order(None));
            later.extend(rule.deltas.iter().map(|delta| order(Some(delta))));
        }
        (first, later)
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
}
