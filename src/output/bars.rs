//! Progress on a terminal: a bar a phase, with bytes, speed and remaining time.

use std::collections::BTreeMap;
use std::sync::Mutex;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::Progress;

/// Bars on standard error; a finished phase leaves one line behind.
#[derive(Debug, Default)]
pub(super) struct Bars {
    all: MultiProgress,
    open: Mutex<BTreeMap<&'static str, ProgressBar>>,
}

impl Bars {
    fn bar(&self, phase: &'static str) -> Option<ProgressBar> {
        self.open.lock().ok()?.get(phase).cloned()
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ ")
}

impl Progress for Bars {
    fn begin(&self, phase: &'static str, total: u64) {
        let bar = if total == 0 {
            let bar = ProgressBar::new_spinner().with_style(style("{prefix:>10} {spinner} {elapsed}"));
            bar.enable_steady_tick(std::time::Duration::from_millis(120));
            bar
        } else {
            ProgressBar::new(total).with_style(style(
                "{prefix:>10} {bar:30.cyan/dim} {binary_bytes:>10}/{binary_total_bytes} {binary_bytes_per_sec:>12} {eta} {msg:.dim}",
            ))
        };
        let bar = self.all.add(bar.with_prefix(phase));
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
        let bar = self.open.lock().ok().and_then(|mut open| open.remove(phase));
        let elapsed = bar.as_ref().map(ProgressBar::elapsed).unwrap_or_default();
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        // When standard error went away there is nobody left to tell.
        let _ = self.all.println(format!("{phase:>10} {note} ({:.1} s)", elapsed.as_secs_f32()));
    }

    fn warn(&self, message: &str) {
        self.all.suspend(|| super::console::warn(message));
    }
}
