//! Switches the written disk off. All data is on it already, so a failure here is only a warning.

use std::io;
use std::process::Stdio;

use crate::device::{Disk, Transport};
use crate::output::{Console, shown};
use crate::process;

/// Switches the disk off with the first tool that works; returns whether one did.
pub(super) fn eject(disk: &Disk, console: &Console) -> bool {
    if disk.transport == Transport::Loop {
        return false;
    }
    let tools: [(&str, &[&str]); 2] = [("udisksctl", &["power-off", "--no-user-interaction", "-b"]), ("eject", &[])];
    let mut reasons = Vec::new();
    for (program, args) in tools {
        let mut command = process::command(program);
        match command.args(args).arg(&disk.path).stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => return true,
            Ok(output) => reasons.extend(reason(program, &output.stderr)),
            // One of the two is enough, and most machines lack the other.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => reasons.push(format!("{program}: {error}")),
        }
    }
    let because = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join("; ")) };
    console.progress().warn(&format!(
        "{} could not be switched off: everything is written, so unplug it as soon as its light does not flicker{because}",
        disk.path.display()
    ));
    false
}

/// The last line that a tool wrote before it failed, if any.
fn reason(program: &str, stderr: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(format!("{program}: {}", shown(line)))
}
