//! Messages: what they say and where they point, several at once, and how they are rendered.

use nsdl_ir::{Diagnostic, SourceId, Span};
use nsdl_syntax::{Sources, is_incomplete, parse, render};

fn diagnostics(text: &str) -> Vec<Diagnostic> {
    parse(text, SourceId(0)).1
}

/// Checks code, primary place and message of the only error of a text.
fn check(text: &str, code: &str, place: &str, message: &str) {
    let found = diagnostics(text);
    let [one] = found.as_slice() else {
        panic!("{found:#?}\nin {text}")
    };
    let range = one.span().map(Span::range).unwrap_or_default();
    assert_eq!(
        (one.code, &text[range], one.message.as_str()),
        (code, place, message),
        "in {text}"
    );
}

/// Checks the help of the only error of a text.
fn helps(text: &str, help: &str) {
    let found = diagnostics(text);
    let [one] = found.as_slice() else {
        panic!("{found:#?}\nin {text}")
    };
    let given = one.help.as_deref().unwrap_or_default();
    assert!(
        given.contains(help),
        "{given:?} does not say {help:?}, in {text}"
    );
}

#[test]
fn what_was_found_and_what_expected() {
    check(
        "rel a(x) = b(x) c(x)",
        "E0107",
        "c",
        "expected `,`, `and`, `or` or an operator, found `c`",
    );
    check(
        "rel a(x) = b(x),, c(x)",
        "E0107",
        ",",
        "expected a formula or a value, found `,`",
    );
    check(
        "rel a(x) = b(x); c(x)",
        "E0107",
        ";",
        "expected `,`, `and` or `or`, found `;`",
    );
    check("const = 3", "E0107", "=", "expected a name, found `=`");
    check(
        "rel in(x) = b(x)",
        "E0107",
        "in",
        "expected a value, found the keyword `in`",
    );
    check(
        "rel a(x) = 'x' \"text\"",
        "E0107",
        "\"text\"",
        "expected `,`, `and`, `or` or an operator, found a string",
    );
    check(
        "rel a(x) := b(x)",
        "E0107",
        ":=",
        "expected `=` or `and`, found `:=`",
    );
    check(
        "rel a(x) = x := 3",
        "E0107",
        "3",
        "expected an aggregate such as `count(x: p(x))`, found `3`",
    );
    check(
        "@x(1 + 2 = 3) rel a(1)",
        "E0112",
        "1 + 2",
        "the name of an argument is a plain name",
    );
    check("type a(i32) b", "E0107", "b", "expected `,`, found `b`");
    helps("rel a(x) = b(x); c(x)", "joined by `or`");
    helps("rel a(x) = b(x),, c(x)", "one comma too many");
    helps("rel in(x) = b(x)", "keywords cannot be names");
    helps("rel a(x) = b(x)\nc(x) = d(x)", "begin with `rel`");
    helps("rel a(x) = b(x) c(x)", "`and`, `or` or `,`");
    helps("rel a(x) := b(x)", "between head and body");
}

#[test]
fn texts_that_end_too_early() {
    check(
        "rel a(x) = b(x) and",
        "E0107",
        "d",
        "the text ends too early: expected a formula or a value",
    );
    check(
        "rel a(x) = b(x),\nquery a",
        "E0107",
        ",",
        "the item ends too early: expected a formula or a value",
    );
    check(
        "rel",
        "E0107",
        "l",
        "the text ends too early: expected a value",
    );
    check(
        "@hidden",
        "E0107",
        "n",
        "the text ends too early: expected `rel`, `type`, `const`, `query` or `@`",
    );
    helps("@hidden", "before the item");
}

#[test]
fn brackets() {
    check("rel a(x) = b(x", "E0108", "(", "`(` is never closed");
    check(
        "rel a = {(1, 2), (3, 4)\nrel b(1)",
        "E0108",
        "{",
        "`{` is never closed",
    );
    check(
        "rel a(x) = (b(x) and c(x)]",
        "E0108",
        "]",
        "`]` does not close `(`",
    );
    check("rel a(1))", "E0108", ")", "`)` closes nothing");
}

#[test]
fn texts_that_are_no_items() {
    check("edge(0, 1)", "E0107", "edge", "this is not an item");
    helps("edge(0, 1)", "facts and rules with `rel`");
}

#[test]
fn commas_beside_or() {
    let message = "`,` beside `or` can be read in two ways";
    check("rel a() = b(), c() or d()", "E0109", "c() or d()", message);
    check("rel a() = b() or c(), d()", "E0109", "b() or c()", message);
    check(
        "rel a() = n := count(x: b(x), c(x) or d(x))",
        "E0109",
        "c(x) or d(x)",
        message,
    );
    check(
        "rel a() = e() and (b(), c() or d())",
        "E0109",
        "c() or d()",
        message,
    );
    helps("rel a() = b(), c() or d()", "`a, (b or c)`");
}

#[test]
fn implications() {
    check(
        "rel a() = b(), c() implies d()",
        "E0109",
        "c() implies d()",
        "`,` beside `implies` can be read in two ways",
    );
    helps("rel a() = b(), c() implies d()", "`a, (b implies c)`");
    check(
        "rel a() = forall(x: p(x), q(x))",
        "E0114",
        "p(x), q(x)",
        "the body of `forall` is an implication",
    );
    check(
        "rel a(b) = b := forall(x: p(x))",
        "E0114",
        "p(x)",
        "the body of `forall` is an implication",
    );
    helps("rel a() = not forall(x: p(x))", "`not exists(x: …)`");
    check(
        "rel a() = not count(x: p(x))",
        "E0114",
        "count(x: p(x))",
        "the result of `count` goes nowhere",
    );
}

#[test]
fn values_and_formulas() {
    check(
        "rel a(x and y) = c(x)",
        "E0112",
        "x and y",
        "`and` is not a value",
    );
    check(
        "rel a(x) = b(x), (not c(x)) && d",
        "E0112",
        "not c(x)",
        "`not` is not a value",
    );
    check(
        "rel a(x) == b(x)",
        "E0112",
        "a(x) == b(x)",
        "`==` compares values",
    );
    check("rel a = b(x)", "E0112", "a", "the head `a` has no columns");
    check("rel a", "E0112", "a", "`a` has neither columns nor facts");
    check(
        "rel a(x) and b = c(x)",
        "E0112",
        "b",
        "`b` has no columns here",
    );
    check(
        "rel not a(x) = c(x)",
        "E0107",
        "not",
        "expected a value, found the keyword `not`",
    );
    check(
        "rel a() = ()",
        "E0112",
        "()",
        "there is no formula between the parentheses",
    );
    check("query 3", "E0112", "3", "a query is a relation or an atom");
    helps("rel a(x) == b(x)", "stands `=`");
}

#[test]
fn comparisons_in_chains() {
    check(
        "rel a(x) = b(x), 1 < x < 3",
        "E0116",
        "1 < x < 3",
        "comparisons do not chain",
    );
    helps("rel a(x) = b(x), 1 < x < 3", "`a < b and b < c`");
}

#[test]
fn aggregates() {
    check(
        "rel a(x) = x = y + 1",
        "E0114",
        "y + 1",
        "`=` in a body takes the result of an aggregate",
    );
    helps("rel a(x) = x = y + 1", "equality is `==`");
    check(
        "rel a() = count(x: p(x))",
        "E0114",
        "count(x: p(x))",
        "the result of `count` goes nowhere",
    );
    check(
        "rel a() = n + 1 := count(x: p(x))",
        "E0114",
        "n + 1",
        "the result of an aggregate is a variable or `_`",
    );
    check(
        "rel a() = n := count(x + 1: p(x))",
        "E0114",
        "x + 1",
        "an aggregate ranges over variables",
    );
    check(
        "rel a() = n := count(: p(x))",
        "E0114",
        "p(x)",
        "`count` has a `:` but no variables before it",
    );
    check(
        "rel a() = () := count(x: p(x))",
        "E0114",
        "()",
        "this aggregate has no results",
    );
}

#[test]
fn sets() {
    check("rel a = {1, 2; 3}", "E0115", ";", "`,` and `;` in one set");
    check(
        "rel 0.5::a = {1, 2}",
        "E0115",
        "0.5",
        "a fact set has no tag of its own",
    );
    check(
        "rel a(x) = {1, 2}",
        "E0115",
        "a(x)",
        "a fact set belongs to one relation, without columns",
    );
    check(
        "rel {a(1), b(2)}",
        "E0115",
        "{a(1), b(2)}",
        "several heads need a body",
    );
    check(
        "rel {0.5::a(x), b(x)} = c(x)",
        "E0115",
        "0.5",
        "heads between `,` hold together, so they share one tag",
    );
    check(
        "rel 0.5::a = count(x: p(x))",
        "E0115",
        "0.5",
        "a relation made of one aggregate has no tag",
    );
    check("rel {} = c(x)", "E0115", "{}", "this head derives nothing");
}

#[test]
fn declarations_and_terms() {
    check(
        "import graph",
        "E0107",
        "graph",
        "expected a literal, found `graph`",
    );
    check(
        "type T = A(i32) | [i32]",
        "E0112",
        "[i32]",
        "this is not an alternative of a data type",
    );
    check(
        "type T<x> = RED | GREEN",
        "E0112",
        "x",
        "an enumeration has no type parameters",
    );
    check("rel a(new x) = b(x)", "E0112", "x", "`new` makes terms");
    check(
        "rel a(x) = b(from: x, 2)",
        "E0112",
        "2",
        "arguments by position come before fields by name",
    );
    check(
        "rel a(x) = b(x), x == t\"2020-13-01\"",
        "E0119",
        "t\"2020-13-01\"",
        "`2020-13-01` is not a date",
    );
}

#[test]
fn every_broken_item_is_reported() {
    let text = "rel a(1\ntype b(,)\nrel good(1)\nconst C\nquery\n@x rel c(2) = = d()\nrel a(x) = x < y < z, f(not g())\nrel also_good(2)";
    let (ast, found) = parse(text, SourceId(0));
    let places: Vec<(&str, usize)> = found
        .iter()
        .map(|one| {
            (
                one.code,
                text[..one.span().map_or(0, |span| span.start as usize)]
                    .matches('\n')
                    .count()
                    + 1,
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            ("E0108", 1),
            ("E0107", 2),
            ("E0107", 4),
            ("E0107", 5),
            ("E0107", 6),
            ("E0116", 7),
            ("E0112", 7)
        ]
    );
    assert_eq!(
        nsdl_syntax::format::ast(&ast),
        "rel good(1)\nrel also_good(2)\n"
    );
}

#[test]
fn a_hundred_errors_are_enough() {
    let found = diagnostics(&"rel a(\n# rel b(1))\n".repeat(1_000));
    assert_eq!(found.len(), 101);
    assert_eq!(
        (found[100].code, found[100].message.as_str()),
        ("E0118", "1900 more errors are not shown")
    );
}

#[test]
fn incomplete_texts() {
    for text in [
        "rel",
        "rel a(",
        "rel a(x) =",
        "rel a(x) = b(x),",
        "rel a(x) = b(x) and\n",
        "rel a = {(1, 2),\n",
        "@hidden",
        "@hidden\n",
        "query",
        "type",
        "/* not yet",
        "rel a(\"\"\"text",
        "rel ok(1)\nrel a(x) = (b(x) or",
    ] {
        assert!(is_incomplete(text), "{text}");
    }
    for text in [
        "",
        "  \n",
        "rel a(1)",
        "rel a(1))",
        "rel a(\"x",
        "rel a(x) = b(x)\nquery a",
        "hello",
        "rel a(1\nrel b(2)",
        "rel a(1 1\nrel b(",
        "// comment",
        "rel a(x) = not (b() and c())",
    ] {
        assert!(!is_incomplete(text), "{text}");
    }
}

// ---- Rendering ---------------------------------------------------------------------------------

fn rendered(text: &str) -> String {
    let mut sources = Sources::new();
    let id = sources.add("graph.dl", text);
    render::render(&parse(text, id).1, &sources, false)
}

#[test]
fn a_message_in_full() {
    let text = "rel edge(0, 1)\nrel größer(x) = edge(x, y), x > 1 or y > 2\n";
    assert_eq!(
        rendered(text),
        "\
[E0109] Error: `,` beside `or` can be read in two ways
   ╭─[ graph.dl:2:29 ]
   │
 2 │ rel größer(x) = edge(x, y), x > 1 or y > 2
   │                             ───────┬──────
   │                                    ╰──────── this `or` stands beside a `,`
   │
   │ Help: put the `or` in parentheses, `a, (b or c)`, or write `and` for the comma: `a and b or c` means `(a and b) or c`
───╯
"
    );
}

#[test]
fn a_message_with_two_places() {
    assert_eq!(
        rendered("rel a = {\n  1,\n\n\n  2;\n}"),
        "\
[E0115] Error: `,` and `;` in one set
   ╭─[ graph.dl:5:4 ]
   │
 2 │   1,
   │    ┬
   │    ╰── differs from this one
   │
 5 │   2;
   │    ┬
   │    ╰── this separator
   │
   │ Help: `;` between all members makes them exclude each other, `,` leaves them independent
───╯
"
    );
}

#[test]
fn messages_without_a_place() {
    let diagnostic = Diagnostic::warning("W0201", "the file is empty")
        .note("`a.csv` has no rows")
        .help("check its name");
    let expected =
        "[W0201] Warning: the file is empty\n  Note: `a.csv` has no rows\n  Help: check its name\n";
    assert_eq!(
        render::render(std::slice::from_ref(&diagnostic), &Sources::new(), false),
        expected
    );
    // A place in a text that is not there is as good as none.
    let lost = diagnostic.label(Span::new(SourceId(7), 3, 9), "here");
    assert_eq!(render::render(&[lost], &Sources::new(), false), expected);
}

#[test]
fn colours_only_on_demand() {
    let mut sources = Sources::new();
    let id = sources.add("a.dl", "rel a(");
    let found = parse("rel a(", id).1;
    assert!(render::render(&found, &sources, true).contains("\u{1b}["));
    assert!(!render::render(&found, &sources, false).contains("\u{1b}["));
    let no_place = [Diagnostic::error("E0701", "no file")];
    assert!(render::render(&no_place, &sources, true).contains("\u{1b}["));
}

#[test]
fn places_are_found_in_any_text() {
    // Tabs, CRLF, wide characters, line breaks of other traditions.
    let text = rendered("rel a(1)\r\n\trel 世界(\"🌍\u{2028}\u{85}\x0B\") = b(1) c(2)\r\n");
    assert!(
        text.contains("[ graph.dl:2:24 ]") && text.contains("\n 2 │"),
        "{text}"
    );
    // The very end.
    assert!(rendered("rel").contains("[ graph.dl:1:3 ]"));
    // Two sources at once.
    let mut sources = Sources::new();
    let (one, two) = (
        sources.add("one.dl", "ééé\nabc"),
        sources.add("two.dl", "\n\ndef"),
    );
    let diagnostic = Diagnostic::error("E0201", "declared twice")
        .label(Span::new(two, 2, 5), "again")
        .label(Span::new(one, 7, 10), "first");
    let text = render::render(&[diagnostic], &sources, false);
    assert!(
        text.contains("two.dl:3:1") && text.contains("one.dl:2:1"),
        "{text}"
    );
    // Spans that are out of bounds or inside a character still render.
    let id = sources.add("three.dl", "é");
    for (start, end) in [(0, 1), (1, 1), (1, 2), (2, 2), (5, 9)] {
        let odd = Diagnostic::error("E0201", "odd").label(Span::new(id, start, end), "here");
        assert!(render::render(&[odd], &sources, false).contains("E0201"));
    }
}

#[test]
fn long_lines_are_shown_in_part() {
    let long = "é".repeat(100_000);
    let text = rendered(&format!("\nrel a(\"{long}\") = = b(\"{long}\")"));
    assert!(text.contains("[ graph.dl:2:100013 ]"), "{text}");
    assert!(text.contains("…é") && text.contains("é…"), "{text}");
    assert!(text.len() < 2_000, "{text}");
}

#[test]
fn positions() {
    let mut sources = Sources::new();
    let id = sources.add("a.dl", "é\nab\n");
    assert_eq!(sources.position(id, 0), (1, 1));
    assert_eq!(sources.position(id, 2), (1, 2));
    assert_eq!(sources.position(id, 4), (2, 2));
    assert_eq!(sources.position(id, 6), (3, 1));
    assert_eq!(sources.position(id, 99), (3, 1));
    assert_eq!(sources.position(SourceId(9), 3), (1, 1));
    assert_eq!(
        (sources.len(), sources.name(id), sources.text(SourceId(9))),
        (1, "a.dl", "")
    );
}
