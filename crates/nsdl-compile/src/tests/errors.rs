//! For each code a program, and what is said about it where.

use nsdl_ir::{Diagnostic, Type};

use super::{compile_text, compiled};
use crate::External;

fn errors(text: &str) -> Vec<Diagnostic> {
    match compile_text(text, &[]) {
        Ok(_) => panic!("compiles: {text}"),
        Err(errors) => errors,
    }
}

/// The program has exactly this one error: with this code, these words in its message, and the primary
/// label on this text.
#[track_caller]
fn check(text: &str, code: &str, message: &str, place: &str) -> Diagnostic {
    let mut errors = errors(text);
    assert_eq!(errors.len(), 1, "{text}: {errors:#?}");
    let error = errors.remove(0);
    assert_eq!(error.code, code, "{error:#?}");
    assert!(error.message.contains(message), "{}", error.message);
    assert_eq!(
        error.span().map(|span| &text[span.range()]),
        Some(place),
        "{error:#?}"
    );
    error
}

#[track_caller]
fn check_help(text: &str, code: &str, message: &str, place: &str, help: &str) {
    let error = check(text, code, message, place);
    let found = error.help.clone().unwrap_or_default();
    assert!(found.contains(help), "{found}");
}

#[track_caller]
fn other_label(error: &Diagnostic, text: &str, place: &str) {
    let places: Vec<&str> = error.labels[1..]
        .iter()
        .map(|label| &text[label.span.range()])
        .collect();
    assert!(places.contains(&place), "{places:?}");
}

#[test]
fn unknown_relation() {
    check_help(
        "rel edge(0, 1)\nrel path(a, b) = egde(a, b)",
        "E0201",
        "unknown relation `egde`",
        "egde",
        "did you mean `edge`?",
    );
    check("rel a(1)\nquery banana", "E0201", "banana", "banana");
    check(
        "rel a(1)\nrel b(n) = n := count(x: zzzz(x))",
        "E0201",
        "zzzz",
        "zzzz",
    );
}

#[test]
fn arity() {
    let text = "type edge(i32, i32)\nrel edge(1, 2)\nrel p(x) = edge(x)";
    let error = check(
        text,
        "E0202",
        "`edge` has 2 columns, here it is given 1",
        "edge(x)",
    );
    other_label(&error, text, "edge");
    check(
        "rel e = {(0, 1), (1, 2, 3)}",
        "E0202",
        "2 columns",
        "(1, 2, 3)",
    );
    check("rel e(0, 1)\nquery e(0)", "E0202", "2 columns", "e(0)");
    check(
        "rel o(1)\nrel n = count(x: o(x))\nrel m() = n(1, 2)",
        "E0202",
        "1 column",
        "n(1, 2)",
    );
}

#[test]
fn declared_twice() {
    let text = "type a(i32)\ntype a(i32, i32)\nrel a(1)";
    let error = check(text, "E0203", "relation `a` is declared twice", "a");
    assert_eq!(error.span().map(|span| span.start), Some(17));
    check("const N = 1, N = 2", "E0203", "constant `N`", "N");
    check("type A = i32\ntype A = u8", "E0203", "type `A`", "A");
    check("type i32 = u8", "E0203", "`i32` is a type already", "i32");
}

#[test]
fn types_must_exist() {
    check_help(
        "type a(usise)\nrel a(1)",
        "E0204",
        "`usise`",
        "usise",
        "`usize`",
    );
    check(
        "type A = B\ntype r(A)\nrel r(1)\ntype B = nothing",
        "E0204",
        "`nothing`",
        "nothing",
    );
}

#[test]
fn aliases_must_end() {
    let errors = errors("type A = B, B = A");
    assert!(
        errors.iter().all(|error| error.code == "E0205"),
        "{errors:?}"
    );
}

#[test]
fn attributes() {
    check_help(
        "@hiden\nrel a(1)",
        "E0206",
        "unknown attribute `@hiden`",
        "@hiden",
        "`hidden`",
    );
    check(
        "@py_eval\ntype a(i32)",
        "E0206",
        "there is no `@py_eval` here",
        "@py_eval",
    );
    check("@hidden(1)\nrel a(1)", "E0240", "no argument here", "1");
    check(
        "rel a(1)\n@hidden\nquery a",
        "E0241",
        "no meaning",
        "@hidden",
    );
}

#[test]
fn unknown_aggregate() {
    check_help(
        "rel o(1)\nrel n(x) = x := cuont(y: o(y))",
        "E0207",
        "unknown aggregate `cuont`",
        "cuont",
        "did you mean `count`?",
    );
    check_help(
        "rel o(1)\nrel n(x) = x := categoric(y: o(y))",
        "E0207",
        "unknown aggregate `categoric`",
        "categoric",
        "did you mean `categorical`?",
    );
}

#[test]
fn aggregate_parameters() {
    let aggregate = |call: &str| format!("rel s(1, \"a\")\nrel r(n) = n := {call}(x: s(_, x))");
    for (call, message, place) in [
        ("count<3>", "`count` does not take this parameter", "3"),
        (
            "string_join<\"a\", \"b\">",
            "`string_join` does not take this parameter",
            "\"b\"",
        ),
        (
            "string_join<sep = \"a\">",
            "`string_join` has no parameter `sep`",
            "sep",
        ),
        ("sort<up>", "`sort` does not take this parameter", "up"),
        (
            "sort<desc = 1>",
            "`desc` is true or false, not an integer",
            "1",
        ),
        (
            "string_join<12>",
            "the separator is text, not an integer",
            "12",
        ),
        ("string_join<both>", "unknown parameter `both`", "both"),
        (
            "string_join<all = 1>",
            "`all` is true or false, not an integer",
            "1",
        ),
        ("top<0>", "`top` chooses a number of members, not 0", "0"),
        (
            "uniform<\"a\">",
            "`uniform` chooses a number of members, not String",
            "\"a\"",
        ),
        ("unique<2>", "`unique` does not take this parameter", "2"),
    ] {
        check(&aggregate(call), "E0211", message, place);
    }
    check(
        "rel p(1)\nrel r() = exists!(x: p(x))",
        "E0208",
        "`exists!` gives a value, which nothing takes",
        "exists!(x: p(x))",
    );
    check(
        "rel p(1)\nrel r(t) = t := string_join(x: p(x))",
        "E0301",
        "type clash: a number and String",
        "t := string_join(x: p(x))",
    );
}

#[test]
fn aggregate_shape() {
    let facts = "rel s(\"a\", 1)\n";
    let aggregate = |text: &str, message: &str| {
        let text = format!("{facts}rel r(n) = {text}");
        let errors = errors(&text);
        assert!(
            errors
                .iter()
                .any(|error| error.code == "E0208" && error.message.contains(message)),
            "{text}: {errors:#?}"
        );
    };
    aggregate("n := sum(x, y: s(x, y))", "`sum` takes one variable");
    aggregate(
        "n := argmax(y: s(_, y))",
        "`argmax` needs variables in brackets",
    );
    aggregate(
        "n := count[x](y: s(x, y))",
        "`count` takes no variables in brackets",
    );
    aggregate("n := max[x](y: s(x, y))", "gives 2 here, not 1");
    aggregate("n := count(x, x: s(x, _))", "binds `x` twice");
    aggregate("n := max(s(\"a\", 1))", "nothing to work on");
    check(
        "const X = 1\nrel s(1)\nrel r(n) = n := count(X: s(X))",
        "E0209",
        "`X` is a constant",
        "X",
    );
}

#[test]
fn too_many_splits() {
    let body = vec!["(p(x) or q(x))"; 13].join(" and ");
    let text = format!("rel p(1)\nrel q(1)\nrel r(x) = {body}");
    assert_eq!(errors(&text)[0].code, "E0210");
}

#[test]
fn type_clash() {
    let text = "type edge(i32, i32)\nrel edge(0, \"a\")";
    let error = check(text, "E0301", "type clash: i32 and String", "\"a\"");
    other_label(&error, text, "i32");

    let text = "type a(i32)\ntype b(String)\nrel a(1)\nrel b(\"x\")\nrel c(x) = a(x), b(x)";
    let error = check(text, "E0301", "i32 and String", "x");
    other_label(&error, text, "String");
    other_label(&error, text, "i32");

    check(
        "rel a(1)\nrel b(x) = a(x), x == \"s\"",
        "E0301",
        "a number and String",
        "\"s\"",
    );
    check_help(
        "type a(f32)\nrel a(7 / 2)",
        "E0301",
        "f32 and an integer",
        "7 / 2",
        "write `7.0 / 2.0`",
    );
    check_help(
        "type a(Symbol)\nrel a(\"x\")",
        "E0301",
        "Symbol and String",
        "\"x\"",
        "s\"…\"",
    );
    check(
        "rel a(\"x\")\nrel b(x) = a(x), x - x == x",
        "E0301",
        "String and a number",
        "x - x",
    );
    check(
        "rel a(1)\nrel b(x) = a(x), x",
        "E0301",
        "a number and bool",
        "x",
    );
    check(
        "rel a(1 + true)",
        "E0301",
        "`+` does not take an integer and bool",
        "1 + true",
    );
    check(
        "rel a(-\"x\")",
        "E0301",
        "`-` does not take String",
        "-\"x\"",
    );
    check(
        "const N: f32 = 7 / 2",
        "E0301",
        "expected f32, found an integer",
        "7 / 2",
    );
    // A tag over body variables is a number or bool.
    check(
        "type w(String)\nrel w(\"x\")\nrel p::a() = w(p)",
        "E0301",
        "String and a number or bool",
        "p",
    );
    // count gives usize
    check(
        "type n(i32)\nrel o(1)\nrel n(x) = x := count(y: o(y))",
        "E0301",
        "i32 and usize",
        "x := count(y: o(y))",
    );
}

#[test]
fn type_not_inferred() {
    let error = check(
        "rel a(x) = b(x)\nrel b(x) = a(x)",
        "E0302",
        "column 1 of `a`",
        "a",
    );
    assert!(error.help.unwrap().contains("type a(i32)"));
}

#[test]
fn outside_clash() {
    let external = |ty| {
        [External {
            name: "a".into(),
            columns: vec![Some(ty)],
        }]
    };
    let text = "type a(i32)\nrel b(x) = a(x)";
    let error = compile_text(text, &external(Type::String))
        .unwrap_err()
        .remove(0);
    assert_eq!(
        (error.code, error.message.as_str()),
        ("E0303", "type clash: String and i32")
    );
    assert!(
        compile_text(text, &external(Type::I32))
            .unwrap()
            .warnings
            .is_empty()
    );
    let error = compile_text("rel a(1, 2)", &external(Type::I32))
        .unwrap_err()
        .remove(0);
    assert_eq!(error.code, "E0202");
    let error = compile_text("type a(i32, i32)", &external(Type::I32))
        .unwrap_err()
        .remove(0);
    assert_eq!(error.code, "E0202");
}

#[test]
fn unbound() {
    check(
        "rel e(0, 1)\nrel p(a, c) = e(a, b)",
        "E0401",
        "variable `c` is not bound in this rule for `p`",
        "c",
    );
    check(
        "rel e(0)\nrel p(1) = e(y), not e(x), x > 1",
        "E0401",
        "`x`",
        "x",
    );
    check("rel e(0)\nrel p(y) = e(y), x > y", "E0401", "`x`", "x");
    check(
        "rel e(0)\nrel p(y) = e(y), z == y, x == x * z",
        "E0401",
        "`x`",
        "x",
    );
}

#[test]
fn unbound_in_more_places() {
    check("rel e(0)\nrel p::q(y) = e(y)", "E0401", "`p`", "p");
    check_help(
        "rel e(0)\nrel p(nodee) = e(node)",
        "E0401",
        "`nodee`",
        "nodee",
        "did you mean `node`?",
    );
    // Floats are not inverted.
    check(
        "rel e(0.5)\nrel p(x) = e(c), c == x + 0.5",
        "E0401",
        "`x`",
        "x",
    );
    check(
        "rel e(1)\nrel p(n) = n := count(x: e(_))",
        "E0401",
        "`x`",
        "x",
    );
}

#[test]
fn variable_in_fact() {
    check_help(
        "const RED = 1\nrel c(RDE)",
        "E0401",
        "`RDE`",
        "RDE",
        "did you mean the constant `RED`?",
    );
    check_help(
        "rel c(red)",
        "E0401",
        "a fact has no body",
        "red",
        "\"red\" in quotes",
    );
    check("rel p::c(1)", "E0401", "`p`", "p");
}

#[test]
fn wildcard() {
    check("rel c(_)", "E0402", "`_`", "_");
    check("rel e(1)\nrel c(_) = e(_)", "E0402", "`_`", "_");
    check("rel e(1)\nrel c(x) = e(x), x > _", "E0402", "`_`", "_");
}

#[test]
fn negative_cycle() {
    let text = "rel move(0, 1)\nrel win(x) = move(x, y), not win(y)";
    let error = check(text, "E0403", "`win` needs `not win`", "not win(y)");
    assert!(
        error
            .message
            .starts_with("`win` depends on its own negation")
    );

    let text = "rel n(0)\nrel a(x) = n(x), b(x)\nrel b(x) = n(x), not c(x, _)\nrel c(x, x) = a(x)";
    let error = check(text, "E0403", "depends on its own negation", "not c(x, _)");
    for link in ["`a` needs `b`", "`b` needs `not c`", "`c` needs `a`"] {
        assert!(error.message.contains(link), "{}", error.message);
    }
    other_label(&error, text, "b(x)");
    other_label(&error, text, "a(x)");

    let text = "rel o(0usize)\nrel o(n) = n := count(x: o(x))";
    check(
        text,
        "E0403",
        "depends on its own aggregate: `o` aggregates `o`",
        "n := count(x: o(x))",
    );
}

#[test]
fn constants_fail() {
    check("rel a(1 / 0)", "E0501", "`1 / 0` divides by zero", "1 / 0");
    check(
        "rel e()\nrel a(1.0 / 0.0) = e()",
        "E0501",
        "divides by zero",
        "1.0 / 0.0",
    );
    check(
        "rel a(300i8)",
        "E0501",
        "`300` is out of range for i8",
        "300i8",
    );
    check(
        "rel a(-129i8)",
        "E0501",
        "`-129` is out of range for i8",
        "-129i8",
    );
    check(
        "rel a(128i8)",
        "E0501",
        "`128` is out of range for i8",
        "128i8",
    );
    check(
        "type a(i8)\nrel a(300)",
        "E0501",
        "`300` is out of range for i8",
        "300",
    );
    check(
        "type a(usize)\nrel a(-1)",
        "E0501",
        "`-1` is out of range for usize",
        "-1",
    );
    check_help(
        "rel a(3000000000)",
        "E0501",
        "out of range for i32",
        "3000000000",
        "as i64",
    );
    check(
        "rel a(200u8 + 100u8)",
        "E0501",
        "`200 + 100` overflows",
        "200u8 + 100u8",
    );
    check(
        "type a(i8)\nrel a(1)\nrel b(x) = a(x), x < 200",
        "E0501",
        "`200` is out of range",
        "200",
    );
    check("rel a(1e39f32)", "E0501", "out of range for f32", "1e39f32");
    check(
        "const N: u8 = 256",
        "E0501",
        "`256` is out of range for u8",
        "256",
    );
}

#[test]
fn probabilities() {
    check("rel 1.5::a()", "E0502", "1.5 is not between 0 and 1", "1.5");
    check("rel -0.1::a()", "E0502", "-0.1 is not", "-0.1");
    check("rel b()\nrel 2::a() = b()", "E0502", "2.0 is not", "2");
    check("rel a = {0.5::1, 1.5::2}", "E0502", "1.5", "1.5");
    check("rel \"x\"::a()", "E0504", "not String", "\"x\"");
    check(
        "rel b()\nrel \"x\"::a() = b()",
        "E0504",
        "not String",
        "\"x\"",
    );
    for rest in ["a()", "a() = b()"] {
        let text = format!("rel b()\nrel 1 / 2::{rest}");
        check(&text, "E0504", "quotient of integers", "1 / 2");
    }
}

#[test]
fn exclusive_sums() {
    check(
        "rel a = {0.6::1; 0.5::2}",
        "E0503",
        "sum to 1.1",
        "rel a = {0.6::1; 0.5::2}",
    );
    let text = "rel b()\nrel {0.6::a(1); 0.5::a(2)} = b()";
    check(text, "E0503", "sum to 1.1", "0.6::a(1); 0.5::a(2)");
    compiled("rel a = {0.1::1; 0.2::2; 0.7::3}");
    compiled("rel a = {1; 2; 3; 4; 5; 6; 7}");
}

#[test]
fn constants_by_name() {
    check("const A = B + 1, B = A", "E0505", "defined by itself", "A");
    check_help(
        "const WIDTH = 1, B = WIDHT",
        "E0506",
        "`WIDHT`",
        "WIDHT",
        "did you mean `WIDTH`?",
    );
}

#[test]
fn several_at_once() {
    let codes: Vec<&str> = errors("rel a(1 / 0)\nrel b(x)\nrel 2.0::c()")
        .iter()
        .map(|error| error.code)
        .collect();
    assert_eq!(codes, ["E0501", "E0401", "E0502"]);
    let codes: Vec<&str> =
        errors("rel e(1)\nrel e(\"x\")\nrel p(y) = e(_)\nrel q(x) = e(x), not q(x)")
            .iter()
            .map(|error| error.code)
            .collect();
    assert_eq!(codes, ["E0301", "E0401", "E0403"]);
    // The splits of a rule do not repeat its errors.
    check(
        "rel e(1)\nrel p(y) = e(_) or e(2) or e(3)",
        "E0401",
        "`y`",
        "y",
    );
    let many: String = (0..300).map(|n| format!("rel a{n}(x)\n")).collect();
    let many = errors(&many);
    assert_eq!(many.len(), 100);
    assert_eq!(many.last().unwrap().notes, ["200 more are not shown"]);
}

#[test]
fn warnings() {
    let warnings = compiled("type a(i32)\nrel b(x) = a(x)").warnings;
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        (warnings[0].code, warnings[0].message.as_str()),
        ("W0201", "nothing defines `a`: it is empty")
    );

    let text = "rel e(1, 2)\nrel r(c, n) = n := count(x: e(x, c) where y: e(_, y)), e(_, c)";
    let warnings = compiled(text).warnings;
    assert_eq!(
        warnings.iter().map(|it| it.code).collect::<Vec<_>>(),
        ["W0202"]
    );
}
