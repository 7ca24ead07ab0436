//! Asking for less than everything: the answers are those of the whole program, for the same reasons.

use nsdl::{Limits, OutputTag, Provenance, Relation, Session, Value};
use nsdl_tests::corpus::cases;
use nsdl_tests::generate;
use nsdl_tests::oracle::{self, Program, Type};
use nsdl_tests::random::Random;

const PROGRAMS: u64 = 300;

const PROVENANCES: [Provenance; 5] = [
    Provenance::Unit,
    Provenance::Exact,
    Provenance::TopKProofs { k: 2 },
    Provenance::MinMaxProb,
    Provenance::AddMultProb,
];

fn session(text: &str, provenance: Provenance) -> Session {
    let mut session = Session::new();
    session.set_limits(Limits {
        rounds: 2_000,
        tuples: 100_000,
        instances: 200_000,
    });
    session.set_provenance(Some(provenance));
    session
        .add_program("random.dl", text)
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    session
}

/// The possible tuples of relations; tags but for rounding.
type Rows = Vec<(String, Vec<(Vec<Value>, i64)>)>;

fn rows(relations: &[Relation]) -> Rows {
    let one = |relation: &Relation| {
        let rows = relation.tuples.iter().map(|(tag, tuple)| {
            let tag = match tag {
                OutputTag::Unit => 1.0,
                tag => tag.probability(),
            };
            (tuple.clone(), (tag * 1e8).round() as i64)
        });
        (
            relation.name.clone(),
            rows.filter(|row| row.1 != 0).collect(),
        )
    };
    relations.iter().map(one).collect()
}

/// An atom query that binds some columns.
struct Query<'a> {
    text: String,
    /// As `@demand` takes it.
    pattern: String,
    relation: &'a oracle::Relation,
}

/// An atom query with some arguments bound.
fn query<'a>(program: &'a Program, random: &mut Random) -> Option<Query<'a>> {
    let relation = random.below(program.relations.len());
    let relation = &program.relations[relation];
    let mut bound = false;
    let args: Vec<String> = relation
        .columns
        .iter()
        .map(|ty| {
            if random.chance(0.5) {
                return "_".into();
            }
            bound = true;
            match ty {
                Type::I32 => ["0", "1", "2"][random.below(3)].into(),
                Type::Usize => ["0", "1"][random.below(2)].into(),
                Type::Bool => ["true", "false"][random.below(2)].into(),
                Type::Text => format!("{:?}", ["a", "b"][random.below(2)]),
                Type::Pair => ["(0, 1)", "(1, 0)"][random.below(2)].into(),
                Type::Shape => ["Dot()", "Box(1)"][random.below(2)].into(),
            }
        })
        .collect();
    let pattern = args.iter().map(|arg| if arg == "_" { 'f' } else { 'b' });
    bound.then(|| Query {
        text: format!("{}({})", relation.name, args.join(", ")),
        pattern: pattern.collect(),
        relation,
    })
}

fn is_focused(session: &Session) -> bool {
    let plan = session.plan();
    plan.contains("demand ") || plan.contains("reached for ")
}

#[test]
fn queries_are_answered_alike_with_and_without() {
    let (mut focused, mut rows_seen) = (0, 0);
    for seed in 20_000..20_000 + PROGRAMS {
        let (program, _) = generate::program(seed);
        let text = program.to_string();
        let mut random = Random::new(seed);
        let queries: Vec<String> = (0..random.range(1, 3))
            .filter_map(|_| query(&program, &mut random))
            .map(|query| query.text)
            .collect();
        if queries.is_empty() {
            continue;
        }
        for provenance in PROVENANCES {
            let mut with = session(&text, provenance);
            with.queries(queries.clone())
                .unwrap_or_else(|error| panic!("{error}\n{text}"));
            let mut without = with.clone();
            without.set_demand(false);
            if !is_focused(&with) {
                break;
            }
            focused += usize::from(provenance == Provenance::Exact);
            // What does not end in full may end where less is asked for.
            let Ok(expected) = without.run() else {
                continue;
            };
            let expected = rows(&expected.relations);
            rows_seen += expected.iter().map(|(_, rows)| rows.len()).sum::<usize>();
            let got = with.run().unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(
                rows(&got.relations),
                expected,
                "seed {seed}, {provenance}, {queries:?}\n{text}\n{}",
                with.plan()
            );
        }
    }
    assert!(focused > 20 && rows_seen > 100, "{focused}, {rows_seen}");
}

#[test]
fn recursion_on_the_right_computes_no_pairs() {
    let nodes = 2_000;
    let edges: Vec<String> = (0..nodes)
        .map(|node| format!("({node}, {})", (node + 1) % nodes))
        .collect();
    let text = format!(
        "rel edge = {{{}}}\nrel path(x, z) = edge(x, z) or (edge(x, y) and path(y, z))\nquery path(0, _)",
        edges.join(", ")
    );
    // There are 4,000,000 pairs, and the limit is 100,000 tuples.
    let found = session(&text, Provenance::Unit).run();
    let found = found.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found.relations[0].tuples.len(), nodes);
    // Facts that the host gives for the relation are ways too.
    let mut session = session(&text, Provenance::Unit);
    let given = vec![vec![Value::I32(7), Value::I32(-1)]];
    session
        .add_facts("path", given, None, false)
        .unwrap_or_else(|error| panic!("{error}"));
    let found = session.run().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found.relations[0].tuples.len(), nodes + 1);
}

#[test]
fn declared_demand_changes_no_answer() {
    let (mut checked, mut rows_seen) = (0, 0);
    for seed in 30_000..30_000 + PROGRAMS {
        let (program, _) = generate::program(seed);
        let text = program.to_string();
        let mut random = Random::new(seed);
        let Some(query) = query(&program, &mut random) else {
            continue;
        };
        let Query {
            text: query,
            pattern,
            relation,
        } = query;
        let (name, columns) = (&relation.name, &relation.columns);
        let declared = format!(
            "{text}\n@demand({pattern:?}) rel {name}({}) = 1 == 2, {name}({})\n",
            letters(columns.len()),
            letters(columns.len())
        );
        for provenance in PROVENANCES {
            let mut with = session("", provenance);
            match with.add_program("declared.dl", &declared) {
                Ok(_) => {}
                Err(error) if ["E0410", "E0403"].contains(&error.code()) => break,
                Err(error) => panic!("{error}\n{declared}"),
            }
            let mut without = session(&text, provenance);
            for session in [&mut with, &mut without] {
                session
                    .queries(vec![query.clone()])
                    .unwrap_or_else(|error| panic!("{error}\n{text}"));
            }
            without.set_demand(false);
            let Ok(expected) = without.run() else {
                continue;
            };
            let expected = rows(&expected.relations);
            checked += usize::from(provenance == Provenance::Exact);
            rows_seen += expected.iter().map(|(_, rows)| rows.len()).sum::<usize>();
            let got = match with.run() {
                Ok(got) => got,
                // What a recursion asks for may have no end where what it derives has one.
                Err(error) if ["E0610", "E0611"].contains(&error.code()) => break,
                Err(error) => panic!("{error}\n{declared}"),
            };
            assert_eq!(
                rows(&got.relations),
                expected,
                "seed {seed}, {provenance}, {query}\n{declared}\n{}",
                with.plan()
            );
        }
    }
    assert!(checked > 40 && rows_seen > 100, "{checked}, {rows_seen}");
}

fn letters(count: usize) -> String {
    let names: Vec<String> = (0..count).map(|n| format!("x{n}")).collect();
    names.join(", ")
}

#[test]
fn the_corpus_gives_the_same_with_and_without() {
    for case in cases(false) {
        let mut with = Session::new();
        with.add_file(&case.path)
            .unwrap_or_else(|error| panic!("{error}"));
        let mut without = with.clone();
        without.set_demand(false);
        let expected = without.run();
        let Ok(expected) = expected else { continue };
        let got = with.run().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            rows(&got.relations),
            rows(&expected.relations),
            "{}",
            case.name
        );
    }
}
