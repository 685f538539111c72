//! The only room that prints: phases and progress, JSON lines, errors.
//!
//! Functions that run for long take a [`Progress`] and report to it. This room decides how that is shown: bars on a terminal,
//! plain lines elsewhere, JSON lines with `--json`. Results go to standard output, everything else to standard error, so that a
//! pipe gets only data.

mod bars;
mod console;
mod fit;
mod json;
mod lines;
mod size;
mod text;

pub use console::{Color, Console, OutputMode, clear_terminal, print_now};
pub use size::{bytes, count};
pub use text::{is_unsafe_for_terminal, shown};

/// The progress of a long-running stage. Its methods may be called from any thread.
pub trait Progress: Sync {
    /// A phase begins (`download`, `unpack`, `compress`, …); `total` is its work in bytes, or 0 if unknown.
    fn begin(&self, phase: &'static str, total: u64);
    /// `amount` more bytes of the phase are done.
    fn advance(&self, phase: &'static str, amount: u64);
    /// A short remark on the running phase, shown beside its bar.
    fn remark(&self, _phase: &'static str, _text: &str) {}
    /// The phase is over; `note` summarises it (`207 packages, 169 MiB`).
    fn finish(&self, phase: &'static str, note: &str);
    /// Prints a warning.
    fn warn(&self, message: &str);
    /// Calls `print`, which prints something else on the terminal, while the bars are suspended.
    fn aside(&self, print: &mut dyn FnMut()) {
        print();
    }
    /// Removes the bars of all phases that were begun, since they will not be finished.
    fn abandon(&self) {}
}

/// Renames all phases of a stage to one name, for a caller that uses the stage for something more specific.
#[expect(missing_debug_implementations, reason = "progress is shown in its own way")]
pub struct Named<'a> {
    pub phase: &'static str,
    pub progress: &'a dyn Progress,
}

impl Progress for Named<'_> {
    fn begin(&self, _: &'static str, total: u64) {
        self.progress.begin(self.phase, total);
    }
    fn advance(&self, _: &'static str, amount: u64) {
        self.progress.advance(self.phase, amount);
    }
    fn remark(&self, _: &'static str, text: &str) {
        self.progress.remark(self.phase, text);
    }
    fn finish(&self, _: &'static str, note: &str) {
        self.progress.finish(self.phase, note);
    }
    fn warn(&self, message: &str) {
        self.progress.warn(message);
    }
    fn aside(&self, print: &mut dyn FnMut()) {
        self.progress.aside(print);
    }
    fn abandon(&self) {
        self.progress.abandon();
    }
}

/// Prints only warnings.
#[derive(Debug)]
struct Warnings;

impl Progress for Warnings {
    fn begin(&self, _: &'static str, _: u64) {}
    fn advance(&self, _: &'static str, _: u64) {}
    fn finish(&self, _: &'static str, _: &str) {}
    fn warn(&self, message: &str) {
        console::warn(message);
    }
}

/// Prints nothing: for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &'static str, _: u64) {}
    fn advance(&self, _: &'static str, _: u64) {}
    fn finish(&self, _: &'static str, _: &str) {}
    fn warn(&self, _: &str) {}
}
