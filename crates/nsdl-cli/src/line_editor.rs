//! `nsdl repl`: the REPL on a terminal, or fed from a pipe.

use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::cli;
use crate::repl::{Repl, Reply};
use crate::{interrupt, terminal};

/// Reads lines until the user leaves.
pub(crate) fn repl(args: &cli::Repl) -> Result<(), ExitCode> {
    let provenance = args.provenance.chosen().map_err(|text| {
        terminal::message(&format!("error: {text}"));
        ExitCode::from(2)
    })?;
    let mut repl = Repl::new(provenance, interrupt::watch(), terminal::color());
    for file in &args.files {
        let reply = repl.load(&file.display().to_string());
        show(reply)?;
    }
    if io::stdin().is_terminal() {
        interactive(repl)
    } else {
        piped(repl)
    }
}

/// Prints a reply; true if there is more to come.
fn show(reply: Reply) -> Result<bool, ExitCode> {
    match reply {
        Reply::More => Ok(true),
        Reply::Quit => Ok(false),
        Reply::Done { data, messages } => {
            if !messages.is_empty() {
                terminal::message(&messages);
            }
            terminal::data(&data)?;
            Ok(true)
        }
    }
}

fn piped(mut repl: Repl) -> Result<(), ExitCode> {
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| {
            terminal::message(&format!("cannot read standard input: {error}"));
            ExitCode::FAILURE
        })?;
        if !show(repl.line(&line))? {
            return Ok(());
        }
    }
    show(repl.finish()).map(drop)
}

fn interactive(mut repl: Repl) -> Result<(), ExitCode> {
    let failed = |error: ReadlineError| {
        terminal::message(&format!("cannot read the terminal: {error}"));
        ExitCode::FAILURE
    };
    let mut editor = DefaultEditor::new().map_err(failed)?;
    let history = history_file();
    if let Some(history) = &history {
        // There is none the first time.
        let _ = editor.load_history(history);
    }
    terminal::message(concat!(
        "nsdl ",
        env!("CARGO_PKG_VERSION"),
        "; :help for help, :quit to leave"
    ));
    let mut prompt = "nsdl> ";
    loop {
        match editor.readline(prompt) {
            Ok(line) => {
                if !line.trim().is_empty() {
                    let _ = editor.add_history_entry(&line);
                }
                let spinner = terminal::Spinner::start("evaluating");
                let reply = repl.line(&line);
                drop(spinner);
                prompt = if reply == Reply::More {
                    "  ...> "
                } else {
                    "nsdl> "
                };
                if !show(reply)? {
                    break;
                }
            }
            // Ctrl-C gives up the entry, Ctrl-D leaves.
            Err(ReadlineError::Interrupted) => {
                repl.abandon();
                prompt = "nsdl> ";
            }
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(failed(error)),
        }
    }
    if let Some(history) = &history {
        if let Some(folder) = history.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        // History is a comfort: no place to keep it is no error.
        let _ = editor.save_history(history);
    }
    Ok(())
}

/// Where the history is kept: the data folder of the user, as the platform has it.
fn history_file() -> Option<PathBuf> {
    let variable = |name| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let folder = if cfg!(windows) {
        variable("APPDATA")?
    } else if cfg!(target_os = "macos") {
        variable("HOME")?.join("Library/Application Support")
    } else {
        variable("XDG_DATA_HOME").or_else(|| Some(variable("HOME")?.join(".local/share")))?
    };
    Some(folder.join("nsdl").join("history"))
}
