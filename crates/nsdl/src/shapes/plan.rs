//! A plan for several samples at once: every relation that depends on what samples have of their own gets the number of the
//! sample as its first column, and every rule about such relations stays within one sample.

use std::sync::Arc;

use nsdl_eval::Base;
use nsdl_ir::{
    Aggregate, Column, Expr, Fact, Operand, Plan, Relation, RelationId, Rule, Slot, Span, Step,
    Stratum, Tag, Tagging, Type,
};

/// The type of numbers of samples.
const NUMBER: Type = Type::Usize;

/// Such a plan.
pub(super) struct Joined {
    pub(super) plan: Arc<Plan>,
    scope: Scope,
    /// Per relation, whether its facts are in the base.
    based: Vec<bool>,
    base: Arc<Base>,
}

/// What belongs to samples.
struct Scope {
    /// Per relation, whether it has the column.
    own: Vec<bool>,
    /// Per relation, whether its rows need no reasons.
    certain: Vec<bool>,
    /// The numbers of all samples.
    samples: RelationId,
}

impl Joined {
    /// The plan where `seeds` have facts of samples, all others those among `facts`. `None` where something would mean
    /// another thing: evidence, aggregates of probabilities, uncertain predicates, terms.
    pub(super) fn new(
        plan: &Plan,
        facts: &[Fact],
        seeds: impl Iterator<Item = RelationId>,
    ) -> Option<Self> {
        let given = plan.queries.iter().any(|query| query.given.is_some());
        let learned = !plan.learning.facts.is_empty();
        if given || !plan.evidence.is_empty() || !plan.extents.is_empty() || learned {
            return None;
        }
        let scope = Scope {
            own: own(plan, seeds)?,
            certain: plan.relations.iter().map(|it| it.certain).collect(),
            samples: RelationId::new(plan.relations.len()),
        };
        let mut joined = plan.clone();
        for rule in joined.rules.iter_mut().filter(|it| scope.has(it.head)) {
            *rule = scope.rule(rule)?;
        }
        scope.choices(plan, &mut joined)?;
        for aggregate in joined
            .aggregates
            .iter_mut()
            .filter(|it| scope.has(it.output))
        {
            *aggregate = scope.aggregate(aggregate)?;
        }
        let relations = joined.relations.iter_mut().zip(&scope.own);
        for (relation, _) in relations.filter(|(_, own)| **own) {
            relation.columns.insert(0, NUMBER);
            if let Some(keep) = &mut relation.keep {
                keep.column += 1;
            }
        }
        joined.relations.push(Relation {
            name: "sample".to_owned(),
            columns: vec![NUMBER],
            auxiliary: true,
            hidden: true,
            certain: false,
            keep: None,
            facts: None,
            span: Span::default(),
        });
        let first = Stratum {
            relations: vec![scope.samples],
            ..Stratum::default()
        };
        joined.strata.insert(0, first);
        let based = scope.based(plan, facts);
        let known = |fact: &&Fact| based.get(fact.relation.index()).copied() == Some(true);
        for (relation, _) in joined.relations.iter_mut().zip(&based).filter(|it| *it.1) {
            relation.certain = true;
        }
        let base = Base::new(&joined, facts.iter().filter(known)).ok()?;
        Some(Self {
            plan: Arc::new(joined),
            scope,
            based,
            base: Arc::new(base),
        })
    }

    /// Facts that all samples share and that hold, loaded once.
    pub(super) fn base(&self) -> Arc<Base> {
        self.base.clone()
    }

    /// Whether the facts of a relation are in the base.
    pub(super) fn is_based(&self, relation: RelationId) -> bool {
        self.based.get(relation.index()).copied().unwrap_or(false)
    }

    /// Whether a relation has the column.
    pub(super) fn is_own(&self, relation: RelationId) -> bool {
        self.scope.has(relation)
    }

    /// The relation of the numbers of all samples.
    pub(super) fn samples(&self) -> RelationId {
        self.scope.samples
    }
}

impl Scope {
    fn has(&self, relation: RelationId) -> bool {
        self.own.get(relation.index()).copied().unwrap_or(false)
    }

    /// Per relation, whether it has facts that samples share, all of which hold, and nothing else. They need no
    /// reasons, unless their rows tell instances of copied rules apart.
    fn based(&self, plan: &Plan, facts: &[Fact]) -> Vec<bool> {
        let mut based = vec![false; plan.relations.len()];
        for fact in facts {
            if let Some(based) = based.get_mut(fact.relation.index()) {
                *based = true;
            }
        }
        let mut not = |relation: RelationId| {
            if let Some(based) = based.get_mut(relation.index()) {
                *based = false;
            }
        };
        let uncertain = facts.iter().filter(|fact| fact.tag != Tag::Certain);
        uncertain.for_each(|fact| not(fact.relation));
        for rule in &plan.rules {
            not(rule.head);
            for step in rule.steps.iter().filter(|_| rule.copy.is_some()) {
                if let Step::Scan { relation, .. } = step {
                    not(*relation);
                }
            }
        }
        for aggregate in &plan.aggregates {
            not(aggregate.output);
        }
        for (number, relation) in plan.relations.iter().enumerate() {
            let number = RelationId::new(number);
            if self.has(number) || relation.keep.is_some() {
                not(number);
            }
        }
        based
    }

    fn rule(&self, rule: &Rule) -> Option<Rule> {
        let sample = Slot::new(rule.slots.len());
        let certain = |it: &RelationId| self.certain.get(it.index()).copied().unwrap_or(false);
        let anchored = rule.steps.iter().any(|step| {
            matches!(step, Step::Scan { relation, .. } if self.has(*relation) && !certain(relation))
        });
        let foreign = rule.steps.iter().any(|step| {
            matches!(step, Step::Foreign { predicate, .. }
                if predicate.volatile || predicate.tags != Tagging::Certain)
        });
        // Copies are told apart by the rows of their bodies.
        if foreign || (rule.copy.is_some() && !anchored) {
            return None;
        }
        let mut new = rule.clone();
        new.slots.push(NUMBER);
        new.args.insert(0, Expr::Slot(sample));
        let (steps, scanned) = self.steps(&rule.steps, sample, rule.atoms, false);
        new.steps = steps;
        new.atoms += u32::from(scanned);
        for delta in &mut new.deltas {
            (delta.steps, _) = self.steps(&delta.steps, sample, rule.atoms, scanned);
        }
        Some(new)
    }

    /// Steps within one sample, and whether the numbers of samples are scanned: where nothing else binds the sample in
    /// time, or where they `must` be, so that all orders of a rule have the same steps.
    fn steps(&self, steps: &[Step], sample: Slot, atom: u32, must: bool) -> (Vec<Step>, bool) {
        let scan = |column| Step::Scan {
            atom,
            relation: self.samples,
            columns: vec![column],
        };
        let (mut bound, mut scanned) = (false, false);
        let mut new = Vec::with_capacity(steps.len() + 1);
        for step in steps {
            let mut step = step.clone();
            match &mut step {
                Step::Scan {
                    relation, columns, ..
                } if self.has(*relation) => {
                    let column = if bound {
                        Column::Check(sample)
                    } else {
                        Column::Bind(sample)
                    };
                    columns.insert(0, column);
                    bound = true;
                }
                Step::Absent { relation, args } if self.has(*relation) => {
                    if !bound {
                        new.push(scan(Column::Bind(sample)));
                        (bound, scanned) = (true, true);
                    }
                    args.insert(0, Operand::Slot(sample));
                }
                _ => {}
            }
            new.push(step);
        }
        if !bound || (must && !scanned) {
            let column = if bound {
                Column::Check(sample)
            } else {
                Column::Bind(sample)
            };
            new.push(scan(column));
            scanned = true;
        }
        (new, scanned)
    }

    /// Each sample has random variables of its own.
    fn choices(&self, plan: &Plan, joined: &mut Plan) -> Option<()> {
        let mut slots: Vec<Option<Option<Slot>>> = vec![None; plan.choices.len()];
        for rule in &plan.rules {
            let Some(tag) = rule.tag else {
                continue;
            };
            let slot = self.has(rule.head).then(|| Slot::new(rule.slots.len()));
            // The rules of a choice have the same slots, and are all of samples or none is.
            let known = slots.get_mut(tag.choice.index())?;
            if *known.get_or_insert(slot) != slot {
                return None;
            }
        }
        for (choice, slot) in joined.choices.iter_mut().zip(slots) {
            choice.binding.extend(slot.flatten());
        }
        Some(())
    }

    fn aggregate(&self, aggregate: &Aggregate) -> Option<Aggregate> {
        let groups = aggregate.groups.is_none_or(|groups| self.has(groups));
        if !self.has(aggregate.members) || !groups || aggregate.op.reads_weights() {
            return None;
        }
        let mut new = aggregate.clone();
        if aggregate.groups.is_none() && aggregate.keys == 0 {
            // The one group that always exists is one of each sample.
            new.groups = Some(self.samples);
        }
        new.keys += 1;
        Some(new)
    }
}

/// The relations that depend on `seeds`, unless one that is asked for does not.
fn own(plan: &Plan, seeds: impl Iterator<Item = RelationId>) -> Option<Vec<bool>> {
    let mut own = vec![false; plan.relations.len()];
    for seed in seeds {
        *own.get_mut(seed.index())? = true;
    }
    let mut changed = true;
    while changed {
        changed = false;
        let reads = |own: &[bool], relation: RelationId| {
            own.get(relation.index()).copied().unwrap_or(false)
        };
        let mut heads = Vec::new();
        for rule in &plan.rules {
            let reading = rule.steps.iter().any(|step| match step {
                Step::Scan { relation, .. } | Step::Absent { relation, .. } => {
                    reads(&own, *relation)
                }
                _ => false,
            });
            heads.extend(reading.then_some(rule.head));
        }
        for it in &plan.aggregates {
            let reading = reads(&own, it.members) || it.groups.is_some_and(|it| reads(&own, it));
            heads.extend(reading.then_some(it.output));
        }
        for head in heads {
            let place = own.get_mut(head.index())?;
            changed |= !*place;
            *place = true;
        }
    }
    let asked = |relation: RelationId| own.get(relation.index()).copied().unwrap_or(false);
    plan.queries
        .iter()
        .all(|it| asked(it.relation))
        .then_some(own)
}
