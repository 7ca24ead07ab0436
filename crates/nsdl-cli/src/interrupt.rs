//! Ctrl-C.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit status of a command that Ctrl-C has stopped.
pub(crate) const STOPPED: u8 = 130;

/// Makes the first Ctrl-C set the flag, which evaluations watch, and a second one end the process.
pub(crate) fn watch() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = flag.clone();
    // Where no handler can be set, Ctrl-C ends the process at once, which is no worse.
    let _ = ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(STOPPED));
        }
    });
    flag
}

/// The exit status of a failed command.
pub(crate) fn failure(flag: &AtomicBool) -> ExitCode {
    if flag.load(Ordering::Relaxed) {
        ExitCode::from(STOPPED)
    } else {
        ExitCode::FAILURE
    }
}
