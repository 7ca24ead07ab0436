//! Where things are printed: data on stdout, everything else on stderr.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::ProgressBar;

/// Whether messages may be coloured: stderr is a terminal, and nobody asked for none.
pub(crate) fn color() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal()
        && !set("NO_COLOR")
        && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
}

/// Prints a message.
pub(crate) fn message(text: &str) {
    // Nobody is left to tell if stderr is closed.
    let _ = writeln!(io::stderr(), "{}", text.trim_end());
}

/// Prints data. A reader that has gone away (`nsdl run … | head`) is no error.
pub(crate) fn data(text: &str) -> Result<(), ExitCode> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ExitCode::SUCCESS),
        Err(error) => {
            message(&format!("cannot write to standard output: {error}"));
            Err(ExitCode::FAILURE)
        }
    }
}

/// A spinner on a terminal while something takes more than a second; it ends when dropped.
pub(crate) struct Spinner(Option<(Sender<()>, JoinHandle<()>)>);

impl Spinner {
    /// Starts to wait.
    pub(crate) fn start(text: &'static str) -> Self {
        if !io::stderr().is_terminal() {
            return Self(None);
        }
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            if stopped.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                let spinner = ProgressBar::new_spinner().with_message(text);
                spinner.enable_steady_tick(Duration::from_millis(100));
                // Ends with a message or with the sender.
                let _ = stopped.recv();
                spinner.finish_and_clear();
            }
        });
        Self(Some((stop, thread)))
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}
