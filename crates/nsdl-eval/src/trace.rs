//! Records which ground rule instance derived which tuple.

mod results;

use nsdl_ir::{
    AggregateId, Choice, Fact, Instance, LeafId, LeafSource, Literal, Plan, RelationId, Rule,
    RuleId, RuleTag, Symbols, Trace, TupleId, Word,
};
use rustc_hash::{FxHashMap, FxHashSet};

use results::add_group;

use crate::Options;
use crate::aggregate::Found;
use crate::choice::Weights;
use crate::expr::Sites;
use crate::failure::Failures;
use crate::join::{Absence, Body, Sink};
use crate::keyed::Keyed;
use crate::limits::Stop;
use crate::members::Fresh;
use crate::order::Tail;
use crate::table::Rows;
use crate::uncertain::groups;

/// A trace as it grows.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) trace: Trace,
    /// Per relation, the tuple of each row.
    pub(crate) tuples: Vec<Vec<TupleId>>,
    /// Per relation, whether its rows hold whatever derives them, see [`nsdl_ir::Relation::certain`].
    certain: Vec<bool>,
    /// See [`Options::any_number`] and [`Options::one_world`].
    any_number: bool,
    one_world: Option<f64>,
    /// The instances of rules that exist several times: the first of the rules, rows and slots.
    copies: FxHashSet<Box<[Word]>>,
    choices: Vec<ChoiceState>,
    /// The leaf of each fact.
    fact_leaves: Vec<Option<LeafId>>,
    /// Steps of folds and members of aggregates, counted as instances.
    pub(crate) steps: usize,
}

/// The variables of one choice so far.
#[derive(Debug)]
struct ChoiceState {
    weights: Weights,
    binding: Vec<usize>,
    /// The rule that needs each alternative.
    rules: Vec<RuleId>,
    /// First leaf by binding; `None` where a weight could not be computed.
    leaves: FxHashMap<Box<[Word]>, Option<LeafId>>,
}

impl Recorder {
    /// A trace with the leaves of `facts`: group by group, groups in order of their first fact.
    pub(crate) fn new(plan: &Plan, facts: &[Fact], options: &Options, sites: &mut Sites) -> Self {
        let mut trace = Trace::default();
        let mut fact_leaves = vec![None; facts.len()];
        for members in groups(facts) {
            let leaves = members
                .iter()
                .map(|&(fact, weight)| (weight, LeafSource::Fact(fact as u32)));
            let first = add_group(&mut trace, leaves).index();
            for (offset, (fact, _)) in members.into_iter().enumerate() {
                fact_leaves[fact] = Some(LeafId::new(first + offset));
            }
        }
        let choices = plan
            .choices
            .iter()
            .enumerate()
            .map(|(number, choice)| ChoiceState::new(plan, number, choice, sites));
        Self {
            trace,
            tuples: vec![Vec::new(); plan.relations.len()],
            certain: plan
                .relations
                .iter()
                .map(|relation| relation.certain)
                .collect(),
            any_number: options.any_number,
            one_world: options.one_world,
            copies: FxHashSet::default(),
            choices: choices.collect(),
            fact_leaves,
            steps: 0,
        }
    }

    /// Whether all that is derived holds.
    pub(crate) fn is_one_world(&self) -> bool {
        self.one_world.is_some()
    }

    /// Whether an alternative is out of the question in the one world there is.
    fn is_absent(&self, leaf: Option<LeafId>) -> bool {
        let leaf = leaf.and_then(|leaf| self.trace.leaves.get(leaf.index()));
        leaf.is_some_and(|leaf| Some(leaf.weight) == self.one_world)
    }

    /// Registers a new row of `relation`.
    pub(crate) fn add_tuple(&mut self, relation: usize, row: u32, certain: bool) -> TupleId {
        let tuple = TupleId::new(self.trace.tuples.len());
        self.trace.tuples.push((RelationId::new(relation), row));
        self.trace.certain.push(certain || self.certain[relation]);
        self.tuples[relation].push(tuple);
        if self.certain[relation] {
            self.add_axiom(tuple, None);
        }
        tuple
    }

    /// Registers `count` rows of a relation of which nothing is known yet but that they hold.
    pub(crate) fn add_certain(&mut self, relation: usize, count: usize) {
        let first = self.trace.tuples.len();
        let id = RelationId::new(relation);
        self.trace
            .tuples
            .extend((0..count as u32).map(|row| (id, row)));
        self.trace.certain.resize(first + count, true);
        self.tuples[relation].extend((first..first + count).map(TupleId::new));
    }

    /// Whether rows of `relation` need no reasons.
    pub(crate) fn is_certain(&self, relation: usize) -> bool {
        self.certain[relation]
    }

    /// Whether an instance of `rule` is the first of those that its copies find alike.
    pub(crate) fn is_first(
        &mut self,
        rule: &Rule,
        atoms: &[usize],
        body: Body<'_, TupleId>,
    ) -> bool {
        let Some(copied) = rule.copy else {
            return true;
        };
        let rows = atoms.iter().zip(body.rows);
        let rows = rows.filter(|(relation, _)| !self.certain[**relation]);
        let slots = body.slots.iter().take(copied.slots as usize);
        let key = std::iter::once(u64::from(copied.of.0))
            .chain(rows.map(|(_, &row)| u64::from(row)))
            .chain(slots.copied());
        self.copies.insert(key.collect())
    }

    fn add_axiom(&mut self, head: TupleId, leaf: Option<LeafId>) {
        let end = self.trace.literals.len() as u32;
        self.trace.instances.push(Instance {
            head,
            rule: None,
            leaf,
            start: end,
            end,
        });
    }

    /// Records that fact `number` gives `head`.
    pub(crate) fn add_fact(&mut self, number: usize, head: TupleId) {
        if self.certain[self.trace.tuples[head.index()].0.index()] {
            return;
        }
        let leaf = self.fact_leaves.get(number).copied().flatten();
        if leaf.is_none() || self.is_one_world() {
            self.trace.certain[head.index()] = true;
        }
        self.add_axiom(head, leaf);
    }

    /// Records an instance of a rule whose positive atoms are over the relations `atoms`; its head is of no
    /// certain relation.
    pub(crate) fn add_instance(
        &mut self,
        head: TupleId,
        rule: usize,
        leaf: Option<LeafId>,
        atoms: &[usize],
        body: Body<'_, TupleId>,
    ) {
        let literals = &mut self.trace.literals;
        let start = literals.len() as u32;
        // A plain loop: this runs once an instance.
        for (&relation, &row) in atoms.iter().zip(body.rows) {
            if !self.certain[relation] {
                literals.push(Literal {
                    tuple: self.tuples[relation][row as usize],
                    negated: false,
                });
            }
        }
        // Join orders meet the results, and the negative literals, in different orders.
        for (tuples, negated) in [(body.results, false), (body.negatives, true)] {
            if !tuples.is_empty() {
                let first = literals.len();
                literals.extend(tuples.iter().map(|&tuple| Literal { tuple, negated }));
                literals[first..].sort_unstable();
            }
        }
        let end = literals.len() as u32;
        self.trace.instances.push(Instance {
            head,
            rule: Some(RuleId::new(rule)),
            leaf,
            start,
            end,
        });
    }

    /// Records what an aggregate gives; the heads have their tuples already.
    pub(crate) fn add_aggregate(&mut self, id: AggregateId, found: Found) {
        self.steps += found.steps;
        self.trace.aggregates.extend(found.instances);
        let source = LeafSource::Aggregate(id);
        let choices = found.choices.into_iter().map(|weights| {
            let leaves = weights.into_iter().map(|weight| (weight, source));
            add_group(&mut self.trace, leaves).index()
        });
        let firsts: Vec<usize> = choices.collect();
        for derivation in found.derivations {
            let leaf = |(choice, alternative): (usize, usize)| {
                let first = firsts.get(choice)?;
                Some(LeafId::new(first + alternative))
            };
            let start = self.trace.literals.len() as u32;
            let body = derivation.body.into_iter();
            self.trace.literals.extend(body.map(|tuple| Literal {
                tuple,
                negated: false,
            }));
            self.trace.instances.push(Instance {
                head: derivation.head,
                rule: None,
                leaf: derivation.choice.and_then(leaf),
                start,
                end: self.trace.literals.len() as u32,
            });
        }
    }

    /// The leaf of a tagged rule under these slots; its group is made on first sight. `None` if a weight
    /// cannot be computed, which is counted.
    pub(crate) fn leaf(
        &mut self,
        tag: RuleTag,
        slots: &[Word],
        symbols: &Symbols,
        failures: &mut Failures,
    ) -> Result<Option<LeafId>, Stop> {
        let Some(choice) = self.choices.get_mut(tag.choice.index()) else {
            return Ok(None);
        };
        let binding: Box<[Word]> = choice.binding.iter().map(|&slot| slots[slot]).collect();
        let first = match choice.leaves.get(&binding) {
            Some(first) => *first,
            None => {
                let weights = choice
                    .weights
                    .weigh(slots, symbols, self.any_number, failures)?;
                let first = weights.map(|weights| {
                    let sources = choice.rules.iter().map(|&rule| LeafSource::Rule(rule));
                    add_group(&mut self.trace, weights.into_iter().zip(sources))
                });
                choice.leaves.insert(binding, first);
                first
            }
        };
        Ok(first.map(|first| LeafId::new(first.index() + tag.alternative as usize)))
    }

    /// Instances, or so many that what else takes memory like them is covered too.
    pub(crate) fn size(&self) -> usize {
        let literals = self.trace.literals.len();
        if literals > u32::MAX as usize / 2 {
            // `Instance::start` could not number them.
            return usize::MAX;
        }
        (self.trace.instances.len() + self.steps)
            .max(literals / 8)
            .max(self.trace.leaves.len() / 2)
    }

    /// Finds which heads of the instances from `first` on are certain: the least fixpoint, so that tuples
    /// which only support each other are not.
    pub(crate) fn settle(&mut self, first: usize) {
        let one_world = self.is_one_world();
        let Trace {
            certain,
            instances,
            literals,
            ..
        } = &mut self.trace;
        let instances = &instances[first.min(instances.len())..];
        // Most often there is none to begin with.
        let forces = |instance: &Instance| {
            let body = &literals[instance.start as usize..instance.end as usize];
            (instance.leaf.is_none() || one_world)
                && !certain[instance.head.index()]
                && body
                    .iter()
                    .all(|it| !it.negated && certain[it.tuple.index()])
        };
        if !instances.iter().any(forces) {
            return;
        }
        let mut missing = vec![0_u32; instances.len()];
        let mut waiting = Vec::new();
        let mut news = Vec::new();
        for (number, instance) in instances.iter().enumerate() {
            let body = &literals[instance.start as usize..instance.end as usize];
            if (instance.leaf.is_some() && !one_world)
                || certain[instance.head.index()]
                || body.iter().any(|literal| literal.negated)
            {
                continue;
            }
            let uncertain = body
                .iter()
                .filter(|literal| !certain[literal.tuple.index()]);
            waiting.extend(uncertain.map(|literal| (literal.tuple, number as u32)));
            missing[number] = body
                .iter()
                .filter(|literal| !certain[literal.tuple.index()])
                .count() as u32;
            if missing[number] == 0 {
                certain[instance.head.index()] = true;
                news.push(instance.head);
            }
        }
        waiting.sort_unstable();
        while let Some(tuple) = news.pop() {
            let start = waiting.partition_point(|entry| entry.0 < tuple);
            for &(_, number) in waiting[start..].iter().take_while(|entry| entry.0 == tuple) {
                let number = number as usize;
                missing[number] -= 1;
                let head = instances[number].head;
                if missing[number] == 0 && !certain[head.index()] {
                    certain[head.index()] = true;
                    news.push(head);
                }
            }
        }
    }
}

impl ChoiceState {
    fn new(plan: &Plan, number: usize, choice: &Choice, sites: &mut Sites) -> Self {
        let rule_of = |alternative: usize| {
            plan.rules.iter().position(|rule| {
                rule.tag.is_some_and(|tag| {
                    tag.choice.index() == number && tag.alternative as usize == alternative
                })
            })
        };
        let rules: Vec<usize> = (0..choice.weights.len())
            .map(|alternative| rule_of(alternative).unwrap_or(0))
            .collect();
        Self {
            weights: Weights::new(plan, number, choice, sites),
            binding: choice.binding.iter().map(|slot| slot.index()).collect(),
            rules: rules.into_iter().map(RuleId::new).collect(),
            leaves: FxHashMap::default(),
        }
    }
}

/// The sink that records every instance.
pub(crate) struct Record<'a> {
    pub(crate) recorder: &'a mut Recorder,
    pub(crate) old: &'a Rows,
    pub(crate) fresh: &'a mut Fresh,
    pub(crate) symbols: &'a Symbols,
    pub(crate) head: usize,
    pub(crate) number: usize,
    pub(crate) rule: &'a Rule,
    pub(crate) atoms: &'a [usize],
    /// Of a keyed relation.
    pub(crate) keyed: Option<&'a mut Keyed>,
    /// Set where a candidate is better than one it comes from.
    pub(crate) improved: &'a mut bool,
    pub(crate) rows: &'a [Rows],
    /// The keyed relations, but the head's.
    pub(crate) others: &'a [Option<Keyed>],
}

impl Record<'_> {
    /// Whether an instance counts for a keyed relation, and whether its head then holds in every world.
    fn admit(
        &mut self,
        head: &[Word],
        leaf: Option<LeafId>,
        body: Body<'_, TupleId>,
    ) -> (bool, bool) {
        let Some(keyed) = &mut self.keyed else {
            return (true, false);
        };
        let mut certain =
            (leaf.is_none() || self.recorder.is_one_world()) && body.negatives.is_empty();
        for (&relation, &row) in self.atoms.iter().zip(body.rows) {
            let tuple = self.recorder.tuples[relation][row as usize];
            certain &= self.recorder.trace.certain[tuple.index()];
            let cells = self.rows[relation].row(row);
            let improves = match &self.others[relation] {
                Some(other) => keyed.improves(head, other, cells, self.symbols),
                None => relation == self.head && keyed.improves(head, keyed, cells, self.symbols),
            };
            *self.improved |= improves;
        }
        (keyed.admit(head, certain, true, self.symbols), certain)
    }
}

impl Sink for Record<'_> {
    type Literal = TupleId;
    const ROWS: bool = true;

    fn derive(
        &mut self,
        head: &[Word],
        body: Body<'_, TupleId>,
        failures: &mut Failures,
    ) -> Result<bool, Stop> {
        if self.recorder.is_certain(self.head) {
            let (row, new) = self.fresh.intern(self.old, head);
            if new {
                self.recorder.add_tuple(self.head, row, true);
            }
            return Ok(true);
        }
        let leaf = match self.rule.tag {
            None => None,
            Some(tag) => match self
                .recorder
                .leaf(tag, body.slots, self.symbols, failures)?
            {
                None => return Ok(false),
                leaf => leaf,
            },
        };
        if self.recorder.is_absent(leaf) {
            return Ok(false);
        }
        if !self.recorder.is_first(self.rule, self.atoms, body) {
            return Ok(true);
        }
        let (counts, certain) = self.admit(head, leaf, body);
        if !counts {
            return Ok(true);
        }
        let (row, new) = self.fresh.intern(self.old, head);
        let head = if new {
            self.recorder.add_tuple(self.head, row, false)
        } else {
            self.recorder.tuples[self.head][row as usize]
        };
        self.recorder.trace.certain[head.index()] |= certain;
        self.recorder
            .add_instance(head, self.number, leaf, self.atoms, body);
        Ok(true)
    }

    fn derive_all(
        &mut self,
        _: &Tail,
        _: Body<'_, TupleId>,
        _: &Rows,
        _: impl Iterator<Item = u32>,
    ) -> bool {
        false
    }

    fn derive_values(&mut self, _: &Tail, _: Body<'_, TupleId>, _: &[Word], _: &[u32]) -> bool {
        false
    }

    fn absence(&self, relation: usize, id: u32) -> Absence<TupleId> {
        match self.recorder.tuples[relation].get(id as usize) {
            None => Absence::Always,
            Some(tuple) if self.recorder.trace.certain[tuple.index()] => Absence::Never,
            Some(tuple) => Absence::Unless(*tuple),
        }
    }

    fn recorder(&mut self) -> Option<&mut Recorder> {
        Some(self.recorder)
    }

    fn size(&self) -> (usize, usize) {
        (self.recorder.trace.tuples.len(), self.recorder.size())
    }
}
