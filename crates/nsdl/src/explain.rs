//! What the codes of errors and warnings mean: the pages of `docs/errors/`, which the library carries along.

use nsdl_compile::did_you_mean;
use nsdl_ir::Diagnostic;

use crate::error::Result;

/// Code and page, by code.
const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// The page about a code such as `E0201`, in Markdown: a title, what the code means, a program that is wrong,
/// one that is right.
///
/// # Errors
/// `E0830` if there is no such code.
///
/// ```
/// assert!(nsdl::explain("e0201")?.starts_with("# E0201: Unknown relation\n"));
/// assert_eq!(nsdl::explain("E201").unwrap_err().code(), "E0830");
/// # Ok::<(), nsdl::Error>(())
/// ```
pub fn explain(code: &str) -> Result<&'static str> {
    let wanted = code.trim().to_uppercase();
    let page = PAGES.iter().find(|(of, _)| *of == wanted);
    page.map(|(_, page)| *page).ok_or_else(|| {
        let error = Diagnostic::error("E0830", format!("there is no code `{code}`"));
        let near = did_you_mean(&wanted, PAGES.iter().map(|(code, _)| *code));
        let help = near.unwrap_or_else(|| "codes are such as `E0201` or `W0401`".into());
        error.help(help).into()
    })
}

/// All codes with the titles of their pages.
pub fn codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGES.iter().map(|(code, page)| {
        let title = page.lines().next().unwrap_or_default();
        let title = title.split_once(": ").map_or("", |(_, title)| title);
        (*code, title)
    })
}
