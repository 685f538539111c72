//! Progress on a terminal: one bar per phase, with bytes, speed and remaining time.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Progress;

/// Columns that a bar with all its numbers needs. On a narrower terminal the bar itself and the speed are left out.
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

    /// Removes a bar from the terminal.
    fn wipe(&self, bar: &ProgressBar) {
        // In this order: a bar that was removed from the others would draw a line of its own.
        bar.finish_and_clear();
        self.all.remove(bar);
    }
}

/// All bars on this terminal, so that any thread can suspend them while it prints.
static SCREEN: OnceLock<MultiProgress> = OnceLock::new();

/// Calls `print` while the bars are suspended.
pub(super) fn suspended(print: impl FnOnce()) {
    match SCREEN.get() {
        Some(screen) => screen.suspend(print),
        None => print(),
    }
}

/// Removes all bars and draws no more, before the program ends.
pub(super) fn clear() {
    if let Some(screen) = SCREEN.get() {
        // The program ends even if the bars cannot be removed.
        let _ = screen.clear();
        screen.set_draw_target(ProgressDrawTarget::hidden());
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ ")
}

/// The style of a bar that fits on one line of a terminal with this many columns: a longer one would wrap, and leave a line
/// behind each time it is redrawn.
fn measured(columns: Option<usize>) -> ProgressStyle {
    style(if columns.is_none_or(|columns| columns >= WIDE) {
        "{prefix:>10} {bar:16.cyan/dim} {binary_bytes:>10}/{binary_total_bytes:10} {binary_bytes_per_sec:>12} {eta:>4} {wide_msg:.dim}"
    } else {
        "{prefix:>10} {binary_bytes:>10}/{binary_total_bytes} {wide_msg:.dim}"
    })
}

impl Progress for Bars {
    fn begin(&self, phase: &'static str, total: u64) {
        // An earlier bar of the same phase that was not finished would stay on the terminal.
        if let Some(bar) = self.take(phase) {
            self.wipe(&bar);
        }
        let bar = if total == 0 {
            ProgressBar::new_spinner().with_style(style("{prefix:>10} {spinner} {elapsed} {wide_msg:.dim}"))
        } else {
            ProgressBar::new(total).with_style(measured(super::console::columns(&std::io::stderr())))
        };
        let bar = self.all.add(bar.with_prefix(phase));
        if total == 0 {
            // Only after it was added to the others: before that it would draw a line of its own.
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
