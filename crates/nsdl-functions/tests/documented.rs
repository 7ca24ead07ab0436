//! The tables of docs/language.md say what there is.

use std::fs;
use std::path::Path;

use nsdl_functions::castable;
use nsdl_ir::{Function, Type};

fn language() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join("docs/language.md")).unwrap_or_default()
}

/// The types of a row or column of the matrix.
fn types(name: &str) -> Vec<Type> {
    let of = |keep: fn(Type) -> bool| Type::ALL.into_iter().filter(|ty| keep(*ty)).collect();
    match name.trim_matches('`') {
        "integer" => of(Type::is_integer),
        "float" => of(Type::is_float),
        "text" => vec![Type::String, Type::Symbol],
        plain => Type::from_name(plain).into_iter().collect(),
    }
}

#[test]
fn the_matrix_of_casts_is_right() {
    let text = language();
    let mut lines = text
        .lines()
        .skip_while(|line| !line.starts_with("| from | integer |"));
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim_matches('|');
        inner
            .split(" | ")
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let header = cells(lines.next().unwrap_or_default());
    let mut checked = 0;
    for line in lines.skip(1).take_while(|line| line.starts_with('|')) {
        let row = cells(line);
        assert_eq!(row.len(), header.len(), "{line}");
        for (cell, to) in row.iter().zip(&header).skip(1) {
            for from in types(&row[0]) {
                for to in types(to) {
                    assert_eq!(
                        castable(from, to),
                        cell != "never",
                        "{from} as {to}: {cell}"
                    );
                    checked += 1;
                }
            }
        }
    }
    // All types without parts but `Entity`, squared.
    assert_eq!(checked, 21 * 21);
}

#[test]
fn every_function_is_described() {
    let text = language();
    for function in Function::ALL {
        let name = function.signature().name;
        let whole = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        let found = text
            .match_indices(name)
            .any(|(at, _)| whole(&text[at + name.len()..]));
        assert!(found, "docs/language.md lacks {name}");
    }
}
