//! The perfect model of a program in one world.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::aggregate::{Group, Groups, members, results};
use super::solve::{
    Binding, Meaning, Model, PATIENCE, Scope, Step, Unbound, bound_by, order, value,
};
use super::strata::{NotStratified, levels};
use super::weights::{self, Known, number};
use super::{Atom, HeadAtom, Literal, Program, Term, Tuple, Var, variables};

/// Programs with more rows are too large for the oracle: usually they have no end.
pub const MOST_ROWS: usize = 500;

/// Why a program means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// A variable is not bound.
    Unbound,
    /// Negation or aggregation through recursion.
    NotStratified,
    /// It has too many worlds, rounds or tuples for the oracle.
    TooLarge,
}

impl From<Unbound> for Invalid {
    fn from(_: Unbound) -> Self {
        Invalid::Unbound
    }
}

impl From<NotStratified> for Invalid {
    fn from(_: NotStratified) -> Self {
        Invalid::NotStratified
    }
}

/// A random variable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Variable {
    /// Of a fact: set and member.
    Fact(usize, usize),
    /// Of an exclusive set.
    Set(usize),
    /// Of a tagged rule: which of the rules that `or` splits the program's rules into, and its binding.
    Rule(usize, Tuple),
    /// That an aggregate makes: which one, and its group.
    Aggregate(usize, Tuple),
}

/// Which alternatives of a variable hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This one.
    One(usize),
    /// None.
    Nothing,
    /// All whose bit is set: not a world, but what plain Datalog makes of the program.
    Several(u64),
}

impl Outcome {
    /// Whether the alternative holds.
    pub fn has(self, alternative: usize) -> bool {
        match self {
            Outcome::One(chosen) => chosen == alternative,
            Outcome::Nothing => false,
            Outcome::Several(bits) => bits >> alternative & 1 == 1,
        }
    }
}

/// A program made ready for evaluation.
pub struct Ready<'a> {
    /// The program.
    pub program: &'a Program,
    /// The level of each relation.
    pub levels: Vec<usize>,
    /// Its rules, `or` split.
    pub rules: Vec<SplitRule<'a>>,
    /// The aggregates that read weights, in an order in which what they read comes first.
    pub weighted: Vec<Groups>,
}

/// A rule without `or` outside of aggregates.
pub struct SplitRule<'a> {
    /// Its head atoms, with their alternatives.
    pub heads: Vec<(usize, &'a HeadAtom)>,
    /// The weights of its random variable, if it has one.
    pub weights: Option<Vec<f64>>,
    /// Its body in order.
    pub steps: Vec<Step>,
    /// All variables of its body, wildcards included: one random variable per value of them.
    pub binding: Vec<Var>,
}

impl<'a> Ready<'a> {
    /// Splits, orders and stratifies.
    pub fn new(program: &'a Program) -> Result<Self, Invalid> {
        let levels = levels(program)?;
        let (mut rules, mut weighted, mut next) = (Vec::new(), Vec::new(), 0);
        for rule in &program.rules {
            let heads = rule.head.atoms();
            let mut outside = Vec::new();
            heads
                .iter()
                .flat_map(|(_, head)| &head.args)
                .for_each(|arg| arg.variables(&mut outside));
            for mut body in split(&rule.body) {
                name_wildcards(&mut body, &outside);
                let mut steps = order(&body, &outside)?;
                let mut found = Vec::new();
                number(&mut steps, &mut next, &mut found);
                let level = heads.iter().map(|(_, head)| levels[head.relation]).max();
                weighted.extend(found.into_iter().map(|groups| (level, groups)));
                let bound = bound_by(&steps);
                if !outside.iter().all(|var| bound.contains(var)) {
                    return Err(Invalid::Unbound);
                }
                let (weights, binding) = (rule.weights(), bound.into_iter().collect());
                rules.push(SplitRule {
                    heads: heads.clone(),
                    weights,
                    steps,
                    binding,
                });
            }
        }
        weighted.sort_by_key(|(level, groups)| (*level, groups.id));
        Ok(Self {
            program,
            levels,
            rules,
            weighted: weighted.into_iter().map(|(_, groups)| groups).collect(),
        })
    }

    /// The model in the world that `choose` makes: it is asked for each variable that matters, more than once.
    pub fn model(
        &self,
        known: &Known,
        choose: &dyn Fn(&Variable, &[f64]) -> Outcome,
    ) -> Result<Model, Invalid> {
        let mut model: Model = vec![BTreeMap::new(); self.program.relations.len()];
        for (index, set) in self.program.facts.iter().enumerate() {
            let weights: Vec<f64> = (0..set.members.len())
                .map(|member| set.weight(member))
                .collect();
            let chosen = if set.exclusive {
                Some(choose(&Variable::Set(index), &weights))
            } else {
                None
            };
            for (member, (tag, tuple)) in set.members.iter().enumerate() {
                let holds = match (chosen, tag) {
                    (Some(outcome), _) => outcome.has(member),
                    (None, None) => true,
                    (None, Some(tag)) => choose(&Variable::Fact(index, member), &[*tag]).has(0),
                };
                if holds {
                    model[set.relation].insert(tuple.clone(), 1.0);
                }
            }
        }
        let patience = Cell::new(PATIENCE);
        for level in 0..=self.levels.iter().copied().max().unwrap_or(0) {
            self.complete(level, &mut model, known, choose, &patience)?;
        }
        Ok(model)
    }

    /// Runs the rules of one level, again and again, until nothing is new.
    fn complete(
        &self,
        level: usize,
        model: &mut Model,
        known: &Known,
        choose: &dyn Fn(&Variable, &[f64]) -> Outcome,
        patience: &Cell<u32>,
    ) -> Result<(), Invalid> {
        let meaning = InWorld { known, choose };
        for _ in 0..200 {
            if patience.get() == 0 || model.iter().map(BTreeMap::len).sum::<usize>() > MOST_ROWS {
                break;
            }
            let mut new = Vec::new();
            for (index, rule) in self.rules.iter().enumerate() {
                if !rule
                    .heads
                    .iter()
                    .any(|(_, head)| self.levels[head.relation] == level)
                {
                    continue;
                }
                let scope = Scope {
                    model,
                    meaning: &meaning,
                    patience,
                };
                scope.solve(&rule.steps, &Binding::new(), &[], &mut |binding, _| {
                    let outcome = rule.weights.as_ref().map(|weights| {
                        let values = rule.binding.iter().filter_map(|&var| binding.get(var));
                        choose(&Variable::Rule(index, values.collect()), weights)
                    });
                    for (alternative, head) in &rule.heads {
                        if self.levels[head.relation] == level
                            && outcome.is_none_or(|outcome| outcome.has(*alternative))
                            && let Some(row) = row(head, binding)
                            && !model[head.relation].contains_key(&row)
                        {
                            new.push((head.relation, row));
                        }
                    }
                });
            }
            if new.is_empty() && patience.get() > 0 {
                return Ok(());
            }
            for (relation, row) in new {
                model[relation].insert(row, 1.0);
            }
        }
        Err(Invalid::TooLarge)
    }
}

impl Ready<'_> {
    /// The members of each group of an aggregate in a finished model.
    pub fn members(
        &self,
        groups: &Groups,
        model: &Model,
        known: &Known,
        choose: &dyn Fn(&Variable, &[f64]) -> Outcome,
    ) -> Result<BTreeMap<Tuple, Group>, Invalid> {
        let patience = Cell::new(PATIENCE);
        let scope = Scope {
            model,
            meaning: &InWorld { known, choose },
            patience: &patience,
        };
        let found = members(&scope, groups);
        match patience.get() {
            0 => Err(Invalid::TooLarge),
            _ => Ok(found),
        }
    }
}

/// What holds in a world has tag 1.
struct InWorld<'a> {
    /// How probable the members of aggregates are.
    known: &'a Known,
    /// The alternatives that hold of random variables that aggregates make.
    choose: &'a dyn Fn(&Variable, &[f64]) -> Outcome,
}

impl Meaning for InWorld<'_> {
    fn all(&self, _: &[f64]) -> f64 {
        1.0
    }

    fn any(&self, _: &[f64]) -> f64 {
        1.0
    }

    fn none(&self, tags: &[f64]) -> Option<f64> {
        tags.is_empty().then_some(1.0)
    }

    fn results(&self, scope: &Scope<'_>, groups: &Groups) -> Vec<(Tuple, Vec<(Tuple, f64)>)> {
        let (op, arguments) = (groups.aggregate.op, groups.aggregate.arguments.len());
        let all: Vec<(Tuple, Vec<Tuple>)> = match op.reads_weights() {
            true => weights::results(scope, groups, self.known, self.choose),
            false => members(scope, groups)
                .into_iter()
                .map(|(key, group)| {
                    let held = group.members.into_keys().collect();
                    (key, results(op, arguments, &held))
                })
                .collect(),
        };
        let hold = |results: Vec<Tuple>| results.into_iter().map(|result| (result, 1.0)).collect();
        all.into_iter()
            .map(|(key, results)| (key, hold(results)))
            .collect()
    }
}

/// The row that a head derives; none where an expression fails.
pub fn row(head: &HeadAtom, binding: &Binding) -> Option<Tuple> {
    head.args.iter().map(|arg| value(arg, binding)).collect()
}

/// The bodies without `or` that a body stands for.
fn split(body: &[Literal]) -> Vec<Vec<Literal>> {
    let mut bodies = vec![Vec::new()];
    for literal in body {
        let alternatives = match literal {
            Literal::Or(parts) => parts.iter().flat_map(|part| split(part)).collect(),
            Literal::Implies(..) => split(&[literal.as_or()]),
            other => vec![vec![other.clone()]],
        };
        bodies = bodies
            .iter()
            .flat_map(|body| {
                alternatives
                    .iter()
                    .map(|alternative| [body.clone(), alternative.clone()].concat())
            })
            .collect();
    }
    bodies
}

/// Gives each wildcard of a positive atom a variable of its own.
fn name_wildcards(body: &mut [Literal], outside: &[Var]) {
    let mut used = outside.to_vec();
    variables(body, true, &mut used);
    let mut fresh = used.into_iter().max().map_or(0, |var| var + 1);
    for literal in body {
        if let Literal::Atom(Atom { args, .. }) = literal {
            for arg in args {
                if *arg == Term::Wildcard {
                    *arg = Term::Var(fresh);
                    fresh += 1;
                }
            }
        }
    }
}
