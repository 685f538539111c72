//! Progress for programs: JSON lines on standard output, at most five a second for each phase.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Progress;

/// Time between two `progress` events of one phase.
const INTERVAL: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Copy)]
struct Phase {
    done: u64,
    total: u64,
    said: Instant,
}

/// JSON lines; each is an object with the key `event`.
#[derive(Debug, Default)]
pub(super) struct Json {
    phases: Mutex<BTreeMap<&'static str, Phase>>,
}

/// Writes one line. Errors are ignored: the reader may have closed the pipe.
pub(super) fn line(value: &Value) {
    let _ = write(value);
}

/// Writes one line.
pub(super) fn write(value: &Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    out.flush()
}

impl Progress for Json {
    fn begin(&self, phase: &'static str, total: u64) {
        if let Ok(mut phases) = self.phases.lock() {
            phases.insert(phase, Phase { done: 0, total, said: Instant::now() });
        }
        line(&json!({"event": "begin", "phase": phase, "total": total}));
    }

    fn advance(&self, phase: &'static str, amount: u64) {
        let Ok(mut phases) = self.phases.lock() else { return };
        let Some(state) = phases.get_mut(phase) else { return };
        state.done += amount;
        if state.said.elapsed() >= INTERVAL {
            state.said = Instant::now();
            line(&json!({"event": "progress", "phase": phase, "done": state.done, "total": state.total}));
        }
    }

    fn finish(&self, phase: &'static str, note: &str) {
        line(&json!({"event": "end", "phase": phase, "note": note}));
    }

    fn warn(&self, message: &str) {
        line(&json!({"event": "warning", "message": message}));
    }
}
