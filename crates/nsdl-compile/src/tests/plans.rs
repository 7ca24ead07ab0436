//! What programs become.

use nsdl_ir::{AggregateOp, Expr, Step, Symbols, Tag, Type, Value};

use super::{compile_in, compile_text, compiled, relation, types};
use crate::{Compiled, External, show};

/// The rules for a relation, as [`show`] prints them, without their indentation.
fn rules(compiled: &Compiled, symbols: &Symbols, name: &str) -> String {
    let shown = show(&compiled.plan, symbols);
    let mut inside = false;
    let mut lines = Vec::new();
    for line in shown.lines() {
        if line.starts_with("  ") && !line.starts_with("   ") {
            let head = line.trim_start().rsplit(":: ").next().unwrap_or_default();
            inside = head.starts_with(&format!("{name}("));
        } else if !line.starts_with(' ') {
            inside = false;
        }
        if inside {
            lines.push(line.trim());
        }
    }
    lines.join("; ")
}

#[track_caller]
fn check(text: &str, name: &str, expected: &str) {
    let symbols = Symbols::new();
    let compiled = compile_in(text, &[], &symbols).unwrap_or_else(|errors| panic!("{errors:#?}"));
    assert_eq!(rules(&compiled, &symbols, name), expected);
}

#[test]
fn transitive_closure() {
    check(
        "rel edge(0, 1)\nrel path(a, c) = edge(a, c) or (path(a, b) and path(b, c))",
        "path",
        "path(x0, x1) =; edge(+x0, +x1); \
         path(x0, x2) =; path(+x0, +x1); path(x1, +x2); \
         new rows of atom 0:; path(+x0, +x1); path(x1, +x2); \
         new rows of atom 1:; path(+x1, +x2); path(+x0, x1)",
    );
}

#[test]
fn checks_come_early() {
    check(
        "rel a(1, 2)\nrel b(1)\nrel c(1)\nrel r(x, z) = a(x, y), b(z), not c(y), y > 1, w == x + z, w < 9",
        "r",
        "r(x0, x2) =; a(+x0, +x1); (x1 > 1); not c(x1); b(+x2); x3 := (x0 + x2); (x3 < 9)",
    );
}

#[test]
fn bound_atoms_come_first() {
    check(
        "rel a(1)\nrel b(1, 2)\nrel c()\nrel r(x) = a(z), b(x, 2), c(), b(z, x)",
        "r",
        "r(x1) =; c(); b(+x1, 2); b(+x0, x1); a(x0)",
    );
}

#[test]
fn equations_bind() {
    let check = |body: &str, expected: &str| {
        let text = format!("type a(usize)\nrel a(1)\nrel r(x) = {body}");
        check(&text, "r", expected);
    };
    check("a(y), x == y * 2", "r(x1) =; a(+x0); x1 := (x0 * 2)");
    check("a(y), y * 2 == x", "r(x1) =; a(+x0); x1 := (x0 * 2)");
    check(
        "a(y), x + 1 == y",
        "r(x1) =; a(+x0); (x0 >= 1); x1 := (x0 - 1)",
    );
    check(
        "a(y), y == 5 - x",
        "r(x1) =; a(+x0); (5 >= x0); x1 := (5 - x0)",
    );
    check("a(x - 1)", "r(x0) =; a(+x1); x0 := (x1 + 1)");
    check(
        "x == y, y == z, a(z)",
        "r(x0) =; a(+x2); x1 := x2; x0 := x1",
    );
    check("a(x), x == 1 + 1", "r(x0) =; x0 := 2; a(x0)");
    check("a(x), 1 < 2", "r(x0) =; a(+x0)");
    check("a(1 + 1), x == 3", "r(x0) =; x0 := 3; a(2)");
}

#[test]
fn types_are_inferred() {
    let program = compiled(
        "type d(i8, String)\n\
         rel a = {(1, 1.5, \"x\", 'c', true, s\"S\"), (2u8, 2.5, \"y\", 'd', false, s\"T\")}\n\
         rel b(x, y) = a(_, x, y, _, _, _)\n\
         rel n = count(x: b(x, _))\n\
         rel s = sum(x: b(x, _))\n\
         rel e = exists(x: b(x, _))\n\
         rel d(1, \"x\")\n\
         rel f(x + 1, z) = d(x, y), z == y + \"!\"\n\
         rel w(0.5)\n\
         rel p::t() = w(p)",
    );
    assert_eq!(types(&program, "a"), "u8, f32, String, char, bool, Symbol");
    assert_eq!(types(&program, "b"), "f32, String");
    assert_eq!(types(&program, "n"), "usize");
    assert_eq!(types(&program, "s"), "f32");
    assert_eq!(types(&program, "e"), "bool");
    assert_eq!(types(&program, "f"), "i8, String");
    assert_eq!(
        types(&program, "w"),
        "f64",
        "a tag fixes the type of its column"
    );
}

#[test]
fn constants_take_the_type_of_their_use() {
    let symbols = Symbols::new();
    let text = "const N = 3, M = N * 2, T: u8 = 7, MIN = -128\n\
                type a(usize), b(i8)\nrel a(N + 1)\nrel b(M)\nrel b(MIN)\nrel b(-128)\nrel c(T)";
    let plan = compile_in(text, &[], &symbols).unwrap().plan;
    let facts: Vec<String> = plan
        .facts
        .iter()
        .map(|fact| {
            let ty = plan.relations[fact.relation.index()].columns[0];
            format!("{}{ty}", Value::from_word(fact.row[0], ty, &symbols))
        })
        .collect();
    assert_eq!(facts, ["4usize", "6i8", "-128i8", "-128i8", "7u8"]);
}

#[test]
fn literals_round_to_their_type() {
    let symbols = Symbols::new();
    let plan = compile_in(
        "type a(f32), b(f64)\nconst X = 0.1\nrel a(X)\nrel b(X)",
        &[],
        &symbols,
    )
    .unwrap()
    .plan;
    assert_eq!(plan.facts[0].row[0], u64::from(0.1f32.to_bits()));
    assert_eq!(plan.facts[1].row[0], 0.1f64.to_bits());
}

#[test]
fn fact_tags() {
    let plan = compiled(
        "const P = 0.25\nrel a(1)\nrel P::a(2)\nrel true::a(3)\nrel a = {0.5::4, 5}\n\
         rel b = {0.3::1; 0.4::2}\nrel b = {1; 2; 3; 4}\nrel 0.5::a(2)",
    )
    .plan;
    let tags: Vec<Tag> = plan.facts.iter().map(|fact| fact.tag).collect();
    let exclusive = |group, weight| Tag::Exclusive { group, weight };
    let share = Tag::Share {
        group: 1,
        weight: 0.25,
    };
    assert_eq!(
        tags,
        [
            Tag::Certain,
            Tag::Independent(0.25),
            Tag::Independent(1.0),
            Tag::Independent(0.5),
            Tag::Certain,
            exclusive(0, 0.3),
            exclusive(0, 0.4),
            share,
            share,
            share,
            share,
            Tag::Independent(0.5),
        ]
    );
}

#[test]
fn each_split_of_a_tagged_rule_chooses_for_itself() {
    let plan = compiled("rel b()\nrel c()\nrel 0.5::a() = b() or c()").plan;
    assert_eq!(plan.choices.len(), 2);
    let choices: Vec<u32> = plan
        .rules
        .iter()
        .map(|rule| rule.tag.unwrap().choice.0)
        .collect();
    assert_eq!(choices, [0, 1]);
    assert_eq!(plan.choices[0].binding, []);
    assert_eq!(plan.choices[0].weights, [Expr::Const(0.5f64.to_bits())]);
}

#[test]
fn choices_depend_on_all_body_variables() {
    // x, the two wildcards, the value of y + 1 and y; not the wildcard under `not`, not o.
    let text = "rel e(1, 2)\nrel 0.5::r(x) = e(x, _), e(_, y + 1), not e(x, _), n := count(o: e(o, x)), n > 0usize";
    let symbols = Symbols::new();
    let compiled = compile_in(text, &[], &symbols).unwrap();
    let binding = compiled.plan.choices[0].binding.len();
    // x, _, _, y, y + 1, n
    assert_eq!(binding, 6);
    let rule = compiled
        .plan
        .rules
        .iter()
        .find(|rule| rule.tag.is_some())
        .unwrap();
    assert_eq!(rule.slots.len(), 6);
    let any = |step: &Step| matches!(step, Step::Scan { columns, .. } if columns.contains(&nsdl_ir::Column::Any));
    assert!(
        !rule.steps.iter().any(any),
        "wildcards of a tagged rule have slots"
    );
}

#[test]
fn heads_share_choices() {
    let plan = compiled("rel v(1)\nrel 0.4::{a(x), b(x)} = v(x)").plan;
    let tags: Vec<_> = plan
        .rules
        .iter()
        .map(|rule| rule.tag.unwrap())
        .map(|tag| (tag.choice.0, tag.alternative))
        .collect();
    assert_eq!(tags, [(0, 0), (0, 0)]);
    assert_eq!(plan.choices.len(), 1);

    let plan = compiled("rel v(1)\nrel {a(x); 0.25::b(x)} = v(x)").plan;
    let tags: Vec<_> = plan
        .rules
        .iter()
        .map(|rule| rule.tag.unwrap())
        .map(|tag| (tag.choice.0, tag.alternative))
        .collect();
    assert_eq!(tags, [(0, 0), (0, 1)]);
    let constant = |value: f64| Expr::Const(value.to_bits());
    assert_eq!(plan.choices[0].weights, [constant(0.5), constant(0.25)]);

    let plan = compiled("rel v(1)\nrel 0.5::{a(x); b(x)} = v(x)").plan;
    assert_eq!(
        plan.choices[0].weights,
        [constant(0.25), constant(0.25)],
        "a tag outside scales each"
    );

    let plan = compiled("rel v(1)\nrel {a(x), b(x)} = v(x)").plan;
    assert!(plan.rules.iter().all(|rule| rule.tag.is_none()));
    assert_eq!(plan.rules.len(), 2);
}

#[test]
fn negated_wildcards_are_projections() {
    let text = "rel r(1, 2)\nrel n(1)\nrel a(x) = n(x), not r(x, _)\nrel b(x) = n(x), not r(x, _)";
    let program = compiled(text);
    let auxiliary: Vec<&str> = program
        .plan
        .relations
        .iter()
        .filter(|it| it.auxiliary)
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(auxiliary, ["r(·, _)"], "shared by both rules");
    check(text, "a", "a(x0) =; n(+x0); not r(·, _)(x0)");
}

#[test]
fn implicit_groups() {
    let program =
        compiled("rel e(1, 2, 3)\nrel deg(a, n) = n := count(b: e(a, b, _)), node(a)\nrel node(1)");
    let [aggregate] = program.plan.aggregates.as_slice() else {
        panic!("one aggregate")
    };
    assert_eq!(
        (aggregate.op, aggregate.keys, aggregate.arguments),
        (AggregateOp::Count, 1, 0)
    );
    assert!(aggregate.groups.is_none());
    let columns =
        |relation: nsdl_ir::RelationId| program.plan.relations[relation.index()].columns.clone();
    assert_eq!(
        columns(aggregate.members),
        [Type::I32, Type::I32],
        "key and value, the rest is existential"
    );
    assert_eq!(columns(aggregate.output), [Type::I32, Type::Usize]);
    let stratum = |relation| {
        program
            .plan
            .strata
            .iter()
            .position(|it| it.relations.contains(&relation))
    };
    assert!(stratum(aggregate.members) < stratum(aggregate.output));
    assert!(stratum(aggregate.output) < stratum(relation(&program, "deg")));
}

#[test]
fn explicit_groups() {
    let program = compiled(
        "rel class(1)\nrel enroll(1, \"a\")\n\
         rel size(c, n) = n := count(s: enroll(c, s) where c: class(c))\n\
         rel big(c) = exists(s: enroll(c, s) where c: class(c))\n\
         rel all(c, n) = n := count(s: enroll(_, s) where c: class(c))",
    );
    let aggregates = &program.plan.aggregates;
    assert_eq!(aggregates.len(), 2);
    assert!(
        aggregates
            .iter()
            .all(|it| it.groups.is_some() && it.keys == 1)
    );
    let symbols = Symbols::new();
    assert!(
        rules(&program, &symbols, "members of count(s: …)").contains("possible groups"),
        "a key that the body does not bind ranges over the groups that may exist"
    );
}

#[test]
fn arguments_and_results() {
    let program = compiled(
        "rel score(\"a\", 1)\n\
         rel best(n, s) = (n, s) := max[n](s: score(n, s))\n\
         rel who(n) = n := argmax[n](s: score(n, s))\n\
         rel top = max(s: score(_, s))\n\
         rel sum = sum[n](s: score(n, s))\n\
         rel some(b) = b := exists(s: score(_, s))",
    );
    let shape: Vec<_> = program
        .plan
        .aggregates
        .iter()
        .map(|it| (it.op, it.keys, it.arguments))
        .collect();
    assert_eq!(
        shape,
        [
            (AggregateOp::Max, 0, 1),
            (AggregateOp::Argmax, 0, 1),
            (AggregateOp::Max, 0, 0),
            (AggregateOp::Sum, 0, 1),
            (AggregateOp::Exists, 0, 0)
        ]
    );
    assert_eq!(types(&program, "best"), "String, i32");
    assert_eq!(types(&program, "who"), "String");
    assert_eq!(types(&program, "some"), "bool");
}

#[test]
fn exists_is_a_projection() {
    let text = "rel n(1)\nrel e(1, 2)\nrel a(x) = n(x), exists(y: e(x, y))\nrel b(x) = n(x), not exists(y: e(x, y) and y > 1)";
    assert!(compiled(text).plan.aggregates.is_empty());
    check(text, "a", "a(x0) =; n(+x0); exists(y: …)(x0)");
    check(text, "b", "b(x0) =; n(+x0); not exists(y: …)(x0)");
}

#[test]
fn nested_aggregates_and_or_inside() {
    let program = compiled(
        "rel e(1, 2)\nrel o(1)\n\
         rel most(n) = n := max(k: k := count(b: e(a, b)) and o(a))\n\
         rel any(n) = n := count(x: o(x) or e(_, x))\n\
         rel less(n) = n := count(x: o(x) and not e(x, _))",
    );
    // most: the inner aggregate is keyed by `a`, which its neighbour o(a) mentions.
    let keys: Vec<u32> = program.plan.aggregates.iter().map(|it| it.keys).collect();
    assert_eq!(
        keys.iter().filter(|keys| **keys == 1).count(),
        1,
        "{keys:?}"
    );
    assert_eq!(program.plan.aggregates.len(), 4);
    let any =
        program.plan.rules.iter().filter(|rule| {
            program.plan.relations[rule.head.index()].name == "members of count(x: …)"
        });
    assert_eq!(any.count(), 3);
}

#[test]
fn bindings_may_be_left_out() {
    let program = compiled("rel e(1, 2)\nrel o(1)\nrel r(x, n) = o(x), n := count(e(x, y))");
    let aggregate = &program.plan.aggregates[0];
    assert_eq!(aggregate.keys, 1);
    assert_eq!(
        program.plan.relations[aggregate.members.index()]
            .columns
            .len(),
        2
    );
}

#[test]
fn queries() {
    let program = compiled("rel path(0, 1)\nquery path(0, _)\nquery path\nquery path(a, a * 2)");
    let names: Vec<&str> = program
        .plan
        .queries
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names, ["path(0, _)", "path", "path(a, a * 2)"]);
    let answers = &program.plan.relations[program.plan.queries[0].relation.index()];
    assert_eq!((answers.columns.len(), answers.auxiliary), (2, true));
    assert_eq!(program.plan.queries[1].relation, relation(&program, "path"));
    check(
        "rel path(0, 1)\nquery path(0, _)",
        "path(0, _)",
        "path(0, _)(0, x0) =; path(0, +x0)",
    );
}

#[test]
fn relations_in_order_of_appearance() {
    let program = compiled(
        "rel a(x) = b(x), not c(x, _)\n@hidden\nrel b(1)\ntype d(i32)\nrel c(1, 2)\nrel d(1)",
    );
    let users: Vec<(&str, bool)> = program
        .plan
        .relations
        .iter()
        .filter(|it| !it.auxiliary)
        .map(|it| (it.name.as_str(), it.hidden))
        .collect();
    assert_eq!(
        users,
        [("a", false), ("b", true), ("c", false), ("d", false)]
    );
}

#[test]
fn externals() {
    let external = |ty| {
        [External {
            name: "digit".into(),
            columns: vec![Some(Type::Usize), ty],
        }]
    };
    let program = compile_text(
        "rel sum(a + b) = digit(0, a), digit(1, b)",
        &external(Some(Type::I64)),
    )
    .unwrap();
    assert_eq!(types(&program, "digit"), "usize, i64");
    assert_eq!(types(&program, "sum"), "i64");
    let program = compile_text("rel sum(a + 1) = digit(_, a)", &external(None)).unwrap();
    assert_eq!(types(&program, "digit"), "usize, i32");
    let unknown = compile_text("rel a(1)", &external(None)).unwrap_err();
    assert_eq!((unknown[0].code, unknown[0].span()), ("E0302", None));
    assert!(
        compile_text("", &external(Some(Type::Bool)))
            .unwrap()
            .warnings
            .is_empty()
    );
}

#[test]
fn strata_are_ordered() {
    let program = compiled(
        "rel a(1)\nrel odd(x + 1) = even(x), x < 9\nrel even(0)\nrel even(x + 1) = odd(x), x < 9\n\
         rel rest(x) = a(x), not even(x)",
    );
    let strata = &program.plan.strata;
    let of = |name: &str| {
        strata
            .iter()
            .position(|it| it.relations.contains(&relation(&program, name)))
            .unwrap()
    };
    assert_eq!(of("odd"), of("even"));
    assert!(of("even") < of("rest") && of("a") < of("rest"));
    assert!(strata[of("odd")].recursive && !strata[of("rest")].recursive);
    let rules: usize = strata.iter().map(|it| it.rules.len()).sum();
    assert_eq!(rules, program.plan.rules.len());
    for rule in &program.plan.rules {
        for delta in &rule.deltas {
            assert!(
                matches!(delta.steps.first(), Some(Step::Scan { atom, .. }) if *atom == delta.atom)
            );
            assert_eq!(delta.steps.len(), rule.steps.len());
        }
    }
}

#[test]
fn several_sources_are_one_program() {
    let symbols = Symbols::new();
    let (a, _) = nsdl_syntax::parse("rel e(0, 1)\nconst N = 4", nsdl_ir::SourceId(0));
    let (b, _) = nsdl_syntax::parse("rel p(x) = e(x, y), y < N", nsdl_ir::SourceId(1));
    let program = crate::compile(&[&a, &b], &[], &symbols).unwrap();
    assert_eq!(program.plan.relations.len(), 2);
}

#[test]
fn deep_and_long_programs() {
    let deep = format!(
        "rel a(1)\nrel b(x) = a(x), x == {}1{}",
        "(1 + ".repeat(900),
        ")".repeat(900)
    );
    compiled(&deep);
    let deep = format!(
        "rel a(1)\nrel b({}x{}) = a(x)",
        "(1 + ".repeat(900),
        ")".repeat(900)
    );
    compiled(&deep);
    let mut long = String::from("rel r0(1)\n");
    for n in 1..5000 {
        long.push_str(&format!("rel r{n}(x + 1) = r{}(x), not r0(x)\n", n - 1));
    }
    assert_eq!(compiled(&long).plan.rules.len(), 4999);
}

#[test]
fn recursion_on_the_right_is_a_chain_for_constants() {
    let is_chain = |rules: &str, query: &str| {
        let text = format!("rel edge = {{(0, 1), (1, 2)}}\n{rules}\nquery {query}");
        compiled(&text).plain.is_some()
    };
    let right = "rel path(x, z) = edge(x, z) or (edge(x, y) and path(y, z))";
    assert!(is_chain(right, "path(0, _)"));
    assert!(
        !is_chain(right, "path(_, 2)"),
        "the last column is left alone"
    );
    assert!(!is_chain(right, "path(0, 2)"), "nothing is left alone");
    assert!(!is_chain(right, "path"), "all of it is asked for");
    let left = "rel path(x, z) = edge(x, z) or (path(x, y) and edge(y, z))";
    assert!(is_chain(left, "path(_, 2)"));
    assert!(!is_chain(left, "path(0, _)"));
    for (rules, why) in [
        (
            "rel path(x, z) = edge(x, z) or (path(x, y) and path(y, z))",
            "recurs twice",
        ),
        (
            "rel path(x, z) = edge(x, z) or (edge(x, y) and path(y, z) and z != 0)",
            "tests the end",
        ),
        (
            "rel path(x, z + 1) = edge(x, z) or (edge(x, y) and path(y, z))",
            "changes the end",
        ),
        (
            "rel path(x, z) = edge(x, z) or (path(x + 1, z) and x < 5 and edge(x, _))",
            "counts up",
        ),
        (
            "rel path(x, z) = edge(x, z)\nrel 0.5::path(x, z) = edge(x, y), path(y, z)",
            "has a tag",
        ),
        (
            "rel path(x, z) = edge(x, z) or (edge(x, y) and path(y, z))\nrel all = count(x, y: path(x, y))\nquery all",
            "has another use",
        ),
    ] {
        assert!(!is_chain(rules, "path(0, _)"), "{why}");
    }
}
