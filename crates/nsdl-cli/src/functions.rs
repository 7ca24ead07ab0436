//! `nsdl functions`

use std::process::ExitCode;

use nsdl::Session;

use crate::cli::Functions;
use crate::terminal;

/// Lists what programs can call, or what of it has the word in its signature.
pub(crate) fn functions(args: &Functions) -> Result<(), ExitCode> {
    let all = Session::new().catalogue();
    let word = args.word.as_deref().unwrap_or_default();
    let mut text = String::new();
    for (title, lines) in [
        ("Functions", all.functions),
        ("Predicates", all.predicates),
        ("Aggregates", all.aggregates),
    ] {
        let mut found = lines.iter().filter(|line| line.contains(word)).peekable();
        if found.peek().is_some() {
            text.push_str(&format!("{title}\n"));
        }
        found.for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    terminal::data(&text)
}
