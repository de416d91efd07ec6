//! Ctrl-C, for commands that have something to say by then.

use std::sync::atomic::{AtomicBool, Ordering};

use super::INTERRUPTED;

static PRESSED: AtomicBool = AtomicBool::new(false);

/// Lets the first Ctrl-C be asked for; a second one ends the process at once.
pub(super) fn listen() {
    // Where it cannot be caught, Ctrl-C ends the process as ever.
    let _ = ctrlc::set_handler(|| {
        if PRESSED.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    });
}

/// Whether Ctrl-C was pressed.
pub(super) fn pressed() -> bool {
    PRESSED.load(Ordering::Relaxed)
}
