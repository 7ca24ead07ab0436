//! The canonical layout of programs.

use crate::error::{Error, Result};
use crate::text::Texts;

/// The text of a program in its canonical layout: one item a line, long ones one part a line, comments kept.
/// Formatting again changes nothing. `name` is for messages.
///
/// ```
/// let text = nsdl::format("path.dl", "rel path(a,c)=edge(a,c)// all")?;
/// assert_eq!(text, "rel path(a, c) = edge(a, c) // all\n");
/// # Ok::<(), nsdl::Error>(())
/// ```
///
/// # Errors
/// What is wrong with its syntax.
pub fn format(name: &str, text: &str) -> Result<String> {
    nsdl_syntax::format::text(text).map_err(|errors| {
        let mut texts = Texts::default();
        texts.add(name, text, std::path::Path::new(""));
        Error::new(errors, &texts)
    })
}
