//! Runs a machine under KVM, and detects a KVM that does not work.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ChildStderr, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cmd::interrupt;

/// QEMU's messages when KVM fails. The machine is then stopped ("internal-error"), and QEMU waits for a debugger.
const FAULTS: [&str; 4] =
    ["KVM internal error", "KVM: entry failed", "error: kvm run failed", "KVM: unknown exit, hardware reason"];

/// How a machine ended.
pub(super) struct End {
    pub status: ExitStatus,
    gave_up: bool,
}

impl End {
    /// Whether KVM failed.
    pub fn is_broken(&self) -> bool {
        self.gave_up || self.status.signal().is_some()
    }
}

/// Runs QEMU until it ends, and ends it if KVM fails.
pub(super) fn run(command: &mut Command) -> io::Result<End> {
    let gave_up = Arc::new(AtomicBool::new(false));
    let mut listener = None;
    command.stderr(Stdio::piped());
    let status = interrupt::run(command, |child| {
        let gave_up = Arc::clone(&gave_up);
        listener = child.stderr.take().map(|words| std::thread::spawn(move || listen(words, &gave_up)));
    })?;
    if let Some(listener) = listener {
        // The thread returns nothing, and has passed on all messages.
        let _ = listener.join();
    }
    Ok(End { status, gave_up: gave_up.load(Ordering::SeqCst) })
}

/// Passes on QEMU's messages, and ends QEMU when one of them says that KVM failed.
fn listen(words: ChildStderr, gave_up: &AtomicBool) {
    let mut words = BufReader::new(words);
    let mut line = Vec::new();
    while words.read_until(b'\n', &mut line).is_ok_and(|len| len > 0) {
        let _ = io::stderr().write_all(&line);
        let text = String::from_utf8_lossy(&line);
        if FAULTS.iter().any(|fault| text.contains(fault)) && !gave_up.swap(true, Ordering::SeqCst) {
            interrupt::end_child();
        }
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> End {
        run(Command::new("sh").args(["-c", text])).unwrap()
    }

    #[test]
    fn a_machine_that_stands_still_is_ended_and_one_that_ends_by_itself_is_not() {
        // QEMU ends with success when it is told to end.
        let end = script("trap 'exit 0' TERM; echo 'KVM internal error. Suberror: 1' >&2; while :; do :; done");
        assert!(end.is_broken() && end.status.success());
        let end = script("kill -ABRT $$");
        assert!(end.is_broken());
        let end = script("echo 'warning: host does not support this' >&2; exit 3");
        assert!(!end.is_broken());
        assert_eq!(end.status.code(), Some(3));
    }
}
