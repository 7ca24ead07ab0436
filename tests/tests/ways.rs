//! Random programs by other ways: formatted, line by line, with facts from outside, naively, on other threads.

// Helpers of tests may panic too.
#![allow(clippy::expect_used)]

mod marginals;

use std::collections::BTreeSet;
use std::sync::Arc;

use nsdl::{Limits, OutputTag, Provenance, Relation, Session, Value};
use nsdl_ir::{SourceId, Symbols};
use nsdl_tests::generate;
use nsdl_tests::oracle::compound::made;
use nsdl_tests::oracle::{Program, Type, text};

const PROGRAMS: u64 = 120;

fn limited() -> Session {
    let mut session = Session::new();
    session.set_limits(Limits {
        rounds: 2_000,
        tuples: 100_000,
        instances: 200_000,
    });
    session.set_provenance(Some(Provenance::Exact));
    session
}

/// The relations of a session, by name; `None` where it met a limit.
fn results(mut session: Session) -> Option<Vec<Relation>> {
    let mut relations = session.run().ok()?.relations;
    relations.sort_by(|a, b| a.name.cmp(&b.name));
    Some(relations)
}

fn of_text(text: &str) -> Option<Vec<Relation>> {
    let mut session = limited();
    session
        .add_program("random.dl", text)
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    results(session)
}

fn for_each(check: impl Fn(&Program, &str, &[Relation])) {
    let mut checked = 0;
    for seed in 10_000..10_000 + PROGRAMS {
        let (program, _) = generate::program(seed);
        let text = program.to_string();
        if let Some(relations) = of_text(&text) {
            check(&program, &text, &relations);
            checked += 1;
        }
    }
    assert!(
        checked * 100 >= PROGRAMS * 98,
        "only {checked} programs could be checked"
    );
}

type Tagged = (OutputTag, Vec<Value>);

/// Equal up to the rounding of another order of evaluation.
fn near(a: &[Relation], b: &[Relation]) -> bool {
    let tags = |(a, b): (&Tagged, &Tagged)| {
        (a.0.probability() - b.0.probability()).abs() < 1e-9 && a.1 == b.1
    };
    // What is certain in one way may be 1 − 1e-17 in the other, and what is impossible 1e-17.
    let possible = |relation: &Relation| {
        relation
            .tuples
            .iter()
            .filter(|(tag, _)| tag.probability() > 1e-9)
            .cloned()
            .collect::<Vec<_>>()
    };
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            let (left, right) = (possible(a), possible(b));
            a.name == b.name
                && a.types == b.types
                && left.len() == right.len()
                && left.iter().zip(&right).all(tags)
        })
}

#[test]
fn formatted_programs_mean_the_same() {
    for_each(|_, text, expected| {
        let (ast, diagnostics) = nsdl_syntax::parse(text, SourceId::default());
        assert!(diagnostics.is_empty(), "{text}");
        let formatted = nsdl_syntax::format::ast(&ast);
        assert!(
            of_text(&formatted).is_some_and(|got| near(&got, expected)),
            "{text}\nformatted\n{formatted}"
        );
    });
}

#[test]
fn programs_may_be_entered_line_by_line() {
    for_each(|program, text, expected| {
        let mut declared = program.clone();
        declared
            .relations
            .iter_mut()
            .for_each(|relation| relation.declared = true);
        let mut session = limited();
        for line in declared.to_string().lines() {
            session
                .enter("line", line)
                .unwrap_or_else(|error| panic!("{error}\n{text}"));
        }
        let mut got = results(session).unwrap_or_default();
        // Relations that the text mentions nowhere are declared here.
        got.retain(|relation| expected.iter().any(|known| known.name == relation.name));
        assert!(
            near(&got, expected),
            "{text}\ngot {got:?}\nnot {expected:?}"
        );
    });
}

#[test]
fn facts_may_come_from_outside() {
    for_each(|program, text, expected| {
        let sets: Vec<usize> = (0..program.facts.len()).collect();
        let mut session = limited();
        session
            .add_program("rules.dl", &program.text_without(&sets))
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        for set in &program.facts {
            let relation = &program.relations[set.relation];
            let tuple = |tuple: &Vec<i64>| {
                tuple
                    .iter()
                    .zip(&relation.columns)
                    .map(value)
                    .collect::<Vec<_>>()
            };
            let tuples: Vec<Vec<Value>> = set.members.iter().map(|(_, of)| tuple(of)).collect();
            let weights = (0..set.members.len())
                .map(|member| set.weight(member))
                .collect();
            let tagged = set.exclusive || set.members.iter().any(|(tag, _)| tag.is_some());
            let done = session.add_facts(
                &relation.name,
                tuples,
                tagged.then_some(weights),
                set.exclusive,
            );
            done.unwrap_or_else(|error| panic!("{error}\n{text}"));
        }
        let mut got = results(session).unwrap_or_default();
        got.retain(|relation| expected.iter().any(|known| known.name == relation.name));
        assert!(
            near(&got, expected),
            "{text}\ngot {got:?}\nnot {expected:?}"
        );
    });
}

fn value((&value, ty): (&i64, &Type)) -> Value {
    match ty {
        // Plain integers fit where the column says.
        Type::I32 | Type::Usize => Value::I64(value),
        Type::Bool => Value::Bool(value != 0),
        Type::Text => Value::String(text(value).into()),
        Type::Pair | Type::Shape => made(value, *ty),
    }
}

#[test]
fn threads_and_repetition_change_no_bit() {
    for_each(|_, text, expected| {
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("threads start");
            assert_eq!(
                pool.install(|| of_text(text)).as_deref(),
                Some(expected),
                "{text}"
            );
        }
    });
}

#[test]
fn semi_naive_evaluation_is_naive_evaluation() {
    for_each(|_, text, _| {
        let symbols = Symbols::new();
        let (ast, _) = nsdl_syntax::parse(text, SourceId::default());
        let plan = nsdl_compile::compile(&[&ast], &[], &symbols)
            .expect("the program is right")
            .plan;
        for trace in [false, true] {
            let options = nsdl_eval::Options {
                trace,
                marginals: Some(Arc::new(marginals::Exact)),
                ..Default::default()
            };
            let fast =
                nsdl_eval::evaluate(&plan, &symbols, &plan.facts, &options).expect("it ends");
            let slow = nsdl_eval::naive::evaluate(&plan, &symbols, &plan.facts, &options)
                .expect("it ends");
            for (relation, (fast, slow)) in plan
                .relations
                .iter()
                .zip(fast.tables.iter().zip(&slow.tables))
            {
                let rows = |table: &nsdl_eval::Table| {
                    table.rows().map(<[u64]>::to_vec).collect::<BTreeSet<_>>()
                };
                assert_eq!(
                    rows(fast),
                    rows(slow),
                    "{} (trace: {trace})\n{text}",
                    relation.name
                );
            }
            let size = |evaluation: &nsdl_eval::Evaluation| {
                let trace = evaluation.trace.as_ref()?;
                Some((
                    trace.instances.len(),
                    trace.literals.len(),
                    trace.leaves.len(),
                    trace.aggregates.len(),
                ))
            };
            assert_eq!(size(&fast), size(&slow), "{text}");
        }
    });
}
