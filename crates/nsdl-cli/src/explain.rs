//! `nsdl explain`, and the pointer to it at the end of a report.

use std::process::ExitCode;

use nsdl::{Diagnostic, Error};

use crate::cli::Explain;
use crate::terminal;

/// Prints the page about a code, or the list of all codes.
pub(crate) fn explain(args: &Explain) -> Result<(), ExitCode> {
    match &args.code {
        Some(code) => match nsdl::explain(code) {
            Ok(page) => terminal::data(&plain(page)),
            Err(error) => {
                terminal::message(&error.render(terminal::color()));
                Err(ExitCode::FAILURE)
            }
        },
        None => {
            let lines = nsdl::codes().map(|(code, title)| format!("{code}  {title}\n"));
            terminal::data(&lines.collect::<String>())
        }
    }
}

/// The text of a page without its marks: programs are indented, under a word that says whether they are right.
pub(crate) fn plain(page: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(info) if !inside => {
                inside = true;
                let wrong = info.split(' ').any(|word| word == "wrong");
                text.push_str(if wrong { "Wrong:\n\n" } else { "Right:\n\n" });
            }
            Some(_) => inside = false,
            None if inside => {
                text.push_str("    ");
                text.push_str(line);
                text.push('\n');
            }
            None => {
                text.push_str(line.strip_prefix("# ").unwrap_or(line));
                text.push('\n');
            }
        }
    }
    text
}

/// The report of an error, with the pointer.
pub(crate) fn failure(error: &Error, color: bool) -> String {
    error.render(color) + &pointer(&error.diagnostics)
}

/// The last line of a report: where more is said about its codes.
pub(crate) fn pointer(diagnostics: &[Diagnostic]) -> String {
    let mut codes: Vec<&str> = diagnostics.iter().map(|it| it.code).collect();
    codes.dedup();
    match codes.as_slice() {
        [] => String::new(),
        [code] => format!("`nsdl explain {code}` says more.\n"),
        [code, ..] => format!("`nsdl explain {code}` says more, likewise for the other codes.\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_shown_without_their_marks() {
        let page = "# E1: Title\n\nWords.\n\n```dl wrong\nrel p(\n```\n\n```dl\nrel p()\n```\n";
        assert_eq!(
            plain(page),
            "E1: Title\n\nWords.\n\nWrong:\n\n    rel p(\n\nRight:\n\n    rel p()\n"
        );
    }

    #[test]
    fn the_pointer_names_the_first_code() {
        let of = |codes: &[&'static str]| {
            pointer(
                &codes
                    .iter()
                    .map(|code| Diagnostic::error(code, ""))
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(of(&[]), "");
        assert_eq!(of(&["E0201", "E0201"]), "`nsdl explain E0201` says more.\n");
        assert!(of(&["E0201", "E0202"]).contains("likewise"));
    }
}
