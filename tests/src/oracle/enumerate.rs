//! All worlds: the probability of each tuple, and its derivatives.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use super::aggregate::Group;
use super::solve::Model;
use super::weights::{Known, Weights};
use super::world::{Invalid, Outcome, Ready, Variable};
use super::{Program, Tuple};

/// What a program means: the distribution over its tuples.
#[derive(Clone, Debug, Default)]
pub struct Distribution {
    /// For each relation, the tuples that some world holds.
    pub relations: Vec<BTreeMap<Tuple, Probability>>,
    /// All worlds, variables that matter to no tuple left out.
    pub worlds: Vec<World>,
}

/// A world that is possible.
#[derive(Clone, Debug)]
pub struct World {
    /// Its probability.
    pub weight: f64,
    /// What holds in it.
    pub model: Model,
}

/// The probability of a tuple.
#[derive(Clone, Debug, Default)]
pub struct Probability {
    /// The weight of the worlds that hold it.
    pub value: f64,
    /// Its derivative by the weight of each member of each fact set, numbered through. Members of an exclusive
    /// set are free numbers: what one gains, "none of them" loses. Untagged facts have no weight: 0.
    pub gradient: Vec<f64>,
}

/// A variable in a world: what it chose, and the probability of that.
struct Choice {
    variable: Variable,
    chosen: usize,
    options: usize,
    probability: f64,
}

impl Choice {
    fn outcome(&self) -> Outcome {
        match self.chosen + 1 < self.options {
            true => Outcome::One(self.chosen),
            false => Outcome::Nothing,
        }
    }
}

/// Enumerates all worlds of a program, `limit` at most.
///
/// Variables are discovered as they are first asked for, so those of rules need no grounding in advance:
/// a world is a list of choices in that order, and the next world changes its last choice that has an option left.
pub fn distribution(program: &Program, limit: usize) -> Result<Distribution, Invalid> {
    let ready = Ready::new(program)?;
    let mut firsts = Vec::new();
    let mut leaves = 0;
    for set in &program.facts {
        firsts.push(leaves);
        leaves += set.members.len();
    }
    let known = weights(&ready, limit)?;
    let mut all = Distribution {
        relations: vec![BTreeMap::new(); program.relations.len()],
        worlds: Vec::new(),
    };
    worlds(&ready, &known, limit, &mut |model, choices, weight| {
        let gradient = gradient(choices, &firsts, leaves, program);
        for (relation, rows) in model.iter().enumerate() {
            for row in rows.keys() {
                let entry = all.relations[relation].entry(row.clone()).or_default();
                entry.value += weight;
                entry.gradient.resize(leaves, 0.0);
                entry
                    .gradient
                    .iter_mut()
                    .zip(&gradient)
                    .for_each(|(sum, part)| *sum += part);
            }
        }
        all.worlds.push(World { weight, model });
        Ok(())
    })?;
    Ok(all)
}

/// How probable the members are of those aggregates that read it.
fn weights(ready: &Ready<'_>, limit: usize) -> Result<Known, Invalid> {
    let mut known = Known::new();
    for groups in &ready.weighted {
        let mut found = Weights::new();
        worlds(ready, &known, limit, &mut |model, choices, weight| {
            let choose = |variable: &Variable, _: &[f64]| {
                let made = choices.iter().find(|choice| choice.variable == *variable);
                made.map_or(Outcome::Nothing, Choice::outcome)
            };
            for (key, held) in ready.members(groups, &model, &known, &choose)? {
                let group = found.entry(key).or_default();
                for member in held.members.into_keys() {
                    *group.entry(member).or_default() += weight;
                }
            }
            Ok(())
        })?;
        known.insert(groups.id, found);
    }
    Ok(known)
}

/// Takes the model, the choices and the weight of a world.
type Visit<'a> = dyn FnMut(Model, &[Choice], f64) -> Result<(), Invalid> + 'a;

/// Calls `visit` with the model, the choices and the weight of each world.
fn worlds(
    ready: &Ready<'_>,
    known: &Known,
    limit: usize,
    visit: &mut Visit<'_>,
) -> Result<(), Invalid> {
    let mut script: Vec<usize> = Vec::new();
    let mut count = 0;
    loop {
        count += 1;
        if count > limit {
            return Err(Invalid::TooLarge);
        }
        let (model, choices) = run(ready, known, &script)?;
        let weight: f64 = choices.iter().map(|choice| choice.probability).product();
        visit(model, &choices, weight)?;
        script = choices.iter().map(|choice| choice.chosen).collect();
        while let Some(last) = script.pop() {
            if last + 1 < choices[script.len()].options {
                script.push(last + 1);
                break;
            }
        }
        if script.is_empty() {
            return Ok(());
        }
    }
}

/// The model of the world that begins with these choices and then always takes the first.
fn run(
    ready: &Ready<'_>,
    known: &Known,
    script: &[usize],
) -> Result<(Model, Vec<Choice>), Invalid> {
    let made: RefCell<(Vec<Choice>, HashMap<Variable, usize>)> = RefCell::default();
    let model = ready.model(known, &|variable, weights| {
        let (choices, index) = &mut *made.borrow_mut();
        let at = *index.entry(variable.clone()).or_insert_with(|| {
            let chosen = script.get(choices.len()).copied().unwrap_or(0);
            let none = 1.0 - weights.iter().sum::<f64>();
            let probability = weights.get(chosen).copied().unwrap_or(none);
            choices.push(Choice {
                variable: variable.clone(),
                chosen,
                options: weights.len() + 1,
                probability,
            });
            choices.len() - 1
        });
        choices[at].outcome()
    })?;
    Ok((model, made.into_inner().0))
}

/// The derivative of the weight of a world by the weight of each fact.
fn gradient(choices: &[Choice], firsts: &[usize], leaves: usize, program: &Program) -> Vec<f64> {
    let mut gradient = vec![0.0; leaves];
    for (index, choice) in choices.iter().enumerate() {
        let first = match choice.variable {
            Variable::Fact(set, member) => firsts[set] + member,
            // Equal shares are not weights that anyone gave.
            Variable::Set(set)
                if program.facts[set]
                    .members
                    .iter()
                    .all(|(tag, _)| tag.is_some()) =>
            {
                firsts[set]
            }
            Variable::Set(_) | Variable::Rule(..) | Variable::Aggregate(..) => continue,
        };
        let others: f64 = choices
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index)
            .map(|(_, other)| other.probability)
            .product();
        if choice.chosen + 1 < choice.options {
            gradient[first + choice.chosen] += others;
        } else {
            gradient[first..first + choice.options - 1]
                .iter_mut()
                .for_each(|slot| *slot -= others);
        }
    }
    gradient
}

/// The tuples that plain Datalog derives when every alternative holds whose weight `accept`s.
pub fn datalog(program: &Program, accept: impl Fn(f64) -> bool) -> Result<Model, Invalid> {
    let bits = |weights: &[f64]| {
        weights
            .iter()
            .rev()
            .fold(0, |bits, &weight| bits << 1 | u64::from(accept(weight)))
    };
    let choose = |_: &Variable, weights: &[f64]| Outcome::Several(bits(weights));
    let ready = Ready::new(program)?;
    let mut known = Known::new();
    for groups in &ready.weighted {
        let model = ready.model(&known, &choose)?;
        let members = ready.members(groups, &model, &known, &choose)?.into_iter();
        let weights = members.map(|(key, Group { members, .. })| (key, members));
        known.insert(groups.id, weights.collect());
    }
    ready.model(&known, &choose)
}
