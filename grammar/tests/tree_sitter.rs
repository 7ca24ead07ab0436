//! The tree-sitter grammar reads the corpus.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test may panic, in its helpers too.

mod common;

use tree_sitter::{Node, Parser};

/// The first place that the grammar does not understand.
fn fault(node: Node<'_>) -> Option<Node<'_>> {
    if node.is_error() || node.is_missing() {
        return Some(node);
    }
    let mut cursor = node.walk();
    node.children(&mut cursor).find_map(fault)
}

#[test]
fn every_program_is_read() {
    let mut parser = Parser::new();
    parser.set_language(&nsdl_grammar::LANGUAGE.into()).unwrap();
    let faults: Vec<String> = common::programs()
        .iter()
        .filter_map(|(path, text)| {
            let tree = parser.parse(text, None)?;
            let fault = fault(tree.root_node())?;
            let place = fault.start_position();
            Some(format!(
                "{}:{}:{}",
                path.display(),
                place.row + 1,
                place.column + 1
            ))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_broken_program_is_not() {
    let mut parser = Parser::new();
    parser.set_language(&nsdl_grammar::LANGUAGE.into()).unwrap();
    let tree = parser.parse("rel a(1", None).unwrap();
    assert!(fault(tree.root_node()).is_some());
}
