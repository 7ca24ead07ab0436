//! `format::text`: one layout, with all comments.

use std::fs;
use std::path::{Path, PathBuf};

use nsdl_ir::SourceId;
use nsdl_syntax::{format, parse};

fn formatted(text: &str) -> String {
    format::text(text).unwrap_or_else(|errors| panic!("{errors:#?}\nin {text}"))
}

#[test]
fn comments_stay_where_they_are() {
    let text = "\
// A graph.


/* Its
   edges. */
rel edge   = {(0,1),(1,2)}// two


// Closure.
rel path(a,c)=edge(a,c)
rel path(a,c)=path(a,b), // the first steps
 // the last
 edge(b,c) // done
@hidden // not shown
rel n = {
  1, // one
  // two is missing
  3
  // and no more
}
type Expr = Const(i32) // leaf
 | Add(Expr,Expr)
query path
// the end";
    let expected = "\
// A graph.

/* Its
   edges. */
rel edge = {(0, 1), (1, 2)} // two

// Closure.
rel path(a, c) = edge(a, c)
rel path(a, c) =
    path(a, b), // the first steps
    // the last
    edge(b, c) // done
// not shown
@hidden
rel n = {
    1, // one
    // two is missing
    3
    // and no more
}
type Expr =
    | Const(i32) // leaf
    | Add(Expr, Expr)
query path
// the end
";
    assert_eq!(formatted(text), expected);
    assert_eq!(formatted(expected), expected);
}

#[test]
fn long_bodies_have_one_conjunct_a_line() {
    let atoms: Vec<String> = (0..12).map(|i| format!("edge(x{i}, x{})", i + 1)).collect();
    let text = format!("rel path(x0, x12) = {} // long", atoms.join(" and "));
    let expected = format!(
        "rel path(x0, x12) =\n    {} // long\n",
        atoms.join(",\n    ")
    );
    assert_eq!(formatted(&text), expected);
    assert_eq!(formatted(&expected), expected);
}

#[test]
fn a_broken_text_is_not_touched() {
    assert_eq!(format::text("rel a(1").unwrap_err()[0].code, "E0108");
}

fn programs(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            programs(&path, found);
        } else if path.extension().is_some_and(|it| it == "dl") {
            found.push(path);
        }
    }
}

/// A text without its places.
fn tree(text: &str) -> String {
    format::ast(&parse(text, SourceId::default()).0)
}

#[test]
fn every_program_keeps_its_meaning_and_its_comments() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    for folder in ["tests/corpus", "examples", "crates/nsdl/std"] {
        programs(&root.join(folder), &mut found);
    }
    assert!(found.len() > 200, "only {}", found.len());
    let mut checked = 0;
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        let Ok(once) = format::text(&text) else {
            continue;
        };
        checked += 1;
        let place = path.display();
        assert_eq!(format::text(&once).as_ref(), Ok(&once), "{place}");
        assert_eq!(tree(&once), tree(&text), "{place}");
        let comments = |text: &str| {
            let mut lines: Vec<String> = text
                .lines()
                .filter_map(|line| Some(line.split_once("//")?.1.trim().to_owned()))
                .collect();
            lines.sort();
            lines
        };
        assert_eq!(comments(&once), comments(&text), "{place}");
        // Comments between all tokens are kept as well.
        let commented: String = text
            .split_inclusive(['\n'])
            .map(|line| format!("{}/* c */\n", line.trim_end_matches('\n')))
            .collect();
        // In a string over several lines it is no comment.
        let in_string = tree(&commented) != tree(&text);
        if let Ok(once) = format::text(&commented)
            && !in_string
        {
            assert_eq!(format::text(&once).as_ref(), Ok(&once), "{place}:\n{once}");
            assert_eq!(tree(&once), tree(&text), "{place}:\n{once}");
            let count = |text: &str| text.matches("/* c */").count();
            assert_eq!(count(&once), count(&commented), "{place}:\n{once}");
        }
    }
    assert!(checked > 150, "only {checked}");
}
