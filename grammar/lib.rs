//! The tree-sitter grammar of nsdl as a Rust crate; see `README.md` beside it for editors.

use tree_sitter_language::LanguageFn;

unsafe extern "C" {
    fn tree_sitter_nsdl() -> *const ();
}

/// For `tree_sitter::Parser::set_language`.
// SAFETY: the generated parser exports this function, which takes nothing and gives the language.
pub const LANGUAGE: LanguageFn = unsafe { LanguageFn::from_raw(tree_sitter_nsdl) };
