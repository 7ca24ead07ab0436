//! The REPL without its terminal: lines in, replies out.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nsdl::{Diagnostic, Error, Outcome, Provenance, Session, is_incomplete, print};

use crate::cli::{facts_file, has_k};
use crate::explain;
use crate::source::load_facts;

/// What `:help` prints.
const HELP: &str = "\
rel edge = {(0, 1), 0.5::(1, 2)}    add facts
rel path(a, b) = edge(a, b)         add a rule; an open bracket or operator continues on the next line
query path(0, _)                    answer a query now; also ?path(0, _), or path(0, _) alone
path(0, 2) | edge(0, 1)             how probable it is, given that a formula holds

:load FILE                          add the program in a file and answer its queries
:facts RELATION=FILE                add the facts in a file (CSV, JSON lines, Parquet, Arrow)
:provenance [NAME [K]]              show or choose how uncertainty is computed; `auto` for the default
:seed [N]                           show or choose what `uniform` and `categorical` draw
:relations                          list the relations and their types
:why path(0, 2)                     show the most probable proofs of a tuple
:world path(0, 2)                   show the most probable world in which a tuple holds
:explain E0201                      say more about the code of an error or warning
:reset                              forget everything
:quit                               leave, as does Ctrl-D
";

/// How many proofs `:why` shows.
const PROOFS: usize = 5;

/// What a line leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The entry goes on: ask for the next line.
    More,
    /// The entry is done.
    Done {
        /// For stdout.
        data: String,
        /// For stderr.
        messages: String,
    },
    /// The user leaves.
    Quit,
}

/// A session that is driven by lines. Every error leaves it as it was.
pub(crate) struct Repl {
    session: Session,
    /// The lines of an unfinished entry.
    pending: String,
    cancel: Arc<AtomicBool>,
    color: bool,
}

impl Repl {
    /// An empty session. Evaluations stop when `cancel` is set; messages are coloured if `color`.
    pub(crate) fn new(
        provenance: Option<Provenance>,
        cancel: Arc<AtomicBool>,
        color: bool,
    ) -> Self {
        let mut repl = Self {
            session: Session::new(),
            pending: String::new(),
            cancel,
            color,
        };
        repl.reset(provenance);
        repl
    }

    /// Takes one line.
    pub(crate) fn line(&mut self, line: &str) -> Reply {
        // A Ctrl-C that came too late stops nothing that begins now.
        self.cancel.store(false, Ordering::Relaxed);
        let trimmed = line.trim();
        if self.pending.is_empty() {
            if trimmed.is_empty() {
                return done(String::new());
            }
            if let Some(command) = trimmed.strip_prefix(':') {
                return self.command(command);
            }
            if let Some(query) = trimmed.strip_prefix('?') {
                return self.query(query.trim());
            }
        }
        self.pending.push_str(line);
        self.pending.push('\n');
        // An empty line ends an entry that would go on for ever.
        if !trimmed.is_empty() && is_incomplete(&self.pending) {
            return Reply::More;
        }
        self.finish()
    }

    /// Ends an unfinished entry as if it were complete.
    pub(crate) fn finish(&mut self) -> Reply {
        let entry = std::mem::take(&mut self.pending);
        if entry.trim().is_empty() {
            return done(String::new());
        }
        if is_atom(&entry) {
            return self.query(entry.trim());
        }
        let entered = self.session.enter("<input>", &entry);
        self.entered(entered)
    }

    /// Forgets an unfinished entry.
    pub(crate) fn abandon(&mut self) {
        self.pending.clear();
    }

    /// Adds the program in a file and answers its queries.
    pub(crate) fn load(&mut self, path: &str) -> Reply {
        let entered = self.session.enter_file(Path::new(path));
        self.entered(entered)
    }

    fn entered(&self, entered: Result<nsdl::Entry, Error>) -> Reply {
        match entered {
            Err(error) => self.failed(&error),
            Ok(mut entry) => {
                // Who has only just declared a relation is about to fill it.
                entry
                    .warnings
                    .retain(|w| entry.outcome.is_some() || !["W0201", "W0404"].contains(&w.code));
                Reply::Done {
                    data: entry.outcome.as_ref().map(text).unwrap_or_default(),
                    messages: self.session.render(&entry.warnings, self.color)
                        + &in_repl(&entry.warnings),
                }
            }
        }
    }

    fn query(&mut self, query: &str) -> Reply {
        if query.is_empty() {
            return self.complain("nothing is asked; try ?RELATION");
        }
        let entered = self.session.enter("<query>", &format!("query {query}"));
        self.entered(entered)
    }

    fn command(&mut self, command: &str) -> Reply {
        let (name, argument) = command
            .split_once(char::is_whitespace)
            .unwrap_or((command, ""));
        let argument = argument.trim();
        match (name, argument) {
            ("help" | "h" | "?", _) => done(HELP.to_owned()),
            ("quit" | "q" | "exit", _) => Reply::Quit,
            ("reset", _) => {
                self.reset(self.session.provenance());
                done(String::new())
            }
            ("relations", _) => {
                let lines = self
                    .session
                    .relations()
                    .into_iter()
                    .map(|r| format!("{r}\n"));
                done(lines.collect())
            }
            ("provenance", _) => self.provenance(argument),
            ("seed", "") => done(format!("{}\n", self.session.seed())),
            ("seed", number) => match number.parse() {
                Ok(seed) => {
                    self.session.set_seed(seed);
                    done(format!("{seed}\n"))
                }
                Err(_) => self.complain("a seed is a whole number, as in :seed 7"),
            },
            ("load", "") => self.complain("which file? :load FILE"),
            ("load", file) => self.load(file),
            ("facts", _) => match facts_file(argument) {
                Ok(facts) => match load_facts(&mut self.session, &[facts], false) {
                    Ok(warnings) => Reply::Done {
                        data: String::new(),
                        messages: self.session.render(&warnings, self.color),
                    },
                    Err(error) => self.failed(&error),
                },
                Err(text) => self.complain(&text),
            },
            ("explain", "") => self.complain("which code? :explain E0201"),
            ("explain", code) => match nsdl::explain(code) {
                Ok(page) => done(explain::plain(page)),
                Err(error) => self.failed(&error),
            },
            ("why", "") => self.complain("which tuple? :why path(0, 2)"),
            ("why", atom) => self.why(atom),
            ("world", "") => self.complain("which tuple? :world path(0, 2)"),
            ("world", atom) => match self.session.most_probable_world_text(atom) {
                Err(error) => self.failed(&error),
                Ok(None) => done(format!("{atom} holds in no world\n")),
                Ok(Some(world)) => done(format!("{world}\n")),
            },
            _ => self.complain(&format!("there is no command :{name}; try :help")),
        }
    }

    fn provenance(&mut self, argument: &str) -> Reply {
        let mut words = argument.split_whitespace();
        let (name, k) = (words.next(), words.next());
        match (name, k.map(str::parse)) {
            (None, _) => {}
            (Some("auto"), None) => self.session.set_provenance(None),
            (Some(name), k @ (None | Some(Ok(_)))) => {
                match Provenance::parse(name, k.clone().and_then(Result::ok)) {
                    Ok(provenance) if k.is_some() && !has_k(provenance) => {
                        return self.complain(&format!(
                            "k is for topkproofs and its like only; `{provenance}` keeps no proofs"
                        ));
                    }
                    Ok(provenance) => self.session.set_provenance(Some(provenance)),
                    Err(error) => return self.failed(&error),
                }
            }
            (Some(_), Some(Err(_))) => {
                return self.complain("k is a whole number, as in :provenance topkproofs 5");
            }
        }
        done(match self.session.provenance() {
            None => "auto\n".to_owned(),
            Some(provenance) => match provenance.k() {
                Some(k) => format!("{provenance} {k}\n"),
                None => format!("{provenance}\n"),
            },
        })
    }

    fn why(&self, atom: &str) -> Reply {
        match self.session.why_text(atom, PROOFS) {
            Err(error) => self.failed(&error),
            Ok(proofs) if proofs.is_empty() => done(format!("{atom} holds in no world\n")),
            Ok(proofs) => done(proofs.iter().map(|proof| format!("{proof}\n")).collect()),
        }
    }

    fn reset(&mut self, provenance: Option<Provenance>) {
        let seed = self.session.seed();
        self.session = Session::new();
        self.session.set_provenance(provenance);
        self.session.set_seed(seed);
        self.session.set_cancel(self.cancel.clone());
    }

    fn failed(&self, error: &Error) -> Reply {
        Reply::Done {
            data: String::new(),
            messages: error.render(self.color) + &in_repl(&error.diagnostics),
        }
    }

    fn complain(&self, text: &str) -> Reply {
        Reply::Done {
            data: String::new(),
            messages: format!("{text}\n"),
        }
    }
}

/// Where more is said about the codes of a report.
fn in_repl(diagnostics: &[Diagnostic]) -> String {
    explain::pointer(diagnostics).replace("nsdl explain", ":explain")
}

fn done(data: String) -> Reply {
    Reply::Done {
        data,
        messages: String::new(),
    }
}

fn text(outcome: &Outcome) -> String {
    outcome
        .relations
        .iter()
        .map(|relation| print::text(relation) + "\n")
        .collect()
}

/// Whether an entry is a relation or an atom alone: items begin with a keyword or an attribute.
fn is_atom(entry: &str) -> bool {
    let entry = entry.trim();
    let name_ends = entry
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(entry.len());
    let (name, rest) = entry.split_at(name_ends);
    let keyword = matches!(
        name,
        "rel" | "relation" | "type" | "const" | "query" | "import" | "extern"
    );
    let begins = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let rest = rest.trim();
    // With evidence behind it, or without.
    begins
        && !keyword
        && (rest.is_empty()
            || rest.starts_with('|')
            || (rest.starts_with('(') && rest.ends_with(')')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repl() -> Repl {
        Repl::new(None, Arc::default(), false)
    }

    fn data(repl: &mut Repl, line: &str) -> String {
        match repl.line(line) {
            Reply::Done { data, messages } if messages.is_empty() => data,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn message(repl: &mut Repl, line: &str) -> String {
        match repl.line(line) {
            Reply::Done { data, messages } if data.is_empty() => messages,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn facts_and_rules_accumulate() {
        let mut repl = repl();
        assert_eq!(data(&mut repl, "rel edge = {(0, 1), (1, 2)}"), "");
        assert_eq!(data(&mut repl, "rel path(a, b) = edge(a, b)"), "");
        assert_eq!(data(&mut repl, "query path"), "path: {(0, 1), (1, 2)}\n");
        assert_eq!(
            data(&mut repl, "rel path(a, c) = path(a, b), edge(b, c)"),
            ""
        );
        assert_eq!(data(&mut repl, "?path"), "path: {(0, 1), (0, 2), (1, 2)}\n");
        assert_eq!(
            data(&mut repl, "path(0, _)"),
            "path(0, _): {(0, 1), (0, 2)}\n"
        );
        assert_eq!(data(&mut repl, "edge"), "edge: {(0, 1), (1, 2)}\n");
        assert_eq!(
            data(&mut repl, ":relations"),
            "edge(i32, i32)\npath(i32, i32)\n"
        );
    }

    #[test]
    fn entries_take_several_lines() {
        let mut repl = repl();
        assert_eq!(repl.line("rel edge = {"), Reply::More);
        assert_eq!(repl.line("  (0, 1),"), Reply::More);
        assert_eq!(data(&mut repl, "  (1, 2)}"), "");
        assert_eq!(data(&mut repl, "?edge"), "edge: {(0, 1), (1, 2)}\n");
        // An empty line gives up on an entry that is never closed.
        assert_eq!(repl.line("rel open = {1,"), Reply::More);
        assert!(message(&mut repl, "").contains("E01"));
        assert_eq!(data(&mut repl, "?edge"), "edge: {(0, 1), (1, 2)}\n");
    }

    #[test]
    fn errors_leave_the_session_as_it_was() {
        let mut repl = repl();
        data(&mut repl, "rel edge = {(0, 1)}");
        assert!(message(&mut repl, "rel edge(1)").contains("E0202"));
        assert!(message(&mut repl, "rel p(x) = egde(x, _)").contains("`edge`"));
        assert!(message(&mut repl, "rel )").contains("E01"));
        assert!(message(&mut repl, "?nothing").contains("E0201"));
        assert!(message(&mut repl, ":load /no/such/file.dl").contains("E0701"));
        assert!(message(&mut repl, ":provenance exat").contains("`exact`"));
        assert!(message(&mut repl, ":nonsense").contains(":help"));
        assert!(message(&mut repl, "?nothing").contains("`:explain E0201` says more"));
        assert!(message(&mut repl, ":explain E0000").contains("E0830"));
        assert!(data(&mut repl, ":explain e0201").starts_with("E0201: Unknown relation\n"));
        assert_eq!(data(&mut repl, "?edge"), "edge: {(0, 1)}\n");
        assert_eq!(data(&mut repl, ":relations"), "edge(i32, i32)\n");
    }

    #[test]
    fn provenance_and_proofs() {
        let mut repl = repl();
        data(&mut repl, "rel edge = {0.5::(0, 1), 0.5::(0, 1)}");
        assert_eq!(data(&mut repl, "?edge"), "edge: {0.75::(0, 1)}\n");
        assert_eq!(
            data(&mut repl, ":provenance topkproofs 1"),
            "topkproofs 1\n"
        );
        match repl.line("?edge") {
            Reply::Done { data, messages } => {
                assert_eq!(data, "edge: {0.5::(0, 1)}\n");
                assert!(messages.contains("W0602"), "{messages}");
            }
            other => panic!("{other:?}"),
        }
        assert!(message(&mut repl, ":provenance exact 3").contains("keeps no proofs"));
        assert_eq!(data(&mut repl, ":provenance auto"), "auto\n");
        let why = data(&mut repl, ":why edge(0, 1)");
        assert_eq!(
            why,
            "0.5000: edge(0, 1) [0.5000]\n0.5000: edge(0, 1) [0.5000]\n"
        );
        assert_eq!(
            data(&mut repl, ":world edge(0, 1)"),
            "0.2500: edge(0, 1) [0.5000], not edge(0, 1) [0.5000]\n"
        );
        assert_eq!(
            data(&mut repl, ":why edge(7, 7)"),
            "edge(7, 7) holds in no world\n"
        );
    }

    #[test]
    fn reset_forgets_and_quit_leaves() {
        let mut repl = repl();
        data(&mut repl, "rel edge = {(0, 1)}");
        data(&mut repl, ":reset");
        assert_eq!(data(&mut repl, ":relations"), "");
        assert!(data(&mut repl, ":help").contains(":why"));
        assert_eq!(repl.line(":quit"), Reply::Quit);
    }

    #[test]
    fn a_seed_is_kept() {
        let mut repl = repl();
        assert_eq!(data(&mut repl, ":seed"), "0\n");
        assert_eq!(data(&mut repl, ":seed 7"), "7\n");
        data(&mut repl, ":reset");
        assert_eq!(data(&mut repl, ":seed"), "7\n");
        assert!(message(&mut repl, ":seed x").contains("whole number"));
    }

    #[test]
    fn atoms_are_told_from_items() {
        assert!(is_atom("path"));
        assert!(is_atom(" path(0, _) "));
        assert!(!is_atom("rel path(0, 1)"));
        assert!(!is_atom("@hidden rel p(1)"));
        assert!(!is_atom("path(0) = x"));
    }
}
