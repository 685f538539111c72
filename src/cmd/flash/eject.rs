//! Switches the written disk off. All data is on it already, so a failure here is only a warning.

use std::process::Stdio;

use crate::device::{Disk, Transport};
use crate::output::Console;
use crate::process;

/// Switches the disk off with the first tool that works; returns whether one did.
pub(super) fn eject(disk: &Disk, console: &Console) -> bool {
    if disk.transport == Transport::Loop {
        return false;
    }
    let tools: [(&str, &[&str]); 2] = [("udisksctl", &["power-off", "--no-user-interaction", "-b"]), ("eject", &[])];
    for (program, args) in tools {
        let mut command = process::command(program);
        command.args(args).arg(&disk.path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if command.status().is_ok_and(|status| status.success()) {
            return true;
        }
    }
    console.progress().warn(&format!(
        "{} could not be switched off: everything is written, so unplug it as soon as its light does not flicker",
        disk.path.display()
    ));
    false
}
