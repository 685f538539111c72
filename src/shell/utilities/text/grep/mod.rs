//! grep: POSIX.1-2024 XCU grep; the manual of GNU grep 3.11. `egrep` and `fgrep` are its older names.
//!
//! ```text
//! arguments ─▶ settings ─▶ search (each file) ─▶ output, exit status
//! ```

mod search;
mod settings;

use search::{Found, search};
use settings::{Settings, settings};

use super::input;
use crate::shell::call::{Answer, Call};
use crate::shell::files::{FileError, Files};
use crate::shell::reason::Reason;
use crate::shell::regex::Dialect;
use crate::tree::Kind;

/// grep(1)
pub(super) fn grep(call: &mut Call<'_>) -> Answer {
    run(call, Dialect::Basic)
}

/// egrep(1): `grep -E`
pub(super) fn egrep(call: &mut Call<'_>) -> Answer {
    run(call, Dialect::Extended)
}

/// fgrep(1): `grep -F`
pub(super) fn fgrep(call: &mut Call<'_>) -> Answer {
    run(call, Dialect::Fixed)
}

fn unsupported(what: impl Into<String>) -> Reason {
    Reason::unsupported("grep", what)
}

fn run(call: &mut Call<'_>, dialect: Dialect) -> Answer {
    let (settings, operands) = settings(call, dialect)?;
    if settings.idle {
        return Ok(1);
    }
    let mut failed = false;
    let mut selected = false;
    let mut with_output = 0;
    for (name, listed) in files(call, &settings, operands)? {
        let text = match input::bytes(call, &name) {
            Ok(text) => text,
            Err(FileError::Reason(reason)) => return Err(reason),
            Err(error) => {
                if !settings.silent {
                    call.complain(&format!("grep: {name}: {error}"));
                }
                failed = true;
                continue;
            }
        };
        let Found { output, any } = search(&settings, &text, &name)?;
        selected |= any;
        if any && settings.quiet {
            return Ok(0);
        }
        if listed && !output.is_empty() {
            with_output += 1;
            if with_output > 1 {
                return Err(unsupported("-r where several files have output, whose order is the file system's"));
            }
        }
        call.out.extend_from_slice(&output);
        input::bounded(call.out.len())?;
    }
    Ok(match (failed, selected) {
        (true, _) => 2,
        (false, true) => 0,
        (false, false) => 1,
    })
}

/// The files to search, and whether a directory's listing gave them.
fn files(call: &Call<'_>, settings: &Settings, operands: Vec<String>) -> Result<Vec<(String, bool)>, Reason> {
    if !settings.recursive {
        return Ok(input::or_stdin(operands).into_iter().map(|name| (name, false)).collect());
    }
    let mut found = Vec::new();
    if operands.is_empty() {
        return Err(unsupported("-r without a file"));
    }
    for name in operands {
        if !input::is_stdin(&name) && call.files.is_dir(&name)? {
            below(call.files, &name, 0, &mut found)?;
        } else {
            found.push((name, false));
        }
    }
    Ok(found)
}

/// All regular files below a directory; links are not followed (grep's manual, `-r`).
fn below(files: &Files, dir: &str, depth: usize, found: &mut Vec<(String, bool)>) -> Result<(), Reason> {
    if depth > 100 {
        return Err(Reason::Limit("100 directories in each other"));
    }
    let reason = |error| match error {
        FileError::Reason(reason) => reason,
        _ => Reason::Unreadable(dir.to_owned()),
    };
    for name in files.list(dir).map_err(reason)? {
        let path = if dir.ends_with('/') { format!("{dir}{name}") } else { format!("{dir}/{name}") };
        match files.stat(&path, false).map_err(reason)?.1.kind {
            Kind::Dir => below(files, &path, depth + 1, found)?,
            Kind::File(_) => found.push((path, true)),
            _ => {}
        }
    }
    Ok(())
}
