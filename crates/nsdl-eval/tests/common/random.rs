//! Random plans: recursion of every kind, negation, aggregates, constants, repeated variables, tags.

use super::*;

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn shuffle(&mut self, items: &mut [usize]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

/// How large and how random a plan is.
#[derive(Clone, Copy)]
pub struct Size {
    pub values: usize,
    pub facts: usize,
    /// At most so many leaves of facts.
    pub leaves: usize,
    pub tagged_rules: bool,
    /// Whether aggregates may read how probable their members are.
    pub weights: bool,
}

/// Facts, a recursive stratum, aggregates and negation over it, and a second recursive stratum.
pub fn plan(seed: u64, size: Size) -> Builder {
    let (mut random, mut builder) = (Random::new(seed), Builder::default());
    let mut arities = Vec::new();
    let mut relation = |builder: &mut Builder, name: &str, arity: usize| {
        arities.push(arity);
        builder.relation(name, &vec![Type::U8; arity])
    };
    let facts: Vec<usize> = [0, 1, 2, 2, 3]
        .iter()
        .map(|&arity| relation(&mut builder, "fact", arity))
        .collect();
    let first: Vec<usize> = [2, 1, 2]
        .iter()
        .map(|&arity| relation(&mut builder, "first", arity))
        .collect();
    let second: Vec<usize> = [2, 1]
        .iter()
        .map(|&arity| relation(&mut builder, "second", arity))
        .collect();
    let members = relation(&mut builder, "members", 3);
    let groups = relation(&mut builder, "groups", 1);
    let mut ops = vec![
        AggregateOp::Count,
        AggregateOp::Sum,
        AggregateOp::Prod,
        AggregateOp::Avg,
        AggregateOp::Sort,
        AggregateOp::Argsort,
        AggregateOp::Min,
        AggregateOp::Max,
        AggregateOp::Argmin,
        AggregateOp::Argmax,
        AggregateOp::Exists,
    ];
    if size.weights {
        ops.extend([
            AggregateOp::Rank,
            AggregateOp::Top,
            AggregateOp::Unique,
            AggregateOp::Uniform,
            AggregateOp::Categorical,
            AggregateOp::Normalize,
            AggregateOp::Softmax,
        ]);
    }
    let mut outputs = Vec::new();
    for _ in 0..2 {
        let (op, keys) = (random.pick(&ops), random.below(2));
        // Members are [key?, argument?, value]: three columns in all.
        let arguments = if keys == 1 { 1 } else { 2 };
        let results = match op {
            AggregateOp::Count
            | AggregateOp::Sum
            | AggregateOp::Prod
            | AggregateOp::Avg
            | AggregateOp::Exists => 1,
            AggregateOp::Argmin | AggregateOp::Argmax => arguments,
            AggregateOp::Sort | AggregateOp::Rank => arguments + 2,
            // `Argsort` too: a position and the arguments.
            _ => arguments + 1,
        };
        outputs.push((
            relation(&mut builder, "output", keys + results),
            op,
            keys,
            arguments,
        ));
    }
    let last: Vec<usize> = [2, 2]
        .iter()
        .map(|&arity| relation(&mut builder, "last", arity))
        .collect();

    builder.stratum(&facts);
    let mut leaves = 0;
    for _ in 0..size.facts {
        let relation = facts[[0, 1, 2, 2, 2, 3, 3, 4][random.below(8)]];
        let row: Vec<Word> = (0..arities[relation])
            .map(|_| random.below(size.values) as Word)
            .collect();
        let tag = match random.below(4) {
            _ if leaves >= size.leaves => Tag::Certain,
            0 | 1 => Tag::Certain,
            2 => Tag::Independent(random.below(11) as f64 / 10.0),
            _ => Tag::Exclusive {
                group: random.below(2) as u32,
                weight: random.below(11) as f64 / 100.0,
            },
        };
        leaves += usize::from(tag != Tag::Certain);
        builder.fact(relation, &row, tag);
    }
    let mut known = facts.clone();
    for stratum in [first, second] {
        builder.stratum(&stratum);
        // Something to recur on.
        builder.rule(
            stratum[0],
            vec![v(0), v(1)],
            &[(facts[2], vec![V(0), V(1)])],
            &[],
        );
        rules(&mut random, &mut builder, &arities, &known, &stratum, size);
        known.extend(&stratum);
    }
    builder.stratum(&[members, groups]);
    rules(
        &mut random,
        &mut builder,
        &arities,
        &known,
        &[members],
        size,
    );
    rules(&mut random, &mut builder, &arities, &known, &[groups], size);
    known.extend([members, groups]);
    builder.stratum(&outputs.iter().map(|output| output.0).collect::<Vec<_>>());
    for (output, op, keys, arguments) in outputs {
        let explicit = (keys == 1 && random.chance(50)).then_some(groups);
        builder.aggregate(
            op,
            members,
            explicit,
            output,
            [keys as u32, arguments as u32],
        );
        known.push(output);
    }
    builder.stratum(&last);
    rules(&mut random, &mut builder, &arities, &known, &last, size);
    builder
}

/// Some rules for the relations `heads` of the current stratum.
fn rules(
    random: &mut Random,
    builder: &mut Builder,
    arities: &[usize],
    known: &[usize],
    heads: &[usize],
    size: Size,
) {
    for _ in 0..heads.len() + 1 + random.below(4) {
        let head = random.pick(heads);
        let mut atoms = Vec::new();
        for _ in 0..1 + random.below(3) {
            // Auxiliary strata are not recursive.
            let own = heads.len() > 1 && random.chance(55);
            let relation = if own {
                random.pick(heads)
            } else {
                random.pick(known)
            };
            atoms.push((relation, terms(random, arities[relation], size)));
        }
        let mut bound: Vec<u32> = Vec::new();
        for term in atoms.iter().flat_map(|atom| &atom.1) {
            if let V(variable) = term {
                bound.push(*variable);
            }
        }
        let mut extras = Vec::new();
        if bound.is_empty() {
            atoms.push((1, vec![V(0)]));
            bound.push(0);
        }
        let value = |random: &mut Random, bound: &[u32]| match random.below(8) {
            0 => c(random.below(size.values) as Word),
            _ => v(random.pick(bound)),
        };
        if random.chance(20) {
            // Division and subtraction may fail; both stay within the values there are.
            let op = random.pick(&[BinaryOp::Divide, BinaryOp::Subtract, BinaryOp::Remainder]);
            let expr = binary(op, Type::U8, value(random, &bound), value(random, &bound));
            extras.push(Extra::Let(6, expr));
            bound.push(6);
        }
        if random.chance(20) {
            let op = random.pick(&[BinaryOp::NotEqual, BinaryOp::LessEqual, BinaryOp::Equal]);
            extras.push(Extra::If(binary(
                op,
                Type::U8,
                value(random, &bound),
                value(random, &bound),
            )));
        }
        if random.chance(25) {
            let relation = random.pick(known);
            let terms = (0..arities[relation]).map(|_| match random.below(5) {
                0 => C(random.below(size.values) as Word),
                _ => V(random.pick(&bound)),
            });
            extras.push(Extra::Not(relation, terms.collect()));
        }
        let mut args: Vec<Expr> = (0..arities[head]).map(|_| value(random, &bound)).collect();
        if let Some(arg) = args.first_mut().filter(|_| random.chance(15)) {
            *arg = binary(
                BinaryOp::Divide,
                Type::U8,
                arg.clone(),
                value(random, &bound),
            );
        }
        let mut order = Random::new(random.below(1 << 30) as u64);
        let mut add = |builder: &mut Builder, args, extras: &[Extra]| {
            builder.ordered_rule(head, args, &atoms, extras, &mut |items| {
                order.shuffle(items)
            })
        };
        if size.tagged_rules && random.chance(25) {
            let keys: Vec<u32> = (0..random.below(3)).map(|_| random.pick(&bound)).collect();
            // Two alternatives, of which one may depend on the binding.
            let varied = keys.first().map(|&key| {
                let even = binary(BinaryOp::Remainder, Type::U8, v(key), c(2));
                // The bits of a small number are a tiny weight: still a probability of its own.
                binary(BinaryOp::Add, Type::F64, even, c(0.25_f64.to_bits()))
            });
            let weights = vec![
                varied.unwrap_or(c(0.5_f64.to_bits())),
                c(0.375_f64.to_bits()),
            ];
            let other: Vec<Expr> = args.iter().map(|_| value(random, &bound)).collect();
            let pair = [
                (add(builder, args, &extras), 0),
                (add(builder, other, &extras), 1),
            ];
            builder.choice(weights, &keys, &pair);
        } else {
            add(builder, args, &extras);
        }
    }
}

fn terms(random: &mut Random, arity: usize, size: Size) -> Vec<Term> {
    let term = |random: &mut Random| match random.below(10) {
        0 => C(random.below(size.values) as Word),
        1 => Any,
        _ => V(random.below(3 + arity) as u32),
    };
    (0..arity).map(|_| term(random)).collect()
}
