//! Random programs with few worlds: every construct, small domains, any seed.
//!
//! Relations lie in layers. A rule reads its own layer (recursion) and lower ones, and negates and aggregates
//! lower ones only, so every program is stratified. What has too many worlds or tuples is drawn again.

mod compound;

use crate::oracle::enumerate::{Distribution, distribution};
use crate::oracle::*;
use crate::random::Random;

/// A program and what it means.
pub fn program(seed: u64) -> (Program, Distribution) {
    for attempt in 0.. {
        let program = Generator::new(seed.wrapping_mul(1009).wrapping_add(attempt)).program();
        if let Ok(distribution) = distribution(&program, 400)
            && distribution
                .relations
                .iter()
                .map(|rows| rows.len())
                .sum::<usize>()
                <= 80
            && (interest(&program, &distribution) >= 3 || attempt % 4 == 3)
        {
            return (program, distribution);
        }
    }
    unreachable!("some program is small")
}

/// The text of a program, as [`program`] makes it.
pub fn text(seed: u64) -> String {
    program(seed).0.to_string()
}

/// How many derived tuples are uncertain: programs where nothing happens are welcome, but not too many.
fn interest(program: &Program, distribution: &Distribution) -> usize {
    let derived = |relation: &usize| program.facts.iter().all(|set| set.relation != *relation);
    let uncertain = |value: f64| value > 1e-9 && value < 1.0 - 1e-9;
    (0..program.relations.len())
        .filter(derived)
        .map(|relation| {
            distribution.relations[relation]
                .values()
                .filter(|p| uncertain(p.value))
                .count()
        })
        .sum()
}

struct Generator {
    random: Random,
    program: Program,
    /// The layer of each relation.
    layers: Vec<usize>,
    /// Variables of the rule under construction that are bound, and their types.
    bound: Vec<(Var, Type)>,
    next: Var,
    /// How many more Boolean variables there may be, roughly: of facts first, then of rules.
    budget: usize,
}

impl Generator {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let budget = random.range(2, 6);
        Self {
            random,
            program: Program::default(),
            layers: Vec::new(),
            bound: Vec::new(),
            next: 0,
            budget,
        }
    }

    fn program(mut self) -> Program {
        let declared = self.random.chance(0.7);
        for _ in 0..self.random.range(2, 3) {
            let arity = *self.random.pick(&[1, 1, 2, 2, 2, 3, 0]);
            let columns = (0..arity).map(|_| self.column()).collect();
            self.relation(0, columns, declared);
        }
        for relation in 0..self.program.relations.len() {
            self.facts(relation);
        }
        self.budget += self.random.range(0, 3);
        for layer in 1..=self.random.range(1, 3) {
            self.layer(layer);
        }
        // A relation whose type nothing but a declaration tells must have one.
        let derives = |rules: &[Rule], relation: usize| {
            rules.iter().any(|rule| {
                rule.head
                    .atoms()
                    .iter()
                    .any(|(_, head)| head.relation == relation)
            })
        };
        for relation in 0..self.program.relations.len() {
            let has_facts = self
                .program
                .facts
                .iter()
                .any(|set| set.relation == relation && !set.members.is_empty());
            if !has_facts && (self.layers[relation] == 0 || !derives(&self.program.rules, relation))
            {
                self.program.relations[relation].declared = true;
            }
        }
        self.program
    }

    fn relation(&mut self, layer: usize, columns: Vec<Type>, declared: bool) -> usize {
        let name = format!("r{}", self.program.relations.len());
        self.program.relations.push(Relation {
            name,
            columns,
            declared,
        });
        self.layers.push(layer);
        self.program.relations.len() - 1
    }

    fn value(&mut self, ty: Type) -> i64 {
        match ty {
            Type::I32 => *self.random.pick(&[0, 0, 0, 1, 1, 1, 2, 2, 3, -1]),
            Type::Usize => self.random.below(3) as i64,
            Type::Bool => self.random.below(2) as i64,
            Type::Text => number(self.random.pick::<&str>(&["a", "b"])).unwrap_or_default(),
            Type::Pair | Type::Shape => self.compound(ty),
        }
    }

    fn probability(&mut self) -> f64 {
        match self.random.below(30) {
            0 => 0.0,
            1 => 1.0,
            _ => self.random.range(1, 19) as f64 / 20.0,
        }
    }

    /// `n` weights whose sum is at most 1, now and then exactly 1.
    fn weights(&mut self, n: usize) -> Vec<f64> {
        let mut left = 20
            - if self.random.chance(0.3) {
                0
            } else {
                self.random.range(1, 5)
            };
        let full = left == 20;
        let mut weights = Vec::new();
        for member in 0..n {
            let weight = if member + 1 == n && full {
                left
            } else {
                self.random.range(0, left.min(20 / n + 3))
            };
            left -= weight;
            weights.push(weight as f64 / 20.0);
        }
        weights
    }

    fn facts(&mut self, relation: usize) {
        let columns = self.program.relations[relation].columns.clone();
        if self.random.chance(0.04) {
            return; // an empty relation
        }
        for _ in 0..self.random.range(1, 2) {
            let size = self
                .random
                .range(1, 4)
                .min(if columns.is_empty() { 1 } else { 4 });
            let tuples: Vec<Tuple> = (0..size)
                .map(|_| columns.iter().map(|&ty| self.value(ty)).collect())
                .collect();
            let exclusive = size > 1 && self.budget >= 2 && self.random.chance(0.35);
            let members = if exclusive {
                self.budget -= 2;
                if self.random.chance(0.15) {
                    tuples.into_iter().map(|tuple| (None, tuple)).collect()
                } else {
                    self.weights(size)
                        .into_iter()
                        .map(Some)
                        .zip(tuples)
                        .collect()
                }
            } else {
                let mut members = Vec::new();
                for tuple in tuples {
                    let tagged = self.budget > 0 && self.random.chance(0.65);
                    self.budget -= usize::from(tagged);
                    members.push((tagged.then(|| self.probability()), tuple));
                }
                members
            };
            self.program.facts.push(FactSet {
                relation,
                members,
                exclusive,
            });
        }
    }

    fn layer(&mut self, layer: usize) {
        let mut heads = Vec::new();
        for _ in 0..self.random.range(1, 2) {
            let arity = *self.random.pick(&[0, 1, 1, 2, 2]);
            let columns = (0..arity).map(|_| self.column()).collect();
            let declared = self.random.chance(0.7);
            heads.push(self.relation(layer, columns, declared));
        }
        for &head in &heads {
            // The first rule reads lower layers only, so that recursion has something to begin with.
            self.rule(layer, head, &heads, false);
            for _ in 0..self.random.range(0, 2) {
                self.rule(layer, head, &heads, true);
            }
        }
        for _ in 0..*self.random.pick(&[0, 1, 1, 2]) {
            self.aggregate_rule(layer);
        }
    }

    fn start_rule(&mut self) {
        self.bound.clear();
        self.next = 0;
    }

    fn fresh(&mut self, ty: Type) -> Var {
        let var = self.next;
        self.next += 1;
        self.bound.push((var, ty));
        var
    }

    fn bound_of(&mut self, ty: Type) -> Option<Var> {
        let vars: Vec<Var> = self
            .bound
            .iter()
            .filter(|(_, of)| *of == ty)
            .map(|(var, _)| *var)
            .collect();
        if vars.is_empty() {
            None
        } else {
            Some(*self.random.pick(&vars))
        }
    }

    /// A relation of a layer that `allowed` accepts.
    fn choose(&mut self, allowed: impl Fn(usize) -> bool) -> usize {
        let choices: Vec<usize> = (0..self.layers.len())
            .filter(|&r| allowed(self.layers[r]))
            .collect();
        *self.random.pick(&choices)
    }

    fn positive(&mut self, relation: usize) -> Literal {
        let columns = self.program.relations[relation].columns.clone();
        // Variables bound by this very atom may be repeated in it.
        let args = columns
            .into_iter()
            .map(|ty| match self.random.below(20) {
                0 => Term::Const(self.value(ty)),
                2 | 3 => Term::Wildcard,
                4 if ty == Type::I32 && self.random.chance(0.5) => {
                    let by = *self.random.pick(&[-1, 1, 2]);
                    let var = self.bound_of(ty).unwrap_or_else(|| self.fresh(ty));
                    Term::Offset(var, by)
                }
                5..=12 => Term::Var(self.bound_of(ty).unwrap_or_else(|| self.fresh(ty))),
                _ => Term::Var(self.fresh(ty)),
            })
            .collect();
        Literal::Atom(Atom { relation, args })
    }

    fn negative(&mut self, layer: usize) -> Literal {
        let relation = self.choose(|of| of < layer);
        let columns = self.program.relations[relation].columns.clone();
        let args = columns
            .into_iter()
            .map(|ty| match (self.random.below(10), self.bound_of(ty)) {
                (0..=6, Some(var)) => Term::Var(var),
                (7 | 8, _) => Term::Wildcard,
                _ => Term::Const(self.value(ty)),
            })
            .collect();
        Literal::Not(Atom { relation, args })
    }

    fn operand(&mut self, ty: Type) -> Expr {
        match self.bound_of(ty) {
            Some(var) if self.random.chance(0.5) => Expr::Var(var),
            _ => Expr::Const(ty, self.value(ty)),
        }
    }

    fn arithmetic(&mut self) -> Expr {
        use Operator::*;
        let op = *self
            .random
            .pick(&[Add, Add, Subtract, Multiply, Divide, Remainder]);
        match self.random.below(10) {
            0 => return self.conditional(),
            1 => return self.call(),
            2 => {
                let from = *self.random.pick(&[Type::Usize, Type::Bool, Type::I32]);
                if let Some(var) = self.bound_of(from) {
                    return Expr::Cast(Box::new(Expr::Var(var)), Type::I32);
                }
            }
            _ => {}
        }
        let left = match self.bound_of(Type::I32) {
            Some(var) => Expr::Var(var),
            None => Expr::Const(Type::I32, 1),
        };
        let mut right = self.operand(Type::I32);
        // A constant zero divisor is a compile error, not a dropped derivation.
        if let (Divide | Remainder, Expr::Const(ty, 0)) = (op, &right) {
            right = Expr::Const(*ty, 2);
        }
        if let (Expr::Const(..), Expr::Const(..)) = (&left, &right) {
            return left;
        }
        let expr = Expr::Binary(op, Box::new(left), Box::new(right));
        if self.random.chance(0.2) {
            let right = self.operand(Type::I32);
            return Expr::Binary(Subtract, Box::new(expr), Box::new(right));
        }
        expr
    }

    /// `if a < b then x else y`
    fn conditional(&mut self) -> Expr {
        use Comparison::*;
        let op = *self.random.pick(&[Equal, NotEqual, Less, GreaterEqual]);
        let parts = [(); 4].map(|()| self.operand(Type::I32));
        Expr::If(op, Box::new(parts))
    }

    fn call(&mut self) -> Expr {
        let function =
            *self
                .random
                .pick(&[Function::Abs, Function::Sign, Function::Min, Function::Max]);
        let arguments = match function {
            Function::Abs | Function::Sign => 1,
            Function::Min | Function::Max => self.random.range(1, 3),
        };
        Expr::Call(
            function,
            (0..arguments).map(|_| self.operand(Type::I32)).collect(),
        )
    }

    /// `x in 0..3`: few numbers.
    fn range(&mut self) -> Literal {
        let low = Expr::Const(Type::I32, *self.random.pick(&[-1, 0, 0, 1]));
        let high = match self.bound_of(Type::I32) {
            Some(var) if self.random.chance(0.4) => Expr::Var(var),
            _ => Expr::Const(Type::I32, *self.random.pick(&[1, 2, 2])),
        };
        let var = match self.bound_of(Type::I32) {
            Some(var) if self.random.chance(0.6) => var,
            _ => self.fresh(Type::I32),
        };
        Literal::Range(var, low, high, self.random.chance(0.3))
    }

    /// `p(x) implies q(x)`, with variables that are bound outside.
    fn implies(&mut self, layer: usize) -> Option<Literal> {
        let Literal::Not(premise) = self.negative(layer) else {
            return None;
        };
        let Literal::Not(conclusion) = self.negative(layer) else {
            return None;
        };
        Some(Literal::Implies(premise, conclusion))
    }

    fn comparison(&mut self) -> Option<Literal> {
        use Comparison::*;
        let (var, ty) = *self.bound.get(self.random.below(self.bound.len().max(1)))?;
        let ops: &[Comparison] = if matches!(ty, Type::Bool | Type::Shape) {
            &[Equal, NotEqual]
        } else {
            &[
                Equal,
                NotEqual,
                NotEqual,
                Less,
                LessEqual,
                Greater,
                GreaterEqual,
            ]
        };
        let op = *self.random.pick(ops);
        let mut right = if ty == Type::I32 && self.random.chance(0.2) {
            self.arithmetic()
        } else {
            self.operand(ty)
        };
        // `x < x` says little.
        if matches!(right, Expr::Var(other) if other == var) {
            right = Expr::Const(ty, self.value(ty));
        }
        Some(Literal::Compare(op, Expr::Var(var), right))
    }

    fn body(&mut self, layer: usize, recursive: bool) -> Vec<Literal> {
        let mut body = Vec::new();
        for atom in 0..*self.random.pick(&[1, 1, 2, 2, 2, 3]) {
            let relation = if recursive && (atom == 0 || self.random.chance(0.3)) {
                self.choose(|of| of == layer)
            } else {
                self.choose(|of| of < layer)
            };
            body.push(self.positive(relation));
        }
        if self.random.chance(0.35) {
            body.push(self.negative(layer));
        }
        if self.random.chance(0.5) {
            body.extend(self.taken());
        }
        if self.random.chance(0.25) {
            body.extend(self.comparison());
        }
        if self.random.chance(0.1) {
            body.push(self.range());
        }
        if self.random.chance(0.1) {
            body.extend(self.implies(layer));
        }
        if !recursive && self.random.chance(0.15) {
            let value = self.arithmetic();
            body.push(Literal::Let(self.fresh(Type::I32), value));
        }
        body
    }

    fn head_atom(&mut self, relation: usize, arithmetic: bool) -> HeadAtom {
        let columns = self.program.relations[relation].columns.clone();
        let args = columns
            .into_iter()
            .map(|ty| match self.bound_of(ty) {
                Some(_) if arithmetic && ty == Type::I32 && self.random.chance(0.2) => {
                    self.arithmetic()
                }
                Some(var) if self.random.chance(0.9) => Expr::Var(var),
                _ if matches!(ty, Type::Pair | Type::Shape) => self.made(ty),
                _ => Expr::Const(ty, self.value(ty)),
            })
            .collect();
        HeadAtom { relation, args }
    }

    fn rule(&mut self, layer: usize, head: usize, heads: &[usize], may_recurse: bool) {
        self.start_rule();
        let recursive = may_recurse && self.random.chance(0.7);
        let mut body = self.body(layer, recursive);
        if self.random.chance(0.15) {
            self.exists(layer, &mut body);
        }
        if self.random.chance(0.15) {
            self.or(layer, &mut body);
        }
        // Arithmetic in a recursive head must come to an end.
        let mut arithmetic = !recursive;
        if recursive && self.random.chance(0.3) {
            let mut counter = None;
            if let Some(var) = self.bound_of(Type::I32) {
                let bound = Expr::Const(Type::I32, 3);
                body.push(Literal::Compare(Comparison::Less, Expr::Var(var), bound));
                counter = Some(var);
            }
            if let (Some(var), Some(column)) = (
                counter,
                self.program.relations[head]
                    .columns
                    .iter()
                    .position(|ty| *ty == Type::I32),
            ) {
                let mut atom = self.head_atom(head, false);
                let step = Expr::Const(Type::I32, self.random.range(1, 2) as i64);
                atom.args[column] =
                    Expr::Binary(Operator::Add, Box::new(Expr::Var(var)), Box::new(step));
                let tag = self.tag();
                self.program.rules.push(Rule {
                    tag,
                    head: Head::All(vec![atom]),
                    body,
                });
                return;
            }
            arithmetic = false;
        }
        let (tag, head) = self.head(head, heads, arithmetic);
        self.program.rules.push(Rule { tag, head, body });
    }

    fn tag(&mut self) -> Option<f64> {
        if self.budget > 0 && self.random.chance(0.3) {
            self.budget -= 1;
            return Some(self.probability());
        }
        None
    }

    fn head(&mut self, head: usize, heads: &[usize], arithmetic: bool) -> (Option<f64>, Head) {
        let mut atoms = vec![self.head_atom(head, arithmetic)];
        if self.random.chance(0.12) {
            for _ in 0..self.random.range(1, 2) {
                let other = *self.random.pick(heads);
                atoms.push(self.head_atom(other, arithmetic));
            }
            if self.budget > 1 && self.random.chance(0.5) {
                self.budget -= 2;
                let tags: Vec<Option<f64>> = if self.random.chance(0.3) {
                    vec![None; atoms.len()]
                } else {
                    self.weights(atoms.len()).into_iter().map(Some).collect()
                };
                return (None, Head::OneOf(tags.into_iter().zip(atoms).collect()));
            }
        }
        (self.tag(), Head::All(atoms))
    }

    /// Adds `a(x) or b(x)`, where both sides bind no new variables.
    fn or(&mut self, layer: usize, body: &mut Vec<Literal>) {
        let kept = self.bound.clone();
        let mut parts = Vec::new();
        for _ in 0..2 {
            let relation = self.choose(|of| of < layer);
            let mut part = vec![self.positive(relation)];
            if self.random.chance(0.3) {
                part.extend(self.comparison());
            }
            parts.push(part);
            self.bound = kept.clone();
        }
        body.push(Literal::Or(parts));
    }

    /// Adds `exists(o: p(o, x))`, its negation, or `forall(o: p(o, x) implies q(o))`, with `x` bound outside.
    fn exists(&mut self, layer: usize, body: &mut Vec<Literal>) {
        let outside = self.bound.clone();
        let relation = self.choose(|of| of < layer);
        let columns = self.program.relations[relation].columns.clone();
        let mut bindings = Vec::new();
        let args = columns
            .into_iter()
            .map(|ty| {
                match self
                    .bound_of(ty)
                    .filter(|var| outside.iter().any(|(of, _)| of == var))
                {
                    Some(var) if self.random.chance(0.6) => Term::Var(var),
                    _ => {
                        let var = self.fresh(ty);
                        bindings.push(var);
                        Term::Var(var)
                    }
                }
            })
            .collect();
        let mut inside = vec![Literal::Atom(Atom { relation, args })];
        let mut forall = self.random.chance(0.4);
        if forall {
            // The opposite of the conclusion: an atom that is absent, or a comparison.
            let conclusion = match self.random.below(3) {
                0 => self.comparison().filter(|it| !computes(it)),
                _ => Some(self.negative(layer)),
            };
            forall = conclusion.is_some();
            inside.extend(conclusion);
        }
        self.bound = outside;
        if bindings.is_empty() {
            return;
        }
        body.push(Literal::Aggregate(Aggregate {
            op: Reduction::Exists,
            results: Vec::new(),
            negated: forall || self.random.chance(0.6),
            forall,
            arguments: Vec::new(),
            bindings,
            body: inside,
            groups: None,
        }));
    }

    /// A relation of its own with the results of an aggregate, sometimes joined with more.
    fn aggregate_rule(&mut self, layer: usize) {
        self.start_rule();
        let Some((aggregate, keys, results)) = self.aggregate(layer) else {
            return;
        };
        self.bound = keys.iter().chain(&results).copied().collect();
        let mut body = vec![Literal::Aggregate(aggregate)];
        if self.random.chance(0.3) {
            let relation = self.choose(|of| of < layer);
            body.push(self.positive(relation));
        }
        if self.random.chance(0.2) {
            body.push(self.negative(layer));
        }
        if self.random.chance(0.25) {
            body.extend(self.comparison());
        }
        let mut columns: Vec<(Var, Type)> = keys;
        if self.random.chance(0.9) {
            columns.extend(results);
        }
        let declared = self.random.chance(0.7);
        let relation = self.relation(layer, columns.iter().map(|(_, ty)| *ty).collect(), declared);
        let args = columns.iter().map(|(var, _)| Expr::Var(*var)).collect();
        let tag = self.tag();
        self.program.rules.push(Rule {
            tag,
            head: Head::All(vec![HeadAtom { relation, args }]),
            body,
        });
    }

    /// An aggregate with the variables that it binds: keys and results.
    #[allow(clippy::type_complexity)]
    fn aggregate(
        &mut self,
        layer: usize,
    ) -> Option<(Aggregate, Vec<(Var, Type)>, Vec<(Var, Type)>)> {
        use Reduction::*;
        let op = *self.random.pick(&[
            Count, Count, Sum, Sum, Prod, Avg, Min, Max, Sort, Argsort, Argsort, Argmin, Argmin,
            Argmax, Argmax, Exists, Enumerate, StringJoin, StringJoin, Rank, Top, Normalize,
            Softmax,
        ]);
        let mut body = Vec::new();
        for _ in 0..*self.random.pick(&[1, 1, 2]) {
            let relation = self.choose(|of| of < layer);
            body.push(self.positive(relation));
        }
        if self.random.chance(0.4) {
            body.extend(self.taken());
        }
        if self.random.chance(0.2) {
            body.push(self.negative(layer));
        }
        if self.random.chance(0.2) {
            body.extend(self.comparison());
        }
        let mut inside = std::mem::take(&mut self.bound);
        let mut take = |random: &mut Random, accept: &dyn Fn(Type) -> bool| {
            let choices: Vec<usize> = (0..inside.len())
                .filter(|&at| accept(inside[at].1))
                .collect();
            if choices.is_empty() {
                None
            } else {
                Some(inside.remove(*random.pick(&choices)))
            }
        };
        let value = take(&mut self.random, &|ty| match op {
            Sum | Prod | Avg => ty == Type::I32,
            StringJoin => ty == Type::Text,
            _ => true,
        })?;
        let mut bindings = vec![value];
        let takes_several = !matches!(
            op,
            Sum | Prod | Avg | StringJoin | Argmin | Argmax | Argsort
        );
        if takes_several && self.random.chance(0.3) {
            bindings.extend(take(&mut self.random, &|_| true));
        }
        let takes_arguments = matches!(op, Argmin | Argmax | Argsort)
            || (matches!(op, Sum | Prod | Avg | Min | Max | Sort | StringJoin)
                && self.random.chance(0.4));
        let arguments: Vec<(Var, Type)> = if takes_arguments {
            take(&mut self.random, &|_| true).into_iter().collect()
        } else {
            Vec::new()
        };
        if matches!(op, Argmin | Argmax | Argsort) && arguments.is_empty() {
            return None;
        }
        let mut keys = Vec::new();
        while self.random.chance(0.4) {
            keys.extend(take(&mut self.random, &|_| true));
        }
        let types = match op {
            Count => vec![Type::Usize],
            Exists => vec![Type::Bool],
            Sum | Prod | Avg | StringJoin => vec![value.1],
            Argmin | Argmax => arguments.iter().map(|(_, ty)| *ty).collect(),
            Sort | Argsort | Enumerate | Rank => {
                let shown = if op == Argsort {
                    &[]
                } else {
                    bindings.as_slice()
                };
                let shown = arguments.iter().chain(shown).map(|(_, ty)| *ty);
                [Type::Usize].into_iter().chain(shown).collect()
            }
            Min | Max | Top | Normalize | Softmax => arguments
                .iter()
                .chain(&bindings)
                .map(|(_, ty)| *ty)
                .collect(),
        };
        let results: Vec<(Var, Type)> = types.into_iter().map(|ty| (self.fresh(ty), ty)).collect();
        // What the members of a weighted aggregate weigh must not depend on `where`, for the oracle.
        let groups = if keys.is_empty() || op.reads_weights() || self.random.chance(0.4) {
            None
        } else {
            self.groups(layer, &keys)
        };
        let aggregate = Aggregate {
            op,
            results: results.iter().map(|(var, _)| *var).collect(),
            negated: false,
            forall: false,
            arguments: arguments.iter().map(|(var, _)| *var).collect(),
            bindings: bindings.iter().map(|(var, _)| *var).collect(),
            body,
            groups,
        };
        Some((aggregate, keys, results))
    }

    /// A `where` part that yields the keys.
    fn groups(&mut self, layer: usize, keys: &[(Var, Type)]) -> Option<(Vec<Var>, Vec<Literal>)> {
        let mut body = Vec::new();
        for &(key, ty) in keys {
            let choices: Vec<usize> = (0..self.layers.len())
                .filter(|&r| {
                    self.layers[r] < layer && self.program.relations[r].columns.contains(&ty)
                })
                .collect();
            if choices.is_empty() {
                return None;
            }
            let relation = *self.random.pick(&choices);
            let columns = self.program.relations[relation].columns.clone();
            let at = columns.iter().position(|of| *of == ty)?;
            let args = (0..columns.len()).map(|column| {
                if column == at {
                    Term::Var(key)
                } else {
                    Term::Wildcard
                }
            });
            body.push(Literal::Atom(Atom {
                relation,
                args: args.collect(),
            }));
        }
        Some((keys.iter().map(|(var, _)| *var).collect(), body))
    }
}

/// Whether a comparison holds an expression that may have no value: then neither it nor its opposite holds.
fn computes(literal: &Literal) -> bool {
    let plain = |expr: &Expr| matches!(expr, Expr::Var(_) | Expr::Const(..));
    !matches!(literal, Literal::Compare(_, left, right) if plain(left) && plain(right))
}
