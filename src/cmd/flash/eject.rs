//! Lets a disk go. All that was written is on it already, so nothing here makes a flash fail.

use std::process::Stdio;

use crate::device::{Disk, Transport};
use crate::output::Console;
use crate::process;

/// Switches the disk off, with whatever this system has for that; says whether it is.
pub(super) fn eject(disk: &Disk, console: &Console) -> bool {
    if disk.transport == Transport::Loop {
        return false;
    }
    let ways: [(&str, &[&str]); 2] = [("udisksctl", &["power-off", "--no-user-interaction", "-b"]), ("eject", &[])];
    for (program, args) in ways {
        let mut command = process::command(program);
        command.args(args).arg(&disk.path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if command.status().is_ok_and(|status| status.success()) {
            return true;
        }
    }
    console.progress().warn(&format!(
        "{} could not be switched off: all is written, so unplug it as soon as its light does not flicker",
        disk.path.display()
    ));
    false
}
