//! What an evaluation does with failures, limits, targets, choices and aggregates, case by case.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{Any, Builder, C, Extra, V, binary, c, sorted, span, v, world};
use nsdl_eval::{Evaluation, Failure, FailureKind, Limits, Options, evaluate, naive};
use nsdl_ir::*;

fn traced() -> Options {
    Options {
        trace: true,
        ..Options::default()
    }
}

/// The probability of each row of a relation, by enumeration of worlds.
fn probabilities(builder: &Builder, relation: usize) -> Vec<(Vec<Word>, f64)> {
    let evaluation = builder.run(true);
    let trace = evaluation.trace.as_ref().unwrap();
    let table = &evaluation.tables[relation];
    let mut sums = vec![0.0; table.len()];
    world::each(trace, &mut |leaves, weight| {
        let holds = world::model(&builder.plan, trace, leaves);
        for (row, sum) in sums.iter_mut().enumerate() {
            let tuple = evaluation
                .tuple(RelationId::new(relation), row as u32)
                .unwrap();
            *sum += if holds[tuple.index()] { weight } else { 0.0 };
        }
    });
    let mut rows: Vec<_> = table.rows().map(<[Word]>::to_vec).zip(sums).collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    rows
}

fn close(found: &[(Vec<Word>, f64)], wanted: &[(&[Word], f64)]) {
    assert_eq!(found.len(), wanted.len(), "{found:?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!(
            found.0 == wanted.0 && (found.1 - wanted.1).abs() < 1e-12,
            "{found:?}, wanted {wanted:?}"
        );
    }
}

/// `number(x + 1) = number(x)` from 0, without end for a `u64`.
fn counter(ty: Type) -> Builder {
    let mut builder = Builder::default();
    let number = builder.relation("number", &[ty]);
    builder.stratum(&[number]);
    builder.fact(number, &[0], Tag::Certain);
    builder.rule(
        number,
        vec![binary(BinaryOp::Add, ty, v(0), c(1))],
        &[(number, vec![V(0)])],
        &[],
    );
    builder
}

#[test]
fn a_failing_derivation_is_dropped_and_counted() {
    let builder = counter(Type::I8);
    for trace in [false, true] {
        let evaluation = builder.run(trace);
        assert_eq!(evaluation.tables[0].len(), 128);
        assert_eq!(
            evaluation.failures,
            [Failure {
                span: span(0),
                kind: FailureKind::Overflow,
                count: 1,
                text: None,
            }]
        );
    }
}

#[test]
fn a_failure_counts_once_whatever_the_join_orders() {
    // result(x) = path(x, y), path(y, z), q == x / w over w of zero: met in each order and in many rounds.
    let mut builder = Builder::default();
    let edge = builder.relation("edge", &[Type::U8; 2]);
    let zero = builder.relation("zero", &[Type::U8]);
    let path = builder.relation("path", &[Type::U8; 2]);
    builder.stratum(&[edge, zero]);
    for x in 0..5 {
        builder.fact(edge, &[x, x + 1], Tag::Certain);
    }
    builder.fact(zero, &[0], Tag::Certain);
    builder.stratum(&[path]);
    builder.rule(path, vec![v(0), v(1)], &[(edge, vec![V(0), V(1)])], &[]);
    let pair = [(path, vec![V(0), V(1)]), (path, vec![V(1), V(2)])];
    builder.rule(path, vec![v(0), v(2)], &pair, &[]);
    let atoms = [
        (path, vec![V(0), V(1)]),
        (path, vec![V(1), V(2)]),
        (zero, vec![V(3)]),
    ];
    let quotient = binary(BinaryOp::Divide, Type::U8, v(0), v(3));
    builder.rule(path, vec![v(0), v(4)], &atoms, &[Extra::Let(4, quotient)]);
    for trace in [false, true] {
        let evaluation = builder.run(trace);
        // One for each of the sources 0 to 3 of a path of two steps.
        assert_eq!(
            evaluation.failures,
            [Failure {
                span: span(2),
                kind: FailureKind::DivisionByZero,
                count: 4,
                text: None,
            }]
        );
        let options = Options {
            trace,
            ..Options::default()
        };
        let slow =
            naive::evaluate(&builder.plan, &Symbols::new(), &builder.facts, &options).unwrap();
        assert_eq!(evaluation.failures, slow.failures);
    }
}

#[test]
fn the_rules_of_one_conjunctive_head_count_a_failure_once() {
    let mut builder = Builder::default();
    let [a, b, d] = ["a", "b", "d"].map(|name| builder.relation(name, &[Type::U8]));
    builder.stratum(&[d]);
    builder.fact(d, &[1], Tag::Certain);
    builder.fact(d, &[2], Tag::Certain);
    builder.stratum(&[a, b]);
    for head in [a, b] {
        let quotient = Extra::Let(1, binary(BinaryOp::Divide, Type::U8, v(0), c(0)));
        let rule = builder.rule(head, vec![v(1)], &[(d, vec![V(0)])], &[quotient]);
        builder.plan.rules[rule].span = span(0);
    }
    let wanted = [Failure {
        span: span(0),
        kind: FailureKind::DivisionByZero,
        count: 2,
        text: None,
    }];
    assert_eq!(builder.run(false).failures, wanted);
    assert_eq!(builder.run(true).failures, wanted);
}

#[test]
fn a_program_without_end_meets_a_limit_that_names_the_rule() {
    let builder = counter(Type::U64);
    let limits = [
        (
            false,
            "E0610",
            Limits {
                rounds: 1000,
                ..Limits::default()
            },
        ),
        (
            false,
            "E0611",
            Limits {
                tuples: 1000,
                ..Limits::default()
            },
        ),
        (
            true,
            "E0611",
            Limits {
                tuples: 1000,
                ..Limits::default()
            },
        ),
        (
            true,
            "E0612",
            Limits {
                instances: 1000,
                ..Limits::default()
            },
        ),
    ];
    for (trace, code, limits) in limits {
        let options = Options {
            trace,
            limits,
            ..Options::default()
        };
        let error = evaluate(&builder.plan, &Symbols::new(), &builder.facts, &options).unwrap_err();
        assert_eq!((error.code, error.span()), (code, Some(span(0))));
        assert!(error.labels[0].text.contains("`number`"));
        // The oracle counts instances at the end only, which this program does not have.
        if code != "E0612" {
            let error = naive::evaluate(&builder.plan, &Symbols::new(), &builder.facts, &options)
                .unwrap_err();
            assert_eq!(error.code, code);
        }
    }
}

#[test]
fn a_range_without_end_meets_the_limit() {
    let mut builder = Builder::default();
    let (node, found) = (
        builder.relation("node", &[Type::U64]),
        builder.relation("found", &[Type::U64]),
    );
    builder.stratum(&[node]);
    builder.fact(node, &[7], Tag::Certain);
    builder.stratum(&[found]);
    let atoms = [(node, vec![V(0)])];
    let rule = builder.rule(found, vec![v(1)], &atoms, &[Extra::Let(1, c(0))]);
    builder.plan.rules[rule].slots[1] = Type::U64;
    builder.plan.rules[rule].steps[1] = Step::Range {
        slot: Slot(1),
        low: c(0),
        high: c(u64::MAX),
        inclusive: true,
    };
    builder.plan.rules[rule]
        .steps
        .push(Step::Filter(Expr::Const(0)));
    for trace in [false, true] {
        let limits = Limits {
            tuples: 100_000,
            ..Limits::default()
        };
        let options = Options {
            trace,
            limits,
            ..Options::default()
        };
        for evaluate in [evaluate, naive::evaluate] {
            let error =
                evaluate(&builder.plan, &Symbols::new(), &builder.facts, &options).unwrap_err();
            assert_eq!(error.code, "E0615");
        }
    }
}

#[test]
fn a_join_that_explodes_within_one_round_meets_the_limit() {
    let mut builder = Builder::default();
    let (node, triple) = (
        builder.relation("node", &[Type::U32]),
        builder.relation("triple", &[Type::U32; 3]),
    );
    builder.stratum(&[node]);
    for x in 0..2000 {
        builder.fact(node, &[x], Tag::Certain);
    }
    builder.stratum(&[triple]);
    let atoms = [(node, vec![V(0)]), (node, vec![V(1)]), (node, vec![V(2)])];
    builder.rule(triple, vec![v(0), v(1), v(2)], &atoms, &[]);
    for trace in [false, true] {
        let limits = Limits {
            tuples: 100_000,
            ..Limits::default()
        };
        let options = Options {
            trace,
            limits,
            ..Options::default()
        };
        let error = evaluate(&builder.plan, &Symbols::new(), &builder.facts, &options).unwrap_err();
        assert_eq!((error.code, error.span()), ("E0611", Some(span(0))));
    }
}

#[test]
fn it_can_be_cancelled_before_and_meanwhile() {
    let builder = counter(Type::U64);
    let cancel = Arc::new(AtomicBool::new(true));
    let options = Options {
        cancel: Some(cancel.clone()),
        ..Options::default()
    };
    let run = || {
        evaluate(&builder.plan, &Symbols::new(), &builder.facts, &options)
            .unwrap_err()
            .code
    };
    assert_eq!(run(), "E0613");
    cancel.store(false, Ordering::Relaxed);
    std::thread::scope(|scope| {
        let running = scope.spawn(run);
        cancel.store(true, Ordering::Relaxed);
        assert_eq!(running.join().unwrap(), "E0613");
    });
}

#[test]
fn only_what_the_targets_need_is_evaluated() {
    let mut builder = Builder::default();
    let relations = ["a", "b", "unneeded", "c"].map(|name| builder.relation(name, &[Type::U8]));
    for (number, &relation) in relations.iter().enumerate() {
        builder.stratum(&[relation]);
        if number == 0 {
            builder.fact(relation, &[7], Tag::Independent(0.5));
        } else {
            let from = if number == 3 { 1 } else { number - 1 };
            builder.rule(relation, vec![v(0)], &[(relations[from], vec![V(0)])], &[]);
        }
    }
    builder.fact(relations[2], &[8], Tag::Independent(0.5));
    let options = Options {
        targets: Some(vec![RelationId(3)]),
        trace: true,
        ..Options::default()
    };
    let evaluation = evaluate(&builder.plan, &Symbols::new(), &builder.facts, &options).unwrap();
    assert_eq!(
        evaluation
            .tables
            .iter()
            .map(|table| table.len())
            .collect::<Vec<_>>(),
        [1, 1, 0, 1]
    );
    let trace = evaluation.trace.unwrap();
    assert_eq!(
        (trace.instances.len(), trace.leaves.len()),
        (3, 2),
        "leaves are there for every tagged fact"
    );
}

#[test]
fn a_fact_that_does_not_fit_is_refused() {
    let mut builder = Builder::default();
    let relation = builder.relation("a", &[Type::U8; 2]);
    builder.stratum(&[relation]);
    builder.fact(relation, &[1, 2, 3], Tag::Certain);
    let error = evaluate(
        &builder.plan,
        &Symbols::new(),
        &builder.facts,
        &Options::default(),
    )
    .unwrap_err();
    assert_eq!(error.code, "E0801");
    builder.facts[0].relation = RelationId(9);
    assert!(
        evaluate(
            &builder.plan,
            &Symbols::new(),
            &builder.facts,
            &Options::default()
        )
        .is_err()
    );
}

#[test]
fn leaves_of_facts_are_numbered_group_by_group() {
    let mut builder = Builder::default();
    let relation = builder.relation("a", &[Type::U8]);
    builder.stratum(&[relation]);
    let exclusive = |group, weight| Tag::Exclusive { group, weight };
    let tags = [
        exclusive(1, 0.1),
        Tag::Independent(0.2),
        exclusive(0, 0.3),
        exclusive(1, 0.4),
        Tag::Certain,
        exclusive(1, 0.5),
    ];
    for (number, tag) in tags.into_iter().enumerate() {
        // The first and the last fact are the same tuple.
        builder.fact(relation, &[number as Word % 5], tag);
    }
    let trace = builder.run(true).trace.unwrap();
    let sources: Vec<_> = trace
        .leaves
        .iter()
        .map(|leaf| (leaf.group.0, leaf.weight, leaf.source))
        .collect();
    let wanted = [
        (0, 0.1, 0),
        (0, 0.4, 3),
        (0, 0.5, 5),
        (1, 0.2, 1),
        (2, 0.3, 2),
    ];
    assert_eq!(
        sources,
        wanted.map(|(group, weight, fact)| (group, weight, LeafSource::Fact(fact)))
    );
    let ranges: Vec<_> = trace
        .groups
        .iter()
        .map(|group| (group.start, group.end))
        .collect();
    assert_eq!(ranges, [(0, 3), (3, 4), (4, 5)]);
    assert_eq!(trace.instances.len(), 6);
    assert_eq!(trace.certain, [false, false, false, false, true]);
}

#[test]
fn a_tagged_rule_has_one_variable_per_binding() {
    // 0.5::a(x) = b(x) and 0.5::a(x) = c(x) over certain bodies: two choices, so 0.75 where both hold.
    let mut builder = Builder::default();
    let [a, b, c_] = ["a", "b", "c"].map(|name| builder.relation(name, &[Type::U8]));
    builder.stratum(&[b, c_]);
    for (relation, value) in [(b, 1), (b, 2), (c_, 2)] {
        builder.fact(relation, &[value], Tag::Certain);
    }
    builder.stratum(&[a]);
    for from in [b, c_] {
        let rule = builder.rule(a, vec![v(0)], &[(from, vec![V(0)])], &[]);
        builder.choice(vec![c(0.5_f64.to_bits())], &[0], &[(rule, 0)]);
    }
    close(&probabilities(&builder, a), &[(&[1], 0.5), (&[2], 0.75)]);
}

#[test]
fn rules_that_share_a_choice_share_its_variables() {
    // A disjunctive head: { 0.2::a(x); 0.3::b(x) } = c(x), and d(x) = a(x), b(x) holds in no world.
    let mut builder = Builder::default();
    let [a, b, c_, d, e] =
        ["a", "b", "c", "d", "e"].map(|name| builder.relation(name, &[Type::U8]));
    builder.stratum(&[c_]);
    builder.fact(c_, &[1], Tag::Certain);
    builder.fact(c_, &[2], Tag::Independent(0.5));
    builder.stratum(&[a, b, d, e]);
    let rules = [a, b].map(|head| builder.rule(head, vec![v(0)], &[(c_, vec![V(0)])], &[]));
    let weights = [0.2_f64, 0.3].map(|weight| c(weight.to_bits())).to_vec();
    builder.choice(weights, &[0], &[(rules[0], 0), (rules[1], 1)]);
    builder.stratum(&[d, e]);
    builder.rule(d, vec![v(0)], &[(a, vec![V(0)]), (b, vec![V(0)])], &[]);
    for from in [a, b] {
        builder.rule(e, vec![v(0)], &[(from, vec![V(0)])], &[]);
    }
    close(&probabilities(&builder, a), &[(&[1], 0.2), (&[2], 0.1)]);
    close(&probabilities(&builder, d), &[(&[1], 0.0), (&[2], 0.0)]);
    close(&probabilities(&builder, e), &[(&[1], 0.5), (&[2], 0.25)]);
    let trace = builder.run(true).trace.unwrap();
    let rules: Vec<_> = trace
        .leaves
        .iter()
        .filter(|leaf| matches!(leaf.source, LeafSource::Rule(_)))
        .collect();
    assert_eq!(rules.len(), 4);
    assert_eq!(
        builder.rows(a),
        [[1], [2]],
        "without a trace, tags are ignored"
    );
}

#[test]
fn weights_that_are_no_probabilities_are_refused() {
    for (weights, code) in [
        (vec![1.5], "E0510"),
        (vec![-0.1], "E0510"),
        (vec![f64::NAN], "E0510"),
        (vec![0.6, 0.6], "E0511"),
    ] {
        let mut builder = Builder::default();
        let (a, b) = (
            builder.relation("a", &[Type::U8]),
            builder.relation("b", &[Type::U8]),
        );
        builder.stratum(&[b]);
        builder.fact(b, &[1], Tag::Certain);
        builder.stratum(&[a]);
        let rule = builder.rule(a, vec![v(0)], &[(b, vec![V(0)])], &[]);
        builder.choice(
            weights
                .iter()
                .map(|weight: &f64| c(weight.to_bits()))
                .collect(),
            &[0],
            &[(rule, 0)],
        );
        let error =
            evaluate(&builder.plan, &Symbols::new(), &builder.facts, &traced()).unwrap_err();
        assert_eq!((error.code, error.span()), (code, Some(span(1000))));
    }
}

#[test]
fn not_filters_certain_rows_and_keeps_uncertain_ones_as_literals() {
    let mut builder = Builder::default();
    let [a, b, d] = ["a", "b", "d"].map(|name| builder.relation(name, &[Type::U8]));
    builder.stratum(&[a, b]);
    for value in 0..3 {
        builder.fact(a, &[value], Tag::Certain);
    }
    builder.fact(b, &[1], Tag::Certain);
    builder.fact(b, &[2], Tag::Independent(0.25));
    builder.stratum(&[d]);
    builder.rule(
        d,
        vec![v(0)],
        &[(a, vec![V(0)])],
        &[Extra::Not(b, vec![V(0)])],
    );
    close(&probabilities(&builder, d), &[(&[0], 1.0), (&[2], 0.75)]);
    let evaluation = builder.run(true);
    let trace = evaluation.trace.as_ref().unwrap();
    let tuple = |row| evaluation.tuple(RelationId::new(d), row).unwrap().index();
    assert_eq!(
        (trace.certain[tuple(0)], trace.certain[tuple(1)]),
        (true, false)
    );
    assert_eq!(builder.rows(d), [[0]]);
}

#[test]
fn a_row_of_a_certain_relation_needs_no_reason_and_is_none() {
    // asked(y) = asked(x), edge(x, y);  path(x, y) = asked(x), edge(x, y);  other(x) = node(x), not asked(x)
    let mut builder = Builder::default();
    let node = builder.relation("node", &[Type::U8]);
    let edge = builder.relation("edge", &[Type::U8; 2]);
    let asked = builder.relation("asked", &[Type::U8]);
    let path = builder.relation("path", &[Type::U8; 2]);
    let other = builder.relation("other", &[Type::U8]);
    builder.plan.relations[asked].certain = true;
    builder.stratum(&[node, edge]);
    for x in 0..4 {
        builder.fact(node, &[x], Tag::Certain);
    }
    builder.fact(edge, &[0, 1], Tag::Independent(0.5));
    builder.fact(edge, &[1, 2], Tag::Independent(0.25));
    builder.fact(asked, &[0], Tag::Independent(0.125));
    builder.stratum(&[asked]);
    let step = [(asked, vec![V(0)]), (edge, vec![V(0), V(1)])];
    let tagged = builder.rule(asked, vec![v(1)], &step, &[]);
    builder.choice(vec![c(0.5_f64.to_bits())], &[0, 1], &[(tagged, 0)]);
    builder.stratum(&[path]);
    builder.rule(path, vec![v(0), v(1)], &step, &[]);
    builder.stratum(&[other]);
    builder.rule(
        other,
        vec![v(0)],
        &[(node, vec![V(0)])],
        &[Extra::Not(asked, vec![V(0)])],
    );
    close(
        &probabilities(&builder, path),
        &[(&[0, 1], 0.5), (&[1, 2], 0.25)],
    );
    close(&probabilities(&builder, other), &[(&[3], 1.0)]);
    close(
        &probabilities(&builder, asked),
        &[(&[0], 1.0), (&[1], 1.0), (&[2], 1.0)],
    );
    let evaluation = builder.run(true);
    let trace = evaluation.trace.as_ref().unwrap();
    let is_asked = |tuple: TupleId| trace.tuples[tuple.index()].0 == RelationId::new(asked);
    assert!(
        trace
            .literals
            .iter()
            .all(|literal| !is_asked(literal.tuple))
    );
    for instance in trace.instances.iter().filter(|it| is_asked(it.head)) {
        assert_eq!((instance.rule, instance.leaf), (None, None));
        assert!(trace.body(instance).is_empty());
    }
    // The tag of the rule made no variable: there are the three facts'.
    assert_eq!(trace.groups.len(), 3);
}

#[test]
fn tuples_that_support_only_each_other_are_not_certain() {
    let mut builder = Builder::default();
    let [a, p, q] = ["a", "p", "q"].map(|name| builder.relation(name, &[Type::U8]));
    builder.stratum(&[a]);
    builder.fact(a, &[1], Tag::Independent(0.5));
    builder.fact(a, &[2], Tag::Certain);
    builder.stratum(&[p, q]);
    builder.rule(p, vec![v(0)], &[(a, vec![V(0)])], &[]);
    builder.rule(p, vec![v(0)], &[(q, vec![V(0)])], &[]);
    builder.rule(q, vec![v(0)], &[(p, vec![V(0)])], &[]);
    let evaluation = builder.run(true);
    let trace = evaluation.trace.unwrap();
    let certain: Vec<Word> = (0..trace.tuples.len())
        .filter(|&tuple| trace.certain[tuple])
        .map(|tuple| evaluation.tables[trace.tuples[tuple].0.index()].row(trace.tuples[tuple].1)[0])
        .collect();
    assert_eq!(certain, [2, 2, 2]);
}

#[test]
fn relations_without_columns_and_wildcards_work() {
    let mut builder = Builder::default();
    let (edge, any, never) = (
        builder.relation("e", &[Type::U8; 2]),
        builder.relation("any", &[]),
        builder.relation("n", &[]),
    );
    builder.stratum(&[edge]);
    for row in [[1, 2], [1, 3], [2, 2]] {
        builder.fact(edge, &row, Tag::Independent(0.5));
    }
    builder.stratum(&[any, never]);
    builder.rule(any, vec![], &[(edge, vec![C(1), Any])], &[]);
    builder.rule(
        never,
        vec![],
        &[(edge, vec![V(0), V(0)]), (edge, vec![C(3), V(0)])],
        &[],
    );
    close(&probabilities(&builder, any), &[(&[], 0.75)]);
    assert_eq!(builder.rows(any), [[0_u64; 0]]);
    assert_eq!(builder.rows(never), Vec::<Vec<Word>>::new());
    let table = &builder.run(false).tables[any];
    assert_eq!(
        (
            table.find(&[]),
            table.row(0),
            table.row(7),
            table.find(&[1])
        ),
        (Some(0), &[][..], &[][..], None)
    );
}

/// `members(value)` with the tags, aggregated without keys.
fn aggregate(
    op: AggregateOp,
    ty: Type,
    members: &[(&[Word], Tag)],
    results: &[Type],
) -> (Builder, usize) {
    let mut builder = Builder::default();
    let arguments = members.first().map_or(0, |member| member.0.len() - 1);
    let mut columns = vec![Type::U8; arguments];
    columns.push(ty);
    let (member, output) = (
        builder.relation("members", &columns),
        builder.relation("output", results),
    );
    builder.stratum(&[member]);
    for (row, tag) in members {
        builder.fact(member, row, *tag);
    }
    builder.stratum(&[output]);
    builder.aggregate(op, member, None, output, [0, arguments as u32]);
    (builder, output)
}

#[test]
fn a_sum_lists_its_members_and_the_sums_they_can_have() {
    let half = Tag::Independent(0.5);
    let members: Vec<[Word; 2]> = (0..20).map(|number| [number, 1 + number % 2]).collect();
    let members: Vec<(&[Word], Tag)> = members.iter().map(|row| (&row[..], half)).collect();
    let (builder, output) = aggregate(AggregateOp::Sum, Type::I32, &members, &[Type::I32]);
    let evaluation = builder.run(true);
    assert_eq!(evaluation.tables[output].len(), 31);
    let AggregateKind::Sum {
        values,
        least,
        nonempty,
        results,
    } = &evaluation.trace.unwrap().aggregates[0].kind
    else {
        panic!()
    };
    assert_eq!(
        (values.iter().sum::<i64>(), *least, *nonempty),
        (30, 0, false)
    );
    assert!(results.len() == 31 && results.iter().all(Option::is_some));
    assert_eq!(builder.rows(output), [[30]]);
}

#[test]
fn a_sum_that_overflows_in_some_worlds_fails_there() {
    let half = Tag::Independent(0.5);
    let members: [(&[Word], Tag); 3] = [
        (&[0, 100], half),
        (&[1, 100], half),
        (&[2, -100_i64 as Word], Tag::Certain),
    ];
    let (builder, output) = aggregate(AggregateOp::Sum, Type::I8, &members, &[Type::I8]);
    // The total of all three is 100: only totals can overflow, not what is added on the way.
    close(
        &probabilities(&builder, output),
        &[(&[0], 0.5), (&[100], 0.25), (&[-100_i64 as Word], 0.25)],
    );
    let (builder, output) = aggregate(AggregateOp::Sum, Type::I8, &members[..2], &[Type::I8]);
    close(
        &probabilities(&builder, output),
        &[(&[0], 0.25), (&[100], 0.5)],
    );
    let wanted = [Failure {
        span: span(2000),
        kind: FailureKind::Overflow,
        count: 1,
        text: None,
    }];
    assert_eq!(builder.run(true).failures, wanted);
    assert_eq!(builder.run(false).failures, wanted);
    assert_eq!(builder.run(false).tables[output].len(), 0);
}

#[test]
fn floats_are_summed_in_order_of_value() {
    let members = [1e16_f64, 1.0, 1.0, -1e16, 1.0];
    let rows: Vec<[Word; 2]> = members
        .iter()
        .enumerate()
        .map(|(number, value)| [number as Word, value.to_bits()])
        .collect();
    for tag in [Tag::Certain, Tag::Independent(0.5)] {
        let members: Vec<(&[Word], Tag)> = rows.iter().map(|row| (&row[..], tag)).collect();
        let (builder, output) = aggregate(AggregateOp::Sum, Type::F64, &members, &[Type::F64]);
        let wanted = (((-1e16 + 1.0) + 1.0) + 1.0) + 1e16_f64;
        assert_eq!(builder.rows(output), [[wanted.to_bits()]]);
        assert!(sorted(&builder.run(true), output).contains(&vec![wanted.to_bits()]));
    }
    let infinite: [(&[Word], Tag); 2] = [
        (&[0, f64::INFINITY.to_bits()], Tag::Certain),
        (&[1, f64::NEG_INFINITY.to_bits()], Tag::Certain),
    ];
    let (builder, output) = aggregate(AggregateOp::Sum, Type::F64, &infinite, &[Type::F64]);
    for trace in [false, true] {
        let evaluation = builder.run(trace);
        assert_eq!(
            (evaluation.failures[0].kind, evaluation.tables[output].len()),
            (FailureKind::NotANumber, 0)
        );
    }
}

#[test]
fn sums_of_128_bits_are_checked() {
    let symbols = Symbols::new();
    let mut builder = Builder::default();
    let (member, output) = (
        builder.relation("m", &[Type::U128]),
        builder.relation("o", &[Type::U128]),
    );
    builder.stratum(&[member]);
    for value in [u128::MAX - 5, 5, 1] {
        builder.fact(member, &[symbols.intern_wide(value)], Tag::Independent(0.5));
    }
    builder.stratum(&[output]);
    builder.aggregate(AggregateOp::Sum, member, None, output, [0, 0]);
    let evaluation = evaluate(&builder.plan, &symbols, &builder.facts, &traced()).unwrap();
    let mut sums: Vec<u128> = evaluation.tables[output]
        .rows()
        .map(|row| symbols.wide(row[0]))
        .collect();
    sums.sort_unstable();
    assert_eq!(sums, [0, 1, 5, 6, u128::MAX - 5, u128::MAX - 4, u128::MAX]);
    assert_eq!(evaluation.failures[0].kind, FailureKind::Overflow);
}

#[test]
fn a_sum_with_too_many_states_is_refused_with_its_sizes() {
    let half = Tag::Independent(0.5);
    let members: Vec<[Word; 1]> = (0..24).map(|bit| [1 << bit]).collect();
    let members: Vec<(&[Word], Tag)> = members.iter().map(|row| (&row[..], half)).collect();
    let (builder, _) = aggregate(AggregateOp::Sum, Type::U64, &members, &[Type::U64]);
    let options = Options {
        limits: Limits {
            instances: 100_000,
            ..Limits::default()
        },
        ..traced()
    };
    let error = evaluate(&builder.plan, &Symbols::new(), &builder.facts, &options).unwrap_err();
    assert_eq!((error.code, error.span()), ("E0614", Some(span(2000))));
    assert!(
        error.message.contains("24 members") && error.notes[0].contains("65536"),
        "{error:?}"
    );
}

#[test]
fn counting_takes_as_many_steps_as_it_has_members() {
    let rows: Vec<[Word; 1]> = (0..1100).map(|word| [word]).collect();
    let count = |uncertain: usize| {
        let tag = |row: usize| match row < uncertain {
            true => Tag::Independent(0.5),
            false => Tag::Certain,
        };
        let members: Vec<(&[Word], Tag)> = rows
            .iter()
            .enumerate()
            .map(|(i, row)| (&row[..], tag(i)))
            .collect();
        let (builder, _) = aggregate(AggregateOp::Count, Type::U64, &members, &[Type::Usize]);
        let options = Options {
            limits: Limits {
                instances: 5_000,
                ..Limits::default()
            },
            ..traced()
        };
        evaluate(&builder.plan, &Symbols::new(), &builder.facts, &options)
    };
    // A chain over them would take half a million.
    for uncertain in [0, 400, 1100] {
        let results = count(uncertain).map(|evaluation| evaluation.tables[1].len());
        assert_eq!(results.map_err(|error| error.code), Ok(uncertain + 1));
    }
}

#[test]
fn what_a_certain_member_beats_is_no_result() {
    let half = Tag::Independent(0.5);
    let members: [(&[Word], Tag); 5] = [
        (&[0, 9], half),
        (&[1, 7], Tag::Certain),
        (&[2, 7], half),
        (&[3, 5], half),
        (&[4, 8], half),
    ];
    let (builder, output) = aggregate(AggregateOp::Argmax, Type::U8, &members, &[Type::U8]);
    close(
        &probabilities(&builder, output),
        &[(&[0], 0.5), (&[1], 0.25), (&[2], 0.125), (&[4], 0.25)],
    );
    let (builder, output) = aggregate(AggregateOp::Min, Type::U8, &members, &[Type::U8; 2]);
    close(
        &probabilities(&builder, output),
        &[(&[1, 7], 0.5), (&[2, 7], 0.25), (&[3, 5], 0.5)],
    );
}

#[test]
fn text_is_ordered_by_text() {
    let symbols = Symbols::new();
    let words = ["zebra", "ant", "Ünal", "bee"].map(|text| symbols.intern(text));
    let rows: Vec<[Word; 1]> = words.iter().map(|&word| [word]).collect();
    let members: Vec<(&[Word], Tag)> = rows.iter().map(|row| (&row[..], Tag::Certain)).collect();
    for (op, wanted) in [(AggregateOp::Min, "ant"), (AggregateOp::Max, "Ünal")] {
        let (builder, output) = aggregate(op, Type::String, &members, &[Type::String]);
        let evaluation =
            evaluate(&builder.plan, &symbols, &builder.facts, &Options::default()).unwrap();
        assert_eq!(evaluation.tables[output].row(0), [symbols.intern(wanted)]);
    }
}

#[test]
fn empty_groups_have_the_results_of_semantics_4() {
    for (op, without, with) in [
        (AggregateOp::Count, Some(0), Some(0)),
        (AggregateOp::Sum, Some(0), Some(0)),
        (AggregateOp::Exists, Some(0), Some(0)),
        (AggregateOp::Max, None, None),
    ] {
        for trace in [false, true] {
            let (builder, output) = aggregate(op, Type::I32, &[], &[Type::I32]);
            let row = |evaluation: &Evaluation, output: usize| {
                evaluation.tables[output]
                    .rows()
                    .next()
                    .map(<[Word]>::to_vec)
            };
            assert_eq!(
                row(&builder.run(trace), output),
                without.map(|result| vec![result])
            );
            let mut builder = Builder::default();
            let [member, group] =
                [2, 1].map(|arity| builder.relation("in", &vec![Type::I32; arity]));
            let output = builder.relation("out", &[Type::I32; 2]);
            builder.stratum(&[member, group]);
            builder.fact(group, &[5], Tag::Certain);
            builder.fact(member, &[6, 1], Tag::Certain);
            builder.stratum(&[output]);
            builder.aggregate(op, member, Some(group), output, [1, 0]);
            assert_eq!(
                row(&builder.run(trace), output),
                with.map(|result| vec![5, result]),
                "{op:?}"
            );
        }
    }
}

#[test]
fn an_uncertain_group_makes_every_result_uncertain() {
    let mut builder = Builder::default();
    let [member, group, output] =
        [2, 1, 2].map(|arity| builder.relation("r", &vec![Type::I32; arity]));
    builder.stratum(&[member, group]);
    builder.fact(group, &[5], Tag::Independent(0.5));
    builder.fact(member, &[5, 1], Tag::Certain);
    builder.fact(member, &[5, 2], Tag::Independent(0.25));
    builder.stratum(&[output]);
    builder.aggregate(AggregateOp::Count, member, Some(group), output, [1, 0]);
    close(
        &probabilities(&builder, output),
        &[(&[5, 1], 0.375), (&[5, 2], 0.125)],
    );
}
