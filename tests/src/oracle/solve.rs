//! All bindings of the variables of a body that satisfy it.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use super::aggregate::{Groups, members};
use super::compound::Maker;
use super::{
    Aggregate, Atom, Comparison, Expr, Function, Literal, Operator, Reduction, Term, Tuple, Type,
    Var, variables,
};

/// The rows of each relation with their tags, all 1 in a world.
pub type Model = Vec<BTreeMap<Tuple, f64>>;

/// Values of the variables bound so far, in order of the variables.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding(Vec<(Var, i64)>);

impl Binding {
    /// Nothing is bound.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a variable.
    pub fn get(&self, var: Var) -> Option<i64> {
        let at = self.0.binary_search_by_key(&var, |(var, _)| *var).ok()?;
        Some(self.0[at].1)
    }

    /// Variables and values.
    pub fn iter(&self) -> impl Iterator<Item = (Var, i64)> + '_ {
        self.0.iter().copied()
    }

    /// Binds a variable, unless it has another value.
    fn bind(&mut self, var: Var, value: i64) -> bool {
        match self.0.binary_search_by_key(&var, |(var, _)| *var) {
            Ok(at) => self.0[at].1 == value,
            Err(at) => {
                self.0.insert(at, (var, value));
                true
            }
        }
    }
}

/// A variable that nothing binds: the program is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbound;

/// A step of a body, in an order in which everything is bound when it is needed.
#[derive(Clone, Debug)]
pub enum Step {
    /// A row matches.
    Atom(Atom),
    /// No row matches.
    Not(Atom),
    /// The comparison holds.
    Compare(Comparison, Expr, Expr),
    /// The variable has this value.
    Let(Var, Expr),
    /// The value of the variable has these parts.
    Take(Var, Maker, Vec<Var>),
    /// The aggregate has a result for the group of these keys.
    Aggregate(Groups),
    /// One of the bodies is satisfied.
    Or(Vec<Vec<Step>>),
    /// The variable is a number of the range.
    Range(Var, Expr, Expr, bool),
}

/// Orders a body. `outside` are the variables of the rule that occur outside it.
pub fn order(body: &[Literal], outside: &[Var]) -> Result<Vec<Step>, Unbound> {
    let mut bound = BTreeSet::new();
    order_from(body, outside, &mut bound)
}

fn order_from(
    body: &[Literal],
    outside: &[Var],
    bound: &mut BTreeSet<Var>,
) -> Result<Vec<Step>, Unbound> {
    let mut left: Vec<usize> = (0..body.len()).collect();
    let mut steps = Vec::new();
    while !left.is_empty() {
        let ready = left
            .iter()
            .position(|&index| is_ready(body, index, outside, bound))
            .ok_or(Unbound)?;
        let index = left.remove(ready);
        let mut new = Vec::new();
        steps.push(match &body[index] {
            Literal::Atom(atom) => {
                variables(&body[index..=index], false, &mut new);
                Step::Atom(atom.clone())
            }
            Literal::Not(atom) => Step::Not(atom.clone()),
            Literal::Compare(op, left, right) => Step::Compare(*op, left.clone(), right.clone()),
            Literal::Let(var, value) => {
                new.push(*var);
                Step::Let(*var, value.clone())
            }
            Literal::Take(var, maker, parts) => {
                new.extend(parts);
                Step::Take(*var, *maker, parts.clone())
            }
            Literal::Aggregate(aggregate) => {
                let groups = group(aggregate, &elsewhere(body, index, outside))?;
                if !aggregate.negated {
                    new.extend(groups.keys.iter().chain(&aggregate.results));
                }
                Step::Aggregate(groups)
            }
            Literal::Range(var, low, high, inclusive) => {
                new.push(*var);
                Step::Range(*var, low.clone(), high.clone(), *inclusive)
            }
            Literal::Implies(..) => unreachable!("implications are rewritten"),
            Literal::Or(parts) => {
                let outside = elsewhere(body, index, outside);
                let mut common: Option<BTreeSet<Var>> = None;
                let mut ordered = Vec::new();
                for part in parts {
                    let mut bound = bound.clone();
                    ordered.push(order_from(part, &outside, &mut bound)?);
                    common = Some(match common {
                        Some(common) => common.intersection(&bound).copied().collect(),
                        None => bound,
                    });
                }
                new.extend(common.unwrap_or_default());
                Step::Or(ordered)
            }
        });
        bound.extend(new);
    }
    Ok(steps)
}

fn is_ready(body: &[Literal], index: usize, outside: &[Var], bound: &BTreeSet<Var>) -> bool {
    let all_bound = |vars: &[Var]| vars.iter().all(|var| bound.contains(var));
    let mut needs = Vec::new();
    match &body[index] {
        Literal::Atom(_) | Literal::Or(_) | Literal::Implies(..) => {}
        Literal::Range(_, low, high, _) => {
            low.variables(&mut needs);
            high.variables(&mut needs);
        }
        Literal::Not(_) | Literal::Compare(..) => {
            variables(&body[index..=index], false, &mut needs)
        }
        Literal::Let(_, value) => value.variables(&mut needs),
        Literal::Take(var, ..) => needs.push(*var),
        Literal::Aggregate(aggregate) if aggregate.negated => {
            needs = keys(aggregate, &elsewhere(body, index, outside));
        }
        Literal::Aggregate(_) => {}
    }
    all_bound(&needs)
}

/// The variables of a rule outside of one literal.
fn elsewhere(body: &[Literal], index: usize, outside: &[Var]) -> Vec<Var> {
    let mut vars = outside.to_vec();
    variables(&body[..index], false, &mut vars);
    variables(&body[index + 1..], false, &mut vars);
    vars
}

/// The variables that tell one group of an aggregate from another: those of `where`, or else those that its body
/// shares with the rest of the rule.
fn keys(aggregate: &Aggregate, elsewhere: &[Var]) -> Vec<Var> {
    if let Some((vars, _)) = &aggregate.groups {
        return vars.clone();
    }
    let mut inside = Vec::new();
    variables(&aggregate.body, true, &mut inside);
    inside.sort_unstable();
    inside.dedup();
    inside.retain(|var| {
        elsewhere.contains(var)
            && !aggregate.bindings.contains(var)
            && !aggregate.arguments.contains(var)
    });
    inside
}

fn group(aggregate: &Aggregate, elsewhere: &[Var]) -> Result<Groups, Unbound> {
    let keys = keys(aggregate, elsewhere);
    let mut used = keys.clone();
    used.extend(aggregate.arguments.iter().chain(&aggregate.bindings));
    let body = order(&aggregate.body, &used)?;
    let bound = bound_by(&body);
    if !aggregate
        .arguments
        .iter()
        .chain(&aggregate.bindings)
        .all(|var| bound.contains(var))
    {
        return Err(Unbound);
    }
    let explicit = match &aggregate.groups {
        Some((vars, groups)) => {
            let steps = order(groups, vars)?;
            let bound = bound_by(&steps);
            if !vars.iter().all(|var| bound.contains(var)) {
                return Err(Unbound);
            }
            Some(steps)
        }
        None if !keys.iter().all(|var| bound.contains(var)) => return Err(Unbound),
        None => None,
    };
    Ok(Groups {
        id: usize::MAX,
        aggregate: aggregate.clone(),
        keys,
        body,
        explicit,
    })
}

/// The variables that hold a value after the steps.
pub fn bound_by(steps: &[Step]) -> BTreeSet<Var> {
    let mut bound = BTreeSet::new();
    for step in steps {
        match step {
            Step::Atom(atom) => bound.extend(atom.args.iter().filter_map(|term| match term {
                Term::Var(var) | Term::Offset(var, _) => Some(*var),
                Term::Const(_) | Term::Wildcard => None,
            })),
            Step::Let(var, _) | Step::Range(var, ..) => {
                bound.insert(*var);
            }
            Step::Take(_, _, parts) => bound.extend(parts),
            Step::Aggregate(groups) => {
                bound.extend(&groups.keys);
                bound.extend(&groups.aggregate.results);
            }
            Step::Or(parts) => {
                let common = parts
                    .iter()
                    .map(|part| bound_by(part))
                    .reduce(|a, b| a.intersection(&b).copied().collect());
                bound.extend(common.unwrap_or_default());
            }
            Step::Not(_) | Step::Compare(..) => {}
        }
    }
    bound
}

/// What tags come to: in one world, where all are 1, or in an algebra.
pub trait Meaning {
    /// The tag of "all of these hold".
    fn all(&self, tags: &[f64]) -> f64;
    /// The tag of "one of these holds".
    fn any(&self, tags: &[f64]) -> f64;
    /// The tag of "none of these holds"; `None` if that cannot be.
    fn none(&self, tags: &[f64]) -> Option<f64>;
    /// The results of each group of an aggregate, with their tags.
    fn results(&self, scope: &Scope<'_>, groups: &Groups) -> Vec<(Tuple, Vec<(Tuple, f64)>)>;
}

/// What solving needs to know.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The rows.
    pub model: &'a Model,
    /// What their tags come to.
    pub meaning: &'a dyn Meaning,
    /// How many more steps may be taken; at 0 nothing more is found, and the program is too large.
    pub patience: &'a Cell<u32>,
}

/// Steps that the oracle takes for one world.
pub const PATIENCE: u32 = 200_000;

impl Scope<'_> {
    /// Calls `found` for each binding that satisfies the steps, with the tags of its literals.
    pub fn solve(
        &self,
        steps: &[Step],
        binding: &Binding,
        tags: &[f64],
        found: &mut dyn FnMut(&Binding, &[f64]),
    ) {
        let Some((step, rest)) = steps.split_first() else {
            return found(binding, tags);
        };
        match self.patience.get() {
            0 => return,
            left => self.patience.set(left - 1),
        }
        match step {
            Step::Atom(atom) => {
                for (row, &tag) in &self.model[atom.relation] {
                    if let Some(extended) = matches(atom, row, binding) {
                        self.solve(rest, &extended, &[tags, &[tag]].concat(), found);
                    }
                }
            }
            Step::Not(atom) => {
                let matching: Vec<f64> = self.model[atom.relation]
                    .iter()
                    .filter(|(row, _)| matches(atom, row, binding).is_some())
                    .map(|(_, &tag)| tag)
                    .collect();
                if let Some(tag) = self.meaning.none(&matching) {
                    self.solve(rest, binding, &[tags, &[tag]].concat(), found);
                }
            }
            Step::Compare(op, left, right) => {
                if let (Some(left), Some(right)) = (value(left, binding), value(right, binding))
                    && holds(*op, left, right)
                {
                    self.solve(rest, binding, tags, found);
                }
            }
            Step::Let(var, expr) => {
                if let Some(value) = value(expr, binding)
                    && let Some(extended) = extend(binding, &[(*var, value)])
                {
                    self.solve(rest, &extended, tags, found);
                }
            }
            Step::Take(var, maker, parts) => {
                if let Some(values) = binding.get(*var).and_then(|value| maker.take(value)) {
                    let new: Vec<(Var, i64)> = parts.iter().copied().zip(values).collect();
                    if let Some(extended) = extend(binding, &new) {
                        self.solve(rest, &extended, tags, found);
                    }
                }
            }
            Step::Range(var, low, high, inclusive) => {
                let (Some(low), Some(high)) = (value(low, binding), value(high, binding)) else {
                    return;
                };
                for number in low..high + i64::from(*inclusive) {
                    if self.patience.get() > 0
                        && let Some(extended) = extend(binding, &[(*var, number)])
                    {
                        self.patience.set(self.patience.get() - 1);
                        self.solve(rest, &extended, tags, found);
                    }
                }
            }
            Step::Aggregate(groups) if groups.aggregate.negated => {
                let key: Vec<i64> = groups
                    .keys
                    .iter()
                    .filter_map(|&var| binding.get(var))
                    .collect();
                let group = members(self, groups).remove(&key);
                let members = group.map(|group| group.members.into_values().collect::<Vec<_>>());
                if let Some(tag) = self.meaning.none(&members.unwrap_or_default()) {
                    self.solve(rest, binding, &[tags, &[tag]].concat(), found);
                }
            }
            // As a formula, `exists` has no variable for its result.
            Step::Aggregate(groups) if groups.aggregate.results.is_empty() => {
                for (key, group) in members(self, groups) {
                    let new: Vec<_> = groups.keys.iter().copied().zip(key).collect();
                    let members: Vec<f64> = group.members.into_values().collect();
                    if !members.is_empty()
                        && let Some(extended) = extend(binding, &new)
                    {
                        let tag = self.meaning.any(&members);
                        self.solve(rest, &extended, &[tags, &[tag]].concat(), found);
                    }
                }
            }
            Step::Aggregate(groups) => {
                for (key, results) in self.meaning.results(self, groups) {
                    if results.is_empty() && groups.aggregate.op == Reduction::StringJoin {
                        // Longer than the oracle can hold.
                        self.patience.set(0);
                    }
                    for (result, tag) in results {
                        let keys = groups.keys.iter().copied().zip(key.iter().copied());
                        let new: Vec<_> = keys
                            .chain(groups.aggregate.results.iter().copied().zip(result))
                            .collect();
                        if let Some(extended) = extend(binding, &new) {
                            self.solve(rest, &extended, &[tags, &[tag]].concat(), found);
                        }
                    }
                }
            }
            Step::Or(parts) => {
                for part in parts {
                    let steps: Vec<Step> = part.iter().chain(rest).cloned().collect();
                    self.solve(&steps, binding, tags, found);
                }
            }
        }
    }
}

fn matches(atom: &Atom, row: &[i64], binding: &Binding) -> Option<Binding> {
    let mut new = Vec::new();
    for (term, &value) in atom.args.iter().zip(row) {
        match term {
            Term::Var(var) => new.push((*var, value)),
            Term::Offset(var, by) => new.push((*var, in_range(value - by)?)),
            Term::Const(constant) if *constant != value => return None,
            Term::Const(_) | Term::Wildcard => {}
        }
    }
    extend(binding, &new)
}

fn extend(binding: &Binding, new: &[(Var, i64)]) -> Option<Binding> {
    let mut extended = binding.clone();
    let fits = new.iter().all(|&(var, value)| extended.bind(var, value));
    fits.then_some(extended)
}

/// The value of an expression, if it has one. Arithmetic is that of `i32`.
pub fn value(expr: &Expr, binding: &Binding) -> Option<i64> {
    match expr {
        Expr::Var(var) => binding.get(*var),
        Expr::Const(_, value) => Some(*value),
        Expr::Binary(op, left, right) => {
            let (left, right) = (value(left, binding)?, value(right, binding)?);
            in_range(match op {
                Operator::Add => left + right,
                Operator::Subtract => left - right,
                Operator::Multiply => left * right,
                Operator::Divide => left.checked_div(right)?,
                Operator::Remainder => left.checked_rem(right)?,
            })
        }
        Expr::If(op, parts) => {
            let [a, b, consequence, alternative] = parts.as_ref();
            let (a, b) = (value(a, binding)?, value(b, binding)?);
            value(
                if holds(*op, a, b) {
                    consequence
                } else {
                    alternative
                },
                binding,
            )
        }
        Expr::Call(function, args) => {
            let args: Option<Vec<i64>> = args.iter().map(|arg| value(arg, binding)).collect();
            let args = args?;
            in_range(match function {
                Function::Abs => args.first()?.abs(),
                Function::Sign => args.first()?.signum(),
                Function::Min => *args.iter().min()?,
                Function::Max => *args.iter().max()?,
            })
        }
        Expr::Make(maker, parts) => {
            let parts: Option<Vec<i64>> = parts.iter().map(|part| value(part, binding)).collect();
            maker.make(&parts?)
        }
        Expr::Cast(operand, ty) => {
            let value = value(operand, binding)?;
            match ty {
                Type::I32 => in_range(value),
                Type::Usize => (value >= 0).then_some(value),
                Type::Bool => (0..=1).contains(&value).then_some(value),
                Type::Text | Type::Pair | Type::Shape => None,
            }
        }
    }
}

fn in_range(value: i64) -> Option<i64> {
    i32::try_from(value).ok().map(i64::from)
}

fn holds(op: Comparison, left: i64, right: i64) -> bool {
    match op {
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right,
        Comparison::Less => left < right,
        Comparison::LessEqual => left <= right,
        Comparison::Greater => left > right,
        Comparison::GreaterEqual => left >= right,
    }
}
