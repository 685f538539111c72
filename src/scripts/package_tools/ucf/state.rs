//! What ucf's commands share: where they keep what they remember, and lines `KEY PATH` in it.

use crate::shell::{Absent, Call, FileError, Files, Reason};

/// Where a command keeps what it remembers: the option, `UCF_STATE_DIR`, or the usual place.
pub(super) fn dir(call: &Call<'_>, option: Option<&str>) -> String {
    let dir = option.map(str::to_owned).or_else(|| exported(call, "UCF_STATE_DIR"));
    dir.unwrap_or_else(|| "/var/lib/ucf".to_owned())
}

/// A variable of the environment that is not empty.
pub(super) fn exported(call: &Call<'_>, name: &str) -> Option<String> {
    let value = call.variables.get(name).filter(|value| !value.is_empty())?;
    call.variables.is_exported(name).then(|| value.to_owned())
}

/// Refuses a `/etc/ucf.conf` that decides something: it is a piece of shell, all comments as Debian ships it.
pub(super) fn refuse_settings(command: &str, files: &Files) -> Result<(), Reason> {
    match files.read_text("/etc/ucf.conf") {
        Ok(text) if text.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with('#')) => {
            Err(Reason::unsupported(command, "settings in `/etc/ucf.conf`"))
        }
        Err(FileError::Reason(reason)) => Err(reason),
        _ => Ok(()),
    }
}

/// The path without links where something is, whatever of it is missing (`readlink -m`).
pub(super) fn real(files: &Files, path: &str) -> Result<String, Reason> {
    match files.canonical(path, Absent::Anything) {
        Ok(path) => Ok(path),
        Err(FileError::Reason(reason)) => Err(reason),
        Err(error) => Err(Reason::Refused(format!("ucf: {path}: {error}"))),
    }
}

/// A file's text; nothing of one that is not there.
pub(super) fn text(files: &Files, path: &str) -> Result<Option<String>, Reason> {
    match files.read_text(path) {
        Ok(text) => Ok(Some(text)),
        Err(FileError::Reason(reason)) => Err(reason),
        Err(_) => Ok(None),
    }
}

/// Makes a directory with those above it (`mkdir -p`).
pub(super) fn make_dir(files: &mut Files, path: &str) -> Result<(), FileError> {
    let mut at = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        at.push('/');
        at.push_str(part);
        if !files.is_dir(&at)? {
            files.mkdir(&at, 0o777)?;
        }
    }
    Ok(())
}

/// Whether a line is about the path: it stands at its end, after white space.
pub(super) fn is_about(line: &str, path: &str) -> bool {
    line.strip_suffix(path).is_some_and(|before| before.ends_with(char::is_whitespace))
}

/// The first word of each line about the path.
pub(super) fn keys<'t>(text: &'t str, path: &str) -> Vec<&'t str> {
    let lines = text.lines().filter(|line| is_about(line, path));
    lines.map(|line| line.split_whitespace().next().unwrap_or_default()).collect()
}

/// The lines that are not about the path.
pub(super) fn without(text: &str, path: &str) -> String {
    text.lines().filter(|line| !is_about(line, path)).flat_map(|line| [line, "\n"]).collect()
}
