//! Progress without a terminal: one line when a phase ends, so that logs stay short.

use std::io::Write;

use super::Progress;

/// Plain lines on standard error.
#[derive(Debug)]
pub(super) struct Lines;

impl Progress for Lines {
    fn begin(&self, _: &'static str, _: u64) {}

    fn advance(&self, _: &'static str, _: u64) {}

    fn finish(&self, phase: &'static str, note: &str) {
        // An error of writing to standard error must not stop the work.
        let _ = writeln!(anstream::stderr(), "{phase}: {note}");
    }

    fn warn(&self, message: &str) {
        super::console::warn(message);
    }
}
