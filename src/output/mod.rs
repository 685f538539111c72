//! The only room that prints: phases and progress, JSON lines, rendered errors.
//!
//! Rooms that work long take a [`Progress`] and tell it what happens; how that looks is decided here: bars on a
//! terminal, plain lines elsewhere, JSON lines with `--json`. Results go to standard output, all else to standard
//! error, so that a pipe gets data alone.

mod bars;
mod console;
mod fit;
mod json;
mod lines;
mod size;
mod text;

pub use console::{Color, Console, Look, at_once, leave};
pub use size::{bytes, count};
pub use text::{is_unfit, shown};

/// What a long-running stage tells of its work. All calls may come from any thread.
pub trait Progress: Sync {
    /// A phase begins (`download`, `unpack`, `compress`, …); `total` is its work in bytes, or 0 if unknown.
    fn begin(&self, phase: &'static str, total: u64);
    /// `amount` more bytes of the phase are done.
    fn advance(&self, phase: &'static str, amount: u64);
    /// Something about the phase that is worth showing as long as it is true.
    fn remark(&self, _phase: &'static str, _text: &str) {}
    /// The phase is over; `note` is what is worth saying of it (`207 packages, 169 MiB`).
    fn finish(&self, phase: &'static str, note: &str);
    /// Something the user should know that is no error.
    fn warn(&self, message: &str);
    /// Something else is printed on the terminal, beside what is drawn there.
    fn aside(&self, print: &mut dyn FnMut()) {
        print();
    }
    /// The phases that have begun come to no end: what is drawn of them goes.
    fn abandon(&self) {}
}

/// The progress of a stage whose phases have names for any caller, under the one name that it has here.
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

/// Says only what must not be missed.
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

/// Says nothing; for tests and for callers that do not care.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &'static str, _: u64) {}
    fn advance(&self, _: &'static str, _: u64) {}
    fn finish(&self, _: &'static str, _: &str) {}
    fn warn(&self, _: &str) {}
}
