//! add-shell(8) and remove-shell(8) of debianutils 5: the names in `/etc/shells`.
//!
//! The programs are shell scripts, but keep others off by a lock that a tree in memory has no use for.

use crate::scripts::debian::Debian;
use crate::shell::{Answer, Call, FileError, Reason};

const FILE: &str = "/etc/shells";

/// add-shell(8)
pub(super) fn add_shell(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    change(call, |lines, names| {
        for name in names {
            if !lines.contains(&name) {
                lines.push(name);
            }
        }
    })
}

/// remove-shell(8)
pub(super) fn remove_shell(_: &mut Debian<'_>, call: &mut Call<'_>) -> Answer {
    change(call, |lines, names| lines.retain(|line| !names.contains(line)))
}

/// Changes the lines by the shells named, each also by its name behind linked directories.
fn change(call: &mut Call<'_>, with: impl Fn(&mut Vec<String>, Vec<String>)) -> Answer {
    if call.args.is_empty() {
        call.complain("usage: add-shell shellname [shellname ...]");
        return Ok(1);
    }
    let text = match call.files.read_text(FILE) {
        Ok(text) => text,
        // The effect that makes the list of all packages does so after the scripts, and keeps what is there.
        Err(FileError::Missing) => String::new(),
        Err(error) => return call.failed("add-shell", FILE, error),
    };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut names = Vec::new();
    for name in call.args {
        let (dir, base) = name.rsplit_once('/').unwrap_or(("", name));
        let real = call.files.tree().resolve(dir, true).map_err(|error| Reason::Refused(error.to_string()))?;
        names.extend([name.clone(), format!("/{real}/{base}")]);
    }
    with(&mut lines, names);
    let text = lines.iter().fold(String::new(), |all, line| all + line + "\n");
    match call.files.write(FILE, text.as_bytes()) {
        Ok(()) => Ok(0),
        Err(FileError::Reason(reason)) => Err(reason),
        Err(error) => call.failed("add-shell", FILE, error),
    }
}
