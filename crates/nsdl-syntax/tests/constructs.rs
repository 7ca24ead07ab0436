//! Every construct of the language: what it parses to, by its canonical text or its tree.

use nsdl_ir::{BinaryOp, SourceId, Type, UnaryOp};
use nsdl_syntax::ast::*;
use nsdl_syntax::{format, parse};

/// The tree of a text without errors.
fn good(text: &str) -> Ast {
    let (ast, diagnostics) = parse(text, SourceId(0));
    assert_eq!(diagnostics, [], "in {text}");
    ast
}

/// The only item of a text.
fn item(text: &str) -> Item {
    let mut ast = good(text);
    assert_eq!(ast.items.len(), 1, "in {text}");
    ast.items.remove(0)
}

/// Checks the canonical text of a text, and that it is canonical.
fn check(text: &str, canonical: &str) {
    assert_eq!(
        format::ast(&good(text)),
        format!("{canonical}\n"),
        "of {text}"
    );
    assert_eq!(format::ast(&good(canonical)), format!("{canonical}\n"));
}

/// For texts that are canonical already.
fn same(text: &str) {
    check(text, text);
}

#[test]
fn type_declarations() {
    same("type edge(i32, i32)");
    same("type edge(from: i32, to: i32), node(usize), flag()");
    same("type Id = usize, Key = Id");
    check("type Name <: String", "type Name = String");
    check("type Id = | usize", "type Id = usize");
    let ItemKind::Types(declarations) = item("type a(x: i8, Y)").kind else {
        panic!()
    };
    let [TypeDeclaration::Relation { name, columns, .. }] = declarations.as_slice() else {
        panic!()
    };
    assert_eq!(name.text, "a");
    assert_eq!(
        columns[0].field.as_ref().map(|field| field.text.as_str()),
        Some("x")
    );
    assert_eq!(columns[1].field, None);
    assert_eq!(format::type_expr(&columns[1].ty), "Y");
}

#[test]
fn constants() {
    same("const PI: f64 = 3.14, N = 3");
    same("const M = (1 + 2) * N");
}

#[test]
fn facts() {
    same("rel edge(0, 1)");
    same("rel start()");
    same("rel 0.3::digit(0, 1)");
    same("rel 1.0 / 3.0 :: a()");
    same("rel r(A + 1)");
    check("relation edge(0, 1)", "rel edge(0, 1)");
}

#[test]
fn fact_sets() {
    same("rel edge = {(0, 1), (1, 2)}");
    same("rel p = {1, 2}");
    same("rel t = {()}");
    same("rel none = {}");
    same("rel color = {0.3::(0, \"red\"), 0.7::(0, \"blue\")}");
    same("rel color = {0.3::(0, \"red\"); 0.7::(0, \"blue\")}");
    same("rel coin = {0.5::true;}");
    check("rel p :- {(1), (2),}", "rel p = {1, 2}");
    let ItemKind::FactSet {
        members, exclusive, ..
    } = item("rel c = {1; 2; 3}").kind
    else {
        panic!()
    };
    assert!(exclusive);
    assert_eq!(members.len(), 3);
}

#[test]
fn long_fact_sets_have_a_member_a_line() {
    let members: Vec<String> = (0..40).map(|i| format!("    {i}")).collect();
    same(&format!("rel p = {{\n{}\n}}", members.join(",\n")));
    same(&format!("rel p = {{\n{}\n}}", members.join(";\n")));
}

#[test]
fn rules() {
    same("rel path(a, c) = path(a, b), edge(b, c)");
    check(
        "rel path(a, c) :- path(a, b) /\\ edge(b, c)",
        "rel path(a, c) = path(a, b), edge(b, c)",
    );
    same("rel fib(x, a + b) = fib(x - 1, a), fib(x - 2, b), x > 1");
    same("rel 0.8::alarm() = earthquake()");
    check(
        "rel 1.0/n::pick(x) = item(x), n(n)",
        "rel 1.0 / n :: pick(x) = item(x), n(n)",
    );
    same("rel a(x) = x");
}

#[test]
fn heads() {
    same("rel {a(x), b(x + 1)} = c(x)");
    check("rel a(x) and b(x) = c(x)", "rel {a(x), b(x)} = c(x)");
    check("rel {a(x)} = c(x)", "rel a(x) = c(x)");
    same("rel 0.5::{a(x), b(x)} = c(x)");
    same("rel {assign(v, true); assign(v, false)} = var(v)");
    same("rel {0.1::a(v); b(v); 0.2 * x :: c(v)} = var(v, x)");
    same("rel {0.1::a();} = b()");
    let ItemKind::Rule {
        head: Head::Disjunction(alternatives),
        ..
    } = item("rel {0.1::a(); b()} = c()").kind
    else {
        panic!()
    };
    assert!(alternatives[0].0.is_some() && alternatives[1].0.is_none());
}

#[test]
fn connectives() {
    // `and` binds tighter than `or`.
    let ItemKind::Rule {
        body: Formula::Or(parts),
        ..
    } = item("rel r() = a() or b() and c()").kind
    else {
        panic!()
    };
    assert!(matches!(&parts[1], Formula::And(parts) if parts.len() == 2));
    same("rel r() = a() and b() or c() and not d()");
    same("rel r() = a(), (b() or c())");
    same("rel r() = (a() or b()) and c() or d()");
    check(
        "rel r() = (a(), b()) or c()",
        "rel r() = a() and b() or c()",
    );
    check("rel r() = a() \\/ b()", "rel r() = a() or b()");
    // Parentheses that group alike connectives are kept: they are in the tree.
    same("rel r() = (a(), b()), c()");
    same("rel r() = (a() or b()) or c()");
    check("rel r() = ((((a()))))", "rel r() = a()");
    // A chain is one node, however long.
    let ItemKind::Rule {
        body: Formula::And(parts),
        ..
    } = item(&format!("rel r() = {}a()", "a() and ".repeat(50_000))).kind
    else {
        panic!()
    };
    assert_eq!(parts.len(), 50_001);
}

#[test]
fn negation() {
    same("rel r(x) = a(x), not b(x, _)");
    check("rel r(x) = a(x), ~b(x)", "rel r(x) = a(x), not b(x)");
    check(
        "rel r(x) = a(x) and not (b(x))",
        "rel r(x) = a(x), not b(x)",
    );
    same("rel r() = not a() or not b()");
}

#[test]
fn constraints_and_precedence() {
    same("rel r(x) = a(x, y), x != y, x >= 1, c == x + y * 2 - -x % 3");
    same("rel r(x) = a(x), (x + 1) * 2 > 3, !b && (c || d ^ e) == true");
    let ItemKind::Rule {
        body: Formula::Constraint(expr),
        ..
    } = item("rel r() = a || b && c == d + e * -f").kind
    else {
        panic!()
    };
    // Fully parenthesised by the tree.
    fn shape(expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::Variable(name) => name.clone(),
            ExprKind::Unary(UnaryOp::Negate, operand) => format!("-{}", shape(operand)),
            ExprKind::Binary(op, left, right) => {
                format!("({} {} {})", shape(left), op.symbol(), shape(right))
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(shape(&expr), "(a || (b && (c == (d + (e * -f)))))");
    let ItemKind::Rule {
        body: Formula::Constraint(expr),
        ..
    } = item("rel r() = a - b - c ^ d").kind
    else {
        panic!()
    };
    assert_eq!(shape(&expr), "(((a - b) - c) ^ d)");
    same("rel r() = (a < b) == (c < d)");
    same("rel r() = a - (b - c) > 0, --a > 0, !(a == b), -(a * b) > 0");
}

#[test]
fn casts_and_conditionals() {
    same("rel r(x as f64 as String) = n(x)");
    same("rel r(-x as f64 + 1.0, (-x) as u8, (x + 1) as Id) = n(x)");
    check(
        "rel r(a * (b as f64)) = n(a, b)",
        "rel r(a * b as f64) = n(a, b)",
    );
    check(
        "rel r(x > 0 ? x : y > 0 ? y : -x) = n(x, y)",
        "rel r(if x > 0 then x else if y > 0 then y else -x) = n(x, y)",
    );
    same("rel r(1 + (if b then 1 else 2)) = n(b)");
    same("rel r() = n(b), if b then true else false");
    same("rel x as f64 :: r(x) = n(x)");
    same("rel r($max(x, -y, 1) + $f()) = n(x, y), $is(if x > 0 then x else y)");
}

#[test]
fn aggregates() {
    same("rel n(n) = n := count(o: obj(o))");
    check(
        "rel n(n) = n = count(o: obj(o))",
        "rel n(n) = n := count(o: obj(o))",
    );
    same("rel deg(a, n) = n := count(b: edge(a, b)), node(a)");
    same("rel size(c, n) = n := count(s: enroll(c, s) where c: class(c), open(c))");
    same("rel best(n, s) = (n, s) := max[n](s: score(n, s))");
    check(
        "rel m(n) = (n) := max(s: score(s))",
        "rel m(n) = n := max(s: score(s))",
    );
    same("rel any() = _ := max[n](s: score(n, s) or other(n, s))");
    same("rel sum(t) = t := sum[x, y](z: p(x, y, z))");
    same("rel c(n) = n := count(p(x), q(x))");
    same("rel a(c) = c := argmax[c](n: n := count(o: of(c, o)))");
    same("rel n(n) = n := count!(o: obj(o))");
    same("rel n = count!(o: obj(o))");
    same("rel s(t) = t := string_join<\", \">![i](s: w(i, s))");
    check(
        "rel s(n) = n := top!<2 + 1, fast, desc=(1 > 2)>(s: w(s))",
        "rel s(n) = n := top<2 + 1, fast, desc = (1 > 2)>!(s: w(s))",
    );
    let ItemKind::Rule {
        body: Formula::Aggregate(aggregate),
        ..
    } = item("rel r(x) = (x, _) := max[a](v: p(a, v) where g, h: q(g, h))").kind
    else {
        panic!()
    };
    assert_eq!(aggregate.results.len(), 2);
    assert_eq!(aggregate.results[1].kind, ExprKind::Wildcard);
    assert_eq!(aggregate.operator.text, "max");
    assert_eq!(aggregate.arguments[0].text, "a");
    assert_eq!(aggregate.bindings[0].text, "v");
    assert_eq!(
        aggregate.groups.as_ref().map(|groups| groups.0.len()),
        Some(2)
    );
    assert!(!aggregate.negated);
}

#[test]
fn exists() {
    same("rel r() = exists(o: p(o))");
    same("rel r() = not exists(o: p(o))");
    same("rel r() = exists(p(x))");
    same("rel r(b) = b := exists(o: p(o))");
    check(
        "rel r() = ~exists(o: p(o))",
        "rel r() = not exists(o: p(o))",
    );
    let ItemKind::Rule {
        body: Formula::Aggregate(aggregate),
        ..
    } = item("rel r() = not exists(o: p(o))").kind
    else {
        panic!()
    };
    assert!(aggregate.negated && aggregate.results.is_empty());
}

#[test]
fn relations_of_one_aggregate() {
    same("rel n = count(o: obj(o))");
    same("rel best = argmax[p](s: score(p, s))");
    same("rel n = count(p(x))");
    same("rel n = exists(p(x))");
    assert!(matches!(
        item("rel n = sum(x: p(x))").kind,
        ItemKind::AggregateRule { .. }
    ));
}

#[test]
fn queries() {
    same("query path");
    same("query path(0, _)");
    same("query p(a, a * 2)");
    let ItemKind::Query(query) = item("query path").kind else {
        panic!()
    };
    assert_eq!(query.args, None);
}

#[test]
fn attributes() {
    same("@hidden\nrel a(1)");
    same("@file(\"a.csv\", header = true)\n@demand(\"bf\")\ntype a(i32)");
    check("@hidden() query a", "@hidden\nquery a");
    let item = item("@x(-1, 2, key = \"v\") rel a(1)");
    assert_eq!(item.attributes[0].positional.len(), 2);
    assert_eq!(item.attributes[0].named[0].0.text, "key");
    // The span of an item begins at its keyword.
    assert_eq!(item.span.range(), 21..29);
}

#[test]
fn canonical_text_of_an_atom() {
    let ItemKind::Query(query) = item("query  path( 0,_ , \"a\\n\" )").kind else {
        panic!()
    };
    let args = query.args.unwrap_or_default();
    assert_eq!(
        format::atom_text(&query.relation.text, &args),
        "path(0, _, \"a\\n\")"
    );
}

#[test]
fn contextual_words_are_names() {
    same("rel hidden(count, sum, max, keep, min) = file(count, sum, max, keep, min), demand(top)");
    // `fn evidence(` begins a function only where an item can begin.
    same("@fn\nevidence (a() or b()), c()");
}

#[test]
fn items_need_no_line_breaks() {
    check("rel a(1) rel b(2) query a", "rel a(1)\nrel b(2)\nquery a");
}

#[test]
fn nesting() {
    check(
        &format!("rel r() = {}a(){}", "(".repeat(1_000), ")".repeat(1_000)),
        "rel r() = a()",
    );
    let deep = format!(
        "rel r() = {}x + 1{} > 1",
        "1 + (".repeat(900),
        ")".repeat(900)
    );
    assert!(format::ast(&good(&deep)) == format!("{deep}\n"));
    // The deepest trees there are can be copied, compared and dropped without care.
    let deepest = good(&format!("rel a({}1)", "1 + ".repeat(1_998)));
    assert!(deepest.clone() == deepest);
    // Trees that would overflow the stack are refused, whatever makes them deep.
    let many = 200_000;
    for text in [
        format!("rel r() = {}a(){}", "(".repeat(many), ")".repeat(many)),
        format!("rel r() = {}a()", "not ".repeat(many)),
        format!("rel r({}1)", "-".repeat(many)),
        format!("rel r({}1)", "1 + ".repeat(many)),
        format!(
            "rel r() = {}c(){}",
            "(a() or b() and ".repeat(3_000),
            ")".repeat(3_000)
        ),
        format!(
            "rel r() = {}n := count(x: p(x)){}",
            "n := count(x: ".repeat(3_000),
            ")".repeat(3_000)
        ),
    ] {
        let (ast, diagnostics) = parse(&text, SourceId(0));
        assert_eq!(ast.items, []);
        let codes: Vec<_> = diagnostics
            .iter()
            .map(|diagnostic| diagnostic.code)
            .collect();
        assert_eq!(codes, ["E0111"], "of {}", &text[..40]);
    }
    // Without its closing half it is a syntax error like any other.
    let (_, diagnostics) = parse(&format!("rel r() = {}", "(".repeat(many)), SourceId(0));
    assert_eq!(diagnostics[0].code, "E0108");
}

#[test]
fn large_texts() {
    let text = format!("rel s(\"{}\")", "0123456789".repeat(1_000_000));
    let ItemKind::Fact { atom, .. } = item(&text).kind else {
        panic!()
    };
    assert!(
        matches!(&atom.args[0].kind, ExprKind::Literal(Literal::String(s)) if s.len() == 10_000_000)
    );
    let members: Vec<String> = (0..100_000).map(|i| format!("({i}, {})", i + 1)).collect();
    let ItemKind::FactSet { members, .. } =
        item(&format!("rel e = {{{}}}", members.join(", "))).kind
    else {
        panic!()
    };
    assert_eq!(members.len(), 100_000);
}

#[test]
fn literals_keep_their_suffixes() {
    let ItemKind::Fact { atom, .. } = item("rel a(1u8, 2.0f64, 3f32, 4, 5.0)").kind else {
        panic!()
    };
    let literals: Vec<_> = atom.args.into_iter().map(|arg| arg.kind).collect();
    let float = |digits: &str, ty| ExprKind::Literal(Literal::Float(digits.into(), ty));
    let integer = |value, ty| ExprKind::Literal(Literal::Integer(value, ty));
    assert_eq!(
        literals,
        [
            integer(1, Some(Type::U8)),
            float("2.0", Some(Type::F64)),
            float("3", Some(Type::F32)),
            integer(4, None),
            float("5.0", None)
        ]
    );
}

#[test]
fn spans_are_where_things_are() {
    let text = "rel é(1)\nrel b(x) = not é(x), x == 1";
    let ast = good(text);
    let slice = |span: nsdl_ir::Span| &text[span.range()];
    assert_eq!(slice(ast.items[0].span), "rel é(1)");
    let ItemKind::Rule {
        body: Formula::And(parts),
        ..
    } = &ast.items[1].kind
    else {
        panic!()
    };
    let [Formula::Not { formula, span }, Formula::Constraint(expr)] = parts.as_slice() else {
        panic!()
    };
    let Formula::Atom(atom) = &**formula else {
        panic!()
    };
    assert_eq!(slice(*span), "not é(x)");
    assert_eq!(slice(atom.span), "é(x)");
    assert_eq!(slice(expr.span), "x == 1");
    assert!(matches!(expr.kind, ExprKind::Binary(BinaryOp::Equal, ..)));
}

#[test]
fn a_query_may_be_given_evidence() {
    let ItemKind::Query(query) = item("query burglary() | calls(x) and not late(x) and x > 1").kind
    else {
        panic!("no query");
    };
    assert_eq!(query.relation.text, "burglary");
    assert!(matches!(query.evidence.as_deref(), Some(Formula::And(parts)) if parts.len() == 3));
    assert_eq!(
        format::query(&query),
        "burglary() | calls(x), not late(x), x > 1"
    );
    let ItemKind::Evidence(formula) = item("evidence not calls(1) or late()").kind else {
        panic!("no evidence");
    };
    assert!(matches!(formula, Formula::Or(_)));
}

#[test]
fn evidence_is_a_name_but_where_an_item_begins() {
    for text in [
        "rel evidence(1)",
        "rel a(x) = evidence(x), x > evidence(x), not evidence(x)",
        "type evidence(evidence: i32)",
        "query evidence",
        "rel evidence = {1}",
    ] {
        let (ast, problems) = parse(text, SourceId::default());
        assert!(
            problems.is_empty() && ast.items.len() == 1,
            "{text}: {problems:?}"
        );
    }
    let text = "query evidence evidence evidence(1) type a = List<i32> evidence (a() or b())";
    let (ast, problems) = parse(text, SourceId::default());
    assert!(problems.is_empty() && ast.items.len() == 4, "{problems:?}");
}

#[test]
fn tags_may_be_learned() {
    let ItemKind::Rule { tag: Some(tag), .. } = item("rel ?0.3::a(x) = b(x)").kind else {
        panic!("no tagged rule");
    };
    assert!(matches!(tag.kind, ExprKind::Learned(Some(_))));
    for text in [
        "rel ?::a(1)",
        "rel a = {?0.2::1; ?::2; 0.1::3}",
        "rel {?0.5::a(x); ?0.2::b(x)} = c(x)",
    ] {
        let (ast, problems) = parse(text, SourceId::default());
        assert!(problems.is_empty(), "{text}: {problems:?}");
        assert_eq!(format::ast(&ast).trim_end(), text);
    }
    for text in ["rel a(?0.3)", "rel a(x) = ?0.3::b(x)", "const p = ?0.3"] {
        let (_, problems) = parse(text, SourceId::default());
        assert!(!problems.is_empty(), "{text}");
    }
}
