//! Progress on a terminal: a bar a phase, with bytes, speed and remaining time.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Progress;

/// Columns that a bar with all its figures needs; on less, the bar itself and the speed are left out.
const WIDE: usize = 76;

/// Bars on standard error; a finished phase leaves one line behind.
#[derive(Debug)]
pub(super) struct Bars {
    all: MultiProgress,
    open: Mutex<BTreeMap<&'static str, ProgressBar>>,
}

impl Bars {
    pub(super) fn new() -> Self {
        Self { all: SCREEN.get_or_init(MultiProgress::default).clone(), open: Mutex::default() }
    }

    fn bar(&self, phase: &'static str) -> Option<ProgressBar> {
        self.open.lock().ok()?.get(phase).cloned()
    }

    fn take(&self, phase: &'static str) -> Option<ProgressBar> {
        self.open.lock().ok()?.remove(phase)
    }

    /// Takes a bar off the terminal.
    fn wipe(&self, bar: &ProgressBar) {
        // In this order: a bar that is not drawn any more by all of them would draw itself.
        bar.finish_and_clear();
        self.all.remove(bar);
    }
}

/// What is drawn on this terminal, for who prints something else there, from whichever thread.
static SCREEN: OnceLock<MultiProgress> = OnceLock::new();

/// Calls `print` while nothing is drawn.
pub(super) fn aside(print: impl FnOnce()) {
    match SCREEN.get() {
        Some(screen) => screen.suspend(print),
        None => print(),
    }
}

/// Draws nothing any more: the program ends.
pub(super) fn leave() {
    if let Some(screen) = SCREEN.get() {
        // What cannot be taken away stays.
        let _ = screen.clear();
        screen.set_draw_target(ProgressDrawTarget::hidden());
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ ")
}

/// A line that never is longer than a terminal of so many columns: what is longer takes two lines of it, and leaves one
/// behind when it is drawn anew.
fn measured(columns: Option<usize>) -> ProgressStyle {
    style(if columns.is_none_or(|columns| columns >= WIDE) {
        "{prefix:>10} {bar:16.cyan/dim} {binary_bytes:>10}/{binary_total_bytes:10} {binary_bytes_per_sec:>12} {eta:>4} {wide_msg:.dim}"
    } else {
        "{prefix:>10} {binary_bytes:>10}/{binary_total_bytes} {wide_msg:.dim}"
    })
}

impl Progress for Bars {
    fn begin(&self, phase: &'static str, total: u64) {
        // One that began before and did not end would stay on the terminal.
        if let Some(bar) = self.take(phase) {
            self.wipe(&bar);
        }
        let bar = if total == 0 {
            ProgressBar::new_spinner().with_style(style("{prefix:>10} {spinner} {elapsed}"))
        } else {
            ProgressBar::new(total).with_style(measured(super::console::columns(&std::io::stderr())))
        };
        let bar = self.all.add(bar.with_prefix(phase));
        if total == 0 {
            // Not before it is one of them: until then it would draw a line of its own.
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        if let Ok(mut open) = self.open.lock() {
            open.insert(phase, bar);
        }
    }

    fn advance(&self, phase: &'static str, amount: u64) {
        if let Some(bar) = self.bar(phase) {
            bar.inc(amount);
        }
    }

    fn remark(&self, phase: &'static str, text: &str) {
        if let Some(bar) = self.bar(phase)
            && bar.message() != text
        {
            bar.set_message(text.to_owned());
        }
    }

    fn finish(&self, phase: &'static str, note: &str) {
        let bar = self.take(phase);
        let elapsed = bar.as_ref().map(ProgressBar::elapsed).unwrap_or_default();
        if let Some(bar) = bar {
            self.wipe(&bar);
        }
        let line = format!("{phase:>10} {note} ({:.1} s)", elapsed.as_secs_f32());
        self.aside(&mut || super::console::say(&line));
    }

    fn warn(&self, message: &str) {
        self.aside(&mut || super::console::warn(message));
    }

    fn aside(&self, print: &mut dyn FnMut()) {
        self.all.suspend(print);
    }

    fn abandon(&self) {
        let open = self.open.lock().map(|mut open| std::mem::take(&mut *open)).unwrap_or_default();
        for bar in open.values() {
            self.wipe(bar);
        }
    }
}
