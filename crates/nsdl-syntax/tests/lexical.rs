//! What stands between blanks: comments, names, numbers, strings, characters.

use nsdl_ir::SourceId;
use nsdl_syntax::ast::{ExprKind, ItemKind, Literal};
use nsdl_syntax::{format, parse};

fn canonical(text: &str) -> String {
    let (ast, diagnostics) = parse(text, SourceId(0));
    assert_eq!(diagnostics, [], "in {text}");
    format::ast(&ast)
}

/// The literal written so.
fn literal(text: &str) -> Literal {
    let text = format!("rel a({text})");
    let (ast, diagnostics) = parse(&text, SourceId(0));
    assert_eq!(diagnostics, [], "in {text}");
    let [item] = ast.items.as_slice() else {
        panic!("in {text}")
    };
    let ItemKind::Fact { atom, .. } = &item.kind else {
        panic!("in {text}")
    };
    let [arg] = atom.args.as_slice() else {
        panic!("in {text}")
    };
    let ExprKind::Literal(literal) = &arg.kind else {
        panic!("in {text}")
    };
    literal.clone()
}

fn string(text: &str) -> String {
    let Literal::String(value) = literal(text) else {
        panic!("in {text}")
    };
    value
}

fn character(text: &str) -> char {
    let Literal::Char(value) = literal(text) else {
        panic!("in {text}")
    };
    value
}

/// The codes of the errors of a text, with the text they point at.
fn errors(text: &str) -> Vec<(&'static str, &str)> {
    let (_, diagnostics) = parse(text, SourceId(0));
    let place = |diagnostic: &nsdl_ir::Diagnostic| diagnostic.span().map(nsdl_ir::Span::range);
    diagnostics
        .iter()
        .map(|one| (one.code, place(one).map_or("", |range| &text[range])))
        .collect()
}

#[test]
fn blanks() {
    let expected = "rel a(x) = b(x), c(x)\nquery a\n";
    for text in [
        "rel a(x)=b(x),c(x)query a",
        "\trel\ta(x)\t=\tb(x),\tc(x)\r\n\r\nquery a\r\n",
        "\u{feff}rel a(x)\u{a0}= b(x)\u{2003}, c(x)\x0Cquery a",
        "// one\nrel a(x) // two\n = b(x), /* three\n */ c(x) /**/ query /***/ a // four",
        "rel a(x) = b(x), /* not /* nested */ c(x) query a //",
    ] {
        assert_eq!(canonical(text), expected);
    }
    assert_eq!(canonical(""), "");
    assert_eq!(canonical("// only a comment"), "");
}

#[test]
fn minus_is_an_operator() {
    assert_eq!(
        canonical("rel a(x-1) = b(x), x-1>-1"),
        "rel a(x - 1) = b(x), x - 1 > -1\n"
    );
    assert_eq!(canonical("rel a(-1, - 1, +1)"), "rel a(-1, -1, 1)\n");
}

#[test]
fn less_and_greater_in_one_body() {
    assert_eq!(
        canonical("rel a() = b(x, y, z, w), x < y, z > w"),
        "rel a() = b(x, y, z, w), x < y, z > w\n"
    );
}

#[test]
fn names() {
    assert_eq!(
        canonical("rel _a(__b) = größe_2(__b), 関係(_)"),
        "rel _a(__b) = größe_2(__b), 関係(_)\n"
    );
    // Keywords and literal prefixes begin names like other letters.
    assert_eq!(
        canonical("rel relic(typed, s, t, d, nota, e1, x0)"),
        "rel relic(typed, s, t, d, nota, e1, x0)\n"
    );
}

#[test]
fn integers() {
    for (text, value) in [
        ("0", 0),
        ("007", 7),
        ("1_000_000", 1_000_000),
        ("0xff", 255),
        ("0xDEAD_beef", 0xdead_beef),
        ("0b1010", 10),
        ("0o17", 15),
        ("340282366920938463463374607431768211455", u128::MAX),
    ] {
        assert_eq!(literal(text), Literal::Integer(value, None), "{text}");
    }
    assert_eq!(
        literal("0xffu8"),
        Literal::Integer(255, Some(nsdl_ir::Type::U8))
    );
    assert_eq!(
        literal("1_usize"),
        Literal::Integer(1, Some(nsdl_ir::Type::Usize))
    );
}

#[test]
fn floats() {
    for text in ["1.0", "0.5", "1e3", "1E3", "1.5e-3", "1.5e+3", "00.10"] {
        assert_eq!(literal(text), Literal::Float(text.into(), None), "{text}");
    }
    assert_eq!(literal("1_0.2_5"), Literal::Float("10.25".into(), None));
    assert_eq!(
        literal("1e3f32"),
        Literal::Float("1e3".into(), Some(nsdl_ir::Type::F32))
    );
}

#[test]
fn bad_numbers() {
    assert_eq!(
        errors("rel a(340282366920938463463374607431768211456)").len(),
        1
    );
    assert_eq!(errors("rel a(1u7)"), [("E0105", "u7")]);
    assert_eq!(errors("rel a(1x)"), [("E0105", "x")]);
    assert_eq!(errors("rel a(1.0u8)"), [("E0105", "u8")]);
    assert_eq!(errors("rel a(0x)"), [("E0105", "0x")]);
    assert_eq!(errors("rel a(0b12)"), [("E0105", "2")]);
    assert_eq!(errors("rel a(1e)"), [("E0105", "e")]);
    assert_eq!(errors("rel a(1.)"), [("E0101", ".")]);
    assert_eq!(errors("rel a(.5)"), [("E0101", ".")]);
}

#[test]
fn strings() {
    assert_eq!(string(r#""""#), "");
    assert_eq!(string(r#""a b""#), "a b");
    assert_eq!(
        string(r#""Grüße, 世界 🌍 // /* ""#),
        "Grüße, 世界 🌍 // /* "
    );
    assert_eq!(string(r#""\t\r\n\0\"\'\\""#), "\t\r\n\0\"'\\");
    // One after the other, not by repeated replacement.
    assert_eq!(string(r#""a\\nb""#), "a\\nb");
    assert_eq!(string(r#""a\\\nb""#), "a\\\nb");
    assert_eq!(string(r#""\u{e9}\u{1F600}\u{0}""#), "é😀\0");
    assert_eq!(string("\"tab\there\""), "tab\there");
    assert_eq!(literal(r#"s"RED\n""#), Literal::Symbol("RED\n".into()));
}

#[test]
fn strings_over_several_lines() {
    assert_eq!(
        string("\"\"\"a\n\"b\" \"\"c\r\n\"\"\""),
        "a\n\"b\" \"\"c\r\n"
    );
    assert_eq!(string(r#""""\"""\n""""#), "\"\"\"\n");
    assert_eq!(string("\"\"\"\"\"\""), "");
}

#[test]
fn characters() {
    for (text, value) in [
        ("'a'", 'a'),
        ("'é'", 'é'),
        ("'世'", '世'),
        ("'🌍'", '🌍'),
        ("' '", ' '),
        ("'\"'", '"'),
        (r"'\n'", '\n'),
        (r"'\''", '\''),
        ("'''", '\''),
        (r"'\\'", '\\'),
        (r"'\u{e9}'", 'é'),
    ] {
        assert_eq!(character(text), value, "{text}");
    }
}

#[test]
fn bad_strings_and_characters_lose_no_more_than_their_line() {
    assert_eq!(
        errors("rel a(\"x)\nrel b() = \nrel c(1)"),
        [("E0102", "\""), ("E0107", "=")]
    );
    assert_eq!(errors("rel a(\"x\\"), [("E0102", "\"")]);
    assert_eq!(errors("rel a(\"x\\\nrel b(2)"), [("E0102", "\"")]);
    assert_eq!(errors("rel a(\"\"\"x\nrel b(2)"), [("E0102", "\"\"\"")]);
    assert_eq!(errors("rel a(s\"x"), [("E0102", "s\"")]);
    assert_eq!(
        errors(r#"rel a("\q \u{} \u{d800} \u{110000} \u{1 \u \é")"#),
        [
            ("E0104", "\\q"),
            ("E0104", "\\u{}"),
            ("E0104", "\\u{d800}"),
            ("E0104", "\\u{110000}"),
            ("E0104", "\\u{1"),
            ("E0104", "\\u"),
            ("E0104", "\\é"),
        ]
    );
    assert_eq!(errors("rel a('')"), [("E0106", "''")]);
    assert_eq!(errors("rel a('ab')"), [("E0106", "'ab'")]);
    assert_eq!(errors("rel a('\\q')"), [("E0104", "\\q")]);
    assert_eq!(
        errors("rel a('x)\nrel b( = "),
        [("E0102", "'"), ("E0107", "=")]
    );
    assert_eq!(errors("rel a(1) /* rel b("), [("E0103", "/*")]);
}

#[test]
fn strings_may_go_on_over_lines() {
    assert_eq!(string("\"a\nb\""), "a\nb");
    assert_eq!(string("\"a\r\n \\\" b\""), "a\r\n \" b");
    // The quote of the next line begins a string: the first one has no end.
    assert_eq!(errors("rel a(\"x)\nrel b(\"y\")"), [("E0102", "\"")]);
    assert_eq!(errors("rel a(\"x)\nrel b(\"\")"), [("E0102", "\"")]);
    // Quotes come in pairs: the last one lacks its other half, or the first one does.
    let text = "rel a(\"x)\nrel b(\", y\")\nrel c(1)";
    let (_, problems) = parse(text, SourceId::default());
    let problem = problems
        .iter()
        .find(|it| it.code == "E0102")
        .expect("no end");
    assert_eq!(problem.labels.len(), 2, "{problem:?}");
}

#[test]
fn bad_characters_do_not_hide_other_errors() {
    assert_eq!(
        errors("rel a(1) ### \nrel b(2)\nrel c("),
        [("E0101", "###"), ("E0108", "(")]
    );
    assert_eq!(errors("rel a(x) = b(x) ∧ c(x)"), [("E0101", "∧")]);
    assert_eq!(errors("rel a(\u{0})"), [("E0101", "\u{0}")]);
    assert_eq!(errors("rel a(1)."), [("E0101", ".")]);
    assert_eq!(errors("rel a($)"), [("E0101", "$")]);
}

#[test]
fn times() {
    assert_eq!(
        canonical("rel a(t\"May 6, 2021\", d\"3 weeks\")"),
        "rel a(t\"2021-05-06T00:00:00Z\", d\"P21D\")\n"
    );
    assert_eq!(
        errors("rel a(t\"2020-02-30\", d\"soon\", t\"01/02/2020\")"),
        [
            ("E0119", "t\"2020-02-30\""),
            ("E0119", "d\"soon\""),
            ("E0119", "t\"01/02/2020\""),
        ]
    );
}
